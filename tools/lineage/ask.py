"""Asks the graphs: what feeds an asset, or what it feeds, how far away, and by which hops."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from tools.assets import Kind
from tools.lineage.coverage import coverage, unknowns_of
from tools.lineage.graph import Direction, LineageGraph, Link, Node
from tools.lineage.result import Hop, LineageResult, Reached

if TYPE_CHECKING:
    from tools.workspace import Workspace

__all__ = ["deciding_rows", "downstream", "upstream", "walk"]


def upstream(ws: Workspace, name: str, *, depth: int | None = None, kind: Kind | None = None) -> LineageResult:
    """What feeds an asset. See `_ask`."""
    return _ask(ws, name, "upstream", depth, kind)


def downstream(ws: Workspace, name: str, *, depth: int | None = None, kind: Kind | None = None) -> LineageResult:
    """What an asset feeds. See `_ask`."""
    return _ask(ws, name, "downstream", depth, kind)


def _ask(ws: Workspace, name: str, direction: Direction, depth: int | None, kind: Kind | None) -> LineageResult:
    """Walks one graph from an asset.

    Args:
        name: a table, job, dashboard, KPI, or `table.column`.
        depth: hops to go; None for all.
        kind: show only nodes of this kind (the walk still passes through the others).

    Raises NotFound or Ambiguous for the name.
    """
    asset = ws.assets.find(name)
    graph = ws.graph.columns if asset.kind == "column" else ws.graph.assets
    start = Node(asset.kind, asset.name)
    reached, edges = walk(graph, start, direction, depth)
    deciding = deciding_rows(graph, start) if direction == "upstream" and asset.kind == "column" else ()
    return LineageResult(
        start,
        direction,
        tuple(reached),
        tuple(edges),
        coverage(ws),
        depth,
        kind,
        tuple(unknowns_of(ws, reached, start)),
        tuple(deciding),
    )


def deciding_rows(graph: LineageGraph, column: Node) -> list[Hop]:
    """Columns that decide which rows the column's table has: they are upstream of each of its columns, indirectly."""
    table = Node("table", column.name.rpartition(".")[0])
    if table.id not in graph:
        return []
    return [(other.id, table.id, link) for other, link in graph.neighbours(table.id, "upstream") if link.role]


def walk(
    graph: LineageGraph, start: Node, direction: Direction, depth: int | None = None
) -> tuple[list[Reached], list[tuple[str, str, Link]]]:
    """Nodes in hop order and the edges between them (along the flow of data). Cycles end where they began."""
    if start.id not in graph:
        return [], []
    far = {start.id: 0}
    order: list[Reached] = []
    edges: dict[tuple[str, str, str | None, str | None], Link] = {}
    queue: deque[tuple[Node, int]] = deque([(start, 0)])
    while queue:
        node, at = queue.popleft()
        if far[node.id] < at:
            continue
        for other, link in graph.neighbours(node.id, direction):
            cost = 0 if node.kind == "job" and node is not start and node.id != start.id else 1
            if depth is not None and at + cost > depth:
                continue
            pair = (other.id, node.id) if direction == "upstream" else (node.id, other.id)
            edges.setdefault((*pair, link.via, link.role), link)
            if other.id not in far or at + cost < far[other.id]:
                if other.id not in far:
                    order.append(Reached(other, at + cost))
                far[other.id] = at + cost
                # A free step (job to table) is as near as its job: it goes before what is one hop further.
                (queue.appendleft if cost == 0 else queue.append)((other, at + cost))
    settled = [Reached(r.node, far[r.node.id]) for r in order if r.node.id != start.id]
    return sorted(settled, key=lambda r: r.depth), [(a, b, link) for (a, b, _, _), link in edges.items()]
