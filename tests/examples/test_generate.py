"""The demo lake as it is generated: alive, whole, the same every time; and what it says of itself is true."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot
from sqlglot import exp
from sqlglot.optimizer.qualify import qualify

from examples.wealth.generate import DATABASE, MARKER, generate
from knowledge.errors import InputError

SMALL: dict[str, Any] = {"days": 75, "customers": 400, "products": 60, "end": date(2026, 11, 20)}
HOME = Path(__file__).parents[2] / "examples" / DATABASE
SCHEMAS: dict[str, Any] = json.loads((HOME / "schemas.json").read_text())
REQUIRED = {
    "raw_positions": "position_id customer_id product_id quantity price market_value currency status load_ts "
    "as_of_date",
    "dim_customer": "customer_id customer_name email customer_segment country risk_profile is_dormant",
    "dim_product": "product_id product_name product_group asset_class currency updated_at",
}
TABLES = {
    "raw_positions", "raw_products", "raw_customers", "dim_customer", "dim_product",
    "customer_positions_daily", "risk_scores_daily", "positions_fact",
}  # fmt: skip


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("demo") / "lake"
    generate(root, **SMALL)
    return root


@pytest.fixture(scope="module")
def raw(lake: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        for table in ("raw_positions", "raw_products", "raw_customers"):
            files = str(lake / "tables" / DATABASE / table / "**" / "*.parquet")
            connection.read_parquet(files, hive_partitioning=True).create_view(table)
        yield connection


def one(raw: duckdb.DuckDBPyConnection, sql: str) -> Any:
    row = raw.execute(sql).fetchone()
    assert row
    return row[0]


def contents(root: Path) -> dict[str, bytes]:
    return {p.relative_to(root).as_posix(): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


# --- the same every time, and nothing half done ----------------------------------------------------


def test_the_same_arguments_give_the_same_bytes(lake: Path, tmp_path: Path) -> None:
    generate(tmp_path / "again", **SMALL)
    assert contents(tmp_path / "again") == contents(lake)


def test_another_seed_gives_another_world_of_the_same_shape(lake: Path, tmp_path: Path) -> None:
    generate(tmp_path / "other", **SMALL, seed=8)
    mine, other = contents(lake), contents(tmp_path / "other")
    customers = f"tables/{DATABASE}/raw_customers/part-00000.parquet"
    assert mine[customers] != other[customers]
    assert {Path(name).parent for name in mine} == {Path(name).parent for name in other}


def test_a_new_demo_replaces_the_old_one_and_spares_what_people_made_of_it(tmp_path: Path) -> None:
    generate(tmp_path, **{**SMALL, "days": 10})
    report = tmp_path / "output" / "docs" / "mine.md"
    report.parent.mkdir(parents=True)
    report.write_text("mine")
    generate(tmp_path, **{**SMALL, "days": 3})
    assert report.read_text() == "mine"
    days = sorted(p.name for p in (tmp_path / "tables" / DATABASE / "raw_positions").glob("as_of_date=*"))
    assert days == ["as_of_date=2026-11-18", "as_of_date=2026-11-19", "as_of_date=2026-11-20"]
    assert json.loads((tmp_path / MARKER).read_text())["days"] == 3
    assert not list(tmp_path.glob(".demo-*"))


def test_a_folder_that_is_not_a_demo_lake_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "mine.sql").write_text("SELECT 1")
    with pytest.raises(InputError, match="not empty"):
        generate(tmp_path, **SMALL)
    assert contents(tmp_path) == {"jobs/mine.sql": b"SELECT 1"}


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"days": 0}, "at least 1 for days"),
        ({"customers": 0}, "at least 1 for customers"),
        ({"products": -1}, "at least 1 for products"),
        ({"days": 2, "end": date(2026, 11, 22)}, "no weekday"),
    ],
)
def test_impossible_sizes_are_refused_before_anything_is_written(
    tmp_path: Path, wrong: dict[str, Any], says: str
) -> None:
    with pytest.raises(InputError, match=says):
        generate(tmp_path / "lake", **{**SMALL, **wrong})
    assert not (tmp_path / "lake").exists()


@pytest.mark.parametrize("seed", range(3))
def test_the_smallest_worlds_work_too(tmp_path: Path, seed: int) -> None:
    generate(tmp_path, seed=seed, days=1, customers=1, products=1)
    assert (tmp_path / "tables" / DATABASE / "raw_positions" / "as_of_date=2026-11-20").is_dir()


def test_progress_tells_each_part_with_its_size(tmp_path: Path) -> None:
    lines: list[str] = []
    generate(tmp_path, **{**SMALL, "days": 3}, progress=lines.append)
    assert [line.split(":")[0] for line in lines[:3]] == ["raw_products", "raw_customers", "raw_positions"]
    assert "3 business days" in lines[2]


# --- catalog metadata ------------------------------------------------------------------------------


def test_every_table_has_metadata_that_restates_its_schema(lake: Path) -> None:
    assert set(SCHEMAS) == TABLES
    for table, schema in SCHEMAS.items():
        metadata = json.loads((lake / "tables" / DATABASE / table / "_table.json").read_text())
        keys = [column["name"] for column in metadata["partition_keys"]]
        assert keys == schema["partitioned_by"]
        assert [c["name"] for c in metadata["columns"]] + keys == list(schema["columns"])
        assert metadata["description"]
        for column in [*metadata["columns"], *metadata["partition_keys"]]:
            assert exp.DataType.build(column["type"], dialect="athena").this != exp.DataType.Type.USERDEFINED
            assert column["comment"]


def test_required_columns_are_there() -> None:
    for table, columns in REQUIRED.items():
        assert set(columns.split()) <= set(SCHEMAS[table]["columns"])
    assert SCHEMAS["raw_positions"]["columns"]["market_value"]["type"] == "double"


@pytest.mark.parametrize("table", ["raw_positions", "raw_products", "raw_customers"])
def test_the_data_has_the_columns_and_types_of_the_catalog(raw: duckdb.DuckDBPyConnection, table: str) -> None:
    found = {name: kind.lower() for name, kind, *_ in raw.execute(f"DESCRIBE {table}").fetchall()}
    said = {name: about["type"] for name, about in SCHEMAS[table]["columns"].items()}
    assert found == said


# --- a life of its own -----------------------------------------------------------------------------


def test_there_is_data_on_every_weekday_and_on_no_other_day(raw: duckdb.DuckDBPyConnection) -> None:
    days = [row[0] for row in raw.execute("SELECT DISTINCT as_of_date FROM raw_positions ORDER BY 1").fetchall()]
    assert all(day.isoweekday() <= 5 for day in days)
    assert (len(days), days[0], days[-1]) == (55, date(2026, 9, 7), date(2026, 11, 20))


def test_the_volume_follows_the_scale(raw: duckdb.DuckDBPyConnection) -> None:
    clients = "SELECT COUNT(DISTINCT customer_id) FROM raw_customers WHERE record_type = 'CLIENT'"
    assert one(raw, clients) == SMALL["customers"]
    products = "SELECT COUNT(DISTINCT product_id) FROM raw_products WHERE record_status = 'LIVE'"
    assert one(raw, products) == SMALL["products"]
    per_client_and_day = one(raw, "SELECT COUNT(*) FROM raw_positions") / SMALL["customers"] / 55
    assert 2.9 < per_client_and_day < 6  # 2,000 clients on 86 days: at least half a million rows


@pytest.mark.parametrize(
    "happens",
    [
        "status IN ('PENDING', 'CLOSED')",
        "status = 'active' AND source_system = 'CUSTODY_LUX'",
        "load_ts >= as_of_date + INTERVAL 2 DAY",
        "price IS NULL",
        "market_value IS NULL",
        "fx_rate IS NULL AND currency = 'EUR'",
        "quantity = 0",
        "quantity < 0",
    ],
)
def test_the_feed_has_its_faults_but_few_of_them(raw: duckdb.DuckDBPyConnection, happens: str) -> None:
    share = raw.table("raw_positions").aggregate(f"COUNT(*) FILTER ({happens}) / COUNT(*)").fetchone()
    assert share
    assert 0 < share[0] < 0.4


@pytest.mark.parametrize(
    "never",
    [
        "position_id IS NULL OR customer_id IS NULL OR product_id IS NULL OR quantity IS NULL",
        "currency NOT IN ('EUR', 'CHF', 'USD', 'GBP')",
        "market_value IS NULL AND price IS NULL",
        "fx_rate IS NULL AND currency <> 'EUR'",
        "load_ts < as_of_date + INTERVAL 1 DAY",
        "load_ts > TIMESTAMP '2026-11-21 06:00:00'",
        "status = 'active' AND as_of_date < DATE '2026-09-14'",
        "customer_id NOT IN (SELECT customer_id FROM raw_customers WHERE record_type = 'CLIENT')",
        "product_id NOT IN (SELECT product_id FROM raw_products WHERE record_status = 'LIVE')",
    ],
)
def test_what_the_feed_never_does(raw: duckdb.DuckDBPyConnection, never: str) -> None:
    assert not raw.table("raw_positions").filter(never).fetchone()


def test_redeliveries_come_later_and_say_something_else(raw: duckdb.DuckDBPyConnection) -> None:
    twice = raw.sql(
        "SELECT position_id, as_of_date, COUNT(*) AS n, COUNT(DISTINCT load_ts) AS arrivals, "
        "COUNT(DISTINCT quantity) AS quantities FROM raw_positions GROUP BY ALL HAVING COUNT(*) > 1"
    )
    ordinary = twice.filter("as_of_date <> DATE '2026-10-27'")
    assert ordinary.aggregate("COUNT(*) > 20").fetchone() == (True,)
    assert not twice.filter("n <> arrivals").fetchone()  # the newest is always one record
    assert ordinary.aggregate("AVG(quantities) > 1.5").fetchone() == (True,)


def test_the_scripted_faults_are_in_the_data(raw: duckdb.DuckDBPyConnection) -> None:
    luxembourg = "SELECT MIN(load_ts) FROM raw_positions WHERE as_of_date = '{}' AND source_system = 'CUSTODY_LUX'"
    assert one(raw, luxembourg.format("2026-10-06")).date() == date(2026, 10, 8)
    assert one(raw, luxembourg.format("2026-10-05")).date() == date(2026, 10, 6)
    per_position = (
        "SELECT COUNT(*) / COUNT(DISTINCT position_id) FROM raw_positions "
        "WHERE as_of_date = '2026-10-27' AND source_system = 'CUSTODY_ZRH'"
    )
    assert one(raw, per_position) == 2


def test_clients_come_and_go_and_some_sleep(raw: duckdb.DuckDBPyConnection) -> None:
    clients = raw.table("raw_customers").filter("record_type = 'CLIENT'")
    for happens in (
        "onboarded_on > DATE '2026-09-07'",
        "closed_on IS NOT NULL",
        "snapshot_date - last_activity_date > 180",
        "email IS NULL",
        "segment_code IS NULL",
        "risk_points IS NULL",
    ):
        share = clients.aggregate(f"AVG(CASE WHEN {happens} THEN 1.0 ELSE 0.0 END)").fetchone()
        assert share, happens
        assert 0 < share[0] < 0.25, happens
    assert not clients.filter("closed_on < last_activity_date OR onboarded_on > last_activity_date").fetchone()


def test_a_few_clients_hold_much_of_the_money(raw: duckdb.DuckDBPyConnection) -> None:
    books = "SELECT SUM(market_value * COALESCE(fx_rate, 1)) AS book FROM raw_positions GROUP BY customer_id"
    ranked = raw.sql(books).project("book, PERCENT_RANK() OVER (ORDER BY book DESC) AS place")
    top = ranked.aggregate("SUM(book) FILTER (place <= 0.1) / SUM(book)").fetchone()
    assert top
    assert 0.4 < top[0] < 0.95


def test_the_newest_products_have_no_category_yet(raw: duckdb.DuckDBPyConnection) -> None:
    newest = raw.table("raw_products").filter("record_status = 'LIVE'")
    waiting = newest.filter("category_code IS NULL AND listing_date >= DATE '2026-09-07'")
    assert waiting.fetchone()
    versions = newest.aggregate("product_id, COUNT(DISTINCT vendor_updated_at) AS versions, COUNT(*) AS n")
    assert versions.filter("n > 1").fetchone()
    assert not versions.filter("n <> versions").fetchone()


# --- what ships as it is ---------------------------------------------------------------------------


def test_jobs_and_documents_are_copied_as_they_are(lake: Path) -> None:
    for folder, least in (("jobs", 5), ("docs", 12)):
        shipped = {p.name: p.read_bytes() for p in (HOME / folder).iterdir() if p.is_file()}
        assert len(shipped) >= least
        assert {p.name: p.read_bytes() for p in (lake / folder).iterdir()} == shipped


def test_jobs_are_valid_programs_and_statements(lake: Path) -> None:
    for script in (lake / "jobs").iterdir():
        text = script.read_text()
        if script.suffix == ".py":
            compile(text, script.name, "exec")
        else:
            (statement,) = sqlglot.parse(text, read="spark")
            assert isinstance(statement, exp.Insert)


def test_documents_have_one_title_and_sections(lake: Path) -> None:
    for page in (lake / "docs").glob("*.md"):
        headings = [line for line in page.read_text().splitlines() if line.startswith("#")]
        assert headings[0].startswith("# "), page.name
        assert sum(h.startswith("# ") for h in headings) == 1, page.name
        assert sum(h.startswith("## ") for h in headings) >= 3, page.name


def test_dashboards_and_kpis_have_the_users_format(lake: Path) -> None:
    dashboards = json.loads((lake / "dashboards.json").read_text())
    kpis = json.loads((lake / "kpis.json").read_text())
    for dashboard in dashboards:
        assert dashboard["dashboard_name"]
        assert set(dashboard["tables_used"]) <= TABLES
        for column in dashboard.get("columns_used", []):
            table, name = column.split(".")
            assert table in dashboard["tables_used"]
            assert name in SCHEMAS[table]["columns"]
    for kpi in kpis:
        assert kpi["kpi_name"]
        assert set(kpi["depends_on_tables"]) <= TABLES
    named = {d["dashboard_name"]: d for d in dashboards} | {k["kpi_name"]: k for k in kpis}
    assert len(named) == len(dashboards) + len(kpis)
    assert named["Daily Risk Dashboard"]["tables_used"] == ["customer_positions_daily", "risk_scores_daily"]
    assert not {"sql", "columns_used"} & set(named["Positions by Product Category"])


def queries() -> list[Any]:
    files = (
        ("dashboards.json", "dashboard_name", "tables_used"),
        ("kpis.json", "kpi_name", "depends_on_tables"),
    )
    return [
        pytest.param(entry["sql"], entry[tables], id=entry[name])
        for file, name, tables in files
        for entry in json.loads((HOME / file).read_text())
        if "sql" in entry
    ]


@pytest.mark.parametrize(("sql", "tables"), queries())
def test_every_query_is_athena_sql_over_known_columns(sql: str, tables: list[str]) -> None:
    schema: dict[str, Any] = {t: {c: about["type"] for c, about in s["columns"].items()} for t, s in SCHEMAS.items()}
    query = qualify(sqlglot.parse_one(sql, read="athena"), schema=schema, dialect="athena")
    assert {table.name for table in query.find_all(exp.Table)} == set(tables)
    for column in query.find_all(exp.Column):
        assert column.table, f"{column} resolves to no table"


def test_traps_are_only_there_when_they_are_wanted(lake: Path, tmp_path: Path) -> None:
    generate(tmp_path, **SMALL, traps=True)
    plain, trapped = contents(lake), contents(tmp_path)
    changed = {name for name in trapped if trapped[name] != plain.get(name)}
    (page,) = changed - plain.keys()
    assert page.startswith("docs")
    assert changed - {page, MARKER} == {f"tables/{DATABASE}/risk_scores_daily/_table.json"}
    for name in changed - {MARKER}:
        assert b"gnore previous instructions" in trapped[name]
        assert b"gnore previous instructions" not in plain.get(name, b"")
    assert not [name for name, data in plain.items() if b"AKIA" in data]
