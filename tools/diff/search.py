"""A search for data on which two versions of a job give different rows: small generated tables, run on DuckDB.

The data are made for these two queries (`rows`). What is found is cut down to a few rows before it is shown. Nothing
found proves nothing, and is told so. Seeded: the same jobs give the same answer.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from tools.diff.facts import Facts
from tools.diff.rows import TODAY, Maker, Row, Rows
from tools.plan.model import Scan
from tools.plan.render import NotRenderable, render_write
from tools.plan.whole import Plan, Write, reachable

if TYPE_CHECKING:
    import duckdb

__all__ = ["Counterexample", "NotSearchable", "engine_types", "search"]

DATABASES = 16
_REDUCTIONS = 120
_SHOWN = 3


class NotSearchable(ValueError):
    """The two versions cannot be run here; the reason is the message."""


@dataclass(frozen=True)
class Counterexample:
    """Input rows by table on which the versions differ, and rows that only one of them gives."""

    tables: Mapping[str, tuple[Mapping[str, Any], ...]]
    only_old: tuple[Mapping[str, Any], ...]
    only_new: tuple[Mapping[str, Any], ...]
    columns: tuple[str, ...] = ()
    counts: tuple[int, int] = (0, 0)  # how many rows either version gives

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "tables": {t: [_plain(r) for r in rows] for t, rows in self.tables.items()},
            "only_old": [_plain(r) for r in self.only_old],
            "only_new": [_plain(r) for r in self.only_new],
            "columns": list(self.columns),
            "rows_before_and_after": list(self.counts),
        }


def search(
    old: tuple[Write, Plan], new: tuple[Write, Plan], facts: Facts, databases: int = DATABASES
) -> Counterexample | None:
    """Rows on which the columns that both versions have differ; None when none were found.

    Raises:
        NotSearchable: a version has no SQL form, calls code, or is not understood by the engine.
    """
    sides = [_sql(*old), _sql(*new)]
    tables = _tables(old, new)
    names = [n for n in _names(old[0]) if n in set(_names(new[0]))]
    if not names:
        raise NotSearchable("the versions have no column in common")
    with _Engine(tables) as engine:
        maker = Maker(tables, [s.tree for s in sides], facts)
        for number in range(databases):
            rows = maker.database(number)
            example = _differ(engine, sides, names, rows, random.Random(number))
            if example is not None:
                return example
    return None


def engine_types(old: tuple[Write, Plan], new: tuple[Write, Plan]) -> tuple[dict[str, str], dict[str, str]]:
    """The types of either version's columns, as the engine tells them.

    Raises:
        NotSearchable: as for `search`.
    """
    sides = [_sql(*old), _sql(*new)]
    with _Engine(_tables(old, new)) as engine:
        return engine.types(sides[0].text), engine.types(sides[1].text)


@dataclass(frozen=True)
class _Side:
    tree: exp.Query
    text: str


def _sql(write: Write, plan: Plan) -> _Side:
    try:
        tree = render_write(write, plan)
    except NotRenderable as error:
        raise NotSearchable(str(error)) from None
    if any(str(a.this).startswith("__") for a in tree.find_all(exp.Anonymous)):
        raise NotSearchable("it calls code that is not SQL")
    if tree.find(exp.Rand, exp.Randn, exp.Uuid) is not None:
        raise NotSearchable("it depends on chance")
    return _Side(tree, tree.transform(_counted).transform(_today).sql("duckdb", comments=False))


def _counted(node: exp.Expr) -> exp.Expr:
    """COUNT_IF of nothing but NULLs is 0, and NULL on DuckDB."""
    if not isinstance(node, exp.CountIf):
        return node
    return exp.Count(this=exp.Case(ifs=[exp.If(this=node.this.copy(), true=exp.Literal.number(1))]))


def _today(node: exp.Expr) -> exp.Expr:
    """One day for both versions, and the same one tomorrow."""
    if isinstance(node, exp.CurrentDate):
        return exp.cast(exp.Literal.string(TODAY.date().isoformat()), "date")
    if isinstance(node, exp.CurrentTimestamp):
        return exp.cast(exp.Literal.string(TODAY.isoformat(" ")), "timestamp")
    return node


def _names(write: Write) -> list[str]:
    return [a.column.lower() for a in write.assignments]


def _tables(*sides: tuple[Write, Plan]) -> dict[str, dict[str, str]]:
    """Columns with their types, of every table that either version reads."""
    found: dict[str, dict[str, str]] = {}
    for write, plan in sides:
        for op in reachable(plan, [write]):
            if isinstance(op, Scan):
                columns = found.setdefault(op.dataset.name, {})
                for attribute in op.columns:
                    if attribute.type is None:
                        raise NotSearchable(f"the type of {op.dataset.name}.{attribute.name} is not known")
                    columns.setdefault(attribute.name.lower(), attribute.type)
    return found


class _Engine:
    """An empty DuckDB with the tables of both versions, on one thread so that ties fall the same way each time."""

    def __init__(self, tables: Mapping[str, Mapping[str, str]]) -> None:
        self._tables = tables

    def __enter__(self) -> _Engine:
        import duckdb

        self._db: duckdb.DuckDBPyConnection = duckdb.connect(config={"threads": 1})
        for name, columns in self._tables.items():
            *schema, table = name.split(".")
            if schema:
                self._db.execute(f"CREATE SCHEMA IF NOT EXISTS {_quoted('.'.join(schema))}")
            typed = ", ".join(f"{_quoted(c)} {_duck_type(t)}" for c, t in columns.items())
            try:
                self._db.execute(f"CREATE TABLE {_full(schema, table)} ({typed})")
            except duckdb.Error as error:
                raise NotSearchable(str(error).splitlines()[0]) from None
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def fill(self, rows: Rows) -> None:
        """Puts these rows, and no others, into the tables."""
        for name in self._tables:
            *schema, table = name.split(".")
            self._db.execute(f"DELETE FROM {_full(schema, table)}")  # noqa: S608 - quoted names
            given = rows.get(name)
            if given:
                places = ", ".join("?" for _ in given[0])
                self._db.executemany(f"INSERT INTO {_full(schema, table)} VALUES ({places})", given)  # noqa: S608

    def types(self, text: str) -> dict[str, str]:
        """The types of a query's columns."""
        import duckdb

        try:
            return {d[0].lower(): str(d[1]) for d in self._db.execute(text).description}
        except duckdb.Error as error:
            raise NotSearchable(str(error).splitlines()[0]) from None

    def run(self, text: str, names: Sequence[str]) -> Counter[Row]:
        """The bag of rows of a query, in some of its columns."""
        import duckdb

        try:
            cursor = self._db.execute(text)
            found = [d[0].lower() for d in cursor.description]
            places = [found.index(n) for n in names]
            return Counter(tuple(_value(row[p]) for p in places) for row in cursor.fetchall())
        except (duckdb.Error, ValueError) as error:
            raise NotSearchable(str(error).splitlines()[0]) from None


def _quoted(name: str) -> str:
    return exp.to_identifier(name, quoted=True).sql("duckdb")


def _full(schema: Sequence[str], table: str) -> str:
    return ".".join(_quoted(p) for p in ([".".join(schema)] if schema else []) + [table])


def _duck_type(kind: str) -> str:
    return exp.DataType.build(kind, dialect="athena").sql("duckdb")


def _value(value: Any) -> Any:
    """A value as it is compared: floats to nine digits, since a sum may be taken in another order."""
    if isinstance(value, float):
        return float(f"{value:.9g}") if value == value else "NaN"
    if isinstance(value, Decimal):
        return float(f"{value:.9g}")
    if isinstance(value, list):
        return tuple(map(_value, value))
    return str(value) if isinstance(value, dict) else value


# --------------------------------------------------------------------------- a difference, and the least rows that show it


def _differ(
    engine: _Engine, sides: Sequence[_Side], names: Sequence[str], rows: Rows, chance: random.Random
) -> Counterexample | None:
    def bags(given: Rows) -> tuple[Counter[Row], Counter[Row]]:
        engine.fill(given)
        return engine.run(sides[0].text, names), engine.run(sides[1].text, names)

    def totals(given: Rows) -> tuple[int, int]:
        one, other = bags(given)
        return one.total(), other.total()

    first, second = bags(rows)
    if first == second:
        return None
    shuffled = {t: chance.sample(r, len(r)) for t, r in rows.items()}
    again = bags(shuffled)
    settled = (first == again[0], second == again[1])
    if all(settled) or (any(settled) and again[0] != again[1]):
        # Of two versions one may break ties by chance: it differs from one that does not, in either order.
        least = _reduced(rows, lambda given: len(set(map(_frozen, bags(given)))) > 1)
    elif len(set(totals(rows))) > 1 and totals(shuffled) == totals(rows):
        # Which rows there are depends on the order in which they lie, and proves nothing; how many there are does not.
        least = _reduced(rows, lambda given: len(set(totals(given))) > 1)
    else:
        return None
    first, second = bags(least)
    columns = tuple(n for i, n in enumerate(names) if _column(first, i) != _column(second, i))
    used = {c.name.lower() for side in sides for c in side.tree.find_all(exp.Column)}
    tables = {t: _named(list(kinds), least[t], used) for t, kinds in engine._tables.items() if least.get(t)}
    counts = (first.total(), second.total())
    return Counterexample(tables, _some(first - second, names), _some(second - first, names), columns, counts)


def _frozen(bag: Counter[Row]) -> frozenset[tuple[Row, int]]:
    return frozenset(bag.items())


def _column(bag: Counter[Row], place: int) -> Counter[Any]:
    found: Counter[Any] = Counter()
    for row, count in bag.items():
        found[row[place]] += count
    return found


def _reduced(rows: Rows, differs: Callable[[Rows], bool]) -> Rows:
    """Fewer rows that still show it: whole halves are left out first, then single rows."""
    least, left = {t: list(r) for t, r in rows.items()}, _REDUCTIONS
    size = max((len(r) for r in least.values()), default=0)
    while size >= 1:
        for table in list(least):
            start = 0
            while start < len(least[table]) and left > 0:
                left -= 1
                trial = {**least, table: least[table][:start] + least[table][start + size :]}
                if differs(trial):
                    least = trial
                else:
                    start += size
        size //= 2
    return least


def _named(
    columns: Sequence[str], rows: Sequence[Row], only: Collection[str] | None = None
) -> tuple[Mapping[str, Any], ...]:
    """Rows by column, without columns that no version names."""
    named = (zip(columns, row, strict=True) for row in rows)
    return tuple({k: v for k, v in row if only is None or k in only} for row in named)


def _some(bag: Counter[Row], names: Sequence[str]) -> tuple[Mapping[str, Any], ...]:
    ordered = sorted(bag, key=repr)[:_SHOWN]
    return _named(list(names), ordered)


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v if v is None or isinstance(v, bool | int | float | str) else str(v) for k, v in row.items()}
