"""A lake as if one table still had an earlier schema: names and columns are the earlier ones, files are those of today."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlglot import exp

from tools.lake.base import (
    JobSource,
    Lake,
    Limits,
    Partition,
    Problem,
    QueryResult,
    Table,
    TableName,
    TableStatistics,
    TextFile,
)

__all__ = ["EarlierLake"]


class EarlierLake:
    """Behind the protocol of base.py. Everything but the one table's schema is asked of the lake itself."""

    def __init__(self, lake: Lake, table: Table) -> None:
        self._lake, self._table = lake, table

    @property
    def default_database(self) -> str:
        """See `Lake`."""
        return self._lake.default_database

    def tables(self) -> Sequence[TableName]:
        """See `Lake.tables`; the table is there even if it is gone today."""
        return sorted({*self._lake.tables(), self._table.name})

    def table(self, name: str) -> Table:
        """See `Lake.table`."""
        database, _, bare = name.lower().rpartition(".")
        if TableName(database or self.default_database, bare) == self._table.name:
            return self._table
        return self._lake.table(name)

    def partitions(self, name: str) -> Sequence[Partition]:
        """See `Lake.partitions`."""
        return self._lake.partitions(name)

    def statistics(self, name: str) -> TableStatistics | None:
        """See `Lake.statistics`."""
        return self._lake.statistics(name)

    def query(self, sql: exp.Expr | str, parameters: Sequence[Any] = (), limits: Limits | None = None) -> QueryResult:
        """See `Lake.query`."""
        return self._lake.query(sql, parameters, limits)

    def jobs(self) -> Sequence[JobSource]:
        """See `Lake.jobs`."""
        return self._lake.jobs()

    def read_text(self, path: str) -> str | None:
        """See `Lake.read_text`."""
        return self._lake.read_text(path)

    def texts(self, folder: str) -> Sequence[TextFile]:
        """See `Lake.texts`."""
        return self._lake.texts(folder)

    def write_text(self, path: str, text: str) -> str:
        """See `Lake.write_text`."""
        return self._lake.write_text(path, text)

    def forget(self) -> None:
        """See `Lake.forget`."""
        self._lake.forget()

    def problems(self) -> Sequence[Problem]:
        """See `Lake.problems`."""
        return self._lake.problems()
