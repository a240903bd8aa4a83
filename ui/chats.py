"""The chat page's conversations, kept beyond a restart: one SQLite file in this user's state folder.

Each conversation belongs to a lake and to whoever signed in (nobody, when nobody has to). What the copilot itself
remembers of it is the checkpointer's matter; here is what the page draws. A store that cannot be used is done without.
"""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ui.state import log_failure, state_dir

__all__ = ["Chats", "Listed", "open_memory"]

FILE, MEMORY = "chats.sqlite", "threads.sqlite"
MOST_LISTED = 50
_TABLE = """
CREATE TABLE IF NOT EXISTS chats (
    id TEXT PRIMARY KEY, lake TEXT NOT NULL, owner TEXT NOT NULL, title TEXT NOT NULL, updated REAL NOT NULL,
    body TEXT NOT NULL
)"""
_BUSY_SECONDS = 5.0


@dataclass(frozen=True)
class Listed:
    """A conversation in the list."""

    id: str
    title: str
    updated: float


@dataclass(frozen=True)
class Chats:
    """The conversations of one person with one lake."""

    lake: str
    owner: str = ""
    file: Path | None = None

    def listed(self) -> Sequence[Listed]:
        """The newest of them, newest first."""
        sql = "SELECT id, title, updated FROM chats WHERE lake = ? AND owner = ? ORDER BY updated DESC LIMIT ?"
        return [Listed(*row) for row in self._run(sql, (self.lake, self.owner, MOST_LISTED))]

    def load(self, chat_id: str) -> Sequence[Mapping[str, Any]] | None:
        """A conversation's turns; None when there is none of that id for this person and lake."""
        sql = "SELECT body FROM chats WHERE id = ? AND lake = ? AND owner = ?"
        rows = self._run(sql, (chat_id, self.lake, self.owner))
        return list(json.loads(rows[0][0])) if rows else None

    def save(self, chat_id: str, title: str, turns: Sequence[Mapping[str, Any]]) -> None:
        """Keeps a conversation as it is now."""
        body = json.dumps(turns, ensure_ascii=False, default=str)
        sql = (
            "INSERT INTO chats VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET title = excluded.title, "
            "updated = excluded.updated, body = excluded.body WHERE lake = excluded.lake AND owner = excluded.owner"
        )
        self._run(sql, (chat_id, self.lake, self.owner, title, time.time(), body))

    def delete(self, chat_id: str) -> None:
        """Forgets a conversation."""
        sql = "DELETE FROM chats WHERE id = ? AND lake = ? AND owner = ?"
        self._run(sql, (chat_id, self.lake, self.owner))

    def _run(self, sql: str, parameters: Sequence[Any]) -> list[Any]:
        try:
            with _opened(self.file or state_dir() / FILE) as database:
                return database.execute(sql, parameters).fetchall()
        except (sqlite3.Error, OSError) as error:
            log_failure(error)
            return []


@contextmanager
def _opened(file: Path) -> Iterator[sqlite3.Connection]:
    database = sqlite3.connect(file, timeout=_BUSY_SECONDS)
    try:
        file.chmod(0o600)
        database.execute(_TABLE)
        with database:
            yield database
    finally:
        database.close()


def open_memory() -> Any:
    """Where the copilot's threads are kept on this machine: LangGraph's SQLite checkpointer."""
    from langgraph.checkpoint.sqlite import SqliteSaver

    return SqliteSaver(sqlite3.connect(state_dir() / MEMORY, check_same_thread=False))
