"""The agent: a chat model, the tools, middleware, and a memory for each thread. A turn never raises.

Whatever fails (a tool, the model, the network) becomes an answer that says what failed; the thread goes on.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from agent.deadlines import ENDED, Deadline
from agent.events import Answer, Event, TurnLog, foreign, redacted
from agent.grounding import Claim, correction, is_correction, marked, unsupported
from knowledge.embeddings import bundled
from knowledge.errors import CopilotError, LimitExceeded, Unavailable
from tools.privacy import placeholders

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

    from agent.audit import AuditLog, Recorder
    from tools.workspace import Workspace

__all__ = ["Copilot", "build_copilot"]

_MODEL_CALLS = 12
_STEPS = 120
_TOOL_CALLS = 40
_CALL_LIMIT = "Model call limits exceeded"
_TOO_MANY = (
    f"I stopped at the limit of {_MODEL_CALLS} model calls for one question without coming to an answer. What the steps "
    "above found holds; the rest is not known. Ask for less at a time."
)
_OWN_WORDS = (
    *("copilot.toml", "kpis.json", "dashboards.json", "de-copilot", "output/"),
    *("limits.turn_seconds", "limits.tool_seconds"),
    *placeholders(),
)


class Copilot:
    """Answers questions about one workspace, thread by thread."""

    def __init__(self, ws: Workspace, agent: Any, *, checked: bool = False, recorder: Recorder | None = None) -> None:
        """`checked`: answers come from a language model, so they are held against the tools' results.

        `recorder` writes what becomes of each question to the audit log.
        """
        self._ws, self._agent, self._checked, self._recorder = ws, agent, checked, recorder

    def ask(self, question: str, thread_id: str = "default") -> Answer:
        """One question, answered. Never raises for what a tool or the model does."""
        for event in self.stream(question, thread_id):
            if event.kind == "answer":
                answer: Answer = event.data["answer"]
                return answer
        raise AssertionError("a turn ends with its answer")

    def stream(
        self,
        question: str,
        thread_id: str = "default",
        *,
        stop: threading.Event | None = None,
        user: str | None = None,
    ) -> Iterator[Event]:
        """The same, as it happens; the last event is the answer. Setting `stop` ends it: a tool at work is not waited for.

        `user` is who asks, for the audit log.
        """
        events = self._events(question, thread_id, stop)
        return self._recorder.record(events, question, thread_id, user) if self._recorder else events

    def forget(self, thread_id: str) -> None:
        """Lets go of everything that a thread remembers."""
        self._agent.checkpointer.delete_thread(thread_id)

    def _events(self, question: str, thread_id: str, stop: threading.Event | None) -> Iterator[Event]:
        turn = TurnLog()
        deadline = Deadline.of(self._ws.settings.limits, stop)
        try:
            yield from self._run(question, thread_id, turn, deadline)
            if self._checked and not turn.ended:
                yield from self._grounded(thread_id, turn, deadline)
            yield Event("answer", {"answer": turn.answer()})
        except CopilotError as error:
            yield Event("answer", {"answer": turn.answer(redacted(error.message))})
        except Exception as error:  # noqa: BLE001 - a chat survives everything; what is not ours is named by its kind
            yield Event("answer", {"answer": turn.answer(foreign(error))})

    def _run(self, question: str, thread_id: str, turn: TurnLog, deadline: Deadline) -> Iterator[Event]:
        from langchain_core.messages import HumanMessage

        from agent.limits import DEADLINE

        config = {"configurable": {"thread_id": thread_id, DEADLINE: deadline}, "recursion_limit": _STEPS}
        stream = self._agent.stream(
            {"messages": [HumanMessage(question)]}, config, stream_mode=["updates", "messages"], durability="exit"
        )
        for mode, data in stream:
            if mode == "messages":
                yield from _tokens(data[0])
            else:
                yield from self._updates(data, turn)

    def _grounded(self, thread_id: str, turn: TurnLog, deadline: Deadline) -> Iterator[Event]:
        """Claims that no result supports go back to the model once, with the reasons; what remains is marked."""
        claims = self._unsupported(thread_id, turn)
        if not claims:
            return
        first = turn.text
        try:
            yield from self._run(correction(claims), thread_id, turn, deadline)
        except Exception:  # noqa: BLE001 - an answer is there: it is shown with its mark, whatever kept the second from coming
            turn.text = marked(first, claims)
        else:
            turn.text = marked(turn.text, self._unsupported(thread_id, turn))

    def _unsupported(self, thread_id: str, turn: TurnLog) -> list[Claim]:
        from langchain_core.messages import HumanMessage, ToolMessage

        state = self._agent.get_state({"configurable": {"thread_id": thread_id}})
        messages = state.values.get("messages", ())
        artifacts = [m.artifact for m in messages if isinstance(m, ToolMessage) and isinstance(m.artifact, Mapping)]
        asked = [str(m.text) for m in messages if isinstance(m, HumanMessage) and not is_correction(str(m.text))]
        return unsupported(turn.text, artifacts, asked, _OWN_WORDS)

    def _updates(self, data: Mapping[str, Any], turn: TurnLog) -> Iterator[Event]:
        for update in data.values():
            for message in (update or {}).get("messages", ()) if isinstance(update, Mapping) else ():
                yield from _message_events(message, turn)


def _tokens(message: BaseMessage) -> Iterator[Event]:
    from langchain_core.messages import AIMessageChunk

    if isinstance(message, AIMessageChunk) and message.text:
        yield Event("token", {"text": str(message.text)})


def _message_events(message: BaseMessage, turn: TurnLog) -> Iterator[Event]:
    from langchain_core.messages import AIMessage, ToolMessage

    if isinstance(message, AIMessage):
        turn.text = str(message.text)
        turn.count(message.usage_metadata)
        if turn.text.startswith(_CALL_LIMIT):
            turn.text, turn.ended = _TOO_MANY, True
        turn.ended = turn.ended or bool(message.response_metadata.get(ENDED))
        yield from _starts(message, turn)
    elif isinstance(message, ToolMessage):
        yield _end(message, turn)


def _starts(message: AIMessage, turn: TurnLog) -> Iterator[Event]:
    for call in message.tool_calls:
        args = {k: v for k, v in call["args"].items() if v is not None}
        turn.calls.append({"name": call["name"], "args": args})
        turn.started[str(call["id"])] = time.perf_counter()
        yield Event("tool_start", {"name": call["name"], "args": args, "id": call["id"]})


def _end(message: ToolMessage, turn: TurnLog) -> Event:
    artifact = message.artifact if isinstance(message.artifact, Mapping) else _failure(message)
    turn.started.setdefault(message.tool_call_id, time.perf_counter())
    turn.artifacts[message.tool_call_id] = artifact
    seconds = time.perf_counter() - turn.started.get(message.tool_call_id, time.perf_counter())
    ok = message.status != "error" and artifact.get("kind") != "error"
    ours = isinstance(message.artifact, Mapping) and artifact["data"].get("error") != LimitExceeded.code
    turn.note(str(message.name), message.tool_call_id, None if ok or ours else _refusal(message))
    return Event(
        "tool_end",
        {
            "name": message.name,
            "id": message.tool_call_id,
            "ok": ok,
            "artifact": artifact,
            "seconds": round(seconds, 3),
        },
    )


def _refusal(message: ToolMessage) -> str:
    """One line on a call that came to nothing, for the person: the model may have been silent about it."""
    said = redacted(str(message.text)).removeprefix("Error: ")
    if "is not a valid tool" in said:
        said = "there is no such tool"
    elif said.startswith("Error invoking tool"):
        said = "it was called with arguments that it does not take"
    return f"`{message.name}`: {said.splitlines()[0][:300]}"


def _failure(message: ToolMessage) -> dict[str, Any]:
    """A tool that ended without a result of ours: bad arguments, an unknown tool, or a fault that middleware caught."""
    text = redacted(str(message.text))
    data = {"error": "tool_failed", "message": text, "where": None, "hint": None}
    return {"kind": "error", "tool": message.name, "args": {}, "data": data, "evidence": [], "unknowns": [text]}


# --------------------------------------------------------------------------- putting it together


def build_copilot(
    ws: Workspace,
    model: BaseChatModel | None = None,
    checkpointer: Any = None,
    *,
    checked: bool = True,
    audit: AuditLog | None = None,
) -> Copilot:
    """The agent for a workspace.

    Args:
        checked: hold a language model's answers against the tools' results.
        model: the chat model; by default the one the settings name.
        checkpointer: keeps threads; in memory by default.
        audit: where each question is recorded; nowhere by default.

    Raises ConfigError when the model cannot be had.
    """
    if model is None and ws.settings.model == "offline":
        # Most of this is spent outside of Python's lock: it runs while the imports below do.
        threading.Thread(target=bundled().load, daemon=True).start()
    from langchain.agents import create_agent
    from langgraph.checkpoint.memory import InMemorySaver

    from agent.audit import Recorder
    from agent.models import chat_model
    from agent.offline import OfflineModel
    from agent.prompts import system_prompt
    from tools.toolbox import build_tools

    tools = build_tools(ws)
    served = model or chat_model(ws)
    remote = not isinstance(served, OfflineModel)
    agent = create_agent(
        served,
        tools,
        system_prompt=system_prompt(tools),
        middleware=_middleware(ws, remote=remote),
        checkpointer=checkpointer or InMemorySaver(),
    )
    recorder = Recorder(ws, audit, ws.settings.model) if audit else None
    return Copilot(ws, agent, checked=checked and remote, recorder=recorder)


def _middleware(ws: Workspace, *, remote: bool) -> Sequence[Any]:
    """Errors outside of retries: what retrying could not mend goes to the model as a result, and the turn goes on."""
    from langchain.agents.middleware import (
        ModelCallLimitMiddleware,
        ModelRetryMiddleware,
        ToolCallLimitMiddleware,
        ToolErrorMiddleware,
        ToolRetryMiddleware,
    )

    from agent.limits import DeadlineMiddleware
    from agent.masking import MaskingMiddleware
    from agent.models import StreamBroken
    from agent.writing import ConsentMiddleware
    from tools.privacy import masker_for

    masking = (MaskingMiddleware(masker_for(ws)),) if remote and ws.settings.privacy.mask != "never" else ()
    return (
        ModelCallLimitMiddleware(run_limit=_MODEL_CALLS, exit_behavior="end"),
        ToolCallLimitMiddleware(run_limit=_TOOL_CALLS, exit_behavior="continue"),
        # The words that were heard stay a draft: the answer, which comes whole, replaces them.
        ModelRetryMiddleware(max_retries=2, retry_on=(StreamBroken,), on_failure="error", initial_delay=0.5),
        DeadlineMiddleware(ws.settings.limits),
        ConsentMiddleware(),
        ToolErrorMiddleware(_tool_error),
        ToolRetryMiddleware(max_retries=2, retry_on=(Unavailable,), on_failure="error", initial_delay=0.5),
        *masking,  # the last before the model: nothing is added after it
    )


def _tool_error(error: Exception, request: Any) -> str:
    if isinstance(error, CopilotError):
        return redacted(f"Error: {error.message}")
    return f"Error: the tool failed inside ({type(error).__name__}). Another question may work."
