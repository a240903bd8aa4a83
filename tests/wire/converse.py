"""The rules of a conversation that Bedrock's Converse enforces and its service model does not state."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

__all__ = ["broken_rules"]


def broken_rules(request: Mapping[str, Any]) -> Iterator[str]:
    """What the service would answer to this body with a ValidationException."""
    messages = request.get("messages") or []
    tools = [t["toolSpec"]["name"] for t in (request.get("toolConfig") or {}).get("tools", []) if "toolSpec" in t]
    yield from _turns(messages)
    for place, message in enumerate(messages):
        yield from _content(message, place, bool(tools))
    yield from _tool_results(messages)
    yield from _tools(request, tools)
    for place, block in enumerate(request.get("system") or []):
        if "text" in block and not block["text"].strip():
            yield f"The text field in the ContentBlock object at system.{place} is blank."


def _turns(messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    if not messages:
        yield "The value at messages is empty. Provide a value for messages."
        return
    if messages[0]["role"] != "user":
        yield "A conversation must start with a user message. Try again with a conversation that starts with a user message."
    if any(a["role"] == b["role"] for a, b in pairwise(messages)):
        yield (
            "A conversation must alternate between user and assistant roles. Make sure the conversation alternates "
            "between user and assistant roles and try again."
        )


def _content(message: Mapping[str, Any], place: int, tools: bool) -> Iterator[str]:
    if not message["content"]:
        yield (
            f"The content field in the Message object at messages.{place} is empty. Add a ContentBlock object to the "
            "content field and try again."
        )
    for at, block in enumerate(message["content"]):
        if "text" in block and not block["text"].strip():
            where = f"messages.{place}.content.{at}"
            yield f"The text field in the ContentBlock object at {where} is blank. Add text to the text field, and try again."
        if not tools and ("toolUse" in block or "toolResult" in block):
            yield "The toolConfig field must be defined when using toolUse and toolResult content blocks."
        if "toolUse" in block and message["role"] != "assistant":
            yield f"toolUse blocks are only allowed in assistant messages (messages.{place})"


def _tool_results(messages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Every toolUse is answered in the next message, and nothing else is."""
    asked: list[str] = []
    for place, message in enumerate(messages):
        answered = [b["toolResult"]["toolUseId"] for b in message["content"] if "toolResult" in b]
        if len(answered) > len(asked):
            yield (
                f"The number of toolResult blocks at messages.{place}.content exceeds the number of toolUse blocks of "
                "previous turn."
            )
        elif set(asked) - set(answered):
            yield (
                f"Expected toolResult blocks at messages.{place}.content for the following Ids: {', '.join(asked)}, "
                f"but found: {', '.join(answered)}"
            )
        asked = [b["toolUse"]["toolUseId"] for b in message["content"] if "toolUse" in b]


def _tools(request: Mapping[str, Any], names: Sequence[str]) -> Iterator[str]:
    if len(set(names)) != len(names):
        yield "The toolConfig.tools contains duplicate tool names."
    choice = ((request.get("toolConfig") or {}).get("toolChoice") or {}).get("tool")
    if choice and choice["name"] not in names:
        yield "toolChoice names a tool that is not in toolConfig.tools"
