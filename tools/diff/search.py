"""A search for data on which two versions of a job give different rows: small generated tables, run on DuckDB.

The data are made for these two queries: numbers around the constants that they name, the texts that they compare with,
NULLs wherever a column may have them, join columns with few values, and empty tables. What is found is cut down to a
few rows before it is shown. Nothing found proves nothing, and is told so. Seeded: the same jobs give the same answer.
"""

from __future__ import annotations

import datetime
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from tools.diff.form import Facts
from tools.plan.model import Scan
from tools.plan.render import NotRenderable, render_write
from tools.plan.whole import Plan, Write, reachable

if TYPE_CHECKING:
    import duckdb

__all__ = ["Counterexample", "NotSearchable", "search"]

DATABASES = 16
_SIZES = (0, 3, 8, 14, 25, 40)
_REDUCTIONS = 120
_SHOWN = 3

Row = tuple[Any, ...]
Rows = dict[str, list[Row]]


class NotSearchable(ValueError):
    """The two versions cannot be run here; the reason is the message."""


@dataclass(frozen=True)
class Counterexample:
    """Input rows by table on which the versions differ, and rows that only one of them gives."""

    tables: Mapping[str, tuple[Mapping[str, Any], ...]]
    only_old: tuple[Mapping[str, Any], ...]
    only_new: tuple[Mapping[str, Any], ...]
    columns: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "tables": {t: [_plain(r) for r in rows] for t, rows in self.tables.items()},
            "only_old": [_plain(r) for r in self.only_old],
            "only_new": [_plain(r) for r in self.only_new],
            "columns": list(self.columns),
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
        maker = _Maker(tables, [s.tree for s in sides], facts)
        for number in range(databases):
            rows = maker.database(number)
            example = _differ(engine, sides, names, rows, random.Random(number))
            if example is not None:
                return example
    return None


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
    return _Side(tree, tree.transform(_counted).sql("duckdb", comments=False))


def _counted(node: exp.Expr) -> exp.Expr:
    """COUNT_IF of nothing but NULLs is 0, and NULL on DuckDB."""
    if not isinstance(node, exp.CountIf):
        return node
    return exp.Count(this=exp.Case(ifs=[exp.If(this=node.this.copy(), true=exp.Literal.number(1))]))


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

    first, second = bags(rows)
    if first == second:
        return None
    shuffled = {t: chance.sample(r, len(r)) for t, r in rows.items()}
    if bags(shuffled) != (first, second):
        return None  # the rows depend on the order in which they lie: no proof of anything
    least = _reduced(rows, lambda given: len(set(map(_frozen, bags(given)))) > 1)
    first, second = bags(least)
    columns = tuple(n for i, n in enumerate(names) if _column(first, i) != _column(second, i))
    tables = {t: _named(list(columns_of), least[t]) for t, columns_of in engine._tables.items() if least.get(t)}
    return Counterexample(tables, _some(first - second, names), _some(second - first, names), columns)


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


def _named(columns: Sequence[str], rows: Sequence[Row]) -> tuple[Mapping[str, Any], ...]:
    return tuple(dict(zip(columns, row, strict=True)) for row in rows)


def _some(bag: Counter[Row], names: Sequence[str]) -> tuple[Mapping[str, Any], ...]:
    ordered = sorted(bag, key=repr)[:_SHOWN]
    return _named(list(names), ordered)


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    return {k: v if v is None or isinstance(v, bool | int | float | str) else str(v) for k, v in row.items()}


# --------------------------------------------------------------------------- the data


class _Maker:
    """Makes databases for some queries."""

    def __init__(self, tables: Mapping[str, Mapping[str, str]], trees: Sequence[exp.Expr], facts: Facts) -> None:
        self._tables, self._facts = tables, facts
        literals = [node for tree in trees for node in tree.find_all(exp.Literal)]
        self._texts = list(dict.fromkeys(n.this for n in literals if n.is_string))
        self._numbers = list(dict.fromkeys(_number(n.this) for n in literals if not n.is_string))
        self._moments = [m for t in self._texts if (m := _moment(t)) is not None]

    def database(self, number: int) -> Rows:
        """One database; the first ones are small, so that what is found soon is short."""
        chance = random.Random(f"database {number}")
        size = _SIZES[number] if number < len(_SIZES) else chance.choice(_SIZES[2:])
        return {name: self._rows(name, size, chance) for name in self._tables}

    def _rows(self, table: str, size: int, chance: random.Random) -> list[Row]:
        columns = self._tables[table]
        key = [c for c in self._facts.keys.get(table, ()) if c in columns]
        seen: set[Row] = set()
        rows: list[Row] = []
        for _ in range(size):
            row = {c: self._cell(table, c, t, c in key, chance) for c, t in columns.items()}
            mark = tuple(row[c] for c in key)
            if key and mark in seen:
                continue
            seen.add(mark)
            rows.append(tuple(row.values()))
            if not key and rows and chance.random() < 0.1:
                rows.append(chance.choice(rows))
        return rows

    def _cell(self, table: str, column: str, kind: str, is_key: bool, chance: random.Random) -> Any:
        if not is_key and not self._facts.never_null(table, column) and chance.random() < 0.15:
            return None
        family = kind.partition("(")[0].strip().lower()
        make = _MAKERS.get(family)
        if make is None:
            return None
        return make(self, kind, chance)

    def integer(self, kind: str, chance: random.Random) -> int:
        """Few values, so that joins meet; and those around the constants."""
        pool = [*range(1, 7)] * 2 + [0, -1] + [int(n) + d for n in self._numbers for d in (-1, 0, 1)]
        limit = {"tinyint": 127, "smallint": 32_767}.get(kind, 2**31 - 1)
        return int(max(-limit, min(limit, chance.choice(pool))))

    def real(self, kind: str, chance: random.Random) -> Any:
        """Quarters, which floats hold exactly; and the constants with what is just beside them."""
        near = [n + d for n in self._numbers for d in (-1, -0.25, 0, 0.25, 1)]
        value = chance.choice(near) if near and chance.random() < 0.6 else chance.randint(-40, 800) / 4
        if not kind.lower().startswith("decimal"):
            return float(value)
        data = exp.DataType.build(kind, dialect="athena")
        places = int(data.expressions[1].name) if len(data.expressions) > 1 else 0
        whole = int(data.expressions[0].name) - places if data.expressions else 18
        bounded = max(-(10**whole) + 1, min(10**whole - 1, value))
        return Decimal(str(bounded)).quantize(Decimal(1).scaleb(-places))

    def text(self, kind: str, chance: random.Random) -> str:
        """The texts that are compared with, also in other case; and some others."""
        del kind
        pool = [*self._texts * 3, *(t.lower() for t in self._texts), "a", "b", "B", ""]
        return str(chance.choice(pool))

    def date(self, kind: str, chance: random.Random) -> datetime.date:
        """Few days in several months and years, and those around the constants."""
        return self.moment(kind, chance).date()

    def moment(self, kind: str, chance: random.Random) -> datetime.datetime:
        """The same with hours."""
        del kind
        bases = self._moments if self._moments and chance.random() < 0.7 else [datetime.datetime(2026, 1, 30)]
        days = chance.choice((-1, 0, 0, 1, 2, 32, 366))
        hours = chance.choice((0, 0, 6, 23))
        return chance.choice(bases) + datetime.timedelta(days=days, hours=hours)


def _boolean(maker: _Maker, kind: str, chance: random.Random) -> bool:
    del maker, kind
    return chance.random() < 0.5


_Make = Callable[[_Maker, str, random.Random], Any]
_MAKERS: Mapping[str, _Make] = {
    **dict.fromkeys(("tinyint", "smallint", "int", "integer", "bigint"), _Maker.integer),
    **dict.fromkeys(("double", "real", "float", "decimal"), _Maker.real),
    **dict.fromkeys(("varchar", "char", "string"), _Maker.text),
    "date": _Maker.date,
    "timestamp": _Maker.moment,
    "boolean": _boolean,
}


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if abs(value) < 1e9 else 1.0


def _moment(text: str) -> datetime.datetime | None:
    try:
        return datetime.datetime.fromisoformat(text).replace(tzinfo=None)
    except ValueError:
        return None
