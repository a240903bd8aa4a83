"""What a column's new type does to the values that are computed from it: a count of it stays what it was, and so does a
product that is taken as DOUBLE anyway.

A plan is walked once, with a mark on each column: its values are what they were in a *wider* type, or in *other* words
but filled where they were filled. What cannot be told moves.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Literal

from sqlglot import exp

from tools.impact.tables import TableState
from tools.plan.base import ColumnId
from tools.plan.lineage import Edge
from tools.plan.model import Generate, Op, Opaque, Scan, SetOp
from tools.plan.references import is_ref, is_subquery_ref, ref_id
from tools.plan.whole import Plan, Write, walk

__all__ = ["Mark", "marks_of", "survives"]

Mark = Literal["same", "wider", "words", "moved"]
_WORST: tuple[Mark, ...] = ("same", "wider", "words", "moved")

_COMPARISONS = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE)
_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Neg, exp.Abs)
_KEEPING = (
    exp.Sum,
    exp.Min,
    exp.Max,
    exp.Avg,
    exp.Coalesce,
    exp.Greatest,
    exp.Least,
    exp.Paren,
    exp.Alias,
    exp.Case,
    exp.If,
)
_NUMBERS = ("tinyint", "smallint", "int", "bigint", "decimal", "float", "double")


def marks_of(write: Write, plan: Plan, table: str, wider: Collection[str], words: Collection[str]) -> dict[str, Mark]:
    """What becomes of each written column by name, where columns of a table have a wider type, or are spelled out.

    Rows are taken to be the same: that the columns decide nothing otherwise is not asked here.
    """
    marking = _Marking(plan, table, wider, words)
    for op in walk(write):
        marking.visit(op)
    return {
        a.column.lower(): max((marking.mark(e) for e in a.expressions), key=_WORST.index, default="same")
        for a in write.assignments
    }


def survives(edge: Edge, plan: Plan, state: TableState, types: Mapping[str, str] | None) -> bool:
    """Whether what flows along an edge is what it was, though the column at its source has another type.

    Args:
        types: columns of the target that get another type; None where no engine could tell.
    """
    retyped = {*state.widened, *state.worded}
    if edge.role != "value" or edge.source_column not in retyped or edge.target_column is None:
        return False
    column = edge.target_column.lower()
    for write in (w for w in plan.writes if w.target.name == edge.target):
        mark = marks_of(write, plan, edge.source, state.widened, state.worded).get(column, "moved")
        anew = write.kind in ("create", "view", "query", "overwrite")
        kept = mark == "wider" and (not anew or (types is not None and column not in types))
        if mark != "same" and not kept:
            return False
    return True


class _Marking:
    def __init__(self, plan: Plan, table: str, wider: Collection[str], words: Collection[str]) -> None:
        self._plan, self._table, self._wider, self._words = plan, table, wider, words
        self._marks: dict[ColumnId, Mark] = {}

    def visit(self, op: Op) -> None:
        """Marks what an operator makes. Those below it were visited before."""
        match op:
            case Scan():
                self._scan(op)
            case SetOp():
                for attribute, ids in zip(op.columns, op.mapping, strict=True):
                    self._put(attribute.id, _worst(self._marks.get(i, "same") for i in ids if i is not None))
            case Opaque():
                for attribute in op.columns:
                    self._put(attribute.id, "moved")
            case Generate():
                for attribute in op.columns:
                    self._put(attribute.id, "moved" if self._touched(op.generator) else "same")
            case _:
                for item in (i for i in op.items if not i.is_pass_through):
                    self._put(item.attribute.id, self.mark(item.expression))

    def _scan(self, op: Scan) -> None:
        for attribute in op.columns if op.dataset.name == self._table else ():
            name = attribute.name.lower()
            self._put(attribute.id, "wider" if name in self._wider else "words" if name in self._words else "same")

    def _put(self, column: ColumnId, mark: Mark) -> None:
        if mark != "same":
            self._marks[column] = mark

    def _touched(self, expression: exp.Expr) -> bool:
        return any(self.mark(c) != "same" for c in expression.find_all(exp.Column))

    def mark(self, node: exp.Expr) -> Mark:
        """What becomes of the value of an expression."""
        if is_ref(node):
            return self._marks.get(ref_id(node), "same")
        if is_subquery_ref(node):
            return "moved"
        parts = [self.mark(c) for c in node.iter_expressions()]
        worst = _worst(parts)
        if worst in ("same", "moved"):
            return worst
        return self._kept(node, worst)

    def _kept(self, node: exp.Expr, worst: Mark) -> Mark:
        """The value of a node of which a part is wider, or in other words."""
        if isinstance(node, exp.Count):
            distinct = isinstance(node.this, exp.Distinct)
            return "moved" if distinct and worst == "words" else "same"
        if isinstance(node, exp.Is) and isinstance(node.expression, exp.Null):
            return "same"
        if worst == "words":
            return "words" if isinstance(node, exp.Paren | exp.Alias | exp.Distinct) else "moved"
        if isinstance(node, _COMPARISONS):
            return "same"
        if isinstance(node, exp.Cast) and node.to.is_type(*_NUMBERS):
            return "same"
        if isinstance(node, _ARITHMETIC) and self._is_double_anyway(node):
            return "same"
        if isinstance(node, (*_ARITHMETIC, *_KEEPING, exp.Distinct, exp.Window, exp.And, exp.Or, exp.Not)):
            return "wider"
        return "moved"

    def _is_double_anyway(self, node: exp.Expr) -> bool:
        """Whether another part is a DOUBLE that is what it was: then the whole is calculated as one, before and after."""
        return any(
            self.mark(part) == "same" and part.type is not None and part.type.is_type("double")
            for part in node.iter_expressions()
        )


def _worst(marks: Iterator[Mark] | list[Mark]) -> Mark:
    return max(marks, key=_WORST.index, default="same")
