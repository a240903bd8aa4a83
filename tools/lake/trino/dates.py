"""Dates, times and intervals: whole units, types that stay, and the three pattern languages."""

from __future__ import annotations

import re

from sqlglot import exp

from knowledge.errors import QueryError
from tools.lake.trino.nodes import Fix, call, cast, kind_of, text, typed_as

__all__ = ["CALLS", "FIXES"]

_DATE_UNITS = {"day", "week", "month", "quarter", "year"}

# Joda's letters, as format_datetime and parse_datetime take them; longest first where one begins another.
_JODA = {
    "yyyy": "%Y", "YYYY": "%Y", "xxxx": "%G", "yy": "%y", "y": "%Y", "MMMM": "%B", "MMM": "%b", "MM": "%m", "M": "%-m",
    "dd": "%d", "d": "%-d", "DDD": "%j", "HH": "%H", "H": "%-H", "hh": "%I", "h": "%-I", "mm": "%M", "m": "%-M",
    "ss": "%S", "s": "%-S", "SSS": "%g", "EEEE": "%A", "EEE": "%a", "E": "%a", "e": "%u", "ww": "%V", "a": "%p",
    "Z": "%z",
}  # fmt: skip
_JODA_TOKEN = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|.", re.DOTALL)


def _date_diff(node: exp.Expr) -> exp.Expr:
    """Whole units between two moments: DuckDB's date_sub, not its date_diff, which counts boundaries."""
    unit = _unit(node)
    first, second = node.expression, node.this
    if kind_of(first) != kind_of(second) or "zoned" in (kind_of(first), kind_of(second)):
        first, second = _as_timestamp(first), _as_timestamp(second)
    return call("date_sub", text(unit), first, second)


def _moved(node: exp.Expr) -> exp.Expr:
    """A date moved by days or more stays a date; DuckDB makes a timestamp of it."""
    date, step = (node.expression, node.this) if kind_of(node.this) == "interval" else (node.this, node.expression)
    if kind_of(date) != "date":
        return node
    if isinstance(node, exp.Sub) and kind_of(step) == "date":
        days = exp.paren(exp.Sub(this=date, expression=step), copy=False)
        return exp.Mul(this=days, expression=exp.Interval(this=text("1"), unit=exp.var("DAY")))
    unit = _unit(node) if node.args.get("unit") else _unit(step)
    if kind_of(step) == "interval" or isinstance(node, exp.DateAdd):
        return typed_as(cast(node.copy(), "DATE"), "date") if unit in _DATE_UNITS else node
    return node


def _truncated(node: exp.Expr) -> exp.Expr:
    """Truncating a date gives a date."""
    if kind_of(node.this) != "date":
        return node
    return typed_as(cast(node.copy(), "DATE"), "date")


def _cast(node: exp.Expr) -> exp.Expr:
    """A timestamp as text has milliseconds; an instant as a date or timestamp shows its zone's clock (UTC here)."""
    to, source = node.args["to"], kind_of(node.this)
    if to.this in exp.DataType.TEXT_TYPES and source == "timestamp":
        return typed_as(call("trino_timestamp_text", node.this), "varchar")
    if to.this in (exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ, exp.DType.TIME):
        to.set("expressions", [])  # DuckDB takes a precision for another type; values carry their own
    return node


def _at_zone(node: exp.Expr) -> exp.Expr:
    """An instant on another zone's clock. The instant is a timestamp with zone for Trino; its parts are the zone's."""
    value = node.this
    if kind_of(value) != "zoned":
        value = cast(value, "TIMESTAMPTZ")
    return typed_as(call("timezone", node.args["zone"], value), "timestamp")


def _at_timezone(node: exp.Expr) -> exp.Expr:
    value, zone = node.expressions
    return _at_zone(exp.AtTimeZone(this=value, zone=zone))


def _week(node: exp.Expr) -> exp.Expr:
    return call("week", node.this)


def _last_day(node: exp.Expr) -> exp.Expr:
    return typed_as(cast(call("last_day", node.this), "DATE"), "date")


def _to_unixtime(node: exp.Expr) -> exp.Expr:
    return typed_as(call("epoch", node.this), "double")


def _from_unixtime(node: exp.Expr) -> exp.Expr:
    return typed_as(call("to_timestamp", cast(node.this, "DOUBLE")), "timestamp(3) with time zone")


def _from_iso_timestamp(node: exp.Expr) -> exp.Expr:
    return typed_as(cast(node.this, "TIMESTAMPTZ"), "timestamp(3) with time zone")


def _date_format(node: exp.Expr) -> exp.Expr:
    value = node.this
    return typed_as(call("strftime", value, text(_mysql_pattern(node))), "varchar")


def _date_parse(node: exp.Expr) -> exp.Expr:
    return typed_as(call("strptime", node.this, text(_padded(_mysql_pattern(node)))), "timestamp")


def _format_datetime(node: exp.Expr) -> exp.Expr:
    value, pattern = node.expressions
    return typed_as(call("strftime", value, text(_joda_pattern(pattern))), "varchar")


def _parse_datetime(node: exp.Expr) -> exp.Expr:
    pattern = _padded(_joda_pattern(node.args["format"]))
    parsed = call("strptime", node.this, text(pattern))
    return typed_as(cast(parsed, "TIMESTAMPTZ"), "timestamp(3) with time zone")


def _date(node: exp.Expr) -> exp.Expr:
    return typed_as(cast(node.this, "DATE"), "date")


def _localtimestamp(node: exp.Expr) -> exp.Expr:
    return typed_as(cast(exp.CurrentTimestamp(), "TIMESTAMP"), "timestamp")


def _unit(node: exp.Expr) -> str:
    """The unit in lower case, singular."""
    unit = node.args.get("unit")
    if isinstance(node, exp.Interval) and unit is None:
        return ""
    return unit.name.lower().removesuffix("s") if unit is not None else "day"


def _as_timestamp(node: exp.Expr) -> exp.Expr:
    return node if kind_of(node) == "timestamp" else cast(node, "TIMESTAMP")


def _mysql_pattern(node: exp.Expr) -> str:
    pattern = node.args["format"]
    if not isinstance(pattern, exp.Literal):
        raise QueryError("A pattern of date_format and date_parse must be a plain text here")
    # sqlglot reads Athena's letters into Python's: %i is %M by now, and %M is %B.
    return str(pattern.name)


def _padded(pattern: str) -> str:
    """For reading, strptime takes padded and unpadded digits by the padded letter."""
    return pattern.replace("%-", "%")


def _joda_pattern(pattern: exp.Expr) -> str:
    if not isinstance(pattern, exp.Literal):
        raise QueryError("A pattern of format_datetime and parse_datetime must be a plain text here")
    return "".join(_joda_token(match) for match in _JODA_TOKEN.finditer(pattern.name))


def _joda_token(match: re.Match[str]) -> str:
    token = match.group(0)
    if match.group(1) is not None:
        return (match.group(1).replace("''", "'") or "'").replace("%", "%%")
    if match.group(2) is None:
        return token.replace("%", "%%")
    if token not in _JODA:
        raise QueryError(f"The date pattern {token!r} is not supported here")
    return _JODA[token]


FIXES: dict[type[exp.Expr], Fix] = {
    exp.DateDiff: _date_diff,
    exp.DateAdd: _moved,
    exp.Add: _moved,
    exp.Sub: _moved,
    exp.TimestampTrunc: _truncated,
    exp.DateTrunc: _truncated,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.AtTimeZone: _at_zone,
    exp.WeekOfYear: _week,
    exp.YearOfWeek: lambda n: call("isoyear", n.this),
    exp.LastDay: _last_day,
    exp.TimeToUnix: _to_unixtime,
    exp.UnixToTime: _from_unixtime,
    exp.FromISO8601Timestamp: _from_iso_timestamp,
    exp.FromISO8601Date: _date,
    exp.TimeToStr: _date_format,
    exp.StrToTime: _date_parse,
    exp.ParseDatetime: _parse_datetime,
    exp.Date: _date,
    exp.Localtimestamp: _localtimestamp,
}
CALLS: dict[str, Fix] = {
    "format_datetime": _format_datetime,
    "at_timezone": _at_timezone,
    "with_timezone": lambda n: call("timezone", n.expressions[1], cast(n.expressions[0], "TIMESTAMP")),
}
