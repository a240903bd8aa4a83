"""What an answer rests on: what was read, what was not, and why."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from tools.lineage.graph import Node
from tools.result import counted, listed

if TYPE_CHECKING:
    from tools.lineage.result import Reached
    from tools.workspace import Workspace

__all__ = ["coverage", "coverage_text", "unknowns_of"]


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
    if data.get("kept_since"):
        text += f"; as kept, the oldest record of {data['kept_since']}"
    return f"_{text}._"


def unknowns_of(ws: Workspace, reached: Iterable[Reached], start: Node) -> list[str]:
    """What could not be read in jobs that the walk touched, and in jobs that could not be read at all."""
    touched = {start.name, *(r.node.name for r in reached if r.node.kind == "job")}
    return [str(u) for r in ws.readings.values() if r.name in touched or not r.readable for u in r.unknowns]
