"""Binds scalar expressions: every column name becomes a reference to a column id.

What does not resolve is reported through `Scope.report` and left in the expression as a `missing` leaf, so that a
what-if can show exactly which name, at which line, no longer binds.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from tools.plan.base import Attribute, Span, Unknown
from tools.plan.model import Op
from tools.plan.references import is_ref, is_subquery_ref, ref, subquery_ref
from tools.plan.relation import AmbiguousName, Relation, Resolved, Unresolved

_MISSING_TABLE = "#missing"
EITHER = "__EITHER__"  # one of several columns; which one cannot be told without a schema

Place = Callable[[exp.Expr], Span | None]
LowerQuery = Callable[[exp.Expr, "Scope"], Relation]


@dataclass
class Scope:
    """Where names of an expression are looked up, and where what is found on the way goes.

    Args:
        relation: the input whose columns the expression may name.
        place: the file position of a node.
        report: takes what could not be resolved.
        lower_query: lowers a nested query with this scope as its outer one.
        subqueries: the plan's list of nested queries; `subquery_ref` points into it.
        aliases: names of items defined so far in the same select list, for dialects that let later items use them.
        outer: the enclosing query's scope, for correlated subqueries.
    """

    relation: Relation
    place: Place
    report: Callable[[Unknown], None]
    lower_query: LowerQuery | None = None
    subqueries: list[Op] = field(default_factory=list)
    aliases: dict[str, exp.Expr] = field(default_factory=dict)
    aliases_first: bool = False
    outer: Scope | None = None

    def over(self, relation: Relation, aliases: dict[str, exp.Expr] | None = None) -> Scope:
        """The same scope with another input."""
        return Scope(
            relation,
            self.place,
            self.report,
            self.lower_query,
            self.subqueries,
            aliases or {},
            self.aliases_first,
            self.outer,
        )


def bind(expression: exp.Expr, scope: Scope) -> exp.Expr:
    """A copy of `expression` whose column names are references. Never raises for a name: it reports and goes on."""

    def visit(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column):
            return _column(node, scope)
        if isinstance(node, exp.Exists):
            return _nested(node.this, "exists", scope) if isinstance(node.this, exp.Query) else node
        if isinstance(node, exp.Query):
            return _nested(node, "in" if isinstance(node.parent, exp.In) else "scalar", scope)
        return node

    return expression.transform(visit)


def missing(parts: Sequence[str]) -> exp.Column:
    """The leaf that stands for a name that nothing answers to."""
    return exp.Column(
        this=exp.Identifier(this=".".join(parts), quoted=True),
        table=exp.Identifier(this=_MISSING_TABLE, quoted=True),
    )


def is_missing(node: exp.Expr) -> bool:
    """Whether a node is a leaf made by `missing`."""
    return isinstance(node, exp.Column) and node.table == _MISSING_TABLE


def name_parts(column: exp.Column) -> list[str]:
    """The dotted name of an unbound column, outermost qualifier first."""
    return [p.name for p in column.parts]


def _column(node: exp.Column, scope: Scope) -> exp.Expr:
    if is_ref(node) or is_missing(node) or is_subquery_ref(node) or isinstance(node.this, exp.Star):
        return node
    parts = name_parts(node)
    if _is_lambda_variable(node, parts[0]):
        return node
    alias = scope.aliases.get(parts[0].lower()) if len(parts) == 1 else None
    if alias is not None and (scope.aliases_first or not _known_inside(parts, scope.relation)):
        return alias.copy()
    span = scope.place(node)
    try:
        return _with_fields(_resolve(parts, scope), span)
    except AmbiguousName as error:
        return _either(error, node, span, scope)
    except Unresolved as error:
        near = f"; there is {', '.join(error.near[:8])}" if error.near else ""
        scope.report(Unknown(f"column {'.'.join(parts)} is not there{near}", span, "column", ".".join(parts)))
        return missing(parts)


def _resolve(parts: Sequence[str], scope: Scope) -> Resolved:
    """Inner scope first; an inner open source must not swallow a name that an outer scope knows for sure."""
    if scope.outer is not None and not _known_inside(parts, scope.relation):
        try:
            return _resolve_known(parts, scope.outer)
        except LookupError:
            pass
    try:
        return scope.relation.resolve(parts)
    except Unresolved:
        if scope.outer is None:
            raise
        return _resolve(parts, scope.outer)


def _known_inside(parts: Sequence[str], relation: Relation) -> bool:
    closed = Relation(relation.op, relation.visible)
    try:
        closed.resolve(parts)
    except Unresolved:
        return len(parts) > 1 and any(p.qualifier and p.qualifier[-1] == parts[-2].lower() for p in relation.open)
    except AmbiguousName:
        return True
    return True


def _resolve_known(parts: Sequence[str], scope: Scope) -> Resolved:
    try:
        return Relation(scope.relation.op, scope.relation.visible).resolve(parts)
    except Unresolved:
        if len(parts) > 1 and any(p.qualifier and p.qualifier[-1] == parts[-2].lower() for p in scope.relation.open):
            return scope.relation.resolve(parts)
        if scope.outer is None:
            raise
        return _resolve_known(parts, scope.outer)


def _with_fields(found: Resolved, span: Span | None) -> exp.Expr:
    bound: exp.Expr = ref(found.attribute, span)
    for name in found.fields:
        bound = exp.Dot(this=bound, expression=exp.to_identifier(name))
    return bound


def _either(error: AmbiguousName, node: exp.Column, span: Span | None, scope: Scope) -> exp.Expr:
    name = ".".join(error.parts)
    scope.report(Unknown(f"column {name} could be any of {len(error.candidates)} inputs", span, "column", name))
    return either(error.candidates, span)


def either(candidates: Sequence[Attribute], span: Span | None) -> exp.Expr:
    """One of several columns, which one is not known: lineage follows them all, marked low-confidence."""
    return exp.Anonymous(this=EITHER, expressions=[ref(a, span) for a in candidates])


def _nested(query: exp.Expr, kind: str, scope: Scope) -> exp.Expr:
    if scope.lower_query is None:
        scope.report(Unknown("a query inside an expression", scope.place(query)))
        return exp.Null()
    relation = scope.lower_query(query, scope)
    scope.subqueries.append(relation.op)
    return subquery_ref(len(scope.subqueries) - 1, kind)  # type: ignore[arg-type]


def _is_lambda_variable(node: exp.Expr, name: str) -> bool:
    parent = node.parent
    while parent is not None:
        if isinstance(parent, exp.Lambda) and any(v.name.lower() == name.lower() for v in parent.expressions):
            return True
        if isinstance(parent, exp.Query):
            return False
        parent = parent.parent
    return False
