"""A report as Markdown: verdict, graph, table by severity, what to do, then the details. Names are escaped."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from tools.guardian.picture import picture_of, to_mermaid
from tools.guardian.times import for_people
from tools.impact.result import ImpactItem, shown_name
from tools.impact.severity import item_severity
from tools.lineage import coverage_text

if TYPE_CHECKING:
    from tools.guardian.report import GuardReport

__all__ = ["to_markdown"]

_MOST_ROWS = 200


def to_markdown(report: GuardReport) -> str:
    """The whole report."""
    parts = [f"# {_flat(report.title)}", _head(report), *_graph(report), *_table(report), *_to_do(report)]
    parts += [*_edits(report), *_details(report), coverage_text(report.impact.coverage)]
    if report.unknowns:
        parts.append("\n".join(["## Not known", "", *(f"- {_flat(u)}" for u in report.unknowns)]))
    return "\n\n".join(p for p in parts if p) + "\n"


def _head(report: GuardReport) -> str:
    compared = f" · compared with {report.baseline.what}" if report.baseline else ""
    reason = report.impact.severity_reason
    return (
        f"**{_flat(report.verdict.strip())}**\n\nSeverity **{report.severity.upper()}**: {_flat(reason)}.\n\n"
        f"_{for_people(report.at)}{compared}_"
    )


def _graph(report: GuardReport) -> list[str]:
    picture = picture_of(report.impact.graph)
    return [f"```mermaid\n{to_mermaid(picture)}```"] if len(picture.boxes) > 1 else []


def _table(report: GuardReport) -> list[str]:
    items = report.impact.items
    if not items:
        fed = ", ".join(f"{_kind(kind)} `{_flat(name)}`" for kind, name in report.feeds)
        return [f"Downstream of it, not reached: {fed}."] if fed else []
    head = "| severity | what | verdict | why | where | owner |\n|---|---|---|---|---|---|"
    rows = sorted(items, key=lambda i: -_rank(report, i))
    lines = [_row(report, item) for item in rows[:_MOST_ROWS]]
    more = [f"\nand {len(rows) - _MOST_ROWS} more in the JSON file."] if len(rows) > _MOST_ROWS else []
    return ["## What it reaches", "\n".join([head, *lines, *more])]


def _row(report: GuardReport, item: ImpactItem) -> str:
    severity = item_severity(item, report.impact.rule).upper() if item.verdict != "not_affected" else "none"
    owner = report.owners.get(f"{item.kind}:{item.name}", "")
    where = ", ".join(e.where for e in item.evidence[:2])
    what = f"{_kind(item.kind)} **{_cell(shown_name(item))}**"
    return f"| {severity} | {what} | {item.verdict.replace('_', ' ')} | {_cell(item.reason)} | {_cell(where)} | {_cell(owner)} |"


def _rank(report: GuardReport, item: ImpactItem) -> int:
    if item.verdict == "not_affected":
        return -1
    return ("low", "medium", "high").index(item_severity(item, report.impact.rule))


def _to_do(report: GuardReport) -> list[str]:
    todo = report.actions
    lines = []
    if todo.fixes:
        fixes = [f"{n}. **{_flat(s.name)}**: {s.what} ({_flat(s.why)})" for n, s in enumerate(todo.fixes, 1)]
        lines += ["**Fixes, in this order**", "\n".join(fixes)]
    if todo.tell:
        lines.append("**Tell**")
        lines.append("\n".join(f"- {_flat(o)}: {', '.join(map(_flat, names))}" for o, names in todo.tell.items()))
    if todo.without_owner:
        lines.append(f"No owner is stated for: {', '.join(map(_flat, todo.without_owner))}.")
    if todo.checks:
        lines.append("**Run before and after**")
        lines += [f"{_flat(c.title)}\n\n```sql\n{_fenced(c.sql)}\n```" for c in todo.checks]
    return ["## What to do", *lines] if lines else []


def _edits(report: GuardReport) -> list[str]:
    if not report.causes:
        return []
    lines = []
    for cause in report.causes:
        lines.append(f"- {_flat(str(cause))}")
        lines += [
            f"  - {label} `{place}`: {_code(text)}"
            for label, place, text in (
                ("before", cause.old_place, cause.before),
                ("after", cause.new_place, cause.after),
            )
            if place and text
        ]
    shown = ["On these rows it shows:", "\n".join(f"- {_flat(line)}" for line in report.example)]
    return ["## What changed", "\n".join(lines), *(shown if report.example else [])]


def _details(report: GuardReport) -> list[str]:
    proofs = [(i, e) for i in (*report.impact.items, *report.impact.writers) for e in i.evidence if e.detail]
    lines = [
        f"- {_kind(i.kind)} **{_flat(shown_name(i))}**, `{e.where}`: {_code(str(e.detail))}"
        for i, e in proofs
        if e.detail != i.name
    ]
    return ["## Evidence", "\n".join(dict.fromkeys(lines))] if lines else []


def _kind(kind: str) -> str:
    return "KPI" if kind == "kpi" else kind


def _flat(text: str) -> str:
    """Text of the lake in one line, without what would be markup of its own; code in backticks is shown as it is."""
    parts = re.split(r"(`[^`]*`)", " ".join(text.split()))
    return "".join(p if p.startswith("`") else re.sub(r"[<>\[\]`]", lambda m: f"&#{ord(m[0])};", p) for p in parts)


def _code(text: str) -> str:
    return f"`{' '.join(text.replace('`', '').split())}`"


def _cell(text: str) -> str:
    return _flat(text).replace("|", "\\|")


def _fenced(sql: str) -> str:
    return sql.replace("```", "` ` `")
