"""The Lambda functions as Lambda runs them: the real runtime client, events as AWS sends them, and their bad days."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from tests.deploy.template import allowed
from tests.wire.runtime import Sandbox
from tests.wire.services import Services
from tools.settings import load_settings
from tools.snapshots import remember
from tools.workspace import Workspace, open_workspace
from ui.lambdas.events import analyze_request, event_key, impact_request
from ui.lambdas.requests import SimulateRequest, checked
from ui.lambdas.running import Call, _small
from ui.lambdas.simulation import simulate_kpis

RUNS, RECORDS, CODE = "runs", "records", "code-bucket"
EDIT = "s3://code-bucket/jobs/product_dim_job.py"


def event_of(kind: str, source: str, detail: dict[str, Any]) -> dict[str, Any]:
    return {
        "version": "0",
        "id": "17793124-05d4-b198-2fde-7ededc63b103",
        "detail-type": kind,
        "source": source,
        "account": "123456789012",
        "time": "2026-11-12T00:00:00Z",
        "region": "eu-central-1",
        "resources": [],
        "detail": detail,
    }


SUCCEEDED = event_of(
    "Glue Job State Change", "aws.glue", {"jobName": "product_dim_job", "state": "SUCCEEDED", "jobRunId": "jr_1"}
)
TABLE_CHANGED = event_of(
    "Glue Data Catalog Table State Change",
    "aws.glue",
    {"databaseName": "wealth", "typeOfChange": "UpdateTable", "tableName": "dim_product"},
)
SCRIPT_PUT = event_of(
    "Object Created",
    "aws.s3",
    {"bucket": {"name": CODE}, "object": {"key": "jobs/product_dim_job.py", "etag": "e", "sequencer": "1"}},
)


@pytest.fixture(scope="module")
def services() -> Iterator[Services]:
    with Services() as running:
        yield running


@pytest.fixture
def aws(services: Services, aws_identity: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    """The tables that the functions remember in, and a bucket with an edited script."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", services.url)
    client = boto3.client("dynamodb")
    string = {"AttributeType": "S"}
    client.create_table(
        TableName=RUNS,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", **string}],
    )
    client.create_table(
        TableName=RECORDS,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": "pk", **string}, {"AttributeName": "sk", **string}],
    )
    boto3.client("s3").create_bucket(Bucket=CODE, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    yield services
    services.reset()


@pytest.fixture
def lake(wealth: Workspace, tmp_path: Path) -> Path:
    """A lake that the functions may write to."""
    copy = tmp_path / "lake"
    shutil.copytree(wealth.settings.lake, copy)
    return copy


@pytest.fixture
def environment(aws: Services, lake: Path) -> dict[str, str]:
    return {
        "AWS_ENDPOINT_URL": aws.url,
        "DE_COPILOT_LAKE": str(lake),
        "DE_COPILOT_RECORDS_STORE": f"dynamodb:{RECORDS}",
        "DE_COPILOT_RECORDS_SPILL": f"s3://{CODE}/spill",
        "DE_COPILOT_LAMBDAS_RUNS_TABLE": RUNS,
    }


@pytest.fixture
def on_dynamodb(environment: dict[str, str]) -> Workspace:
    """The lake as the functions see it."""
    return open_workspace(load_settings(environ=environment))


def reports(lake: Path) -> list[Path]:
    return sorted((lake / "output" / "impact_reports").glob("*.md"))


def edited(lake: Path) -> str:
    script = (lake / "jobs" / "product_dim_job.py").read_text(encoding="utf-8")
    assert "product_group" in script
    return script.replace("product_group", "product_family")


# ------------------------------------------------------------------------------------------ what they answer


def asked_of_dynamodb(aws: Services) -> set[str]:
    """The actions behind the calls that were made: a transaction's are those of its parts."""
    asked = {call.replace("DynamoDB_20120810.", "dynamodb:") for call in aws.calls if call.startswith("DynamoDB_")}
    parts = {"dynamodb:PutItem", "dynamodb:ConditionCheckItem"} if "dynamodb:TransactWriteItems" in asked else set()
    return asked - {"dynamodb:TransactWriteItems"} | parts


def test_an_edited_script_put_on_s3_is_judged_against_the_last_snapshot(
    environment: dict[str, str], lake: Path, aws: Services, on_dynamodb: Workspace
) -> None:
    remember(on_dynamodb)
    aws.calls.clear()
    boto3.client("s3").put_object(Bucket=CODE, Key="jobs/product_dim_job.py", Body=edited(lake).encode())
    with Sandbox("ui.lambdas.de_copilot_impact_analyzer", environment) as function:
        first = function.invoke(SCRIPT_PUT)
        again = function.invoke(SCRIPT_PUT)
        direct = function.invoke({"job_name": "product_dim_job", "new_job_script_s3_path": EDIT})
        log = function.log

    assert first.error is None, first
    assert asked_of_dynamodb(aws) <= allowed("ImpactAnalyzer")
    assert first.answer["status"] == "ok", first
    assert first.answer["severity"] == "high"
    assert "positions_fact_job" in first.answer["impacted_jobs"]
    assert first.answer["impacted_tables"]
    assert first.answer["impacted_dashboards"]
    assert all(Path(path).is_file() for path in first.answer["written"])
    # The repeated event was answered from memory; another call was worked on.
    assert {**again.answer, "request_id": None} == {**first.answer, "request_id": None}
    assert direct.answer["written"] != first.answer["written"] or len(reports(lake)) == 1
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    assert {line["function_request_id"] for line in lines} >= {first.answer["request_id"], direct.answer["request_id"]}


def test_a_job_that_succeeded_has_its_tables_analyzed_and_remembered(
    environment: dict[str, str], lake: Path, on_dynamodb: Workspace
) -> None:
    with Sandbox("ui.lambdas.de_copilot_analyze_table", environment) as function:
        answer = function.invoke(SUCCEEDED).answer
        tested = function.invoke({"glue_database": "wealth", "table_name": "raw_positions"}).answer
        wrong = function.invoke({"glue_database": "wealth", "table": "dim_product"}).answer
        missing = function.invoke({"glue_database": "wealth", "table_name": "dim_produkt"}).answer

    assert answer.get("status") == "ok", answer
    assert answer["tables"] == ["wealth.dim_product"]
    assert answer["jobs"] == ["product_dim_job"]
    assert "no rows" in answer["analyses"][0]["unknowns"][0]  # said, and the rest goes on
    assert tested["analyses"][0]["checks"] > 0, tested
    folders = {str(Path(path).relative_to(lake / "output").parent) for path in tested["written"]}
    assert folders >= {"tests", "contracts", "docs"}
    assert all(Path(path).is_file() for path in tested["written"])
    record = on_dynamodb.store.get("JOB", "product_dim_job")
    assert record is not None
    assert (wrong["status"], wrong["error"], wrong["where"]) == ("error", "bad_input", "table")
    assert "table_name" in wrong["hint"]
    assert missing["error"] == "not_found"
    assert "dim_product" in missing["nearest"][0]


def test_a_script_that_is_not_there_and_a_denied_one_are_different_answers(
    environment: dict[str, str], aws: Services
) -> None:
    call = {"job_name": "product_dim_job", "new_job_script_s3_path": EDIT}
    with Sandbox("ui.lambdas.de_copilot_impact_analyzer", environment) as function:
        gone = function.invoke(call)
        aws.fault(f"GET /{CODE}/jobs", status=403, code="AccessDenied")
        denied = function.invoke(call)
        aws.fault(f"GET /{CODE}/jobs", status=503, code="SlowDown", times=99)
        unavailable = function.invoke(call)

    assert gone.answer.get("error") == "not_found", gone
    assert denied.answer["error"] == "bad_config"
    assert "s3:GetObject" in denied.answer["message"]
    # What passes is raised, so that Lambda, EventBridge and Step Functions try again.
    assert unavailable.error == "Unhandled"
    assert unavailable.answer["errorType"] == "Unavailable"


def test_a_call_that_ran_out_of_time_wrote_nothing_and_its_repetition_is_worked_on(
    environment: dict[str, str], lake: Path, aws: Services, on_dynamodb: Workspace
) -> None:
    aws.fault("DynamoDB.*Query", wait=30, times=1)
    with Sandbox("ui.lambdas.de_copilot_impact_analyzer", environment, seconds=12) as function:
        event = {"job_name": "product_dim_job"}
        late = function.invoke(event, request_id="11111111-2222-3333-4444-555555555555")
        nothing = reports(lake)
        function.seconds = 60
        again = function.invoke(event, request_id="11111111-2222-3333-4444-555555555555")

    assert late.answer["errorType"] == "Sandbox.Timedout"
    assert nothing == []
    assert again.answer["status"] == "ok", again
    assert len(reports(lake)) == 1


def test_a_large_answer_is_cut_with_exact_counts_and_lies_whole_in_a_file(lake: Path) -> None:
    ws = open_workspace(load_settings(lake=lake, environ={}))
    names = [f"table_{i:05}_with_a_rather_long_name" for i in range(9_000)]
    body = _small(ws, "impact_analyzer", "r-1", {"status": "ok", "severity": "high", "impacted_tables": names})

    assert body["severity"] == "high"
    assert body["impacted_tables"][-1] == "and 8950 more"
    assert len(json.dumps(body)) < 10_000
    whole = json.loads(Path(body["whole_result"]).read_text(encoding="utf-8"))
    assert whole["impacted_tables"] == names


def test_kpis_are_simulated_under_an_edit(environment: dict[str, str], lake: Path) -> None:
    boto3.client("s3").put_object(
        Bucket=CODE, Key="jobs/positions_job.py", Body=(lake / "jobs/positions_job.py").read_bytes()
    )
    call = {"job_name": "positions_job", "new_job_script_s3_path": f"s3://{CODE}/jobs/positions_job.py", "days": 3}
    with Sandbox("ui.lambdas.de_copilot_kpi_simulator", environment, seconds=900) as function:
        answer = function.invoke(call).answer
        wrong = function.invoke({**call, "days": 0}).answer

    assert answer.get("state") == "done", answer
    known = {k["kpi_name"] for k in json.loads((lake / "kpis.json").read_text(encoding="utf-8"))}
    assert {k["kpi"] for k in answer["kpis"]} == known
    assert all(k["text"] for k in answer["kpis"])
    assert (wrong["error"], wrong["where"]) == ("bad_input", "days")


def test_a_simulation_longer_than_a_call_goes_on_in_the_next(lake: Path) -> None:
    ws = open_workspace(load_settings(lake=lake, environ={}))
    names = [c.name for c in ws.consumers if c.kind == "kpi"]
    request = checked(SimulateRequest, {"job_name": "positions_job", "days": 3})
    asked = 0
    body: dict[str, Any] = {"state": "running", "next": request.model_dump(exclude_none=True)}
    while body["state"] == "running":
        asked += 1
        body = simulate_kpis(ws, checked(SimulateRequest, body["next"]), Call("first", lambda: 1.0))
        assert len(body["kpis"]) == asked  # with one second left, one KPI a call

    assert asked == len(names) > 1
    assert [k["kpi"] for k in body["kpis"]] == names
    assert body["simulation_id"] == "first"


def test_a_fan_out_gets_every_table_as_a_request(environment: dict[str, str], lake: Path) -> None:
    with Sandbox("ui.lambdas.de_copilot_list_tables", environment) as function:
        answer = function.invoke(event_of("Scheduled Event", "aws.scheduler", {})).answer

    items = json.loads((lake / "output" / "fan_out" / "tables.json").read_text(encoding="utf-8"))
    assert answer["tables"] == len(items) > 0
    assert all(analyze_request(item).table_name for item in items)


# ------------------------------------------------------------------------------------------ what they take


def test_events_become_requests() -> None:
    assert analyze_request(SUCCEEDED).job_name == "product_dim_job"
    assert analyze_request(TABLE_CHANGED).table_name == "dim_product"
    assert impact_request(SCRIPT_PUT).new_job_script_s3_path == EDIT
    assert impact_request(SUCCEEDED).job_name == "product_dim_job"
    assert impact_request(TABLE_CHANGED).table_name == "dim_product"


def test_an_s3_notification_is_the_same_request_as_eventbridges() -> None:
    made = {"bucket": {"name": CODE}, "object": {"key": "jobs/product+dim_job.py", "eTag": "e", "sequencer": "1"}}
    event = {"Records": [{"eventSource": "aws:s3", "s3": made}]}

    assert impact_request(event).job_name == "product dim_job"
    assert event_key(event) == event_key(json.loads(json.dumps(event)))


@pytest.mark.parametrize(
    ("event", "field"),
    [
        ({}, "job_name"),
        ({"job_name": ""}, "job_name"),
        ({"job_name": "j", "table_name": "t"}, "job_name"),
        ({"job_name": 7}, "job_name"),
        ({"job_name": "j", "new_job_script_s3_path": "s3://b/readme.txt"}, "new_job_script_s3_path"),
        ({"job_name": "j", "jobname": "k"}, "jobname"),
        ({"Records": [{}, {}]}, "Records"),
        (event_of("Glue Crawler State Change", "aws.glue", {}), "detail-type"),
    ],
    ids=["nothing", "empty", "both", "a number", "no script", "unknown", "two records", "foreign"],
)
def test_a_mistake_is_named_by_its_field(event: dict[str, Any], field: str) -> None:
    from knowledge.errors import InputError

    with pytest.raises(InputError) as caught:
        impact_request(event)
    assert caught.value.where == field


def test_the_engines_functions_load_no_model() -> None:
    code = (
        "import sys, ui.lambdas, ui.lambdas.work, ui.lambdas.simulation, ui.lambdas.events, tools.kpi, tools.workspace, tools.guardian, "
        "tools.analyze, tools.snapshots\n"
        "print(sorted({m.split('.')[0] for m in sys.modules} & "
        "{'langchain', 'langchain_core', 'langchain_aws', 'langgraph', 'streamlit', 'chromadb', 'onnxruntime'}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
