"""`de-copilot init`: any folder of tables and job scripts becomes a lake."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from ui.commands.options import JsonOption
from ui.commands.output import Output

__all__ = ["init"]


def init(
    path: Annotated[Path, typer.Argument(metavar="PATH", help="The folder; only copilot.toml is written into it.")],
    force: Annotated[bool, typer.Option("--force", help="Replace a copilot.toml that is there.")] = False,
    json: JsonOption = False,
) -> None:
    """Make a lake of a folder: find its tables and jobs, say what was understood, write copilot.toml.

    \b
    Example:
      de-copilot init exports/2026
    """
    from tools.init import discover, write_config

    output = Output(json)
    found = discover(path)
    written = write_config(found, force=force)
    if json:
        output.data({**found.to_dict(), "written": str(written)})
        return
    output.text(f"{found.text()}\n\nWritten: {written}\nNow ask: de-copilot ui --lake {path}\n")
