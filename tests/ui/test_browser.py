"""The chat in a real browser, served by the real command. Its fixtures check that the page calls nobody else."""

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from playwright.sync_api import Page, expect

from tests.ui.conftest import build_shop, write_job
from tests.ui.serving import Server, serving

pytestmark = pytest.mark.browser

QUESTION = "what breaks if I drop customers.segment"
LONG = "segment_revenue_by_country_and_channel_restated_monthly"
ODD = 'The "odd" \\ <b>one</b> & {a|b}'
PATIENT = 30_000  # milliseconds


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    lake = build_shop(tmp_path_factory.mktemp("lake"))
    folder = lake / "tables" / "shop" / LONG
    folder.mkdir()
    pq.write_table(pa.table({"segment": ["gold"]}), folder / "part-0.parquet")
    write_job(lake, "long_job.sql", f"INSERT INTO {LONG} SELECT segment FROM customers")
    (lake / "dashboards.json").write_text(json.dumps([{"dashboard_name": ODD, "tables_used": ["customers"]}]))
    with serving(lake, tmp_path_factory.mktemp("state"), "--port", "18601") as running:
        yield running


@pytest.fixture
def chat(page: Page, server: Server) -> Page:
    page.goto(server.url)
    page.get_by_test_id("stChatInputTextArea").wait_for(timeout=PATIENT)
    return page


def ask(chat: Page, question: str) -> None:
    box = chat.get_by_test_id("stChatInputTextArea")
    box.fill(question)
    box.press("Enter")
    expect(chat.get_by_test_id("stDownloadButton").last).to_be_visible(timeout=PATIENT)


def graph_text(chat: Page) -> str:
    svg = chat.locator("[data-testid=stGraphVizChart] svg")
    svg.wait_for(timeout=PATIENT)
    return "\n".join(svg.locator("g.node").all_text_contents())


def test_a_question_gets_an_answer_a_graph_and_downloads(chat: Page) -> None:
    ask(chat, QUESTION)

    expect(chat.get_by_text("Severity HIGH", exact=True)).to_be_visible()
    nodes = graph_text(chat)
    assert "job · breaks" in nodes
    assert "revenue_job" in nodes
    with chat.expect_download() as json_file:
        chat.get_by_role("button", name="JSON").click()
    with chat.expect_download() as markdown_file:
        chat.get_by_role("button", name="Markdown").click()
    answer = json.loads(Path(json_file.value.path()).read_text("utf-8"))
    assert {"answer", "tool_calls", "evidence", "unknowns", "artifacts"} <= set(answer)
    assert answer["tool_calls"][0]["name"] == "impact"
    assert "jobs/revenue_job.sql:3" in Path(markdown_file.value.path()).read_text("utf-8")


def test_the_answer_begins_at_the_top_and_its_evidence_quotes_the_code(chat: Page) -> None:
    ask(chat, QUESTION)
    ask(chat, "where does revenue_daily.revenue come from")
    chat.wait_for_timeout(500)

    question = chat.get_by_text("where does revenue_daily.revenue come from", exact=True).last
    assert 0 <= (question.bounding_box() or {"y": -1})["y"] < 200

    chat.get_by_role("tab", name="Evidence").first.click()
    expect(chat.get_by_text("SELECT c.segment").first).to_be_visible()


def test_the_cursor_waits_in_the_input(chat: Page) -> None:
    expect(chat.get_by_test_id("stChatInputTextArea")).to_be_focused()


def test_names_are_whole_in_the_graph_also_long_and_odd_ones(chat: Page) -> None:
    ask(chat, "what is downstream of customers")

    nodes = graph_text(chat).replace("\n", "").replace("\N{NO-BREAK SPACE}", " ")
    assert LONG in nodes
    assert ODD in nodes


def test_it_fits_a_phone_in_the_dark(chat: Page) -> None:
    chat.emulate_media(color_scheme="dark")
    chat.set_viewport_size({"width": 420, "height": 860})
    chat.reload()
    ask(chat, QUESTION)
    graph_text(chat)

    assert chat.evaluate("document.documentElement.scrollWidth") <= 420
    background = chat.evaluate("getComputedStyle(document.querySelector('.stApp')).backgroundColor")
    assert sum(int(part) for part in background[4:-1].split(",")[:3]) < 200


def test_an_example_is_a_click_away(chat: Page) -> None:
    chat.get_by_test_id("stMainBlockContainer").get_by_role("button", name="What breaks if I drop").click()

    expect(chat.get_by_test_id("stDownloadButton").last).to_be_visible(timeout=PATIENT)


def test_a_running_answer_is_stopped_at_once_and_the_chat_goes_on(chat: Page) -> None:
    """The page hears of Stop while a tool is at work: it does not wait for the tool."""
    chat.get_by_test_id("stChatInputTextArea").fill("write tests for orders")
    chat.get_by_test_id("stChatInputTextArea").press("Enter")
    stop = chat.get_by_test_id("stChatInputStopButton")
    stop.click(timeout=PATIENT)
    expect(chat.get_by_text("Stopped.", exact=True).or_(chat.get_by_test_id("stDownloadButton").first)).to_be_visible(
        timeout=PATIENT
    )
    ask(chat, QUESTION)
    expect(chat.get_by_text("Severity HIGH", exact=True)).to_be_visible()


def test_a_chat_is_there_after_a_reload_and_can_be_deleted(chat: Page) -> None:
    ask(chat, "which columns does orders have, as kept")
    chat.reload()
    kept = chat.get_by_role("button", name="which columns does orders have, as kept")
    kept.click(timeout=PATIENT)
    expect(chat.get_by_test_id("stDownloadButton").first).to_be_visible(timeout=PATIENT)
    chat.locator("[class*='st-key-chat-']").filter(has=kept).get_by_role("button").last.click()
    expect(kept).to_have_count(0, timeout=PATIENT)
