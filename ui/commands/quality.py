"""Data quality as commands: `tests` makes the tests of a table, `check` runs them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ui.commands.options import JsonOption, LakeOption, open_lake
from ui.commands.output import Output

if TYPE_CHECKING:
    from tools.analyze import Advisor
    from tools.checks.export import TestFiles
    from tools.checks.suite import Suite
    from tools.workspace import Workspace

__all__ = ["analyze", "check", "document", "tests"]


def tests(
    ctx: typer.Context,
    table: Annotated[str, typer.Argument(metavar="TABLE", help="A table, or the job that writes it.")],
    job: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Only this job's promises; else every job's that writes it.", show_default=False
        ),
    ] = None,
    column: Annotated[str | None, typer.Option(help="Only tests about this column.", show_default=False)] = None,
    formats: Annotated[
        list[str] | None,
        typer.Option("--format", help="Also files for this tool: dbt, gx, soda or dqdl; several times for several."),
    ] = None,
    dialect: Annotated[
        str, typer.Option(metavar="SQL", help="The SQL of the warehouse that these tools ask.")
    ] = "athena",
    kept: Annotated[
        bool, typer.Option("--kept", help="Make no tests; write the files of other tools from those in output/tests.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show them and write nothing.")] = False,
    lake: LakeOption = None,
    json: JsonOption = False,
) -> None:
    """Make data quality tests for a table: few, proven, each with its reason; they are written to output/tests.

    Every test was run on the data there is, back-tested on later batches and shown to catch its fault. What you edited
    in the file, added to it or switched off stays. With --format the same tests become files of tools that you run
    already: dbt, Great Expectations, Soda, AWS Glue Data Quality.

    \b
    Examples:
      de-copilot tests customer_positions_daily
      de-copilot tests dim_product --dry-run
      de-copilot tests dim_product --format dbt --format dqdl --kept
    """
    from tools.checks.export import FORMATS, export_tests, with_files
    from tools.checks.suite import generate, subject_of
    from tools.reports import write_drafts

    output = Output(json)
    ws = open_lake(ctx, lake)
    name = subject_of(ws, table, job)
    made: Suite | TestFiles
    if kept:
        made = export_tests(ws, name, formats or list(FORMATS), dialect=dialect)
    else:
        made = generate(ws, name, job=job, column=column, progress=output.step)
        made = with_files(ws, made, formats, dialect=dialect) if formats else made
    written = [] if dry_run else write_drafts(ws.lake, made.drafts)
    if json:
        output.data({**made.to_dict(), "written": written})
        return
    output.markdown(made.text())
    for path in written:
        output.text(f"Written: {path}\n")


def check(
    ctx: typer.Context,
    table: Annotated[str, typer.Argument(metavar="TABLE", help="A table, bare or as database.table.")],
    partition: Annotated[
        str | None,
        typer.Option(metavar="VALUE", help="A batch, such as as_of_date=2026-01-31 or 2026-01-31; else the newest."),
    ] = None,
    lake: LakeOption = None,
    json: JsonOption = False,
) -> None:
    """Run the tests of a table on its newest batch: all in one scan, one more query for each foreign key.

    The tests are those of output/tests; a table without a file gets them made on the spot. The exit code is 1 when a
    test of severity error fails or cannot be computed.

    \b
    Examples:
      de-copilot check customer_positions_daily
      de-copilot check customer_positions_daily --partition 2026-01-30 --json
    """
    from tools.checks.run import run_checks

    output = Output(json)
    run = run_checks(open_lake(ctx, lake), table, partition=partition)
    output.result(run)
    if not run.passed:
        raise typer.Exit(1)


def document(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A table or a job.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show it and write nothing.")] = False,
    lake: LakeOption = None,
    json: JsonOption = False,
) -> None:
    """Document a table or job: grain, columns with their origin, tests, figures, users, known issues; to output/docs.

    \b
    Examples:
      de-copilot document customer_positions_daily
      de-copilot document positions_fact_job --dry-run
    """
    from tools.reports import drafts_of, write_drafts
    from tools.toolbox import call_tool

    output = Output(json)
    ws = open_lake(ctx, lake)
    found = call_tool(ws, "docs", {"asset": name})
    written = [] if dry_run else write_drafts(ws.lake, drafts_of(found))
    if json:
        output.data({**found.to_dict(), "written": written})
        return
    output.result(found)
    output.text("".join(f"Written: {path}\n" for path in written))


def analyze(
    ctx: typer.Context,
    table: Annotated[str, typer.Argument(metavar="TABLE", help="A table, bare or as database.table.")],
    job: Annotated[
        str | None,
        typer.Option(metavar="NAME|FILE", help="Only this job counts as its writer; or a script.", show_default=False),
    ] = None,
    without_model: Annotated[
        bool, typer.Option("--no-model", help="Ask no model for suggestions, though one is set.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show a summary and write nothing.")] = False,
    lake: LakeOption = None,
    json: JsonOption = False,
) -> None:
    """Analyze a table: tests, contract and documentation in one go, and its jobs' records kept.

    A model, where one is set, is asked for more tests, descriptions and notes; each of them is proven or checked like
    ours, or dropped with the reason.

    \b
    Examples:
      de-copilot analyze customer_positions_daily
      de-copilot analyze dim_product --job product_dim_job --json
      de-copilot analyze dim_product --job new/product_dim_job.py --dry-run
    """
    from tools.analyze import analyze as analyzed
    from tools.reports import write_drafts

    output = Output(json)
    ws = open_lake(ctx, lake)
    if job is not None and Path(job).suffix.lower() in (".py", ".sql"):
        ws, job = _with_script(ws, Path(job))
    advisor: Advisor | None = None
    if ws.settings.model != "offline" and not without_model:
        from agent.enrich import ModelAdvisor

        advisor = ModelAdvisor(ws)
    found = analyzed(ws, table, job=job, advisor=advisor, progress=output.step)
    written = [] if dry_run else write_drafts(ws.lake, found.drafts)
    if json:
        output.data({**found.to_dict(), "written": written})
        return
    output.result(found)
    output.text("".join(f"Written: {path}\n" for path in written))


def _with_script(ws: Workspace, file: Path) -> tuple[Workspace, str]:
    """The lake as if a script were the job of its name.

    Raises NotFound or ReadError for a file that is not there, or is no text.
    """
    from knowledge.errors import NotFound, ReadError

    try:
        text = file.read_text("utf-8-sig")
    except FileNotFoundError:
        raise NotFound("Script", str(file)) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ReadError(f"the script cannot be read: {error}", where=str(file)) from error
    return ws.with_job(file.stem, str(file), text), file.stem
