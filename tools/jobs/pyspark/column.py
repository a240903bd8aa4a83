"""PySpark's Column: an expression whose names are not bound yet, or that already points at a frame's column."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TypeAlias

from sqlglot import exp

from tools.jobs.labels import label_of, literal_label
from tools.jobs.python.site import Arguments, Site
from tools.jobs.python.text import text_of
from tools.jobs.python.values import (
    NOTHING,
    Bound,
    Host,
    Located,
    Native,
    OpenList,
    Partial,
    Undecided,
    Value,
)
from tools.plan.base import Span

Branches: TypeAlias = "tuple[Branches | None, Column, Column]"
_NAME_PART = re.compile(r"`((?:[^`]|``)*)`|((?:\$\{[^{}]*\}|[^.`])+)")
MAX_LABEL = 4_000


class Column(Host):
    """A column expression.

    Args:
        expression: sqlglot, names unbound or references to ids; an alias stands at its root. Never changed once made.
        written: how Spark would name it without an alias, when that differs from what the expression shows.
        branches: of a `when(…)`, its conditions and values so far, last first; the expression is made when asked for.
    """

    __slots__ = ("_expression", "branches", "written")

    def __init__(
        self, expression: exp.Expr | None, written: str | None = None, branches: Branches | None = None
    ) -> None:
        self._expression, self.written, self.branches = expression, written, branches

    @property
    def expression(self) -> exp.Expr:
        """The expression."""
        if self._expression is None:
            self._expression = _case(self.branches)
        return self._expression

    @property
    def label(self) -> str:
        """What Spark calls the column inside a larger expression."""
        if self.branches is not None and self.written is None:
            self.written = _case_label(self.branches)
        shown = self.written if self.written is not None else label_of(self.expression)
        return shown if len(shown) <= MAX_LABEL else shown[:MAX_LABEL]

    def attribute(self, name: str, site: Site) -> Value:
        """A method, or a struct's field."""
        method = METHODS.get(name)
        if method is not None:
            return Bound(method, self)
        if name.startswith("_"):
            return NOTHING
        return self.field(name, site)

    def field(self, name: str, site: Site) -> Column:
        """`column.name`: a field of a struct."""
        return Column(exp.Dot(this=bare(self), expression=exp.to_identifier(name, quoted=True)), f"{self.label}.{name}")

    def item(self, key: Value, site: Site) -> Value:
        """An element of an array or map, or a field of a struct; a slice is a substring."""
        if isinstance(key, slice):
            return Column(exp.Substring(this=bare(self), start=_number(key.start), length=_number(key.stop)))
        if isinstance(key, str):
            return self.field(str(key), site)
        index = operand(key, site)
        return Column(exp.Bracket(this=bare(self), expressions=[index.expression]), f"{self.label}[{index.label}]")

    def binary(self, operator: str, other: Value, reflected: bool, site: Site) -> Value:
        """Arithmetic, comparison and logic build expressions."""
        kind = OPERATORS.get(operator)
        if kind is None:
            return NOTHING
        right = operand(other, site)
        left, right = (right, self) if reflected else (self, right)
        symbol = {"==": "=", "&": "AND", "|": "OR"}.get(operator, operator)
        if operator == "!=":
            return Column(exp.NEQ(this=bare(left), expression=bare(right)), f"(NOT ({left.label} = {right.label}))")
        if operator == "**":
            return Column(kind(this=bare(left), expression=bare(right)), f"POWER({left.label}, {right.label})")
        return Column(kind(this=bare(left), expression=bare(right)), f"({left.label} {symbol} {right.label})")

    def unary(self, operator: str, site: Site) -> Value:
        """`~c` and `-c`."""
        if operator == "~":
            return Column(exp.Not(this=bare(self)), f"(NOT {self.label})")
        if operator == "-":
            return Column(exp.Neg(this=bare(self)), f"negative({self.label})")
        return self

    def truth(self, site: Site) -> bool | None:
        """Python cannot ask a column for its truth."""
        return True

    def text(self, site: Site) -> Value:
        """`str(column)`, which scripts use for messages."""
        return f"Column<'{self.label}'>"


OPERATORS: dict[str, type[exp.Expr]] = {
    "+": exp.Add, "-": exp.Sub, "*": exp.Mul, "/": exp.Div, "%": exp.Mod, "**": exp.Pow,
    "==": exp.EQ, "!=": exp.NEQ, "<": exp.LT, "<=": exp.LTE, ">": exp.GT, ">=": exp.GTE,
    "&": exp.And, "|": exp.Or,
}  # fmt: skip


# --------------------------------------------------------------------------- making columns


def named(name: str, span: Span | None) -> exp.Expr:
    """The unbound reference that a dotted name means: `a`, `t.a`, `` `odd.name` ``, `s.field.inner`, `*`, `t.*`."""
    if name == "*":
        return _placed(exp.Star(), span)
    parts = [quoted.replace("``", "`") if quoted else plain for quoted, plain in _NAME_PART.findall(name)]
    parts = [p.strip() if len(parts) == 1 else p for p in parts] or [name]
    if parts[-1] == "*" and len(parts) > 1:
        table = exp.to_identifier(parts[-2], quoted=True)
        return _placed(exp.Column(this=exp.Star(), table=table), span)
    heads, fields = parts[:4], parts[4:]
    keys = ("this", "table", "db", "catalog")
    identifiers = {k: exp.to_identifier(p, quoted=True) for k, p in zip(keys, reversed(heads), strict=False)}
    expression: exp.Expr = _placed(exp.Column(**identifiers), span)
    for field in fields:
        expression = exp.Dot(this=expression, expression=exp.to_identifier(field, quoted=True))
    return expression


def _placed(expression: exp.Expr, span: Span | None) -> exp.Expr:
    if span is not None:
        expression.meta["span"] = (span.file, span.line, span.end_line)
    return expression


def column_of(value: Value, site: Site) -> Column:
    """A Column from a Column or from a column's name; what only a run knows becomes a name with a hole."""
    if isinstance(value, Column):
        return value
    if isinstance(value, str | Partial):
        place = value.span if isinstance(value, Located) else site.span
        return Column(named(str(text_of(value)), place))
    if isinstance(value, Undecided):
        return Column(unknown_column(value, site))
    return literal(value, site)


def operand(value: Value, site: Site) -> Column:
    """The other side of an operator: a Column, or a literal."""
    return value if isinstance(value, Column) else literal(value, site)


def literal(value: Value, site: Site) -> Column:
    """A constant as a Column. What only a run knows stays a named hole."""
    if isinstance(value, Column):
        return value
    if isinstance(value, Partial):
        return Column(exp.Literal.string(value.text), value.text)
    if isinstance(value, Undecided):
        return Column(exp.Anonymous(this="__RUNTIME__", expressions=[exp.Literal.string(value.hole)]), value.reason)
    if isinstance(value, list | tuple) and not isinstance(value, OpenList):
        elements = [literal(v, site) for v in value]
        return Column(exp.Array(expressions=[e.expression for e in elements]), f"array({_labels(elements)})")
    if isinstance(value, bool | int | float | str | None):
        return Column(exp.convert(str(value) if isinstance(value, str) else value), literal_label(value))
    return Column(exp.Null(), "NULL")


def unknown_column(value: Undecided, site: Site) -> exp.Expr:
    """A column whose name only a run knows."""
    if value.hole != "?":
        return named(f"`${{{value.hole}}}`", value.span or site.span)
    site.unknown(f"a column named at run time ({value.reason})", "column")
    return _placed(exp.Anonymous(this=ANY_COLUMN), site.span)


ANY_COLUMN = "__ANY_COLUMN__"  # one of the frame's columns; which one only a run knows


def bare(column: Column) -> exp.Expr:
    """The expression without an alias at its root, ready to go into a larger one: copied only when it is in one already."""
    expression = unalias(column.expression)
    return expression if expression.parent is None else expression.copy()


def nodes(expression: exp.Expr) -> Iterator[exp.Expr]:
    """Every node of an expression in no particular order; quicker than sqlglot's own walk."""
    stack = [expression]
    while stack:
        node = stack.pop()
        yield node
        if isinstance(node, exp.Column):
            continue
        for value in node.args.values():
            if isinstance(value, exp.Expr):
                stack.append(value)
            elif isinstance(value, list):
                stack.extend(v for v in value if isinstance(v, exp.Expr))


def _case(branches: Branches | None, default: exp.Expr | None = None) -> exp.Expr:
    ifs: list[exp.Expr] = []
    while branches is not None:
        branches, test, value = branches
        ifs.append(exp.If(this=bare(test), true=bare(value)))
    return exp.Case(ifs=list(reversed(ifs)), default=default)


def _case_label(branches: Branches | None, default: Column | None = None) -> str:
    parts: list[str] = []
    while branches is not None:
        branches, test, value = branches
        parts.append(f" WHEN {test.label} THEN {value.label}")
    ending = f" ELSE {default.label}" if default is not None else ""
    return f"CASE{''.join(reversed(parts))}{ending} END"


def when(previous: Branches | None, condition: Value, value: Value, site: Site) -> Column:
    """One more branch of a CASE."""
    return Column(None, None, (previous, operand(condition, site), operand(value, site)))


def unalias(expression: exp.Expr) -> exp.Expr:
    """What an alias names."""
    while isinstance(expression, exp.Alias | exp.Aliases):
        expression = expression.this
    return expression


def _labels(columns: list[Column]) -> str:
    return ", ".join(c.label for c in columns)


def _number(value: Value) -> exp.Expr | None:
    return exp.Literal.number(value) if isinstance(value, int) else None


# --------------------------------------------------------------------------- methods


def _alias(site: Site, column: Column, names: list[Value], keywords: dict[str, Value]) -> Value:
    texts = [text_of(n) or "${?}" for n in names]
    inner = bare(column)
    if len(texts) == 1:
        return Column(
            exp.Alias(this=inner, alias=exp.to_identifier(texts[0], quoted=True)), f"{column.label} AS {texts[0]}"
        )
    aliases = [exp.to_identifier(t, quoted=True) for t in texts]
    return Column(exp.Aliases(this=inner, expressions=aliases), texts[0] if texts else None)


def _cast(site: Site, column: Column, data_type: Value) -> Value:
    from tools.jobs.pyspark.types import spark_type

    spelled = spark_type(data_type)
    made = exp.Cast(this=bare(column), to=to_type(spelled))
    return Column(made, f"CAST({column.label} AS {spelled.upper()})")


def to_type(spelled: str) -> exp.Expr:
    """A sqlglot type from Spark's spelling; UNKNOWN when it cannot be read."""
    try:
        return exp.DataType.build(spelled, dialect="spark")
    except Exception:  # noqa: BLE001  sqlglot raises several unrelated types on odd spellings
        return exp.DataType(this=exp.DType.UNKNOWN)


def _comparison(kind: type[exp.Expr], label: str) -> Callable[..., Value]:
    def made(site: Site, column: Column, other: Value) -> Value:
        right = operand(other, site)
        return Column(kind(this=bare(column), expression=bare(right)), label.format(column.label, right.label))

    return made


def _function(name: str) -> Callable[..., Value]:
    def made(site: Site, column: Column, others: list[Value]) -> Value:
        given = [operand(o, site) for o in others]
        return Column(
            exp.func(name, bare(column), *(bare(g) for g in given), dialect="spark"),
            f"{name}({_labels([column, *given])})",
        )

    return made


def _is_null(site: Site, column: Column) -> Value:
    return Column(exp.Is(this=bare(column), expression=exp.Null()), f"({column.label} IS NULL)")


def _is_not_null(site: Site, column: Column) -> Value:
    inner = exp.Is(this=bare(column), expression=exp.Null())
    return Column(exp.Not(this=inner), f"({column.label} IS NOT NULL)")


def _is_nan(site: Site, column: Column) -> Value:
    return Column(exp.IsNan(this=bare(column)), f"isnan({column.label})")


def _isin(site: Site, column: Column, values: list[Value]) -> Value:
    if len(values) == 1 and not isinstance(values[0], Column | str | int | float | bool | None):
        values = site.elements(values[0]) if not isinstance(values[0], Undecided) else values
    given = [operand(v, site) for v in values]
    made = exp.In(this=bare(column), expressions=[bare(g) for g in given])
    return Column(made, f"({column.label} IN ({_labels(given)}))")


def _between(site: Site, column: Column, low: Value, high: Value) -> Value:
    bounds = [operand(low, site), operand(high, site)]
    made = exp.Between(this=bare(column), low=bare(bounds[0]), high=bare(bounds[1]))
    label = f"((({column.label} >= {bounds[0].label}) AND ({column.label} <= {bounds[1].label})))"
    return Column(made, label[1:-1])


def _when(site: Site, column: Column, condition: Value, value: Value) -> Value:
    if column.branches is None:
        return site.undecided("when() on a column that is no when()", column)
    return when(column.branches, condition, value, site)


def _otherwise(site: Site, column: Column, value: Value) -> Value:
    if column.branches is None:
        return site.undecided("otherwise() on a column that is no when()", column)
    result = operand(value, site)
    return Column(_case(column.branches, bare(result)), _case_label(column.branches, result))


def _over(site: Site, column: Column, window: Value) -> Value:
    from tools.jobs.pyspark.window import over

    return over(column, window, site)


def _ordered(descending: bool, nulls_first: bool | None = None) -> Callable[..., Value]:
    def made(site: Site, column: Column) -> Value:
        first = nulls_first if nulls_first is not None else not descending
        return Column(exp.Ordered(this=bare(column), desc=descending, nulls_first=first), column.label)

    return made


def _get_field(site: Site, column: Column, name: Value) -> Value:
    return column.item(name, site) if not isinstance(name, str) else column.field(str(name), site)


def _substr(site: Site, column: Column, start: Value, length: Value) -> Value:
    first, size = operand(start, site), operand(length, site)
    made = exp.Substring(this=bare(column), start=bare(first), length=bare(size))
    return Column(made, f"substr({column.label}, {first.label}, {size.label})")


def _with_field(site: Site, column: Column, name: Value, value: Value) -> Value:
    added = operand(value, site)
    made = exp.Anonymous(this="WITH_FIELD", expressions=[bare(column), bare(added)])
    return Column(made, f"update_fields({column.label}, WithField({added.label}))")


def _drop_fields(site: Site, column: Column, names: list[Value]) -> Value:
    return Column(
        exp.Anonymous(this="DROP_FIELDS", expressions=[bare(column)]), f"update_fields({column.label}, dropfield())"
    )


def _same(site: Site, column: Column, values: list[Value], keywords: dict[str, Value]) -> Value:
    return column


def method(body: Callable[..., Value], *parameters: str) -> Native:
    """A row of a table of methods: the receiver comes first, then the parameters."""
    return Native(getattr(body, "__name__", "method").strip("_"), body, ("self", *parameters))


METHODS: dict[str, Native] = {
    "alias": method(_alias, "*names", "**keywords"),
    "name": method(_alias, "*names", "**keywords"),
    "cast": method(_cast, "dataType"),
    "astype": method(_cast, "dataType"),
    "try_cast": method(_cast, "dataType"),
    "isNull": method(_is_null),
    "isNotNull": method(_is_not_null),
    "isNaN": method(_is_nan),
    "isin": method(_isin, "*cols"),
    "between": method(_between, "lowerBound", "upperBound"),
    "like": method(_comparison(exp.Like, "{} LIKE {}"), "other"),
    "ilike": method(_comparison(exp.ILike, "ilike({}, {})"), "other"),
    "rlike": method(_comparison(exp.RegexpLike, "RLIKE({}, {})"), "other"),
    "eqNullSafe": method(_comparison(exp.NullSafeEQ, "({} <=> {})"), "other"),
    "startswith": method(_comparison(exp.StartsWith, "startswith({}, {})"), "other"),
    "endswith": method(_function("endswith"), "*other"),
    "contains": method(_function("contains"), "*other"),
    "bitwiseAND": method(_comparison(exp.BitwiseAnd, "({} & {})"), "other"),
    "bitwiseOR": method(_comparison(exp.BitwiseOr, "({} | {})"), "other"),
    "bitwiseXOR": method(_comparison(exp.BitwiseXor, "({} ^ {})"), "other"),
    "when": method(_when, "condition", "value"),
    "otherwise": method(_otherwise, "value"),
    "over": method(_over, "window"),
    "asc": method(_ordered(False)),
    "desc": method(_ordered(True)),
    "asc_nulls_first": method(_ordered(False, True)),
    "asc_nulls_last": method(_ordered(False, False)),
    "desc_nulls_first": method(_ordered(True, True)),
    "desc_nulls_last": method(_ordered(True, False)),
    "getItem": method(_get_field, "key"),
    "getField": method(_get_field, "name"),
    "substr": method(_substr, "startPos", "length"),
    "withField": method(_with_field, "fieldName", "col"),
    "dropFields": method(_drop_fields, "*fieldNames"),
    "explain": method(_same, "*values", "**keywords"),
    "outer": method(_same, "*values", "**keywords"),
}

__all__ = [
    "ANY_COLUMN",
    "METHODS",
    "Arguments",
    "Column",
    "bare",
    "column_of",
    "literal",
    "method",
    "named",
    "nodes",
    "operand",
    "when",
]
