"""json, yaml, re, string, configparser, urllib.parse: texts that carry structure, read when the text is known."""

from __future__ import annotations

import configparser
import json
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlparse

import yaml

from tools.jobs.python.interpreter import Interpreter
from tools.jobs.python.library.tables import Runtime, module, row, runtime
from tools.jobs.python.site import Arguments, Site
from tools.jobs.python.strings import string_method
from tools.jobs.python.text import concatenate, known_outside_holes
from tools.jobs.python.values import NOTHING, Host, Module, Native, OpenList, Partial, Undecided, Value

LONGEST = 2_000_000


def _parsed(parser: Callable[[str], Any]) -> Callable[..., Value]:
    def load(site: Site, text: Value, given: list[Value], keywords: dict[str, Value]) -> Value:
        if not isinstance(text, str) or len(text) > LONGEST:
            hole = text.text[2:-1] if isinstance(text, Partial) and re.fullmatch(r"\$\{[^{}]*\}", text.text) else "?"
            reason = text.reason if isinstance(text, Undecided) else "a text known only at run time"
            return Undecided(reason, site.span, hole)
        try:
            return _plain(parser(str(text)), 0)
        except (ValueError, yaml.YAMLError, RecursionError) as error:
            return site.undecided(f"a text that does not parse: {type(error).__name__}")

    return load


def _plain(value: Any, depth: int) -> Value:
    """Only what JSON has; dates and other things that YAML makes are shown as text."""
    if depth > 100:
        return None
    if isinstance(value, dict):
        return {
            k if isinstance(k, str | int | float | bool | None) else str(k): _plain(v, depth + 1)
            for k, v in value.items()
        }
    if isinstance(value, list):
        return [_plain(v, depth + 1) for v in value]
    return value if isinstance(value, str | int | float | bool | None) else str(value)


class _Loader(yaml.SafeLoader):
    """YAML without aliases: a few lines of them could describe a structure larger than memory."""

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Refuses aliases."""
        if self.check_event(yaml.events.AliasEvent):
            raise yaml.YAMLError("aliases are not read")
        return super().compose_node(parent, index)


def _yaml(text: str) -> Any:
    return yaml.load(text, Loader=_Loader)  # noqa: S506  a SafeLoader's subclass


def _dumped(site: Site, value: Value, given: list[Value], keywords: dict[str, Value]) -> Value:
    try:
        return json.dumps(value)
    except (TypeError, ValueError, RecursionError):
        return site.undecided("a structure as text")


# --------------------------------------------------------------------------- regular expressions


def _safe(pattern: Value) -> re.Pattern[str] | None:
    """A pattern that cannot take long: short, and without nested repetition."""
    if not isinstance(pattern, str) or len(pattern) > 200 or re.search(r"[*+}][^|()]*\)[*+{]", pattern):
        return None
    try:
        return re.compile(str(pattern))
    except (re.error, RecursionError, OverflowError):
        return None


def _substituted(
    site: Site, pattern: Value, replacement: Value, text: Value, given: list[Value], keywords: dict[str, Value]
) -> Value:
    compiled = _safe(pattern)
    if compiled is None or not isinstance(replacement, str):
        return text if not isinstance(text, str) else site.undecided("a text made by a pattern")
    try:
        if isinstance(text, str) and len(text) < 10_000:
            return compiled.sub(str(replacement), text)
        if isinstance(text, Partial):
            pieces = known_outside_holes(text.text)
            return Partial("".join(p if hole else compiled.sub(str(replacement), p) for p, hole in pieces), text.why)
    except (re.error, IndexError):
        return site.undecided("a text made by a pattern")
    return text


def _matched(how: str) -> Callable[..., Value]:
    def call(site: Site, pattern: Value, text: Value, given: list[Value], keywords: dict[str, Value]) -> Value:
        compiled = _safe(pattern)
        if compiled is None or not isinstance(text, str) or len(text) > 10_000:
            return site.undecided("whether a text fits a pattern")
        found = getattr(compiled, how)(str(text))
        return Match(found) if found is not None else None

    return call


def _found_all(site: Site, pattern: Value, text: Value, given: list[Value], keywords: dict[str, Value]) -> Value:
    compiled = _safe(pattern)
    if compiled is None or not isinstance(text, str) or len(text) > 10_000:
        return OpenList([site.undecided("a part of a text that fits a pattern")])
    return list(compiled.findall(str(text)))


def _split(site: Site, pattern: Value, text: Value, given: list[Value], keywords: dict[str, Value]) -> Value:
    compiled = _safe(pattern)
    if compiled is None or not isinstance(text, str) or len(text) > 10_000:
        return OpenList([site.undecided("a part of a text")])
    return list(compiled.split(str(text)))


class Match(Host):
    """A match of a known text."""

    __slots__ = ("found",)

    def __init__(self, found: re.Match[str]) -> None:
        self.found = found

    def attribute(self, name: str, site: Site) -> Value:
        """`group`, `groups`, `groupdict`."""
        if name in ("group", "groups", "groupdict", "start", "end", "span"):
            return Native(name, lambda site, given, keywords: getattr(self.found, name)(*given))
        return NOTHING

    def item(self, key: Value, site: Site) -> Value:
        """`match[1]`."""
        return self.found[key] if isinstance(key, int | str) else site.undecided("a group")


class Pattern(Host):
    """A compiled pattern."""

    __slots__ = ("pattern",)

    def __init__(self, pattern: Value) -> None:
        self.pattern = pattern

    def attribute(self, name: str, site: Site) -> Value:
        """The functions of `re`, with the pattern filled in."""
        function = _RE.get(name)
        if function is None:
            return NOTHING
        return Native(name, lambda site, given, keywords: site.call(function, self.pattern, *given))


def _compiled(site: Site, pattern: Value, given: list[Value], keywords: dict[str, Value]) -> Value:
    return Pattern(pattern)


_RE: dict[str, Native] = dict(
    [
        row("sub", _substituted, "pattern", "repl", "string", "*given", "**keywords"),
        row("match", _matched("match"), "pattern", "string", "*given", "**keywords"),
        row("search", _matched("search"), "pattern", "string", "*given", "**keywords"),
        row("fullmatch", _matched("fullmatch"), "pattern", "string", "*given", "**keywords"),
        row("findall", _found_all, "pattern", "string", "*given", "**keywords"),
        row("split", _split, "pattern", "string", "*given", "**keywords"),
        row("compile", _compiled, "pattern", "*given", "**keywords"),
    ]
)


# --------------------------------------------------------------------------- templates, config files, addresses


class Template(Host):
    """`string.Template`."""

    __slots__ = ("template",)

    def __init__(self, template: Value) -> None:
        self.template = template

    def attribute(self, name: str, site: Site) -> Value:
        """`substitute`."""
        if name in ("substitute", "safe_substitute"):
            return Native(name, lambda site, given, keywords: self._filled(given, keywords, site))
        return self.template if name == "template" else NOTHING

    def _filled(self, given: list[Value], keywords: dict[str, Value], site: Site) -> Value:
        if not isinstance(self.template, str):
            return site.undecided("a template known only at run time")
        values = {**(given[0] if given and isinstance(given[0], dict) else {}), **keywords}
        parts: list[Value] = []
        at = 0
        for found in re.finditer(r"\$(?:\{(\w+)\}|(\w+)|(\$))", self.template):
            parts.append(self.template[at : found.start()])
            at = found.end()
            name = found.group(1) or found.group(2)
            parts.append("$" if found.group(3) else values.get(name, site.undecided(f"${name}", hole=str(name))))
        parts.append(self.template[at:])
        return site.interpreter.lift(parts, concatenate, site)


class Config(Host):
    """`configparser.ConfigParser()`: filled from texts that the script holds; files are known only at run time."""

    __slots__ = ("sections",)

    def __init__(self) -> None:
        self.sections: dict[str, dict[str, Value]] = {}

    def attribute(self, name: str, site: Site) -> Value:
        """`read_string`, `get`, `sections`."""
        if name == "read_string":
            return Native(name, lambda site, text: self._read(text), ("text",))
        if name in ("get", "getint", "getboolean", "getfloat"):
            return Native(
                name, lambda site, section, option, rest, kw: self._get(section, option, site), ("s", "o", "*r", "**k")
            )
        if name == "sections":
            return Native(name, lambda site, given, keywords: list(self.sections) or site.undecided("sections"))
        if name in ("read", "read_file", "optionxform"):
            return Native(name, lambda site, given, keywords: None)
        return Native(name, lambda site, given, keywords: site.undecided("a configuration"))

    def _read(self, text: Value) -> Value:
        if isinstance(text, str) and len(text) < LONGEST:
            parser = configparser.ConfigParser(interpolation=None)
            try:
                parser.read_string(str(text))
            except configparser.Error:
                return None
            self.sections = {s: dict(parser[s].items()) for s in parser.sections()}
        return None

    def _get(self, section: Value, option: Value, site: Site) -> Value:
        found = self.sections.get(str(section), {}).get(str(option).lower())
        return found if found is not None else site.undecided("a configuration file", hole=f"config.{option}")

    def item(self, key: Value, site: Site) -> Value:
        """A section."""
        if str(key) in self.sections:
            return self.sections[str(key)]
        from tools.jobs.python.values import HoleDict

        made = HoleDict()
        made.prefix = "config"
        return made


def _make_config(site: Site, given: list[Value], keywords: dict[str, Value]) -> Value:
    return Config()


def _parsed_url(site: Site, url: Value) -> Value:
    if isinstance(url, str):
        try:
            parts = urlparse(str(url))
        except ValueError:
            return site.undecided("parts of an address")
        return Address(parts.scheme, parts.netloc, parts.path)
    if isinstance(url, Partial) and "://" in url.text:
        scheme, _, rest = url.text.partition("://")
        host, slash, path = rest.partition("/")
        return Address(scheme, _text(host, url), _text(slash + path, url))
    return site.undecided("parts of an address")


def _text(piece: str, source: Partial) -> Value:
    return Partial(piece, source.why) if "${" in piece else piece


class Address(Host):
    """`urlparse(…)`."""

    __slots__ = ("host", "path", "scheme")

    def __init__(self, scheme: str, host: Value, path: Value) -> None:
        self.scheme, self.host, self.path = scheme, host, path

    def attribute(self, name: str, site: Site) -> Value:
        """Its parts."""
        parts = {"scheme": self.scheme, "netloc": self.host, "hostname": self.host, "path": self.path}
        return parts.get(name, "" if name in ("query", "fragment", "params") else NOTHING)


def _method(name: str) -> Callable[..., Value]:
    def call(site: Site, text: Value, given: list[Value], keywords: dict[str, Value]) -> Value:
        if isinstance(text, str | Partial):
            return string_method(text, name, Arguments(given, keywords), site)
        return site.undecided("a text known only at run time")

    return call


def _dedent(site: Site, text: Value) -> Value:
    import textwrap

    return textwrap.dedent(text) if isinstance(text, str) else text


MODULES: dict[str, Callable[[Interpreter], Module]] = {
    "json": module(
        "json",
        dict(
            [
                row("loads", _parsed(json.loads), "text", "*given", "**keywords"),
                row("load", runtime("a file that is read at run time")),
                row("dumps", _dumped, "value", "*given", "**keywords"),
                row("dump", runtime("a file")),
            ]
        ),
    ),
    "yaml": module(
        "yaml",
        {
            **dict(
                row(name, _parsed(_yaml), "text", "*given", "**keywords")
                for name in ("safe_load", "load", "full_load", "unsafe_load")
            ),
            "SafeLoader": Runtime("yaml.SafeLoader"),
        },
    ),
    "ast": module("ast", dict([row("literal_eval", _parsed(json.loads), "text", "*given", "**keywords")])),
    "re": module("re", {**_RE, **dict.fromkeys(("IGNORECASE", "I", "M", "MULTILINE", "S", "DOTALL", "X"), 0)}),
    "string": module("string", {"Template": Native("Template", lambda site, text: Template(text), ("template",))}),
    "configparser": module(
        "configparser", dict([row("ConfigParser", _make_config), row("RawConfigParser", _make_config)])
    ),
    "urllib.parse": module(
        "urllib.parse", dict([row("urlparse", _parsed_url, "url"), row("urlsplit", _parsed_url, "url")])
    ),
    "textwrap": module(
        "textwrap", dict([row("dedent", _dedent, "text"), row("indent", _method("strip"), "text", "*g", "**k")])
    ),
}
