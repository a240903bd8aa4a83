"""Receipts of tool calls: enough of a result to say later whether it is still the same, and what differs if not.

A receipt holds fingerprints and short figures, not the result: it can be kept for long and holds no rows.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

__all__ = ["differences", "in_words", "receipt", "scanned"]

_VOLATILE = frozenset({"at", "bytes_scanned", "generated_at", "query_id", "seconds"})
"""What is another each time: when it was, how long it took, and the engine's own ids."""
_SHORT, _MOST_ITEMS, _MOST_EVIDENCE = 80, 300, 60


def receipt(artifact: Mapping[str, Any]) -> dict[str, Any]:
    """The receipt of one result (an artifact of `tools.toolbox`)."""
    data = artifact.get("data") or {}
    where = list(dict.fromkeys(f"{e['kind']} {e['where']}" for e in artifact.get("evidence", ())))
    return {
        "kind": artifact["kind"],
        "digest": _digest(data),
        "parts": {key: _part(value) for key, value in data.items() if key not in _VOLATILE},
        "evidence": where[:_MOST_EVIDENCE],
        "more_evidence": max(0, len(where) - _MOST_EVIDENCE),
        "bytes_scanned": scanned(data),
    }


def in_words(kept: Mapping[str, Any], most: int = _MOST_EVIDENCE) -> str:
    """A receipt as a line: the places it rests on, and what was scanned for it."""
    evidence = kept.get("evidence", ())
    more = max(0, len(evidence) - most) + int(kept.get("more_evidence", 0))
    shown = "; ".join(evidence[:most]) + (f" and {more} more" if more else "")
    return f"{shown or 'none'}; {kept.get('bytes_scanned', 0):,} bytes scanned"


def differences(kept: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What is not as an earlier receipt has it; empty when the result is the same."""
    if kept["kind"] != now["kind"]:
        return [f"it was a result of kind {kept['kind']} and is {now['kind']}"]
    if kept["digest"] == now["digest"]:
        return []
    before, after = kept["parts"], now["parts"]
    found = [line for key in {**before, **after} for line in _told(key, before.get(key), after.get(key))]
    return found or ["a value that is masked, or the order of what was found"]


def scanned(node: Any) -> int:
    """All bytes that the queries of a result have read."""
    if isinstance(node, Mapping):
        own = node.get("bytes_scanned")
        return own if isinstance(own, int) else sum(scanned(inner) for inner in node.values())
    return sum(scanned(inner) for inner in node) if isinstance(node, list | tuple) else 0


def _digest(value: Any) -> str:
    text = json.dumps(_stable(value), sort_keys=True, ensure_ascii=False, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _stable(node: Any) -> Any:
    if isinstance(node, Mapping):
        return {str(k): _stable(v) for k, v in node.items() if k not in _VOLATILE}
    return [_stable(v) for v in node] if isinstance(node, list | tuple) else node


def _part(value: Any) -> Any:
    """A short figure as it is; a list as the fingerprints of its named items; else a fingerprint."""
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, str) and len(value) <= _SHORT:
        return value
    part: dict[str, Any] = {"digest": _digest(value)}
    if isinstance(value, list | tuple):
        part["count"] = len(value)
        named = {name: _digest(item) for item in value if (name := _name(item))}
        if len(named) == len(value) <= _MOST_ITEMS:
            part["items"] = named
    return part


def _name(item: Any) -> str | None:
    if not isinstance(item, Mapping):
        return None
    name = next((item[k] for k in ("name", "id", "path", "day") if isinstance(item.get(k), str)), None)
    return f"{item['kind']} {name}" if name and isinstance(item.get("kind"), str) else name


def _told(key: str, before: Any, after: Any) -> Iterator[str]:
    if before == after:
        return
    if not (isinstance(before, Mapping) and isinstance(after, Mapping)):
        yield f"{key}: was {_shown(before)}, is {_shown(after)}"
        return
    then, now = before.get("items"), after.get("items")
    if then is None or now is None:
        counts = f" ({before['count']} then, {after['count']} now)" if "count" in before and "count" in after else ""
        yield f"{key}: not the same{counts}"
        return
    yield from (f"{key}: `{n}` is new" for n in now if n not in then)
    yield from (f"{key}: `{n}` is gone" for n in then if n not in now)
    yield from (f"{key}: `{n}` is not the same" for n in now if n in then and now[n] != then[n])


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return f"{value['count']} entries" if "count" in value else "a longer text"
    return "not there" if value is None else str(value)
