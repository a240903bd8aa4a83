"""A lake in a folder: tables as Parquet and CSV files, jobs as scripts, Athena SQL on DuckDB.

It keeps the `Lake` protocol of base.py by putting the pieces beside it in order: guard, dialect, tables, engine. It
opens nothing before a call needs it and writes below `output/` only.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from knowledge.errors import LimitExceeded, NotFound, ReadError
from tools.lake.base import (
    JobSource,
    Limits,
    Partition,
    Problem,
    QueryResult,
    Table,
    TableName,
    TableStatistics,
    TextFile,
)
from tools.lake.dialect import bind, prepare, to_duckdb
from tools.lake.engine import StorageFault
from tools.lake.files import LakeFiles
from tools.lake.guard import check, parse_athena
from tools.lake.layout import Place, declared_place, find_places
from tools.lake.scripts import read_scripts
from tools.lake.tables import FolderTables, Snapshot
from tools.lake.trino.grammar import DIALECT
from tools.lake.types import result_type
from tools.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["LocalLake", "open_lake"]

_EXACT_BYTES = 64 * 2**20
"""Queries over more than this get estimates of distinct counts and quantiles, as Athena gives them for any."""


def open_lake(settings: Settings) -> LocalLake:
    """The folder that the settings name, as a lake.

    Raises:
        NotFound: there is no such folder.
    """
    return LocalLake(
        settings.lake,
        default_database=settings.default_database,
        tables=settings.tables,
        job_paths=settings.jobs.paths,
        job_arguments=settings.jobs.arguments,
        output=settings.output,
        limits=settings.query_limits,
    )


class LocalLake:
    """A folder as a lake. Safe to use from several threads.

    Args:
        root: the folder. It need not be complete: without `tables/` the lake is empty.
        default_database: where a bare table name is looked up; without it the only database there is, else "default".
        tables: tables outside the usual layout: name (`table` or `database.table`) -> folders, files or patterns
            relative to `root`. Where a name is in both, this one counts.
        job_paths: folders, files or patterns of job scripts, relative to `root`.
        job_arguments: default arguments by job name.
        output: where reports go; `root/output` if not given.
        limits: bounds of a query that states none of its own.

    Raises:
        NotFound: there is no such folder.
    """

    def __init__(
        self,
        root: Path,
        *,
        default_database: str | None = None,
        tables: Mapping[str, Sequence[str]] | None = None,
        job_paths: Sequence[str] = ("jobs",),
        job_arguments: Mapping[str, Mapping[str, str]] | None = None,
        output: Path | None = None,
        limits: Limits | None = None,
    ) -> None:
        if not root.is_dir():
            raise NotFound("Lake folder", str(root), hint="Create a demo lake with `de-copilot demo`.")
        self.root = root
        self.limits = limits or Limits()
        self._stated_database = default_database.lower() if default_database else None
        self._stated_tables = dict(tables or {})
        self._job_paths, self._job_arguments = tuple(job_paths), dict(job_arguments or {})
        self._files = LakeFiles(root, output or root / "output")
        self._problems: dict[Problem, None] = {}
        self._tables = FolderTables(self._places, lambda: self.default_database, self._report, root / "tables")

    @property
    def default_database(self) -> str:
        """See `Lake`; found in the folder when it was not stated."""
        if self._stated_database:
            return self._stated_database
        databases = {place.name.database for place in find_places(self.root)}
        return databases.pop() if len(databases) == 1 else "default"

    def tables(self) -> Sequence[TableName]:
        """See `Lake.tables`."""
        return self._tables.names()

    def table(self, name: str) -> Table:
        """See `Lake.table`."""
        return self._tables.table(name)

    def partitions(self, name: str) -> Sequence[Partition]:
        """See `Lake.partitions`; rows are known for Parquet files whose footers can be read."""
        return self._tables.partitions(name)

    def statistics(self, name: str) -> TableStatistics | None:
        """See `Lake.statistics`: footers, of Parquet tables of not too many files."""
        return self._tables.statistics(name)

    def query(self, sql: exp.Expr | str, parameters: Sequence[Any] = (), limits: Limits | None = None) -> QueryResult:
        """See `Lake.query`. `bytes_scanned` is the estimate that scan.py describes.

        Raises:
            QueryRefused, LimitExceeded, QueryError: as the protocol says.
            NotFound, Ambiguous: a table in it.
            ReadError: a file that it needs is corrupt.
        """
        limits, started = limits or self.limits, time.monotonic()
        tree = self._read(sql, parameters)
        query, cost, snapshot = self._ready(tree, limits, rows=limits.rows + 1)
        with _told_of_corruption(snapshot):
            answer = self._tables.engine.select(query, rows=limits.rows + 1, seconds=limits.seconds)
        return QueryResult(
            columns=answer.columns,
            types=tuple(result_type(dtype) for dtype in answer.types),
            rows=tuple(answer.rows[: limits.rows]),
            sql=tree.sql(DIALECT, comments=False),
            query_id=str(uuid.uuid4()),
            bytes_scanned=cost,
            seconds=time.monotonic() - started,
            more=len(answer.rows) > limits.rows,
        )

    def arrow(self, sql: exp.Expr | str, limits: Limits | None = None) -> pa.Table:
        """A whole result as an Arrow table, for code that builds tables; only bytes and time are bounded.

        Raises as `query` does.
        """
        limits = limits or self.limits
        query, _, snapshot = self._ready(self._read(sql, ()), limits)
        with _told_of_corruption(snapshot):
            return self._tables.engine.arrow(query, seconds=limits.seconds)

    def jobs(self) -> Sequence[JobSource]:
        """See `Lake.jobs`."""
        jobs, problems = read_scripts(self.root, self._job_paths, self._job_arguments)
        for problem in problems:
            self._report(problem)
        return jobs

    def read_text(self, path: str) -> str | None:
        """See `Lake.read_text`.

        Raises:
            InputError: the path leads out of the lake.
            ReadError: the file is no text.
        """
        return self._files.read(path)

    def texts(self, folder: str) -> Sequence[TextFile]:
        """See `Lake.texts`; the version is the file's time and size.

        Raises:
            InputError: the folder leads out of the lake.
        """
        return self._files.below(folder)

    def write_text(self, path: str, text: str) -> str:
        """See `Lake.write_text`.

        Raises:
            InputError: the path is not below `output/`, or cannot be written.
        """
        return self._files.write(path, text)

    def forget(self) -> None:
        """See `Lake.forget`: files are listed afresh at each question anyhow."""

    def problems(self) -> Sequence[Problem]:
        """See `Lake.problems`."""
        return tuple(self._problems)

    def _read(self, sql: exp.Expr | str, parameters: Sequence[Any]) -> exp.Expr:
        """The statement as a tree that came from text, as it would on AWS, past the guard, values in place."""
        text = sql if isinstance(sql, str) else sql.sql("athena", comments=False)
        tree = parse_athena(text)
        check(tree)
        return bind(tree, parameters)

    def _ready(self, tree: exp.Expr, limits: Limits, rows: int | None = None) -> tuple[exp.Expr, int, Snapshot]:
        """The query for DuckDB with its views in place, the bytes that it will scan, and the tables as they are now."""
        snapshot = self._tables.snapshot()
        prepared = prepare(tree, snapshot.table)
        cost = snapshot.cost(prepared)
        _hold(cost, limits)
        snapshot.define_views()
        return to_duckdb(prepared, rows, estimates=cost > _EXACT_BYTES), cost, snapshot

    def _places(self) -> dict[TableName, Place]:
        found = {place.name: place for place in find_places(self.root)}
        stated = (declared_place(self.root, self._full(name), paths) for name, paths in self._stated_tables.items())
        return found | {place.name: place for place in stated}

    def _full(self, name: str) -> TableName:
        database, _, table = name.lower().rpartition(".")
        return TableName(database or self.default_database, table)

    def _report(self, problem: Problem) -> None:
        self._problems[problem] = None


@contextmanager
def _told_of_corruption(snapshot: Snapshot) -> Iterator[None]:
    """DuckDB does not say which file it could not decode; the file is looked for when a query has failed."""
    try:
        yield
    except StorageFault as error:
        file = snapshot.broken_file()
        if file is None:
            raise
        what = f"A table's file is corrupt: {error.what}"
        raise ReadError(what, where=str(file), hint="Restore or remove the file.") from error


def _hold(cost: int, limits: Limits) -> None:
    if cost > limits.bytes:
        raise LimitExceeded(
            f"The query would scan {cost:,} bytes; the limit is {limits.bytes:,}",
            hint="Filter on a partition column, name fewer columns, or raise limits.bytes.",
        )
