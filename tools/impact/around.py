"""What stands around a change, whatever its kind: the jobs that write what changes, and the picture of what it reaches."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from tools.changes import Change
from tools.impact.rereading import Rereader
from tools.impact.result import ImpactItem, short, shown_name
from tools.lineage import Node, walk

if TYPE_CHECKING:
    from tools.lineage import Direction
    from tools.workspace import Workspace

__all__ = ["picture_of", "writers_of"]


def writers_of(ws: Workspace, change: Change) -> list[ImpactItem]:
    """Jobs that write the changed column or table themselves: they bring it back, or fail, unless edited too."""
    if change.table is None:
        return []
    places = Rereader(ws, {})
    out = []
    for reading in ws.readings.values():
        for write in reading.plan.writes:
            if write.target.name != change.table:
                continue
            column = next((a for a in write.assignments if a.column.lower() == (change.column or "").lower()), None)
            if change.column and column is None:
                continue
            span = (reading.tracer.defined_at(column.expressions[0]) if column else None) or write.span
            what = f"writes `{change.column}`" if change.column else f"writes `{short(change.table)}`"
            out.append(ImpactItem("job", reading.name, "may_be_affected", what, (), (places.evidence(span, None),)))
            break
    return out


def picture_of(
    ws: Workspace, change: Change, start: Node, items: Sequence[ImpactItem], direction: Direction = "downstream"
) -> dict[str, Any]:
    """Nodes and edges to draw: the change, and what it reaches."""
    reached = {f"{i.kind}:{i.name}": i for i in items if i.verdict != "not_affected"}
    label = f"{short(change.table)}.{change.column}" if change.table and change.column else start.label
    nodes = [{"id": start.id, "kind": start.kind, "name": label, "verdict": "changed"}]
    nodes += [
        {"id": k, "kind": i.kind, "name": shown_name(i), "verdict": i.verdict}
        for k, i in reached.items()
        if k != start.id
    ]
    _, edges = walk(ws.graph.assets, start, direction)
    keep = {n["id"] for n in nodes}
    return {"nodes": nodes, "edges": [{"from": a, "to": b} for a, b, _ in edges if a in keep and b in keep]}
