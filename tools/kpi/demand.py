"""Which days of which tables a window of a query's days needs: the window followed down to the scans.

A restriction moves through an operator only where it cannot change what is above: through renames and filters, through
a grouping by the day, through the sides of joins that equate it or hold it between days, through a window function that
is partitioned by it or looks a number of days back. On the way it may grow or shift by days (`Reach`). Where it stops, the
scan is unbounded, and why is told: a full history is dearer, never wrong.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from tools.kpi.days import bounds_of, frame_of, shifted
from tools.plan.base import ColumnId, Span
from tools.plan.model import Aggregate, Distinct, Filter, Generate, Join, Limit, Op, Project, Rebase, Scan, SetOp, Sort
from tools.plan.references import is_ref, ref_id
from tools.plan.whole import walk

__all__ = ["Demand", "Reach", "demand_of"]

Reach = tuple[int, int]
"""How many days before the window's first and after its last count too; negative where a day is shifted."""
_Days = Mapping[ColumnId, Reach]


@dataclass
class Demand:
    """Restricted columns by scan (its `id()`), and what stopped the window on its way to which tables."""

    columns: dict[int, tuple[str, Reach]] = field(default_factory=dict)
    blocked: list[tuple[str, Span | None, frozenset[str]]] = field(default_factory=list)


def demand_of(root: Op, days: Iterable[ColumnId], reach: Reach = (0, 0)) -> Demand:
    """Where a window on these output columns can be applied below an operator."""
    demand = Demand()
    _push(root, dict.fromkeys(days, reach), demand)
    return demand


def _push(op: Op, days: _Days, demand: Demand) -> None:
    if not days:
        _stop(op, "its day is not the day of what it reads", demand)
        return
    handler = next((h for kinds, h in _HANDLERS if isinstance(op, kinds)), None)
    if handler is None:
        _stop(op, "what it does with days is not known", demand)
    else:
        handler(op, days, demand)


def _scan(op: Op, days: _Days, demand: Demand) -> None:
    found = next((a for a in op.output if a.id in days), None)
    if found is not None:
        demand.columns[id(op)] = (found.name, days[found.id])


def _filter(op: Op, days: _Days, demand: Demand) -> None:
    assert isinstance(op, Filter)
    _push(op.child, _closed(days, op.predicate), demand)


def _same(op: Op, days: _Days, demand: Demand) -> None:
    _push(op.children[0], days, demand)


def _aggregate(op: Op, days: _Days, demand: Demand) -> None:
    assert isinstance(op, Aggregate)
    keys = {k.attribute.id: k.expression for k in op.keys}
    kept = _named(keys, {i: r for i, r in days.items() if i in keys}) if op.grouping_sets is None else {}
    if kept:
        _push(op.child, kept, demand)
    else:
        _stop(op, "it is not grouped by the day", demand)


def _distinct(op: Op, days: _Days, demand: Demand) -> None:
    assert isinstance(op, Distinct)
    kept = {i: r for i, r in days.items() if op.keys is None or i in op.keys}
    if kept:
        _push(op.child, kept, demand)
    else:
        _stop(op, "one row is kept for keys without the day", demand)


def _set_operation(op: Op, days: _Days, demand: Demand) -> None:
    assert isinstance(op, SetOp)
    for number, branch in enumerate(op.inputs):
        places = [(m[number], days[a.id]) for a, m in zip(op.columns, op.mapping, strict=True) if a.id in days]
        _push(branch, {p: r for p, r in places if p is not None}, demand)


def _limit(op: Op, days: _Days, demand: Demand) -> None:
    del days
    _stop(op, "a limit counts rows of all days", demand)


def _stop(op: Op, why: str, demand: Demand) -> None:
    tables = frozenset(o.dataset.name for o in walk(op) if isinstance(o, Scan))
    if tables:
        demand.blocked.append((why, op.span, tables))


def _project(op: Op, days: _Days, demand: Demand) -> None:
    made = {i.attribute.id: i.expression for i in op.items}
    below = {**{i: r for i, r in days.items() if i not in made}, **_named(made, days)}
    windows = [w for e in made.values() for w in e.find_all(exp.Window)]
    seen = {i: r for i, reach in below.items() if (r := _seen_by(windows, i, reach)) is not None}
    if below and not seen:
        _stop(op, "a window function looks at rows of other days", demand)
    else:
        _push(op.children[0], seen, demand)


def _seen_by(windows: Iterable[exp.Window], column: ColumnId, reach: Reach) -> Reach | None:
    """The days of a column that window functions look at for those of the reach; None for any."""
    before = after = 0
    for window in windows:
        if any(is_ref(p) and ref_id(p) == column for p in window.args.get("partition_by") or ()):
            continue
        frame = frame_of(window, column)
        if frame is None:
            return None
        before, after = max(before, frame[0]), max(after, frame[1])
    return reach[0] + before, reach[1] + after


def _named(made: Mapping[ColumnId, exp.Expr], days: _Days) -> dict[ColumnId, Reach]:
    """Columns that restricted ones are made of: plain copies, and days some days away."""
    found: dict[ColumnId, Reach] = {}
    for column, (before, after) in days.items():
        value = shifted(made[column]) if column in made else None
        if value is not None:
            found[value[0]] = (before + value[1], after - value[1])
    return found


def _closed(days: _Days, condition: exp.Expr | None) -> dict[ColumnId, Reach]:
    """With the columns that a condition equates to restricted ones, or holds between days around them."""
    known = dict(days)
    bounds = bounds_of(condition)
    for _ in bounds:
        for (column, other), (low, high) in bounds.items():
            if other in known and column not in known:
                before, after = known[other]
                known[column] = (before - low, after + high)
    return known


def _join(op: Op, days: _Days, demand: Demand) -> None:
    assert isinstance(op, Join)
    left = frozenset(a.id for a in op.left.output)
    right = frozenset(a.id for a in op.right.output)
    if op.kind == "full":
        _stop(op, "a full join keeps rows of both sides", demand)
        return
    sides = {"left": left, "semi": left, "anti": left, "right": right}.get(op.kind)
    own = {i: r for i, r in days.items() if sides is None or i in sides}
    both = _closed(own, op.condition) if op.kind != "cross" else own
    for side, columns in ((op.left, left), (op.right, right)):
        # A row on the other side that no restricted row can meet is not missed.
        here = {i: r for i, r in both.items() if i in columns}
        if here:
            _push(side, here, demand)
        else:
            _stop(side, "it is joined for all days", demand)


_Handler = Callable[[Op, _Days, Demand], None]
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
