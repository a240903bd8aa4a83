"""Tables and columns described for people: what a table is, what its columns are, which other tables have a column.

It reads the lake's catalog only, never rows.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from knowledge.errors import CopilotError, NotFound
from knowledge.names import nearest
from tools.lake.base import NULL_PARTITION, Column, Lake, Partition, Table, TableName
from tools.quoting import quoted
from tools.result import Evidence, counted

__all__ = ["ColumnMatch", "TableDescription", "describe", "find_columns", "require_column"]


@dataclass(frozen=True, slots=True)
class TableDescription:
    """A table's schema with what is known without reading rows.

    Attributes:
        column: the one column that was asked for; None for all of them.
        rows: from file metadata; None when that does not say.
        bytes: size of the files.
        first_partition, last_partition: values by key; None for an unpartitioned or empty table.
    """

    table: Table
    column: Column | None
    partitions: int
    files: int
    bytes: int
    rows: int | None
    first_partition: dict[str, str] | None
    last_partition: dict[str, str] | None

    @property
    def kind(self) -> str:
        """See `tools.result.Result`."""
        return "schema"

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The catalog entry."""
        return (Evidence("catalog", str(self.table.name), self.table.location),)

    @property
    def unknowns(self) -> tuple[str, ...]:
        """What metadata does not say."""
        return () if self.rows is not None else ("The number of rows: the files do not state it.",)

    def text(self) -> str:
        """A sentence on the table or column, then its columns as a table."""
        if self.column is not None:
            return f"`{self.table.name}.{self.column.name}` is {_column_sentence(self.column)}."
        header = ["| column | type | comment |", "|---|---|---|"]
        lines = [f"| `{c.name}` | {c.type} | {_comment(c)} |" for c in self.table.columns]
        about = f" {quoted(self.table.description)}" if self.table.description else ""
        return "\n".join([f"`{self.table.name}` has {self._size()}.{about}", "", *header, *lines])

    def _size(self) -> str:
        parts = [counted(len(self.table.columns), "column")]
        if self.rows is not None:
            parts.append(counted(self.rows, "row"))
        if self.last_partition:
            newest = ", ".join(f"{k}={v}" for k, v in self.last_partition.items())
            parts.append(f"{counted(self.partitions, 'partition')} (newest {newest})")
        return f"{', '.join(parts[:-1])} and {parts[-1]}" if len(parts) > 1 else parts[0]

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        columns = self.table.columns if self.column is None else (self.column,)
        return {
            **self.table.to_dict(),
            "columns": [c.to_dict() for c in columns],
            "partitions": self.partitions,
            "files": self.files,
            "bytes": self.bytes,
            "rows": self.rows,
            "first_partition": self.first_partition,
            "last_partition": self.last_partition,
        }


@dataclass(frozen=True, slots=True)
class ColumnMatch:
    """A column of a table; `exact` is False when its name only resembles the one asked for."""

    table: TableName
    column: Column
    exact: bool

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {"table": str(self.table), **self.column.to_dict(), "exact": self.exact}


def describe(lake: Lake, name: str, column: str | None = None) -> TableDescription:
    """Describes one table, or one column of it.

    Raises:
        NotFound, Ambiguous, ReadError: see `Lake.table`; NotFound also for the column.
    """
    table = lake.table(name)
    partitions = list(lake.partitions(name))
    filled = [p for p in partitions if p.values and NULL_PARTITION not in p.values.values()]
    return TableDescription(
        table=table,
        column=require_column(table, column) if column else None,
        partitions=sum(bool(p.values) for p in partitions),
        files=sum(len(p.files) for p in partitions),
        bytes=sum(p.bytes for p in partitions),
        rows=_rows(partitions),
        first_partition=dict(filled[0].values) if filled else None,
        last_partition=dict(filled[-1].values) if filled else None,
    )


def find_columns(lake: Lake, column: str, tables: Iterable[str] | None = None) -> list[ColumnMatch]:
    """The columns of that name in all tables (or some); when there is none, those whose names come closest.

    Tables that cannot be read are passed over; the lake's `problems()` has them.

    Args:
        column: a name; case does not count.
        tables: names to look in; all if not given.
    """
    columns = list(_columns(lake, tables))
    wanted = column.lower()
    exact = [ColumnMatch(t, c, exact=True) for t, c in columns if c.name.lower() == wanted]
    if exact:
        return exact
    close = nearest(wanted, sorted({c.name for _, c in columns}))
    return [ColumnMatch(t, c, exact=False) for name in close for t, c in columns if c.name == name]


def require_column(table: Table, name: str) -> Column:
    """The column of that name.

    Raises:
        NotFound: the table has none; carries the nearest names.
    """
    column = table.column(name)
    if column is None:
        raise NotFound("Column", f"{table.name}.{name}", nearest(name, [c.name for c in table.columns]))
    return column


def _columns(lake: Lake, tables: Iterable[str] | None) -> Iterable[tuple[TableName, Column]]:
    for name in map(str, lake.tables()) if tables is None else tables:
        try:
            table = lake.table(name)
        except CopilotError:
            if tables is not None:
                raise
            continue
        yield from ((table.name, column) for column in table.columns)


def _rows(partitions: Iterable[Partition]) -> int | None:
    counts = [p.rows for p in partitions]
    return None if None in counts else sum(c for c in counts if c is not None)


def _column_sentence(column: Column) -> str:
    parts = [f"of type {column.type}"]
    if column.nullable is not None:
        parts.append("nullable" if column.nullable else "never null")
    if column.is_partition:
        parts.append("a partition key")
    return ", ".join(parts) + (f": {quoted(column.comment).rstrip('.')}" if column.comment else "")


def _comment(column: Column) -> str:
    notes = (["partition key"] if column.is_partition else []) + ([quoted(column.comment)] if column.comment else [])
    return "; ".join(notes).replace("|", "\\|").replace("\n", " ")
