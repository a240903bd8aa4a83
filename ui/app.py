"""The chat page. Wiring only: which lake, which conversation, and where each part of the page goes.

`de-copilot ui` serves it; `streamlit run ui/app.py` shows it too. Everything a visitor reads is computed elsewhere.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from knowledge.errors import CopilotError
from ui import page_lake
from ui.page_chat import Thread, Turn, answer, draw_turn, show_beginning
from ui.page_sidebar import draw_chats, draw_help, draw_lake
from ui.page_text import safe
from ui.questions import questions_for

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Draws the page once."""
    st.set_page_config(page_title="DE Copilot", page_icon=str(HERE / "icon.png"), layout="wide")
    st.html(HERE / "page.css")
    try:
        served = page_lake.current()
        served.refresh()
        with st.sidebar:
            _draw_sidebar(served)
    except CopilotError as error:
        st.error(safe(error.message))
        return
    _draw_chat(served)


def _draw_sidebar(served: page_lake.Served) -> None:
    draw_lake(served.ws)
    draw_chats(_threads(), _thread(), _choose)
    draw_help()


def _draw_chat(served: page_lake.Served) -> None:
    thread = _thread()
    asked = st.chat_input("Ask about a table, a job, a dashboard, a KPI, a change", submit_mode="stop")
    question = asked or st.session_state.pop("asked", None)
    if not thread.turns and not question:
        _draw_welcome(served)
    for turn in thread.turns:
        draw_turn(turn, served.source)
    if question:
        turn = Turn(question)
        thread.turns.append(turn)
        answer(turn, served.copilot.stream(question, thread.id))
        st.rerun()
    if thread.turns:
        show_beginning(thread.turns[-1])


def _draw_welcome(served: page_lake.Served) -> None:
    st.markdown("## What do you want to know?", anchors=False)
    questions = questions_for(served.ws)
    if not questions:
        st.markdown("This lake has no tables and no jobs that could be read. `de-copilot doctor` says what was found.")
    with st.container(horizontal=True):
        for question in questions:
            st.button(safe(question), on_click=_ask, args=(question,))


def _ask(question: str) -> None:
    st.session_state["asked"] = question


def _threads() -> list[Thread]:
    threads: list[Thread] = st.session_state.setdefault("threads", [Thread()])
    return threads


def _thread() -> Thread:
    chosen = st.session_state.get("thread")
    return next((t for t in _threads() if t.id == chosen), _threads()[-1])


def _choose(thread_id: str | None) -> None:
    if thread_id is None:
        _threads().append(Thread())
    st.session_state["thread"] = thread_id or _threads()[-1].id


main()
