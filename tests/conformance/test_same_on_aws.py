"""Every phase gives the same on AWS as in a folder: only variables differ, and where things are."""

from __future__ import annotations

import datetime
import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from agent.copilot import build_copilot
from tests.deploy.template import allowed
from tests.lakes import daily_shop
from tests.wire.account import load
from tests.wire.runtime import Sandbox
from tests.wire.services import Services
from tools.settings import load_settings
from tools.workspace import open_workspace
from ui.cli import run

LAST = datetime.date(2026, 10, 31)
KPIS = [
    {
        "kpi_name": "Revenue",
        "sql": "SELECT day, sum(amount) AS revenue FROM sales GROUP BY day",
        "depends_on_tables": ["sales"],
    }
]
COMMANDS = {
    "tables": ["tables"],
    "schema": ["schema", "orders"],
    "stats": ["stats", "orders"],
    "assets": ["assets"],
    "job": ["job", "sales_job"],
    "lineage": ["lineage", "sales.amount"],
    "impact": ["impact", "drop orders.amount"],
    "tests": ["tests", "sales"],
    "check": ["check", "sales"],
    "contract": ["contract", "sales"],
    "document": ["document", "sales"],
    "analyze": ["analyze", "orders"],
    "snapshot": ["snapshot"],
    "history": ["history", "sales_job"],
    "ask": ["ask", "what breaks if I drop orders.amount"],
    "simulate": ["simulate", "--job", "sales_job", "--edit", "exclude rows where shop = 'shop 1'", "--days", "5"],
}
IDENTITY = {"AWS_ACCESS_KEY_ID": "testing", "AWS_SECRET_ACCESS_KEY": "testing", "AWS_DEFAULT_REGION": "eu-central-1"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("shop")
    daily_shop(root, days=12, last=LAST)
    (root / "kpis.json").write_text(json.dumps(KPIS), encoding="utf-8")
    return root


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    with Services() as running:
        yield running
        running.reset()


@pytest.fixture(scope="module")
def account(folder: Path, services: Services) -> Iterator[dict[str, str]]:
    """The variables of an account that holds a copy of the folder, which nobody has written to."""
    with pytest.MonkeyPatch.context() as patch:
        here = {**IDENTITY, "AWS_ENDPOINT_URL": services.url}
        for name, value in here.items():
            patch.setenv(name, value)
        patch.setattr(boto3, "DEFAULT_SESSION", None)
        yield {**here, **load(folder, bucket="lake")}


@pytest.fixture(scope="module")
def local(folder: Path, account: dict[str, str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that commands write to."""
    copy = tmp_path_factory.mktemp("local") / "shop"
    shutil.copytree(folder, copy)
    return copy


def plain(said: Any, *places: str) -> Any:
    """What was said without where things are, when it was, and what Athena alone knows."""
    if isinstance(said, dict):
        return {k: plain(v, *places) for k, v in said.items() if k not in NOT_COMPARED}
    if isinstance(said, list):
        return [plain(v, *places) for v in said]
    if isinstance(said, str):
        for place in places:
            said = said.replace(place, "<lake>")
        said = re.sub(r"^servers:\n(?:[ -].*\n)+", "", said, flags=re.MULTILINE)  # of another kind on S3
        said = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[.\d+:Z]*", "<now>", said)
        return re.sub(r"[\d.]+ (m?s|[kM]?B)\b", "<measured>", said)
    return said


NOT_COMPARED = {
    *("seconds", "query_id", "bytes_scanned", "bytes", "estimate", "dollars", "at", "taken_at", "last_analyzed"),
    *("location", "servers", "version", "hash"),
}


@pytest.mark.parametrize("name", list(COMMANDS))
def test_a_command_says_the_same(
    name: str,
    local: Path,
    account: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.chdir(tmp_path)
    here = run([*COMMANDS[name], "--lake", str(local), "--json"]), capsys.readouterr().out
    for variable, value in account.items():
        monkeypatch.setenv(variable, value)
    there = run([*COMMANDS[name], "--json"]), capsys.readouterr().out

    assert there[0] == here[0], there[1]
    said, expected = json.loads(there[1]), json.loads(here[1])
    if name == "ask":
        assert said.pop("id") != expected.pop("id")  # each answer has receipts of its own
    if name == "schema":
        assert said.pop("rows") is None  # in a folder footers tell it; on S3 that would be a request for each file
        del expected["rows"]
    assert plain(said, "s3://lake/lake") == plain(expected, str(local))
    lake = open_workspace(load_settings(start=tmp_path)).lake
    written = {f.path: lake.read_text(f.path) for f in lake.texts("output")}
    here_too = {f"output/{p.relative_to(local / 'output')}": p.read_text("utf-8") for p in _files(local / "output")}
    assert plain(written, "s3://lake/lake") == plain(here_too, str(local))


def test_the_chat_says_the_same(
    local: Path, account: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    questions = ["where does sales.amount come from", "what breaks if I drop orders.shop", "who reads sales"]
    monkeypatch.chdir(tmp_path)
    here = build_copilot(open_workspace(load_settings(lake=local, environ={})))
    for variable, value in account.items():
        monkeypatch.setenv(variable, value)
    there = build_copilot(open_workspace(load_settings(start=tmp_path)))

    for question in questions:
        said = plain(there.ask(question).answer, "s3://lake/lake")
        assert said == plain(here.ask(question).answer, str(local))


FUNCTIONS = {
    "de_copilot_analyze_table": "AnalyzeTable",
    "de_copilot_impact_analyzer": "ImpactAnalyzer",
    "de_copilot_kpi_simulator": "KpiSimulator",
}


def actions(calls: list[str]) -> set[str]:
    """The IAM actions behind some requests."""
    services = {"AWSGlue": "glue", "AmazonAthena": "athena"}
    found = set()
    for call in calls:
        service, _, operation = call.partition(".")
        if service in services:
            found.add(f"{services[service]}:{operation}")
        elif call.startswith("GET /"):
            found.add("s3:GetObject" if call.count("/") > 1 else "s3:ListBucket")
        elif call.startswith("PUT /"):
            found.add("s3:PutObject")
    return found


def test_the_three_functions_work_over_the_account(
    account: dict[str, str], services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable, value in account.items():
        monkeypatch.setenv(variable, value)
    s3 = boto3.client("s3")
    script = s3.get_object(Bucket="lake", Key="lake/jobs/sales_job.sql")["Body"].read().decode()
    s3.put_object(Bucket="lake", Key="new/sales_job.sql", Body=script.replace("> 0", "> 40").encode())
    environment = {**account, "DE_COPILOT_LAKE": "/tmp"}
    change = {"job_name": "sales_job", "new_job_script_s3_path": "s3://lake/new/sales_job.sql"}

    answers = {}
    for name, event in (
        ("de_copilot_analyze_table", {"glue_database": "d", "table_name": "sales"}),
        ("de_copilot_impact_analyzer", change),
        ("de_copilot_kpi_simulator", {**change, "kpis": ["Revenue"], "days": 5}),
    ):
        services.calls.clear()
        with Sandbox(f"ui.lambdas.{name}", environment) as function:
            answers[name] = function.invoke(event).answer
        # A database that is named needs no look for databases; here it is found.
        assert actions(services.calls) - {"glue:GetDatabases"} <= allowed(FUNCTIONS[name])

    assert {name: a.get("status") for name, a in answers.items()} == dict.fromkeys(answers, "ok"), answers
    written = [uri for answer in answers.values() for uri in answer["written"]]
    assert written
    assert all(uri.startswith("s3://lake/lake/output/") for uri in written)
    assert answers["de_copilot_impact_analyzer"]["impacted_dashboards"] == ["Sales"]


def _files(folder: Path) -> Iterator[Path]:
    return (p for p in folder.rglob("*") if p.is_file())
