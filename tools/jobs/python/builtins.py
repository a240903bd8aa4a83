"""Python's built-in functions as the reader computes them. Anything that could run code answers with "not known"."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tools.jobs.python.attributes import look_up, set_attribute
from tools.jobs.python.calls import all_fields
from tools.jobs.python.containers import hashable, sorted_values
from tools.jobs.python.operators import binary, compare
from tools.jobs.python.site import Arguments, Site
from tools.jobs.python.values import (
    NOTHING,
    Bound,
    Choice,
    ClassMethod,
    ClassValue,
    Function,
    Host,
    Instance,
    Located,
    Native,
    OpenList,
    Partial,
    Property,
    Undecided,
    Value,
)

LONGEST_RANGE = 10_000


def _len(site: Site, value: Value) -> Value:
    if isinstance(value, Instance):
        method = value.cls.find("__len__")
        return site.call(method, value) if method is not NOTHING else site.undecided("a length")
    if isinstance(value, OpenList | Partial | Undecided | Host) or not hasattr(value, "__len__"):
        return site.undecided("a length known only at run time")
    return len(value)


def _range(site: Site, bounds: list[Any]) -> Value:
    if not all(isinstance(b, int) for b in bounds) or not bounds:
        return OpenList([site.undecided("a number of a range known only at run time")])
    made = range(*bounds)
    if len(made) > LONGEST_RANGE:
        site.unknown(f"only {LONGEST_RANGE} numbers of a range are read", "statement")
    return list(made[:LONGEST_RANGE])


def _enumerate(site: Site, values: Value, start: Any) -> Value:
    elements = site.elements(values)
    first = start if isinstance(start, int) else 0
    return _like(elements, [(i + first, v) for i, v in enumerate(elements)])


def _zip(site: Site, collections: list[Value], keywords: dict[str, Value]) -> Value:
    columns = [site.elements(c) for c in collections]
    if any(isinstance(c, OpenList) for c in columns):
        longest = max((len(c) for c in columns if not isinstance(c, OpenList)), default=0)
        longest = longest or max(len(c) for c in columns)
        columns = [list(c) + [c[-1]] * (longest - len(c)) if isinstance(c, OpenList) and c else c for c in columns]
        return OpenList(tuple(row) for row in zip(*columns, strict=False))
    return [tuple(row) for row in zip(*columns, strict=False)]


def _like(elements: list[Value], made: list[Value]) -> list[Value]:
    return OpenList(made) if isinstance(elements, OpenList) else made


def _map(site: Site, function: Value, collections: list[Value]) -> Value:
    columns = [site.elements(c) for c in collections]
    rows = zip(*columns, strict=False)
    made = [site.call(function, *row) for row in rows]
    return OpenList(made) if any(isinstance(c, OpenList) for c in columns) else made


def _filter(site: Site, function: Value, values: Value) -> Value:
    elements = site.elements(values)
    kept, unsure = [], isinstance(elements, OpenList)
    for element in elements:
        outcome = site.interpreter.truth(site.call(function, element) if function is not None else element, site)
        unsure = unsure or isinstance(outcome, Undecided)
        if outcome is not False:
            kept.append(element)
    return OpenList(kept) if unsure else kept


def _list(site: Site, values: Value) -> Value:
    if values is None:
        return []
    elements = site.elements(values)
    return OpenList(elements) if isinstance(elements, OpenList) else list(elements)


def _tuple(site: Site, values: Value) -> Value:
    elements = site.elements(values) if values is not None else []
    return elements if isinstance(elements, OpenList) else tuple(elements)


def _set(site: Site, values: Value) -> Value:
    elements = site.elements(values) if values is not None else []
    return elements if isinstance(elements, OpenList) else {e for e in elements if hashable(e)}


def _dict(site: Site, given: list[Value], keywords: dict[str, Value]) -> Value:
    made: dict[Value, Value] = {}
    for one in given:
        if isinstance(one, dict):
            made.update(one)
            continue
        for pair in site.elements(one):
            if isinstance(pair, tuple | list) and len(pair) == 2 and hashable(pair[0]):
                made[pair[0]] = pair[1]
    made.update(keywords)
    return made


def _str(site: Site, value: Value, encoding: Value) -> Value:
    return "" if value is None and encoding is None else site.interpreter.show(value, site)


def _number(kind: Callable[..., Any]) -> Callable[..., Value]:
    def converted(site: Site, value: Value, base: Value) -> Value:
        if isinstance(value, Undecided):
            return value
        if isinstance(value, Partial):
            hole = value.text[2:-1] if value.text.startswith("${") and value.text.count("${") == 1 else "?"
            return Undecided("a number known only at run time", site.span, hole)
        if isinstance(value, str) and len(value) > 1000:
            return site.undecided("a number of more than a thousand digits")
        return kind(value) if base is None else kind(value, base)

    return converted


def _bool(site: Site, value: Value) -> Value:
    return site.interpreter.truth(value, site)


def _extreme(better: Callable[..., Any]) -> Callable[..., Value]:
    def found(site: Site, values: list[Value], keywords: dict[str, Value]) -> Value:
        elements = site.elements(values[0]) if len(values) == 1 else values
        if not elements and "default" in keywords:
            return keywords["default"]
        key = keywords.get("key")
        ranks: list[Any] = [site.call(key, e) if key is not None else e for e in elements]
        if isinstance(elements, OpenList) or any(not isinstance(r, str | int | float | tuple) for r in ranks):
            return site.undecided("the largest or smallest of values known only at run time", *elements)
        return elements[ranks.index(better(ranks))]

    return found


def _sum(site: Site, values: Value, start: Value) -> Value:
    elements = site.elements(values)
    total: Value = 0 if start is None else start
    for element in elements:
        total = binary("+", total, element, site)
    return site.undecided("a sum over a list known only at run time") if isinstance(elements, OpenList) else total


def _sorted(site: Site, values: Value, keywords: dict[str, Any]) -> Value:
    return sorted_values(site.elements(values), keywords, site)


def _reversed(site: Site, values: Value) -> Value:
    elements = site.elements(values)
    return _like(elements, list(reversed(elements)))


def _any(site: Site, values: Value) -> Value:
    return _quantified(site, values, True)


def _all(site: Site, values: Value) -> Value:
    return _quantified(site, values, False)


def _quantified(site: Site, values: Value, decisive: bool) -> Value:
    elements = site.elements(values)
    outcomes = [site.interpreter.truth(e, site) for e in elements]
    if decisive in outcomes:
        return decisive
    if any(isinstance(o, Undecided) for o in outcomes) or isinstance(elements, OpenList):
        return site.undecided("a condition over values known only at run time")
    return not decisive


def _isinstance(site: Site, value: Value, kinds: Value) -> Value:
    if isinstance(value, Choice | Undecided):
        return site.undecided("the type of a value known only at run time")
    outcomes = [is_instance(value, k) for k in (kinds if isinstance(kinds, tuple) else (kinds,))]
    if True in outcomes:
        return True
    return site.undecided("whether a value is of a type") if None in outcomes else False


def is_instance(value: Value, kind: Value) -> bool | None:
    """Whether a value is of a type, None when that cannot be told."""
    if isinstance(kind, ClassValue):
        return isinstance(value, Instance) and kind in list(value.cls.lineage())
    if isinstance(kind, Native):
        types = _PYTHON_TYPES.get(kind.name)
        if types is None:
            return None
        return isinstance(value, types) and not (kind.name in ("int", "float") and isinstance(value, bool))
    if isinstance(kind, Host):
        expected = getattr(kind, "instances", None)
        if expected is None:
            return None if isinstance(value, Host) else False
        return isinstance(value, expected)
    return None


_PYTHON_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str, Located, Partial), "int": (int,), "float": (float,), "bool": (bool,), "list": (list,),
    "tuple": (tuple,), "dict": (dict,), "set": (set,), "bytes": (bytes,), "frozenset": (frozenset, set),
}  # fmt: skip


def _getattr(site: Site, value: Value, name: Value, default: list[Value]) -> Value:
    if not isinstance(name, str):
        inputs = (value,) if isinstance(value, Host) else ()
        return site.undecided("an attribute whose name is known only at run time", *inputs)
    found = look_up(site.interpreter, value, str(name), site)
    if found is NOTHING:
        return default[0] if default else site.undecided(f"attribute {name}")
    return found


def _hasattr(site: Site, value: Value, name: Value) -> Value:
    if isinstance(value, Undecided) or not isinstance(name, str):
        return site.undecided("whether there is such an attribute")
    return look_up(site.interpreter, value, str(name), site) is not NOTHING


def _setattr(site: Site, value: Value, name: Value, new: Value) -> Value:
    if isinstance(name, str):
        set_attribute(site.interpreter, value, str(name), new, site)
    return None


def _callable(site: Site, value: Value) -> Value:
    return isinstance(value, Function | Native | Bound | ClassValue)


def _type(site: Site, values: list[Value]) -> Value:
    if len(values) == 1 and isinstance(values[0], Instance):
        return values[0].cls
    return site.undecided("a type")


def _round(site: Site, value: Value, digits: Value) -> Value:
    if isinstance(value, int | float) and isinstance(digits, int | None):
        return round(value, digits)
    return site.undecided("a rounded number")


def _abs(site: Site, value: Value) -> Value:
    return abs(value) if isinstance(value, int | float) else site.undecided("an absolute value")


def _next(site: Site, values: Value, default: list[Value]) -> Value:
    elements = site.elements(values)
    if elements:
        if isinstance(values, list):
            site.interpreter.journal.touch(values)
            return values.pop(0) if not isinstance(values, OpenList) else values[0]
        return elements[0]
    return default[0] if default else site.undecided("the next of no elements")


def _vars(site: Site, values: list[Value]) -> Value:
    return values[0].attributes if values and isinstance(values[0], Instance) else site.undecided("vars()")


def _nothing(site: Site, values: list[Value], keywords: dict[str, Value]) -> Value:
    return None


def _identity(site: Site, value: Value) -> Value:
    return value


def _property(site: Site, getter: Value) -> Value:
    return Property(getter)


def _staticmethod(site: Site, function: Value) -> Value:
    return ClassMethod(function, static=True)


def _classmethod(site: Site, function: Value) -> Value:
    return ClassMethod(function)


def _never(name: str) -> Callable[..., Value]:
    def refused(site: Site, values: list[Value], keywords: dict[str, Value]) -> Value:
        site.unknown(f"{name}(…): code made at run time is not read", "statement")
        return site.undecided(f"what {name}(…) gives")

    return refused


def _open(site: Site, values: list[Value], keywords: dict[str, Value]) -> Value:
    return site.undecided("a file that is read at run time")


def _exception(name: str) -> Native:
    return Native(name, lambda site, values, keywords: site.undecided(f"a {name}"))


def _isspecial(site: Site, cls: Value, kinds: Value) -> Value:
    if isinstance(cls, ClassValue) and isinstance(kinds, ClassValue):
        return kinds in list(cls.lineage())
    return site.undecided("whether a class is a subclass")


def _fields_of(site: Site, instance: Value) -> Value:
    """`dataclasses.asdict`."""
    if isinstance(instance, Instance):
        return {name: instance.attributes.get(name) for name in all_fields(instance.cls)}
    return site.undecided("fields of an object")


asdict = Native("asdict", _fields_of, ("instance",))


def _chr(site: Site, value: Value) -> Value:
    return chr(value) if isinstance(value, int) else site.undecided("a letter")


def _compare_cmp(site: Site, a: Value, b: Value) -> Value:
    return compare("==", a, b, site)


def native(name: str, body: Callable[..., Value], *parameters: str, lift: bool = True) -> tuple[str, Native]:
    """A row of a table of natives."""
    return name, Native(name, body, parameters or ("*arguments", "**keywords"), lift)


_EXCEPTIONS = (
    "Exception", "BaseException", "ValueError", "TypeError", "KeyError", "IndexError", "RuntimeError", "OSError",
    "IOError", "AttributeError", "NotImplementedError", "StopIteration", "FileNotFoundError", "ImportError",
    "ModuleNotFoundError", "SystemExit", "AssertionError", "ArithmeticError", "ZeroDivisionError", "NameError",
    "PermissionError", "TimeoutError", "ConnectionError", "LookupError", "KeyboardInterrupt",
)  # fmt: skip

BUILTINS: dict[str, Value] = dict(
    [
        native("len", _len, "value"),
        native("range", _range, "*bounds"),
        native("enumerate", _enumerate, "values", "start=", lift=False),
        native("zip", _zip, "*collections", "**keywords", lift=False),
        native("map", _map, "function", "*collections", lift=False),
        native("filter", _filter, "function", "values", lift=False),
        native("list", _list, "values="),
        native("tuple", _tuple, "values="),
        native("set", _set, "values="),
        native("frozenset", _set, "values="),
        native("dict", _dict, "*given", "**keywords", lift=False),
        native("str", _str, "value=", "encoding="),
        native("repr", _str, "value=", "encoding="),
        native("format", _str, "value=", "encoding="),
        native("int", _number(int), "value=", "base="),
        native("float", _number(float), "value=", "base="),
        native("bool", _bool, "value="),
        native("max", _extreme(max)),
        native("min", _extreme(min)),
        native("sum", _sum, "values", "start="),
        native("sorted", _sorted, "values", "**keywords"),
        native("reversed", _reversed, "values"),
        native("any", _any, "values"),
        native("all", _all, "values"),
        native("isinstance", _isinstance, "value", "kinds"),
        native("issubclass", _isspecial, "cls", "kinds"),
        native("getattr", _getattr, "value", "name", "*default"),
        native("hasattr", _hasattr, "value", "name"),
        native("setattr", _setattr, "value", "name", "new", lift=False),
        native("callable", _callable, "value"),
        native("type", _type, "*values"),
        native("round", _round, "value", "digits="),
        native("abs", _abs, "value"),
        native("next", _next, "values", "*default"),
        native("iter", _identity, "value"),
        native("vars", _vars, "*values"),
        native("chr", _chr, "value"),
        native("print", _nothing, lift=False),
        native("input", _open),
        native("open", _open),
        native("id", _open),
        native("hash", _open),
        native("property", _property, "getter"),
        native("staticmethod", _staticmethod, "function"),
        native("classmethod", _classmethod, "function"),
        native("exec", _never("exec")),
        native("eval", _never("eval")),
        native("compile", _never("compile")),
        native("__import__", _never("__import__")),
        native("globals", _never("globals")),
        native("locals", _never("locals")),
        native("object", _open),
        *((name, _exception(name)) for name in _EXCEPTIONS),
    ]
)

__all__ = ["BUILTINS", "Arguments", "asdict", "is_instance", "native"]
