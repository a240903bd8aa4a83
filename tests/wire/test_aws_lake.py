"""A lake in an account, over HTTP: Glue's catalog as it really looks, Athena's answers, S3's files, and their bad days."""

from __future__ import annotations

import base64
import datetime
import json
import threading
import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import boto3
import pytest

from knowledge.errors import (
    ConfigError,
    InputError,
    LimitExceeded,
    NotFound,
    QueryError,
    QueryRefused,
    ReadError,
    Unavailable,
)
from tests.lakes import daily_shop
from tests.wire.account import load
from tests.wire.athena import refused_by_trino
from tests.wire.services import Services
from tools.lake.aws import AwsLake
from tools.lake.base import Limits, TableName
from tools.settings import load_settings
from tools.stats import measure
from tools.workspace import Workspace, open_workspace

DAY = datetime.date(2026, 10, 31)


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    with Services() as running:
        yield running


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lake")
    daily_shop(root, days=6, last=DAY)
    return root


@pytest.fixture
def aws(services: Services, folder: Path, aws_identity: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    monkeypatch.setenv("AWS_ENDPOINT_URL", services.url)
    for name, value in load(folder, bucket="lake").items():
        monkeypatch.setenv(name, value)
    services.calls.clear()
    yield services
    services.reset()


def workspace(tmp_path: Path, **settings: Any) -> Workspace:
    return open_workspace(load_settings(start=tmp_path, **settings))


def opened(tmp_path: Path, **settings: Any) -> AwsLake:
    lake = workspace(tmp_path, **settings).lake
    assert isinstance(lake, AwsLake)
    return lake


def glue() -> Any:
    return boto3.client("glue")


def registered(name: str, **more: Any) -> None:
    storage = {"Columns": [{"Name": "id", "Type": "bigint"}], "Location": f"s3://lake/extra/{name}"}
    glue().create_table(DatabaseName="d", TableInput={"Name": name, "StorageDescriptor": storage, **more})


# --------------------------------------------------------------------------- the catalog


def test_tables_are_glue_s(aws: Services, tmp_path: Path) -> None:
    lake = opened(tmp_path)

    assert [str(t) for t in lake.tables()] == ["d.orders", "d.sales", "d.shops"]
    assert lake.default_database == "d"
    orders = lake.table("Orders")
    assert [(c.name, c.type, c.is_partition) for c in orders.columns] == [
        ("order_id", "bigint", False),
        ("shop", "varchar", False),
        ("amount", "double", False),
        ("day", "date", True),
    ]
    assert orders.location == "s3://lake/lake/tables/d/orders"
    assert lake.table("AwsDataCatalog.d.orders") == orders
    with pytest.raises(NotFound, match=r"Did you mean 'd\.orders'"):
        lake.table("oders")


def test_a_catalog_of_many_pages_is_read_whole(aws: Services, tmp_path: Path) -> None:
    for number in range(230):
        registered(f"t{number:03}")

    assert len(opened(tmp_path).tables()) == 233
    assert aws.calls.count("AWSGlue.GetTables") == 3


def test_one_table_is_asked_for_alone(aws: Services, tmp_path: Path) -> None:
    opened(tmp_path).table("d.orders")

    assert "AWSGlue.GetTables" not in aws.calls


def test_partitions_have_their_files_wherever_they_lie(aws: Services, tmp_path: Path) -> None:
    elsewhere = {"Columns": [], "Location": "s3://lake/late/one-day"}
    glue().create_partition(
        DatabaseName="d", TableName="orders", PartitionInput={"Values": ["2026-11-01"], "StorageDescriptor": elsewhere}
    )
    boto3.client("s3").put_object(Bucket="lake", Key="late/one-day/part.parquet", Body=b"12345")

    found = opened(tmp_path).partitions("orders")

    assert len(found) == 7
    assert found[-1].values == {"day": "2026-11-01"}
    assert (found[-1].files, found[-1].bytes) == (("s3://lake/late/one-day/part.parquet",), 5)
    assert all(p.bytes > 500 and len(p.files) == 1 for p in found[:-1])


def test_projected_partitions_are_found_by_their_files(aws: Services, tmp_path: Path) -> None:
    registered(
        "events",
        PartitionKeys=[{"Name": "region", "Type": "string"}, {"Name": "day", "Type": "date"}],
        Parameters={
            "classification": "json",
            "projection.enabled": "true",
            "storage.location.template": "s3://lake/extra/events/${region}/d-${day}",
        },
    )
    for key in ("eu/d-2026-10-01/a.json", "eu/d-2026-10-01/b.json", "us/d-2026-10-02/a.json", "us/_tmp/x.json"):
        boto3.client("s3").put_object(Bucket="lake", Key=f"extra/events/{key}", Body=b"{}")

    found = opened(tmp_path).partitions("events")

    assert [(dict(p.values), len(p.files)) for p in found] == [
        ({"region": "eu", "day": "2026-10-01"}, 2),
        ({"region": "us", "day": "2026-10-02"}, 1),
    ]


def view(name: str, sql: str, columns: list[dict[str, str]]) -> None:
    stated = {"originalSql": sql, "catalog": "awsdatacatalog", "schema": "d", "columns": columns}
    text = f"/* Presto View: {base64.b64encode(json.dumps(stated).encode()).decode()} */"
    glue().create_table(
        DatabaseName="d",
        TableInput={
            "Name": name,
            "TableType": "VIRTUAL_VIEW",
            "ViewOriginalText": text,
            "Parameters": {"presto_view": "true"},
            "StorageDescriptor": {"Columns": [{"Name": c["name"], "Type": "string"} for c in columns]},
        },
    )


def test_a_view_has_columns_lineage_and_a_price(aws: Services, tmp_path: Path) -> None:
    view(
        "big_sales",
        "SELECT shop, amount FROM sales WHERE amount > 50",
        [{"name": "shop", "type": "varchar"}, {"name": "amount", "type": "double"}],
    )
    ws = workspace(tmp_path)

    assert [(c.name, c.type) for c in ws.lake.table("big_sales").columns] == [("shop", "varchar"), ("amount", "double")]
    assert ws.readings["view d.big_sales"].inputs == ["d.sales"]
    answer = ws.lake.query("SELECT count(*) AS n FROM big_sales")
    assert answer.rows[0][0] > 100
    with pytest.raises(LimitExceeded, match="would scan about"):
        ws.lake.query("SELECT shop FROM big_sales", limits=Limits(bytes=10))


def test_a_resource_link_has_its_target_s_columns(aws: Services, tmp_path: Path) -> None:
    glue().create_database(DatabaseInput={"Name": "links"})
    glue().create_table(
        DatabaseName="links",
        TableInput={"Name": "their_orders", "TargetTable": {"DatabaseName": "d", "Name": "orders"}},
    )

    assert opened(tmp_path).table("links.their_orders").column("amount") is not None


def test_earlier_schemas_are_kept_by_glue(aws: Services, tmp_path: Path) -> None:
    registered("changing")
    storage = {
        "Columns": [{"Name": "id", "Type": "int"}, {"Name": "note", "Type": "string"}],
        "Location": "s3://lake/x",
    }
    glue().update_table(DatabaseName="d", TableInput={"Name": "changing", "StorageDescriptor": storage})

    versions = opened(tmp_path).versions("changing")

    assert len(versions) == 2
    assert {len(table.columns) for _, table in versions} == {1, 2}


def test_columns_that_iceberg_dropped_are_gone(aws: Services, tmp_path: Path) -> None:
    columns = [
        {"Name": "id", "Type": "bigint", "Parameters": {"iceberg.field.optional": "false"}},
        {"Name": "old", "Type": "string", "Parameters": {"iceberg.field.current": "false"}},
    ]
    storage = {"Columns": columns, "Location": "s3://lake/ice"}
    glue().create_table(
        DatabaseName="d",
        TableInput={"Name": "ice", "Parameters": {"table_type": "ICEBERG"}, "StorageDescriptor": storage},
    )

    table = opened(tmp_path).table("ice")

    assert [(c.name, c.nullable) for c in table.columns] == [("id", False)]
    assert table.format == "iceberg"


# --------------------------------------------------------------------------- jobs


def test_glue_jobs_bring_their_arguments_and_scripts_are_not_read_twice(aws: Services, tmp_path: Path) -> None:
    script = "s3://code/nightly.sql"
    boto3.client("s3").create_bucket(Bucket="code", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    boto3.client("s3").put_object(Bucket="code", Key="nightly.sql", Body=b"INSERT INTO shops SELECT * FROM shops")
    for name, place in (("nightly", script), ("gone", "s3://code/gone.py")):
        glue().create_job(
            Name=name,
            Role="r",
            Command={"Name": "glueetl", "ScriptLocation": place},
            DefaultArguments={"--run_date": "2026-01-01", "--TempDir": "s3://tmp/", "--enable-metrics": "true"},
        )
    ws = workspace(tmp_path)

    assert sorted(ws.jobs) == ["nightly", "sales_job"]
    assert ws.jobs["nightly"].path == script
    assert ws.jobs["nightly"].arguments == {"run_date": "2026-01-01"}
    assert ws.jobs["sales_job"].path == "jobs/sales_job.sql"
    assert [(p.what, p.why) for p in ws.problems()] == [("job gone", "its script is not there")]


def test_only_the_named_glue_jobs_are_read(aws: Services, tmp_path: Path) -> None:
    ws = workspace(tmp_path, aws={"home": "s3://lake/lake", "glue_jobs": ["other_*"]})

    assert list(ws.jobs) == ["sales_job"]  # from jobs/, not from Glue


# --------------------------------------------------------------------------- queries


def test_values_come_back_as_python_has_them(aws: Services, tmp_path: Path) -> None:
    sql = """SELECT 1 AS i, 9007199254740993 AS big, DECIMAL '1.50' AS d, 1e10 AS f, 'a "quoted", text' AS t,
        true AS b, CAST(NULL AS varchar) AS n, DATE '2026-01-02' AS day, TIMESTAMP '2026-01-02 03:04:05.678' AS ts,
        ARRAY[1, 2] AS list"""

    answer = opened(tmp_path).query(sql)

    assert answer.rows == (
        (
            *(1, 9007199254740993, Decimal("1.50"), 1e10, 'a "quoted", text', True, None),
            *(datetime.date(2026, 1, 2), datetime.datetime(2026, 1, 2, 3, 4, 5, 678000), [1, 2]),
        ),
    )
    assert answer.types[:4] == ("integer", "bigint", "decimal(3,2)", "double")


def test_parameters_are_values_whatever_is_in_them(aws: Services, tmp_path: Path) -> None:
    answer = opened(tmp_path).query("SELECT count(*) AS n FROM shops WHERE shop = ?", ["shop 1' OR '1'='1"])

    assert answer.rows == ((0,),)


def test_rows_beyond_the_limit_are_told_and_not_fetched(aws: Services, tmp_path: Path) -> None:
    answer = opened(tmp_path).query("SELECT order_id FROM orders ORDER BY order_id", limits=Limits(rows=3))

    assert ([r[0] for r in answer.rows], answer.more) == ([0, 1, 2], True)
    assert aws.athena.statements[-1].endswith("LIMIT 4")


def test_more_rows_than_one_page(aws: Services, tmp_path: Path) -> None:
    pairs = "SELECT a.order_id FROM orders AS a CROSS JOIN shops AS b LIMIT 2500"

    assert len(opened(tmp_path).query(pairs, limits=Limits(rows=5000)).rows) == 2500


def test_a_query_states_its_id_and_what_athena_billed(aws: Services, tmp_path: Path) -> None:
    lake = opened(tmp_path)
    whole = lake.query("SELECT sum(amount) AS s FROM orders")
    one_day = lake.query("SELECT sum(amount) AS s FROM orders WHERE day = DATE '2026-10-31'")

    assert boto3.client("athena").get_query_execution(QueryExecutionId=whole.query_id)["QueryExecution"]
    assert 0 < one_day.bytes_scanned * 5 < whole.bytes_scanned * 1.2
    assert lake.spent == whole.bytes_scanned + one_day.bytes_scanned


def test_a_profile_is_one_query_over_what_it_needs(aws: Services, tmp_path: Path) -> None:
    lake = opened(tmp_path)
    found = measure(lake, "orders", days=2)

    assert len(aws.athena.statements) == 1
    assert {c.nulls for c in found.columns} == {0}
    everything = lake.query("SELECT * FROM orders")
    assert 0 < lake.spent - everything.bytes_scanned < everything.bytes_scanned / 2


# --------------------------------------------------------------------------- what is known without a scan


def test_few_parquet_files_are_told_by_their_footers(aws: Services, tmp_path: Path) -> None:
    lake = opened(tmp_path)

    free, scanned = measure(lake, "orders", scan=False), measure(lake, "orders")

    assert (free.rows, free.bytes_scanned, free.sql) == (scanned.rows, 0, None)
    assert free.sources == ("Parquet footers of 6 files",)
    assert len(aws.athena.statements) == 1
    for told, exact in zip(free.columns, scanned.columns, strict=True):
        assert (told.name, told.count, told.nulls) == (exact.name, exact.count, exact.nulls)
        if told.type != "varchar":
            assert (told.min, told.max) == (exact.min, exact.max)


def test_a_table_too_large_to_scan_is_told_from_what_glue_computed(aws: Services, tmp_path: Path) -> None:
    noted = {"classification": "json", "recordCount": "120000"}
    registered("clicks", Parameters=noted)
    boto3.client("s3").put_object(Bucket="lake", Key="extra/clicks/a.json", Body=b"{}" * 1000)
    figures = {"MinimumValue": 3, "MaximumValue": 77, "NumberOfNulls": 20, "NumberOfDistinctValues": 60}
    glue().update_column_statistics_for_table(
        DatabaseName="d",
        TableName="clicks",
        ColumnStatisticsList=[
            {
                "ColumnName": "id",
                "ColumnType": "bigint",
                "AnalyzedTime": datetime.datetime(2026, 10, 5, 6, 30, tzinfo=datetime.UTC),
                "StatisticsData": {"Type": "LONG", "LongColumnStatisticsData": figures},
            }
        ],
    )

    found = measure(opened(tmp_path), "clicks", limits=Limits(bytes=1_000))

    assert aws.athena.statements == []
    (column,) = found.columns
    assert (found.rows, column.count, column.nulls, column.distinct) == (120_000, 119_980, 20, 60)
    assert (column.min, column.max) == (3, 77)
    assert found.sources == ("the catalog's recordCount", "AWS Glue column statistics of 2026-10-05 06:30 UTC")
    assert "would scan about 2,000 bytes" in found.unknowns[0]
    assert "estimates, or older than the data" in found.unknowns[0]


def test_an_iceberg_table_s_rows_are_those_of_its_newest_snapshot(aws: Services, tmp_path: Path) -> None:
    def snapshot(number: int, rows: int, **more: str) -> dict[str, Any]:
        return {
            "snapshot-id": number,
            "timestamp-ms": 1_764_500_000_000 + number,
            "summary": {"operation": "append", "total-records": str(rows), **more},
        }

    def noted(current: int, *snapshots: dict[str, Any]) -> None:
        text = json.dumps({"format-version": 2, "current-snapshot-id": current, "snapshots": snapshots})
        boto3.client("s3").put_object(Bucket="lake", Key="extra/ice/metadata/2.json", Body=text.encode())

    where = "s3://lake/extra/ice/metadata/2.json"
    registered("ice", Parameters={"table_type": "ICEBERG", "metadata_location": where})
    noted(8, snapshot(7, 10), snapshot(8, 2_500))
    known = opened(tmp_path).statistics("ice")
    assert known is not None
    assert (known.rows, known.sources) == (2_500, ("Iceberg snapshot 8 of 2025-11-30 10:53 UTC",))

    noted(8, snapshot(8, 2_500, **{"total-position-deletes": "4"}))  # rows that a reader still has to leave out
    assert opened(tmp_path).statistics("ice") is None
    with pytest.raises(InputError, match=r"Nothing is known of d\.ice without a scan"):
        measure(opened(tmp_path), "ice", scan=False)


def test_statistics_that_may_not_be_read_name_the_missing_action(aws: Services, tmp_path: Path) -> None:
    registered("clicks", Parameters={"classification": "json", "numRows": "12"})
    aws.fault("GetColumnStatisticsForTable", status=400, code="AccessDeniedException", times=9)
    lake = opened(tmp_path)

    known = lake.statistics("clicks")

    assert known is not None
    assert (known.rows, known.columns) == (12, {})
    assert "glue:GetColumnStatisticsForTable" in lake.problems()[0].why


def test_only_reading_gets_to_athena(aws: Services, tmp_path: Path) -> None:
    for statement in ("DROP TABLE orders", "INSERT INTO orders SELECT * FROM orders", "UNLOAD (SELECT 1) TO 's3://x'"):
        with pytest.raises(QueryRefused):
            opened(tmp_path).query(statement)
    assert aws.athena.statements == []


def test_athena_can_be_asked_without_scanning(aws: Services, tmp_path: Path) -> None:
    assert opened(tmp_path).explain("SELECT shop FROM orders") == "True"
    assert aws.athena.statements[-1].startswith("EXPLAIN (TYPE VALIDATE) SELECT")


def test_athena_s_own_reason_is_told(aws: Services, tmp_path: Path) -> None:
    with pytest.raises(QueryError, match="Division by zero"):
        opened(tmp_path).query("SELECT order_id / (order_id - order_id) AS q FROM orders")


# --------------------------------------------------------------------------- bounds


def test_the_estimate_counts_partitions_and_columns(aws: Services, tmp_path: Path) -> None:
    lake = opened(tmp_path)

    def most(sql: str) -> int:
        with pytest.raises(LimitExceeded) as refused:
            lake.query(sql, limits=Limits(bytes=1))
        return int(refused.value.what.split("about ")[1].split(" bytes")[0].replace(",", ""))

    everything, one_column = most("SELECT * FROM orders"), most("SELECT amount FROM orders")
    one_day = most("SELECT * FROM orders WHERE day = DATE '2026-10-31'")
    assert everything > 3 * one_day > 0
    assert everything > 1.5 * one_column > 0
    assert aws.athena.statements == []


def test_the_settings_bound_what_a_caller_asks_for(aws: Services, tmp_path: Path) -> None:
    lake = opened(tmp_path, limits={"bytes": 10})

    with pytest.raises(LimitExceeded, match=r"the limit is 10"):
        lake.query("SELECT * FROM orders", limits=Limits(bytes=2**60))


def test_a_session_has_a_budget(aws: Services, tmp_path: Path) -> None:
    lake = opened(tmp_path, limits={"session_bytes": 6_000})
    first = lake.query("SELECT sum(amount) AS s FROM orders").bytes_scanned

    with pytest.raises(LimitExceeded, match=r"of this session's 6,000 are [\d,]+ spent"):
        lake.query("SELECT * FROM orders")

    assert lake.spent == first


def test_the_workgroup_s_cutoff_is_an_outcome(aws: Services, tmp_path: Path) -> None:
    aws.athena.cutoff = 20

    with pytest.raises(LimitExceeded, match=r"Bytes scanned limit was exceeded \(workgroup de-copilot, query"):
        opened(tmp_path).query("SELECT * FROM orders")


def test_a_slow_query_is_cancelled_there_too(aws: Services, tmp_path: Path) -> None:
    aws.athena.delay = 30

    with pytest.raises(LimitExceeded, match=r"longer than 0\.2 s and was cancelled"):
        opened(tmp_path).query("SELECT 1 AS one", limits=Limits(seconds=0.2))
    assert "AmazonAthena.StopQueryExecution" in aws.calls


def test_someone_else_may_cancel(aws: Services, tmp_path: Path) -> None:
    aws.athena.delay = 30
    athena = boto3.client("athena")

    def cancel() -> None:
        while not aws.athena.running():
            time.sleep(0.02)
        athena.stop_query_execution(QueryExecutionId=aws.athena.running()[0])

    threading.Thread(target=cancel, daemon=True).start()
    with pytest.raises(QueryError, match="The query was cancelled"):
        opened(tmp_path).query("SELECT 1 AS one")


# --------------------------------------------------------------------------- files


def test_files_are_read_and_written_whole(aws: Services, tmp_path: Path) -> None:
    lake = opened(tmp_path, aws={"home": "s3://lake/lake", "output": "s3://results/team"})

    where = lake.write_text("output/docs/orders.md", "# Orders\n")

    assert where == "s3://results/team/docs/orders.md"
    assert lake.read_text("output/docs/orders.md") == "# Orders\n"
    assert [t.path for t in lake.texts("output/docs")] == ["output/docs/orders.md"]
    assert lake.read_text("nothing.json") is None
    for path in ("jobs/x.py", "output/../jobs/x.py", "/etc/passwd"):
        with pytest.raises(InputError):
            lake.write_text(path, "x")


def test_bytes_that_are_no_text_are_told(aws: Services, tmp_path: Path) -> None:
    boto3.client("s3").put_object(Bucket="lake", Key="lake/docs/x.md", Body=b"\xff\xfe")

    with pytest.raises(ReadError, match="is not UTF-8 text"):
        opened(tmp_path).read_text("docs/x.md")


# --------------------------------------------------------------------------- bad days


@pytest.mark.parametrize("call", ["StartQueryExecution", "GetQueryExecution", "GetQueryResults"])
def test_a_throttled_athena_is_asked_again(aws: Services, tmp_path: Path, call: str, no_waiting: None) -> None:
    aws.fault(f"AmazonAthena.{call}", status=400, code="ThrottlingException", times=2)

    assert opened(tmp_path).query("SELECT 1 AS one").rows == ((1,),)
    assert len(aws.athena.statements) == 1


def test_an_athena_that_stays_busy_is_unavailable(aws: Services, tmp_path: Path, no_waiting: None) -> None:
    aws.fault("AmazonAthena.StartQueryExecution", status=400, code="ThrottlingException", times=100)

    with pytest.raises(Unavailable, match=r"Athena is busy \(ThrottlingException\)"):
        opened(tmp_path).query("SELECT 1 AS one")


def test_credentials_that_end_in_the_middle(aws: Services, tmp_path: Path) -> None:
    aws.fault("AmazonAthena.GetQueryExecution", status=400, code="ExpiredTokenException", times=1)

    with pytest.raises(ConfigError, match="Sign in again"):
        opened(tmp_path).query("SELECT 1 AS one")


def test_a_denied_action_is_named(aws: Services, tmp_path: Path) -> None:
    aws.fault("AmazonAthena.StartQueryExecution", status=400, code="AccessDeniedException")

    with pytest.raises(ConfigError, match=r"Allow athena:StartQueryExecution"):
        opened(tmp_path).query("SELECT 1 AS one")


def test_one_denied_table_leaves_the_others(aws: Services, tmp_path: Path) -> None:
    aws.fault("AWSGlue.GetTable$", status=400, code="AccessDeniedException", body='"Name": "shops"', times=9)
    lake = opened(tmp_path)

    assert lake.table("d.orders").columns
    with pytest.raises(ConfigError, match=r"glue:GetTable is denied .*Allow glue:GetTable"):
        lake.table("d.shops")


def test_one_denied_database_leaves_the_others(aws: Services, tmp_path: Path) -> None:
    glue().create_database(DatabaseInput={"Name": "secret"})
    aws.fault("AWSGlue.GetTables", status=400, code="AccessDeniedException", body="secret", times=9)
    ws = workspace(tmp_path, default_database="d")

    assert TableName("d", "orders") in ws.lake.tables()
    assert ws.readings["sales_job"].readable
    assert [(p.what, "Allow glue:GetTables" in p.why) for p in ws.problems()] == [("database secret", True)]


def test_s3_that_asks_to_slow_down_is_asked_again(aws: Services, tmp_path: Path, no_waiting: None) -> None:
    aws.fault("GET /lake", status=503, code="SlowDown", times=3)

    assert opened(tmp_path).read_text("dashboards.json")


def test_a_write_that_fails_leaves_the_old_file(aws: Services, tmp_path: Path, no_waiting: None) -> None:
    lake = opened(tmp_path)
    lake.write_text("output/report.md", "old")
    aws.fault("PUT /lake/lake/output", status=503, code="SlowDown", times=100)

    with pytest.raises(Unavailable):
        lake.write_text("output/report.md", "new")
    aws.heal()
    assert lake.read_text("output/report.md") == "old"


def test_without_a_home_there_is_no_lake(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"aws\.home"):
        open_workspace(load_settings(start=tmp_path, environ={}, backend="aws"))


def test_without_a_region_nothing_is_guessed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    settings = load_settings(start=tmp_path, environ={}, backend="aws", aws={"home": "s3://lake/lake"})

    with pytest.raises(ConfigError, match="AWS_REGION"):
        open_workspace(settings).lake.tables()


def test_the_referees_refuse_what_is_not_trino() -> None:
    assert refused_by_trino("SELECT 1") is None
    assert refused_by_trino("SELECT `a` FROM t")
    assert refused_by_trino("SELECT a FROM t LIMIT 1 OFFSET 1")


def test_a_new_version_of_a_table_is_judged_by_what_was_written_for_the_one_before(
    aws: Services, tmp_path: Path
) -> None:
    from tools.changes import Change
    from tools.impact import impact

    def altered(columns: dict[str, str]) -> None:
        kept = glue().get_table(DatabaseName="d", Name="orders")["Table"]
        storage = {**kept["StorageDescriptor"], "Columns": [{"Name": n, "Type": t} for n, t in columns.items()]}
        more = {k: kept[k] for k in ("PartitionKeys", "Parameters", "TableType") if k in kept}
        glue().update_table(DatabaseName="d", TableInput={"Name": "orders", "StorageDescriptor": storage, **more})

    altered({"order_id": "bigint", "shop": "string"})
    altered({"order_id": "bigint", "shop": "string", "note": "string"})
    ws = workspace(tmp_path)
    newest = impact(ws, Change("change_schema", table="orders"))
    assert newest.change == Change("add_column", "d.orders", "note", "varchar")
    first = ws.lake.versions("orders")[-1][0]  # type: ignore[attr-defined]
    result = impact(ws, Change("change_schema", table="orders", to=first))
    assert f"version {first} of the Glue catalog" in result.assumptions[0]
    assert [i.kind for i in result.of("breaks")][:1] == ["job"]
    with pytest.raises(NotFound, match="version"):
        impact(ws, Change("change_schema", table="orders", to="99"))
