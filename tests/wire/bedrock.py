"""A Bedrock runtime on loopback: real HTTP, real event streams, answers that a test wrote.

    with Bedrock([Reply("Two tables.")]) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL_BEDROCK_RUNTIME", server.url)
        copilot.ask("how many tables are there")
    server.requests[0].body["messages"]

Requests are refused as the service refuses them: against botocore's service model, the rules of a conversation, missing
signatures, and models that are only served through an inference profile. An item of the script is a `Reply`, a `Fault`,
or a function of the request's body that returns one; `forever` answers once the script is used up. Titan embeddings
(`InvokeModel`) need no script: equal words give near vectors.
"""

from __future__ import annotations

import hashlib
import json
import math
import re
import socket
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import botocore.session
from botocore.model import ServiceModel

from tests.wire.converse import broken_rules
from tests.wire.eventstream import event, exception
from tests.wire.shapes import violations

__all__ = ["Bedrock", "Fault", "Reply", "Request", "ToolUse", "throttled"]

_PATH = re.compile(r"/model/([^/]+)/(converse|converse-stream|invoke)")
_PROFILE_ONLY = re.compile(
    r"(anthropic\.claude-(opus|sonnet|haiku|3-[57]|\w+-4)|amazon\.nova-(premier|2)|meta\.llama[34])"
)
_OPERATIONS = {"converse": "Converse", "converse-stream": "ConverseStream"}
_PIECE = 9
"""Characters of a tool's input in one event: names and values arrive torn, as from the service."""


@dataclass(frozen=True)
class ToolUse:
    """One tool call of the model."""

    name: str
    input: Mapping[str, Any] = field(default_factory=dict)
    id: str | None = None


@dataclass(frozen=True)
class Reply:
    """One answer of the model. The last four make it go wrong.

    Attributes:
        wait: seconds before the first byte.
        drip: seconds before each event of a stream.
        cut: the connection ends after so many events.
        breaks: (exception, events before it), such as ("throttlingException", 3).
    """

    text: str = ""
    tools: Sequence[ToolUse] = ()
    stop: str | None = None
    usage: tuple[int, int] = (10, 5)
    wait: float = 0.0
    drip: float = 0.0
    cut: int | None = None
    breaks: tuple[str, int] | None = None

    def blocks(self) -> list[dict[str, Any]]:
        """The content as Converse gives it."""
        text = [{"text": self.text}] if self.text else []
        return [*text, *({"toolUse": _tool_use(tool)} for tool in self.tools)]

    @property
    def stop_reason(self) -> str:
        """Why the model stopped."""
        return self.stop or ("tool_use" if self.tools else "end_turn")

    @property
    def tokens(self) -> dict[str, int]:
        """The usage as Converse gives it."""
        spent, made = self.usage
        return {"inputTokens": spent, "outputTokens": made, "totalTokens": spent + made}


@dataclass(frozen=True)
class Fault:
    """A request that the service refuses or fails before it answers."""

    code: str
    status: int
    message: str = "scripted fault"


Item = Reply | Fault | Callable[[dict[str, Any]], "Reply | Fault"]


@dataclass(frozen=True)
class Request:
    """What a client sent."""

    operation: str
    model: str
    body: dict[str, Any]


def throttled(message: str = "Too many requests, please wait before trying again.") -> Fault:
    """The answer to a client that asks too often."""
    return Fault("ThrottlingException", 429, message)


class Bedrock:
    """The server. As a context manager it listens on a free port of 127.0.0.1."""

    def __init__(self, script: Iterable[Item] = (), *, forever: Item | None = None) -> None:
        self.requests: list[Request] = []
        self._script, self._forever = deque(script), forever
        self._lock = threading.Lock()
        self._model: ServiceModel = botocore.session.get_session().get_service_model("bedrock-runtime")

    def __enter__(self) -> Bedrock:
        bedrock = self

        class Handler(_Handler):
            server_side = bedrock

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._http.shutdown()
        self._http.server_close()

    @property
    def url(self) -> str:
        """What `AWS_ENDPOINT_URL_BEDROCK_RUNTIME` is set to."""
        return f"http://127.0.0.1:{self._http.server_port}"

    @property
    def unsaid(self) -> int:
        """Items of the script that nobody asked for."""
        return len(self._script)

    def extend(self, script: Iterable[Item]) -> None:
        """Adds to the script of a running server."""
        with self._lock:
            self._script.extend(script)

    def answer(self, request: Request) -> Reply | Fault | dict[str, Any]:
        """What to answer: a reply or fault of the script, or an embedding."""
        with self._lock:
            self.requests.append(request)
        if _PROFILE_ONLY.match(request.model):
            return Fault("ValidationException", 400, _needs_profile(request.model))
        if request.operation == "invoke":
            return self._embedding(request.body)
        wrong = self._wrong(request)
        return Fault("ValidationException", 400, wrong) if wrong else self._next(request.body)

    def _wrong(self, request: Request) -> str | None:
        shape = self._model.operation_model(_OPERATIONS[request.operation]).input_shape
        assert shape is not None
        found = list(violations(shape, {**request.body, "modelId": request.model}, "request"))
        found = found or list(broken_rules(request.body))
        return "; ".join(found[:3]) or None

    def _next(self, body: dict[str, Any]) -> Reply | Fault:
        with self._lock:
            item = self._script.popleft() if self._script else self._forever
        if item is None:
            return Fault("ValidationException", 400, "the test's script is used up")
        return item(body) if callable(item) else item

    def _embedding(self, body: dict[str, Any]) -> Fault | dict[str, Any]:
        with self._lock:
            if self._script and isinstance(self._script[0], Fault):
                fault = self._script.popleft()
                assert isinstance(fault, Fault)
                return fault
        if not body.get("inputText"):
            return Fault(
                "ValidationException",
                400,
                "Malformed input request: #/inputText: expected minLength: 1, actual: 0, please reformat your input "
                "and try again.",
            )
        text, size = body["inputText"], body.get("dimensions", 1024)
        return {"embedding": _vector(text, size), "inputTextTokenCount": len(text.split())}


class _Handler(BaseHTTPRequestHandler):
    """One connection. What it says comes from `Bedrock.answer`."""

    protocol_version = "HTTP/1.1"
    server_side: Bedrock

    def log_message(self, *_: Any) -> None:
        """Silent: a test's output is its own."""

    def handle(self) -> None:
        with suppress(OSError):  # the client gave up
            super().handle()

    def do_POST(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        match = _PATH.fullmatch(self.path)
        signed = self.headers.get("Authorization", "")
        if match is None:
            return self._fail(Fault("UnknownOperationException", 404))
        if "AWS4-HMAC-SHA256" not in signed and not signed.startswith("Bearer "):
            return self._fail(Fault("AccessDeniedException", 403, "Missing Authentication Token"))
        request = Request(match[2], unquote(match[1]), json.loads(raw or b"{}"))
        return self._give(request, self.server_side.answer(request))

    def _give(self, request: Request, answer: Reply | Fault | dict[str, Any]) -> None:
        if isinstance(answer, Fault):
            return self._fail(answer)
        if isinstance(answer, dict):
            return self._send(200, answer, {"X-Amzn-Bedrock-Input-Token-Count": "1"})
        time.sleep(answer.wait)
        if request.operation == "converse-stream":
            return self._stream(answer)
        message = {"role": "assistant", "content": answer.blocks()}
        whole = {"output": {"message": message}, "stopReason": answer.stop_reason, "usage": answer.tokens}
        return self._send(200, {**whole, "metrics": {"latencyMs": 1}})

    def _fail(self, fault: Fault) -> None:
        self._send(fault.status, {"message": fault.message}, {"x-amzn-errortype": f"{fault.code}:http://internal/"})

    def _send(self, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        data = json.dumps(body).encode()
        self.send_response(status)
        own = {
            "Content-Type": "application/json",
            "Content-Length": str(len(data)),
            "x-amzn-RequestId": str(uuid.uuid4()),
        }
        for name, value in {**own, **(headers or {})}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _stream(self, reply: Reply) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/vnd.amazon.eventstream")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for count, frame in enumerate(_frames(reply)):
            if reply.cut == count:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
                return
            time.sleep(reply.drip)
            self.wfile.write(b"%x\r\n%s\r\n" % (len(frame), frame))
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")


def _frames(reply: Reply) -> list[bytes]:
    frames = [event("messageStart", {"role": "assistant"})]
    for index, block in enumerate(reply.blocks()):
        frames += _block_frames(index, block)
    frames.append(event("messageStop", {"stopReason": reply.stop_reason}))
    frames.append(event("metadata", {"usage": reply.tokens, "metrics": {"latencyMs": 1}}))
    if reply.breaks is not None:
        code, after = reply.breaks
        return [*frames[:after], exception(code, f"scripted {code}")]
    return frames


def _block_frames(index: int, block: Mapping[str, Any]) -> list[bytes]:
    place = {"contentBlockIndex": index}
    stop = event("contentBlockStop", place)
    if "text" in block:
        words = re.findall(r"\s*\S+\s*", block["text"])
        return [*(event("contentBlockDelta", {**place, "delta": {"text": word}}) for word in words), stop]
    use = block["toolUse"]
    start = {"toolUseId": use["toolUseId"], "name": use["name"]}
    text = json.dumps(use["input"])
    pieces = [text[i : i + _PIECE] for i in range(0, len(text), _PIECE)]
    deltas = [event("contentBlockDelta", {**place, "delta": {"toolUse": {"input": piece}}}) for piece in pieces]
    return [event("contentBlockStart", {**place, "start": {"toolUse": start}}), *deltas, stop]


def _tool_use(tool: ToolUse) -> dict[str, Any]:
    return {"toolUseId": tool.id or f"tooluse_{uuid.uuid4().hex[:22]}", "name": tool.name, "input": dict(tool.input)}


def _needs_profile(model: str) -> str:
    return (
        f"Invocation of model ID {model} with on-demand throughput isn't supported. Retry your request with the ID or "
        "ARN of an inference profile that contains this model."
    )


def _vector(text: str, size: int) -> list[float]:
    """Words hashed into a unit vector: texts that share words are near."""
    vector = [0.0] * size
    for word in re.findall(r"\w+", text.lower()):
        digest = hashlib.sha256(word.encode()).digest()
        vector[int.from_bytes(digest[:4], "big") % size] += 1.0 if digest[4] & 1 else -1.0
    length = math.sqrt(sum(x * x for x in vector)) or 1.0
    return [x / length for x in vector]
