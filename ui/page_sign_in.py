"""Who may see the page: nobody has to sign in, or everybody has to, by OpenID Connect and Streamlit's own `st.login`.

Until somebody is let in nothing of the lake is shown. Whom the page lets in is for the settings to say; who somebody is,
for the provider. Secrets stay in Streamlit's file, which the settings name.
"""

from __future__ import annotations

import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

import streamlit as st
from streamlit.errors import StreamlitAuthError

from knowledge.errors import ConfigError
from tools.settings import PageSettings
from ui.page_text import verbatim

__all__ = ["allowed", "draw_sign_out", "secrets_file", "visitor"]

NOBODY = ""
_NEEDED = ("redirect_uri", "cookie_secret", "client_id", "client_secret", "server_metadata_url")


def secrets_file(settings: PageSettings) -> Path | None:
    """The file with the provider's secrets; None when nobody has to sign in.

    Raises ConfigError when it is not there or lacks something: a page must not open because its lock is broken.
    """
    file = settings.sign_in
    if file is None:
        return None
    hint = "See docs/trust.md, “Sign-in”."
    try:
        section = tomllib.loads(file.read_text(encoding="utf-8")).get("auth")
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"the sign-in file cannot be read: {error}", where=str(file), hint=hint) from None
    missing = [key for key in _NEEDED if not isinstance(section, dict) or not section.get(key)]
    if missing:
        raise ConfigError(f"the sign-in file lacks [auth] {', '.join(missing)}", where=str(file), hint=hint)
    return file


def visitor(settings: PageSettings) -> str | None:
    """Who is at the page, "" when nobody has to say; None, with a way to sign in drawn, for whoever is not let in."""
    if secrets_file(settings) is None:
        return NOBODY
    try:
        if not st.user.is_logged_in:
            st.markdown("## DE Copilot", anchors=False)
            st.button("Sign in", on_click=st.login, type="primary")
            return None
    except (AttributeError, StreamlitAuthError):
        raise ConfigError(
            "sign-in is asked for, but this server does not know how", hint="Serve the page with `de-copilot ui`."
        ) from None
    name = str(st.user.get("email") or st.user.get("sub") or "")
    if name and allowed(name, verified=st.user.get("email_verified") is not False, patterns=settings.allowed):
        return name
    st.error(f"{verbatim(name or 'Nobody')} may not use this page.")
    draw_sign_out("")
    return None


def allowed(name: str, *, verified: bool, patterns: tuple[str, ...]) -> bool:
    """Whether somebody is let in: everybody whom the provider knows, or those whose address fits a pattern."""
    if not patterns:
        return True
    return verified and any(fnmatchcase(name.lower(), pattern.lower()) for pattern in patterns)


def draw_sign_out(name: str) -> None:
    """Who is signed in, and a way out."""
    if name:
        st.caption(f"Signed in as {verbatim(name)}")
    st.button("Sign out", on_click=st.logout, type="tertiary")
