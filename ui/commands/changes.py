"""Changes of job code as commands."""

from __future__ import annotations

import re
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from knowledge.errors import NotFound, ReadError
from ui.commands.options import JsonOption, LakeOption, open_lake
from ui.commands.output import Output

if TYPE_CHECKING:
    from tools.diff import JobDiff
    from tools.workspace import Workspace

__all__ = ["diff", "review", "simulate"]


class Gravity(StrEnum):
    """How grave a change is."""

    NONE = "none"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


def diff(
    ctx: typer.Context,
    old: Annotated[str, typer.Argument(metavar="OLD", help="A script, REVISION:script in git, or a job of the lake.")],
    new: Annotated[
        str | None,
        typer.Argument(
            metavar="NEW", help="Another script. A job alone is compared with what it was.", show_default=False
        ),
    ] = None,
    base: Annotated[
        str | None, typer.Option(metavar="REVISION", help="Compare a job with this git revision.", show_default=False)
    ] = None,
    lake: LakeOption = None,
    json: JsonOption = False,
) -> None:
    """What changed between two versions of a job, by meaning: clauses, columns, and rows that show it.

    Reformatting, renamed aliases and reordered joins are no change. A job is compared with its last snapshot, else with
    the last commit. The exit code is 0 whatever changed; `review` has one for pipelines.

    \b
    Examples:
      de-copilot diff product_dim_job --base main
      de-copilot diff old/positions_job.py new/positions_job.py
      de-copilot diff main:jobs/risk_report_job.sql jobs/risk_report_job.sql --json
    """
    ws = open_lake(ctx, lake)
    Output(json).result(_compared(ws, old, new, base))


def review(
    ctx: typer.Context,
    base: Annotated[
        str, typer.Option(metavar="REVISION", help="What to compare with: a branch, tag or commit.")
    ] = "main",
    fail_on: Annotated[
        Gravity, typer.Option("--fail-on", help="The severity from which the exit code is 1; none never fails.")
    ] = Gravity.HIGH,
    lake: LakeOption = None,
    json: JsonOption = False,
) -> None:
    """Review the jobs and table schemas that a git branch changed: what each means, what it reaches, and how grave that is.

    Prints one comment in Markdown. The lake is the checkout (or --lake inside it): its schemas may be declared in
    tables/<database>/<table>/_table.json where the data are elsewhere. action.yml is a ready GitHub Action.

    \b
    Examples:
      de-copilot review --base origin/main
      de-copilot review --base main --fail-on medium --json
    """
    from ui.review import review as reviewed

    output = Output(json)
    found = reviewed(open_lake(ctx, lake), base)
    if json:
        output.data(found.to_dict())
    else:
        output.text(f"{found.text()}\n")
    if fail_on is not Gravity.NONE and found.reaches(fail_on.value):
        raise typer.Exit(1)


def simulate(
    ctx: typer.Context,
    job: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="The job that changes. Alone: as it is against its last snapshot.", show_default=False
        ),
    ] = None,
    new: Annotated[
        str | None, typer.Option(metavar="FILE", help="Its edited script, or REVISION:script.", show_default=False)
    ] = None,
    edit: Annotated[
        list[str] | None,
        typer.Option(metavar="WORDS", help="An edit of it in words or SQL; may be repeated.", show_default=False),
    ] = None,
    sql: Annotated[
        str | None,
        typer.Option(metavar="FILE|SQL", help="Another query of the one --kpi: no job changes.", show_default=False),
    ] = None,
    kpi: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this KPI; may be repeated.", show_default=False)
    ] = None,
    days: Annotated[int, typer.Option(min=1, metavar="N", help="Days up to the newest one.")] = 90,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what it would read and cost.")] = False,
    report: Annotated[bool, typer.Option("--report", help="Write a report to output/kpi_reports.")] = False,
    lake: LakeOption = None,
    json: JsonOption = False,
) -> None:
    """What KPIs would have looked like, day by day, had a job been another one. Nothing is built.

    Old and new logic are composed down to tables that do not change and run over the same inputs in one statement. What
    cannot be replayed is refused, with the file and line. Of several edits it is told what each moves alone.

    \b
    Examples:
      de-copilot simulate --job positions_job --new positions_job.py --days 30
      de-copilot simulate --job positions_job --edit "exclude rows where currency = 'USD'" --kpi "Total AUM" --report
      de-copilot simulate --job risk_report_job --edit "exclude dormant customers" --dry-run
      de-copilot simulate --kpi "Total AUM" --sql total_aum.sql
    """
    from tools.kpi import simulate as simulated
    from tools.reports import write_drafts

    output = Output(json)
    ws = open_lake(ctx, lake)
    found = simulated(
        ws,
        job=job,
        new_text=_text(new) if new is not None else None,
        edit=edit,
        sql=_text(sql) if sql is not None and not re.search(r"\s", sql) else sql,
        kpis=kpi or None,
        days=days,
        dry_run=dry_run,
        progress=output.step,
    )
    written = write_drafts(ws.lake, found.drafts) if report else []
    if json:
        output.data({**found.to_dict(), "written": written})
        return
    output.result(found)
    for path in written:
        output.text(f"Written: {path}\n")


def _compared(ws: Workspace, old: str, new: str | None, base: str | None) -> JobDiff:
    from tools.diff.asking import diff_job, diff_texts

    if new is None:
        return diff_job(ws, old, base=base)
    if not _is_script(old):
        return diff_job(ws, old, base=base, new_text=_text(new))
    return diff_texts(ws, (old, _text(old)), (new, _text(new)))


def _is_script(name: str) -> bool:
    return Path(name).is_file() or ":" in name or Path(name).suffix in (".py", ".sql")


def _text(name: str) -> str:
    """A script by its path, or as it is in a revision."""
    from tools.diff.asking import git_text

    path = Path(name)
    revision, _, inner = name.partition(":")
    if not path.is_file() and inner:
        return git_text(Path(inner).absolute(), revision)
    if not path.is_file():
        raise NotFound("script", name)
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ReadError(f"{name} cannot be read: {error}", where=name) from None
