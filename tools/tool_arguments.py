"""What tools take, as models and people may say it: one class for each, checked before a tool is called."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from tools.changes import ChangeKind

__all__ = [
    "AssetKind",
    "ContractArgs",
    "DiffArgs",
    "DocsArgs",
    "DocumentArgs",
    "ImpactArgs",
    "JobArgs",
    "LineageArgs",
    "ListAssetsArgs",
    "RunTestsArgs",
    "SchemaArgs",
    "SimulationArgs",
    "StatsArgs",
    "TableArgs",
    "TestsArgs",
    "WriteArgs",
]


AssetKind = Literal["table", "job", "dashboard", "kpi"]


class _Args(BaseModel):
    model_config = ConfigDict(extra="forbid")


class ListAssetsArgs(_Args):
    """What to list."""

    kind: AssetKind | Literal["column"] | None = Field(None, description="only this kind")
    filter: str | None = Field(None, description="a part of the name")


class SchemaArgs(_Args):
    """Which table, and optionally which column of it."""

    asset: str = Field(description="table, bare or database.table")
    column: str | None = Field(None, description="only this column")


class StatsArgs(_Args):
    """What to measure."""

    asset: str = Field(description="table, bare or database.table")
    column: str | None = Field(None, description="only this column")
    window_days: int | None = Field(None, ge=1, le=3650, description="only the newest N days; 1 is the last day")
    values: bool = Field(True, description="false leaves out values of the data (personal data)")
    scan: bool = Field(True, description="false starts no query: only what metadata tell of the whole table")


class LineageArgs(_Args):
    """Where to start, and how far to go."""

    asset: str = Field(description="table, job, dashboard, KPI, or table.column")
    depth: int | None = Field(None, ge=1, le=50, description="hops; one job, dashboard or KPI is one hop")
    kind: AssetKind | None = Field(None, description="only nodes of this kind")


class ImpactArgs(_Args):
    """A change."""

    change: ChangeKind
    asset: str | None = Field(None, description="the table; the dashboard or KPI for drop_dashboard and drop_kpi")
    column: str | None = Field(None, description="the column, for changes of a column")
    to: str | None = Field(None, description="new name or new type")
    value: str | None = Field(None, description="the value, for new_value and lost_value")
    job: str | None = Field(None, description="the job, for delay_job, fail_job and change_logic")


class JobArgs(_Args):
    """Which job."""

    job: str = Field(description="the job's name")


class DocumentArgs(_Args):
    """What to look for."""

    query: str = Field(description="the question in plain words, with the names in it", min_length=1)
    asset: str | None = Field(None, description="what it is about, when the words do not name it")


class DiffArgs(_Args):
    """Which job, and with what it is compared."""

    job: str = Field(description="the job's name")
    base: str | None = Field(None, description="a git revision such as main; its last snapshot by default")
    new_text: str | None = Field(None, description="the edited script, when it is not the one in the lake")


class SimulationArgs(_Args):
    """Which KPI, and under which change."""

    kpi: str | None = Field(None, description="only this KPI; all of the lake by default")
    job: str | None = Field(None, description="the job that changes")
    window_days: int | None = Field(None, ge=1, le=3650, description="days up to the newest; 90 by default")
    edit: str | None = Field(
        None, description='the change in words or SQL: "exclude rows where quantity < 0", "use a instead of b"'
    )
    new_text: str | None = Field(None, description="the job's edited script")
    sql: str | None = Field(None, description="another query of the KPI, with no job")


class ContractArgs(_Args):
    """Which table, and what people have agreed on that no data can tell."""

    asset: str = Field(description="the table")
    owner: str | None = Field(None, description="the team that answers for it")
    available_by: str | None = Field(None, description="time of day in UTC at which a day's data are there: 06:00")


class DocsArgs(_Args):
    """What to document: a table, or a job."""

    asset: str | None = Field(None, description="a table, job, dashboard or KPI")
    job: str | None = Field(None, description="a job")


class WriteArgs(_Args):
    """Whose drafts: a tool that was called in this thread, with the arguments that it was called with."""

    tool: str = Field(description="the tool that made the drafts")
    args: dict[str, Any] = Field(default_factory=dict, description="its arguments, as they were")


class TestsArgs(_Args):
    """Which table, by its name or by the job that writes it."""

    asset: str | None = Field(None, description="the table")
    column: str | None = Field(None, description="only tests about this column")
    job: str | None = Field(None, description="the job that writes it; its promises are tested")
    format: Literal["dbt", "gx", "soda", "dqdl"] | None = Field(
        None, description="also a file for dbt, Great Expectations, Soda or AWS Glue Data Quality"
    )


class TableArgs(_Args):
    """Which table."""

    asset: str = Field(description="the table")


class RunTestsArgs(_Args):
    """Which table, and which batch of it."""

    asset: str = Field(description="the table")
    partition: str | None = Field(None, description="a batch, such as as_of_date=2026-01-31; the newest by default")
