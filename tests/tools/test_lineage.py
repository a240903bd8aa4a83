"""Lineage asked: hops, kinds, columns, circles, and what could not be read."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.errors import NotFound
from tests.lakes import SHOP_JOBS, SHOP_TABLES, build, shop
from tools.lineage import LineageResult, downstream, upstream
from tools.workspace import Workspace


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return shop(tmp_path_factory.mktemp("lake") / "shop")


def reached(result: LineageResult) -> dict[str, int]:
    return {r.node.label: r.depth for r in result.shown}


def test_a_hop_is_one_job_or_consumer(ws: Workspace) -> None:
    assert reached(downstream(ws, "raw")) == {
        "sales_job": 1,
        "sales": 1,
        "daily_job": 2,
        "daily": 2,
        "Totals": 3,
        "Revenue": 3,
    }


def test_depth_limits_the_walk(ws: Workspace) -> None:
    assert set(reached(downstream(ws, "raw", depth=1))) == {"sales_job", "sales"}


def test_a_kind_filters_what_is_shown_not_what_is_walked(ws: Workspace) -> None:
    assert set(reached(downstream(ws, "raw", kind="dashboard"))) == {"Totals"}


def test_upstream_of_a_kpi_goes_back_to_the_raw_tables(ws: Workspace) -> None:
    assert set(reached(upstream(ws, "Revenue", kind="table"))) == {"daily", "sales", "raw", "names"}


def test_upstream_of_a_table_starts_with_the_job_that_writes_it(ws: Workspace) -> None:
    assert set(reached(upstream(ws, "daily", depth=1))) == {"daily_job", "sales"}


def test_a_column_is_followed_with_role_and_line(ws: Workspace) -> None:
    result = downstream(ws, "raw.price")
    assert reached(result) == {"sales.price": 1, "daily.total": 2, "Totals": 3, "Revenue": 3}
    link = next(link for a, b, link in result.edges if b == "column:d.daily.total")
    assert (link.role, link.file, link.line, link.expression) == ("value", "jobs/daily_job.sql", 2, "SUM(price)")


def test_a_column_that_only_filters_reaches_the_whole_table(ws: Workspace) -> None:
    result = downstream(ws, "raw.kind")
    assert set(reached(result)) == {"sales"}
    assert [link.role for _, _, link in result.edges] == ["filter"]


def test_nothing_downstream_is_said_with_what_it_rests_on(ws: Workspace) -> None:
    text = downstream(ws, "Totals").text()
    assert text.startswith("Nothing is downstream of `Totals`, as far as the code could be read.")
    assert "3 of 3 jobs read" in text


def test_an_unknown_name_is_not_found(ws: Workspace) -> None:
    with pytest.raises(NotFound) as error:
        upstream(ws, "daly")
    assert "daily" in error.value.nearest


def test_a_job_that_reads_what_it_writes_ends_where_it_began(tmp_path: Path) -> None:
    jobs = {"self_job.sql": "INSERT INTO daily SELECT day, total FROM daily WHERE total > 0"}
    ws = build(tmp_path / "lake", SHOP_TABLES, jobs)
    assert set(reached(downstream(ws, "daily"))) == {"self_job"}


def test_several_writers_of_one_table_are_all_there(tmp_path: Path) -> None:
    jobs = {**SHOP_JOBS, "late_job.sql": "INSERT INTO daily SELECT day, price FROM raw"}
    ws = build(tmp_path / "lake", SHOP_TABLES, jobs)
    assert set(reached(upstream(ws, "daily", depth=1, kind="job"))) == {"daily_job", "late_job"}


def test_the_data_names_every_node_and_edge(ws: Workspace) -> None:
    data = downstream(ws, "sales").to_dict()
    assert [n["name"] for n in data["nodes"]] == ["sales", "daily_job", "daily", "Totals", "Revenue"]
    assert {"from": "table:d.sales", "to": "job:daily_job", "file": "jobs/daily_job.sql", "line": 3} in data["edges"]


def test_a_path_of_the_layout_and_the_tables_name_are_one_data_set(tmp_path: Path) -> None:
    jobs = {
        "sales_job.py": "from pyspark.sql import SparkSession\nspark = SparkSession.builder.getOrCreate()\n"
        "spark.table('raw').write.parquet('s3://bucket/tables/d/sales/day=2026-01-01/')\n",
        "daily_job.sql": SHOP_JOBS["daily_job.sql"],
    }
    ws = build(tmp_path / "lake", SHOP_TABLES, jobs)
    assert set(reached(downstream(ws, "raw"))) == {"sales_job", "sales", "daily_job", "daily"}


def test_a_path_that_one_job_gives_a_table_is_that_table_for_all_jobs(tmp_path: Path) -> None:
    jobs = {
        "define.sql": "CREATE EXTERNAL TABLE d.sales (id bigint, price double) LOCATION 's3://elsewhere/sales/'",
        "a_job.py": "from pyspark.sql import SparkSession\nspark = SparkSession.builder.getOrCreate()\n"
        "spark.read.parquet('s3a://elsewhere/sales').select('price').write.saveAsTable('d.daily')\n",
    }
    ws = build(tmp_path / "lake", SHOP_TABLES, jobs)
    assert set(reached(downstream(ws, "sales"))) == {"a_job", "daily"}
    assert set(reached(downstream(ws, "sales.price"))) == {"daily.price"}


def test_every_writer_of_a_column_is_a_hop_of_its_own(tmp_path: Path) -> None:
    jobs = {**SHOP_JOBS, "late_job.sql": "INSERT INTO daily SELECT day, price FROM sales"}
    ws = build(tmp_path / "lake", SHOP_TABLES, jobs)
    hops = [link for a, _, link in upstream(ws, "daily.total").edges if a == "column:d.sales.price"]
    assert [(k.via, k.file, k.line, k.expression) for k in hops] == [
        ("daily_job", "jobs/daily_job.sql", 2, "SUM(price)"),
        ("late_job", "jobs/late_job.sql", 1, None),
    ]


def test_what_only_decides_about_rows_stands_apart_and_last(ws: Workspace) -> None:
    result = upstream(ws, "sales.price")
    assert set(reached(result)) == {"raw.price"}
    assert {(a.partition(":")[2], link.role) for a, _, link in result.deciding} == {
        ("d.raw.id", "join"),
        ("d.names.id", "join"),
        ("d.raw.kind", "filter"),
    }
    text = result.text()
    assert text.index("`d.raw.price`") < text.index("Decided by") < text.index("`d.raw.kind`")


def test_a_circle_of_jobs_ends_where_it_began(tmp_path: Path) -> None:
    jobs = {"there.sql": "INSERT INTO copy SELECT * FROM names", "back.sql": "INSERT INTO names SELECT * FROM copy"}
    ws = build(tmp_path / "lake", SHOP_TABLES, jobs)
    assert set(reached(downstream(ws, "names"))) == {"there", "copy", "back"}
    assert set(reached(upstream(ws, "names.region"))) == {"copy.region"}
