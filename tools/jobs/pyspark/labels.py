"""What Spark calls a column that has no alias: `sum(price)`, `(a + b)`, `CASE WHEN … END`."""

from __future__ import annotations

import re
from collections.abc import Callable

from sqlglot import exp

from tools.plan.model import is_ref

_DEPTH = 60
_LEADING_NAME = re.compile(r"^([A-Z_][A-Z0-9_]*)\(")


def label_of(expression: exp.Expr, depth: int = 0) -> str:
    """How Spark spells an expression inside a generated column name."""
    if depth > _DEPTH:
        return "…"
    handler = _HANDLERS.get(type(expression))
    if handler is not None:
        return handler(expression, depth + 1)
    if isinstance(expression, exp.Func):
        return _function(expression, depth + 1)
    return _plain(expression)


def literal_label(value: object) -> str:
    """A constant inside a generated name."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


def output_name(expression: exp.Expr, written: str | None) -> str:
    """The name that `select` gives a column: its alias, its own name, a field's name, else its label."""
    if isinstance(expression, exp.Alias):
        return expression.alias
    if isinstance(expression, exp.Cast | exp.TryCast):
        inner = expression.this
        if isinstance(inner, exp.Column | exp.Dot):
            return output_name(inner, None)
    if isinstance(expression, exp.Column):
        return str(expression.meta.get("name") or expression.name)
    if isinstance(expression, exp.Dot):
        return expression.expression.name
    return written if written is not None else label_of(expression)


def _plain(expression: exp.Expr) -> str:
    try:
        return expression.sql("spark", comments=False)
    except (RecursionError, ValueError, TypeError, AttributeError):
        return expression.key


def _column(node: exp.Expr, depth: int) -> str:
    if isinstance(node.this, exp.Star):
        return "1"
    if is_ref(node):
        return str(node.meta.get("name") or node.name)
    return ".".join(p.name for p in node.parts) if isinstance(node, exp.Column) else node.name


def _infix(symbol: str) -> Callable[[exp.Expr, int], str]:
    def spelled(node: exp.Expr, depth: int) -> str:
        sides: list[str] = []
        current: exp.Expr = node
        while type(current) is type(node) and symbol in ("AND", "OR", "+", "*") and len(sides) < 200:
            sides.append(label_of(current.expression, depth))
            current = current.this
            if type(current) is not type(node):
                break
        if not sides:
            return f"({label_of(node.this, depth)} {symbol} {label_of(node.expression, depth)})"
        text = label_of(current, depth)
        for side in reversed(sides):
            text = f"({text} {symbol} {side})"
        return text

    return spelled


def _case(node: exp.Expr, depth: int) -> str:
    operand = f" {label_of(node.this, depth)}" if node.this is not None else ""
    branches = "".join(
        f" WHEN {label_of(b.this, depth)} THEN {label_of(b.args['true'], depth)}" for b in node.args.get("ifs") or []
    )
    default = node.args.get("default")
    return f"CASE{operand}{branches}{f' ELSE {label_of(default, depth)}' if default is not None else ''} END"


def _cast(node: exp.Expr, depth: int) -> str:
    return f"CAST({label_of(node.this, depth)} AS {_plain(node.args['to']).upper()})"


def _function(node: exp.Expr, depth: int) -> str:
    """`name(arg, arg)`: the name as Spark's dialect spells it, arguments by their own labels."""
    if isinstance(node, exp.Anonymous):
        return f"{node.name.lower()}({_arguments(node.expressions, depth)})"
    spelled = _LEADING_NAME.match(_plain(node))
    name = spelled.group(1).lower() if spelled else node.sql_name().lower()
    arguments = [a for a in node.iter_expressions() if not isinstance(a, exp.Order)]
    return f"{name}({_arguments(arguments, depth)})"


def _arguments(arguments: list[exp.Expr], depth: int) -> str:
    return ", ".join(label_of(a, depth) for a in arguments)


def _count(node: exp.Expr, depth: int) -> str:
    inner = node.this
    if isinstance(inner, exp.Distinct):
        return f"count(DISTINCT {_arguments(inner.expressions, depth)})"
    if isinstance(inner, exp.Star) or inner is None:
        return "count(1)"
    return f"count({label_of(inner, depth)})"


def _window(node: exp.Expr, depth: int) -> str:
    parts: list[str] = []
    if node.args.get("partition_by"):
        parts.append(f"PARTITION BY {_arguments(node.args['partition_by'], depth)}")
    if isinstance(node.args.get("order"), exp.Order):
        parts.append(f"ORDER BY {_arguments(node.args['order'].expressions, depth)}")
    return f"{label_of(node.this, depth)} OVER ({' '.join(parts)})"


def _ordered(node: exp.Expr, depth: int) -> str:
    direction = "DESC NULLS LAST" if node.args.get("desc") else "ASC NULLS FIRST"
    return f"{label_of(node.this, depth)} {direction}"


_HANDLERS: dict[type[exp.Expr], Callable[[exp.Expr, int], str]] = {
    exp.Column: _column,
    exp.Identifier: lambda n, d: n.name,
    exp.Star: lambda n, d: "1",
    exp.Alias: lambda n, d: f"{label_of(n.this, d)} AS {n.alias}",
    exp.Literal: lambda n, d: n.name,
    exp.Null: lambda n, d: "NULL",
    exp.Boolean: lambda n, d: str(n.this).lower(),
    exp.Paren: lambda n, d: label_of(n.this, d),
    exp.Dot: lambda n, d: f"{label_of(n.this, d)}.{n.expression.name}",
    exp.Neg: lambda n, d: f"(- {label_of(n.this, d)})" if not n.this.is_number else f"-{label_of(n.this, d)}",
    exp.Not: lambda n, d: (
        f"({label_of(n.this.this, d)} IS NOT NULL)" if isinstance(n.this, exp.Is) else f"(NOT {label_of(n.this, d)})"
    ),
    exp.Is: lambda n, d: f"({label_of(n.this, d)} IS {label_of(n.expression, d)})",
    exp.In: lambda n, d: f"({label_of(n.this, d)} IN ({_arguments(n.expressions, d)}))",
    exp.Between: lambda n, d: (
        f"(({label_of(n.this, d)} >= {label_of(n.args['low'], d)})"
        f" AND ({label_of(n.this, d)} <= {label_of(n.args['high'], d)}))"
    ),
    exp.NEQ: lambda n, d: f"(NOT ({label_of(n.this, d)} = {label_of(n.expression, d)}))",
    exp.Case: _case,
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Count: _count,
    exp.Window: _window,
    exp.Ordered: _ordered,
    exp.Distinct: lambda n, d: f"DISTINCT {_arguments(n.expressions, d)}",
    exp.Bracket: lambda n, d: f"{label_of(n.this, d)}[{_arguments(n.expressions, d)}]",
    exp.Like: lambda n, d: f"{label_of(n.this, d)} LIKE {label_of(n.expression, d)}",
    exp.RegexpLike: lambda n, d: f"RLIKE({label_of(n.this, d)}, {label_of(n.expression, d)})",
    **{
        kind: _infix(symbol)
        for kind, symbol in (
            (exp.Add, "+"), (exp.Sub, "-"), (exp.Mul, "*"), (exp.Div, "/"), (exp.Mod, "%"), (exp.EQ, "="),
            (exp.LT, "<"), (exp.LTE, "<="), (exp.GT, ">"), (exp.GTE, ">="), (exp.And, "AND"), (exp.Or, "OR"),
            (exp.NullSafeEQ, "<=>"), (exp.BitwiseAnd, "&"), (exp.BitwiseOr, "|"), (exp.BitwiseXor, "^"),
        )
    },
}  # fmt: skip
