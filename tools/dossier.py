"""Everything that is known of one table, gathered once: what its contract, its documentation and a model are told.

It reads: the catalog, the plans of the jobs that write the table, its kept or newly proven tests, its profile by batch,
and who uses it. It formats nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from knowledge.errors import InputError
from tools.checks.jobs import JobFacts, facts_of
from tools.checks.model import Check, Finding
from tools.checks.suite import MOST_BATCHES, Suite, generate, newest, saved, writers_of
from tools.jobs import JobReading
from tools.lake.base import Column, Table
from tools.profile.batches import Batches, cut
from tools.profile.figures import BatchFigures
from tools.profile.kept import known_profiles
from tools.summary import JobSummary, summarise

if TYPE_CHECKING:
    from tools.workspace import Workspace

__all__ = ["Dossier", "Reader", "gather", "strictly_filled"]

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Reader:
    """Something that uses the table: a job, dashboard or KPI, where that is stated, and its owner if one is."""

    kind: str
    name: str
    where: str
    owner: str | None = None


@dataclass(frozen=True)
class Dossier:
    """What is known of a table.

    Attributes:
        readings: the jobs that write it, read; `facts` is what they promise of its rows.
        checks: the enabled tests of its file, else newly proven ones.
        profiles: figures by batch, oldest first; empty for a table without rows.
        findings: what was wrong in the data when the tests were proven.
        unknowns: what could not be had, each with its reason.
    """

    table: Table
    readings: tuple[JobReading, ...]
    facts: JobFacts
    checks: tuple[Check, ...]
    batches: Batches
    profiles: tuple[BatchFigures, ...]
    readers: tuple[Reader, ...]
    owners: Mapping[str, str]
    findings: tuple[Finding, ...] = ()
    unknowns: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """`database.table`."""
        return str(self.table.name)

    @property
    def rows(self) -> int:
        """Rows of the measured batches."""
        return sum(p.rows for p in self.profiles)

    @cached_property
    def summaries(self) -> tuple[JobSummary, ...]:
        """The jobs that write it, in short."""
        return tuple(summarise(r) for r in self.readings)

    @property
    def inputs(self) -> list[str]:
        """Data sets that its jobs take from outside."""
        return list(dict.fromkeys(i for r in self.readings for i in r.inputs if i != self.name))

    def origins(self, column: str) -> list[Mapping[str, Any]]:
        """Where a column comes from, one entry for each write: sources, expression, file and line."""
        return [
            {**c, "job": s.name}
            for s in self.summaries
            for c in s.columns
            if c["target"] == self.name and str(c["column"]).lower() == column.lower()
        ]

    @cached_property
    def key(self) -> tuple[str, ...]:
        """The columns that tell all rows apart: those of a proven test, and the keys that cut the table into batches."""
        unique = [c.columns for c in self.checks if c.kind == "unique" and c.severity == "error"]
        if not unique:
            return ()
        shortest = min(unique, key=len)
        cutting = [k.name for k in self.batches.keys if k.name not in shortest]
        return (*cutting, *shortest)

    @cached_property
    def filled(self) -> frozenset[str]:
        """Columns that always have a value, by proven tests or as keys of partitions."""
        tested = {c for check in self.checks for c in strictly_filled(check)}
        cutting = {k.name for k in self.batches.keys if all(dict(b.values).get(k.name) for b in self.batches.items)}
        return frozenset(tested | (cutting if self.batches.items else set()))

    def column(self, name: str) -> Column | None:
        """One of its columns."""
        return self.table.column(name)


def strictly_filled(check: Check) -> list[str]:
    """Columns that may not miss a single value, by a not-null test of severity error."""
    allowed = check.parameters.get("warn_below", {})
    if check.kind != "not_null" or check.severity != "error":
        return []
    return [c for c in check.columns if not float(allowed.get(c, 0) if isinstance(allowed, Mapping) else 0)]


def gather(
    ws: Workspace,
    table: str,
    *,
    job: str | None = None,
    suite: Suite | None = None,
    progress: Progress | None = None,
) -> Dossier:
    """Gathers it. The tests are those of `suite`, else of the table's file, else they are made and proven now.

    Args:
        job: only this job's promises count; every job that writes the table if not given.

    Raises:
        NotFound, Ambiguous: no such table or job.
        ConfigError: the file of tests cannot be read.
        LimitExceeded, QueryError, ReadError: see `Lake.query`.
    """
    name = ws.assets.find(table, ["table"]).name
    readings = tuple(writers_of(ws, name, job))
    batches, older = newest(cut(ws.lake, name), MOST_BATCHES)
    profiles = tuple(p for p in known_profiles(ws.lake, ws.store, batches)) if batches.items else ()
    unknowns = [f"{r.name}: {u}" for r in readings for u in r.unknowns]
    if not readings:
        unknowns.append(f"no job is known that writes {name}: nothing is known of where its columns come from")
    unknowns += [str(u) for r in ws.readings.values() if not r.readable for u in r.unknowns]
    if older:
        unknowns.append(f"{older:,} older batches were not measured")
    checks, findings = _tests(ws, name, job, suite, profiles, unknowns, progress)
    return Dossier(
        batches.table,
        readings,
        facts_of(name, readings),
        checks,
        batches,
        tuple(p for p in profiles if p.rows),
        tuple(_readers(ws, name)),
        _owners(ws, name, readings),
        findings,
        tuple(dict.fromkeys(unknowns)),
    )


def _tests(
    ws: Workspace,
    name: str,
    job: str | None,
    suite: Suite | None,
    profiles: Sequence[BatchFigures],
    unknowns: list[str],
    progress: Progress | None,
) -> tuple[tuple[Check, ...], tuple[Finding, ...]]:
    if suite is None:
        file = saved(ws, name)
        if file is not None:
            return tuple(k.check for k in file.checks if k.check.enabled), ()
        if not any(p.rows for p in profiles):
            unknowns.append(f"{name} has no rows: no test of it could be proven, and nothing could be measured")
            return (), ()
        try:
            suite = generate(ws, name, job=job, progress=progress)
        except InputError as error:
            unknowns.append(error.message)
            return (), ()
    unknowns += suite.proposal.unknowns
    return tuple(c for c in suite.checks if c.enabled), suite.proposal.findings


def _readers(ws: Workspace, table: str) -> list[Reader]:
    jobs = [
        Reader("job", r.name, r.file, _stated_owner(ws.jobs[r.name].text) if r.name in ws.jobs else None)
        for r in ws.readings.values()
        if table in r.reads and table not in r.writes
    ]
    used = [
        Reader(c.kind, c.name, c.file, _text(c.record.extra.get("owner"))) for c in ws.consumers if table in c.tables
    ]
    return [*jobs, *used]


def _owners(ws: Workspace, table: str, readings: Sequence[JobReading]) -> dict[str, str]:
    """Owners of the table itself, each with where that is stated: kept records first, then the text of its jobs."""
    found: dict[str, str] = {}
    names = [("TABLE", n) for n in (table, table.rpartition(".")[2])] + [("JOB", r.name) for r in readings]
    for kind, name in names:
        record = ws.store.get(kind, name)
        if record is not None and (owner := _text(record.extra.get("owner"))):
            found.setdefault(owner, f"record of {name}")
    for reading in readings:
        source = ws.jobs.get(reading.name)
        if source is not None and (owner := _stated_owner(source.text)):
            found.setdefault(owner, source.path)
    return found


def _stated_owner(script: str) -> str | None:
    """An `Owner: …` line in the first comment or docstring of a script."""
    for line in script.splitlines()[:40]:
        label, colon, said = line.strip(" #-*\t\"'").partition(":")
        if colon and label.lower() in ("owner", "owned by") and said.strip():
            return said.split(",")[0].split(";")[0].strip().rstrip(".\"'") or None
    return None


def _text(value: Any) -> str | None:
    return value.strip() if isinstance(value, str) and value.strip() else None
