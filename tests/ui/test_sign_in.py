"""Sign-in at the chat page: by a real browser, at a provider on this machine."""

import json
from pathlib import Path

import pytest
import streamlit as st
from playwright.sync_api import Page, expect
from streamlit.testing.v1 import AppTest

from knowledge.errors import ConfigError
from tests.ui.oidc import provider, secrets
from tests.ui.serving import serving
from tools.settings import PageSettings
from ui import page_lake
from ui.page_sign_in import allowed, secrets_file

PAGE = Path(__file__).resolve().parents[2] / "ui" / "app.py"
PORT = "18631"
PATIENT = 30_000  # milliseconds


@pytest.mark.browser
def test_nothing_is_shown_before_sign_in_and_then_chats_are_the_persons_own(
    page: Page, own_shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with provider("ada@example.com") as url:
        file = secrets(tmp_path / "secrets.toml", url, f"http://127.0.0.1:{PORT}")
        monkeypatch.setenv("DE_COPILOT_PAGE_SIGN_IN", str(file))
        monkeypatch.setenv("DE_COPILOT_PAGE_ALLOWED", "*@example.com")
        with serving(own_shop, tmp_path / "state", "--port", PORT) as server:
            page.goto(server.url)
            sign_in = page.get_by_role("button", name="Sign in")
            sign_in.wait_for(timeout=PATIENT)
            assert "4 tables" not in page.inner_text("body")

            sign_in.click()
            expect(page.get_by_text("Signed in as ada@example.com")).to_be_visible(timeout=PATIENT)
            box = page.get_by_test_id("stChatInputTextArea")
            box.fill("who reads orders")
            box.press("Enter")
            expect(page.get_by_test_id("stDownloadButton").last).to_be_visible(timeout=PATIENT)
            (entry,) = (tmp_path / "state" / "de-copilot" / "audit.jsonl").read_text("utf-8").splitlines()
            assert json.loads(entry)["user"] == "ada@example.com"

            page.get_by_role("button", name="Sign out").click()
            sign_in.wait_for(timeout=PATIENT)
            assert "who reads orders" not in page.inner_text("body")


@pytest.mark.browser
def test_whom_the_provider_knows_and_the_settings_do_not_stays_outside(
    page: Page, own_shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with provider("eve@elsewhere.example") as url:
        file = secrets(tmp_path / "secrets.toml", url, f"http://127.0.0.1:{PORT}")
        monkeypatch.setenv("DE_COPILOT_PAGE_SIGN_IN", str(file))
        monkeypatch.setenv("DE_COPILOT_PAGE_ALLOWED", "*@example.com")
        with serving(own_shop, tmp_path / "state", "--port", PORT) as server:
            page.goto(server.url)
            page.get_by_role("button", name="Sign in").click(timeout=PATIENT)
            expect(page.get_by_text("may not use this page")).to_be_visible(timeout=PATIENT)
            assert "4 tables" not in page.inner_text("body")


def test_a_lock_that_is_broken_does_not_open(own_shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    st.cache_resource.clear()
    (tmp_path / "secrets.toml").write_text("[auth]\nclient_id = 'x'\n", encoding="utf-8")
    monkeypatch.setenv("DE_COPILOT_PAGE_SIGN_IN", str(tmp_path / "secrets.toml"))
    page_lake.serve(own_shop, own_shop)
    app = AppTest.from_file(str(PAGE), default_timeout=60).run()
    assert "lacks [auth] redirect_uri, cookie_secret" in app.error[0].value
    assert not app.chat_input
    assert not app.sidebar.markdown


def test_the_file_is_named_when_it_cannot_be_read(tmp_path: Path) -> None:
    assert secrets_file(PageSettings()) is None
    with pytest.raises(ConfigError, match=r"nowhere\.toml"):
        secrets_file(PageSettings(sign_in=tmp_path / "nowhere.toml"))


@pytest.mark.parametrize(
    ("name", "verified", "patterns", "let_in"),
    [
        ("ada@example.com", True, (), True),
        ("Ada@Example.com", True, ("*@example.com",), True),
        ("ada@example.com", False, ("*@example.com",), False),
        ("ada@example.com.evil.test", True, ("*@example.com",), False),
        ("eve@test.example", True, ("ada@*", "bob@test.example"), False),
    ],
)
def test_who_is_let_in(name: str, verified: bool, patterns: tuple[str, ...], let_in: bool) -> None:
    assert allowed(name, verified=verified, patterns=patterns) is let_in
