"""How long a person waits: for a command, for the chat page, for its first answer.

    python -m benchmarks.page [--lake .demo/wealth] [--runs 3]

Each figure is the median of some runs, in seconds, from starting a process to what can be seen. The page is measured in
Chromium, in a fresh profile each time; without one its lines are left out.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, sync_playwright

from examples.wealth.build import build_demo, is_built
from tests.browser import FLAGS, NoBrowser, find_chromium

QUESTION = "what breaks if I drop product_group"
PATIENT = 120_000  # milliseconds
PORT = "18701"


@dataclass(frozen=True)
class Figure:
    """A wait: what for, and its median in seconds."""

    name: str
    seconds: float


def main() -> None:
    """Measures everything and prints a line for each figure."""
    asked = _arguments()
    with tempfile.TemporaryDirectory() as scratch:
        lake = asked.lake or Path(scratch) / "wealth"
        if not is_built(lake):
            build_demo(lake, progress=lambda _: None)
        for figure in [*_commands(lake, asked.runs), *_page(lake, asked.runs)]:
            print(f"{figure.name:<48} {figure.seconds:6.2f} s")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lake", type=Path, help="a demo lake; one is built if this is not given")
    parser.add_argument("--runs", type=int, default=3)
    return parser.parse_args()


def _commands(lake: Path, runs: int) -> Iterator[Figure]:
    lines = {
        "de-copilot --help": ["--help"],
        "de-copilot schema dim_product": ["--lake", str(lake), "schema", "dim_product"],
        f'de-copilot ask "{QUESTION}"': ["--lake", str(lake), "ask", QUESTION],
    }
    for name, line in lines.items():
        yield Figure(name, median(_timed(line) for _ in range(runs)))


def _timed(line: list[str]) -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-m", "ui.cli", *line], check=True, capture_output=True)
    return time.perf_counter() - began


def _page(lake: Path, runs: int) -> Iterator[Figure]:
    try:
        chromium = find_chromium()
    except NoBrowser as reason:
        print(f"the page is not measured: {reason}")
        return
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(FLAGS))
        waits = [_visit(browser, lake) for _ in range(runs)]
        browser.close()
    for name in waits[0]:
        yield Figure(name, median(wait[name] for wait in waits))


def _visit(browser: Browser, lake: Path) -> dict[str, float]:
    """One cold start of the server, one visitor, one question; seconds since the command was started."""
    began = time.perf_counter()
    waits: dict[str, float] = {}
    with _server(lake) as url:
        waits["page: the address is printed"] = time.perf_counter() - began
        page = browser.new_page()
        page.goto(url)
        box = page.get_by_test_id("stChatInputTextArea")
        box.wait_for(timeout=PATIENT)
        waits["page: the first page is drawn"] = time.perf_counter() - began
        page.wait_for_timeout(3_000)  # a person reads and types; the model side loads meanwhile
        asked = time.perf_counter()
        box.fill(QUESTION)
        box.press("Enter")
        page.get_by_test_id("stDownloadButton").first.wait_for(timeout=PATIENT)
        waits["page: from the first question to its answer"] = time.perf_counter() - asked
        page.locator("[data-testid=stGraphVizChart] svg").wait_for(timeout=PATIENT)
        waits["page: from the first question to its graph"] = time.perf_counter() - asked
        page.close()
    return waits


@contextmanager
def _server(lake: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "ui.cli", "ui", "--lake", str(lake), "--port", PORT, "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        text = "".join(iter(process.stdout.readline, "}\n")) + "}"
        yield json.loads(text)["url"]
    finally:
        process.terminate()
        process.wait(timeout=30)


if __name__ == "__main__":
    main()
