"""How a record's time is said to people."""

from __future__ import annotations

__all__ = ["for_people"]


def for_people(at: str) -> str:
    """A record's time to the minute: "2026-11-25 17:41 UTC"."""
    return f"{at[:16].replace('T', ' ')} UTC"
