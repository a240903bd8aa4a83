"""Which days a simulation is about: those up to the newest that the KPIs' tables have."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from knowledge.errors import CopilotError
from tools.consumers import Consumer
from tools.kpi.compose import Composer, Refused, Window
from tools.kpi.definitions import define
from tools.lake.base import NULL_PARTITION

if TYPE_CHECKING:
    from tools.workspace import Workspace

__all__ = ["as_day", "window_of"]


def window_of(ws: Workspace, kpis: Sequence[Consumer], days: int) -> Window | None:
    """The newest day that any KPI's tables have, by their partitions, else by asking the KPI itself."""
    newest: list[datetime.date] = []
    for kpi in kpis:
        for table in kpi.reading.reads if kpi.reading else ():
            found = _newest_day(ws, table)
            if found is not None:
                newest.append(found)
    if not newest:
        newest = [d for k in kpis if (d := _asked_day(ws, k)) is not None]
    if not newest:
        return None
    last = max(newest)
    return Window(last - datetime.timedelta(days=days - 1), last)


def _newest_day(ws: Workspace, table: str) -> datetime.date | None:
    try:
        values = [v for p in ws.lake.partitions(table) for v in p.values.values() if v != NULL_PARTITION]
    except CopilotError:
        return None
    return max((d for v in values if (d := as_day(v)) is not None), default=None)


def _asked_day(ws: Workspace, kpi: Consumer) -> datetime.date | None:
    try:
        definition = define(kpi)
        query = exp.select(exp.Max(this=exp.column(definition.day, quoted=True))).from_(
            Composer(ws.catalog, {}, frozenset(), None)
            .query(definition.reading.plan, definition.write, definition.day)
            .subquery("k")
        )
        return as_day(ws.lake.query(query).rows[0][0])
    except (CopilotError, Refused, IndexError):
        return None


def as_day(value: Any) -> datetime.date | None:
    """A value as a day, if it is one."""
    if isinstance(value, datetime.datetime):
        return value.date()
    if isinstance(value, datetime.date):
        return value
    try:
        return datetime.date.fromisoformat(str(value)[:10])
    except ValueError:
        return None
