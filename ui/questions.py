"""What a newcomer may ask of this lake: a few questions made of its own names, one for each thing the copilot does.

They are chosen by how much hangs on a name, so that the answers are worth reading. It must not know any lake.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tools.assets import Asset
from tools.lineage import Direction, Node, walk
from tools.workspace import Workspace

__all__ = ["CAPABILITIES", "questions_for"]

CAPABILITIES: Sequence[tuple[str, str]] = (
    ("What a change breaks", "drop, rename or retype a column or table; a job that is late or fails"),
    ("Where something comes from", "a table, a column, a job, a dashboard, a KPI"),
    ("Where it goes", "everything downstream, or only dashboards, KPIs, jobs or tables"),
    ("What a table holds", "columns and types, row counts, nulls, ranges, also of the last days"),
    ("What a job does", "its inputs, filters, joins, and each column it writes"),
    ("What there is", "tables, jobs, dashboards and KPIs, also by a part of the name"),
)

MOST_LOOKED_AT = 400  # columns; a walk takes well under a millisecond


def questions_for(ws: Workspace) -> list[str]:
    """Up to six questions; none for an empty lake."""
    return list(dict.fromkeys(_questions(ws)))


def _questions(ws: Workspace) -> Iterator[str]:
    columns = ws.assets.all("column")[:MOST_LOOKED_AT]
    if column := _most(ws, columns, "downstream"):
        yield f"What breaks if I drop {column.short}?"
    if column := _most(ws, columns, "upstream"):
        yield f"Where does {column.short} come from?"
    if table := _most(ws, ws.assets.all("table"), "downstream"):
        yield f"Which dashboards and KPIs depend on {table.short}?"
    if job := _most(ws, ws.assets.all("job"), "downstream"):
        yield f"What goes stale if {job.short} fails?"
    if job := _most(ws, ws.assets.all("job"), "upstream"):
        yield f"What does {job.short} do?"
    if table := _most(ws, ws.assets.all("table"), "upstream"):
        yield f"What is in {table.short}?"


def _most(ws: Workspace, assets: Sequence[Asset], way: Direction) -> Asset | None:
    """The asset with most on that side of it; the first of them, and none when nothing has anything."""
    sized = {asset: _reach(ws, asset, way) for asset in assets}
    best = max(sized, key=lambda a: sized[a], default=None)
    return best if best is not None and sized[best] else None


def _reach(ws: Workspace, asset: Asset, way: Direction) -> int:
    graph = ws.graph.columns if asset.kind == "column" else ws.graph.assets
    return len(walk(graph, Node(asset.kind, asset.name), way)[0])
