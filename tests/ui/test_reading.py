"""`de-copilot read-job`: a script by itself, with what is known about it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.ui.conftest import Command

JOB = """import sys
from awsglue.utils import getResolvedOptions
args = getResolvedOptions(sys.argv, ["env"])
df = spark.table("shop.orders").where("amount > 0").select("order_id", "amount")
df.write.mode("overwrite").parquet(f"s3://out/{args['env']}/orders")
"""


@pytest.fixture
def job(tmp_path: Path) -> Path:
    file = tmp_path / "orders_job.py"
    file.write_text(JOB, encoding="utf-8")
    return file


def test_inputs_outputs_steps_and_columns(command: Command, job: Path) -> None:
    out = command("read-job", str(job)).out
    assert "shop.orders" in out
    assert "s3://out/${args.env}/orders" in out
    assert "amount > 0" in out


def test_an_argument_fills_its_hole(command: Command, job: Path) -> None:
    data = command("read-job", str(job), "--args", "env=prod", "--json").data
    assert data["writes"] == ["s3://out/prod/orders"]


def test_a_catalog_tells_what_is_missing(command: Command, job: Path, tmp_path: Path) -> None:
    catalog = tmp_path / "catalog.json"
    catalog.write_text(json.dumps({"shop.orders": {"order_id": "bigint"}}))
    data = command("read-job", str(job), "--catalog", str(catalog), "--json").data
    assert {u["name"] for u in data["unknowns"]} == {"amount"}


def test_an_openlineage_event(command: Command, job: Path) -> None:
    event = command("read-job", str(job), "--openlineage").data
    assert event["job"]["name"] == "orders_job"
    assert [i["name"] for i in event["inputs"]] == ["shop.orders"]


@pytest.mark.parametrize(
    "arguments", [("nope.py",), ("{job}", "--args", "env"), ("{job}", "--catalog", "nope.json")], ids=str
)
def test_what_cannot_be_read_is_told_in_a_sentence(command: Command, job: Path, arguments: tuple[str, ...]) -> None:
    outcome = command("read-job", *(a.format(job=job) for a in arguments))
    assert outcome.code != 0
    assert outcome.err.startswith("error:")
    assert "Traceback" not in outcome.err
