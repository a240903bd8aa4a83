"""Scalar expressions in one canonical form: two that are written differently and always mean the same become equal.

Every rule holds for NULLs, for duplicates and for any data; a rule that is merely usually right is not here. The rules
are in `predicates` and `values`; here they are put together and applied until nothing changes.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from tools.diff import predicates, values
from tools.diff.nodes import NotNull, conjuncts, text_of

__all__ = ["canonical", "conjuncts", "text_of"]

_ROUNDS = 20  # rules enable each other; nested negations need a round for each level


def canonical(expression: exp.Expr, not_null: NotNull = lambda _: False) -> exp.Expr:
    """The canonical form of an expression whose columns are already what they stand for.

    Args:
        not_null: whether a column can never be NULL, as far as somebody knows.
    """
    tree = exp.maybe_parse(expression, copy=True)
    for _ in range(_ROUNDS):
        changed: exp.Expr = tree.transform(lambda node: _rewritten(node, not_null))
        done = changed == tree and text_of(changed) == text_of(
            tree
        )  # some nodes have one text, some flags do not count
        tree = changed
        if done:
            break
    return tree


def _rewritten(node: exp.Expr, not_null: NotNull) -> exp.Expr:
    # A part of a chain that is regrouped as a whole is left alone: commuting it would undo that.
    if values.is_regrouped(node, not_null):
        return node
    for kinds, rule in _RULES:
        if isinstance(node, kinds):
            new = rule(node, not_null)
            if new is not node:
                return new
    return node


def _commuted(node: exp.Expr, _: NotNull) -> exp.Expr:
    """`a = b` and `b = a`."""
    left, right = node.this, node.expression
    if text_of(left) <= text_of(right):
        return node
    return type(node)(this=right.copy(), expression=left.copy())


_RULES: tuple[tuple[tuple[type[exp.Expr], ...], Callable[[exp.Expr, NotNull], exp.Expr]], ...] = (
    *predicates.RULES,
    *values.RULES,
    ((exp.EQ, exp.NEQ, exp.Add, exp.Mul, exp.NullSafeEQ), _commuted),
)
"""Rules by the kinds of node that they are for; each gives the node itself where it does not apply."""
