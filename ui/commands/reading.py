"""`de-copilot read-job`: one script, read. It needs no lake, but knows more with one."""

from __future__ import annotations

import json as json_text
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from knowledge.errors import CopilotError, InputError, ReadError
from ui.commands.options import JsonOption, LakeOption, open_lake
from ui.commands.output import Output

if TYPE_CHECKING:
    from tools.plan.catalog import Catalog

__all__ = ["read_job", "read_text"]


def read_job(
    ctx: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A PySpark, Glue or SQL script. It is read, never run.")],
    catalog: Annotated[
        Path | None,
        typer.Option(
            metavar="JSON",
            help='Columns of tables: {"db.table": {"column": "type"}}. Without it: the lake\'s, if there is one.',
            show_default=False,
        ),
    ] = None,
    args: Annotated[
        list[str] | None, typer.Option(metavar="K=V", help="A job argument; may be given again.", show_default=False)
    ] = None,
    openlineage: Annotated[bool, typer.Option("--openlineage", help="Print an OpenLineage JobEvent.")] = False,
    lake: LakeOption = None,
    json: JsonOption = False,
) -> None:
    """Inputs, outputs, joins, filters, grain and the source of every column of one script, with lines.

    \b
    Example:
      de-copilot read-job jobs/positions_job.py --args env=prod
    """
    from tools.jobs import read_job as read
    from tools.summary import summarise

    known = _given(catalog) if catalog is not None else _of_lake(ctx, lake)
    siblings = {p.stem: read_text(p) for p in file.parent.glob("*.py") if p != file}
    reading = read(
        read_text(file),
        name=file.stem,
        file=str(file),
        catalog=known,
        arguments=_arguments(args or ()),
        imports=siblings,
    )
    output = Output(json or openlineage)
    if openlineage:
        from tools.openlineage import job_event, to_json

        output.data(to_json(job_event(reading, catalog=known)))
    elif json:
        output.data(reading.to_dict())
    else:
        output.result(summarise(reading))


def read_text(file: Path) -> str:
    """A script's text. Raises ReadError."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ReadError(f"the script cannot be read: {error}", where=str(file)) from None


def _arguments(given: Sequence[str]) -> dict[str, str]:
    pairs = [a.partition("=") for a in given]
    wrong = [name for name, equals, _ in pairs if not equals or not name]
    if wrong:
        raise InputError(f"--args {wrong[0]!r} is not of the form name=value")
    return {name: value for name, _, value in pairs}


def _of_lake(ctx: typer.Context, lake: Path | None) -> Catalog:
    """The lake's columns; without a lake that was asked for, none."""
    from tools.plan.catalog import EMPTY

    try:
        return open_lake(ctx, lake).catalog
    except CopilotError:
        if lake is not None or ctx.obj.lake is not None:
            raise
        return EMPTY


def _given(file: Path) -> Catalog:
    from tools.plan.catalog import DictCatalog

    try:
        data: Any = json_text.loads(read_text(file))
    except json_text.JSONDecodeError as error:
        raise ReadError(f"the catalog is not JSON: {error.msg}", where=f"{file}:{error.lineno}") from None
    try:
        tables = {t: list(c.items()) if isinstance(c, dict) else [(n, k) for n, k in c] for t, c in data.items()}
    except (AttributeError, TypeError, ValueError):
        hint = 'It has to be {"db.table": {"column": "type"}}.'
        raise InputError("the catalog has another form", where=str(file), hint=hint) from None
    return DictCatalog(tables)
