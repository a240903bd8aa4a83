"""The chat page, run as Streamlit runs it, with the real copilot on a real lake."""

from pathlib import Path

import pytest
import streamlit as st
from streamlit.testing.v1 import AppTest

from tests.ui.conftest import write_job
from ui import page_lake
from ui.page_chat import said_with

PAGE = Path(__file__).resolve().parents[2] / "ui" / "app.py"
BREAKS = "what breaks if I drop customers.segment"


@pytest.fixture(autouse=True)
def nothing_open() -> None:
    """Every test opens its own lake."""
    st.cache_resource.clear()


def opened(root: Path) -> AppTest:
    page_lake.serve(root, root)
    app = AppTest.from_file(str(PAGE), default_timeout=60).run()
    assert not app.exception
    return app


def asked(app: AppTest, question: str) -> AppTest:
    app.chat_input[0].set_value(question).run()
    assert not app.exception
    return app


def said(app: AppTest) -> str:
    return "\n".join(str(e.value) for e in (*app.markdown, *app.caption, *app.error))


def test_an_empty_chat_names_the_lake_and_offers_questions_about_it(shop: Path) -> None:
    app = opened(shop)

    side = "\n".join(str(e.value) for e in (*app.sidebar.markdown, *app.sidebar.caption))
    assert "4 tables · 2 jobs" in side
    assert "2 dashboards · 1 KPI" in side
    assert "Model: offline" in side
    labels = [b.label for b in app.main.button]
    assert any(label.startswith("What breaks if I drop ") for label in labels)
    assert any(name in label for label in labels for name in ("revenue_job", "revenue_daily"))


def test_a_question_is_answered_with_its_steps_text_and_graph(shop: Path) -> None:
    app = asked(opened(shop), BREAKS)

    question, reply = app.chat_message
    assert question.markdown[0].value.startswith("what breaks if I drop")
    assert "`impact`" in reply.status[0].markdown[0].value
    assert reply.status[0].label.startswith("Looked it up in 1 step")
    assert "revenue_job" in said(app)
    assert len(app.get("graphviz_chart")) == 1
    assert len(app.get("download_button")) == 2


def test_a_click_on_an_example_asks_it(shop: Path) -> None:
    app = opened(shop)
    label = next(b for b in app.main.button if b.label.startswith("What breaks"))

    label.click().run()

    assert not app.exception
    assert len(app.chat_message) == 2
    assert "Severity" in said(app)


def test_every_example_is_answered(shop: Path) -> None:
    for label in [b.label for b in opened(shop).main.button]:
        app = asked(opened(shop), label)

        assert not app.error, label
        assert app.chat_message[1].status[0].state == "complete", label


def test_a_name_that_is_not_clear_is_asked_back_and_a_click_goes_on(shop: Path) -> None:
    app = asked(opened(shop), "what breaks if I drop customer_id")

    choice = next(b for b in app.main.button if b.label == r"orders\.customer\_id")
    choice.click().run()

    assert not app.exception
    assert app.chat_message[2].markdown[0].value == r"what breaks if I drop orders\.customer\_id"
    assert "Dropping orders" in said(app)


def test_the_conversation_goes_on_and_a_new_chat_begins_empty(shop: Path) -> None:
    app = asked(opened(shop), BREAKS)
    app = asked(app, "and which jobs read orders?")
    assert len(app.chat_message) == 4

    next(b for b in app.sidebar.button if b.label == "New chat").click().run()
    assert len(app.chat_message) == 0

    next(b for b in app.sidebar.button if b.label.startswith("what breaks")).click().run()
    assert len(app.chat_message) == 4


def test_a_changed_job_counts_at_the_next_question(own_shop: Path) -> None:
    app = asked(opened(own_shop), BREAKS)
    assert "report_job" not in said(app)

    write_job(own_shop, "report_job.sql", "INSERT INTO report SELECT segment FROM customers")
    app = asked(app, BREAKS)

    assert "report_job" in said(app)


def test_what_could_not_be_read_is_in_the_sidebar(own_shop: Path) -> None:
    write_job(own_shop, "broken_job.py", "spark.table('orders'")

    app = opened(own_shop)

    assert "1 problem" in app.sidebar.expander[0].label
    assert "broken_job.py" in app.sidebar.expander[0].markdown[0].value


def test_an_empty_lake_says_so(tmp_path: Path) -> None:
    app = opened(tmp_path)

    assert "no tables and no jobs" in said(app)
    assert not app.main.button


def test_a_lake_that_is_not_there_is_an_error_and_no_traceback(tmp_path: Path) -> None:
    app = opened(tmp_path / "nowhere")

    assert "was not found" in app.error[0].value
    assert not app.chat_input


def test_a_failure_inside_is_one_sentence_and_the_chat_goes_on(
    shop: Path, own_state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise ZeroDivisionError("very internal")

    app = opened(shop)
    with monkeypatch.context() as broken:
        broken.setattr("agent.copilot.Copilot.stream", fails)
        app = asked(app, BREAKS)
        assert "Something went wrong" in app.error[0].value
        assert "very internal" not in said(app)
        assert "very internal" in (own_state / "failures.log").read_text()

    assert "Severity" in said(asked(app, BREAKS))


def test_a_model_that_cannot_be_had_is_told(own_shop: Path) -> None:
    (own_shop / "copilot.toml").write_text('model = "nosuchprovider:x"\n')

    app = asked(opened(own_shop), BREAKS)

    assert "nosuchprovider" in app.error[0].value


@pytest.mark.parametrize(
    ("question", "name", "meant", "again"),
    [
        ("drop Segment now", "segment", "customers.segment", "drop customers.segment now"),
        ("drop a.segment", "segment", "b.segment", "b.segment"),
        ("drop it", "segment", "b.segment", "b.segment"),
        ("drop seg", "seg", r"a\1b", r"drop a\1b"),
    ],
)
def test_the_name_that_was_meant_takes_its_place(question: str, name: str, meant: str, again: str) -> None:
    assert said_with(question, name, meant) == again


def chats(app: AppTest) -> list[str]:
    return [b.label for b in app.sidebar.button if (b.key or "").startswith("thread-")]


def test_a_conversation_is_there_after_a_restart_and_goes_on(shop: Path) -> None:
    asked(opened(shop), "what columns does orders have")
    st.cache_resource.clear()  # the process ends: a new one opens the lake, and the copilot's memory, again
    app = opened(shop)
    assert chats(app) == ["what columns does orders have"]
    assert not app.chat_message

    next(b for b in app.sidebar.button if (b.key or "").startswith("thread-")).click().run()
    assert "what columns does orders have" in said(app)
    assert not app.exception
    asked(app, "and who reads it?")
    assert "revenue_job" in said(app)
    assert chats(app) == ["what columns does orders have"]


def test_a_conversation_is_deleted_for_good(shop: Path) -> None:
    app = asked(asked(opened(shop), BREAKS), "who reads orders")
    next(b for b in app.sidebar.button if (b.key or "").startswith("delete-")).click().run()
    assert not app.exception
    assert chats(app) == []
    assert not app.chat_message
    st.cache_resource.clear()
    assert chats(opened(shop)) == []


def test_another_lake_has_conversations_of_its_own(shop: Path, own_shop: Path) -> None:
    asked(opened(shop), BREAKS)
    st.cache_resource.clear()
    assert chats(opened(own_shop)) == []
