"""functools, itertools, collections, operator, copy, math, concurrent.futures: ways of applying and combining."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

from tools.jobs.python import operators
from tools.jobs.python.interpreter import Interpreter
from tools.jobs.python.library.passive import TypingMember, _unchanged, _wraps
from tools.jobs.python.library.tables import Passive, handed_on, module, row
from tools.jobs.python.site import Arguments, Site
from tools.jobs.python.values import (
    NOTHING,
    FactoryDict,
    Host,
    Instance,
    Module,
    Native,
    OpenList,
    Value,
)

LONGEST = 2_000


def reduce(site: Site, function: Value, values: Value, start: list[Value]) -> Value:
    """`functools.reduce`. Over a collection of unknown length its samples are combined."""
    elements = [*start, *site.elements(values)]
    if not elements:
        return site.undecided("reduce of no elements")
    result = elements[0]
    for element in elements[1:]:
        result = site.call(function, result, element)
    return result


def partial(site: Site, function: Value, given: list[Value], keywords: dict[str, Value]) -> Value:
    """`functools.partial`."""

    def call(site: Site, more: list[Value], more_keywords: dict[str, Value]) -> Value:
        arguments = Arguments([*given, *more], {**keywords, **more_keywords})
        return site.interpreter.call(function, arguments, site)

    return Native("partial", call, lift=False)


def _chain(site: Site, collections: list[Value], keywords: dict[str, Value]) -> Value:
    found = [site.elements(c) for c in collections]
    made = [e for one in found for e in one]
    return OpenList(made) if any(isinstance(c, OpenList) for c in found) else made


def _chain_from(site: Site, values: Value) -> Value:
    return _chain(site, site.elements(values), {})


class Chain(Host):
    """`itertools.chain`."""

    __slots__ = ()

    def call(self, arguments: Arguments, site: Site) -> Value:
        """`chain(a, b)`."""
        return _chain(site, arguments.positional, {})

    def attribute(self, name: str, site: Site) -> Value:
        """`chain.from_iterable`."""
        return Native(name, _chain_from, ("values",)) if name == "from_iterable" else NOTHING


def _product(site: Site, collections: list[Value], keywords: dict[str, Value]) -> Value:
    found = [site.elements(c) for c in collections]
    made: list[Value] = list(itertools.islice(itertools.product(*found), LONGEST))
    return OpenList(made) if any(isinstance(c, OpenList) for c in found) else made


def _combinations(site: Site, values: Value, size: Value) -> Value:
    number = size if isinstance(size, int) else 2
    return list(itertools.islice(itertools.combinations(site.elements(values), number), LONGEST))


def _zip_longest(site: Site, collections: list[Value], keywords: dict[str, Value]) -> Value:
    found = [site.elements(c) for c in collections]
    return [tuple(r) for r in itertools.zip_longest(*found, fillvalue=keywords.get("fillvalue"))]


def _islice(site: Site, values: Value, bounds: list[Any]) -> Value:
    return list(itertools.islice(site.elements(values), *bounds))


def _groupby(site: Site, values: Value, key: Value) -> Value:
    groups: dict[Value, list[Value]] = {}
    for element in site.elements(values):
        name = site.call(key, element) if key is not None else element
        groups.setdefault(name, []).append(element)
    return list(groups.items())


def _default_dict(site: Site, given: list[Value], keywords: dict[str, Value]) -> Value:
    made = FactoryDict()
    made.factory = given[0] if given else None
    if len(given) > 1 and isinstance(given[1], dict):
        made.update(given[1])
    made.update(keywords)
    return made


def _ordered_dict(site: Site, given: list[Value], keywords: dict[str, Value]) -> Value:
    return site.call(site.interpreter.library.builtins["dict"], *given)


def _deque(site: Site, values: Value, size: Value) -> Value:
    return list(site.elements(values)) if values is not None else []


def _counter(site: Site, values: Value) -> Value:
    return site.undecided("a counter")


def _chain_map(site: Site, given: list[Value], keywords: dict[str, Value]) -> Value:
    made: dict[Value, Value] = {}
    for one in reversed(given):
        made.update(one if isinstance(one, dict) else {})
    return made


def _namedtuple(site: Site, name: Value, fields: Value, keywords: dict[str, Value]) -> Value:
    from tools.jobs.python.values import ClassValue

    names = (
        str(fields).replace(",", " ").split() if isinstance(fields, str) else [str(f) for f in site.elements(fields)]
    )
    return ClassValue(str(name), [], {}, site.span.file, fields=dict.fromkeys(names, NOTHING))


def _item_getter(site: Site, keys: list[Value], keywords: dict[str, Value]) -> Value:
    def get(site: Site, value: Value) -> Value:
        found = [site.interpreter.item(value, k, site) for k in keys]
        return found[0] if len(found) == 1 else tuple(found)

    return Native("itemgetter", get, ("value",))


def _attribute_getter(site: Site, names: list[Value], keywords: dict[str, Value]) -> Value:
    return Native("attrgetter", lambda site, v: site.interpreter.attribute(v, str(names[0]), site), ("value",))


def _method_caller(site: Site, name: Value, given: list[Value], keywords: dict[str, Value]) -> Value:
    def call(site: Site, value: Value) -> Value:
        method = site.interpreter.attribute(value, str(name), site)
        return site.interpreter.call(method, Arguments(list(given), dict(keywords)), site)

    return Native("methodcaller", call, ("value",))


def _operator(symbol: str) -> Callable[..., Value]:
    compares = symbol in ("==", "!=", "<", "<=", ">", ">=")

    def call(site: Site, left: Value, right: Value) -> Value:
        return (operators.compare if compares else operators.binary)(symbol, left, right, site)

    return call


def _deepcopy(site: Site, value: Value) -> Value:
    return copied(value, 0)


def copied(value: Value, depth: int) -> Value:
    """A copy of containers of the job; frames and other things are shared."""
    if depth > 20:
        return value
    if isinstance(value, dict):
        made = type(value)()
        made.update({k: copied(v, depth + 1) for k, v in value.items()})
        return made
    if isinstance(value, list):
        return type(value)(copied(v, depth + 1) for v in value)
    if isinstance(value, Instance):
        return Instance(value.cls, {k: copied(v, depth + 1) for k, v in value.attributes.items()})
    return value


def _math(function: Callable[..., Any]) -> Callable[..., Value]:
    def call(site: Site, given: list[Any], keywords: dict[str, Value]) -> Value:
        if all(isinstance(g, int | float) and abs(g) < 1e6 for g in given):
            return function(*given)
        return site.undecided("a number known only at run time")

    return call


# --------------------------------------------------------------------------- futures


class Executor(Host):
    """`ThreadPoolExecutor`: what is submitted is read at once."""

    __slots__ = ()

    def call(self, arguments: Arguments, site: Site) -> Value:
        """`ThreadPoolExecutor(max_workers=…)`."""
        return self

    def attribute(self, name: str, site: Site) -> Value:
        """`map`, `submit`, `shutdown`."""
        if name in ("map", "starmap", "imap", "imap_unordered"):
            return Native(name, _executor_map, ("function", "*collections", "**keywords"), False)
        if name in ("submit", "apply", "apply_async"):
            return Native(name, _submit, ("function", "*given", "**keywords"), False)
        return Passive(name)


class Future(Host):
    """What `submit` gives."""

    __slots__ = ("held",)

    def __init__(self, held: Value) -> None:
        self.held = held

    def attribute(self, name: str, site: Site) -> Value:
        """`result()`."""
        if name in ("result", "get"):
            return Native(name, lambda site, given, keywords: self.held)
        return Passive(name)


def _executor_map(site: Site, function: Value, collections: list[Value], keywords: dict[str, Value]) -> Value:
    return site.call(site.interpreter.library.builtins["map"], function, *collections)


def _submit(site: Site, function: Value, given: list[Value], keywords: dict[str, Value]) -> Value:
    return Future(site.interpreter.call(function, Arguments(given, keywords), site))


def _as_completed(site: Site, futures: Value, given: list[Value], keywords: dict[str, Value]) -> Value:
    return futures


def _wait(site: Site, futures: Value, given: list[Value], keywords: dict[str, Value]) -> Value:
    return (futures, [])


class Thread(Host):
    """`threading.Thread(target=f, args=…)`: f is read when the thread is made."""

    __slots__ = ()

    def call(self, arguments: Arguments, site: Site) -> Value:
        """Reads the target."""
        target = arguments.keywords.get("target")
        given = arguments.keywords.get("args")
        if target is not None:
            passed = list(given) if isinstance(given, list | tuple) else []
            named = arguments.keywords.get("kwargs")
            site.interpreter.call(target, Arguments(passed, dict(named) if isinstance(named, dict) else {}), site)
        return Passive("thread")


MODULES: dict[str, Callable[[Interpreter], Module]] = {
    "functools": module(
        "functools",
        dict(
            [
                row("reduce", reduce, "function", "values", "*start", lift=False),
                row("partial", partial, "function", "*given", "**keywords", lift=False),
                row("wraps", _wraps),
                row("lru_cache", _unchanged, lift=False),
                row("cache", _unchanged, lift=False),
                ("cached_property", Native("cached_property", lambda site, f: _property(f), ("function",))),
                row("total_ordering", _unchanged, lift=False),
                row("singledispatch", _unchanged, lift=False),
            ]
        ),
    ),
    "itertools": module(
        "itertools",
        dict(
            [
                ("chain", Chain()),
                row("product", _product),
                row("combinations", _combinations, "values", "size"),
                row("zip_longest", _zip_longest),
                row("islice", _islice, "values", "*bounds"),
                row("groupby", _groupby, "values", "key="),
                row("starmap", lambda site, f, v: [site.call(f, *site.elements(e)) for e in site.elements(v)], "f", "v"),
            ]
        ),
    ),
    "collections": module(
        "collections",
        dict(
            [
                row("defaultdict", _default_dict, lift=False),
                row("OrderedDict", _ordered_dict, lift=False),
                row("deque", _deque, "values=", "maxlen="),
                row("Counter", _counter, "values="),
                row("ChainMap", _chain_map, lift=False),
                row("namedtuple", _namedtuple, "name", "fields", "**keywords"),
            ]
        ),
    ),
    "operator": module(
        "operator",
        dict(
            [
                row("itemgetter", _item_getter),
                row("attrgetter", _attribute_getter),
                row("methodcaller", _method_caller, "name", "*given", "**keywords"),
                *(
                    row(name, _operator(symbol), "left", "right")
                    for name, symbol in (
                        ("and_", "&"), ("or_", "|"), ("add", "+"), ("sub", "-"), ("mul", "*"), ("truediv", "/"),
                        ("concat", "+"), ("iadd", "+"), ("eq", "=="), ("ne", "!="), ("lt", "<"), ("le", "<="),
                        ("gt", ">"), ("ge", ">="), ("__and__", "&"), ("__or__", "|"), ("iand", "&"), ("ior", "|"),
                    )
                ),
            ]
        ),
    ),
    "copy": module("copy", dict([row("copy", _deepcopy, "value"), row("deepcopy", _deepcopy, "value")])),
    "math": module(
        "math",
        {
            "pi": math.pi,
            "e": math.e,
            "inf": math.inf,
            **dict(row(n, _math(getattr(math, n))) for n in ("ceil", "floor", "sqrt", "log", "log2", "log10", "pow")),
        },
    ),
    "concurrent": module("concurrent", {"futures": Passive("futures")}),
    "concurrent.futures": module(
        "concurrent.futures",
        {
            "ThreadPoolExecutor": Executor(),
            "ProcessPoolExecutor": Executor(),
            **dict(
                [
                    row("as_completed", _as_completed, "futures", "*given", "**keywords", lift=False),
                    row("wait", _wait, "futures", "*given", "**keywords", lift=False),
                ]
            ),
        },
    ),
    "multiprocessing.pool": module("multiprocessing.pool", {"ThreadPool": Executor(), "Pool": Executor()}),
    "multiprocessing.dummy": module("multiprocessing.dummy", {"Pool": Executor()}),
    "threading": module(
        "threading", {"Thread": Thread(), "Lock": Passive("lock"), "local": Passive("local"), "RLock": Passive("lock")}
    ),
    "retrying": module("retrying", {"retry": Native("retry", _unchanged)}),
    "tqdm": module("tqdm", {"tqdm": Native("tqdm", handed_on)}),
}  # fmt: skip


def _property(function: Value) -> Value:
    from tools.jobs.python.values import Property

    return Property(function)


__all__ = ["MODULES", "TypingMember", "copied"]
