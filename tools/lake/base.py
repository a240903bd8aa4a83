"""Where tables, files and SQL live: the protocol that a laptop folder and AWS both keep, and the records it speaks in.

Every query is Athena SQL, read-only, and bounded. This module knows no engine.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from sqlglot import exp

__all__ = [
    "NULL_PARTITION",
    "Column",
    "ColumnStatistics",
    "JobSource",
    "Lake",
    "Limits",
    "Partition",
    "Problem",
    "QueryResult",
    "StatedReader",
    "Table",
    "TableName",
    "TableStatistics",
    "TextFile",
]


@dataclass(frozen=True, slots=True)
class StatedReader:
    """Something outside the lake that reads it, as a service states it: an entry as `dashboards.json` has them, where it
    is kept, and the database in which its bare names resolve.
    """

    name: str
    where: str
    entry: Mapping[str, Any]
    database: str | None = None


@dataclass(frozen=True, slots=True, order=True)
class TableName:
    """A table's name; lower case, as in Glue."""

    database: str
    table: str

    def __str__(self) -> str:
        return f"{self.database}.{self.table}"


@dataclass(frozen=True, slots=True)
class Column:
    """A column as the catalog knows it. `type` in Athena's spelling; `nullable` is None when nothing says."""

    name: str
    type: str
    comment: str | None = None
    nullable: bool | None = None
    is_partition: bool = False

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "name": self.name,
            "type": self.type,
            "comment": self.comment,
            "nullable": self.nullable,
            "is_partition": self.is_partition,
        }


@dataclass(frozen=True, slots=True)
class Table:
    """A table or view: columns in order, partition columns last."""

    name: TableName
    columns: tuple[Column, ...]
    kind: Literal["table", "view"] = "table"
    description: str | None = None
    location: str | None = None
    format: str | None = None
    view_sql: str | None = None

    @property
    def partition_keys(self) -> tuple[Column, ...]:
        """Columns that the table is partitioned by."""
        return tuple(c for c in self.columns if c.is_partition)

    def column(self, name: str) -> Column | None:
        """The column of that name, folded; None when there is none."""
        return next((c for c in self.columns if c.name.lower() == name.lower()), None)

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "database": self.name.database,
            "table": self.name.table,
            "kind": self.kind,
            "description": self.description,
            "location": self.location,
            "format": self.format,
            "partition_keys": [c.name for c in self.partition_keys],
            "columns": [c.to_dict() for c in self.columns],
        }


NULL_PARTITION = "__HIVE_DEFAULT_PARTITION__"
"""The value, as Hive, Spark and Athena spell it in paths, of a partition whose key is NULL."""


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition: its values by key ({} for an unpartitioned table), files, bytes, and rows when metadata tells."""

    values: Mapping[str, str]
    files: tuple[str, ...]
    bytes: int
    rows: int | None = None


@dataclass(frozen=True, slots=True)
class ColumnStatistics:
    """What metadata say of one column; None where they do not say."""

    nulls: int | None = None
    distinct: int | None = None
    min: Any = None
    max: Any = None


@dataclass(frozen=True, slots=True)
class TableStatistics:
    """What is known of a table without reading its rows.

    Attributes:
        columns: by name, those of which something is known.
        sources: where it is from and as of when, in words.
        exact: the figures hold for the rows as they are now; else they are estimates, or of an earlier day.
    """

    rows: int | None
    columns: Mapping[str, ColumnStatistics]
    sources: tuple[str, ...]
    exact: bool


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the lake that could not be used: which thing, and why. Shown, never hidden."""

    what: str
    where: str
    why: str

    def to_dict(self) -> dict[str, str]:
        """As `--json` shows it."""
        return {"what": self.what, "where": self.where, "why": self.why}


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one query. `rows` caps the result (the excess is counted, not hidden); the others abort it."""

    rows: int = 1_000
    bytes: int = 10 * 2**30
    seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class QueryResult:
    """Rows of a query with what it cost. `more` says that rows beyond the limit exist and were not fetched."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    sql: str
    query_id: str
    bytes_scanned: int
    seconds: float
    more: bool = False

    def dicts(self) -> list[dict[str, Any]]:
        """Rows as dictionaries by column name."""
        return [dict(zip(self.columns, row, strict=True)) for row in self.rows]


@dataclass(frozen=True, slots=True)
class JobSource:
    """A job's code as it is stored: `path` is how people name the file, `arguments` its default arguments."""

    name: str
    path: str
    text: str
    language: Literal["python", "sql"]
    arguments: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class TextFile:
    """A file as the lake names it. `version` changes when the file does, and is had without reading it."""

    path: str
    version: str
    bytes: int


class Lake(Protocol):
    """Tables, files and SQL in one place.

    Names: `database.table`; a bare name resolves in the default database, else to the only table of that name.
    """

    @property
    def default_database(self) -> str:
        """Where a bare table name is looked up."""
        ...

    def tables(self) -> Sequence[TableName]:
        """All tables and views, sorted."""
        ...

    def table(self, name: str) -> Table:
        """One table's schema.

        Raises:
            NotFound: no such table; carries the nearest names.
            Ambiguous: the bare name is in several databases.
            ReadError: it is there, but its files cannot be read.
        """
        ...

    def partitions(self, name: str) -> Sequence[Partition]:
        """A table's partitions, sorted by value; one without values for an unpartitioned table."""
        ...

    def statistics(self, name: str) -> TableStatistics | None:
        """What is known of a table without reading its rows: by its files' footers, or by its catalog. None: nothing."""
        ...

    def query(self, sql: exp.Expr | str, parameters: Sequence[Any] = (), limits: Limits | None = None) -> QueryResult:
        """Runs one read-only Athena statement; `?` in it is bound to `parameters` in order.

        Raises:
            QueryRefused: not one read-only SELECT, or it reaches outside the lake.
            LimitExceeded: it would scan or take more than allowed.
            QueryError: the engine failed it; the message is the engine's.
        """
        ...

    def jobs(self) -> Sequence[JobSource]:
        """Job scripts, sorted by name."""
        ...

    def read_text(self, path: str) -> str | None:
        """A text file of the lake (`dashboards.json`, `output/…`); None when it is not there."""
        ...

    def texts(self, folder: str) -> Sequence[TextFile]:
        """Files below a folder of the lake (`docs`, `output/contracts`), sorted by path; none when it is not there."""
        ...

    def write_text(self, path: str, text: str) -> str:
        """Writes a whole file under `output/` and returns where it is. Never leaves a part of it."""
        ...

    def forget(self) -> None:
        """Lets go of what was looked up, so that the next question sees things as they are."""
        ...

    def problems(self) -> Sequence[Problem]:
        """What in the lake could not be used so far: unreadable files, scripts, settings."""
        ...
