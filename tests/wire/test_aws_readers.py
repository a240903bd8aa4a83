"""Saved queries and data sets as readers of a lake in an account, over HTTP."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import boto3
import pytest

from knowledge.errors import ConfigError
from tests.lakes import daily_shop
from tests.wire.account import load
from tests.wire.services import Services
from tools.changes import parse_change
from tools.impact import impact
from tools.settings import load_settings
from tools.workspace import Workspace, open_workspace
from ui.commands.checkup import Patient
from ui.commands.doctor_aws import CHECKS


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    with Services() as running:
        yield running


@pytest.fixture
def aws(services: Services, tmp_path: Path, aws_identity: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    daily_shop(tmp_path / "lake", days=2)
    monkeypatch.setenv("AWS_ENDPOINT_URL", services.url)
    for name, value in load(tmp_path / "lake", bucket="lake").items():
        monkeypatch.setenv(name, value)
    yield services
    services.reset()


def workspace(tmp_path: Path, *readers: str) -> Workspace:
    return open_workspace(load_settings(start=tmp_path, environ=None, aws={"readers": list(readers)}))


def save(name: str, sql: str) -> None:
    group = os.environ.get("DE_COPILOT_AWS_WORKGROUP", "primary")
    boto3.client("athena").create_named_query(Name=name, Database="d", QueryString=sql, WorkGroup=group)


def table(name: str, *columns: str, schema: str = "d") -> dict[str, Any]:
    stated = [{"Name": c, "Type": "STRING"} for c in columns]
    return {"RelationalTable": {"DataSourceArn": "arn", "Schema": schema, "Name": name, "InputColumns": stated}}


def sql(name: str, query: str) -> dict[str, Any]:
    return {"CustomSql": {"DataSourceArn": "arn", "Name": name, "SqlQuery": query}}


def test_a_saved_query_breaks_as_a_dashboard_does(aws: Services, tmp_path: Path) -> None:
    save("Shops of today", "SELECT shop, sum(amount) AS a FROM orders GROUP BY shop")
    save("Makes a table", "CREATE TABLE d.copy AS SELECT * FROM d.orders")
    save("No SQL at all", "SELEC")
    ws = workspace(tmp_path, "athena")
    names = [c.name for c in ws.consumers if c.file.startswith("athena:")]
    assert names == ["Shops of today"]
    broken = impact(ws, parse_change("drop column orders.amount")).of("breaks", kind="dashboard")
    assert "Shops of today" in [i.name for i in broken]


def test_data_sets_are_known_down_to_columns(aws: Services, tmp_path: Path) -> None:
    aws.quicksight.data_sets |= {
        "one": {"Name": "Orders", "PhysicalTableMap": {"p": table("orders", "order_id", "amount")}},
        "two": {
            "Name": "Both",
            "PhysicalTableMap": {
                "p": table("sales", "shop"),
                "q": sql("by day", "SELECT day, count(*) AS n FROM d.orders GROUP BY day"),
            },
        },
        "three": {"Name": "Warehouse", "PhysicalTableMap": {"p": table("facts", "x", schema="redshift")}},
        "four": None,
        "five": {"Name": "Upload", "PhysicalTableMap": {"p": {"S3Source": {"DataSourceArn": "a", "InputColumns": []}}}},
    }
    ws = workspace(tmp_path, "quicksight")
    found = {c.name: c for c in ws.consumers if c.file.startswith("quicksight:")}
    assert sorted(found) == ["Both: by day", "Both: sales", "Orders"]
    assert found["Orders"].stated_columns == (("d.orders", "order_id"), ("d.orders", "amount"))
    broken = impact(ws, parse_change("drop column orders.amount")).of("breaks", kind="dashboard")
    assert "Orders" in [i.name for i in broken]
    assert "Both: by day" not in [i.name for i in broken]


def test_a_service_that_may_not_be_asked_is_a_problem_and_the_rest_goes_on(aws: Services, tmp_path: Path) -> None:
    save("Orders", "SELECT order_id FROM d.orders")
    aws.fault("/data-sets", status=403, code="AccessDeniedException")
    ws = workspace(tmp_path, "quicksight", "athena")
    assert [c.name for c in ws.consumers if c.file.startswith("athena:")] == ["Orders"]
    assert any("quicksight:" in p.why for p in ws.problems())


def test_nobody_is_asked_unless_the_settings_say_so(aws: Services, tmp_path: Path) -> None:
    save("Orders", "SELECT order_id FROM d.orders")
    aws.calls.clear()
    assert not [c for c in workspace(tmp_path).consumers if ":" in c.file]
    assert "AmazonAthena.ListNamedQueries" not in aws.calls


def examined(ws: Workspace, check: str) -> str:
    """What the doctor says of one permission; what a refusal says in its place."""
    patient = cast(Patient, SimpleNamespace(settings=ws.settings, ws=ws))
    try:
        return next(iter(CHECKS[check](check, patient))).found
    except ConfigError as error:
        return error.message


def test_the_doctor_tries_each_readers_actions(aws: Services, tmp_path: Path) -> None:
    save("Orders", "SELECT order_id FROM d.orders")
    aws.quicksight.data_sets |= {"four": None, "one": {"Name": "Orders", "PhysicalTableMap": {}}}
    ws = workspace(tmp_path, "quicksight", "athena")

    assert examined(ws, "saved queries") == "athena:ListNamedQueries and athena:BatchGetNamedQuery are allowed"
    assert examined(ws, "QuickSight") == "quicksight:ListDataSets and quicksight:DescribeDataSet are allowed"


def test_the_doctor_says_what_it_could_not_try_and_what_is_denied(aws: Services, tmp_path: Path) -> None:
    ws = workspace(tmp_path, "quicksight", "athena")
    assert "there is no saved query to try athena:BatchGetNamedQuery on" in examined(ws, "saved queries")
    assert "not asked for" in examined(workspace(tmp_path), "QuickSight")

    aws.fault("/data-sets", status=403, code="AccessDeniedException")
    assert "quicksight:ListDataSets is denied" in examined(ws, "QuickSight")
