"""Where a library call happens, and what it was given: what every native function of the reader gets."""

from __future__ import annotations

import ast
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from tools.jobs.python.values import Located, OpenList, Undecided, Value
from tools.plan.base import Span, Unknown

if TYPE_CHECKING:
    from tools.jobs.python.interpreter import Interpreter
    from tools.jobs.session import Session

UnknownKind = Literal["read", "write", "column", "expression", "statement", "table"]


@dataclass
class Arguments:
    """What a call passes. `open` says that `*unknown` or `**unknown` may pass more."""

    positional: list[Value] = field(default_factory=list)
    keywords: dict[str, Value] = field(default_factory=dict)
    open: bool = False

    @property
    def all(self) -> list[Value]:
        """Every value passed."""
        return [*self.positional, *self.keywords.values()]


class Site:
    """The place of a call and the reader that came to it. Made for every evaluation, so its span is made when asked for."""

    __slots__ = ("_node", "_span", "file", "interpreter")

    def __init__(
        self, interpreter: Interpreter, span: Span | None, node: ast.AST | None = None, file: str = ""
    ) -> None:
        self.interpreter, self._span, self._node, self.file = interpreter, span, node, file

    @property
    def span(self) -> Span:
        """The place. Of a method call that is the line of the method's name, not of the chain's start."""
        if self._span is None:
            self._span = span_of(self._node, self.file)
        return self._span

    @property
    def session(self) -> Session:
        """The reading's shared state."""
        return self.interpreter.session

    def unknown(self, reason: str, kind: UnknownKind = "expression", name: str | None = None) -> None:
        """Reports something that could not be read."""
        self.session.unknown(Unknown(reason, self.span, kind, name))

    def undecided(self, reason: str, *inputs: Value, hole: str = "?") -> Undecided:
        """A value that only a run can know."""
        from tools.jobs.python.calls import hosts

        return Undecided(reason, self.span, hole, hosts(Arguments(list(inputs))))

    def call(self, function: Value, *positional: Value) -> Value:
        """Calls a value from native code (a callback)."""
        return self.interpreter.call(function, Arguments(list(positional)), self)

    def elements(self, value: Value) -> list[Value]:
        """The elements of an iterable; an OpenList of one sample when they are not known."""
        return self.interpreter.iterate(value, self)

    def at(self, value: Value) -> Site:
        """This site, at the place where a text constant is spelled when `value` is one."""
        return Site(self.interpreter, value.span) if isinstance(value, Located) else self

    def is_open(self, values: Value) -> bool:
        """Whether a collection may hold more than its known elements."""
        return isinstance(values, OpenList | Undecided)


def span_of(node: ast.AST | None, file: str) -> Span:
    """The lines of a node: of a method call, those from the method's name on."""
    line = getattr(node, "lineno", 1)
    end = getattr(node, "end_lineno", None) or line
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        line = node.func.end_lineno or line
    elif isinstance(node, ast.Attribute):
        line = node.end_lineno or line
    return Span(file, line, end)
