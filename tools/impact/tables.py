"""What has become of each table while a change spreads."""

from __future__ import annotations

from dataclasses import dataclass, field

from tools.changes import Change
from tools.impact.dryrun import spells_out, widens
from tools.impact.result import Verdict
from tools.plan.catalog import Columns
from tools.plan.roles import Role
from tools.result import listed

_DECIDING: tuple[Role, ...] = ("filter", "join", "condition", "group_by", "distinct")


@dataclass
class TableState:
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
    retyped: set[str] = field(default_factory=set)  # columns whose type differs: an engine has to say what still fits
    widened: set[str] = field(default_factory=set)  # of these, those whose values compare as they did
    worded: set[str] = field(default_factory=set)  # of these, those that are spelled out, and filled where they were

    def moves(self, column: str, role: Role) -> bool:
        """Whether this column's change moves what it is used for. A wider type moves the value, but not what the value
        decides.
        """
        return column in self.moved and not (column in self.widened and role in _DECIDING)

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
            frozenset(self.retyped),
            frozenset(self.widened),
            frozenset(self.worded),
            self.rows,
            self.stale,
            self.unsure,
        )


def seeded(change: Change, columns: list[tuple[str, str | None]]) -> TableState:
    """The state of the table that a change is about."""
    what = change.describe()
    column = (change.column or "").lower()
    match change.kind:
        case "drop_table" | "rename_table":
            return TableState(gone=True)
        case "drop_column":
            return TableState(schema=[c for c in columns if c[0].lower() != column], lost={column: what})
        case "rename_column":
            renamed = [(change.to or "", t) if n.lower() == column else (n, t) for n, t in columns]
            return TableState(schema=renamed, lost={column: what}, gained={(change.to or "").lower()})
        case "change_type":
            retyped = [(n, change.to if n.lower() == column else t) for n, t in columns]
            before = next((t for n, t in columns if n.lower() == column), None)
            widened = {column} if widens(before, change.to) else set()
            worded = {column} if spells_out(before, change.to) else set()
            return TableState(schema=retyped, moved={column: what}, retyped={column}, widened=widened, worded=worded)
        case _:
            return TableState(schema=[*columns, (change.column or "", change.to)], gained={column})


def wider(column: str) -> str:
    """Why a wider type may matter all the same."""
    return f"`{column}` has a wider type: what it decides differs only where digits are lost"


def table_verdict(state: TableState) -> tuple[Verdict, str]:
    """The verdict on a table that a change has reached, with its reason."""
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
