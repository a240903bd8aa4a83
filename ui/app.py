"""The chat page. Wiring only: which lake, which conversation, and where each part of the page goes.

`de-copilot ui` serves it; `streamlit run ui/app.py` shows it too. Everything a visitor reads is computed elsewhere.
"""

from __future__ import annotations

import uuid
from pathlib import Path

import streamlit as st

from knowledge.errors import CopilotError
from ui import page_lake
from ui.chats import Chats
from ui.page_chat import Thread, Turn, answer, ask, asked, draw_again_soon, draw_turn, look_at
from ui.page_sidebar import draw_chats, draw_help, draw_lake
from ui.page_sign_in import draw_sign_out, visitor
from ui.page_text import safe
from ui.questions import questions_for

HERE = Path(__file__).resolve().parent


def main() -> None:
    """Draws the page once."""
    st.set_page_config(page_title="DE Copilot", page_icon=str(HERE / "icon.png"), layout="wide")
    st.html(HERE / "page.css")
    try:
        user = visitor(page_lake.settings().page)
        if user is None:
            return
        served = page_lake.current()
        served.refresh()
        with st.sidebar:
            _draw_sidebar(served, user)
    except CopilotError as error:
        st.error(safe(error.message))
        return
    _draw_chat(served, user)
    served.warm_up()


def _draw_sidebar(served: page_lake.Served, user: str) -> None:
    draw_lake(served.ws)
    chats = _chats(served, user)
    draw_chats(chats.listed(), _thread(chats), _choose, lambda chat: _delete(served, user, chat))
    draw_help()
    if user:
        draw_sign_out(user)


def _draw_chat(served: page_lake.Served, user: str) -> None:
    """What was said, and the input below it. The input stands in the page's flow (page.css keeps it at the bottom):
    Streamlit's own place for it makes the page follow the end of every answer.
    """
    chats = _chats(served, user)
    thread = _thread(chats)
    said = st.container()
    with st.container(key="ask"):
        # By its callback a question is asked once, however often the page is drawn with the same state of its parts.
        st.chat_input(
            "Ask about a table, a job, a dashboard, a KPI, a change",
            submit_mode="stop",
            key="typed",
            on_submit=lambda: ask(str(st.session_state["typed"])),
        )
    question = asked()
    with said:
        if not thread.turns and not question:
            _draw_welcome(served)
            look_at(thread.id)
        for turn in thread.turns:
            draw_turn(turn, served.source, latest=not question and turn is thread.turns[-1])
        if question:
            turn = Turn(question)
            thread.turns.append(turn)
            try:
                answer(turn, lambda stop: served.copilot.stream(question, thread.id, stop=stop, user=user or None))
            finally:  # Stop ends this run here: what was there by then is kept
                chats.save(thread.id, thread.title, [t.to_dict() for t in thread.turns])
                if turn.reply is None and not turn.failure:
                    draw_again_soon()
            st.rerun()


def _draw_welcome(served: page_lake.Served) -> None:
    st.markdown("## What do you want to know?", anchors=False)
    questions = questions_for(served.ws)
    if not questions:
        st.markdown("This lake has no tables and no jobs that could be read. `de-copilot doctor` says what was found.")
    with st.container(horizontal=True):
        for question in questions:
            st.button(safe(question), on_click=ask, args=(question,))


def _chats(served: page_lake.Served, user: str) -> Chats:
    return Chats(served.ws.settings.place, user)


def _thread(chats: Chats) -> Thread:
    """The conversation on the page: the chosen one, from the store when this session has not seen it, else a new one."""
    seen: dict[str, Thread] = st.session_state.setdefault("threads", {})
    chosen = st.session_state.setdefault("thread", uuid.uuid4().hex)
    if chosen not in seen:
        seen[chosen] = Thread(chosen, [Turn.from_dict(t) for t in chats.load(chosen) or ()])
    return seen[chosen]


def _choose(thread_id: str | None) -> None:
    st.session_state["thread"] = thread_id or uuid.uuid4().hex


def _delete(served: page_lake.Served, user: str, thread_id: str) -> None:
    """Forgets a conversation: here, in the store, and what the copilot remembers of it."""
    _chats(served, user).delete(thread_id)
    served.copilot.forget(thread_id)
    st.session_state["threads"].pop(thread_id, None)
    if st.session_state.get("thread") == thread_id:
        _choose(None)


main()
