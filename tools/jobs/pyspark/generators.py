"""Generators in a projection: `explode` and its relatives become a Generate operator below it."""

from __future__ import annotations

from sqlglot import exp

from tools.jobs.pyspark.column import Column, unalias
from tools.jobs.pyspark.frame import Frame
from tools.jobs.pyspark.types import array_element_fields, struct_fields_of_type
from tools.jobs.python.site import Site
from tools.plan.model import Attribute, Generate, is_ref, ref, ref_id
from tools.plan.relation import Relation, Visible

EXPLODING = (exp.Explode, exp.ExplodeOuter, exp.Posexplode, exp.PosexplodeOuter, exp.Inline, exp.Stack)
_BY_NAME = frozenset("explode explode_outer posexplode posexplode_outer inline inline_outer stack json_tuple".split())


def is_generator(node: exp.Expr) -> bool:
    """Whether a node makes rows."""
    if isinstance(node, EXPLODING) or type(node).__name__ in ("JSONTuple", "InlineOuter"):
        return True
    return isinstance(node, exp.Anonymous) and node.name.lower() in _BY_NAME


def extract_generator(
    frame: Frame, column: Column, site: Site, names: list[str] | None = None
) -> tuple[Frame, Column, list[Attribute] | None]:
    """Puts a column's generator below the projection.

    Returns:
        The frame over the Generate operator, what is left of the column, and, when the column was nothing but the
        generator, the columns it makes.
    """
    root = unalias(column.expression)
    found = next((n for n in root.walk() if is_generator(n)), None)
    if found is None:
        return frame, column, None
    bound = frame.bind_expression(found, site)
    aliases = names or _aliases(column.expression)
    made = _columns(frame, found, bound, aliases if found is root else [], site)
    op = Generate(frame.op, bound, made, outer=_is_outer(found), span=site.span)
    relation = frame.relation
    over = Relation(op, (*relation.visible, *(Visible(a, hidden=True) for a in made)), relation.open)
    below = frame.over(over)
    if found is root:
        return below, column, made
    rest = column.expression.copy()
    target = next(n for n in unalias(rest).walk() if is_generator(n))
    target.replace(ref(made[-1], site.span))
    return below, Column(rest, column.written), None


def _aliases(expression: exp.Expr) -> list[str]:
    if isinstance(expression, exp.Aliases):
        return [a.name for a in expression.expressions]
    return [expression.alias] if isinstance(expression, exp.Alias) else []


def _is_outer(node: exp.Expr) -> bool:
    name = node.name.lower() if isinstance(node, exp.Anonymous) else type(node).__name__.lower()
    return name.endswith("outer")


def _columns(frame: Frame, node: exp.Expr, bound: exp.Expr, aliases: list[str], site: Site) -> list[Attribute]:
    defaults = _default_names(frame, node, bound)
    count = max(len(defaults), len(aliases))
    names = [*aliases, *defaults[len(aliases) :]] if len(aliases) < count else aliases
    return [site.session.ids.attribute(n) for n in names]


def _default_names(frame: Frame, node: exp.Expr, bound: exp.Expr) -> list[str]:
    kind = node.name.lower() if isinstance(node, exp.Anonymous) else type(node).__name__.lower()
    argument = bound.expressions[0] if bound.expressions else bound.this
    type_text = _type_text(frame, argument)
    is_map = type_text is not None and type_text.lower().startswith("map")
    if kind.startswith("posexplode"):
        return ["pos", "key", "value"] if is_map else ["pos", "col"]
    if kind.startswith("explode"):
        return ["key", "value"] if is_map else ["col"]
    if kind.startswith("inline"):
        return array_element_fields(type_text) or ["col1"]
    if kind == "stack":
        return _stack_names(node)
    if kind.startswith("json"):
        return [f"c{i}" for i in range(max(len(list(node.iter_expressions())) - 1, 1))]
    return ["col"]


def _stack_names(node: exp.Expr) -> list[str]:
    values = node.expressions if node.this is not None else node.expressions[1:]
    first = node.this if node.this is not None else (node.expressions[0] if node.expressions else None)
    rows = int(first.name) if isinstance(first, exp.Literal) and first.name.isdigit() else 1
    width = max(1, -(-len(values) // max(rows, 1)))
    return [f"col{i}" for i in range(width)]


def _type_text(frame: Frame, argument: exp.Expr | None) -> str | None:
    if argument is None or not is_ref(argument):
        return None
    return next((v.attribute.type for v in frame.visible if v.attribute.id == ref_id(argument)), None)


__all__ = ["extract_generator", "is_generator", "struct_fields_of_type"]
