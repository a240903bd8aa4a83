"""Pictures of lineage and impact: from a result's data to Graphviz and Mermaid text.

Pure text in, text out. Names are data: they are escaped for the language they go into and never cut. It must not know
where a picture is shown.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ui.verdicts import KINDS, VERDICTS, clean, verdict

__all__ = ["DARK", "LIGHT", "Graph", "Palette", "graph_of", "to_dot", "to_mermaid"]

MOST_NODES = 60
"""Above this a picture is a wall; the least telling nodes are then drawn as one, with their exact number."""

_LINE = 24  # characters of a name per line, where it can be broken at all
_FOCUS = "asked"


@dataclass(frozen=True, slots=True)
class Node:
    """`mark` is a verdict's key, `asked` for what the question was about, or empty."""

    id: str
    kind: str
    name: str
    mark: str = ""
    depth: int = 0


@dataclass(frozen=True, slots=True)
class Graph:
    """Nodes and the edges between them, by node id, along the flow of data."""

    nodes: tuple[Node, ...]
    edges: tuple[tuple[str, str], ...]

    @property
    def ranks(self) -> int:
        """How many nodes the longest way passes, an edge of a cycle not followed twice: how wide the picture is."""
        onward: dict[str, list[str]] = {}
        for here, there in self.edges:
            onward.setdefault(here, []).append(there)
        longest: dict[str, int] = {}

        def measure(node: str, above: frozenset[str]) -> int:
            if node not in longest:
                longest[node] = 1 + max(
                    (measure(n, above | {node}) for n in onward.get(node, ()) if n not in above), default=0
                )
            return longest[node]

        return max((measure(n.id, frozenset({n.id})) for n in self.nodes), default=0)

    @property
    def marks(self) -> list[str]:
        """The verdicts that occur, worst first: what a legend has to explain."""
        used = {n.mark for n in self.nodes}
        return [v.key for v in VERDICTS if v.key in used]


@dataclass(frozen=True, slots=True)
class Palette:
    """Colours of one theme: (fill, line) per tone, kind and the asked node; text and edges."""

    text: str
    quiet: str
    edge: str
    tones: Mapping[str, tuple[str, str]]
    kinds: Mapping[str, tuple[str, str]]


LIGHT = Palette(
    text="#1b2733",
    quiet="#4d5b69",
    edge="#8593a1",
    tones={
        "bad": ("#fbe1df", "#c8372d"),
        "warn": ("#fdecd2", "#b86e00"),
        "change": ("#ece3fa", "#7446b8"),
        "unsure": ("#f0f2f4", "#66737f"),
        "fine": ("#e0f3e8", "#26845a"),
        _FOCUS: ("#d9e8fc", "#0f5fc2"),
    },
    kinds={
        "job": ("#fff6e5", "#c08a2a"),
        "table": ("#eaf2fb", "#5b8fc9"),
        "dashboard": ("#f2ecfb", "#8f6cc4"),
        "kpi": ("#e6f5ee", "#469a74"),
        "column": ("#eaf2fb", "#5b8fc9"),
    },
)
DARK = Palette(
    text="#eef3f8",
    quiet="#b6c2ce",
    edge="#7c8b9b",
    tones={
        "bad": ("#572321", "#f0756c"),
        "warn": ("#4f3710", "#e5a33f"),
        "change": ("#3b2a5c", "#b18ef0"),
        "unsure": ("#2f3943", "#98a6b4"),
        "fine": ("#173d2d", "#4fbd8a"),
        _FOCUS: ("#173a66", "#6aaeff"),
    },
    kinds={
        "job": ("#40331a", "#d0a452"),
        "table": ("#1d3147", "#6d9fd6"),
        "dashboard": ("#33284a", "#a987dd"),
        "kpi": ("#1a3a2d", "#5fb38d"),
        "column": ("#1d3147", "#6d9fd6"),
    },
)


# --------------------------------------------------------------------------- from data


def graph_of(kind: str, data: Mapping[str, Any], most: int = MOST_NODES) -> Graph:
    """The picture of a result's data; without nodes when results of this kind have none."""
    build = _BUILDERS.get(kind)
    return _condensed(build(data), most) if build else Graph((), ())


def _of_lineage(data: Mapping[str, Any]) -> Graph:
    asked = data["asset"]["id"]
    nodes = [
        Node(n["id"], n["kind"], clean(n["name"]), _FOCUS if n["id"] == asked else "", int(n["depth"]))
        for n in data["nodes"]
    ]
    return _connected(nodes, data["edges"])


def _of_impact(data: Mapping[str, Any]) -> Graph:
    hops = {f"{i['kind']}:{i.get('full_name', i['name'])}": i.get("hops") or 0 for i in data["items"]}
    nodes = [_impact_node(n, hops.get(n["id"], 0)) for n in data["graph"]["nodes"]]
    return _connected(nodes, data["graph"]["edges"])


def _impact_node(node: Mapping[str, Any], depth: int) -> Node:
    if node["verdict"] == "changed":
        return Node(node["id"], "what changes", clean(node["name"]), _FOCUS)
    return Node(node["id"], node["kind"], clean(node["name"]), node["verdict"], depth)


_BUILDERS: Mapping[str, Callable[[Mapping[str, Any]], Graph]] = {
    "lineage": _of_lineage,
    "impact": _of_impact,
    "impact_report": _of_impact,
}


def _connected(nodes: Sequence[Node], edges: Iterable[Mapping[str, Any]]) -> Graph:
    known = {n.id for n in nodes}
    pairs = dict.fromkeys((e["from"], e["to"]) for e in edges)
    return Graph(tuple(nodes), tuple((a, b) for a, b in pairs if a in known and b in known and a != b))


def _condensed(graph: Graph, most: int) -> Graph:
    """At most `most` nodes, and one more per kind for the rest: the near and the badly hit are kept."""
    if len(graph.nodes) <= most:
        return graph
    order = sorted(graph.nodes, key=_telling)
    kept, rest = order[:most], order[most:]
    heaps: dict[str, list[Node]] = {}
    for node in rest:
        heaps.setdefault(node.kind, []).append(node)
    extra = [
        Node(f"more:{kind}", kind, f"{len(heap):,} more {KINDS.get(kind, (kind, kind))[len(heap) > 1]}")
        for kind, heap in heaps.items()
    ]
    stands_for = {n.id: n.id for n in kept} | {n.id: f"more:{n.kind}" for n in rest}
    pairs = dict.fromkeys((stands_for[a], stands_for[b]) for a, b in graph.edges)
    place = {n.id: i for i, n in enumerate(graph.nodes)}
    shown = sorted(kept, key=lambda n: place[n.id])
    return Graph((*shown, *extra), tuple((a, b) for a, b in pairs if a != b))


def _telling(node: Node) -> tuple[int, int]:
    worst = [_FOCUS, *(v.key for v in VERDICTS)]
    return (worst.index(node.mark) if node.mark in worst else len(worst), node.depth)


# --------------------------------------------------------------------------- Graphviz


def to_dot(graph: Graph, palette: Palette = LIGHT) -> str:
    """Graphviz text, left to right. Colour is never the only sign: a verdict is also written in its node."""
    head = (
        'graph [rankdir=LR, bgcolor="transparent", nodesep=0.28, ranksep=0.55, pad=0.15]',
        f'node [shape=box, style="rounded,filled", fontname="Helvetica,Arial,sans-serif", fontsize=12, '
        f'fontcolor="{palette.text}", margin="0.16,0.09", penwidth=1.3]',
        f'edge [color="{palette.edge}", arrowsize=0.7, penwidth=1.2]',
    )
    names = {n.id: f"n{i}" for i, n in enumerate(graph.nodes)}
    nodes = [f"{names[n.id]} [{_dot_look(n, palette)}]" for n in graph.nodes]
    edges = [f"{names[a]} -> {names[b]}" for a, b in graph.edges]
    body = "\n".join(f"  {line}" for line in (*head, *nodes, *edges))
    return f"digraph lineage {{\n{body}\n}}\n"


def _dot_look(node: Node, palette: Palette) -> str:
    fill, line = _colours(node, palette)
    dashed = ",dashed" if node.mark == "may_be_affected" or node.id.startswith("more:") else ""
    strong = ", penwidth=2.4" if node.mark in (_FOCUS, "breaks") else ""
    # Plain labels: only their lines stay centred when the page draws them in another font than was measured.
    label = "\\n".join(_quoted(line) for line in (_caption(node), *_wrapped(node.name)))
    return (
        f'label="{label}", fillcolor="{fill}", color="{line}", style="rounded,filled{dashed}"{strong}, '
        f'tooltip="{_quoted(f"{_caption(node)}: {node.name}")}"'
    )


def _colours(node: Node, palette: Palette) -> tuple[str, str]:
    if node.mark == _FOCUS:
        return palette.tones[_FOCUS]
    return (
        palette.tones[verdict(node.mark).tone] if node.mark else palette.kinds.get(node.kind, palette.tones["unsure"])
    )


def _caption(node: Node) -> str:
    kind = KINDS.get(node.kind, (node.kind, ""))[0]
    return kind if node.mark in ("", _FOCUS) else f"{kind} · {verdict(node.mark).title}"


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')


def _wrapped(name: str) -> list[str]:
    """A name in lines, broken only after `_`, `.`, `-`, `/` or a space; nothing of it is left out."""
    lines = [""]
    for part in re.findall(r"[^_.\-/ ]*[_.\-/ ]?", name):
        if lines[-1] and len(lines[-1]) + len(part.rstrip()) > _LINE:
            lines.append("")
        lines[-1] += part
    return [line for line in lines if line] or [name]


# --------------------------------------------------------------------------- Mermaid


def to_mermaid(graph: Graph, palette: Palette = LIGHT) -> str:
    """A Mermaid flowchart, as Markdown viewers draw it."""
    names = {n.id: f"n{i}" for i, n in enumerate(graph.nodes)}
    lines = [f'  {names[n.id]}["{_entities(_caption(n))}<br/>{_entities(n.name)}"]' for n in graph.nodes]
    lines += [f"  {names[a]} --> {names[b]}" for a, b in graph.edges]
    looks: dict[tuple[str, str], list[str]] = {}
    for node in graph.nodes:
        looks.setdefault(_colours(node, palette), []).append(names[node.id])
    for number, ((fill, line), members) in enumerate(looks.items()):
        lines.append(f"  classDef look{number} fill:{fill},stroke:{line},color:{palette.text}")
        lines.append(f"  class {','.join(members)} look{number}")
    return "\n".join(["flowchart LR", *lines]) + "\n"


def _entities(text: str) -> str:
    """Mermaid's own way to write what would end a label or be read as markup."""
    return "".join(c if c.isalnum() or c in " _.,:;·-/()" else f"#{ord(c)};" for c in text)
