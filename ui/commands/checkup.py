"""What `de-copilot doctor` is made of: a check's line, and what checks look at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import typer

from ui.commands.options import open_lake, settings_for

if TYPE_CHECKING:
    from tools.settings import Settings
    from tools.workspace import Workspace

__all__ = ["Check", "Examine", "Patient", "Status"]

Status = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Check:
    """One line: what was looked at, whether it is in order, what was found and what to do about it."""

    name: str
    status: Status
    found: str
    todo: str | None = None


@dataclass
class Patient:
    """What the checks look at. Opening it may fail; the check that asks reports it."""

    ctx: typer.Context
    lake: Path | None

    @cached_property
    def settings(self) -> Settings:
        return settings_for(self.ctx, self.lake)

    @cached_property
    def ws(self) -> Workspace:
        return open_lake(self.ctx, self.lake)


Examine = Callable[[str, Patient], Iterator[Check]]
