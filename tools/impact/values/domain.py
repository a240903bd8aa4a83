"""What is known of a column for the rows that hold one particular value, and what expressions make of it.

A small evaluator of scalar expressions: where the value is all that an expression needs, the result is told, in Athena's
three-valued logic; where other columns have a say, it is not. Nothing is executed, and nothing is guessed: a function
that is not in the tables below gives "not told".
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlglot import exp

from tools.plan.base import ColumnId
from tools.plan.references import is_ref, is_subquery_ref, ref_id

__all__ = ["UNTOLD", "Env", "Known", "branches_of", "default_of", "evaluate", "never_true", "tests_in"]


class _Untold:
    def __repr__(self) -> str:
        return "untold"


UNTOLD = _Untold()
"""In place of a value: other columns decide."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a column or expression in those rows.

    Attributes:
        value: text, a Decimal, a bool, or None for NULL; UNTOLD when other columns decide.
        tainted: it is what it is because of the value.
        carries: it holds the value itself, as it is or changed in form.
        sure: False when another column may decide otherwise.
    """

    value: Any = UNTOLD
    tainted: bool = False
    carries: bool = False
    sure: bool = True

    @property
    def told(self) -> bool:
        """Whether the value is known."""
        return self.value is not UNTOLD


Env = Mapping[ColumnId, Known]
_NOTHING = Known()


def evaluate(node: exp.Expr, env: Env) -> Known:
    """An expression over what is known."""
    if is_ref(node):
        return env.get(ref_id(node), _NOTHING)
    if is_subquery_ref(node) or isinstance(node, exp.Column):
        return _NOTHING
    for kind in type(node).__mro__:
        handler = _HANDLERS.get(kind)
        if handler is not None:
            return handler(node, env)
    parts = [evaluate(c, env) for c in node.iter_expressions()]
    return _made_of(UNTOLD, parts)


def never_true(node: exp.Expr, env: Env) -> bool:
    """Whether a test fails in those rows, whatever the other columns hold: it is false or NULL."""
    if isinstance(node, exp.Paren):
        return never_true(node.this, env)
    if isinstance(node, exp.And):
        return any(never_true(p, env) for p in (node.left, node.right))
    if isinstance(node, exp.Or):
        return all(never_true(p, env) for p in (node.left, node.right))
    found = evaluate(node, env)
    return found.told and found.value is not True


def tests_in(node: exp.Expr, env: Env) -> Iterator[tuple[exp.Expr, bool, Known]]:
    """Single tests in a condition that the value has a say in: the test, whether it is negated, what it gives."""
    waiting = [(node, False)]
    while waiting:
        part, negated = waiting.pop()
        if isinstance(part, (exp.And, exp.Or)):
            waiting += [(part.right, negated), (part.left, negated)]
        elif isinstance(part, exp.Paren):
            waiting.append((part.this, negated))
        elif isinstance(part, exp.Not):
            waiting.append((part.this, not negated))
        else:
            found = evaluate(part, env)
            if found.tainted:
                yield part, negated != isinstance(part, exp.NEQ), found


def _made_of(value: Any, parts: Sequence[Known], *, carries: bool | None = None) -> Known:
    used = [p for p in parts if p.tainted]
    return Known(
        value,
        bool(used),
        any(p.carries for p in used) if carries is None else carries,
        all(p.sure for p in used),
    )


# --------------------------------------------------------------------------- single kinds of expressions


def _literal(node: exp.Expr, _env: Env) -> Known:
    assert isinstance(node, exp.Literal)
    if node.is_string:
        return Known(node.name)
    try:
        return Known(Decimal(node.name.rstrip("LlDdFf")))
    except InvalidOperation:
        return _NOTHING


def _inner(node: exp.Expr, env: Env) -> Known:
    return evaluate(node.this, env)


def _strict(compute: Callable[..., Any]) -> Callable[[exp.Expr, Env], Known]:
    """NULL if any argument is; told when all are."""

    def handler(node: exp.Expr, env: Env) -> Known:
        parts = [evaluate(c, env) for c in node.iter_expressions()]
        if any(p.told and p.value is None for p in parts):
            return _made_of(None, [p for p in parts if p.told and p.value is None] or parts, carries=False)
        if not all(p.told for p in parts):
            return _made_of(UNTOLD, parts)
        try:
            return _made_of(compute(*(p.value for p in parts)), parts)
        except (TypeError, ValueError, AttributeError, re.error, ArithmeticError, IndexError):
            return _made_of(UNTOLD, parts)

    return handler


def _untold(*_values: Any) -> Any:
    return UNTOLD


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _substring(text: Any, start: Any, length: Any = None) -> str:
    first = int(start)
    if first < 1:
        raise ValueError  # Athena and Spark count from the end differently
    return _text(text)[first - 1 : None if length is None else first - 1 + int(length)]


def _cast(node: exp.Expr, env: Env) -> Known:
    """A cast keeps text as text, and reads numbers; of other types only NULL is told."""
    found = evaluate(node.this, env)
    target = node.args["to"].this
    if not found.told or found.value is None:
        return found
    if target in exp.DataType.TEXT_TYPES and isinstance(found.value, str) and not node.args["to"].expressions:
        return found
    if target in exp.DataType.NUMERIC_TYPES and isinstance(found.value, Decimal):
        return found if found.value == found.value.to_integral_value() else replace(found, value=UNTOLD)
    return replace(found, value=UNTOLD)


def _comparable(left: Any, right: Any) -> None:
    if type(left) is not type(right):
        raise TypeError


def _compares(test: Callable[[Any, Any], bool]) -> Callable[[exp.Expr, Env], Known]:
    def compute(left: Any, right: Any) -> bool:
        _comparable(left, right)
        return test(left, right)

    strict = _strict(compute)
    return lambda node, env: replace(strict(node, env), carries=False)


def _in(node: exp.Expr, env: Env) -> Known:
    this = evaluate(node.this, env)
    if node.args.get("query") is not None or node.args.get("unnest") is not None:
        value = None if this.told and this.value is None else UNTOLD
        return _made_of(value, [this], carries=False)
    others = [evaluate(e, env) for e in node.expressions]
    return _any_of([_equal(this, o) for o in others], [this, *others])


def _equal(left: Known, right: Known) -> Known:
    if any(k.told and k.value is None for k in (left, right)):
        return Known(None)
    if left.told and right.told and type(left.value) is type(right.value):
        return Known(left.value == right.value)
    return _NOTHING


def _any_of(results: Sequence[Known], parts: Sequence[Known]) -> Known:
    values = [r.value for r in results]
    if any(v is True for v in values):
        return _made_of(True, parts, carries=False)
    if any(v is UNTOLD for v in values):
        return _made_of(UNTOLD, parts, carries=False)
    return _made_of(None if None in values else False, parts, carries=False)


def _and(node: exp.Expr, env: Env) -> Known:
    parts = [evaluate(node.args["this"], env), evaluate(node.args["expression"], env)]
    false = [p for p in parts if p.value is False]
    if false:
        return _made_of(False, false, carries=False)
    if all(p.told for p in parts):
        return _made_of(None if any(p.value is None for p in parts) else True, parts, carries=False)
    return _made_of(UNTOLD, parts, carries=False)


def _or(node: exp.Expr, env: Env) -> Known:
    parts = [evaluate(node.args["this"], env), evaluate(node.args["expression"], env)]
    true = [p for p in parts if p.value is True]
    if true:
        return _made_of(True, true, carries=False)
    if all(p.told for p in parts):
        return _made_of(None if any(p.value is None for p in parts) else False, parts, carries=False)
    return _made_of(UNTOLD, parts, carries=False)


def _not(node: exp.Expr, env: Env) -> Known:
    found = evaluate(node.this, env)
    return replace(found, value=not found.value) if isinstance(found.value, bool) else found


def _is(node: exp.Expr, env: Env) -> Known:
    """IS NULL, IS TRUE; IS NOT DISTINCT FROM in the same spirit."""
    left, right = evaluate(node.this, env), evaluate(node.expression, env)
    if not left.told or not right.told:
        return _made_of(UNTOLD, [left, right], carries=False)
    return _made_of(left.value == right.value, [left, right], carries=False)


def _differs(node: exp.Expr, env: Env) -> Known:
    found = _is(node, env)
    return replace(found, value=not found.value) if found.told else found


def _coalesce(node: exp.Expr, env: Env) -> Known:
    seen: list[Known] = []
    for part in (node.this, *node.expressions):
        found = evaluate(part, env)
        seen.append(found)
        if not found.told:
            return _made_of(UNTOLD, seen)
        if found.value is not None:
            return _made_of(found.value, seen, carries=found.carries)
    return _made_of(None, seen, carries=False)


def _nullif(node: exp.Expr, env: Env) -> Known:
    left, right = evaluate(node.this, env), evaluate(node.expression, env)
    same = _equal(left, right)
    if same.value is True:
        return _made_of(None, [left, right], carries=False)
    return left if same.told else _made_of(UNTOLD, [left, right])


def _case(node: exp.Expr, env: Env) -> Known:
    return _branches(branches_of(node), default_of(node), env)


def default_of(node: exp.Expr) -> exp.Expr | None:
    """What is taken when no arm is."""
    if isinstance(node, exp.DecodeCase):
        return node.expressions[-1] if len(node.expressions) % 2 == 0 else None
    return node.args.get("false") if isinstance(node, exp.If) else node.args.get("default")


def branches_of(node: exp.Expr) -> list[tuple[exp.Expr, exp.Expr]]:
    """The arms of a CASE, IF or DECODE: the test, spelled out where it only names a value, and the result."""
    if isinstance(node, exp.If):
        return [(node.this, node.args["true"])]
    if isinstance(node, exp.DecodeCase):
        operand, *rest = node.expressions
        pairs = zip(rest[::2], rest[1::2], strict=False)
        return [(exp.EQ(this=operand.copy(), expression=value.copy()), result) for value, result in pairs]
    operand = node.args.get("this")
    return [
        (exp.EQ(this=operand.copy(), expression=b.this.copy()) if operand is not None else b.this, b.args["true"])
        for b in node.args.get("ifs") or ()
    ]


def _branches(arms: Sequence[tuple[exp.Expr, exp.Expr]], default: exp.Expr | None, env: Env) -> Known:
    """The first arm that is taken. Arms that other columns decide leave the default possible, not sure."""
    tests, open_arms = [], 0
    for test, result in arms:
        found = evaluate(test, env)
        tests.append(found)
        if never_true(test, env):
            continue
        if found.value is True:
            return _chosen(evaluate(result, env), tests, open_arms)
        if any(not part.told for _, _, part in tests_in(test, env)):
            return Known(UNTOLD, True)  # the value has a say in it, and which cannot be told
        open_arms += 1
    last = evaluate(default, env) if default is not None else Known(None)
    return _chosen(last, tests, open_arms)


def _chosen(result: Known, tests: Sequence[Known], open_arms: int) -> Known:
    tainted = result.tainted or any(t.tainted for t in tests)
    if not tainted:
        return _NOTHING if open_arms or not result.told else result
    sure = not open_arms and result.sure and all(t.sure for t in tests if t.tainted)
    return Known(result.value, True, result.carries, sure)


def _between(node: exp.Expr, env: Env) -> Known:
    parts = [evaluate(node.this, env), evaluate(node.args["low"], env), evaluate(node.args["high"], env)]
    if parts[0].told and parts[0].value is None:
        return _made_of(None, parts, carries=False)
    if not all(p.told for p in parts) or len({type(p.value) for p in parts}) > 1:
        return _made_of(UNTOLD, parts, carries=False)
    return _made_of(parts[1].value <= parts[0].value <= parts[2].value, parts, carries=False)


def _like(text: Any, pattern: Any) -> bool:
    """LIKE without ESCAPE: `%` and `_` only."""
    wild = "".join({"%": ".*", "_": "."}.get(c, re.escape(c)) for c in _text(pattern))
    return re.fullmatch(wild, _text(text), re.S) is not None


def _trim(text: Any) -> Any:
    trimmed = _text(text).strip(" ")
    return trimmed if trimmed == text else UNTOLD  # which side is trimmed matters only then


def _concat(*parts: Any) -> Any:
    return "".join(_text(p) for p in parts)


_HANDLERS: Mapping[type[exp.Expr], Callable[[exp.Expr, Env], Known]] = {
    exp.Literal: _literal,
    exp.Boolean: lambda node, _env: Known(bool(node.this)),
    exp.Null: lambda _node, _env: Known(None),
    exp.Paren: _inner,
    exp.Alias: _inner,
    exp.Cast: _cast,
    exp.Upper: _strict(lambda text: _text(text).upper()),
    exp.Lower: _strict(lambda text: _text(text).lower()),
    exp.Trim: _strict(_trim),
    exp.Substring: _strict(_substring),
    exp.Length: _strict(lambda text: Decimal(len(_text(text)))),
    exp.Concat: _strict(_concat),
    exp.DPipe: _strict(_concat),
    exp.StartsWith: lambda n, e: replace(_strict(lambda a, b: _text(a).startswith(_text(b)))(n, e), carries=False),
    exp.EndsWith: lambda n, e: replace(_strict(lambda a, b: _text(a).endswith(_text(b)))(n, e), carries=False),
    exp.Like: lambda n, e: replace(_strict(_like)(n, e), carries=False),
    exp.RegexpLike: lambda n, e: replace(
        _strict(lambda a, b: re.search(_text(b), _text(a)) is not None)(n, e), carries=False
    ),
    exp.Add: _strict(_untold),
    exp.Sub: _strict(_untold),
    exp.Mul: _strict(_untold),
    exp.Div: _strict(_untold),
    exp.EQ: _compares(lambda a, b: bool(a == b)),
    exp.NEQ: _compares(lambda a, b: bool(a != b)),
    exp.GT: _compares(lambda a, b: bool(a > b)),
    exp.GTE: _compares(lambda a, b: bool(a >= b)),
    exp.LT: _compares(lambda a, b: bool(a < b)),
    exp.LTE: _compares(lambda a, b: bool(a <= b)),
    exp.Between: _between,
    exp.In: _in,
    exp.Is: _is,
    exp.NullSafeEQ: _is,
    exp.NullSafeNEQ: _differs,
    exp.And: _and,
    exp.Or: _or,
    exp.Not: _not,
    exp.Coalesce: _coalesce,
    exp.Nullif: _nullif,
    exp.Case: _case,
    exp.If: _case,
    exp.DecodeCase: _case,
    exp.Window: lambda _node, _env: _NOTHING,
    exp.AggFunc: lambda _node, _env: _NOTHING,
    exp.Filter: lambda _node, _env: _NOTHING,
}
