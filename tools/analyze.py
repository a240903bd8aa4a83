"""A table analyzed: its tests, contract and documentation made from one look at it, and what was read of its jobs kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from knowledge.errors import CopilotError
from tools.checks.suite import Suite, generate, with_suggested
from tools.contract.draft import Contract, contract_of
from tools.docs import Documentation, page_of
from tools.dossier import Dossier, Progress, gather
from tools.result import Draft, Evidence, counted, listed
from tools.snapshots import remember
from tools.suggestions import Taken, context_of, read_suggestions, take

if TYPE_CHECKING:
    from tools.workspace import Workspace

__all__ = ["Advisor", "Analysis", "analyze"]


@dataclass(frozen=True)
class Analysis:
    """All three, for one table.

    Attributes:
        kept: the jobs whose records and snapshots were kept.
        taken: what was taken of a model's suggestions, and what was dropped; None when none was asked.
        unheard: why a model that was asked gave none.
    """

    kind = "analysis"
    table: str
    suite: Suite
    contract: Contract
    documentation: Documentation
    kept: tuple[str, ...] = ()
    taken: Taken | None = None
    unheard: str | None = None

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
        found = (*self.suite.unknowns, *self.contract.unknowns, *self.documentation.unknowns)
        return tuple(dict.fromkeys((*found, *((self.unheard,) if self.unheard else ()))))

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
        lines += _suggested(self.taken)
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
            "suggestions": self.taken.to_dict() if self.taken else None,
            "unknowns": list(self.unknowns),
        }


class Advisor(Protocol):
    """Somebody who is told what is known of a table, and suggests more: a language model."""

    def suggest(self, context: Mapping[str, Any]) -> str:
        """The answer as it came. Raises CopilotError when there is none."""
        ...

    def doubt(self, paragraph: str, known: Mapping[str, Any]) -> str | None:
        """Why what a paragraph says is not in what is known; None when it is."""
        ...


def analyze(
    ws: Workspace,
    table: str,
    *,
    job: str | None = None,
    advisor: Advisor | None = None,
    progress: Progress | None = None,
) -> Analysis:
    """Analyzes a table. Records of its jobs are kept; files are drafts.

    Args:
        job: only this job's promises count; every job that writes the table if not given.
        advisor: asked for more tests, descriptions and notes; each of these is proven or checked, or dropped.

    Raises what `tools.checks.suite.generate` raises.
    """
    say = progress or (lambda _: None)
    suite = generate(ws, table, job=job, progress=say)
    say("drafting the contract and the documentation")
    dossier = gather(ws, table, job=job, suite=suite)
    taken, unheard = _advised(ws, advisor, suite, dossier, say) if advisor else (None, None)
    if taken is not None and taken.checks:
        suite = with_suggested(ws, suite, taken)
        dossier = gather(ws, table, job=job, suite=suite)
    words = taken.columns if taken else {}
    contract = contract_of(ws, dossier, words)
    page = page_of(ws, dossier, words, taken.notes if taken else ())
    jobs = [r.name for r in dossier.readings if r.name in ws.jobs]
    if jobs:
        say("keeping what was read of its jobs")
        remember(ws, *jobs)
    return Analysis(dossier.name, suite, contract, page, tuple(jobs), taken, unheard)


def _advised(
    ws: Workspace, advisor: Advisor, suite: Suite, dossier: Dossier, say: Progress
) -> tuple[Taken | None, str | None]:
    """What was taken of the advice, or why there was none: an analysis does not wait for a model."""
    context = context_of(dossier)
    say("asking the model for more tests, descriptions and notes")
    try:
        answer = advisor.suggest(context)
    except CopilotError as error:
        return None, f"the model suggested nothing: {error.message}"
    say("proving what it suggests")
    read = read_suggestions(answer)
    known = {**context, "columns": [c.name for c in dossier.table.columns], "tests": suite.to_dict()["checks"]}
    return take(ws.lake, suite.material, read, known=suite.checks, supported=lambda p: advisor.doubt(p, known)), None


def _suggested(taken: Taken | None) -> list[str]:
    if taken is None:
        return []
    got = [
        counted(len(taken.checks), "test"),
        counted(len(taken.columns), "description"),
        counted(len(taken.notes), "paragraph"),
    ]
    lines = [f"\n**Suggested by the model:** {listed(got, code=False)} taken, {len(taken.dropped)} dropped."]
    lines += [f"- {c.id}: {c.reason or 'proven on the data'}" for c in taken.checks]
    lines += [f"- dropped: `{d.item.replace('`', chr(39))}`: {d.why}" for d in taken.dropped[:10]]
    return lines
