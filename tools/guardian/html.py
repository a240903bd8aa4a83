"""A report as one HTML page to send on: it asks nothing of the network, runs no script, and escapes all that it shows."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape
from typing import TYPE_CHECKING

from tools.guardian.picture import picture_of, to_svg
from tools.guardian.times import for_people
from tools.impact.result import ImpactItem, shown_name
from tools.impact.severity import item_severity
from tools.lineage import coverage_text

if TYPE_CHECKING:
    from tools.guardian.report import GuardReport

__all__ = ["to_html"]

_STYLE = """
body{font:15px/1.5 system-ui,Helvetica,Arial,sans-serif;color:#1b2733;max-width:1080px;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}code,pre{font:13px/1.45 ui-monospace,Consolas,monospace}
code{background:#f0f2f4;padding:.05rem .3rem;border-radius:3px}pre{background:#f6f8fa;padding:.7rem;overflow:auto}
table{border-collapse:collapse;width:100%}td,th{text-align:left;vertical-align:top;padding:.35rem .6rem;
border-bottom:1px solid #dde3e9}.verdict{font-size:1.1rem}.tag{padding:.1rem .5rem;border-radius:4px;font-weight:600}
.high{background:#fbe1df;color:#8f1f17}.medium{background:#fdecd2;color:#7a4a00}.low{background:#e0f3e8;color:#155c3c}
.none{background:#f0f2f4;color:#4d5b69}.quiet{color:#4d5b69}.graph svg{max-width:100%;height:auto}
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"


def to_html(report: GuardReport) -> str:
    """The whole page."""
    title = escape(report.title)
    parts = [_head(report), *_graph(report), *_table(report), *_to_do(report), *_edits(report), *_details(report)]
    parts.append(f'<p class="quiet">{_text(coverage_text(report.impact.coverage).strip("_"))}</p>')
    if report.unknowns:
        parts.append(f"<h2>Not known</h2>{_list(map(_text, report.unknowns))}")
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        f'<meta name="viewport" content="width=device-width"><title>{title}</title><style>{_STYLE}</style></head>'
        f"<body><h1>{title}</h1>\n" + "\n".join(parts) + "\n</body></html>\n"
    )


def _head(report: GuardReport) -> str:
    compared = f" · compared with {escape(report.baseline.what)}" if report.baseline else ""
    return (
        f'<p class="verdict">{_tag(report.severity)} {_text(report.verdict.strip())}</p>'
        f"<p>{_text(report.impact.severity_reason)}.</p>"
        f'<p class="quiet">{escape(for_people(report.at))}{compared}</p>'
    )


def _graph(report: GuardReport) -> list[str]:
    picture = picture_of(report.impact.graph)
    return [f'<div class="graph">{to_svg(picture)}</div>'] if len(picture.boxes) > 1 else []


def _table(report: GuardReport) -> list[str]:
    if not report.impact.items:
        fed = ", ".join(f"{_kind(kind)} <code>{escape(name)}</code>" for kind, name in report.feeds)
        return [f"<p>Downstream of it, not reached: {fed}.</p>"] if fed else []
    order = ("high", "medium", "low", "none")
    rows = sorted(report.impact.items, key=lambda i: order.index(_severity(report, i)))
    head = "<tr><th>severity</th><th>what</th><th>verdict</th><th>why</th><th>where</th><th>owner</th></tr>"
    return [f"<h2>What it reaches</h2><table>{head}{''.join(_row(report, i) for i in rows)}</table>"]


def _row(report: GuardReport, item: ImpactItem) -> str:
    cells = (
        _tag(_severity(report, item)),
        f"{_kind(item.kind)} <strong>{escape(shown_name(item))}</strong>",
        escape(item.verdict.replace("_", " ")),
        _text(item.reason),
        "<br>".join(escape(e.where) for e in item.evidence[:3]),
        escape(report.owners.get(f"{item.kind}:{item.name}", "")),
    )
    return f"<tr>{''.join(f'<td>{c}</td>' for c in cells)}</tr>"


def _severity(report: GuardReport, item: ImpactItem) -> str:
    return "none" if item.verdict == "not_affected" else item_severity(item, report.impact.rule)


def _to_do(report: GuardReport) -> list[str]:
    todo = report.actions
    parts = []
    if todo.fixes:
        steps = (f"<strong>{escape(s.name)}</strong>: {escape(s.what)} ({_text(s.why)})" for s in todo.fixes)
        parts.append(f"<h3>Fixes, in this order</h3>{_list(steps, 'ol')}")
    if todo.tell:
        people = (f"{escape(o)}: {escape(', '.join(names))}" for o, names in todo.tell.items())
        parts.append(f"<h3>Tell</h3>{_list(people)}")
    if todo.without_owner:
        parts.append(f"<p>No owner is stated for: {escape(', '.join(todo.without_owner))}.</p>")
    if todo.checks:
        checks = "".join(f"<p>{escape(c.title)}</p><pre>{escape(c.sql)}</pre>" for c in todo.checks)
        parts.append(f"<h3>Run before and after</h3>{checks}")
    return ["<h2>What to do</h2>", *parts] if parts else []


def _edits(report: GuardReport) -> list[str]:
    if not report.causes:
        return []
    rows = "".join(
        f"<tr><td>{_text(str(c))}</td><td>{escape(c.old_place or '')}</td><td>{escape(c.new_place or '')}</td></tr>"
        for c in report.causes
    )
    head = f"<h2>What changed</h2><table><tr><th>edit</th><th>was at</th><th>is at</th></tr>{rows}</table>"
    shown = f"<p>On these rows it shows:</p>{_list(map(escape, report.example))}" if report.example else ""
    return [head, shown]


def _details(report: GuardReport) -> list[str]:
    proofs = [(i, e) for i in (*report.impact.items, *report.impact.writers) for e in i.evidence]
    lines = [
        f"{_kind(i.kind)} <strong>{escape(shown_name(i))}</strong>, {escape(e.where)}: <code>{escape(str(e.detail))}</code>"
        for i, e in proofs
        if e.detail and e.detail != i.name
    ]
    return [f"<h2>Evidence</h2>{_list(dict.fromkeys(lines))}"] if lines else []


def _list(lines: Iterable[str], tag: str = "ul") -> str:
    return f"<{tag}>{''.join(f'<li>{line}</li>' for line in lines)}</{tag}>"


def _tag(severity: str) -> str:
    return f'<span class="tag {severity}">{severity.upper()}</span>'


def _kind(kind: str) -> str:
    return "KPI" if kind == "kpi" else kind


def _text(text: str) -> str:
    """Our own sentences: escaped, then what stands in backticks as code."""
    return re.sub(r"`([^`]*)`", r"<code>\1</code>", escape(text))
