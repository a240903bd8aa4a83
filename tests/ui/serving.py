"""Starts `de-copilot ui` as a person would, and ends it."""

import json
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Server:
    url: str
    process: subprocess.Popen[str]

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def answers(self) -> bool:
        """Whether somebody is there."""
        try:
            with urllib.request.urlopen(f"{self.url}/_stcore/health", timeout=5) as reply:
                return bool(reply.status == 200)
        except OSError:
            return False


@contextmanager
def serving(lake: Path, state: Path, *options: str) -> Iterator[Server]:
    """The page of a lake, on a free port of this machine, until the block ends."""
    process = subprocess.Popen(
        [sys.executable, "-m", "ui.cli", "ui", "--lake", str(lake), "--json", *options],
        cwd=ROOT,
        env={**os.environ, "XDG_STATE_HOME": str(state)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        lines = iter(process.stdout.readline, "")
        object_text = ""
        for line in lines:
            object_text += line
            if line.startswith("}"):
                break
        assert object_text, process.stderr.read()
        yield Server(json.loads(object_text)["url"], process)
    finally:
        process.terminate()
        process.wait(timeout=30)
        process.stdout.close()
        process.stderr.close()
