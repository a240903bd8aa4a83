"""The type of a value, as far as it can be told."""

from __future__ import annotations

from sqlglot import exp
from sqlglot.optimizer.annotate_types import annotate_types

__all__ = ["same_type", "type_name"]


def type_name(expression: exp.Expr, dialect: str) -> str | None:
    """The type of a value, as far as it can be told; parameters of decimals only where they are stated."""
    stated = expression.transform(_stated)
    tree = annotate_types(stated, dialect=dialect)
    found = tree.type
    if isinstance(tree, exp.DateTrunc | exp.TimestampTrunc):
        found = tree.this.type if tree.this.type else found  # it stays what it is; sqlglot takes it for a day
    if isinstance(tree, exp.Avg) and dialect in ("spark", "hive", "databricks") and tree.this.is_type("decimal"):
        return "decimal"  # Spark keeps decimals; sqlglot follows engines that do not
    if found is None or found.this in (exp.DType.UNKNOWN, exp.DType.NULL):
        return None
    if isinstance(tree, exp.Cast):
        return found.sql("athena").lower()
    return str(found.this.value).lower()


def _stated(node: exp.Expr) -> exp.Expr:
    """Columns with their types; counts are of one type, whichever dialect they were written in."""
    if isinstance(node, exp.Column) and node.type and not node.type.is_type("unknown"):
        return exp.cast(node.copy(), node.type)
    if isinstance(node, exp.Count):
        node.set("big_int", True)
    return node


def same_type(one: str, other: str) -> bool:
    """Whether two types may be one: a decimal whose digits are not told is like any other."""
    one, other = (_ALIASES.get(t, t) for t in (one, other))
    return one == other or ("decimal" in (one, other) and one.startswith("decimal") and other.startswith("decimal"))


_ALIASES = {"integer": "int", "float": "real", "text": "varchar", "string": "varchar"}
