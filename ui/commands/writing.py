"""What is written about a table, as commands: `contract` drafts its data contract, or holds the kept one to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from ui.commands.options import JsonOption, LakeOption, open_lake
from ui.commands.output import Output

if TYPE_CHECKING:
    from tools.result import Result
    from tools.workspace import Workspace

__all__ = ["contract"]

TableArgument = Annotated[str, typer.Argument(metavar="TABLE", help="A table, bare or as database.table.")]
JobOption = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Only this job's promises; else every job's that writes it.", show_default=False),
]
DryOption = Annotated[bool, typer.Option("--dry-run", help="Show it and write nothing.")]


def contract(
    ctx: typer.Context,
    table: TableArgument,
    check: Annotated[bool, typer.Option("--check", help="Hold the kept contract against schema and data.")] = False,
    job: JobOption = None,
    dry_run: DryOption = False,
    lake: LakeOption = None,
    json: JsonOption = False,
) -> None:
    """Draft the data contract of a table (ODCS 3.1) and write it to output/contracts; or check the one that is there.

    What you added to the file stays; the version says whether a difference breaks its readers. With --check the exit
    code is 1 when the table breaks its contract: another schema, a promise that the newest batch does not keep, or a
    newest batch that is too old.

    \b
    Examples:
      de-copilot contract customer_positions_daily
      de-copilot contract customer_positions_daily --check
    """
    from tools.contract import check_contract, draft_contract

    output = Output(json)
    ws = open_lake(ctx, lake)
    if check:
        checked = check_contract(ws, table)
        output.result(checked)
        if not checked.passed:
            raise typer.Exit(1)
        return
    _written(output, ws, draft_contract(ws, table, job=job, progress=output.step), dry_run)


def _written(output: Output, ws: Workspace, result: Result, dry_run: bool) -> None:
    """Writes the drafts of a result, shows it, and says where the files are."""
    from tools.reports import drafts_of, write_drafts

    written = [] if dry_run else write_drafts(ws.lake, drafts_of(result))
    if output.json:
        output.data({**result.to_dict(), "written": written})
        return
    output.markdown(result.text())
    for path in written:
        output.text(f"Written: {path}\n")
