"""From text to a syntax tree, whatever the text is. This is all that ever happens to job code: it is parsed."""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from tools.jobs.session import Session
from tools.plan.base import Span, Unknown

LONGEST = 20_000_000
_RECURSION = 12_000
_PYTHON2 = re.compile(
    r"^\s*(print\s+[^\s(=.,\[]|exec\s+['\"a-z]|except\s+[\w.()]+\s*,\s*\w+\s*:|raise\s+\w+\s*,)", re.M
)


@contextmanager
def room_to_recurse() -> Iterator[None]:
    """Python's default recursion limit is below what long method chains need."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(max(before, _RECURSION))
    try:
        yield
    finally:
        sys.setrecursionlimit(before)


def parse(text: str, file: str, session: Session) -> ast.Module | None:
    """The syntax tree, or None after reporting why there is none."""
    if len(text) > LONGEST:
        session.unknown(Unknown("the script is too long to be read", Span(file, 1), "statement"))
        return None
    text = text.removeprefix("\ufeff")
    try:
        return _tree(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        cleaned = _without_magics(text, file, session)
    try:
        return _tree(cleaned)
    except SyntaxError as error:
        session.unknown(Unknown(_why(error, cleaned), Span(file, error.lineno or 1), "statement"))
    except (RecursionError, MemoryError):
        session.unknown(Unknown("the script is nested too deeply to be parsed", Span(file, 1), "statement"))
    except ValueError as error:
        session.unknown(Unknown(f"not Python: {error}", Span(file, 1), "statement"))
    return None


def _tree(text: str) -> ast.Module:
    with warnings.catch_warnings(), room_to_recurse():
        warnings.simplefilter("ignore")
        return ast.parse(text)


def _without_magics(text: str, file: str, session: Session) -> str:
    """Notebook lines (`%idle_timeout`, `!pip`) become blank; a cell of another language is reported."""
    lines = text.split("\n")
    for index, line in enumerate(lines):
        if not line.startswith(("%", "!")):
            continue
        if line.startswith("%%"):
            session.unknown(Unknown(f"a cell of another language: {line[:40]}", Span(file, index + 1), "statement"))
        lines[index] = ""
    return "\n".join(lines)


def _why(error: SyntaxError, text: str) -> str:
    if _PYTHON2.search(text):
        return "Python 2 syntax is not read"
    return f"not valid Python: {error.msg}"
