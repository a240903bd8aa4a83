"""A question, read: its names, its wording without them, its slots. Everything later steps need, computed once.

The canonical form replaces each name by a placeholder (`what breaks if i drop @column0`) in the house's own words, so
that classifier and grammars work on any lake, and in any of the languages of the glossary.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from agent.planning.entities import HINTS, Linker, Mention
from agent.planning.slots import Slots, read_slots
from agent.planning.text import Token, split_code, tokenise
from agent.planning.wording import Wording
from tools.assets import Kind

__all__ = ["Reader", "Reading", "masked"]

_MASKS = {"table": "table", "column": "column", "job": "job", "dashboard": "dashboard", "kpi": "metric"}
_PLACEHOLDER = re.compile(r"@([a-z]+)(\d*)")
_SURE_TYPES = frozenset(
    """int integer bigint smallint tinyint double float real decimal numeric boolean bool varchar timestamp
    varbinary""".split()
)
_MAYBE_TYPES = frozenset(["string", "date", "text", "char", "number", "binary", "json"])
_BEFORE_TYPE = frozenset("to into as from a an becomes type zu auf en a in".split())


@dataclass(frozen=True)
class Reading:
    """One question or clause.

    `pieces` is its canonical form, piece by piece; `@column0` stands for `mentions[0]`. `code` are fenced blocks that
    came with it.
    """

    question: str
    tokens: tuple[Token, ...]
    mentions: tuple[Mention, ...]
    pieces: tuple[str, ...]
    code: tuple[str, ...] = ()

    @property
    def canonical(self) -> str:
        """The pieces as one text."""
        return " ".join(self.pieces)

    @cached_property
    def slots(self) -> Slots:
        """What is stated besides names."""
        return read_slots(self.canonical)

    @cached_property
    def words(self) -> tuple[str, ...]:
        """Words of the wording, without names and marks."""
        return tuple(p for p in self.pieces if p[0].isalpha())

    @property
    def target(self) -> str | None:
        """The new name or type, as it was typed."""
        return self._typed(self.slots.to) if self.slots.to else None

    @cached_property
    def here(self) -> tuple[Mention, ...]:
        """Names in these pieces, without the one that is only a new name."""
        return tuple(self._mention(p) for p in self.pieces if p != self.slots.to and self._is_mention(p))

    def of(self, *kinds: Kind) -> list[Mention]:
        """Names of these kinds, in the order of the question."""
        return [m for m in self.here if m.kind in kinds]

    def clause(self, first: int, last: int) -> Reading:
        """The same question, of pieces [first, last) only."""
        return replace(self, pieces=self.pieces[first:last])

    def between(self, a: Mention, b: Mention) -> tuple[str, ...]:
        """Pieces between two names."""
        at = {id(self._mention(p)): i for i, p in enumerate(self.pieces) if self._is_mention(p)}
        return self.pieces[at[id(a)] + 1 : at[id(b)]] if id(a) in at and id(b) in at else ()

    def _is_mention(self, piece: str) -> bool:
        found = _PLACEHOLDER.fullmatch(piece)
        return found is not None and found[1] != "type"

    def _mention(self, piece: str) -> Mention:
        found = _PLACEHOLDER.fullmatch(piece)
        assert found
        return self.mentions[int(found[2])]

    def _typed(self, piece: str) -> str:
        found = _PLACEHOLDER.fullmatch(piece)
        if not found:
            return next((t.bare for t in self.tokens if t.norm == piece), piece)
        if found[1] == "type":
            return re.sub(r"\s+", "", self.tokens[int(found[2])].text)
        return self.mentions[int(found[2])].text


class Reader:
    """Reads questions about one lake."""

    def __init__(self, linker: Linker, wording: Wording) -> None:
        self.linker = linker
        self.wording = wording

    def read(self, question: str) -> Reading:
        """Never raises, whatever the text."""
        text, code = split_code(question)
        tokens = tokenise(text)
        mentions = self.linker.link(tokens)
        return Reading(question, tokens, mentions, tuple(self.wording.plain(_pieces(tokens, mentions))), code)


def _pieces(tokens: Sequence[Token], mentions: Sequence[Mention]) -> list[str]:
    starts = {m.first: (i, m) for i, m in enumerate(mentions)}
    pieces: list[str] = []
    at = 0
    while at < len(tokens):
        if at in starts:
            i, mention = starts[at]
            pieces.append(f"@{mention.kind}{i}")
            at = mention.last
            continue
        pieces += _plain_pieces(tokens, at)
        at += 1
    return pieces


def _plain_pieces(tokens: Sequence[Token], at: int) -> Sequence[str]:
    token = tokens[at]
    before = tokens[at - 1].norm if at else ""
    if token.kind == "type" or token.norm in _SURE_TYPES or (token.norm in _MAYBE_TYPES and before in _BEFORE_TYPE):
        return [f"@type{at}"]
    if token.kind in ("mark", "number"):
        return [token.text]
    return token.words


# ---------------------------------------------------------------------- for the classifier


def masked(canonical: str) -> str:
    """The wording with every name as the word for its kind: "what breaks if i drop column"."""
    out: list[str] = []
    pieces = canonical.split()
    for i, piece in enumerate(pieces):
        found = _PLACEHOLDER.fullmatch(piece)
        if found:
            out.append(_MASKS.get(found[1], found[1]))
        elif piece[0].isdigit():
            out.append("number")
        elif piece[0].isalpha() and not _is_label(pieces, i):
            out.append(piece)
    return " ".join(out)


def _is_label(pieces: Sequence[str], at: int) -> bool:
    """Whether a word only says what the name beside it is: "the table @table0"."""
    kind = HINTS.get(pieces[at])
    beside = [pieces[i] for i in (at - 1, at + 1) if 0 <= i < len(pieces)]
    return kind is not None and any(p.startswith(f"@{kind}") for p in beside)
