"""A question as tokens: words, identifiers, quoted names, SQL types, numbers and marks, each with its place.

It knows how people write names of data (`db.table`, `positions_job`, "Total AUM", decimal(18,2)), not what they mean.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Literal

__all__ = ["MAX_CHARS", "Token", "fold", "split_code", "split_words", "tokenise"]

TokenKind = Literal["word", "identifier", "quoted", "type", "number", "other", "mark"]

MAX_CHARS = 4_000
"""Longer questions are planned on their beginning: a pasted log must not cost seconds."""

_PATTERNS: tuple[tuple[TokenKind, str], ...] = (
    ("other", r"[\w.+-]+@[\w-]+\.[\w.]+|\w+://\S+|(?<!\w)--?[A-Za-z][\w-]*(?!\w)|\d{4}-\d{2}(?:-\d{2})?"),
    ("quoted", r"`[^`\n]{1,120}`|\"[^\"\n]{1,120}\"|“[^”\n]{1,120}”|(?<!\w)'[^'\n]{1,120}'(?!\w)"),
    (
        "type",
        r"(?i:decimal|numeric|varchar|char|timestamp)\s*\(\s*\d+(?:\s*,\s*\d+)?\s*\)|(?i:array|map|row|struct)\s*<[^?\n]{1,80}>",
    ),
    ("word", r"[^\W\d_]+['\u2019][^\W\d_]+(?![\w.]*[_.]\w)"),
    (
        "identifier",
        r"[^\W\d][\w$]*(?:[.][\w$]+)+|[^\W\d_]*_\w+|\w+_\w*|[^\W\d_]+\d\w*|[a-z]+[A-Z]\w*|\w+(?:-\w+)*-(?:job|etl)\b",
    ),
    ("word", r"[^\W\d_]+(?:-[^\W\d_]+)*"),
    ("number", r"\d+(?:[.,]\d+)*"),
    ("mark", r"[^\w\s]"),
)
_TOKEN = re.compile("|".join(f"(?P<p{i}>{pattern})" for i, (_, pattern) in enumerate(_PATTERNS)))
_FENCE = re.compile(r"```(?:[\w+-]*[ \t]*\n|(?:sql|python|py|pyspark)[ \t]+)?(.*?)(?:```|\Z)", re.S | re.I)


@dataclass(frozen=True, slots=True)
class Token:
    """A piece of the question. `norm` is its folded text, without quotes; `words` are the plain words in it."""

    text: str
    norm: str
    words: tuple[str, ...]
    kind: TokenKind
    start: int
    end: int

    @property
    def bare(self) -> str:
        """As typed, without quotes."""
        return self.text.strip("`\"“”'") if self.kind == "quoted" else self.text


def fold(text: str) -> str:
    """Lower case without accents, so that "Größe" and "grosse" compare alike."""
    plain = unicodedata.normalize("NFKD", text.replace("ß", "ss").replace("\u2019", "'"))
    return "".join(c for c in plain if not unicodedata.combining(c)).casefold()


def split_words(name: str) -> tuple[str, ...]:
    """The words in a name, folded: `dim_product.productGroup` gives dim, product, product, group."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return tuple(re.findall(r"[^\W_]+", fold(spaced)))


def split_code(question: str) -> tuple[str, tuple[str, ...]]:
    """The question without its fenced blocks, and the blocks: code that was pasted is not part of the wording."""
    blocks = tuple(m.group(1).strip() for m in _FENCE.finditer(question))
    return _FENCE.sub(" ", question), blocks


def tokenise(question: str) -> tuple[Token, ...]:
    """Tokens of the first `MAX_CHARS` characters, in order."""
    return tuple(_token(match) for match in _TOKEN.finditer(question[:MAX_CHARS]))


def _token(match: re.Match[str]) -> Token:
    assert match.lastgroup is not None
    kind = _PATTERNS[int(match.lastgroup[1:])][0]
    text = match.group()
    bare = text.strip("`\"“”'") if kind == "quoted" else text
    words = (fold(text),) if kind == "word" and "'" in fold(text) else split_words(bare)
    return Token(text, fold(bare), words, kind, match.start(), match.end())
