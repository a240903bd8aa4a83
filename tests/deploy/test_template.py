"""The deployment: valid as CloudFormation sees it, no wider than the code needs, and closed to the world."""

from __future__ import annotations

import json
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs

import ui.lambdas
from tests.deploy.calls import BY_LIBRARIES, NEEDS_NO_POLICY, called
from tests.deploy.template import allowed, source, statements, transformed

FUNCTIONS = {n: r for n, r in source()["Resources"].items() if r["Type"] == "AWS::Serverless::Function"}
# Parameters of the chat are empty when there is no chat; then nothing refers to them.
EMPTY_PARAMETERS = ["W1030"]


def of_type(kind: str) -> dict[str, Any]:
    return {n: r for n, r in transformed()["Resources"].items() if r["Type"] == kind}


@pytest.fixture(autouse=True)
def region(settled_environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """The transformation wants to know where it will be deployed."""
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")


def test_the_transformed_template_passes_cfn_lint() -> None:
    config = ManualArgs(regions=["eu-central-1"], ignore_checks=EMPTY_PARAMETERS)
    found = lint(json.dumps(transformed(), default=str), config=config)

    assert [f"{m.rule.id} {'/'.join(map(str, m.path or []))}: {m.message}" for m in found] == []


def test_every_handler_is_deployed_and_nothing_else() -> None:
    commands = {r["Properties"]["ImageConfig"]["Command"][0] for r in FUNCTIONS.values()}

    assert commands == {f"ui.lambdas.{name}" for name in ui.lambdas.__all__}


def test_no_policy_allows_all_actions_or_all_resources() -> None:
    granted = [(name, s) for name, s in statements() if s["Effect"] == "Allow"]

    assert granted
    assert [(n, a) for n, s in granted for a in _listed(s["Action"]) if "*" in a] == []
    assert [n for n, s in granted if "*" in _listed(s["Resource"])] == []


def test_data_sets_are_granted_on_the_resource_that_the_service_states() -> None:
    """QuickSight's reference: "The permissions resource is arn:aws:quicksight:region:aws-account-id:dataset/*"."""
    granted = [s for _, s in statements() if "quicksight:ListDataSets" in _listed(s["Action"])]

    assert granted
    assert {str(r) for s in granted for r in _listed(s["Resource"])} == {
        str({"Fn::Sub": "arn:${AWS::Partition}:quicksight:${AWS::Region}:${AWS::AccountId}:dataset/*"})
    }


def test_every_call_the_product_makes_is_allowed_and_nothing_else_is() -> None:
    everything = {action for _, s in statements() if s["Effect"] == "Allow" for action in _listed(s["Action"])}
    # What state machines do among themselves, and logs and traces, are no calls of ours.
    machines = {"lambda:InvokeFunction", "states:StartExecution", "states:DescribeExecution", "states:StopExecution"}
    needed = set(called()) - NEEDS_NO_POLICY | {action for actions in BY_LIBRARIES.values() for action in actions}

    assert needed - everything == set(), {a: called().get(a) for a in needed - everything}
    assert everything - needed - machines - {"sqs:SendMessage"} == set()


@pytest.mark.parametrize("function", sorted(FUNCTIONS))
def test_engine_functions_ask_no_model(function: str) -> None:
    assert not any(action.startswith("bedrock:") for action in allowed(function))


def test_only_what_writes_may_write() -> None:
    assert "dynamodb:PutItem" in allowed("AnalyzeTable")
    assert "athena:StartQueryExecution" not in allowed("ListTables")
    assert "glue:GetJobs" in allowed("ImpactAnalyzer")


def test_buckets_are_closed_encrypted_and_versioned_and_tables_encrypted() -> None:
    for bucket in of_type("AWS::S3::Bucket").values():
        properties = bucket["Properties"]
        assert all(properties["PublicAccessBlockConfiguration"].values())
        assert properties["BucketEncryption"]
        assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert all(t["Properties"]["SSESpecification"]["SSEEnabled"] for t in of_type("AWS::DynamoDB::Table").values())


def test_the_workgroup_cuts_expensive_queries_off_whatever_a_client_asks() -> None:
    (workgroup,) = of_type("AWS::Athena::WorkGroup").values()
    configuration = workgroup["Properties"]["WorkGroupConfiguration"]

    assert configuration["EnforceWorkGroupConfiguration"] is True
    assert configuration["BytesScannedCutoffPerQuery"] == {"Ref": "ScanCutoffBytes"}


def test_tables_of_the_stores_have_the_keys_that_the_code_uses() -> None:
    tables = of_type("AWS::DynamoDB::Table")
    keys = {n: [k["AttributeName"] for k in t["Properties"]["KeySchema"]] for n, t in tables.items()}

    assert keys == {"RecordsTable": ["pk", "sk"], "RunsTable": ["id"]}


def test_the_chat_is_behind_sign_in_and_https() -> None:
    (listener,) = of_type("AWS::ElasticLoadBalancingV2::Listener").values()
    actions = sorted(listener["Properties"]["DefaultActions"], key=lambda a: a["Order"])

    assert listener["Properties"]["Protocol"] == "HTTPS"
    assert [a["Type"] for a in actions] == ["authenticate-cognito", "forward"]


def test_environment_variables_are_settings() -> None:
    from tools.settings import load_settings

    variables = source()["Globals"]["Function"]["Environment"]["Variables"]
    filled = {k: v if isinstance(v, str) else "s3://bucket/prefix" for k, v in variables.items()}

    assert load_settings(environ=filled).backend == "aws"


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
