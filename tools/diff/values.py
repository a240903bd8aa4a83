"""Rules on values: sums, CASE and COALESCE, casts and aggregates in one canonical form.

Each gives the node itself where it does not apply. Sums and products are commuted but never regrouped, unless their
parts are exact: floating point numbers are not associative.
"""

from __future__ import annotations

from collections.abc import Callable

from sqlglot import exp

from tools.diff.nodes import NotNull, flat, inner_of, text_of
from tools.diff.ranges import TIMES
from tools.plan.bind import EITHER

__all__ = ["RULES", "is_regrouped"]


def _paren(node: exp.Expr, _: NotNull) -> exp.Expr:
    return inner_of(node)


def _alias(node: exp.Expr, _: NotNull) -> exp.Expr:
    return inner_of(node)


def _day(node: exp.Expr, _: NotNull) -> exp.Expr:
    """DATE(x) is a cast; so is TO_DATE(x) of a day or a time, which cannot fail."""
    stated = {k for k, v in node.args.items() if k != "this" and v}
    if stated == {"safe"} and node.this.type and node.this.type.is_type("date", *TIMES):
        stated = set()
    return node if stated else exp.cast(node.this.copy(), "date")


_EXACT = ("tinyint", "smallint", "int", "bigint", "decimal")


def _regrouped(node: exp.Expr, _: NotNull) -> exp.Expr:
    """Sums and products of exact numbers, in any grouping."""
    kind = type(node)
    parts = flat(node, kind)
    if len(parts) < 3 or not all(_is_exact(p) for p in parts):
        return node
    ordered = sorted((p.copy() for p in parts), key=text_of)
    built = ordered[0]
    for part in ordered[1:]:
        built = kind(this=built, expression=part)
    return built if text_of(built) != text_of(node) else node


def is_regrouped(node: exp.Expr, not_null: NotNull) -> bool:
    """Whether a node is a chain of exact numbers in its canonical grouping, or inside of one."""
    if not isinstance(node, exp.Add | exp.Mul):
        return False
    parts = flat(node, type(node))
    if len(parts) > 2 and _regrouped(node, not_null) is node:
        return True
    return type(node.parent) is type(node) and all(map(_is_exact, parts))


def _is_exact(node: exp.Expr) -> bool:
    if isinstance(node, exp.Literal):
        return not node.is_string and "e" not in node.this.lower()
    return isinstance(node, exp.Column) and bool(node.type and any(node.type.is_type(t) for t in _EXACT))


def _coalesce(node: exp.Expr, not_null: NotNull) -> exp.Expr:
    """COALESCE(a, b) is b where a is NULL; of a value that is never NULL it is that value."""
    values = [node.this, *node.expressions]
    kept: list[exp.Expr] = []
    for value in values:
        kept.append(value.copy())
        if not_null(value) or isinstance(value, exp.Literal):
            break
    if len(kept) == len(values):
        return node
    return kept[0] if len(kept) == 1 else exp.Coalesce(this=kept[0], expressions=kept[1:])


def _if(node: exp.Expr, _: NotNull) -> exp.Expr:
    if isinstance(node.parent, exp.Case) and node.arg_key == "ifs":
        return node
    return exp.Case(
        ifs=[exp.If(this=node.this.copy(), true=node.args["true"].copy())],
        default=node.args["false"].copy() if node.args.get("false") else None,
    )


def _truth(node: exp.Expr, not_null: NotNull) -> exp.Expr:
    """`CASE WHEN t THEN true ELSE false END` is t, where t cannot be NULL."""
    if node.this is not None or len(node.args["ifs"]) != 1:
        return node
    test, then, default = node.args["ifs"][0].this.unnest(), node.args["ifs"][0].args["true"], node.args.get("default")
    if not (isinstance(then, exp.Boolean) and isinstance(default, exp.Boolean) and then.this != default.this):
        return node
    if not _is_two_valued(test, not_null):
        return node
    return test.copy() if then.this else exp.Not(this=test.copy())


def _is_two_valued(test: exp.Expr, not_null: NotNull) -> bool:
    if isinstance(test, exp.Not):
        return _is_two_valued(test.this.unnest(), not_null)
    if isinstance(test, exp.Is):
        return isinstance(test.expression, exp.Null)
    sides = (test.this, test.expression) if isinstance(test, exp.EQ | exp.NEQ | exp.LT | exp.LTE) else ()
    return bool(sides) and all(isinstance(s, exp.Literal) or (isinstance(s, exp.Column) and not_null(s)) for s in sides)


def _shifted(node: exp.Expr, _: NotNull) -> exp.Expr:
    """`day + INTERVAL '1' DAY` as DATE_ADD."""
    time, step = node.this, node.expression
    if not (isinstance(step, exp.Interval) and isinstance(step.this, exp.Literal) and step.args.get("unit")):
        return node
    kind = _typed(time)
    if not step.this.this.isdigit() or kind is None or not kind.is_type("date", "timestamp"):
        return node
    return exp.DateAdd(this=time.copy(), expression=exp.Literal.number(step.this.this), unit=step.args["unit"].copy())


def _typed(node: exp.Expr) -> exp.DataType | None:
    return node.to if isinstance(node, exp.Cast) else node.type


def _case(node: exp.Expr, _: NotNull) -> exp.Expr:
    """`CASE a WHEN b` searched; `CASE WHEN a IS NULL THEN b ELSE a` as COALESCE; an ELSE NULL as none."""
    if node.this is not None:
        value = node.this
        ifs = [
            exp.If(this=exp.EQ(this=value.copy(), expression=i.this.copy()), true=i.args["true"].copy())
            for i in node.args["ifs"]
        ]
        default = node.args.get("default")
        return exp.Case(ifs=ifs, default=default.copy() if default is not None else None)
    default = node.args.get("default")
    if isinstance(default, exp.Null):
        return exp.Case(ifs=[i.copy() for i in node.args["ifs"]])
    if isinstance(default, exp.Case) and default.this is None:
        arms = [i.copy() for i in (*node.args["ifs"], *default.args["ifs"])]
        last = default.args.get("default")
        return exp.Case(ifs=arms, default=last.copy() if last is not None else None)
    if len(node.args["ifs"]) == 1 and default is not None:
        return _null_case(node) or node
    return node


def _null_case(node: exp.Expr) -> exp.Expr | None:
    test, then, default = node.args["ifs"][0].this.unnest(), node.args["ifs"][0].args["true"], node.args["default"]
    negated = isinstance(test, exp.Not)
    inner = test.this.unnest() if negated else test
    if not (isinstance(inner, exp.Is) and isinstance(inner.expression, exp.Null)):
        return None
    value, other = (then, default) if negated else (default, then)
    if text_of(inner.this) != text_of(value):
        return None
    return exp.Coalesce(this=value.copy(), expressions=[other.copy()])


def _count(node: exp.Expr, not_null: NotNull) -> exp.Expr:
    """COUNT(1), and COUNT of a column that is never NULL, count rows."""
    value = node.this
    if isinstance(value, exp.Star):
        return node
    if isinstance(value, exp.Literal | exp.Boolean) or (isinstance(value, exp.Column) and not_null(value)):
        return exp.Count(this=exp.Star(), big_int=node.args.get("big_int"))
    return node


def _count_case(node: exp.Expr, _: NotNull) -> exp.Expr:
    """COUNT(CASE WHEN t THEN 1 END) counts the rows of which t is true."""
    case = node.this
    if not (
        isinstance(case, exp.Case) and case.this is None and len(case.args["ifs"]) == 1 and not case.args.get("default")
    ):
        return node
    then = case.args["ifs"][0].args["true"]
    return exp.CountIf(this=case.args["ifs"][0].this.copy()) if isinstance(then, exp.Literal | exp.Boolean) else node


def _filtered(node: exp.Expr, _: NotNull) -> exp.Expr:
    """An aggregate with FILTER: of NULL where the test is not true, which it leaves out."""
    inner: exp.Expr = node.this
    test: exp.Expr = node.expression.this
    if isinstance(inner, exp.Count) and isinstance(inner.this, exp.Star | exp.Literal):
        return exp.CountIf(this=test.copy())
    if type(inner) not in (exp.Sum, exp.Min, exp.Max, exp.Avg) or isinstance(inner.this, exp.Distinct):
        return node
    return type(inner)(this=exp.Case(ifs=[exp.If(this=test.copy(), true=inner.this.copy())]))


def _extreme(node: exp.Expr, _: NotNull) -> exp.Expr:
    """The least of distinct values is the least."""
    if isinstance(node.this, exp.Distinct) and len(node.this.expressions) == 1 and not node.expressions:
        return type(node)(this=node.this.expressions[0].copy())
    return node


def _neighbour(node: exp.Expr, _: NotNull) -> exp.Expr:
    """LAG and LEAD are by one row without a word."""
    offset = node.args.get("offset")
    if not (isinstance(offset, exp.Literal) and offset.this == "1") or node.args.get("default") is not None:
        return node
    copy = node.copy()
    copy.set("offset", None)
    return copy


def _frame(node: exp.Expr, _: NotNull) -> exp.Expr:
    """The frame that an ordered window has without a word: up to the current row and its peers."""
    spec = node.args.get("spec")
    if spec is None or node.args.get("order") is None or spec.args.get("exclude"):
        return node
    stated = [str(spec.args.get(k) or "").upper() for k in ("kind", "start", "start_side", "end")]
    if stated != ["RANGE", "UNBOUNDED", "PRECEDING", "CURRENT ROW"]:
        return node
    copy = node.copy()
    copy.set("spec", None)
    return copy


def _ordered(node: exp.Expr, not_null: NotNull) -> exp.Expr:
    """ASC is what an order is without a word; where NULLs go says nothing of what has none."""
    descending = bool(node.args.get("desc"))
    copy = node.copy()
    copy.set("desc", True if descending else None)
    if isinstance(node.this, exp.Column) and not_null(node.this):
        copy.set("nulls_first", not descending)
    same = text_of(copy) == text_of(node) and copy.args.get("desc") is node.args.get("desc")
    return node if same else copy


def _cast(node: exp.Expr, _: NotNull) -> exp.Expr:
    """A cast to the type that the value has."""
    if type(node) is exp.Cast and node.this.type and text_of(node.this.type) == text_of(node.to):
        return inner_of(node)
    return node


def _try_cast(node: exp.Expr, _: NotNull) -> exp.Expr:
    """A cast between days and times cannot fail."""
    if node.this.type and node.this.type.is_type("date", *TIMES) and node.args["to"].is_type("date", *TIMES):
        return exp.cast(node.this.copy(), node.args["to"])
    return node


_PARTS: dict[type[exp.Expr], str] = {
    exp.Year: "YEAR",
    exp.Quarter: "QUARTER",
    exp.Month: "MONTH",
    exp.Day: "DAY",
    exp.DayOfMonth: "DAY",
    exp.Hour: "HOUR",
    exp.Minute: "MINUTE",
}


def _part(node: exp.Expr, _: NotNull) -> exp.Expr:
    """YEAR(x) is EXTRACT(YEAR FROM x)."""
    return exp.Extract(this=exp.var(_PARTS[type(node)]), expression=node.this.copy())


def _part_of_day(node: exp.Expr, _: NotNull) -> exp.Expr:
    """The year of the day of a timestamp is its year."""
    part, day = str(node.this).upper(), node.expression
    if part not in ("YEAR", "QUARTER", "MONTH", "DAY") or not (type(day) is exp.Cast and day.to.is_type("date")):
        return node
    time = day.this
    if time.type is None or not time.type.is_type("timestamp"):
        return node
    return exp.Extract(this=node.this.copy(), expression=time.copy())


def _nullif(node: exp.Expr, _: NotNull) -> exp.Expr:
    """NULLIF(a, b) is a CASE."""
    same = exp.If(this=exp.EQ(this=node.this.copy(), expression=node.expression.copy()), true=exp.null())
    return exp.Case(ifs=[same], default=node.this.copy())


def _piped(node: exp.Expr, _: NotNull) -> exp.Expr:
    """`a || b` and CONCAT(a, b), flat, where both are NULL as soon as a part is."""
    parts = _joined(node)
    if parts is None:
        return node
    built: exp.Expr = parts[0].copy()
    for part in parts[1:]:
        built = exp.DPipe(this=built, expression=part.copy(), safe=True)
    return built if text_of(built) != text_of(node) else node


def _joined(node: exp.Expr) -> list[exp.Expr] | None:
    if isinstance(node, exp.Concat) and not node.args.get("coalesce"):
        parts = [p for e in node.expressions for p in (_joined(e) or [e])]
        return parts if len(parts) > 1 else None
    if isinstance(node, exp.DPipe):
        return [*(_joined(node.this) or [node.this]), *(_joined(node.expression) or [node.expression])]
    return None


def _either(node: exp.Expr, _: NotNull) -> exp.Expr:
    """One of several columns, nobody knows which: in whatever order they are tried."""
    if node.name != EITHER:
        return node
    ordered = sorted(node.expressions, key=text_of)
    if [text_of(e) for e in ordered] == [text_of(e) for e in node.expressions]:
        return node
    return exp.Anonymous(this=EITHER, expressions=[e.copy() for e in ordered])


RULES: tuple[tuple[tuple[type[exp.Expr], ...], Callable[[exp.Expr, NotNull], exp.Expr]], ...] = (
    ((exp.Paren,), _paren),
    ((exp.Alias,), _alias),
    ((exp.Date, exp.TsOrDsToDate), _day),
    ((exp.Add, exp.Mul), _regrouped),
    ((exp.Coalesce,), _coalesce),
    ((exp.If,), _if),
    ((exp.Case,), _case),
    ((exp.Case,), _truth),
    ((exp.Add,), _shifted),
    ((exp.Nullif,), _nullif),
    ((exp.Anonymous,), _either),
    (tuple(_PARTS), _part),
    ((exp.Extract,), _part_of_day),
    ((exp.Concat, exp.DPipe), _piped),
    ((exp.Count,), _count),
    ((exp.Count,), _count_case),
    ((exp.Filter,), _filtered),
    ((exp.Min, exp.Max), _extreme),
    ((exp.TryCast,), _try_cast),
    ((exp.Cast,), _cast),
    ((exp.Ordered,), _ordered),
    ((exp.Window,), _frame),
    ((exp.Lag, exp.Lead), _neighbour),
)
