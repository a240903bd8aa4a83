"""Simulates KPIs under a change of jobs: which can move, what each one costs, and their series, old beside new."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from knowledge.errors import CopilotError, InputError, LimitExceeded, NotFound, QueryError
from tools.consumers import Consumer
from tools.jobs import JobReading, read_job
from tools.kpi.compose import Composer, Refused, Window
from tools.kpi.definitions import KpiDefinition, define
from tools.kpi.result import Estimate, KpiSeries, Point, Simulation
from tools.kpi.statement import Statement, Version, statement
from tools.lake.base import NULL_PARTITION, Limits, QueryResult
from tools.result import Evidence, listed
from tools.snapshots import last_snapshot
from tools.workspace import imports_for

if TYPE_CHECKING:
    from tools.workspace import Workspace

__all__ = ["DAYS", "read_version", "simulate"]

DAYS = 90
_MOST_ROWS = 200_000
Progress = Callable[[str], None]


@dataclass(frozen=True)
class _Version:
    """The jobs before and after, and what is different."""

    old: Mapping[str, JobReading]
    new: Mapping[str, JobReading]
    changed: tuple[str, ...]
    words: str
    places: tuple[Evidence, ...] = ()


def simulate(
    ws: Workspace,
    *,
    job: str | None = None,
    new_text: str | None = None,
    edit: str | None = None,
    kpis: Sequence[str] | None = None,
    days: int = DAYS,
    dry_run: bool = False,
    progress: Progress | None = None,
) -> Simulation:
    """What KPIs would have looked like.

    Args:
        job: the job that changes; with neither `new_text` nor `edit` it is compared with its last snapshot.
        new_text: its edited script.
        edit: an edit of it in words or SQL (see `tools.kpi.edits`).
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
    version = _version(ws, job, new_text, edit)
    window = _window(ws, chosen, days)
    series = []
    for kpi in chosen:
        say(f"simulating {kpi.name}")
        series.append(_one(ws, kpi, version, window, dry_run=dry_run))
    at = datetime.datetime.now(datetime.UTC)
    return Simulation(version.words, version.changed, window, tuple(series), dry_run, version.places, at)


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


# --------------------------------------------------------------------------- versions


def _version(ws: Workspace, job: str | None, new_text: str | None, edit: str | None) -> _Version:
    if job is None:
        if new_text is not None or edit is not None:
            raise InputError("the change of which job?", hint="Name the job.")
        return _since_snapshots(ws, list(ws.jobs))
    name = ws.assets.find(job, ["job"]).name
    if new_text is None and edit is None:
        return _since_snapshots(ws, [name])
    if name not in ws.jobs:
        raise InputError(f"{name} runs elsewhere: it has no script here")
    if new_text is not None:
        new = read_version(ws, name, new_text)
        words = f"With the new `{name}`"
        places = (Evidence("code", new.file),)
    else:
        from tools.kpi.edits import edited

        assert edit is not None
        new, said, where = edited(ws, name, edit)
        words, places = f"With `{name}` {said}", (Evidence("code", where),)
    return _Version(ws.readings, {**ws.readings, name: new}, (name,), words, places)


def _since_snapshots(ws: Workspace, names: Sequence[str]) -> _Version:
    """The jobs as they are against what they were when they were analyzed last."""
    old = dict(ws.readings)
    changed = []
    for name in names:
        kept = last_snapshot(ws, name)
        if kept is not None and kept.code_hash != ws.readings[name].code_hash:
            old[name] = kept.reading
            changed.append(name)
    if changed:
        return _Version(old, ws.readings, tuple(changed), f"With {listed(changed)} as changed since the last snapshot")
    subject = f"`{names[0]}` has" if len(names) == 1 else "No job has"
    negation = "not " if len(names) == 1 else ""
    words = f"{subject} {negation}changed since its last snapshot, so old and new logic are the same (give new logic to compare)"
    return _Version(old, ws.readings, (), words)


def read_version(ws: Workspace, name: str, text: str) -> JobReading:
    """A job's edited script, read as the job is.

    Raises InputError when nothing of what it writes can be read.
    """
    source = ws.jobs[name]
    reading = read_job(
        text,
        name=name,
        file=source.path,
        language=source.language,
        catalog=ws.catalog,
        arguments=source.arguments,
        imports=imports_for(source, ws),
    )
    if not reading.plan.writes:
        why = str(reading.unknowns[0]) if reading.unknowns else "it writes nothing"
        raise InputError(f"the new {name} cannot be read: {why}", where=source.path)
    return reading


def _affected(version: _Version, kpi: KpiDefinition) -> frozenset[str]:
    """Tables on the way from the changed jobs to the KPI, any number of hops."""
    reached = {t for n in version.changed for side in (version.old, version.new) for t in side[n].writes if n in side}
    while True:
        more = {
            t for side in (version.old, version.new) for r in side.values() if set(r.reads) & reached for t in r.writes
        } - reached
        if not more:
            break
        reached |= more
    needed = set(kpi.reading.reads)
    while True:
        above = {
            t
            for side in (version.old, version.new)
            for r in side.values()
            if set(r.writes) & needed & reached
            for t in r.reads
        } - needed
        if not above:
            break
        needed |= above
    return frozenset(reached & needed)


def _window(ws: Workspace, kpis: Sequence[Consumer], days: int) -> Window | None:
    """The newest day that any KPI's tables have, by their partitions, else by asking the KPI itself."""
    newest: list[datetime.date] = []
    for kpi in kpis:
        for table in kpi.reading.reads if kpi.reading else ():
            found = _newest_day(ws, table)
            if found is not None:
                newest.append(found)
    if not newest:
        newest = [d for k in kpis if (d := _asked_day(ws, k)) is not None]
    if not newest:
        return None
    last = max(newest)
    return Window(last - datetime.timedelta(days=days - 1), last)


def _newest_day(ws: Workspace, table: str) -> datetime.date | None:
    try:
        values = [v for p in ws.lake.partitions(table) for v in p.values.values() if v != NULL_PARTITION]
    except CopilotError:
        return None
    return max((d for v in values if (d := _as_day(v)) is not None), default=None)


def _asked_day(ws: Workspace, kpi: Consumer) -> datetime.date | None:
    try:
        definition = define(kpi)
        query = exp.select(exp.Max(this=exp.column(definition.day, quoted=True))).from_(
            Composer(ws.catalog, {}, frozenset(), None)
            .query(definition.reading.plan, definition.write, definition.day)
            .subquery("k")
        )
        return _as_day(ws.lake.query(query).rows[0][0])
    except (CopilotError, Refused, IndexError):
        return None


def _as_day(value: Any) -> datetime.date | None:
    if isinstance(value, datetime.datetime):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    try:
        return datetime.date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


# --------------------------------------------------------------------------- one KPI


def _one(ws: Workspace, kpi: Consumer, version: _Version, window: Window | None, *, dry_run: bool) -> KpiSeries:
    try:
        definition = define(kpi)
    except InputError as error:
        return KpiSeries(kpi.name, "refused", error.message)
    affected = _affected(version, definition)
    if version.changed and not affected:
        reads = listed(definition.reading.reads)
        reason = f"it reads {reads}, which {listed(version.changed)} does not feed"
        return KpiSeries(kpi.name, "unaffected", reason, notes=definition.notes)
    try:
        sides = [Version(version.old, definition), Version(version.new, definition)]
        asked = statement(ws.catalog, sides, affected, window)
    except Refused as error:
        place = str(error.span) if error.span else None
        return KpiSeries(kpi.name, "refused", error.reason, error.hint, replayed={}, place=place)
    told = (*definition.notes, *asked.notes)
    try:
        if dry_run:
            estimate = _estimate(ws, asked, window)
            return KpiSeries(kpi.name, "estimated", estimate=estimate, replayed=asked.replayed, notes=told)
        result, fused = _run(ws, asked)
    except LimitExceeded as error:
        return KpiSeries(kpi.name, "refused", error.message, error.hint)
    except CopilotError as error:
        return KpiSeries(kpi.name, "refused", f"the engine refused its query: {error.message}", error.hint)
    points = tuple(_points(definition, result.rows))
    if result.more:
        return KpiSeries(kpi.name, "refused", f"it has more than {_MOST_ROWS:,} rows in these days")
    return KpiSeries(
        kpi.name,
        "simulated",
        day=definition.day,
        dimensions=definition.dimensions,
        measures=definition.measures,
        points=points,
        tolerance=definition.tolerance,
        sql=result.sql,
        query_id=result.query_id,
        bytes_scanned=result.bytes_scanned,
        replayed=asked.replayed,
        fused=fused,
        unit=definition.unit,
        notes=told,
    )


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
        return ws.lake.query(asked.apart, limits=limits), False


def _estimate(ws: Workspace, asked: Statement, window: Window | None) -> Estimate:
    """Bytes by table, from what the lake knows of its partitions: those of the window where it reaches every scan."""
    pruned = _pruned(asked)
    tables: dict[str, int] = {}
    partitioned: set[str] = set()
    for table in asked.query.find_all(exp.Table):
        name = ".".join(p.name for p in table.parts)
        if name and name not in tables:
            try:
                parts = ws.lake.partitions(name)
            except CopilotError:
                continue
            if len(parts) > 1:
                partitioned.add(name)
            column = pruned.get(name)
            tables[name] = sum(p.bytes for p in parts if _inside(p.values.get(column or ""), window))
    total = sum(tables.values())
    blocked = [f"{why} ({span})" if span else why for why, span, names in asked.blocked if names & partitioned]
    return Estimate(total, tables, total / 10**12 * ws.settings.price_per_tb, tuple(dict.fromkeys(blocked)))


def _pruned(asked: Statement) -> dict[str, str]:
    """Tables that every scan restricts to the window, with the column."""
    found: dict[str, set[str | None]] = {}
    for table, column in asked.scanned:
        found.setdefault(table, set()).add(column)
    return {t: c for t, columns in found.items() if len(columns) == 1 and (c := next(iter(columns))) is not None}


def _inside(value: str | None, window: Window | None) -> bool:
    """Whether a partition may have rows of the window."""
    day = _as_day(value) if value is not None and value != NULL_PARTITION else None
    return day is None or window is None or window.first <= day <= window.last


def _points(kpi: KpiDefinition, rows: Sequence[Sequence[Any]]) -> list[Point]:
    points = []
    width = len(kpi.measures)
    for row in rows:
        day, dimensions = row[0], tuple(row[1 : 1 + len(kpi.dimensions)])
        cells = row[1 + len(kpi.dimensions) :]
        counts = [cells[i * (width + 1)] for i in range(3)]
        if max(counts[:2]) > 1:
            raise InputError(
                f"the KPI {kpi.name} has several rows for one day", hint='Name its dimensions: "dimensions": ["…"].'
            )
        side = (
            "both" if counts[0] and counts[1] else "only_old" if counts[0] else "only_new" if counts[1] else "neither"
        )
        for number, measure in enumerate(kpi.measures):
            old, new, stored = (_number(cells[i * (width + 1) + 1 + number]) for i in range(3))
            points.append(Point(day, dimensions, measure, old, new, stored, side))  # type: ignore[arg-type]
    return points


def _number(value: Any) -> float | None:
    return None if value is None else float(value) if isinstance(value, int | float | Decimal) else None
