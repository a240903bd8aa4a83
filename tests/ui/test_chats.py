"""Conversations of the page are kept per lake and person; and an answer can be stopped while a tool is at work."""

import threading
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest

from agent.copilot import build_copilot
from agent.events import Event
from tests.lakes import shop
from tools import toolbox
from ui.chats import Chats
from ui.page_chat import Step, Turn, events_of

TURN = Turn("who reads it?", steps={"a": Step("schema", {"asset": "t"}, 0.1)}, reply={"answer": "x"})


def test_what_is_kept_comes_back_newest_first(tmp_path: Path) -> None:
    chats = Chats("lake", file=tmp_path / "chats.sqlite")
    chats.save("a", "first", [TURN.to_dict()])
    chats.save("b", "second", [])
    chats.save("a", "first", [TURN.to_dict(), TURN.to_dict()])
    assert [c.title for c in chats.listed()] == ["first", "second"]
    assert [Turn.from_dict(t) for t in chats.load("a") or ()] == [TURN, TURN]


def test_nobody_sees_or_changes_what_is_another_persons_or_lakes(tmp_path: Path) -> None:
    file = tmp_path / "chats.sqlite"
    mine = Chats("lake", "me", file)
    mine.save("a", "mine", [TURN.to_dict()])
    for other in (Chats("lake", "you", file), Chats("elsewhere", "me", file)):
        assert not other.listed()
        assert other.load("a") is None
        other.delete("a")
        other.save("a", "taken", [])
    assert [c.title for c in mine.listed()] == ["mine"]


def test_a_store_that_cannot_be_used_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "chats.sqlite").write_text("this is no database", encoding="utf-8")
    chats = Chats("lake", file=tmp_path / "chats.sqlite")
    chats.save("a", "x", [])
    assert chats.listed() == []
    assert chats.load("a") is None


def test_the_page_hears_at_once_of_an_answer_that_is_stopped_in_a_tool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = shop(tmp_path)
    at_work, let_go, ended = threading.Event(), threading.Event(), threading.Event()

    def slow(*_: object) -> None:
        at_work.set()
        let_go.wait(60)

    monkeypatch.setattr(toolbox, "answer_call", slow)
    copilot = build_copilot(ws)

    def start(stop: threading.Event) -> Iterator[Event]:
        yield from copilot.stream("who reads sales", "t", stop=stop)
        ended.set()

    events = events_of(start)
    while not at_work.is_set():
        next(events)
    assert next(e for e in events if e is None) is None  # nothing new: the page has its turn
    assert isinstance(events, Generator)
    events.close()  # what Streamlit does when Stop is pressed
    monkeypatch.undo()
    try:
        later = build_copilot(ws, checkpointer=copilot._agent.checkpointer)
        answer = later.ask("who reads the sales table", "t")
    finally:
        let_go.set()
    assert answer.error is None
    assert "daily_job" in answer.answer


def test_what_goes_wrong_in_the_other_thread_is_raised_on_the_page() -> None:
    def start(_: threading.Event) -> Iterator[Event]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        list(events_of(start))
