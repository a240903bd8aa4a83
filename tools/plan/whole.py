"""A whole plan: what a job writes, the operators behind it, and ways to walk them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from tools.plan.base import Dataset, Span, Unknown
from tools.plan.model import DefinitionAction, Filter, Join, Op, Rest, Scan, Sort, Values, WriteKind
from tools.plan.references import is_subquery_ref

__all__ = ["Assignment", "Definition", "Plan", "Write", "expressions_of", "reachable", "walk"]


@dataclass(frozen=True, slots=True)
class Assignment:
    """What a written column gets: one expression for each way it is assigned (several for MERGE)."""

    column: str
    expressions: tuple[exp.Expr, ...]
    span: Span | None = None


@dataclass(eq=False, slots=True)
class Write(Op):
    """One data set written from one input. `kind="query"` is a bare SELECT: its result goes to the caller.

    `conditions` are predicates that decide whether a row is written (MERGE's WHEN … AND); `self_reference` says that
    the target's previous content decides too (MERGE, UPDATE, DELETE), which no simulation can replay from sources.
    """

    target: Dataset
    source: Op
    kind: WriteKind
    assignments: list[Assignment]
    carries: list[Rest] = field(default_factory=list)
    conditions: list[exp.Expr] = field(default_factory=list)
    partitioned_by: tuple[str, ...] = ()
    self_reference: bool = False
    format: str | None = None
    aliases: tuple[Dataset, ...] = ()  # other names of the same data set (a table's path)

    @property
    def children(self) -> tuple[Op, ...]:
        return (self.source,)


@dataclass(frozen=True, slots=True)
class Definition:
    """A statement that makes, changes or removes a data set without moving rows.

    `source` is what it is made LIKE, `location` the path at which it is made; `after` counts the writes of the plan that
    come before it.
    """

    action: DefinitionAction
    dataset: Dataset
    span: Span | None = None
    source: Dataset | None = None
    after: int = 0
    location: Dataset | None = None


@dataclass(eq=False, slots=True)
class Plan:
    """Everything one job does. `subqueries` are referred to by index from expressions; `unknowns` is what was not
    read; `definitions` are statements that move no rows.
    """

    writes: list[Write] = field(default_factory=list)
    subqueries: list[Op] = field(default_factory=list)
    unknowns: list[Unknown] = field(default_factory=list)
    scans: list[Scan] = field(default_factory=list)
    definitions: list[Definition] = field(default_factory=list)
    dialect: str = "athena"

    @property
    def reads(self) -> list[Dataset]:
        """Data sets read, in order of appearance."""
        return list(dict.fromkeys(s.dataset for s in self.scans))

    @property
    def targets(self) -> list[Dataset]:
        """Data sets written, in order of appearance."""
        return list(dict.fromkeys(w.target for w in self.writes if w.kind != "query"))


def reachable(plan: Plan, roots: Sequence[Op]) -> Iterator[Op]:
    """Every operator that the roots rest on, those of subqueries in their expressions included."""
    waiting, seen = list(roots), set[int]()
    while waiting:
        for op in walk(waiting.pop()):
            if id(op) not in seen:
                seen.add(id(op))
                yield op
                if plan.subqueries:
                    waiting += [
                        plan.subqueries[int(c.name)]
                        for e in expressions_of(op)
                        for c in ([e] if isinstance(e, exp.Column) else e.find_all(exp.Column))
                        if is_subquery_ref(c)
                    ]


def expressions_of(op: Op) -> Iterator[exp.Expr]:
    """Every expression that an operator holds itself."""
    yield from (i.expression for i in op.items)
    match op:
        case Filter():
            yield op.predicate
        case Join(condition=exp.Expr() as condition):
            yield condition
        case Sort():
            yield from op.keys
        case Values():
            yield from (cell for row in op.rows for cell in row)
        case Write():
            yield from op.conditions
            yield from (e for a in op.assignments for e in a.expressions)


def walk(root: Op) -> Iterator[Op]:
    """Every operator below and including `root`, inputs before users, each once (plans share subtrees)."""
    seen: set[int] = set()
    stack: list[tuple[Op, bool]] = [(root, False)]
    while stack:
        op, ready = stack.pop()
        if ready:
            yield op
        elif id(op) not in seen:
            seen.add(id(op))
            stack.append((op, True))
            stack.extend((c, False) for c in reversed(op.children))
