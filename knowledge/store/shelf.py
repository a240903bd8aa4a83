"""A record store over a shelf of JSON bodies, where all the service offers is "write this if nobody wrote before me".

A shelf keeps texts by key and gives each a version. Keys are folders and a name:

    records/<TYPE>/<name>               the latest record, in the user's own format
    snapshots/<TYPE>/<name>/<number>    snapshots, numbered from 1
    kept/<space>/<key>                  what is kept by key
    journal/state                       see below

A save is all or nothing. What fits into one of the shelf's own transactions is written by it, on condition that what
was looked up is as it was; a conflict looks up again. The rest goes through the journal:

    1. lock      the journal says "open", until when, by whom (conditional: one writer at a time)
    2. commit    it says "committed", with every body and the version that each replaces (conditional: still ours)
    3. apply     every body, each only in place of the version it was made for
    4. free      it says "free"

A writer that dies before 2 has written nothing, and its lock runs out; one that dies after it is finished by whoever
comes next, reader or writer. Applying twice does no harm: the second finds other versions.
"""

from __future__ import annotations

import json
import random
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote, unquote

from knowledge.errors import Unavailable
from knowledge.records import Record, Snapshot, record_from_dict
from knowledge.store.base import Known

__all__ = ["Shelf", "ShelfStore"]

_JOURNAL = "journal/state"
_TYPES = ("DASHBOARD", "JOB", "KPI", "TABLE")
_LEASE_SECONDS = 60.0
_TOGETHER = 16
_LONGEST_WAIT = 1.0


class Shelf(Protocol):
    """Texts by key, each with a version that changes with every write.

    Every method raises ConfigError when the service does not allow it, Unavailable when it does not answer.
    """

    def read(self, key: str) -> tuple[str, str] | None:
        """Text and version, never stale; None when there is none."""
        ...

    def scan(self, folder: str, prefix: str = "", newest: int | None = None) -> Iterator[tuple[str, str]]:
        """Names in a folder that begin so, in order, with their texts; `newest`: the last so many, the last first."""
        ...

    def write_if(self, key: str, text: str, version: str | None) -> str | None:
        """Writes in place of a version (None: where nothing is); the new version, or None when it was another."""
        ...

    def fits(self, writes: Mapping[str, str], seen: Mapping[str, str | None]) -> bool:
        """Whether `write_all` can take them."""
        ...

    def write_all(self, writes: Mapping[str, str], seen: Mapping[str, str | None]) -> bool:
        """Writes all or none; none, and False, when something seen has another version now."""
        ...


@dataclass
class _Draft:
    """One save in the making: what it saw, and what it will write."""

    shelf: Shelf
    seen: dict[str, str | None] = field(default_factory=dict)
    writes: dict[str, str] = field(default_factory=dict)

    def known(self, object_type: str, name: str) -> Record | None:
        """See `Known`."""
        key = _key("records", object_type, name)
        found = self.shelf.read(key)
        self.seen[key] = found[1] if found else None
        return record_from_dict(json.loads(found[0])) if found else None

    def append(self, snapshots: Iterable[Snapshot]) -> None:
        """Numbers the snapshots; one equal to the last of its object is left out."""
        ends: dict[str, tuple[int, str | None]] = {}
        for snapshot in snapshots:
            folder = _key("snapshots", snapshot.object_type, snapshot.name)
            number, last = ends.get(folder) or self._end(folder)
            if snapshot.content_hash != last:
                number, last = number + 1, snapshot.content_hash
                key = f"{folder}/{number:010}"
                self.seen[key] = None
                self.writes[key] = _snapshot_text(snapshot)
            ends[folder] = number, last

    def _end(self, folder: str) -> tuple[int, str | None]:
        for name, text in self.shelf.scan(folder, newest=1):
            return int(name), json.loads(text)["content_hash"]
        return 0, None


class ShelfStore:
    """See the module. Safe with any number of threads, processes and machines.

    Raises Unavailable when others write for longer than `wait_seconds`.
    """

    def __init__(self, shelf: Shelf, *, wait_seconds: float = 30.0, lease_seconds: float = _LEASE_SECONDS) -> None:
        self._shelf, self._wait, self._lease = shelf, wait_seconds, lease_seconds

    def get(self, object_type: str, name: str) -> Record | None:
        """See `RecordStore`."""
        self._settle()
        found = self._shelf.read(_key("records", object_type, name))
        return record_from_dict(json.loads(found[0])) if found else None

    def list(self, object_type: str | None = None) -> Sequence[Record]:
        """See `RecordStore`."""
        self._settle()
        types = _TYPES if object_type is None else (object_type,)
        records = [record_from_dict(json.loads(text)) for t in types for _, text in self._shelf.scan(f"records/{t}")]
        return sorted(records, key=lambda record: record.key)

    def history(self, object_type: str, name: str, newest: int | None = None) -> Sequence[Snapshot]:
        """See `RecordStore`."""
        self._settle()
        found = list(self._shelf.scan(_key("snapshots", object_type, name), newest=newest))
        texts = [json.loads(text) for _, text in sorted(found)]
        return [Snapshot(object_type, name, t["taken_at"], t["content_hash"], t["content"]) for t in texts]

    def find(self, space: str, prefix: str = "") -> Mapping[str, Mapping[str, Any]]:
        """See `RecordStore`."""
        self._settle()
        found = {unquote(n): json.loads(t) for n, t in self._shelf.scan(_key("kept", space), quote(prefix, safe=""))}
        return dict(sorted(found.items()))

    def save(self, records: Iterable[Record], snapshots: Iterable[Snapshot] = ()) -> None:
        """See `RecordStore`."""
        kept = list(records)
        self.update(lambda _: kept, snapshots)

    def update(self, change: Callable[[Known], Iterable[Record]], snapshots: Iterable[Snapshot] = ()) -> None:
        """See `RecordStore`."""
        appended = list(snapshots)

        def made(draft: _Draft) -> None:
            for record in change(draft.known):
                draft.writes[_key("records", *record.key)] = json.dumps(record.to_dict())
            draft.append(appended)

        self._commit(made)

    def put(self, space: str, bodies: Mapping[str, Mapping[str, Any]]) -> None:
        """See `RecordStore`."""
        texts = {_key("kept", space, key): json.dumps(dict(body)) for key, body in bodies.items()}
        self._commit(lambda draft: draft.writes.update(texts))

    # ----------------------------------------------------------------------- writing

    def _commit(self, made: Callable[[_Draft], None]) -> None:
        until = time.monotonic() + self._wait
        attempt = 0
        while not self._attempt(made):
            attempt += 1
            if time.monotonic() > until:
                raise Unavailable("the record store is busy", hint="Try again.")
            time.sleep(random.uniform(0, min(_LONGEST_WAIT, 0.02 * 2**attempt)))

    def _attempt(self, made: Callable[[_Draft], None]) -> bool:
        journal = self._settle()
        if journal is _Busy:
            return False
        draft = _Draft(self._shelf)
        made(draft)
        if not draft.writes:
            return True
        seen = {**draft.seen, _JOURNAL: journal}
        if self._shelf.fits(draft.writes, seen):
            return self._shelf.write_all(draft.writes, seen)
        return self._journaled(made, journal)

    def _journaled(self, made: Callable[[_Draft], None], journal: str | None) -> bool:
        lock = {"state": "open", "owner": uuid.uuid4().hex, "until": time.time() + self._lease}
        version = self._shelf.write_if(_JOURNAL, json.dumps(lock), journal)
        if version is None:
            return False
        try:
            draft = _Draft(self._shelf)
            made(draft)
            entries = self._entries(draft)
        except BaseException:
            self._shelf.write_if(_JOURNAL, _FREE, version)
            raise
        committed = self._shelf.write_if(_JOURNAL, json.dumps({"state": "committed", "writes": entries}), version)
        if committed is None:
            return False  # it took longer than the lease, and another writer has the lock
        self._finish(entries, committed)
        return True

    def _entries(self, draft: _Draft) -> Sequence[Sequence[Any]]:
        def entry(key: str) -> Sequence[Any]:
            if key not in draft.seen:
                found = self._shelf.read(key)
                return [key, draft.writes[key], found[1] if found else None]
            return [key, draft.writes[key], draft.seen[key]]

        return _together(entry, draft.writes)

    def _finish(self, entries: Iterable[Sequence[Any]], version: str) -> None:
        _together(lambda entry: self._shelf.write_if(*entry), entries)
        self._shelf.write_if(_JOURNAL, _FREE, version)

    def _settle(self) -> Any:
        """Finishes what a writer committed. The journal's version then, or `_Busy` while a writer has it."""
        found = self._shelf.read(_JOURNAL)
        if found is None:
            return None
        text, version = found
        journal = json.loads(text)
        if journal["state"] == "committed":
            self._finish(journal["writes"], version)
            return _Busy
        return _Busy if journal["state"] == "open" and journal["until"] > time.time() else version


class _Busy:
    """Stands for "another writer has the journal": not a version."""


_FREE = json.dumps({"state": "free"})


def _together(work: Callable[[Any], Any], items: Iterable[Any]) -> Sequence[Any]:
    with ThreadPoolExecutor(_TOGETHER) as pool:
        return list(pool.map(work, items))


def _key(*parts: str) -> str:
    return "/".join(quote(part, safe="") for part in parts)


def _snapshot_text(snapshot: Snapshot) -> str:
    return json.dumps(
        {
            "taken_at": snapshot.taken_at,
            "content_hash": snapshot.content_hash,
            "content": dict(snapshot.content),
        }
    )
