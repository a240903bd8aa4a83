"""The other way: tables really made with the jobs, as Parquet by day, and the KPI asked of them.

It shares nothing with the composition: each job's own lowered SQL (as the demo lake is built with it) runs by itself on a
DuckDB of its own, table after table.
"""

from __future__ import annotations

import datetime
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
from sqlglot import exp

from benchmarks.kpi.lake import DATABASE, KPI, RAW_COLUMNS
from tools.jobs import JobReading
from tools.kpi.compose import Window
from tools.lake.dialect import prepare, to_duckdb
from tools.lake.guard import parse_athena
from tools.lake.trino.macros import needed_macros
from tools.plan.render import render_write
from tools.workspace import Workspace

__all__ = ["Rebuild", "Rows"]

Rows = dict[tuple[datetime.date, str | None], tuple[float, ...]]


class Rebuild:
    """A DuckDB over the lake's files, in which jobs are run. Only the window's days, where a table has days."""

    def __init__(self, ws: Workspace, window: Window | None) -> None:
        self._ws, self._window, self._db = ws, window, duckdb.connect()
        self._db.execute("SET integer_division = true; SET default_null_order = 'nulls_last'; SET TimeZone = 'UTC'")
        for table in ws.lake.tables():
            self._show(str(table), ws.settings.lake / "tables" / table.database / table.table)

    def run(self, readings: Mapping[str, JobReading], jobs: Sequence[str], to: Path) -> None:
        """Runs jobs one after the other and writes their tables below a folder."""
        for name in jobs:
            (write,) = readings[name].plan.writes
            columns = [(c.name, c.type) for c in self._ws.lake.table(write.target.name).columns]
            folder = to / write.target.name
            shutil.rmtree(folder, ignore_errors=True)
            folder.parent.mkdir(parents=True, exist_ok=True)
            query = self._sql(render_write(write, readings[name].plan, columns))
            self._db.execute(f"COPY ({query}) TO '{folder}' (FORMAT parquet, PARTITION_BY (day), COMPRESSION zstd)")
            self._show(write.target.name, folder)

    def kpi(self) -> Rows:
        """The KPI over the tables as they are now, by day and dimension."""
        (plan,) = [c.reading.plan for c in self._ws.consumers if c.name == KPI and c.reading]
        rows = self._db.execute(self._sql(render_write(plan.writes[0], plan))).fetchall()
        return {(r[0], r[1]): tuple(float(v) for v in r[2:]) for r in rows}

    def scan(self) -> Any:
        """The least that any answer needs: the needed columns of the window's days, read once."""
        least = ", ".join(f"max({c})" for c in RAW_COLUMNS)
        query = f'SELECT day, {least} FROM "{DATABASE}.positions_raw" GROUP BY day'  # noqa: S608 - our own names
        return self._db.execute(query).fetchall()

    def _show(self, name: str, folder: Path) -> None:
        """Makes a folder readable under a table's name."""
        if not any(folder.rglob("*.parquet")):
            return
        by_day = any(folder.glob("day=*"))
        files, types = (f"{folder}/*/*.parquet" if by_day else f"{folder}/*.parquet"), "hive_types = {'day': DATE}"
        where = ""
        if by_day and self._window is not None:
            where = f"WHERE day BETWEEN DATE '{self._window.first}' AND DATE '{self._window.last}'"
        source = f"read_parquet('{files}', hive_partitioning = true{f', {types}' if by_day else ''})"
        self._db.execute(f'CREATE OR REPLACE VIEW "{name}" AS FROM {source} {where}')

    def _sql(self, query: exp.Query) -> str:
        tree = parse_athena(query.sql("athena"))
        sql = to_duckdb(prepare(tree, self._ws.lake.table)).sql("duckdb")
        for macro in needed_macros(sql).values():
            self._db.execute("CREATE OR REPLACE MACRO " + macro)
        return sql
