"""What is compared: the jobs or a KPI's query as they are and as they would be, and each edit of that by itself."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from knowledge.errors import CopilotError, InputError
from knowledge.records import record_from_dict
from tools.consumers import Consumer
from tools.jobs import JobReading, read_job
from tools.kpi.definitions import KpiDefinition, define
from tools.kpi.script_edits import MOST, edits_between
from tools.result import Evidence, listed
from tools.snapshots import last_snapshot
from tools.workspace import imports_for

if TYPE_CHECKING:
    from tools.workspace import Workspace

__all__ = ["Change", "Part", "affected_by", "change_of", "read_version", "redefined"]

_VERBS = "exclude|without|drop|remove|leave out|ignore|skip|only|keep|include|filter|use|using|take|replace|set|compute|define"
_ANOTHER = re.compile(
    rf"\s*;\s*|\s*\n\s*|\s*,?\s+(?:and|then)\s+(?:then\s+)?(?=(?:{_VERBS})\b)|\s*,\s*(?=(?:{_VERBS})\b)", re.I
)


@dataclass(frozen=True)
class Part:
    """One edit of a change, made alone."""

    words: str
    readings: Mapping[str, JobReading]


@dataclass(frozen=True)
class Change:
    """The jobs before and after, what is different, in words, and the edits that it is made of, if it is several."""

    old: Mapping[str, JobReading]
    new: Mapping[str, JobReading]
    changed: tuple[str, ...]
    words: str
    places: tuple[Evidence, ...] = ()
    parts: tuple[Part, ...] = ()


def change_of(ws: Workspace, job: str | None, new_text: str | None, edits: Sequence[str]) -> Change:
    """What is simulated: an edited script, edits in words, or, with neither, jobs against their last snapshot.

    Raises:
        NotFound, Ambiguous: no such job.
        InputError: the script cannot be read, or an edit is not understood.
    """
    if job is None:
        if new_text is not None or edits:
            raise InputError("the change of which job?", hint="Name the job.")
        return _since_snapshots(ws, list(ws.jobs))
    name = ws.assets.find(job, ["job"]).name
    if new_text is None and not edits:
        return _since_snapshots(ws, [name])
    if name not in ws.jobs:
        raise InputError(f"{name} runs elsewhere: it has no script here")
    if new_text is not None:
        return _with_text(ws, name, new_text)
    return _with_edits(ws, name, edits)


def _with_text(ws: Workspace, name: str, text: str) -> Change:
    new = read_version(ws, name, text)
    source = ws.jobs[name]
    found = [(e.words, e.line, e.text) for e in edits_between(source.text, text, source.language)]
    parts = []
    try:
        for words, line, alone in found:
            parts.append(Part(f"line {line}, `{words}`", {**ws.readings, name: read_version(ws, name, alone)}))
    except CopilotError:
        parts = []  # an edit that needs another one is not an edit by itself
    places = (Evidence("code", new.file),)
    return Change(ws.readings, {**ws.readings, name: new}, (name,), f"With the new `{name}`", places, tuple(parts))


def _with_edits(ws: Workspace, name: str, edits: Sequence[str]) -> Change:
    from tools.kpi.edits import edited

    wordings = [w for e in edits for w in _told_apart(ws, name, e)]
    new, said, where = edited(ws, name, wordings)
    parts: list[Part] = []
    if 2 <= len(wordings) <= MOST:
        for wording, words in zip(wordings, said, strict=True):
            parts.append(Part(words, {**ws.readings, name: edited(ws, name, [wording])[0]}))
    words = f"With `{name}` {' and '.join(said)}"
    return Change(ws.readings, {**ws.readings, name: new}, (name,), words, (Evidence("code", where),), tuple(parts))


def _told_apart(ws: Workspace, name: str, edit: str) -> list[str]:
    """Several edits in one wording: "exclude dormant customers and use price_eur instead of price"."""
    from tools.kpi.edits import edited

    pieces = [p for p in _ANOTHER.split(edit) if p.strip()]
    if len(pieces) > 1:
        try:
            edited(ws, name, pieces)
        except InputError:
            return [edit]
    return pieces or [edit]


def _since_snapshots(ws: Workspace, names: Sequence[str]) -> Change:
    """The jobs as they are against what they were when they were analyzed last."""
    old = dict(ws.readings)
    changed = []
    for name in names:
        kept = last_snapshot(ws, name)
        if kept is not None and kept.code_hash != ws.readings[name].code_hash:
            old[name] = kept.reading
            changed.append(name)
    if changed:
        several = changed if 2 <= len(changed) <= MOST else []
        parts = tuple(Part(f"`{n}`", {**old, n: ws.readings[n]}) for n in several)
        words = f"With {listed(changed)} as changed since the last snapshot"
        return Change(old, ws.readings, tuple(changed), words, parts=parts)
    subject = f"`{names[0]}` has" if len(names) == 1 else "No job has"
    negation = "not " if len(names) == 1 else ""
    words = f"{subject} {negation}changed since its last snapshot, so old and new logic are the same (give new logic to compare)"
    return Change(old, ws.readings, (), words)


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


def redefined(kpi: Consumer, old: KpiDefinition, sql: str) -> KpiDefinition:
    """A KPI with another query, its dimensions and measures in the order of the old one's.

    Raises InputError: the query cannot be read, or has other dimensions or measures.
    """
    record = record_from_dict({**kpi.record.to_dict(), "sql": sql})
    new = define(dataclasses.replace(kpi, record=record))  # type: ignore[arg-type]
    dimensions = _aligned("dimensions", old.dimensions, new.dimensions, old.name)
    return dataclasses.replace(
        new, dimensions=dimensions, measures=_aligned("measures", old.measures, new.measures, old.name)
    )


def _aligned(what: str, old: Sequence[str], new: Sequence[str], name: str) -> tuple[str, ...]:
    if len(old) != len(new):
        raise InputError(
            f"the new query of {name} has the {what} {listed(list(new)) or 'none'}; it has to have as many as the old one: "
            f"{listed(list(old)) or 'none'}"
        )
    names = {n.lower(): n for n in new}
    return tuple(names[o.lower()] for o in old) if names.keys() == {o.lower() for o in old} else tuple(new)


def affected_by(change: Change, kpi: KpiDefinition) -> frozenset[str]:
    """Tables on the way from the changed jobs to the KPI, any number of hops."""
    sides = (change.old, change.new)
    reached = {t for n in change.changed for side in sides for t in side[n].writes if n in side}
    while True:
        more = {t for side in sides for r in side.values() if set(r.reads) & reached for t in r.writes} - reached
        if not more:
            break
        reached |= more
    needed = set(kpi.reading.reads)
    while True:
        above = {
            t for side in sides for r in side.values() if set(r.writes) & needed & reached for t in r.reads
        } - needed
        if not above:
            break
        needed |= above
    return frozenset(reached & needed)
