"""What a column is for, told by its type, its name and how it behaves from batch to batch.

Roles decide which checks make sense at all: no upper bound for a sequence, no mean for a key, no drift of a month.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from typing import Literal

from tools.lake.base import Column
from tools.profile.figures import BatchFigures, family, is_integer

__all__ = ["CALENDAR", "Role", "role_of", "roles_of", "words_of"]

Role = Literal["time", "calendar", "sequence", "identifier", "category", "text", "flag", "measure", "nested"]

CALENDAR: Mapping[str, tuple[int, int]] = {
    "year": (1900, 2200),
    "quarter": (1, 4),
    "month": (1, 12),
    "week": (0, 53),
    "day": (1, 31),
    "doy": (1, 366),
    "weekday": (0, 7),
    "dow": (0, 7),
    "hour": (0, 24),
    "minute": (0, 60),
    "second": (0, 60),
}
"""Parts of a date by the last word of a column's name, with the values that they can have."""

_KEY_WORDS = {"id", "key", "code", "no", "nr", "sk", "pk", "fk", "uuid", "guid", "hash", "zip", "iban", "isin"}
_FEW = 250
_RISING = 0.9


def words_of(name: str) -> list[str]:
    """The words of a column's name in lower case: `billingCountry` and `billing_country` have two."""
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return [w for w in re.split(r"[^a-zA-Z0-9]+", spaced.lower()) if w]


def roles_of(columns: Sequence[Column], profiles: Sequence[BatchFigures]) -> dict[str, Role]:
    """The role of each column."""
    return {c.name: role_of(c, profiles) for c in columns}


def role_of(column: Column, profiles: Sequence[BatchFigures]) -> Role:
    """The role of one column; without profiles, by type and name only."""
    match family(column.type):
        case "time":
            return "time"
        case "boolean":
            return "flag"
        case "other":
            return "nested"
        case "text":
            return "category" if 0 < _most_distinct(column, profiles) <= _FEW else "text"
    return _role_of_number(column, profiles)


def _role_of_number(column: Column, profiles: Sequence[BatchFigures]) -> Role:
    words = words_of(column.name)
    last = words[-1] if words else ""
    if last in CALENDAR and _within(column, profiles, *CALENDAR[last]):
        return "calendar"
    if is_integer(column.type) and _is_rising(column, profiles):
        return "sequence"
    return "identifier" if last in _KEY_WORDS else "measure"


def _most_distinct(column: Column, profiles: Sequence[BatchFigures]) -> float:
    return max((p.number(column.name, "distinct") or 0 for p in profiles), default=0)


def _within(column: Column, profiles: Sequence[BatchFigures], low: int, high: int) -> bool:
    lows = [v for p in profiles if (v := p.number(column.name, "min")) is not None]
    highs = [v for p in profiles if (v := p.number(column.name, "max")) is not None]
    return bool(lows) and low <= min(lows) and max(highs) <= high


def _is_rising(column: Column, profiles: Sequence[BatchFigures]) -> bool:
    """Whether nearly every batch goes on above the one before: its lowest beyond the other's mean."""
    steps = [
        low > middle
        for before, after in itertools.pairwise(profiles)
        if (middle := before.number(column.name, "mean")) is not None
        and (low := after.number(column.name, "min")) is not None
    ]
    return len(steps) >= 3 and sum(steps) >= _RISING * len(steps)
