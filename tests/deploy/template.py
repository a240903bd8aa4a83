"""The deployment as CloudFormation gets it: transformed, so that what SAM generates is looked at too."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse

__all__ = ["ROOT", "allowed", "source", "statements", "transformed"]

ROOT = Path(__file__).parents[2]
_TEMPLATE = ROOT / "deploy" / "template.yaml"


class _NoManagedPolicies:
    def load(self) -> dict[str, str]:
        return {}


def source() -> dict[str, Any]:
    """The template as it is written."""
    parsed: dict[str, Any] = yaml_parse(_TEMPLATE.read_text(encoding="utf-8"))
    return parsed


@cache
def transformed() -> dict[str, Any]:
    """The template as SAM makes it."""
    made: dict[str, Any] = transform(source(), {}, _NoManagedPolicies())
    return made


def statements() -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every statement of every policy that is attached to somebody, with the resource that it stands in."""
    for name, resource in transformed()["Resources"].items():
        properties = resource.get("Properties", {})
        documents = [p["PolicyDocument"] for p in properties.get("Policies", ()) if isinstance(p, dict)]
        if resource["Type"] == "AWS::IAM::ManagedPolicy":
            documents.append(properties["PolicyDocument"])
        for document in documents:
            yield from ((name, statement) for statement in _listed(document["Statement"]))


def allowed(function: str) -> set[str]:
    """The actions that a function's own policies allow."""
    resources = source()["Resources"]
    names = [policy["Ref"] for policy in resources[function]["Properties"]["Policies"]]
    found = [resources[name]["Properties"]["PolicyDocument"]["Statement"] for name in names]
    return {action for document in found for statement in document for action in _listed(statement["Action"])}


def _listed(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else [value]
