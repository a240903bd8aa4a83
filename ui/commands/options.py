"""Options that many commands share, and opening the lake they name."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from tools.settings import Settings
    from tools.workspace import Workspace

__all__ = ["Globals", "JsonOption", "LakeOption", "open_lake", "settings_for"]

LakeOption = Annotated[
    Path | None,
    typer.Option(
        "--lake",
        metavar="PATH",
        help="The lake's folder. Without it: what copilot.toml or DE_COPILOT_LAKE names, else this folder.",
        show_default=False,
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else, errors included.")]


@dataclass
class Globals:
    """What was said before the command's name."""

    lake: Path | None = None
    debug: bool = False


def settings_for(ctx: typer.Context, lake: Path | None) -> Settings:
    """The settings of this run. Raises ConfigError or NotFound, as `load_settings` does."""
    from tools.settings import load_settings

    said: Globals = ctx.obj
    return load_settings(lake or said.lake)


def open_lake(ctx: typer.Context, lake: Path | None) -> Workspace:
    """The workspace of this run. Raises ConfigError or NotFound when there is no lake."""
    from tools.workspace import open_workspace

    return open_workspace(settings_for(ctx, lake))
