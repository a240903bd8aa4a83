"""Which days of which tables a window of a query's days needs: the window followed down to the scans.

A restriction moves through an operator only where it cannot change what is above: through renames and filters, through
a grouping by the day, through the sides of joins that equate it, through a window function that is partitioned by it.
Where it stops, the scan is unbounded, and why is told: a full history is dearer, never wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from sqlglot import exp

from tools.plan.model import (
    Aggregate,
    ColumnId,
    Distinct,
    Filter,
    Generate,
    Join,
    Limit,
    Op,
    Project,
    Rebase,
    Scan,
    SetOp,
    Sort,
    Span,
    is_ref,
    ref_id,
    walk,
)

__all__ = ["Demand", "demand_of"]


@dataclass
class Demand:
    """Restricted columns by scan (its `id()`), and what stopped the window on its way to which tables."""

    columns: dict[int, str] = field(default_factory=dict)
    blocked: list[tuple[str, Span | None, frozenset[str]]] = field(default_factory=list)


def demand_of(root: Op, days: Iterable[ColumnId]) -> Demand:
    """Where a window on these output columns can be applied below an operator."""
    demand = Demand()
    _push(root, frozenset(days), demand)
    return demand


def _push(op: Op, ids: frozenset[ColumnId], demand: Demand) -> None:
    if not ids:
        _stop(op, "its day is not the day of what it reads", demand)
        return
    handler = next((h for kinds, h in _HANDLERS if isinstance(op, kinds)), None)
    if handler is None:
        _stop(op, "what it does with days is not known", demand)
    else:
        handler(op, ids, demand)


def _scan(op: Op, ids: frozenset[ColumnId], demand: Demand) -> None:
    found = next((a.name for a in op.output if a.id in ids), None)
    if found is not None:
        demand.columns[id(op)] = found


def _filter(op: Op, ids: frozenset[ColumnId], demand: Demand) -> None:
    assert isinstance(op, Filter)
    _push(op.child, _closed(ids, op.predicate), demand)


def _same(op: Op, ids: frozenset[ColumnId], demand: Demand) -> None:
    _push(op.children[0], ids, demand)


def _aggregate(op: Op, ids: frozenset[ColumnId], demand: Demand) -> None:
    assert isinstance(op, Aggregate)
    keys = {k.attribute.id: k.expression for k in op.keys}
    kept = _named({i: keys[i] for i in ids if i in keys}, ids) if op.grouping_sets is None else frozenset()
    if kept:
        _push(op.child, kept, demand)
    else:
        _stop(op, "it is not grouped by the day", demand)


def _distinct(op: Op, ids: frozenset[ColumnId], demand: Demand) -> None:
    assert isinstance(op, Distinct)
    kept = ids if op.keys is None else ids & frozenset(op.keys)
    if kept:
        _push(op.child, kept, demand)
    else:
        _stop(op, "one row is kept for keys without the day", demand)


def _set_operation(op: Op, ids: frozenset[ColumnId], demand: Demand) -> None:
    assert isinstance(op, SetOp)
    for number, branch in enumerate(op.inputs):
        places = [m[number] for a, m in zip(op.columns, op.mapping, strict=True) if a.id in ids]
        _push(branch, frozenset(p for p in places if p is not None), demand)


def _limit(op: Op, ids: frozenset[ColumnId], demand: Demand) -> None:
    del ids
    _stop(op, "a limit counts rows of all days", demand)


def _stop(op: Op, why: str, demand: Demand) -> None:
    tables = frozenset(o.dataset.name for o in walk(op) if isinstance(o, Scan))
    if tables:
        demand.blocked.append((why, op.span, tables))


def _project(op: Op, ids: frozenset[ColumnId], demand: Demand) -> None:
    made = {i.attribute.id: i.expression for i in op.items}
    windows = [w for e in made.values() for w in e.find_all(exp.Window)]
    below = _named({i: made[i] for i in ids if i in made}, ids) | frozenset(i for i in ids if i not in made)
    split = [w for w in windows if not below & {ref_id(p) for p in w.args.get("partition_by") or () if is_ref(p)}]
    if split:
        _stop(op, "a window function looks at rows of other days", demand)
        return
    _push(op.children[0], below, demand)


def _named(made: dict[ColumnId, exp.Expr], ids: frozenset[ColumnId]) -> frozenset[ColumnId]:
    """Ids that restricted columns are plain copies of; a cast of a day to a date is one."""
    found = set()
    for column in ids:
        value = made.get(column)
        if isinstance(value, exp.Cast | exp.TryCast | exp.TsOrDsToDate | exp.Date) and is_ref(value.this):
            value = value.this if value.this.type and value.this.type.is_type("date") else None
        if value is not None and is_ref(value):
            found.add(ref_id(value))
    return frozenset(found)


def _closed(ids: frozenset[ColumnId], condition: exp.Expr | None) -> frozenset[ColumnId]:
    """With the columns that a condition equates to restricted ones."""
    pairs = [
        (ref_id(p.this), ref_id(p.expression))
        for p in _conjuncts(condition)
        if isinstance(p, exp.EQ) and is_ref(p.this) and is_ref(p.expression)
    ]
    known = set(ids)
    for _ in pairs:
        for a, b in pairs:
            if a in known or b in known:
                known |= {a, b}
    return frozenset(known)


def _conjuncts(condition: exp.Expr | None) -> list[exp.Expr]:
    if condition is None:
        return []
    inner = condition.unnest()
    if isinstance(inner, exp.And):
        return [*_conjuncts(inner.this), *_conjuncts(inner.expression)]
    return [inner]


def _join(op: Op, ids: frozenset[ColumnId], demand: Demand) -> None:
    assert isinstance(op, Join)
    left = frozenset(a.id for a in op.left.output)
    right = frozenset(a.id for a in op.right.output)
    if op.kind == "full":
        _stop(op, "a full join keeps rows of both sides", demand)
        return
    sides = {"left": left, "semi": left, "anti": left, "right": right}.get(op.kind)
    own = ids if sides is None else ids & sides
    both = _closed(own, op.condition) if op.kind != "cross" else ids
    for side, columns in ((op.left, left), (op.right, right)):
        # A row on the other side that no restricted row can meet is not missed.
        _push(side, both & columns, demand) if both & columns else _stop(side, "it is joined for all days", demand)


_Handler = Callable[[Op, frozenset[ColumnId], Demand], None]
_HANDLERS: tuple[tuple[tuple[type[Op], ...], _Handler], ...] = (
    ((Scan,), _scan),
    ((Project, Rebase), _project),
    ((Filter,), _filter),
    ((Aggregate,), _aggregate),
    ((Distinct,), _distinct),
    ((Sort, Generate), _same),
    ((Join,), _join),
    ((SetOp,), _set_operation),
    ((Limit,), _limit),
)
