"""The small graph of a report: what changes and what it reaches, as Mermaid text and as an SVG drawing.

Names are data: they are escaped for the language they go into. Colour is never the only sign; a verdict is written too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from tools.impact.result import VERDICTS

__all__ = ["Box", "Picture", "picture_of", "to_mermaid", "to_svg"]

MOST_BOXES = 24
"""Above this a picture tells nothing; the least hit are then one box with their exact number."""

_LOOKS: Mapping[str, tuple[str, str]] = {
    "changed": ("#d9e8fc", "#0f5fc2"),
    "breaks": ("#fbe1df", "#c8372d"),
    "stale": ("#fdecd2", "#b86e00"),
    "unexpected": ("#fdecd2", "#b86e00"),
    "values_change": ("#ece3fa", "#7446b8"),
    "no_reader": ("#f0f2f4", "#3f4a54"),
    "may_be_affected": ("#f0f2f4", "#66737f"),
    "not_affected": ("#e0f3e8", "#26845a"),
}
_WIDTH, _HEIGHT, _ACROSS, _DOWN = 214, 46, 62, 14


@dataclass(frozen=True, slots=True)
class Box:
    """One node: what it is, its verdict (`changed` for where it begins), and how many things it stands for."""

    id: str
    kind: str
    name: str
    verdict: str

    @property
    def caption(self) -> str:
        """Kind and verdict, as written in the box."""
        kind = "KPI" if self.kind == "kpi" else self.kind
        return f"{kind} · {self.verdict.replace('_', ' ')}"


@dataclass(frozen=True, slots=True)
class Picture:
    """Boxes and the arrows between them, along the flow of data."""

    boxes: tuple[Box, ...]
    arrows: tuple[tuple[str, str], ...]


def picture_of(graph: Mapping[str, Any], most: int = MOST_BOXES) -> Picture:
    """The picture of an impact's graph, the worst hit kept where there are too many."""
    boxes = [Box(n["id"], n["kind"], n["name"], n["verdict"]) for n in graph["nodes"]]
    order = ["changed", *VERDICTS]
    kept = sorted(boxes, key=lambda b: order.index(b.verdict) if b.verdict in order else len(order))[:most]
    stands = {b.id: b.id if b in kept else f"more:{b.verdict}" for b in boxes}
    rest: dict[str, int] = {}
    for box in boxes:
        if box not in kept:
            rest[box.verdict] = rest.get(box.verdict, 0) + 1
    more = [Box(f"more:{v}", "and", f"{n} more", v) for v, n in rest.items()]
    arrows = dict.fromkeys(
        (stands[e["from"]], stands[e["to"]]) for e in graph["edges"] if e["from"] in stands and e["to"] in stands
    )
    shown = [b for b in boxes if b in kept]
    return Picture((*shown, *more), tuple((a, b) for a, b in arrows if a != b))


# --------------------------------------------------------------------------- Mermaid


def to_mermaid(picture: Picture) -> str:
    """A Mermaid flowchart, as Markdown viewers draw it."""
    names = {b.id: f"n{i}" for i, b in enumerate(picture.boxes)}
    lines = [f'  {names[b.id]}["{_entities(b.caption)}<br/>{_entities(b.name)}"]' for b in picture.boxes]
    lines += [f"  {names[a]} --> {names[b]}" for a, b in picture.arrows]
    for verdict, (fill, line) in _LOOKS.items():
        members = [names[b.id] for b in picture.boxes if b.verdict == verdict]
        if members:
            lines.append(f"  classDef {verdict} fill:{fill},stroke:{line},color:#1b2733")
            lines.append(f"  class {','.join(members)} {verdict}")
    return "\n".join(["flowchart LR", *lines]) + "\n"


def _entities(text: str) -> str:
    return "".join(c if c.isalnum() or c in " _.,:;·-/()" else f"#{ord(c)};" for c in text)


# --------------------------------------------------------------------------- SVG


def to_svg(picture: Picture) -> str:
    """A drawing in layers from left to right; it needs nothing but itself."""
    layers = _layers(picture)
    places = {
        box.id: (8 + column * (_WIDTH + _ACROSS), 8 + row * (_HEIGHT + _DOWN))
        for column, layer in enumerate(layers)
        for row, box in enumerate(layer)
    }
    width = 16 + len(layers) * (_WIDTH + _ACROSS) - _ACROSS
    height = 16 + max((len(layer) for layer in layers), default=1) * (_HEIGHT + _DOWN) - _DOWN
    arrows = [_arrow(places[a], places[b]) for a, b in picture.arrows]
    boxes = [_box(box, *places[box.id]) for box in picture.boxes]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}" '
        'role="img" aria-label="What the change reaches" font-family="Helvetica,Arial,sans-serif">'
        '<defs><marker id="tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        f'<path d="M0 0 8 4 0 8z" fill="#8593a1"/></marker></defs>{"".join(arrows)}{"".join(boxes)}</svg>'
    )


def _layers(picture: Picture) -> list[list[Box]]:
    """Boxes by the longest way to them; an arrow that closes a circle does not count."""
    onward: dict[str, list[str]] = {}
    for here, there in picture.arrows:
        onward.setdefault(here, []).append(there)
    depth = {b.id: 0 for b in picture.boxes}
    for _ in range(len(picture.boxes)):  # at most as many rounds as there are boxes: a circle cannot go on for ever
        moved = False
        for here, theres in onward.items():
            for there in theres:
                if depth[there] <= depth[here] < len(picture.boxes) - 1 and here not in _beyond(there, onward):
                    depth[there], moved = depth[here] + 1, True
        if not moved:
            break
    found: dict[int, list[Box]] = {}
    for box in picture.boxes:
        found.setdefault(depth[box.id], []).append(box)
    return [found[d] for d in sorted(found)]


def _beyond(start: str, onward: Mapping[str, Sequence[str]]) -> set[str]:
    seen: set[str] = set()
    waiting = list(onward.get(start, ()))
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting += onward.get(node, ())
    return seen


def _arrow(start: tuple[int, int], end: tuple[int, int]) -> str:
    x1, y1 = start[0] + _WIDTH, start[1] + _HEIGHT // 2
    x2, y2 = end[0], end[1] + _HEIGHT // 2
    bend = max(_ACROSS // 2, abs(x2 - x1) // 2)
    path = f"M{x1} {y1}C{x1 + bend} {y1} {x2 - bend} {y2} {x2} {y2}"
    return f'<path d="{path}" fill="none" stroke="#8593a1" stroke-width="1.4" marker-end="url(#tip)"/>'


def _box(box: Box, x: int, y: int) -> str:
    fill, line = _LOOKS.get(box.verdict, _LOOKS["may_be_affected"])
    name = box.name if len(box.name) <= 29 else f"{box.name[:28]}…"
    return (
        f'<g><title>{escape(box.caption)}: {escape(box.name)}</title><rect x="{x}" y="{y}" width="{_WIDTH}" '
        f'height="{_HEIGHT}" rx="7" fill="{fill}" stroke="{line}" stroke-width="1.5"/>'
        f'<text x="{x + 10}" y="{y + 18}" font-size="11" fill="#4d5b69">{escape(box.caption)}</text>'
        f'<text x="{x + 10}" y="{y + 35}" font-size="13" fill="#1b2733">{escape(name)}</text></g>'
    )
