"""Plugs the SQL reader into a lineage scorer: JSON lines with a case in, JSON lines with a prediction out.

A case has `id`, `sql`, `sqlglot_dialect`, `schema` (table -> column -> type), `default_db`, `default_catalog` and a
`convention` that says whether its source counts CASE conditions and window keys as direct. A prediction has
`columns` ([[target column, [source columns]]]), `indirect`, `tables_in`, `tables_out`, `error` and `ms`.

    python benchmarks/lineage/adapter.py < cases.jsonl > predictions.jsonl
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from typing import Any

from tools.jobs import JobReading, read_job
from tools.plan.catalog import DictCatalog, is_path

_DIRECT_TOO = {"case_condition": "condition", "window_keys": "window"}


def predict(case: Mapping[str, Any]) -> dict[str, Any]:
    """The prediction for one case."""
    reading = read_job(
        case["sql"],
        name=str(case["id"]),
        language="sql",
        dialect=case.get("sqlglot_dialect") or "",
        catalog=_catalog(case),
    )
    direct_roles = {"value"} | {
        role for key, role in _DIRECT_TOO.items() if (case.get("convention") or {}).get(key) == "direct"
    }
    inputs, outputs = _tables(reading)
    return {
        "columns": _columns(reading, direct_roles, set(outputs)),
        "indirect": _indirect(reading, direct_roles),
        "tables_in": inputs,
        "tables_out": outputs,
        "error": "; ".join(str(u) for u in reading.unknowns if u.kind == "statement") or None,
    }


def _tables(reading: JobReading) -> tuple[list[str], list[str]]:
    """The script's own inputs and outputs: a table that it makes and reads again, or drops again, is neither."""
    plan = reading.plan
    inputs = list(reading.inputs) + [d.source.name for d in plan.definitions if d.source is not None]
    made = set(reading.writes) | {d.dataset.name for d in plan.definitions if d.action == "create"}
    last = {w.target.name: i for i, w in enumerate(plan.writes)}
    dropped = {
        d.dataset.name for d in plan.definitions if d.action == "drop" and last.get(d.dataset.name, -1) < d.after
    }
    passing = {n for n in reading.reads if n in made and n not in inputs}
    touched = reading.writes + [d.dataset.name for d in plan.definitions if d.action != "drop"]
    return inputs, [n for n in dict.fromkeys(touched) if n not in dropped and n not in passing]


def _catalog(case: Mapping[str, Any]) -> DictCatalog:
    tables = {
        ".".join(t.split(".")[-2:]) if not is_path(t) else t: [(c, None) for c in columns]
        for t, columns in (case.get("schema") or {}).items()
    }
    return DictCatalog(tables, (case.get("default_db") or "").lower() or None)


def _columns(reading: JobReading, direct_roles: set[str], outputs: set[str]) -> list[list[Any]]:
    """Columns of the script's outputs, composed through tables that it made before; `table.column` where it has several
    outputs. What could be any of several inputs is no edge.
    """
    made: dict[str, set[str]] = {}
    out = []
    results = [w.target.name for w in reading.plan.writes if w.target.name in outputs or w.kind == "query"]
    for write in reading.plan.writes:
        found: dict[str, set[str]] = {}
        for assignment in write.assignments:
            sources: set[str] = set()
            for origin in reading.tracer.of_all(assignment.expressions):
                if origin.role in direct_roles and origin.confidence == "high":
                    name = f"{origin.dataset}.{origin.column}"
                    sources |= made.get(name, {name})
            found[f"{write.target.name}.{assignment.column.lower()}"] = sources
            if write.target.name in results:
                prefix = f"{write.target.name}." if len(set(results)) > 1 else ""
                out.append([prefix + assignment.column, sorted(sources)])
        made.update(found)
    return out


def _indirect(reading: JobReading, direct_roles: set[str]) -> list[list[Any]]:
    whole: set[str] = set()
    out: list[list[Any]] = []
    for write in reading.plan.writes:
        whole |= {f"{o.dataset}.{o.column}" for o in reading.tracer.influences(write) if o.role != "distinct"}
        for assignment in write.assignments:
            sources = {
                f"{o.dataset}.{o.column}"
                for o in reading.tracer.of_all(assignment.expressions)
                if o.role not in direct_roles
            }
            if sources:
                out.append([assignment.column, sorted(sources)])
    return [["*", sorted(whole)], *out] if whole else out


def main() -> None:
    """Answers cases from standard input until it ends."""
    for line in sys.stdin:
        case = json.loads(line)
        began = time.perf_counter()
        answer = predict(case)
        answer["ms"] = round(1000 * (time.perf_counter() - began), 2)
        sys.stdout.write(json.dumps({"id": case["id"], **answer}) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
