"""Texts of which only parts are known: how they are put together, cut and shown."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tools.jobs.python.values import Choice, Host, Partial, Undecided, Value

HOLE = re.compile(r"\$\{[^{}]*\}")
LONGEST = 1_000_000


def show(value: Value) -> Value:
    """`str(value)`: a text, a Partial, or something undecided when it cannot be shown."""
    if isinstance(value, str | Partial):
        return value
    if isinstance(value, Undecided):
        return Partial(f"${{{value.hole}}}", (value,))
    if value is None or isinstance(value, bool | int | float):
        return str(value) if not isinstance(value, int) or value.bit_length() < 4096 else Partial("${?}")
    if isinstance(value, list | tuple | dict | set) and _plain(value):
        return str(value)
    return Partial("${?}", (Undecided("a value that has no known text"),))


def _plain(value: Value, depth: int = 0) -> bool:
    if depth > 20:
        return False
    if isinstance(value, dict):
        return all(_plain(k, depth + 1) and _plain(v, depth + 1) for k, v in value.items())
    if isinstance(value, list | tuple | set):
        return all(_plain(v, depth + 1) for v in value)
    return value is None or isinstance(value, str | bool | int | float)


def concatenate(parts: Iterable[Value]) -> Value:
    """The texts one after the other. A Choice among them is kept out of here (it is lifted before)."""
    pieces: list[str] = []
    why: list[Undecided] = []
    partial = False
    for part in parts:
        shown = show(part)
        if isinstance(shown, Partial):
            partial = True
            why.extend(shown.why)
            pieces.append(shown.text)
        elif isinstance(shown, str):
            pieces.append(str(shown))
    text = "".join(pieces)
    if len(text) > LONGEST:
        return Undecided("a text of more than a million letters")
    return Partial(text, tuple(why)) if partial else text


def text_of(value: Value) -> str | None:
    """The text with its holes, for naming things; None when the value is no text at all."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Partial):
        return value.text
    if isinstance(value, Undecided):
        return f"${{{value.hole}}}"
    return None


def as_partial(value: Value) -> Partial | None:
    """A text value as a Partial (with no holes when it is fully known)."""
    if isinstance(value, Partial):
        return value
    if isinstance(value, str):
        return Partial(str(value))
    if isinstance(value, Undecided):
        return Partial(f"${{{value.hole}}}", (value,))
    return None


def known_outside_holes(text: str) -> list[tuple[str, bool]]:
    """The text in pieces: (piece, whether it is a hole)."""
    pieces: list[tuple[str, bool]] = []
    at = 0
    for hole in HOLE.finditer(text):
        if hole.start() > at:
            pieces.append((text[at : hole.start()], False))
        pieces.append((hole.group(0), True))
        at = hole.end()
    if at < len(text):
        pieces.append((text[at:], False))
    return pieces


def settled(partial: Partial) -> Value:
    """A plain text when no hole is left."""
    return partial if HOLE.search(partial.text) else partial.text


def is_text_like(value: Value) -> bool:
    """Whether a value is a text, known or not."""
    return isinstance(value, str | Partial)


def why_of(value: Value) -> tuple[Undecided, ...]:
    """What keeps a value from being known."""
    if isinstance(value, Partial):
        return value.why
    if isinstance(value, Undecided):
        return (value,)
    if isinstance(value, Choice):
        return tuple(w for o in value.options for w in why_of(o))
    return ()


def is_host(value: Value) -> bool:
    """Whether a value belongs to a host library."""
    return isinstance(value, Host)
