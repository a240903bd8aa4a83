"""Operators on values, known or not. Nothing here can use much time or memory: sizes of results are bounded."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Hashable
from typing import Any

from tools.jobs.python.site import Site
from tools.jobs.python.strings import percent_format
from tools.jobs.python.text import concatenate, is_text_like, text_of
from tools.jobs.python.values import (
    NOTHING,
    Choice,
    Function,
    HoleDict,
    Host,
    Instance,
    OpenList,
    Partial,
    Undecided,
    Value,
)

LARGEST_INT_BITS = 4096
LARGEST_SIZE = 100_000

SYMBOLS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.LShift: "<<", ast.RShift: ">>", ast.MatMult: "@",
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in",
    ast.Invert: "~", ast.USub: "-", ast.UAdd: "+", ast.Not: "not",
}  # fmt: skip

_ARITHMETIC: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add, "-": operator.sub, "*": operator.mul, "/": operator.truediv, "//": operator.floordiv,
    "%": operator.mod, "&": operator.and_, "|": operator.or_, "^": operator.xor, ">>": operator.rshift,
}  # fmt: skip
_ORDER: dict[str, Callable[[Any, Any], Any]] = {
    "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_SPECIAL = {
    "+": "__add__", "-": "__sub__", "*": "__mul__", "/": "__truediv__", "|": "__or__", "&": "__and__",
    "==": "__eq__", "<": "__lt__", ">": "__gt__", "<=": "__le__", ">=": "__ge__", "%": "__mod__",
    "@": "__matmul__", ">>": "__rshift__", "<<": "__lshift__", "//": "__floordiv__", "**": "__pow__",
}  # fmt: skip
_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}


def binary(symbol: str, left: Value, right: Value, site: Site) -> Value:
    """`left symbol right` for arithmetic and bit operators."""
    if isinstance(left, Choice) or isinstance(right, Choice):
        return site.interpreter.lift([left, right], lambda ab: binary(symbol, ab[0], ab[1], site), site)
    hosted = _hosted(symbol, left, right, site)
    if hosted is not NOTHING:
        return hosted
    if isinstance(left, Instance):
        return _by_method(symbol, left, right, site)
    if symbol == "+" and (is_text_like(left) or is_text_like(right)):
        return _concatenated(left, right, site)
    if symbol == "%" and is_text_like(left):
        return percent_format(left, right, site)
    if symbol == "/" and isinstance(left, Undecided | Partial) and isinstance(right, str | Partial):
        return concatenate([left, "/", right])
    if isinstance(left, Undecided | Partial) or isinstance(right, Undecided | Partial):
        return _undecided(symbol, left, right, site)
    either_open = isinstance(left, OpenList) or isinstance(right, OpenList)
    if symbol in _SET_METHODS and either_open and isinstance(left, _COLLECTIONS) and isinstance(right, _COLLECTIONS):
        return open_set_operation(_SET_METHODS[symbol], list(left), list(right), site)
    return _computed(symbol, left, right, site)


def _hosted(symbol: str, left: Value, right: Value, site: Site) -> Value:
    if isinstance(left, Host):
        result = left.binary(symbol, right, False, site)
        if result is not NOTHING:
            return result
    if isinstance(right, Host):
        return right.binary(symbol, left, True, site)
    return NOTHING


_COLLECTIONS = (list, set, tuple, dict)
_SET_METHODS = {"-": "difference", "|": "union", "&": "intersection"}


def open_set_operation(name: str, left: list[Value], right: list[Value], site: Site) -> Value:
    """Set operations where one side may hold more than is known: what comes out may, too."""
    if name == "union":
        return OpenList([*left, *(r for r in right if _among(left, r, False, site) is not True)])
    keep_if = name == "intersection"
    return OpenList([v for v in left if _among(right, v, False, site) is not (not keep_if)])


def _by_method(symbol: str, left: Instance, right: Value, site: Site) -> Value:
    method = left.cls.find(_SPECIAL.get(symbol, ""))
    if method is NOTHING:
        return Undecided(f"{left.cls.name} {symbol} …", site.span)
    return site.call(method, left, right)


def _concatenated(left: Value, right: Value, site: Site) -> Value:
    allowed = (str, Partial, Undecided)
    if isinstance(left, allowed) and isinstance(right, allowed):
        return concatenate([left, right])
    return Undecided("a text and something else are added", site.span)


def _undecided(symbol: str, left: Value, right: Value, site: Site) -> Value:
    if symbol == "+" and isinstance(left, list) and isinstance(right, Undecided):
        return OpenList([*left, right])
    if symbol == "+" and isinstance(right, list) and isinstance(left, Undecided):
        return OpenList([left, *right])
    for side in (left, right):
        if isinstance(side, Undecided):
            inputs = tuple(i for s in (left, right) if isinstance(s, Undecided) for i in s.inputs)
            return Undecided(side.reason, side.span, side.hole, inputs)
    return Undecided(f"… {symbol} … of values that only a run knows", site.span)


def _computed(symbol: str, left: Any, right: Any, site: Site) -> Value:
    if _too_large(symbol, left, right):
        return Undecided("a value too large to compute here", site.span)
    try:
        if symbol == "**":
            return left**right
        if symbol == "<<":
            return left << right
        if symbol == "+" and isinstance(left, list) and isinstance(right, list):
            return (OpenList if site.is_open(left) or site.is_open(right) else list)([*left, *right])
        function = _ARITHMETIC.get(symbol)
        return function(left, right) if function else Undecided(f"operator {symbol}", site.span)
    except (TypeError, ValueError, ArithmeticError) as error:
        return Undecided(f"{type(left).__name__} {symbol} {type(right).__name__}: {error}", site.span)


def _too_large(symbol: str, left: Any, right: Any) -> bool:
    if symbol == "**":
        if not isinstance(left, int | float) or not isinstance(right, int | float):
            return True
        return abs(right) > 1024 or (isinstance(left, int) and left.bit_length() * abs(right) > LARGEST_INT_BITS)
    if symbol == "<<":
        return not isinstance(right, int) or not isinstance(left, int) or right > 1024
    if symbol == "*":
        for sized, times in ((left, right), (right, left)):
            if isinstance(sized, str | list | tuple | bytes):
                return not isinstance(times, int) or len(sized) * max(times, 0) > LARGEST_SIZE
    if symbol == "+" and isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) + len(right) > LARGEST_SIZE
    return any(isinstance(x, int) and x.bit_length() > LARGEST_INT_BITS for x in (left, right))


def compare(symbol: str, left: Value, right: Value, site: Site) -> Value:
    """`left symbol right` for comparisons and membership: True, False, a host value, or Undecided with its key."""
    if isinstance(left, Choice) or isinstance(right, Choice):
        return site.interpreter.lift([left, right], lambda ab: compare(symbol, ab[0], ab[1], site), site)
    if symbol in ("is", "is not"):
        return _identity(symbol, left, right, site)
    if symbol in ("in", "not in"):
        return _membership(symbol, left, right, site)
    if isinstance(left, Host):
        result = left.binary(symbol, right, False, site)
        if result is not NOTHING:
            return result
    if isinstance(right, Host):
        result = right.binary(_MIRRORED[symbol], left, False, site)
        if result is not NOTHING:
            return result
    if isinstance(left, Instance) and left.cls.find(_SPECIAL.get(symbol, "")) is not NOTHING:
        return _by_method(symbol, left, right, site)
    return _compared(symbol, left, right, site)


def _compared(symbol: str, left: Value, right: Value, site: Site) -> Value:
    open_value = next((v for v in (left, right) if isinstance(v, Undecided | Partial)), None)
    if open_value is not None:
        if symbol in ("==", "!=") and left == right and not isinstance(left, Undecided):
            return symbol == "=="
        return _condition(symbol, left, right, site)
    try:
        if symbol in ("==", "!="):
            if isinstance(left, OpenList) or isinstance(right, OpenList):
                return Undecided("a comparison of lists that may hold more", site.span)
            return bool(left == right) == (symbol == "==")
        return bool(_ORDER[symbol](left, right))
    except (TypeError, ValueError, RecursionError):
        return Undecided(f"… {symbol} …", site.span)


def _condition(symbol: str, left: Value, right: Value, site: Site) -> Undecided:
    reason = next((w.reason for w in (left, right) if isinstance(w, Undecided)), "a text known only at run time")
    if symbol == "!=":
        return negation(_condition("==", left, right, site), site)
    return Undecided(reason, site.span, key=(symbol, identity(left), identity(right)))


def negation(condition: Undecided, site: Site) -> Undecided:
    """`not condition`."""
    key = condition.key
    if isinstance(key, tuple) and len(key) == 2 and key[0] == "not":
        return Undecided(condition.reason, site.span, key=key[1])
    return Undecided(condition.reason, site.span, key=("not", key) if key is not None else None)


def identity(value: Value) -> Hashable:
    """Something hashable that is equal for values that come out equal."""
    if isinstance(value, Undecided):
        return text_of(value) if value.hole != "?" else ("at", str(value.span), value.reason)
    if isinstance(value, Partial):
        return ("text", value.text)
    if isinstance(value, list | tuple | set | frozenset):
        return (type(value).__name__, *(identity(v) for v in list(value)[:50]))
    if isinstance(value, dict):
        return ("dict", *((identity(k), identity(v)) for k, v in list(value.items())[:50]))
    try:
        hash(value)
    except TypeError:
        return id(value)
    return value


def _identity(symbol: str, left: Value, right: Value, site: Site) -> Value:
    for value, other in ((left, right), (right, left)):
        if isinstance(value, Undecided) and value is not other:
            condition = Undecided(value.reason, site.span, key=("is", identity(value), identity(other)))
            return condition if symbol == "is" else negation(condition, site)
    for value, other in ((left, right), (right, left)):
        if isinstance(value, Host) and other is None:
            outcome = value.is_none(site)
            if isinstance(outcome, Host):
                return outcome if symbol == "is" else outcome.unary("not", site)
    both = left is right or (isinstance(left, bool | int | str | None) and type(left) is type(right) and left == right)
    return both == (symbol == "is")


def _membership(symbol: str, element: Value, container: Value, site: Site) -> Value:
    found = _contains(container, element, site)
    if symbol == "in":
        return found
    if isinstance(found, bool):
        return not found
    if isinstance(found, Host):
        return found.unary("not", site)
    return negation(found, site) if isinstance(found, Undecided) else found


def _contains(container: Value, element: Value, site: Site) -> Value:
    if isinstance(container, Host):
        return container.contains(element, site)
    if isinstance(container, Instance):
        method = container.cls.find("__contains__")
        return site.call(method, container, element) if method is not NOTHING else Undecided("… in …", site.span)
    if isinstance(container, HoleDict) and element not in list(container):
        return _condition("in", element, container.prefix, site)
    if isinstance(container, dict | set | frozenset):
        container = list(container)
    if isinstance(container, list | tuple):
        hosted = element.among(list(container), site) if isinstance(element, Host) else NOTHING
        if hosted is not NOTHING:
            return hosted
        return _among(list(container), element, site.is_open(container), site)
    if isinstance(container, str) and isinstance(element, str):
        return element in container
    if isinstance(container, Partial) and isinstance(element, str) and element in container.text:
        return True
    return _condition("in", element, container, site)


def _among(elements: list[Value], element: Value, may_be_more: bool, site: Site) -> Value:
    unsure = may_be_more
    for one in elements:
        outcome = compare("==", one, element, site) if not isinstance(one, Function) else one is element
        if outcome is True:
            return True
        unsure = unsure or outcome is not False
    if not unsure:
        return False
    return Undecided("whether a list holds it", site.span, key=("in", identity(element), identity(elements)))


def unary(symbol: str, operand: Value, site: Site) -> Value:
    """`-x`, `+x`, `~x` (`not` is decided where truth is)."""
    if isinstance(operand, Choice):
        return site.interpreter.lift([operand], lambda a: unary(symbol, a[0], site), site)
    if isinstance(operand, Host):
        return operand.unary(symbol, site)
    if isinstance(operand, Undecided | Partial):
        return Undecided("a value that only a run can know", site.span)
    functions: dict[str, Callable[[Any], Any]] = {"-": operator.neg, "+": operator.pos, "~": operator.invert}
    try:
        return functions[symbol](operand)
    except (TypeError, KeyError):
        return Undecided(f"{symbol} of {type(operand).__name__}", site.span)
