"""The fence around page tests: a page reaches this machine and nothing else, and nobody can miss it."""

from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Error as PlaywrightError
from playwright.sync_api import Page

from tests.browser import NoBrowser, find_chromium
from tests.conftest import is_home

FOREIGN = "http://charts.example/chart.js"


class OnePage(BaseHTTPRequestHandler):
    """A page that has an image of its own and a script from elsewhere."""

    def do_GET(self) -> None:
        body = f'<title>home</title><h1>At home</h1><img src="/own.png"><script src="{FOREIGN}"></script>'
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(body.encode())

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def site() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), OnePage)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()
    server.server_close()


@pytest.mark.browser
def test_a_page_reaches_this_machine_and_a_call_elsewhere_is_refused_and_reported(
    page: Page, site: str, foreign_calls: list[str]
) -> None:
    page.goto(site)

    assert page.get_by_role("heading").inner_text() == "At home"
    assert foreign_calls == [FOREIGN]
    foreign_calls.clear()  # it was meant to call out; left there, it would fail the test


@pytest.mark.browser
def test_past_the_request_filter_no_other_name_resolves(page: Page, site: str) -> None:
    page.context.unroute_all()
    elsewhere = site.replace("127.0.0.1", "elsewhere.localhost")  # resolves to this very server, but for the flag

    with pytest.raises(PlaywrightError, match="ERR_NAME_NOT_RESOLVED"):
        page.goto(elsewhere)


@pytest.mark.parametrize("url", ["http://127.0.0.1:8501/x", "ws://localhost:1/y", "data:,x", "http://[::1]/"])
def test_this_machine_is_home(url: str) -> None:
    assert is_home(url)


@pytest.mark.parametrize("url", ["https://example.com/", "http://127.0.0.1.example.com/", "wss://10.0.0.1/"])
def test_anything_else_is_foreign(url: str) -> None:
    assert not is_home(url)


def test_a_browser_named_by_hand_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mine = tmp_path / "mine"
    mine.write_text("#!/bin/sh\n")
    mine.chmod(0o755)
    monkeypatch.setenv("CHROMIUM", str(mine))

    assert find_chromium() == mine


def test_a_wrong_name_is_an_error_and_not_a_reason_to_take_another(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CHROMIUM", "/nowhere/chromium")

    with pytest.raises(NoBrowser, match="/nowhere/chromium"):
        find_chromium()
