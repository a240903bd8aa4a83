"""What differs between a job as it was and as it is: for each table it writes, columns and rows, each with its cause."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tools.diff import JobDiff
from tools.guardian.prints import Clause, Prints
from tools.jobs import JobReading
from tools.plan.base import Span
from tools.plan.lineage import shown
from tools.plan.whole import Assignment, Write
from tools.result import listed

_LONG = 120  # characters of an expression in a sentence
_BEFORE = 30  # of which so many before the first difference

__all__ = ["Cause", "JobMoves", "TableMoves", "moves_between", "narrowed"]


@dataclass(frozen=True, slots=True)
class Cause:
    """One edit, as `what` (filter, join, grouping, input, expression, column, …), before and after, with both lines."""

    what: str
    subject: str | None = None
    before: str | None = None
    after: str | None = None
    old_place: str | None = None
    new_place: str | None = None

    def __str__(self) -> str:
        own = (
            f"{self.what} `{self.subject}`" if self.what in ("column", "table") else f"{self.what} of `{self.subject}`"
        )
        name = own if self.subject else self.what
        if self.what in ("column", "table") and not (self.before and self.after):
            return f"{name} is no longer written" if self.before else f"new {name}"
        if self.before and self.after:
            before, after = _told_apart(self.before, self.after)
            return f"{name}: `{before}` became `{after}`"
        if self.before:
            return f"{name} gone: {_code(self.before)}"
        return f"new {name}: {_code(self.after)}" if self.after else f"{name} changed"

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "what": self.what,
            "subject": self.subject,
            "before": self.before,
            "after": self.after,
            "old_place": self.old_place,
            "new_place": self.new_place,
            "text": str(self),
        }


@dataclass
class TableMoves:
    """One written table: columns lost and gained, columns computed differently, and what makes its rows differ."""

    table: str
    written: bool = True
    was_written: bool = True
    lost: dict[str, Cause] = field(default_factory=dict)
    gained: dict[str, Cause] = field(default_factory=dict)
    moved: dict[str, Cause] = field(default_factory=dict)
    rows: list[Cause] = field(default_factory=list)

    @property
    def causes(self) -> list[Cause]:
        """All of them, the gravest first."""
        gone = [] if self.written else [Cause("table", self.table, before=self.table)]
        new = [] if self.was_written else [Cause("table", self.table, after=self.table)]
        return [*gone, *new, *self.lost.values(), *self.rows, *self.moved.values(), *self.gained.values()]


@dataclass(frozen=True)
class JobMoves:
    """All tables that differ, and what could not be compared."""

    tables: Mapping[str, TableMoves]
    undecided: tuple[str, ...] = ()

    @property
    def causes(self) -> list[Cause]:
        """Every edit once."""
        return list(dict.fromkeys(c for t in self.tables.values() for c in t.causes))


def moves_between(old: JobReading, new: JobReading) -> JobMoves:
    """What of a job's outputs differs. Where nothing is listed, it computes what it did."""
    sides = _Side(old, Prints(old.plan)), _Side(new, Prints(new.plan))
    before, after = _writes(old), _writes(new)
    tables = {
        table: moves
        for table in dict.fromkeys((*before, *after))
        if (moves := _table(table, before.get(table, []), after.get(table, []), *sides)).causes
    }
    unread = [str(u) for u in new.unknowns if str(u.reason) not in {o.reason for o in old.unknowns}]
    return JobMoves(tables, tuple(unread))


@dataclass(frozen=True)
class _Side:
    """One of the two readings, and what it takes to compare and show its columns."""

    reading: JobReading
    prints: Prints

    def printed(self, assignments: Sequence[Assignment]) -> list[str]:
        return sorted(self.prints.expression(e) for a in assignments for e in a.expressions)

    def text(self, assignments: Sequence[Assignment]) -> str:
        """The expressions behind a column, copies and renames followed."""
        behind = [self.reading.tracer.definition(e)[0] for a in assignments for e in a.expressions]
        return listed([shown(e) for e in behind], 3, code=False)

    def place(self, assignments: Sequence[Assignment]) -> str | None:
        spans = [self.reading.tracer.defined_at(e) for a in assignments for e in a.expressions]
        return _at(next((s for s in (*spans, *(a.span for a in assignments)) if s is not None), None))


_SAME_KINDS: Mapping[str, tuple[str, ...]] = {
    "filter": ("filter_changed",),
    "join": ("join_changed",),
    "grouping": ("grain_changed",),
    "distinct": ("grain_changed",),
    "input": ("input_added", "input_removed"),
}


def narrowed(moves: JobMoves, compared: JobDiff) -> JobMoves:
    """Without what a comparison by meaning proves to be the same. It only takes away: what it cannot decide stays."""
    if compared.verdict == "same":
        return JobMoves({})
    if compared.verdict == "undecided":
        return moves
    return JobMoves(
        {name: left for name, m in moves.tables.items() if (left := _narrowed(m, compared)).causes}, moves.undecided
    )


def _narrowed(moves: TableMoves, compared: JobDiff) -> TableMoves:
    own = [d for d in compared.differences if d.table == moves.table]
    if not own:
        return moves
    kinds, named = {d.kind for d in own}, {d.name.lower() for d in own if d.name}
    rows = [c for c in moves.rows if c.what not in _SAME_KINDS or kinds.intersection(_SAME_KINDS[c.what])]
    changed = {c.lower() for c in compared.changed_columns.get(moves.table, ())} | named
    moved = moves.moved if rows else {c: cause for c, cause in moves.moved.items() if c in changed}
    return replace(moves, rows=rows, moved=moved)


def _writes(reading: JobReading) -> dict[str, list[Write]]:
    found: dict[str, list[Write]] = {}
    for write in reading.plan.writes:
        if write.kind != "query":
            found.setdefault(write.target.name, []).append(write)
    return found


def _table(table: str, before: Sequence[Write], after: Sequence[Write], old: _Side, new: _Side) -> TableMoves:
    moves = TableMoves(table, bool(after), bool(before))
    if not before or not after:
        return moves
    had, has = _columns(before), _columns(after)
    for name in had:
        subject = f"{_short(table)}.{name}"
        if name not in has:
            moves.lost[name] = Cause("column", subject, old.text(had[name]), None, old.place(had[name]))
        elif old.printed(had[name]) != new.printed(has[name]):
            moves.moved[name] = _edited(subject, had[name], has[name], old, new)
    for name in has:
        if name not in had:
            subject = f"{_short(table)}.{name}"
            moves.gained[name] = Cause("column", subject, None, new.text(has[name]), None, new.place(has[name]))
    if sorted(_rows(w, old.prints) for w in before) != sorted(_rows(w, new.prints) for w in after):
        moves.rows = _row_causes(before, after, old.prints, new.prints) or [Cause("order of the steps", _short(table))]
    return moves


def _columns(writes: Sequence[Write]) -> dict[str, list[Assignment]]:
    found: dict[str, list[Assignment]] = {}
    for write in writes:
        for assignment in write.assignments:
            found.setdefault(assignment.column.lower(), []).append(assignment)
    return found


def _rows(write: Write, prints: Prints) -> str:
    """Rows of one write: how they come about, under which conditions, and what is done with them."""
    conditions = sorted(prints.expression(c) for c in write.conditions)
    return "\0".join([write.kind, prints.rows(write.source), *conditions])


def _row_causes(before: Sequence[Write], after: Sequence[Write], old: Prints, new: Prints) -> list[Cause]:
    gone = _only_in([c for w in before for c in old.clauses(w)], [c for w in after for c in new.clauses(w)])
    come = _only_in([c for w in after for c in new.clauses(w)], [c for w in before for c in old.clauses(w)])
    causes = []
    for clause in gone:
        match = next((c for c in come if c.what == clause.what), None)
        if match is not None:
            come.remove(match)
        causes.append(_clause_cause(clause, match))
    kinds = {w.kind for w in before}, {w.kind for w in after}
    if kinds[0] != kinds[1]:
        causes.append(Cause("way of writing", None, ", ".join(sorted(kinds[0])), ", ".join(sorted(kinds[1]))))
    return [*causes, *(_clause_cause(None, c) for c in come)]


def _only_in(left: Iterable[Clause], right: Iterable[Clause]) -> list[Clause]:
    """Clauses of one side that the other lacks, as often as it lacks them."""
    counts, out = Counter(c.print for c in right), []
    for clause in left:
        if counts[clause.print] > 0:
            counts[clause.print] -= 1
        else:
            out.append(clause)
    return out


def _clause_cause(old: Clause | None, new: Clause | None) -> Cause:
    what = (old or new).what  # type: ignore[union-attr]
    return Cause(
        what,
        None,
        old.text if old else None,
        new.text if new else None,
        _at(old.span) if old else None,
        _at(new.span) if new else None,
    )


def _edited(subject: str, had: Sequence[Assignment], has: Sequence[Assignment], old: _Side, new: _Side) -> Cause:
    before, after = old.text(had), new.text(has)
    if before == after:  # the same words over inputs that are computed differently
        return Cause("value", subject, None, None, old.place(had), new.place(has))
    return Cause("expression", subject, before, after, old.place(had), new.place(has))


def _at(span: Span | None) -> str | None:
    return str(span) if span else None


def _told_apart(before: str, after: str) -> tuple[str, str]:
    """Both texts in a line; of long ones the part in which they begin to differ."""
    old, new = " ".join(before.split()), " ".join(after.split())
    if max(len(old), len(new)) <= _LONG:
        return old, new
    same = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
    start = old.rfind(" ", 0, max(same - _BEFORE, 0)) + 1
    return _cut(old, start), _cut(new, start)


def _cut(text: str, start: int) -> str:
    end = start + _LONG
    return f"{'…' if start else ''}{text[start:end]}{'…' if len(text) > end else ''}"


def _code(text: str | None) -> str:
    flat = " ".join((text or "").split())
    return f"`{flat if len(flat) <= 120 else flat[:119] + '…'}`"


def _short(table: str) -> str:
    return table.rpartition(".")[2] if "/" not in table else table
