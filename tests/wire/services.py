"""AWS's services on loopback: moto's server, with faults in front of it.

    with Services() as aws:
        aws.fault("DynamoDB_20120810.PutItem", status=400, code="ThrottlingException", times=2)
        monkeypatch.setenv("AWS_ENDPOINT_URL", aws.url)

A fault is met by requests in whose target (`<service>.<Operation>`, or `PUT /bucket/key` for S3) its pattern is found.
Glue folds names and answers in pages (catalog.py), and Athena executes (athena.py).
"""

from __future__ import annotations

import io
import json
import logging
import re
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import make_server

from tests.wire.athena import Athena, AthenaError
from tests.wire.catalog import PAGED, ColumnStatistics, folded, page
from tests.wire.quicksight import QuickSight

__all__ = ["Services"]


@dataclass
class _Fault:
    pattern: str
    status: int
    code: str
    times: int
    wait: float
    body: str


class Services:
    """The server. As a context manager it listens on 127.0.0.1, on a free port if none is given; `calls` has every
    target asked for.
    """

    def __init__(self, port: int = 0) -> None:
        self._port = port
        self.calls: list[str] = []
        self._faults: list[_Fault] = []
        self._lock, self._alone = threading.Lock(), threading.Lock()
        self._folder = Path(tempfile.mkdtemp(prefix="athena-"))
        self.athena = Athena(self._folder)
        self.quicksight = QuickSight()
        self._statistics = ColumnStatistics()

    def __enter__(self) -> Services:
        logging.getLogger("werkzeug").setLevel(logging.ERROR)
        app = DomainDispatcherApplication(create_backend_app)
        self._http = make_server("127.0.0.1", self._port, self._in_front_of(app), threaded=True)
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()
        shutil.rmtree(self._folder, ignore_errors=True)

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
        self.athena.reset()
        self.quicksight.data_sets.clear()
        self._statistics.reset()
        requests.post(f"{self.url}/moto-api/reset", timeout=10).raise_for_status()

    def fault(
        self,
        pattern: str,
        *,
        status: int = 503,
        code: str = "SlowDown",
        times: int = 1,
        wait: float = 0.0,
        body: str = "",
    ) -> None:
        """The next `times` requests in whose target `pattern` is found, and `body` in their text, fail so."""
        self._faults.append(_Fault(pattern, status, code, times, wait, body))

    def _in_front_of(self, app: Any) -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
        def serve(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
            target = environ.get("HTTP_X_AMZ_TARGET")
            sent = _body(environ) if target else b""
            fault = self._met(target or f"{environ['REQUEST_METHOD']} {environ['PATH_INFO']}", sent)
            if fault is not None:
                time.sleep(fault.wait)
                _body(environ)
                answer = _json_error(fault.code, "injected") if target else _xml_error(fault)
                return _answered(start, fault.status, fault.code, answer)
            shown = self.quicksight.answer(environ["REQUEST_METHOD"], environ["PATH_INFO"], environ["QUERY_STRING"])
            if shown is not None:
                return _answered(start, shown[0], shown[1], json.dumps(shown[2]).encode())
            if target and (handler := self.athena.handler(target)):
                try:
                    return _answered(start, 200, "", json.dumps(handler(json.loads(sent))).encode())
                except AthenaError as error:
                    return _answered(start, 400, error.code, _json_error(error.code, str(error)))
            if target and target.startswith("AWSGlue.") and (told := self._statistics.answer(target, json.loads(sent))):
                return _answered(start, 200, "", json.dumps(told).encode())
            # moto looks and then writes: alone, its conditions are as atomic as the services' own.
            with self._alone:
                if target and target in PAGED:
                    return _glue(app, environ, start, target, sent)
                return list(app(environ, start))

        return serve

    def _met(self, target: str, sent: bytes) -> _Fault | None:
        with self._lock:
            self.calls.append(target)
            for fault in self._faults:
                if fault.times > 0 and re.search(fault.pattern, target) and re.search(fault.body.encode(), sent):
                    fault.times -= 1
                    return fault
        return None


def _glue(app: Any, environ: dict[str, Any], start: Any, target: str, sent: bytes) -> list[bytes]:
    """moto's answer, cut to the page that was asked for."""
    request = json.loads(sent or b"{}")
    asked = json.dumps(folded(target, request)).encode()
    heads: list[Any] = []
    changed = {**environ, "wsgi.input": io.BytesIO(asked), "CONTENT_LENGTH": str(len(asked))}
    answer = b"".join(app(changed, lambda status, headers, *_: heads.extend((status, headers))))
    if heads[0].startswith("200"):
        answer = json.dumps(page(target, request, json.loads(answer))).encode()
    headers = [(k, v) for k, v in heads[1] if k.lower() != "content-length"]
    start(heads[0], [*headers, ("Content-Length", str(len(answer)))])
    return [answer]


def _body(environ: dict[str, Any]) -> bytes:
    """What was sent; it can be read again afterwards."""
    sent: bytes = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(sent)
    return sent


def _answered(start: Any, status: int, code: str, body: bytes) -> list[bytes]:
    named = [("x-amzn-errortype", code)] if code else []
    start(
        f"{status} Answer", [("Content-Length", str(len(body))), ("Content-Type", "application/x-amz-json-1.1"), *named]
    )
    return [body]


def _json_error(code: str, message: str) -> bytes:
    return json.dumps({"__type": code, "message": message, "Message": message}).encode()


def _xml_error(fault: _Fault) -> bytes:
    return f"<Error><Code>{fault.code}</Code><Message>injected</Message></Error>".encode()
