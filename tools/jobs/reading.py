"""What reading a job gives: its plan, its lineage, and what could not be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from tools.plan.base import Unknown
from tools.plan.lineage import Edge, Tracer, write_edges
from tools.plan.model import Scan
from tools.plan.whole import Plan, reachable


@dataclass(frozen=True)
class JobReading:
    """One job, read.

    `code_hash` identifies the text, `arguments` are the values that were put into it.
    """

    name: str
    file: str
    language: str
    code_hash: str
    plan: Plan
    arguments: Mapping[str, str]

    @property
    def reads(self) -> list[str]:
        """Names of data sets read, in order of appearance; a table that only this job's own MERGE reads is not one."""
        return [d.name for d in self.plan.reads]

    @cached_property
    def inputs(self) -> list[str]:
        """Names of data sets taken from outside: read before the job itself wrote them, if it ever does."""
        made: set[str] = set()
        taken: dict[str, None] = {}
        for write in self.plan.writes:
            for op in reachable(self.plan, [write]):
                if isinstance(op, Scan) and not op.is_target and op.dataset.name not in made:
                    taken[op.dataset.name] = None
            made.add(write.target.name)
        return [*taken, *(n for n in self.reads if n not in made and n not in taken)]

    @property
    def writes(self) -> list[str]:
        """Names of data sets written, in order of appearance."""
        return [d.name for d in self.plan.targets]

    @property
    def unknowns(self) -> list[Unknown]:
        """What could not be read, with places and reasons."""
        return self.plan.unknowns

    @cached_property
    def tracer(self) -> Tracer:
        """Follows columns of this plan to their sources."""
        return Tracer(self.plan)

    @cached_property
    def edges(self) -> list[Edge]:
        """Column lineage of everything the job writes."""
        return [e for w in self.plan.writes for e in write_edges(w, self.tracer)]

    @property
    def readable(self) -> bool:
        """Whether something was understood: at least one write, or nothing that failed to be read."""
        return bool(self.plan.writes) or not self.plan.unknowns

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "job": self.name,
            "file": self.file,
            "language": self.language,
            "code_hash": self.code_hash,
            "reads": self.reads,
            "writes": self.writes,
            "edges": [e.to_dict() for e in self.edges],
            "unknowns": [unknown_to_dict(u) for u in self.unknowns],
        }


def unknown_to_dict(unknown: Unknown) -> dict[str, Any]:
    """As `--json` shows it."""
    return {
        "reason": unknown.reason,
        "kind": unknown.kind,
        "name": unknown.name,
        "file": unknown.span.file if unknown.span else None,
        "line": unknown.span.line if unknown.span else None,
    }
