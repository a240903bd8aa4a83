"""An index in a folder, safe with several processes.

Chroma's folder has one writer at most: two lose vectors without a word, and a reader that is open never sees what
another process adds. So a folder of ours holds generations, each a Chroma folder that is never written again, and a
pointer to the newest. A writer takes the lock, builds the next generation beside it (vectors of unchanged chunks are
taken over) and swaps the pointer in one step; readers open whatever the pointer names.

    <folder>/current.json         {"generation": …, "versions": {path: version}, "model": …}
    <folder>/<generation>/        Chroma's own files
    <folder>/lock                 held by the process that writes
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import threading
import time
import uuid
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knowledge.documents.index import Entry, Hit, containing_filter, found, key_of, metadata_of
from knowledge.embeddings import Embedder
from knowledge.errors import ReadError, Unavailable

if TYPE_CHECKING:
    from chromadb.api.client import Client
    from chromadb.api.models.Collection import Collection as ChromaCollection

__all__ = ["EmbeddedIndex"]

_COLLECTION = "documents"
_BATCH = 1_000
_POLL_SECONDS = 0.05


class EmbeddedIndex:
    """An index in a folder, which is made on the first update.

    Raises Unavailable when another process writes for longer than `wait_seconds`, ReadError when the folder cannot be
    used.
    """

    def __init__(self, folder: Path, embedder: Embedder, *, wait_seconds: float = 60.0) -> None:
        self._folder, self._embedder, self._wait = folder, embedder, wait_seconds
        self._lock = threading.RLock()
        self._open: tuple[str, Client] | None = None

    def versions(self) -> Mapping[str, str]:
        """See `Index`."""
        pointer = self._pointer()
        return dict(pointer["versions"]) if pointer else {}

    def update(self, changed: Mapping[str, Entry], gone: Collection[str] = ()) -> None:
        """See `Index`."""
        with self._lock, self._writing():
            before = self._pointer()
            dropped = {*changed, *gone}
            generation = uuid.uuid4().hex
            try:
                self._build(generation, changed, dropped)
            except BaseException:
                shutil.rmtree(self._folder / generation, ignore_errors=True)
                raise
            kept = {p: v for p, v in (before["versions"] if before else {}).items() if p not in dropped}
            versions = kept | {path: entry.version for path, entry in changed.items()}
            self._point(generation, versions)
            self._sweep({generation, before["generation"]} if before else {generation})

    def search(self, text: str, count: int, containing: Sequence[str] = ()) -> list[Hit]:
        """See `Index`."""
        with self._lock:
            collection = self._current()
            if collection is None or count < 1 or collection.count() == 0:
                return []
            vector = self._embedder.embed([text])[0]
            answer: Any = collection.query(
                query_embeddings=[vector], n_results=count, where_document=containing_filter(containing)
            )
            return found(answer)

    # ------------------------------------------------------------------ generations

    def _build(self, generation: str, changed: Mapping[str, Entry], dropped: Collection[str]) -> None:
        rows = [(key_of(c), c, entry.version) for entry in changed.values() for c in entry.chunks]
        vectors = self._embedder.embed([c.embedded for _, c, _ in rows])
        client = _client(self._folder / generation)
        try:
            collection = _collection(client, self._embedder, create=True)
            old = self._current()
            for batch in _kept(old, dropped) if old is not None else ():
                collection.add(**batch)
            for start in range(0, len(rows), _BATCH):
                part = rows[start : start + _BATCH]
                collection.upsert(
                    ids=[key for key, _, _ in part],
                    documents=[c.text for _, c, _ in part],
                    metadatas=[metadata_of(c, version) for _, c, version in part],
                    embeddings=vectors[start : start + _BATCH],
                )
        finally:
            client.close()

    def _current(self) -> ChromaCollection | None:
        """The newest generation, opened once."""
        pointer = self._pointer()
        if pointer is None:
            return None
        name = str(pointer["generation"])
        if self._open is None or self._open[0] != name:
            if self._open is not None:
                self._open[1].close()
            self._open = name, _client(self._folder / name)
        return _collection(self._open[1], self._embedder, create=False)

    def _pointer(self) -> dict[str, Any] | None:
        """What the pointer says; None when there is no index, or only one whose vectors another model made."""
        try:
            said: dict[str, Any] = json.loads((self._folder / "current.json").read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            hint = "Remove the folder: the index is made again from the documents."
            raise ReadError(f"the document index cannot be read: {error}", where=str(self._folder), hint=hint) from None
        return said if said.get("model") == self._embedder.name else None

    def _point(self, generation: str, versions: Mapping[str, str]) -> None:
        pointer = {"generation": generation, "model": self._embedder.name, "versions": dict(sorted(versions.items()))}
        draft = self._folder / f"current.json.{generation}"
        with draft.open("w", encoding="utf-8") as out:
            json.dump(pointer, out)
            out.flush()
            os.fsync(out.fileno())
        draft.replace(self._folder / "current.json")

    def _sweep(self, kept: Collection[str]) -> None:
        """Old generations go, but for the last one: a reader may have it open."""
        for path in self._folder.iterdir():
            if path.is_dir() and path.name not in kept:
                shutil.rmtree(path, ignore_errors=True)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """The folder's lock; it is let go by the system when its process dies."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            lock = (self._folder / "lock").open("a")
        except OSError as error:
            raise ReadError(f"the document index cannot be kept: {error.strerror}", where=str(self._folder)) from None
        with lock:
            until = time.monotonic() + self._wait
            while not _held(lock.fileno()):
                if time.monotonic() > until:
                    raise Unavailable("the document index is being written", where=str(self._folder), hint="Try again.")
                time.sleep(_POLL_SECONDS)
            yield


def _held(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _client(folder: Path) -> Client:
    import chromadb
    from chromadb.config import Settings

    client: Client = chromadb.PersistentClient(str(folder), settings=Settings(anonymized_telemetry=False))  # type: ignore[assignment]
    return client


def _collection(client: Client, embedder: Embedder, *, create: bool) -> ChromaCollection:
    # Without an embedding function of its own Chroma would download one; vectors are always given.
    if not create:
        return client.get_collection(_COLLECTION, embedding_function=None)
    return client.create_collection(
        _COLLECTION,
        metadata={"model": embedder.name},
        configuration={"hnsw": {"space": "cosine"}},
        embedding_function=None,
    )


def _kept(old: ChromaCollection, dropped: Collection[str]) -> Iterator[dict[str, Any]]:
    """What goes over unchanged into the next generation, in batches."""
    for start in range(0, old.count(), _BATCH):
        page: Any = old.get(limit=_BATCH, offset=start, include=["embeddings", "documents", "metadatas"])
        rows = [i for i, metadata in enumerate(page["metadatas"]) if metadata["path"] not in dropped]
        if rows:
            yield {
                "ids": [page["ids"][i] for i in rows],
                **{name: [page[name][i] for i in rows] for name in ("embeddings", "documents", "metadatas")},
            }
