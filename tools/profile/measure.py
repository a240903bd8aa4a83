"""Measures a table batch by batch: one grouped query over all batches for a group of columns.

Engines that store columns bill only those that a query names, so a wide table is measured in several queries without
reading more; a table of usual width takes one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlglot import exp

from tools.lake.base import Column, Lake, Limits, Table
from tools.profile.batches import WHOLE, Batches
from tools.profile.figures import BatchFigures, Figure, Value, figures_of, plain

__all__ = ["duplicates_of", "profile_batches", "source_of"]

_FIGURES_PER_QUERY = 600
_WIDEST = 300
"""Tables with more columns than this are not searched for equal rows."""


def profile_batches(
    lake: Lake,
    batches: Batches,
    columns: Iterable[Column] | None = None,
    *,
    figures: Mapping[str, Iterable[str]] | None = None,
    duplicates: bool = True,
    dear: bool = True,
    limits: Limits | None = None,
) -> list[BatchFigures]:
    """Figures of some columns for each batch, in the order of the batches; a batch without rows has its zero counts.

    Args:
        columns: all of the table's if not given; keys that cut it are never measured.
        figures: column name -> the figures wanted; every figure of a column that is not in it.
        duplicates: also count equal rows.
        dear: False leaves out quantiles.

    Raises:
        LimitExceeded, QueryError, ReadError: see `Lake.query`.
    """
    if not batches.items:
        return []
    keys = {k.name for k in batches.keys}
    wanted = [c for c in (columns if columns is not None else batches.table.columns) if c.name not in keys]
    jobs = [
        (c, f) for c in wanted for f in figures_of(c, figures.get(c.name) if figures else None) if dear or not f.dear
    ]
    counted = duplicates_of(batches.table) if duplicates else None
    chunks = [jobs[i : i + _FIGURES_PER_QUERY] for i in range(0, len(jobs), _FIGURES_PER_QUERY)] or [[]]
    found: dict[str, dict[str, dict[str, Value]]] = {label: {} for label in batches.labels}
    totals: dict[str, tuple[int, int | None]] = {}
    for number, chunk in enumerate(chunks):
        rows = _run(lake, batches, chunk, counted if number == 0 else None, limits)
        for label, row in rows.items():
            totals.setdefault(label, (row["rows"], row.get("duplicates")))
            for i, (column, figure) in enumerate(chunk):
                found[label].setdefault(column.name, {})[figure.name] = plain(row[f"f{i}"])
    return [
        BatchFigures(b.label, *_split(totals.get(b.label), found[b.label]), b.loaded_at, _second(totals.get(b.label)))
        for b in batches.items
    ]


def _split(total: tuple[int, int | None] | None, columns: Mapping[str, Any]) -> tuple[int, Mapping[str, Any]]:
    return (total[0] if total else 0), columns


def _second(total: tuple[int, int | None] | None) -> int | None:
    return total[1] if total else None


def _run(
    lake: Lake,
    batches: Batches,
    chunk: Sequence[tuple[Column, Figure]],
    duplicates: exp.Expr | None,
    limits: Limits | None,
) -> dict[str, dict[str, Any]]:
    """Result rows by batch label."""
    keys = batches.key_columns()
    query = exp.select(*keys).from_(source_of(batches.table))
    query = query.select(exp.alias_(exp.Count(this=exp.Star(), big_int=True), "rows", quoted=True))
    if duplicates is not None:
        query = query.select(exp.alias_(duplicates, "duplicates", quoted=True))
    query = query.select(*(exp.alias_(f.of(c), f"f{i}", quoted=True) for i, (c, f) in enumerate(chunk)))
    if keys:
        query = query.group_by(*(k.copy() for k in keys))
        query = query.where(batches.condition())
    result = lake.query(query, limits=_rows(limits, len(batches.items) + 1))
    names = [k.name for k in batches.keys]
    return {batches.label_of([row[n] for n in names]) if names else WHOLE: row for row in result.dicts()}


def duplicates_of(table: Table) -> exp.Expr | None:
    """Rows beyond the first of equal ones, as an aggregate; None for a table too wide to compare whole rows."""
    if not table.columns or len(table.columns) > _WIDEST:
        return None
    whole = exp.Anonymous(this="ROW", expressions=[exp.column(c.name, quoted=True) for c in table.columns])
    distinct = exp.Count(this=exp.Distinct(expressions=[whole]), big_int=True)
    return exp.Sub(this=exp.Count(this=exp.Star(), big_int=True), expression=distinct)


def source_of(table: Table) -> exp.Table:
    """The table as a query names it."""
    return exp.table_(table.name.table, db=table.name.database, quoted=True)


def _rows(limits: Limits | None, rows: int) -> Limits:
    given = limits or Limits(bytes=2**63, seconds=900.0)
    return Limits(rows=max(rows, given.rows), bytes=given.bytes, seconds=given.seconds)
