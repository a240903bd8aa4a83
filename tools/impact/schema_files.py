"""Two texts of a table's `_table.json`: what happened to its columns, and what that does to everything downstream.

A column that goes from the file, or has another name or type in it, is a change as if a job had made it. Jobs are read as
they are now, over the columns of both texts: one that was edited along is not broken.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from tools.changes import Change
from tools.impact import ImpactResult, between_schemas, impact
from tools.impact.schema import schema_changes
from tools.lake.base import Table, TableName
from tools.lake.catalog import stated_table

if TYPE_CHECKING:
    from tools.workspace import Workspace

__all__ = ["SchemaFile", "schema_file"]

State = Literal["changed", "added", "removed"]


@dataclass(frozen=True)
class SchemaFile:
    """What became of a table by its file.

    Attributes:
        changes: of its columns, in words.
        impact: None where nothing changes for anybody.
    """

    table: str
    state: State
    changes: tuple[str, ...]
    impact: ImpactResult | None

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "table": self.table,
            "state": self.state,
            "changes": list(self.changes),
            "impact": self.impact.to_dict() if self.impact else None,
        }


def schema_file(ws: Workspace, name: TableName, old: str | None, new: str | None, where: str) -> SchemaFile:
    """What a table's file says now, against what it said.

    Args:
        old: its earlier text; None where there was no file.
        new: its text now; None where it is gone.
        where: the file, for errors.

    Raises ReadError for a text that is no table's description.
    """
    full = str(name)
    before = stated_table(name, old, where) if old is not None else None
    after = stated_table(name, new, where) if new is not None else _elsewhere(ws, name)
    if before is None or not before.columns:
        return SchemaFile(full, "added", (), None)
    if after is None:
        gone = Change("drop_table", full)
        return SchemaFile(full, "removed", (gone.describe(),), impact(ws.with_table(before), gone))
    changes, notes = schema_changes(before, after)
    if not changes:
        return SchemaFile(full, "changed", (), None)
    return SchemaFile(full, "changed", tuple(c.describe() for c in changes), between_schemas(ws, before, after, notes))


def _elsewhere(ws: Workspace, name: TableName) -> Table | None:
    """The table as its files tell it, where it is there without a description."""
    if name not in ws.lake.tables():
        return None
    found = ws.lake.table(str(name))
    return found if found.columns else None
