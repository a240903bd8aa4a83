"""Text: positions, parts, regular expressions, lengths, hashes."""

from __future__ import annotations

import re
from functools import reduce

from sqlglot import exp

from tools.lake.trino.nodes import Fix, call, cast, kind_of, known, text, typed_as

__all__ = ["FIXES"]


def _substring(node: exp.Expr) -> exp.Expr:
    length = node.args.get("length")
    name = "trino_substr_length" if length is not None else "trino_substr"
    return typed_as(call(name, node.this, node.args["start"], length), "varchar")


def _split(node: exp.Expr) -> exp.Expr:
    limit = node.args.get("limit")
    name = "trino_split_limit" if limit is not None else "string_split"
    return typed_as(call(name, node.this, node.expression, limit), "array(varchar)")


def _split_part(node: exp.Expr) -> exp.Expr:
    return call("trino_split_part", node.this, node.args["delimiter"], node.args["part_index"])


def _regexp_extract(node: exp.Expr) -> exp.Expr:
    """Without a match NULL; DuckDB gives empty text."""
    group = node.args.get("group") or exp.Literal.number(0)
    return typed_as(call("trino_regexp_extract", node.this, node.expression, group), "varchar")


def _regexp_extract_all(node: exp.Expr) -> exp.Expr:
    return call("regexp_extract_all", node.this, node.expression, node.args.get("group"))


def _regexp_replace(node: exp.Expr) -> exp.Expr:
    """All matches, and groups written `$1` become `\\1`."""
    replacement = node.args.get("replacement") or text("")
    if isinstance(replacement, exp.Literal):
        escaped = replacement.name.replace("\\$", "\0").replace("\\", "\\\\")
        replacement = text(re.sub(r"\$(\d)", r"\\\1", escaped).replace("\0", "$"))
    return typed_as(call("regexp_replace", node.this, node.expression, replacement, text("g")), "varchar")


def _concat(node: exp.Expr) -> exp.Expr:
    """NULL as soon as one part is NULL: DuckDB's concat passes over NULLs, its `||` does not."""
    joined = reduce(lambda a, b: exp.DPipe(this=a, expression=b), node.expressions)
    return exp.paren(joined, copy=False)


def _cast(node: exp.Expr) -> exp.Expr:
    """varchar(n) cuts, char(n) cuts and fills; DuckDB ignores lengths."""
    to = node.args["to"]
    if to.this not in exp.DataType.TEXT_TYPES or not to.expressions:
        return node
    size = to.expressions[0].this
    to.set("expressions", [])
    cut = call("left", node.copy(), size)
    padded = call("rpad", cut, size.copy(), text(" ")) if to.this in (exp.DType.CHAR, exp.DType.NCHAR) else cut
    return typed_as(padded, "varchar")


def _str_position(node: exp.Expr) -> exp.Expr:
    """The n-th occurrence has no counterpart; sqlglot would find the first."""
    if node.args.get("occurrence"):
        return node
    return typed_as(call("strpos", node.this, node.args["substr"]), "bigint")


def _digest(name: str) -> Fix:
    """Trino hashes bytes to bytes; DuckDB to text in hexadecimal."""
    return lambda node: typed_as(call("unhex", call(name, node.this)), "varbinary")


def _sha2(node: exp.Expr) -> exp.Expr:
    length = node.args.get("length")
    return _digest("sha256")(node) if length is None or length.name == "256" else node


def _format(node: exp.Expr) -> exp.Expr:
    return typed_as(call("printf", node.this, *node.expressions), "varchar")


def _typeof(node: exp.Expr) -> exp.Expr:
    """Athena's name of a type, not DuckDB's."""
    value = node.this
    if isinstance(value, exp.Literal) and value.is_string:
        return text(f"varchar({len(value.name)})")
    named = _TIME_TYPES.get(kind_of(value) or "")
    if named or known(value):
        return text(named or value.type.sql("athena").lower().replace(", ", ","))
    return node


_TIME_TYPES = {"zoned": "timestamp(3) with time zone", "timestamp": "timestamp(3)"}


def _dpipe(node: exp.Expr) -> exp.Expr:
    """An array takes an element on either side."""
    left, right = kind_of(node.this), kind_of(node.expression)
    if left == "array" and right not in ("array", None):
        return call("list_append", node.this, node.expression)
    if right == "array" and left not in ("array", None):
        return call("list_prepend", node.this, node.expression)
    return node


FIXES: dict[type[exp.Expr], Fix] = {
    exp.Substring: _substring,
    exp.Split: _split,
    exp.SplitPart: _split_part,
    exp.RegexpExtract: _regexp_extract,
    exp.RegexpExtractAll: _regexp_extract_all,
    exp.RegexpReplace: _regexp_replace,
    exp.RegexpSplit: lambda n: call("regexp_split_to_array", n.this, n.expression),
    exp.RegexpCount: lambda n: call("trino_regexp_count", n.this, n.expression),
    exp.Concat: _concat,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.StrPosition: _str_position,
    exp.MD5Digest: _digest("md5"),
    exp.SHA: _digest("sha1"),
    exp.SHA2Digest: _sha2,
    exp.Format: _format,
    exp.Typeof: _typeof,
    exp.DPipe: _dpipe,
    exp.Encode: lambda n: typed_as(call("encode", n.this), "varbinary"),
    exp.Decode: lambda n: typed_as(call("decode", n.this), "varchar"),
    exp.Hex: lambda n: typed_as(call("hex", n.this), "varchar"),
    exp.ToBase64: lambda n: call("to_base64", n.this),
    exp.FromBase64: lambda n: typed_as(call("from_base64", n.this), "varbinary"),
    exp.Chr: lambda n: cast(call("chr", *n.expressions), "VARCHAR"),
}
