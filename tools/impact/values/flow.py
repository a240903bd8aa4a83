"""Follows rows with one value through the plan of a job: what its columns are in them, where they end, what they become."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from tools.impact.values.domain import UNTOLD, Known, evaluate, never_true
from tools.impact.values.meetings import Judge, Meeting, conjuncts
from tools.jobs import JobReading
from tools.plan.base import ColumnId
from tools.plan.model import (
    Aggregate,
    Distinct,
    Filter,
    Generate,
    Item,
    Join,
    Limit,
    Op,
    Opaque,
    Project,
    Rebase,
    Scan,
    SetOp,
    Sort,
)
from tools.plan.whole import Write, walk

__all__ = ["Flow", "Row", "follow"]

Row = Mapping[str, Known]
"""Columns of a table, in lower case, in the rows that are followed."""

_NULL = Known(None, tainted=True)


@dataclass
class Flow:
    """What became of the rows in one job.

    Attributes:
        meetings: places at which the value was met.
        written: for each table the columns that are what they are because of the value.
        stopped: tables that such rows do not reach, with the place that stops them.
        emptied: tables that get no rows at all any more.
        mixed: tables into which the rows go, counted among others.
        used: an expression that the value has a say in, if there is one.
    """

    meetings: tuple[Meeting, ...] = ()
    written: dict[str, Row] = field(default_factory=dict)
    stopped: dict[str, Meeting] = field(default_factory=dict)
    emptied: dict[str, Meeting] = field(default_factory=dict)
    mixed: set[str] = field(default_factory=set)
    used: str | None = None


@dataclass(frozen=True)
class _State:
    """Rows at one operator: their columns, or the meeting that ended them."""

    env: dict[ColumnId, Known] = field(default_factory=dict)
    end: Meeting | None = None
    empty: bool = False


def follow(reading: JobReading, rows: Mapping[str, Row], value: Any, *, lost: bool) -> Flow:
    """Follows the rows of some tables through one job.

    Args:
        rows: table -> what its columns are in these rows.
        value: the value itself, for the words.
        lost: it vanishes instead of being new.
    """
    walker = _Walker(rows, Judge(value, lost=lost), lost)
    flow = Flow()
    for query in reading.plan.subqueries:
        walker.at(query)
    for write in reading.plan.writes:
        walker.end(write, flow)
    flow.used = walker.judge.used
    flow.meetings = tuple(walker.judge.found.values())
    return flow


class _Walker:
    def __init__(self, rows: Mapping[str, Row], judge: Judge, lost: bool) -> None:
        self._rows, self.judge, self._lost = rows, judge, lost
        self._states: dict[int, _State | None] = {}

    def at(self, root: Op) -> _State | None:
        """The rows at an operator; None where there are none of them."""
        for op in walk(root):
            if id(op) not in self._states:
                self._states[id(op)] = self._step(op)
        return self._states[id(root)]

    def end(self, write: Write, flow: Flow) -> None:
        """What a write does with them."""
        state = self.at(write.source)
        table = write.target.name
        if state is None:
            return
        if state.end is not None:
            (flow.emptied if state.empty else flow.stopped).setdefault(table, state.end)
            return
        for condition in write.conditions:
            self.judge.keeps(condition, state.env, write.span)
        row = {}
        for assignment in write.assignments:
            for expression in assignment.expressions:
                self.judge.look(expression, state.env, assignment.span or write.span)
            found = [evaluate(e, state.env) for e in assignment.expressions]
            known = next((k for k in found if k.tainted), None)
            if known is not None and (known.carries or not self._lost):
                row[assignment.column.lower()] = known
        if row:
            flow.written[table] = row
        else:
            flow.mixed.add(table)

    def _step(self, op: Op) -> _State | None:
        if isinstance(op, Scan):
            return self._scan(op)
        states = [self._states.get(id(c)) for c in op.children]
        if all(s is None for s in states):
            return None
        handler = _STEPS.get(type(op), _Walker._others)
        return handler(self, op, states)

    def _scan(self, op: Scan) -> _State | None:
        row = self._rows.get(op.dataset.name)
        if not row:
            return None
        return _State({a.id: row[a.name.lower()] for a in op.columns if a.name.lower() in row})

    # ------------------------------------------------------------------ operators

    def _project(self, op: Op, states: list[_State | None]) -> _State | None:
        return self._items(op.items, states[0])

    def _items(self, items: list[Item], state: _State | None) -> _State | None:
        if state is None or state.end is not None:
            return state
        env = dict(state.env)
        for item in items:
            if not item.is_pass_through:
                self.judge.look(item.expression, state.env, item.span)
                found = evaluate(item.expression, state.env)
                if found.tainted and (found.carries or not self._lost):
                    env[item.attribute.id] = found
        return _State(env)

    def _filter(self, op: Op, states: list[_State | None]) -> _State | None:
        assert isinstance(op, Filter)
        state = states[0]
        if state is None or state.end is not None or not state.env:
            return state
        return self._after(op.predicate, state, op)

    def _after(self, predicate: exp.Expr, state: _State, op: Op) -> _State | None:
        """The rows behind a condition."""
        end = self.judge.keeps(predicate, state.env, op.span)
        if end is None:
            return state
        if self._lost and end.fate == "dropped":
            return None  # they never came this far
        return _State(end=end, empty=end.fate == "dead")

    def _join(self, op: Op, states: list[_State | None]) -> _State | None:
        assert isinstance(op, Join)
        left, right = states
        if op.kind in ("semi", "anti"):
            return self._semi(op, left, right)
        live = [s for s in states if s is not None and s.end is None]
        if not live:
            ended = left if op.kind != "right" else right
            return ended if ended is not None else (right if op.kind == "inner" else None)
        env = {k: v for s in live for k, v in s.env.items()}
        state = _State(env)
        if op.condition is None:
            return state
        unmatched = self._unmatched(op, env)
        if not unmatched:
            return state
        if op.kind in ("inner", "cross") or self._lost:
            return None if self._lost else _State(end=unmatched)
        kept, other = (op.left, op.right) if left is not None and op.kind != "right" else (op.right, op.left)
        if (kept is op.left and op.kind == "right") or (kept is op.right and op.kind == "left"):
            return None  # it is the side that only adds columns: without a match nothing of it is seen
        return _State({**env, **{a.id: _NULL for a in other.output}})

    def _unmatched(self, op: Join, env: Mapping[ColumnId, Known]) -> Meeting | None:
        """The part of a join's condition that these rows never meet; parts that ask the other side are noted."""
        assert op.condition is not None
        stays = op.kind in ("left", "right", "full")
        for part in conjuncts(op.condition):
            if never_true(part, env) and evaluate(part, env).tainted:
                if self._lost:
                    return Meeting("dropped", "", "", op.span)
                what = "NULL matches nothing" if self.judge.is_null and isinstance(part, exp.EQ) else "never matches"
                after = "the other side's columns are NULL" if stays else "drops it"
                return self.judge.note("dropped" if not stays else "unmatched", f"{what}: {after}", part, op.span, env)
        for part in conjuncts(op.condition):
            if isinstance(part, (exp.EQ, exp.NullSafeEQ)) and evaluate(part, env).tainted and not self._lost:
                sides = [evaluate(part.left, env), evaluate(part.right, env)]
                if any(s.carries for s in sides) and not all(s.told for s in sides):
                    otherwise = "else the other side's columns are NULL" if stays else "else it is dropped"
                    self.judge.note(
                        "unmatched", f"matches only if the other side has it, {otherwise}", part, op.span, env
                    )
        return None

    def _semi(self, op: Join, left: _State | None, right: _State | None) -> _State | None:
        if left is None or left.end is not None:
            if right is not None and right.end is None and op.condition is not None:
                self._unmatched(op, right.env)
            return left
        env = {**left.env, **(right.env if right is not None else {})}
        unmatched = self._unmatched(op, env) if op.condition is not None else None
        if unmatched is None or op.kind == "anti":
            return left
        return None if self._lost else _State(end=unmatched)

    def _aggregate(self, op: Op, states: list[_State | None]) -> _State | None:
        assert isinstance(op, Aggregate)
        state = states[0]
        if state is None or state.end is not None:
            return state
        env: dict[ColumnId, Known] = {}
        for key in op.keys:
            found = evaluate(key.expression, state.env)
            self.judge.look(key.expression, state.env, key.span or op.span)
            if found.tainted:
                env[key.attribute.id] = found
            if found.carries or (found.tainted and found.value is None):
                self._grouped(key, state, op, null=found.value is None)
        self._cells(op, state)
        return _State(env)

    def _grouped(self, key: Item, state: _State, op: Op, *, null: bool) -> None:
        what = "NULL becomes a group of its own" if null else "becomes a group of its own"
        words = "its group is gone" if self._lost else what
        expected = not null or self._lost
        self.judge.note("grouped", words, key.expression, key.span or op.span, state.env, expected=expected)

    def _cells(self, op: Aggregate, state: _State) -> None:
        """Aggregates; those of a pivot belong together: a value that has no column of its own is in none."""
        pivoted = op.pivoted_on is not None and evaluate(op.pivoted_on, state.env).told and not self._lost
        if not pivoted:
            for item in op.aggregates:
                self.judge.look(item.expression, state.env, item.span or op.span)
            return
        assert op.pivoted_on is not None
        tests = [f.expression.this for i in op.aggregates for f in i.expression.find_all(exp.Filter)]
        if tests and all(never_true(t, state.env) for t in tests):
            self.judge.note(
                "falls", "has no column of its own in the pivot: it is in none", op.pivoted_on, op.span, state.env
            )

    def _set(self, op: Op, states: list[_State | None]) -> _State | None:
        assert isinstance(op, SetOp)
        for position, state in enumerate(states):
            if state is None or state.end is not None or (op.kind == "except" and position):
                continue
            env = {}
            for attribute, row in zip(op.columns, op.mapping, strict=True):
                column = row[position]
                if column is not None and column in state.env:
                    env[attribute.id] = state.env[column]
            return _State(env)
        return next((s for s in states if s is not None), None)

    def _opaque(self, op: Op, states: list[_State | None]) -> _State | None:
        assert isinstance(op, Opaque)
        state = next((s for s in states if s is not None and s.end is None and s.env), None)
        if state is None:
            return next((s for s in states if s is not None), None)
        words = f"goes through code that could not be read: {op.reason}"
        self.judge.note("unread", words, exp.column("…"), op.span, state.env, expected=True, sure=False)
        return _State({a.id: Known(UNTOLD, True, True, False) for a in op.columns})

    def _generate(self, op: Op, states: list[_State | None]) -> _State | None:
        assert isinstance(op, Generate)
        state = states[0]
        if state is None or state.end is not None:
            return state
        found = evaluate(op.generator, state.env)
        if not found.tainted:
            return state
        if found.told and found.value is None and not op.outer and not self._lost:
            return _State(end=self.judge.note("dropped", "a NULL list has no rows", op.generator, op.span, state.env))
        return _State({**state.env, **{a.id: Known(UNTOLD, True, found.carries, False) for a in op.columns}})

    def _others(self, op: Op, states: list[_State | None]) -> _State | None:
        """Sorts, limits, duplicates: the rows stay what they are."""
        del op
        return states[0]


_STEPS: Mapping[type[Op], Callable[[_Walker, Any, list[_State | None]], _State | None]] = {
    Project: _Walker._project,
    Rebase: _Walker._project,
    Filter: _Walker._filter,
    Join: _Walker._join,
    Aggregate: _Walker._aggregate,
    SetOp: _Walker._set,
    Opaque: _Walker._opaque,
    Generate: _Walker._generate,
    Sort: _Walker._others,
    Limit: _Walker._others,
    Distinct: _Walker._others,
}
