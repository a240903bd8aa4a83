"""Carries a change from table to table, job by job, until nothing new is reached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from tools.changes import Change
from tools.impact.consumers import judge
from tools.impact.dryrun import new_types, spells_out, widens
from tools.impact.rereading import Rereader, columns_of, why_broken
from tools.impact.result import ROLE_WORDS, VERDICTS, ImpactItem, Verdict, short
from tools.impact.retyping import survives
from tools.impact.tables import TableState, seeded, table_verdict, wider
from tools.jobs import JobReading
from tools.lineage import Node, walk
from tools.plan.catalog import Columns
from tools.plan.whole import Write
from tools.result import Evidence, listed

if TYPE_CHECKING:
    from tools.workspace import Workspace

Finding = tuple[Verdict, str, tuple[Evidence, ...]]


class Spread:
    """One change on its way through a workspace.

    Args:
        seeds: what becomes of the tables that the change is about, or that a changed job writes; without them it is
            told from the change.
    """

    def __init__(self, ws: Workspace, change: Change, seeds: Mapping[str, TableState] | None = None) -> None:
        self._ws, self._change = ws, change
        self._tables: dict[str, TableState] = {}
        self._jobs: dict[str, ImpactItem] = {}
        self._consumers: list[ImpactItem] = []
        self._rereader = Rereader(ws, self._tables)
        self.start = Node("job", change.job) if change.job else Node("table", str(change.table))
        self._tables.update(self._seeds() if seeds is None else seeds)

    # ------------------------------------------------------------------ where it begins

    def _seeds(self) -> dict[str, TableState]:
        change, what = self._change, self._change.describe()
        if change.job is not None:
            late = change.kind in ("delay_job", "fail_job")
            targets = self._ws.readings[change.job].writes
            return {t: TableState(stale=what) if late else TableState(unsure=what) for t in targets}
        assert change.table is not None
        return {change.table: seeded(change, list(self._ws.catalog.columns(change.table) or ()))}

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
            item = judge(consumer, self._tables, self._rereader)
            if item is not None:
                self._consumers.append(item)

    def _reads_touched(self, reading: JobReading) -> bool:
        return any(t in self._tables and self._tables[t].touched for t in reading.reads)

    def _visit_job(self, reading: JobReading) -> None:
        """One job over the changed tables: does it still bind, and what does it hand on?"""
        touched = {t: self._tables[t] for t in reading.reads if t in self._tables}
        after = self._rereader.read(reading)
        failures = self._rereader.failures(reading, after)
        if failures:
            self._jobs[reading.name] = ImpactItem(
                "job",
                reading.name,
                "breaks",
                why_broken(failures),
                columns_of(failures),
                self._rereader.proof(failures),
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
                origin = f"{short(edge.source)}.{edge.source_column}"
                self._grow(edge.target).doomed.setdefault(edge.target_column.lower(), origin)

    def _grow(self, table: str) -> TableState:
        return self._tables.setdefault(table, TableState())

    def _hand_on(self, reading: JobReading, after: JobReading, touched: Mapping[str, TableState]) -> Finding:
        """A job that still runs: which of its outputs differ, and by what."""
        found: list[Finding] = []
        for table, state in touched.items():
            if state.stale:
                for target in reading.writes:
                    self._grow(target).stale = self._grow(target).stale or f"`{short(table)}` goes stale"
                self._doom(reading, {(table, c) for c in state.doomed})
                found.append(("stale", f"reads `{short(table)}`, which is not refreshed: {state.stale}", ()))
            if state.rows:
                for target in reading.writes:
                    self._grow(target).rows = self._grow(target).rows or f"other rows in `{short(table)}`"
                found.append(("values_change", f"reads `{short(table)}`, whose rows differ: {state.rows}", ()))
            if state.unsure:
                for target in reading.writes:
                    self._grow(target).unsure = self._grow(target).unsure or state.unsure
                found.append(("may_be_affected", state.unsure, ()))
        found += self._edges_moved(reading, after, touched)
        found += self._schema_moved(reading, after)
        if not found and any(s.schema_differs or s.moved for s in touched.values()):
            found += self._opaque(reading, touched)
        if not found:
            names = listed([short(t) for t in touched])
            return "not_affected", f"reads {names} but nothing of what changes", ()
        return min(found, key=lambda f: VERDICTS.index(f[0]))

    def _edges_moved(self, reading: JobReading, after: JobReading, touched: Mapping[str, TableState]) -> list[Finding]:
        found: list[Finding] = []
        types = self._types_of_targets(reading, after) if any(s.retyped for s in touched.values()) else {}
        for edge in reading.edges:
            state = touched.get(edge.source)
            if state is None or edge.source_column not in state.moved or edge.target == "(result)":
                continue
            target = self._grow(edge.target)
            if not state.moves(edge.source_column, edge.role):
                target.unsure = target.unsure or wider(f"{short(edge.source)}.{edge.source_column}")
                place = self._rereader.evidence(edge.span, edge.expression)
                found.append(("may_be_affected", target.unsure, (place,)))
                continue
            if survives(edge, reading.plan, state, types.get(edge.target)):
                continue
            why = f"`{short(edge.source)}.{edge.source_column}` {ROLE_WORDS[edge.role]}"
            if edge.target_column is not None:
                target.moved.setdefault(edge.target_column.lower(), why)
            else:
                target.rows = target.rows or why
            found.append(("values_change", f"uses {why}", (self._rereader.evidence(edge.span, edge.expression),)))
        return found

    def _types_of_targets(self, reading: JobReading, after: JobReading) -> dict[str, Mapping[str, str]]:
        """By written table, the columns that get another type; nothing of those that no engine could try."""
        dry = self._rereader.outcomes(reading, after)
        return {
            write.target.name: new_types(*dry, place)
            for place, write in enumerate(after.plan.writes)
            if all(place < len(side) and side[place] is not None for side in dry)
        }

    def _schema_moved(self, reading: JobReading, after: JobReading) -> list[Finding]:
        """Columns that an output no longer has, or has on top, because the job hands on whatever it finds."""
        found: list[Finding] = []
        dry = self._rereader.outcomes(reading, after)
        for place, (old, new) in enumerate(zip(reading.plan.writes, after.plan.writes, strict=False)):
            found += self._types_moved(reading, new, new_types(*dry, place))
            before = {a.column.lower() for a in old.assignments}
            now = {a.column.lower() for a in new.assignments}
            state = self._grow(old.target.name) if before != now else None
            if state is None:
                continue
            where = self._rereader.evidence(old.span, None)
            for column in sorted(before - now):
                state.lost.setdefault(column, f"`{reading.name}` no longer writes it")
                found.append(("values_change", f"stops writing `{short(old.target.name)}.{column}`", (where,)))
            for column in sorted(now - before):
                state.gained.add(column)
                found.append(("values_change", f"starts writing `{short(old.target.name)}.{column}`", (where,)))
            state.schema = self._new_schema(old.target.name, before - now, now - before)
        return found

    def _types_moved(self, reading: JobReading, write: Write, types: Mapping[str, str]) -> list[Finding]:
        """Columns that a table made anew gets in another type; an existing one keeps its own."""
        if not types or write.kind not in ("create", "view"):
            return []
        state = self._grow(write.target.name)
        known = state.schema or self._ws.catalog.columns(write.target.name) or ()
        state.schema = [(n, types.get(n.lower(), t)) for n, t in known]
        had = {n.lower(): t for n, t in known}
        state.retyped |= set(types)
        state.worded |= {column for column, kind in types.items() if spells_out(had.get(column), kind)}
        state.widened |= {column for column, kind in types.items() if widens(had.get(column), kind)}
        for column in types:
            state.moved.setdefault(column, f"`{reading.name}`, which gives it another type")
        said = listed([f"{column} {kind}" for column, kind in types.items()], 3)
        return [("values_change", f"writes {said}", (self._rereader.evidence(write.span, None),))]

    def _new_schema(self, table: str, lost: set[str], gained: set[str]) -> Columns:
        known = self._tables[table].schema or self._ws.catalog.columns(table) or ()
        kept = [(n, t) for n, t in known if n.lower() not in lost]
        have = {n.lower() for n, _ in kept}
        return [*kept, *((n, None) for n in sorted(gained - have))]

    def _opaque(self, reading: JobReading, touched: Mapping[str, TableState]) -> list[Finding]:
        """A changed table goes through code that could not be read: nobody can say."""
        hidden = [e for e in reading.edges if e.source in touched and e.confidence == "low"]
        if not hidden:
            return []
        for edge in hidden:
            self._grow(edge.target).unsure = f"`{reading.name}` could not be read in full"
        reason = f"`{short(hidden[0].source)}` passes through code that could not be read"
        return [("may_be_affected", reason, (self._rereader.evidence(hidden[0].span, None),))]

    # ------------------------------------------------------------------ what came of it

    def items(self) -> list[ImpactItem]:
        """Every job, table and consumer that reads something of what changed."""
        far = {r.node.id: r.depth for r in walk(self._ws.graph.assets, self.start, "downstream")[0]}
        everything = [*self._jobs.values(), *self._table_items(), *self._consumers]
        return [replace(i, hops=far.get(f"{i.kind}:{i.name}")) for i in everything]

    def _table_items(self) -> list[ImpactItem]:
        out = []
        for name, state in self._tables.items():
            if name == self._change.table or not state.touched:
                continue
            columns = tuple(sorted({*state.lost, *state.gained, *state.moved, *state.doomed}))
            out.append(ImpactItem("table", name, *table_verdict(state), columns))
        return out

    def unknowns(self) -> list[str]:
        """What could not be read in jobs that the change reached, and jobs that could not be read at all."""
        return [
            str(u) for r in self._ws.readings.values() if r.name in self._jobs or not r.readable for u in r.unknowns
        ]
