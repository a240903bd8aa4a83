"""The impact report as a tool: what may be asked for, and which report that is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, Field

from knowledge.errors import InputError
from tools.changes import Change, ChangeKind, parse_change

if TYPE_CHECKING:
    from tools.guardian.report import GuardReport
    from tools.workspace import Workspace

__all__ = ["FORMATS", "ReportArgs", "impact_report"]

FORMATS = ("markdown", "json", "html")
_ENDINGS = {"markdown": ".md", "md": ".md", "json": ".json", "html": ".html"}


class ReportArgs(BaseModel):
    """What the report is about: a job, a table (as if it were dropped), or a change in words."""

    model_config = ConfigDict(extra="forbid")

    job: str | None = Field(None, description="a job: it is compared with its last snapshot")
    asset: str | None = Field(None, description="a table")
    change: str | None = Field(None, description='a change in words: "drop column dim_product.product_group"')
    format: str | None = Field(None, description="only this file: markdown, json or html; all three by default")


def impact_report(ws: Workspace, args: ReportArgs) -> GuardReport:
    """The report that is asked for. Raises InputError when nothing is named or a format is not made."""
    from tools.guardian import guard, report_on

    ending = _ending(args.format)
    if args.change:
        report = report_on(ws, parse_change(args.change))
    elif args.job:
        report = guard(ws, args.job)
    elif args.asset:
        report = report_on(ws, _worst(ws, args.asset))
    else:
        raise InputError("a report on what?", hint="Name a job, a table, or a change.")
    return report.only(ending) if ending else report


def _ending(format: str | None) -> str | None:
    if format is None:
        return None
    ending = _ENDINGS.get(format.lower())
    if ending is None:
        raise InputError(f"no {format} report is made", hint=f"There are {', '.join(FORMATS)}; HTML prints to PDF.")
    return ending


def _worst(ws: Workspace, name: str) -> Change:
    """Nothing was said to change: the report is of the asset's loss, which is the worst that can happen to it."""
    asset = ws.assets.find(name, ["table", "column", "job"])
    if asset.kind == "job":
        kind: ChangeKind = "fail_job"
        return Change(kind, job=asset.name)
    if asset.kind == "column":
        return Change("drop_column", table=asset.table, column=asset.column)
    return Change("drop_table", table=asset.name)
