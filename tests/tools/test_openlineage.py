"""OpenLineage out: events built with OpenLineage's own classes, so their shape is checked as they are made."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from tools.jobs import read_job
from tools.openlineage import job_event, to_json
from tools.plan.catalog import DictCatalog

CATALOG = DictCatalog({"shop.orders": [("id", "bigint"), ("amount", "double"), ("day", "date")]}, "shop")
SCRIPT = "INSERT INTO daily SELECT day, sum(amount * 2) AS total, id FROM orders WHERE amount > 0 GROUP BY day, id"
AT = datetime(2026, 11, 20, 6, 0, tzinfo=UTC)


def event(script: str = SCRIPT) -> dict[str, Any]:
    reading = read_job(script, name="daily_job", file="jobs/daily_job.sql", catalog=CATALOG)
    return to_json(job_event(reading, catalog=CATALOG, namespace="lake", at=AT))


def test_a_job_event_names_job_inputs_and_outputs() -> None:
    data = event()
    assert data["eventTime"] == "2026-11-20T06:00:00+00:00"
    assert data["job"]["name"] == "daily_job"
    assert [(i["namespace"], i["name"]) for i in data["inputs"]] == [("lake", "shop.orders")]
    assert [(o["namespace"], o["name"]) for o in data["outputs"]] == [("lake", "shop.daily")]
    fields = data["inputs"][0]["facets"]["schema"]["fields"]
    assert [(f["name"], f["type"]) for f in fields] == [("id", "bigint"), ("amount", "double"), ("day", "date")]


def transformations(data: dict[str, Any], column: str) -> list[tuple[str, str, str]]:
    inputs = data["outputs"][0]["facets"]["columnLineage"]["fields"][column]["inputFields"]
    return [(i["field"], t["type"], t["subtype"]) for i in inputs for t in i["transformations"]]


def test_columns_carry_their_kind_of_transformation() -> None:
    data = event()
    assert transformations(data, "day") == [("day", "DIRECT", "IDENTITY")]
    assert transformations(data, "total") == [("amount", "DIRECT", "AGGREGATION")]


def test_what_decides_about_rows_stands_at_the_data_set() -> None:
    whole = event()["outputs"][0]["facets"]["columnLineage"]["dataset"]
    found = {(i["field"], t["subtype"]) for i in whole for t in i["transformations"]}
    assert found == {("amount", "FILTER"), ("day", "GROUP_BY"), ("id", "GROUP_BY")}


def test_a_path_is_named_by_bucket_and_key() -> None:
    data = event("UNLOAD (SELECT id FROM orders) TO 's3://exports/orders/day/' WITH (format = 'PARQUET')")
    assert [(o["namespace"], o["name"]) for o in data["outputs"]] == [("s3://exports", "orders/day")]
