"""What an index of documents can do, whoever keeps it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from knowledge.documents.chunks import Chunk

__all__ = ["Entry", "Hit", "Index", "chunk_of", "metadata_of"]


@dataclass(frozen=True, slots=True)
class Entry:
    """A file's chunks, and a mark that changes when the file does."""

    version: str
    chunks: Sequence[Chunk]


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that was found. `similarity` is the cosine of its vector and the question's: 1 is the same text."""

    chunk: Chunk
    similarity: float


class Index(Protocol):
    """Chunks by meaning. What `update` has returned from is found by every later `search`, of any process."""

    def versions(self) -> Mapping[str, str]:
        """The files in it, each with the version it was indexed at."""
        ...

    def update(self, changed: Mapping[str, Entry], gone: Collection[str] = ()) -> None:
        """Puts files in, in place of what was known of them, and takes others out: all of it or nothing."""
        ...

    def search(self, text: str, count: int, containing: Sequence[str] = ()) -> list[Hit]:
        """The nearest chunks, best first; with `containing` only those with one of these strings, letter for letter."""
        ...


def key_of(chunk: Chunk) -> str:
    """A chunk's id: the same chunk has the same one wherever and whenever it is indexed."""
    content = "\0".join((chunk.path, str(chunk.line), chunk.embedded))
    return hashlib.sha256(content.encode()).hexdigest()[:32]


def metadata_of(chunk: Chunk, version: str) -> dict[str, Any]:
    """A chunk as Chroma keeps it beside its text."""
    data = {k: v for k, v in asdict(chunk).items() if k not in ("text", "headings") and v is not None}
    return {**data, "headings": "\n".join(chunk.headings), "version": version}


def chunk_of(metadata: Mapping[str, Any], text: str) -> Chunk:
    """The chunk again."""
    headings = tuple(h for h in str(metadata["headings"]).split("\n") if h)
    date = metadata.get("date")
    kind = str(metadata["kind"])
    return Chunk(str(metadata["path"]), int(metadata["line"]), headings, text, kind, str(date) if date else None)


def found(answer: Mapping[str, Any]) -> list[Hit]:
    """Chroma's answer to one question."""
    rows = zip(answer["metadatas"][0], answer["documents"][0], answer["distances"][0], strict=True)
    return [Hit(chunk_of(metadata, text), round(1.0 - distance, 4)) for metadata, text, distance in rows]


def containing_filter(strings: Sequence[str]) -> Any:
    """Chroma's filter for texts with one of the strings."""
    wanted: list[dict[str, Any]] = [{"$contains": s} for s in strings]
    return None if not wanted else wanted[0] if len(wanted) == 1 else {"$or": wanted}
