"""How long a chat turn takes over the engine's own time, warm and without a model.

    python -m benchmarks.agent.turns [--lake .demo/wealth] [--threads 2]

Questions of every kind that the planner serves are made from the lake's own names and asked in threads of several turns,
so that memory and follow-ups count. A turn is timed from the question to its whole answer; what its tools take meanwhile
is taken off, and what is left is held against the goal. The first thread warms up and is not counted.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from agent.copilot import Copilot, build_copilot
from agent.planning.intents import INTENTS
from tools import toolbox
from tools.assets import KINDS
from tools.settings import load_settings
from tools.workspace import Workspace, open_workspace

GOAL = 0.300
"""Seconds: p95 of a turn over its tools."""

FOLLOW_UPS = ("and who reads it?", "where does that come from?", "same for {table}")


class Clock:
    """Adds up what tools take; calls that run side by side count once."""

    def __init__(self) -> None:
        self._spans: list[tuple[float, float]] = []

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Times every tool call that is made meanwhile."""
        real = toolbox.answer_call

        def timed(ws: Workspace, spec: toolbox.ToolSpec, args: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
            began = time.perf_counter()
            try:
                return real(ws, spec, args)
            finally:
                self._spans.append((began, time.perf_counter()))

        toolbox.answer_call = timed
        try:
            yield
        finally:
            toolbox.answer_call = real

    def taken(self) -> float:
        """Seconds in tools since the last time this was asked."""
        spans, self._spans = sorted(self._spans), []
        total, until = 0.0, 0.0
        for begin, end in spans:
            total += max(0.0, end - max(begin, until))
            until = max(until, end)
        return total


def questions(ws: Workspace, number: int) -> list[str]:
    """A thread: each kind of question once, with names that differ from thread to thread, and follow-ups."""
    names = {k: [a.short for a in ws.assets.all(k)] or ["nothing"] for k in (*KINDS, "column")}
    chosen = {kind: found[(7 * number + 3) % len(found)] for kind, found in names.items()}
    examples = [row.example.format(**chosen) for row in INTENTS.values()]
    return [*examples, *(f.format(**chosen) for f in FOLLOW_UPS), "what is the capital of France?"]


def measure(copilot: Copilot, ws: Workspace, threads: int) -> list[tuple[float, float, str]]:
    """For each counted turn: seconds over its tools, seconds in its tools, the question."""
    clock, found = Clock(), []
    with clock.listening():
        for number in range(threads + 1):
            for question in questions(ws, number):
                began = time.perf_counter()
                copilot.ask(question, f"thread {number}")
                whole = time.perf_counter() - began
                inside = clock.taken()
                if number:
                    found.append((whole - inside, inside, question))
    return found


def quantile(values: Sequence[float], share: float) -> float:
    """The value below which that share lies."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def main(argv: Sequence[str]) -> int:
    """Prints the figures beside the goal; the exit code is 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--lake", type=Path, default=Path(".demo/wealth"))
    parser.add_argument("--threads", type=int, default=2)
    options = parser.parse_args(argv)
    if not (options.lake / "jobs").is_dir():
        print(f"not measured: there is no lake at {options.lake}; build one with `de-copilot demo --build-only`")
        return 0
    ws = open_workspace(load_settings(lake=options.lake, environ={}))
    found = measure(build_copilot(ws), ws, options.threads)
    over, inside = [f[0] for f in found], [f[1] for f in found]
    print(f"{len(found)} turns in {options.threads} threads, load {os.getloadavg()[0]:.1f}")
    print(
        f"{'over the tools':18} p50 {quantile(over, 0.5) * 1e3:6.0f} ms   p95 {quantile(over, 0.95) * 1e3:6.0f} ms",
        end="",
    )
    print(f"   goal p95 < {GOAL * 1e3:.0f} ms: {'held' if quantile(over, 0.95) < GOAL else 'missed'}")
    print(
        f"{'inside the tools':18} p50 {quantile(inside, 0.5) * 1e3:6.0f} ms   p95 {quantile(inside, 0.95) * 1e3:6.0f} ms"
    )
    for seconds, _, question in sorted(found, reverse=True)[:3]:
        print(f"  slowest: {seconds * 1e3:6.0f} ms  {question}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
