"""Past documents asked: what runbooks, incident notes, decisions, contracts and reports say about something.

Text alone finds too little ("has this bitten us before?" names nothing), so a question is answered by meaning, by the
names in it, and by lineage: a document about a table next to the one in question may be the one. Before each search the
index is brought up to date with the files, reading only those that changed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from knowledge.documents import SUFFIXES, Chunk, Entry, Hit, chunks, kinds_in
from knowledge.errors import CopilotError
from tools.assets import Asset
from tools.lake.base import TextFile
from tools.quoting import WITHHELD, addressed, quoted
from tools.result import Evidence, counted, listed

if TYPE_CHECKING:
    from tools.workspace import Workspace

__all__ = ["DocumentHits", "Passage", "refresh_documents", "search_documents"]

_MOST_BYTES = 2_000_000
_CANDIDATES = 24
_EDGES = 4  # two hops: a hop is a job with the table on its far side
_MOST_NEIGHBOURS = 20
_NAMED, _NEAR, _KIND = 0.25, 0.08, 0.10
_SIMILAR, _SIMILAR_WHEN_NEAR, _SIMILAR_WHEN_NAMED = 0.35, 0.22, 0.10
_EXCERPT = 420
_TROUBLE = re.compile(r"\b(?:bit(?:ten)?|broken?|broke|happened|went wrong|trouble|failed|burn(?:ed|t))\b", re.I)


@dataclass(frozen=True, slots=True)
class Passage:
    """A passage that was found.

    Attributes:
        score: similarity of meaning (cosine, at most 1), and more for names: what passages are sorted by.
        names: names of the question in it; `neighbours`: names next to them in lineage.
        text: what it says, fit to be quoted (see `tools.quoting`).
    """

    chunk: Chunk
    similarity: float
    score: float
    names: tuple[str, ...]
    neighbours: tuple[str, ...]
    text: str

    @property
    def where(self) -> str:
        """File and line."""
        return f"{self.chunk.path}:{self.chunk.line}"

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "path": self.chunk.path,
            "line": self.chunk.line,
            "headings": list(self.chunk.headings),
            "kind": self.chunk.kind,
            "date": self.chunk.date,
            "score": round(self.score, 3),
            "similarity": round(self.similarity, 3),
            "names": list(self.names),
            "neighbours": list(self.neighbours),
            "text": self.text,
        }


@dataclass(frozen=True)
class DocumentHits:
    """The answer to a search, best passages first, at most one for each section."""

    kind = "documents"
    query: str
    about: tuple[str, ...]
    passages: tuple[Passage, ...]
    searched: int
    more: int = 0
    unknowns: tuple[str, ...] = field(default=())

    @property
    def evidence(self) -> Sequence[Evidence]:
        """Each passage's file and line."""
        return tuple(Evidence("document", p.where, " > ".join(p.chunk.headings) or None) for p in self.passages)

    def text(self) -> str:
        """Which documents speak of it, and what they say, quoted."""
        if not self.passages:
            about = f" about {listed(self.about)}" if self.about else " about that"
            searched = f"{counted(self.searched, 'document')} searched" if self.searched else "there are no documents"
            return f"Nothing was found{about} in past documents: {searched}."
        files: dict[str, list[Passage]] = {}
        for passage in self.passages:
            files.setdefault(passage.chunk.path, []).append(passage)
        verb = "speaks" if len(files) == 1 else "speak"
        first = f"{counted(len(files), 'past document')} {verb} of {listed(self.about) if self.about else 'that'}:"
        parts = [first, *map(_shown, files.values())]
        if self.more:
            parts.append(f"And {counted(self.more, 'passage')} more that fit less well.")
        return "\n\n".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "query": self.query,
            "about": list(self.about),
            "passages": [p.to_dict() for p in self.passages],
            "documents_searched": self.searched,
            "more": self.more,
            "unknowns": list(self.unknowns),
        }


def search_documents(ws: Workspace, query: str, asset: str | None = None, limit: int = 5) -> DocumentHits:
    """Searches past documents.

    Args:
        query: the question in plain words; names of the lake in it are found.
        asset: a table, column, job, dashboard or KPI that it is about, when the words do not say it.

    Raises NotFound or Ambiguous for `asset`, Unavailable when an index of a team does not answer.
    """
    problems = refresh_documents(ws)
    about = _named(ws, query)
    if asset:
        about = list(dict.fromkeys([ws.assets.find(asset), *about]))
    names = list(dict.fromkeys(form for a in about for form in _forms(a)))
    near = _neighbours(ws, about)
    found = _candidates(ws, query, names, near)
    kinds = kinds_in(query) or (["incident"] if _TROUBLE.search(query) else [])
    ranked = sorted(_passages(found, names, near, kinds), key=lambda p: (-p.score, p.chunk.path, p.chunk.line))
    best = [p for p in ranked if _relevant(p, kinds)]
    shown = tuple(dict.fromkeys(_shown_name(a) for a in about))
    return DocumentHits(
        query, shown, tuple(best[:limit]), len(ws.documents.versions()), max(0, len(best) - limit), tuple(problems)
    )


def refresh_documents(ws: Workspace) -> list[str]:
    """Brings the index up to date with the lake's files; returns what could not be read and why."""
    problems: list[str] = []
    files = {
        f.path: f for folder in ws.settings.documents.paths for f in ws.lake.texts(folder) if _readable(f, problems)
    }
    known = ws.documents.versions()
    changed: dict[str, Entry] = {}
    for path, file in files.items():
        if known.get(path) != file.version:
            changed[path] = Entry(file.version, _read(ws, path, problems))
    gone = [path for path in known if path not in files]
    if changed or gone:
        ws.documents.update(changed, gone)
    return problems


def _readable(file: TextFile, problems: list[str]) -> bool:
    if PurePosixPath(file.path).suffix.lower() not in SUFFIXES:
        return False
    if file.bytes > _MOST_BYTES:
        problems.append(f"{file.path} is not searched: it is larger than {_MOST_BYTES:,} bytes")
        return False
    return True


def _read(ws: Workspace, path: str, problems: list[str]) -> list[Chunk]:
    try:
        text = ws.lake.read_text(path)
    except CopilotError as error:
        problems.append(f"{path} is not searched: {error.message}")
        return []
    return chunks(path, text or "")


# --------------------------------------------------------------------------- what the question is about


def _named(ws: Workspace, query: str) -> list[Asset]:
    """Names of the lake that the question says as they are written. Bare common words are no names of columns."""
    words = {w.lower().strip(".") for w in re.findall(r"[\w.]+", query)}
    folded = f" {' '.join(re.findall(r'[a-z0-9]+', query.lower()))} "
    found = [a for a in ws.assets.all() if _says(a, words, folded)]
    columns = [a for a in ws.assets.items if a.kind == "column" and _says(a, words, folded)]
    return found + columns


def _says(asset: Asset, words: set[str], folded: str) -> bool:
    if asset.kind in ("dashboard", "kpi"):
        return f" {' '.join(re.findall(r'[a-z0-9]+', asset.name.lower()))} " in folded
    names = {asset.name.lower(), asset.short.lower()}
    if asset.kind == "column" and "_" in asset.column:
        names.add(asset.column.lower())
    return bool(names & words)


def _forms(asset: Asset) -> list[str]:
    """How documents write a name."""
    return [asset.column] if asset.kind == "column" else [asset.short]


def _shown_name(asset: Asset) -> str:
    return asset.column if asset.kind == "column" else asset.short


def _neighbours(ws: Workspace, about: Iterable[Asset]) -> list[str]:
    """Names at most two hops away in the lineage of what is asked about, nearest first."""
    found: dict[str, None] = {}
    own = {form for a in about for form in _forms(a)}
    for asset in about:
        start = f"table:{asset.table}" if asset.kind == "column" else asset.id
        for name in _around(ws, start):
            if name not in own:
                found.setdefault(name)
    return list(found)[:_MOST_NEIGHBOURS]


def _around(ws: Workspace, start: str) -> Iterator[str]:
    graph, seen, edge = ws.graph.assets, {start}, [start]
    if start not in graph:
        return
    if start.startswith("table:"):
        yield Asset("table", start.partition(":")[2]).short
    for _ in range(_EDGES):
        ahead = []
        for node_id in edge:
            for node, _ in (*graph.neighbours(node_id, "upstream"), *graph.neighbours(node_id, "downstream")):
                if node.id not in seen:
                    seen.add(node.id)
                    ahead.append(node.id)
                    yield node.label
        edge = ahead


# --------------------------------------------------------------------------- which passages fit


def _candidates(ws: Workspace, query: str, names: Sequence[str], near: Sequence[str]) -> Iterator[Hit]:
    """By meaning; and, since exact names are beyond a small encoder, those that have a name in them."""
    seen: set[tuple[str, int]] = set()
    for containing in ([], names, near):
        if containing or not seen:
            for hit in ws.documents.search(query, _CANDIDATES, containing):
                if (hit.chunk.path, hit.chunk.line) not in seen:
                    seen.add((hit.chunk.path, hit.chunk.line))
                    yield hit


def _passages(
    hits: Iterable[Hit], names: Sequence[str], near: Sequence[str], kinds: Sequence[str]
) -> Iterator[Passage]:
    for hit in hits:
        text = _quoted(hit.chunk)
        if text == WITHHELD:
            continue
        whole = f"{hit.chunk.path}\n{hit.chunk.embedded}"
        said, close = _said(names, whole), _said(near, whole)
        bonus = _NAMED * bool(said) + _NEAR * bool(close) + _KIND * (hit.chunk.kind in kinds)
        yield Passage(hit.chunk, hit.similarity, hit.similarity + bonus, said, close, text)


def _said(names: Sequence[str], text: str) -> tuple[str, ...]:
    return tuple(n for n in names if re.search(rf"(?<!\w){re.escape(n)}(?!\w)", text, re.I))


def _relevant(passage: Passage, kinds: Sequence[str]) -> bool:
    if passage.neighbours and passage.chunk.kind in kinds:
        return True
    if passage.names:
        return passage.similarity >= _SIMILAR_WHEN_NAMED
    return passage.similarity >= (_SIMILAR_WHEN_NEAR if passage.neighbours else _SIMILAR)


def _quoted(chunk: Chunk) -> str:
    if any(addressed(heading) for heading in chunk.headings):
        return WITHHELD
    text = quoted(chunk.text)
    if len(text) <= _EXCERPT:
        return text
    cut = text[:_EXCERPT].rsplit(" ", 1)[0].rstrip()
    return f"{cut} …"


def _shown(passages: Sequence[Passage]) -> str:
    """The passages of one document, under its title."""
    first = passages[0].chunk
    title = quoted(first.headings[0]) if first.headings else PurePosixPath(first.path).name
    facts = ", ".join(f for f in (first.kind, first.date) if f)
    parts = [f"**{title}** (`{first.path}`, {facts})"]
    for passage in passages:
        heading = quoted(" > ".join(passage.chunk.headings[1:]))
        quote = "\n".join(f"> {line}" for line in passage.text.splitlines())
        parts.append(f"{heading or 'At its head'} (`{passage.where}`):\n\n{quote}")
    return "\n\n".join(parts)
