"""The change guardian: a job as it is (or as a proposed edit makes it) against the job as it was analyzed last.

`guard` finds what its outputs differ in, carries that through everything downstream, and answers with a report to read
and to send on. `report_on` makes the same report for a change put in words. Nothing is kept or written here.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from knowledge.errors import InputError
from tools.changes import Change, resolve
from tools.diff import JobDiff, Version, diff
from tools.diff.asking import facts_of_lake, git_text
from tools.guardian.moves import Cause, JobMoves, TableMoves, moves_between, narrowed
from tools.guardian.report import Baseline, GuardReport, Status
from tools.guardian.times import for_people
from tools.impact import ImpactItem, ImpactResult, impact, spread_of
from tools.impact.tables import TableState
from tools.jobs import JobReading, read_job
from tools.lineage import downstream
from tools.result import Evidence, listed
from tools.snapshots import last_snapshot, now, plan_hash
from tools.workspace import imports_for

if TYPE_CHECKING:
    from tools.workspace import Workspace

__all__ = ["Cause", "GuardReport", "guard", "moves_between", "report_on"]


def guard(ws: Workspace, job: str, new_source: str | None = None, base: str | None = None) -> GuardReport:
    """What a job's edit does to everything downstream.

    Args:
        job: its name.
        new_source: the edited script; without it the job as it is in the lake.
        base: a git revision to compare with in place of the snapshot.

    It is compared with its last snapshot; where there is none, an edited script is compared with the job in the lake,
    and a job without an edit is reported with what rests on it.

    Raises NotFound or Ambiguous for the name, ReadError for a snapshot that cannot be read.
    """
    name = ws.assets.find(job, ["job"]).name
    current = ws.readings[name]
    new = current if new_source is None else _proposed(ws, name, new_source)
    text = new_source if new_source is not None else ws.jobs[name].text if name in ws.jobs else ""
    if base is not None and name in ws.jobs:
        before = git_text(ws.settings.lake / ws.jobs[name].path, base)
        old = Version(_proposed(ws, name, before, f"{base}:{ws.jobs[name].path}"), before)
        return _compared(ws, old, Version(new, text), Baseline(f"git revision {base}", None, old.reading.code_hash))
    kept = last_snapshot(ws, name)
    if kept is not None:
        return _compared(
            ws,
            Version(kept.reading, kept.source),
            Version(new, text),
            Baseline(f"the snapshot of {for_people(kept.taken_at)}", kept.taken_at, kept.code_hash),
        )
    if new_source is not None:
        return _compared(
            ws,
            Version(current, ws.jobs[name].text),
            Version(new, text),
            Baseline("the job in the lake", None, current.code_hash),
        )
    failing = impact(ws, Change("fail_job", job=name))
    return _report(ws, name, "no_baseline", failing, [], None)


def report_on(ws: Workspace, change: Change) -> GuardReport:
    """The report of a change put in words. Raises what `impact` raises."""
    resolved, _ = resolve(change, ws)
    result = impact(ws, change)
    subject = ".".join(p for p in ((resolved.table or "").rpartition(".")[2], resolved.column) if p) or resolved.job
    return _report(ws, str(subject), "stated", result, [], None, job=resolved.job)


def _proposed(ws: Workspace, name: str, text: str, file: str | None = None) -> JobReading:
    source = ws.jobs.get(name)
    if source is None:
        raise InputError(f"{name} runs elsewhere: it has no script here that an edit could be compared with")
    return read_job(
        text,
        name=name,
        file=file or source.path,
        language=source.language,
        catalog=ws.catalog,
        arguments=source.arguments,
        imports=imports_for(source, ws),
    )


def _compared(ws: Workspace, old: Version, new: Version, baseline: Baseline) -> GuardReport:
    name, change = new.reading.name, Change("change_logic", job=new.reading.name)
    moves, compared = _moves(ws, old, new)
    failures = _failures(old.reading, new.reading)
    if not moves.tables and not failures and not moves.undecided:
        status: Status = "same_text" if old.reading.code_hash == new.reading.code_hash else "same_meaning"
        return _report(ws, name, status, spread_of(ws, change, seeds={}), [], baseline)
    seeds = _seeds(ws, new.reading, moves, failures)
    result = spread_of(ws, change, seeds=seeds, extra=[_broken(new.reading, failures)] if failures else [])
    report = _report(ws, name, "changed", result, moves.causes, baseline)
    return replace(report, diff=compared)


def _moves(ws: Workspace, old: Version, new: Version) -> tuple[JobMoves, JobDiff | None]:
    """What differs by form, less what the comparison by meaning proves to be the same."""
    if plan_hash(old.reading.plan) == plan_hash(new.reading.plan):
        return JobMoves({}), None
    moves = moves_between(old.reading, new.reading)
    if not moves.tables and not moves.undecided:
        return moves, None
    compared = diff(old, new, facts_of_lake(ws))
    return narrowed(moves, compared), compared


def _failures(old: JobReading, new: JobReading) -> list[Evidence]:
    """Names in the new text that do not bind and did bind, or were not there, in the old."""
    before = {(u.kind, u.name) for u in old.unknowns}
    return [
        Evidence("code", str(u.span or new.file), u.reason)
        for u in new.unknowns
        if u.kind == "column" and (u.kind, u.name) not in before
    ]


def _broken(new: JobReading, failures: list[Evidence]) -> ImpactItem:
    reasons = listed([str(e.detail) for e in failures], 3, code=False)
    return ImpactItem("job", new.name, "breaks", f"does not bind: {reasons}", (), tuple(failures), 0)


def _seeds(ws: Workspace, new: JobReading, moves: JobMoves, failures: list[Evidence]) -> dict[str, TableState]:
    if failures:
        return {t: TableState(stale=f"`{new.name}` breaks") for t in new.writes}
    seeds = {t: _seed(ws, new.name, m) for t, m in moves.tables.items()}
    if moves.undecided:
        for table in new.writes:
            seeds.setdefault(table, TableState()).unsure = f"`{new.name}`: {moves.undecided[0]}"
    return seeds


def _seed(ws: Workspace, job: str, moves: TableMoves) -> TableState:
    if not moves.written:
        return TableState(stale=f"`{job}` no longer writes it")
    state = TableState(
        lost=dict.fromkeys(moves.lost, f"`{job}` no longer writes it"),
        gained=set(moves.gained),
        moved={c: f"another {cause.what} in `{job}`" for c, cause in moves.moved.items()},
        rows=f"another {moves.rows[0].what} in `{job}`" if moves.rows else None,
    )
    if moves.lost or moves.gained:
        known = [(n, t) for n, t in ws.catalog.columns(moves.table) or () if n.lower() not in moves.lost]
        have = {n.lower() for n, _ in known}
        state.schema = [*known, *((n, None) for n in moves.gained if n not in have)] if known else None
    if not moves.was_written:
        state.rows = state.rows or f"`{job}` writes it now"
    return state


def _report(
    ws: Workspace,
    subject: str,
    status: Status,
    result: ImpactResult,
    causes: list[Cause],
    baseline: Baseline | None,
    job: str | None = None,
) -> GuardReport:
    job = job or (subject if subject in ws.readings else None)
    reached = downstream(ws, job).reached if job else ()
    return GuardReport(
        subject,
        job,
        status,
        result,
        tuple(causes),
        baseline,
        now(),
        tuple((r.node.kind, r.node.label) for r in reached),
        _owners(ws),
        tuple(t.rpartition(".")[2] for t in ws.readings[job].writes) if job else (),
    )


def _owners(ws: Workspace) -> dict[str, str]:
    """Who answers for what, by node id: stated in dashboards.json and kpis.json, or on a record."""
    stated = {f"{c.kind}:{c.name}": c.record.extra.get("owner") for c in ws.consumers}
    kept = {
        f"{r.object_type.lower()}:{r.extra.get('full_name', r.name)}": r.extra.get("owner") for r in ws.store.list()
    }
    return {key: str(owner) for key, owner in {**kept, **stated}.items() if owner}
