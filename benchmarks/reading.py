"""How well job code is read: runs the scorers of a benchmark folder over our adapters.

    python -m benchmarks.reading [FOLDER]      # by default ../shared/bench beside the repository

FOLDER holds `jobs/score.py` (PySpark programs with truth from Spark's analyzer), `lineage/score.py` (SQL cases of
public lineage tools) and `lineage/athena_parse_cases.jsonl`. Where it is not there, this says so and measures nothing.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tools.jobs import read_job

HERE = Path(__file__).resolve().parent
DIALECTS = "ansi,athena,presto,trino,sparksql,spark,databricks,hive,redshift,postgres,generic,duckdb"
MODES: tuple[tuple[str, list[str]], ...] = (
    ("with the catalog", []),
    ("without job arguments", ["--no-args"]),
    ("without a catalog", ["--no-schema"]),
)


def main(folder: Path) -> int:
    """Prints every figure; returns 1 when a scorer could not be run."""
    if not (folder / "jobs" / "score.py").is_file():
        print(f"not measured: there is no benchmark folder at {folder}")
        return 0
    codes = [programs(folder, title, flags) for title, flags in MODES]
    codes += [sql(folder), athena(folder)]
    return max(codes)


def programs(folder: Path, title: str, flags: list[str]) -> int:
    """PySpark and Glue programs against Spark's own analyzed plans."""
    print(f"\n# PySpark programs, {title}")
    adapter = HERE / "jobs" / "adapter.py"
    return _score(folder / "jobs", ["score.py", "--adapter", f"{adapter}:adapter", *flags])


def sql(folder: Path) -> int:
    """SQL cases in the dialects of this product's users."""
    print("\n# SQL column and table lineage")
    adapter = HERE / "lineage" / "adapter.py"
    with tempfile.TemporaryDirectory() as out:
        flags = ["--adapter", f"ours={sys.executable}:{adapter}", "--dialect", DIALECTS, "--out", out]
        return _score(folder / "lineage", ["score.py", *flags])


def athena(folder: Path) -> int:
    """Athena statements: each is understood, or what is not is reported; none crashes."""
    print("\n# Athena statements")
    cases = [json.loads(line) for line in (folder / "lineage" / "athena_parse_cases.jsonl").read_text().splitlines()]
    reported = []
    began = time.perf_counter()
    for case in cases:
        reading = read_job(case["sql"], name=case["id"], language="sql", dialect="athena")
        if reading.unknowns:
            reported.append((case["sql"].split("\n")[0][:70], reading.unknowns[0].reason))
    seconds = time.perf_counter() - began
    understood = len(cases) - len(reported)
    print(f"{understood} of {len(cases)} understood, {len(reported)} reported, 0 crashed, {seconds:.2f} s")
    for text, reason in reported:
        print(f"  {text!r}: {reason}")
    return 0


def _score(where: Path, command: list[str]) -> int:
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    return subprocess.run([sys.executable, *command], cwd=where, env=environment, check=False).returncode


if __name__ == "__main__":
    given = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE.parent.parent / "shared" / "bench"
    sys.exit(main(given.resolve()))
