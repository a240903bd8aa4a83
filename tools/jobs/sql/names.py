"""What an unnamed select item is called, as each engine calls it."""

from __future__ import annotations

from sqlglot import exp

from tools.jobs.labels import select_name

_SPARK = frozenset({"spark", "spark2", "databricks", "hive"})


def item_name(node: exp.Expr, index: int, dialect: str) -> str:
    """The output name of a select item: its alias, its column's name, or what the engine would make up."""
    if isinstance(node, (exp.Alias, exp.PivotAlias)):
        return node.alias
    if isinstance(node, exp.Column):
        return node.name
    if isinstance(node, (exp.Dot, exp.Paren)) and isinstance(node.this, exp.Expr):
        return node.name if isinstance(node, exp.Dot) and node.name else item_name(node.this, index, dialect)
    if dialect in _SPARK:
        return select_name(node)
    return f"_col{index}" if dialect in ("athena", "trino", "presto") else _spark_text(node)


def _spark_text(node: exp.Expr) -> str:
    """Spark prints the expression: function names in lower case, names without quotes."""
    copy = node.copy()
    for identifier in copy.find_all(exp.Identifier):
        identifier.set("quoted", False)
    return copy.sql("spark", normalize_functions="lower", comments=False)
