"""What Spark calls a column that has no alias: `sum(price)`, `(a + b)`, `CASE WHEN … END`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from sqlglot import exp

from tools.plan.references import is_ref

_DEPTH = 60
_CALL = re.compile(r"^([A-Z_][A-Z0-9_]*)\((.*)\)$", re.S)


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


def select_name(expression: exp.Expr) -> str:
    """The name that a select item of SQL text gets: qualifiers of its columns are not part of it."""
    copy = expression.copy()
    for column in copy.find_all(exp.Column):
        if len(column.parts) > 1 and not isinstance(column.this, exp.Star):
            for part in ("table", "db", "catalog"):
                column.set(part, None)
    return output_name(copy, None)


def output_name(expression: exp.Expr, written: str | None) -> str:
    """The name that `select` gives a column: its alias, its own name, a field's name, else its label."""
    if isinstance(expression, exp.Alias):
        return expression.alias
    if isinstance(expression, exp.Cast | exp.TryCast) and (written is None or written.startswith("CAST(")):
        inner = expression.this
        if isinstance(inner, exp.Column | exp.Dot):
            return output_name(inner, None)
    if isinstance(expression, exp.Column):
        return str(expression.meta.get("name") or expression.name)
    if isinstance(expression, exp.Dot) and written is None:
        return str(expression.expression.name)
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
    return f"CAST({label_of(node.this, depth)} AS {_plain(node.args['to']).upper().replace(', ', ',')})"


# Functions that Spark names in capitals, and what it writes for arguments that are left out.
_CAPITALS = frozenset(
    "acos acosh asin asinh atan atan2 atanh cbrt ceil cos cosh cot degrees dense_rank exp expm1 floor hypot log log10 "
    "log1p log2 percent_rank power radians rank regexp_like rlike sec signum sin sinh spark_partition_id sqrt tan "
    "tanh".split()
)
_TIME_FORMAT = "yyyy-MM-dd HH:mm:ss"
_LEFT_OUT: dict[str, tuple[str, ...]] = {  # by name: the labels of all arguments, "" where it must be given
    "from_unixtime": ("", _TIME_FORMAT),
    "unix_timestamp": ("", _TIME_FORMAT),
    "to_unix_timestamp": ("", _TIME_FORMAT),
    "locate": ("", "", "1"),
    "months_between": ("", "", "true"),
    "overlay": ("", "", "", "-1"),
    "percentile": ("", "", "1"),
    "percentile_approx": ("", "", "10000"),
    "regexp_replace": ("", "", "", "1"),
    "round": ("", "0"),
    "bround": ("", "0"),
    "sort_array": ("", "true"),
    "split": ("", "", "-1"),
    "sentences": ("", "", ""),
}


def call_label(name: str, arguments: Sequence[str]) -> str:
    """`name(arguments)` as Spark writes it, with its own capitals and defaults."""
    folded = name.lower()
    if folded == "approx_count_distinct":
        arguments = arguments[:1]
    filled = [*arguments, *_LEFT_OUT.get(folded, ())[len(arguments) :]]
    spelled = name.upper() if folded in _CAPITALS else name if name.isupper() and folded not in _LEFT_OUT else folded
    return f"{spelled}({', '.join(filled)})"


def _function(node: exp.Expr, depth: int) -> str:
    """`name(arg, arg)`: the name and order of arguments as Spark's dialect spells them, each by its own label."""
    if isinstance(node, exp.Anonymous):
        return call_label(node.name.lower(), [label_of(a, depth) for a in node.expressions])
    spelled = _CALL.match(_plain(node))
    if spelled is None:
        arguments = [a for a in node.iter_expressions() if not isinstance(a, exp.Order)]
        return call_label(
            str(getattr(type(node), "sql_name", lambda: node.key)()).lower(), [label_of(a, depth) for a in arguments]
        )
    known = {_plain(c): label_of(c, depth) for c in _parts(node)}
    pieces = [known.get(p.strip(), _bare(p)) for p in split_outside(spelled.group(2))]
    return call_label(spelled.group(1).lower(), pieces if spelled.group(2).strip() else [])


def _parts(node: exp.Expr) -> list[exp.Expr]:
    """Arguments of a call, and what stands inside conversions that sqlglot puts around them."""
    found: list[exp.Expr] = []
    for child in node.iter_expressions():
        found.append(child)
        if isinstance(child, exp.TsOrDsToDate | exp.Cast | exp.TryCast | exp.Distinct):
            found.extend(child.iter_expressions())
    return found


def _bare(piece: str) -> str:
    stripped = piece.strip()
    if len(stripped) > 1 and stripped[0] == stripped[-1] == "'":
        return stripped[1:-1]
    return stripped.replace("`", "")


def split_outside(text: str) -> list[str]:
    """Cuts at the commas that stand outside brackets and quotes."""
    pieces: list[str] = []
    depth = start = 0
    quoted = False
    for index, letter in enumerate(text):
        if letter == "'":
            quoted = not quoted
        if quoted:
            continue
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and depth == 0:
            pieces.append(text[start:index])
            start = index + 1
    return [*pieces, text[start:]]


def _added_days(node: exp.Expr, depth: int) -> str:
    days = node.expression
    if isinstance(days, exp.Mul) and isinstance(days.expression, exp.Neg):
        return f"date_sub({label_of(node.this, depth)}, {label_of(days.this, depth)})"
    return f"date_add({label_of(node.this, depth)}, {label_of(days, depth)})"


def _struct(node: exp.Expr, depth: int) -> str:
    parts = []
    for part in node.expressions:
        if not isinstance(part, exp.PropertyEQ):
            parts.append(label_of(part, depth))
            continue
        value = label_of(part.expression, depth)
        named_alike = isinstance(part.expression, exp.Column) and part.expression.name == part.this.name
        parts.append(value if named_alike else f"{value} AS {part.this.name}")
    return f"struct({', '.join(parts)})"


def _lambda(node: exp.Expr, depth: int) -> str:
    names = {v.name for v in node.expressions}
    body = node.this.copy()
    holder = exp.Paren(this=body)
    for leaf in list(holder.find_all(exp.Identifier)):
        column = leaf.parent if isinstance(leaf.parent, exp.Column) else None
        owner: exp.Expr = leaf if column is None else column
        if leaf.name in names and (column is None or len(column.parts) == 1):
            owner.replace(exp.Var(this=VARIABLE))
    variables = ", ".join(VARIABLE for _ in node.expressions)
    return f"lambdafunction({label_of(holder.this, depth)}, {variables})"


VARIABLE = "namedlambdavariable()"


def _arguments(arguments: list[exp.Expr], depth: int) -> str:
    return ", ".join(label_of(a, depth) for a in arguments)


def _count(node: exp.Expr, depth: int) -> str:
    inner = node.this
    if isinstance(inner, exp.Distinct):
        return f"count(DISTINCT {_arguments(inner.expressions, depth)})"
    if isinstance(inner, exp.Star) or inner is None:
        return "count(1)"
    return f"count({label_of(inner, depth)})"


_RANKS = (exp.RowNumber, exp.Rank, exp.DenseRank, exp.Ntile, exp.PercentRank)


def _window(node: exp.Expr, depth: int) -> str:
    return f"{label_of(node.this, depth)} OVER ({window_label(node, depth)})"


def window_label(node: exp.Expr, depth: int = 0) -> str:
    """What stands inside OVER (…), with the frame that Spark fills in."""
    parts: list[str] = []
    if node.args.get("partition_by"):
        parts.append(f"PARTITION BY {_arguments(node.args['partition_by'], depth)}")
    order = node.args.get("order")
    if isinstance(order, exp.Order):
        parts.append(f"ORDER BY {_arguments(order.expressions, depth)}")
    parts.append(_frame(node, isinstance(order, exp.Order), depth))
    return " ".join(parts)


def _frame(node: exp.Expr, ordered: bool, depth: int) -> str:
    spec = node.args.get("spec")
    if isinstance(spec, exp.WindowSpec):
        edges = [_edge(spec.args.get(k), spec.args.get(f"{k}_side"), depth) for k in ("start", "end")]
        return f"{spec.args.get('kind')} BETWEEN {edges[0]} AND {edges[1]}"
    function = node.this
    if isinstance(function, exp.Lead | exp.Lag):
        offset = function.args.get("offset")
        size = label_of(offset, depth) if isinstance(offset, exp.Expr) else "1"
        edge = f"{'-' if isinstance(function, exp.Lag) else ''}{size} FOLLOWING"
        return f"ROWS BETWEEN {edge} AND {edge}"
    if isinstance(function, _RANKS):
        return "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
    if ordered:
        return "RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW"
    return "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING"


def _edge(value: object, side: object, depth: int) -> str:
    if isinstance(value, exp.Expr):
        size = label_of(value, depth)
        return f"-{size} FOLLOWING" if side == "PRECEDING" else f"{size} FOLLOWING"
    return f"{value} {side}" if side else str(value or "CURRENT ROW")


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
        f"between({label_of(n.this, d)}, {label_of(n.args['low'], d)}, {label_of(n.args['high'], d)})"
    ),
    exp.Coalesce: lambda n, d: (
        f"{'nvl' if n.args.get('is_nvl') else 'coalesce'}({_arguments([n.this, *n.expressions], d)})"
    ),
    exp.DPipe: lambda n, d: f"concat({label_of(n.this, d)}, {label_of(n.expression, d)})",
    exp.TsOrDsAdd: _added_days,
    exp.Struct: _struct,
    exp.Lambda: _lambda,
    exp.Var: lambda n, d: n.name,
    exp.NEQ: lambda n, d: f"(NOT ({label_of(n.this, d)} = {label_of(n.expression, d)}))",
    exp.Case: _case,
    exp.If: lambda n, d: (
        f"(IF({label_of(n.this, d)}, {label_of(n.args['true'], d)}, "
        f"{label_of(n.args['false'], d) if n.args.get('false') is not None else 'NULL'}))"
    ),
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
