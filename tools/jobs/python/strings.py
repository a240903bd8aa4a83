"""Methods and formatting of texts, known or partly known. A hole `${name}` stays in one piece whatever is done."""

from __future__ import annotations

import re
import string
from collections.abc import Callable
from typing import Any

from tools.jobs.python.site import Arguments, Site
from tools.jobs.python.text import (
    HOLE,
    LONGEST,
    as_partial,
    concatenate,
    known_outside_holes,
    settled,
    show,
)
from tools.jobs.python.values import NOTHING, Located, OpenList, Partial, Undecided, Value

_CONVERSION = re.compile(r"%(?:\((?P<key>[^)]*)\))?(?P<flags>[-+ #0]*)(?P<width>\d+|\*)?(?:\.\d+)?(?P<type>[a-zA-Z%])")
_PLAIN = frozenset(
    "capitalize casefold count endswith find index isalnum isalpha isdecimal isdigit isidentifier islower isnumeric "
    "isspace istitle isupper lower lstrip partition removeprefix removesuffix replace rfind rindex rpartition rsplit "
    "rstrip split splitlines startswith strip swapcase title upper encode".split()
)
_PADDING = frozenset(("ljust", "rjust", "center", "zfill", "expandtabs"))
_KEEP_HOLES = frozenset(("upper", "lower", "title", "capitalize", "casefold", "swapcase"))


def string_method(text: str | Partial, name: str, arguments: Arguments, site: Site) -> Value:
    """Calls a text's method. A method that is not known here gives an undecided value."""
    special = _SPECIAL.get(name)
    if special is not None:
        return special(text, arguments, site)
    if isinstance(text, Partial):
        return _of_partial(text, name, arguments, site)
    if name in _PLAIN or name in _PADDING:
        return _of_text(str(text), name, arguments, site)
    return site.undecided(f"str.{name} is not known here")


def _of_text(text: str, name: str, arguments: Arguments, site: Site) -> Value:
    given = arguments.positional
    if any(isinstance(a, Undecided | Partial) for a in arguments.all):
        return _with_unknown_arguments(text, name, arguments, site)
    if name in _PADDING and any(isinstance(a, int) and a > LONGEST for a in given):
        return site.undecided("a text of more than a million letters")
    if name == "replace" and len(given) >= 2 and len(text) * max(len(str(given[1])), 1) > 50 * LONGEST:
        return site.undecided("a text of more than a million letters")
    try:
        return getattr(text, name)(*given, **arguments.keywords)
    except (TypeError, ValueError, LookupError, AttributeError) as error:
        return site.undecided(f"str.{name}: {error}")


def _with_unknown_arguments(text: str, name: str, arguments: Arguments, site: Site) -> Value:
    if name == "replace" and len(arguments.positional) >= 2:
        old, new = arguments.positional[:2]
        if isinstance(old, str) and isinstance(new, Partial | Undecided):
            shown = as_partial(new)
            assert shown is not None
            return settled(Partial(text.replace(old, shown.text), shown.why)) if old else text
    return site.undecided(f"str.{name} with a value known only at run time")


def _of_partial(text: Partial, name: str, arguments: Arguments, site: Site) -> Value:
    given = arguments.positional
    if name in _KEEP_HOLES:
        return Partial(
            "".join(p if hole else getattr(p, name)() for p, hole in known_outside_holes(text.text)), text.why
        )
    if name in ("strip", "lstrip", "rstrip", "removeprefix", "removesuffix", "encode", "decode", "zfill"):
        return _trimmed(text, name, given)
    if name == "replace" and len(given) >= 2 and isinstance(given[0], str) and given[0]:
        return _replaced(text, str(given[0]), given[1])
    if name in ("split", "rsplit", "splitlines"):
        return _split(text, name, given)
    if name in ("startswith", "endswith") and given and isinstance(given[0], str):
        return _edge(text, name, str(given[0]), site)
    if name in ("partition", "rpartition"):
        pieces = _split(text, name.replace("partition", "split"), [*given[:1], 1])
        if len(pieces) == 2 and given:
            return (pieces[0], given[0], pieces[1])
    return Undecided(f"str.{name} of a text known only at run time", site.span, key=(name, text.text, str(given)))


def _trimmed(text: Partial, name: str, given: list[Value]) -> Value:
    pieces = known_outside_holes(text.text)
    known = [g for g in given if isinstance(g, str)] if name not in ("encode", "decode", "zfill") else []
    if name in ("encode", "decode", "zfill") or not pieces:
        return text
    if name in ("strip", "lstrip", "removeprefix") and not pieces[0][1]:
        step = "lstrip" if name == "strip" else name
        pieces[0] = (getattr(pieces[0][0], step)(*known), False)
    if name in ("strip", "rstrip", "removesuffix") and not pieces[-1][1]:
        step = "rstrip" if name == "strip" else name
        pieces[-1] = (getattr(pieces[-1][0], step)(*known), False)
    return Partial("".join(p for p, _ in pieces), text.why)


def _replaced(text: Partial, old: str, new: Value) -> Value:
    shown = as_partial(new)
    if shown is None:
        return text
    pieces = [p if hole else p.replace(old, shown.text) for p, hole in known_outside_holes(text.text)]
    return settled(Partial("".join(pieces), (*text.why, *shown.why)))


def _split(text: Partial, name: str, given: list[Value]) -> OpenList:
    separator = str(given[0]) if given and isinstance(given[0], str) else None
    most = given[1] if len(given) > 1 and isinstance(given[1], int) else -1
    if HOLE.fullmatch(text.text):  # an argument that holds a list: one of its parts, which is no argument itself
        return OpenList([Partial(f"{text.text[:-1]}[]}}", text.why)])
    holes = HOLE.findall(text.text)
    masked = HOLE.sub("\x00", text.text)
    if name == "splitlines":
        cut = masked.splitlines()
    else:
        cut = masked.rsplit(separator, most) if name == "rsplit" else masked.split(separator, most)
    left = iter(holes)
    restored = [re.sub("\x00", lambda _: next(left), piece) for piece in cut]
    return OpenList(settled(Partial(piece, text.why)) for piece in restored)


def _edge(text: Partial, name: str, affix: str, site: Site) -> Value:
    pieces = known_outside_holes(text.text)
    piece, hole = pieces[0] if name == "startswith" else pieces[-1]
    if not hole:
        if len(piece) >= len(affix):
            return bool(getattr(piece, name)(affix))
        overlap = affix.startswith(piece) if name == "startswith" else affix.endswith(piece)
        if not overlap:
            return False
    return Undecided(f"whether a text known only at run time {name} it", site.span, key=(name, text.text, affix))


# --------------------------------------------------------------------------- putting texts together


def _join(text: str | Partial, arguments: Arguments, site: Site) -> Value:
    if not arguments.positional:
        return site.undecided("str.join")
    elements = site.elements(arguments.positional[0])
    parts: list[Value] = []
    for element in elements:
        if parts:
            parts.append(text)
        parts.append(element)
    joined = concatenate(parts)
    if site.is_open(arguments.positional[0]) and not isinstance(joined, Partial):
        return Partial("${?}", (site.undecided("a joined list whose elements are not all known"),))
    return joined


def _format(text: str | Partial, arguments: Arguments, site: Site) -> Value:
    if isinstance(text, Partial):
        return _format_partial(text, arguments, site)
    try:
        pieces = list(string.Formatter().parse(str(text)))
    except ValueError as error:
        return site.undecided(f"str.format: {error}")
    parts: list[Value] = []
    automatic = iter(range(len(pieces)))
    for literal, field_name, specification, conversion in pieces:
        parts.append(literal)
        if field_name is not None:
            value = _field(field_name, arguments, automatic, site)
            parts.append(formatted(value, specification or "", conversion, site))
    return concatenate(parts)


def _format_partial(text: Partial, arguments: Arguments, site: Site) -> Value:
    masked, holes = HOLE.sub("\x00", text.text), iter(HOLE.findall(text.text))
    done = as_partial(_format(masked, arguments, site))
    if done is None:
        return site.undecided("str.format of a text known only at run time")
    return Partial(re.sub("\x00", lambda _: next(holes), done.text), (*text.why, *done.why))


def _field(name: str, arguments: Arguments, automatic: Any, site: Site) -> Value:
    head = re.match(r"[^.\[]*", name)
    first = head.group(0) if head else name
    if first == "":
        first = str(next(automatic))
    value: Value = NOTHING
    if first.isdigit():
        if int(first) < len(arguments.positional):
            value = arguments.positional[int(first)]
    else:
        value = arguments.keywords.get(first, NOTHING)
    if value is NOTHING:
        return site.undecided(f"field {{{name}}} of a format")
    for attribute, key in re.findall(r"\.(\w+)|\[([^\]]*)\]", name):
        if attribute:
            value = site.interpreter.attribute(value, attribute, site)
        else:
            value = site.interpreter.item(value, int(key) if key.isdigit() else key, site)
    return value


def formatted(value: Value, specification: str, conversion: str | None, site: Site) -> Value:
    """One field of an f-string or `format`: with a specification only when it can be computed safely."""
    if conversion in ("r", "a") and isinstance(value, str):
        value = repr(str(value))
    if not specification or not isinstance(value, str | int | float):
        return site.interpreter.show(value, site)
    width = re.search(r"\d+", specification)
    if width and int(width.group(0)) > 1000:
        return site.undecided("a text of more than a million letters")
    try:
        return format(value if not isinstance(value, Located) else str(value), specification)
    except (ValueError, TypeError):
        return show(value)


def percent_format(text: Value, values: Value, site: Site) -> Value:
    """`text % values`."""
    partial = as_partial(text)
    assert partial is not None
    given = list(values) if isinstance(values, tuple) else [values]
    parts: list[Value] = []
    at, taken = 0, 0
    for found in _CONVERSION.finditer(partial.text):
        parts.append(partial.text[at : found.start()])
        at = found.end()
        if found.group("type") == "%":
            parts.append("%")
        elif found.group("key") is not None and isinstance(values, dict):
            parts.append(site.interpreter.show(values.get(found.group("key"), site.undecided("a key")), site))
        else:
            value = given[taken] if taken < len(given) else site.undecided("a value of a % format")
            parts.append(_percent(value, found, site))
            taken += 1
    parts.append(partial.text[at:])
    done = concatenate(parts)
    if isinstance(text, Partial) and isinstance(done, str):
        return settled(Partial(done, text.why))
    return done


def _percent(value: Value, found: re.Match[str], site: Site) -> Value:
    kind, width = found.group("type"), found.group("width") or "0"
    if kind in "dixfeg" and isinstance(value, int | float) and width.isdigit() and int(width) < 1000:
        try:
            return found.group(0) % value
        except (TypeError, ValueError, OverflowError):
            return show(value)
    return site.interpreter.show(value, site)


def _format_map(text: str | Partial, arguments: Arguments, site: Site) -> Value:
    mapping = arguments.positional[0] if arguments.positional else None
    keywords = {str(k): v for k, v in mapping.items()} if isinstance(mapping, dict) else {}
    return _format(text, Arguments([], keywords), site)


def _undecodable(text: str | Partial, arguments: Arguments, site: Site) -> Value:
    return text


_SPECIAL: dict[str, Callable[[str | Partial, Arguments, Site], Value]] = {
    "join": _join,
    "format": _format,
    "format_map": _format_map,
    "decode": _undecodable,
}
