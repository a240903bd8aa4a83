"""Which AWS actions the product's code asks for, read from its syntax trees, and those that libraries ask for.

A method of a boto3 client counts when the file makes a client of a service that has such an operation.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import botocore.session
from botocore import xform_name

from tests.deploy.template import ROOT

__all__ = ["BY_LIBRARIES", "NEEDS_NO_POLICY", "called"]

_ROOMS = ("agent", "knowledge", "tools", "ui")
_ACTIONS = {
    "s3:ListObjectsV2": {"s3:ListBucket"},
    "s3:HeadObject": {"s3:GetObject"},
    "dynamodb:TransactWriteItems": {"dynamodb:PutItem", "dynamodb:ConditionCheckItem"},
    "bedrock-runtime:InvokeModel": {"bedrock:InvokeModel"},
}
BY_LIBRARIES = {
    # aws-lambda-powertools remembers events (ui/lambdas/running.py).
    "powertools": {"dynamodb:DeleteItem", "dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"},
    # ChatBedrockConverse speaks Converse and ConverseStream (agent/bedrock.py); these are the actions behind them.
    "langchain-aws": {"bedrock:InvokeModel", "bedrock:InvokeModelWithResponseStream"},
    # PyAthena asks Athena (tools/lake/aws/athena.py), which reads tables and writes results as whoever asks it.
    "athena": {
        "athena:GetQueryExecution",
        "athena:GetQueryResults",
        "athena:StartQueryExecution",
        "athena:StopQueryExecution",
        "glue:GetDatabase",
        "glue:GetDatabases",
        "glue:GetPartitions",
        "glue:GetTable",
        "glue:GetTables",
        "s3:AbortMultipartUpload",
        "s3:GetBucketLocation",
        "s3:GetObject",
        "s3:ListBucket",
        "s3:ListMultipartUploadParts",
        "s3:PutObject",
    },
}


NEEDS_NO_POLICY = {"sts:GetCallerIdentity"}


def called() -> dict[str, set[str]]:
    """Action -> files whose code asks for it."""
    found: dict[str, set[str]] = {}
    for room in _ROOMS:
        for path in (ROOT / room).rglob("*.py"):
            for action in _actions(path):
                found.setdefault(action, set()).add(str(path.relative_to(ROOT)))
    return found


def _actions(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    services = {text for call in calls if _name(call) == "client" for text in _texts(call)[:1]}
    names = {_name(call) for call in calls} | {t for c in calls if _name(c) == "get_paginator" for t in _texts(c)}
    for service in services & set(botocore.session.get_session().get_available_services()):
        model = botocore.session.get_session().get_service_model(service)
        for operation in model.operation_names:
            if xform_name(operation) in names:
                yield from _ACTIONS.get(f"{service}:{operation}", {f"{service}:{operation}"})


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def _texts(call: ast.Call) -> list[str]:
    return [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
