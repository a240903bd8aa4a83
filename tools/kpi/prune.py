"""Leaves out of a query's operators the columns that nothing above them needs."""

from __future__ import annotations

from collections.abc import Iterable

from sqlglot import exp

from tools.plan.base import ColumnId
from tools.plan.model import Aggregate, Distinct, Generate, Op, Project, Scan, SetOp
from tools.plan.references import ref_id, refs
from tools.plan.whole import expressions_of

__all__ = ["pruned"]


def pruned(op: Op, needed: Iterable[ColumnId]) -> None:
    """Drops columns below an operator, in place; only for operators that nothing else uses."""
    wanted = set(needed)
    match op:
        case Project():
            op.columns = [i for i in op.columns if i.attribute.id in wanted]
            wanted = _in([i.expression for i in op.columns])
        case Aggregate():
            op.aggregates = [i for i in op.aggregates if i.attribute.id in wanted]
            wanted = _in([i.expression for i in op.items])
        case Distinct():
            wanted = {a.id for a in op.output}
        case SetOp():
            _prune_union(op, wanted)
            return
        case Scan():
            op.columns = [a for a in op.columns if a.id in wanted]
        case Generate():
            wanted |= _in([op.generator])
        case _:
            wanted |= _in(expressions_of(op))
    for child in op.children:
        pruned(child, wanted)


def _prune_union(op: SetOp, wanted: set[ColumnId]) -> None:
    kept = [
        (a, m)
        for a, m in zip(op.columns, op.mapping, strict=True)
        if a.id in wanted or op.distinct or op.kind != "union"
    ]
    kept = kept or list(zip(op.columns, op.mapping, strict=True))[:1]
    op.columns, op.mapping = [a for a, _ in kept], [m for _, m in kept]
    for number, branch in enumerate(op.inputs):
        pruned(branch, {m[number] for m in op.mapping if m[number] is not None})  # type: ignore[misc]


def _in(expressions: Iterable[exp.Expr]) -> set[ColumnId]:
    return {ref_id(r) for e in expressions for r in refs(e)}
