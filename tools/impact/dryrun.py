"""A dry run: what the engine says of a job's query over empty tables of given columns. No data is read.

It decides what names alone cannot: whether types still fit, and which types come out. Only Athena SQL is tried: Spark
brings most types together by itself, and where it does not only a run tells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from sqlglot import exp

from knowledge.errors import ConfigError, CopilotError, NotFound, QueryError
from tools.jobs import JobReading
from tools.lake.base import Column, Table, TableName
from tools.lake.dialect import prepare, to_duckdb, view_name
from tools.lake.guard import parse_athena
from tools.lake.types import athena_type, duckdb_type, result_type
from tools.plan.catalog import Catalog, Columns
from tools.plan.render import NotRenderable, render_write

if TYPE_CHECKING:
    from tools.lake.engine import Engine
    from tools.plan.whole import Plan, Write

__all__ = ["DryRunner", "Outcome", "fits", "new_types", "spells_out", "widens"]

_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the engine said of one write: the refusal, or the columns that come out."""

    refused: str | None = None
    columns: tuple[tuple[str, str], ...] = ()


class DryRunner:
    """Dry runs over catalogs; views of tables are made again only where their columns differ."""

    def __init__(self) -> None:
        self._made: dict[str, tuple[tuple[str, str], ...]] = {}

    @cached_property
    def _engine(self) -> Engine:
        from tools.lake.engine import Engine

        return Engine(tuple)

    def outcomes(self, reading: JobReading, catalog: Catalog) -> list[Outcome | None]:
        """One for each write of a job; None for what cannot be tried."""
        if reading.plan.dialect != "athena":
            return [None for _ in reading.plan.writes]
        return [self._outcome(write, reading.plan, catalog) for write in reading.plan.writes]

    def _outcome(self, write: Write, plan: Plan, catalog: Catalog) -> Outcome | None:
        try:
            query = parse_athena(render_write(write, plan).sql("athena", comments=False))
            prepared = prepare(query, lambda name: _table(name, catalog))
            for table in prepared.tables.values():
                self._define(table)
            answer = self._engine.select(to_duckdb(prepared), rows=1, seconds=_SECONDS)
        except NotRenderable:
            return None
        except QueryError as error:
            return Outcome(error.message)
        except CopilotError:
            return None
        names = [a.column for a in write.assignments]
        return Outcome(None, tuple(zip(names, map(_told, answer.types), strict=False)))

    def _define(self, table: Table) -> None:
        columns = tuple((c.name, c.type) for c in table.columns)
        if self._made.get(str(table.name)) == columns:
            return
        empty = [exp.alias_(exp.cast(exp.Null(), duckdb_type(kind)), name, quoted=True) for name, kind in columns]
        self._engine.define_view(view_name(table.name), exp.select(*empty).where(exp.false()))
        self._made[str(table.name)] = columns


def _table(name: str, catalog: Catalog) -> Table:
    """A table of the catalog. Raises NotFound where its columns, or a type among them, are not known."""
    full = catalog.canonical(name)
    columns: Columns | None = catalog.columns(full)
    database, _, bare = full.rpartition(".")
    if not columns or not database or not all(kind for _, kind in columns):
        raise NotFound("table", name)
    return Table(TableName(database, bare), tuple(Column(n, _spelled(str(kind))) for n, kind in columns))


def _spelled(kind: str) -> str:
    try:
        return athena_type(kind)
    except ConfigError:
        raise NotFound("type", kind) from None


def _told(kind: str) -> str:
    try:
        return result_type(kind)
    except ConfigError:
        return "unknown"


_NUMBERS = ("tinyint", "smallint", "integer", "bigint", "decimal", "real", "double")
_WORDS = ("char", "varchar")


def fits(kind: str, target: str) -> bool:
    """Whether Athena puts a value of a type into a column of another by itself."""
    have, want = _family(kind), _family(target)
    if have == want or kind == "unknown" or (have in _WORDS and want in _WORDS):
        return True
    if have in _NUMBERS and want in _NUMBERS:
        return _NUMBERS.index(have) <= _NUMBERS.index(want)
    return (have, want) == ("date", "timestamp")


def widens(before: str | None, after: str | None) -> bool:
    """Whether every value stays what it is and compares as it did, but for digits beyond what the type holds."""
    if before is None or after is None:
        return False
    try:
        have, want = athena_type(before), athena_type(after)
    except ConfigError:
        return False
    if have == want:
        return True
    if _family(have) == _family(want):
        return _lengths(have) <= _lengths(want) and _family(have) in ("decimal", *_WORDS)
    return fits(have, want)


def spells_out(before: str | None, after: str | None) -> bool:
    """Whether every value is written as text: none is lost, and none becomes NULL."""
    if before is None or after is None:
        return False
    try:
        have, want = athena_type(before), athena_type(after)
    except ConfigError:
        return False
    plain = (*_NUMBERS, "date", "timestamp", "boolean")
    return want == "varchar" and _family(have) in plain


def _family(kind: str) -> str:
    return kind.partition("(")[0].strip().lower()


def _lengths(kind: str) -> tuple[int, ...]:
    """What stands in a type's parentheses; a `varchar` without any holds more than all that have some."""
    inside = kind.partition("(")[2].rstrip(")")
    return tuple(int(n) for n in inside.split(",") if n.strip().isdigit()) or (10**9,)


def new_types(before: Sequence[Outcome | None], after: Sequence[Outcome | None], place: int) -> dict[str, str]:
    """Columns of one write that come out in another type than before."""
    if place >= min(len(before), len(after)):
        return {}
    old, new = before[place], after[place]
    if old is None or new is None:
        return {}
    had = dict(old.columns)
    return {name.lower(): kind for name, kind in new.columns if name in had and had[name] != kind}
