"""The planner as a chat model: it serves with no model at all, deterministically, and streams like any other.

LangChain sees a chat model that calls tools and then speaks. What it decides and says comes from `agent.responder`.
Its memory is the thread's messages and nothing else.
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, ToolMessage
from langchain_core.messages.tool import tool_call_chunk
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool
from pydantic import PrivateAttr

from agent.planning.memory import Call, Outcome, Turn
from agent.planning.planner import Toolset
from agent.responder import Responder, words
from tools.assets import Asset

__all__ = ["OfflineModel"]


class OfflineModel(BaseChatModel):
    """A chat model without a model.

    Attributes:
        assets: gives the lake's assets; asked at each turn, so that a lake that changed is seen.
    """

    assets: Callable[[], Sequence[Asset]]
    embedder: Any = None

    _responder: Responder = PrivateAttr()

    def model_post_init(self, context: Any, /) -> None:
        """See pydantic."""
        self._responder = Responder(self.assets, self.embedder)

    @property
    def _llm_type(self) -> str:
        return "offline-planner"

    @property
    def _identifying_params(self) -> dict[str, Any]:
        return {"model": "offline"}

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """See LangChain. The planner chooses by itself: `tool_choice` is not needed and not used."""
        return self.bind(tools=[convert_to_openai_tool(t) for t in tools], **kwargs)

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        message = self._reply(messages, kwargs.get("tools") or ())
        return ChatResult(generations=[ChatGeneration(message=message)])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        message = self._reply(messages, kwargs.get("tools") or ())
        for piece in _pieces(message):
            chunk = ChatGenerationChunk(message=piece)
            if run_manager is not None:
                run_manager.on_llm_new_token(str(piece.content), chunk=chunk)
            yield chunk

    def _reply(self, messages: Sequence[BaseMessage], tools: Sequence[Mapping[str, Any]]) -> AIMessage:
        """The next message of the thread: tool calls, or the answer once their results are there."""
        toolset = Toolset({t["function"]["name"]: t["function"]["parameters"] for t in tools})
        reply = self._responder.reply(turns(messages), toolset)
        return AIMessage(reply.text, tool_calls=[_tool_call(c) for c in reply.calls])


def turns(messages: Sequence[BaseMessage]) -> list[Turn]:
    """A thread's messages as turns: each question with the calls made for it and what they brought."""
    found: list[Turn] = []
    for message in messages:
        if isinstance(message, HumanMessage):
            found.append(Turn(str(message.text)))
        elif found and isinstance(message, AIMessage):
            calls = tuple(Call(c["name"], c["args"]) for c in message.tool_calls)
            found[-1] = Turn(found[-1].question, (*found[-1].calls, *calls), found[-1].outcomes)
        elif found and isinstance(message, ToolMessage):
            outcomes = (*found[-1].outcomes, _outcome(message))
            found[-1] = Turn(found[-1].question, found[-1].calls, outcomes)
    return found


def _outcome(message: ToolMessage) -> Outcome:
    artifact = message.artifact if isinstance(message.artifact, Mapping) else {}
    failed = message.status == "error" or artifact.get("kind") == "error"
    return Outcome(message.name or "", str(message.text), artifact, failed)


def _tool_call(call: Call) -> dict[str, Any]:
    return {"name": call.tool, "args": dict(call.args), "id": f"call_{uuid.uuid4().hex[:12]}", "type": "tool_call"}


def _pieces(message: AIMessage) -> Iterator[AIMessageChunk]:
    """A message as it is streamed: tool calls at once, text word by word, then the end."""
    if message.tool_calls:
        chunks = [
            tool_call_chunk(name=c["name"], args=json.dumps(c["args"]), id=c["id"], index=i)
            for i, c in enumerate(message.tool_calls)
        ]
        yield AIMessageChunk(content="", tool_call_chunks=chunks)
    for word in words(str(message.content)):
        yield AIMessageChunk(content=word)
    yield AIMessageChunk(content="", chunk_position="last")
