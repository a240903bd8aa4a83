"""Methods of lists, dictionaries, sets and tuples. Every change goes through the journal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeAlias, cast

from tools.jobs.python.operators import LARGEST_SIZE, compare, open_set_operation
from tools.jobs.python.site import Arguments, Site
from tools.jobs.python.values import NOTHING, FactoryDict, HoleDict, OpenList, Undecided, Value

Method: TypeAlias = Callable[[Any, list[Any], dict[str, Any], Site], Value]


def container_method(container: Value, name: str, arguments: Arguments, site: Site) -> Value:
    """Calls a method of a list, dict, set or tuple; undecided when it is not known here."""
    for kind, table in _TABLES:
        if isinstance(container, kind) and name in table:
            try:
                return table[name](container, arguments.positional, arguments.keywords, site)
            except (TypeError, ValueError, LookupError) as error:
                return site.undecided(f"{kind.__name__}.{name}: {error}")
    return site.undecided(f"{type(container).__name__}.{name} is not known here", container)


def has_method(container: Value, name: str) -> bool:
    """Whether `container_method` knows the method."""
    return any(isinstance(container, kind) and name in table for kind, table in _TABLES)


def hashable(value: Value) -> bool:
    """Whether a value can be a key."""
    try:
        hash(value)
    except TypeError:
        return False
    return True


def _changing(container: Any, site: Site) -> None:
    site.interpreter.journal.touch(container)


# --------------------------------------------------------------------------- lists


def _append(values: list[Value], given: list[Any], keywords: dict[str, Any], site: Site) -> Value:
    _changing(values, site)
    if len(values) < LARGEST_SIZE:
        values.append(given[0])
    return None


def _extend(values: list[Value], given: list[Any], keywords: dict[str, Any], site: Site) -> Value:
    _changing(values, site)
    more = site.elements(given[0])
    if len(values) + len(more) < LARGEST_SIZE:
        values.extend(more)
    return None


def _insert(values: list[Value], given: list[Any], keywords: dict[str, Any], site: Site) -> Value:
    _changing(values, site)
    values.insert(given[0], given[1])
    return None


def _remove(values: list[Value], given: list[Any], keywords: dict[str, Any], site: Site) -> Value:
    _changing(values, site)
    for index, value in enumerate(values):
        if compare("==", value, given[0], site) is True:
            del values[index]
            return None
    return None


def _pop_list(values: list[Value], given: list[Any], keywords: dict[str, Any], site: Site) -> Value:
    _changing(values, site)
    return values.pop(*given)


def _clear(values: Any, given: list[Any], keywords: dict[str, Any], site: Site) -> Value:
    _changing(values, site)
    values.clear()
    return None


def _reverse(values: list[Value], given: list[Any], keywords: dict[str, Any], site: Site) -> Value:
    _changing(values, site)
    values.reverse()
    return None


def _sort(values: list[Value], given: list[Any], keywords: dict[str, Any], site: Site) -> Value:
    _changing(values, site)
    values[:] = sorted_values(values, keywords, site)
    return None


def sorted_values(values: list[Value], keywords: dict[str, Any], site: Site) -> list[Value]:
    """`sorted(values, key=…, reverse=…)`; the order as it stands when keys are not known."""
    key, backwards = keywords.get("key"), keywords.get("reverse", False) is True
    ranks: list[Any] = [site.call(key, v) if key is not None else v for v in values]
    try:
        order = sorted(range(len(values)), key=lambda i: ranks[i], reverse=backwards)
    except TypeError:
        return OpenList(values) if isinstance(values, OpenList) else list(values)
    return type(values)([values[i] for i in order])


def _index(values: Any, given: list[Any], keywords: dict[str, Any], site: Site) -> Value:
    for index, value in enumerate(values):
        if compare("==", value, given[0], site) is True:
            return index
    return site.undecided("a position in a list")


def _count(values: Any, given: list[Any], keywords: dict[str, Any], site: Site) -> Value:
    outcomes = [compare("==", v, given[0], site) for v in values]
    if all(isinstance(o, bool) for o in outcomes) and not site.is_open(values):
        return sum(o is True for o in outcomes)
    return site.undecided("how often a list holds it")


def _copy(values: Any, given: list[Any], keywords: dict[str, Any], site: Site) -> Value:
    return type(values)(values)


# --------------------------------------------------------------------------- dictionaries


def _get(values: dict[Any, Any], given: list[Any], keywords: dict[str, Any], site: Site) -> Value:
    key = given[0]
    default = given[1] if len(given) > 1 else keywords.get("default")
    if isinstance(key, Undecided) or not hashable(key):
        return _any_of(values, key, site)
    if isinstance(values, HoleDict) and key not in values and default is None and isinstance(key, str):
        return values.hole(str(key), site.span)
    return values.get(key, default)


def _any_of(values: dict[Any, Any], key: Value, site: Site) -> Value:
    if len(values) == 1:
        return next(iter(values.values()))
    return site.undecided("an element under a key known only at run time", *values.values())


def _items(values: dict[Any, Any], given: list[Any], keywords: dict[str, Any], site: Site) -> Value:
    return list(values.items())


def _keys(values: dict[Any, Any], given: list[Any], keywords: dict[str, Any], site: Site) -> Value:
    return list(values)


def _values(values: dict[Any, Any], given: list[Any], keywords: dict[str, Any], site: Site) -> Value:
    return list(values.values())


def _update(values: dict[Any, Any], given: list[Any], keywords: dict[str, Any], site: Site) -> Value:
    _changing(values, site)
    for one in given:
        if isinstance(one, dict):
            values.update(one)
        elif not isinstance(one, Undecided):
            values.update(cast("dict[Any, Value]", dict(cast("list[Any]", site.elements(one)))))
    values.update(keywords)
    return None


def _pop_dict(values: dict[Any, Any], given: list[Any], keywords: dict[str, Any], site: Site) -> Value:
    _changing(values, site)
    missing = given[1] if len(given) > 1 else site.undecided("a key that is not there")
    return values.pop(given[0], missing)


def _setdefault(values: dict[Any, Any], given: list[Any], keywords: dict[str, Any], site: Site) -> Value:
    _changing(values, site)
    return values.setdefault(given[0], given[1] if len(given) > 1 else None)


def _popitem(values: dict[Any, Any], given: list[Any], keywords: dict[str, Any], site: Site) -> Value:
    _changing(values, site)
    return values.popitem()


# --------------------------------------------------------------------------- sets


def _add(values: set[Any], given: list[Any], keywords: dict[str, Any], site: Site) -> Value:
    _changing(values, site)
    values.add(given[0])
    return None


def _discard(values: set[Any], given: list[Any], keywords: dict[str, Any], site: Site) -> Value:
    _changing(values, site)
    values.discard(given[0])
    return None


def _set_update(values: set[Any], given: list[Any], keywords: dict[str, Any], site: Site) -> Value:
    _changing(values, site)
    for one in given:
        values.update(site.elements(one))
    return None


def _algebra(name: str) -> Method:
    def combined(values: set[Any], given: list[Any], keywords: dict[str, Any], site: Site) -> Value:
        result = set(values)
        for one in given:
            result = getattr(result, name)(set(site.elements(one)))
        return result

    return combined


def _issubset(values: set[Any], given: list[Any], keywords: dict[str, Any], site: Site) -> Value:
    if site.is_open(given[0]):
        return site.undecided("whether a set is within another")
    return values.issubset(site.elements(given[0]))


def _open_algebra(name: str) -> Method:
    def combined(values: list[Value], given: list[Any], keywords: dict[str, Any], site: Site) -> Value:
        result: Value = values
        for one in given:
            result = open_set_operation(name, list(result), site.elements(one), site)  # type: ignore[call-overload]
        return result

    return combined


_LIST: dict[str, Method] = {
    "append": _append, "extend": _extend, "insert": _insert, "remove": _remove, "pop": _pop_list, "clear": _clear,
    "reverse": _reverse, "sort": _sort, "index": _index, "count": _count, "copy": _copy,
    "union": _open_algebra("union"), "difference": _open_algebra("difference"), "add": _append, "discard": _remove,
    "intersection": _open_algebra("intersection"),
    "appendleft": lambda v, g, k, s: _insert(v, [0, *g], k, s), "popleft": lambda v, g, k, s: _pop_list(v, [0], k, s),
}  # fmt: skip
_DICT: dict[str, Method] = {
    "get": _get, "items": _items, "keys": _keys, "values": _values, "update": _update, "pop": _pop_dict,
    "setdefault": _setdefault, "clear": _clear, "copy": _copy, "popitem": _popitem, "asDict": _copy,
}  # fmt: skip
_SET: dict[str, Method] = {
    "add": _add, "discard": _discard, "remove": _discard, "update": _set_update, "clear": _clear, "copy": _copy,
    "union": _algebra("union"), "intersection": _algebra("intersection"), "difference": _algebra("difference"),
    "symmetric_difference": _algebra("symmetric_difference"), "issubset": _issubset,
}  # fmt: skip
_TUPLE: dict[str, Method] = {"index": _index, "count": _count}
_TABLES: tuple[tuple[type, dict[str, Method]], ...] = ((list, _LIST), (dict, _DICT), (set, _SET), (tuple, _TUPLE))


def element(container: Value, key: Value, site: Site) -> Value:
    """`container[key]` for the built-in containers and texts."""
    if isinstance(key, slice) and isinstance(container, list | tuple | str):
        return type(container)(container[key]) if not isinstance(container, str) else str(container)[key]
    if isinstance(container, dict):
        return _dict_element(container, key, site)
    if isinstance(container, list | tuple | str | bytes) and isinstance(key, int):
        try:
            return container[key]
        except IndexError:
            return container[0] if isinstance(container, OpenList) and container else site.undecided("a list's element")
    if isinstance(container, list | tuple) and container and isinstance(key, Undecided):
        return container[0] if len(container) == 1 else site.undecided("an element known only at run time", *container)
    return site.undecided(f"an element of {type(container).__name__}")


def _dict_element(container: dict[Any, Any], key: Value, site: Site) -> Value:
    if not hashable(key) or isinstance(key, Undecided):
        return _any_of(container, key, site)
    found = container.get(key, NOTHING)
    if found is not NOTHING:
        return found
    if isinstance(container, HoleDict) and isinstance(key, str):
        return container.hole(str(key), site.span)
    if isinstance(container, FactoryDict):
        _changing(container, site)
        container[key] = site.call(container.factory)
        return container[key]
    return site.undecided(f"key {key!r} is not in the dictionary" if isinstance(key, str) else "a dictionary's element")
