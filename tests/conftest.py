"""What every test may ask for: a settled environment and, for page tests, a browser that stays at home.

Nothing here replaces a part of the product. Tests run the real engine on real files; what is fenced off is
the machine they happen to run on: its settings, its AWS account and the network.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

import pytest
from hypothesis import settings
from playwright.sync_api import Browser, BrowserContext, Page, Route, ViewportSize, WebSocket, sync_playwright
from playwright.sync_api import Error as PlaywrightError

from tests.browser import FLAGS, NoBrowser, find_chromium

IN_CI = os.environ.get("CI") == "true"
HOME = {"127.0.0.1", "localhost", "::1"}
LOCAL_SCHEMES = {"about", "blob", "data"}
SETTINGS = ("DE_COPILOT_", "LANGCHAIN_", "LANGSMITH_")
VIEWPORT: ViewportSize = {"width": 1280, "height": 900}

# No deadline: a test never asserts time. In CI a commit's result must not depend on the seed's luck.
settings.register_profile("house", deadline=None, derandomize=IN_CI)
settings.load_profile("house")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--aws", action="store_true", help="also run the tests that talk to a real AWS account")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if config.getoption("--aws"):
        return
    for item in items:
        if item.get_closest_marker("aws"):
            item.add_marker(pytest.mark.skip(reason="talks to a real AWS account: run with --aws"))


@pytest.fixture(autouse=True)
def settled_environment(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """No test sees the settings of whoever runs it, writes to their state, or reaches their AWS account by accident."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path_factory.getbasetemp() / "state"))
    live = request.node.get_closest_marker("aws") is not None
    theirs = SETTINGS if live else (*SETTINGS, "AWS_")
    for name in [name for name in os.environ if name.startswith(theirs)]:
        monkeypatch.delenv(name)
    if not live:
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
        monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", os.devnull)


@pytest.fixture(scope="session")
def chromium_path() -> Path:
    """Where the browser is. Without one the page tests are skipped, but in CI they fail."""
    try:
        return find_chromium()
    except NoBrowser as error:
        reason = str(error)
    return no_browser(reason)


# Per module, not per session: while Playwright's driver is up, the thread has a running event loop, and
# every later test of that worker that calls asyncio.run() would fail.
@pytest.fixture(scope="module")
def browser(chromium_path: Path) -> Iterator[Browser]:
    """A running Chromium for one test module."""
    with sync_playwright() as playwright:
        try:
            running = playwright.chromium.launch(executable_path=chromium_path, args=list(FLAGS))
        except PlaywrightError as error:
            no_browser(f"{chromium_path} does not start ({error.message.splitlines()[0]})")
        yield running
        running.close()


@pytest.fixture
def foreign_calls() -> list[str]:
    """The addresses outside this machine that the page asked for. They were refused."""
    return []


@pytest.fixture
def context(browser: Browser, foreign_calls: list[str]) -> Iterator[BrowserContext]:
    """A fresh browser profile that reaches only this machine; a test whose page called out fails."""
    fresh = browser.new_context(viewport=VIEWPORT, service_workers="block", reduced_motion="reduce")

    def only_home(route: Route) -> None:
        if is_home(route.request.url):
            route.continue_()
        else:
            foreign_calls.append(route.request.url)
            route.abort("blockedbyclient")

    def note_socket(socket: WebSocket) -> None:
        if not is_home(socket.url):
            foreign_calls.append(socket.url)

    fresh.route("**/*", only_home)
    fresh.on("page", lambda page: page.on("websocket", note_socket))
    yield fresh
    fresh.close()
    assert not foreign_calls, f"the page called out: {foreign_calls}"


@pytest.fixture
def page(context: BrowserContext) -> Page:
    """An empty page of 1280 x 900 pixels."""
    return context.new_page()


def is_home(url: str) -> bool:
    """Whether the address is this machine, or no address at all (data:, blob:, about:)."""
    parts = urlsplit(url)
    return parts.scheme in LOCAL_SCHEMES or parts.hostname in HOME


def no_browser(reason: str) -> NoReturn:
    """Stop the page test: a skip at a desk, a failure in CI, where every test has to run."""
    if IN_CI:
        pytest.fail(f"{reason}. In CI the page tests must run: `make browser` installs one", pytrace=False)
    pytest.skip(f"{reason}. `make browser` installs one")
