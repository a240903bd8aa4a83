"""A KPI's query with the logic of its tables in place: composed along the lineage down to tables that do not change."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from tools.jobs import JobReading
from tools.kpi.demand import Reach, demand_of
from tools.plan.base import ColumnId, Span
from tools.plan.catalog import Catalog
from tools.plan.model import Op, Scan
from tools.plan.references import is_ref, ref_id
from tools.plan.render import NotRenderable, render, render_write, table_of
from tools.plan.whole import Plan, Write, reachable
from tools.result import listed

__all__ = ["Composer", "Refused", "Scanned", "Window"]

_VOLATILE = (exp.Rand, exp.Randn, exp.Uuid, exp.CurrentDate, exp.CurrentTimestamp, exp.CurrentTime, exp.CurrentUser)
_VOLATILE_NAMES = frozenset(
    "now rand random uuid localtimestamp localtime unix_timestamp monotonically_increasing_id shuffle current_date "
    "current_timestamp".split()
)
_CODE = "__"


class Refused(ValueError):
    """Something cannot be replayed: why, where, and what could be done."""

    def __init__(self, reason: str, span: Span | None = None, hint: str | None = None) -> None:
        self.reason, self.span, self.hint = reason, span, hint
        super().__init__(f"{reason} ({span})" if span else reason)


@dataclass(frozen=True)
class Window:
    """The days asked for, both ends included."""

    first: datetime.date
    last: datetime.date

    @property
    def days(self) -> int:
        """How many."""
        return (self.last - self.first).days + 1

    def reaching(self, reach: Reach) -> Window:
        """With days before and after it."""
        before, after = (datetime.timedelta(days=n) for n in reach)
        return Window(self.first - before, self.last + after)


Scanned = tuple[str, str | None, Window | None]


@dataclass
class Composer:
    """Composes queries over one version of the jobs.

    Attributes:
        writers: the job that writes each table, in this version.
        affected: tables to be replaced by the logic of their jobs; every other table is read as it is stored.
        blocked: what kept the window from tables, filled while composing.
        scanned: every scan, with the column by which it is restricted, and to which days.
    """

    catalog: Catalog
    writers: Mapping[str, Sequence[JobReading]]
    affected: frozenset[str]
    window: Window | None
    blocked: list[tuple[str, Span | None, frozenset[str]]] = field(default_factory=list)
    scanned: list[Scanned] = field(default_factory=list)
    replayed: dict[str, str] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    _open: list[str] = field(default_factory=list)

    def query(self, plan: Plan, write: Write, day: str) -> exp.Query:
        """A KPI's query, its tables replaced.

        Raises Refused.
        """
        self.check(plan, write)
        days = [ref_id(a.expressions[0]) for a in write.assignments if a.column == day and is_ref(a.expressions[0])]
        sources = _Sources(self, write, plan, days)
        try:
            return render(write.source, plan, sources) if _is_plain(write) else render_write(write, plan, None, sources)
        except NotRenderable as error:
            raise Refused(error.reason, error.span) from None

    def table(self, name: str, restricted: str | None, reach: Reach) -> exp.Query:
        """The logic of a table as a query of its columns, in this version.

        Args:
            restricted: the column of which only the window's days count, and those that it reaches.
        """
        if name in self._open:
            raise Refused(
                f"`{name}` is made from its own earlier content: what it held before cannot be replayed",
                hint="Simulate a change of a job further down, or one that reads other tables.",
            )
        reading, write = self.writer(name)
        self.check(reading.plan, write)
        self.replayed[name] = reading.name
        self._open.append(name)
        days: list[ColumnId] = [
            ref_id(a.expressions[0])
            for a in write.assignments
            if restricted is not None and a.column.lower() == restricted.lower() and is_ref(a.expressions[0])
        ]
        try:
            sources = _Sources(self, write, reading.plan, days, reach)
            return render_write(write, reading.plan, self.catalog.columns(name), sources)
        except NotRenderable as error:
            raise Refused(f"`{reading.name}` cannot be replayed: {error.reason}", error.span) from None
        finally:
            self._open.pop()

    def writer(self, name: str) -> tuple[JobReading, Write]:
        """The one place that writes a table, with its job.

        Raises Refused.
        """
        writing = [(r, w) for r in self.writers.get(name, ()) for w in r.plan.writes if w.target.name == name]
        if len(writing) != 1:
            jobs = listed(list(dict.fromkeys(r.name for r, _ in writing)))
            raise Refused(f"`{name}` is written in {len(writing)} places ({jobs}): which one made a row is not known")
        reading, write = writing[0]
        if write.self_reference:
            raise Refused(
                f"`{reading.name}` changes `{name}` in place ({write.kind.upper()}): what it held before cannot be replayed",
                write.span,
                "Replay it from a snapshot by hand, or simulate a change further down.",
            )
        if write.kind == "insert":
            self.notes.append(f"`{reading.name}` appends to `{name}`; it is replayed as if built in one run")
        return reading, write

    def check(self, plan: Plan, write: Write) -> None:
        """Refuses what gives another answer each time, and code that is not read.

        Raises Refused.
        """
        for op in reachable(plan, [write]):
            for expression in _expressions(op):
                for node in expression.walk():
                    self._check_node(node, op.span)

    def _check_node(self, node: exp.Expr, span: Span | None) -> None:
        name = str(node.this).lower() if isinstance(node, exp.Anonymous) else ""
        if isinstance(node, _VOLATILE) or name in _VOLATILE_NAMES:
            word = name or node.sql("athena").lower()
            raise Refused(f"{word} gives another value each time it is run", span, "Put a fixed value in its place.")
        if name.startswith(_CODE):
            called = node.meta.get("function") or "a Python function"
            raise Refused(f"`{called}` is code that is not read", span, "State it as SQL to have it simulated.")
        if isinstance(node, exp.Literal | exp.Identifier | exp.Placeholder) and "${" in str(node.this):
            raise Refused(
                f"{node.this} is known only at run time",
                span,
                "Give the argument in copilot.toml: [jobs.arguments.JOB].",
            )


class _Sources:
    """What stands in FROM for each scan of one plan."""

    def __init__(
        self, composer: Composer, write: Write, plan: Plan, days: Sequence[ColumnId], reach: Reach = (0, 0)
    ) -> None:
        self._composer = composer
        self._demand = demand_of(write.source, days, reach)
        composer.blocked += self._demand.blocked

    def __call__(self, scan: Scan) -> exp.Expr:
        composer, name = self._composer, scan.dataset.name
        restricted, reach = self._demand.columns.get(id(scan), (None, (0, 0)))
        if name in composer.affected:
            return composer.table(name, restricted, reach)
        table = table_of(scan)
        if scan.version:
            raise NotRenderable("time travel is pinned to the past and cannot be replayed", scan.span)
        kind = next((a.type for a in scan.columns if a.name == restricted), None)
        window = composer.window.reaching(reach) if composer.window else None
        bounds = _bounds(restricted, kind, window) if restricted and window else None
        composer.scanned.append((name, restricted if bounds is not None else None, window))
        if bounds is None:
            return table
        # Engines read only the columns that something above names.
        return exp.select(*(exp.column(a.name, quoted=True) for a in scan.columns)).from_(table).where(bounds)


def _bounds(column: str, kind: str | None, window: Window) -> exp.Expr | None:
    """The window as a predicate on a column that is a day; None for a type that days cannot be compared with."""
    name = exp.column(column, quoted=True)
    first, last = (exp.Literal.string(d.isoformat()) for d in (window.first, window.last))
    if kind == "date":
        return exp.Between(this=name, low=exp.cast(first, "date"), high=exp.cast(last, "date"))
    if kind is not None and kind.startswith("varchar"):
        return exp.Between(this=name, low=first, high=last)
    return None


def _is_plain(write: Write) -> bool:
    """Whether a query's result is its source's columns by name."""
    output = {a.id: a.name for a in write.source.output}
    values = [(a.column, a.expressions[0]) for a in write.assignments]
    return [n for n, _ in values] == list(output.values()) and all(
        is_ref(v) and output.get(ref_id(v)) == n for n, v in values
    )


def _expressions(op: Op) -> list[exp.Expr]:
    from tools.plan.model import Generate
    from tools.plan.whole import expressions_of

    more = [op.generator] if isinstance(op, Generate) else []
    return [*expressions_of(op), *more]
