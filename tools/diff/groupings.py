"""Groupings in canonical form: GROUP BY, DISTINCT, deduplication by keys, grouping sets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlglot import exp

from tools.diff.block import Block, Columns, hashed, moved, type_of, typed
from tools.diff.canonical import text_of
from tools.diff.facts import NoForm
from tools.diff.reduce import Reducer
from tools.diff.relations import Relations
from tools.diff.rollup import grouped_form, rolled_up
from tools.plan.base import ColumnId
from tools.plan.model import Aggregate, Distinct

__all__ = ["Groupings", "union_content"]


class Groupings:
    """Makes relations of groupings."""

    def __init__(self, relations: Relations, placed: Callable[[exp.Expr, Block], exp.Expr], dialect: str) -> None:
        self._relations, self._placed, self._dialect = relations, placed, dialect
        self._reducer = Reducer(relations)

    def aggregate(self, op: Aggregate, below: Block) -> Block:
        """What a GROUP BY gives."""
        if op.rest or (op.pivoted_on is not None and not op.tells_cells):
            raise NoForm("a pivot")
        below = below.unified()
        keys = [self._placed(k.expression, below) for k in op.keys]
        measures = [self._placed(i.expression, below) for i in op.aggregates]
        if op.grouping_sets is not None:
            return self._grouping_sets(op, below, keys, measures)
        if keys and self._relations.is_key(below, keys) and all(map(_of_one_row, measures)):
            made = {i.attribute.id: e.this for i, e in zip(op.aggregates, measures, strict=True)}
            return replace(below, columns={k.attribute.id: e for k, e in zip(op.keys, keys, strict=True)} | made)
        below, keys, measures = self._lowest(below, keys, measures)
        if keys:
            measures = [grouped_form(m) for m in measures]
        label = self._relations.grouped(below, keys)
        columns: Columns = {
            k.attribute.id: typed(label, text_of(e), type_of(e)) for k, e in zip(op.keys, keys, strict=True)
        }
        for item, measure in zip(op.aggregates, measures, strict=True):
            columns[item.attribute.id] = typed(label, text_of(measure), item.attribute.type)
        grouped = (below, tuple(keys)) if keys else None
        return Block((label,), columns=columns, grouped=grouped, measures={text_of(m): m for m in measures})

    def _lowest(
        self, below: Block, keys: list[exp.Expr], measures: list[exp.Expr]
    ) -> tuple[Block, list[exp.Expr], list[exp.Expr]]:
        """A grouping without groupings below it that make no difference."""
        while True:
            found = rolled_up(below, keys, measures, self._relations.never_null, self._dialect)
            if found is None:
                break
            below, keys, measures = found
        below, used = self._reducer.reduced(below, [*keys, *measures])
        return below, used[: len(keys)], used[len(keys) :]

    def _grouping_sets(
        self, op: Aggregate, below: Block, keys: Sequence[exp.Expr], measures: Sequence[exp.Expr]
    ) -> Block:
        texts = {k.attribute.id: text_of(e) for k, e in zip(op.keys, keys, strict=True)}
        sets = "; ".join(sorted(", ".join(sorted(texts[i] for i in ids)) for ids in op.grouping_sets or ()))
        label = self._relations.label(f"sets {sets} [{below.text()}]")
        columns: Columns = {
            k.attribute.id: typed(label, text_of(e), type_of(e)) for k, e in zip(op.keys, keys, strict=True)
        }
        for item, measure in zip(op.aggregates, measures, strict=True):
            columns[item.attribute.id] = typed(label, text_of(measure), item.attribute.type)
        return Block((label,), columns=columns)

    def distinct(self, op: Distinct, below: Block) -> Block:
        """What a DISTINCT gives."""
        if op.rest:
            raise NoForm("a table's columns are not all known")
        below = below.unified()
        if op.keys is not None:
            return self._first(op.keys, below)
        keys = [below.columns[a.id] for a in op.output]
        if self._relations.is_key(below, keys):
            return below
        united = self._distinct_union(op, below, keys)
        if united is not None:
            return united
        below, keys, _ = self._lowest(below, keys, [])
        label = self._relations.grouped(below, keys)
        columns: Columns = {a.id: typed(label, text_of(k), type_of(k)) for a, k in zip(op.output, keys, strict=True)}
        return Block((label,), columns=columns, grouped=(below, tuple(keys)))

    def _first(self, ids: Sequence[ColumnId], below: Block) -> Block:
        """One row for each value of some columns: its keys are those of the groups, the rest is of whichever row is first."""
        keys = [below.columns[i] for i in ids]
        if self._relations.is_key(below, keys):
            return below
        lowest, placed, _ = self._lowest(below, keys, [])
        label = self._relations.grouped(lowest, placed)
        rows = hashed(f"first of {'; '.join(sorted(map(text_of, keys)))} [{below.text()}]")
        named = {i: f"first {rows} {text_of(e)}" for i, e in below.columns.items()}
        named |= {i: text_of(k) for i, k in zip(ids, placed, strict=True)}
        columns: Columns = {i: typed(label, named[i], type_of(e)) for i, e in below.columns.items()}
        return Block((label,), columns=columns, grouped=(lowest, tuple(placed)))

    def _distinct_union(self, op: Distinct, below: Block, keys: Sequence[exp.Expr]) -> Block | None:
        """The distinct rows of a UNION ALL are a UNION, if they are whole rows."""
        label = below.labels[0] if len(below.labels) == 1 and not below.predicates and not below.beside else ""
        columns = {text_of(c) for c in keys if isinstance(c, exp.Column) and c.table == label}
        if (
            label not in self._relations.unions
            or len(columns) != len(keys)
            or len(columns) != self._relations.widths[label]
        ):
            return None
        new = self._relations.label(union_content(sorted(set(self._relations.unions[label])), distinct=True))
        return Block((new,), columns={a.id: moved(k, {label: new}) for a, k in zip(op.output, keys, strict=True)})


def _of_one_row(measure: exp.Expr) -> bool:
    """Whether an aggregate of a single row is the value that it is of."""
    plain = isinstance(measure, exp.Max | exp.Min | exp.AnyValue) and isinstance(measure.this, exp.Column)
    return plain and not measure.expressions


def union_content(rows: Sequence[str], *, distinct: bool) -> str:
    """What names a union: its branches."""
    return hashed(f"union distinct {distinct} {' '.join(rows)}")
