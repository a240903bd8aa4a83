"""What an impact analysis answers: items with verdicts, the severity rule, and the words for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from tools.changes import Change
from tools.impact.severity import DEFAULT_RULE, Severity, SeverityRule, count_of
from tools.lineage import coverage_text
from tools.result import Evidence, counted

Verdict = Literal["breaks", "stale", "unexpected", "values_change", "no_reader", "may_be_affected", "not_affected"]
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
_TITLES: Mapping[Verdict, str] = {
    "breaks": "Breaks",
    "stale": "Goes stale",
    "unexpected": "Does not expect it",
    "values_change": "Values change",
    "no_reader": "Has no reader left",
    "may_be_affected": "May be affected",
    "not_affected": "Not affected",
}
ROLE_WORDS = {
    "value": "as a value",
    "condition": "as a condition",
    "filter": "in a filter",
    "join": "in a join",
    "group_by": "in a GROUP BY",
    "sort": "in the order",
    "window": "in a window",
    "distinct": "in a DISTINCT",
}
_KIND_ORDER = ("job", "table", "dashboard", "kpi")


@dataclass(frozen=True, slots=True)
class ImpactItem:
    """One downstream job, table, dashboard or KPI with its verdict. `hops` counts jobs and consumers on the way."""

    kind: Literal["job", "table", "dashboard", "kpi"]
    name: str
    verdict: Verdict
    reason: str
    columns: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    hops: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "kind": self.kind,
            "name": short(self.name) if self.kind == "table" else self.name,
            "full_name": self.name,
            "verdict": self.verdict,
            "reason": self.reason,
            "columns": list(self.columns),
            "hops": self.hops,
            "evidence": [e.to_dict() for e in self.evidence],
        }


@dataclass(frozen=True)
class ImpactResult:
    """The whole answer. `writers` are upstream jobs that produce what is changed and have to be edited with it."""

    kind = "impact"
    change: Change
    severity: Severity
    severity_reason: str
    items: tuple[ImpactItem, ...]
    writers: tuple[ImpactItem, ...]
    assumptions: tuple[str, ...]
    coverage: Mapping[str, Any]
    graph: Mapping[str, Any]
    unknowns: tuple[str, ...] = ()
    rule: SeverityRule = DEFAULT_RULE

    def of(self, *verdicts: Verdict, kind: str | None = None) -> list[ImpactItem]:
        """Items with these verdicts, of one kind when given."""
        return [i for i in self.items if i.verdict in verdicts and (kind is None or i.kind == kind)]

    @property
    def impacted(self) -> list[ImpactItem]:
        """Everything but what is not affected."""
        return [i for i in self.items if i.verdict != "not_affected"]

    @property
    def evidence(self) -> Sequence[Evidence]:
        """All evidence, worst verdicts first."""
        return tuple(dict.fromkeys(e for i in (*self.items, *self.writers) for e in i.evidence))

    def text(self) -> str:
        """Verdict and severity first, then what is reached by verdict, then coverage."""
        subject = self.change.describe()
        lines = [*(part for a in self.assumptions for part in (f"_{a}_", "")), _headline(self, subject), ""]
        for verdict in VERDICTS:
            lines += _section(verdict, self.of(verdict))
        if self.writers:
            lines += ["**Has to be edited with it**", *(_line(i) for i in self.writers), ""]
        lines.append(f"Severity {self.severity.upper()}: {self.severity_reason}.")
        lines += ["", coverage_text(self.coverage)]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """As reports, Lambdas and `--json` carry it."""
        return {
            "change": self.change.to_dict(),
            "severity": self.severity,
            "severity_reason": self.severity_reason,
            "items": [i.to_dict() for i in self.items],
            **{f"impacted_{k}s": [shown_name(i) for i in self.impacted if i.kind == k] for k in _KIND_ORDER},
            "writers": [i.to_dict() for i in self.writers],
            "assumptions": list(self.assumptions),
            "coverage": dict(self.coverage),
            "graph": dict(self.graph),
            "unknowns": list(self.unknowns),
            "evidence": [e.to_dict() for e in self.evidence],
        }


def short(table: str) -> str:
    """A table without its database."""
    return table.rpartition(".")[2] if "/" not in table else table


def shown_name(item: ImpactItem) -> str:
    """An item's name as people say it."""
    return short(item.name) if item.kind == "table" else item.name


def worst_first(item: ImpactItem) -> tuple[int, int, int, int, str]:
    """Sort key: verdict, kind, then what shows the changed column itself."""
    shows_it = 0 if item.columns else 1
    return (VERDICTS.index(item.verdict), _KIND_ORDER.index(item.kind), shows_it, item.hops or 0, item.name)


def _headline(result: ImpactResult, subject: str) -> str:
    subject = subject[0].upper() + subject[1:]
    broken, reached = result.of("breaks"), result.impacted
    if result.change.kind == "change_values" and not reached:
        return "**Nothing downstream is touched** (severity LOW)."
    if broken:
        rest = [i for i in reached if i.verdict != "breaks"]
        also = f" {counted(len(rest), 'more asset')} {'is' if len(rest) == 1 else 'are'} reached." if rest else ""
        return f"**{subject} breaks {count_of(broken)}** (severity {result.severity.upper()}).{also}"
    unread, unexpecting = result.of("no_reader"), result.of("unexpected")
    if unread:
        return f"**{subject} leaves {count_of(unread)} without a reader** (severity {result.severity.upper()})."
    if result.change.consumer:
        return f"**{subject} leaves nothing without a reader** (severity LOW)."
    if unexpecting:
        rest = [i for i in reached if i.verdict != "unexpected"]
        also = f" It reaches {count_of(rest)} besides." if rest else ""
        verb = "does not expect it" if len(unexpecting) == 1 else "do not expect it"
        return f"**{subject}: {count_of(unexpecting)} {verb}** (severity {result.severity.upper()}).{also}"
    if reached:
        level = result.severity.upper()
        return f"**{subject} breaks nothing outright, but reaches {count_of(reached)}** (severity {level})."
    return f"**{subject} reaches nothing downstream**, as far as the code could be read (severity LOW)."


def _section(verdict: Verdict, items: Sequence[ImpactItem], shown: int = 60) -> list[str]:
    if not items:
        return []
    lines = [f"**{_TITLES[verdict]}**", *(_line(i) for i in items[:shown])]
    if len(items) > shown:
        lines.append(f"- and {len(items) - shown} more")
    return [*lines, ""]


def _line(item: ImpactItem) -> str:
    kind = "KPI" if item.kind == "kpi" else item.kind
    name = f"`{shown_name(item)}`" if item.kind in ("job", "table") else f'"{item.name}"'
    places = [e.where for e in item.evidence if e.kind == "code" and ":" in e.where]
    place = f" ({', '.join(places[:3])}{f' and {len(places) - 3} more' if len(places) > 3 else ''})" if places else ""
    return f"- {kind} {name}: {item.reason}{place}"
