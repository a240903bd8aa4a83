"""The chat page. Wiring only: which lake, which conversation, and where each part of the page goes.

`de-copilot ui` serves it; `streamlit run ui/app.py` shows it too. Everything a visitor reads is computed elsewhere.
"""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from knowledge.errors import CopilotError
from ui import page_lake
from ui.page_chat import Thread, Turn, answer, ask, asked, draw_turn, look_at
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
    served.warm_up()


def _draw_sidebar(served: page_lake.Served) -> None:
    draw_lake(served.ws)
    draw_chats(_threads(), _thread(), _choose)
    draw_help()


def _draw_chat(served: page_lake.Served) -> None:
    """What was said, and the input below it. The input stands in the page's flow (page.css keeps it at the bottom):
    Streamlit's own place for it makes the page follow the end of every answer.
    """
    thread = _thread()
    said = st.container()
    with st.container(key="ask"):
        typed = st.chat_input("Ask about a table, a job, a dashboard, a KPI, a change", submit_mode="stop")
    question = typed or asked()
    with said:
        if not thread.turns and not question:
            _draw_welcome(served)
            look_at(thread.id)
        for turn in thread.turns:
            draw_turn(turn, served.source, latest=not question and turn is thread.turns[-1])
        if question:
            turn = Turn(question)
            thread.turns.append(turn)
            answer(turn, lambda: served.copilot.stream(question, thread.id))
            st.rerun()


def _draw_welcome(served: page_lake.Served) -> None:
    st.markdown("## What do you want to know?", anchors=False)
    questions = questions_for(served.ws)
    if not questions:
        st.markdown("This lake has no tables and no jobs that could be read. `de-copilot doctor` says what was found.")
    with st.container(horizontal=True):
        for question in questions:
            st.button(safe(question), on_click=ask, args=(question,))


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
