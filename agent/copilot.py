"""The agent: a chat model, the tools, middleware, and a memory for each thread. A turn never raises.

Whatever fails (a tool, the model, the network) becomes an answer that says what failed; the thread goes on.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from agent.grounding import Claim, correction, is_correction, marked, unsupported
from knowledge.embeddings import bundled
from knowledge.errors import CopilotError, Unavailable

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel
    from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

    from tools.workspace import Workspace

__all__ = ["Answer", "Copilot", "Event", "TurnLog", "build_copilot", "foreign", "redacted"]

_MODEL_CALLS = 12
_STEPS = 60
_OWN_WORDS = ("copilot.toml", "kpis.json", "dashboards.json", "de-copilot", "output/")
_ACCOUNT = re.compile(r"\b\d{12}\b")
_ARN = re.compile(r"arn:aws[\w-]*:[^\s,;)]+")


@dataclass(frozen=True)
class Answer:
    """One answered question. `evidence` and `unknowns` are those of this turn's tools, `artifacts` their results."""

    answer: str
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    evidence: tuple[Mapping[str, Any], ...] = ()
    unknowns: tuple[str, ...] = ()
    artifacts: tuple[Mapping[str, Any], ...] = ()
    error: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As `ask --json` prints it."""
        data = {
            "answer": self.answer,
            "tool_calls": [dict(c) for c in self.tool_calls],
            "evidence": [dict(e) for e in self.evidence],
            "unknowns": list(self.unknowns),
            "artifacts": [dict(a) for a in self.artifacts],
        }
        return data if self.error is None else {**data, "error": self.error}


@dataclass(frozen=True)
class Event:
    """Something that happens while an answer is made.

    `data` by kind: tool_start {name, args, id}; tool_end {name, id, ok, artifact, seconds}; token {text};
    answer {answer: Answer}, always the last.
    """

    kind: Literal["tool_start", "tool_end", "token", "answer"]
    data: Mapping[str, Any]


@dataclass
class TurnLog:
    """What has been seen of a turn so far, for the answer that ends it."""

    calls: list[Mapping[str, Any]] = field(default_factory=list)
    artifacts: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    started: dict[str, float] = field(default_factory=dict)
    text: str = ""

    def answer(self, error: str | None = None) -> Answer:
        """The answer with everything the tools brought, in the order of the calls: they may end in another."""
        artifacts = [self.artifacts[i] for i in self.started if i in self.artifacts]
        evidence = {str(sorted(e.items(), key=str)): e for a in artifacts for e in a.get("evidence", ())}
        unknowns = dict.fromkeys(u for a in artifacts for u in a.get("unknowns", ()))
        text = self.text if error is None else "\n\n".join(p for p in (self.text, error) if p)
        return Answer(text, tuple(self.calls), tuple(evidence.values()), tuple(unknowns), tuple(artifacts), error)


class Copilot:
    """Answers questions about one workspace, thread by thread."""

    def __init__(self, ws: Workspace, agent: Any, *, checked: bool = False) -> None:
        """`checked`: answers come from a language model, so they are held against the tools' results."""
        self._ws, self._agent, self._checked = ws, agent, checked

    def ask(self, question: str, thread_id: str = "default") -> Answer:
        """One question, answered. Never raises for what a tool or the model does."""
        for event in self.stream(question, thread_id):
            if event.kind == "answer":
                answer: Answer = event.data["answer"]
                return answer
        raise AssertionError("a turn ends with its answer")

    def stream(self, question: str, thread_id: str = "default") -> Iterator[Event]:
        """The same, as it happens; the last event is the answer."""
        turn = TurnLog()
        try:
            yield from self._run(question, thread_id, turn)
            if self._checked:
                yield from self._grounded(thread_id, turn)
            yield Event("answer", {"answer": turn.answer()})
        except CopilotError as error:
            yield Event("answer", {"answer": turn.answer(redacted(error.message))})
        except Exception as error:  # noqa: BLE001 - a chat survives everything; what is not ours is named by its kind
            yield Event("answer", {"answer": turn.answer(foreign(error))})

    def _run(self, question: str, thread_id: str, turn: TurnLog) -> Iterator[Event]:
        from langchain_core.messages import HumanMessage

        config = {"configurable": {"thread_id": thread_id}, "recursion_limit": _STEPS}
        stream = self._agent.stream(
            {"messages": [HumanMessage(question)]}, config, stream_mode=["updates", "messages"], durability="exit"
        )
        for mode, data in stream:
            if mode == "messages":
                yield from _tokens(data[0])
            else:
                yield from self._updates(data, turn)

    def _grounded(self, thread_id: str, turn: TurnLog) -> Iterator[Event]:
        """Claims that no result supports go back to the model once, with the reasons; what remains is marked."""
        claims = self._unsupported(thread_id, turn)
        if not claims:
            return
        first = turn.text
        try:
            yield from self._run(correction(claims), thread_id, turn)
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


def _failure(message: ToolMessage) -> dict[str, Any]:
    """A tool that ended without a result of ours: bad arguments, an unknown tool, or a fault that middleware caught."""
    text = redacted(str(message.text))
    data = {"error": "tool_failed", "message": text, "where": None, "hint": None}
    return {"kind": "error", "tool": message.name, "args": {}, "data": data, "evidence": [], "unknowns": [text]}


def redacted(text: str) -> str:
    """Account numbers and ARNs are nobody's business in a chat."""
    return _ACCOUNT.sub("(account)", _ARN.sub("(arn)", text))


def foreign(error: Exception) -> str:
    """What is told of a failure that is not ours."""
    return f"The model or a tool failed ({type(error).__name__}): {redacted(str(error))[:300] or 'no reason given'}."


# --------------------------------------------------------------------------- putting it together


def build_copilot(
    ws: Workspace, model: BaseChatModel | None = None, checkpointer: Any = None, *, checked: bool = True
) -> Copilot:
    """The agent for a workspace.

    Args:
        checked: hold a language model's answers against the tools' results.
        model: the chat model; by default the one the settings name.
        checkpointer: keeps threads; in memory by default.

    Raises ConfigError when the model cannot be had.
    """
    if model is None and ws.settings.model == "offline":
        # Most of this is spent outside of Python's lock: it runs while the imports below do.
        threading.Thread(target=bundled().load, daemon=True).start()
    from langchain.agents import create_agent
    from langgraph.checkpoint.memory import InMemorySaver

    from agent.models import chat_model
    from agent.prompts import system_prompt
    from tools.toolbox import build_tools

    tools = build_tools(ws)
    agent = create_agent(
        model or chat_model(ws),
        tools,
        system_prompt=system_prompt(tools),
        middleware=_middleware(),
        checkpointer=checkpointer or InMemorySaver(),
    )
    return Copilot(ws, agent, checked=checked and (model is not None or ws.settings.model != "offline"))


def _middleware() -> Sequence[Any]:
    """Errors outside of retries: what retrying could not mend goes to the model as a result, and the turn goes on."""
    from langchain.agents.middleware import (
        ModelCallLimitMiddleware,
        ModelRetryMiddleware,
        ToolErrorMiddleware,
        ToolRetryMiddleware,
    )

    from agent.models import StreamBroken
    from agent.writing import ConsentMiddleware

    return (
        ModelCallLimitMiddleware(run_limit=_MODEL_CALLS, exit_behavior="end"),
        # The words that were heard stay a draft: the answer, which comes whole, replaces them.
        ModelRetryMiddleware(max_retries=2, retry_on=(StreamBroken,), on_failure="error", initial_delay=0.5),
        ConsentMiddleware(),
        ToolErrorMiddleware(_tool_error),
        ToolRetryMiddleware(max_retries=2, retry_on=(Unavailable,), on_failure="error", initial_delay=0.5),
    )


def _tool_error(error: Exception, request: Any) -> str:
    if isinstance(error, CopilotError):
        return redacted(f"Error: {error.message}")
    return f"Error: the tool failed inside ({type(error).__name__}). Another question may work."
