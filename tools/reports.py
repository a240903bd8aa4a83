"""Where each output goes: drafts of tests, contracts, documents and reports, written whole below `output/`.

A tool never writes: it answers with drafts. This is the one place that puts them down, once a person has said so.
"""

from __future__ import annotations

from collections.abc import Sequence

from tools.lake.base import Lake
from tools.result import Draft, Result

__all__ = ["drafts_of", "write_drafts"]


def drafts_of(result: Result) -> Sequence[Draft]:
    """The files that a result proposes; empty for most results."""
    drafts: Sequence[Draft] = getattr(result, "drafts", ())
    return drafts


def write_drafts(lake: Lake, drafts: Sequence[Draft]) -> list[str]:
    """Writes each draft whole and returns where they are, in order.

    Raises what `Lake.write_text` raises; drafts before the one that failed stay, each of them whole.
    """
    return [lake.write_text(f"output/{draft.path}", draft.text) for draft in drafts]
