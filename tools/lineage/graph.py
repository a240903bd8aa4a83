"""The graph itself: nodes by id, and edges along the flow of data with the place where each is stated."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import rustworkx as rx

from tools.assets import Asset, Kind

__all__ = ["Direction", "LineageGraph", "Link", "Node", "Slim", "node_of"]

Direction = Literal["upstream", "downstream"]
Slim: TypeAlias = tuple[str | None, int | None, str | None, str | None, str | None, str]
"""A link's first six fields: half a million of these are a third of as many links."""


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

    @property
    def direct(self) -> bool:
        """Whether values flow along it; an indirect edge decides (condition, filter, join, group, order, window)."""
        return self.role in (None, "value")

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
        self._graph: rx.PyDiGraph[Node | str, Link | Slim] = rx.PyDiGraph(multigraph=True)
        self._index: dict[str, int] = {}
        self._known: set[tuple[int, int, str | None, str | None]] = set()

    def add(self, source: Node, target: Node, link: Link) -> None:
        """Adds an edge, and nodes that are not there yet. Of one job and one role, the first edge between two stays."""
        a, b = self._put(source), self._put(target)
        key = (a, b, link.via, link.role)
        if key not in self._known:
            self._known.add(key)
            self._graph.add_edge(a, b, link)

    def add_all(self, edges: Sequence[tuple[str, str, Slim]]) -> None:
        """Very many edges between node ids at once, none of them there yet.

        Nodes stay ids and links stay tuples until they are asked for: making them takes longer than all the rest.
        """
        index = self._index
        fresh: list[Node | str] = []
        number = self._graph.num_nodes()
        for source, target, _ in edges:
            if source not in index:
                index[source] = number + len(fresh)
                fresh.append(source)
            if target not in index:
                index[target] = number + len(fresh)
                fresh.append(target)
        self._graph.add_nodes_from(fresh)  # numbered on from the last one, as nothing is ever removed
        self._graph.add_edges_from([(index[a], index[b], data) for a, b, data in edges])

    @property
    def ids(self) -> list[str]:
        """The ids of all nodes."""
        return list(self._index)

    def ensure(self, node: Node) -> None:
        """Adds a node without edges."""
        self._put(node)

    def __contains__(self, node_id: str) -> bool:
        return node_id in self._index

    def neighbours(self, node_id: str, direction: Direction) -> list[tuple[Node, Link]]:
        """Adjacent nodes in a direction with each edge to them: direct ones first, then in order of insertion."""
        index = self._index[node_id]
        edges = self._graph.in_edges(index) if direction == "upstream" else self._graph.out_edges(index)
        pairs = [(_node(self._graph[a if direction == "upstream" else b]), _link(data)) for a, b, data in edges]
        pairs.reverse()
        return sorted(pairs, key=lambda pair: not pair[1].direct)

    def _put(self, node: Node) -> int:
        if node.id not in self._index:
            self._index[node.id] = self._graph.add_node(node)
        return self._index[node.id]


def node_of(node_id: str) -> Node:
    """The node of an id."""
    kind, _, name = node_id.partition(":")
    return Node(kind, name)  # type: ignore[arg-type]


def _node(data: Node | str) -> Node:
    return data if isinstance(data, Node) else node_of(data)


def _link(data: Link | Slim) -> Link:
    return data if isinstance(data, Link) else Link(*data)
