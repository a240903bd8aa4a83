"""Dashboards and KPIs: what reads the lake without being a job, from `dashboards.json` and `kpis.json`.

With `sql` they are read down to columns as jobs are; with `columns_used` the columns are stated; with neither they are
known at table level only, and every answer says so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal, Protocol, runtime_checkable

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from knowledge.records import DashboardRecord, KpiRecord, record_from_dict
from tools.jobs import JobReading, read_job
from tools.lake.base import Lake, Problem, StatedReader
from tools.plan.catalog import Catalog, Columns, is_path

Level = Literal["column", "table"]


@runtime_checkable
class _KnowsReaders(Protocol):
    def readers(self) -> Sequence[StatedReader]: ...


@dataclass(frozen=True)
class _InDatabase:
    """A catalog in which bare names are looked up in another database first."""

    base: Catalog
    database: str

    def columns(self, name: str) -> Columns | None:
        """See `tools.plan.catalog.Catalog`."""
        return self.base.columns(name)

    def canonical(self, name: str) -> str:
        """See `tools.plan.catalog.Catalog`."""
        bare = name.strip('`"').lower()
        here = f"{self.database}.{bare}"
        return here if "." not in bare and not is_path(bare) and self.base.columns(here) else self.base.canonical(name)


class _Dashboard(BaseModel):
    model_config = ConfigDict(extra="allow")
    dashboard_name: str = Field(min_length=1)
    tables_used: list[str] = []
    sql: str | None = None
    columns_used: list[str] | None = None


class _Kpi(BaseModel):
    model_config = ConfigDict(extra="allow")
    kpi_name: str = Field(min_length=1)
    sql: str = Field(min_length=1)
    depends_on_tables: list[str] = []


@dataclass(frozen=True)
class Consumer:
    """A dashboard or KPI with what it reads.

    `tables` are canonical names; `columns` are (table, column) pairs, None when only tables are known. `reading` is
    its SQL as a plan, when it has any.
    """

    kind: Literal["dashboard", "kpi"]
    name: str
    file: str
    record: DashboardRecord | KpiRecord
    catalog: Catalog
    database: str | None = None  # where bare names of its SQL are looked up first

    @property
    def sql(self) -> str | None:
        """Its SQL, as the user wrote it."""
        return self.record.sql or None

    @cached_property
    def reading(self) -> JobReading | None:
        """Its SQL, read over the catalog as it is."""
        return self.read_over(self.catalog)

    def read_over(self, catalog: Catalog) -> JobReading | None:
        """Its SQL, read over another catalog (a what-if)."""
        if not self.sql:
            return None
        if self.database:
            catalog = _InDatabase(catalog, self.database)
        return read_job(self.sql, name=self.name, file=f"{self.file} ({self.name})", language="sql", catalog=catalog)

    @cached_property
    def declared_tables(self) -> tuple[str, ...]:
        """Tables it names itself, canonical."""
        record = self.record
        names = record.tables_used if isinstance(record, DashboardRecord) else record.depends_on_tables
        return tuple(dict.fromkeys(self.catalog.canonical(n) for n in names))

    @cached_property
    def tables(self) -> tuple[str, ...]:
        """All tables it reads: declared, in its SQL, and of its columns."""
        from_sql = self.reading.reads if self.reading else []
        from_columns = [t for t, _ in self.stated_columns]
        return tuple(dict.fromkeys([*from_sql, *from_columns, *self.declared_tables]))

    @cached_property
    def stated_columns(self) -> tuple[tuple[str, str], ...]:
        """`columns_used` as (table, column): `table.column`, or a bare column of its only or matching tables."""
        listed = self.record.columns_used if isinstance(self.record, DashboardRecord) else None
        return tuple(pair for name in listed or () for pair in self._placed(name))

    def _placed(self, name: str) -> list[tuple[str, str]]:
        table, _, column = name.rpartition(".")
        if table:
            return [(self.catalog.canonical(table), column.lower())]
        having = [
            t
            for t in self.declared_tables
            if any(n.lower() == column.lower() for n, _ in self.catalog.columns(t) or ())
        ]
        return [(t, column.lower()) for t in having or self.declared_tables]

    @property
    def level(self) -> Level:
        """Whether its columns are known."""
        has_columns = isinstance(self.record, DashboardRecord) and self.record.columns_used is not None
        return "column" if has_columns or (self.reading is not None and self.reading.readable) else "table"


def load_consumers(lake: Lake, catalog: Catalog) -> tuple[list[Consumer], list[Problem]]:
    """Reads both files. An entry that cannot be used becomes a problem; the others stay."""
    consumers: list[Consumer] = []
    problems: list[Problem] = []
    for file, kind, model in (("dashboards.json", "dashboard", _Dashboard), ("kpis.json", "kpi", _Kpi)):
        entries, trouble = _entries(lake, file)
        problems += trouble
        seen: set[str] = set()
        for position, entry in enumerate(entries):
            try:
                data = model.model_validate(entry).model_dump(exclude_unset=True)
            except ValidationError as error:
                problems.append(Problem("entry", f"{file} entry {position + 1}", _why(error)))
                continue
            record = record_from_dict(data)
            if record.name in seen:
                problems.append(Problem("entry", f"{file} entry {position + 1}", f"{record.name!r} is there twice"))
                continue
            seen.add(record.name)
            consumers.append(Consumer(kind, record.name, file, record, catalog))  # type: ignore[arg-type]
    taken = {c.name for c in consumers}
    return [*consumers, *(_elsewhere(lake, catalog, taken) if isinstance(lake, _KnowsReaders) else ())], problems


def _elsewhere(lake: _KnowsReaders, catalog: Catalog, taken: set[str]) -> list[Consumer]:
    """Readers that the lake's services keep. One that shares its name with another is called by its place; one that
    reads nothing of this lake is none of it.
    """
    found = []
    for reader in lake.readers():
        name = reader.name if reader.name not in taken else f"{reader.name} ({reader.where})"
        taken.add(name)
        record = record_from_dict({**reader.entry, "dashboard_name": name})
        assert isinstance(record, DashboardRecord)
        consumer = Consumer("dashboard", name, reader.where, record, catalog, reader.database)
        if any(catalog.columns(t) is not None for t in consumer.tables):
            found.append(consumer)
    return found


def _entries(lake: Lake, file: str) -> tuple[list[Mapping[str, Any]], list[Problem]]:
    text = lake.read_text(file)
    if text is None:
        return [], []
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        return [], [Problem("file", f"{file}:{error.lineno}", f"is not JSON: {error.msg}")]
    if not isinstance(data, list):
        return [], [Problem("file", file, "has to be a list of entries")]
    return data, []


def _why(error: ValidationError) -> str:
    first = error.errors()[0]
    where = ".".join(str(p) for p in first["loc"])
    return f"{where}: {first['msg'].lower()}" if where else str(first["msg"])
