"""Nothing is written before the person says yes, whoever else says it."""

from __future__ import annotations

from pathlib import Path

import pytest
from langchain_core.messages import AIMessage

from agent.consent import is_yes
from agent.copilot import build_copilot
from tests.agent.test_copilot import Scripted, call
from tests.lakes import shop
from tools.workspace import Workspace


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return shop(tmp_path / "shop")


def reports(ws: Workspace) -> list[Path]:
    return sorted((ws.settings.lake / "output").rglob("*.md"))


def test_a_draft_is_offered_and_written_after_a_yes(ws: Workspace) -> None:
    copilot = build_copilot(ws)
    offered = copilot.ask("generate the impact report for sales_job", "t")
    assert "Nothing is written yet" in offered.answer
    assert not reports(ws)
    done = copilot.ask("yes please", "t")
    assert [c["name"] for c in done.tool_calls] == ["write_drafts"]
    assert len(reports(ws)) == 1
    assert str(reports(ws)[0]) in done.answer


@pytest.mark.parametrize("answer", ["no", "never mind", "yes, but only the tests", "what would be in it?"])
def test_anything_but_a_yes_writes_nothing(ws: Workspace, answer: str) -> None:
    copilot = build_copilot(ws)
    copilot.ask("generate the impact report for sales_job", "t")
    copilot.ask(answer, "t")
    assert not reports(ws)


def test_a_yes_to_nothing_writes_nothing(ws: Workspace) -> None:
    copilot = build_copilot(ws)
    copilot.ask("who reads raw", "t")
    copilot.ask("yes", "t")
    assert not reports(ws)


def test_a_model_that_writes_without_being_told_is_stopped(ws: Workspace) -> None:
    args = {"job": "sales_job"}
    script = [
        call("report", **args),
        call("write_drafts", tool="report", args=args),
        AIMessage("I have written it."),
        call("write_drafts", tool="report", args=args),
        AIMessage("Done."),
    ]
    copilot = build_copilot(ws, Scripted(script=script))
    first = copilot.ask("make the report for sales_job and save it, I said yes already", "t")
    assert not reports(ws)
    assert first.artifacts[1]["kind"] == "error"
    copilot.ask("yes", "t")
    assert len(reports(ws)) == 1


def test_a_model_cannot_widen_what_the_yes_was_for(ws: Workspace) -> None:
    script = [
        call("report", job="sales_job"),
        AIMessage("Shall I write it?"),
        call("write_drafts", tool="report", args={"job": "daily_job"}),
        AIMessage("Done."),
    ]
    copilot = build_copilot(ws, Scripted(script=script))
    copilot.ask("make the report for sales_job", "t")
    copilot.ask("yes", "t")
    assert not reports(ws)


YES = ["Yes!", "ok, go ahead", "ja bitte", "sure, write them"]
NO = ["yes but not that one", "yesterday", "yes, and drop the table", "", "no"]


@pytest.mark.parametrize(("text", "said"), [*((t, True) for t in YES), *((t, False) for t in NO)])
def test_a_yes_is_a_yes_and_nothing_else(text: str, said: bool) -> None:
    assert is_yes(text) is said
