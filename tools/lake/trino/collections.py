"""Arrays, maps and rows: subscripts, lambdas, UNNEST."""

from __future__ import annotations

from sqlglot import exp

from tools.lake.trino.nodes import Fix, call, cast, kind_of, known, number, text, typed_as

__all__ = ["CALLS", "FIXES", "type_lambdas"]


def type_lambdas(tree: exp.Expr) -> None:
    """Gives a lambda's parameters the types of the elements that they stand for; sqlglot leaves them open."""
    for node in tree.find_all(exp.Lambda):
        source = _lambda_source(node)
        if source is None or source.type is None or not source.type.is_type(exp.DType.ARRAY, exp.DType.MAP):
            continue
        types = source.type.expressions
        names = [p.name for p in node.expressions]
        by_name = dict(zip(_element_names(node, names), types, strict=False))
        for variable in node.this.find_all(exp.Identifier):
            if variable.name in by_name and not known(variable):
                variable.type = by_name[variable.name].copy()


def _lambda_source(node: exp.Lambda) -> exp.Expr | None:
    parent = node.parent
    if parent is None:
        return None
    source: exp.Expr = parent.expressions[0] if isinstance(parent, exp.Anonymous) else parent.this
    return source


def _element_names(node: exp.Lambda, names: list[str]) -> list[str]:
    """Which parameters stand for elements: reduce's first one is the state, which is of the start value's type."""
    return names[1:] if isinstance(node.parent, exp.Reduce) else names


def _bracket(node: exp.Expr) -> exp.Expr:
    """`x[i]` fails outside the bounds; element_at (marked safe by the parser) gives NULL."""
    (index,) = node.expressions if len(node.expressions) == 1 else (None,)
    if index is None or isinstance(index, exp.Slice):
        return node
    kind, value = kind_of(node.this), node.this
    if kind == "row":
        return call("struct_extract", _unnamed(value), number(int(index.name)))
    if kind == "map" or (kind is None and kind_of(index) == "varchar"):
        return call("map_extract_value" if node.args.get("safe") else "trino_map_subscript", value, index)
    return call("list_extract" if node.args.get("safe") else "trino_subscript", value, index)


def _unnamed(value: exp.Expr) -> exp.Expr:
    """Fields by number need a row without names."""
    if not isinstance(value, exp.Struct):
        return value
    return call("row", *(f.expression if isinstance(f, exp.PropertyEQ) else f for f in value.expressions))


def _struct(node: exp.Expr) -> exp.Expr:
    return call("row", *(f.expression if isinstance(f, exp.PropertyEQ) else f for f in node.expressions))


def _size(node: exp.Expr) -> exp.Expr:
    return cast(call("cardinality", node.this), "BIGINT") if kind_of(node.this) == "map" else call("len", node.this)


def _slice(node: exp.Expr) -> exp.Expr:
    """start and length, not start and end."""
    return call("trino_slice", node.this, node.args["start"], node.args["end"])


def _join(node: exp.Expr) -> exp.Expr:
    instead = node.args.get("null")
    name = "trino_array_join" if instead is None else "trino_array_join_null"
    return typed_as(call(name, node.this, node.expression, instead), "varchar")


def _sequence(node: exp.Expr) -> exp.Expr:
    """Both ends included, downwards too; dates stay dates."""
    start, end, step = node.args["start"], node.args["end"], node.args.get("step")
    if kind_of(start) == "date":
        step = step or exp.Interval(this=text("1"), unit=exp.var("DAY"))
        return typed_as(cast(call("generate_series", start, end, step), "DATE[]"), "array(date)")
    if kind_of(start) == "timestamp":
        return typed_as(call("generate_series", start, end, step), "array(timestamp)")
    if step is None:
        down = exp.If(this=exp.GT(this=start.copy(), expression=end.copy()), true=number(-1))
        step = exp.Case(ifs=[down], default=number(1))
    return typed_as(call("trino_sequence", start, end, step), "array(bigint)")


def _any_match(node: exp.Expr) -> exp.Expr:
    return call("coalesce", call("list_bool_or", call("list_transform", *node.expressions)), exp.false())


def _all_match(node: exp.Expr) -> exp.Expr:
    return call("coalesce", call("list_bool_and", call("list_transform", *node.expressions)), exp.true())


def _none_match(node: exp.Expr) -> exp.Expr:
    return exp.Not(this=_any_match(node))


def _zip_with(node: exp.Expr) -> exp.Expr:
    left, right, function = node.expressions
    body = _over_entries(function, "[1]", "[2]")
    return call("list_transform", call("list_zip", left, right), body)


def _map_filter(node: exp.Expr) -> exp.Expr:
    source, function = node.expressions
    kept = call("list_filter", call("map_entries", source), _over_entries(function, "key", "value"))
    return call("map_from_entries", kept)


def _transform_values(node: exp.Expr) -> exp.Expr:
    source, function = node.expressions
    values = call("list_transform", call("map_entries", source), _over_entries(function, "key", "value"))
    return call("map", call("map_keys", source.copy()), values)


def _transform_keys(node: exp.Expr) -> exp.Expr:
    source, function = node.expressions
    keys = call("list_transform", call("map_entries", source), _over_entries(function, "key", "value"))
    return call("map", keys, call("map_values", source.copy()))


def _over_entries(function: exp.Expr, first: str, second: str) -> exp.Expr:
    """A lambda of two variables as one of an entry: `(k, v) -> …` becomes `e -> …` over e's fields."""
    entry = "trino_entry"
    fields = dict(zip((p.name for p in function.expressions), (first, second), strict=True))

    def replace(node: exp.Expr) -> exp.Expr:
        if not isinstance(node, exp.Identifier) or node.name not in fields:
            return node
        field = fields[node.name]
        key = number(int(field[1])) if field.startswith("[") else text(field)
        return call("struct_extract", exp.to_identifier(entry), key)

    body = function.this.transform(replace, copy=True)
    return exp.Lambda(this=body, expressions=[exp.to_identifier(entry)])


def _reduce(node: exp.Expr) -> exp.Expr:
    """The state goes through all elements, then through the last lambda. A NULL array gives NULL in both."""
    start, merge, finish = (node.args.get(name) for name in ("initial", "merge", "finish"))
    if not isinstance(merge, exp.Lambda) or not isinstance(finish, exp.Lambda) or start is None:
        return node  # not a call that Athena knows either: the engine says so
    reduced = call("list_reduce", node.this, merge, start)
    variable = finish.expressions[0].name
    if isinstance(finish.this, exp.Identifier) and finish.this.name == variable:
        return reduced
    return call("list_extract", call("list_transform", call("list_value", reduced), finish), number(1))


def _unnest(node: exp.Expr) -> exp.Expr:
    """Several arrays, maps, rows and WITH ORDINALITY: a lateral SELECT with one unnest() per column."""
    if not isinstance(node.parent, exp.From | exp.Join) or not _is_special(node):
        return node
    columns = [item for source in node.expressions for item in _unnested(source)]
    alias = node.args.get("alias")
    names = [exp.to_identifier(c.name, quoted=True) for c in (alias.columns if alias else [])]
    offset = node.args.get("offset")
    if offset:
        columns.append(call("generate_subscripts", _listed(node.expressions[0]), number(1)))
        if isinstance(offset, exp.Identifier):
            names.append(exp.to_identifier(offset.name, quoted=True))
    table = exp.to_identifier(alias.name if alias and alias.name else "trino_unnest", quoted=True)
    return exp.Lateral(
        this=exp.Subquery(this=exp.Select(expressions=columns)),
        alias=exp.TableAlias(this=table, columns=names),
    )


def _is_special(node: exp.Expr) -> bool:
    sources = node.expressions
    return (
        bool(node.args.get("offset"))
        or len(sources) > 1
        or any(kind_of(s) == "map" or _is_row_array(s) for s in sources)
    )


def _unnested(source: exp.Expr) -> list[exp.Expr]:
    if kind_of(source) == "map":
        return [call("unnest", call("map_keys", source.copy())), call("unnest", call("map_values", source.copy()))]
    if _is_row_array(source):
        depth = exp.Kwarg(this=exp.var("max_depth"), expression=number(2))
        return [call("unnest", source.copy(), depth)]
    return [call("unnest", source.copy())]


def _listed(source: exp.Expr) -> exp.Expr:
    return call("map_keys", source.copy()) if kind_of(source) == "map" else source.copy()


def _is_row_array(source: exp.Expr) -> bool:
    if isinstance(source, exp.Array) and source.expressions:
        first = source.expressions[0]
        return isinstance(first, exp.Struct) or (isinstance(first, exp.Anonymous) and first.name == "row")
    inner = source.type.expressions if source.type is not None and kind_of(source) == "array" else []
    return bool(inner) and inner[0].this == exp.DType.STRUCT


FIXES: dict[type[exp.Expr], Fix] = {
    exp.Bracket: _bracket,
    exp.Struct: _struct,
    exp.ArraySize: _size,
    exp.ArraySlice: _slice,
    exp.ArrayToString: _join,
    exp.GenerateSeries: _sequence,
    exp.Reduce: _reduce,
    exp.Unnest: _unnest,
    exp.ArrayPosition: lambda n: call("trino_array_position", n.this, n.expression),
    exp.ArrayMax: lambda n: call("trino_array_max", n.this),
    exp.ArrayMin: lambda n: call("trino_array_min", n.this),
    exp.ArrayExcept: lambda n: call("trino_array_except", n.this, n.expression),
    exp.ArrayIntersect: lambda n: call("trino_array_intersect", *n.expressions),
    exp.ArrayRemove: lambda n: call("trino_array_remove", n.this, n.expression),
    exp.Repeat: lambda n: call("trino_repeat", n.this, n.args["times"]),
}
CALLS: dict[str, Fix] = {
    "any_match": _any_match,
    "all_match": _all_match,
    "none_match": _none_match,
    "zip_with": _zip_with,
    "map_filter": _map_filter,
    "transform_values": _transform_values,
    "transform_keys": _transform_keys,
}
