"""AWS's services on loopback: moto's server, with faults in front of it.

    with Services() as aws:
        aws.fault("DynamoDB_20120810.PutItem", status=400, code="ThrottlingException", times=2)
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)

A fault is met by requests in whose target (`<service>.<Operation>`, or `PUT /bucket/key` for S3) its pattern is found.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import requests
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

__all__ = ["Services"]


@dataclass
class _Fault:
    pattern: str
    status: int
    code: str
    times: int
    wait: float


class Services:
    """The server. As a context manager it listens on a free port of 127.0.0.1; `calls` has every target asked for."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self._faults: list[_Fault] = []
        self._lock, self._alone = threading.Lock(), threading.Lock()

    def __enter__(self) -> Services:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        app = DomainDispatcherApplication(create_backend_app)
        self._http = make_server("127.0.0.1", 0, self._in_front_of(app), threaded=True)
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    @property
    def url(self) -> str:
        """What `AWS_ENDPOINT_URL` is set to."""
        return f"http://127.0.0.1:{self._http.server_port}"

    def heal(self) -> None:
        """No fault from here on."""
        self._faults.clear()

    def reset(self) -> None:
        """Forgets everything that was made, every fault and every call."""
        self.heal()
        self.calls.clear()
        requests.post(f"{self.url}/moto-api/reset", timeout=10).raise_for_status()

    def fault(
        self, pattern: str, *, status: int = 503, code: str = "SlowDown", times: int = 1, wait: float = 0.0
    ) -> None:
        """The next `times` requests in whose target `pattern` is found fail so."""
        self._faults.append(_Fault(pattern, status, code, times, wait))

    def _in_front_of(self, app: Any) -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
        def serve(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
            target = environ.get("HTTP_X_AMZ_TARGET")
            fault = self._met(target or f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}")
            if fault is None:
                # moto looks and then writes: alone, its conditions are as atomic as the services' own.
                with self._alone:
                    return list(app(environ, start))
            time.sleep(fault.wait)
            environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
            body = _json_error(fault) if target else _xml_error(fault)
            start(f"{fault.status} Fault", [("Content-Length", str(len(body))), ("x-amzn-errortype", fault.code)])
            return [body]

        return serve

    def _met(self, target: str) -> _Fault | None:
        with self._lock:
            self.calls.append(target)
            for fault in self._faults:
                if fault.times > 0 and re.search(fault.pattern, target):
                    fault.times -= 1
                    return fault
        return None


def _json_error(fault: _Fault) -> bytes:
    return json.dumps({"__type": fault.code, "message": "injected"}).encode()


def _xml_error(fault: _Fault) -> bytes:
    return f"<Error><Code>{fault.code}</Code><Message>injected</Message></Error>".encode()
