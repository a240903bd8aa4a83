"""What every rule of canonical forms asks of an expression: its text, its conditions, the parts of a chain."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

__all__ = ["NotNull", "conjuncts", "flat", "inner_of", "text_of"]

NotNull = Callable[[exp.Expr], bool]
"""Whether a column can never be NULL, as far as somebody knows."""


def text_of(expression: exp.Expr) -> str:
    """The text by which forms are compared: of no dialect, since each writes some functions that differ in one way."""
    return expression.sql(comments=False, normalize_functions="lower", identify=True)


def conjuncts(expression: exp.Expr) -> list[exp.Expr]:
    """The parts of a predicate that all have to hold."""
    if isinstance(expression, exp.Paren):
        return conjuncts(expression.this)
    if isinstance(expression, exp.And):
        return [*conjuncts(expression.this), *conjuncts(expression.expression)]
    return [expression]


def flat(node: exp.Expr, kind: type[exp.Expr]) -> list[exp.Expr]:
    """The parts of a chain of one operator: `a AND (b AND c)` has three."""
    if isinstance(node, exp.Paren):
        return flat(node.this, kind)
    if type(node) is kind:
        return [*flat(node.this, kind), *flat(node.expression, kind)]
    return [node]


def inner_of(node: exp.Expr) -> exp.Expr:
    """What a node is around."""
    inner: exp.Expr = node.this
    return inner
