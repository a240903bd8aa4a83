"""The page's sidebar: which lake this is, what was found in it, what it can be asked, and the visitor's chats."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from tools.assets import KINDS
from tools.settings import Settings
from tools.workspace import Workspace
from ui.chats import Listed
from ui.page_chat import Thread
from ui.page_text import safe, verbatim
from ui.questions import CAPABILITIES
from ui.verdicts import clean, count

__all__ = ["draw_chats", "draw_help", "draw_lake"]

MOST_PROBLEMS = 50
TITLE = 44  # characters of a chat's name; the rest is a hover away


def draw_lake(ws: Workspace) -> None:
    """The lake's name, how much there is in it, and what could not be read."""
    settings = ws.settings
    st.markdown(f"### {verbatim(_called(settings))}", anchors=False, help=verbatim(settings.place))
    counts = [count(len(ws.assets.all(kind)), kind) for kind in KINDS]
    st.markdown("  \n".join(" · ".join(pair) for pair in (counts[:2], counts[2:])))
    st.caption(f"Model: {verbatim(settings.model)}")
    _draw_problems(ws)


def _called(settings: Settings) -> str:
    """The last part of where the lake is."""
    return settings.place.rstrip("/").rpartition("/")[2] or settings.place


def _draw_problems(ws: Workspace) -> None:
    problems = ws.problems()
    if not problems:
        return
    with st.expander(f":orange-badge[{count(len(problems), 'problem')}]"):
        for problem in problems[:MOST_PROBLEMS]:
            st.markdown(f"{clean(problem.what)} `{clean(problem.where)}`: {safe(clean(problem.why))}")
        if len(problems) > MOST_PROBLEMS:
            st.caption(f"and {len(problems) - MOST_PROBLEMS:,} more; `de-copilot doctor` lists them all")


def draw_chats(
    kept: Sequence[Listed],
    now: Thread,
    choose: Callable[[str | None], None],
    delete: Callable[[str], None],
) -> None:
    """The kept chats, newest first, each with a way to delete it, and a new one; `choose` gets an id, or None for new."""
    st.button("New chat", on_click=choose, args=(None,), width="stretch", disabled=not now.turns)
    for chat in kept:
        with st.container(horizontal=True, gap=None, key=f"chat-{chat.id}"):
            st.button(
                verbatim(_shortened(chat.title)),
                key=f"thread-{chat.id}",
                on_click=choose,
                args=(chat.id,),
                type="secondary" if chat.id == now.id else "tertiary",
                width="stretch",
                help=verbatim(chat.title) if len(chat.title) > TITLE else None,
            )
            st.button(
                "",
                key=f"delete-{chat.id}",
                icon=":material/delete:",
                help="Delete this chat",
                on_click=delete,
                args=(chat.id,),
                type="tertiary",
            )


def _shortened(title: str) -> str:
    line = " ".join(title.split())
    return line if len(line) <= TITLE else f"{line[: TITLE - 1]}…"


def draw_help() -> None:
    """What can be asked."""
    with st.expander("What can I ask?"):
        st.markdown("\n".join(f"- **{what}**: {more}" for what, more in CAPABILITIES))
