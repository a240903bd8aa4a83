"""What the footers of a table's Parquet files say together: rows, and nulls, smallest and largest of each column.

A footer is a few kilobytes at the end of a file, so this is had without reading a row, and it is exact. Text has no
smallest and largest here, since writers cut them short; nor have nested columns. This module reads no files: it is
given the footers.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tools.lake.base import NULL_PARTITION, Column, ColumnStatistics, Table, TableStatistics

if TYPE_CHECKING:
    import pyarrow.parquet as pq

__all__ = ["statistics_of"]

_NUMBERS = ("tinyint", "smallint", "integer", "bigint", "real", "double", "decimal")


@dataclass
class _Sum:
    """One column over the files so far. `nulls` is None once a file does not tell; `bounded` is False likewise."""

    nulls: int | None = 0
    bounded: bool = True
    low: Any = None
    high: Any = None

    def add(self, other: _Sum) -> None:
        self.nulls = None if self.nulls is None or other.nulls is None else self.nulls + other.nulls
        self.bounded = self.bounded and other.bounded
        for value in (other.low, other.high):
            if value is not None and self.bounded:
                self.low = value if self.low is None or value < self.low else self.low
                self.high = value if self.high is None or value > self.high else self.high


def statistics_of(
    table: Table, files: Iterable[tuple[Mapping[str, str], pq.FileMetaData]], what: str = "Parquet footers"
) -> TableStatistics:
    """Sums up footers. A column that a file does not have is NULL in all of its rows, as it is for Athena.

    Args:
        files: partition values and footer of each file of the table.
        what: where they are from, in words.
    """
    rows, count = 0, 0
    sums = {c.name: _Sum() for c in table.columns}
    values: dict[str, set[str]] = {k.name: set() for k in table.partition_keys}
    for partition, footer in files:
        count += 1
        rows += footer.num_rows
        found = _columns(footer)
        for column in table.columns:
            if column.is_partition:
                value = partition.get(column.name, NULL_PARTITION)
                if footer.num_rows and value != NULL_PARTITION:
                    values[column.name].add(value)
                sums[column.name].add(_Sum(footer.num_rows if value == NULL_PARTITION else 0))
            else:
                sums[column.name].add(found.get(column.name.lower(), _Sum(footer.num_rows)))
    columns = {c.name: _told(c, sums[c.name], values.get(c.name)) for c in table.columns}
    return TableStatistics(rows, columns, (f"{what} of {count:,} {'file' if count == 1 else 'files'}",), exact=True)


def _told(column: Column, found: _Sum, partitions: set[str] | None) -> ColumnStatistics:
    if partitions is not None:
        values = sorted(v for text in partitions if (v := _parsed(column, text)) is not None)
        low, high = (values[0], values[-1]) if values else (None, None)
        return ColumnStatistics(found.nulls, len(partitions), low, high)
    kept = found.bounded and _fits(column.type, found.low)
    return ColumnStatistics(found.nulls, None, found.low if kept else None, found.high if kept else None)


def _columns(footer: pq.FileMetaData) -> dict[str, _Sum]:
    """Top-level columns by folded name; of a nested one the footer counts only what is inside."""
    found: dict[str, _Sum] = {}
    for group in range(footer.num_row_groups):
        chunks = footer.row_group(group)
        for number in range(footer.num_columns):
            chunk = chunks.column(number)
            name, _, inner = chunk.path_in_schema.partition(".")
            one = _Sum(None, bounded=False) if inner else _chunk(chunk)
            found.setdefault(name.lower(), _Sum()).add(one)
    return found


def _chunk(chunk: pq.ColumnChunkMetaData) -> _Sum:
    if not chunk.num_values:
        return _Sum()
    told = chunk.statistics
    if told is None:
        return _Sum(None, bounded=False)
    nulls = told.null_count if told.has_null_count else None
    if not told.has_min_max:  # as for a chunk that is all NULL, which bounds nothing
        return _Sum(nulls, bounded=nulls == chunk.num_values)
    return _Sum(nulls, True, _plain(told.min), _plain(told.max))


def _plain(value: Any) -> Any:
    """A bound as Athena shows it: times in UTC without a zone."""
    return value.replace(tzinfo=None) if isinstance(value, datetime.datetime) else value


def _fits(athena_type: str, value: Any) -> bool:
    """Whether a bound is of the type that the catalog states: a file may be older than that."""
    if athena_type.startswith(_NUMBERS):
        return isinstance(value, int | float | Decimal) and not isinstance(value, bool)
    if athena_type.startswith("timestamp"):
        return isinstance(value, datetime.datetime)
    if athena_type == "date":
        return isinstance(value, datetime.date) and not isinstance(value, datetime.datetime)
    return athena_type == "boolean" and isinstance(value, bool)


def _parsed(column: Column, text: str) -> Any:
    try:
        if column.type in ("tinyint", "smallint", "integer", "bigint"):
            return int(text)
        return datetime.date.fromisoformat(text) if column.type == "date" else text
    except ValueError:
        return None
