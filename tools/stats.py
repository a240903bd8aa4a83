"""What is in a table's columns: one grouped query for everything, file metadata for what it tells for free.

"The newest N days" count from the newest partition that has data, not from today, and the result says which they were.
Every number is exact except `distinct`, which is an estimate on every engine.
"""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlglot import exp

from knowledge.errors import InputError
from tools.lake.base import NULL_PARTITION, Column, Lake, Limits, Partition, QueryResult, Table, TableName
from tools.result import Evidence, counted
from tools.schema import require_column

__all__ = ["ColumnProfile", "DayCount", "Profile", "RowCounts", "Window", "measure", "row_counts"]

_NUMBERS = ("tinyint", "smallint", "integer", "bigint", "real", "double", "decimal")
_ORDERED = (*_NUMBERS, "varchar", "char", "date", "timestamp", "time", "boolean")
_DAY_PARTS = ("year", "month", "day")


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """One column's figures. `distinct`, `min`, `max`, `mean` are None where they do not exist or were left out."""

    name: str
    type: str
    count: int
    nulls: int
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
    """A table's figures over a window, or over all of it."""

    table: TableName
    rows: int
    columns: tuple[ColumnProfile, ...]
    window: Window | None
    by_day: tuple[DayCount, ...]
    values: bool
    bytes_scanned: int
    sql: str
    query_id: str

    @property
    def kind(self) -> str:
        """See `tools.result.Result`."""
        return "stats"

    @property
    def evidence(self) -> tuple[Evidence, ...]:
        """The query that gave the figures."""
        return (Evidence("query", self.query_id, self.sql),)

    @property
    def unknowns(self) -> tuple[str, ...]:
        """Columns without figures beyond their nulls."""
        nested = [f"`{c.name}`" for c in self.columns if not _is_ordered(c.type)]
        return (f"Distinct values, minimum and maximum of nested or binary columns: {', '.join(nested)}.",) * bool(
            nested
        )

    def text(self) -> str:
        """A sentence with the row count, then the columns as a table."""
        where = f" in {self.window}" if self.window else ""
        scanned = f"{counted(self.bytes_scanned, 'byte')} scanned; distinct counts are estimates."
        left_out = "" if self.values else " Values of the data are left out."
        by_day = f" By day: {', '.join(f'{c.day} {c.rows:,}' for c in self.by_day[-14:])}." if self.by_day else ""
        head = f"`{self.table}` has {counted(self.rows, 'row')}{where}.{by_day} {scanned}{left_out}"
        names = ["column", "type", "nulls", "distinct", *(["min", "max", "mean"] if self.values else [])]
        lines = [_row(names), _row(["---"] * len(names)), *(_row(self._cells(c)) for c in self.columns)]
        return "\n".join([head, "", *lines])

    def _cells(self, column: ColumnProfile) -> list[str]:
        share = f" ({column.nulls / self.rows:.1%})" if self.rows and column.nulls else ""
        cells = [f"`{column.name}`", column.type, f"{column.nulls:,}{share}", _shown(column.distinct)]
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
            "unknowns": list(self.unknowns),
        }


def measure(
    lake: Lake,
    name: str,
    columns: Iterable[str] | None = None,
    days: int | None = None,
    *,
    values: bool = True,
    limits: Limits | None = None,
) -> Profile:
    """Figures of a table's columns in one query.

    Args:
        columns: names; all columns if not given.
        days: only the newest N days that have data; see `Window`.
        values: False leaves out minimum, maximum and mean, which show the data itself.

    Raises:
        NotFound, Ambiguous, ReadError: the table or a column.
        InputError: `days` for a table that is not partitioned by day.
        LimitExceeded: it would scan too much.
    """
    table = lake.table(name)
    chosen = [require_column(table, c) for c in dict.fromkeys(columns)] if columns is not None else list(table.columns)
    window, condition, kept = _window(table, lake.partitions(name), days) if days else (None, None, ())
    total = exp.alias_(exp.Count(this=exp.Star(), big_int=True), "rows", quoted=True)
    figures = [figure for i, column in enumerate(chosen) for figure in _figures(column, i, values=values)]
    query = exp.select(total, *figures).from_(_source(table))
    if condition is not None:
        query = query.where(condition)
    result = lake.query(query, limits=limits)
    found = result.dicts()[0]
    return Profile(
        table=table.name,
        rows=found["rows"],
        columns=tuple(_column_profile(c, i, found) for i, c in enumerate(chosen)),
        window=window,
        by_day=_day_counts(table, kept) or (),
        values=values,
        bytes_scanned=result.bytes_scanned,
        sql=result.sql,
        query_id=result.query_id,
    )


def row_counts(lake: Lake, name: str, days: int | None = None, limits: Limits | None = None) -> RowCounts:
    """Rows by day: from file metadata where that tells, else from one grouped query.

    Args:
        days: only the newest N days that have data.

    Raises:
        NotFound, Ambiguous, ReadError: the table.
        InputError: `days` for a table that is not partitioned by day.
    """
    table = lake.table(name)
    partitions = lake.partitions(name)
    window, condition, kept = _window(table, partitions, days) if days else (None, None, partitions)
    known = _day_counts(table, kept)
    if known is not None:
        return RowCounts(table.name, known, window, 0, None)
    result = _counted_by_query(lake, table, condition, limits)
    counts = [DayCount(_label(map(_text, row[:-1])), row[-1]) for row in result.rows]
    return RowCounts(table.name, tuple(counts), window, result.bytes_scanned, result.sql)


def _counted_by_query(lake: Lake, table: Table, condition: exp.Expr | None, limits: Limits | None) -> QueryResult:
    keys = [exp.column(key, quoted=True) for key in _day_keys(table) or [k.name for k in table.partition_keys]]
    total = exp.alias_(exp.Count(this=exp.Star(), big_int=True), "rows", quoted=True)
    query = exp.select(*keys, total).from_(_source(table))
    if keys:
        query = query.group_by(*(k.copy() for k in keys)).order_by(*(k.copy() for k in keys))
    if condition is not None:
        query = query.where(condition)
    return lake.query(query, limits=limits or Limits(rows=100_000))


def _figures(column: Column, number: int, *, values: bool) -> list[exp.Expr]:
    """Aggregates of one column, named by its number: its own name may be any text."""
    name = exp.column(column.name, quoted=True)
    figures: dict[str, exp.Expr] = {"count": exp.Count(this=name, big_int=True)}
    if _is_ordered(column.type):
        figures["distinct"] = exp.ApproxDistinct(this=name.copy())
        if values:
            figures |= {"min": exp.Min(this=name.copy()), "max": exp.Max(this=name.copy())}
        if values and column.type.startswith(_NUMBERS):
            figures["mean"] = exp.Avg(this=exp.cast(name.copy(), "double"))
    return [exp.alias_(value, f"{figure}_{number}", quoted=True) for figure, value in figures.items()]


def _column_profile(column: Column, number: int, found: dict[str, Any]) -> ColumnProfile:
    count = found[f"count_{number}"]
    distinct, low, high, mean = (found.get(f"{figure}_{number}") for figure in ("distinct", "min", "max", "mean"))
    return ColumnProfile(column.name, column.type, count, found["rows"] - count, distinct, low, high, mean)


def _window(
    table: Table, partitions: Sequence[Partition], days: int
) -> tuple[Window | None, exp.Expr | None, Sequence[Partition]]:
    """The newest days among the partitions with data, and the filter that keeps exactly those."""
    keys = _day_keys(table)
    if not keys:
        raise InputError(
            f"Table {table.name} is not partitioned by day, so its newest days cannot be told",
            hint="Ask for the whole table.",
        )
    found = sorted({_day_of(p, keys) for p in partitions if p.rows != 0 and _day_of(p, keys)})
    kept = found[-days:]
    if not kept:
        return None, None, ()
    window = Window(_label(kept[0]), _label(kept[-1]), len(kept), len(found))
    return window, _days_filter(table, keys, kept), [p for p in partitions if _day_of(p, keys) in set(kept)]


def _days_filter(table: Table, keys: Sequence[str], kept: Sequence[tuple[str, ...]]) -> exp.Expr:
    """One key: a range, which every engine prunes by. Several keys (year, month, day): the days one by one."""
    columns = [require_column(table, key) for key in keys]
    if len(columns) == 1:
        column = exp.column(keys[0], quoted=True)
        return exp.Between(this=column, low=_literal(columns[0], kept[0][0]), high=_literal(columns[0], kept[-1][0]))
    return exp.or_(*(_is_day(columns, day) for day in kept))


def _is_day(columns: Sequence[Column], day: Sequence[str]) -> exp.Expr:
    pairs = zip(columns, day, strict=True)
    return exp.and_(*(exp.EQ(this=exp.column(c.name, quoted=True), expression=_literal(c, v)) for c, v in pairs))


def _literal(column: Column, value: str) -> exp.Expr:
    text = exp.Literal.string(value)
    return text if column.type.startswith(("varchar", "char")) else exp.cast(text, column.type, dialect="athena")


def _day_keys(table: Table) -> list[str]:
    """The partition keys that make a day: one of type date, or year, month and day, or one that is called so."""
    keys = table.partition_keys
    by_name = {k.name.lower(): k.name for k in keys}
    if date := next((k.name for k in keys if k.type in ("date", "timestamp")), None):
        return [date]
    if all(part in by_name for part in _DAY_PARTS):
        return [by_name[part] for part in _DAY_PARTS]
    named = next(
        (k.name for k in keys if k.name.lower() in ("dt", "ds", "day", "date") or "date" in k.name.lower()), None
    )
    return [named] if named else []


def _day_of(partition: Partition, keys: Sequence[str]) -> tuple[str, ...]:
    """Its day as sortable text; () for a partition without one."""
    values = [partition.values.get(key, "") for key in keys]
    return tuple(values) if all(values) and NULL_PARTITION not in values else ()


def _day_counts(table: Table, partitions: Sequence[Partition]) -> tuple[DayCount, ...] | None:
    """Rows by day from metadata; None when that does not tell all of them."""
    keys = _day_keys(table) or [k.name for k in table.partition_keys]
    totals: dict[str, int] = {}
    for partition in partitions:
        if partition.rows is None:
            return None
        label = _label(partition.values.get(key, "") for key in keys)
        totals[label] = totals.get(label, 0) + partition.rows
    return tuple(DayCount(day, rows) for day, rows in totals.items())


def _label(values: Iterable[str]) -> str:
    return "-".join(values)


def _source(table: Table) -> exp.Table:
    return exp.table_(table.name.table, db=table.name.database, quoted=True)


def _is_ordered(dtype: str) -> bool:
    return dtype.startswith(_ORDERED)


def _text(value: Any) -> str:
    return "NULL" if value is None else str(value)


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
