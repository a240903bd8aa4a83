"""What a record store is: the latest record of each object, every snapshot ever taken of it, and what is kept by key."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from knowledge.records import Record, Snapshot

__all__ = ["Known", "RecordStore"]

Known: TypeAlias = Callable[[str, str], Record | None]
"""Looks up the latest record by type and name, inside one update."""


class RecordStore(Protocol):
    """Keeps records by (type, name) and snapshots by time."""

    def get(self, object_type: str, name: str) -> Record | None:
        """The latest record, or None."""
        ...

    def list(self, object_type: str | None = None) -> Sequence[Record]:
        """Latest records, sorted by type and name."""
        ...

    def save(self, records: Iterable[Record], snapshots: Iterable[Snapshot] = ()) -> None:
        """Puts records and appends snapshots, all or nothing. A snapshot equal to the last one is not repeated."""
        ...

    def update(self, change: Callable[[Known], Iterable[Record]], snapshots: Iterable[Snapshot] = ()) -> None:
        """Saves what `change` makes of the records that it looks up, as if nobody else wrote in between.

        `change` may be called again when somebody did: it must do nothing but look up and answer.
        """
        ...

    def history(self, object_type: str, name: str, newest: int | None = None) -> Sequence[Snapshot]:
        """Snapshots of one object, oldest first; with `newest` only so many of the last."""
        ...

    def put(self, space: str, bodies: Mapping[str, Mapping[str, Any]]) -> None:
        """Keeps JSON objects by key, each in place of what its key had before; all of them or none."""
        ...

    def find(self, space: str, prefix: str = "") -> Mapping[str, Mapping[str, Any]]:
        """Kept objects whose key begins so, sorted by key."""
        ...
