"""A document cut into chunks: one for each heading, long ones at blank lines. Each knows its file, line and headings.

Markdown is read by its syntax (a `#` inside a code block is no heading), HTML by its tags, anything else as plain text.
Texts are data: nothing in them is followed, and comments and scripts of HTML are left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import PurePosixPath

__all__ = ["SUFFIXES", "Chunk", "chunks", "kinds_in"]

SUFFIXES = (".md", ".markdown", ".txt", ".rst", ".html", ".htm", ".yaml", ".yml")
"""Files that are read as documents."""

_LONGEST = 1_000  # characters; the encoder reads 256 word pieces, which is about this much
_DATE = re.compile(r"(?<!\d)(20\d\d)[-_](0[1-9]|1[0-2])[-_](0[1-9]|[12]\d|3[01])(?!\d)")
_KINDS = (
    ("incident", re.compile(r"incident|post.?mortem|outage", re.I)),
    ("runbook", re.compile(r"runbook|playbook", re.I)),
    ("decision", re.compile(r"(?:^|[/_\- ])adr(?:[/_\- \d]|$)|decision", re.I)),
    ("report", re.compile(r"report", re.I)),
    ("contract", re.compile(r"contract", re.I)),
)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of a document.

    Attributes:
        path: the file, as the lake names it.
        line: its first line, from 1.
        headings: the headings above it, outermost first.
        kind: incident, runbook, decision, report, contract or document; from the file's name, else its title.
        date: YYYY-MM-DD from the file's name, else the first one in its first lines; None when there is none.
    """

    path: str
    line: int
    headings: tuple[str, ...]
    text: str
    kind: str = "document"
    date: str | None = None

    @property
    def embedded(self) -> str:
        """What its vector is made of: the headings give a short paragraph its subject."""
        return "\n".join((" > ".join(self.headings), self.text)).strip()


def chunks(path: str, text: str) -> list[Chunk]:
    """The chunks of one document, in order. Never raises for any text."""
    suffix = PurePosixPath(path).suffix.lower()
    if suffix in (".html", ".htm"):
        sections = list(_html(text))
    elif suffix in (".md", ".markdown"):
        sections = list(_markdown(text))
    else:
        sections = [_Section((), 1, text.splitlines())]
    titled = next((s.headings[0] for s in sections if s.headings), "")
    kind, date = _kind(path, titled), _date(path, text)
    return [
        Chunk(path, line, section.headings, piece, kind, date)
        for section in sections
        for line, piece in section.pieces()
    ]


@dataclass(frozen=True, slots=True)
class _Section:
    """Lines below one heading; `line` is the number of the first of them."""

    headings: tuple[str, ...]
    line: int
    lines: Sequence[str]

    def pieces(self) -> Iterator[tuple[int, str]]:
        """Runs of paragraphs of bounded length, each with its first line; none for a heading with nothing below it."""
        first, held = self.line, list[str]()
        for number, line in enumerate(self.lines, self.line):
            size = sum(map(len, held))
            if held and (size > 2 * _LONGEST or (size > _LONGEST and not line.strip())):
                yield from _piece(first, held)
                first, held = number, []
            held.append(line)
        yield from _piece(first, held)


def _piece(line: int, lines: Sequence[str]) -> Iterator[tuple[int, str]]:
    blank = next((i for i, text in enumerate(lines) if text.strip()), None)
    if blank is not None:
        yield line + blank, "\n".join(lines[blank:]).rstrip()


def _markdown(text: str) -> Iterator[_Section]:
    from markdown_it import MarkdownIt

    lines = text.splitlines()
    trail: list[tuple[int, str]] = []
    start = 0
    tokens = MarkdownIt("commonmark").parse(text)
    for i, token in enumerate(tokens):
        if token.type != "heading_open" or token.level or token.map is None:
            continue
        if start or lines[: token.map[0]]:
            yield _Section(tuple(t for _, t in trail), start + 1, lines[start : token.map[0]])
        depth = int(token.tag[1])
        trail = [(d, t) for d, t in trail if d < depth] + [(depth, tokens[i + 1].content)]
        start = token.map[1]
    yield _Section(tuple(t for _, t in trail), start + 1, lines[start:])


class _Tags(HTMLParser):
    """Text and headings of an HTML document with their lines."""

    _SILENT = frozenset({"script", "style", "template", "head"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[int, int, str]] = []  # line, depth of heading (0: text), text
        self._heading, self._silent = 0, 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._silent += tag in self._SILENT
        if re.fullmatch(r"h[1-6]", tag):
            self._heading = int(tag[1])

    def handle_endtag(self, tag: str) -> None:
        self._silent = max(0, self._silent - (tag in self._SILENT))
        if re.fullmatch(r"h[1-6]", tag):
            self._heading = 0

    def handle_data(self, data: str) -> None:
        if data.strip() and not self._silent:
            self.found.append((self.getpos()[0], self._heading, " ".join(data.split())))


def _html(text: str) -> Iterator[_Section]:
    tags = _Tags()
    tags.feed(text)
    tags.close()
    trail: list[tuple[int, str]] = []
    start, held = 1, list[str]()
    for line, depth, words in tags.found:
        if depth:
            if held:
                yield _Section(tuple(t for _, t in trail), start, held)
            trail = [(d, t) for d, t in trail if d < depth] + [(depth, words)]
            held = []
            continue
        start = start if held else line
        held.append(words)
    yield _Section(tuple(t for _, t in trail), start, held)


def kinds_in(text: str) -> list[str]:
    """Kinds of document that a text speaks of."""
    return [kind for kind, pattern in _KINDS if pattern.search(text)]


def _kind(path: str, title: str) -> str:
    return next(iter(kinds_in(path) or kinds_in(title)), "document")


def _date(path: str, text: str) -> str | None:
    found = _DATE.search(path) or _DATE.search(text[:600])
    return "-".join(found.groups()) if found else None
