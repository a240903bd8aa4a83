"""The record store in one SQLite file beside the lake.

Safe with several processes: a write-ahead log, and one transaction for each analysis.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from knowledge.errors import ReadError, Unavailable
from knowledge.records import Record, Snapshot, record_from_dict
from knowledge.store.base import Known

__all__ = ["SqliteStore"]

_SCHEMA = """
CREATE TABLE IF NOT EXISTS records (
    object_type TEXT NOT NULL, name TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (object_type, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS snapshots (
    id INTEGER PRIMARY KEY, object_type TEXT NOT NULL, name TEXT NOT NULL,
    taken_at TEXT NOT NULL, content_hash TEXT NOT NULL, body TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS snapshots_of ON snapshots (object_type, name, id);
CREATE TABLE IF NOT EXISTS kept (
    space TEXT NOT NULL, key TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY (space, key)
) WITHOUT ROWID;
"""


class SqliteStore:
    """Records in one SQLite file, made on the first write.

    Raises ReadError when the file is no store of ours, Unavailable when another process holds it for too long.
    """

    def __init__(self, path: Path, *, wait_seconds: float = 10.0) -> None:
        self._path, self._wait = path, wait_seconds

    def get(self, object_type: str, name: str) -> Record | None:
        """See `RecordStore`."""
        with self._reading() as db:
            return _latest(db, object_type, name) if db else None

    def list(self, object_type: str | None = None) -> Sequence[Record]:
        """See `RecordStore`."""
        with self._reading() as db:
            rows = (
                db.execute(
                    "SELECT body FROM records WHERE ?1 IS NULL OR object_type = ?1 ORDER BY object_type, name",
                    (object_type,),
                ).fetchall()
                if db
                else []
            )
        return [record_from_dict(json.loads(body)) for (body,) in rows]

    def save(self, records: Iterable[Record], snapshots: Iterable[Snapshot] = ()) -> None:
        """See `RecordStore`."""
        self.update(lambda _: records, snapshots)

    def update(self, change: Callable[[Known], Iterable[Record]], snapshots: Iterable[Snapshot] = ()) -> None:
        """See `RecordStore`."""
        with self._writing() as db:
            records = change(lambda object_type, name: _latest(db, object_type, name))
            rows = [(*r.key, json.dumps(r.to_dict())) for r in records]
            db.executemany("INSERT OR REPLACE INTO records VALUES (?, ?, ?)", rows)
            for snapshot in snapshots:
                self._append(db, snapshot)

    def history(self, object_type: str, name: str, newest: int | None = None) -> Sequence[Snapshot]:
        """See `RecordStore`."""
        with self._reading() as db:
            rows = (
                db.execute(
                    "SELECT taken_at, content_hash, body FROM snapshots WHERE object_type = ? AND name = ? "
                    "ORDER BY id DESC LIMIT ?",
                    (object_type, name, -1 if newest is None else newest),
                ).fetchall()
                if db
                else []
            )
        return [Snapshot(object_type, name, at, digest, json.loads(body)) for at, digest, body in reversed(rows)]

    def put(self, space: str, bodies: Mapping[str, Mapping[str, Any]]) -> None:
        """See `RecordStore`."""
        rows = [(space, key, json.dumps(dict(body))) for key, body in bodies.items()]
        if rows:
            with self._writing() as db:
                db.executemany("INSERT OR REPLACE INTO kept VALUES (?, ?, ?)", rows)

    def find(self, space: str, prefix: str = "") -> Mapping[str, Mapping[str, Any]]:
        """See `RecordStore`."""
        with self._reading() as db:
            if db is None or not db.execute("SELECT 1 FROM sqlite_master WHERE name = 'kept'").fetchone():
                return {}
            rows = db.execute(
                "SELECT key, body FROM kept WHERE space = ? AND substr(key, 1, ?) = ? ORDER BY key",
                (space, len(prefix), prefix),
            ).fetchall()
        return {key: json.loads(body) for key, body in rows}

    @staticmethod
    def _append(db: sqlite3.Connection, snapshot: Snapshot) -> None:
        last = db.execute(
            "SELECT content_hash FROM snapshots WHERE object_type = ? AND name = ? ORDER BY id DESC LIMIT 1",
            (snapshot.object_type, snapshot.name),
        ).fetchone()
        if last is None or last[0] != snapshot.content_hash:
            db.execute(
                "INSERT INTO snapshots (object_type, name, taken_at, content_hash, body) VALUES (?, ?, ?, ?, ?)",
                (
                    snapshot.object_type,
                    snapshot.name,
                    snapshot.taken_at,
                    snapshot.content_hash,
                    json.dumps(dict(snapshot.content)),
                ),
            )

    @contextmanager
    def _reading(self) -> Iterator[sqlite3.Connection | None]:
        if not self._path.exists():
            yield None
            return
        with self._connected() as db:
            # Another process may have made the file a moment ago and not its tables yet: it is still empty.
            made = db.execute("SELECT 1 FROM sqlite_master WHERE name = 'snapshots_of'").fetchone()
            yield db if made else None

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._connected() as db:
            db.execute("PRAGMA journal_mode = WAL")
            db.executescript(_SCHEMA)
            # The lock is taken before the first read, so that two writers cannot both see the same last snapshot.
            db.execute("BEGIN IMMEDIATE")
            yield db
            db.commit()

    @contextmanager
    def _connected(self) -> Iterator[sqlite3.Connection]:
        db = sqlite3.connect(self._path, timeout=self._wait, isolation_level=None)
        try:
            yield db
        except sqlite3.OperationalError as error:
            if "locked" in str(error) or "busy" in str(error):
                raise Unavailable("the record store is busy", where=str(self._path), hint="Try again.") from None
            raise ReadError(f"the record store cannot be used: {error}", where=str(self._path)) from None
        except sqlite3.DatabaseError as error:
            raise ReadError(
                f"the record store cannot be read: {error}",
                where=str(self._path),
                hint="Move the file away; it is rebuilt by the next analysis.",
            ) from None
        finally:
            db.close()


def _latest(db: sqlite3.Connection, object_type: str, name: str) -> Record | None:
    row = db.execute("SELECT body FROM records WHERE object_type = ? AND name = ?", (object_type, name)).fetchone()
    return record_from_dict(json.loads(row[0])) if row else None
