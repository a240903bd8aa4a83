"""What is measured of a column: one row for each figure, with the aggregate that gives it.

Figures are Athena aggregates over one column, so that any number of them fits into one scan. Times are measured as
timestamps in UTC, whatever the column's type, and text by its form, so that nothing here shows a whole value of text.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Literal, TypeAlias

from sqlglot import exp

from tools.lake.base import Column

__all__ = [
    "FIGURES",
    "BatchFigures",
    "ColumnFigures",
    "Family",
    "Figure",
    "Value",
    "as_time",
    "family",
    "is_integer",
    "is_placeholder",
    "plain",
]

Family = Literal["number", "time", "text", "boolean", "other"]
Value: TypeAlias = float | int | str | bool | datetime.datetime | None
ColumnFigures: TypeAlias = Mapping[str, Value]
"""Figure -> value, for one column of one batch."""

_INTEGERS = ("tinyint", "smallint", "integer", "bigint")
_NUMBERS = (*_INTEGERS, "real", "double", "decimal")
QUANTILES = {"q05": 0.05, "q25": 0.25, "q50": 0.5, "q75": 0.75, "q95": 0.95}


def family(athena_type: str) -> Family:
    """Which figures a type has. `other` are nested, binary and time-of-day types: nulls are all that is measured."""
    if athena_type.startswith(_NUMBERS):
        return "number"
    if athena_type == "date" or athena_type.startswith("timestamp"):
        return "time"
    if athena_type.startswith(("varchar", "char")):
        return "text"
    return "boolean" if athena_type == "boolean" else "other"


def is_integer(athena_type: str) -> bool:
    """Whether a type holds whole numbers only."""
    return athena_type.startswith(_INTEGERS) or (athena_type.startswith("decimal") and athena_type.endswith(",0)"))


def as_time(column: Column) -> exp.Expr:
    """A column of the time family as a timestamp in UTC."""
    name: exp.Expr = exp.column(column.name, quoted=True)
    if column.type.endswith("with time zone"):
        name = exp.AtTimeZone(this=name, zone=exp.Literal.string("UTC"))
    return name if column.type == "timestamp" else exp.cast(name, "timestamp")


def _number(column: Column) -> exp.Expr:
    return exp.cast(exp.column(column.name, quoted=True), "double")


def _text(column: Column) -> exp.Expr:
    return exp.column(column.name, quoted=True)


_READ: Mapping[Family, Callable[[Column], exp.Expr]] = {"number": _number, "time": as_time, "text": _text}


@dataclass(frozen=True, slots=True)
class Figure:
    """A figure by name: of which families, its aggregate over the column's value, and whether it is dear to compute."""

    name: str
    families: tuple[Family, ...]
    aggregate: Callable[[exp.Expr], exp.Expr]
    dear: bool = False

    def of(self, column: Column) -> exp.Expr:
        """The aggregate for a column."""
        value = _READ.get(family(column.type), _text)(column)
        if self.name == "deviation" and column.type in ("real", "double"):
            value = _squarable(value)
        return self.aggregate(value)


def _squarable(value: exp.Expr) -> exp.Expr:
    """Without infinities, NaN and numbers whose square is no double: one of them would fail the whole query."""
    near = exp.LT(this=exp.Abs(this=value.copy()), expression=exp.Literal.number("1e150"))
    return exp.Case().when(near, value)


def _count_if(test: exp.Expr) -> exp.Expr:
    return exp.CountIf(this=test)


def _nulls(value: exp.Expr) -> exp.Expr:
    return _count_if(exp.Is(this=value, expression=exp.null()))


def _quantile(share: float) -> Callable[[exp.Expr], exp.Expr]:
    return lambda value: exp.ApproxQuantile(this=value, quantile=exp.Literal.number(str(share)))


def _trimmed(value: exp.Expr) -> exp.Expr:
    return exp.Trim(this=value.copy())


def _folded(fold: type[exp.Func], other: type[exp.Func]) -> Callable[[exp.Expr], exp.Expr]:
    """Rows whose text is all in one case though it has letters."""

    def test(value: exp.Expr) -> exp.Expr:
        same = exp.EQ(this=value.copy(), expression=fold(this=value.copy()))
        return _count_if(exp.and_(same, exp.NEQ(this=value.copy(), expression=other(this=value.copy()))))

    return test


def _differs(left: exp.Expr, right: exp.Expr) -> exp.Expr:
    return exp.NEQ(this=left, expression=right)


PLACEHOLDERS = (
    "", "-", "--", "?", ".", "n/a", "na", "n.a.", "nan", "nil", "none", "null", "(null)", "#n/a", "#ref!", "#value!",
    "unknown", "undefined", "not available", "not applicable", "tbd", "todo", "test", "dummy", "xxx",
)  # fmt: skip
"""What people and programs write when they mean that there is no value; compared trimmed and in lower case."""


def is_placeholder(value: exp.Expr) -> exp.Expr:
    """Rows whose text is one of the placeholder words."""
    words = [exp.Literal.string(w) for w in PLACEHOLDERS]
    return exp.In(this=exp.Lower(this=_trimmed(value)), expressions=words)


def _length(value: exp.Expr) -> exp.Expr:
    return exp.Length(this=value)


def _hour(value: exp.Expr) -> exp.Expr:
    return exp.Hour(this=value)


def _off(unit: str) -> Callable[[exp.Expr], exp.Expr]:
    """Times that are not at the start of a day or hour."""

    def test(value: exp.Expr) -> exp.Expr:
        start = exp.TimestampTrunc(this=value.copy(), unit=exp.Literal.string(unit))
        return _count_if(exp.NEQ(this=value.copy(), expression=start))

    return test


def _compared(test: type[exp.Binary]) -> Callable[[exp.Expr], exp.Expr]:
    return lambda value: _count_if(test(this=value, expression=exp.Literal.number(0)))


_ALL: tuple[Family, ...] = ("number", "time", "text", "boolean", "other")
_ORDERED: tuple[Family, ...] = ("number", "time")
FIGURES: Mapping[str, Figure] = {
    f.name: f
    for f in (
        Figure("nulls", _ALL, _nulls),
        Figure("distinct", ("number", "time", "text", "boolean"), lambda v: exp.ApproxDistinct(this=v)),
        Figure("min", _ORDERED, lambda v: exp.Min(this=v)),
        Figure("max", _ORDERED, lambda v: exp.Max(this=v)),
        Figure("mean", ("number",), lambda v: exp.Avg(this=v)),
        Figure("deviation", ("number",), lambda v: exp.StddevSamp(this=v)),
        Figure("zeros", ("number",), _compared(exp.EQ)),
        Figure("negatives", ("number",), _compared(exp.LT)),
        *(Figure(name, ("number",), _quantile(share), dear=True) for name, share in QUANTILES.items()),
        Figure("off_day", ("time",), _off("day")),
        Figure("off_hour", ("time",), _off("hour")),
        Figure("first_hour", ("time",), lambda v: exp.Min(this=_hour(v))),
        Figure("last_hour", ("time",), lambda v: exp.Max(this=_hour(v))),
        Figure("shortest", ("text",), lambda v: exp.Min(this=_length(v))),
        Figure("longest", ("text",), lambda v: exp.Max(this=_length(v))),
        Figure("padded", ("text",), lambda v: _count_if(exp.NEQ(this=v.copy(), expression=_trimmed(v)))),
        Figure("all_lower", ("text",), _folded(exp.Lower, exp.Upper)),
        Figure("all_upper", ("text",), _folded(exp.Upper, exp.Lower)),
        Figure("letters", ("text",), lambda v: _count_if(_differs(exp.Lower(this=v.copy()), exp.Upper(this=v.copy())))),
        Figure("placeholder", ("text",), lambda v: _count_if(is_placeholder(v))),
        Figure("true", ("boolean",), _count_if),
    )
}


@dataclass(frozen=True, slots=True)
class BatchFigures:
    """Everything measured of one batch. `duplicates` are rows beyond the first of equal ones, None when not counted."""

    label: str
    rows: int
    columns: Mapping[str, ColumnFigures]
    loaded_at: datetime.datetime | None = None
    duplicates: int | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)

    def figure(self, column: str, name: str) -> Value:
        """One figure; None when it was not measured or does not exist (a mean of nothing)."""
        return self.columns.get(column, {}).get(name)

    def number(self, column: str, name: str) -> float | None:
        """A figure as a float; None for a missing one, a time or NaN."""
        value = self.figure(column, name)
        if value is None or isinstance(value, str | datetime.datetime):
            return None
        return None if math.isnan(value) else float(value)

    def time(self, column: str, name: str) -> datetime.datetime | None:
        """A figure as a time; None for a missing one."""
        value = self.figure(column, name)
        return value if isinstance(value, datetime.datetime) else None

    def to_dict(self) -> dict[str, Any]:
        """As history keeps it: times as ISO text."""
        return {
            "label": self.label,
            "rows": self.rows,
            "loaded_at": _stored(self.loaded_at),
            "duplicates": self.duplicates,
            "columns": {c: {k: _stored(v) for k, v in f.items()} for c, f in self.columns.items()},
            **({"extra": dict(self.extra)} if self.extra else {}),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> BatchFigures:
        """The inverse of `to_dict`."""
        columns = {c: {k: _restored(v) for k, v in f.items()} for c, f in data["columns"].items()}
        loaded_at = _restored(data.get("loaded_at"))
        return cls(
            data["label"],
            data["rows"],
            columns,
            loaded_at if isinstance(loaded_at, datetime.datetime) else None,
            data.get("duplicates"),
            data.get("extra", {}),
        )


def duplicates_share(figures: BatchFigures) -> float | None:
    """Repeated rows as a share of all; None where they were not counted or there are none."""
    return figures.duplicates / figures.rows if figures.duplicates is not None and figures.rows else None


def figures_of(column: Column, names: Iterable[str] | None = None) -> list[Figure]:
    """The figures that a column has, all or those of some names."""
    wanted = None if names is None else set(names)
    kind = family(column.type)
    return [f for f in FIGURES.values() if kind in f.families and (wanted is None or f.name in wanted)]


def plain(value: Any) -> Value:
    """An engine's value as one that can be stored: decimals as floats, dates as times, NaN as nothing."""
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC).replace(tzinfo=None) if value.tzinfo else value
    if isinstance(value, datetime.date):
        return datetime.datetime.combine(value, datetime.time())
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() and value.as_tuple().exponent == 0 else float(value)
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if value is None or isinstance(value, int | float | str | bool) else str(value)


_TIME = "time:"


def _stored(value: Value) -> Any:
    return _TIME + value.isoformat() if isinstance(value, datetime.datetime) else value


def _restored(value: Any) -> Value:
    if isinstance(value, str) and value.startswith(_TIME):
        return datetime.datetime.fromisoformat(value.removeprefix(_TIME))
    return plain(value)
