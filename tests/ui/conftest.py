"""A small shop's lake for the faces, made of real files, and a way to run commands on it as a person would."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ui.cli import run

REVENUE_JOB = """\
-- Revenue by segment and day, for the finance team.
INSERT INTO revenue_daily
SELECT c.segment, SUM(o.amount) AS revenue, o.day
FROM orders o
JOIN customers c ON c.customer_id = o.customer_id
GROUP BY c.segment, o.day
"""
LOYALTY_JOB = '''\
"""Who came back: one row per customer."""
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

spark = SparkSession.builder.getOrCreate()
orders = spark.table("shop.orders")
loyal = orders.groupBy("customer_id").agg(F.count("order_id").alias("visits"))
loyal.write.mode("overwrite").saveAsTable("shop.loyalty")
'''
DASHBOARDS = [
    {
        "dashboard_name": "Revenue by Segment",
        "tables_used": ["revenue_daily"],
        "sql": "SELECT day, segment, SUM(revenue) AS revenue FROM revenue_daily GROUP BY day, segment",
    },
    {"dashboard_name": "Customer Overview", "tables_used": ["customers"]},
]
KPIS = [
    {
        "kpi_name": "Total Revenue",
        "sql": "SELECT day, SUM(revenue) AS total FROM revenue_daily GROUP BY day",
        "depends_on_tables": ["revenue_daily"],
    }
]


def write_table(root: Path, name: str, columns: dict[str, list[Any]], part: str = "") -> None:
    folder = root / "tables" / "shop" / name / part
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), folder / "part-0.parquet")


def write_job(root: Path, name: str, text: str) -> None:
    (root / "jobs").mkdir(exist_ok=True)
    (root / "jobs" / name).write_text(text, encoding="utf-8")


def build_shop(root: Path) -> Path:
    for day, amounts in {"2026-03-01": [10.0, 20.5], "2026-03-02": [7.25, 30.0], "2026-03-03": [12.0]}.items():
        rows: dict[str, list[Any]] = {
            "order_id": list(range(len(amounts))),
            "customer_id": [1] * len(amounts),
            "amount": amounts,
        }
        write_table(root, "orders", rows, f"day={day}")
    write_table(root, "customers", {"customer_id": [1, 2], "name": ["Ada", None], "segment": ["gold", "blue"]})
    write_table(root, "revenue_daily", {"segment": ["gold"], "revenue": [30.5]}, "day=2026-03-01")
    write_table(root, "loyalty", {"customer_id": [1], "visits": [5]})
    write_job(root, "revenue_job.sql", REVENUE_JOB)
    write_job(root, "loyalty_job.py", LOYALTY_JOB)
    (root / "dashboards.json").write_text(json.dumps(DASHBOARDS), encoding="utf-8")
    (root / "kpis.json").write_text(json.dumps(KPIS), encoding="utf-8")
    return root


@pytest.fixture(autouse=True)
def own_state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Logs and chat history of a test stay with it."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return tmp_path / "state" / "de-copilot"


@pytest.fixture(scope="session")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake that tests only read."""
    return build_shop(tmp_path_factory.mktemp("shop"))


@pytest.fixture
def own_shop(tmp_path: Path) -> Path:
    """A lake that a test may break."""
    return build_shop(tmp_path / "shop")


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """Standard output as the one JSON object that it has to be."""
        return json.loads(self.out)


Command = Callable[..., Outcome]


@pytest.fixture
def command(capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs `de-copilot …` in this process: `command("schema", "orders", lake=shop)`."""

    def call(*arguments: str, lake: Path | None = None) -> Outcome:
        capsys.readouterr()
        code = run([*(["--lake", str(lake)] if lake else []), *arguments])
        said = capsys.readouterr()
        return Outcome(code, said.out, said.err)

    return call
