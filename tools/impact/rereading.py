"""Reads a job or a consumer again over the changed catalog, and says what of it no longer binds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tools.impact.dryrun import DryRunner, Outcome, fits
from tools.impact.tables import TableState
from tools.jobs import JobReading
from tools.plan.base import Span, Unknown
from tools.plan.catalog import Changed
from tools.plan.whole import Write
from tools.result import Evidence, listed
from tools.workspace import read_source

if TYPE_CHECKING:
    from tools.workspace import Workspace


_BINDING = ("column", "write")  # a name that is not there, an INSERT that does not fit its table


class Rereader:
    """What-if readings over the tables as they are by now."""

    def __init__(self, ws: Workspace, tables: Mapping[str, TableState]) -> None:
        self._ws, self._tables, self._dry = ws, tables, DryRunner()

    def catalog(self) -> Changed:
        """The catalog with every change so far."""
        changes = {t: (None if s.gone else s.schema) for t, s in self._tables.items() if s.gone or s.schema is not None}
        return Changed(self._ws.catalog, changes)

    def read(self, reading: JobReading) -> JobReading:
        """A job over the changed catalog; the same reading where no schema of its inputs differs."""
        if reading.name not in self._ws.jobs:  # it runs elsewhere: there is no text to read again
            return reading
        if not any(self._tables[t].schema_differs for t in reading.reads if t in self._tables):
            return reading
        changed = _Overlay(self._ws, self.catalog())
        return read_source(self._ws.jobs[reading.name], changed)  # type: ignore[arg-type]

    def failures(self, before: JobReading, after: JobReading) -> list[Unknown]:
        """What no longer binds: names missing now that were there before, and tables that are gone."""
        old = {(u.name, u.span) for u in before.unknowns if u.kind in _BINDING}
        missing = [u for u in after.unknowns if u.kind in _BINDING and (u.name, u.span) not in old]
        found = [*missing, *self._missing_tables(before), *self._still_named(before, after)]
        return found or self._misfits(before, after)

    def _misfits(self, before: JobReading, after: JobReading) -> list[Unknown]:
        """Where a type differs: what the engine refuses now and took before, in its own words."""
        found = []
        for write, old, new in zip(after.plan.writes, *self.outcomes(before, after), strict=False):
            if old is None or new is None or old.refused:
                continue
            reason = new.refused or self._unfit(write, dict(old.columns), dict(new.columns))
            if reason:
                span = next((e.span for e in before.edges if self._is_retyped(e.source, e.source_column)), write.span)
                found.append(Unknown(reason, span, "expression", write.target.name))
        return found

    def outcomes(self, before: JobReading, after: JobReading) -> tuple[list[Outcome | None], list[Outcome | None]]:
        """Dry runs as it was and as it would be; empty where no type differs."""
        if not any(self._tables[t].retyped for t in before.reads if t in self._tables):
            return [], []
        return self._dry.outcomes(before, self._ws.catalog), self._dry.outcomes(after, self.catalog())

    def _unfit(self, write: Write, old: Mapping[str, str], new: Mapping[str, str]) -> str | None:
        """Why an INSERT's new types do not go into its table; tables that are made anew take any."""
        if write.kind in ("create", "view", "query"):
            return None
        wanted = {n.lower(): t for n, t in self._ws.catalog.columns(write.target.name) or ()}
        for column, kind in new.items():
            target = wanted.get(column.lower())
            if target and kind != old.get(column) and not fits(kind, target):
                return f"TYPE_MISMATCH: {column} is {kind}, {write.target.name} has {target}"
        return None

    def _is_retyped(self, table: str, column: str) -> bool:
        return table in self._tables and column in self._tables[table].retyped

    def _missing_tables(self, reading: JobReading) -> list[Unknown]:
        gone = {t for t, s in self._tables.items() if s.gone}
        return [
            Unknown(f"table {s.dataset.name} is not there", s.span, "table", s.dataset.name)
            for s in reading.plan.scans
            if s.dataset.name in gone
        ]

    def _still_named(self, before: JobReading, after: JobReading) -> list[Unknown]:
        """Where a table's columns are not known, a lost column still binds; naming it is the proof."""
        out = []
        for edge in after.edges if after is not before else before.edges:
            state = self._tables.get(edge.source)
            if state is not None and edge.source_column in state.lost and edge.source_column != "*":
                name = f"{edge.source}.{edge.source_column}"
                out.append(Unknown(f"column {name} is not there", edge.span, "column", edge.source_column))
        return out

    def proof(self, failures: Sequence[Unknown]) -> tuple[Evidence, ...]:
        """Each failed binding with its place and the line that stands there."""
        return tuple(dict.fromkeys(self.evidence(u.span, u.reason) for u in failures))

    def evidence(self, span: Span | None, detail: str | None) -> Evidence:
        """A place in a job, with the line that stands there."""
        if span is None:
            return Evidence("code", "(place not known)", detail)
        return Evidence("code", str(span), self._source_line(span) or detail)

    def _source_line(self, span: Span) -> str | None:
        for source in self._ws.jobs.values():
            if source.path == span.file:
                lines = source.text.splitlines()
                return lines[span.line - 1].strip() if 0 < span.line <= len(lines) else None
        return None


class _Overlay:
    """A workspace as `read_source` sees it, with another catalog."""

    def __init__(self, ws: Workspace, catalog: Changed) -> None:
        self.catalog, self.jobs, self.cache = catalog, ws.jobs, ws.cache


def why_broken(failures: Sequence[Unknown]) -> str:
    """The failed names in words."""
    misfits = [u.reason for u in failures if u.kind in ("write", "expression")]
    if misfits:
        return "; ".join(dict.fromkeys(misfits))
    names = list(dict.fromkeys(str(u.name) for u in failures))
    kind = "table" if failures[0].kind == "table" else "column"
    return (
        f"names {kind}{'s' if len(names) > 1 else ''} {listed(names)}, which {'are' if len(names) > 1 else 'is'} gone"
    )


def columns_of(failures: Sequence[Unknown]) -> tuple[str, ...]:
    """The columns among the failed names."""
    return tuple(dict.fromkeys(str(u.name) for u in failures if u.kind == "column"))
