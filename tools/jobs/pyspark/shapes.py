"""Shapes of nested values: the fields of a struct and what an array or map holds, as far as expressions show them.

`explode`, `inline` and `s.*` name their columns by the shape of what they are given. A shape is spelled like a type in
the catalog; `?` stands for what is not known.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from sqlglot import exp

from tools.jobs.pyspark.frame import Frame
from tools.jobs.pyspark.types import athena_type, struct_fields_of_type
from tools.jobs.python.site import Site
from tools.plan.base import ColumnId
from tools.plan.references import is_ref, ref_id

Known: TypeAlias = Callable[[ColumnId], str | None]
UNKNOWN = "?"


def known_shapes(frame: Frame, site: Site) -> Known:
    """Looks up the shape of a frame's column: its type, or what was found out about it earlier."""
    types = {v.attribute.id: v.attribute.type for v in frame.visible}

    def look_up(column: ColumnId) -> str | None:
        found = types.get(column)
        if found is None:
            noted = site.interpreter.memory.get(("shape", column))
            found = noted if isinstance(noted, str) else None
        return found

    return look_up


def note_shape(column: ColumnId, expression: exp.Expr, frame: Frame, site: Site) -> None:
    """Keeps what an expression shows about the column that it defines."""
    if isinstance(expression, exp.Literal | exp.Null):
        return
    shape = shape_of(expression, known_shapes(frame, site))
    if shape is not None and "<" in shape:
        site.interpreter.memory[("shape", column)] = shape


def shape_of(expression: exp.Expr | None, known: Known, depth: int = 0) -> str | None:
    """The shape of a bound expression, None when it shows nothing."""
    if expression is None or depth > 30:
        return None
    if is_ref(expression):
        return known(ref_id(expression))
    stated = expression.meta.get("type") if expression._meta else None
    if stated:
        return str(stated)
    handler = _HANDLERS.get(type(expression))
    if handler is not None:
        return handler(expression, known, depth + 1)
    if isinstance(expression, exp.Anonymous):
        handler = _BY_NAME.get(expression.name.lower())
        return handler(expression, known, depth + 1) if handler is not None else None
    return None


def element_of(shape: str | None) -> str | None:
    """What an array of that shape holds."""
    lowered = (shape or "").strip()
    if lowered.lower().startswith("array<") and lowered.endswith(">"):
        return lowered[6:-1]
    return None


def _struct(node: exp.Expr, known: Known, depth: int) -> str:
    fields = []
    for index, part in enumerate(node.expressions):
        name = part.this.name if isinstance(part, exp.PropertyEQ) else (part.alias_or_name or f"col{index + 1}")
        value = part.expression if isinstance(part, exp.PropertyEQ) else part
        fields.append(f"{name}:{shape_of(value, known, depth) or UNKNOWN}")
    return f"struct<{','.join(fields)}>"


def _array(node: exp.Expr, known: Known, depth: int) -> str:
    first = node.expressions[0] if node.expressions else None
    return f"array<{shape_of(first, known, depth) or UNKNOWN}>"


def _collected(node: exp.Expr, known: Known, depth: int) -> str:
    inner = node.expressions[0] if isinstance(node, exp.Anonymous) and node.expressions else node.this
    return f"array<{shape_of(inner if isinstance(inner, exp.Expr) else None, known, depth) or UNKNOWN}>"


def _map(node: exp.Expr, known: Known, depth: int) -> str:
    return f"map<{UNKNOWN},{UNKNOWN}>"


def _same(node: exp.Expr, known: Known, depth: int) -> str | None:
    first = node.this if isinstance(node.this, exp.Expr) else next(iter(node.expressions), None)
    return shape_of(first, known, depth)


def _case(node: exp.Expr, known: Known, depth: int) -> str | None:
    return shape_of(node.args["ifs"][0].args["true"], known, depth) if node.args.get("ifs") else None


def _cast(node: exp.Expr, known: Known, depth: int) -> str | None:
    return athena_type(node.args["to"])


def _field(node: exp.Expr, known: Known, depth: int) -> str | None:
    inner = shape_of(node.this, known, depth)
    name = node.expression.name.lower()
    for shape, wrap in ((inner, "{}"), (element_of(inner), "array<{}>")):
        found = next((t for n, t in struct_fields_of_type(shape) if n.lower() == name), None)
        if found is not None:
            return wrap.format(found)
    return None


def _element(node: exp.Expr, known: Known, depth: int) -> str | None:
    return element_of(shape_of(node.this, known, depth))


def _literal(node: exp.Expr, known: Known, depth: int) -> str:
    return "string" if node.is_string else "int"


_HANDLERS: dict[type[exp.Expr], Callable[[exp.Expr, Known, int], str | None]] = {
    exp.Struct: _struct,
    exp.Array: _array,
    exp.ArrayAgg: _collected,
    exp.ArrayUniqueAgg: _collected,
    exp.VarMap: _map,
    exp.Map: _map,
    exp.MapFromEntries: _map,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Dot: _field,
    exp.Bracket: _element,
    exp.Case: _case,
    exp.Literal: _literal,
    **dict.fromkeys(
        (exp.Max, exp.Min, exp.First, exp.Last, exp.AnyValue, exp.Coalesce, exp.Window, exp.Paren, exp.ArraySort,
         exp.IgnoreNulls, exp.ArrayFilter, exp.ArrayDistinct),
        _same,
    ),
}  # fmt: skip
_BY_NAME: dict[str, Callable[[exp.Expr, Known, int], str | None]] = {
    "map_from_arrays": _map,
    "create_map": _map,
    "map_concat": _map,
    "str_to_map": _map,
    "collect_list": _collected,
    "collect_set": _collected,
    **dict.fromkeys(
        ("filter", "array_sort", "array_distinct", "slice", "shuffle", "array_union", "array_compact"), _same
    ),
}


def fields_of(frame: Frame, column: exp.Expr, site: Site) -> list[str]:
    """Names of the fields of a bound struct column."""
    return [n for n, _ in struct_fields_of_type(shape_of(column, known_shapes(frame, site)))]


__all__ = ["Mapping", "element_of", "fields_of", "known_shapes", "note_shape", "shape_of"]
