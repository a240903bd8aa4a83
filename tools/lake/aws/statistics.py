"""What AWS already knows of a table, before anything is scanned: footers, Iceberg's snapshot, Glue's statistics.

Few Parquet files: their footers, exactly. Else the rows that the newest Iceberg snapshot, a crawler or Spark noted, and
the figures of columns that Glue computed, with the day on which it did. Nothing here starts a query.
"""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from knowledge.errors import ConfigError, CopilotError
from tools.lake.aws.costs import Costs
from tools.lake.aws.glue import GlueCatalog
from tools.lake.aws.objects import Objects, Url
from tools.lake.base import ColumnStatistics, Problem, Table, TableStatistics
from tools.lake.footer_statistics import statistics_of

__all__ = ["Snapshot", "current_snapshot", "known"]

_MOST_FOOTERS = 100
"""Files whose footers are read: one small request each."""
_ROW_COUNTS = ("numRows", "spark.sql.statistics.numRows", "recordCount")
"""Where Hive, Spark and Glue's crawlers note how many rows a table had when they looked."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A state of an Iceberg table. `rows` is None where it does not say, or where deletes are still to be applied."""

    id: int
    at: datetime.datetime
    rows: int | None


def known(catalog: GlueCatalog, costs: Costs, objects: Objects, table: Table, report: Any) -> TableStatistics | None:
    """See `Lake.statistics`. What may not be read is a problem that is reported, and the rest counts.

    Raises:
        CopilotError: the files of the table cannot be listed.
    """
    if table.kind == "view":
        return None
    if table.format == "parquet" and (found := _by_footers(costs, objects, table)) is not None:
        return found
    definition = catalog.definition(table.name)
    rows, sources = _rows(objects, definition)
    try:
        columns, analyzed = _columns(catalog.column_statistics(table.name, [c.name for c in table.columns]))
    except ConfigError as error:
        report(Problem(f"statistics of {table.name}", str(table.name), error.message))
        columns, analyzed = {}, None
    if analyzed is not None:
        sources = (*sources, f"AWS Glue column statistics of {analyzed:%Y-%m-%d %H:%M} UTC")
    return TableStatistics(rows, columns, sources, exact=False) if sources else None


def current_snapshot(objects: Objects, definition: Mapping[str, Any]) -> Snapshot | None:
    """The newest snapshot of an Iceberg table by its metadata file; None for another table, or one without rows yet.

    The file's form is that of the Iceberg table specification, "Table Metadata and Snapshots".
    """
    location = (definition.get("Parameters") or {}).get("metadata_location")
    body = objects.read(Url.parse(location)) if location else None
    if body is None:
        return None
    try:
        stated = json.loads(body)
        current = stated.get("current-snapshot-id")
        found = next((s for s in stated.get("snapshots", ()) if s["snapshot-id"] == current), None)
        if found is None:
            return None
        summary = found.get("summary") or {}
        deletes = sum(int(summary.get(f"total-{kind}-deletes", 0)) for kind in ("position", "equality"))
        rows = int(summary["total-records"]) if "total-records" in summary and not deletes else None
        at = datetime.datetime.fromtimestamp(found["timestamp-ms"] / 1000, datetime.UTC).replace(tzinfo=None)
        return Snapshot(int(found["snapshot-id"]), at, rows)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None


def _by_footers(costs: Costs, objects: Objects, table: Table) -> TableStatistics | None:
    files = [(p.values, path) for p in costs.partitions(str(table.name)) for path in p.files]
    if not files or len(files) > _MOST_FOOTERS:
        return None
    with ThreadPoolExecutor(16) as pool:
        footers = list(pool.map(lambda file: costs.footer(Url.parse(file[1])), files))
    if any(f is None for f in footers):
        return None
    return statistics_of(table, [(v, f) for (v, _), f in zip(files, footers, strict=True) if f is not None])


def _rows(objects: Objects, definition: Mapping[str, Any]) -> tuple[int | None, tuple[str, ...]]:
    try:
        snapshot = current_snapshot(objects, definition)
    except CopilotError:  # the catalog's own figures are still there
        snapshot = None
    if snapshot is not None and snapshot.rows is not None:
        return snapshot.rows, (f"Iceberg snapshot {snapshot.id} of {snapshot.at:%Y-%m-%d %H:%M} UTC",)
    parameters = definition.get("Parameters") or {}
    for name in _ROW_COUNTS:
        if str(parameters.get(name, "")).isdigit():
            return int(parameters[name]), (f"the catalog's {name}",)
    return None, ()


def _columns(
    stated: Sequence[Mapping[str, Any]],
) -> tuple[dict[str, ColumnStatistics], datetime.datetime | None]:
    """By column, and the oldest of the days on which Glue computed them."""
    times = [s["AnalyzedTime"].astimezone(datetime.UTC).replace(tzinfo=None) for s in stated]
    return {s["ColumnName"].lower(): _column(s["StatisticsData"]) for s in stated}, min(times, default=None)


def _column(data: Mapping[str, Any]) -> ColumnStatistics:
    """Glue keeps the figures of each type in a member of its own."""
    figures: Mapping[str, Any] = next(iter(v for k, v in data.items() if k != "Type"), {})
    distinct = figures.get("NumberOfDistinctValues")
    if distinct is None and "NumberOfTrues" in figures:
        distinct = sum(figures.get(k, 0) > 0 for k in ("NumberOfTrues", "NumberOfFalses"))
    low, high = (_bound(figures.get(k)) for k in ("MinimumValue", "MaximumValue"))
    return ColumnStatistics(figures.get("NumberOfNulls"), distinct, low, high)


def _bound(value: Any) -> Any:
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.UTC).date()
    if isinstance(value, Mapping):  # a decimal: its unscaled value as big-endian bytes
        return Decimal(int.from_bytes(value["UnscaledValue"], "big", signed=True)).scaleb(-value["Scale"])
    return value
