"""The chat on Bedrock: the real client, real HTTP and event streams, and everything that goes wrong on a bad day."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import boto3
import numpy as np
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from agent.copilot import Copilot, build_copilot
from agent.events import Answer
from agent.models import chat_model
from knowledge.errors import ConfigError, Unavailable
from knowledge.titan import Titan
from tests.wire.bedrock import Bedrock, Fault, Reply, Request, ToolUse, throttled
from tools.settings import BedrockSettings
from tools.workspace import Workspace

PROFILE = "eu.anthropic.claude-sonnet-4-5-20250929-v1:0"
LOOK = Reply("Let me look.", [ToolUse("lineage_downstream", {"asset": "dim_product"})])
SAID = Reply("`dim_product` is read by `positions_fact_job`.")


@pytest.fixture
def bedrock(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bedrock]:
    with Bedrock() as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", server.url)
        yield server


def on_bedrock(ws: Workspace, model: str = PROFILE, **settings: Any) -> Workspace:
    section = BedrockSettings.model_validate(settings)
    return replace(ws, settings=ws.settings.model_copy(update={"model": f"bedrock:{model}", "bedrock": section}))


@pytest.fixture
def copilot(wealth: Workspace, bedrock: Bedrock) -> Copilot:
    return build_copilot(on_bedrock(wealth), checked=False)


def ask(copilot: Copilot, bedrock: Bedrock, *script: Any) -> Answer:
    bedrock.extend(script)
    return copilot.ask("who reads dim_product")


def tool_results(request: Request) -> list[dict[str, Any]]:
    return [b["toolResult"] for m in request.body["messages"] for b in m["content"] if "toolResult" in b]


# ------------------------------------------------------------------------------------------ a good day


def test_a_turn_calls_a_tool_and_answers_from_its_result(copilot: Copilot, bedrock: Bedrock) -> None:
    answer = ask(copilot, bedrock, LOOK, SAID)

    assert answer.error is None
    assert "positions_fact_job" in answer.answer
    assert [c["name"] for c in answer.tool_calls] == ["lineage_downstream"]
    assert [r.operation for r in bedrock.requests] == ["converse-stream", "converse-stream"]
    assert "positions_fact_job" in str(tool_results(bedrock.requests[1]))


def test_two_tools_at_once_are_both_answered(copilot: Copilot, bedrock: Bedrock) -> None:
    both = Reply(
        "", [ToolUse("schema", {"asset": "dim_product"}), ToolUse("lineage_upstream", {"asset": "dim_product"})]
    )
    ask(copilot, bedrock, both, SAID)

    assert [r["status"] for r in tool_results(bedrock.requests[1])] == ["success", "success"]


def test_guardrail_region_and_bounds_go_with_each_request(wealth: Workspace, bedrock: Bedrock) -> None:
    ws = on_bedrock(wealth, guardrail="gr-1abc2def3ghi", guardrail_version="2", region="eu-west-1", max_tokens=99)
    ask(build_copilot(ws, checked=False), bedrock, SAID)

    body = bedrock.requests[0].body
    assert body["guardrailConfig"] == {"guardrailIdentifier": "gr-1abc2def3ghi", "guardrailVersion": "2"}
    assert body["inferenceConfig"] == {"maxTokens": 99, "temperature": 0}
    assert bedrock.requests[0].model == PROFILE


@pytest.mark.parametrize("cached", [True, False])
def test_the_beginning_of_a_conversation_is_cached_unless_told_otherwise(
    wealth: Workspace, bedrock: Bedrock, cached: bool
) -> None:
    ask(build_copilot(on_bedrock(wealth, cache_prompts=cached), checked=False), bedrock, SAID)

    body = bedrock.requests[0].body
    assert ({"cachePoint": {"type": "default"}} in body["system"]) is cached
    assert any("cachePoint" in tool for tool in body["toolConfig"]["tools"]) is cached


# ------------------------------------------------------------------------------------------ a bad day


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize(
    "fault",
    [throttled(), Fault("ServiceUnavailableException", 503), Fault("InternalServerException", 500)],
    ids=lambda fault: fault.code,
)
def test_what_passes_is_tried_again(copilot: Copilot, bedrock: Bedrock, fault: Fault) -> None:
    answer = ask(copilot, bedrock, fault, fault, LOOK, fault, SAID)

    assert answer.error is None
    assert answer.answer == SAID.text
    assert len(bedrock.requests) == 5


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("code", ["ModelTimeoutException", "ModelErrorException"])
def test_what_botocore_does_not_try_again_we_do(copilot: Copilot, bedrock: Bedrock, code: str) -> None:
    answer = ask(copilot, bedrock, Fault(code, 408 if "Timeout" in code else 424), SAID)

    assert answer.answer == SAID.text


@pytest.mark.usefixtures("no_waiting")
def test_a_service_that_keeps_refusing_is_asked_four_times_and_said_to_be_busy(
    wealth: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Bedrock(forever=throttled("Too many tokens")) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", server.url)
        answer = build_copilot(on_bedrock(wealth), checked=False).ask("who reads dim_product")

    assert answer.error is not None
    assert "ThrottlingException" in answer.error
    assert "Try again." in answer.error
    assert len(server.requests) == 4


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize(
    "broken",
    [
        replace(SAID, cut=1),
        replace(SAID, cut=3),
        replace(SAID, breaks=("throttlingException", 1)),
        replace(SAID, breaks=("modelStreamErrorException", 3)),
        replace(LOOK, cut=9),
        replace(LOOK, breaks=("serviceUnavailableException", 9)),
    ],
    ids=["cut early", "cut in the text", "throttled early", "error in the text", "cut in a call", "error in a call"],
)
def test_a_stream_that_breaks_off_starts_again_and_half_an_answer_is_never_kept(
    copilot: Copilot, bedrock: Bedrock, broken: Reply
) -> None:
    answer = ask(copilot, bedrock, broken, LOOK, SAID)

    assert answer.error is None
    assert answer.answer == SAID.text
    assert len(answer.tool_calls) == 1
    assert bedrock.unsaid == 0


@pytest.mark.usefixtures("no_waiting")
def test_a_stream_that_always_breaks_ends_with_a_message(copilot: Copilot, bedrock: Bedrock) -> None:
    answer = ask(copilot, bedrock, *[replace(SAID, cut=4)] * 3)

    assert answer.error is not None
    assert "broke off" in answer.error
    assert bedrock.unsaid == 0


def test_an_answer_that_never_ends_is_ended(wealth: Workspace, bedrock: Bedrock) -> None:
    slow = Reply("word " * 40, drip=0.05)
    answer = ask(build_copilot(on_bedrock(wealth, seconds=0.2)), bedrock, slow, slow, slow)

    assert answer.error is not None
    assert "0.2 seconds" in answer.error


def test_a_tool_that_is_not_there_is_told_to_the_model_and_the_turn_goes_on(copilot: Copilot, bedrock: Bedrock) -> None:
    answer = ask(copilot, bedrock, Reply("", [ToolUse("drop_all_tables", {"really": True})]), SAID)

    assert answer.error is None
    (result,) = tool_results(bedrock.requests[1])
    assert result["status"] == "error"
    assert "drop_all_tables" in str(result)


def test_arguments_that_do_not_fit_are_told_to_the_model_and_the_turn_goes_on(
    copilot: Copilot, bedrock: Bedrock
) -> None:
    answer = ask(copilot, bedrock, Reply("", [ToolUse("lineage_downstream", {"table": 7})]), SAID)

    assert answer.answer.startswith(SAID.text)
    (result,) = tool_results(bedrock.requests[1])
    assert "asset" in str(result)


def test_a_model_that_calls_tools_for_ever_is_stopped(wealth: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    with Bedrock(forever=Reply("", [ToolUse("schema", {"asset": "dim_product"})])) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", server.url)
        copilot = build_copilot(on_bedrock(wealth), checked=False)
        answer = copilot.ask("who reads dim_product")
        calls = len(server.requests)

    assert calls <= 12
    assert "limit" in answer.answer.lower()


def test_a_thread_goes_on_after_a_turn_that_failed(copilot: Copilot, bedrock: Bedrock) -> None:
    failed = ask(copilot, bedrock, Fault("AccessDeniedException", 403, "You don't have access to the model."))
    after = ask(copilot, bedrock, SAID)

    assert failed.error is not None
    assert "bedrock:InvokeModelWithResponseStream" in failed.error
    assert after.error is None


def test_a_model_without_its_profile_is_refused_with_what_to_write(wealth: Workspace, bedrock: Bedrock) -> None:
    ws = on_bedrock(wealth, "anthropic.claude-sonnet-4-5-20250929-v1:0")
    answer = ask(build_copilot(ws, checked=False), bedrock)

    assert answer.error is not None
    assert "bedrock:eu.anthropic" in answer.error


def test_without_credentials_the_answer_says_so(
    copilot: Copilot, bedrock: Bedrock, wealth: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    answer = ask(build_copilot(on_bedrock(wealth), checked=False), bedrock)

    assert "credentials" in str(answer.error)


def test_a_model_name_without_a_model_is_refused(wealth: Workspace) -> None:
    with pytest.raises(ConfigError, match="bedrock:<model"):
        chat_model(wealth, "bedrock")


# ------------------------------------------------------------------------------------------ Titan


def test_titan_embeds_texts_and_like_words_are_near(bedrock: Bedrock) -> None:
    titan = Titan("amazon.titan-embed-text-v2:0", dimensions=512)
    vectors = titan.embed(["orders of customers", "customers and orders", "weather in Rome", " "])

    assert vectors.shape == (4, 512)
    assert vectors[0] @ vectors[1] > vectors[0] @ vectors[2]
    assert not np.any(vectors[3])
    assert titan.name.endswith("512")


@pytest.mark.usefixtures("no_waiting")
def test_titan_waits_when_throttled_and_says_what_is_not_allowed(bedrock: Bedrock) -> None:
    titan = Titan("amazon.titan-embed-text-v2:0")
    bedrock.extend([throttled(), throttled()])
    assert np.any(titan.embed(["a table"]))

    bedrock.extend([Fault("AccessDeniedException", 403)])
    with pytest.raises(ConfigError, match="bedrock:InvokeModel"):
        titan.embed(["a table"])

    bedrock.extend([throttled()] * 5)
    with pytest.raises(Unavailable):
        titan.embed(["a table"])


# ------------------------------------------------------------------------------------------ the server itself


def user(*content: dict[str, Any]) -> dict[str, Any]:
    return {"role": "user", "content": list(content)}


def assistant(*content: dict[str, Any]) -> dict[str, Any]:
    return {"role": "assistant", "content": list(content)}


TOOLS = {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}]}
USE = {"toolUse": {"toolUseId": "t1", "name": "f", "input": {}}}
RESULT = {"toolResult": {"toolUseId": "t1", "content": [{"text": "x"}]}}
HELLO = user({"text": "a"})


@pytest.mark.parametrize(
    "request_body",
    [
        {"messages": [user({"text": " "})]},
        {"messages": [user()]},
        {"messages": [assistant({"text": "a"})]},
        {"messages": [HELLO, HELLO]},
        {"messages": [user(RESULT)], "toolConfig": TOOLS},
        {"messages": [HELLO, assistant(USE), HELLO], "toolConfig": TOOLS},
        {"messages": [HELLO, assistant(USE), user(RESULT)]},
        {
            "messages": [HELLO],
            "toolConfig": {"tools": [{"toolSpec": {"name": "my tool!", "inputSchema": {"json": {}}}}]},
        },
        {"messages": [HELLO], "inferenceConfig": {"temperature": 3.0}},
        {"messages": [{"role": "system", "content": [{"text": "a"}]}]},
    ],
    ids=[
        "blank text",
        "no content",
        "the assistant begins",
        "two questions",
        "a result nobody asked for",
        "a call nobody answers",
        "calls without tools",
        "a tool's name",
        "temperature",
        "role",
    ],
)
def test_the_stand_in_refuses_what_the_service_refuses(bedrock: Bedrock, request_body: dict[str, Any]) -> None:
    config = Config(parameter_validation=False, retries={"total_max_attempts": 1})
    client = boto3.client("bedrock-runtime", config=config)
    bedrock.extend([SAID])
    with pytest.raises(ClientError, match="ValidationException"):
        client.converse(modelId=PROFILE, **request_body)
    assert client.converse(modelId=PROFILE, messages=[HELLO])["stopReason"] == "end_turn"


def test_a_model_on_bedrock_that_invents_a_column_is_told_and_then_marked(wealth: Workspace, bedrock: Bedrock) -> None:
    invented = Reply("`dim_product` has a column `margin_call_flag`.")
    answer = ask(build_copilot(on_bedrock(wealth)), bedrock, invented, invented)
    assert "**Not verified**" in answer.answer
    assert "margin_call_flag: no result has this name" in answer.answer
    assert "No tool result of this conversation supports" in str(bedrock.requests[1].body["messages"][-1])
