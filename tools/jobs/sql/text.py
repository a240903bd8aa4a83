"""SQL text to statements: splits a script, keeps line numbers, and carries template holes through the parser.

A hole (`${ds}`, `{{ var }}`, `:p`) outside a string becomes part of an identifier for the parser's sake and is turned
back into `${ds}` in every name afterwards, so a table `${db}.orders` stays a table with a part not known yet.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

__all__ = ["SqlTextError", "Statement", "parse_expression", "parse_statement", "split"]

# The parser logs a warning for each statement that it keeps as text; we report those ourselves, where people look.
logging.getLogger("sqlglot").setLevel(logging.ERROR)

_HOLE = re.compile(
    r"\$\{[^{}]*\}|\{\{.*?\}\}|\{%.*?%\}|(?<![:\w])[:@]\w+(?=\W|$)|%\(\w+\)s|<<\w+>>|\{[A-Za-z_][\w.]*\}"
)
_PLACEHOLDER = re.compile(r"__hole(\d+)__")
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_TOKEN = re.compile(
    r"(?P<hole>\{\{.*?\}\}|\{%.*?%\})|(?P<comment>--[^\n]*|/\*.*?\*/|(?<=\n)#[^\n]*)|"
    r"(?P<string>'(?:[^'\\]|''|\\.)*'|\"(?:[^\"]|\"\")*\"|`[^`]*`)|(?P<end>;)",
    re.S,
)


class SqlTextError(ValueError):
    """SQL text that does not parse; `line` is 1-based in the given text when known."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        self.reason, self.line = reason, line
        super().__init__(reason)


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement of a script: `line` is where it starts (1-based)."""

    text: str
    line: int


def split(script: str) -> Iterator[Statement]:
    """Cuts a script at the semicolons that end statements (not those in strings or comments)."""
    start = 0
    for token in _TOKEN.finditer(script):
        if token.lastgroup == "end":
            yield from _statement(script, start, token.start())
            start = token.end()
    yield from _statement(script, start, len(script))


def _statement(script: str, start: int, end: int) -> Iterator[Statement]:
    text = script[start:end]
    if without_comments(text).strip():
        lead = len(text) - len(text.lstrip())
        yield Statement(text.strip(), script.count("\n", 0, start + lead) + 1)


def without_comments(text: str) -> str:
    """The text with comments blanked, strings kept."""
    return _TOKEN.sub(lambda m: " " if m.lastgroup == "comment" else m.group(), text)


def parse_statement(text: str, dialect: str) -> exp.Expr:
    """Parses one statement; names get their holes back.

    Raises SqlTextError with the parser's reason and the line within `text`.
    """
    holes: list[str] = []
    masked = _mask(text, holes)
    try:
        tree = _parse_leniently(masked, dialect)
    except SqlTextError:
        # A hole may stand for a whole clause (`WHERE … ${extra_filter}`): read the rest without it.
        lone = re.sub(r"(?<=[\s(])__hole\d+__(?=[\s;)]|$)", " ", masked) if holes else masked
        if lone == masked:
            raise
        tree = _parse(lone, dialect)
    return _unmask(tree, holes) if holes else tree


def parse_expression(text: str, dialect: str) -> exp.Expr:
    """An unbound scalar expression, or an `exp.Alias`.

    Raises SqlTextError.
    """
    holes: list[str] = []
    masked = _mask(text, holes)
    select = _parse(f"SELECT {masked}", dialect)
    if not isinstance(select, exp.Select) or len(select.expressions) != 1 or select.args.get("from_"):
        raise SqlTextError(f"not one expression: {_short(text)}")
    return _unmask(select.expressions[0].pop(), holes)


def _parse_leniently(text: str, dialect: str) -> exp.Expr:
    """In the stated dialect, else in its neighbour's: scripts mix Hive's backticks and Trino's quotes."""
    try:
        return _parse(text, dialect)
    except SqlTextError:
        neighbour = _NEIGHBOURS.get(dialect)
        if neighbour is None:
            raise
        try:
            return _parse(text, neighbour)
        except SqlTextError:
            pass
        raise


_NEIGHBOURS = {"athena": "spark", "trino": "athena", "presto": "athena", "spark": "hive", "hive": "spark"}


def _parse(text: str, dialect: str) -> exp.Expr:
    try:
        trees = [t for t in sqlglot.parse(text, read=dialect) if t is not None]
    except SqlglotError as error:
        raise SqlTextError(*_reason(error)) from None
    except RecursionError:
        raise SqlTextError("nested too deeply to read") from None
    except Exception as error:  # noqa: BLE001 - the parser has bugs of its own on odd input; none may reach a user
        raise SqlTextError(f"the SQL parser failed on it ({type(error).__name__})") from None
    if len(trees) != 1:
        raise SqlTextError("not one statement")
    return trees[0]


def _reason(error: SqlglotError) -> tuple[str, int | None]:
    found = re.search(r"Line (\d+), Col: (\d+)", str(error))
    text = _ANSI.sub("", str(error)).split("\n", 1)[0].rstrip(". ")
    return f"the SQL does not parse: {text}", int(found[1]) if found else None


def _mask(text: str, holes: list[str]) -> str:
    def fill(match: re.Match[str]) -> str:
        holes.append(_canonical(match.group()))
        return f"__hole{len(holes) - 1}__"

    def outside(piece: str) -> str:
        return _HOLE.sub(fill, piece)

    out, at = [], 0
    for token in _TOKEN.finditer(text):
        if token.lastgroup in ("end", "hole") or token.group().startswith(('"', "`")):
            continue  # quoted identifiers may hold holes too
        out += [outside(text[at : token.start()]), token.group()]
        at = token.end()
    out.append(outside(text[at:]))
    return "".join(out)


def _canonical(hole: str) -> str:
    """Every spelling of a hole as `${name}`."""
    inner = re.sub(r"^(\$\{|\{\{|\{%|%\(|<<|\{|[:@])|(\}\}|%\}|\}|\)s|>>)$", "", hole).strip()
    quoted = re.findall(r"['\"]([^'\"]+)['\"]", inner)
    if re.match(r"(ref|source)\s*\(", inner) and quoted:
        return ".".join(quoted)  # dbt's ref() and source() name a table outright
    return "${" + re.sub(r"\s+", " ", inner) + "}"


def _unmask(tree: exp.Expr, holes: list[str]) -> exp.Expr:
    def back(text: str) -> str:
        return _PLACEHOLDER.sub(lambda m: holes[int(m[1])], text)

    for node in tree.find_all(exp.Identifier, exp.Literal, exp.Var):
        if isinstance(node.this, str) and "__hole" in node.this:
            node.set("this", back(node.this))
    return tree


def _short(text: str, size: int = 60) -> str:
    flat = " ".join(text.split())
    return flat if len(flat) <= size else f"{flat[: size - 1]}…"
