"""Finds the keys of a table without being told: the columns, one to four, that no two rows of a batch share.

A set of columns that never repeats may do so by chance. It is taken for a key only where chance would have repeated
it: with so many rows and so few values per column, unrelated columns would have met several times over.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from tools.checks.kinds.tables import repeated
from tools.checks.roles import Role
from tools.lake.base import Column, Lake, Limits
from tools.profile.batches import WHOLE, Batches
from tools.profile.figures import BatchFigures, family, is_integer
from tools.profile.measure import source_of

__all__ = ["KeyTest", "best_keys", "find_keys", "test_keys"]

_WIDEST = 4
_MOST_PER_QUERY = 150
_MOST_COLUMNS = 16
_CHANCE = 5.0
_PREFERENCE: Mapping[Role, int] = {
    "identifier": 0,
    "sequence": 0,
    "time": 1,
    "text": 2,
    "category": 2,
    "calendar": 3,
    "flag": 4,
    "measure": 5,
}


@dataclass(frozen=True, slots=True)
class KeyTest:
    """Columns and how many rows repeat them, by batch. `chance`: repeats to be expected of unrelated columns."""

    columns: tuple[str, ...]
    repeats: Mapping[str, int]
    chance: float

    def holds(self, labels: Iterable[str]) -> bool:
        """Whether no row of these batches repeats another's key."""
        return not any(self.repeats.get(label, 0) for label in labels)


def find_keys(
    lake: Lake, batches: Batches, profiles: Sequence[BatchFigures], roles: Mapping[str, Role]
) -> list[KeyTest]:
    """Column sets that tell rows of every batch apart, smallest first; no set contains another."""
    usable = _usable(batches.table.columns, profiles, roles)
    largest = max(profiles, key=lambda p: p.rows, default=None)
    if largest is None or not largest.rows:
        return []
    found: list[KeyTest] = []
    for width in range(1, _WIDEST + 1):
        sets = [
            s
            for s in itertools.combinations(usable, width)
            if not any(set(k.columns) <= set(s) for k in found) and _may_be_key(s, profiles)
        ]
        sets.sort(key=lambda s: _rank(s, roles))
        sets = sets[:_MOST_PER_QUERY]
        # Most sets fail on one batch already, which is cheap to ask.
        first = test_keys(lake, batches.only({largest.label}), profiles, sets)
        survivors = [t.columns for t in first if t.holds([largest.label])]
        tested = test_keys(lake, batches, profiles, survivors)
        found += [t for t in tested if t.holds(batches.labels) and (t.chance >= _CHANCE or width == 1)]
        if found and width >= 2:
            break
    return found


def best_keys(keys: Sequence[KeyTest], roles: Mapping[str, Role], most: int = 2) -> list[KeyTest]:
    """The keys that people would name: the narrowest of the best roles; a second one only if it is one column too."""
    ranked = sorted(keys, key=lambda k: _rank(k.columns, roles))
    if not ranked:
        return []
    single = [
        k for k in ranked if len(k.columns) == 1 and roles[k.columns[0]] in ("identifier", "sequence", "text", "time")
    ]
    return single[:most] if single else ranked[:1]


def test_keys(
    lake: Lake, batches: Batches, profiles: Sequence[BatchFigures], sets: Sequence[tuple[str, ...]]
) -> list[KeyTest]:
    """Counts repeated rows of each column set, exactly, for each batch; reads only those columns."""
    if not sets or not batches.items:
        return []
    keys = batches.key_columns()
    items = [exp.alias_(repeated(s), f"k{i}", quoted=True) for i, s in enumerate(sets)]
    query = exp.select(*keys, *items).from_(source_of(batches.table))
    if keys:
        query = query.where(batches.condition()).group_by(*(k.copy() for k in keys))
    result = lake.query(query, limits=Limits(len(batches.items) + 1, 2**63, 900.0))
    names = [k.name for k in batches.keys]
    rows = {batches.label_of([r[n] for n in names]) if names else WHOLE: r for r in result.dicts()}
    chances = {s: sum(_chance(s, p) for p in profiles) for s in sets}
    return [
        KeyTest(s, {label: int(row[f"k{i}"]) for label, row in rows.items()}, chances[s]) for i, s in enumerate(sets)
    ]


def _usable(columns: Sequence[Column], profiles: Sequence[BatchFigures], roles: Mapping[str, Role]) -> list[str]:
    """Columns that are always filled, vary within a batch, and are no fractions."""
    names = [
        c.name
        for c in columns
        if c.name in roles
        and roles[c.name] != "nested"
        and (family(c.type) != "number" or is_integer(c.type) or roles[c.name] == "identifier")
        and all(p.figure(c.name, "nulls") == 0 for p in profiles if p.rows)
        and any((p.number(c.name, "distinct") or 0) > 1 for p in profiles)
    ]
    return sorted(names, key=lambda n: _PREFERENCE.get(roles[n], 9))[:_MOST_COLUMNS]


def _may_be_key(columns: Sequence[str], profiles: Sequence[BatchFigures]) -> bool:
    """Whether there are enough combinations of values; distinct counts are estimates, so with room to spare."""
    return all(_combinations(columns, p) >= 0.7 * p.rows for p in profiles)


def _combinations(columns: Sequence[str], profile: BatchFigures) -> float:
    return math.prod(min((profile.number(c, "distinct") or 1) * 1.1, profile.rows) for c in columns)


def _chance(columns: Sequence[str], profile: BatchFigures) -> float:
    """Pairs of rows that would be equal if the columns had nothing to do with each other."""
    return profile.rows**2 / 2 / max(_combinations(columns, profile), 1.0)


def _rank(columns: Sequence[str], roles: Mapping[str, Role]) -> tuple[float, ...]:
    return (len(columns), sum(_PREFERENCE.get(roles[c], 9) for c in columns))
