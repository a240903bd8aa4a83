"""Finds the Chromium that page tests drive, and says how it has to be started.

The one place that knows where a browser may be: the fixtures in conftest.py ask it, and so does
`make browser` (`python -m tests.browser` prints the path, or fails with the places it looked in).
"""

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

COMMANDS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

FLAGS = (
    "--no-sandbox",  # a container's root has no user namespaces to build the sandbox from
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # The second fence behind the request filter: no name but this machine's resolves at all.
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1",
)


class NoBrowser(Exception):
    """There is no Chromium here; the message says where one was looked for."""


def find_chromium() -> Path:
    """The browser named by CHROMIUM, else one on PATH, else Playwright's own. Raises NoBrowser."""
    named = os.environ.get("CHROMIUM")
    if named:
        return _named(named)
    on_path = next(filter(None, map(shutil.which, COMMANDS)), None)
    return Path(on_path) if on_path else _playwrights_own()


def _named(command: str) -> Path:
    path = shutil.which(command)
    if path is None:
        raise NoBrowser(f"CHROMIUM names {command!r}, which is not a program here")
    return Path(path)


def _playwrights_own() -> Path:
    with sync_playwright() as playwright:
        path = Path(playwright.chromium.executable_path)
    if not path.exists():
        raise NoBrowser(f"no Chromium: none of {', '.join(COMMANDS)} is on PATH, and {path} is not there")
    return path


def main() -> int:
    """Print the browser's path; 1 and the reason if there is none."""
    try:
        sys.stdout.write(f"{find_chromium()}\n")
    except NoBrowser as reason:
        sys.stderr.write(f"{reason}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
