"""What a Python expression of a job can be worth to a reader that never runs it.

Constants, lists, tuples, dicts and sets are themselves. Everything else is one of the types below: texts of which only
parts are known, one of several values, functions and objects of the job, things of the host libraries (frames,
columns …), and values that only a run can know. This module knows neither Spark nor plans.
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

from tools.plan.base import Span

if TYPE_CHECKING:
    from tools.jobs.python.scope import Scope
    from tools.jobs.python.site import Arguments, Site

Value: TypeAlias = object


class Located(str):
    """A text constant that remembers where the job spells it, so that evidence can point there."""

    __slots__ = ("span",)
    span: Span

    @classmethod
    def at(cls, text: str, span: Span) -> Located:
        """The text with its place."""
        made = cls(text)
        made.span = span
        return made


@dataclass(frozen=True, slots=True)
class Undecided:
    """A value that only a run can know.

    Args:
        reason: why it cannot be read.
        span: where.
        hole: how it shows inside a text: `${hole}`.
        inputs: host things that went into it (a frame handed to unreadable code).
        key: as a condition, what it depends on: conditions of one key come out alike.
        alternatives: whether it is one of `inputs` (too many of them to be told apart) and not made from them all.
    """

    reason: str
    span: Span | None = None
    hole: str = "?"
    inputs: tuple[Value, ...] = ()
    key: Hashable = None
    alternatives: bool = False


@dataclass(frozen=True, slots=True)
class Partial:
    """A text of which some parts are known; the others stand as `${name}`. `why` says what they come from."""

    text: str
    why: tuple[Undecided, ...] = field(default=(), compare=False)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values: which one hangs on the decision `key`. Choices of one key go together by position."""

    key: Hashable
    options: tuple[Value, ...]


class OpenList(list[Value]):
    """A list that may hold more than is known: its elements are samples."""

    __slots__ = ()


class FactoryDict(dict[Any, Value]):
    """A `defaultdict`: a key that is not there gets what `factory` makes."""

    factory: Value = None


class Host:
    """Base of things that belong to a library the reader knows. Subclasses override what they answer to."""

    __slots__ = ()

    @property
    def weight(self) -> int:
        """How much work making it was, in steps of the reader."""
        return 0

    def attribute(self, name: str, site: Site) -> Value:
        """`self.name`; NOTHING when there is no such attribute."""
        return NOTHING

    def set_attribute(self, name: str, value: Value, site: Site) -> None:
        """`self.name = value`."""

    def call(self, arguments: Arguments, site: Site) -> Value:
        """`self(...)`."""
        return Undecided(f"{type(self).__name__} is called", site.span)

    def item(self, key: Value, site: Site) -> Value:
        """`self[key]`."""
        return Undecided(f"an element of {type(self).__name__}", site.span)

    def set_item(self, key: Value, value: Value, site: Site) -> None:
        """`self[key] = value`."""

    def binary(self, operator: str, other: Value, reflected: bool, site: Site) -> Value:
        """`self operator other`, or the other way round when `reflected`; NOTHING when it is not defined."""
        return NOTHING

    def unary(self, operator: str, site: Site) -> Value:
        """`operator self`."""
        return Undecided(f"{operator}{type(self).__name__}", site.span)

    def contains(self, element: Value, site: Site) -> Value:
        """`element in self`."""
        return Undecided(f"whether {type(self).__name__} contains it", site.span)

    def among(self, elements: list[Value], site: Site) -> Value:
        """`self in elements`; NOTHING when it is compared with each."""
        return NOTHING

    def is_none(self, site: Site) -> Value:
        """`self is None`."""
        return False

    def logical(self, operator: str, other: Value, site: Site) -> Value:
        """`self and other`, `self or other` where only a run knows the truth; NOTHING when that says nothing."""
        return NOTHING

    def iterate(self, site: Site) -> list[Value] | None:
        """The elements of `for x in self`, None when they are not known."""
        return None

    def truth(self, site: Site) -> bool | None:
        """`bool(self)`, None when it is not known."""
        return True

    def text(self, site: Site) -> Value:
        """`str(self)`."""
        return Undecided(f"{type(self).__name__} as text", site.span)


class _Nothing:
    """No value at all (an attribute that is not there); never seen by job code."""

    def __repr__(self) -> str:
        return "NOTHING"

    def __bool__(self) -> bool:
        return False


NOTHING = _Nothing()


@dataclass(eq=False, slots=True)
class Function:
    """A function of the job, with the scope it closes over. `owner` is the class it was defined in."""

    name: str
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
    scope: Scope
    defaults: dict[str, Value]
    file: str
    attributes: dict[str, Value] = field(default_factory=dict)
    owner: ClassValue | None = None
    generator: bool = False
    called: bool = False
    active: int = 0  # calls of it that are being read, one inside the other
    endless: bool = False  # its calls of itself have no end that the reader can see

    @property
    def span(self) -> Span:
        """Where it is defined."""
        return Span(self.file, self.node.lineno, self.node.end_lineno)


@dataclass(eq=False, slots=True)
class Bound:
    """A function or native with its receiver."""

    function: Value
    receiver: Value


@dataclass(eq=False, slots=True)
class ClassValue:
    """A class of the job. Bases that are not classes of the job are kept as they are."""

    name: str
    bases: list[Value]
    namespace: dict[str, Value]
    file: str
    fields: dict[str, Value] | None = None  # a dataclass: field -> default (NOTHING without one)

    def lineage(self) -> Iterator[ClassValue]:
        """This class and its bases in the order in which attributes are looked up (left to right, depth first)."""
        yield self
        for base in self.bases:
            if isinstance(base, ClassValue):
                yield from base.lineage()

    def find(self, name: str) -> Value:
        """An attribute of the class, NOTHING when there is none."""
        for cls in self.lineage():
            if name in cls.namespace:
                return cls.namespace[name]
        return NOTHING

    @property
    def strange_bases(self) -> list[Value]:
        """Bases that are not classes of the job."""
        return [b for c in self.lineage() for b in c.bases if not isinstance(b, ClassValue)]


@dataclass(eq=False, slots=True)
class Instance:
    """An object of a class of the job."""

    cls: ClassValue
    attributes: dict[str, Value] = field(default_factory=dict)


@dataclass(eq=False, slots=True)
class Property:
    """`@property`: its getter and, when there is one, its setter."""

    getter: Value
    setter: Value = None


@dataclass(eq=False, slots=True)
class ClassMethod:
    """`@classmethod` or, with `static`, `@staticmethod`."""

    function: Value
    static: bool = False


@dataclass(eq=False, slots=True)
class Super:
    """`super()`: where to go on looking, and for whom."""

    after: ClassValue
    receiver: Value


NativeBody: TypeAlias = Callable[..., Value]


@dataclass(eq=False, frozen=True, slots=True)
class Native:
    """A function that the reader knows. `body(site, [receiver,] *bound)` gets its arguments bound to `parameters`:
    `name` is required, `name=` may be absent (None), `*name` takes the rest as a list, `**name` as a dict.
    """

    name: str
    body: NativeBody
    parameters: tuple[str, ...] = ("*arguments", "**keywords")
    lift: bool = True  # called once for each option of a Choice among its arguments


@dataclass(eq=False)
class Module(Host):
    """A module: the members the reader knows, and what to say about others."""

    name: str
    members: Mapping[str, Value]
    other: Callable[[str, Site], Value] | None = None
    scope: Scope | None = None  # a project-local module

    def attribute(self, name: str, site: Site) -> Value:
        """A member; an unknown one is what `other` says, or a value that only a run can know."""
        found = self.members.get(name, NOTHING)
        if found is not NOTHING:
            return found
        if self.other is not None:
            return self.other(name, site)
        return Undecided(f"{self.name}.{name} is not known here", site.span)

    def set_attribute(self, name: str, value: Value, site: Site) -> None:
        """Job code may set a module's globals."""
        if isinstance(self.members, dict):
            self.members[name] = value


Handlers: TypeAlias = Mapping[str, Any]


class HoleDict(dict[Any, Value]):
    """A mapping of which other keys may be there at run time: asking for one gives a text with a named hole."""

    prefix: str = "args"

    def hole(self, key: str, span: Span | None) -> Partial:
        """The text under a key that is not known."""
        name = f"{self.prefix}.{key}"
        kind = "environment variable" if self.prefix == "env" else "job argument"
        return Partial(f"${{{name}}}", (Undecided(f"{kind} {key}", span, name),))
