"""Where a command's answer goes: aligned text for people, one JSON object for programs, progress beside both.

Standard output carries the answer and nothing else. It must not know what any answer means: `terminal.py` draws it.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from ui.verdicts import clean

if TYPE_CHECKING:
    from rich.console import Console, RenderableType

    from tools.result import Result

__all__ = ["Output"]

_ENDLESS = 100_000
"""Columns of a pipe: a program that reads our text must not find names broken over lines."""


@dataclass(frozen=True)
class Output:
    """One command's two streams; `json` says for whom it writes."""

    json: bool = False

    @cached_property
    def console(self) -> Console:
        """Standard output, for people."""
        return _console(stderr=False)

    @cached_property
    def errors(self) -> Console:
        """Standard error: progress and what went wrong."""
        return _console(stderr=True)

    def result(self, result: Result) -> None:
        """A tool's answer."""
        if self.json:
            self.data(result.to_dict())
            return
        from ui.terminal import DRAWERS, draw

        if result.kind in DRAWERS:
            self.draw(draw(result.kind, result.to_dict()))
        else:
            self.markdown(result.text())

    def data(self, data: Mapping[str, Any]) -> None:
        """One JSON object. Values JSON has no form for (dates, decimals) are written as text."""
        sys.stdout.write(json.dumps(data, ensure_ascii=False, indent=2, default=str) + "\n")

    def draw(self, parts: Iterable[RenderableType]) -> None:
        """Text for people. In a pipe lines are neither wrapped nor padded."""
        if self.console.is_terminal:
            self.console.print(*parts, sep="\n")
            return
        with self.console.capture() as capture:
            self.console.print(*parts, sep="\n")
        sys.stdout.write("".join(f"{line.rstrip()}\n" for line in capture.get().splitlines()))

    def markdown(self, text: str) -> None:
        """A block of an answer: drawn in a terminal, as it is in a pipe."""
        if self.console.is_terminal:
            from rich.markdown import Markdown

            self.console.print(Markdown(clean(text), hyperlinks=False), "")
        else:
            self.text(f"{clean(text)}\n\n")

    def text(self, text: str) -> None:
        """Plain text as it is: Mermaid, Graphviz."""
        sys.stdout.write(text)

    def step(self, text: str) -> None:
        """One line of progress; programs get it too, on standard error."""
        self.errors.print(clean(text), style="dim")

    def error(self, data: Mapping[str, Any]) -> None:
        """What went wrong: `message` for people, the whole object for programs."""
        if self.json:
            self.data(data)
            return
        from rich.text import Text

        self.errors.print(Text.assemble(("error: ", "bold red"), clean(data["message"])))


def _console(*, stderr: bool) -> Console:
    """Markup, emoji codes and guessed highlights are off: text comes from a lake and is shown as it is."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _ENDLESS
    return Console(stderr=stderr, width=width, highlight=False, markup=False, emoji=False)
