"""What is kept between runs, as commands: `snapshot` keeps jobs as they are now, `history` shows what was kept."""

from __future__ import annotations

from typing import Annotated

import typer

from ui.commands.options import JsonOption, LakeOption, open_lake
from ui.commands.output import Output

__all__ = ["history", "snapshot"]


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
