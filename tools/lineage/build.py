"""Builds both graphs from what was read: data sets, jobs, dashboards and KPIs; and columns."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tools.consumers import Consumer
from tools.jobs import JobReading
from tools.lineage.graph import LineageGraph, Link, Node
from tools.plan.lineage import Edge

if TYPE_CHECKING:
    from tools.workspace import Workspace

__all__ = ["Graphs", "build_graph"]


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
    for table in reading.reads:
        graphs.assets.add(Node("table", table), job, Link(reading.file))
    for write in reading.plan.writes:
        if write.kind != "query":
            graphs.assets.add(job, Node("table", write.target.name), Link(*_place(write.span, reading.file)))
    for table in reading.writes:
        graphs.assets.add(job, Node("table", table), Link(reading.file))
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
