"""What one row of a written data set stands for: the keys of the last grouping or deduplication on the way to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from sqlglot import exp

from tools.plan.base import ColumnId, Span
from tools.plan.lineage import Tracer
from tools.plan.model import Aggregate, Distinct, Filter, Join, Limit, Op, Project, Rebase, Sort
from tools.plan.references import is_ref, ref, ref_id
from tools.plan.whole import Plan, Write, reachable


@dataclass(frozen=True, slots=True)
class Grain:
    """`keys` are expressions over column ids; `one_row` says that everything is aggregated to one row."""

    how: Literal["group_by", "drop_duplicates", "row_number", "distinct"]
    keys: tuple[exp.Expr, ...]
    span: Span | None = None

    @property
    def one_row(self) -> bool:
        """Whether there is just one row."""
        return self.how == "group_by" and not self.keys


def grain_of(write: Write) -> Grain | None:
    """The grain of a write; None when nothing on the way to it, before the first join, makes rows unique."""
    op = write.source
    while True:
        match op:
            case Aggregate():
                return Grain("group_by", tuple(k.expression for k in op.keys), op.span)
            case Distinct(keys=None):
                return Grain("distinct", tuple(ref(a) for a in op.output), op.span)
            case Distinct():
                return Grain("drop_duplicates", tuple(ref(k) for k in op.keys or ()), op.span)
            case Filter():
                numbered = _first_of_each(op)
                if numbered is not None:
                    return Grain("row_number", numbered, op.span)
                op = op.child
            case Project() | Sort() | Limit() | Rebase():
                op = op.child
            case _:
                return None


def _first_of_each(test: Filter) -> tuple[exp.Expr, ...] | None:
    """The partition keys when a filter keeps ROW_NUMBER() = 1."""
    for part in _conjuncts(test.predicate):
        if not isinstance(part, (exp.EQ, exp.LTE)) or not _is_one(part.expression) or not is_ref(part.this):
            continue
        window = _definition(ref_id(part.this), test.child)
        if isinstance(window, exp.Window) and isinstance(window.this, exp.RowNumber):
            return tuple(window.args.get("partition_by") or ())
    return None


def _conjuncts(predicate: exp.Expr) -> list[exp.Expr]:
    inner = predicate.unnest() if isinstance(predicate, exp.Paren) else predicate
    return list(inner.flatten()) if isinstance(inner, exp.And) else [inner]


def _is_one(node: exp.Expr) -> bool:
    while isinstance(node, (exp.Cast, exp.Paren)):
        node = node.this
    return isinstance(node, exp.Literal) and node.name in ("1", "1L")


def _definition(column: ColumnId, op: Op) -> exp.Expr | None:
    while isinstance(op, (Project, Filter, Sort, Rebase)):
        for item in op.items:
            if item.attribute.id == column and not item.is_pass_through:
                return item.expression
        op = op.child
    return None


@dataclass(frozen=True, slots=True)
class JoinKey:
    """Two source columns that a join sets equal."""

    left: tuple[str, str]
    right: tuple[str, str]
    span: Span | None = None


def join_keys(write: Write, plan: Plan, tracer: Tracer) -> list[JoinKey]:
    """Source columns that joins below a write compare for equality."""
    found: dict[JoinKey, None] = {}
    for op in reachable(plan, [write]):
        if not isinstance(op, Join) or op.condition is None:
            continue
        for part in _conjuncts(op.condition):
            if isinstance(part, (exp.EQ, exp.NullSafeEQ)):
                for left in tracer.of_expression(part.left):
                    for right in tracer.of_expression(part.right):
                        if "window" not in (left.role, right.role):
                            pair = ((left.dataset, left.column), (right.dataset, right.column))
                            found[JoinKey(*pair, op.span)] = None
    return list(found)
