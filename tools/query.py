"""One question in SQL: a single read-only SELECT through the lake's guard, with what it cost.

Rows beyond what is shown are counted exactly while they were fetched, and said to be more where they were not. Each
column carries the source columns that its values come from, so that whoever hides values knows an alias for what it is.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field
from sqlglot import errors, exp, parse_one

from tools.jobs import read_job
from tools.lake.guard import check, parse_athena
from tools.plan.lineage import column_edges
from tools.quoting import quoted
from tools.result import Evidence, counted

if TYPE_CHECKING:
    from tools.workspace import Workspace

__all__ = ["QueryAnswer", "QueryArgs", "run_query"]

_TEXT_ROWS, _TEXT_CELL = 20, 60
_COUNTS = (exp.Count, exp.CountIf, exp.ApproxDistinct)


class QueryArgs(BaseModel):
    """What to run."""

    model_config = ConfigDict(extra="forbid")
    sql: str = Field(description="one SELECT in Athena SQL; tables as database.table or bare", min_length=1)
    rows: int | None = Field(None, ge=1, le=10_000, description="fetch at most so many rows")


@dataclass(frozen=True)
class QueryAnswer:
    """Rows of a query. `more` says that there are rows that were not fetched; `sources` go with `columns`."""

    kind = "query"
    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    more: bool
    sources: tuple[tuple[str, ...], ...]
    sql: str
    query_id: str
    bytes_scanned: int

    @property
    def evidence(self) -> Sequence[Evidence]:
        """The query, by its id."""
        return (Evidence("query", self.query_id, self.sql),)

    @property
    def unknowns(self) -> Sequence[str]:
        """That the rest was not fetched."""
        return (f"how many rows there are beyond the {len(self.rows):,} that were fetched",) if self.more else ()

    def text(self) -> str:
        """How many rows, at what cost, then the first of them as a table."""
        count = f"more than {counted(len(self.rows), 'row')}" if self.more else counted(len(self.rows), "row")
        head = f"The query gives {count}. {counted(self.bytes_scanned, 'byte')} scanned, query `{self.query_id}`."
        if not self.rows:
            return head
        shown = self.rows[:_TEXT_ROWS]
        lines = [_line(self.columns), _line(["---"] * len(self.columns)), *(_line(map(_cell, row)) for row in shown)]
        return "\n".join([head, "", *lines, *self._rest(len(shown))])

    def _rest(self, shown: int) -> list[str]:
        left = len(self.rows) - shown
        if self.more:
            return ["", f"{left:,} more were fetched, and there are more than these: narrow the query to see all."]
        return ["", f"{left:,} more."] if left else []

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it; dates and decimals as text."""
        return {
            "columns": list(self.columns),
            "types": list(self.types),
            "rows": [[_plain(value) for value in row] for row in self.rows],
            "fetched": len(self.rows),
            "more": self.more,
            "sources": [list(s) for s in self.sources],
            "sql": self.sql,
            "query_id": self.query_id,
            "bytes_scanned": self.bytes_scanned,
        }


def run_query(ws: Workspace, sql: str, rows: int | None = None) -> QueryAnswer:
    """Runs one SELECT; `rows` caps what is fetched, within the settings' limit.

    Raises QueryRefused for anything but reading, LimitExceeded, or QueryError with the engine's reason.
    """
    check(parse_athena(sql))
    allowed = ws.settings.query_limits
    limits = replace(allowed, rows=min(rows, allowed.rows)) if rows else allowed
    found = ws.lake.query(sql, limits=limits)
    return QueryAnswer(
        found.columns,
        found.types,
        found.rows,
        found.more,
        _sources(ws, sql, found.columns),
        sql.strip(),
        found.query_id,
        found.bytes_scanned,
    )


def _sources(ws: Workspace, sql: str, columns: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """Source columns behind each column. One that cannot be traced gets all that the query takes values from."""
    reading = read_job(sql, name="query", file="query", language="sql", catalog=ws.catalog)
    edges = [e for e in column_edges(reading.plan) if e.role in ("value", "window") and not _counts(e.expression)]
    every = tuple(dict.fromkeys(f"{e.source}.{e.source_column}" for e in edges))
    known = {c.lower() for w in reading.plan.writes for a in w.assignments if (c := a.column)}
    traced = {
        name: tuple(dict.fromkeys(f"{e.source}.{e.source_column}" for e in edges if _same(e.target_column, name)))
        for name in columns
    }
    return tuple(traced[name] if name.lower() in known and columns.count(name) == 1 else every for name in columns)


def _same(target: str | None, name: str) -> bool:
    return target is None or target.lower() == name.lower()


def _counts(expression: str | None) -> bool:
    """Whether an expression only counts: how many there are says nothing of any of them."""
    if not expression:
        return False
    try:
        return isinstance(parse_one(expression, read="athena"), _COUNTS)
    except errors.SqlglotError:
        return False


def _plain(value: Any) -> Any:
    if isinstance(value, datetime.date | datetime.time):  # a datetime is a date
        return value.isoformat()
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, dict):
        return {str(k): _plain(v) for k, v in value.items()}
    return value if value is None or isinstance(value, bool | int | float | str) else _text(value)


def _text(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else format(value, "f") if isinstance(value, Decimal) else str(value)


def _cell(value: Any) -> str:
    """A value in a table: on one line, and what is addressed to an assistant left out."""
    text = "NULL" if value is None else str(_plain(value))
    text = quoted(text).replace("\n", " ").replace("|", "\\|")
    return text if len(text) <= _TEXT_CELL else f"{text[: _TEXT_CELL - 1]}…"


def _line(cells: Any) -> str:
    return f"| {' | '.join(cells)} |"
