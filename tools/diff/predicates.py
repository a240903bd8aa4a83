"""Rules on conditions: AND, OR, NOT, comparisons and lists of values in one canonical form.

Each gives the node itself where it does not apply, and holds for NULLs.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable

from sqlglot import exp

from tools.diff import ranges
from tools.diff.nodes import NotNull, flat, inner_of, text_of
from tools.diff.ranges import tightest

__all__ = ["RULES", "kept_by", "rejects_null", "settled"]

_FLIPPED: dict[type[exp.Expr], type[exp.Expr]] = {exp.GT: exp.LT, exp.GTE: exp.LTE}


_NEGATED: dict[type[exp.Expr], type[exp.Expr]] = {
    exp.EQ: exp.NEQ,
    exp.NEQ: exp.EQ,
    exp.GT: exp.LTE,
    exp.LTE: exp.GT,
    exp.LT: exp.GTE,
    exp.GTE: exp.LT,
}


def _between(node: exp.Expr, _: NotNull) -> exp.Expr:
    if node.args.get("symmetric"):
        return node
    low = exp.LTE(this=node.args["low"].copy(), expression=node.this.copy())
    high = exp.LTE(this=node.this.copy(), expression=node.args["high"].copy())
    return exp.And(this=low, expression=high)


def _not(node: exp.Expr, _: NotNull) -> exp.Expr:
    inner = node.this.unnest()
    if isinstance(inner, exp.Not):
        return inner_of(inner)
    if isinstance(inner, exp.Boolean):
        return exp.Boolean(this=not inner.this)
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


def _truth(node: exp.Expr, _: NotNull) -> exp.Expr:
    """A boolean compared with TRUE is itself, also when it is NULL."""
    for value, constant in ((node.this, node.expression), (node.expression, node.this)):
        if isinstance(constant, exp.Boolean) and _is_boolean(value):
            return value.copy() if constant.this else exp.Not(this=value.copy())
    return node


def _is_boolean(node: exp.Expr) -> bool:
    return isinstance(node, exp.Predicate | exp.Connector | exp.Not) or bool(node.type and node.type.is_type("boolean"))


def _filled(node: exp.Expr, not_null: NotNull) -> exp.Expr:
    """A comparison that is safe for NULLs, of what is never NULL."""
    sides = (node.this, node.expression)
    if not all(isinstance(s, exp.Literal) or (isinstance(s, exp.Column) and not_null(s)) for s in sides):
        return node
    return exp.EQ(this=node.this.copy(), expression=node.expression.copy())


_WORKED_OUT: dict[type[exp.Expr], Callable[[int, int], bool]] = {
    exp.EQ: operator.eq,
    exp.NEQ: operator.ne,
    exp.LT: operator.lt,
    exp.LTE: operator.le,
}


def _folded(node: exp.Expr, _: NotNull) -> exp.Expr:
    """Whole numbers compared with each other: `1 = 1`."""
    sides = (node.this.unnest(), node.expression.unnest())
    if not all(isinstance(s, exp.Literal) and not s.is_string and s.this.isdigit() for s in sides):
        return node
    return exp.Boolean(this=_WORKED_OUT[type(node)](*(int(s.this) for s in sides)))


def _defaulted(node: exp.Expr, _: NotNull) -> exp.Expr:
    """`COALESCE(x, 'a') = 'b'`, without the COALESCE."""
    for value, constant in ((node.this, node.expression), (node.expression, node.this)):
        if not (isinstance(value, exp.Coalesce) and len(value.expressions) == 1 and isinstance(constant, exp.Literal)):
            continue
        default = value.expressions[0]
        if not isinstance(default, exp.Literal) or not _is_one_kind([default, constant]):
            continue
        empty = exp.Is(this=value.this.copy(), expression=exp.null())
        test = type(node)(this=value.this.copy(), expression=constant.copy())
        counts_empty = (default.this == constant.this) == isinstance(node, exp.EQ)
        if counts_empty:
            return exp.Or(this=empty, expression=test)
        return exp.And(this=exp.Not(this=empty), expression=test)
    return node


def _factored(node: exp.Expr, _: NotNull) -> exp.Expr:
    """`(a AND b) OR (a AND c)` as `a AND (b OR c)`; `a OR (a AND b)` as `a`."""
    arms = [{text_of(p): p for p in flat(arm, exp.And)} for arm in flat(node, exp.Or)]
    common = set.intersection(*(set(arm) for arm in arms))
    if not common or len(arms) < 2:
        return node
    kept = [arms[0][t].copy() for t in sorted(common)]
    rest = [[p.copy() for t, p in arm.items() if t not in common] for arm in arms]
    if all(rest):
        kept.append(exp.or_(*(exp.and_(*parts, wrap=False) for parts in rest)))
    return exp.and_(*kept, wrap=True) if len(kept) > 1 else kept[0]


def _prefix(node: exp.Expr, _: NotNull) -> exp.Expr:
    """LIKE with nothing but a % at its end asks how a text starts."""
    pattern = node.expression
    if not isinstance(pattern, exp.Literal) or isinstance(node.parent, exp.Escape):
        return node
    start = pattern.this[:-1]
    if not pattern.this.endswith("%") or not start or any(c in start for c in "%_\\"):
        return node
    return exp.StartsWith(this=node.this.copy(), expression=exp.Literal.string(start))


def _connected(node: exp.Expr, _: NotNull) -> exp.Expr:
    """ANDs and ORs flat, sorted, each part once; equalities of one value as IN."""
    kind = type(node)
    parts = {text_of(p): p for p in flat(node, kind)}
    constants = {t for t, p in parts.items() if isinstance(p, exp.Boolean)}
    if len(constants) < len(parts):
        # TRUE says nothing beside AND and decides an OR, whatever the rest is; FALSE the other way round.
        if str(kind is exp.Or).upper() in constants:
            return exp.Boolean(this=kind is exp.Or)
        parts = {t: p for t, p in parts.items() if t not in constants}
    parts = _gathered(parts) if kind is exp.Or else _narrowed(parts)
    ordered = [parts[k].copy() for k in sorted(parts)]  # copies: a node has one parent, and these keep theirs
    built = ordered[0]
    for part in ordered[1:]:
        built = kind(this=built, expression=part)
    return built if text_of(built) != text_of(node) else node


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


def _narrowed(parts: dict[str, exp.Expr]) -> dict[str, exp.Expr]:
    """`a IN (1, 2, 3) AND a <> 3` as `a IN (1, 2)`: what is compared with nothing but constants of one kind."""
    lists: dict[str, list[exp.Expr]] = {}
    for part in parts.values():
        found = _listed(part) or _unlisted(part)
        if found is not None and _is_one_kind(found[1]):
            lists.setdefault(text_of(found[0]), []).append(part)
    left = dict(parts)
    for several in lists.values():
        allowed = [found for p in several if (found := _listed(p)) is not None]
        barred = {text_of(found[1][0]) for p in several if (found := _unlisted(p)) is not None}
        if not allowed or len(several) == 1 or not _is_one_kind([v for p in several for v in _constants(p)]):
            continue
        common = set.intersection(*({text_of(v) for v in members} for _, members in allowed)) - barred
        if common:
            made = _in_list(allowed[0][0], [v for v in allowed[0][1] if text_of(v) in common])
            left = {t: p for t, p in left.items() if all(p is not s for s in several)} | {text_of(made): made}
    return left


def _constants(part: exp.Expr) -> list[exp.Expr]:
    found = _listed(part) or _unlisted(part)
    return found[1] if found is not None else []


def _is_one_kind(constants: Iterable[exp.Expr]) -> bool:
    """Texts, or whole numbers: equal only where they are written the same."""
    kinds = {"text" if c.is_string else "number" if c.name.isdigit() else "other" for c in constants}
    return kinds in ({"text"}, {"number"})


def _unlisted(part: exp.Expr) -> tuple[exp.Expr, list[exp.Expr]] | None:
    if isinstance(part, exp.NEQ):
        for value, constant in ((part.this, part.expression), (part.expression, part.this)):
            if isinstance(constant, exp.Literal) and not isinstance(value, exp.Literal):
                return value, [constant]
    return None


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


def _is_null(node: exp.Expr, not_null: NotNull) -> exp.Expr:
    if isinstance(node.expression, exp.Null) and isinstance(node.this, exp.Column) and not_null(node.this):
        return exp.false()
    return node


_STRICT = (exp.EQ, exp.NEQ, exp.LT, exp.LTE, exp.In, exp.Like, exp.StartsWith)
_STRICT_VALUES = (
    exp.Column,
    exp.Literal,
    exp.Boolean,
    exp.Cast,
    exp.Add,
    exp.Sub,
    exp.Mul,
    exp.Neg,
    exp.Lower,
    exp.Upper,
    exp.Trim,
)


def rejects_null(predicate: exp.Expr, column: Callable[[exp.Column], bool]) -> bool:
    """Whether a condition cannot be true where some column is NULL, by a rule that asks nothing of its values."""
    if isinstance(predicate, exp.Not) and isinstance(predicate.this, exp.Is):
        test = predicate.this
        return isinstance(test.expression, exp.Null) and _is_strict(test.this, column)
    if not isinstance(predicate, _STRICT) or predicate.args.get("query") is not None:
        return False
    if isinstance(predicate, exp.In):
        return all(isinstance(v, exp.Literal) for v in predicate.expressions) and _is_strict(predicate.this, column)
    return any(_is_strict(side, column) for side in (predicate.this, predicate.expression))


def _is_strict(value: exp.Expr, column: Callable[[exp.Column], bool]) -> bool:
    """Whether a value is NULL wherever one of some columns is: made of it by functions that give NULL for NULL."""
    if isinstance(value, exp.Column):
        return column(value)
    if not isinstance(value, _STRICT_VALUES):
        return False
    return any(_is_strict(child, column) for child in value.iter_expressions())


def settled(predicates: Iterable[exp.Expr]) -> list[exp.Expr]:
    """Conditions that all have to hold, in as few as say it: lists of values as one, and without `x IS NOT NULL` where
    another can only be true of an x that is filled.
    """
    left = tightest(list(_narrowed({text_of(p): p for p in predicates}).values()))
    for part in list(left):
        test = part.this if isinstance(part, exp.Not) else None
        if not (
            isinstance(test, exp.Is) and isinstance(test.expression, exp.Null) and isinstance(test.this, exp.Column)
        ):
            continue
        name = text_of(test.this)
        others = [p for p in left if p is not part and text_of(p) != text_of(part)]
        if any(rejects_null(p, lambda c, name=name: text_of(c) == name) for p in others):  # type: ignore[misc]
            left = others
    return left


_NUMBERINGS = ("row_number() over ", "rank() over ", "dense_rank() over ")


def kept_by(predicate: exp.Expr) -> exp.Expr:
    """A condition that rows have to pass, which is all the same to them whether it is false or NULL; and `row_number() <= 1`
    or `row_number() < 2` as `= 1`, since places count from one.
    """
    if isinstance(predicate, exp.Is) and isinstance(predicate.expression, exp.Boolean) and _is_boolean(predicate.this):
        value: exp.Expr = predicate.this
        return value.copy() if predicate.expression.this else exp.Not(this=value.copy())
    if not isinstance(predicate, exp.LTE | exp.LT) or not isinstance(predicate.expression, exp.Literal):
        return predicate
    number, most = predicate.this, "1" if isinstance(predicate, exp.LTE) else "2"
    text = number.name if isinstance(number, exp.Column) else text_of(number)
    if predicate.expression.this != most or not text.lower().startswith(_NUMBERINGS):
        return predicate
    return _in_list(number, [exp.Literal.number(1)])


RULES: tuple[tuple[tuple[type[exp.Expr], ...], Callable[[exp.Expr, NotNull], exp.Expr]], ...] = (
    ((exp.Between,), _between),
    ((exp.Not,), _not),
    ((exp.GT, exp.GTE), _compared),
    (tuple(_WORKED_OUT), _folded),
    *ranges.RULES,
    ((exp.EQ, exp.NEQ), _defaulted),
    ((exp.Or,), _factored),
    ((exp.Like,), _prefix),
    ((exp.EQ,), _truth),
    ((exp.NullSafeEQ,), _filled),
    ((exp.And, exp.Or), _connected),
    ((exp.In,), _in),
    ((exp.Is,), _is_null),
)
