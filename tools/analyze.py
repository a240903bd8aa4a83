"""A table analyzed: its tests, contract and documentation made from one look at it, and what was read of its jobs kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tools.checks.suite import Suite, generate
from tools.contract.draft import Contract, contract_of
from tools.docs import Documentation, page_of
from tools.dossier import Progress, gather
from tools.result import Draft, Evidence, counted
from tools.snapshots import remember

if TYPE_CHECKING:
    from tools.workspace import Workspace

__all__ = ["Analysis", "analyze"]


@dataclass(frozen=True)
class Analysis:
    """All three, for one table. `kept` are the jobs whose records and snapshots were kept."""

    kind = "analysis"
    table: str
    suite: Suite
    contract: Contract
    documentation: Documentation
    kept: tuple[str, ...] = ()

    @property
    def drafts(self) -> tuple[Draft, ...]:
        """The three files."""
        return (*self.suite.drafts, *self.contract.drafts, *self.documentation.drafts)

    @property
    def evidence(self) -> Sequence[Evidence]:
        """Of all three."""
        return tuple(dict.fromkeys((*self.suite.evidence, *self.contract.evidence, *self.documentation.evidence)))

    @property
    def unknowns(self) -> Sequence[str]:
        """Of all three."""
        return tuple(dict.fromkeys((*self.suite.unknowns, *self.contract.unknowns, *self.documentation.unknowns)))

    def text(self) -> str:
        """A short account, findings first."""
        checks = self.suite.checks
        errors = sum(c.severity == "error" for c in checks)
        lines = [
            f"Analyzed `{self.table.rpartition('.')[2]}`: {counted(len(checks), 'test')} ({counted(errors, 'error')}), "
            f"contract version {self.contract.version}, one page of documentation.",
            *(f"- {line}" for line in self.documentation.summary),
        ]
        findings = self.suite.proposal.findings
        if findings:
            lines.append(f"\n**Wrong in the data today** ({len(findings)})")
            lines += [f"- {f.check.reason} {f.detail}" for f in findings]
        if self.unknowns:
            lines += ["\n**Not known**", *(f"- {u}" for u in self.unknowns)]
        lines.append("\nFiles: " + ", ".join(f"`output/{d.path}`" for d in self.drafts) + ".")
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "table": self.table,
            "tests": self.suite.to_dict(),
            "contract": self.contract.to_dict(),
            "documentation": self.documentation.to_dict(),
            "kept": list(self.kept),
            "unknowns": list(self.unknowns),
        }


def analyze(ws: Workspace, table: str, *, job: str | None = None, progress: Progress | None = None) -> Analysis:
    """Analyzes a table. Records of its jobs are kept; files are drafts.

    Args:
        job: only this job's promises count; every job that writes the table if not given.

    Raises what `tools.checks.suite.generate` raises.
    """
    say = progress or (lambda _: None)
    suite = generate(ws, table, job=job, progress=say)
    say("drafting the contract and the documentation")
    dossier = gather(ws, table, job=job, suite=suite)
    contract = contract_of(ws, dossier)
    page = page_of(ws, dossier)
    jobs = [r.name for r in dossier.readings if r.name in ws.jobs]
    if jobs:
        say("keeping what was read of its jobs")
        remember(ws, *jobs)
    return Analysis(dossier.name, suite, contract, page, tuple(jobs))
