"""A generated lake: positions by day, made into a KPI over two hops, a SQL job and a PySpark job.

The tables that jobs write are stored as the jobs are, all days of them; every value is a function of its row number.
"""

from __future__ import annotations

import json
from pathlib import Path

import duckdb

__all__ = ["CASES", "DATABASE", "DAYS", "KPI", "RAW_COLUMNS", "Case", "write_jobs", "write_sources", "write_targets"]

DATABASE = "d"
DAYS = 120
KPI = "AUM by segment"
RAW_COLUMNS = ("customer_id", "quantity", "price", "currency", "status", "version")
"""Columns of `positions_raw` that the KPI needs, under the jobs as they are; `note` and `isin` it does not."""

_CUSTOMERS = """SELECT i AS customer_id, i % 50 = 0 AS is_test,
    CASE WHEN i % 97 = 0 THEN NULL WHEN i % 20 = 0 THEN 'UHNW' WHEN i % 5 = 0 THEN 'HNW' ELSE 'RETAIL' END AS segment
FROM range(1, getvariable('customers') + 1) t(i)"""
_RATES = """SELECT currency, CASE currency WHEN 'EUR' THEN 1.0 ELSE 0.9 + 0.001 * (d % 9) END::DOUBLE AS rate,
    DATE '2026-01-01' + CAST(d AS INTEGER) AS day
FROM range(getvariable('days')) t(d), (VALUES ('EUR'), ('CHF'), ('USD'), ('GBP')) c(currency)"""
_POSITIONS = """SELECT i AS position_id, 1 + hash(i) % getvariable('customers') AS customer_id,
    'CH' || lpad(CAST(hash(i) % 1000000 AS VARCHAR), 10, '0') AS isin,
    round(10 + (hash(i, d) % 10000) / 100.0, 2)::DOUBLE AS quantity,
    round(20 + (hash(i, 7) % 20000) / 100.0 * (1 + 0.0005 * d), 4)::DOUBLE AS price,
    ['EUR', 'CHF', 'USD', 'GBP'][1 + CAST(hash(i, 3) % 4 AS INTEGER)] AS currency,
    CASE WHEN hash(i, d // 30) % 100 < 88 THEN 'ACTIVE' WHEN hash(i, d // 30) % 100 < 96 THEN 'PENDING' ELSE 'CLOSED'
    END AS status,
    1 + CAST(hash(i, d, 5) % 50 = 0 AS INTEGER) AS version,
    'booked by desk ' || (hash(i, d) % 900) AS note,
    DATE '2026-01-01' + CAST(d AS INTEGER) AS day
FROM range(getvariable('days')) t(d), range(getvariable('positions')) u(i)"""

Case = tuple[str, str, str, str]
_VALUED = """INSERT OVERWRITE TABLE d.positions
SELECT r.position_id, r.customer_id, r.isin, r.quantity, r.price, r.currency, r.quantity * r.price * fx.rate AS value,
    r.note, r.day
FROM (
    SELECT *, row_number() OVER (PARTITION BY position_id, day ORDER BY version DESC) AS newest
    FROM d.positions_raw
) r
JOIN d.fx fx ON fx.currency = r.currency AND fx.day = r.day
WHERE r.newest = 1 AND r.status <> 'CLOSED'
"""
_PLAIN = """INSERT OVERWRITE TABLE d.positions
SELECT r.position_id, r.customer_id, r.isin, r.quantity, r.price, r.currency, r.quantity * r.price * fx.rate AS value,
    r.note, r.day
FROM d.positions_raw r
JOIN d.fx fx ON fx.currency = r.currency AND fx.day = r.day
WHERE r.version = 1 AND r.status <> 'CLOSED'
"""
_DAILY = """from pyspark.sql import SparkSession
from pyspark.sql import functions as F

spark = SparkSession.builder.enableHiveSupport().getOrCreate()
customers = spark.table("d.customers").filter(~F.col("is_test"))
daily = (
    spark.table("d.positions")
    .join(customers, "customer_id", "left")
    .withColumn("segment", F.coalesce(F.col("segment"), F.lit("UNKNOWN")))
    .groupBy("day", "customer_id", "segment")
    .agg(F.sum("value").alias("value"), F.count(F.lit(1)).alias("positions"))
)
daily.select("customer_id", "segment", "value", "positions", "day").write.mode("overwrite").insertInto("d.customer_daily")
"""
_SQL = "SELECT day, segment, sum(value) AS aum, count(*) AS customers FROM d.customer_daily GROUP BY day, segment"
_JOB = "positions_job"

_TARGETS = {
    "positions": {
        "position_id": "bigint",
        "customer_id": "bigint",
        "isin": "varchar",
        "quantity": "double",
        "price": "double",
        "currency": "varchar",
        "value": "double",
        "note": "varchar",
    },
    "customer_daily": {"customer_id": "bigint", "segment": "varchar", "value": "double", "positions": "bigint"},
}

# name, job, what is replaced in its text, by what
CASES: tuple[Case, ...] = (
    ("a row filter", _JOB, "r.status <> 'CLOSED'", "r.status = 'ACTIVE'"),
    ("an expression", _JOB, "r.quantity * r.price * fx.rate", "round(r.quantity * r.price * fx.rate, 0)"),
    ("another grain", "daily_job", 'F.lit("UNKNOWN")', 'F.lit("OTHER")'),
    ("one more input", _JOB, "JOIN d.fx", "JOIN d.customers c ON c.customer_id = r.customer_id AND NOT c.is_test\nJOIN d.fx"),
)  # fmt: skip


def write_sources(root: Path, rows: int) -> None:
    """The tables that no job writes: positions (a partition for each day), rates and customers."""
    tables = root / "tables" / DATABASE
    for name in ("customers", "fx"):
        (tables / name).mkdir(parents=True)
    each, customers = rows // DAYS, max(100, rows // DAYS // 8)
    with duckdb.connect() as db:
        db.execute("SET preserve_insertion_order = false")
        db.execute(f"SET VARIABLE positions = {each}; SET VARIABLE customers = {customers}; SET VARIABLE days = {DAYS}")
        _copy(db, _CUSTOMERS, tables / "customers" / "part.parquet")
        _copy(db, _RATES, tables / "fx" / "part.parquet")
        _copy(db, _POSITIONS, tables / "positions_raw", "PARTITION_BY (day),")


def write_jobs(root: Path, *, newest: bool) -> None:
    """The jobs and the KPI. `newest`: positions are deduplicated by a window function, not by a flag."""
    (root / "jobs").mkdir(exist_ok=True)
    (root / "jobs" / "positions_job.sql").write_text(_VALUED if newest else _PLAIN, encoding="utf-8")
    (root / "jobs" / "daily_job.py").write_text(_DAILY, encoding="utf-8")
    kpi = {"kpi_name": KPI, "sql": _SQL, "depends_on_tables": [f"{DATABASE}.customer_daily"]}
    (root / "kpis.json").write_text(json.dumps([kpi]), encoding="utf-8")


def write_targets(root: Path) -> None:
    """The tables that jobs write, still without rows."""
    for table, columns in _TARGETS.items():
        (root / "tables" / DATABASE / table).mkdir()
        described = {
            "columns": [{"name": n, "type": t} for n, t in columns.items()],
            "partition_keys": [{"name": "day", "type": "date"}],
        }
        (root / "tables" / DATABASE / table / "_table.json").write_text(json.dumps(described), encoding="utf-8")


def _copy(db: duckdb.DuckDBPyConnection, query: str, to: Path, how: str = "") -> None:
    db.execute(f"COPY ({query}) TO '{to}' (FORMAT parquet, {how} COMPRESSION zstd)")
