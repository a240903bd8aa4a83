"""Frames of `application/vnd.amazon.eventstream`, as Bedrock streams them: lengths, headers, payload, two checksums."""

from __future__ import annotations

import json
import struct
from binascii import crc32
from collections.abc import Mapping
from typing import Any

__all__ = ["event", "exception"]

_STRING = 7
_OVERHEAD = 16


def event(kind: str, body: Mapping[str, Any]) -> bytes:
    """One event. The service pads its payloads with a key `p`; so does this."""
    headers = {":event-type": kind, ":content-type": "application/json", ":message-type": "event"}
    return _frame(headers, {**body, "p": "abcdefgh"})


def exception(code: str, message: str) -> bytes:
    """An error in the middle of a stream; `code` is the member's name, such as `throttlingException`."""
    headers = {":exception-type": code, ":content-type": "application/json", ":message-type": "exception"}
    return _frame(headers, {"message": message})


def _frame(headers: Mapping[str, str], body: Mapping[str, Any]) -> bytes:
    head = b"".join(_header(name, value) for name, value in headers.items())
    payload = json.dumps(body).encode()
    prelude = struct.pack("!II", _OVERHEAD + len(head) + len(payload), len(head))
    message = prelude + struct.pack("!I", crc32(prelude)) + head + payload
    return message + struct.pack("!I", crc32(message))


def _header(name: str, value: str) -> bytes:
    key, text = name.encode(), value.encode()
    return struct.pack("!B", len(key)) + key + struct.pack("!BH", _STRING, len(text)) + text
