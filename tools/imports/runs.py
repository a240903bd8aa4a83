"""Kept imports as readings: what runs did, beside what a job's code says."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from knowledge.records import DashboardRecord, JobRecord, Record
from tools.jobs.reading import JobReading
from tools.lake.base import JobSource
from tools.plan.base import Unknown
from tools.plan.lineage import Edge
from tools.plan.whole import Plan

__all__ = ["Kept", "MergedReading", "kept_imports"]


@dataclass(frozen=True)
class MergedReading(JobReading):
    """A job as its code says (an empty plan when it runs elsewhere), and as its runs did."""

    run: Mapping[str, Any]

    @property
    def reads(self) -> list[str]:
        """Of code and runs together."""
        return list(dict.fromkeys((*super().reads, *self.run["reads_from"])))

    @property
    def writes(self) -> list[str]:
        """Of code and runs together."""
        return list(dict.fromkeys((*super().writes, *self.run["writes_to"])))

    @property
    def unknowns(self) -> list[Unknown]:
        """What was not read, and what only a run shows."""
        code = super().reads
        only_run = [t for t in self.run["reads_from"] if t not in code]
        said = [
            Unknown(f"a run read {t}, which the code does not show ({self.run['source']})", None, "read", t)
            for t in only_run
        ]
        return [*self.plan.unknowns, *(said if self.plan.writes or self.plan.scans else ())]

    @cached_property
    def edges(self) -> list[Edge]:
        """Edges of the code, then those that only runs show; a table that a run read as a whole is a star."""
        code = [e for w in self.plan.writes for e in self._write_edges(w)]
        known = {(e.source, e.source_column, e.target, e.target_column, e.role) for e in code}
        ran = [Edge.from_dict(d) for d in self.run["columns"]]
        fresh = [e for e in ran if (e.source, e.source_column, e.target, e.target_column, e.role) not in known]
        told = {e.source for e in (*code, *fresh)} | set(super().reads)
        whole = [
            Edge(source, "*", target, "*", "value", None, None, "low")
            for source in self.run["reads_from"]
            if source not in told
            for target in self.writes
        ]
        return [*code, *fresh, *whole]

    def _write_edges(self, write: Any) -> list[Edge]:
        from tools.plan.lineage import write_edges

        return write_edges(write, self.tracer)


@dataclass(frozen=True)
class Kept:
    """What the store has of imports: jobs by name, sources that can be read as jobs, and dashboards."""

    runs: Mapping[str, JobRecord]
    sources: Mapping[str, JobSource]
    dashboards: tuple[DashboardRecord, ...]

    @property
    def tables(self) -> list[str]:
        """Every data set that a run read or wrote; the catalog need not know it."""
        runs = [record.extra["runtime"] for record in self.runs.values()]
        return list(dict.fromkeys(t for run in runs for t in (*run["reads_from"], *run["writes_to"])))

    def merged(self, readings: Mapping[str, JobReading]) -> dict[str, JobReading]:
        """The readings with what runs add, and jobs that run elsewhere."""
        out = dict(readings)
        for name, record in self.runs.items():
            code = readings.get(name)
            file = code.file if code else str(record.extra.get("imported_from", name))
            out[name] = MergedReading(
                name,
                file,
                code.language if code else "run",
                code.code_hash if code else "",
                code.plan if code else Plan(),
                code.arguments if code else {},
                record.extra["runtime"],
            )
        return out


def kept_imports(records: Iterable[Record], scripts: Mapping[str, JobSource]) -> Kept:
    """Imports among the store's records. A script of the lake counts before an imported text of the same name."""
    runs, sources, boards = {}, {}, []
    for record in records:
        if isinstance(record, JobRecord) and "runtime" in record.extra:
            runs[record.name] = record
            if "sql" in record.extra and record.name not in scripts:
                file = record.file or str(record.extra.get("imported_from"))
                sources[record.name] = JobSource(record.name, file, str(record.extra["sql"]), "sql")
        elif isinstance(record, DashboardRecord) and "imported_from" in record.extra:
            boards.append(record)
    return Kept(runs, sources, tuple(boards))
