"""The kinds of checks, by name. A new kind is one row in one of these modules."""

from collections.abc import Mapping

from tools.checks.kinds import drift, rows, tables
from tools.checks.kinds.base import Context, Kind, Verdict

__all__ = ["KINDS", "Context", "Kind", "Verdict"]

KINDS: Mapping[str, Kind] = {k.name: k for k in (*tables.KINDS, *rows.KINDS, *drift.KINDS)}
