"""The same question through every face gives the same result object."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from agent.copilot import build_copilot
from agent.direct import DirectCopilot
from tests.lakes import shop
from tools.changes import parse_change
from tools.impact import impact
from tools.settings import load_settings
from tools.toolbox import build_tools, call_tool
from tools.workspace import Workspace, open_workspace
from ui.cli import run


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("lake") / "shop"
    shop(root)
    return root


@pytest.fixture(scope="module")
def ws(root: Path) -> Workspace:
    return open_workspace(load_settings(lake=root, environ={}))


@pytest.fixture(scope="module")
def expected(ws: Workspace) -> dict[str, Any]:
    """What the Python API says, as JSON carries it."""
    data: dict[str, Any] = json.loads(json.dumps(impact(ws, parse_change("drop column raw.price")).to_dict()))
    return data


ARGS = {"change": "drop_column", "asset": "raw", "column": "price"}


def test_the_toolbox_says_what_the_engine_says(ws: Workspace, expected: dict[str, Any]) -> None:
    assert json.loads(json.dumps(call_tool(ws, "impact", ARGS).to_dict())) == expected


def test_the_langchain_tool_carries_it_as_its_artifact(ws: Workspace, expected: dict[str, Any]) -> None:
    tool = next(t for t in build_tools(ws) if t.name == "impact")
    message = tool.invoke({"name": "impact", "args": ARGS, "id": "1", "type": "tool_call"})
    assert json.loads(json.dumps(message.artifact["data"])) == expected


def test_the_command_prints_it(root: Path, expected: dict[str, Any], capsys: pytest.CaptureFixture[str]) -> None:
    code = run(["impact", "drop column raw.price", "--lake", str(root), "--json"])
    assert code == 0
    assert json.loads(capsys.readouterr().out) == expected


def test_the_chat_answers_from_it(ws: Workspace, expected: dict[str, Any]) -> None:
    answer = build_copilot(ws).ask("what breaks if I drop raw.price")
    (artifact,) = answer.artifacts
    assert json.loads(json.dumps(artifact["data"])) == expected


@pytest.mark.parametrize(
    "question",
    [
        "what breaks if I drop raw.price",
        "who reads the raw table and what columns does it have?",
        "what breaks if I drop nothing_known",
        "thanks",
    ],
)
def test_an_answer_is_the_same_with_and_without_the_agent_framework(ws: Workspace, question: str) -> None:
    framework, direct = build_copilot(ws).ask(question), DirectCopilot(ws).ask(question)
    assert _timeless(direct.to_dict()) == _timeless(framework.to_dict())


def _timeless(answer: dict[str, Any]) -> dict[str, Any]:
    artifacts = [{k: v for k, v in a.items() if k != "seconds"} for a in answer["artifacts"]]
    return {**answer, "artifacts": json.loads(json.dumps(artifacts))}
