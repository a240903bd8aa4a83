"""One question answered without a model and without an agent framework: what `de-copilot ask` needs, and no more.

The framework takes longer to load than the answer takes to find. The replies are those of `agent.offline`, the tools
those of `tools.toolbox`, and the events those of `agent.copilot`: a test holds the answers of both equal.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from agent.deadlines import Deadline
from agent.events import Answer, Event, TurnLog, foreign, redacted
from agent.planning.memory import Call, Outcome, Turn
from agent.planning.planner import Toolset
from agent.responder import Responder, words
from knowledge.embeddings import bundled
from knowledge.errors import CopilotError, LimitExceeded, Unavailable
from tools.toolbox import TOOLS, answer_call, error_artifact

if TYPE_CHECKING:
    from agent.audit import AuditLog
    from tools.workspace import Workspace

__all__ = ["DirectCopilot"]

_STEPS = 12
_ATTEMPTS, _FIRST_WAIT = 3, 0.5


class DirectCopilot:
    """Answers single questions about one workspace. It keeps no thread: each question is the first."""

    def __init__(self, ws: Workspace, audit: AuditLog | None = None) -> None:
        """`audit`: where each question is recorded; nowhere by default."""
        # Most of this is spent outside of Python's lock: it runs while the lake is read.
        threading.Thread(target=bundled().load, daemon=True).start()
        self._ws = ws
        self._tools = {spec.name: spec for spec in TOOLS}
        self._responder = Responder(lambda: ws.assets.items)
        self._audit = audit

    def ask(self, question: str, thread_id: str = "default") -> Answer:
        """One question, answered. Never raises for what a tool does."""
        *_, last = self.stream(question, thread_id)
        answer: Answer = last.data["answer"]
        return answer

    def stream(self, question: str, thread_id: str = "default") -> Iterator[Event]:
        """The same, as it happens; the last event is the answer."""
        events = self._events(question)
        if self._audit is None:
            return events
        from agent.audit import Recorder

        return Recorder(self._ws, self._audit, "offline").record(events, question, thread_id)

    def _events(self, question: str) -> Iterator[Event]:
        log = TurnLog()
        try:
            yield from self._run(question, log)
            yield Event("answer", {"answer": log.answer()})
        except CopilotError as error:
            yield Event("answer", {"answer": log.answer(redacted(error.message))})
        except Exception as error:  # noqa: BLE001 - an answer survives everything; what is not ours is named by its kind
            yield Event("answer", {"answer": log.answer(foreign(error))})

    def _run(self, question: str, log: TurnLog) -> Iterator[Event]:
        turn, deadline = Turn(question), Deadline.of(self._ws.settings.limits)
        toolset = Toolset({spec.name: spec.args.model_json_schema() for spec in self._tools.values()})
        for _ in range(_STEPS):
            reply = self._responder.reply([turn], toolset)
            if not reply.calls:
                break
            turn = replace(turn, calls=(*turn.calls, *reply.calls))
            started = [_start(call, log) for call in reply.calls]
            yield from started
            for event, call in zip(started, reply.calls, strict=True):
                began = time.perf_counter()
                outcome = self._call(call, deadline)
                turn = replace(turn, outcomes=(*turn.outcomes, outcome))
                log.artifacts[event.data["id"]] = outcome.artifact
                yield _end(outcome, event.data["id"], time.perf_counter() - began)
        log.text = reply.text
        for word in words(reply.text):
            yield Event("token", {"text": word})

    def _call(self, call: Call, deadline: Deadline) -> Outcome:
        """One tool's result. A service that did not answer is asked again, with a wait that doubles."""
        for attempt in range(_ATTEMPTS):
            try:
                work = partial(answer_call, self._ws, self._tools[call.tool], call.args)
                text, artifact = deadline.run(call.tool, work)
                return Outcome(call.tool, text, artifact, artifact["kind"] == "error")
            except LimitExceeded as error:
                told = error_artifact(call.tool, call.args, error)
                return Outcome(call.tool, f"Error: {error.message}", told, failed=True)
            except Unavailable as error:
                failed = error
                time.sleep(_FIRST_WAIT * 2**attempt if attempt + 1 < _ATTEMPTS else 0)
            except Exception as error:  # noqa: BLE001 - a fault inside one tool is that tool's result
                return _fault(call, error)
        return Outcome(call.tool, f"Error: {failed.message}", error_artifact(call.tool, call.args, failed), failed=True)


def _start(call: Call, log: TurnLog) -> Event:
    args = {k: v for k, v in call.args.items() if v is not None}
    call_id = f"call_{len(log.calls)}"
    log.calls.append({"name": call.tool, "args": args})
    log.started[call_id] = time.perf_counter()
    return Event("tool_start", {"name": call.tool, "args": args, "id": call_id})


def _fault(call: Call, error: Exception) -> Outcome:
    text = f"Error: the tool failed inside ({type(error).__name__}). Another question may work."
    data: Mapping[str, Any] = {"error": "tool_failed", "message": text, "where": None, "hint": None}
    artifact = {"kind": "error", "tool": call.tool, "args": {}, "data": data, "evidence": [], "unknowns": [text]}
    return Outcome(call.tool, text, artifact, failed=True)


def _end(outcome: Outcome, call_id: str, seconds: float) -> Event:
    data = {"name": outcome.tool, "id": call_id, "ok": not outcome.failed, "artifact": outcome.artifact}
    return Event("tool_end", {**data, "seconds": round(seconds, 3)})
