"""Scalar expressions in one canonical form: two that are written differently and always mean the same become equal.

Every rule holds for NULLs, for duplicates and for any data; a rule that is merely usually right is not here. Sums and
products are commuted but never regrouped: floating point numbers are not associative.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sqlglot import exp
from sqlglot.optimizer.annotate_types import annotate_types

__all__ = ["canonical", "conjuncts", "text_of", "type_name"]

NotNull = Callable[[exp.Expr], bool]

_ROUNDS = 20  # rules enable each other; nested negations need a round for each level
_FLIPPED: dict[type[exp.Expr], type[exp.Expr]] = {exp.GT: exp.LT, exp.GTE: exp.LTE}
_COMMUTING = (exp.EQ, exp.NEQ, exp.Add, exp.Mul, exp.NullSafeEQ)
_NEGATED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.EQ: exp.NEQ,
    exp.NEQ: exp.EQ,
    exp.GT: exp.LTE,
    exp.LTE: exp.GT,
    exp.LT: exp.GTE,
    exp.GTE: exp.LT,
}


def canonical(expression: exp.Expr, not_null: NotNull = lambda _: False) -> exp.Expr:
    """The canonical form of an expression whose columns are already what they stand for.

    Args:
        not_null: whether a column can never be NULL, as far as somebody knows.
    """
    tree = exp.maybe_parse(expression, copy=True)
    for _ in range(_ROUNDS):
        before = text_of(tree)
        changed: exp.Expr = tree.transform(lambda node: _rewritten(node, not_null))
        tree = changed
        if text_of(tree) == before:
            break
    return tree


def text_of(expression: exp.Expr) -> str:
    """The text by which forms are compared."""
    return expression.sql("athena", comments=False, normalize_functions="lower", identify=True)


def conjuncts(expression: exp.Expr) -> list[exp.Expr]:
    """The parts of a predicate that all have to hold."""
    if isinstance(expression, exp.Paren):
        return conjuncts(expression.this)
    if isinstance(expression, exp.And):
        return [*conjuncts(expression.this), *conjuncts(expression.expression)]
    return [expression]


def _rewritten(node: exp.Expr, not_null: NotNull) -> exp.Expr:
    # A part of a chain that is regrouped as a whole is left alone: commuting it would undo that.
    if isinstance(node, exp.Add | exp.Mul) and len(_flat(node, type(node))) > 2 and _regrouped(node, not_null) is node:
        return node
    if (
        isinstance(node, exp.Add | exp.Mul)
        and type(node.parent) is type(node)
        and all(map(_is_exact, _flat(node, type(node))))
    ):
        return node
    for kinds, rule in _RULES:
        if isinstance(node, kinds):
            new = rule(node, not_null)
            if new is not node:
                return new
    return node


def _paren(node: exp.Expr, _: NotNull) -> exp.Expr:
    return _inner(node)


def _alias(node: exp.Expr, _: NotNull) -> exp.Expr:
    return _inner(node)


def _inner(node: exp.Expr) -> exp.Expr:
    inner: exp.Expr = node.this
    return inner


def _between(node: exp.Expr, _: NotNull) -> exp.Expr:
    if node.args.get("symmetric"):
        return node
    low = exp.LTE(this=node.args["low"].copy(), expression=node.this.copy())
    high = exp.LTE(this=node.this.copy(), expression=node.args["high"].copy())
    return exp.And(this=low, expression=high)


def _not(node: exp.Expr, _: NotNull) -> exp.Expr:
    inner = node.this.unnest()
    if isinstance(inner, exp.Not):
        return _inner(inner)
    opposite = _NEGATED.get(type(inner))
    if opposite is not None:
        return opposite(this=inner.this, expression=inner.expression)
    if isinstance(inner, exp.And | exp.Or):
        other = exp.Or if isinstance(inner, exp.And) else exp.And
        return other(this=exp.Not(this=inner.this), expression=exp.Not(this=inner.expression))
    if isinstance(inner, exp.In) and inner.expressions:
        parts = [exp.NEQ(this=inner.this.copy(), expression=v.copy()) for v in inner.expressions]
        return exp.and_(*parts, wrap=False)
    return node


def _compared(node: exp.Expr, _: NotNull) -> exp.Expr:
    flipped = _FLIPPED.get(type(node))
    return flipped(this=node.expression, expression=node.this) if flipped else node


def _commuted(node: exp.Expr, _: NotNull) -> exp.Expr:
    """`a = b` and `b = a`; a boolean compared with TRUE is itself, also when it is NULL."""
    left, right = node.this, node.expression
    if isinstance(node, exp.EQ):
        for value, constant in ((left, right), (right, left)):
            if isinstance(constant, exp.Boolean) and _is_boolean(value):
                return value.copy() if constant.this else exp.Not(this=value.copy())
    if text_of(left) <= text_of(right):
        return node
    return type(node)(this=right.copy(), expression=left.copy())


_MIDNIGHT = " 00:00:00"
_TIMES = ("timestamp", "timestamptz", "timestampltz", "timestampntz")


def _dated(node: exp.Expr, _: NotNull) -> exp.Expr:
    """A timestamp compared with a day is compared with its midnight."""
    for side, other in (("this", "expression"), ("expression", "this")):
        constant, value = node.args[side], node.args[other]
        if not (type(constant) is exp.Cast and isinstance(constant.this, exp.Literal)):
            continue
        if not (value.type and value.type.is_type("timestamp")) or not constant.to.is_type("date", *_TIMES):
            continue
        text = constant.this.this.removesuffix(_MIDNIGHT)
        if not constant.to.is_type("timestamp") or text != constant.this.this:
            copy = node.copy()
            copy.set(side, exp.cast(exp.Literal.string(text), "timestamp"))
            return copy
    return node


def _day(node: exp.Expr, _: NotNull) -> exp.Expr:
    """DATE(x) is a cast."""
    if node.expressions or any(v for k, v in node.args.items() if k != "this"):
        return node
    return exp.cast(node.this.copy(), "date")


_EXACT = ("tinyint", "smallint", "int", "bigint", "decimal")


def _regrouped(node: exp.Expr, _: NotNull) -> exp.Expr:
    """Sums and products of exact numbers, in any grouping."""
    kind = type(node)
    parts = _flat(node, kind)
    if len(parts) < 3 or not all(_is_exact(p) for p in parts):
        return node
    ordered = sorted((p.copy() for p in parts), key=text_of)
    built = ordered[0]
    for part in ordered[1:]:
        built = kind(this=built, expression=part)
    return built if text_of(built) != text_of(node) else node


def _is_exact(node: exp.Expr) -> bool:
    if isinstance(node, exp.Literal):
        return not node.is_string and "e" not in node.this.lower()
    return isinstance(node, exp.Column) and bool(node.type and any(node.type.is_type(t) for t in _EXACT))


def _is_boolean(node: exp.Expr) -> bool:
    return isinstance(node, exp.Predicate | exp.Connector | exp.Not) or bool(node.type and node.type.is_type("boolean"))


def _connected(node: exp.Expr, _: NotNull) -> exp.Expr:
    """ANDs and ORs flat, sorted, each part once; equalities of one value as IN."""
    kind = type(node)
    parts = {text_of(p): p for p in _flat(node, kind)}
    if kind is exp.Or:
        parts = _gathered(parts)
    ordered = [parts[k].copy() for k in sorted(parts)]  # copies: a node has one parent, and these keep theirs
    built = ordered[0]
    for part in ordered[1:]:
        built = kind(this=built, expression=part)
    return built if text_of(built) != text_of(node) else node


def _flat(node: exp.Expr, kind: type[exp.Expr]) -> list[exp.Expr]:
    if isinstance(node, exp.Paren):
        return _flat(node.this, kind)
    if type(node) is kind:
        return [*_flat(node.this, kind), *_flat(node.expression, kind)]
    return [node]


def _gathered(parts: dict[str, exp.Expr]) -> dict[str, exp.Expr]:
    """`a = 1 OR a IN (2, 3)` as `a IN (1, 2, 3)`."""
    lists: dict[str, tuple[exp.Expr, list[exp.Expr]]] = {}
    left: dict[str, exp.Expr] = {}
    for text, part in parts.items():
        found = _listed(part)
        if found is None:
            left[text] = part
        else:
            lists.setdefault(text_of(found[0]), (found[0], []))[1].extend(found[1])
    for value, members in lists.values():
        made = _in_list(value, members)
        left[text_of(made)] = made
    return left


def _listed(part: exp.Expr) -> tuple[exp.Expr, list[exp.Expr]] | None:
    if isinstance(part, exp.In) and part.expressions:
        return part.this, list(part.expressions)
    if isinstance(part, exp.EQ):
        for value, constant in ((part.this, part.expression), (part.expression, part.this)):
            if isinstance(constant, exp.Literal) and not isinstance(value, exp.Literal):
                return value, [constant]
    return None


def _in_list(value: exp.Expr, members: Iterable[exp.Expr]) -> exp.Expr:
    unique = {text_of(m): m for m in members}
    ordered = [unique[k].copy() for k in sorted(unique)]
    if len(ordered) == 1:
        pair = sorted((value.copy(), ordered[0]), key=text_of)
        return exp.EQ(this=pair[0], expression=pair[1])
    return exp.In(this=value.copy(), expressions=ordered)


def _in(node: exp.Expr, _: NotNull) -> exp.Expr:
    if not node.expressions:
        return node
    made = _in_list(node.this, node.expressions)
    return made if text_of(made) != text_of(node) else node


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


def _cast(node: exp.Expr, _: NotNull) -> exp.Expr:
    """A cast to the type that the value has."""
    if type(node) is exp.Cast and node.this.type and text_of(node.this.type) == text_of(node.to):
        return _inner(node)
    return node


def _try_cast(node: exp.Expr, _: NotNull) -> exp.Expr:
    """A cast between days and times cannot fail."""
    if node.this.type and node.this.type.is_type("date", *_TIMES) and node.args["to"].is_type("date", *_TIMES):
        return exp.cast(node.this.copy(), node.args["to"])
    return node


def _is_null(node: exp.Expr, not_null: NotNull) -> exp.Expr:
    if isinstance(node.expression, exp.Null) and isinstance(node.this, exp.Column) and not_null(node.this):
        return exp.false()
    return node


_RULES: tuple[tuple[tuple[type[exp.Expr], ...], Callable[[exp.Expr, NotNull], exp.Expr]], ...] = (
    ((exp.Paren,), _paren),
    ((exp.Alias,), _alias),
    ((exp.Between,), _between),
    ((exp.Not,), _not),
    ((exp.GT, exp.GTE), _compared),
    ((exp.EQ, exp.NEQ, exp.LT, exp.LTE), _dated),
    ((exp.Date, exp.TsOrDsToDate), _day),
    ((exp.Add, exp.Mul), _regrouped),
    (_COMMUTING, _commuted),
    ((exp.And, exp.Or), _connected),
    ((exp.In,), _in),
    ((exp.Coalesce,), _coalesce),
    ((exp.If,), _if),
    ((exp.Case,), _case),
    ((exp.Count,), _count),
    ((exp.Count,), _count_case),
    ((exp.Filter,), _filtered),
    ((exp.Min, exp.Max), _extreme),
    ((exp.TryCast,), _try_cast),
    ((exp.Cast,), _cast),
    ((exp.Is,), _is_null),
)
"""Rules by the kinds of node that they are for; each gives the node itself where it does not apply."""


def type_name(expression: exp.Expr, dialect: str) -> str | None:
    """The type of a value, as far as it can be told; parameters of decimals only where they are stated."""
    stated = expression.transform(
        lambda n: (
            exp.cast(n.copy(), n.type) if isinstance(n, exp.Column) and n.type and not n.type.is_type("unknown") else n
        )
    )
    tree = annotate_types(stated, dialect=dialect)
    found = tree.type
    if isinstance(tree, exp.Avg) and dialect in ("spark", "hive", "databricks") and tree.this.is_type("decimal"):
        return "decimal"  # Spark keeps decimals; sqlglot follows engines that do not
    if found is None or found.this in (exp.DType.UNKNOWN, exp.DType.NULL):
        return None
    if isinstance(tree, exp.Cast):
        return found.sql("athena").lower()
    return str(found.this.value).lower()
