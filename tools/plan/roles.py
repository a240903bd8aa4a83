"""The role of each column inside one expression: a value, a condition, an order, a group."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from sqlglot import exp

from tools.plan.references import is_ref, is_subquery_ref

__all__ = ["Role", "leaf_roles"]

Role = Literal["value", "condition", "filter", "join", "group_by", "sort", "window", "distinct"]
_RANKING = (exp.RowNumber, exp.Rank, exp.DenseRank, exp.PercentRank, exp.CumeDist, exp.Ntile)


def leaf_roles(expression: exp.Expr) -> Iterator[tuple[exp.Expr, Role]]:
    """Every column or subquery leaf of an expression with its role: value, condition, sort or window."""
    stack: list[tuple[exp.Expr, Role]] = [(expression, "value")]
    while stack:
        node, role = stack.pop()
        if is_ref(node) or is_subquery_ref(node):
            yield node, role
        elif not isinstance(node, exp.Column):
            stack.extend((child, _under(role, part)) for child, part in reversed(_parts(node)))


def _under(role: Role, part: Role) -> Role:
    return part if role == "value" else ("window" if part == "window" else role)


def _parts(node: exp.Expr) -> list[tuple[exp.Expr, Role]]:
    """A node's children, each with the part it plays."""
    handler = _PARTS.get(type(node))
    if handler is not None:
        return handler(node)
    return [(c, "value") for c in node.iter_expressions()]


def _case_parts(node: exp.Expr) -> list[tuple[exp.Expr, Role]]:
    out: list[tuple[exp.Expr, Role]] = [(node.this, "condition")] if node.this is not None else []
    for branch in node.args.get("ifs") or []:
        out += [(branch.this, "condition"), (branch.args["true"], "value")]
    return [*out, (node.args["default"], "value")] if node.args.get("default") is not None else out


def _if_parts(node: exp.Expr) -> list[tuple[exp.Expr, Role]]:
    values = [node.args[k] for k in ("true", "false") if isinstance(node.args.get(k), exp.Expr)]
    return [(node.this, "condition"), *((v, "value") for v in values)]


def _filter_parts(node: exp.Expr) -> list[tuple[exp.Expr, Role]]:
    return [(node.this, "value"), (node.expression, "condition")]


def _window_parts(node: exp.Expr) -> list[tuple[exp.Expr, Role]]:
    keys = list(node.args.get("partition_by") or [])
    keys += [node.args[k] for k in ("order", "spec") if isinstance(node.args.get(k), exp.Expr)]
    call: list[tuple[exp.Expr, Role]] = [] if isinstance(node.this, _RANKING) else [(node.this, "value")]
    return [*call, *((k, "window") for k in keys)]


def _order_parts(node: exp.Expr) -> list[tuple[exp.Expr, Role]]:
    return (
        [(node.this, "value"), *((k, "sort") for k in node.expressions)]
        if isinstance(node.this, exp.Expr)
        else [(k, "value") for k in node.expressions]
    )


def _grouping_parts(node: exp.Expr) -> list[tuple[exp.Expr, Role]]:
    """`GROUPING(c)` says whether c was grouped by, not what its value is."""
    return [(c, "group_by") for c in node.expressions]


_PARTS = {
    exp.Grouping: _grouping_parts,
    exp.GroupingId: _grouping_parts,
    exp.Case: _case_parts,
    exp.If: _if_parts,
    exp.Filter: _filter_parts,
    exp.Window: _window_parts,
    exp.Order: _order_parts,
}
