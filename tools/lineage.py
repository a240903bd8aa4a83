"""Lineage asked: what feeds a job, table, column, dashboard or KPI, and what it feeds, with the place of every hop.

Two graphs are built from what was read: data sets, jobs, dashboards and KPIs; and columns. A *hop* is one job,
dashboard or KPI: a job and the tables on its far side are equally far away.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import rustworkx as rx

from tools.assets import KINDS, Asset, Kind
from tools.consumers import Consumer
from tools.jobs import JobReading
from tools.plan.lineage import Edge
from tools.result import Evidence, counted, listed

if TYPE_CHECKING:
    from tools.workspace import Workspace

Direction = Literal["upstream", "downstream"]


@dataclass(frozen=True, slots=True)
class Node:
    """A node of either graph; `id` is `kind:name`."""

    kind: Kind
    name: str

    @property
    def id(self) -> str:
        """The node's id."""
        return f"{self.kind}:{self.name}"

    @property
    def label(self) -> str:
        """The name as people say it: tables without their database, columns as `table.column`."""
        return Asset(self.kind, self.name).short


@dataclass(frozen=True, slots=True)
class Link:
    """An edge: where it is stated, for columns also its role and expression."""

    file: str | None = None
    line: int | None = None
    role: str | None = None
    via: str | None = None
    expression: str | None = None
    confidence: str = "high"
    level: Literal["column", "table"] = "column"

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it, without what is not there."""
        data = {
            "file": self.file,
            "line": self.line,
            "role": self.role,
            "via": self.via,
            "expression": self.expression,
        }
        out = {k: v for k, v in data.items() if v is not None}
        if self.confidence != "high":
            out["confidence"] = self.confidence
        if self.level != "column":
            out["level"] = self.level
        return out


class LineageGraph:
    """A directed graph of nodes by id, edges along the flow of data."""

    def __init__(self) -> None:
        self._graph: rx.PyDiGraph[Node, Link] = rx.PyDiGraph(multigraph=False)
        self._index: dict[str, int] = {}

    def add(self, source: Node, target: Node, link: Link) -> None:
        """Adds an edge, and nodes that are not there yet. The first edge between two nodes stays."""
        a, b = self._put(source), self._put(target)
        if not self._graph.has_edge(a, b):
            self._graph.add_edge(a, b, link)

    def ensure(self, node: Node) -> None:
        """Adds a node without edges."""
        self._put(node)

    def __contains__(self, node_id: str) -> bool:
        return node_id in self._index

    def neighbours(self, node_id: str, direction: Direction) -> list[tuple[Node, Link]]:
        """Adjacent nodes in a direction with the edge to each, in order of insertion."""
        index = self._index[node_id]
        edges = self._graph.in_edges(index) if direction == "upstream" else self._graph.out_edges(index)
        pairs = [(self._graph[a if direction == "upstream" else b], link) for a, b, link in edges]
        return pairs[::-1]

    def _put(self, node: Node) -> int:
        if node.id not in self._index:
            self._index[node.id] = self._graph.add_node(node)
        return self._index[node.id]


@dataclass
class Graphs:
    """Both graphs of a workspace."""

    assets: LineageGraph = field(default_factory=LineageGraph)
    columns: LineageGraph = field(default_factory=LineageGraph)


def build_graph(ws: Workspace) -> Graphs:
    """Both graphs from all readings, dashboards and KPIs."""
    graphs = Graphs()
    for asset in ws.assets.all():
        graphs.assets.ensure(Node(asset.kind, asset.name))
    for reading in ws.readings.values():
        _add_job(graphs, reading)
    for consumer in ws.consumers:
        _add_consumer(graphs, consumer)
    return graphs


def _add_job(graphs: Graphs, reading: JobReading) -> None:
    job = Node("job", reading.name)
    for scan in reading.plan.scans:
        span = scan.span
        graphs.assets.add(Node("table", scan.dataset.name), job, Link(*_place(span, reading.file)))
    for write in reading.plan.writes:
        if write.kind != "query":
            graphs.assets.add(job, Node("table", write.target.name), Link(*_place(write.span, reading.file)))
    _add_columns(graphs.columns, reading.edges, reading.name, None)


def _place(span: Any, file: str) -> tuple[str, int | None]:
    return (span.file, span.line) if span is not None else (file, None)


def _add_columns(graph: LineageGraph, edges: Iterable[Edge], via: str, consumer: Node | None) -> None:
    for edge in edges:
        source = Node("column", f"{edge.source}.{edge.source_column}")
        if consumer is not None:
            target = consumer
        elif edge.target_column is not None:
            target = Node("column", f"{edge.target}.{edge.target_column.lower()}")
        else:
            target = Node("table", edge.target)
        span = edge.span
        link = Link(
            span.file if span else None,
            span.line if span else None,
            edge.role,
            via,
            edge.expression,
            edge.confidence,
        )
        graph.add(source, target, link)


def _add_consumer(graphs: Graphs, consumer: Consumer) -> None:
    node = Node(consumer.kind, consumer.name)
    graphs.assets.ensure(node)
    for table in consumer.tables:
        graphs.assets.add(Node("table", table), node, Link(consumer.file, level=consumer.level))
    if consumer.reading is not None:
        _add_columns(graphs.columns, consumer.reading.edges, consumer.name, node)
    for table, column in consumer.stated_columns:
        graphs.columns.add(
            Node("column", f"{table}.{column}"), node, Link(consumer.file, role="value", via=consumer.name)
        )


# --------------------------------------------------------------------------- asking


@dataclass(frozen=True, slots=True)
class Reached:
    """A node that a walk reached, and how many hops away."""

    node: Node
    depth: int


@dataclass(frozen=True)
class LineageResult:
    """What feeds an asset, or what it feeds."""

    kind = "lineage"
    asset: Node
    direction: Direction
    reached: tuple[Reached, ...]
    edges: tuple[tuple[str, str, Link], ...]
    coverage: Mapping[str, Any]
    depth: int | None = None
    only: Kind | None = None
    unknowns: tuple[str, ...] = ()

    @property
    def shown(self) -> list[Reached]:
        """What was asked for: nodes of the asked kind, nearest first."""
        return [r for r in self.reached if self.only is None or r.node.kind == self.only]

    @property
    def evidence(self) -> Sequence[Evidence]:
        """The place of every hop."""
        places = {
            f"{link.file}:{link.line}" if link.line else str(link.file): link.expression
            for _, _, link in self.edges
            if link.file
        }
        return tuple(Evidence("code" if ":" in where else "config", where, text) for where, text in places.items())

    def text(self) -> str:
        """One sentence with counts, then every node by kind and distance."""
        side = "upstream of" if self.direction == "upstream" else "downstream of"
        shown = self.shown
        limit = f" within {counted(self.depth, 'hop')}" if self.depth is not None else ""
        if not shown:
            what = f"{_LABEL[self.only]}s" if self.only else "Nothing"
            none = f"No {what} are {side}" if self.only else f"Nothing is {side}"
            return f"{none} `{self.asset.label}`{limit}, as far as the code could be read.{self._coverage_text()}"
        totals = [
            counted(sum(r.node.kind == k for r in shown), _LABEL[k])
            for k in (*KINDS, "column")
            if any(r.node.kind == k for r in shown)
        ]
        lines = [f"{_sentence(totals)} {'is' if len(shown) == 1 else 'are'} {side} `{self.asset.label}`{limit}."]
        for kind in (*KINDS, "column"):
            names = [r for r in shown if r.node.kind == kind]
            if names:
                lines.append(f"- **{_LABEL[kind].capitalize() if kind != 'kpi' else 'KPI'}s**: {_by_depth(names)}")
        return "\n".join([*lines, *self._hops()]) + self._coverage_text()

    def _hops(self) -> list[str]:
        columns = [(a, b, k) for a, b, k in self.edges if k.role]
        if not columns:
            return []
        rows = [
            f"- `{a.partition(':')[2]}` → `{b.partition(':')[2]}` ({k.role}"
            f"{f', {k.file}:{k.line}' if k.line else f', {k.file}' if k.file else ''})"
            for a, b, k in columns
        ]
        more = [f"- and {len(rows) - 15} more hops"] if len(rows) > 15 else []
        return ["", "How:", *rows[:15], *more]

    def _coverage_text(self) -> str:
        return "\n\n" + coverage_text(self.coverage)

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        nodes = [{"id": self.asset.id, "kind": self.asset.kind, "name": self.asset.label, "depth": 0}]
        nodes += [{"id": r.node.id, "kind": r.node.kind, "name": r.node.label, "depth": r.depth} for r in self.reached]
        return {
            "asset": {"kind": self.asset.kind, "name": self.asset.label, "id": self.asset.id},
            "direction": self.direction,
            "depth": self.depth,
            "only": self.only,
            "nodes": nodes,
            "edges": [{"from": a, "to": b, **link.to_dict()} for a, b, link in self.edges],
            "coverage": dict(self.coverage),
            "unknowns": list(self.unknowns),
        }


_LABEL = {"table": "table", "job": "job", "dashboard": "dashboard", "kpi": "KPI", "column": "column"}


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
    return LineageResult(
        start,
        direction,
        tuple(reached),
        tuple(edges),
        coverage(ws),
        depth,
        kind,
        tuple(unknowns_of(ws, reached, start)),
    )


def walk(
    graph: LineageGraph, start: Node, direction: Direction, depth: int | None = None
) -> tuple[list[Reached], list[tuple[str, str, Link]]]:
    """Nodes in hop order and the edges between them (along the flow of data). Cycles end where they began."""
    if start.id not in graph:
        return [], []
    far = {start.id: 0}
    order: list[Reached] = []
    edges: dict[tuple[str, str], Link] = {}
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
            edges.setdefault(pair, link)
            if other.id not in far or at + cost < far[other.id]:
                if other.id not in far:
                    order.append(Reached(other, at + cost))
                far[other.id] = at + cost
                # A free step (job to table) is as near as its job: it goes before what is one hop further.
                (queue.appendleft if cost == 0 else queue.append)((other, at + cost))
    settled = [Reached(r.node, far[r.node.id]) for r in order if r.node.id != start.id]
    return sorted(settled, key=lambda r: r.depth), [(a, b, link) for (a, b), link in edges.items()]


def coverage(ws: Workspace) -> dict[str, Any]:
    """What the answer rests on: jobs read and not read, dashboards and KPIs known only at table level."""
    unread = [r for r in ws.readings.values() if not r.readable]
    partly = [r for r in ws.readings.values() if r.readable and r.unknowns]
    return {
        "jobs_total": len(ws.readings),
        "jobs_read": len(ws.readings) - len(unread),
        "unreadable": [{"job": r.name, "reason": str(r.unknowns[0]) if r.unknowns else ""} for r in unread],
        "partly_read": [{"job": r.name, "reasons": [str(u) for u in r.unknowns]} for r in partly],
        "consumers_total": len(ws.consumers),
        "table_level_only": [c.name for c in ws.consumers if c.level == "table"],
    }


def coverage_text(data: Mapping[str, Any]) -> str:
    """The coverage line of an answer."""
    jobs, total = data["jobs_read"], data["jobs_total"]
    text = f"Coverage: {jobs} of {counted(total, 'job')} read"
    if data["unreadable"]:
        text += f"; not readable: {listed([u['job'] for u in data['unreadable']])}"
    if data["partly_read"]:
        text += f"; read in part: {listed([u['job'] for u in data['partly_read']])}"
    if data["table_level_only"]:
        text += f"; known only at table level: {listed(data['table_level_only'], code=False)}"
    return f"_{text}._"


def unknowns_of(ws: Workspace, reached: Iterable[Reached], start: Node) -> list[str]:
    """What could not be read in jobs that the walk touched, and in jobs that could not be read at all."""
    touched = {start.name, *(r.node.name for r in reached if r.node.kind == "job")}
    return [str(u) for r in ws.readings.values() if r.name in touched or not r.readable for u in r.unknowns]


def _sentence(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _by_depth(nodes: Sequence[Reached], shown: int = 40) -> str:
    names = [f"`{r.node.label}`{f' ({r.depth} hops)' if r.depth > 1 else ''}" for r in nodes]
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
