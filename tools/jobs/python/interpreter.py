"""The abstract interpreter: one reading of a job's Python code, with limits, that never runs anything.

What a statement or an expression means stands in `statements` and `expressions`; what library calls mean stands in the
modules handed over as `library`. This class holds what they share: limits, the journal of changes, the conditions
assumed on the path being read, and the basic operations on values.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeGuard

from tools.jobs.python import attributes, calls
from tools.jobs.python.containers import element
from tools.jobs.python.flow import Raised
from tools.jobs.python.journal import Journal, Side, joined, leaves
from tools.jobs.python.scope import Scope
from tools.jobs.python.site import Arguments, Site
from tools.jobs.python.text import known_outside_holes, show
from tools.jobs.python.values import (
    NOTHING,
    Choice,
    Host,
    Instance,
    Module,
    OpenList,
    Partial,
    Undecided,
    Value,
)
from tools.jobs.session import Session

Loader = Callable[["Interpreter"], Module]


@dataclass(frozen=True)
class Limits:
    """Bounds of one reading. Reaching one is reported, and reading goes on with undecided values."""

    steps: int = 700_000  # about five microseconds each
    depth: int = 1_500  # nested evaluations
    calls: int = 60  # nested calls of the job's own functions
    recursion: int = 16  # nested calls of one function
    iterations: int = 2_000  # of a loop over known elements
    rounds: int = 300  # of a `while`


@dataclass
class Library:
    """What is known about modules: dotted name -> how to make it, and the names that need no import."""

    modules: Mapping[str, Loader] = field(default_factory=dict)
    builtins: Mapping[str, Value] = field(default_factory=dict)
    promote: Callable[[Undecided, str, Site], Value] | None = None  # an undecided value used like a host thing


class LimitReached(Exception):
    """The reading's step limit: ends the script, never leaves the reader."""


class Interpreter:
    """One reading of one script."""

    def __init__(self, session: Session, library: Library, limits: Limits | None = None) -> None:
        self.session = session
        self.library = library
        self.limits = limits or Limits()
        self.journal = Journal()
        self.assumptions: dict[Hashable, int] = {}
        self.modules: dict[str, Module] = {}
        self.memory: dict[Hashable, Value] = {}  # what host libraries keep for this reading
        self.call_depth = 0
        self.undecided_exits = 0  # how often a block may have been left on a condition that is not known
        self._steps = 0
        self._place: ast.AST | None = None  # where the last step was
        self._depth = 0

    # ------------------------------------------------------------------ limits

    def spend(self, steps: int, place: ast.AST | None = None) -> None:
        """Counts work done. Raises LimitReached when there was too much of it."""
        self._steps += steps
        if place is not None:
            self._place = place
        if self._steps > self.limits.steps:
            raise LimitReached(str(getattr(self._place, "lineno", 1)))

    def enter(self) -> bool:
        """One evaluation deeper; False when that is too deep (then there is nothing to leave)."""
        if self._depth >= self.limits.depth:
            return False
        self._depth += 1
        return True

    def leave(self) -> None:
        """The counterpart of `enter`."""
        self._depth -= 1

    # ------------------------------------------------------------------ places

    def site(self, node: ast.AST, scope: Scope) -> Site:
        """The place of a node."""
        return Site(self, None, node, scope.file)

    # ------------------------------------------------------------------ branches

    def branches(
        self, key: Hashable, sides: Sequence[Callable[[], Value]], survives: Callable[[int, Value], bool] | None = None
    ) -> list[Value]:
        """Runs every side as if it were the one taken, and joins what they change. Gives each side's result.

        Args:
            survives: whether what a side changed is still there afterwards (not when it leaves the job, or raises).
        """
        if is_negation(key):
            flipped = (lambda i, r: survives(1 - i, r)) if survives else None
            return list(reversed(self.branches(key[1], list(reversed(sides)), flipped)))
        decided = self.assumed(key)
        if decided is not None and decided < len(sides):
            result = sides[decided]()
            return [result if i == decided else NOTHING for i in range(len(sides))]
        results: list[Value] = []
        kept: list[Any] = []
        raised: list[Any] = []
        for index, side in enumerate(sides):
            ran = self._run_side(key, index, side, results, raised)
            if raised and raised[-1][0] == index:
                continue
            if survives is None or survives(index, results[-1]):
                kept.append(ran)
        if len(raised) == len(sides):
            raise raised[0][1]
        self.journal.join(kept, key)
        return results

    def _run_side(
        self,
        key: Hashable,
        index: int,
        side: Callable[[], Value],
        results: list[Value],
        raised: list[tuple[int, Raised]],
    ) -> Side:
        before = dict(self.assumptions)
        self.journal.begin()
        try:
            self.assume(key, index)
            results.append(side())
        except Raised as error:
            results.append(NOTHING)
            raised.append((index, error))
        finally:
            ran = self.journal.end()
            self.assumptions = before
        return ran

    def assumed(self, key: Hashable) -> int | None:
        """Which side of a decision the path being read is on, None when on neither."""
        if is_negation(key):
            inner = self.assumed(key[1])
            return None if inner is None else 1 - inner
        return self.assumptions.get(key)

    def assume(self, key: Hashable, index: int) -> None:
        """From here on the decision came out so."""
        if is_negation(key):
            self.assume(key[1], 1 - index)
        elif key is not None:
            self.assumptions[key] = index

    def lift(self, values: Sequence[Value], function: Callable[[list[Value]], Value], site: Site) -> Value:
        """Applies a function of values of which some are Choices, option by option; choices of one key together."""
        choice = next((v for v in values if isinstance(v, Choice)), None)
        if choice is None:
            return function(list(values))
        decided = self.assumed(choice.key)
        if decided is not None and decided < len(choice.options):
            return self.lift([_option(v, choice.key, decided) for v in values], function, site)
        self.spend(10)
        sides = [_side(self, values, function, choice, index, site) for index in range(len(choice.options))]
        return joined(self.branches(choice.key, sides), choice.key)

    def choose(self, value: Value) -> Value:
        """A Choice reduced to what the path being read leaves of it."""
        while isinstance(value, Choice):
            decided = self.assumed(value.key)
            if decided is None or decided >= len(value.options):
                return value
            value = value.options[decided]
        return value

    # ------------------------------------------------------------------ basic operations

    def truth(self, value: Value, site: Site) -> bool | Undecided:
        """`bool(value)`, or the condition on which it hangs."""
        value = self.choose(value)
        if isinstance(value, Choice):
            outcomes = [self._plain_truth(v, site) for v in value.options]
            if len(set(outcomes)) == 1 and None not in outcomes:
                return outcomes[0] is True
            if outcomes in ([True, False], [False, True]):
                key = value.key if outcomes[0] else ("not", value.key)
                return Undecided("one of several values", site.span, key=key)
            return Undecided("one of several values", site.span, key=("truth", value.key))
        known = self._plain_truth(value, site)
        if known is not None:
            return known
        condition = value if isinstance(value, Undecided) else Undecided("known only at run time", site.span)
        if condition.key is not None:
            decided = self.assumed(condition.key)
            return condition if decided is None else decided == 0
        key = ("truth", value.text) if isinstance(value, Partial) else None
        if isinstance(value, Undecided) and value.hole != "?":
            key = ("truth", value.hole)
        decided = self.assumed(key) if key else None
        return Undecided(condition.reason, site.span, key=key) if decided is None else decided == 0

    def _plain_truth(self, value: Value, site: Site) -> bool | None:
        if isinstance(value, Undecided | Choice):
            return None
        if isinstance(value, Partial):
            return True if any(not h for _, h in known_outside_holes(value.text)) else None
        if isinstance(value, Host):
            return value.truth(site)
        if isinstance(value, OpenList):
            return True if value else None
        if isinstance(value, Instance):
            method = value.cls.find("__bool__")
            outcome = True if method is NOTHING else site.call(method, value)
            return outcome if isinstance(outcome, bool) else None
        return bool(value)

    def iterate(self, value: Value, site: Site) -> list[Value]:
        """The elements of a value; an OpenList with one sample when they are not known."""
        value = self.choose(value)
        if isinstance(value, OpenList):
            return value
        if isinstance(value, list | tuple | set | frozenset | dict | range):
            return list(value)
        if isinstance(value, str):
            return [str(c) for c in value[:10_000]]
        if isinstance(value, Host):
            known = value.iterate(site)
            return known if known is not None else OpenList([self.item(value, site.undecided("an index"), site)])
        if isinstance(value, Choice):
            found = [e for v in leaves(value) for e in self.iterate(v, site)]
            return OpenList(found)
        if isinstance(value, Instance):
            return self._iterate_instance(value, site)
        if isinstance(value, Undecided):
            return OpenList([Undecided(value.reason, value.span or site.span, value.hole, value.inputs)])
        return OpenList([site.undecided("an element of a collection known only at run time")])

    def _iterate_instance(self, value: Instance, site: Site) -> list[Value]:
        method = value.cls.find("__iter__")
        if method is NOTHING:
            return OpenList([site.undecided(f"an element of {value.cls.name}")])
        made = site.call(method, value)
        return OpenList([site.undecided("an element")]) if made is value else self.iterate(made, site)

    def item(self, value: Value, key: Value, site: Site) -> Value:
        """`value[key]`."""
        if isinstance(value, Choice) or isinstance(key, Choice):
            return self.lift([value, key], lambda vk: self.item(vk[0], vk[1], site), site)
        if isinstance(value, Host):
            return value.item(key, site)
        if isinstance(value, Instance):
            method = value.cls.find("__getitem__")
            return site.call(method, value, key) if method is not NOTHING else site.undecided("an element", value)
        if isinstance(value, Undecided):
            return self._undecided_item(value, key, site)
        if isinstance(value, Partial):
            return Undecided("a part of a text known only at run time", site.span, inputs=())
        return element(value, key, site)

    def _undecided_item(self, value: Undecided, key: Value, site: Site) -> Value:
        if self.library.promote is not None:
            promoted = self.library.promote(value, "__getitem__", site)
            if promoted is not NOTHING and isinstance(promoted, Host):
                return promoted.item(key, site)
        return Undecided(value.reason, value.span or site.span, value.hole, value.inputs)

    def attribute(self, value: Value, name: str, site: Site) -> Value:
        """`value.name`."""
        return attributes.get_attribute(self, value, name, site)

    def call(self, function: Value, arguments: Arguments, site: Site) -> Value:
        """`function(…)`."""
        return calls.call(self, function, arguments, site)

    def show(self, value: Value, site: Site) -> Value:
        """`str(value)`."""
        if isinstance(value, Host):
            return value.text(site)
        if isinstance(value, Instance):
            method = value.cls.find("__str__")
            return site.call(method, value) if method is not NOTHING else Partial("${?}")
        return show(value)


def is_negation(key: Hashable) -> TypeGuard[tuple[str, Hashable]]:
    """Whether a condition's key says `not` of another one."""
    return isinstance(key, tuple) and len(key) == 2 and key[0] == "not"


def _side(
    interpreter: Interpreter,
    values: Sequence[Value],
    function: Callable[[list[Value]], Value],
    choice: Choice,
    index: int,
    site: Site,
) -> Callable[[], Value]:
    picked = [_option(v, choice.key, index) for v in values]
    return lambda: interpreter.lift(picked, function, site)


def _option(value: Value, key: Hashable, index: int) -> Value:
    if not isinstance(value, Choice):
        return value
    if value.key == key:
        return _option(value.options[min(index, len(value.options) - 1)], key, index)
    return Choice(value.key, tuple(_option(o, key, index) for o in value.options))
