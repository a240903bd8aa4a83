"""Rules on what lies between two ends: days and years of a timestamp, midnights, and bounds of which one is enough.

Each gives the node itself where it does not apply, and holds for NULLs.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable
from decimal import Decimal, InvalidOperation

from sqlglot import exp

from tools.diff.nodes import NotNull, text_of

__all__ = ["RULES", "TIMES", "tightest"]

_MIDNIGHT = " 00:00:00"

TIMES = ("timestamp", "timestamptz", "timestampltz", "timestampntz")


def _dated(node: exp.Expr, _: NotNull) -> exp.Expr:
    """A timestamp compared with a day is compared with its midnight."""
    for side, other in (("this", "expression"), ("expression", "this")):
        constant, value = node.args[side], node.args[other]
        if not (type(constant) is exp.Cast and isinstance(constant.this, exp.Literal)):
            continue
        if not (value.type and value.type.is_type("timestamp")) or not constant.to.is_type("date", *TIMES):
            continue
        text = constant.this.this.removesuffix(_MIDNIGHT)
        if not constant.to.is_type("timestamp") or text != constant.this.this:
            copy = node.copy()
            copy.set(side, exp.cast(exp.Literal.string(text), "timestamp"))
            return copy
    return node


def _day_of(node: exp.Expr, _: NotNull) -> exp.Expr:
    """The day of a timestamp compared with a day: the timestamp compared with where that day starts or ends."""
    for side, other in (("this", "expression"), ("expression", "this")):
        time, day = _time_of(node.args[side]), _day_in(node.args[other])
        if time is not None and day is not None:
            starts, ends = (_midnight(day + datetime.timedelta(days=n)) for n in (0, 1))
            if isinstance(node, exp.EQ):
                after = exp.LTE(this=starts, expression=time.copy())
                return exp.And(this=after, expression=exp.LT(this=time.copy(), expression=ends))
            if side == "this":
                return exp.LT(this=time.copy(), expression=starts if isinstance(node, exp.LT) else ends)
            return exp.LTE(this=ends if isinstance(node, exp.LT) else starts, expression=time.copy())
    return node


def _time_of(node: exp.Expr) -> exp.Expr | None:
    """The timestamp of which a value is the day."""
    if isinstance(node, exp.Cast | exp.TryCast) and node.to.is_type("date"):
        inner: exp.Expr = node.this
        return inner if inner.type and inner.type.is_type("timestamp") else None
    return None


def _day_in(node: exp.Expr) -> datetime.date | None:
    """The day that a constant is."""
    if not (isinstance(node, exp.Cast) and node.to.is_type("date") and isinstance(node.this, exp.Literal)):
        return None
    try:
        return datetime.date.fromisoformat(node.this.this)
    except ValueError:
        return None


def _midnight(day: datetime.date) -> exp.Expr:
    return exp.cast(exp.Literal.string(day.isoformat()), "timestamp")


def _year_of(node: exp.Expr, _: NotNull) -> exp.Expr:
    """The year of a day or a timestamp: where that year starts and ends."""
    for part, constant in ((node.this, node.expression), (node.expression, node.this)):
        if not (
            isinstance(part, exp.Extract) and str(part.this).upper() == "YEAR" and isinstance(constant, exp.Literal)
        ):
            continue
        time, kind = part.expression, part.expression.type
        if (
            kind is None
            or not kind.is_type("date", "timestamp")
            or len(constant.this) != 4
            or not constant.this.isdigit()
        ):
            continue
        target = "date" if kind.is_type("date") else "timestamp"
        starts, ends = (exp.cast(exp.Literal.string(f"{int(constant.this) + n:04d}-01-01"), target) for n in (0, 1))
        after = exp.LTE(this=starts, expression=time.copy())
        return exp.And(this=after, expression=exp.LT(this=time.copy(), expression=ends))
    return node


def tightest(parts: list[exp.Expr]) -> list[exp.Expr]:
    """Conditions without a bound that a tighter one of the same value implies: `x > 5` beside `x > 10`."""
    bounds: dict[tuple[str, bool], list[tuple[Decimal, bool, exp.Expr]]] = {}
    for part in parts:
        found = _bound(part)
        if found is not None:
            value, upper, limit, strict = found
            bounds.setdefault((value, upper), []).append((limit, strict, part))
    loose: list[exp.Expr] = []
    for (_, upper), several in bounds.items():
        tightest = max(several, key=lambda b, upper=upper: (-b[0] if upper else b[0], b[1]))  # type: ignore[misc]
        loose += [part for _, _, part in several if part is not tightest[2]]
    return [p for p in parts if all(p is not bound for bound in loose)]


def _bound(part: exp.Expr) -> tuple[str, bool, Decimal, bool] | None:
    """What is bounded, whether from above, by which number, and whether that number itself is out."""
    if not isinstance(part, exp.LT | exp.LTE):
        return None
    for value, number, upper in ((part.this, part.expression, True), (part.expression, part.this, False)):
        if isinstance(number, exp.Literal) and not number.is_string and not isinstance(value, exp.Literal):
            try:
                return text_of(value), upper, Decimal(number.this), isinstance(part, exp.LT)
            except InvalidOperation:
                return None
    return None


RULES: tuple[tuple[tuple[type[exp.Expr], ...], Callable[[exp.Expr, NotNull], exp.Expr]], ...] = (
    ((exp.EQ, exp.NEQ, exp.LT, exp.LTE), _dated),
    ((exp.EQ, exp.LT, exp.LTE), _day_of),
    ((exp.EQ,), _year_of),
)
