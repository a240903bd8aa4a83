"""DuckDB as the judge of what SQL means: the same query, run directly and by way of a plan, has to give the same rows."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import duckdb
import sqlglot

from tools.jobs import JobReading, read_job
from tools.plan.catalog import Columns, DictCatalog
from tools.plan.render import render_write

Rows = Sequence[Sequence[object]]
DATABASE = "s"
_DUCKDB_TYPES = {"array(varchar)": "varchar[]"}


class Oracle:
    """A DuckDB with some tables in schema `s`, and the catalog that describes them."""

    def __init__(self, tables: Mapping[str, Columns]) -> None:
        self.tables = tables
        self.catalog = DictCatalog({f"{DATABASE}.{name}": columns for name, columns in tables.items()}, DATABASE)
        self._connection = duckdb.connect()
        self._connection.execute(f"CREATE SCHEMA {DATABASE}")
        self._connection.execute(f"SET schema = '{DATABASE}'")
        for name, columns in tables.items():
            typed = ", ".join(f"{column} {_DUCKDB_TYPES.get(kind or '', kind)}" for column, kind in columns)
            self._connection.execute(f"CREATE TABLE {name} ({typed})")

    def fill(self, rows: Mapping[str, Rows]) -> None:
        """Puts these rows, and no others, into the tables."""
        for name, columns in self.tables.items():
            self._connection.execute(f"DELETE FROM {name}")
            if given := rows.get(name):
                row = f"({', '.join('?' for _ in columns)})"
                cells = [cell for values in given for cell in values]
                self._connection.execute(f"INSERT INTO {name} VALUES {', '.join(row for _ in given)}", cells)

    def execute(self, sql: str) -> None:
        """Runs DuckDB SQL for its effect."""
        self._connection.execute(sql)

    def run(self, sql: str, dialect: str = "athena") -> tuple[list[str], Counter[tuple[str, ...]]]:
        """Column names (folded) and rows of a query, as a bag: how often each row occurs."""
        (translated,) = sqlglot.transpile(sql, read=dialect, write="duckdb")
        cursor = self._connection.execute(translated)
        return [column[0].lower() for column in cursor.description], bag(cursor.fetchall())

    def read(self, sql: str, dialect: str = "athena") -> JobReading:
        """The query as the product reads it."""
        return read_job(sql, name="query", language="sql", dialect=dialect, catalog=self.catalog)

    def rendered(self, sql: str, dialect: str = "athena") -> str:
        """The query read into a plan and written back as Athena SQL. Raises NotRenderable."""
        reading = self.read(sql, dialect)
        assert not reading.unknowns, [str(u) for u in reading.unknowns]
        return render_write(reading.plan.writes[-1], reading.plan).sql("athena")


def bag(rows: Iterable[Sequence[Any]]) -> Counter[tuple[str, ...]]:
    """Rows with how often each occurs; numbers compare by value, so that 2 and 2.0 are one."""
    return Counter(tuple(_cell(value) for value in row) for row in rows)


def _cell(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.9g}"
    return str(value)
