"""Small lakes for tests: tables, job texts, dashboards and KPIs from dictionaries become a folder and a workspace."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

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
