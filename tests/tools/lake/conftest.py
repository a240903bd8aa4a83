"""A tiny lake of real files: one table with a column of every kind that queries meet."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from tools.lake.local import LocalLake

ROWS = """
    (1, 'Alpha', 1.5, 10.25, DATE '2024-01-31', TIMESTAMP '2024-01-31 10:20:30.123', [3, 1, 2],
     MAP {'k1': 1, 'k2': 2}, {'a': 1, 'b': 'x'}, '{"a":{"b":[1,2]},"s":"q"}', NULL, true),
    (2, 'beta', -2.5, 20.50, DATE '2024-02-29', TIMESTAMP '2024-02-29 23:59:59', [],
     MAP {}, {'a': 2, 'b': 'y'}, '{}', 5, false),
    (3, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 7, NULL)
"""
COLUMNS = """id INTEGER, cat VARCHAR, amt DOUBLE, "dec" DECIMAL(10,2), d DATE, ts TIMESTAMP, arr INTEGER[],
    m MAP(VARCHAR, INTEGER), r STRUCT(a INTEGER, b VARCHAR), js VARCHAR, n INTEGER, flag BOOLEAN"""


@pytest.fixture(scope="session")
def kinds_lake(tmp_path_factory: pytest.TempPathFactory) -> LocalLake:
    """Database main_db with table t of three rows."""
    root = tmp_path_factory.mktemp("kinds")
    folder = root / "tables" / "main_db" / "t"
    folder.mkdir(parents=True)
    with duckdb.connect() as con:
        con.execute(f"CREATE TABLE t ({COLUMNS})")
        con.execute(f"INSERT INTO t VALUES {ROWS}")
        con.execute(f"COPY t TO '{folder / 'part-0.parquet'}' (FORMAT parquet)")
    return LocalLake(root)


@pytest.fixture
def daily_lake(tmp_path: Path) -> LocalLake:
    """Database sales with table orders: ten days of 100 rows, one file a day, partitioned by day."""
    write_orders(tmp_path, days=10)
    return LocalLake(tmp_path)


def write_orders(root: Path, days: int) -> Path:
    """Writes the table and returns its folder."""
    folder = root / "tables" / "sales" / "orders"
    with duckdb.connect() as con:
        for day in range(1, days + 1):
            part = folder / f"day=2024-03-{day:02d}"
            part.mkdir(parents=True)
            con.execute(
                f"COPY (SELECT i AS order_id, 'c' || i % 7 AS customer, i * 1.5::DOUBLE AS amount,"
                f" CASE WHEN i % 10 = 0 THEN NULL ELSE i % 3 END::INTEGER AS status"
                f" FROM range({day * 1000}, {day * 1000 + 100}) s(i))"
                f" TO '{part / 'part-0.parquet'}' (FORMAT parquet)"
            )
    return folder
