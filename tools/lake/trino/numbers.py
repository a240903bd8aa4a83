"""Numbers: division, decimals, rounding, and how they become text."""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from tools.lake.trino.nodes import Fix, call, cast, kind_of, number, text, typed_as

__all__ = ["FIXES", "decimal_of"]

_INTEGERS = {exp.DType.TINYINT: 3, exp.DType.SMALLINT: 5, exp.DType.INT: 10, exp.DType.BIGINT: 19}
_LARGEST = 38


def decimal_of(node: exp.Expr) -> tuple[int, int] | None:
    """Precision and scale that Trino gives a decimal or integer expression; None for other values."""
    if isinstance(node, exp.Paren | exp.Neg):
        return decimal_of(node.this)
    if isinstance(node, exp.Literal) and not node.is_string and "e" not in node.name.lower():
        whole, _, fraction = node.name.partition(".")
        return (len(whole.lstrip("0")) + len(fraction) or 1, len(fraction)) if fraction else (10, 0)
    operation = _DECIMAL_RULES.get(type(node))
    if operation and isinstance(node, exp.Binary):
        left, right = decimal_of(node.left), decimal_of(node.right)
        return operation(left, right) if left and right else None
    if node.type is None:
        return None
    if node.type.this in _INTEGERS:
        return _INTEGERS[node.type.this], 0
    if node.type.this == exp.DType.DECIMAL:
        sizes = [int(p.name) for p in node.type.expressions]
        return (sizes[0], sizes[1] if len(sizes) > 1 else 0) if sizes else _inner_decimal(node)
    return None


def _inner_decimal(node: exp.Expr) -> tuple[int, int] | None:
    """sqlglot knows that max(d) is a decimal, but not which: the one that goes in."""
    if isinstance(node, exp.Sum) and (inner := decimal_of(node.this)):
        return _LARGEST, inner[1]
    if isinstance(node.this, exp.Expr):
        return decimal_of(node.this)
    return None


def _add_rule(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    scale = max(a[1], b[1])
    return min(_LARGEST, max(a[0] - a[1], b[0] - b[1]) + scale + 1), scale


def _mul_rule(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    return min(_LARGEST, a[0] + b[0]), min(_LARGEST, a[1] + b[1])


def _div_rule(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    return min(_LARGEST, a[0] + b[1] + max(b[1] - a[1], 0)), max(a[1], b[1])


def _mod_rule(a: tuple[int, int], b: tuple[int, int]) -> tuple[int, int]:
    scale = max(a[1], b[1])
    return min(b[0] - b[1], a[0] - a[1]) + scale, scale


_DECIMAL_RULES: dict[type[exp.Expr], Callable[[tuple[int, int], tuple[int, int]], tuple[int, int]]] = {
    exp.Add: _add_rule,
    exp.Sub: _add_rule,
    exp.Mul: _mul_rule,
    exp.Div: _div_rule,
    exp.Mod: _mod_rule,
}


def _div(node: exp.Expr) -> exp.Expr:
    """Integers divide to integers, decimals to the larger scale, and only doubles as DuckDB would."""
    left, right = node.this, node.expression
    kinds = {kind_of(left), kind_of(right)}
    if kinds == {"integer"}:
        return call("trino_int_div", left, right)
    if kinds <= {"integer", "decimal"} and (sizes := decimal_of(node)) and (divisor := decimal_of(right)):
        return _decimal_div(left, right, sizes, divisor[1])
    if "double" in kinds and None not in kinds:
        return call("trino_double_div", left, right)
    return node


def _decimal_div(left: exp.Expr, right: exp.Expr, sizes: tuple[int, int], right_scale: int) -> exp.Expr:
    """Exact: both sides become whole numbers, are divided half up, and get the point back."""
    precision, scale = sizes
    quotient = call("trino_round_div", _whole(left, scale + right_scale), _whole(right, right_scale))
    return typed_as(_with_point(quotient, scale), f"decimal({max(precision, scale + 1)},{scale})")


def _whole(node: exp.Expr, shift: int) -> exp.Expr:
    power = exp.Literal.number("1" + "0" * shift)
    return cast(exp.Mul(this=exp.paren(node, copy=False), expression=power), "HUGEINT")


def _with_point(node: exp.Expr, scale: int) -> exp.Expr:
    unit = cast(text(f"{10**-scale:.{scale}f}"), f"DECIMAL({scale + 1},{scale})")
    return exp.paren(exp.Mul(this=cast(node, "DECIMAL(38,0)"), expression=unit), copy=False)


def _mod(node: exp.Expr) -> exp.Expr:
    if "double" in (kind_of(node.this), kind_of(node.expression)):
        return node
    return call("trino_mod", node.this, node.expression)


def _aggregate(node: exp.Expr) -> exp.Expr:
    """DuckDB sums integers to 128 bits, Trino to a bigint; the average of decimals keeps their scale.

    FILTER and OVER belong to the call, so it is changed together with them.
    """
    if isinstance(node.parent, exp.Filter | exp.Window) and node.arg_key == "this":
        return node
    core = node
    while isinstance(core, exp.Filter | exp.Window):
        core = core.this
    if isinstance(core, exp.Sum) and kind_of(_summed(core)) == "integer":
        return cast(node.copy(), "BIGINT")
    if isinstance(core, exp.Avg) and kind_of(_summed(core)) == "decimal" and (sizes := decimal_of(_summed(core))):
        return _decimal_avg(node, core, sizes)
    return node


def _summed(aggregate: exp.Expr) -> exp.Expr:
    inner: exp.Expr = aggregate.this
    return inner.expressions[0] if isinstance(inner, exp.Distinct) else inner


def _decimal_avg(node: exp.Expr, core: exp.Expr, sizes: tuple[int, int]) -> exp.Expr:
    """Exact where the average stands alone; inside FILTER or OVER it is rounded from a double."""
    precision, scale = sizes
    average: exp.Expr = node.copy()
    if core is node:
        total, count = exp.Sum(this=node.this.copy()), exp.Count(this=node.this.copy())
        average = _with_point(call("trino_round_div", _whole(total, scale), call("nullif", count, number(0))), scale)
    return typed_as(cast(average, f"DECIMAL({precision},{scale})"), f"decimal({precision},{scale})")


def _cast(node: exp.Expr) -> exp.Expr:
    """Casts between numbers and text; dates and lengths are elsewhere."""
    to, value = node.args["to"], node.this
    source = kind_of(value)
    if to.this in _INTEGERS and source == "double":
        value.replace(call("round", value.copy()))
    elif to.this in _INTEGERS and source == "varchar":
        name = to.sql("athena").lower()
        checked = call("trino_int_text", value.copy(), text(name))
        value.replace(exp.Try(this=checked) if isinstance(node, exp.TryCast) else checked)
    elif to.this in exp.DataType.TEXT_TYPES and source == "double":
        return typed_as(call("trino_double_text", value), "varchar")
    elif to.this == exp.DType.DECIMAL and not to.expressions:
        to.set("expressions", [exp.DataTypeParam(this=number(38)), exp.DataTypeParam(this=number(0))])
    return node


def _log(node: exp.Expr) -> exp.Expr:
    base, value = node.this, node.args.get("expression")
    if value is None:
        return call("trino_ln", base)
    special = {"2": "trino_log2", "10": "trino_log10"}.get(base.name) if isinstance(base, exp.Literal) else None
    return call(special, value) if special else call("trino_log", base, value)


def _extreme(node: exp.Expr) -> exp.Expr:
    """greatest and least are NULL as soon as one argument is; DuckDB passes over NULLs."""
    arguments = [node.this, *node.expressions]
    some_null = exp.or_(*(exp.Is(this=a.copy(), expression=exp.Null()) for a in arguments))
    name = "greatest" if isinstance(node, exp.Greatest) else "least"
    whole = call(name, *arguments)
    return exp.Case(ifs=[exp.If(this=some_null, true=exp.Null())], default=whole)


def _trunc(node: exp.Expr) -> exp.Expr:
    """The scale of a decimal stays, as zeros; DuckDB drops it."""
    return _keeping_scale(call("trunc", node.this, node.args.get("decimals")), node.this)


def _round(node: exp.Expr) -> exp.Expr:
    return _keeping_scale(call("round", node.this, node.args.get("decimals")), node.this)


def _keeping_scale(result: exp.Expr, value: exp.Expr) -> exp.Expr:
    sizes = decimal_of(value) if kind_of(value) == "decimal" else None
    has_digits = len(result.expressions) > 1
    return cast(result, f"DECIMAL({min(_LARGEST, sizes[0] + 1)},{sizes[1]})") if sizes and has_digits else result


def _quantile(node: exp.Expr) -> exp.Expr:
    """One definition for one and for several: the smallest value at or above the rank, of the input's own type."""
    if node.args.get("weight"):
        return node
    return call("quantile_disc", node.this, node.args["quantile"])


def _nth_extreme(node: exp.Expr) -> exp.Expr:
    """max(x, n) are the n largest: for sqlglot the second argument makes it a greatest()."""
    if not node.expressions:
        return node
    return call("max" if isinstance(node, exp.Max) else "min", node.this, *node.expressions)


def _arg_extreme(node: exp.Expr) -> exp.Expr:
    """max_by takes the value also when it is NULL; DuckDB's arg_max passes over it."""
    if node.args.get("count"):
        return call("arg_max" if isinstance(node, exp.ArgMax) else "arg_min", *_arg_parts(node))
    return call("arg_max_null" if isinstance(node, exp.ArgMax) else "arg_min_null", node.this, node.expression)


def _arg_parts(node: exp.Expr) -> list[exp.Expr]:
    return [node.this, node.expression, node.args["count"]]


def _distinct(node: exp.Expr) -> exp.Expr:
    """Counted exactly: DuckDB's own estimate was off by a quarter for 1,000 values; Trino's is by 2 %."""
    return exp.Count(this=exp.Distinct(expressions=[node.this]), big_int=True)


FIXES: dict[type[exp.Expr], Fix] = {
    exp.Div: _div,
    exp.Mod: _mod,
    exp.Sum: _aggregate,
    exp.Avg: _aggregate,
    exp.Filter: _aggregate,
    exp.Window: _aggregate,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Sqrt: lambda n: call("trino_sqrt", n.this),
    exp.Ln: lambda n: call("trino_ln", n.this),
    exp.Log: _log,
    exp.Greatest: _extreme,
    exp.Least: _extreme,
    exp.Trunc: _trunc,
    exp.Round: _round,
    exp.ApproxQuantile: _quantile,
    exp.ApproxDistinct: _distinct,
    exp.Max: _nth_extreme,
    exp.Min: _nth_extreme,
    exp.ArgMax: _arg_extreme,
    exp.ArgMin: _arg_extreme,
    exp.WidthBucket: lambda n: call(
        "trino_width_bucket", n.this, n.args["min_value"], n.args["max_value"], n.args["num_buckets"]
    ),
    exp.FromBase: lambda n: call("trino_from_base", n.this, n.expression),
}
