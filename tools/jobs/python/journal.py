"""Running both sides of a branch: what each side changes is noted, taken back, and joined afterwards.

Everything that job code can change lives in dictionaries, lists and sets (names of a scope, attributes, elements).
Before a change, `touch` keeps a copy; after a side has run, `Side.final` holds what it made of them.
"""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from tools.jobs.python.values import NOTHING, Choice, Host, Located, OpenList, Partial, Undecided, Value

Container: TypeAlias = dict[Any, Any] | list[Any] | set[Any]
MAX_OPTIONS = 8
MOST_INPUTS = 24


@dataclass
class Side:
    """The containers that one side of a branch touched: as they were before, and as the side left them."""

    before: dict[int, tuple[Container, Container]] = field(default_factory=dict)
    final: dict[int, Container] = field(default_factory=dict)


class Journal:
    """A stack of sides being run."""

    def __init__(self) -> None:
        self._open: list[Side] = []

    def touch(self, container: Container) -> None:
        """Must be called before any change to a container."""
        if self._open and id(container) not in self._open[-1].before:
            self._open[-1].before[id(container)] = (container, container.copy())

    def begin(self) -> None:
        """Starts a side."""
        self._open.append(Side())

    def end(self) -> Side:
        """Ends the side and takes its changes back."""
        side = self._open.pop()
        for key, (container, before) in side.before.items():
            side.final[key] = container.copy()
            _refill(container, before)
        return side

    def join(self, sides: list[Side], key: Hashable) -> None:
        """Makes every touched container hold what the sides left in it: the same, or a choice by `key`."""
        touched = {k: pair for side in sides for k, pair in side.before.items()}
        for which, (container, before) in touched.items():
            finals = [side.final.get(which, before) for side in sides]
            self.touch(container)
            _refill(container, _joined_container(finals, key))


def joined(values: list[Value], key: Hashable) -> Value:
    """One value for several sides: the value itself when all agree, else a Choice."""
    present = [v for v in values if v is not NOTHING]
    if not present:
        return NOTHING
    first = present[0]
    if all(same(first, v) for v in present[1:]):
        return first
    if len(present) < len(values):
        return present[0] if len(present) == 1 else Choice(key, tuple(present))
    choice = Choice(key, tuple(values))
    if len(leaves(choice)) > MAX_OPTIONS:
        return _widened(leaves(choice))
    return choice


def same(a: Value, b: Value) -> bool:
    """Whether two values are surely the same one."""
    if a is b:
        return True
    if isinstance(a, Located | str | int | float | Partial | Undecided | Choice | tuple | bytes | None):
        return type(b) in _kin(a) and a == b
    return False


def leaves(value: Value) -> list[Value]:
    """All values that a Choice may come out as, each once."""
    if not isinstance(value, Choice):
        return [value]
    found: list[Value] = []
    for option in value.options:
        found.extend(v for v in leaves(option) if not any(same(v, f) for f in found))
    return found


def _kin(value: Value) -> tuple[type, ...]:
    return (str, Located) if isinstance(value, str) else (type(value),)


def _widened(values: list[Value]) -> Value:
    inputs: list[Value] = []
    for value in values:
        found = value.inputs if isinstance(value, Undecided) else (value,) if isinstance(value, Host) else ()
        inputs.extend(v for v in found if not any(v is i for i in inputs))
    return Undecided(f"one of {len(values)} values", inputs=tuple(inputs[:MOST_INPUTS]), alternatives=True)


def _refill(container: Container, content: Container) -> None:
    if isinstance(container, list):
        container[:] = content
    else:
        container.clear()
        container.update(content)


def _joined_container(finals: list[Container], key: Hashable) -> Container:
    first = finals[0]
    if isinstance(first, dict):
        names = list(dict.fromkeys(n for f in finals for n in f))
        return {n: joined([_get(f, n) for f in finals], key) for n in names}
    if isinstance(first, set):
        return set().union(*finals)
    return _joined_list([list(f) for f in finals], key)


def _get(container: Container, name: Value) -> Value:
    return container.get(name, NOTHING) if isinstance(container, dict) else NOTHING


def _joined_list(finals: list[list[Value]], key: Hashable) -> list[Value]:
    longest = max(finals, key=len)
    if all(len(f) == len(longest) for f in finals):
        return [joined(list(values), key) for values in zip(*finals, strict=True)]
    result = OpenList(longest)
    for final in finals:
        result.extend(v for v in final if not any(same(v, r) for r in result))
    return result
