"""What a canonical form may take for known, and the word for what has none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["Facts", "NoForm"]


class NoForm(ValueError):
    """Part of a plan has no canonical form; the reason is the message."""


@dataclass(frozen=True)
class Facts:
    """What is known of tables beside their columns: columns that are never NULL, and keys."""

    not_null: Mapping[str, frozenset[str]] = field(default_factory=dict)
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def never_null(self, table: str, column: str) -> bool:
        """Whether a column of a table never is NULL."""
        return column.lower() in self.not_null.get(table, frozenset())
