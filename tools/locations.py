"""Which table lies at a path: jobs write a folder and read a table, or the other way round, and mean one data set.

A path is told from the catalog's locations, from what jobs themselves say (`CREATE TABLE … LOCATION`, a write with a
path), and from the lake's own layout (`…/tables/<database>/<table>/`). A partition or a file of a table is the table.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from tools.jobs import JobReading
from tools.plan.catalog import fold, is_path

__all__ = ["Locations", "stated_locations"]

_PART = re.compile(r"=|[*?{\[]|\.(?:parquet|orc|avro|json|csv|txt|gz|snappy|zst)$", re.I)
_LAYOUT = re.compile(r"(?:^|/)tables/(?P<database>[^/]+)/(?P<table>[^/]+)$")


class Locations:
    """Tables by location. What is learned later adds to it."""

    def __init__(self, known: Mapping[str, str]) -> None:
        self._tables = {_folder(path): table for path, table in known.items()}

    def learn(self, found: Iterable[tuple[str, str]]) -> bool:
        """Adds (path, table) pairs; whether any of them was new. A path that has a table keeps it."""
        before = len(self._tables)
        for path, table in found:
            self._tables.setdefault(_folder(path), table)
        return len(self._tables) > before

    def table_at(self, path: str, tables: Mapping[str, Iterable[str]]) -> str | None:
        """The table whose folder, partition or file a path is; `tables` are full names by bare name."""
        folder = _folder(path)
        if folder in self._tables:
            return self._tables[folder]
        found = _LAYOUT.search(folder.lower())
        if found is None:
            return None
        name = f"{found['database']}.{found['table']}"
        return name if name in tables.get(found["table"], ()) else None


def stated_locations(readings: Iterable[JobReading]) -> list[tuple[str, str]]:
    """(path, table) pairs that jobs state themselves. A path with a hole in it (`${…}`) is no place."""
    pairs = [
        (other.name, write.target.name)
        for reading in readings
        for write in reading.plan.writes
        for other in write.aliases
        if not is_path(write.target.name)
    ]
    pairs += [
        (definition.location.name, definition.dataset.name)
        for reading in readings
        for definition in reading.plan.definitions
        if definition.location is not None and not is_path(definition.dataset.name)
    ]
    return [(path, table) for path, table in pairs if is_path(path) and "${" not in path and "${" not in table]


def _folder(path: str) -> str:
    """A path without the partitions and files at its end."""
    parts = fold(path).split("/")
    while len(parts) > 1 and _PART.search(parts[-1]):
        parts.pop()
    return "/".join(parts)
