"""Command lines: argparse and getopt, over the job arguments that are known."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tools.jobs.python.interpreter import Interpreter
from tools.jobs.python.library.tables import Passive, module, row
from tools.jobs.python.site import Arguments, Site
from tools.jobs.python.text import text_of
from tools.jobs.python.values import NOTHING, Bound, Host, Module, Native, OpenList, Partial, Undecided, Value


@dataclass
class Option:
    """One `add_argument`."""

    name: str
    spelled: str
    settings: dict[str, Value]


@dataclass(eq=False, slots=True)
class Parser(Host):
    """An ArgumentParser, or a group of one."""

    options: list[Option] = field(default_factory=list)

    def attribute(self, name: str, site: Site) -> Value:
        """`add_argument`, `parse_args`, groups."""
        found = _PARSER.get(name)
        if found is not None:
            return Bound(found, self)
        return Passive(name)


def _add(site: Site, parser: Parser, names: list[Value], settings: dict[str, Value]) -> Value:
    texts = [t for t in (text_of(n) for n in names) if t]
    if not texts:
        return None
    spelled = next((t for t in texts if t.startswith("--")), texts[0])
    destination = text_of(settings.get("dest")) or spelled.lstrip("-").replace("-", "_")
    site.interpreter.journal.touch(parser.options)
    parser.options.append(Option(destination, spelled.lstrip("-"), settings))
    return None


def _same(site: Site, parser: Parser, given: list[Value], keywords: dict[str, Value]) -> Value:
    return parser


def _parse(site: Site, parser: Parser, given: list[Value], keywords: dict[str, Value]) -> Value:
    values = {o.name: _value(o, site) for o in parser.options}
    return Namespace(values)


def _parse_known(site: Site, parser: Parser, given: list[Value], keywords: dict[str, Value]) -> Value:
    return (_parse(site, parser, given, keywords), OpenList([]))


def _value(option: Option, site: Site) -> Value:
    known = site.session.arguments
    for spelled in (option.name, option.spelled, option.name.replace("_", "-"), f"--{option.spelled}"):
        if spelled in known:
            return _converted(option, known[spelled], site)
    settings = option.settings
    action = text_of(settings.get("action"))
    if action in ("store_true", "store_false"):
        return (
            action == "store_false" if known else Undecided(f"job flag {option.name}", site.span, f"args.{option.name}")
        )
    varies = "choices" in settings and not known
    if "default" in settings and settings.get("required") is not True and not varies:
        return settings["default"]
    if known and settings.get("required") is not True and option.spelled != option.name and "default" not in settings:
        return None
    hole = f"args.{option.name}"
    if settings.get("nargs") in ("*", "+") or isinstance(settings.get("nargs"), int):
        return OpenList([Partial(f"${{{hole}}}", (Undecided(f"job argument {option.name}", site.span, hole),))])
    if settings.get("type") is not None and getattr(settings["type"], "name", "str") != "str":
        return Undecided(f"job argument {option.name}", site.span, hole)
    return Partial(f"${{{hole}}}", (Undecided(f"job argument {option.name}", site.span, hole),))


def _converted(option: Option, text: str, site: Site) -> Value:
    settings = option.settings
    if text_of(settings.get("action")) in ("store_true", "store_false"):
        return text_of(settings.get("action")) == "store_true"
    if settings.get("nargs") in ("*", "+"):
        return list(text.split())
    kind = settings.get("type")
    return site.call(kind, text) if kind is not None else text


@dataclass(eq=False, slots=True)
class Namespace(Host):
    """What `parse_args()` gives."""

    values: dict[str, Value]

    def attribute(self, name: str, site: Site) -> Value:
        """An argument."""
        if name in self.values:
            return self.values[name]
        if name == "__dict__":
            return self.values
        if name.startswith("__"):
            return NOTHING
        return Partial(f"${{args.{name}}}", (Undecided(f"job argument {name}", site.span, f"args.{name}"),))

    def set_attribute(self, name: str, value: Value, site: Site) -> None:
        """Scripts may overwrite an argument."""
        site.interpreter.journal.touch(self.values)
        self.values[name] = value

    def contains(self, element: Value, site: Site) -> Value:
        """`"x" in args`."""
        return text_of(element) in self.values


_PARSER: dict[str, Native] = {
    "add_argument": Native("add_argument", _add, ("self", "*names", "**settings")),
    "parse_args": Native("parse_args", _parse, ("self", "*given", "**keywords")),
    "parse_known_args": Native("parse_known_args", _parse_known, ("self", "*given", "**keywords")),
    "add_argument_group": Native("add_argument_group", _same, ("self", "*given", "**keywords")),
    "add_mutually_exclusive_group": Native("group", _same, ("self", "*given", "**keywords")),
    "add_subparsers": Native("add_subparsers", _same, ("self", "*given", "**keywords")),
    "add_parser": Native("add_parser", _same, ("self", "*given", "**keywords")),
}


def _make_parser(site: Site, given: list[Value], keywords: dict[str, Value]) -> Value:
    return Parser()


def _make_namespace(site: Site, given: list[Value], keywords: dict[str, Value]) -> Value:
    return Namespace(dict(keywords))


def _variables(site: Site, namespace: Value) -> Value:
    return namespace.values if isinstance(namespace, Namespace) else site.undecided("vars()")


MODULES: dict[str, Callable[[Interpreter], Module]] = {
    "argparse": module(
        "argparse",
        {
            **dict([row("ArgumentParser", _make_parser), row("Namespace", _make_namespace)]),
            "ArgumentDefaultsHelpFormatter": Passive("formatter"),
            "RawTextHelpFormatter": Passive("formatter"),
        },
    ),
}

__all__ = ["MODULES", "Arguments", "Namespace"]
