"""Which intent is behind a canonical question: a softmax regression over what the words mean and what they are.

Three views of a question are put side by side: a sentence vector of its wording (meaning), its word pairs (form), and
which kinds of name and slots it has (content). The weights ship in `agent/data/planner.npz`, made by
`python -m agent.train` from the phrasings; numbers in, numbers out, nothing of LangChain here.
"""

from __future__ import annotations

import hashlib
import threading
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from agent.planning.reading import masked
from agent.planning.slots import read_slots
from knowledge.embeddings import Embedder
from knowledge.errors import ReadError

__all__ = ["Classifier", "Guess", "Weights", "features", "fingerprint", "ngrams", "skeleton"]

DATA = Path(__file__).parent.parent / "data"
WEIGHTS = DATA / "planner.npz"
_NAMES = ("@table", "@column", "@job", "@dashboard", "@kpi", "@name", "@type")
_SCALES = (2.0, 1.5, 2.0, 0.5)

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Weights:
    """What training leaves: `matrix` is [features + 1, intents], its last row the offsets; `vocabulary` are n-grams."""

    intents: tuple[str, ...]
    vocabulary: tuple[str, ...]
    words: frozenset[str]
    matrix: Floats
    made_from: str

    def save(self, path: Path) -> None:
        """Writes the file that ships: half precision, the same bytes on every run."""
        np.savez_compressed(
            path,
            intents=np.array(self.intents),
            vocabulary=np.array(self.vocabulary),
            words=np.array(sorted(self.words)),
            matrix=self.matrix.astype(np.float16),
            made_from=np.array(self.made_from),
        )

    @classmethod
    def load(cls, path: Path = WEIGHTS) -> Weights:
        """The shipped weights. Raises ReadError if the file is not there or is none."""
        try:
            with np.load(path, allow_pickle=False) as file:
                return cls(
                    tuple(file["intents"].tolist()),
                    tuple(file["vocabulary"].tolist()),
                    frozenset(file["words"].tolist()),
                    file["matrix"].astype(np.float32),
                    str(file["made_from"]),
                )
        except (OSError, KeyError, ValueError) as error:
            raise ReadError(
                f"the offline planner's weights cannot be read: {error}",
                where=str(path),
                hint="Make them again: python -m agent.train.",
            ) from error


@dataclass(frozen=True, slots=True)
class Guess:
    """An intent with its probability."""

    intent: str
    probability: float


class Classifier:
    """Ranks intents. Safe between threads."""

    def __init__(self, weights: Weights, embedder: Embedder) -> None:
        self.weights = weights
        self._embedder = embedder
        self._index = {gram: i for i, gram in enumerate(weights.vocabulary)}
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[Guess, ...]] = {}

    def rank(self, canonicals: Sequence[str]) -> list[tuple[Guess, ...]]:
        """For each question all intents, likeliest first. What was asked before is remembered."""
        new = [c for c in dict.fromkeys(canonicals) if c not in self._seen]
        if new:
            ranked = self._rank(new)
            with self._lock:
                if len(self._seen) > 2_000:
                    self._seen.clear()
                self._seen.update(zip(new, ranked, strict=True))
        return [self._seen.get(c) or self._rank([c])[0] for c in canonicals]

    def _rank(self, canonicals: Sequence[str]) -> list[tuple[Guess, ...]]:
        rows = features(canonicals, self._index, self._embedder)
        scores = rows @ self.weights.matrix[:-1] + self.weights.matrix[-1]
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares = odds / odds.sum(axis=1, keepdims=True)
        names = self.weights.intents
        return [tuple(Guess(names[i], float(row[i])) for i in np.argsort(-row, kind="stable")) for row in shares]


def features(canonicals: Sequence[str], index: Mapping[str, int], embedder: Embedder) -> Floats:
    """[questions, 384 + vocabulary + flags] of float32, each view scaled to weigh alike."""
    texts = [masked(c) for c in canonicals]
    meaning, form, work, content = _SCALES
    parts = [
        meaning * embedder.embed(texts),
        form * _counted([ngrams(t) for t in texts], index) + work * _counted([skeleton(t) for t in texts], index),
        content * np.array([_flags(c) for c in canonicals], np.float32).reshape(len(texts), -1),
    ]
    return np.concatenate(parts, axis=1, dtype=np.float32)


def _counted(grams: Sequence[set[str]], index: Mapping[str, int]) -> Floats:
    rows = np.zeros((len(grams), len(index)), np.float32)
    for row, found in zip(rows, grams, strict=True):
        known = [index[g] for g in found if g in index]
        row[known] = 1 / np.sqrt(max(len(known), 1))
    return rows


def ngrams(text: str) -> set[str]:
    """Words and neighbouring pairs; the ends count as neighbours."""
    words = text.split()
    padded = ["^", *words, "$"]
    return set(words) | {f"{a} {b}" for a, b in pairwise(padded)}


def skeleton(text: str) -> set[str]:
    """Concepts and their ordered pairs at any distance: "table>read" and "read>table" ask opposite things."""
    concepts = [c for w in text.split() for c in [concept_of(w)] if c]
    steps = [tuple(c) for c in concepts]
    singles = {f"#{c}" for step in steps for c in step}
    pairs = {f"#{a}>{b}" for i, left in enumerate(steps) for right in steps[i + 1 :] for a in left for b in right}
    return singles | pairs


def concept_of(word: str) -> tuple[str, ...]:
    """The concepts a word belongs to; a kind of asset is its own."""
    return (word,) if word in _KIND_WORDS else _concepts().get(word, ())


_KIND_WORDS = frozenset(("table", "column", "job", "dashboard", "metric", "name"))


@lru_cache(maxsize=1)
def _concepts() -> Mapping[str, tuple[str, ...]]:
    with (DATA / "concepts.toml").open("rb") as file:
        lists = tomllib.load(file)
    found: dict[str, list[str]] = {}
    for concept, words in lists.items():
        for word in words.split():
            found.setdefault(word, []).append(concept)
    return {word: tuple(concepts) for word, concepts in found.items()}


def _flags(canonical: str) -> list[float]:
    slots = read_slots(canonical)
    kinds = [float(name in canonical) for name in _NAMES]
    several = [float(canonical.count(name) > 1) for name in ("@table", "@column")]
    change = slots.change or ""
    stated = [bool(change), "rename" in change, "job" in change, bool(slots.to), slots.depth, slots.days, slots.kinds]
    length = len(canonical.split())
    return [*kinds, *several, *(float(bool(s)) for s in stated), float(length <= 2), float(length <= 5)]


@lru_cache(maxsize=1)
def fingerprint() -> str:
    """A sum over everything the weights are made from, so that stale weights are noticed."""
    files = sorted([*(DATA / "phrasings").glob("*.toml"), DATA / "glossary.toml", DATA / "concepts.toml"])
    return hashlib.sha256(b"\0".join(f.read_bytes() for f in files)).hexdigest()
