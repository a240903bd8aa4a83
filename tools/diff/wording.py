"""Expressions in canonical form, worded for people again."""

from __future__ import annotations

from sqlglot import exp

__all__ = ["shown"]


def shown(expression: exp.Expr) -> str:
    """An expression over columns of tables as a person would write it, short."""
    tree = expression.copy()
    for column in tree.find_all(exp.Column):
        if column.table:
            column.set("table", exp.to_identifier(column.table.rpartition(".")[2]))
        column.this.set("quoted", False)
    turned: exp.Expr = tree.transform(_turned)
    return turned.sql("athena", comments=False)


_TURNED: dict[type[exp.Expr], type[exp.Expr]] = {exp.EQ: exp.EQ, exp.NEQ: exp.NEQ, exp.LT: exp.GT, exp.LTE: exp.GTE}


def _turned(node: exp.Expr) -> exp.Expr:
    """A comparison with its constant last."""
    kind = _TURNED.get(type(node))
    if kind is None or not isinstance(node.this, exp.Literal) or isinstance(node.expression, exp.Literal):
        return node
    return kind(this=node.expression.copy(), expression=node.this.copy())
