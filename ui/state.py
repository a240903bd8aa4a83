"""The copilot's own small files on this machine: the log of failures and what was typed in the terminal chat.

Nothing of a lake is kept here, and nothing here is needed: where it cannot be written, the copilot does without.
"""

from __future__ import annotations

import os
import sys
import tempfile
import traceback
from datetime import UTC, datetime
from pathlib import Path

__all__ = ["log_failure", "state_dir"]


def state_dir() -> Path:
    """The folder for such files, made if missing; a temporary one where the user's home cannot be written."""
    home = _home()
    try:
        home.mkdir(parents=True, exist_ok=True)
    except OSError:
        return Path(tempfile.mkdtemp(prefix="de-copilot-"))
    return home if os.access(home, os.W_OK) else Path(tempfile.mkdtemp(prefix="de-copilot-"))


def _home() -> Path:
    if stated := os.environ.get("XDG_STATE_HOME"):
        return Path(stated) / "de-copilot"
    if sys.platform == "win32":
        return Path(os.environ.get("LOCALAPPDATA", "~")).expanduser() / "de-copilot"
    return Path("~/.local/state/de-copilot").expanduser()


def log_failure(error: BaseException) -> Path | None:
    """Appends an unforeseen failure with its traceback to the log; where that is, or None if it cannot be kept."""
    file = state_dir() / "failures.log"
    text = "".join(traceback.format_exception(error))
    try:
        with file.open("a", encoding="utf-8") as log:
            log.write(f"{datetime.now(UTC).isoformat(timespec='seconds')} {sys.argv[:2]}\n{text}\n")
    except OSError:
        return None
    return file
