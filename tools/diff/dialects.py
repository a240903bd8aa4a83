"""What two dialects write alike and calculate otherwise: marked, so that a form of one is not taken for one of the other.

Whole numbers divided give a whole number in Athena and a fraction in Spark; a decimal quotient or average has more digits
in Spark; by zero it is NULL there, an error or infinite here.
"""

from __future__ import annotations

from sqlglot import exp

__all__ = ["marked"]

_SPARK = ("spark", "spark2", "databricks", "hive")


def marked(expression: exp.Expr, dialect: str) -> exp.Expr:
    """An expression whose divisions and averages are named by who calculates them, where that matters."""

    def mark(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Div) and not _is_plain(node):
            how = "spark" if dialect in _SPARK else "athena"
            return exp.Anonymous(
                this=f"divided_{how}", expressions=[node.this.transform(mark), node.expression.transform(mark)]
            )
        if isinstance(node, exp.Avg) and dialect in _SPARK and _is_decimal(node.this):
            return exp.Anonymous(this="avg_spark", expressions=[node.this.transform(mark)])
        return node

    found: exp.Expr = expression.transform(mark)
    return found


def _is_plain(node: exp.Div) -> bool:
    """A DOUBLE by a constant that is not zero: the same everywhere."""
    by = node.expression.unnest()
    constant = isinstance(by, exp.Literal) and not by.is_string and by.this.strip("0.") != ""
    value = node.this.unnest()
    kind = value.to if isinstance(value, exp.Cast) else value.type
    return constant and kind is not None and kind.is_type("double", "float")


def _is_decimal(node: exp.Expr) -> bool:
    return any(c.type is not None and c.type.is_type("decimal") for c in node.find_all(exp.Column))
