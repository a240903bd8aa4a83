"""References to columns and subqueries, as leaves of expressions."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from typing import Literal

from sqlglot import exp

from tools.plan.base import Attribute, ColumnId, Span

__all__ = ["column_type", "is_ref", "is_subquery_ref", "ref", "ref_id", "ref_span", "refs", "subquery_ref"]

_REF_TABLE = "#"  # no dialect can produce this unquoted, so a reference is never taken for a name
_SUBQUERY_TABLE = "#query"


def ref(attribute: Attribute | ColumnId, span: Span | None = None) -> exp.Column:
    """An expression leaf that stands for a column id; `span` is where the job names it."""
    column_id = attribute if isinstance(attribute, int) else attribute.id
    leaf = exp.Column(
        this=exp.Identifier(this=str(column_id), quoted=True),
        table=exp.Identifier(this=_REF_TABLE, quoted=True),
    )
    if isinstance(attribute, Attribute):
        leaf.meta["name"] = attribute.name
        if attribute.type:
            leaf.type = column_type(attribute.type)
    if span:
        leaf.meta["span"] = (span.file, span.line, span.end_line)
    return leaf


def is_ref(node: exp.Expr) -> bool:
    """Whether a node is a leaf made by `ref`."""
    return isinstance(node, exp.Column) and node.table == _REF_TABLE


def ref_id(leaf: exp.Expr) -> ColumnId:
    """The column id of a leaf made by `ref`."""
    return int(leaf.name)


def refs(expression: exp.Expr) -> Iterator[exp.Column]:
    """Every column reference in an expression, subqueries not entered."""
    return (c for c in expression.find_all(exp.Column) if is_ref(c))


def ref_span(leaf: exp.Expr) -> Span | None:
    """Where the job names this reference."""
    place = leaf.meta.get("span")
    return Span(*place) if place else None


def subquery_ref(index: int, kind: Literal["scalar", "in", "exists"]) -> exp.Column:
    """A leaf that stands for the result of `Plan.subqueries[index]`."""
    return exp.Column(
        this=exp.Identifier(this=str(index), quoted=True),
        table=exp.Identifier(this=_SUBQUERY_TABLE, quoted=True),
        db=exp.Identifier(this=kind, quoted=True),
    )


def is_subquery_ref(node: exp.Expr) -> bool:
    """Whether a node is a leaf made by `subquery_ref`."""
    return isinstance(node, exp.Column) and node.table == _SUBQUERY_TABLE


@lru_cache(maxsize=4096)
def column_type(athena_type: str) -> exp.DataType:
    """A sqlglot type from Athena's spelling; UNKNOWN for a spelling sqlglot cannot read."""
    try:
        return exp.DataType.build(athena_type, dialect="athena")
    except Exception:  # noqa: BLE001 - sqlglot raises several unrelated types on odd spellings
        return exp.DataType(this=exp.DType.UNKNOWN)
