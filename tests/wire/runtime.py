"""A Lambda sandbox on this machine: the real `awslambdaric` and a handler in a process of its own, over the documented
Runtime API. A call that runs out of time kills the process, a large answer is refused, and the next call starts anew.

    with Sandbox("ui.lambdas.de_copilot_impact_analyzer", environment) as function:
        function.invoke({"job_name": "positions_job"}).answer
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

__all__ = ["Invocation", "Sandbox"]

_ROOT = Path(__file__).parents[2]
_LARGEST = 6_291_556
_ARN = "arn:aws:lambda:eu-central-1:123456789012:function:copilot"


@dataclass(frozen=True)
class Invocation:
    """What a caller of the function gets. `error` is Lambda's FunctionError."""

    answer: Any
    error: str | None = None


class Sandbox:
    """One function. As a context manager it serves the Runtime API on a free port of 127.0.0.1."""

    def __init__(self, handler: str, environment: Mapping[str, str], *, seconds: float = 60.0) -> None:
        self._handler, self._environment, self.seconds = handler, environment, seconds
        self._calls: queue.Queue[tuple[str, bytes]] = queue.Queue()
        self._answers: dict[str, queue.Queue[Invocation]] = {}
        self._process: subprocess.Popen[bytes] | None = None
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the sandbox

    def __enter__(self) -> Sandbox:
        sandbox = self

        class Handler(_Api):
            owner = sandbox

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._kill()
        self._http.shutdown()
        self._http.server_close()
        self._log.close()

    @property
    def log(self) -> str:
        """Everything that the function printed."""
        self._log.seek(0)
        return self._log.read().decode(errors="replace")

    def invoke(self, event: Any, request_id: str | None = None) -> Invocation:
        """One synchronous call. Lambda repeats a failed asynchronous one under its request id."""
        if self._process is None or self._process.poll() is not None:
            self._start()
        request_id = request_id or str(uuid.uuid4())
        self._answers[request_id] = queue.Queue()
        self._calls.put((request_id, json.dumps(event).encode()))
        try:
            return self._bounded(self._answers[request_id].get(timeout=self.seconds))
        except queue.Empty:
            self._kill()
            message = f"{request_id} Task timed out after {self.seconds:.2f} seconds"
            return Invocation({"errorType": "Sandbox.Timedout", "errorMessage": message}, "Unhandled")

    def _bounded(self, made: Invocation) -> Invocation:
        if len(json.dumps(made.answer)) > _LARGEST:
            message = "Response payload size exceeded maximum allowed payload size (6291556 bytes)."
            return Invocation({"errorType": "Function.ResponseSizeTooLarge", "errorMessage": message}, "Unhandled")
        return made

    def _start(self) -> None:
        port = self._http.server_port
        environment = {
            "PATH": os.environ["PATH"],
            "TZ": ":UTC",
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{port}",
            "AWS_LAMBDA_FUNCTION_NAME": "copilot",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "2048",
            "AWS_REGION": "eu-central-1",
            "AWS_DEFAULT_REGION": "eu-central-1",
            "AWS_ACCESS_KEY_ID": "testing",
            "AWS_SECRET_ACCESS_KEY": "testing",
            "_HANDLER": self._handler,
            "LAMBDA_TASK_ROOT": str(_ROOT),
            **self._environment,
        }
        command = [sys.executable, "-m", "awslambdaric", self._handler]
        self._process = subprocess.Popen(command, cwd=_ROOT, env=environment, stdout=self._log, stderr=self._log)

    def _kill(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    def next_call(self) -> tuple[str, bytes]:
        """Waits for a call, as the Runtime API does."""
        return self._calls.get()

    def answered(self, request_id: str, made: Invocation) -> None:
        """Passes an answer on to whoever waits for it."""
        self._answers[request_id].put(made)

    def failed_to_start(self, reason: Any) -> None:
        """Tells whoever waits that the handler could not be loaded."""
        for answer in list(self._answers.values()):
            answer.put(Invocation(reason, "Unhandled"))


class _Api(BaseHTTPRequestHandler):
    """/2018-06-01/runtime/…"""

    protocol_version = "HTTP/1.1"
    owner: Sandbox

    def log_message(self, *_: Any) -> None:
        """Silent: a test's output is its own."""

    def handle(self) -> None:
        with suppress(OSError):  # the process was killed
            super().handle()

    def do_GET(self) -> None:
        request_id, payload = self.owner.next_call()
        deadline = int((time.time() + self.owner.seconds) * 1000)
        self._send(
            200,
            payload,
            {
                "Lambda-Runtime-Aws-Request-Id": request_id,
                "Lambda-Runtime-Deadline-Ms": str(deadline),
                "Lambda-Runtime-Invoked-Function-Arn": _ARN,
                "Content-Type": "application/json",
            },
        )

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or b"null")
        *_, request_id, what = self.path.split("/")
        if self.path.endswith("/init/error"):
            self.owner.failed_to_start(body)
        else:
            self.owner.answered(request_id, Invocation(body, None if what == "response" else "Unhandled"))
        self._send(202, b'{"status":"OK"}', {})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
