"""Rows of several versions of a query in one: what each holds a column in, and which rows each has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from sqlglot import exp

from tools.plan.base import Attribute, ColumnId
from tools.plan.model import Distinct, Filter, Item, Op, Project, Rebase, Sort
from tools.plan.references import is_ref, is_subquery_ref, ref, ref_id

__all__ = [
    "NotFusable",
    "Rows",
    "add",
    "all_of",
    "both_of",
    "chain_of",
    "conjuncts_of",
    "drop_absent",
    "has_window",
    "over_present",
    "same",
    "type_of",
    "when",
]

T = TypeVar("T")


class NotFusable(ValueError):
    """The versions differ in something that one scan cannot hold."""


@dataclass
class Rows:
    """Rows of all versions.

    Attributes:
        env: for each version, which column holds a column of its own plan.
        present: for each version, the condition under which it has a row; None when it has all.
        known: columns by what they are computed as.
    """

    op: Op
    env: list[dict[ColumnId, Attribute]]
    present: list[exp.Expr | None]
    known: dict[tuple[str, exp.Expr], Attribute] = field(default_factory=dict)

    def mapped(self, side: int, expression: exp.Expr, dialects: set[str]) -> exp.Expr:
        """A version's expression over the common columns."""
        if len(dialects) != 1:
            raise NotFusable("the versions are written in different dialects")

        def visit(node: exp.Expr) -> exp.Expr:
            if is_subquery_ref(node):
                raise NotFusable("a subquery")
            if not is_ref(node):
                return node
            found = self.env[side].get(ref_id(node))
            if found is None:
                raise NotFusable("a column that is not in scope here")
            return ref(found)

        made: exp.Expr = expression.transform(visit)
        made.meta["dialect"] = next(iter(dialects))
        return made

    @property
    def all_present(self) -> bool:
        """Whether every version has every row."""
        return all(p is None for p in self.present)


def when(here: exp.Expr | None, value: exp.Expr, otherwise: exp.Expr | None = None) -> exp.Expr:
    """A value for the rows that a version has."""
    return value if here is None else exp.Case(ifs=[exp.If(this=here.copy(), true=value)], default=otherwise)


def chain_of(op: Op) -> tuple[list[Op], Op]:
    """Filters and projections over an operator that is neither, the lowest first. An order without a limit says nothing;
    one row kept for a key is a numbering and a filter.
    """
    steps: list[Op] = []
    while True:
        if isinstance(op, Distinct) and op.keys is not None:
            steps += _numbered(op, -len(steps) - 1)
        elif isinstance(op, Filter | Rebase) or type(op) is Project:
            if op.rest:
                raise NotFusable("the columns of a table are not all known")
            steps.append(op)
        elif not isinstance(op, Sort):
            return list(reversed(steps)), op
        op = op.children[0]


def _numbered(op: Distinct, column: ColumnId) -> list[Op]:
    """`dropDuplicates` as the renderer words it; the upper step first."""
    assert op.keys is not None
    others = [exp.Ordered(this=ref(a)) for a in op.child.output if a.id not in op.keys]
    order = exp.Order(expressions=others or [ref(k) for k in op.keys])
    number = exp.Window(this=exp.RowNumber(), partition_by=[ref(k) for k in op.keys], order=order)
    items = [*(Item(a, ref(a)) for a in op.child.output), Item(Attribute(column, "row"), number)]
    first = exp.EQ(this=ref(column), expression=exp.Literal.number(1))
    below = Project(op.child, items)
    return [Filter(below, first), below]


def has_window(op: Project) -> bool:
    """Whether a projection looks at other rows."""
    return any(i.expression.find(exp.Window) for i in op.columns)


def add(rows: Rows, new: Sequence[Item]) -> None:
    """Computes further columns of rows."""
    if new:
        rows.op = Project(rows.op, [*(Item(a, ref(a)) for a in rows.op.output), *new])


def drop_absent(rows: Rows) -> None:
    """Rows that no version has are left out early."""
    here = [p for p in rows.present if p is not None]
    if len(here) == len(rows.present):
        rows.op = Filter(rows.op, exp.or_(*(h.copy() for h in dict.fromkeys(here))))


def over_present(made: exp.Expr, here: exp.Expr | None) -> exp.Expr:
    """An expression of aggregates, each over the rows that a version has."""
    if here is None:
        return made
    if made.find(exp.Window) or any(a.find(exp.AggFunc) is None for a in made.find_all(exp.Anonymous)):
        raise NotFusable("an aggregate that is not known")
    top = exp.Paren(this=made)
    for aggregate in [n for n in made.find_all(exp.AggFunc) if n.find_ancestor(exp.AggFunc) is None]:
        outer: exp.Expr = aggregate
        while isinstance(outer.parent, exp.WithinGroup | exp.IgnoreNulls | exp.RespectNulls):
            outer = outer.parent
        if isinstance(outer.parent, exp.Filter):
            where = outer.parent.expression
            where.set("this", exp.and_(here.copy(), where.this.copy()))
        else:
            outer.replace(exp.Filter(this=outer.copy(), expression=exp.Where(this=here.copy())))
    result: exp.Expr = top.this
    result.meta["dialect"] = made.meta.get("dialect")
    return result


def conjuncts_of(condition: exp.Expr | None) -> list[exp.Expr]:
    """The parts of a condition that all have to hold."""
    if condition is None:
        return []
    inner = condition.unnest()
    if isinstance(inner, exp.And):
        return [*conjuncts_of(inner.this), *conjuncts_of(inner.expression)]
    return [inner]


def all_of(parts: Sequence[exp.Expr], dialects: set[str]) -> exp.Expr:
    """One condition of several."""
    made = exp.and_(*(p.copy() for p in parts))
    made.meta["dialect"] = next(iter(dialects))
    return made


def both_of(a: exp.Expr | None, b: exp.Expr | None) -> exp.Expr | None:
    """What two conditions say together; None says nothing."""
    return exp.and_(a.copy(), b.copy()) if a is not None and b is not None else a if a is not None else b


def type_of(rows: Rows, value: exp.Expr) -> str | None:
    """The type of a column."""
    return next((a.type for a in rows.op.output if a.id == ref_id(value)), None)


def same(values: Sequence[T], otherwise: str) -> None:
    """Raises NotFusable unless all are equal."""
    if any(v != values[0] for v in values):
        raise NotFusable(otherwise)
