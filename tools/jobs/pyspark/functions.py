"""`pyspark.sql.functions`: each call becomes a sqlglot expression of Spark's function of that name.

Most functions take columns (or their names) and constants in Spark's own order, so they need no row here. The tables
list those whose text arguments are constants, and those that Python spells otherwise than SQL.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sqlglot import exp

from tools.jobs.labels import VARIABLE, call_label
from tools.jobs.pyspark.aggregates import UDAF
from tools.jobs.pyspark.column import Column, bare, column_of, literal, named, operand, unalias, when
from tools.jobs.pyspark.function_names import CONSTANT_ARGUMENTS, SPELLED_OTHERWISE
from tools.jobs.pyspark.sqltext import expression_of
from tools.jobs.python.site import Site
from tools.jobs.python.text import text_of
from tools.jobs.python.values import Function, Host, Native, OpenList, Partial, Undecided, Value

_INFIX_AS_CALLS: frozenset[str] = frozenset()


def general(name: str) -> Native:
    """The function of that name, called with columns and constants in Spark's order."""
    constants = CONSTANT_ARGUMENTS.get(name, frozenset())
    spelled = SPELLED_OTHERWISE.get(name, name)

    def call(site: Site, given: list[Value], keywords: dict[str, Value]) -> Value:
        values = [*given, *(v for k, v in keywords.items() if v is not None)]
        flat: list[Value] = []
        for value in values:
            if isinstance(value, list | tuple) and not _is_constant(constants, len(flat)):
                flat.extend(value)
            else:
                flat.append(value)
        arguments = [_argument(v, i, constants, site) for i, v in enumerate(flat) if not isinstance(v, dict)]
        return made(spelled, arguments)

    return Native(name, call)


def _is_constant(constants: frozenset[int], position: int) -> bool:
    return position in constants


def _argument(value: Value, position: int, constants: frozenset[int], site: Site) -> Column:
    if isinstance(value, Column):
        return value
    if isinstance(value, Undecided) and value.inputs and isinstance(value.inputs[0], Column):
        return Column(
            exp.Anonymous(this="__UDF__", expressions=[bare(c) for c in value.inputs if isinstance(c, Column)])
        )
    if position in constants or isinstance(value, int | float | bool | None):
        return literal(value, site)
    if isinstance(value, str | Partial | Undecided):
        return column_of(value, site)
    if isinstance(value, Host):
        return literal(str(text_of(value.text(site)) or ""), site)
    return literal(value, site)


def made(name: str, arguments: list[Column]) -> Column:
    """A call of Spark's function of that name."""
    name = "ln" if name == "log" and len(arguments) == 1 else name
    label = call_label(name, [a.label for a in arguments])
    return Column(call_of(name, [bare(a) for a in arguments]), label)


def call_of(name: str, arguments: list[exp.Expr]) -> exp.Expr:
    """The expression of a call; one of an unknown function when sqlglot does not take the arguments."""
    try:
        call = exp.func(name, *arguments, dialect="spark")
    except (ValueError, TypeError, IndexError, AttributeError, KeyError):
        return exp.Anonymous(this=name, expressions=arguments)
    return exp.Anonymous(this=name, expressions=arguments) if call.error_messages() else call


# --------------------------------------------------------------------------- columns, constants, conditions


def _col(site: Site, name: Value) -> Value:
    from tools.jobs.pyspark.names import RestName

    if isinstance(name, RestName):
        return Column(name.as_column())
    return column_of(name, site.at(name))


def _lit(site: Site, value: Value) -> Value:
    return literal(value, site)


def _expr(site: Site, text: Value) -> Value:
    parsed = expression_of(text, site)
    if parsed is None:
        return site.undecided("an expression that could not be read")
    return Column(parsed)


def _when(site: Site, condition: Value, value: Value) -> Value:
    if isinstance(condition, Undecided):
        condition = _argument(condition, 0, frozenset((0,)), site)
    return when(None, condition, value, site)


def _ordering(descending: bool, nulls_first: bool) -> Callable[..., Value]:
    def call(site: Site, column: Value) -> Value:
        inner = column_of(column, site)
        return Column(exp.Ordered(this=bare(inner), desc=descending, nulls_first=nulls_first), inner.label)

    return call


# --------------------------------------------------------------------------- aggregates


def _count(site: Site, column: Value) -> Value:
    if isinstance(column, str) and str(column) == "*":
        return Column(exp.Count(this=exp.Star()), "count(1)")
    inner = column_of(column, site)
    if isinstance(unalias(inner.expression), exp.Star):
        return Column(exp.Count(this=exp.Star()), "count(1)")
    return Column(exp.Count(this=bare(inner)), f"count({inner.label})")


def _count_distinct(site: Site, columns: list[Value]) -> Value:
    inner = [column_of(c, site) for c in _flat(columns)]
    label = f"count(DISTINCT {', '.join(c.label for c in inner)})"
    return Column(exp.Count(this=exp.Distinct(expressions=[bare(c) for c in inner])), label)


def _distinct_aggregate(name: str) -> Callable[..., Value]:
    def call(site: Site, column: Value) -> Value:
        inner = column_of(column, site)
        return Column(call_of(name, [exp.Distinct(expressions=[bare(inner)])]), f"{name}(DISTINCT {inner.label})")

    return call


def _first_of(name: str) -> Callable[..., Value]:
    def call(site: Site, column: Value, ignore_nulls: Value) -> Value:
        inner = column_of(column, site)
        made_call = call_of(name, [bare(inner)])
        if ignore_nulls is True:
            made_call = exp.IgnoreNulls(this=made_call)
        return Column(made_call, f"{name}({inner.label})")

    return call


def _shifted(name: str) -> Callable[..., Value]:
    def call(site: Site, column: Value, offset: Value, default: Value) -> Value:
        inner = column_of(column, site)
        arguments = [bare(inner)]
        if offset is not None or default is not None:
            arguments.append(literal(1 if offset is None else offset, site).expression)
        if default is not None:
            arguments.append(bare(literal(default, site)))
        shown = [inner.label, str(1 if offset is None else text_of(offset) or offset), literal(default, site).label]
        return Column(call_of(name, arguments), f"{name}({', '.join(shown)})")

    return call


# --------------------------------------------------------------------------- structures


def _flat(values: list[Value]) -> list[Value]:
    return [v for one in values for v in (one if isinstance(one, list | tuple) else [one])]


def _struct(site: Site, columns: list[Value]) -> Value:
    from tools.jobs.labels import output_name
    from tools.jobs.pyspark.names import RestName

    inner = [column_of(c, site) for c in _flat(columns) if not isinstance(c, RestName)]
    fields = [
        exp.PropertyEQ(this=exp.to_identifier(output_name(c.expression, c.written), quoted=True), expression=bare(c))
        for c in inner
    ]
    return Column(exp.Struct(expressions=fields), f"struct({', '.join(c.label for c in inner)})")


def _array(site: Site, columns: list[Value]) -> Value:
    inner = [column_of(c, site) for c in _flat(columns)]
    return Column(exp.Array(expressions=[bare(c) for c in inner]), f"array({', '.join(c.label for c in inner)})")


def _create_map(site: Site, columns: list[Value]) -> Value:
    inner = [column_of(c, site) for c in _flat(columns)]
    made_map = exp.VarMap(
        keys=exp.Array(expressions=[bare(c) for c in inner[::2]]),
        values=exp.Array(expressions=[bare(c) for c in inner[1::2]]),
    )
    return Column(made_map, f"map({', '.join(c.label for c in inner)})")


def _higher_order(name: str) -> Callable[..., Value]:
    """Functions that take Python lambdas over array elements: the lambda is read with symbolic elements."""

    def call(site: Site, given: list[Value], keywords: dict[str, Value]) -> Value:
        values = [*given, *keywords.values()]
        arguments: list[exp.Expr] = []
        labels: list[str] = []
        for value in values:
            if isinstance(value, Function):
                made_lambda, label = _lambda(value, site)
                arguments.append(made_lambda)
                labels.append(label)
            elif value is not None:
                inner = column_of(value, site) if isinstance(value, str) else operand(value, site)
                arguments.append(bare(inner))
                labels.append(inner.label)
        if name in ("aggregate", "reduce") and len(arguments) == 3:
            labels.append(f"lambdafunction({VARIABLE}, {VARIABLE})")
        return Column(exp.Anonymous(this=name, expressions=arguments), f"{name}({', '.join(labels)})")

    return call


def _lambda(function: Function, site: Site) -> tuple[exp.Expr, str]:
    names = [a.arg for a in (*function.node.args.posonlyargs, *function.node.args.args)]
    variables: list[Value] = [Column(exp.Column(this=exp.to_identifier(n, quoted=True)), VARIABLE) for n in names]
    result = site.call(function, *variables)
    body = operand(result, site) if not isinstance(result, Undecided) else Column(exp.Null())
    made_lambda = exp.Lambda(this=bare(body), expressions=[exp.to_identifier(n, quoted=True) for n in names])
    return made_lambda, f"lambdafunction({body.label}, {', '.join(VARIABLE for _ in names)})"


# --------------------------------------------------------------------------- others


def _broadcast(site: Site, frame: Value) -> Value:
    return frame


def _call_function(site: Site, name: Value, columns: list[Value]) -> Value:
    spelled = text_of(name) or "unknown_function"
    return made(spelled, [column_of(c, site) for c in _flat(columns)])


def _window_time(site: Site, column: Value, given: list[Value], keywords: dict[str, Value]) -> Value:
    inner = column_of(column, site)
    made_window = exp.Anonymous(this="window", expressions=[bare(inner)])
    return Column(exp.Alias(this=made_window, alias=exp.to_identifier("window")), "window")


def _concat_ws(site: Site, separator: Value, columns: list[Value]) -> Value:
    inner = [column_of(c, site) for c in _flat(columns)]
    return made("concat_ws", [literal(separator, site), *inner])


def _format_string(site: Site, pattern: Value, columns: list[Value]) -> Value:
    return made("format_string", [literal(pattern, site), *(column_of(c, site) for c in _flat(columns))])


def _to_json(site: Site, column: Value, options: Value) -> Value:
    return made("to_json", [column_of(column, site)])


def _parsed(name: str) -> Callable[..., Value]:
    def call(site: Site, column: Value, schema: Value, options: Value) -> Value:
        from tools.jobs.pyspark.types import spark_type, struct_text

        inner = column_of(column, site)
        made_call = exp.Anonymous(this=name, expressions=[bare(inner)])
        spelled = spark_type(schema) if schema is not None else "?"
        if spelled not in ("?", ""):
            made_call.meta["type"] = struct_text(spelled)
        return Column(made_call, f"{name}({inner.label})")

    return call


def _unary_sql(kind: type[exp.Expr], label: str) -> Callable[..., Value]:
    def call(site: Site, column: Value) -> Value:
        inner = column_of(column, site)
        return Column(kind(this=bare(inner)), label.format(inner.label))

    return call


def _isnull(site: Site, column: Value) -> Value:
    inner = column_of(column, site)
    return Column(exp.Is(this=bare(inner), expression=exp.Null()), f"({inner.label} IS NULL)")


def _isnotnull(site: Site, column: Value) -> Value:
    inner = column_of(column, site)
    test = exp.Is(this=bare(inner), expression=exp.Null())
    return Column(exp.Not(this=test), f"({inner.label} IS NOT NULL)")


def _named_call(name: str) -> Callable[..., Value]:
    def call(site: Site, given: list[Value], keywords: dict[str, Value]) -> Value:
        return Column(exp.Anonymous(this=name, expressions=[]), f"{name}()")

    return call


_ROWS: tuple[tuple[Any, ...], ...] = (
    ("col", _col, "col"),
    ("column", _col, "col"),
    ("lit", _lit, "col"),
    ("expr", _expr, "str"),
    ("when", _when, "condition", "value"),
    ("asc", _ordering(False, True), "col"),
    ("desc", _ordering(True, False), "col"),
    ("asc_nulls_first", _ordering(False, True), "col"),
    ("asc_nulls_last", _ordering(False, False), "col"),
    ("desc_nulls_first", _ordering(True, True), "col"),
    ("desc_nulls_last", _ordering(True, False), "col"),
    ("count", _count, "col"),
    ("countDistinct", _count_distinct, "*cols"),
    ("count_distinct", _count_distinct, "*cols"),
    ("sumDistinct", _distinct_aggregate("sum"), "col"),
    ("sum_distinct", _distinct_aggregate("sum"), "col"),
    ("first", _first_of("first"), "col", "ignorenulls="),
    ("last", _first_of("last"), "col", "ignorenulls="),
    ("any_value", _first_of("any_value"), "col", "ignoreNulls="),
    ("lag", _shifted("lag"), "col", "offset=", "default="),
    ("lead", _shifted("lead"), "col", "offset=", "default="),
    ("struct", _struct, "*cols"),
    ("array", _array, "*cols"),
    ("create_map", _create_map, "*cols"),
    ("broadcast", _broadcast, "df"),
    ("call_function", _call_function, "funcName", "*cols"),
    ("call_udf", _call_function, "udfName", "*cols"),
    ("callUDF", _call_function, "udfName", "*cols"),
    ("concat_ws", _concat_ws, "sep", "*cols"),
    ("format_string", _format_string, "format", "*cols"),
    ("printf", _format_string, "format", "*cols"),
    ("window", _window_time, "timeColumn", "*args", "**kwargs"),
    ("session_window", _window_time, "timeColumn", "*args", "**kwargs"),
    ("to_json", _to_json, "col", "options="),
    ("to_csv", _to_json, "col", "options="),
    ("from_json", _parsed("from_json"), "col", "schema=", "options="),
    ("from_csv", _parsed("from_csv"), "col", "schema=", "options="),
    ("from_avro", _parsed("from_avro"), "data", "jsonFormatSchema=", "options="),
    ("isnull", _isnull, "col"),
    ("isnotnull", _isnotnull, "col"),
    ("bitwise_not", _unary_sql(exp.BitwiseNot, "~{}"), "col"),
    ("negative", _unary_sql(exp.Neg, "negative({})"), "col"),
    *(
        (name, _higher_order(name), "*args", "**kwargs")
        for name in (
            "transform",
            "exists",
            "forall",
            "filter",
            "aggregate",
            "reduce",
            "zip_with",
            "transform_keys",
            "transform_values",
            "map_filter",
            "map_zip_with",
            "array_sort",
        )
    ),
)
"""Name, function, and the names of its parameters."""

SPECIAL: dict[str, Native] = {name: Native(name, body, tuple(parameters)) for name, body, *parameters in _ROWS}  # fmt: skip


def udf_call(name: str, columns: list[Value], site: Site, *, aggregates: bool = False) -> Column:
    """A call of a function of the job on columns: not read, its value may come from any argument."""
    inner = [column_of(c, site) for c in _flat(columns)]
    kind = UDAF if aggregates else "__UDF__"
    call = exp.Anonymous(this=kind, expressions=[bare(c) for c in inner])
    call.meta["function"] = name  # whose code it is: two versions of a job are told apart by it
    return Column(call, f"{name}({', '.join(c.label for c in inner)})")


__all__ = ["SPECIAL", "OpenList", "call_of", "general", "made", "named", "udf_call"]
