"""Impact: for a change, a verdict on everything downstream, each with its proof.

Nothing is inferred from names. Each consumer is read again over the catalog as it would be after the change:

- *breaks*: a name in it no longer binds; the proof is that binding, with file and line.
- *stale*: it reads what a broken, late or failed job no longer refreshes. Where it also shows a column that was
  computed from what is gone, the reason says so: mending the job does not bring that column back.
- *values change*: it still binds, and a changed column reaches it as value, condition, filter, join, group, sort or
  window.
- *may be affected*: only tables are known of it, or part of it could not be read.
- *does not expect it*: a value that is new, gone or NULL meets a filter, arm, list, join or test that leaves it out.
- *has no reader left*: only what is removed used it.
- *not affected*: it reads a changed table, but none of what changes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from tools.changes import Change, resolve
from tools.impact.around import picture_of, writers_of
from tools.impact.result import VERDICTS, ImpactItem, ImpactResult, Verdict, worst_first
from tools.impact.severity import Severity, SeverityRule, severity_of
from tools.impact.spread import Spread
from tools.impact.tables import TableState
from tools.impact.unread import Unread
from tools.impact.values import VALUE_KINDS, ValueSpread
from tools.lineage import Direction, Node, coverage

if TYPE_CHECKING:
    from tools.lake.base import Table
    from tools.workspace import Workspace

__all__ = [
    "VERDICTS",
    "ImpactItem",
    "ImpactResult",
    "Severity",
    "Verdict",
    "between_schemas",
    "impact",
    "severity_of",
    "spread_of",
]


def impact(ws: Workspace, change: Change) -> ImpactResult:
    """What a change does to everything downstream.

    Raises NotFound or Ambiguous for the names in it, InputError when a part is missing.
    """
    change, assumptions = resolve(change, ws)
    if change.kind == "change_schema":
        return _of_schema(ws, change)
    if change.kind == "change_values":
        return _of_values(ws, change, assumptions)
    return spread_of(ws, change, assumptions)


def _of_schema(ws: Workspace, change: Change) -> ImpactResult:
    """What the columns that a table has now do to its readers, who were written for those it had."""
    from tools.impact.schema import earlier_schema, schema_changes

    table = str(change.table)
    now = ws.lake.table(table)
    earlier = earlier_schema(ws, table, change.to)
    changes, notes = schema_changes(earlier.table, now)
    said = f"Compared with {earlier.what}: {'; '.join(c.describe() for c in changes)}."
    return between_schemas(ws, earlier.table, now, [said, *notes])


def between_schemas(ws: Workspace, before: Table, after: Table, notes: Sequence[str] = ()) -> ImpactResult:
    """What one schema of a table in place of another does to its readers: to those that the first one let bind."""
    from tools.impact.schema import schema_changes, states_of

    earlier, (changes, _) = ws.with_table(before), schema_changes(before, after)
    if len(changes) == 1:
        return spread_of(earlier, changes[0], notes)
    shape = [c for c in changes if c.kind not in VALUE_KINDS]
    whole = Change("change_schema", str(after.name))
    result = spread_of(earlier, whole, notes, states_of(shape, before, after))
    for nulls in (c for c in changes if c.kind in VALUE_KINDS):
        result = _together(ws, result, spread_of(earlier, nulls))
    return result


def _of_values(ws: Workspace, change: Change, assumptions: Sequence[str]) -> ImpactResult:
    """What the values that came and went do to those who read them."""
    from tools.impact.values.arrived import arrivals

    found = arrivals(ws, str(change.table), change.column)
    notes = [*assumptions, *found.notes]
    if len(found.changes) == 1:
        return spread_of(ws, found.changes[0], notes)
    if len(found.changes) > _MOST_VALUES:
        notes.append(f"Of {len(found.changes)} values the first {_MOST_VALUES} were followed.")
    result = replace(spread_of(ws, change, notes, seeds={}), severity_reason="no value came or went", writers=())
    for each in found.changes[:_MOST_VALUES]:
        result = _together(ws, result, spread_of(ws, each))
    return result


_MOST_VALUES = 20


def _together(ws: Workspace, one: ImpactResult, other: ImpactResult) -> ImpactResult:
    """Two impacts of one table as one: of an item that both reach, the worse verdict, and both reasons for the same one."""
    found: dict[tuple[str, str], ImpactItem] = {}
    for item in sorted((*one.items, *other.items), key=worst_first):
        known = found.setdefault((item.kind, item.name), item)
        if known is not item and known.verdict == item.verdict != "not_affected" and item.reason not in known.reason:
            evidence = tuple(dict.fromkeys((*known.evidence, *item.evidence)))
            found[(item.kind, item.name)] = replace(known, reason=f"{known.reason}; {item.reason}", evidence=evidence)
    items = tuple(sorted(found.values(), key=worst_first))
    severity, reason = severity_of(items, severity_rule(ws))
    start = Node("table", str(one.change.table))
    unknowns = tuple(dict.fromkeys((*one.unknowns, *other.unknowns)))
    graph = picture_of(ws, one.change, start, items)
    return replace(one, severity=severity, severity_reason=reason, items=items, graph=graph, unknowns=unknowns)


def spread_of(
    ws: Workspace,
    change: Change,
    assumptions: Sequence[str] = (),
    seeds: Mapping[str, TableState] | None = None,
    extra: Sequence[ImpactItem] = (),
) -> ImpactResult:
    """The impact of a resolved change, from what is already known to become of the first tables.

    Args:
        seeds: see `Spread`.
        extra: items that the caller knows of, beside what is reached.
    """
    spread = _spread(ws, change, seeds)
    spread.run()
    items = tuple(sorted([*spread.items(), *extra], key=worst_first))
    rule = severity_rule(ws)
    severity, reason = severity_of(items, rule)
    if isinstance(spread, Unread) and not any(i.verdict == "no_reader" for i in items):
        reason = "all that it read has other readers"
    direction: Direction = "upstream" if isinstance(spread, Unread) else "downstream"
    return ImpactResult(
        change,
        severity,
        reason,
        items,
        tuple(writers_of(ws, change)),
        tuple(assumptions),
        coverage(ws),
        picture_of(ws, change, spread.start, items, direction),
        tuple(spread.unknowns()),
        rule,
    )


def _spread(ws: Workspace, change: Change, seeds: Mapping[str, TableState] | None) -> Spread | ValueSpread | Unread:
    """What carries a change of that kind."""
    if change.kind in VALUE_KINDS:
        return ValueSpread(ws, change)
    if change.kind in ("drop_dashboard", "drop_kpi"):
        return Unread(ws, change)
    return Spread(ws, change, seeds)


def severity_rule(ws: Workspace) -> SeverityRule:
    """The rule of this workspace: its settings, and what is declared critical beside dashboards and KPIs."""
    said = ws.settings.severity
    declared = {c.name for c in ws.consumers if str(c.record.extra.get("criticality", "")).lower() in _CRITICAL}
    critical = frozenset(name.lower() for name in (*said.critical, *declared))
    return SeverityRule(
        said.breaks,
        said.stale_consumer,
        said.values_consumer,
        said.stale,
        said.other,
        critical,
        said.far,
        said.unexpected,
    )


_CRITICAL = ("high", "critical")
