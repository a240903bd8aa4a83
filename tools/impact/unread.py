"""What a dashboard or KPI that is removed leaves without a reader: tables, and the jobs that fill nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from tools.changes import Change
from tools.impact.result import ImpactItem, short
from tools.lineage import Node, walk
from tools.result import Evidence, listed

if TYPE_CHECKING:
    from tools.workspace import Workspace

__all__ = ["Unread"]


class Unread:
    """One dashboard or KPI gone."""

    def __init__(self, ws: Workspace, change: Change) -> None:
        self._ws = ws
        self.start = Node("kpi" if change.kind == "drop_kpi" else "dashboard", str(change.consumer))
        self._gone: dict[str, str] = {self.start.id: f'only "{change.consumer}" read it'}
        self._above = [r.node for r in walk(ws.graph.assets, self.start, "upstream")[0]]

    def run(self) -> None:
        """Upstream, nearest first, until nothing more loses its last reader."""
        grown = True
        while grown:
            grown = False
            for node in self._above:
                if node.id not in self._gone and node.kind in ("table", "job") and (why := self._why(node)) is not None:
                    self._gone[node.id] = why
                    grown = True

    def _users(self, node: Node) -> list[Node]:
        return list(dict.fromkeys(other for other, _ in self._ws.graph.assets.neighbours(node.id, "downstream")))

    def _why(self, node: Node) -> str | None:
        users = [u for u in self._users(node) if u.id != node.id]
        if not users or any(u.id not in self._gone for u in users):
            return None
        if node.kind == "job":
            return f"fills only {listed([short(u.name) for u in users], 4)}, which nobody reads then"
        jobs = [u.name for u in users if u.kind == "job"]
        if jobs:
            return f"is read only by {listed(jobs, 4)}, whose result nobody reads then"
        return self._gone[self.start.id]

    def items(self) -> list[ImpactItem]:
        """Everything above it: what has no reader left, and what is read by others all the same."""
        far = {r.node.id: r.depth for r in walk(self._ws.graph.assets, self.start, "upstream")[0]}
        out = []
        for node in self._above:
            if node.kind not in ("table", "job"):
                continue
            kind: Literal["job", "table"] = "job" if node.kind == "job" else "table"
            why = self._gone.get(node.id)
            if why is not None:
                places = self._places(node)
                out.append(ImpactItem(kind, node.name, "no_reader", why, (), places, far.get(node.id)))
            else:
                others = [u for u in self._users(node) if u.id not in self._gone]
                names = listed([short(u.name) if u.kind == "table" else u.name for u in others], 4)
                verb = "still fills" if kind == "job" else "is still read by"
                out.append(ImpactItem(kind, node.name, "not_affected", f"{verb} {names}", (), (), far.get(node.id)))
        return out

    def _places(self, node: Node) -> tuple[Evidence, ...]:
        """Where it is made: the job's file, or the lines that write the table."""
        if node.kind == "job":
            return (Evidence("code", self._ws.readings[node.name].file),) if node.name in self._ws.readings else ()
        writes = [
            w
            for r in self._ws.readings.values()
            for w in r.plan.writes
            if w.target.name == node.name and w.span is not None
        ]
        return tuple(Evidence("code", str(w.span)) for w in writes)

    def unknowns(self) -> list[str]:
        """Readers nobody could know of: jobs whose code was not read."""
        return [f"{r.name} could not be read: it may be a reader" for r in self._ws.readings.values() if not r.readable]
