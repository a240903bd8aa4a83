"""Other people's words in the house's words: misspelt ones corrected, German, French and Spanish ones translated.

Word by word is enough: what is wanted is the form of a question, not prose. Names of the lake are never touched here;
they were taken out before.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path

from agent.planning.text import fold

__all__ = ["Wording", "glossary", "plain_words"]

_DATA = Path(__file__).parent.parent / "data"
_ENGLISH_TAILS = frozenset(("s", "t", "re", "ve", "ll", "d", "m"))
_MIN_CHARS = 5
_CUTOFF = 84


class Wording:
    """Corrects and translates. `vocabulary`: the words that the shipped phrasings are made of."""

    def __init__(self, vocabulary: frozenset[str]) -> None:
        self.vocabulary = vocabulary

    def plain(self, words: Sequence[str]) -> list[str]:
        """The words as the shipped phrasings would have them; placeholders (`@…`) stay as they are."""
        pieces = [p for w in words for p in ([w] if w.startswith("@") else _pieces(w))]
        language = self._language(pieces)
        if language:
            translation = glossary()[language]
            pieces = [p if p.startswith("@") else translation.get(p, p) for p in pieces]
        return [p if p.startswith("@") or p in self.vocabulary else self._corrected(p) for p in pieces]

    def _language(self, words: Iterable[str]) -> str | None:
        """The language that knows most of the words that English does not; None for English."""
        foreign = [w for w in words if not w.startswith("@") and w not in self.vocabulary]
        known = {lang: sum(w in terms for w in foreign) for lang, terms in glossary().items()} if foreign else {}
        best = max(known, key=lambda lang: known[lang], default=None)
        return best if best and known[best] else None

    def _corrected(self, word: str) -> str:
        if len(word) < _MIN_CHARS or not word.isalpha():
            return word
        from rapidfuzz import fuzz, process

        hit = process.extractOne(word, self._long, scorer=fuzz.ratio, score_cutoff=_CUTOFF)
        return hit[0] if hit else word

    @cached_property
    def _long(self) -> list[str]:
        return sorted(w for w in self.vocabulary if len(w) >= _MIN_CHARS - 1)


def plain_words(text: str) -> list[str]:
    """Folded words of a phrasing, contractions kept together ("what's" is one word)."""
    return [p for w in re.findall(r"@?[\w']+", fold(text)) for p in ([w] if w.startswith("@") else _pieces(w))]


@lru_cache(maxsize=1)
def glossary() -> Mapping[str, Mapping[str, str]]:
    """For each language: its words, and what they are in English."""
    with (_DATA / "glossary.toml").open("rb") as file:
        languages = tomllib.load(file)
    out: dict[str, dict[str, str]] = {}
    for language, terms in languages.items():
        words = out.setdefault(language, {})
        for english, foreign in terms.items():
            for word in foreign.split():
                words.setdefault(word, english)
    return out


@lru_cache(maxsize=4096)
def _pieces(word: str) -> tuple[str, ...]:
    """ "what's" is "whats" as people also type it; "d'où" is two words."""
    head, mark, tail = word.partition("'")
    if not mark:
        return (word,)
    if tail in _ENGLISH_TAILS:
        return (head + tail,)
    return tuple(p for p in word.split("'") if p)
