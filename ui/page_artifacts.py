"""Draws a tool's result on the page: one function per kind of result, in `DRAWERS`.

It works from the artifact alone (`kind`, `args`, `data`, `evidence`), and asks for source text only to quote the lines
around a place. It must not know how the result came about.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import streamlit as st

from ui.graphs import graph_of
from ui.page_graph import draw_graph
from ui.page_results import RESULT_DRAWERS, SAID
from ui.page_text import code, excerpts, safe, verbatim
from ui.state import log_failure
from ui.verdicts import (
    KINDS,
    cell,
    change_title,
    clean,
    count,
    coverage_lines,
    extent,
    grouped,
    origins,
    remarks,
    size,
    window_text,
)

__all__ = ["DRAWERS", "draw_artifact"]

Data = Mapping[str, Any]
Source = Callable[[str], str | None]
"""The text of a file of the lake by its path; None where it cannot be had."""

FOLDED: Mapping[str, str] = {
    "assets": "The list",
    "job": "The job in detail",
    "query": "All rows, and the query",
    "schema": "The table in detail",
}
MOST_ROWS = 200
MOST_EXCERPTS = 40
SEVERITY_COLOURS: Mapping[str, Any] = {"high": "red", "medium": "orange", "low": "green"}


def draw_artifact(artifact: Data, source: Source, key: str) -> None:
    """One result in a frame of its own; `key` is its name on the page, unlike any other's.

    What only says in a table what the answer has said in words is folded.
    """
    kind = str(artifact["kind"])
    if kind in SAID:
        return
    frame = st.expander(FOLDED[kind]) if kind in FOLDED else st.container(border=True)
    with frame:
        try:
            DRAWERS.get(kind, _other)({**artifact, "key": key}, source)
        except Exception as error:  # noqa: BLE001 - the answer stands, also where its picture fails
            log_failure(error)
            st.error("This result could not be drawn. The download below has all of it.")


# --------------------------------------------------------------------------- impact


def _impact(artifact: Data, source: Source) -> None:
    data = artifact["data"]
    _impact_head(data)
    proofs = [(i, e) for i in (*data["items"], *data["writers"]) for e in i["evidence"]]
    places = _places(proofs)
    _tabs(
        {
            "Graph": lambda: _picture("impact", artifact),
            f"Table ({len(data['items']) + len(data['writers'])})": lambda: _impact_table(data),
            f"Evidence ({len(places)})": lambda: _proofs(places, source),
        },
        data,
    )


def _picture(kind: str, artifact: Data) -> None:
    graph = graph_of(kind, artifact["data"])
    if len(graph.nodes) < 2:
        st.markdown("Nothing is connected to it, as far as the code could be read.")
    else:
        draw_graph(graph, artifact["key"], alt=", ".join(n.name for n in graph.nodes))


def _tabs(parts: Mapping[str, Callable[[], None]], data: Data) -> None:
    """Each part under its own title, what is not known last, and what all of it rests on below."""
    unknowns = data["unknowns"]
    if unknowns:
        parts = {**parts, f"Not known ({len(unknowns)})": lambda: _bullets(unknowns)}
    for tab, draw in zip(st.tabs(list(parts)), parts.values(), strict=True):
        with tab:
            draw()
    lines = coverage_lines(data.get("coverage", {}))
    if lines:
        st.caption(safe(f"Coverage: {'; '.join(lines)}."))


def _impact_head(data: Data) -> None:
    severity = clean(data["severity"])
    st.markdown(f"#### {verbatim(change_title(data['change']))}", anchors=False)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.badge(f"Severity {severity.upper()}", color=SEVERITY_COLOURS.get(severity, "gray"))
        st.markdown(safe(data["severity_reason"]), width="content")
    for note in data["assumptions"]:
        st.caption(safe(note))


def _impact_table(data: Data) -> None:
    rows = [_impact_row(verdict.title, item) for verdict, items in grouped(data["items"]) for item in items]
    rows += [_impact_row("edit with it", item) for item in data["writers"]]
    if rows:
        _wrapped_table(("Verdict", "What", "Why", "Where"), rows)
    else:
        st.markdown("Nothing downstream reads it, as far as the code could be read.")


def _impact_row(said: str, item: Data) -> tuple[str, ...]:
    kind = KINDS.get(item["kind"], (item["kind"], ""))[0]
    places = dict.fromkeys(code(e["where"]) for e in item["evidence"])
    return f"**{said}**", f"{kind} {code(item['name'])}", safe(item["reason"]), " ".join(places)


def _proofs(places: Sequence[_Place], source: Source) -> None:
    """Each place once, under the things it speaks for, with the lines around it."""
    for place in places[:MOST_EXCERPTS]:
        names = ", ".join(code(name) for name in place.names)
        st.markdown(f"{code(place.where)} · {names}")
        for quoted in _quoted(place, source):
            st.code(quoted, language="python" if place.path.endswith(".py") else "sql", wrap_lines=True)
    _more(len(places) - MOST_EXCERPTS, "places; the download has them all")


@dataclass
class _Place:
    """A file, or an entry of one, with the lines and texts that speak for some things."""

    path: str
    lines: list[int] = field(default_factory=list)
    details: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)

    @property
    def where(self) -> str:
        """The file with its lines."""
        return f"{self.path}:{', '.join(map(str, sorted(self.lines)))}" if self.lines else self.path


def _places(proofs: Sequence[tuple[Data, Data]]) -> list[_Place]:
    found: dict[str, _Place] = {}
    for item, evidence in proofs:
        path, _, line = clean(evidence["where"]).rpartition(":")
        path, line = (path, line) if line.isdigit() else (clean(evidence["where"]), "")
        place = found.setdefault(path, _Place(path))
        _add(place.lines, int(line) if line else None)
        _add(place.names, item["name"])
        # An entry of dashboards.json has its own name as detail: nothing to quote.
        _add(place.details, clean(evidence.get("detail")) if evidence.get("detail") != item["name"] else None)
    return list(found.values())


def _add(to: list[Any], value: object) -> None:
    if value and value not in to:
        to.append(value)


def _quoted(place: _Place, source: Source) -> list[str]:
    text = source(place.path) if place.lines else None
    return (excerpts(text, place.lines) if text else []) or place.details


# --------------------------------------------------------------------------- lineage


def _lineage(artifact: Data, source: Source) -> None:
    data = artifact["data"]
    only = data.get("only")
    reached = [n for n in data["nodes"] if n["id"] != data["asset"]["id"]]
    shown = [n for n in reached if only is None or n["kind"] == only]
    parts = [count(n, k) for k in KINDS if (n := sum(r["kind"] == k for r in shown))]
    st.markdown(f"#### {clean(data['direction']).capitalize()} of {code(data['asset']['name'])}", anchors=False)
    st.markdown(", ".join(parts) or "Nothing, as far as the code could be read.")
    labels = {n["id"]: clean(n["name"]) for n in data["nodes"]}
    edges = [_edge_row(e, labels) for e in data["edges"]]
    _tabs(
        {
            "Graph": lambda: _picture("lineage", artifact),
            f"Table ({len(shown)})": lambda: _wrapped_table(
                ("What", "Name", "Hops away"), [_node_row(n) for n in shown]
            ),
            f"Hops ({len(edges)})": lambda: _wrapped_table(("From", "To", "How", "Where"), edges),
        },
        data,
    )


def _node_row(node: Data) -> tuple[str, ...]:
    return KINDS.get(node["kind"], (node["kind"], ""))[0], code(node["name"]), str(node["depth"])


def _edge_row(edge: Data, labels: Mapping[str, str]) -> tuple[str, ...]:
    how = " ".join(clean(edge.get(k)).replace("_", " ") for k in ("role",) if edge.get(k))
    where = f"{clean(edge['file'])}:{edge['line']}" if edge.get("line") else clean(edge.get("file"))
    ends = [code(labels.get(edge[end], edge[end])) for end in ("from", "to")]
    return ends[0], ends[1], f"{how} {code(edge.get('expression'))}".strip(), code(where)


# --------------------------------------------------------------------------- lists and jobs


def _assets(artifact: Data, source: Source) -> None:
    assets = artifact["data"]["assets"]
    for kind in KINDS:
        names = [clean(a["name"]) for a in assets if a["kind"] == kind]
        if names:
            st.markdown(f"**{count(len(names), kind)}**")
            st.markdown(" ".join(map(code, names[:MOST_ROWS])))
            _more(len(names) - MOST_ROWS, KINDS[kind][1])
    if not assets:
        st.markdown("Nothing here.")


def _job(artifact: Data, source: Source) -> None:
    data = artifact["data"]
    st.markdown(f"#### {code(data['job'])}", anchors=False)
    st.caption(f"{verbatim(data['language'])} · {verbatim(data['file'])}")
    for title, key in (("Reads", "reads"), ("Writes", "writes"), ("Read after by", "read_after")):
        st.markdown(f"**{title}** " + (", ".join(code(n) for n in data[key]) or "nothing known"))
    columns = [_job_column(c) for c in data["columns"]]
    steps = [(s["what"], code(s["text"]), _at(s)) for s in data["steps"]]
    _tabs(
        {
            f"Columns ({len(columns)})": lambda: _wrapped_table(("Column", "From", "As", "Where"), columns),
            f"Steps ({len(steps)})": lambda: _wrapped_table(("Step", "What", "Where"), steps),
        },
        {"unknowns": [_unread(u) for u in data["unknowns"]]},
    )


def _job_column(column: Data) -> tuple[str, ...]:
    return code(column["column"]), safe(origins(column)), code(column["expression"]), _at(column)


def _at(thing: Data) -> str:
    return code(f"{thing['file']}:{thing['line']}") if thing.get("line") else ""


def _unread(unknown: Data) -> str:
    return f"{_at(unknown)} {unknown['reason']}".strip()


# --------------------------------------------------------------------------- tables


def _schema(artifact: Data, source: Source) -> None:
    data = artifact["data"]
    st.markdown(f"#### {code(data['database'] + '.' + data['table'])}", anchors=False)
    st.caption(verbatim(f"{data['kind']}, {data.get('format') or 'no format'} · {extent(data)}"))
    if data.get("description"):
        st.markdown(verbatim(data["description"]))
    _wrapped_table(("Column", "Type", "", "Comment"), [_schema_row(c) for c in data["columns"]])


def _schema_row(column: Data) -> tuple[str, ...]:
    return code(column["name"]), verbatim(column["type"]), remarks(column), verbatim(column.get("comment"))


def _stats(artifact: Data, source: Source) -> None:
    data = artifact["data"]
    st.markdown(f"#### {code(data['table'])}", anchors=False)
    days = window_text(data.get("window"))
    total = "rows not known" if data["rows"] is None else count(data["rows"], "row")
    scanned = f"{size(data['bytes_scanned'])} scanned"
    if data.get("sql") is None:
        scanned = f"nothing scanned; from {', '.join(data.get('sources', ()))}"
    said = [total, *([days] if days else []), scanned]
    st.caption(verbatim(" · ".join(said)))
    columns = [_stats_row(c, data["rows"]) for c in data["columns"]]
    heads = ("Column", "Type", "Nulls", "Distinct, about", "Mean", "Smallest", "Largest")
    parts: dict[str, Callable[[], None]] = {}
    if len(data["by_day"]) > 1:
        parts["Rows by day"] = lambda: _days(data["by_day"])
    _tabs({**parts, f"Columns ({len(columns)})": lambda: _wrapped_table(heads, columns)}, data)


def _stats_row(column: Data, rows: int | None) -> tuple[str, ...]:
    nulls = cell(column["nulls"])
    if column["nulls"] and rows:
        nulls += f" ({column['nulls'] / rows:.1%})"
    figures = (cell(column[key]) for key in ("distinct", "mean", "min", "max"))
    return code(column["name"]), verbatim(column["type"]), nulls, *map(verbatim, figures)


def _days(counts: Sequence[Data]) -> None:
    """Rows of each day; partitions that are no days stand side by side."""
    days = [clean(c["day"]) for c in counts]
    dates = [_date(day) for day in days]
    rows = {"Day": dates if None not in dates else days, "Rows": [c["rows"] for c in counts]}
    st.bar_chart(rows, x="Day", y="Rows", height=220)


def _date(day: str) -> datetime.date | None:
    try:
        return datetime.date.fromisoformat(day)
    except ValueError:
        return None


# --------------------------------------------------------------------------- the rest


def _other(artifact: Data, source: Source) -> None:
    """A kind of result that this page does not know yet: its data as it is."""
    st.markdown(f"#### {verbatim(artifact['kind'])}", anchors=False)
    st.json(dict(artifact["data"]), expanded=1)


def _wrapped_table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """A table whose long names fold instead of being cut; above a screenful it scrolls. Cells are Markdown."""
    shown = [dict(zip(heads, row, strict=True)) for row in rows[:MOST_ROWS]]
    if shown:
        with st.container(height=480 if len(shown) > 10 else "content", border=False):
            st.table(shown, border="horizontal", hide_index=True)
    _more(len(rows) - MOST_ROWS, "rows; the download has them all")


def _bullets(texts: Sequence[object]) -> None:
    if texts:
        st.markdown("\n".join(f"- {safe(clean(t))}" for t in texts[:MOST_ROWS]))
    _more(len(texts) - MOST_ROWS, "more; the download has them all")


def _more(number: int, what: str) -> None:
    if number > 0:
        st.caption(f"and {number:,} more {what}")


def _made(kind: str) -> Callable[[Data, Source], None]:
    return lambda artifact, source: RESULT_DRAWERS[kind](artifact["data"])


DRAWERS: Mapping[str, Callable[[Data, Source], None]] = {
    **{kind: _made(kind) for kind in RESULT_DRAWERS},
    "impact": _impact,
    "impact_report": _impact,
    "lineage": _lineage,
    "assets": _assets,
    "job": _job,
    "schema": _schema,
    "stats": _stats,
}
