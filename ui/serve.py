"""The process that serves the chat page: `python -m ui.serve`. `de-copilot ui` starts it and watches over it.

It turns page.toml into the server's settings, loads what the first question needs while the first page is drawn, and
ends when whoever started it is gone. What the page shows is app.py's matter.
"""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
import tomllib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import streamlit as st

from knowledge.errors import CopilotError
from ui import page_lake
from ui.page_sign_in import secrets_file
from ui.state import log_failure

__all__ = ["main"]

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Serves until it is told to stop."""
    asked = _arguments()
    page_lake.serve(asked.lake, asked.start)
    if asked.watched:
        threading.Thread(target=_end_with_parent, daemon=True).start()
    page = st.App(HERE / "app.py", lifespan=_ready, on_script_error=_told)
    page.run(config={**_settings(), **_secrets(), "server.address": asked.host, "server.port": asked.port})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Serves the chat page; use `de-copilot ui`.")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8501)
    parser.add_argument("--lake", type=Path)
    parser.add_argument("--start", type=Path, default=Path.cwd(), help="where copilot.toml is searched from")
    parser.add_argument("--watched", action="store_true", help="end when standard input is closed")
    return parser.parse_args()


def _settings() -> dict[str, Any]:
    """page.toml with dotted names, as the server takes them."""
    return dict(_dotted(tomllib.loads((HERE / "page.toml").read_text(encoding="utf-8"))))


def _secrets() -> dict[str, Any]:
    """Where Streamlit finds what sign-in needs. What is wrong with it is the page's to tell, to every visitor."""
    try:
        file = secrets_file(page_lake.settings().page)
    except CopilotError:
        return {"secrets.files": []}
    return {"secrets.files": [str(file)] if file else []}


def _dotted(values: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in values.items():
        if isinstance(value, Mapping):
            yield from _dotted(value, f"{above}{key}.")
        else:
            yield f"{above}{key}", value


@asynccontextmanager
async def _ready(_app: st.App) -> AsyncIterator[None]:
    """Loads in the background: the page is drawn meanwhile, and the first question finds everything there."""
    # Streamlit puts this folder first in the import path. Its files would hide packages of the same name.
    sys.path[:] = [p for p in sys.path if not p or Path(p).resolve() != HERE]
    threading.Thread(target=page_lake.preload, daemon=True).start()
    yield


def _told(error: Exception) -> bool:
    """A fault of the page itself: kept in the log, said in a sentence."""
    log = log_failure(error)
    kept = f" The details are in {log}." if log else ""
    st.error(f"Something went wrong inside the page.{kept} Reload it to go on.")
    return True


def _end_with_parent() -> None:
    sys.stdin.buffer.read()  # returns when the other end is closed, however the parent ended
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    main()
