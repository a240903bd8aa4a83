"""Compares two versions of a job: by form, by clause, and by a search for rows on which they differ."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from tools.diff.clauses import Clause, Clauses, Output, clauses_of
from tools.diff.code import code_marks, same_program
from tools.diff.facts import Facts, NoForm
from tools.diff.form import form_of
from tools.diff.result import Difference, DifferenceKind, JobDiff
from tools.diff.search import DATABASES, Counterexample, NotSearchable, engine_types, search
from tools.diff.types import same_type
from tools.jobs import JobReading
from tools.plan.base import Span
from tools.plan.model import Scan
from tools.plan.whole import Write, reachable
from tools.result import listed

__all__ = ["Version", "diff"]

_ROW_KINDS = ("filter_changed", "join_changed", "grain_changed")
_INPUTS = ("input_added", "input_removed")
_HARMLESS = ("column_added", "input_added", "input_removed")
_MODES = {
    "create": "replaces the table",
    "overwrite": "replaces the table",
    "insert": "adds rows",
    "merge": "updates and adds rows",
}
_GONE = ("column_removed", "column_renamed", "column_retyped", "output_removed")


@dataclass(frozen=True)
class Version:
    """One version of a job: what was read of it, and its text."""

    reading: JobReading
    text: str = ""

    @property
    def writes(self) -> list[Write]:
        """What it stores."""
        return self.reading.plan.writes


def diff(old: Version, new: Version, facts: Facts | None = None, *, databases: int = DATABASES) -> JobDiff:
    """What a new version of a job changes. Never raises for anything in the jobs.

    Args:
        facts: columns that are never NULL, and keys: more is then provably the same.
        databases: how many generated databases to try where form does not decide.
    """
    known = facts or Facts()
    pairs, differences = _paired(old, new)
    results = [_Comparison(old, new, a, b, known, databases).result() for a, b in pairs]
    for result in results:
        differences += result.differences
    reasons = list(dict.fromkeys(r for result in results for r in result.reasons))
    reasons += _unread(old, new)
    verdicts = {r.verdict for r in results} | ({"changed"} if differences and not results else set())
    if any(d.kind in ("output_added", "output_removed") for d in differences):
        verdicts.add("changed")
    unread = _hidden(old, new) and not _same_program(old, new)
    verdict = "changed" if "changed" in verdicts else "undecided" if "undecided" in verdicts or unread else "same"
    breakings = [r.breaking for r in results] + [True for d in differences if d.kind == "output_removed"]
    breaking = True if True in breakings else None if None in breakings or (unread and verdict != "same") else False
    return JobDiff(
        new.reading.name,
        old.reading.file,
        new.reading.file,
        verdict,  # type: ignore[arg-type]
        tuple(differences),
        breaking,
        {r.table: r.columns for r in results if r.columns},
        next((r.example for r in results if r.example), None),
        max((r.databases for r in results), default=0),
        tuple(reasons) if verdict == "undecided" or breaking is None else (),
        any(r.rows_change for r in results) or any(d.kind == "output_removed" for d in differences),
        any(r.reordered for r in results),
    )


def _hidden(old: Version, new: Version) -> bool:
    """Whether something that was not read may have been edited. A column that the catalog does not know is read all the
    same: by its name, which is compared.
    """
    unknown = [{(u.kind == "column", str(u.reason)) for u in v.reading.unknowns} for v in (old, new)]
    return any(not named for named, _ in unknown[0] | unknown[1]) or unknown[0] != unknown[1]


def _unread(old: Version, new: Version) -> list[str]:
    seen = {str(u.reason) for v in (old, new) for u in v.reading.unknowns}
    return [] if _same_program(old, new) else [f"not read: {reason}" for reason in sorted(seen)]


def _same_program(old: Version, new: Version) -> bool:
    """Whether both are one script, run with the same arguments, of which nothing was read from another file."""
    language = old.reading.language
    alike = language == new.reading.language and dict(old.reading.arguments) == dict(new.reading.arguments)
    return alike and _stands_alone(old) and _stands_alone(new) and same_program(old.text, new.text, language)


def _stands_alone(version: Version) -> bool:
    ops = reachable(version.reading.plan, version.writes)
    return all(op.span is None or op.span.file == version.reading.file for op in ops)


def _paired(old: Version, new: Version) -> tuple[list[tuple[Write, Write]], list[Difference]]:
    """Writes of both versions by target; where each has only one, these two whatever they are called."""
    if len(old.writes) == len(new.writes) == 1:
        return [(old.writes[0], new.writes[0])], _retargeted(old.writes[0], new.writes[0])
    pairs: list[tuple[Write, Write]] = []
    left = list(new.writes)
    gone = []
    for write in old.writes:
        twin = next((w for w in left if w.target.name == write.target.name), None)
        if twin is None:
            gone.append(Difference("output_removed", write.target.name, write.target.name, before_at=write.span))
        else:
            left.remove(twin)
            pairs.append((write, twin))
    added = [Difference("output_added", w.target.name, w.target.name, after_at=w.span) for w in left]
    return pairs, gone + added


def _retargeted(old: Write, new: Write) -> list[Difference]:
    if old.target.name == new.target.name or "query" in (old.kind, new.kind):
        return []
    return [
        Difference("output_removed", old.target.name, old.target.name, before_at=old.span),
        Difference("output_added", new.target.name, new.target.name, after_at=new.span),
    ]


@dataclass(frozen=True)
class _Result:
    table: str
    verdict: str
    differences: list[Difference]
    breaking: bool | None
    columns: tuple[str, ...] = ()
    example: Counterexample | None = None
    databases: int = 0
    reasons: tuple[str, ...] = ()
    rows_change: bool = False
    reordered: bool = False


class _Comparison:
    """One written table in two versions."""

    def __init__(self, old: Version, new: Version, a: Write, b: Write, facts: Facts, databases: int) -> None:
        self._sides = (a, old.reading.plan), (b, new.reading.plan)
        self._marks = code_marks(old.text, old.reading.language), code_marks(new.text, new.reading.language)
        self._facts, self._databases, self._table = facts, databases, b.target.name
        self._same_program = _same_program(old, new)
        self._reasons: list[str] = []

    def result(self) -> _Result:
        """The verdict with everything behind it."""
        old, new = self._clauses(0, {}), self._clauses(1, {})
        return replace(self._found(old, new), reordered=old.order != new.order)

    def _found(self, old: Clauses, new: Clauses) -> _Result:
        if self._same_form(None):
            return _Result(self._table, "same", [], False)
        differences = list(self._differences(old, new))
        if self._same_program and not differences:
            # Over the same columns a program that is the same, but for comments, does the same, whatever it calls.
            return _Result(self._table, "same", [], False)
        kept = self._kept_columns() if differences and not any(d.kind in _GONE for d in differences) else []
        if kept and self._same_form(kept):
            # Whatever else is worded otherwise, the columns that were there are the same in the same rows.
            harmless = [d for d in differences if d.kind in _HARMLESS]
            if harmless and (new_names := self._unseen_columns()):
                reason = f"whether {listed(new_names)} is there is not known: no catalog knows the table's columns"
                return _Result(self._table, "changed", harmless, None, reasons=(reason,))
            return (
                _Result(self._table, "changed", harmless, False)
                if harmless
                else _Result(self._table, "same", [], False)
            )
        example, tried = self._search()
        if tried:
            differences = self._without_doubtful_types(differences, old, new)
        judged = self._judged(differences, example, tried)
        by_clause = judged.breaking is not False and any(d.kind in (*_ROW_KINDS, *_INPUTS) for d in differences)
        counted = example is not None and len(set(example.counts)) > 1
        rows_change = judged.verdict != "same" and (by_clause or counted or old.elements != new.elements)
        columns = tuple(x.column.lower() for x in self._sides[0][0].assignments) if rows_change else judged.columns
        return replace(judged, rows_change=rows_change, columns=columns)

    def _judged(self, differences: list[Difference], example: Counterexample | None, tried: int) -> _Result:
        gone = any(d.kind in (*_GONE, "mode_changed") for d in differences)
        columns = self._changed_columns(differences, example)
        told = (*_ROW_KINDS, *_GONE, "expression_changed", "input_added", "input_removed")
        if example is not None and not any(d.kind in told for d in differences):
            differences = [*differences, *self._by_example(example)]
        if gone or example is not None:
            return _Result(self._table, "changed", differences, True, columns, example, tried)
        stated = [d for d in differences if d.kind in ("input_added", "input_removed", "column_added")]
        if stated:
            breaking = None if len(stated) < len(differences) or not tried else False
            reasons = () if breaking is False else tuple(self._reasons) or ("no rows were found that show the rest",)
            return _Result(self._table, "changed", differences, breaking, columns, None, tried, reasons)
        if differences and self._reasons:
            # It cannot be run, and a clause says something else: that is a change, if not one that rows have shown.
            return _Result(self._table, "changed", differences, True, columns, None, tried, tuple(self._reasons))
        reasons = tuple(self._reasons) or (
            f"{tried} generated databases showed no difference, and no rule proves equality",
        )
        return _Result(self._table, "undecided", differences, None, (), None, tried, reasons)

    # ------------------------------------------------------------------ form

    def _same_form(self, only: Collection[str] | None) -> bool:
        try:
            (a, old), (b, new) = self._sides
            first = form_of(a, old, self._facts, self._marks[0], only)
            return first == form_of(b, new, self._facts, self._marks[1], only)
        except NoForm:
            return False

    def _unseen_columns(self) -> list[str]:
        """Columns of tables without a known schema that only the new version names: without them it would not run."""
        named = [
            {
                f"{op.dataset.name}.{a.name.lower()}"
                for op in reachable(plan, [write])
                if isinstance(op, Scan) and op.rest
                for a in op.columns
            }
            for write, plan in self._sides
        ]
        return sorted(named[1] - named[0])

    def _kept_columns(self) -> list[str]:
        names = [{x.column.lower() for x in write.assignments} for write, _ in self._sides]
        return sorted(names[0]) if names[0] <= names[1] else []

    def _search(self) -> tuple[Counterexample | None, int]:
        try:
            return search(*self._sides, self._facts, self._databases), self._databases
        except NotSearchable as error:
            self._reasons.append(f"the versions cannot be run on generated data: {error}")
            return None, 0

    # ------------------------------------------------------------------ clauses

    def _clauses(self, side: int, renamed: Mapping[str, str], without: frozenset[str] = frozenset()) -> Clauses:
        write, plan = self._sides[side]
        return clauses_of(write, plan, self._marks[side], renamed, without)

    def _differences(self, old: Clauses, new: Clauses) -> Iterator[Difference]:
        gone, come = sorted(old.inputs.keys() - new.inputs.keys()), sorted(new.inputs.keys() - old.inputs.keys())
        for name in gone:
            yield Difference("input_removed", self._table, name, before_at=old.inputs[name])
        for name in come:
            yield Difference("input_added", self._table, name, after_at=new.inputs[name])
        swapped = len(gone) == len(come) == 1
        moved = frozenset() if swapped else frozenset((*gone, *come))
        if swapped:
            new = self._clauses(1, {come[0]: gone[0]})
        elif moved:
            old, new = self._clauses(0, {}, moved), self._clauses(1, {}, moved)
        yield from self._columns(old.outputs, new.outputs)
        yield from self._modes()
        for kind, a, b in (
            ("filter_changed", old.filters, new.filters),
            ("join_changed", old.joins, new.joins),
            ("grain_changed", old.grain, new.grain),
        ):
            yield from self._clause_difference(kind, a, b, moved if kind != "grain_changed" else frozenset())  # type: ignore[arg-type]

    def _modes(self) -> Iterator[Difference]:
        """Adding rows to a table, and replacing what is there."""
        old, new = (_MODES.get(write.kind, write.kind) for write, _ in self._sides)
        if old != new and "query" not in (old, new):
            at = [write.span for write, _ in self._sides]
            yield Difference("mode_changed", self._table, "", "", (old,), (new,), at[0], at[1])

    def _clause_difference(
        self, kind: DifferenceKind, old: Mapping[str, Clause], new: Mapping[str, Clause], moved: frozenset[str]
    ) -> Iterator[Difference]:
        """Clauses that only one version has; those of a table that came or went with it say nothing new."""

        def only(these: Mapping[str, Clause], those: Mapping[str, Clause]) -> list[Clause]:
            return [c for t, c in these.items() if t not in those and not (c.tables & moved)]

        before, after = only(old, new), only(new, old)
        if before or after:
            yield Difference(
                kind,
                self._table,
                before=tuple(dict.fromkeys(c.shown for c in before)),
                after=tuple(dict.fromkeys(c.shown for c in after)),
                before_at=_place(before),
                after_at=_place(after),
            )

    def _columns(self, old: Mapping[str, Output], new: Mapping[str, Output]) -> Iterator[Difference]:
        # Columns that `*` hands on anyway are known by name where a version names them, and there all the same where not.
        handed_on = [bool(write.carries) for write, _ in self._sides]
        gone = [o for n, o in old.items() if n not in new and not (handed_on[1] and o.is_plain)]
        come = [o for n, o in new.items() if n not in old and not (handed_on[0] and o.is_plain)]
        for a in list(gone):
            twins = [b for b in come if b.text == a.text]
            if len(twins) == 1 and sum(x.text == a.text for x in gone) == 1:
                gone.remove(a)
                come.remove(twins[0])
                yield Difference(
                    "column_renamed", self._table, a.name, twins[0].name, before_at=a.span, after_at=twins[0].span
                )
        for a in gone:
            yield Difference("column_removed", self._table, a.name, before=(a.shown,), before_at=a.span)
        for b in come:
            yield Difference("column_added", self._table, b.name, after=(b.shown,), after_at=b.span)
        for name in [n for n in old if n in new]:
            yield from self._column(old[name], new[name])

    def _column(self, a: Output, b: Output) -> Iterator[Difference]:
        retyped = a.type is not None and b.type is not None and not same_type(a.type, b.type)
        if retyped:
            before, after = (str(a.type),), (str(b.type),)
            yield Difference("column_retyped", self._table, a.name, "", before, after, a.span, b.span)
        if a.text != b.text and not (retyped and _uncast(a.text) == _uncast(b.text)):
            yield Difference("expression_changed", self._table, a.name, "", (a.shown,), (b.shown,), a.span, b.span)

    def _without_doubtful_types(
        self, differences: Sequence[Difference], old: Clauses, new: Clauses
    ) -> list[Difference]:
        """Without types that seem to differ only because functions are called otherwise: the engine has to tell two types as
        well, unless both are written down.
        """
        types = engine_types(*self._sides)
        return [
            d
            for d in differences
            if d.kind != "column_retyped"
            or (old.outputs[d.name].is_typed and new.outputs[d.name].is_typed)
            or types[0].get(d.name) != types[1].get(d.name)
        ]

    def _changed_columns(self, differences: Sequence[Difference], example: Counterexample | None) -> tuple[str, ...]:
        """Columns of the new version whose values may be other than they were."""
        names = [x.column.lower() for x in self._sides[0][0].assignments]
        if any(d.kind in (*_ROW_KINDS, "input_removed") for d in differences):
            return tuple(names)
        found = {d.name for d in differences if d.kind in ("expression_changed", "column_retyped")}
        found |= set(example.columns) if example else set()
        return tuple(n for n in names if n in found)

    def _by_example(self, example: Counterexample) -> list[Difference]:
        """Rows differ though no clause does by itself: their order or nesting. Told by the columns that show it, or by how
        often rows are repeated.
        """
        if len(set(example.counts)) > 1:
            return [Difference("grain_changed", self._table)]
        return [Difference("expression_changed", self._table, c) for c in example.columns]


def _place(clauses: Sequence[Clause]) -> Span | None:
    return next((c.span for c in clauses if c.span), None)


def _uncast(text: str) -> str:
    """An expression without its casts."""
    from sqlglot import errors, parse_one

    try:
        tree = parse_one(text, read="athena")
    except errors.SqlglotError:
        return text
    bare = tree.transform(lambda n: n.this if isinstance(n, exp.Cast) else n)
    return str(bare.sql("athena"))
