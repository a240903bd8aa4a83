"""`de-copilot replay`: the receipts of an answer, and whether its tools would find the same today."""

from __future__ import annotations

from typing import Annotated

import typer

from knowledge.errors import ConfigError
from ui.audit import open_audit
from ui.commands.options import JsonOption, LakeOption, open_lake
from ui.commands.output import Output

__all__ = ["replay"]


def replay(
    ctx: typer.Context,
    answer: Annotated[str, typer.Argument(metavar="ID", help="The answer's id, or the beginning of it.")],
    lake: LakeOption = None,
    json: JsonOption = False,
) -> None:
    """Compute the tools of an earlier answer again, and say whether they find the same; if not, what differs.

    `ask` names the id below its answer (`id` in its --json); the audit log has them all.
    The exit code is 1 when something differs or could not be computed again.

    \b
    Example:
      de-copilot replay 3f2a9c04b1de
    """
    from agent.replay import replay as compute

    ws = open_lake(ctx, lake)
    log = open_audit(ws.settings)
    if log is None:
        raise ConfigError("no audit log is kept, so there is nothing to replay", hint="[audit] off = true says so.")
    found = compute(ws, log, answer)
    Output(json).result(found)
    raise typer.Exit(0 if found.same else 1)
