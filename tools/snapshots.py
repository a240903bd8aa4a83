"""Lineage kept: what an analysis of a job leaves behind in the record store, and what it was at an earlier time.

One analysis of one job is one update of the store: the job's record, the records of the tables that it reads and
writes (or did before), and a snapshot of each that differs from its last one. Other records are not touched. The store
holds names in the user's format: bare where a bare name means that table, else `database.table`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from knowledge.errors import ReadError
from knowledge.records import JobRecord, Record, Snapshot, TableRecord
from knowledge.store import Known
from tools.consumers import Consumer
from tools.jobs import JobReading
from tools.jobs.reading import unknown_to_dict
from tools.plan.catalog import Columns, is_path
from tools.plan.lineage import Edge
from tools.plan.serial import plan_from_json, plan_to_json
from tools.plan.whole import Plan
from tools.result import Evidence, counted, listed

if TYPE_CHECKING:
    from tools.workspace import Workspace

__all__ = [
    "Analyzed",
    "JobSnapshot",
    "job_snapshot",
    "job_tables",
    "last_snapshot",
    "plan_hash",
    "record_name",
    "remember",
]


@dataclass(frozen=True)
class Analyzed:
    """What `remember` kept: the jobs, those that differ from their last snapshot, and those that are no longer there."""

    kind = "snapshots"
    jobs: tuple[str, ...]
    changed: tuple[str, ...]
    retired: tuple[str, ...] = ()
    unknowns: tuple[str, ...] = ()

    @property
    def evidence(self) -> Sequence[Evidence]:
        """The jobs that were read."""
        return tuple(Evidence("code", job) for job in self.jobs)

    def text(self) -> str:
        """How many jobs are kept, and which of them are new or changed."""
        lines = [f"{counted(len(self.jobs), 'job')} kept; new or changed: {listed(self.changed) or 'none'}."]
        if self.retired:
            lines.append(f"No longer in the lake, their history stays: {listed(self.retired)}.")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "jobs": list(self.jobs),
            "changed": list(self.changed),
            "retired": list(self.retired),
            "unknowns": list(self.unknowns),
        }


@dataclass(frozen=True)
class JobSnapshot:
    """A job as it was analyzed: its text with arguments, its plan, and the columns of the tables that it touches."""

    name: str
    taken_at: str
    file: str
    language: str
    source: str
    arguments: Mapping[str, str]
    code_hash: str
    plan_hash: str
    schema: Mapping[str, Columns]
    plan: Plan

    @property
    def reading(self) -> JobReading:
        """As a reading, to ask what the job read, wrote and computed then."""
        return JobReading(self.name, self.file, self.language, self.code_hash, self.plan, self.arguments)

    @classmethod
    def of(cls, snapshot: Snapshot) -> JobSnapshot:
        """From the store's form. Raises ReadError when another version of the program wrote it."""
        content = snapshot.content
        try:
            return cls(
                snapshot.name,
                snapshot.taken_at,
                content["file"],
                content["language"],
                content["source"],
                content["arguments"],
                content["code_hash"],
                content["plan_hash"],
                {table: [(n, t) for n, t in columns] for table, columns in content["schema"].items()},
                plan_from_json(content["plan"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise ReadError(
                f"the snapshot cannot be read: {error}",
                where=f"{snapshot.name} of {snapshot.taken_at}",
                hint="Analyze the job again: `de-copilot snapshot`.",
            ) from None


# --------------------------------------------------------------------------- keeping


def remember(ws: Workspace, *jobs: str) -> Analyzed:
    """Keeps the jobs as they are now; without names all of them, dashboards and KPIs, and what has gone.

    Each job is one update: nothing of it is kept unless all of it is, and what others keep meanwhile stays.

    Raises NotFound or Ambiguous for a name, and what the store raises.
    """
    names = [ws.assets.find(job, ["job"]).name for job in jobs] or list(ws.jobs)
    changed = tuple(name for name in names if _remember_job(ws, name))
    if jobs:
        return Analyzed(tuple(names), changed)
    ws.store.save(
        [_consumer_record(c) for c in ws.consumers],
        [_snapshot(c.record.object_type, c.name, c.record.to_dict()) for c in ws.consumers],
    )
    return Analyzed(tuple(names), changed, tuple(_retire(ws, set(names))))


def _consumer_record(consumer: Consumer) -> Record:
    """A dashboard or KPI as its file states it, with the columns that its SQL or its own list names."""
    edges = list(consumer.reading.edges) if consumer.reading is not None else []
    edges += [Edge(t, c, "(result)", None, "value") for t, c in consumer.stated_columns]
    return replace(consumer.record, extra={**consumer.record.extra, "columns": [_kept_edge(e) for e in edges]})


def _kept_edge(edge: Edge) -> dict[str, Any]:
    """An edge without what its role says already: there may be half a million of them."""
    data = edge.to_dict()
    del data["type"]
    if not edge.aggregated:
        del data["subtype"]
    return data


def last_snapshot(ws: Workspace, job: str) -> JobSnapshot | None:
    """The job as it was analyzed last; None when it never was. Raises ReadError for one that cannot be read."""
    newest = ws.store.history("JOB", job, 1)
    return JobSnapshot.of(newest[-1]) if newest else None


def record_name(ws: Workspace, table: str) -> str:
    """A data set's name in the store: bare where the bare name means it, else in full."""
    bare = table.rpartition(".")[2]
    return table if is_path(table) or ws.catalog.canonical(bare) != table else bare


def _remember_job(ws: Workspace, name: str) -> bool:
    """Whether it differs from its last snapshot."""
    reading, at = ws.readings[name], now()
    record = _job_record(ws, reading, at)
    touched = {n: t for t in (*reading.reads, *reading.writes) for n in [record_name(ws, t)]}
    snapshot = job_snapshot(ws, reading, at)
    last = ws.store.history("JOB", name, 1)

    def change(known: Known) -> Iterable[Record]:
        before = known("JOB", name)
        extra = {k: v for k, v in before.extra.items() if k != "retired_at"} if before else {}
        former = (*before.reads_from, *before.writes_to) if isinstance(before, JobRecord) else ()
        yield replace(record, extra=extra)
        yield from job_tables(ws, record, touched, former, known, at)

    ws.store.update(change, [snapshot, *_table_snapshots(ws, touched, at)])
    return not last or last[-1].content_hash != snapshot.content_hash


def _retire(ws: Workspace, present: set[str]) -> list[str]:
    """Jobs of the store that are no longer in the lake: they read and write nothing now; their history stays."""
    at, gone = now(), []
    for record in ws.store.list("JOB"):
        if record.name in present or not isinstance(record, JobRecord) or _kept_elsewhere(record):
            continue
        name = record.name

        def change(known: Known, name: str = name) -> Iterable[Record]:
            before = known("JOB", name)
            if not isinstance(before, JobRecord):
                return
            empty = replace(before, reads_from=(), writes_to=(), columns=(), unknowns=(), analyzed_at=at)
            yield replace(empty, extra={**before.extra, "retired_at": at})
            yield from job_tables(ws, empty, {}, (*before.reads_from, *before.writes_to), known, at)

        ws.store.update(change)
        gone.append(name)
    return gone


def _kept_elsewhere(record: JobRecord) -> bool:
    """Whether a job is gone already, or is one that runs elsewhere and never was a script of the lake."""
    return "retired_at" in record.extra or "imported_from" in record.extra


# --------------------------------------------------------------------------- records


def _job_record(ws: Workspace, reading: JobReading, at: str) -> JobRecord:
    sure = not reading.unknowns and all(e.confidence == "high" for e in reading.edges)
    return JobRecord(
        reading.name,
        tuple(dict.fromkeys(record_name(ws, t) for t in reading.reads)),
        tuple(dict.fromkeys(record_name(ws, t) for t in reading.writes)),
        tuple(_kept_edge(e) for e in reading.edges),
        tuple(unknown_to_dict(u) for u in reading.unknowns),
        reading.file,
        reading.code_hash,
        at,
        plan_hash(reading.plan),
        dict(reading.arguments),
        "high" if sure else "low",
    )


def job_tables(
    ws: Workspace, job: JobRecord, touched: Mapping[str, str], former: Iterable[str], known: Known, at: str
) -> Iterable[TableRecord]:
    """The records of the tables that a job reads and writes (record name -> full name), or did before."""
    for table in dict.fromkeys((*touched, *former)):
        yield _table_record(ws, table, touched.get(table), known, job, at)


def _table_record(ws: Workspace, name: str, table: str | None, known: Known, job: JobRecord, at: str) -> TableRecord:
    """A table's record with this job among its writers and readers, or no longer among them."""
    before = known("TABLE", name)
    old = before if isinstance(before, TableRecord) else TableRecord(name)
    columns = _described(ws.catalog.columns(table)) if table else None
    return replace(
        old,
        written_by=_with(old.written_by, job.name, name in job.writes_to),
        read_by=_with(old.read_by, job.name, name in job.reads_from),
        columns=columns or old.columns,
        analyzed_at=at,
        extra={**old.extra, "full_name": table or old.extra.get("full_name", name)},
    )


def _with(names: Sequence[str], job: str, present: bool) -> tuple[str, ...]:
    return tuple(sorted({*names, job} if present else set(names) - {job}))


def _described(columns: Columns | None) -> tuple[Mapping[str, Any], ...]:
    return tuple({"name": n, "type": t} for n, t in columns or ())


# --------------------------------------------------------------------------- snapshots


def job_snapshot(ws: Workspace, reading: JobReading, at: str) -> Snapshot:
    """A job as it is, in the store's form. Where its file lies does not make it another one."""
    digest = plan_hash(reading.plan)
    schema = {
        t: [list(pair) for pair in columns]
        for t in dict.fromkeys((*reading.reads, *reading.writes))
        if (columns := ws.catalog.columns(t)) is not None
    }
    content = {
        "file": reading.file,
        "language": reading.language,
        "source": ws.jobs[reading.name].text,
        "arguments": dict(reading.arguments),
        "code_hash": reading.code_hash,
        "plan_hash": digest,
        "reads": reading.reads,
        "writes": reading.writes,
        "schema": schema,
        "unknowns": [unknown_to_dict(u) for u in reading.unknowns],
        "plan": plan_to_json(reading.plan),
    }
    return Snapshot("JOB", reading.name, at, _hash([reading.code_hash, digest, schema]), content)


def _table_snapshots(ws: Workspace, touched: Mapping[str, str], at: str) -> list[Snapshot]:
    found = [(name, table, ws.catalog.columns(table)) for name, table in touched.items()]
    return [
        _snapshot("TABLE", name, {"full_name": table, "columns": list(_described(columns))}, at)
        for name, table, columns in found
        if columns is not None
    ]


def _snapshot(object_type: str, name: str, content: Mapping[str, Any], at: str | None = None) -> Snapshot:
    return Snapshot(object_type, name, at or now(), _hash(content), content)


def plan_hash(plan: Plan) -> str:
    """Identifies what a plan computes: the same for the same operators, wherever they stand in the text."""
    return _hash(_placeless(plan_to_json(plan)))


def _placeless(data: Any) -> Any:
    """Plan data without lines: spans, and the places that expressions carry."""
    if isinstance(data, list):
        return [_placeless(d) for d in data]
    if not isinstance(data, dict):
        return data
    if data.get("$") == "Span":
        return None
    if "$expr" in data:
        return {"$expr": [{k: v for k, v in node.items() if k != "m"} for node in data["$expr"]]}
    return {k: _placeless(v) for k, v in data.items()}


def now() -> str:
    """The time that records carry: UTC, to the millisecond."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _hash(data: Any) -> str:
    return hashlib.sha256(json.dumps(data, sort_keys=True, default=str).encode()).hexdigest()[:16]
