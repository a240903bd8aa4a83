"""An index on a Chroma server, shared by a team. The server is the one owner of the files; writers may be many.

Ids are made of the content: two processes that index the same file put the same rows, in any order.
"""

from __future__ import annotations

import threading
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from knowledge.documents.index import Entry, Hit, containing_filter, found, key_of, metadata_of
from knowledge.embeddings import Embedder
from knowledge.errors import ConfigError, CopilotError, Unavailable

if TYPE_CHECKING:
    from chromadb.api.models.Collection import Collection as ChromaCollection

__all__ = ["ServedIndex"]

_BATCH = 500


class ServedIndex:
    """An index on a server.

    Args:
        url: the server, such as http://chroma.internal:8000.
        name: the lake's own collection; vectors of another model are kept apart.

    Raises ConfigError for an address that is none, Unavailable when the server does not answer.
    """

    def __init__(self, url: str, name: str, embedder: Embedder) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f"{url!r} is no address of a Chroma server", hint="Write it as http://host:8000.")
        self._url, self._ssl = url, parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port or (443 if self._ssl else 8000)
        self._name, self._embedder = name, embedder
        self._lock = threading.Lock()
        self._collection: ChromaCollection | None = None

    def versions(self) -> Mapping[str, str]:
        """See `Index`."""
        with self._answering() as collection:
            return {path: str(version) for path, version, _ in _rows(collection)}

    def update(self, changed: Mapping[str, Entry], gone: Collection[str] = ()) -> None:
        """See `Index`; new rows are put before old ones go, so that a search in between finds the file."""
        rows = [(key_of(c), c, entry.version) for entry in changed.values() for c in entry.chunks]
        vectors = self._embedder.embed([c.embedded for _, c, _ in rows])
        with self._answering() as collection:
            for start in range(0, len(rows), _BATCH):
                part = rows[start : start + _BATCH]
                collection.upsert(
                    ids=[key for key, _, _ in part],
                    documents=[c.text for _, c, _ in part],
                    metadatas=[metadata_of(c, version) for _, c, version in part],
                    embeddings=vectors[start : start + _BATCH],
                )
            current = {key for key, _, _ in rows}
            dropped = {*changed, *gone}
            stale = [key for path, _, key in _rows(collection) if path in dropped and key not in current]
            for start in range(0, len(stale), _BATCH):
                collection.delete(ids=stale[start : start + _BATCH])

    def search(self, text: str, count: int, containing: Sequence[str] = ()) -> list[Hit]:
        """See `Index`."""
        vector = self._embedder.embed([text])[0]
        with self._answering() as collection:
            answer: Any = collection.query(
                query_embeddings=[vector], n_results=count, where_document=containing_filter(containing)
            )
            return found(answer)

    @contextmanager
    def _answering(self) -> Iterator[ChromaCollection]:
        try:
            yield self._opened()
        except CopilotError:
            raise
        except Exception as error:  # noqa: BLE001
            # Chroma raises ValueError, httpx and its own errors alike when a server is gone.
            self._collection = None
            raise Unavailable(
                f"the document server did not answer: {str(error)[:200]}",
                where=self._url,
                hint="Check documents.server, or leave it out to index on this machine.",
            ) from None

    def _opened(self) -> ChromaCollection:
        import chromadb
        from chromadb.config import Settings

        with self._lock:
            if self._collection is None:
                client = chromadb.HttpClient(
                    host=self._host, port=self._port, ssl=self._ssl, settings=Settings(anonymized_telemetry=False)
                )
                self._collection = client.get_or_create_collection(
                    self._name, configuration={"hnsw": {"space": "cosine"}}, embedding_function=None
                )
            return self._collection


def _rows(collection: ChromaCollection) -> Iterator[tuple[str, str, str]]:
    """Path, version and id of every chunk, page by page."""
    for start in range(0, collection.count(), _BATCH):
        page: Any = collection.get(limit=_BATCH, offset=start, include=["metadatas"])
        for key, metadata in zip(page["ids"], page["metadatas"], strict=True):
            yield str(metadata["path"]), str(metadata["version"]), key
