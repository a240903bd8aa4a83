"""Names of a running piece of code: function, class body or module, and what encloses it."""

from __future__ import annotations

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from tools.jobs.python.values import NOTHING, Value

if TYPE_CHECKING:
    from tools.jobs.python.values import ClassValue, Module


@dataclass(eq=False, slots=True)
class Scope:
    """One level of names.

    Args:
        file: the file whose code runs here.
        parent: the enclosing function's or the module's scope.
        owner: the class whose method runs here, for `super()`.
        receiver: that method's first argument.
    """

    file: str
    parent: Scope | None = None
    names: dict[str, Value] = field(default_factory=dict)
    is_class: bool = False
    owner: ClassValue | None = None
    receiver: Value = NOTHING
    elsewhere: dict[str, Scope] = field(default_factory=dict)  # `global` and `nonlocal`
    open_imports: list[Module] = field(default_factory=list)  # `from m import *` of modules with unlisted names
    maybe_returned: list[tuple[Hashable, int, Value]] = field(default_factory=list)
    yielded: list[Value] = field(default_factory=list)

    @property
    def module(self) -> Scope:
        """The module's scope."""
        scope = self
        while scope.parent is not None:
            scope = scope.parent
        return scope

    def home_of(self, name: str) -> Scope:
        """The scope in which an assignment to `name` lands."""
        return self.elsewhere.get(name, self)

    def look_up(self, name: str) -> Value:
        """The value of a name, NOTHING when it has none. Class scopes are not seen from the functions in them."""
        scope: Scope | None = self.home_of(name)
        first = True
        while scope is not None:
            if (first or not scope.is_class) and name in scope.names:
                return scope.names[name]
            scope, first = scope.parent, False
        return NOTHING

    def enclosing_with(self, name: str) -> Scope | None:
        """The nearest enclosing function scope that has the name."""
        scope = self.parent
        while scope is not None and scope.parent is not None:
            if name in scope.names and not scope.is_class:
                return scope
            scope = scope.parent
        return None
