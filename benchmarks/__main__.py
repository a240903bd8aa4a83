"""Runs benchmarks: all that need nothing but a demo lake, or those that are named.

python -m benchmarks            # ask, page
python -m benchmarks reading    # one of them
"""

from __future__ import annotations

import subprocess
import sys

# name -> module; those of the second row want data that lies outside the repository, or minutes of time.
QUICK = {"ask": "benchmarks.ask", "page": "benchmarks.page"}
NAMED = {
    "reading": "benchmarks.reading",
    "impact": "benchmarks.impact",
    "kpi": "benchmarks.kpi",
    "profile": "benchmarks.profile",
    "graph": "benchmarks.graph",
    "lambdas": "benchmarks.lambdas",
    "turns": "benchmarks.agent.turns",
}


def main(names: list[str]) -> int:
    """Runs the named benchmarks one after the other; the exit code is the worst of theirs."""
    known = {**QUICK, **NAMED}
    wrong = [n for n in names if n not in known]
    if wrong:
        print(f"no benchmark {', '.join(wrong)}; there is {', '.join(known)}", file=sys.stderr)
        return 2
    codes = [subprocess.run([sys.executable, "-m", known[n]], check=False).returncode for n in names or QUICK]
    return max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
