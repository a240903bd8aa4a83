"""Generators in a projection: `explode` and its relatives become a Generate operator below it."""

from __future__ import annotations

from sqlglot import exp

from tools.jobs.pyspark.column import Column, nodes, unalias
from tools.jobs.pyspark.frame import Frame
from tools.jobs.pyspark.shapes import element_of, known_shapes, shape_of
from tools.jobs.pyspark.types import struct_fields_of_type
from tools.jobs.python.site import Site
from tools.plan.base import Attribute
from tools.plan.model import Generate
from tools.plan.references import ref
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
    found = next((n for n in nodes(root) if is_generator(n)), None)
    if found is None:
        return frame, column, None
    bound = frame.bind_expression(found, site)
    aliases = names or _aliases(column.expression)
    made = _columns(frame, found, bound, aliases if found is root else [], site)
    op = _generate(frame, found, bound, made, site)
    relation = frame.relation
    over = Relation(op, (*relation.visible, *(Visible(a, hidden=True) for a in made)), relation.open)
    below = frame.over(over)
    if found is root:
        return below, column, made
    rest = column.expression.copy()
    target = next(n for n in nodes(unalias(rest)) if is_generator(n))
    target.replace(ref(made[-1], site.span))
    return below, Column(rest, column.written), None


def _generate(frame: Frame, node: exp.Expr, bound: exp.Expr, made: list[Attribute], site: Site) -> Generate:
    """`stack` makes each of its columns from values of its own: arrays that are exploded together."""
    values = _stack_values(bound) if isinstance(bound, exp.Stack) else []
    if not values or len(made) < 2:
        return Generate(frame.op, bound, made, outer=_is_outer(node), span=site.span)
    op: Generate | None = None
    for index, attribute in enumerate(made):
        cells = exp.Array(expressions=[v.copy() for v in values[index :: len(made)]])
        exploded = exp.Explode(this=cells)
        op = Generate(op or frame.op, exploded, [attribute], together=op is not None, span=site.span)
    assert op is not None
    return op


def _stack_values(node: exp.Expr) -> list[exp.Expr]:
    return list(node.expressions if node.this is not None else node.expressions[1:])


def _aliases(expression: exp.Expr) -> list[str]:
    if isinstance(expression, exp.Aliases):
        return [a.name for a in expression.expressions]
    return [expression.alias] if isinstance(expression, exp.Alias) else []


def _is_outer(node: exp.Expr) -> bool:
    name = node.name.lower() if isinstance(node, exp.Anonymous) else type(node).__name__.lower()
    return name.endswith("outer")


def _columns(frame: Frame, node: exp.Expr, bound: exp.Expr, aliases: list[str], site: Site) -> list[Attribute]:
    defaults = _default_names(frame, node, bound, site)
    names = [*aliases, *defaults[len(aliases) :]]
    made = [site.session.ids.attribute(n) for n in names]
    element = element_of(shape_of(_argument(bound), known_shapes(frame, site)))
    if element is not None and made and "<" in element:
        site.interpreter.memory[("shape", made[-1].id)] = element
    return made


def _argument(bound: exp.Expr) -> exp.Expr | None:
    argument = bound.this if isinstance(bound.this, exp.Expr) else next(iter(bound.expressions), None)
    return argument if isinstance(argument, exp.Expr) else None


def _default_names(frame: Frame, node: exp.Expr, bound: exp.Expr, site: Site) -> list[str]:
    kind = node.name.lower() if isinstance(node, exp.Anonymous) else type(node).__name__.lower()
    shape = shape_of(_argument(bound), known_shapes(frame, site))
    is_map = shape is not None and shape.lower().startswith("map")
    if kind.startswith("posexplode"):
        return ["pos", "key", "value"] if is_map else ["pos", "col"]
    if kind.startswith("explode"):
        return ["key", "value"] if is_map else ["col"]
    if kind.startswith("inline"):
        return [n for n, _ in struct_fields_of_type(element_of(shape))] or ["col1"]
    if kind == "stack":
        return _stack_names(node)
    if kind.startswith("json"):
        return [f"c{i}" for i in range(max(len(list(node.iter_expressions())) - 1, 1))]
    return ["col"]


def _stack_names(node: exp.Expr) -> list[str]:
    values = _stack_values(node)
    first = node.this if node.this is not None else (node.expressions[0] if node.expressions else None)
    rows = int(first.name) if isinstance(first, exp.Literal) and first.name.isdigit() else 1
    width = max(1, -(-len(values) // max(rows, 1)))
    return [f"col{i}" for i in range(width)]


__all__ = ["extract_generator", "is_generator", "struct_fields_of_type"]
