"""How long a question takes from a cold start, beside what it cannot go below.

    python -m benchmarks.ask [LAKE] [RUNS]     # by default .demo/wealth, 5 runs

Each run is a process of its own: `de-copilot ask "what breaks if I drop product_group"`, after one that is not counted
and leaves Python's bytecode behind, as any first start does. The baseline, measured in the same run, is a process that
only imports the agent framework.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from pathlib import Path

QUESTION = "what breaks if I drop product_group"


def main(lake: Path, runs: int) -> int:
    """Prints the median and the worst of each, in seconds."""
    if not (lake / "jobs").is_dir():
        print(f"not measured: there is no lake at {lake}; build one with `de-copilot demo --path {lake} --no-open`")
        return 0
    cli = "import sys; from ui.cli import run; sys.exit(run(sys.argv[1:]))"
    commands = {
        f'de-copilot ask "{QUESTION}"': ["-c", cli, "ask", QUESTION, "--lake", str(lake), "--json"],
        'de-copilot impact "drop product_group"': ["-c", cli, "impact", "drop product_group", "--lake", str(lake)],
        "baseline: import langchain.agents": ["-c", "import langchain.agents"],
        "baseline: start Python": ["-c", "pass"],
    }
    print(f"{'':48}  median  worst of {runs} (s)   load {os.getloadavg()[0]:.1f}")
    for name, command in commands.items():
        _timed(command)
        taken = [_timed(command) for _ in range(runs)]
        print(f"{name:48}  {statistics.median(taken):6.2f}  {max(taken):6.2f}")
    return 0


def _timed(command: list[str]) -> float:
    began = time.perf_counter()
    environ = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    subprocess.run([sys.executable, *command], check=True, capture_output=True, env=environ)
    return time.perf_counter() - began


if __name__ == "__main__":
    given = sys.argv[1:]
    sys.exit(main(Path(given[0] if given else ".demo/wealth"), int(given[1]) if len(given) > 1 else 5))
