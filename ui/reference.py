"""Writes docs/cli.md from the commands themselves: `python -m ui.reference`. A test holds the two together."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Iterator
from pathlib import Path

import typer

from ui.cli import app

__all__ = ["reference"]

FILE = Path(__file__).resolve().parent.parent / "docs" / "cli.md"


def main() -> None:
    """Writes the file, and says so."""
    FILE.parent.mkdir(exist_ok=True)
    FILE.write_text(reference(), encoding="utf-8")
    sys.stdout.write(f"{FILE}\n")


def reference() -> str:
    """Every command with its arguments and options, as Markdown."""
    group = typer.main.get_command(app)
    ctx = typer.Context(group, info_name="de-copilot", help_option_names=["-h", "--help"])
    commands = getattr(group, "commands", {})
    parts = ["# The command line", "", "Made by `python -m ui.reference`; edit the commands, not this file.", ""]
    parts += _section("de-copilot", ctx)
    for name, command in commands.items():
        parts += _section(f"de-copilot {name}", typer.Context(command, info_name=name, parent=ctx))
    return "\n".join(parts)


def _section(title: str, ctx: typer.Context) -> Iterator[str]:
    command = ctx.command
    yield from (f"## {title}", "")
    yield from _text(command.help or "")
    records = [record for p in command.get_params(ctx) if (record := p.get_help_record(ctx))]
    for name, meaning in records:
        yield f"- `{name}`: {' '.join(meaning.split())}"
    yield ""


def _text(help_text: str) -> Iterator[str]:
    """The command's own words; what they mark as laid out (examples) becomes code."""
    for block in inspect.cleandoc(help_text).split("\n\n"):
        lines = block.splitlines()
        if lines and lines[0].strip() == "\b":
            title, *code = lines[1:]
            yield from (title, "", "```sh", *(line.strip() for line in code), "```", "")
        else:
            yield from (*lines, "")


if __name__ == "__main__":
    main()
