"""The conversation on the page: turns, tool steps as they happen, the answer as it is written, downloads.

It takes events from the copilot and draws them; `page_artifacts` draws what the tools found.
"""

from __future__ import annotations

import queue
import re
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from knowledge.errors import CopilotError
from ui.page_artifacts import Source, draw_artifact
from ui.page_text import as_json, as_markdown, duration, safe, step_line, verbatim
from ui.state import log_failure

if TYPE_CHECKING:
    from agent.events import Event

__all__ = [
    "Thread",
    "Turn",
    "answer",
    "ask",
    "asked",
    "draw_again_soon",
    "draw_turn",
    "events_of",
    "look_at",
    "said_with",
]

HERE = Path(__file__).resolve().parent
COPILOT = str(HERE / "icon.png")
VISITOR = ":material/person:"
MOST_CHOICES = 12
LOOK_SECONDS = 0.25  # between two looks at whether Stop was pressed
REDRAW_SECONDS = 0.04  # a long answer is redrawn whole; more often than the eye sees is only traffic


@dataclass
class Step:
    """One tool call: running until `seconds` is known."""

    name: str
    args: Mapping[str, Any]
    seconds: float | None = None
    ok: bool = True


@dataclass
class Turn:
    """A question with what came of it. `reply` is `Answer.to_dict()`; without it the turn was stopped or failed."""

    question: str
    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    steps: dict[str, Step] = field(default_factory=dict)
    draft: str = ""
    reply: Mapping[str, Any] | None = None
    failure: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As it is kept."""
        return asdict(self)

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Turn:
        """As it was kept."""
        return cls(**{**data, "steps": {key: Step(**step) for key, step in data["steps"].items()}})


@dataclass
class Thread:
    """One conversation; the copilot remembers it by its id."""

    id: str = field(default_factory=lambda: uuid.uuid4().hex)
    turns: list[Turn] = field(default_factory=list)

    @property
    def title(self) -> str:
        """What it began with."""
        return self.turns[0].question if self.turns else "New chat"


def draw_turn(turn: Turn, source: Source, *, latest: bool) -> None:
    """A turn that is over. The latest one fills the page, so that its beginning can stand at the top."""
    with st.container(key=f"{'latest' if latest else 'turn'}-{turn.id}"):
        _draw_question(turn)
        with st.chat_message("assistant", avatar=COPILOT):
            if turn.steps:
                with st.status(_steps_title(turn), state="complete" if _all_ok(turn) else "error"):
                    st.markdown(_steps_list(turn))
            _draw_reply(turn, source)


def answer(turn: Turn, start: Callable[[threading.Event], Iterator[Event]]) -> None:
    """Draws a turn while it happens, and keeps in it what came; drawn again as a whole turn it is complete.

    `start` loads the model side if need be, and may fail like any of the events it gives; it gets what stops it.
    """
    with st.container(key=f"latest-{turn.id}"):
        _draw_question(turn)
        with st.chat_message("assistant", avatar=COPILOT):
            status = st.status("Looking it up", expanded=True)
            slot = st.empty()
    look_at(turn.id)
    try:
        _follow(turn, events_of(start), status, slot)
    except CopilotError as error:
        turn.failure = error.message
    except Exception as error:  # noqa: BLE001 - a visitor never sees a traceback; the log has it
        log = log_failure(error)
        turn.failure = "Something went wrong inside the copilot." + (f" The details are in {log}." if log else "")


def draw_again_soon() -> None:
    """Draws the page once more when this run has ended: Stop ends it with the page half drawn, and asks for no other.

    Streamlit has no public way to do so from outside a run. Without this one the page is complete at the next click.
    """
    from streamlit.runtime import get_instance
    from streamlit.runtime.scriptrunner import get_script_run_ctx

    context = get_script_run_ctx(suppress_warning=True)

    def again() -> None:
        info = get_instance()._session_mgr.get_active_session_info(context.session_id) if context else None
        if info is not None:
            info.session.request_rerun(None)

    timer = threading.Timer(LOOK_SECONDS, lambda: _quietly(again))
    timer.daemon = True
    timer.start()


def _quietly(work: Callable[[], None]) -> None:
    try:
        work()
    except Exception as error:  # noqa: BLE001 - the page stands as it is
        log_failure(error)


def look_at(key: str) -> None:
    """Brings the latest question, if there is one, into view and the cursor into the input; once for each key."""
    script = (HERE / "page.js").read_text(encoding="utf-8")
    st.html(f'<script data-for="{key}">{script}</script>', unsafe_allow_javascript=True)


def _follow(turn: Turn, events: Iterable[Event | None], status: Any, slot: Any) -> None:
    """Takes events as they come. Tokens before a tool call are a draft that the answer replaces."""
    steps = status.empty()
    drawn, began = 0.0, time.monotonic()
    for event in events:
        if event is None:  # nothing new: drawing something is what lets Streamlit end this run when Stop is pressed
            status.update(label=f"{_steps_title(turn, done=False)}, {time.monotonic() - began:.0f} s")
            continue
        match event.kind:
            case "token":
                turn.draft += event.data["text"]
                if time.monotonic() - drawn > REDRAW_SECONDS:
                    slot.markdown(safe(turn.draft))
                    drawn = time.monotonic()
            case "tool_start":
                turn.steps[event.data["id"]] = Step(event.data["name"], event.data["args"])
            case "tool_end":
                step = turn.steps[event.data["id"]]
                step.seconds, step.ok = event.data["seconds"], event.data["ok"]
            case "answer":
                turn.reply = event.data["answer"].to_dict()
        if event.kind in ("tool_start", "tool_end"):
            status.update(label=_steps_title(turn, done=False))
            steps.markdown(_steps_list(turn))


def events_of(start: Callable[[threading.Event], Iterator[Event]]) -> Iterator[Event | None]:
    """Events as they come, made in a thread of their own; None each time that none has come for a moment.

    When the page lets go of this (Stop, or a page that was closed), whatever is at work is stopped too.
    """
    waiting: queue.SimpleQueue[Event | BaseException | None] = queue.SimpleQueue()
    stop = threading.Event()

    def work() -> None:
        try:
            for event in start(stop):
                waiting.put(event)
                if stop.is_set():
                    break
            waiting.put(None)
        except BaseException as error:  # noqa: BLE001 - it is raised where the page waits
            waiting.put(error)

    threading.Thread(target=work, name="answer", daemon=True).start()
    try:
        while True:
            try:
                item = waiting.get(timeout=LOOK_SECONDS)
            except queue.Empty:
                yield None
                continue
            if item is None:
                return
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:
        stop.set()


def _draw_question(turn: Turn) -> None:
    with st.chat_message("user", avatar=VISITOR):
        st.markdown(verbatim(turn.question))


def _draw_reply(turn: Turn, source: Source) -> None:
    if turn.failure:
        st.error(safe(turn.failure))
    if turn.reply is None:
        if turn.draft:
            st.markdown(safe(turn.draft))
        if not turn.failure:
            st.caption("Stopped.")
        return
    st.markdown(safe(turn.reply["answer"]))
    for number, artifact in enumerate(turn.reply["artifacts"]):
        if artifact["kind"] == "error":
            _draw_choices(turn, artifact["data"], number)
        else:
            draw_artifact(artifact, source, f"{turn.id}-{number}")
    _draw_downloads(turn, turn.reply)


def _draw_choices(turn: Turn, error: Mapping[str, Any], number: int) -> None:
    """What could have been meant: a click asks the question again with that name. The answer has said the rest."""
    with st.container(horizontal=True, gap="small"):
        for name in (error.get("candidates") or error.get("nearest") or ())[:MOST_CHOICES]:
            st.button(
                verbatim(name),
                key=f"choice-{turn.id}-{number}-{name}",
                on_click=ask,
                args=(said_with(turn.question, str(error.get("name")), str(name)),),
            )


def said_with(question: str, name: str, meant: str) -> str:
    """The question with another name in the place of one that was not clear; the name alone where it is not in it."""
    pattern = rf"(?<![\w.]){re.escape(name)}(?![\w.])"
    again, found = re.subn(pattern, lambda _: meant, question, flags=re.IGNORECASE)
    return again if found else meant


def ask(question: str) -> None:
    """Asks a question at the next drawing of the page, as if it had been typed."""
    st.session_state["asked"] = question


def asked() -> str | None:
    """The question that a click has asked, once."""
    question: str | None = st.session_state.pop("asked", None)
    return question


def _draw_downloads(turn: Turn, reply: Mapping[str, Any]) -> None:
    with st.container(horizontal=True, gap="small"):
        st.download_button(
            "Markdown",
            lambda: as_markdown(turn.question, reply),
            file_name="answer.md",
            mime="text/markdown",
            key=f"markdown-{turn.id}",
            on_click="ignore",
            help="The answer with its evidence",
            type="tertiary",
            icon=":material/download:",
        )
        st.download_button(
            "JSON",
            lambda: as_json(reply),
            file_name="answer.json",
            mime="application/json",
            key=f"json-{turn.id}",
            on_click="ignore",
            help="Everything behind the answer, as `de-copilot ask --json` prints it",
            type="tertiary",
            icon=":material/download:",
        )


def _steps_title(turn: Turn, *, done: bool = True) -> str:
    ended = [s for s in turn.steps.values() if s.seconds is not None]
    if done and len(ended) < len(turn.steps) and turn.reply is None:
        return f"Stopped in {next(s.name for s in turn.steps.values() if s.seconds is None)}"
    if len(ended) < len(turn.steps) and turn.reply is None:
        return f"Running {next(s.name for s in turn.steps.values() if s.seconds is None)}"
    if not done:
        return "Looking it up"
    if not ended:
        return "Answered without looking anything up"
    took = duration(sum(s.seconds or 0 for s in ended))
    return f"Looked it up in {len(ended)} {'step' if len(ended) == 1 else 'steps'}, {took}"


def _steps_list(turn: Turn) -> str:
    return "\n".join(f"- {step_line(s.name, s.args, s.seconds)}" for s in turn.steps.values())


def _all_ok(turn: Turn) -> bool:
    return turn.failure is None and all(s.ok for s in turn.steps.values())
