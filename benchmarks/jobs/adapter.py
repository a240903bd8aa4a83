"""Plugs the job reader into a scorer of PySpark and Glue programs: one function from script to names and edges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tools.jobs import JobReading, read_job
from tools.plan.catalog import DictCatalog
from tools.plan.grain import grain_of, join_keys
from tools.plan.lineage import OPENLINEAGE
from tools.plan.roles import Role

_KINDS: Mapping[Role, str] = {role: subtype for role, (kind, subtype) in OPENLINEAGE.items() if kind == "INDIRECT"}


def adapter(
    script_text: str, catalog_schema: Mapping[str, Sequence[Sequence[str]]], job_args: Mapping[str, Any]
) -> dict[str, Any]:
    """What a script reads and writes, column by column.

    Args:
        script_text: the job's Python code.
        catalog_schema: `db.table` or path -> [(column, type)].
        job_args: argument defaults of the job's definition.
    """
    catalog = DictCatalog({name: [(c[0], c[1]) for c in columns] for name, columns in catalog_schema.items()})
    arguments = {str(k): str(v) for k, v in job_args.items()}
    reading = read_job(script_text, name="job", file="job.py", language="python", catalog=catalog, arguments=arguments)
    direct, indirect = _edges(reading)
    return {
        "reads": reading.reads,
        "writes": [name for w in reading.plan.writes for name in (w.target.name, *(a.name for a in w.aliases))],
        "direct": direct,
        "indirect": indirect,
        "grain": _grain(reading),
        "join_keys": _join_keys(reading),
        "unknown_reads": any(u.kind == "read" for u in reading.unknowns),
        "unknown_writes": any(u.kind == "write" for u in reading.unknowns),
    }


def _edges(reading: JobReading) -> tuple[dict[str, dict[str, list[str]]], dict[str, dict[str, list[str]]]]:
    direct: dict[str, dict[str, list[str]]] = {}
    indirect: dict[str, dict[str, list[str]]] = {}
    for write in reading.plan.writes:
        columns = direct.setdefault(write.target.name, {})
        for assignment in write.assignments:
            columns.setdefault(assignment.column, [])
    for edge in reading.edges:
        source = f"{edge.source}.{edge.source_column}"
        if edge.role == "value" and edge.target_column not in (None, "*"):
            _once(direct[edge.target].setdefault(str(edge.target_column), []), source)
        elif edge.role in _KINDS:
            _once(indirect.setdefault(edge.target, {}).setdefault(_KINDS[edge.role], []), source)
    return direct, indirect


def _grain(reading: JobReading) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for write in reading.plan.writes:
        grain = grain_of(write)
        if grain is None or grain.how == "distinct":
            continue
        keys = found.setdefault(write.target.name, [])
        for key in grain.keys:
            for origin in reading.tracer.of_expression(key):
                if origin.role == "value":
                    _once(keys, f"{origin.dataset}.{origin.column}")
    return found


def _join_keys(reading: JobReading) -> dict[str, list[list[str]]]:
    found: dict[str, list[list[str]]] = {}
    for write in reading.plan.writes:
        pairs = found.setdefault(write.target.name, [])
        for key in join_keys(write, reading.plan, reading.tracer):
            pairs.append([".".join(key.left), ".".join(key.right)])
    return found


def _once(values: list[str], value: str) -> None:
    if value not in values:
        values.append(value)
