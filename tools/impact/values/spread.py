"""Carries a value from table to table, job by job, and gives everything that it reaches a verdict."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal, InvalidOperation
from typing import TYPE_CHECKING, Any

from knowledge.errors import CopilotError, InputError
from tools.changes import Change, ChangeKind
from tools.consumers import Consumer
from tools.impact.result import ImpactItem, Verdict, short
from tools.impact.values.domain import Known
from tools.impact.values.flow import Flow, Row, follow
from tools.impact.values.meetings import Meeting, said
from tools.jobs import JobReading
from tools.lineage import Node, walk
from tools.profile.figures import family
from tools.result import Evidence, listed

if TYPE_CHECKING:
    from tools.workspace import Workspace

__all__ = ["VALUE_KINDS", "ValueSpread"]

VALUE_KINDS: tuple[ChangeKind, ...] = ("new_value", "lost_value", "nullable")
_MOST_VISITS = 400


@dataclass
class _Reached:
    """What is known of one job, table or consumer so far."""

    meetings: list[Meeting] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    mixed: bool = False
    used: str | None = None
    stopped: str | None = None
    emptied: str | None = None


class ValueSpread:
    """One value on its way through a workspace."""

    def __init__(self, ws: Workspace, change: Change) -> None:
        assert change.table is not None
        assert change.column is not None
        self._ws, self._change = ws, change
        self._lost = change.kind == "lost_value"
        self._value = value_of(change, dict(ws.catalog.columns(change.table) or ()))
        self._word = said(self._value)
        self._tables: dict[str, _Reached] = {}
        self._jobs: dict[str, _Reached] = {}
        self._consumers: dict[str, _Reached] = {}
        self.start = Node("table", change.table)

    def run(self) -> None:
        """Follows the value until no job has anything new to say of it."""
        change = self._change
        first = {str(change.column).lower(): Known(self._value, tainted=True, carries=True)}
        waiting: list[tuple[str, Row]] = [(str(change.table), first)]
        seen: set[tuple[str, frozenset[tuple[str, Known]]]] = set()
        while waiting and len(seen) < _MOST_VISITS:
            table, row = waiting.pop(0)
            mark = (table, frozenset(row.items()))
            if mark in seen:
                continue
            seen.add(mark)
            self._tables.setdefault(table, _Reached()).rows.append(row)
            for reading in self._ws.readings.values():
                if table in reading.reads:
                    waiting += self._through(reading, table, row)
            for consumer in self._ws.consumers:
                if consumer.reading is not None and table in consumer.reading.reads:
                    flow = follow(consumer.reading, {table: row}, self._value, lost=self._lost)
                    self._note(self._consumers.setdefault(consumer.name, _Reached()), flow)

    def _through(self, reading: JobReading, table: str, row: Row) -> list[tuple[str, Row]]:
        flow = follow(reading, {table: row}, self._value, lost=self._lost)
        self._note(self._jobs.setdefault(reading.name, _Reached()), flow)
        for target, met in flow.stopped.items():
            self._tables.setdefault(target, _Reached()).stopped = f"`{reading.name}` {met.words}: `{met.text}`"
        for target, met in flow.emptied.items():
            self._tables.setdefault(target, _Reached()).emptied = f"`{reading.name}` {met.words}: `{met.text}`"
        for target in flow.mixed:
            self._tables.setdefault(target, _Reached()).used = flow.used
        return [(t, r) for t, r in flow.written.items() if t != "(result)"]

    def _note(self, reached: _Reached, flow: Flow) -> None:
        reached.meetings += [m for m in flow.meetings if m not in reached.meetings]
        reached.rows += flow.written.values()
        reached.mixed = reached.mixed or bool(flow.mixed)
        reached.used = reached.used or flow.used
        if flow.emptied:
            reached.emptied = next(iter(flow.emptied.values())).words

    # ------------------------------------------------------------------ what came of it

    def items(self) -> list[ImpactItem]:
        """Every job, table and consumer that such rows reach, would reach, or pass by."""
        far = {r.node.id: r.depth for r in walk(self._ws.graph.assets, self.start, "downstream")[0]}
        found = [self._job(name, r) for name, r in self._jobs.items()]
        found += [i for name, r in self._tables.items() if (i := self._table(name, r)) is not None]
        found += [i for c in self._ws.consumers if (i := self._consumer(c)) is not None]
        found += self._lacking({i.name for i in found})
        return [replace(i, hops=far.get(f"{i.kind}:{i.name}")) for i in found]

    def _job(self, name: str, reached: _Reached) -> ImpactItem:
        verdict, reason, evidence = self._met(reached)
        return ImpactItem("job", name, verdict, reason, (), evidence)

    def _met(self, reached: _Reached) -> tuple[Verdict, str, tuple[Evidence, ...]]:
        """The verdict on code that met the value: what does not expect it stands first."""
        bad = [m for m in reached.meetings if not m.expected]
        sure = [m for m in bad if m.sure]
        rest = [m for m in reached.meetings if m.expected]
        shown = [*sure, *(m for m in bad if not m.sure), *rest]
        evidence = tuple(dict.fromkeys(Evidence("code", str(m.span), m.text) for m in shown if m.span is not None))
        if bad:
            words = "; ".join(dict.fromkeys(_words(m) for m in bad[:3]))
            more = f"; and {len(bad) - 3} more" if len(bad) > 3 else ""
            return "unexpected", words + more, evidence
        if any(m.fate == "unread" for m in rest):
            return "may_be_affected", rest[0].words, evidence
        if rest:
            return "values_change", _words(rest[0]), evidence
        if reached.rows:
            return "values_change", f"hands {listed(_columns(reached.rows), 4)} on as it is", ()
        if reached.used:
            return "values_change", f"uses it in `{reached.used}`", ()
        if reached.mixed:
            return "not_affected", "takes such rows like any other: it does not look at the value", ()
        return "not_affected", "does nothing that depends on the value", ()

    def _table(self, name: str, reached: _Reached) -> ImpactItem | None:
        columns = tuple(_columns(reached.rows))
        failing = self._failing_checks(name, reached.rows)
        if failing:
            words = "; ".join(f"its test {e.detail}" for e in failing)
            return ImpactItem("table", name, "unexpected", words, columns, tuple(failing))
        if name == self._change.table:
            return None
        if reached.rows:
            return ImpactItem("table", name, "values_change", self._told(reached.rows), columns)
        if reached.emptied:
            return ImpactItem("table", name, "unexpected", f"gets no rows any more: {reached.emptied}")
        if reached.stopped:
            return ImpactItem("table", name, "may_be_affected", f"does not get those rows: {reached.stopped}")
        if reached.used:
            return ImpactItem("table", name, "values_change", f"is computed with it: `{reached.used}`")
        return None

    def _told(self, rows: Sequence[Row]) -> str:
        parts = []
        for column, known in {c: k for row in rows for c, k in row.items()}.items():
            if self._lost:
                parts.append(
                    f"`{column}` loses {said(known.value)}" if known.told else f"`{column}` loses what is made of it"
                )
            elif not known.told:
                parts.append(f"`{column}` has values made of it")
            else:
                maybe = "" if known.sure else "may be " if not known.carries else "may get "
                verb = maybe or ("gets " if known.carries else "is ")
                parts.append(f"`{column}` {verb}{said(known.value)}")
        return f"{'; '.join(parts[:3])}{f'; and {len(parts) - 3} more' if len(parts) > 3 else ''}"

    def _consumer(self, consumer: Consumer) -> ImpactItem | None:
        touched = [t for t in consumer.tables if t in self._tables]
        own = self._consumers.get(consumer.name)
        if own is not None:
            verdict, reason, evidence = self._met(own)
            places = tuple(Evidence("sql", f"{consumer.file} ({consumer.name})", e.detail) for e in evidence)
            if verdict == "not_affected":
                return self._plain(consumer, touched, ImpactItem(consumer.kind, consumer.name, verdict, reason))
            return ImpactItem(consumer.kind, consumer.name, verdict, reason, tuple(_columns(own.rows)), places)
        return self._plain(consumer, touched, None) if touched else None

    def _plain(self, consumer: Consumer, touched: Sequence[str], known: ImpactItem | None) -> ImpactItem | None:
        """A consumer whose own code says nothing of the value: what its tables and columns say."""
        entry = (Evidence("config", consumer.file, consumer.name),)
        shown = [
            (t, c) for t, c in consumer.stated_columns if t in self._tables and c in _columns(self._tables[t].rows)
        ]
        if shown:
            table, column = shown[0]
            told = self._told([{column: r[column]} for r in self._tables[table].rows if column in r])
            return ImpactItem(
                consumer.kind, consumer.name, "values_change", f"shows {short(table)}: {told}", (column,), entry
            )
        gone = next((s for t in touched if (s := self._tables[t].emptied)), None)
        if gone:
            return ImpactItem(consumer.kind, consumer.name, "unexpected", f"has nothing to show: {gone}", (), entry)
        barred = next((s for t in touched if (s := self._tables[t].stopped) and not self._tables[t].rows), None)
        if barred:
            reason = f"does not get those rows: {barred}"
            return ImpactItem(consumer.kind, consumer.name, "may_be_affected", reason, (), entry)
        if known is not None or consumer.level == "column":
            return known
        names = listed([short(t) for t in touched])
        reason = f"uses {names}; which columns is not stated, so it is known only at table level"
        return ImpactItem(consumer.kind, consumer.name, "may_be_affected", reason, (), entry)

    def _lacking(self, have: set[str]) -> list[ImpactItem]:
        """What lies behind a table that the rows do not reach."""
        out: dict[str, ImpactItem] = {}
        for name, reached in self._tables.items():
            if reached.rows or not (reached.stopped or reached.emptied):
                continue
            what = "gets no rows any more" if reached.emptied else "does not get those rows"
            for near in walk(self._ws.graph.assets, Node("table", name), "downstream")[0]:
                node = near.node
                if node.kind in ("dashboard", "kpi", "job", "table") and node.name not in have and node.name not in out:
                    why = f"rests on `{short(name)}`, which {what}"
                    verdict: Verdict = "values_change" if reached.emptied else "may_be_affected"
                    out[node.name] = ImpactItem(node.kind, node.name, verdict, why)
        return list(out.values())

    # ------------------------------------------------------------------ tests that are kept

    def _failing_checks(self, table: str, rows: Sequence[Row]) -> list[Evidence]:
        """Kept tests of a table that such rows fail."""
        if self._lost or not rows:
            return []
        from tools.checks.suite import saved

        try:
            file = saved(self._ws, table)
        except CopilotError:
            return []
        place = f"output/tests/{short(table)}.yaml"
        out = []
        for kept in file.checks if file is not None else ():
            check = kept.check
            known = next((r[c.lower()] for r in rows for c in check.columns if c.lower() in r), None)
            if known is None or not known.told or not check.enabled:
                continue
            if check.kind == "not_null" and known.value is None:
                out.append(Evidence("rule", place, f"`{check.id}` fails on NULL"))
            if check.kind in ("accepted_values", "known_values") and known.value is not None:
                values = {said(_plain(v)) for v in check.parameters.get("values", ())}
                if said(known.value) not in values:
                    out.append(Evidence("rule", place, f"`{check.id}` does not list {said(known.value)}"))
        return out

    def unknowns(self) -> list[str]:
        """What could not be read of the jobs on the way, and of jobs that could not be read at all."""
        return [
            str(u) for r in self._ws.readings.values() if r.name in self._jobs or not r.readable for u in r.unknowns
        ]


def value_of(change: Change, types: Mapping[str, str | None]) -> Any:
    """The value in the column's own type. Raises InputError where it has none of that kind."""
    if change.kind == "nullable":
        return None
    text = str(change.value)
    kind = next((t for n, t in types.items() if n.lower() == str(change.column).lower()), None)
    match family(kind or "varchar"):
        case "number":
            try:
                return Decimal(text)
            except InvalidOperation:
                raise InputError(f"{text!r} is no {kind}, which {change.column} is") from None
        case "boolean":
            if text.lower() not in ("true", "false"):
                raise InputError(f"{text!r} is no boolean, which {change.column} is")
            return text.lower() == "true"
    return text


def _plain(value: Any) -> Any:
    return Decimal(str(value)) if isinstance(value, (int, float)) and not isinstance(value, bool) else value


def _columns(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(c for row in rows for c in row))


def _words(met: Meeting) -> str:
    maybe = "" if met.sure else "perhaps "
    return f"{maybe}{met.words} (`{met.text}`)"
