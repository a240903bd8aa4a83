"""The record types that outlive a run: jobs, tables, dashboards, KPIs, and snapshots of what was read.

Job and table records keep the user's format (`object_type`, `object_name`, `reads_from`, …) and add to it; keys that a
person put there and we do not know are kept. This module knows no storage and no tool.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar

__all__ = [
    "DashboardRecord",
    "JobRecord",
    "KpiRecord",
    "Record",
    "Snapshot",
    "TableRecord",
    "record_from_dict",
]


@dataclass(frozen=True)
class _Named:
    """Common part: a name, and keys that are carried along without being understood."""

    object_type: ClassVar[str]
    name: str
    extra: Mapping[str, Any] = field(default_factory=dict, kw_only=True)

    @property
    def key(self) -> tuple[str, str]:
        """What identifies the record in a store."""
        return (self.object_type, self.name)


@dataclass(frozen=True)
class JobRecord(_Named):
    """A job: what it reads and writes, the edges between columns, and which text that was read from.

    `columns` are edges with role, file, line, expression and confidence. `confidence` is low when a part could not be
    read. `plan_hash` stays the same while only the layout, comments or names inside the text change.
    """

    object_type: ClassVar[str] = "JOB"
    reads_from: tuple[str, ...] = ()
    writes_to: tuple[str, ...] = ()
    columns: tuple[Mapping[str, Any], ...] = ()
    unknowns: tuple[Mapping[str, Any], ...] = ()
    file: str | None = None
    code_hash: str | None = None
    analyzed_at: str | None = None
    plan_hash: str | None = None
    arguments: Mapping[str, str] = field(default_factory=dict)
    confidence: str = "high"

    def to_dict(self) -> dict[str, Any]:
        """The user's format first, then what we add."""
        return {
            "object_type": self.object_type,
            "object_name": self.name,
            "reads_from": list(self.reads_from),
            "writes_to": list(self.writes_to),
            "columns": [dict(c) for c in self.columns],
            "unknowns": [dict(u) for u in self.unknowns],
            "file": self.file,
            "code_hash": self.code_hash,
            "plan_hash": self.plan_hash,
            "arguments": dict(self.arguments),
            "confidence": self.confidence,
            "analyzed_at": self.analyzed_at,
            **self.extra,
        }


@dataclass(frozen=True)
class TableRecord(_Named):
    """A table: which jobs write and read it, and its columns as last seen."""

    object_type: ClassVar[str] = "TABLE"
    written_by: tuple[str, ...] = ()
    read_by: tuple[str, ...] = ()
    columns: tuple[Mapping[str, Any], ...] = ()
    analyzed_at: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """The user's format first, then what we add."""
        return {
            "object_type": self.object_type,
            "object_name": self.name,
            "written_by": list(self.written_by),
            "read_by": list(self.read_by),
            "columns": [dict(c) for c in self.columns],
            "analyzed_at": self.analyzed_at,
            **self.extra,
        }


@dataclass(frozen=True)
class DashboardRecord(_Named):
    """A dashboard as `dashboards.json` states it. Without `sql` or `columns_used` it is known at table level only."""

    object_type: ClassVar[str] = "DASHBOARD"
    tables_used: tuple[str, ...] = ()
    sql: str | None = None
    columns_used: tuple[str, ...] | None = None

    def to_dict(self) -> dict[str, Any]:
        """The user's format."""
        data: dict[str, Any] = {"dashboard_name": self.name, "tables_used": list(self.tables_used)}
        if self.sql is not None:
            data["sql"] = self.sql
        if self.columns_used is not None:
            data["columns_used"] = list(self.columns_used)
        return {**data, **self.extra}


@dataclass(frozen=True)
class KpiRecord(_Named):
    """A KPI as `kpis.json` states it."""

    object_type: ClassVar[str] = "KPI"
    sql: str = ""
    depends_on_tables: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """The user's format."""
        return {
            "kpi_name": self.name,
            "sql": self.sql,
            "depends_on_tables": list(self.depends_on_tables),
            **self.extra,
        }


Record = JobRecord | TableRecord | DashboardRecord | KpiRecord


@dataclass(frozen=True)
class Snapshot:
    """What one object looked like when it was analyzed. Snapshots are appended and never changed."""

    object_type: str
    name: str
    taken_at: str
    content_hash: str
    content: Mapping[str, Any]


def record_from_dict(data: Mapping[str, Any]) -> Record:
    """The inverse of `to_dict`, for every record type; unknown keys land in `extra`.

    Raises ValueError when the data is none of the record formats.
    """
    if "dashboard_name" in data:
        return _dashboard(data)
    if "kpi_name" in data:
        return _kpi(data)
    kind = data.get("object_type")
    if kind == "JOB":
        return JobRecord(
            data["object_name"],
            tuple(data.get("reads_from", ())),
            tuple(data.get("writes_to", ())),
            tuple(data.get("columns", ())),
            tuple(data.get("unknowns", ())),
            data.get("file"),
            data.get("code_hash"),
            data.get("analyzed_at"),
            data.get("plan_hash"),
            dict(data.get("arguments") or {}),
            data.get("confidence", "high"),
            extra=_rest(data, _JOB_KEYS),
        )
    if kind == "TABLE":
        return TableRecord(
            data["object_name"],
            tuple(data.get("written_by", ())),
            tuple(data.get("read_by", ())),
            tuple(data.get("columns", ())),
            data.get("analyzed_at"),
            extra=_rest(data, _TABLE_KEYS),
        )
    raise ValueError(f"not a job, table, dashboard or KPI record: {sorted(data)}")


_JOB_KEYS = frozenset(JobRecord("").to_dict())
_TABLE_KEYS = frozenset(TableRecord("").to_dict())
_DASHBOARD_KEYS = frozenset({"dashboard_name", "tables_used", "sql", "columns_used"})
_KPI_KEYS = frozenset({"kpi_name", "sql", "depends_on_tables"})


def _dashboard(data: Mapping[str, Any]) -> DashboardRecord:
    used = data.get("columns_used")
    return DashboardRecord(
        data["dashboard_name"],
        tuple(data.get("tables_used", ())),
        data.get("sql"),
        tuple(used) if used is not None else None,
        extra=_rest(data, _DASHBOARD_KEYS),
    )


def _kpi(data: Mapping[str, Any]) -> KpiRecord:
    return KpiRecord(
        data["kpi_name"],
        data.get("sql", ""),
        tuple(data.get("depends_on_tables", ())),
        extra=_rest(data, _KPI_KEYS),
    )


def _rest(data: Mapping[str, Any], known: frozenset[str]) -> dict[str, Any]:
    return {k: v for k, v in data.items() if k not in known}
