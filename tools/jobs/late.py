"""What is known at a script's end about tables without a schema: a column named anywhere is a column of that table.

Each mention of a table opens it anew, and a column appears where it is named. Once all of the script is read, every
opening of a table gets the columns that any of them was asked for, and a table that was written from `*` gets the
columns that were later read from it.
"""

from __future__ import annotations

from collections.abc import Iterable

from tools.jobs.session import Session
from tools.plan.model import Scan, late_columns
from tools.plan.references import ref
from tools.plan.whole import Assignment, Write


def settle_open_columns(session: Session) -> None:
    """Brings late names to every open scan, and late columns to every write that hands unnamed columns on."""
    scans = [s for s in session.plan.scans if s.ids is not None]
    if not scans:
        return
    named = _named_by_table(scans)
    for scan in scans:
        for name in named[scan.dataset.name]:
            if name not in scan.guessed:
                scan.column(name)
    for write in session.plan.writes:
        _settle(write, named.get(write.target.name, ()))


def _named_by_table(scans: Iterable[Scan]) -> dict[str, dict[str, None]]:
    named: dict[str, dict[str, None]] = {}
    for scan in scans:
        names = named.setdefault(scan.dataset.name, {})
        names.update(dict.fromkeys(a.name for a in scan.output))
    return named


def _settle(write: Write, read_later: Iterable[str]) -> None:
    """A write's unnamed columns: those named by now, and those that were read from the target afterwards."""
    if not write.carries:
        return
    if len(write.carries) == 1:
        rest = write.carries[0]
        have = {a.column.lower() for a in write.assignments}
        for name in read_later:
            if name.lower() not in have | rest.excluded:
                rest.source.column(name)
    assigned = {a.column.lower() for a in write.assignments}
    for rest in write.carries:
        for attribute in late_columns(rest):
            if attribute.name.lower() not in assigned:
                assigned.add(attribute.name.lower())
                write.assignments.append(Assignment(attribute.name, (ref(attribute),), write.span))
