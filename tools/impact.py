"""Impact: for a change, a verdict on everything downstream, each with its proof.

Nothing is inferred from names. Each consumer is read again over the catalog as it would be after the change:

- *breaks*: a name in it no longer binds; the proof is that binding, with file and line.
- *stale*: it reads what a broken, late or failed job no longer refreshes. Where it also shows a column that was
  computed from what is gone, the reason says so: mending the job does not bring that column back.
- *values change*: it still binds, and a changed column reaches it as value, condition, filter, join, group, sort or
  window.
- *may be affected*: only tables are known of it, or part of it could not be read.
- *not affected*: it reads a changed table, but none of what changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from tools.changes import Change, resolve
from tools.consumers import Consumer
from tools.jobs import JobReading
from tools.lineage import Node, coverage, coverage_text, walk
from tools.plan.catalog import Changed, Columns
from tools.plan.lineage import Edge
from tools.plan.model import Span, Unknown
from tools.result import Evidence, counted, listed
from tools.workspace import read_source

if TYPE_CHECKING:
    from tools.workspace import Workspace

Verdict = Literal["breaks", "stale", "values_change", "may_be_affected", "not_affected"]
Severity = Literal["low", "medium", "high"]
VERDICTS: tuple[Verdict, ...] = ("breaks", "stale", "values_change", "may_be_affected", "not_affected")
_TITLES: Mapping[Verdict, str] = {
    "breaks": "Breaks",
    "stale": "Goes stale",
    "values_change": "Values change",
    "may_be_affected": "May be affected",
    "not_affected": "Not affected",
}
_KIND_ORDER = ("job", "table", "dashboard", "kpi")
_ROLE_WORDS = {
    "value": "as a value",
    "condition": "as a condition",
    "filter": "in a filter",
    "join": "in a join",
    "group_by": "in a GROUP BY",
    "sort": "in the order",
    "window": "in a window",
    "distinct": "in a DISTINCT",
}


@dataclass(frozen=True, slots=True)
class ImpactItem:
    """One downstream job, table, dashboard or KPI with its verdict. `hops` counts jobs and consumers on the way."""

    kind: Literal["job", "table", "dashboard", "kpi"]
    name: str
    verdict: Verdict
    reason: str
    columns: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    hops: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "kind": self.kind,
            "name": _short(self.name) if self.kind == "table" else self.name,
            "full_name": self.name,
            "verdict": self.verdict,
            "reason": self.reason,
            "columns": list(self.columns),
            "hops": self.hops,
            "evidence": [e.to_dict() for e in self.evidence],
        }


@dataclass(frozen=True)
class ImpactResult:
    """The whole answer. `writers` are upstream jobs that produce what is changed and have to be edited with it."""

    kind = "impact"
    change: Change
    severity: Severity
    severity_reason: str
    items: tuple[ImpactItem, ...]
    writers: tuple[ImpactItem, ...]
    assumptions: tuple[str, ...]
    coverage: Mapping[str, Any]
    graph: Mapping[str, Any]
    unknowns: tuple[str, ...] = ()

    def of(self, *verdicts: Verdict, kind: str | None = None) -> list[ImpactItem]:
        """Items with these verdicts, of one kind when given."""
        return [i for i in self.items if i.verdict in verdicts and (kind is None or i.kind == kind)]

    @property
    def impacted(self) -> list[ImpactItem]:
        """Everything but what is not affected."""
        return [i for i in self.items if i.verdict != "not_affected"]

    @property
    def evidence(self) -> Sequence[Evidence]:
        """All evidence, worst verdicts first."""
        return tuple(dict.fromkeys(e for i in (*self.items, *self.writers) for e in i.evidence))

    def text(self) -> str:
        """Verdict and severity first, then what is reached by verdict, then coverage."""
        subject = self.change.describe()
        lines = [*(f"_{a}_" for a in self.assumptions), _headline(self, subject), ""]
        for verdict in VERDICTS:
            lines += _section(verdict, self.of(verdict))
        if self.writers:
            lines += ["**Has to be edited with it**", *(_line(i) for i in self.writers), ""]
        lines.append(f"Severity {self.severity.upper()}: {self.severity_reason}.")
        lines += ["", coverage_text(self.coverage)]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """As reports, Lambdas and `--json` carry it."""
        return {
            "change": self.change.to_dict(),
            "severity": self.severity,
            "severity_reason": self.severity_reason,
            "items": [i.to_dict() for i in self.items],
            **{f"impacted_{k}s": [_shown(i) for i in self.impacted if i.kind == k] for k in _KIND_ORDER},
            "writers": [i.to_dict() for i in self.writers],
            "assumptions": list(self.assumptions),
            "coverage": dict(self.coverage),
            "graph": dict(self.graph),
            "unknowns": list(self.unknowns),
            "evidence": [e.to_dict() for e in self.evidence],
        }


def impact(ws: Workspace, change: Change) -> ImpactResult:
    """What a change does to everything downstream.

    Raises NotFound or Ambiguous for the names in it, InputError when a part is missing.
    """
    change, assumptions = resolve(change, ws)
    spread = _Spread(ws, change)
    spread.run()
    items = tuple(sorted(spread.items(), key=_worst_first))
    severity, reason = severity_of(items)
    return ImpactResult(
        change,
        severity,
        reason,
        items,
        tuple(spread.writers()),
        tuple(assumptions),
        coverage(ws),
        _picture(spread, items),
        tuple(spread.unknowns()),
    )


def severity_of(items: Sequence[ImpactItem]) -> tuple[Severity, str]:
    """The written rule. High: something breaks, or a dashboard or KPI goes stale. Medium: values of a dashboard or KPI
    change, or tables go stale. Low: the rest.
    """
    consumers = [i for i in items if i.kind in ("dashboard", "kpi")]
    broken = [i for i in items if i.verdict == "breaks"]
    stale = [i for i in items if i.verdict == "stale"]
    moved = [i for i in consumers if i.verdict == "values_change"]
    if broken:
        return "high", f"{_count(broken)} {'breaks' if len(broken) == 1 else 'break'}"
    if any(i.verdict == "stale" for i in consumers):
        reached = [i for i in consumers if i.verdict == "stale"]
        return "high", f"{_count(reached)} {'goes' if len(reached) == 1 else 'go'} stale"
    if moved:
        return "medium", f"values of {_count(moved)} change"
    if stale:
        return "medium", f"{_count(stale)} {'goes' if len(stale) == 1 else 'go'} stale"
    if any(i.verdict in ("values_change", "may_be_affected") for i in items):
        return "low", "nothing breaks, and no dashboard or KPI is known to change"
    return "low", "nothing downstream is reached"


def _count(items: Sequence[ImpactItem]) -> str:
    names = {"job": "job", "table": "table", "dashboard": "dashboard", "kpi": "KPI"}
    parts = [counted(n, names[k]) for k in _KIND_ORDER if (n := sum(i.kind == k for i in items))]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


# --------------------------------------------------------------------------- spreading a change


@dataclass
class _Table:
    """What has become of a table: columns gone, gained or with other values, rows that differ, or no refresh at all."""

    schema: Columns | None = None
    gone: bool = False
    lost: dict[str, str] = field(default_factory=dict)
    gained: set[str] = field(default_factory=set)
    moved: dict[str, str] = field(default_factory=dict)
    doomed: dict[str, str] = field(default_factory=dict)  # stale, and not to be computed any more
    rows: str | None = None
    stale: str | None = None
    unsure: str | None = None

    @property
    def schema_differs(self) -> bool:
        return self.gone or bool(self.lost) or bool(self.gained) or self.schema is not None

    @property
    def touched(self) -> bool:
        return self.schema_differs or bool(self.moved) or any((self.rows, self.stale, self.unsure))

    def signature(self) -> tuple[object, ...]:
        return (
            self.gone,
            frozenset(self.lost),
            frozenset(self.gained),
            frozenset(self.moved),
            frozenset(self.doomed),
            self.rows,
            self.stale,
            self.unsure,
        )


class _Spread:
    """Carries a change from table to table until nothing new is reached."""

    def __init__(self, ws: Workspace, change: Change) -> None:
        self._ws, self._change = ws, change
        self._tables: dict[str, _Table] = {}
        self._jobs: dict[str, ImpactItem] = {}
        self._consumers: dict[str, ImpactItem] = {}
        self._start: Node
        self._seed()

    # ------------------------------------------------------------------ where it begins

    def _seed(self) -> None:
        change, what = self._change, self._change.describe()
        if change.kind in ("late_job", "failed_job"):
            assert change.job is not None
            self._start = Node("job", change.job)
            for target in self._ws.readings[change.job].writes:
                self._tables[target] = _Table(stale=what)
            return
        assert change.table is not None
        self._start = Node("table", change.table)
        self._tables[change.table] = self._seed_table(change, list(self._ws.catalog.columns(change.table) or ()))

    def _seed_table(self, change: Change, columns: list[tuple[str, str | None]]) -> _Table:
        what = change.describe()
        column = (change.column or "").lower()
        match change.kind:
            case "drop_table" | "rename_table":
                return _Table(gone=True)
            case "drop_column":
                return _Table(schema=[c for c in columns if c[0].lower() != column], lost={column: what})
            case "rename_column":
                renamed = [(change.to or "", t) if n.lower() == column else (n, t) for n, t in columns]
                return _Table(schema=renamed, lost={column: what}, gained={(change.to or "").lower()})
            case "change_type":
                retyped = [(n, change.to if n.lower() == column else t) for n, t in columns]
                return _Table(schema=retyped, moved={column: what})
            case _:
                return _Table(schema=[*columns, (change.column or "", change.to)], gained={column})

    # ------------------------------------------------------------------ the walk

    def run(self) -> None:
        """Visits jobs until nothing changes. Every visit only adds, so cycles come to rest."""
        waiting = [n for n, r in self._ws.readings.items() if self._reads_touched(r)]
        while waiting:
            name = waiting.pop(0)
            before = {t: s.signature() for t, s in self._tables.items()}
            self._visit_job(self._ws.readings[name])
            grown = {t for t, s in self._tables.items() if before.get(t) != s.signature()}
            for other, reading in self._ws.readings.items():
                if other not in waiting and grown.intersection(reading.reads) and self._reads_touched(reading):
                    waiting.append(other)
        for consumer in self._ws.consumers:
            self._visit_consumer(consumer)

    def _reads_touched(self, reading: JobReading) -> bool:
        return any(t in self._tables and self._tables[t].touched for t in reading.reads)

    def _visit_job(self, reading: JobReading) -> None:
        """One job over the changed tables: does it still bind, and what does it hand on?"""
        touched = {t: self._tables[t] for t in reading.reads if t in self._tables}
        after = self._reread(reading)
        failures = self._failures(reading, after)
        if failures:
            self._jobs[reading.name] = ImpactItem(
                "job",
                reading.name,
                "breaks",
                _why_broken(failures),
                _columns_of(failures),
                self._proof(failures),
            )
            for target in reading.writes:
                self._grow(target).stale = self._grow(target).stale or f"`{reading.name}` breaks"
            self._doom(reading, {(t, c) for t, s in touched.items() for c in (*s.lost, *s.doomed)})
            return
        verdict, reason, evidence = self._hand_on(reading, after, touched)
        self._jobs[reading.name] = ImpactItem("job", reading.name, verdict, reason, (), evidence)

    def _doom(self, reading: JobReading, gone: set[tuple[str, str]]) -> None:
        """Output columns whose value or condition needs a column that is gone."""
        for edge in reading.edges:
            if (edge.source, edge.source_column) in gone and edge.target_column is not None:
                origin = f"{_short(edge.source)}.{edge.source_column}"
                self._grow(edge.target).doomed.setdefault(edge.target_column.lower(), origin)

    def _grow(self, table: str) -> _Table:
        return self._tables.setdefault(table, _Table())

    def _hand_on(
        self, reading: JobReading, after: JobReading, touched: Mapping[str, _Table]
    ) -> tuple[Verdict, str, tuple[Evidence, ...]]:
        """A job that still runs: which of its outputs differ, and by what."""
        found: list[tuple[Verdict, str, tuple[Evidence, ...]]] = []
        for table, state in touched.items():
            if state.stale:
                for target in reading.writes:
                    self._grow(target).stale = self._grow(target).stale or f"`{_short(table)}` goes stale"
                self._doom(reading, {(table, c) for c in state.doomed})
                found.append(("stale", f"reads `{_short(table)}`, which is not refreshed: {state.stale}", ()))
            if state.rows:
                for target in reading.writes:
                    self._grow(target).rows = self._grow(target).rows or f"other rows in `{_short(table)}`"
                found.append(("values_change", f"reads `{_short(table)}`, whose rows differ: {state.rows}", ()))
            if state.unsure:
                for target in reading.writes:
                    self._grow(target).unsure = self._grow(target).unsure or state.unsure
                found.append(("may_be_affected", state.unsure, ()))
        found += self._edges_moved(reading, touched)
        found += self._schema_moved(reading, after)
        if not found and any(s.schema_differs or s.moved for s in touched.values()):
            found += self._opaque(reading, touched)
        if not found:
            names = listed([_short(t) for t in touched])
            return "not_affected", f"reads {names} but nothing of what changes", ()
        return min(found, key=lambda f: VERDICTS.index(f[0]))

    def _edges_moved(
        self, reading: JobReading, touched: Mapping[str, _Table]
    ) -> list[tuple[Verdict, str, tuple[Evidence, ...]]]:
        found: list[tuple[Verdict, str, tuple[Evidence, ...]]] = []
        for edge in reading.edges:
            state = touched.get(edge.source)
            if state is None or edge.source_column not in state.moved or edge.target == "(result)":
                continue
            target = self._grow(edge.target)
            why = f"`{_short(edge.source)}.{edge.source_column}` {_ROLE_WORDS[edge.role]}"
            if edge.target_column is not None:
                target.moved.setdefault(edge.target_column.lower(), why)
            else:
                target.rows = target.rows or why
            found.append(("values_change", f"uses {why}", (self._evidence(edge.span, edge.expression),)))
        return found

    def _schema_moved(self, reading: JobReading, after: JobReading) -> list[tuple[Verdict, str, tuple[Evidence, ...]]]:
        """Columns that an output no longer has, or has on top, because the job hands on whatever it finds."""
        found: list[tuple[Verdict, str, tuple[Evidence, ...]]] = []
        for old, new in zip(reading.plan.writes, after.plan.writes, strict=False):
            before = {a.column.lower() for a in old.assignments}
            now = {a.column.lower() for a in new.assignments}
            state = self._grow(old.target.name) if before != now else None
            if state is None:
                continue
            where = self._evidence(old.span, None)
            for column in sorted(before - now):
                state.lost.setdefault(column, f"`{reading.name}` no longer writes it")
                found.append(("values_change", f"stops writing `{_short(old.target.name)}.{column}`", (where,)))
            for column in sorted(now - before):
                state.gained.add(column)
                found.append(("values_change", f"starts writing `{_short(old.target.name)}.{column}`", (where,)))
            state.schema = self._new_schema(old.target.name, before - now, now - before)
        return found

    def _new_schema(self, table: str, lost: set[str], gained: set[str]) -> Columns:
        known = self._tables[table].schema or self._ws.catalog.columns(table) or ()
        kept = [(n, t) for n, t in known if n.lower() not in lost]
        have = {n.lower() for n, _ in kept}
        return [*kept, *((n, None) for n in sorted(gained - have))]

    def _opaque(
        self, reading: JobReading, touched: Mapping[str, _Table]
    ) -> list[tuple[Verdict, str, tuple[Evidence, ...]]]:
        """A changed table goes through code that could not be read: nobody can say."""
        hidden = [e for e in reading.edges if e.source in touched and e.confidence == "low"]
        if not hidden:
            return []
        for edge in hidden:
            self._grow(edge.target).unsure = f"`{reading.name}` could not be read in full"
        reason = f"`{_short(hidden[0].source)}` passes through code that could not be read"
        return [("may_be_affected", reason, (self._evidence(hidden[0].span, None),))]

    # ------------------------------------------------------------------ reading again

    def _changed_catalog(self) -> Changed:
        changes = {t: (None if s.gone else s.schema) for t, s in self._tables.items() if s.gone or s.schema is not None}
        return Changed(self._ws.catalog, changes)

    def _reread(self, reading: JobReading) -> JobReading:
        if not any(self._tables[t].schema_differs for t in reading.reads if t in self._tables):
            return reading
        changed = _Overlay(self._ws, self._changed_catalog())
        return read_source(self._ws.jobs[reading.name], changed)  # type: ignore[arg-type]

    def _failures(self, before: JobReading, after: JobReading) -> list[Unknown]:
        """What no longer binds: names missing now that were there before, and tables that are gone."""
        old = {(u.name, u.span) for u in before.unknowns if u.kind == "column"}
        missing = [u for u in after.unknowns if u.kind == "column" and (u.name, u.span) not in old]
        return [*missing, *self._missing_tables(before), *self._still_named(before, after)]

    def _missing_tables(self, reading: JobReading) -> list[Unknown]:
        gone = {t for t, s in self._tables.items() if s.gone}
        return [
            Unknown(f"table {s.dataset.name} is not there", s.span, "table", s.dataset.name)
            for s in reading.plan.scans
            if s.dataset.name in gone
        ]

    def _still_named(self, before: JobReading, after: JobReading) -> list[Unknown]:
        """Where a table's columns are not known, a lost column still binds; naming it is the proof."""
        out = []
        for edge in after.edges if after is not before else before.edges:
            state = self._tables.get(edge.source)
            if state is not None and edge.source_column in state.lost and edge.source_column != "*":
                name = f"{edge.source}.{edge.source_column}"
                out.append(Unknown(f"column {name} is not there", edge.span, "column", edge.source_column))
        return out

    def _proof(self, failures: Sequence[Unknown]) -> tuple[Evidence, ...]:
        return tuple(dict.fromkeys(self._evidence(u.span, u.reason) for u in failures))

    def _evidence(self, span: Span | None, detail: str | None) -> Evidence:
        if span is None:
            return Evidence("code", "(place not known)", detail)
        return Evidence("code", str(span), self._source_line(span) or detail)

    def _source_line(self, span: Span) -> str | None:
        for source in self._ws.jobs.values():
            if source.path == span.file:
                lines = source.text.splitlines()
                return lines[span.line - 1].strip() if 0 < span.line <= len(lines) else None
        return None

    # ------------------------------------------------------------------ dashboards and KPIs

    def _visit_consumer(self, consumer: Consumer) -> None:
        touched = {t: self._tables[t] for t in consumer.tables if t in self._tables and self._tables[t].touched}
        if not touched:
            return
        verdict, reason, columns, evidence = self._judge(consumer, touched)
        self._consumers[f"{consumer.kind}:{consumer.name}"] = ImpactItem(
            consumer.kind, consumer.name, verdict, reason, columns, evidence
        )

    def _judge(
        self, consumer: Consumer, touched: Mapping[str, _Table]
    ) -> tuple[Verdict, str, tuple[str, ...], tuple[Evidence, ...]]:
        entry = Evidence("config", consumer.file, consumer.name)
        gone = [t for t, s in touched.items() if s.gone]
        if gone:
            return "breaks", f"reads {listed([_short(t) for t in gone])}, which is gone", (), (entry,)
        lost = self._lost_columns(consumer, touched)
        if lost:
            return (
                "breaks",
                f"names {listed(lost)}, which is gone",
                tuple(lost),
                (self._consumer_proof(consumer, lost),),
            )
        stale = [(t, s) for t, s in touched.items() if s.stale]
        if stale:
            table, state = stale[0]
            reason = f"reads `{_short(table)}`, which goes stale: {state.stale}"
            doomed = self._doomed_columns(consumer, touched)
            if doomed:
                origins = listed(list(dict.fromkeys(doomed.values())))
                reason += f"; shows {listed(list(doomed))}, computed from {origins}"
            return "stale", reason, tuple(doomed), (entry,)
        moved = self._moved_columns(consumer, touched)
        if moved:
            return "values_change", f"uses {moved[0]}", tuple(moved), (entry,)
        rows = [(t, s) for t, s in touched.items() if s.rows]
        if rows:
            return (
                "values_change",
                f"reads `{_short(rows[0][0])}`, whose rows differ: {rows[0][1].rows}",
                (),
                (entry,),
            )
        if consumer.level == "table":
            names = listed([_short(t) for t in touched])
            return (
                "may_be_affected",
                f"uses {names}; which columns is not stated, so it is known only at table level",
                (),
                (entry,),
            )
        unsure = [s.unsure for s in touched.values() if s.unsure]
        if unsure:
            return "may_be_affected", str(unsure[0]), (), (entry,)
        return (
            "not_affected",
            f"reads {listed([_short(t) for t in touched])} but nothing of what changes",
            (),
            (entry,),
        )

    def _doomed_columns(self, consumer: Consumer, touched: Mapping[str, _Table]) -> dict[str, str]:
        """Columns it uses that were computed from what is gone, each with what that is."""
        edges = consumer.reading.edges if consumer.reading is not None else []
        used = [(e.source, e.source_column) for e in edges] + list(consumer.stated_columns)
        return {
            f"{_short(t)}.{c}": touched[t].doomed[c.lower()]
            for t, c in used
            if t in touched and c.lower() in touched[t].doomed
        }

    def _lost_columns(self, consumer: Consumer, touched: Mapping[str, _Table]) -> list[str]:
        stated = [
            f"{_short(t)}.{c}" for t, c in consumer.stated_columns if t in touched and c.lower() in touched[t].lost
        ]
        if consumer.reading is None:
            return stated
        after = consumer.read_over(self._changed_catalog())
        failures = self._failures(consumer.reading, after or consumer.reading)
        return list(dict.fromkeys([*stated, *(str(u.name) for u in failures)]))

    def _consumer_proof(self, consumer: Consumer, lost: Sequence[str]) -> Evidence:
        return Evidence(
            "sql" if consumer.sql else "config",
            f"{consumer.file} ({consumer.name})",
            consumer.sql or ", ".join(lost),
        )

    def _moved_columns(self, consumer: Consumer, touched: Mapping[str, _Table]) -> list[str]:
        edges: list[Edge] = consumer.reading.edges if consumer.reading is not None else []
        out = [
            f"`{_short(e.source)}.{e.source_column}` {_ROLE_WORDS[e.role]}"
            for e in edges
            if e.source in touched and e.source_column in touched[e.source].moved
        ]
        out += [f"`{_short(t)}.{c}`" for t, c in consumer.stated_columns if t in touched and c in touched[t].moved]
        return list(dict.fromkeys(out))

    # ------------------------------------------------------------------ what came of it

    def items(self) -> list[ImpactItem]:
        """Every job, table and consumer that reads something of what changed."""
        far = {r.node.id: r.depth for r in walk(self._ws.graph.assets, self._start, "downstream")[0]}
        everything = [*self._jobs.values(), *self._table_items(), *self._consumers.values()]
        return [replace(i, hops=far.get(f"{i.kind}:{i.name}")) for i in everything]

    def _table_items(self) -> list[ImpactItem]:
        out = []
        for name, state in self._tables.items():
            if name == self._change.table or not state.touched:
                continue
            columns = tuple(sorted({*state.lost, *state.gained, *state.moved, *state.doomed}))
            out.append(ImpactItem("table", name, *_table_verdict(state), columns))
        return out

    def writers(self) -> list[ImpactItem]:
        """Jobs that write the changed column or table themselves: they bring it back, or fail, unless edited too."""
        change = self._change
        if change.table is None:
            return []
        out = []
        for reading in self._ws.readings.values():
            for write in reading.plan.writes:
                if write.target.name != change.table:
                    continue
                column = next((a for a in write.assignments if a.column.lower() == (change.column or "").lower()), None)
                if change.column and column is None:
                    continue
                span = (reading.tracer.defined_at(column.expressions[0]) if column else None) or write.span
                what = f"writes `{change.column}`" if change.column else f"writes `{_short(change.table)}`"
                out.append(ImpactItem("job", reading.name, "may_be_affected", what, (), (self._evidence(span, None),)))
                break
        return out

    def unknowns(self) -> list[str]:
        """What could not be read in jobs that the change reached, and jobs that could not be read at all."""
        return [
            str(u) for r in self._ws.readings.values() if r.name in self._jobs or not r.readable for u in r.unknowns
        ]


class _Overlay:
    """A workspace as `read_source` sees it, with another catalog."""

    def __init__(self, ws: Workspace, catalog: Changed) -> None:
        self.catalog, self.jobs, self.cache = catalog, ws.jobs, ws.cache


def _table_verdict(state: _Table) -> tuple[Verdict, str]:
    if state.stale:
        doomed = f"; {listed(sorted(state.doomed))} cannot be computed any more" if state.doomed else ""
        return "stale", f"is not refreshed: {state.stale}{doomed}"
    if state.lost:
        return "values_change", f"loses {listed(sorted(state.lost))}"
    if state.moved:
        column, why = next(iter(state.moved.items()))
        more = f" and {len(state.moved) - 1} more are" if len(state.moved) > 1 else " is"
        return "values_change", f"`{column}`{more} computed from {why}"
    if state.rows:
        return "values_change", f"its rows differ: {state.rows}"
    if state.gained:
        return "values_change", f"gains {listed(sorted(state.gained))}"
    return "may_be_affected", state.unsure or "part of the way to it could not be read"


def _why_broken(failures: Sequence[Unknown]) -> str:
    names = list(dict.fromkeys(str(u.name) for u in failures))
    kind = "table" if failures[0].kind == "table" else "column"
    return (
        f"names {kind}{'s' if len(names) > 1 else ''} {listed(names)}, which {'are' if len(names) > 1 else 'is'} gone"
    )


def _columns_of(failures: Sequence[Unknown]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(u.name) for u in failures if u.kind == "column"))


def _short(table: str) -> str:
    return table.rpartition(".")[2] if "/" not in table else table


def _shown(item: ImpactItem) -> str:
    return _short(item.name) if item.kind == "table" else item.name


def _worst_first(item: ImpactItem) -> tuple[int, int, int, int, str]:
    shows_it = 0 if item.columns else 1
    return (VERDICTS.index(item.verdict), _KIND_ORDER.index(item.kind), shows_it, item.hops or 0, item.name)


# --------------------------------------------------------------------------- words and picture


def _headline(result: ImpactResult, subject: str) -> str:
    subject = subject[0].upper() + subject[1:]
    broken, reached = result.of("breaks"), result.impacted
    if broken:
        rest = [i for i in reached if i.verdict != "breaks"]
        also = f" {counted(len(rest), 'more asset')} {'is' if len(rest) == 1 else 'are'} reached." if rest else ""
        return f"**{subject} breaks {_count(broken)}** (severity {result.severity.upper()}).{also}"
    if reached:
        level = result.severity.upper()
        return f"**{subject} breaks nothing outright, but reaches {_count(reached)}** (severity {level})."
    return f"**{subject} reaches nothing downstream**, as far as the code could be read (severity LOW)."


def _section(verdict: Verdict, items: Sequence[ImpactItem], shown: int = 60) -> list[str]:
    if not items:
        return []
    lines = [f"**{_TITLES[verdict]}**", *(_line(i) for i in items[:shown])]
    if len(items) > shown:
        lines.append(f"- and {len(items) - shown} more")
    return [*lines, ""]


def _line(item: ImpactItem) -> str:
    kind = "KPI" if item.kind == "kpi" else item.kind
    name = f"`{_shown(item)}`" if item.kind in ("job", "table") else f'"{item.name}"'
    places = [e.where for e in item.evidence if e.kind == "code" and ":" in e.where]
    place = f" ({', '.join(places[:3])}{f' and {len(places) - 3} more' if len(places) > 3 else ''})" if places else ""
    return f"- {kind} {name}: {item.reason}{place}"


def _picture(spread: _Spread, items: Sequence[ImpactItem]) -> dict[str, Any]:
    """Nodes and edges to draw: the change, and what it reaches."""
    change = spread._change
    start = spread._start
    reached = {f"{i.kind}:{i.name}": i for i in items if i.verdict != "not_affected"}
    label = f"{_short(change.table)}.{change.column}" if change.table and change.column else start.label
    nodes = [{"id": start.id, "kind": start.kind, "name": label, "verdict": "changed"}]
    nodes += [{"id": k, "kind": i.kind, "name": _shown(i), "verdict": i.verdict} for k, i in reached.items()]
    _, edges = walk(spread._ws.graph.assets, start, "downstream")
    keep = {n["id"] for n in nodes}
    return {"nodes": nodes, "edges": [{"from": a, "to": b} for a, b, _ in edges if a in keep and b in keep]}
