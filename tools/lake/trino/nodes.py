"""Small pieces that the fix-ups share: building calls, and what kind of value a node has."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

from sqlglot import exp

__all__ = ["Fix", "Kind", "call", "cast", "kind_of", "known", "number", "text", "typed_as"]

Fix: TypeAlias = Callable[[exp.Expr], exp.Expr]
"""Takes a node whose parts are fixed already and returns what stands in its place."""

Kind = Literal[
    "integer",
    "decimal",
    "double",
    "varchar",
    "date",
    "timestamp",
    "zoned",
    "boolean",
    "array",
    "map",
    "row",
    "interval",
]

_KINDS: dict[exp.DType, Kind] = {
    **dict.fromkeys(exp.DataType.INTEGER_TYPES, "integer"),
    **dict.fromkeys((exp.DType.DECIMAL, exp.DType.BIGDECIMAL), "decimal"),
    **dict.fromkeys((exp.DType.DOUBLE, exp.DType.FLOAT), "double"),
    **dict.fromkeys(exp.DataType.TEXT_TYPES, "varchar"),
    **dict.fromkeys((exp.DType.DATE, exp.DType.DATE32), "date"),
    **dict.fromkeys((exp.DType.TIMESTAMP, exp.DType.TIMESTAMPNTZ, exp.DType.DATETIME), "timestamp"),
    **dict.fromkeys((exp.DType.TIMESTAMPTZ, exp.DType.TIMESTAMPLTZ), "zoned"),
    exp.DType.BOOLEAN: "boolean",
    **dict.fromkeys((exp.DType.ARRAY, exp.DType.LIST), "array"),
    exp.DType.MAP: "map",
    exp.DType.STRUCT: "row",
    exp.DType.INTERVAL: "interval",
}
# What sqlglot does not type, or types for other dialects.
_CALL_KINDS: dict[str, Kind] = {
    **dict.fromkeys(("nan", "infinity", "e", "pi"), "double"),
    **dict.fromkeys(("at_timezone", "with_timezone"), "zoned"),
    **dict.fromkeys(("format_datetime", "to_iso8601", "url_decode", "url_encode", "url_extract_host"), "varchar"),
    **dict.fromkeys(
        ("map_agg", "histogram", "map_union", "multimap_agg", "map_concat", "map_filter", "map_zip_with"), "map"
    ),
    **dict.fromkeys(("transform_keys", "transform_values", "map_from_entries", "split_to_multimap"), "map"),
    **dict.fromkeys(("array_union", "zip", "zip_with", "map_entries", "map_keys", "map_values", "ngrams"), "array"),
}
_NODE_KINDS: dict[type[exp.Expr], Kind] = {
    exp.Interval: "interval",
    exp.Array: "array",
    exp.Map: "map",
    exp.MapFromEntries: "map",
    exp.Struct: "row",
    exp.Sqrt: "double",
    exp.Ln: "double",
    exp.Exp: "double",
    exp.Log: "double",
    exp.Pow: "double",
    exp.UnixToTime: "zoned",
    exp.CurrentTimestamp: "zoned",
    exp.ParseDatetime: "zoned",
    exp.FromISO8601Timestamp: "zoned",
    exp.StrToTime: "timestamp",
    exp.Localtimestamp: "timestamp",
    exp.Split: "array",
    exp.ArrayFilter: "array",
    exp.ArraySort: "array",
    exp.ArraySlice: "array",
    exp.GenerateSeries: "array",
    exp.MapKeys: "array",
}
_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod)


def known(node: exp.Expr) -> bool:
    """Whether sqlglot gave a node a type."""
    return node.type is not None and node.type.this not in (exp.DType.UNKNOWN, exp.DType.NULL)


def kind_of(node: exp.Expr | None) -> Kind | None:
    """What kind of value a node has; None when nothing says.

    Literals and arithmetic are judged here: sqlglot takes 1.5 for a double, which is a decimal in Athena.
    """
    if node is None:
        return None
    if isinstance(node, exp.Paren | exp.Neg):
        return kind_of(node.this)
    if isinstance(node, exp.Literal):
        return _literal_kind(node)
    if isinstance(node, _ARITHMETIC) and (result := _result(node)):
        return result
    if type(node) in _NODE_KINDS:
        return _NODE_KINDS[type(node)]
    if isinstance(node, exp.Anonymous) and (kind := _CALL_KINDS.get(node.name.lower().removeprefix("trino_"))):
        return kind
    return _KINDS.get(node.type.this) if node.type is not None else None


def call(name: str, *arguments: exp.Expr | None) -> exp.Anonymous:
    """A call of a DuckDB function or of one of our macros."""
    return exp.Anonymous(this=name, expressions=[a for a in arguments if a is not None])


def number(value: int) -> exp.Expr:
    """A whole number."""
    return exp.Neg(this=exp.Literal.number(-value)) if value < 0 else exp.Literal.number(value)


def text(value: str) -> exp.Literal:
    """A piece of text."""
    return exp.Literal.string(value)


def cast(node: exp.Expr, to: str) -> exp.Expr:
    """A cast to a DuckDB type."""
    return exp.Cast(this=node, to=exp.DataType.build(to, dialect="duckdb"))


def typed_as(node: exp.Expr, athena: str) -> exp.Expr:
    """The node, marked with its Athena type for the fix-ups around it."""
    node.type = exp.DataType.build(athena, dialect="athena")
    return node


def _literal_kind(literal: exp.Literal) -> Kind:
    if literal.is_string:
        return "varchar"
    if "e" in literal.name.lower():
        return "double"
    return "decimal" if "." in literal.name else "integer"


def _result(node: exp.Expr) -> Kind | None:
    """What arithmetic gives: the wider number; an interval between two times; a time moved by an interval."""
    left, right = kind_of(node.this), kind_of(node.expression)
    if left in _NUMBERS and right in _NUMBERS:
        return max(left, right, key=_NUMBERS.index)
    if left in _TIMES and right in _TIMES:
        return "interval"
    if "interval" in (left, right):
        return next((kind for kind in (left, right) if kind in _TIMES), "interval")
    return None


_NUMBERS: tuple[Kind, ...] = ("integer", "decimal", "double")
_TIMES: tuple[Kind, ...] = ("date", "timestamp", "zoned")
