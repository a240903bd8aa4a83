"""What DuckDB forgives and Athena does not, refused in Athena's words.

Two checks on a query's typed twin: names (an alias is not known in WHERE, GROUP BY, HAVING or beside itself) and types
(Trino compares nothing with text by itself). In doubt a query passes: the engine still has its say.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator

from sqlglot import exp

from knowledge.errors import QueryError
from knowledge.names import nearest
from tools.lake.trino.nodes import Kind, kind_of
from tools.lake.trino.places import place

__all__ = ["check_names", "check_types"]


def check_names(twin: exp.Expr, known: Collection[str]) -> None:
    """Refuses a name that no table of the query explains.

    Args:
        twin: the qualified query: a column that could be placed has a table by now.
        known: names of the tables' columns. What is among them the engine judges (it may be ambiguous).

    Raises:
        QueryError: COLUMN_NOT_FOUND.
    """
    for select in twin.find_all(exp.Select):
        aliases = {item.alias.lower() for item in select.expressions if isinstance(item, exp.Alias)}
        sources_known = _sources_known(select)
        for column in _own_columns(select):
            name = column.name.lower()
            if column.text("table") or name in known or (_in_order(column, select) and name in aliases):
                continue
            if sources_known or name in aliases:
                hint = ", ".join(nearest(name, known))
                raise QueryError(
                    f"COLUMN_NOT_FOUND: {place(column)}: Column '{name}' cannot be resolved",
                    hint=f"Did you mean {hint}?" if hint else None,
                )


def check_types(twin: exp.Expr) -> None:
    """Refuses an operation on types that Athena does not bring together by itself.

    Raises:
        QueryError: TYPE_MISMATCH, with the types.
    """
    for node in twin.walk():
        check = _CHECKS.get(type(node))
        complaint = check(node) if check else None
        if complaint:
            code = "FUNCTION_NOT_FOUND" if complaint.startswith("Unexpected parameters (") else "TYPE_MISMATCH"
            raise QueryError(f"{code}: {place(node)}: {complaint}", hint=_cast_hint(complaint))


def _own_columns(select: exp.Select) -> Iterator[exp.Column]:
    """Columns of a SELECT but not of the queries inside it."""
    for column in select.find_all(exp.Column):
        if column.find_ancestor(exp.Select, exp.Unnest, exp.Lateral) is select:
            yield column


def _sources_known(select: exp.Select) -> bool:
    """Whether every source's columns are named: then a column without a table belongs to none of them."""
    from_ = select.args.get("from_")
    joins = select.args.get("joins") or []
    sources = [from_.this] if from_ else []
    sources += [join.this for join in joins]
    outer = select.parent_select is not None
    return not select.args.get("laterals") and not outer and all(map(_is_named, sources))


def _is_named(source: exp.Expr) -> bool:
    if isinstance(source, exp.Table | exp.Subquery):
        return True
    alias = source.args.get("alias")
    return alias is not None and bool(alias.columns)


def _in_order(column: exp.Column, select: exp.Select) -> bool:
    order = column.find_ancestor(exp.Order, exp.Select)
    return isinstance(order, exp.Order) and order.parent is select


_NUMBERS: tuple[Kind, ...] = ("integer", "decimal", "double")
_TIMES: tuple[Kind, ...] = ("date", "timestamp", "zoned")
_SIGNS: dict[type[exp.Expr], str] = {
    exp.EQ: "=",
    exp.NEQ: "<>",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.Add: "+",
    exp.Sub: "-",
    exp.Mul: "*",
    exp.Div: "/",
    exp.Mod: "%",
}


def _family(node: exp.Expr) -> str | None:
    kind = kind_of(node)
    if kind in _NUMBERS:
        return "number"
    return "time" if kind in _TIMES else kind


def _fit(left: exp.Expr, right: exp.Expr) -> bool:
    a, b = _family(left), _family(right)
    return a is None or b is None or a == b


def _name(node: exp.Expr) -> str:
    """A type as Athena writes it."""
    if isinstance(node, exp.Literal) or node.type is None or node.type.this == exp.DType.UNKNOWN:
        return kind_of(node) or "unknown"
    return str(node.type.sql("athena").lower().replace(", ", ","))


def _comparison(node: exp.Expr) -> str | None:
    if _fit(node.this, node.expression):
        return None
    return f"Cannot apply operator: {_name(node.this)} {_SIGNS[type(node)]} {_name(node.expression)}"


def _arithmetic(node: exp.Expr) -> str | None:
    """Besides numbers, times and intervals go together, and intervals with numbers."""
    families = {_family(node.this), _family(node.expression)}
    if None in families or families == {"number"} or "interval" in families or families == {"time"}:
        return None
    return f"Cannot apply operator: {_name(node.this)} {_SIGNS[type(node)]} {_name(node.expression)}"


def _between(node: exp.Expr) -> str | None:
    low, high = node.args["low"], node.args["high"]
    if _fit(node.this, low) and _fit(node.this, high):
        return None
    return f"Cannot check if {_name(node.this)} is BETWEEN {_name(low)} and {_name(high)}"


def _in(node: exp.Expr) -> str | None:
    if all(_fit(node.this, item) for item in node.expressions):
        return None
    return f"IN value and list items must be the same type: {_name(node.this)}"


def _concat(node: exp.Expr) -> str | None:
    parts = node.expressions if isinstance(node, exp.Concat) else [node.this, node.expression]
    families = [_family(part) for part in parts]
    if "array" in families or None in families or set(families) <= {"varchar"}:
        return None
    if any(kind_of(part) is None for part in parts) or _all_binary(parts):
        return None
    return f"Unexpected parameters ({', '.join(map(_name, parts))}) for function concat"


def _all_binary(parts: Iterable[exp.Expr]) -> bool:
    return all(part.is_type(exp.DType.VARBINARY, exp.DType.BINARY) for part in parts)


def _numeric_aggregate(node: exp.Expr) -> str | None:
    inner = node.this.expressions[0] if isinstance(node.this, exp.Distinct) else node.this
    if _family(inner) in (None, "number", "interval"):
        return None
    return f"Unexpected parameters ({_name(inner)}) for function {node.sql_name().lower()}"  # type: ignore[attr-defined]


def _text_function(node: exp.Expr) -> str | None:
    if _family(node.this) not in ("number", "time", "boolean"):
        return None
    return f"Unexpected parameters ({_name(node.this)}) for function {node.sql_name().lower()}"  # type: ignore[attr-defined]


def _like(node: exp.Expr) -> str | None:
    if _family(node.this) in (None, "varchar"):
        return None
    return f"Left side of LIKE expression must evaluate to a varchar (actual: {_name(node.this)})"


def _filter_clause(node: exp.Expr) -> str | None:
    if _family(node.this) in (None, "boolean"):
        return None
    clause = type(node).__name__.upper()
    return f"{clause} clause must evaluate to a boolean: actual type {_name(node.this)}"


def _logical(node: exp.Expr) -> str | None:
    for side in (node.this, node.expression):
        if _family(side) not in (None, "boolean"):
            return f"Logical expression term must evaluate to a boolean (actual: {_name(side)})"
    return None


def _case(node: exp.Expr) -> str | None:
    results = [branch.args["true"] for branch in node.args["ifs"]]
    return _same([*results, node.args.get("default")], "All CASE results must be the same type")


def _coalesce(node: exp.Expr) -> str | None:
    return _same([node.this, *node.expressions], "All COALESCE operands must be the same type")


def _if(node: exp.Expr) -> str | None:
    if isinstance(node.parent, exp.Case):
        return None
    return _same([node.args["true"], node.args.get("false")], "Result types for IF must be the same")


def _same(values: Iterable[exp.Expr | None], complaint: str) -> str | None:
    given = [v for v in values if v is not None and _family(v) is not None]
    odd = next((v for v in given[1:] if not _fit(given[0], v)), None)
    return f"{complaint}: {_name(given[0])}, {_name(odd)}" if odd is not None else None


def _set_operation(node: exp.Expr) -> str | None:
    assert isinstance(node, exp.SetOperation)
    pairs = zip(_outputs(node.left), _outputs(node.right), strict=False)
    for position, (left, right) in enumerate(pairs, start=1):
        if not _fit(left, right):
            kinds = f"{_name(left)}, {_name(right)}"
            return f"column {position} in {type(node).__name__.upper()} query has incompatible types: {kinds}"
    return None


def _outputs(query: exp.Expr) -> list[exp.Expr]:
    selects = query.selects if isinstance(query, exp.Query) else []
    return [item.this if isinstance(item, exp.Alias) else item for item in selects]


def _cast_hint(complaint: str) -> str | None:
    """The most frequent mistake has a one-word cure."""
    for kind in ("date", "timestamp"):
        if f"{kind} " in complaint and "varchar" in complaint and "operator" in complaint:
            return f"Write the value as {kind.upper()} '…'."
    return None


_CHECKS: dict[type[exp.Expr], Callable[[exp.Expr], str | None]] = {
    **dict.fromkeys((exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE), _comparison),
    **dict.fromkeys((exp.Add, exp.Sub, exp.Mul, exp.Div, exp.Mod), _arithmetic),
    **dict.fromkeys((exp.DPipe, exp.Concat), _concat),
    **dict.fromkeys((exp.Sum, exp.Avg), _numeric_aggregate),
    **dict.fromkeys((exp.Upper, exp.Lower, exp.Trim), _text_function),
    **dict.fromkeys((exp.Where, exp.Having), _filter_clause),
    **dict.fromkeys((exp.And, exp.Or), _logical),
    **dict.fromkeys((exp.Union, exp.Except, exp.Intersect), _set_operation),
    exp.Between: _between,
    exp.In: _in,
    exp.Like: _like,
    exp.Case: _case,
    exp.Coalesce: _coalesce,
    exp.If: _if,
}
