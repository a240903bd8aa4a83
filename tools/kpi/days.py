"""Days in expressions: a column some days away from another, days between others, how far a window function looks."""

from __future__ import annotations

from sqlglot import exp

from tools.plan.base import ColumnId
from tools.plan.references import is_ref, ref_id

__all__ = ["bounds_of", "frame_of", "shifted"]

_UNITS = {"day": 1, "days": 1, "d": 1, "week": 7, "weeks": 7}
_CASTS = (exp.Cast, exp.TryCast, exp.TsOrDsToDate, exp.Date)
_COMPARED: dict[type[exp.Expr], tuple[bool, bool]] = {
    exp.EQ: (True, True),
    exp.GT: (True, False),
    exp.GTE: (True, False),
    exp.LT: (False, True),
    exp.LTE: (False, True),
}


def shifted(value: exp.Expr) -> tuple[ColumnId, int] | None:
    """The column that a value is, and how many days it is after it; None for anything else."""
    if is_ref(value):
        return ref_id(value), 0
    if isinstance(value, exp.Paren):
        return shifted(value.this)
    if isinstance(value, _CASTS):
        inner = shifted(value.this)
        is_day = bool(value.this.type and value.this.type.is_type("date")) or _days_added(value.this) is not None
        return inner if is_day else None
    added = _days_added(value)
    inner = shifted(value.this) if added is not None else None
    return (inner[0], inner[1] + added) if inner is not None and added is not None else None


def _days_added(value: exp.Expr) -> int | None:
    """Whole days that an expression adds to the date in it."""
    if not (isinstance(value, exp.DateAdd | exp.DateSub | exp.TsOrDsAdd | exp.Add | exp.Sub) and _is_date(value.this)):
        return None
    sign = -1 if isinstance(value, exp.DateSub | exp.Sub) else 1
    amount = value.expression
    if isinstance(amount, exp.Interval):
        number = _interval(amount)
    else:
        unit = value.args.get("unit")
        times = _UNITS.get(unit.name.lower()) if unit is not None else 1
        whole = _number(amount)
        number = whole * times if whole is not None and times is not None else None
    return sign * number if number is not None else None


def _is_date(value: exp.Expr) -> bool:
    inner = value.unnest()
    return bool(inner.type and inner.type.is_type("date")) or _days_added(inner) is not None


def _interval(value: exp.Expr) -> int | None:
    if not isinstance(value, exp.Interval) or value.this is None:
        return None
    unit = value.args.get("unit")
    times = _UNITS.get(unit.name.lower()) if unit is not None else None
    number = _number(value.this)
    return number * times if number is not None and times is not None else None


def _number(value: exp.Expr) -> int | None:
    """A whole number, as a literal."""
    match value:
        case exp.Paren():
            return _number(value.this)
        case exp.Literal() if value.name.strip().lstrip("-").isdigit():
            return int(value.name)
        case exp.Neg():
            inner = _number(value.this)
            return -inner if inner is not None else None
        case exp.Mul():
            left, right = _number(value.this), _number(value.expression)
            return left * right if left is not None and right is not None else None
    return None


def frame_of(window: exp.Expr, column: ColumnId) -> tuple[int, int] | None:
    """How many days before and after a row's own a window function looks; None when that is not a number of days.

    A frame of rows is not: days may be missing.
    """
    order, spec = window.args.get("order"), window.args.get("spec")
    keys = order.expressions if order is not None else []
    if len(keys) != 1 or spec is None or str(spec.args.get("kind")).lower() != "range":
        return None
    key = keys[0].this if isinstance(keys[0], exp.Ordered) else keys[0]
    if not is_ref(key) or ref_id(key) != column:
        return None
    start, end = _edge(spec, "start", "preceding"), _edge(spec, "end", "following")
    if start is None or end is None:
        return None
    return (end, start) if keys[0].args.get("desc") else (start, end)


def _edge(spec: exp.Expr, which: str, outward: str) -> int | None:
    edge = spec.args.get(which)
    if isinstance(edge, str):
        return 0 if edge.upper() == "CURRENT ROW" else None
    days = _interval(edge) if edge is not None else None
    side = str(spec.args.get(f"{which}_side") or "").lower()
    return None if days is None else days if side == outward else max(0, -days)


def bounds_of(condition: exp.Expr | None) -> dict[tuple[ColumnId, ColumnId], tuple[int, int]]:
    """For two columns: the days from the second between which the first has to be, by the parts of a condition."""
    lows: dict[tuple[ColumnId, ColumnId], int] = {}
    highs: dict[tuple[ColumnId, ColumnId], int] = {}
    for a, b, has_low, has_high in _comparisons(condition):
        left, right = shifted(a), shifted(b)
        if left is None or right is None or left[0] == right[0]:
            continue
        # left = x + m, right = y + n: x is n - m days after y, or before and after that
        for one, two, low, high in ((left, right, has_low, has_high), (right, left, has_high, has_low)):
            pair, days = (one[0], two[0]), two[1] - one[1]
            if low:
                lows[pair] = max(lows.get(pair, days), days)
            if high:
                highs[pair] = min(highs.get(pair, days), days)
    return {pair: (lows[pair], highs[pair]) for pair in lows if pair in highs}


def _comparisons(condition: exp.Expr | None) -> list[tuple[exp.Expr, exp.Expr, bool, bool]]:
    """Pairs that have to compare, each with whether the second bounds the first from below and from above."""
    if condition is None:
        return []
    inner = condition.unnest()
    if isinstance(inner, exp.And):
        return [*_comparisons(inner.this), *_comparisons(inner.expression)]
    if isinstance(inner, exp.Between) and not inner.args.get("symmetric"):
        return [(inner.this, inner.args["low"], True, False), (inner.this, inner.args["high"], False, True)]
    kinds = _COMPARED.get(type(inner))
    return [(inner.this, inner.expression, *kinds)] if kinds is not None else []
