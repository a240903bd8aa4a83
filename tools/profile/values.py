"""How often each value of a column with few values occurs, batch by batch: one scan for all such columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from sqlglot import exp

from tools.lake.base import Column, Lake, Limits
from tools.profile.batches import WHOLE, Batches
from tools.profile.figures import BatchFigures, Value, family, is_integer, plain
from tools.profile.measure import source_of

__all__ = ["ValueCounts", "count_values", "few_valued"]

ValueCounts: TypeAlias = Mapping[str, Mapping[str, Mapping[Value, int]]]
"""Column -> batch label -> value -> rows. NULL is left out."""

MOST_VALUES = 250
_MOST_FRACTIONS = 24
_MOST_ROWS = 200_000


def few_valued(columns: Sequence[Column], profiles: Sequence[BatchFigures]) -> list[Column]:
    """Columns with so few values that they can be listed: text, whole numbers, flags, and fractions with very few."""

    def most(column: Column) -> float:
        return max((p.number(column.name, "distinct") or 0 for p in profiles), default=0)

    kinds = {"text": MOST_VALUES, "boolean": MOST_VALUES}

    def allowed(column: Column) -> int:
        if family(column.type) == "number":
            return MOST_VALUES if is_integer(column.type) else _MOST_FRACTIONS
        return kinds.get(family(column.type), 0)

    return [c for c in columns if 0 < most(c) <= allowed(c)]


def count_values(lake: Lake, batches: Batches, columns: Sequence[Column], limits: Limits | None = None) -> ValueCounts:
    """Rows by value for each batch. Columns whose values turn out to be too many together are left out at the end.

    Raises:
        LimitExceeded, QueryError, ReadError: see `Lake.query`.
    """
    counts: dict[str, dict[str, dict[Value, int]]] = {c.name: {} for c in columns}
    if not columns or not batches.items:
        return counts
    result = lake.query(_query(batches, columns), limits=limits or Limits(_MOST_ROWS, 2**63, 900.0))
    if result.more:
        middle = len(columns) // 2
        if not middle:
            return {}
        return {**count_values(lake, batches, columns[:middle]), **count_values(lake, batches, columns[middle:])}
    cut, names = len(batches.keys), [c.name for c in columns]
    for row in result.rows:
        *found, which, rows = row
        label = batches.label_of(found[:cut]) if cut else WHOLE
        number = int(which)
        value = plain(found[cut + number])
        if value is not None:
            counts[names[number]].setdefault(label, {})[value] = rows
    return counts


def _query(batches: Batches, columns: Sequence[Column]) -> exp.Select:
    """One grouping set for each column; `which` says from which of them a row comes."""
    keys = batches.key_columns()
    values = [exp.column(c.name, quoted=True) for c in columns]
    sets = [exp.Tuple(expressions=[*(k.copy() for k in keys), v.copy()]) for v in values]
    which = exp.Case(
        ifs=[
            exp.If(
                this=exp.EQ(
                    this=exp.Anonymous(this="GROUPING", expressions=[v.copy()]), expression=exp.Literal.number(0)
                ),
                true=exp.Literal.number(i),
            )
            for i, v in enumerate(values)
        ]
    )
    rows = exp.Count(this=exp.Star(), big_int=True)
    query = exp.select(
        *keys, *values, exp.alias_(which, "which", quoted=True), exp.alias_(rows, "rows", quoted=True)
    ).from_(source_of(batches.table))
    query.set("group", exp.Group(grouping_sets=[exp.GroupingSets(expressions=sets)]))
    condition = batches.condition()
    return query.where(condition) if condition is not None else query
