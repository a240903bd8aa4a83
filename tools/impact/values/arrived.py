"""Values that a table holds today and did not before, and those that it held all along and holds no more.

Before is what its kept tests accept; of columns without such a test, what earlier batches hold. Today is the newest
batch, or all rows of a table that is not cut. Only columns with few values are asked, and none of persons.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tools.changes import Change
from tools.lake.base import Column
from tools.profile import Batches, Value, count_values, cut, family
from tools.profile.kept import known_profiles
from tools.profile.values import few_valued
from tools.result import counted, listed

if TYPE_CHECKING:
    from tools.workspace import Workspace

__all__ = ["Arrivals", "arrivals"]

_BATCHES = 60
_ENOUGH = 3  # batches that have to hold a value before its absence from the newest is news
_LISTS = ("accepted_values", "known_values")


@dataclass(frozen=True)
class Arrivals:
    """What came and went.

    Attributes:
        changes: one for each value.
        notes: what it was compared with, and how often each value occurs, in sentences.
    """

    changes: tuple[Change, ...]
    notes: tuple[str, ...]


def arrivals(ws: Workspace, table: str, column: str | None = None) -> Arrivals:
    """The values of a table, or of one of its columns, that are new in its newest batch or missing from it.

    Raises:
        LimitExceeded, QueryError, ReadError: see `Lake.query`.
        ConfigError: the file of its tests cannot be read.
    """
    batches = _newest(cut(ws.lake, table))
    if not batches.items:
        return Arrivals((), (f"`{_short(table)}` has no rows.",))
    lists, where = _lists(ws, table)
    columns = list(_asked(ws, batches, column, lists))
    counts = count_values(ws.lake, batches, columns)
    changes: list[Change] = []
    notes: list[str] = []
    without: list[str] = []
    for each in columns:
        found = _Column(table, each.name, batches.labels, counts.get(each.name, {}), lists.get(each.name.lower()))
        if found.before is None:
            without.append(each.name)
            continue
        changes += found.changes()
        notes += found.notes(where)
    if without:
        notes.append(
            f"Of {listed(without, 6)} no earlier values are known: keep tests (`de-copilot tests {_short(table)}`), "
            "or wait for another batch."
        )
    if not changes:
        names = listed([c.name for c in columns], 6) or "no column with few values"
        notes.insert(0, f"No value came or went in the newest rows of `{_short(table)}`. Looked at {names}.")
    return Arrivals(tuple(changes), tuple(notes))


def _newest(batches: Batches) -> Batches:
    return batches.only(set(batches.labels[-_BATCHES:]))


def _lists(ws: Workspace, table: str) -> tuple[Mapping[str, set[str]], str]:
    """The values that kept tests list, by column, and the file that they are in."""
    from tools.checks.formats.house import path_of
    from tools.checks.suite import saved

    file = saved(ws, table)
    found: dict[str, set[str]] = {}
    for check in (k.check for k in file.checks) if file is not None else ():
        if check.enabled and check.kind in _LISTS and len(check.columns) == 1:
            values = {str(v) for v in check.parameters.get("values", ())}
            found[check.columns[0].lower()] = found.get(check.columns[0].lower(), set()) | values
    return found, f"output/{path_of(table, ws.lake.default_database)}"


def _asked(ws: Workspace, batches: Batches, column: str | None, lists: Mapping[str, set[str]]) -> Iterator[Column]:
    """Columns of categories: few values of text or flags; whole numbers only where a test lists them."""
    from tools.privacy.columns import PersonalColumns

    personal = PersonalColumns(ws.lake, ws.settings.privacy.columns)
    keys = {k.name for k in batches.keys}
    wanted = [c for c in batches.table.columns if column is None or c.name.lower() == column.lower()]
    for each in few_valued(wanted, known_profiles(ws.lake, ws.store, batches)):
        category = family(each.type) in ("text", "boolean") or each.name.lower() in lists or column is not None
        if category and each.name not in keys and personal.kind(each.name, str(batches.table.name)) is None:
            yield each


class _Column:
    """One column, before and today."""

    def __init__(
        self,
        table: str,
        name: str,
        labels: Sequence[str],
        counts: Mapping[str, Mapping[Value, int]],
        accepted: set[str] | None,
    ) -> None:
        self._table, self._name, self._labels, self._accepted = table, name, labels, accepted
        self._by_batch = [{_said(v): n for v, n in counts.get(label, {}).items()} for label in labels]
        self.today = self._by_batch[-1]
        earlier = [b for b in self._by_batch[:-1] if b]
        self._earlier = earlier
        self.before = accepted if accepted is not None else {v for b in earlier for v in b} if earlier else None

    def changes(self) -> list[Change]:
        """The new values, then those that are gone."""
        new = [Change("new_value", self._table, self._name, value=v) for v in self._new()]
        return [*new, *(Change("lost_value", self._table, self._name, value=v) for v in self._gone())]

    def _new(self) -> list[str]:
        return sorted(v for v in self.today if v not in (self.before or set()))

    def _gone(self) -> list[str]:
        """Values that every earlier batch held. Without earlier ones, those that tests list and no row holds."""
        if not self.today:
            return []
        if len(self._labels) == 1:
            return sorted(v for v in self._accepted or () if v not in self.today)
        if len(self._earlier) < _ENOUGH:
            return []
        always = set.intersection(*(set(b) for b in self._earlier))
        return sorted(v for v in always if v not in self.today)

    def notes(self, where: str) -> list[str]:
        """What is new, with its rows; what is gone."""
        which = "all rows" if len(self._labels) == 1 else f"`{self._labels[-1]}`"
        basis = (
            f"what `{where}` accepts"
            if self._accepted is not None
            else counted(len(self._earlier), "earlier batch", "earlier batches")
        )
        said = [f"'{v}' ({counted(self.today[v], 'row')})" for v in self._new()]
        gone = [f"'{v}'" for v in self._gone()]
        column, out = f"`{_short(self._table)}.{self._name}`", []
        if said:
            out.append(f"{column}, {which} against {basis}: new is {listed(said, 6, code=False)}.")
        if gone:
            out.append(f"{column}: no row of {which} holds {listed(gone, 6, code=False)}.")
        return out


def _said(value: Value) -> str:
    return str(value)


def _short(table: str) -> str:
    return table.rpartition(".")[2]
