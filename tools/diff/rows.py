"""Small databases for a search: rows made for the queries that are compared.

Numbers around the constants that they name, the texts that they compare with, NULLs wherever a column may have them,
join columns with few values, groups with many rows, ties, and empty tables. Seeded: the same jobs get the same rows.
"""

from __future__ import annotations

import datetime
import random
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from sqlglot import exp

from tools.diff.facts import Facts

__all__ = ["TODAY", "Maker", "Row", "Rows"]

_SIZES = (0, 3, 8, 14, 25, 40)
_MOST = 400  # rows of the largest generated table
TODAY = datetime.datetime(2026, 1, 30)
"""The day on which the versions are run, for both and always the same."""

Row = tuple[Any, ...]
Rows = dict[str, list[Row]]


class Maker:
    """Makes databases for some queries."""

    def __init__(self, tables: Mapping[str, Mapping[str, str]], trees: Sequence[exp.Expr], facts: Facts) -> None:
        self._tables, self._facts = tables, facts
        literals = [node for tree in trees for node in tree.find_all(exp.Literal)]
        self._texts = list(dict.fromkeys(n.this for n in literals if n.is_string))
        self._numbers = list(dict.fromkeys(_number(n.this) for n in literals if not n.is_string))
        self._moments = [m for t in self._texts if (m := _moment(t)) is not None]
        if any(tree.find(exp.CurrentDate, exp.CurrentTimestamp) for tree in trees):
            self._moments.append(TODAY)
        spans = [_number(i.this.name) for tree in trees for i in tree.find_all(exp.Interval) if i.this is not None]
        self._days = [int(n) + d for n in (*self._numbers, *spans) if 0 < n < 5_000 for d in (-1, 0, 1)]
        self._room = min(_MOST, max((_reach(tree) for tree in trees), default=0))
        self._few = False

    def database(self, number: int) -> Rows:
        """One database; the first ones are small, so that what is found soon is short."""
        chance = random.Random(f"database {number}")
        size = _SIZES[number] if number < len(_SIZES) else chance.choice(_SIZES[2:])
        # Every other one has few values: groups with many rows, and ties in every order.
        self._few = number >= len(_SIZES) and number % 2 == 0
        if self._room and number % 4 == 0:
            size, self._few = max(size, self._room), number % 8 == 0
        return {name: self._rows(name, size, chance) for name in self._tables}

    def _rows(self, table: str, size: int, chance: random.Random) -> list[Row]:
        columns = self._tables[table]
        key = [c for c in self._facts.keys.get(table, ()) if c in columns]
        seen: set[Row] = set()
        rows: list[Row] = []
        for _ in range(size):
            row = {c: self._cell(table, c, t, size if c in key else 0, chance) for c, t in columns.items()}
            mark = tuple(row[c] for c in key)
            if key and mark in seen:
                continue
            seen.add(mark)
            rows.append(tuple(row.values()))
            if not key and rows and chance.random() < 0.1:
                rows.append(chance.choice(rows))
        return rows

    def _cell(self, table: str, column: str, kind: str, size: int, chance: random.Random) -> Any:
        """One value; with the `size` of its table if it is of the key."""
        if not size and not self._facts.never_null(table, column) and chance.random() < 0.15:
            return None
        family = kind.partition("(")[0].strip().lower()
        make = _MAKERS.get(family)
        if make is None:
            return None
        if make is Maker.integer and size > 8 and chance.random() < 0.6:
            return chance.randint(
                1, size if kind != "tinyint" else min(size, 127)
            )  # few values would leave few rows, since each key is there once
        return make(self, kind, chance)

    def integer(self, kind: str, chance: random.Random) -> int:
        """Few values, so that joins meet; and those around the constants."""
        if self._few and chance.random() < 0.7:
            return chance.choice((1, 2))
        pool = [*range(1, 7)] * 2 + [0, -1] + [int(n) + d for n in self._numbers for d in (-1, 0, 1)]
        limit = {"tinyint": 127, "smallint": 32_767}.get(kind, 2**31 - 1)
        return int(max(-limit, min(limit, chance.choice(pool))))

    def real(self, kind: str, chance: random.Random) -> Any:
        """Quarters, which floats hold exactly; and the constants with what is just beside them."""
        near = [n + d for n in self._numbers for d in (-1, -0.25, 0, 0.25, 1)]
        value = chance.choice(near) if near and chance.random() < 0.6 else chance.randint(-40, 800) / 4
        if self._few and chance.random() < 0.7:
            value = chance.choice((1, 2.25, 7.5))
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
        cases = [c for t in self._texts for c in (t.lower(), t.upper(), t.title())]
        inside = [f"a{t}b{t}c" for t in self._texts if len(t) <= 2]
        like = [t.replace("%", p).replace("_", q) for t in self._texts for p, q in (("", "x"), ("xy", "x"), ("x", ""))]
        plain = [re.sub(r"[^\w\s]", "", t) for t in self._texts]
        pool = [
            *self._texts * 3,
            *cases,
            *inside,
            *like,
            *plain,
            *(f" {t}" for t in plain),
            "a",
            "b",
            "B",
            " b ",
            "b ",
            "",
        ]
        return str(chance.choice(pool))

    def date(self, kind: str, chance: random.Random) -> datetime.date:
        """Few days in several months and years, and those around the constants."""
        return self.moment(kind, chance).date()

    def moment(self, kind: str, chance: random.Random) -> datetime.datetime:
        """The same with hours."""
        del kind
        if self._few and chance.random() < 0.6:
            return TODAY - datetime.timedelta(days=chance.choice((0, 1)))
        bases = self._moments if self._moments and chance.random() < 0.7 else [datetime.datetime(2026, 1, 30)]
        days = chance.choice((-1, 0, 0, 1, 2, 32, 366))
        if self._days and chance.random() < 0.4:
            days = -chance.choice(self._days)
        hours = chance.choice((0, 0, 6, 23))
        return chance.choice(bases) + datetime.timedelta(days=days, hours=hours)


def _boolean(maker: Maker, kind: str, chance: random.Random) -> bool:
    del maker, kind
    return chance.random() < 0.5


_Make = Callable[[Maker, str, random.Random], Any]
_MAKERS: Mapping[str, _Make] = {
    **dict.fromkeys(("tinyint", "smallint", "int", "integer", "bigint"), Maker.integer),
    **dict.fromkeys(("double", "real", "float", "decimal"), Maker.real),
    **dict.fromkeys(("varchar", "char", "string"), Maker.text),
    "date": Maker.date,
    "timestamp": Maker.moment,
    "boolean": _boolean,
}


def _reach(tree: exp.Expr) -> int:
    """How many rows it takes until a limit or the frame of a window leaves one out; twice that, with some to spare."""
    found = [n for node in tree.find_all(exp.Limit, exp.Offset, exp.WindowSpec) for n in node.find_all(exp.Literal)]
    numbers = [int(n.this) for n in found if not n.is_string and n.this.isdigit()]
    return 2 * max(numbers) + 10 if numbers and max(numbers) < _MOST else 0


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
