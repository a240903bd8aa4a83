"""The agent as faces use it: answers with evidence, events as they happen, and turns that survive every failure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from agent.copilot import Copilot, build_copilot
from agent.events import redacted
from agent.models import chat_model
from agent.prompts import system_prompt
from knowledge.errors import ConfigError
from tools.toolbox import build_tools
from tools.workspace import Workspace


@pytest.fixture(scope="module")
def copilot(wealth: Workspace) -> Copilot:
    return build_copilot(wealth)


class Scripted(BaseChatModel):
    """A model that says what a test wrote for it, then repeats the last thing."""

    script: Sequence[AIMessage]
    said: int = 0

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        message = self.script[min(self.said, len(self.script) - 1)]
        self.said += 1
        fresh = [{**c, "id": f"{c['id']}-{self.said}"} for c in message.tool_calls]
        return ChatResult(generations=[ChatGeneration(message=AIMessage(message.content, tool_calls=fresh))])


def call(name: str, **args: Any) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": name, "args": args, "id": "c", "type": "tool_call"}])


def test_an_answer_carries_calls_evidence_and_artifacts(copilot: Copilot) -> None:
    answer = copilot.ask("what breaks if I drop product_group", "a").to_dict()
    assert answer["tool_calls"] == [{"name": "impact", "args": {"change": "drop_column", "column": "product_group"}}]
    assert "positions_fact_job" in answer["answer"]
    assert any(e["where"].startswith("jobs/positions_fact_job.py:") for e in answer["evidence"])
    assert [a["kind"] for a in answer["artifacts"]] == ["impact"]


def test_a_thread_remembers_and_another_does_not(copilot: Copilot) -> None:
    copilot.ask("what columns does dim_product have", "remembers")
    assert copilot.ask("and who reads it?", "remembers").tool_calls[0]["args"]["asset"] == "dim_product"
    assert copilot.ask("and who reads it?", "forgets").tool_calls == ()


def test_events_come_in_order_and_end_with_the_answer(copilot: Copilot) -> None:
    events = list(copilot.stream("who reads dim_product", "events"))
    kinds = [e.kind for e in events]
    assert kinds[:2] == ["tool_start", "tool_end"]
    assert kinds[-1] == "answer"
    assert events[1].data["ok"]
    assert events[0].data["id"] == events[1].data["id"]
    streamed = "".join(e.data["text"] for e in events if e.kind == "token")
    assert streamed == events[-1].data["answer"].answer


@pytest.mark.parametrize(
    ("question", "said"),
    [
        ("who consumes dim_branch", "not found"),
        ("schema of wealth.no_such_table", "not found"),
        ("what breaks if I drop currency", "Which `currency` do you mean"),
    ],
)
def test_a_tool_that_fails_is_an_answer(copilot: Copilot, question: str, said: str) -> None:
    answer = copilot.ask(question, question)
    assert said in answer.answer
    assert [a["kind"] for a in answer.artifacts] == ["error"]


def test_a_model_that_sends_bad_arguments_or_an_unknown_tool_is_told(wealth: Workspace) -> None:
    script = [call("schema", table="dim_product"), call("no_such_tool"), AIMessage("I could not look that up.")]
    answer = build_copilot(wealth, Scripted(script=script)).ask("columns of dim_product?")
    assert answer.answer == (
        "I could not look that up.\n\n**Not done**\n"
        "- `schema`: it was called with arguments that it does not take\n- `no_such_tool`: there is no such tool"
    )
    assert [a["kind"] for a in answer.artifacts] == ["error", "error"]


def test_a_model_that_never_stops_is_stopped(wealth: Workspace) -> None:
    answer = build_copilot(wealth, Scripted(script=[call("list_assets")])).ask("go")
    assert len(answer.tool_calls) <= 12
    assert answer.answer


def test_a_tool_with_a_fault_of_its_own_does_not_end_the_chat(
    wealth: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*args: Any, **kwargs: Any) -> Iterator[None]:
        raise ZeroDivisionError("arn:aws:iam::123456789012:role/secret")

    monkeypatch.setattr("tools.toolbox.list_assets", broken)
    copilot = build_copilot(wealth, Scripted(script=[call("list_assets"), AIMessage("That failed.")]))
    answer = copilot.ask("what is there?")
    assert answer.answer.startswith("That failed.\n\n**Not done**\n- `list_assets`: the tool failed inside")
    assert "secret" not in str(answer.to_dict())


class Dead(Scripted):
    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        raise ConnectionError("no route to arn:aws:bedrock:eu-west-1:123456789012:model/x")


def test_a_model_that_fails_is_an_answer_that_says_so(wealth: Workspace) -> None:
    answer = build_copilot(wealth, Dead(script=[])).ask("anything")
    assert answer.error is not None
    assert "ConnectionError" in answer.answer
    assert "123456789012" not in answer.answer


def test_accounts_and_arns_are_not_shown() -> None:
    shown = redacted("User arn:aws:sts::123456789012:assumed-role/x is not allowed in 123456789012")
    assert shown == "User (arn) is not allowed in (account)"


def test_bedrock_is_one_setting(wealth: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    model = chat_model(wealth, "bedrock:eu.anthropic.claude-sonnet-4-5-20250929-v1:0")
    assert "ChatBedrockConverse" in {base.__name__ for base in type(model).__mro__}


@pytest.mark.parametrize("name", ["gpt", "no_such_provider:x", ""])
def test_a_model_that_cannot_be_had_says_what_to_do(wealth: Workspace, name: str) -> None:
    with pytest.raises(ConfigError):
        chat_model(wealth, name or "?")


def test_the_prompt_speaks_of_the_bound_tools_and_no_others(wealth: Workspace) -> None:
    tools = build_tools(wealth)
    prompt = system_prompt(tools[:2])
    assert all(f"- {t.name}:" in prompt for t in tools[:2])
    assert not any(f"- {t.name}:" in prompt for t in tools[2:])
