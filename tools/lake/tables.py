"""The tables of a folder as one thing to ask: names, schemas, partitions, what a query would read, views for DuckDB.

Files are listed afresh at each question, so a table that another program just wrote is seen; what was read of a file is
kept until the file changes. It runs no user's query.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlglot import exp

from knowledge.errors import Ambiguous, NotFound, QueryError, ReadError
from knowledge.names import nearest
from tools.lake.base import NULL_PARTITION, Partition, Problem, Table, TableName, TableStatistics
from tools.lake.catalog import Schemas
from tools.lake.dialect import Prepared, view_name
from tools.lake.engine import Engine
from tools.lake.footer_statistics import statistics_of
from tools.lake.footers import Broken, Footer, Footers
from tools.lake.layout import DataFile, Place, group_by_partition, list_files
from tools.lake.pruning import passing
from tools.lake.readers import csv_reader, csv_view, parquet_view
from tools.lake.scan import Read, reads, surviving

__all__ = ["FolderTables", "Snapshot"]

_MOST_FOOTERS = 2_000
"""Files whose footers are read for a table's statistics: about a millisecond each."""


@dataclass(frozen=True, slots=True)
class _Listed:
    """A table with its files at one moment."""

    place: Place
    files: tuple[DataFile, ...]
    table: Table

    @property
    def version(self) -> tuple[object, ...]:
        """Changes when the view over these files would."""
        return (self.table.columns, *(file.version for file in self.files))


class FolderTables:
    """The tables of one lake.

    Args:
        places: finds the tables' places; called at each look-up by name, so it must be cheap.
        default_database: where a bare name is looked up first.
        report: told of everything that could not be read.
        home: the folder in which new tables may appear.
    """

    def __init__(
        self,
        places: Callable[[], Mapping[TableName, Place]],
        default_database: Callable[[], str],
        report: Callable[[Problem], None],
        home: Path,
    ) -> None:
        self._places, self._default_database, self.report = places, default_database, report
        self.engine = Engine(lambda: [home, *(place.base for place in places().values())])
        self._footers = Footers(self.engine)
        self._schemas = Schemas(self.engine, self._footers)
        self._tables: dict[TableName, tuple[object, Table]] = {}
        self._views: dict[TableName, tuple[object, ...]] = {}
        self._defining = threading.Lock()

    def names(self) -> list[TableName]:
        """All tables, sorted."""
        return sorted(self._places())

    def find(self, name: str) -> Place:
        """Where the table is that answers to a name.

        Raises:
            NotFound: none does.
            Ambiguous: a bare name is in several databases and not in the default one.
        """
        places = self._places()
        parts = name.lower().split(".")
        if len(parts) == 3 and parts[0] == "awsdatacatalog":  # Athena's own name for the Glue catalog
            parts = parts[1:]
        database, bare = parts[-2] if len(parts) == 2 else self._default_database(), parts[-1]
        if len(parts) <= 2 and (place := places.get(TableName(database, bare))):
            return place
        others = sorted(n for n in places if n.table == bare) if len(parts) == 1 else []
        if len(others) == 1:
            return places[others[0]]
        if others:
            raise Ambiguous("Table", name, map(str, others))
        close = nearest(name, map(str, places))
        empty = None if places else "This lake has no tables yet."
        raise NotFound("Table", name, close, hint=empty)

    def table(self, name: str) -> Table:
        """A table's schema; see `Lake.table`."""
        return self.listed(self.find(name)).table

    def partitions(self, name: str) -> list[Partition]:
        """A table's partitions; see `Lake.partitions`. Rows are known for Parquet and unknown for CSV."""
        listed = self.listed(self.find(name))
        footers = self.read_footers(listed.table.name, listed.files)
        groups = group_by_partition(listed.files)
        if not groups and not listed.table.partition_keys:
            return [Partition({}, (), 0, 0)]
        return [_partition(values, files, footers) for values, files in sorted(groups.items())]

    def statistics(self, name: str) -> TableStatistics | None:
        """What the footers of a table's files say; see `Lake.statistics`. None for other than Parquet, or many files.

        Raises:
            NotFound, Ambiguous, ReadError: see `table`.
        """
        import pyarrow as pa
        import pyarrow.parquet as pq

        listed = self.listed(self.find(name))
        if len(listed.files) > _MOST_FOOTERS or any(f.format != "parquet" for f in listed.files):
            return None
        try:
            return statistics_of(listed.table, ((dict(f.values), pq.read_metadata(f.path)) for f in listed.files))
        except (pa.ArrowException, OSError, ValueError) as error:
            raise ReadError(
                f"A file of {listed.table.name} is corrupt: {error}", where=str(listed.place.base)
            ) from None

    def snapshot(self) -> Snapshot:
        """The tables as their files are now, for one query."""
        return Snapshot(self)

    def listed(self, place: Place) -> _Listed:
        try:
            files = list_files(place)
            stated = place.settings_file
            version = (files, stated.stat().st_mtime_ns if stated.is_file() else None)
            known = self._tables.get(place.name)
            if known is None or known[0] != version:
                known = self._tables[place.name] = (version, self._schemas.table(place, files))
        except ReadError as error:
            self.report(Problem(f"table {place.name}", error.where or str(place.base), error.what))
            raise
        return _Listed(place, files, known[1])

    def read_footers(self, table: TableName, files: Iterable[DataFile]) -> dict[Path, Footer | Broken]:
        """Footers of the Parquet files among some, broken ones reported."""
        footers = self._footers.read(f for f in files if f.format == "parquet")
        for path, footer in footers.items():
            if isinstance(footer, Broken):
                self.report(Problem(f"table {table}", str(path), footer.why))
        return footers

    def define_view(self, listed: _Listed) -> None:
        """Makes a table readable on the engine, unless it is so already.

        Raises:
            ReadError: the table cannot be read.
        """
        name, version = listed.table.name, (self.engine.generation, *listed.version)
        with self._defining:
            if self._views.get(name) == version:
                return
            try:
                self.engine.define_view(view_name(name), self._view(listed))
            except QueryError as error:
                self.report(Problem(f"table {name}", str(listed.place.base), error.what))
                raise ReadError(f"Table {name} cannot be read: {error.what}", where=str(listed.place.base)) from error
            self._views[name] = version

    def _view(self, listed: _Listed) -> exp.Query:
        if listed.files and listed.files[0].format == "csv":
            found = self.engine.describe(csv_reader([f.path for f in listed.files]))
            return csv_view(listed.table, listed.files, found)
        return parquet_view(listed.table, listed.files, self.read_footers(listed.table.name, listed.files))


class Snapshot:
    """The tables that one query names, each listed once: its schema, cost and data are of the same files."""

    def __init__(self, tables: FolderTables) -> None:
        self._tables = tables
        self._listed: dict[TableName, _Listed] = {}

    def table(self, name: str) -> Table:
        """See `FolderTables.table`."""
        place = self._tables.find(name)
        if place.name not in self._listed:
            self._listed[place.name] = self._tables.listed(place)
        return self._listed[place.name].table

    def cost(self, prepared: Prepared) -> int:
        """Bytes that a query would scan: an estimate, see scan.py.

        Raises:
            ReadError: a file that the query needs is corrupt.
        """
        return sum(self._read_cost(self._listed[read.table], read) for read in reads(prepared.twin, prepared.tables))

    def define_views(self) -> None:
        """Makes the tables readable on the engine.

        Raises:
            ReadError: a table cannot be read.
        """
        for listed in self._listed.values():
            self._tables.define_view(listed)

    def broken_file(self) -> Path | None:
        """The first Parquet file whose data cannot be read though its footer can.

        A search by reading: for the case that a query already failed on it.
        """
        for listed in self._listed.values():
            for file in listed.files:
                if file.format == "parquet" and self._is_broken(listed.table, file):
                    self._tables.report(Problem(f"table {listed.table.name}", str(file.path), "its data is corrupt"))
                    return file.path
        return None

    def _read_cost(self, listed: _Listed, read: Read) -> int:
        groups = sorted(group_by_partition(listed.files).items())
        keys = [key.name for key in listed.table.partition_keys]
        rows = [tuple(_value(dict(values).get(key)) for key in keys) for values, _ in groups]
        kept = surviving(
            read, keys, rows, lambda test, values: passing(self._tables.engine, listed.table, test, values)
        )
        files = [file for number in kept for file in groups[number][1]]
        footers = self._tables.read_footers(listed.table.name, files)
        return sum(_file_cost(listed.table, file, footers.get(file.path), read.columns) for file in files)

    def _is_broken(self, table: Table, file: DataFile) -> bool:
        view = parquet_view(table, [file], self._tables.read_footers(table.name, [file])).subquery("f")
        counts = [exp.func("COUNT", exp.column(c.name, quoted=True)) for c in table.columns]
        try:
            self._tables.engine.ask(exp.select(*counts).from_(view))
        except QueryError:
            return True
        return False


def _partition(
    values: tuple[tuple[str, str], ...], files: Sequence[DataFile], footers: Mapping[Path, Footer | Broken]
) -> Partition:
    read = [footers.get(file.path) for file in files]
    known = [footer.rows for footer in read if isinstance(footer, Footer)]
    rows = sum(known) if len(known) == len(files) else None
    return Partition(dict(values), tuple(str(f.path) for f in files), sum(f.size for f in files), rows)


def _file_cost(table: Table, file: DataFile, footer: Footer | Broken | None, columns: frozenset[str]) -> int:
    if isinstance(footer, Broken):
        raise ReadError(
            f"Table {table.name} has a corrupt file: {footer.why}",
            where=str(file.path),
            hint="Restore or remove the file; other tables are not affected.",
        )
    if footer is None:
        return file.size
    return sum(size for name, size in footer.bytes.items() if name.lower() in columns)


def _value(text: str | None) -> str | None:
    return None if text == NULL_PARTITION else text
