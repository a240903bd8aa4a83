"""Cold start of each Lambda handler: the import of its module, and its first call, each in a process of its own.

    python -m benchmarks.lambdas [LAKE] [RUNS]     # by default .demo/wealth, 3 runs

The first call does the whole work on the demo lake (the simulator: three days), with records in a fresh file. What it is
compared with, measured in the same run: the import of the agent framework, which no handler loads, and the ten seconds
that Lambda gives a handler's import.
"""

from __future__ import annotations

import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

CALLS: dict[str, dict[str, object]] = {
    "de_copilot_analyze_table": {"table_name": "dim_product"},
    "de_copilot_impact_analyzer": {"job_name": "product_dim_job"},
    "de_copilot_kpi_simulator": {"job_name": "positions_job", "days": 3, "kpis": ["Total AUM"]},
    "de_copilot_list_tables": {},
}
PROGRAM = """
import json, sys, time
began = time.perf_counter()
import ui.lambdas
imported = time.perf_counter() - began
class Context:
    aws_request_id = "benchmark"
    def get_remaining_time_in_millis(self): return 900_000
began = time.perf_counter()
answer = getattr(ui.lambdas, sys.argv[1])(json.loads(sys.argv[2]), Context())
called = time.perf_counter() - began
models = sorted({m.split(".")[0] for m in sys.modules} & {"langchain", "langchain_core", "langgraph", "langchain_aws"})
print(json.dumps({"import": imported, "call": called, "status": answer["status"], "models": models}))
"""


def main(lake: Path, runs: int) -> int:
    """Prints the medians, in seconds. The exit code is 1 when a handler failed or loaded a model's framework."""
    if not (lake / "jobs").is_dir():
        print(f"not measured: there is no lake at {lake}; build one with `de-copilot demo --path {lake} --no-open`")
        return 0
    worst = 0
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder) / "lake"
        shutil.copytree(lake, copy, ignore=shutil.ignore_patterns(".de-copilot", "output"))
        print(f"{'':30}  import  first call (s)   load {os.getloadavg()[0]:.1f}")
        for name, event in CALLS.items():
            taken = [_measured(copy, name, event) for _ in range(runs)]
            imported, called = (statistics.median(float(str(t[k])) for t in taken) for k in ("import", "call"))
            strange = [t for t in taken if t["status"] != "ok" or t["models"]]
            print(f"{name:30}  {imported:6.2f}  {called:6.2f}{'   ' + str(strange[0]) if strange else ''}")
            worst = max(worst, bool(strange))
    code = "import time; began = time.perf_counter(); import langchain.agents; print(time.perf_counter() - began)"
    baseline = statistics.median(float(_output(["-c", code], {})) for _ in range(runs))
    print(f"{'baseline: langchain.agents':30}  {baseline:6.2f}")
    print(f"{'limit of Lambda':30}  {10:6.2f}")
    return worst


def _measured(lake: Path, name: str, event: dict[str, object]) -> dict[str, object]:
    shutil.rmtree(lake / ".de-copilot", ignore_errors=True)
    measured: dict[str, object] = json.loads(
        _output(["-c", PROGRAM, name, json.dumps(event)], {"DE_COPILOT_LAKE": str(lake)}).splitlines()[-1]
    )
    return measured


def _output(command: list[str], settings: dict[str, str]) -> str:
    environ = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"} | settings
    return subprocess.run([sys.executable, *command], check=True, capture_output=True, text=True, env=environ).stdout


if __name__ == "__main__":
    given = sys.argv[1:]
    sys.exit(main(Path(given[0] if given else ".demo/wealth"), int(given[1]) if len(given) > 1 else 3))
