"""The audit log: one JSON line for each question, with what was run for it, what that read, and what it cost.

Lines are written whole, by several processes at once. Keys and passwords are blotted out, personal data too unless the
settings say never; a tool's arguments are kept as they were, so that `de-copilot replay` can run it again, and marked
where something in them had to be hidden.
"""

from __future__ import annotations

import json
import os
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from agent.events import Answer, Event, redacted
from knowledge.errors import NotFound, ReadError
from tools.privacy import Masker, mask_patterns, masker_for
from tools.quoting import masked as without_secrets
from tools.receipts import receipt, scanned

if TYPE_CHECKING:
    from tools.workspace import Workspace

__all__ = ["AuditLog", "Recorder"]


@dataclass(frozen=True)
class AuditLog:
    """The file."""

    path: Path

    def write(self, entry: Mapping[str, Any]) -> bool:
        """Appends one line, whole. False when the file cannot be written: an answer is not lost over that."""
        line = (json.dumps(entry, ensure_ascii=False, default=str) + "\n").encode()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
        except OSError:
            return False
        try:
            with _alone(file):
                _append(file, line)
        except OSError:
            return False
        finally:
            os.close(file)
        return True

    def find(self, answer_id: str) -> dict[str, Any]:
        """The entry of an answer, by its id or the beginning of it. Raises NotFound, or ReadError."""
        entries = [e for e in self.entries() if str(e.get("id", "")).startswith(answer_id)] if answer_id else []
        ids = {e["id"] for e in entries}
        if len(ids) != 1:
            why = f"{len(ids)} answers begin so." if ids else f"The answers are kept in {self.path}."
            raise NotFound("answer", answer_id, sorted(ids)[:5], hint=why)
        return entries[-1]

    def entries(self) -> Iterator[dict[str, Any]]:
        """All entries, oldest first. A line that cannot be read is passed over: it is not one of ours."""
        try:
            with self.path.open(encoding="utf-8", errors="replace") as lines:
                for line in lines:
                    try:
                        entry = json.loads(line)
                    except ValueError:
                        continue
                    if isinstance(entry, dict):
                        yield entry
        except FileNotFoundError:
            return
        except OSError as error:
            raise ReadError(f"the audit log cannot be read: {error.strerror}", where=str(self.path)) from error


@contextmanager
def _alone(file: int) -> Iterator[None]:
    """Holds the file's lock, where the system has such locks; elsewhere appending has to do."""
    try:
        import fcntl
    except ImportError:
        yield
        return
    fcntl.flock(file, fcntl.LOCK_EX)
    try:
        yield
    finally:
        fcntl.flock(file, fcntl.LOCK_UN)


def _append(file: int, line: bytes) -> None:
    """A process that died in the middle of a line has left a part of it: the next one begins on its own line."""
    size = os.fstat(file).st_size
    if size and os.pread(file, 1, size - 1) != b"\n":
        line = b"\n" + line
    while line:
        line = line[os.write(file, line) :]


class Recorder:
    """Writes what becomes of each question of one workspace."""

    def __init__(self, ws: Workspace, log: AuditLog, model: str) -> None:
        self._log, self._model, self._lake = log, model, ws.settings.place
        self._masker: Masker | None = None if ws.settings.privacy.mask == "never" else masker_for(ws)

    def record(self, events: Iterator[Event], question: str, thread: str, user: str | None = None) -> Iterator[Event]:
        """The same events; the answer gets its id. A question that is stopped on its way is recorded as such."""
        about = {"user": user, "thread": self._hidden(thread), "question": self._hidden(redacted(question))}
        began, answer = time.perf_counter(), Answer("", error="stopped")
        answer_id = uuid.uuid4().hex[:12]
        told = False
        try:
            for event in events:
                if event.kind != "answer":
                    yield event
                    continue
                answer = event.data["answer"]
                told = True
                kept = self._log.write(self._entry(answer_id, answer, about, time.perf_counter() - began))
                yield Event("answer", {"answer": replace(answer, id=answer_id) if kept else answer})
        finally:
            if not told:
                self._log.write(self._entry(answer_id, answer, about, time.perf_counter() - began))

    def call(self, artifact: Mapping[str, Any], face: str) -> None:
        """One tool call that no question of ours led to, as an MCP client makes it; `face` stands for the thread."""
        answer = Answer("", artifacts=(artifact,))
        about = {"user": None, "thread": face, "question": None}
        self._log.write(self._entry(uuid.uuid4().hex[:12], answer, about, float(artifact.get("seconds") or 0)))

    def _entry(self, answer_id: str, answer: Answer, about: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        return {
            "id": answer_id,
            "at": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "lake": self._lake,
            **about,
            "model": self._model,
            "tokens": dict(answer.tokens) if answer.tokens else None,
            "seconds": round(seconds, 3),
            "bytes_scanned": sum(scanned(a.get("data")) for a in answer.artifacts),
            "tools": [self._tool(a) for a in answer.artifacts],
            "error": answer.error and self._hidden(answer.error),
        }

    def _tool(self, artifact: Mapping[str, Any]) -> dict[str, Any]:
        args = artifact.get("args") or {}
        shown = {name: self._tree(value) for name, value in args.items()}
        hidden = {"masked": True} if shown != dict(args) else {}
        return {
            "name": artifact.get("tool"),
            "args": shown,
            **hidden,
            "seconds": artifact.get("seconds"),
            "ok": artifact["kind"] != "error",
            **self.receipt(artifact),
        }

    def receipt(self, artifact: Mapping[str, Any]) -> dict[str, Any]:
        """The receipt of a result as the log keeps it: the fingerprint of all of it, the rest without personal values."""
        kept = receipt(artifact)
        safe = receipt(self._masker.artifact(artifact)) if self._masker else kept
        return {**safe, "digest": kept["digest"], "evidence": [self._hidden(e) for e in safe["evidence"]]}

    def _tree(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._hidden(value)
        if isinstance(value, Mapping):
            return {k: self._tree(v) for k, v in value.items()}
        return [self._tree(v) for v in value] if isinstance(value, list | tuple) else value

    def _hidden(self, text: str) -> str:
        return without_secrets(mask_patterns(text) if self._masker else text)
