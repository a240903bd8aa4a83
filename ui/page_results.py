"""Draws the results that are made, not looked up: tests, runs of them, contracts, pages, simulations, comparisons.

One function for each kind, in `RESULT_DRAWERS`; the answer above has said what they mean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import streamlit as st

from ui.page_text import safe, verbatim

__all__ = ["RESULT_DRAWERS", "SAID"]

Data = Mapping[str, Any]
_COLOURS = {"old": "#6b7280", "new": "#2563eb", "stored": "#9ca3af"}
_MOST_LINES = 4


def _tests(data: Data) -> None:
    rows = [
        {
            "severity": c["severity"],
            "test": safe(str(c["sentence"])),
            "why": safe(str(c["reason"])),
            "catches": safe(str(c["catches"])),
        }
        for c in data["checks"]
    ]
    st.dataframe(rows, hide_index=True, width="stretch")
    _files(data, "yaml")


def _check_run(data: Data) -> None:
    marks = {"passed": "✓ holds", "failed": "✗ fails", "broken": "! cannot be computed"}
    rows = [
        {
            "verdict": marks[o["status"]],
            "severity": o["severity"],
            "test": safe(str(o["sentence"])),
            "figures": safe(str(o["detail"])),
        }
        for o in sorted(data["outcomes"], key=lambda o: o["status"] == "passed")
    ]
    st.dataframe(rows, hide_index=True, width="stretch")


def _contract(data: Data) -> None:
    _files(data, "yaml")


def _documentation(data: Data) -> None:
    with st.expander("The page"):
        st.markdown(_without_pictures(str(data["markdown"])))
    _download(str(data["path"]), str(data["markdown"]))


def _simulation(data: Data) -> None:
    for kpi in data["kpis"]:
        if kpi["status"] == "simulated" and kpi["points"]:
            st.vega_lite_chart(_chart(kpi), width="stretch", key=f"kpi-{kpi['kpi']}-{kpi['query_id']}")


def _chart(kpi: Data) -> dict[str, Any]:
    """Old, new and stored lines of the first measure; of many combinations of dimensions those of the first points."""
    measure = kpi["measures"][0]
    points = [p for p in kpi["points"] if p["measure"] == measure and p["day"]]
    order = list(dict.fromkeys(tuple(map(str, p["dimensions"])) for p in points))[:_MOST_LINES]
    rows = [
        {"day": p["day"], "value": p[side], "logic": side, "of": ", ".join(map(str, p["dimensions"]))}
        for p in points
        if tuple(map(str, p["dimensions"])) in order
        for side in _COLOURS
        if p[side] is not None
    ]
    unit = f" ({kpi['unit']})" if kpi.get("unit") else ""
    return {
        "data": {"values": rows},
        "title": f"{kpi['kpi']}{unit}",
        "height": 240,
        "mark": {"type": "line", "point": {"size": 18}, "tooltip": True},
        "encoding": {
            "x": {"field": "day", "type": "temporal", "title": None},
            "y": {"field": "value", "type": "quantitative", "title": None, "scale": {"zero": False}},
            "color": {
                "field": "logic",
                "type": "nominal",
                "title": None,
                "scale": {"domain": list(_COLOURS), "range": list(_COLOURS.values())},
            },
            "detail": {"field": "of", "type": "nominal"},
        },
    }


def _files(data: Data, language: str) -> None:
    for draft in data.get("drafts", ()):
        with st.expander(verbatim(f"output/{draft['path']}")):
            st.code(str(draft["text"]), language=language)
        _download(str(draft["path"]), str(draft["text"]))


def _download(path: str, text: str) -> None:
    name = path.rpartition("/")[2]
    st.download_button(
        name, text, file_name=name, icon=":material/download:", key=f"file-{path}-{hash(text)}", type="tertiary"
    )


def _without_pictures(markdown: str) -> str:
    """Mermaid is for viewers that draw it; the page has the lineage graph."""
    kept, inside = [], False
    for line in markdown.splitlines():
        inside = (inside or line == "```mermaid") and not (inside and line == "```")
        if not inside and line != "```":
            kept.append(line)
    return "\n".join(kept)


def _query(data: Data) -> None:
    columns = [str(name) for name in data["columns"]]
    names = [name if columns.count(name) == 1 else f"{name} ({place})" for place, name in enumerate(columns, start=1)]
    st.dataframe([dict(zip(names, row, strict=True)) for row in data["rows"]], hide_index=True, width="stretch")
    st.code(str(data["sql"]), language="sql")


RESULT_DRAWERS: Mapping[str, Callable[[Data], None]] = {
    "tests": _tests,
    "check_run": _check_run,
    "contract": _contract,
    "documentation": _documentation,
    "simulation": _simulation,
    "query": _query,
}
SAID = frozenset({"documents", "diff", "written"})
"""Kinds of which the answer has said all: no picture of them tells more."""
