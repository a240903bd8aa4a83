"""Keeps imports in the record store, merged with what the jobs' code says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from knowledge.records import JobRecord, Record
from knowledge.store import Known
from tools.imports.result import Brought, ImportResult, Imports
from tools.snapshots import job_tables, now, record_name

if TYPE_CHECKING:
    from tools.workspace import Workspace

__all__ = ["keep"]


def keep(ws: Workspace, imports: Imports, source: str, form: str) -> ImportResult:
    """Puts jobs and dashboards into the store; each job is one update."""
    merged, conflicts, names = [], {}, []
    for job in imports.jobs:
        name = _in_lake(ws, job.name)
        if name is not None:
            merged.append(name)
            found = _conflicts(ws, name, job)
            if found:
                conflicts[name] = found
        names.append(name or job.name)
        _keep_job(ws, name or job.name, job, source, elsewhere=name is None)
    boards = [replace(b, extra={**b.extra, "imported_from": source}) for b in imports.dashboards]
    ws.store.save(boards)
    ws.refresh()
    return ImportResult(
        source, form, tuple(names), tuple(merged), tuple(b.name for b in boards), conflicts, imports.unknowns
    )


def _in_lake(ws: Workspace, name: str) -> str | None:
    """The script of the lake that a job's name means: in full, or after the last dot or colon."""
    scripts = {j.name.lower(): j.name for j in ws.lake.jobs()}
    forms = (name, name.rpartition(".")[2], name.rpartition(":")[2])
    return next((scripts[f.lower()] for f in forms if f.lower() in scripts), None)


def _conflicts(ws: Workspace, name: str, job: Brought) -> list[str]:
    """Where a run and the code differ. A run sees one path through the code, the code all of them: both may be right."""
    reading = ws.readings[name]
    said = []
    for what, code, run in (("reads", reading.reads, job.reads), ("writes", reading.writes, job.writes)):
        said += [f"a run {what} `{t}`, which the code does not show" for t in run if t not in code]
        said += [f"the code {what} `{t}`, which no run of these did" for t in code if run and t not in run]
    return said


def _keep_job(ws: Workspace, name: str, job: Brought, source: str, *, elsewhere: bool) -> None:
    at = now()
    reads = [record_name(ws, t) for t in job.reads]
    writes = [record_name(ws, t) for t in job.writes]
    run = {
        "reads_from": list(job.reads),
        "writes_to": list(job.writes),
        "columns": [e.to_dict() for e in job.edges.values()],
        "at": job.at,
        "source": source,
    }

    def change(known: Known) -> Iterable[Record]:
        before = known("JOB", name)
        old = before if isinstance(before, JobRecord) else JobRecord(name)
        extra: dict[str, Any] = {k: v for k, v in old.extra.items() if k != "retired_at"}
        extra["runtime"] = _added(extra.get("runtime"), run)
        if elsewhere:
            extra |= {"imported_from": source}
        extra |= {k: v for k, v in (("owner", job.owner), ("sql", job.sql)) if v}
        record = replace(
            old,
            reads_from=tuple(dict.fromkeys((*old.reads_from, *reads))),
            writes_to=tuple(dict.fromkeys((*old.writes_to, *writes))),
            columns=old.columns or tuple(run["columns"]),  # type: ignore[arg-type]
            file=old.file or job.file,
            analyzed_at=at,
            extra=extra,
        )
        yield record
        full = {record_name(ws, t): t for t in (*job.reads, *job.writes)}
        yield from job_tables(ws, record, full, (), known, at)

    ws.store.update(change)


def _added(before: Mapping[str, Any] | None, run: Mapping[str, Any]) -> dict[str, Any]:
    """Runs add up: one run may take a path that another did not."""
    if not before:
        return dict(run)
    return {
        "reads_from": _union(before["reads_from"], run["reads_from"]),
        "writes_to": _union(before["writes_to"], run["writes_to"]),
        "columns": _union(before["columns"], run["columns"]),
        "at": run["at"] or before["at"],
        "source": run["source"],
    }


def _union(left: Sequence[Any], right: Sequence[Any]) -> list[Any]:
    return [*left, *(r for r in right if r not in left)]
