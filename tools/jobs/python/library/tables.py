"""Small helpers that put modules together from tables of natives."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tools.jobs.python.interpreter import Interpreter
from tools.jobs.python.site import Arguments, Site
from tools.jobs.python.values import Host, Module, Native, Undecided, Value

Body = Callable[..., Value]


def module(name: str, members: Mapping[str, Value], *, lenient: bool = True) -> Callable[[Interpreter], Module]:
    """A loader for a module with these members; others are values that only a run knows."""
    return lambda interpreter: Module(name, members)


def row(name: str, body: Body, *parameters: str, lift: bool = True) -> tuple[str, Native]:
    """A native with its name."""
    return name, Native(name, body, parameters or ("*arguments", "**keywords"), lift)


def nothing(site: Site, given: list[Value], keywords: dict[str, Value]) -> Value:
    """Does nothing."""
    return None


def handed_on(site: Site, given: list[Value], keywords: dict[str, Value]) -> Value:
    """Gives back its first argument."""
    return given[0] if given else None


def runtime(what: str, hole: str = "?") -> Body:
    """A body whose answer only a run knows."""

    def body(site: Site, given: list[Value], keywords: dict[str, Value]) -> Value:
        return Undecided(what, site.span, hole)

    return body


class Passive(Host):
    """A thing whose methods and attributes move no data and say nothing."""

    __slots__ = ("answer", "name")

    def __init__(self, name: str, answer: Value = None) -> None:
        self.name, self.answer = name, answer

    def attribute(self, name: str, site: Site) -> Value:
        """More of the same."""
        return Passive(f"{self.name}.{name}", self.answer)

    def call(self, arguments: Arguments, site: Site) -> Value:
        """The one answer. A function handed over as a decorator's argument comes back."""
        return Passive(f"{self.name}()", self.answer) if self.answer is None else self.answer

    def item(self, key: Value, site: Site) -> Value:
        """`Optional[str]`."""
        return self


class Runtime(Host):
    """A thing outside the job (a client, a random generator): answers are known only at run time."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def attribute(self, name: str, site: Site) -> Value:
        """A method of it."""
        return Runtime(f"{self.name}.{name}")

    def call(self, arguments: Arguments, site: Site) -> Value:
        """An answer that only a run knows, with whatever frames went in; functions handed over are read once."""
        from tools.jobs.python.calls import call_unreadable

        return call_unreadable(
            site.interpreter, Undecided(f"{self.name}(…) answers at run time", site.span), arguments, site
        )

    def item(self, key: Value, site: Site) -> Value:
        """An element of it."""
        return Undecided(f"{self.name} answers at run time", site.span)

    def truth(self, site: Site) -> bool | None:
        """Not known."""
        return None

    def text(self, site: Site) -> Value:
        """Not known."""
        return Undecided(f"{self.name} is known only at run time", site.span)
