"""What was measured of a table, as a result: figures by column, rows by day, and what was not to be had."""

from __future__ import annotations

import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from tools.lake.base import TableName
from tools.result import Evidence, counted, listed

__all__ = ["ColumnProfile", "DayCount", "Profile", "RowCounts", "Window", "is_ordered"]

NUMBERS = ("tinyint", "smallint", "integer", "bigint", "real", "double", "decimal")
_ORDERED = (*NUMBERS, "varchar", "char", "date", "timestamp", "time", "boolean")


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """One column's figures; None where they do not exist, were left out, or are not known without a scan."""

    name: str
    type: str
    count: int | None
    nulls: int | None
    distinct: int | None = None
    min: Any = None
    max: Any = None
    mean: float | None = None

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it; dates and decimals as text."""
        return {
            "name": self.name,
            "type": self.type,
            "count": self.count,
            "nulls": self.nulls,
            "distinct": self.distinct,
            "min": _plain(self.min),
            "max": _plain(self.max),
            "mean": self.mean,
        }


@dataclass(frozen=True, slots=True)
class Window:
    """The newest days with data: which they are, and out of how many."""

    first: str
    last: str
    days: int
    of: int

    def __str__(self) -> str:
        if self.days == 1:
            return f"the newest day with data, {self.last}"
        return f"the newest {self.days} of {counted(self.of, 'day')} with data, {self.first} to {self.last}"

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {"first": self.first, "last": self.last, "days": self.days, "of": self.of}


@dataclass(frozen=True, slots=True)
class DayCount:
    """Rows of one day (or one partition, where the table has no days)."""

    day: str
    rows: int

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {"day": self.day, "rows": self.rows}


@dataclass(frozen=True, slots=True)
class RowCounts:
    """Rows by day, oldest first. `sql` is None when file metadata told them and nothing was scanned."""

    table: TableName
    counts: tuple[DayCount, ...]
    window: Window | None
    bytes_scanned: int
    sql: str | None

    @property
    def rows(self) -> int:
        """All of them."""
        return sum(c.rows for c in self.counts)

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "table": str(self.table),
            "rows": self.rows,
            "counts": [c.to_dict() for c in self.counts],
            "window": self.window.to_dict() if self.window else None,
            "bytes_scanned": self.bytes_scanned,
            "sql": self.sql,
        }


@dataclass(frozen=True, slots=True)
class Profile:
    """A table's figures over a window, or over all of it.

    Attributes:
        sql: the query that gave them; None when nothing was scanned.
        sources: what gave them without a scan, in words.
        unscanned: why nothing was scanned, and what is therefore missing.
    """

    table: TableName
    rows: int | None
    columns: tuple[ColumnProfile, ...]
    window: Window | None
    by_day: tuple[DayCount, ...]
    values: bool
    bytes_scanned: int
    sql: str | None
    query_id: str
    sources: tuple[str, ...] = ()
    unscanned: tuple[str, ...] = ()

    @property
    def kind(self) -> str:
        """See `tools.result.Result`."""
        return "stats"

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """What gave the figures: the query, or the metadata."""
        if self.sql is None:
            return tuple(Evidence("catalog", str(self.table), source) for source in self.sources)
        return (Evidence("query", self.query_id, self.sql),)

    @property
    def unknowns(self) -> tuple[str, ...]:
        """Columns without figures beyond their nulls, and what only a scan would tell."""
        nested = [f"`{c.name}`" for c in self.columns if not is_ordered(c.type)]
        said = f"Distinct values, minimum and maximum of nested or binary columns: {', '.join(nested)}."
        return (*self.unscanned, *((said,) if nested else ()))

    def text(self) -> str:
        """A sentence with the row count, then the columns as a table."""
        where = f" in {self.window}" if self.window else ""
        scanned = f"{counted(self.bytes_scanned, 'byte')} scanned; distinct counts are estimates."
        if self.sql is None:
            scanned = f"Nothing was scanned: this is from {listed(self.sources)}."
        left_out = "" if self.values else " Values of the data are left out."
        by_day = f" By day: {', '.join(f'{c.day} {c.rows:,}' for c in self.by_day[-14:])}." if self.by_day else ""
        rows = "an unknown number of rows" if self.rows is None else counted(self.rows, "row")
        head = f"`{self.table}` has {rows}{where}.{by_day} {scanned}{left_out}"
        names = ["column", "type", "nulls", "distinct", *(["min", "max", "mean"] if self.values else [])]
        lines = [_row(names), _row(["---"] * len(names)), *(_row(self._cells(c)) for c in self.columns)]
        return "\n".join([head, "", *lines])

    def _cells(self, column: ColumnProfile) -> list[str]:
        share = f" ({column.nulls / self.rows:.1%})" if self.rows and column.nulls else ""
        cells = [f"`{column.name}`", column.type, f"{_shown(column.nulls)}{share}", _shown(column.distinct)]
        return [*cells, *map(_shown, (column.min, column.max, column.mean))] if self.values else cells

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "table": str(self.table),
            "rows": self.rows,
            "columns": [c.to_dict() for c in self.columns],
            "window": self.window.to_dict() if self.window else None,
            "by_day": [c.to_dict() for c in self.by_day],
            "values": self.values,
            "bytes_scanned": self.bytes_scanned,
            "sql": self.sql,
            "query_id": self.query_id,
            "sources": list(self.sources),
            "unknowns": list(self.unknowns),
        }


def is_ordered(dtype: str) -> bool:
    """Whether values of an Athena type have a smallest and a largest."""
    return dtype.startswith(_ORDERED)


def _plain(value: Any) -> Any:
    """A value that JSON can carry."""
    if isinstance(value, datetime.date | datetime.time):  # a datetime is a date
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.6g}" if abs(value) < 1e3 else f"{value:,.2f}"
    text = f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(_plain(value))
    return (text if len(text) <= 40 else text[:39] + "…").replace("|", "\\|").replace("\n", " ")


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"
