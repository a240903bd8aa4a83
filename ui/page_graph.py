"""The picture of a lineage or an impact on the page, with its legend."""

from __future__ import annotations

from html import escape

import streamlit as st

from ui.graphs import DARK, LIGHT, Graph, Palette, to_dot
from ui.verdicts import verdict

__all__ = ["draw_graph", "palette"]


WIDEST = 12  # page.css has a rule for each number of ranks up to this


def palette() -> Palette:
    """The colours of the theme that the visitor sees."""
    return DARK if st.context.theme.type == "dark" else LIGHT


def draw_graph(graph: Graph, key: str, alt: str) -> None:
    """The graph at a readable size; a wide one scrolls sideways. Nothing is drawn where nothing is connected."""
    if len(graph.nodes) < 2:
        return
    colours = palette()
    if graph.marks:
        st.html(_legend(graph, colours))
    # As wide as the page where names stay readable so, else it scrolls: a column of nodes needs its width.
    with st.container(key=f"graph-{min(graph.ranks, WIDEST)}-{key}"):
        st.graphviz_chart(to_dot(graph, colours), width="content", alt=alt)


def _legend(graph: Graph, colours: Palette) -> str:
    said = [verdict(mark) for mark in graph.marks]
    marks = "".join(
        f'<span class="copilot-mark" style="background:{colours.tones[v.tone][0]};'
        f'border-color:{colours.tones[v.tone][1]};color:{colours.text}" title="{escape(v.meaning)}">'
        f"{escape(v.title)}</span>"
        for v in said
    )
    return f'<div class="copilot-legend">{marks}</div>'
