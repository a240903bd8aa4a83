"""The report of a change: what was compared, what it does, what to do about it; as a result, and as files to send on."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any, Literal

from tools.diff import JobDiff
from tools.guardian.actions import Actions, actions_for
from tools.guardian.moves import Cause
from tools.impact.result import ImpactResult
from tools.result import Draft, Evidence, counted, listed

__all__ = ["Baseline", "GuardReport", "Status"]

Status = Literal["changed", "same_text", "same_meaning", "no_baseline", "stated"]


@dataclass(frozen=True, slots=True)
class Baseline:
    """What a job was compared with."""

    what: str
    taken_at: str | None = None
    code_hash: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {"what": self.what, "taken_at": self.taken_at, "code_hash": self.code_hash}


@dataclass(frozen=True)
class GuardReport:
    """The whole report. `impact` is what the change does; `causes` are the edits behind it; `feeds` is what rests on
    the job, changed or not; `owners` is by node id.
    """

    kind = "impact_report"
    subject: str
    job: str | None
    status: Status
    impact: ImpactResult
    causes: tuple[Cause, ...]
    baseline: Baseline | None
    at: str
    feeds: tuple[tuple[str, str], ...] = ()
    owners: Mapping[str, str] = field(default_factory=dict)
    writes: tuple[str, ...] = ()
    ending: str | None = None
    diff: JobDiff | None = None

    def only(self, ending: str) -> GuardReport:
        """The same report with only one of its files."""
        return replace(self, ending=ending)

    @property
    def severity(self) -> str:
        """How grave the change is; a job that did not change is of low severity, whatever rests on it."""
        return self.impact.severity

    @property
    def evidence(self) -> Sequence[Evidence]:
        """Lines of the edits first, then of what they reach."""
        places = [
            Evidence("code", place, text)
            for c in self.causes
            for place, text in ((c.new_place, c.after or str(c)), (c.old_place, c.before))
            if place and text
        ]
        return tuple(dict.fromkeys([*places, *self.impact.evidence]))

    @property
    def unknowns(self) -> Sequence[str]:
        """What could not be read on the way."""
        return self.impact.unknowns

    @cached_property
    def actions(self) -> Actions:
        """What to do: fixes in order, checks to run, people to tell."""
        return actions_for(self.impact, self.owners)

    @property
    def example(self) -> list[str]:
        """Rows that show the change: the input, and what comes out before and after; empty when none were found."""
        if self.diff is None or self.diff.example is None:
            return []
        data = self.diff.example.to_dict()
        lines = [f"{table}: {_rows(rows)}" for table, rows in data["tables"].items()]
        return [*lines, f"before: {_rows(data['only_old'])}", f"after: {_rows(data['only_new'])}"]

    @property
    def title(self) -> str:
        """The report's heading."""
        return f"Impact report: {self.subject}"

    @property
    def verdict(self) -> str:
        """The answer in a sentence or two."""
        if self.status == "no_baseline":
            return (
                f"No earlier snapshot of `{self.subject}` is kept, so there is no change to judge. "
                f"{self._writes()}This is what rests on it, should it fail."
            )
        if self.status in ("same_text", "same_meaning"):
            same = "is unchanged" if self.status == "same_text" else "has another text but computes the same"
            return f"`{self.subject}` {same} since {self._since()}: nothing downstream is reached. {self._writes()}"
        if self.status == "stated":
            return _first_line(self.impact.text()).replace("*", "")
        edits = counted(len(self.causes), "edit")
        return f"`{self.subject}` differs from {self._since()} in {edits}. {self._writes()}{self._outcome()}"

    def _since(self) -> str:
        return self.baseline.what if self.baseline else "what it was"

    def _writes(self) -> str:
        return f"It writes {listed(list(self.writes))}. " if self.writes else ""

    def _outcome(self) -> str:
        broken, reached = self.impact.of("breaks"), self.impact.impacted
        if broken:
            names = listed([_name(i.name, i.kind) for i in broken], 5)
            return f"It breaks {names}; {counted(len(reached), 'asset')} reached in all."
        return f"It breaks nothing outright; {counted(len(reached), 'asset')} reached."

    def text(self) -> str:
        """The verdict, the edits, then what is reached as an impact tells it."""
        lines = [f"**{self.verdict.strip()}**", ""]
        if self.causes:
            lines += ["**What changed**", *(f"- {c}{_where(c)}" for c in self.causes[:20])]
            lines += [f"- and {len(self.causes) - 20} more"] if len(self.causes) > 20 else []
            lines += ["", "On these rows it shows:", *(f"- {line}" for line in self.example)] if self.example else []
            lines.append("")
        if self.status in ("same_text", "same_meaning"):
            fed = [name for _, name in self.feeds]
            lines += [f"Downstream of it: {listed(fed) or 'nothing'}.", "", f"Severity {self.severity.upper()}."]
            return "\n".join(lines)
        return "\n".join([*lines, _after_headline(self.impact.text())])

    def to_dict(self) -> dict[str, Any]:
        """As `--json`, Lambdas and the chat carry it."""
        return {**self.content(), "drafts": [d.to_dict() for d in self.drafts]}

    def content(self) -> dict[str, Any]:
        """The report itself, as its JSON file holds it."""
        return {
            "subject": self.subject,
            "job": self.job,
            "status": self.status,
            "verdict": self.verdict.strip(),
            "generated_at": self.at,
            **self.impact.to_dict(),
            "baseline": self.baseline.to_dict() if self.baseline else None,
            "causes": [c.to_dict() for c in self.causes],
            "counterexample": self.diff.example.to_dict() if self.diff and self.diff.example else None,
            "feeds": [{"kind": kind, "name": name} for kind, name in self.feeds],
            "actions": self.actions.to_dict(),
            "evidence": [e.to_dict() for e in self.evidence],
        }

    @cached_property
    def drafts(self) -> tuple[Draft, ...]:
        """The files: Markdown to read, JSON for programs, one HTML page to send on."""
        from tools.guardian.html import to_html
        from tools.guardian.markdown import to_markdown

        path = f"impact_reports/{_file_name(self.subject)}_{re.sub(r'[-:]|[.][0-9]+', '', self.at)}"
        data = json.dumps(self.content(), ensure_ascii=False, indent=2, default=str) + "\n"
        drafts = (
            Draft(f"{path}.md", to_markdown(self)),
            Draft(f"{path}.json", data),
            Draft(f"{path}.html", to_html(self)),
        )
        return tuple(d for d in drafts if self.ending is None or d.path.endswith(self.ending))


def _rows(rows: Sequence[Mapping[str, Any]], shown: int = 4) -> str:
    parts = [", ".join(f"{k} = {'NULL' if v is None else repr(v)}" for k, v in row.items()) for row in rows[:shown]]
    left = len(rows) - shown
    return (" / ".join(parts) or "no such row") + (f" and {left} more" if left > 0 else "")


def _file_name(subject: str) -> str:
    return re.sub(r"[^\w.-]+", "_", subject).strip("._") or "change"


def _name(name: str, kind: str) -> str:
    return name.rpartition(".")[2] if kind == "table" and "/" not in name else name


def _where(cause: Cause) -> str:
    places = list(dict.fromkeys(p for p in (cause.old_place, cause.new_place) if p))
    return f" ({' → '.join(places)})" if places else ""


def _first_line(text: str) -> str:
    return next((line for line in text.splitlines() if line.startswith("**")), text.splitlines()[0])


def _after_headline(text: str) -> str:
    """An impact's text without its own first sentence: the report has said it."""
    lines = text.splitlines()
    start = next((i for i, line in enumerate(lines) if line.startswith("**")), -1)
    return "\n".join(lines[start + 1 :]).strip()
