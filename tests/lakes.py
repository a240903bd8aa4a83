"""Small lakes for tests: tables, job texts, dashboards and KPIs from dictionaries become a folder and a workspace."""

from __future__ import annotations

import datetime
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from tools.settings import load_settings
from tools.workspace import Workspace, open_workspace

Tables = Mapping[str, Mapping[str, str]]


def build(
    root: Path,
    tables: Tables,
    jobs: Mapping[str, str],
    dashboards: Sequence[Mapping[str, Any]] = (),
    kpis: Sequence[Mapping[str, Any]] = (),
) -> Workspace:
    """Writes the folder and opens it. `tables` is name -> column -> Athena type; `jobs` is file name -> text."""
    for name, columns in tables.items():
        folder = root / "tables" / "d" / name
        folder.mkdir(parents=True)
        described = [{"name": c, "type": t} for c, t in columns.items()]
        (folder / "_table.json").write_text(json.dumps({"columns": described}), encoding="utf-8")
    (root / "jobs").mkdir(parents=True)
    for name, text in jobs.items():
        (root / "jobs" / name).write_text(text, encoding="utf-8")
    (root / "dashboards.json").write_text(json.dumps(list(dashboards)), encoding="utf-8")
    (root / "kpis.json").write_text(json.dumps(list(kpis)), encoding="utf-8")
    return open_workspace(load_settings(lake=root, environ={}))


SHOP_TABLES: Tables = {
    "raw": {"id": "bigint", "price": "double", "kind": "varchar", "day": "date"},
    "names": {"id": "bigint", "name": "varchar", "region": "varchar"},
    "sales": {"id": "bigint", "price": "double", "name": "varchar", "day": "date"},
    "daily": {"day": "date", "total": "double"},
    "copy": {"id": "bigint", "name": "varchar", "region": "varchar"},
}
SHOP_JOBS = {
    "sales_job.sql": """INSERT INTO sales
SELECT r.id, r.price, n.name, r.day
FROM raw r
JOIN names n ON n.id = r.id
WHERE r.kind = 'SALE'
""",
    "daily_job.sql": "INSERT INTO daily\nSELECT day, sum(price) AS total\nFROM sales\nGROUP BY day\n",
    "copy_job.sql": "CREATE TABLE copy AS\nSELECT * FROM names\n",
}
SHOP_DASHBOARDS = [
    {"dashboard_name": "Totals", "tables_used": ["daily"], "sql": "SELECT day, total FROM daily"},
    {"dashboard_name": "Names", "tables_used": ["copy"], "columns_used": ["copy.region"]},
    {"dashboard_name": "Vague", "tables_used": ["names"]},
]
SHOP_KPIS = [
    {
        "kpi_name": "Revenue",
        "sql": "SELECT day, sum(total) AS v FROM daily GROUP BY day",
        "depends_on_tables": ["daily"],
    }
]


def shop(root: Path) -> Workspace:
    """raw + names -> sales -> daily -> Totals, Revenue; names -> copy -> Names."""
    return build(root, SHOP_TABLES, SHOP_JOBS, SHOP_DASHBOARDS, SHOP_KPIS)


# --------------------------------------------------------------------------- a lake with rows

DAILY_JOB = """-- Owner: sales-team
INSERT INTO sales
SELECT o.order_id, o.shop, o.amount, o.day
FROM orders o JOIN shops s ON s.shop = o.shop
WHERE o.amount > 0
"""


def put(root: Path, table: str, rows: Mapping[str, Sequence[Any]], day: datetime.date | None = None) -> None:
    """Writes rows as one Parquet file, into the partition of a day if there is one."""
    folder = root / "tables" / "d" / table / (f"day={day}" if day else "")
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table({k: list(v) for k, v in rows.items()}), folder / "part.parquet")


def orders_of(number: int, count: int = 120) -> dict[str, list[Any]]:
    """One day's orders; the same number gives the same rows."""
    rows = range(count + number % 5)
    return {
        "order_id": [number * 1000 + i for i in rows],
        "shop": [f"shop {i % 8}" for i in rows],
        "amount": [float(10 + (i * 37) % 90) for i in rows],
    }


def daily_shop(root: Path, days: int = 14, last: datetime.date | None = None) -> None:
    """orders + shops -> sales, one partition for each of the last days, with a dashboard on sales."""
    last = last or datetime.date.today()
    put(root, "shops", {"shop": [f"shop {n}" for n in range(8)], "city": [*["Basel", "Bern"] * 4]})
    for number in range(days):
        day = last - datetime.timedelta(days=days - 1 - number)
        put(root, "orders", orders_of(number), day)
        put(root, "sales", orders_of(number), day)
    (root / "jobs").mkdir()
    (root / "jobs" / "sales_job.sql").write_text(DAILY_JOB, encoding="utf-8")
    used = [{"dashboard_name": "Sales", "tables_used": ["sales"], "owner": "finance"}]
    (root / "dashboards.json").write_text(json.dumps(used), encoding="utf-8")
