"""JSON: paths, scalars, and text that is JSON."""

from __future__ import annotations

import re

from sqlglot import exp

from tools.lake.trino.nodes import Fix, call, cast, text, typed_as

__all__ = ["CALLS", "FIXES"]


def _extract_scalar(node: exp.Expr) -> exp.Expr:
    """Objects and arrays are no scalars: NULL, where DuckDB writes them out."""
    return typed_as(call("trino_json_scalar", node.this, _path(node.expression)), "varchar")


def _extract(node: exp.Expr) -> exp.Expr:
    found = call("json_extract", node.this, _path(node.expression))
    if node.args.get("json_query"):  # json_query gives text
        return typed_as(cast(found, "VARCHAR"), "varchar")
    return typed_as(found, "json")


def _value(node: exp.Expr) -> exp.Expr:
    return typed_as(call("trino_json_scalar", node.this, _path(node.args["path"])), "varchar")


def _exists(node: exp.Expr) -> exp.Expr:
    source, path = node.expressions
    return typed_as(call("json_exists", source, _path(path)), "boolean")


def _format(node: exp.Expr) -> exp.Expr:
    return typed_as(cast(node.this, "VARCHAR"), "varchar")


def _cast(node: exp.Expr) -> exp.Expr:
    """A value cast to JSON is written as JSON; text that is JSON needs json_parse."""
    if node.args["to"].this == exp.DType.JSON:
        return typed_as(call("to_json", node.this), "json")
    return node


def _size(node: exp.Expr) -> exp.Expr:
    source, path = node.expressions
    return call("trino_json_size", source, _path(path))


def _path(path: exp.Expr) -> exp.Expr:
    """A path as plain text, without the mode that SQL's functions write before it."""
    if isinstance(path, exp.JSONPath):
        return text(path.sql("duckdb").strip("'").replace("''", "'"))
    if isinstance(path, exp.Literal):
        return text(re.sub(r"^\s*(lax|strict)\s+", "", path.name))
    return path


FIXES: dict[type[exp.Expr], Fix] = {
    exp.JSONExtractScalar: _extract_scalar,
    exp.JSONExtract: _extract,
    exp.JSONValue: _value,
    exp.JSONFormat: _format,
    exp.Cast: _cast,
    exp.JSONArrayContains: lambda n: call("trino_json_array_contains", n.this, n.expression),
}
CALLS: dict[str, Fix] = {"json_exists": _exists, "json_size": _size}
