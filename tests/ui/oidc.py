"""An OpenID Connect provider on this machine, for sign-in as a browser does it: it lets in whoever asks, as one person."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import RSAKey

CLIENT, SECRET = "de-copilot-page", "not-a-secret"


@contextmanager
def provider(email: str) -> Iterator[str]:
    """The address of a provider that knows one person."""
    key = RSAKey.generate_key(2048, {"kid": "test", "use": "sig", "alg": "RS256"})
    nonces: dict[str, str] = {}

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            """Silent: a test's output is its own."""

        def do_GET(self) -> None:
            address = urlsplit(self.path)
            asked = {name: values[0] for name, values in parse_qs(address.query).items()}
            if address.path == "/authorize":
                nonces["code"] = asked.get("nonce", "")
                back = urlencode({"code": "code", "state": asked["state"]})
                self.send_response(302)
                self.send_header("Location", f"{asked['redirect_uri']}?{back}")
                self.end_headers()
            else:
                self._say({"/.well-known/openid-configuration": _configuration(url), "/jwks": _keys(key)}[address.path])

        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length") or 0))
            now = int(time.time())
            claims = {"iss": url, "sub": "1", "aud": CLIENT, "iat": now, "exp": now + 600, "nonce": nonces["code"]}
            told = {**claims, "email": email, "email_verified": True}
            token = jwt.encode({"alg": "RS256", "kid": "test"}, told, key)
            self._say({"access_token": "a", "token_type": "Bearer", "expires_in": 600, "id_token": token})

        def _say(self, data: Any) -> None:
            body = json.dumps(data).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    try:
        yield url
    finally:
        server.shutdown()
        server.server_close()


def _keys(key: RSAKey) -> dict[str, Any]:
    return {"keys": [key.as_dict(private=False)]}


def _configuration(url: str) -> dict[str, Any]:
    return {
        "issuer": url,
        "authorization_endpoint": f"{url}/authorize",
        "token_endpoint": f"{url}/token",
        "jwks_uri": f"{url}/jwks",
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "scopes_supported": ["openid", "email", "profile"],
    }


def secrets(file: Path, url: str, page: str) -> Path:
    """The file that Streamlit reads, for a page at an address."""
    file.write_text(
        f'[auth]\nredirect_uri = "{page}/oauth2callback"\ncookie_secret = "{"c" * 40}"\nclient_id = "{CLIENT}"\n'
        f'client_secret = "{SECRET}"\nserver_metadata_url = "{url}/.well-known/openid-configuration"\n',
        encoding="utf-8",
    )
    return file
