"""The graph from what was kept: no job is read again, so that a lake of ten thousand jobs answers in seconds.

It knows what the last `de-copilot snapshot` saw, and says how old that is.
"""

from __future__ import annotations

import gc
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from sys import intern
from typing import Any

from knowledge.errors import Ambiguous, NotFound
from knowledge.names import nearest
from knowledge.records import DashboardRecord, JobRecord, KpiRecord, Record, TableRecord
from knowledge.store import RecordStore
from tools.assets import Kind
from tools.lineage.ask import deciding_rows, walk
from tools.lineage.build import Graphs
from tools.lineage.graph import Direction, Link, Node, Slim, node_of
from tools.lineage.result import LineageResult

__all__ = ["ask_kept", "load_graphs"]


def load_graphs(store: RecordStore) -> Graphs:
    """Both graphs from the store's records. Raises what the store raises."""
    with _without_collecting():
        return _graphs(store.list())


def ask_kept(
    store: RecordStore, name: str, direction: Direction, depth: int | None = None, kind: Kind | None = None
) -> LineageResult:
    """As `upstream` and `downstream`, from what was kept.

    Raises NotFound or Ambiguous for the name, and what the store raises.
    """
    records = store.list()
    with _without_collecting():
        graphs = _graphs(records)
    start = _find(graphs, name)
    graph = graphs.columns if start.kind == "column" else graphs.assets
    reached, edges = walk(graph, start, direction, depth)
    deciding = deciding_rows(graph, start) if direction == "upstream" and start.kind == "column" else []
    return LineageResult(
        start, direction, tuple(reached), tuple(edges), _coverage(records), depth, kind, (), tuple(deciding)
    )


@contextmanager
def _without_collecting() -> Iterator[None]:
    """A million objects that all stay: looking for garbage among them takes longer than making or asking them."""
    was = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        if was:
            gc.enable()


def _graphs(records: Sequence[Record]) -> Graphs:
    full = {r.name: str(r.extra.get("full_name", r.name)) for r in records if isinstance(r, TableRecord)}
    graphs = Graphs()
    assets: list[tuple[Node, Node, Link]] = []
    columns: list[tuple[str, str, Slim]] = []
    for record in records:
        if isinstance(record, TableRecord):
            graphs.assets.ensure(Node("table", full[record.name]))
        elif isinstance(record, JobRecord):
            assets += _job_edges(record, full)
            columns += _column_edges(record.name, record.columns)
        else:
            assets += _consumer_edges(record, full)
            node = f"{record.object_type.lower()}:{record.name}"
            columns += _column_edges(record.name, record.extra.get("columns", ()), node)
    for source, target, link in assets:
        graphs.assets.add(source, target, link)
    graphs.columns.add_all(columns)
    return graphs


def _job_edges(record: JobRecord, full: Mapping[str, str]) -> Iterator[tuple[Node, Node, Link]]:
    job, place = Node("job", record.name), Link(record.file)
    yield from ((Node("table", full.get(t, t)), job, place) for t in record.reads_from)
    yield from ((job, Node("table", full.get(t, t)), place) for t in record.writes_to)


def _consumer_edges(record: DashboardRecord | KpiRecord, full: Mapping[str, str]) -> Iterator[tuple[Node, Node, Link]]:
    node: Node = Node("dashboard" if isinstance(record, DashboardRecord) else "kpi", record.name)
    tables = record.tables_used if isinstance(record, DashboardRecord) else record.depends_on_tables
    link = Link(level="column" if record.extra.get("columns") else "table")
    yield from ((Node("table", full.get(t, t)), node, link) for t in tables)


def _column_edges(
    via: str, edges: Iterable[Mapping[str, Any]], consumer: str | None = None
) -> Iterator[tuple[str, str, Slim]]:
    """Slim edges: what records repeat half a million times (roles, files) is held once."""
    places: dict[str | None, str | None] = {}
    for edge in edges:
        source, name, target, column = edge["source"], edge["source_column"], edge["target"], edge["target_column"]
        into = consumer or (f"column:{target}.{column.lower()}" if column else f"table:{target}")
        place = places.setdefault(edge["file"], edge["file"])
        sure = "high" if edge["confidence"] == "high" else "low"
        yield (
            f"column:{source}.{name}",
            into,
            (place, edge["line"], intern(edge["role"]), via, edge["expression"], sure),
        )


def _find(graphs: Graphs, name: str) -> Node:
    """The node that a name means: its whole name or the end of one after a dot; as it is said before folded."""
    said = name.strip()
    folded = said.lower()
    ids = [*graphs.assets.ids, *(graphs.columns.ids if "." in said else ())]
    ends = [i for i in dict.fromkeys(ids) if i.lower().endswith((f":{folded}", f".{folded}"))]
    whole = [i for i in ends if i.lower().partition(":")[2] == folded]
    as_said = [i for i in ends if i.endswith((f":{said}", f".{said}"))]
    best = next((s for s in ([i for i in whole if i in as_said], as_said, whole, ends) if s), [])
    found = [node_of(i) for i in best]
    if not found:
        raise NotFound(
            "kept name",
            name,
            nearest(name, [node_of(i).label for i in graphs.assets.ids]),
            hint="`de-copilot snapshot` keeps the lake as it is now.",
        )
    if len(found) > 1:
        raise Ambiguous("name", name, [f"{n.kind} {n.name}" for n in found][:12])
    return found[0]


def _coverage(records: Sequence[Record]) -> dict[str, Any]:
    jobs = [r for r in records if isinstance(r, JobRecord) and "retired_at" not in r.extra]
    times = sorted(r.analyzed_at for r in jobs if r.analyzed_at)
    unread = [r for r in jobs if r.unknowns and not r.writes_to]
    partly = [r for r in jobs if r.unknowns and r.writes_to]
    consumers = [r for r in records if isinstance(r, DashboardRecord | KpiRecord)]
    return {
        "jobs_total": len(jobs),
        "jobs_read": len(jobs) - len(unread),
        "unreadable": [{"job": r.name, "reason": str(r.unknowns[0].get("reason", ""))} for r in unread],
        "partly_read": [{"job": r.name, "reasons": [str(u.get("reason")) for u in r.unknowns]} for r in partly],
        "consumers_total": len(consumers),
        "table_level_only": [r.name for r in consumers if not r.extra.get("columns")],
        "kept_since": times[0] if times else None,
    }
