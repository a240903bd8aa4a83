"""What an import brings, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from knowledge.records import DashboardRecord
from tools.plan.lineage import Edge
from tools.result import Evidence, counted, listed

__all__ = ["Brought", "ImportResult", "Imports"]


@dataclass
class Brought:
    """One job as a file tells of it. `sql` is its compiled text, when the file has it."""

    name: str
    reads: dict[str, None] = field(default_factory=dict)
    writes: dict[str, None] = field(default_factory=dict)
    edges: dict[tuple[str, str, str, str | None, str], Edge] = field(default_factory=dict)
    at: str | None = None
    owner: str | None = None
    sql: str | None = None
    file: str | None = None

    def add(self, edge: Edge) -> None:
        """One more edge; the first of its kind stays."""
        self.edges.setdefault((edge.source, edge.source_column, edge.target, edge.target_column, edge.role), edge)


@dataclass(frozen=True)
class Imports:
    """Everything that one file tells, and what of it could not be used."""

    jobs: tuple[Brought, ...] = ()
    dashboards: tuple[DashboardRecord, ...] = ()
    unknowns: tuple[str, ...] = ()


@dataclass(frozen=True)
class ImportResult:
    """What was kept. `merged` jobs are scripts of the lake too; `conflicts` are where code and runs differ."""

    kind = "import"
    source: str
    form: str
    jobs: tuple[str, ...]
    merged: tuple[str, ...]
    dashboards: tuple[str, ...]
    conflicts: Mapping[str, Sequence[str]]
    unknowns: tuple[str, ...] = ()

    @property
    def evidence(self) -> Sequence[Evidence]:
        """The file."""
        return (Evidence("document", self.source, self.form),)

    def text(self) -> str:
        """What was kept, then each conflict."""
        jobs = counted(len(self.jobs), "job")
        lines = [f"{jobs} from {self.form} ({self.source}): {listed(self.jobs) or 'none'}."]
        if self.merged:
            lines.append(f"Merged with their scripts in the lake: {listed(self.merged)}.")
        if self.dashboards:
            lines.append(f"Dashboards: {listed(self.dashboards, code=False)}.")
        for job, found in self.conflicts.items():
            lines += [f"- `{job}`: {conflict}" for conflict in found]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "source": self.source,
            "form": self.form,
            "jobs": list(self.jobs),
            "merged": list(self.merged),
            "dashboards": list(self.dashboards),
            "conflicts": {job: list(found) for job, found in self.conflicts.items()},
            "unknowns": list(self.unknowns),
        }
