"""The lake and the copilot behind the chat page: opened once for all visitors, read again when a file has changed.

It draws nothing. Opening may fail; the page says why.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from knowledge.errors import CopilotError
from tools.settings import Settings, load_settings
from ui.audit import open_audit
from ui.chats import open_memory
from ui.state import log_failure

if TYPE_CHECKING:
    from agent.copilot import Copilot
    from tools.workspace import Workspace

__all__ = ["Served", "current", "preload", "serve", "settings"]

_LOOK_AGAIN = 300.0
"""Seconds."""


@dataclass
class _Asked:
    """What the server was started with; a page started by Streamlit itself has the usual settings."""

    lake: Path | None = None
    start: Path | None = None


_asked = _Asked()


@dataclass
class Served:
    """A workspace with its copilot, and the state of the files they have read."""

    ws: Workspace
    stamp: str
    _building: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _reading: threading.Lock = field(default_factory=threading.Lock, repr=False)
    _copilot: Copilot | None = None
    _warming: bool = False

    def warm_up(self) -> None:
        """Loads the model side in the background, once: the page is drawn, and a visitor reads and types."""
        if not self._warming:
            self._warming = True
            threading.Thread(target=_logged, args=(lambda: self.copilot,), daemon=True).start()

    @property
    def copilot(self) -> Copilot:
        """The copilot, built when it is first wanted: that loads the model side."""
        with self._building:
            if self._copilot is None:
                from agent.copilot import build_copilot

                self._copilot = build_copilot(self.ws, checkpointer=open_memory(), audit=open_audit(self.ws.settings))
            return self._copilot

    def source(self, path: str) -> str | None:
        """The text of a file of the lake; None where it cannot be had."""
        try:
            return self.ws.lake.read_text(path)
        except CopilotError:
            return None

    def refresh(self) -> None:
        """Forgets what was read if any file has changed since."""
        with self._reading:
            now = _stamp(self.ws.settings)
            if now != self.stamp:
                self.ws.refresh()
                self.stamp = now


def serve(lake: Path | None, start: Path | None) -> None:
    """Says which lake this process serves."""
    _asked.lake, _asked.start = lake, start


def settings() -> Settings:
    """The settings of this process. Raises ConfigError or NotFound."""
    return load_settings(_asked.lake, start=_asked.start)


def current() -> Served:
    """The lake that is served. Raises CopilotError when it cannot be opened."""
    return _open(settings())


@st.cache_resource(show_spinner=False, hash_funcs={Settings: Settings.model_dump_json})
def _open(stated: Settings) -> Served:
    from tools.workspace import open_workspace  # the engine; the server answers before it is loaded

    return Served(open_workspace(stated), _stamp(stated))


def preload() -> None:
    """Loads what the first page needs while the browser fetches its parts. What fails is the page's to tell."""
    _logged(lambda: current().ws.graph)  # reads every job


def _logged(load: Callable[[], object]) -> None:
    """In a thread of its own a failure would end as a traceback; whoever asks next gets it again, and tells it."""
    try:
        load()
    except CopilotError:
        return
    except Exception as error:  # noqa: BLE001 - see above
        log_failure(error)


def _stamp(stated: Settings) -> str:
    """Changes when a file of the lake does. Reports in `output/` and the record store are ours and do not count.

    An account cannot be looked over at each question: there everything is looked up again after a while.
    """
    if stated.backend == "aws":
        return str(int(time.monotonic() // _LOOK_AGAIN))
    root = stated.lake
    digest = hashlib.blake2b(digest_size=16)
    for path, size, changed in _files(root):
        digest.update(f"{path}\0{size}\0{changed}\n".encode())
    return digest.hexdigest()


def _files(folder: Path | str, depth: int = 0) -> Iterator[tuple[str, int, int]]:
    try:
        entries = sorted(os.scandir(folder), key=lambda e: e.name)
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith(".") or (depth == 0 and entry.name == "output"):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _files(entry.path, depth + 1)
        elif entry.is_file():
            stat = entry.stat()
            yield entry.path, stat.st_size, stat.st_mtime_ns
