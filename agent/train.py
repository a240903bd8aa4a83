"""Makes the offline planner's weights from the shipped phrasings: `python -m agent.train`.

The same phrasings give the same weights: full batches, fixed steps, no randomness. It prints how well phrasings that
were left out are recognised, and writes `agent/data/planner.npz`.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from agent.planning.classifier import DATA, WEIGHTS, Floats, Weights, features, fingerprint, ngrams, skeleton
from agent.planning.reading import masked
from agent.planning.wording import Wording, glossary, plain_words
from knowledge.embeddings import Embedder, MiniLM

__all__ = ["Example", "cross_validated", "examples", "train"]

_PLACEHOLDER = re.compile(r"\{([a-z|]+)\}")
_STEPS = 600
_DECAY = 0.0001
_FOLDS = 5


@dataclass(frozen=True, slots=True)
class Example:
    """A phrasing in canonical form with its intent; `source` keeps variants of one phrasing together."""

    canonical: str
    intent: str
    source: int


def examples() -> tuple[list[Example], frozenset[str]]:
    """All phrasings of all languages in canonical form, and the words that questions are made of."""
    files = sorted((DATA / "phrasings").glob("*.toml"), key=lambda f: (f.stem != "en", f.stem))
    phrasings = [(intent, text, f.stem) for f in files for intent, texts in _read(f).items() for text in texts]
    words = {w for _, text, lang in phrasings if lang == "en" for w in plain_words(_PLACEHOLDER.sub(" ", text))}
    words |= {english for terms in glossary().values() for english in terms.values()}
    vocabulary = frozenset(words)
    wording = Wording(vocabulary)
    found: dict[tuple[str, str], Example] = {}
    for source, (intent, text, _) in enumerate(phrasings):
        for variant in _variants(text):
            canonical = " ".join(wording.plain(plain_words(variant)))
            found.setdefault((canonical, intent), Example(canonical, intent, source))
    return list(found.values()), vocabulary


def _read(file: Path) -> dict[str, list[str]]:
    with file.open("rb") as opened:
        return tomllib.load(opened)


def _variants(text: str) -> Iterator[str]:
    """`{a|b}` as either; each name gets its own number."""
    parts = _PLACEHOLDER.split(text)
    choices = [part.split("|") if i % 2 else [part] for i, part in enumerate(parts)]
    for chosen in product(*choices):
        yield "".join(f"@{part}{i // 2}" if i % 2 else part for i, part in enumerate(chosen))


def train(data: Sequence[Example], words: frozenset[str], embedder: Embedder) -> Weights:
    """Weights fitted to the examples."""
    counts = Counter(g for e in data for text in [masked(e.canonical)] for g in ngrams(text) | skeleton(text))
    vocabulary = tuple(sorted(g for g, n in counts.items() if n > 1))
    rows = features([e.canonical for e in data], {g: i for i, g in enumerate(vocabulary)}, embedder)
    intents = tuple(sorted({e.intent for e in data}))
    return Weights(intents, vocabulary, words, _fit(rows, [intents.index(e.intent) for e in data]), fingerprint())


def _fit(rows: Floats, labels: Sequence[int]) -> Floats:
    """Softmax regression by accelerated gradient descent, every intent with equal weight."""
    x = np.concatenate([rows, np.ones((len(rows), 1), np.float32)], axis=1).astype(np.float64)
    y = np.eye(max(labels) + 1)[list(labels)]
    share = (y / y.sum(axis=0)).sum(axis=1, keepdims=True) / y.shape[1]
    decay = np.full((x.shape[1], 1), _DECAY)
    decay[-1] = 0
    step = 1 / (0.5 * _largest_curvature(x, share) + _DECAY)
    matrix = ahead = np.zeros((x.shape[1], y.shape[1]))
    for i in range(_STEPS):
        scores = x @ ahead
        odds = np.exp(scores - scores.max(axis=1, keepdims=True))
        slope = x.T @ (share * (odds / odds.sum(axis=1, keepdims=True) - y)) + decay * ahead
        new = ahead - step * slope
        ahead = new + i / (i + 3) * (new - matrix)
        matrix = new
    return matrix.astype(np.float32)


def _largest_curvature(x: np.ndarray, share: np.ndarray) -> float:
    v = np.ones(x.shape[1])
    for _ in range(50):
        v = x.T @ (share[:, 0] * (x @ v))
        v /= np.linalg.norm(v)
    return float(v @ (x.T @ (share[:, 0] * (x @ v))))


def cross_validated(data: Sequence[Example], words: frozenset[str], embedder: Embedder) -> list[tuple[Example, str]]:
    """Each example with what is guessed for it by weights that never saw its phrasing."""
    from agent.planning.classifier import Classifier

    out = []
    for fold in range(_FOLDS):
        kept = [e for e in data if e.source % _FOLDS != fold]
        held = [e for e in data if e.source % _FOLDS == fold]
        classifier = Classifier(train(kept, words, embedder), embedder)
        ranked = classifier.rank([e.canonical for e in held])
        out += [(e, guesses[0].intent) for e, guesses in zip(held, ranked, strict=True)]
    return out


def main() -> int:
    """Trains, reports, writes."""
    embedder = MiniLM()
    data, words = examples()
    judged = cross_validated(data, words, embedder)
    right = sum(e.intent == guess for e, guess in judged)
    sys.stdout.write(f"{len(data)} phrasings; of those left out in turn {right / len(judged):.1%} are recognised\n")
    for example, guess in judged:
        if guess != example.intent and "-v" in sys.argv:
            sys.stdout.write(f"  {example.intent} taken for {guess}: {example.canonical}\n")
    train(data, words, embedder).save(WEIGHTS)
    sys.stdout.write(f"wrote {WEIGHTS.relative_to(Path.cwd()) if WEIGHTS.is_relative_to(Path.cwd()) else WEIGHTS}\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
