"""A table whose schema changed already: two versions of it become changes, and what they do is told from the earlier one.

The earlier version is one that Glue kept, or the last snapshot with other columns. Jobs are read over the table as it was,
then over the table as it is, so that a name that is gone today is found missing and not merely unknown.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from knowledge.errors import NotFound
from tools.changes import Change
from tools.impact.dryrun import spells_out, widens
from tools.impact.tables import TableState
from tools.lake.base import Column, Table
from tools.snapshots import record_name

if TYPE_CHECKING:
    from tools.workspace import Workspace

__all__ = ["Earlier", "NoEarlier", "earlier_schema", "schema_changes", "states_of"]


@runtime_checkable
class _KeepsVersions(Protocol):
    def versions(self, name: str) -> Sequence[tuple[str, Table]]: ...


class NoEarlier(NotFound):
    """No version of a table with other columns than today's is kept."""


@dataclass(frozen=True)
class Earlier:
    """A table as it was: `what` says of when that is."""

    what: str
    table: Table


def schema_changes(before: Table, after: Table) -> tuple[list[Change], list[str]]:
    """What a table's columns went through, and what was assumed in telling it.

    A column that went and one of the same type that came in its place are one that was renamed.
    """
    name = str(after.name)
    old, new = _by_name(before), _by_name(after)
    renamed = _renames(before, after)
    changes = [Change("rename_column", name, a, b) for a, b in renamed.items()]
    notes = [
        f"`{a}` went and `{b}` of the same type stands in its place: taken for a new name." for a, b in renamed.items()
    ]
    changes += [Change("drop_column", name, c) for c in old if c not in new and c not in renamed]
    for column, was in old.items():
        now = new.get(renamed.get(column, column))
        if now is None:
            continue
        if now.type != was.type:
            changes.append(Change("change_type", name, column, now.type))
        if was.nullable is False and now.nullable:
            changes.append(Change("nullable", name, column))
    arrived = set(renamed.values())
    changes += [Change("add_column", name, c, new[c].type) for c in new if c not in old and c not in arrived]
    return changes, notes


def _by_name(table: Table) -> dict[str, Column]:
    return {c.name.lower(): c for c in table.columns}


def _renames(before: Table, after: Table) -> dict[str, str]:
    """Columns that stand where another of the same type stood, both being in one version only."""
    old, new = _by_name(before), _by_name(after)
    if len(old) != len(new):
        return {}
    pairs = zip(before.columns, after.columns, strict=True)
    return {
        a.name.lower(): b.name.lower()
        for a, b in pairs
        if a.name.lower() not in new and b.name.lower() not in old and a.type == b.type
    }


def states_of(changes: Sequence[Change], before: Table, after: Table) -> dict[str, TableState]:
    """What becomes of the table under all of its changes but that of NULLs, as `Spread` takes it."""
    state = TableState(schema=[(c.name, c.type) for c in after.columns])
    old = _by_name(before)
    for change in changes:
        column = str(change.column)
        match change.kind:
            case "drop_column":
                state.lost[column] = change.describe()
            case "rename_column":
                state.lost[column] = change.describe()
                state.gained.add(str(change.to))
            case "add_column":
                state.gained.add(column)
            case "change_type":
                state.moved[column] = change.describe()
                state.retyped.add(column)
                state.widened |= {column} if widens(old[column].type, change.to) else set()
                state.worded |= {column} if spells_out(old[column].type, change.to) else set()
    return {str(after.name): state}


def earlier_schema(ws: Workspace, table: str, version: str | None = None) -> Earlier:
    """The table as it was before its columns became what they are.

    Args:
        version: a version of the Glue catalog; the newest with other columns if not given.

    Raises NoEarlier when none is kept, NotFound for a version that Glue does not have.
    """
    now = ws.lake.table(table)
    if isinstance(ws.lake, _KeepsVersions):
        kept = [(v, t) for v, t in ws.lake.versions(table) if (v == version if version else _differ(t, now))]
        if kept:
            return Earlier(f"version {kept[0][0]} of the Glue catalog", kept[0][1])
        if version:
            raise NotFound("version", version, [v for v, _ in ws.lake.versions(table)])
    found = _snapshot(ws, now)
    if found is None:
        hint = "It is kept when its jobs are analyzed (`de-copilot analyze`), and on AWS by the Glue catalog."
        raise NoEarlier("an earlier schema of table", str(now.name), hint=hint)
    return found


def _snapshot(ws: Workspace, now: Table) -> Earlier | None:
    for snapshot in reversed(ws.store.history("TABLE", record_name(ws, str(now.name)))):
        columns = tuple(Column(c["name"], c["type"]) for c in snapshot.content.get("columns", ()) if c.get("type"))
        was = replace(now, columns=columns)
        if columns and _differ(was, now):
            return Earlier(f"the snapshot of {snapshot.taken_at}", was)
    return None


def _differ(one: Table, other: Table) -> bool:
    def said(table: Table) -> list[tuple[str, str, bool]]:
        return [(c.name.lower(), c.type, c.nullable is False) for c in table.columns]

    known = all(c.nullable is not None for t in (one, other) for c in t.columns)
    a, b = said(one), said(other)
    return a != b if known else [x[:2] for x in a] != [x[:2] for x in b]
