"""What a reader may ask about tables it meets: their columns, and nothing else.

The lake answers on a real run, a dictionary in tests and benchmarks, and `Changed` answers what-if questions: the same
catalog with one table's columns replaced.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias

Columns: TypeAlias = Sequence[tuple[str, str | None]]
"""(name, type in Athena's spelling or None), in table order, partition columns last."""


class Catalog(Protocol):
    """Resolves data set names to columns."""

    def columns(self, name: str) -> Columns | None:
        """Columns of a canonical data set name (`database.table` or a path); None when it is not known."""
        ...

    def canonical(self, name: str) -> str:
        """The canonical name: default database added, a catalog prefix dropped, folded to lower case, a path that is
        a table's location replaced by the table.
        """
        ...


@dataclass
class DictCatalog:
    """A catalog from a mapping of names to columns.

    Args:
        tables: `database.table` or path -> columns.
        default_database: where a bare name is looked up; without it a bare name that is unique among the tables is
            taken for that table.
        locations: path -> table name, for tables that jobs also reach by path.
    """

    tables: Mapping[str, Columns] = field(default_factory=dict)
    default_database: str | None = None
    locations: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._tables = {fold(k): tuple(v) for k, v in self.tables.items()}
        self._locations = {fold(k): fold(v) for k, v in self.locations.items()}
        self._by_bare: dict[str, list[str]] = {}
        for name in self._tables:
            if not is_path(name):
                self._by_bare.setdefault(name.rsplit(".", 1)[-1], []).append(name)

    def columns(self, name: str) -> Columns | None:
        """See `Catalog`."""
        return self._tables.get(fold(name))

    def canonical(self, name: str) -> str:
        """See `Catalog`."""
        folded = fold(name)
        if is_path(folded):
            return self._locations.get(folded, folded)
        parts = folded.split(".")
        for start in range(len(parts)):
            if ".".join(parts[start:]) in self._tables:
                return ".".join(parts[start:])
        if len(parts) > 1:
            return folded
        if self.default_database:
            return f"{self.default_database}.{folded}"
        candidates = self._by_bare.get(folded, [])
        return candidates[0] if len(candidates) == 1 else folded


@dataclass(frozen=True)
class Changed:
    """A catalog in which some tables have other columns, or (None) do not exist."""

    base: Catalog
    changes: Mapping[str, Columns | None]

    def columns(self, name: str) -> Columns | None:
        """See `Catalog`."""
        return self.changes[name] if name in self.changes else self.base.columns(name)

    def canonical(self, name: str) -> str:
        """See `Catalog`."""
        return self.base.canonical(name)


EMPTY = DictCatalog()


def is_path(name: str) -> bool:
    """Whether a data set name is a path and not a table."""
    return "/" in name


def fold(name: str) -> str:
    """Folds a name for comparison: quotes off, lower case for tables; for paths one scheme, no trailing slash."""
    bare = name.strip().replace("`", "").replace('"', "")
    if not is_path(bare):
        return bare.lower()
    for scheme in ("s3a://", "s3n://"):
        if bare.lower().startswith(scheme):
            bare = "s3://" + bare[len(scheme) :]
    return bare.rstrip("/")


def names_of(columns: Iterable[tuple[str, str | None]]) -> list[str]:
    """Just the names, in order."""
    return [name for name, _ in columns]
