"""What is kept, as commands: `snapshot` keeps jobs as they are now, `history` shows it; and reports, written."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ui.commands.options import JsonOption, LakeOption, open_lake
from ui.commands.output import Output
from ui.commands.reading import read_text

if TYPE_CHECKING:
    from tools.guardian import GuardReport
    from tools.lake.base import Lake

__all__ = ["history", "import_", "snapshot", "write_report"]


def snapshot(
    ctx: typer.Context,
    jobs: Annotated[
        list[str] | None, typer.Argument(metavar="JOB", help="Jobs; without any, all of the lake.", show_default=False)
    ] = None,
    lake: LakeOption = None,
    json: JsonOption = False,
) -> None:
    """Keep jobs as they are now: their records, those of their tables, and a snapshot where one differs from its last.

    \b
    Examples:
      de-copilot snapshot
      de-copilot snapshot product_dim_job
    """
    from tools.snapshots import remember

    Output(json).result(remember(open_lake(ctx, lake), *(jobs or ())))


def history(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="A job, table, dashboard or KPI, also one that is gone.")],
    lake: LakeOption = None,
    json: JsonOption = False,
) -> None:
    """Every snapshot that was kept of a job, table, dashboard or KPI, and what each one changed.

    \b
    Example:
      de-copilot history product_dim_job
    """
    from tools.history import history_of

    Output(json).result(history_of(open_lake(ctx, lake), name))


def import_(
    ctx: typer.Context,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="OpenLineage events (JSON, or one a line), or dbt's manifest.json.")
    ],
    lake: LakeOption = None,
    json: JsonOption = False,
) -> None:
    """Keep the lineage of jobs that run elsewhere, or what runs of the lake's own jobs did.

    \b
    Examples:
      de-copilot import events.ndjson
      de-copilot import target/manifest.json
    """
    from tools.imports import import_text

    Output(json).result(import_text(open_lake(ctx, lake), read_text(file), file.name))


def write_report(output: Output, lake: Lake, report: GuardReport) -> None:
    """Shows a report, writes its files and says where they are."""
    from tools.reports import write_drafts

    written = write_drafts(lake, report.drafts)
    if output.json:
        output.data({**report.content(), "written": written})
        return
    output.result(report)
    output.text("\n" + "".join(f"Written: {path}\n" for path in written))
