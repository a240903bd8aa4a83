"""What is in a table's columns: one grouped query for everything, metadata for what they tell for free.

"The newest N days" count from the newest partition that has data, not from today, and the result says which they were.
Every number of a query is exact except `distinct`, which is an estimate on every engine. Where a query would scan more
than is allowed, what the files' footers or the catalog know is told instead, and the result says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlglot import exp

from knowledge.errors import InputError, LimitExceeded
from tools.lake.base import (
    NULL_PARTITION,
    Column,
    ColumnStatistics,
    Lake,
    Limits,
    Partition,
    QueryResult,
    Table,
    TableStatistics,
)
from tools.schema import require_column
from tools.stats.result import NUMBERS, ColumnProfile, DayCount, Profile, RowCounts, Window, is_ordered

__all__ = ["measure", "row_counts"]

_DAY_PARTS = ("year", "month", "day")


def measure(
    lake: Lake,
    name: str,
    columns: Iterable[str] | None = None,
    days: int | None = None,
    *,
    values: bool = True,
    scan: bool = True,
    limits: Limits | None = None,
) -> Profile:
    """Figures of a table's columns in one query; without one where it would scan too much, or is not wanted.

    Args:
        columns: names; all columns if not given.
        days: only the newest N days that have data; see `Window`.
        values: False leaves out minimum, maximum and mean, which show the data itself.
        scan: False starts no query: only what metadata tell of the whole table.

    Raises:
        NotFound, Ambiguous, ReadError: the table or a column.
        InputError: `days` for a table that is not partitioned by day, or without a scan; nothing is known without one.
        LimitExceeded: it would scan too much, and nothing is known without.
    """
    table = lake.table(name)
    chosen = [require_column(table, c) for c in dict.fromkeys(columns)] if columns is not None else list(table.columns)
    if not scan:
        return _unscanned(lake, table, chosen, days, values=values)
    window, condition, kept = _window(table, lake.partitions(name), days) if days else (None, None, ())
    total = exp.alias_(exp.Count(this=exp.Star(), big_int=True), "rows", quoted=True)
    figures = [figure for i, column in enumerate(chosen) for figure in _figures(column, i, values=values)]
    query = exp.select(total, *figures).from_(_source(table))
    if condition is not None:
        query = query.where(condition)
    try:
        result = lake.query(query, limits=limits)
    except LimitExceeded as error:
        known = None if days else lake.statistics(str(table.name))
        if known is None:
            raise
        return _from_metadata(table, chosen, known, f"{error.what}.", values=values)
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


def _unscanned(lake: Lake, table: Table, columns: Sequence[Column], days: int | None, *, values: bool) -> Profile:
    if days:
        raise InputError("Without a scan only the whole table is told, not its newest days", hint="Leave one out.")
    known = lake.statistics(str(table.name))
    if known is None:
        hint = "Only Parquet and Iceberg tables, and those with statistics in the catalog, are told without a scan."
        raise InputError(f"Nothing is known of {table.name} without a scan", hint=hint)
    return _from_metadata(table, columns, known, "No scan was asked for.", values=values)


def _from_metadata(
    table: Table, columns: Sequence[Column], known: TableStatistics, why: str, *, values: bool
) -> Profile:
    missing = "What only the rows tell is missing: means" if values else "What only the rows tell is missing"
    age = "" if known.exact else " The figures are estimates, or older than the data."
    found = [(c, known.columns.get(c.name, ColumnStatistics())) for c in columns]
    return Profile(
        table=table.name,
        rows=known.rows,
        columns=tuple(
            ColumnProfile(
                name=c.name,
                type=c.type,
                count=None if known.rows is None or s.nulls is None else known.rows - s.nulls,
                nulls=s.nulls,
                distinct=s.distinct,
                min=s.min if values else None,
                max=s.max if values else None,
            )
            for c, s in found
        ),
        window=None,
        by_day=(),
        values=values,
        bytes_scanned=0,
        sql=None,
        query_id="",
        sources=known.sources,
        unscanned=(f"{why} {missing}, and whatever is left empty.{age}",),
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
    if is_ordered(column.type):
        figures["distinct"] = exp.ApproxDistinct(this=name.copy())
        if values:
            figures |= {"min": exp.Min(this=name.copy()), "max": exp.Max(this=name.copy())}
        if values and column.type.startswith(NUMBERS):
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


def _text(value: Any) -> str:
    return "NULL" if value is None else str(value)
