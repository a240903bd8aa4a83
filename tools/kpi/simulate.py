"""Simulates KPIs under a change of jobs: which can move, what each one costs, and their series, old beside new."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from knowledge.errors import CopilotError, InputError, LimitExceeded, NotFound, QueryError
from tools.consumers import Consumer
from tools.kpi.compose import Refused, Window
from tools.kpi.definitions import KpiDefinition, define
from tools.kpi.result import Effect, Estimate, KpiSeries, Point, Simulation
from tools.kpi.statement import Statement, Version, statement
from tools.kpi.versions import Change, affected_by, change_of, redefined
from tools.kpi.window import as_day, window_of
from tools.lake.base import NULL_PARTITION, Limits, QueryResult
from tools.result import Evidence, counted, listed

if TYPE_CHECKING:
    from tools.workspace import Workspace

__all__ = ["DAYS", "simulate"]

DAYS = 90
_MOST_ROWS = 200_000
Progress = Callable[[str], None]


def simulate(
    ws: Workspace,
    *,
    job: str | None = None,
    new_text: str | None = None,
    edit: str | Sequence[str] | None = None,
    sql: str | None = None,
    kpis: Sequence[str] | None = None,
    days: int = DAYS,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Simulation:
    """What KPIs would have looked like.

    Args:
        job: the job that changes; with neither `new_text` nor `edit` it is compared with its last snapshot.
        new_text: its edited script.
        edit: an edit of it in words or SQL (see `tools.kpi.edits`), or several.
        sql: another query of the one KPI that is named; then no job changes.
        kpis: only these; every KPI of the lake if not given.
        days: how many days up to the newest one.
        dry_run: only say what it would read and cost.

    Without a job every job that differs from its last snapshot counts.

    Raises:
        NotFound, Ambiguous: no such job or KPI.
        InputError: there are no KPIs, or the edit is not understood.
    """
    say = progress or (lambda _: None)
    if days < 1:
        raise InputError("a simulation needs at least one day")
    chosen = _chosen(ws, kpis)
    if sql is not None:
        change = _of_kpi(ws, chosen, job, new_text or edit)
    else:
        change = change_of(ws, job, new_text, [edit] if isinstance(edit, str) else edit or ())
    window = window_of(ws, chosen, days)
    series = []
    for kpi in chosen:
        say(f"simulating {kpi.name}")
        series.append(_one(ws, kpi, change, sql, window, dry_run=dry_run))
    at = datetime.datetime.now(datetime.UTC)
    return Simulation(change.words, change.changed, window, tuple(series), dry_run, change.places, at)


def _of_kpi(ws: Workspace, chosen: Sequence[Consumer], job: str | None, other: object) -> Change:
    """A KPI's own query as the change: the jobs stay."""
    if len(chosen) != 1:
        raise InputError("the new query of which KPI?", hint="Name one KPI.")
    if job is not None or other:
        raise InputError("a new query of a KPI and a change of a job are two simulations", hint="Ask for one.")
    (kpi,) = chosen
    return Change(ws.readings, ws.readings, (), f"With the new query of {kpi.name}", (Evidence("code", kpi.file),))


def _chosen(ws: Workspace, names: Sequence[str] | None) -> list[Consumer]:
    known = {c.name: c for c in ws.consumers if c.kind == "kpi"}
    if names is None:
        if not known:
            raise InputError("there are no KPIs in this lake", hint="Describe them in kpis.json.")
        return list(known.values())
    try:
        return [known[ws.assets.find(n, ["kpi"]).name] for n in names]
    except NotFound as error:
        raise NotFound("KPI", str(error.name), list(known) or ()) from None


# --------------------------------------------------------------------------- one KPI


def _one(
    ws: Workspace, kpi: Consumer, change: Change, sql: str | None, window: Window | None, *, dry_run: bool
) -> KpiSeries:
    try:
        definition = define(kpi)
        new = redefined(kpi, definition, sql) if sql is not None else definition
    except InputError as error:
        return KpiSeries(kpi.name, "refused", error.message)
    affected = affected_by(change, definition)
    if change.changed and not affected:
        reads = listed(definition.reading.reads)
        reason = f"it reads {reads}, which {listed(change.changed)} does not feed"
        return KpiSeries(kpi.name, "unaffected", reason, notes=definition.notes)
    sides = [Version(change.old, definition), Version(change.new, new)]
    try:
        asked, parts, told = _asked(ws, change, sides, affected, window)
    except Refused as error:
        place = str(error.span) if error.span else None
        return KpiSeries(kpi.name, "refused", error.reason, error.hint, replayed={}, place=place)
    told = (*definition.notes, *asked.notes, *told)
    try:
        if dry_run:
            estimate = _estimate(ws, asked)
            return KpiSeries(kpi.name, "estimated", estimate=estimate, replayed=asked.replayed, notes=told)
        result, fused = _run(ws, asked)
    except LimitExceeded as error:
        return KpiSeries(kpi.name, "refused", error.message, error.hint)
    except CopilotError as error:
        return KpiSeries(kpi.name, "refused", f"the engine refused its query: {error.message}", error.hint)
    if result.more:
        return KpiSeries(kpi.name, "refused", f"it has more than {_MOST_ROWS:,} rows in these days")
    cells = [_Row(definition, row) for row in result.rows]
    return KpiSeries(
        kpi.name,
        "simulated",
        day=definition.day,
        dimensions=definition.dimensions,
        measures=definition.measures,
        points=tuple(p for row in cells for p in row.points(2 + len(parts))),
        effects=tuple(Effect(w, tuple(v for row in cells for v in row.values(2 + n))) for n, w in enumerate(parts)),
        tolerance=definition.tolerance,
        sql=result.sql,
        query_id=result.query_id,
        bytes_scanned=result.bytes_scanned,
        replayed=asked.replayed,
        fused=fused,
        unit=definition.unit,
        notes=told,
    )


def _asked(
    ws: Workspace, change: Change, sides: Sequence[Version], affected: frozenset[str], window: Window | None
) -> tuple[Statement, tuple[str, ...], tuple[str, ...]]:
    """The statement, the edits that it holds one by one, and what there is to say about them."""
    if change.parts:
        alone = [Version(p.readings, sides[0].kpi) for p in change.parts]
        try:
            asked = statement(ws.catalog, [*sides, *alone], affected, window)
            return asked, tuple(p.words for p in change.parts), ()
        except Refused as error:
            # With all edits it may still be replayed.
            asked = statement(ws.catalog, sides, affected, window)
            said = f"Its {counted(len(change.parts), 'edit')} cannot be told apart: one by itself cannot be replayed, because {error.reason}"
            return asked, (), (said,)
    return statement(ws.catalog, sides, affected, window), (), ()


def _run(ws: Workspace, asked: Statement) -> tuple[QueryResult, bool]:
    """The result, and whether it came from one scan. An engine may compute what only one version needs for rows of the
    other (a division by zero, a cast): each version by itself does not.
    """
    stated = ws.settings.query_limits
    limits = Limits(_MOST_ROWS, stated.bytes, max(stated.seconds, 600.0))
    try:
        return ws.lake.query(asked.query, limits=limits), asked.fused
    except QueryError as error:
        if asked.apart is None or isinstance(error, LimitExceeded):
            raise
        return ws.lake.query(asked.apart(), limits=limits), False


def _estimate(ws: Workspace, asked: Statement) -> Estimate:
    """Bytes by table, from what the lake knows of its partitions: each scan those of the days that it is restricted to."""
    tables: dict[str, int] = {}
    partitioned: set[str] = set()
    for name, column, days in asked.scanned:
        try:
            parts = ws.lake.partitions(name)
        except CopilotError:
            continue
        if len(parts) > 1:
            partitioned.add(name)
        read = sum(p.bytes for p in parts if column is None or _inside(p.values.get(column), days))
        tables[name] = tables.get(name, 0) + read
    total = sum(tables.values())
    blocked = [f"{why} ({span})" if span else why for why, span, names in asked.blocked if names & partitioned]
    return Estimate(total, tables, total / 10**12 * ws.settings.price_per_tb, tuple(dict.fromkeys(blocked)))


def _inside(value: str | None, window: Window | None) -> bool:
    """Whether a partition may have rows of the window."""
    day = as_day(value) if value is not None and value != NULL_PARTITION else None
    return day is None or window is None or window.first <= day <= window.last


@dataclass(frozen=True)
class _Row:
    """A row of the result: a day, the dimensions, and for each side how many rows it has and its measures."""

    kpi: KpiDefinition
    cells: Sequence[Any]

    def count(self, side: int) -> int:
        """How many rows a side has here; 0 for one that was not asked for."""
        place = self._place(side)
        found = self.cells[place] if place < len(self.cells) else 0
        if found > 1:
            raise InputError(
                f"the KPI {self.kpi.name} has several rows for one day",
                hint='Name its dimensions: "dimensions": ["…"].',
            )
        return int(found)

    def values(self, side: int) -> list[float | None]:
        """A side's measures."""
        place = self._place(side) + 1
        return [_number(v) for v in self.cells[place : place + len(self.kpi.measures)]]

    def _place(self, side: int) -> int:
        return 1 + len(self.kpi.dimensions) + side * (1 + len(self.kpi.measures))

    def points(self, stored: int) -> list[Point]:
        """A point for each measure. `stored` is that side; where it was not asked for, the old side is what is stored."""
        old, new = self.count(0), self.count(1)
        side = "both" if old and new else "only_old" if old else "only_new" if new else "neither"
        kept = self.values(stored) or self.values(0)
        dimensions = tuple(self.cells[1 : 1 + len(self.kpi.dimensions)])
        return [
            Point(self.cells[0], dimensions, measure, a, b, c, side)  # type: ignore[arg-type]
            for measure, a, b, c in zip(self.kpi.measures, self.values(0), self.values(1), kept, strict=True)
        ]


def _number(value: Any) -> float | None:
    return None if value is None else float(value) if isinstance(value, int | float | Decimal) else None
