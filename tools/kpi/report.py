"""The KPI impact report: Markdown with a picture, an HTML page to send on, and the deltas as JSON."""

from __future__ import annotations

import datetime
import json
import re
from collections.abc import Iterator, Sequence
from html import escape

from tools.kpi.charts import chart_of, svg, with_chart
from tools.kpi.result import KpiSeries, Point, Simulation, number
from tools.result import Draft, counted

__all__ = ["drafts_of_simulation"]

_MOST_DAYS = 40
_STYLE = """<style>
:root { color-scheme: light dark }
body { font: 15px/1.55 system-ui, sans-serif; max-width: 860px; margin: 2rem auto; padding: 0 1rem }
table { border-collapse: collapse; width: 100%; margin: 1rem 0 } td, th { padding: .3rem .6rem; text-align: right;
border-bottom: 1px solid #8884 } td:first-child, th:first-child { text-align: left } .quiet { opacity: .7 }
</style><meta name="viewport" content="width=device-width, initial-scale=1">"""


def drafts_of_simulation(simulation: Simulation, at: datetime.datetime) -> tuple[Draft, ...]:
    """The report\'s files below `output/`: `.md` with a picture for each KPI that moves, `.html`, `.json`."""
    shown = [s for s in simulation.series if s.status == "simulated" and s.points]
    if not shown:
        return ()
    subject = shown[0].kpi if len(shown) == 1 else "_".join(simulation.jobs) or "kpis"
    stem = f"kpi_reports/{_slug(subject)}_{at.strftime('%Y-%m-%dT%H-%M-%SZ')}"
    pictures = {s.kpi: Draft(f"{stem}_{_slug(s.kpi)}.svg", svg(s)) for s in shown if s.moved}
    data = {**simulation.to_dict(), "at": at.isoformat()}
    return (
        Draft(f"{stem}.md", _markdown(simulation, shown, pictures, at)),
        Draft(f"{stem}.json", json.dumps(data, ensure_ascii=False, indent=2, default=str) + "\n"),
        Draft(f"{stem}.html", _html(simulation, shown, at)),
        *pictures.values(),
    )


def _slug(name: str) -> str:
    return re.sub(r"[^\w]+", "_", name).strip("_").lower() or "kpi"


# --------------------------------------------------------------------------- markdown


def _markdown(
    simulation: Simulation, shown: Sequence[KpiSeries], pictures: dict[str, Draft], at: datetime.datetime
) -> str:
    parts = [f"# KPI impact: {simulation.change}", f"_{at:%Y-%m-%d %H:%M} UTC_", simulation.text()]
    for series in shown:
        if not series.moved:
            continue
        parts.append(f"## {series.kpi}")
        parts.append(f"![{series.kpi}, old and new]({pictures[series.kpi].path.rpartition('/')[2]})")
        parts.append("\n".join(_table(series)))
        if series.effects:
            parts.append("\n".join(_edits_table(series)))
    parts.append("## How this was computed")
    parts.append("\n".join(_method(shown)))
    return "\n\n".join(parts) + "\n"


def _table(series: KpiSeries) -> Iterator[str]:
    head = ["day", *series.dimensions, "old", "new", "difference", "percent", "stored"]
    yield "| " + " | ".join(head) + " |"
    yield "|" + "---|" * (1 + len(series.dimensions)) + "---:|" * 5
    points = _listed(series)
    for point in points:
        yield "| " + " | ".join(_cell(c) for c in _cells(point)) + " |"
    left = len(series.moved) - len(points)
    if left > 0:
        yield f"\nAnd {counted(left, 'row')} more; the JSON file has all."


def _edits_table(series: KpiSeries) -> Iterator[str]:
    yield f"| edit | {series.measures[0]}, on an average day |"
    yield "|---|---:|"
    for words, moved in _edits(series):
        yield f"| {_cell(words)} | {_cell(moved)} |"


def _edits(series: KpiSeries) -> list[tuple[str, str]]:
    """What each edit moves alone, what they do to each other, and all together."""
    rows = [(f"only {words}", moved) for words, moved in series.moves]
    rows += [("what the edits do to each other", series.residual), ("all together", series.together)]
    return [(words, number(moved)) for words, moved in rows]


def _listed(series: KpiSeries) -> list[Point]:
    """The rows that move most, by day."""
    return sorted(series.moved[:_MOST_DAYS], key=lambda p: (str(p.day), str(p.dimensions)))


def _cells(point: Point) -> list[str]:
    percent = f"{point.percent:+.2f} %" if point.percent is not None else point.side.replace("_", " ")
    values = [number(v) if v is not None else "" for v in (point.old, point.new, point.delta)]
    return [str(point.day), *map(str, point.dimensions), *values, percent, number(point.stored) if point.stored else ""]


def _cell(text: str) -> str:
    return re.sub(r"([|\\`<*_])", r"\\\1", text).replace("\n", " ")


def _method(shown: Sequence[KpiSeries]) -> Iterator[str]:
    yield (
        "- Old and new logic ran over the same inputs in one statement; the stored series is shown beside them. New is "
        "never compared with stored: late data would look like a change."
    )
    for series in shown:
        replayed = ", ".join(f"`{t}` by `{j}`" for t, j in series.replayed.items()) or "nothing"
        yield f"- {series.kpi}: replayed {replayed}; query `{series.query_id}`, {series.bytes_scanned:,} bytes scanned."
        if series.drifted:
            yield f"- {series.kpi}: on {counted(len(series.drifted), 'point')} the replayed old logic is not what is stored."


# --------------------------------------------------------------------------- html


def _html(simulation: Simulation, shown: Sequence[KpiSeries], at: datetime.datetime) -> str:
    title = escape(f"KPI impact: {simulation.change}".replace("`", ""))
    said = "".join(f"<p>{_inline(p)}</p>" for p in simulation.text().split("\n\n"))
    tables = "".join(_html_table(s) for s in shown if s.moved)
    head = f"<title>{title}</title>{_STYLE}"
    body = f'<h1>{title}</h1><p class="quiet">{at:%Y-%m-%d %H:%M} UTC</p>{said}<!-- chart -->{tables}'
    return with_chart(chart_of(shown), head, body)


def _html_table(series: KpiSeries) -> str:
    head = ["day", *series.dimensions, "old", "new", "difference", "percent", "stored"]
    rows = "".join("<tr>" + "".join(f"<td>{escape(c)}</td>" for c in _cells(p)) + "</tr>" for p in _listed(series))
    heads = "".join(f"<th>{escape(h)}</th>" for h in head)
    table = f"<h2>{escape(series.kpi)}</h2><table><thead><tr>{heads}</tr></thead><tbody>{rows}</tbody></table>"
    if not series.effects:
        return table
    edits = "".join(f"<tr><td>{escape(w)}</td><td>{escape(m)}</td></tr>" for w, m in _edits(series))
    over = escape(f"{series.measures[0]}, on an average day")
    return f"{table}<table><thead><tr><th>edit</th><th>{over}</th></tr></thead><tbody>{edits}</tbody></table>"


def _inline(text: str) -> str:
    """The little Markdown that our own sentences have, escaped."""
    said = escape(text)
    said = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", said)
    return re.sub(r"`(.+?)`", r"<code>\1</code>", said)
