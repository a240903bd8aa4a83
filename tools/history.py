"""The history of a job, table, dashboard or KPI: every snapshot that was kept of it, and what each one changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from knowledge.errors import NotFound
from knowledge.names import nearest
from knowledge.records import Snapshot
from tools.plan.serial import plan_from_json
from tools.plan.whole import Plan
from tools.result import Evidence, counted, listed
from tools.snapshots import record_name

if TYPE_CHECKING:
    from tools.workspace import Workspace

__all__ = ["HistoryEntry", "HistoryResult", "history_of"]

_TYPES = ("JOB", "TABLE", "DASHBOARD", "KPI")


@dataclass(frozen=True)
class HistoryEntry:
    """One snapshot: when, of what, and what differs from the one before (empty for the first)."""

    taken_at: str
    content_hash: str
    changes: tuple[str, ...]
    details: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "taken_at": self.taken_at,
            "content_hash": self.content_hash,
            "changes": list(self.changes),
            **self.details,
        }


@dataclass(frozen=True)
class HistoryResult:
    """All that was kept of one object, oldest first, with the record as it is now."""

    kind = "history"
    object_type: str
    name: str
    entries: tuple[HistoryEntry, ...]
    record: Mapping[str, Any] | None
    unknowns: tuple[str, ...] = ()

    @property
    def evidence(self) -> Sequence[Evidence]:
        """The snapshots."""
        return tuple(
            Evidence("document", f"snapshot {e.content_hash} of {self.name}", e.taken_at) for e in self.entries
        )

    def text(self) -> str:
        """How many snapshots, then each with what it changed."""
        kind = self.object_type.lower() if self.object_type != "KPI" else "KPI"
        if not self.entries:
            return f"No snapshot of {kind} `{self.name}` is kept yet. `de-copilot snapshot` keeps one."
        first, last = self.entries[0].taken_at, self.entries[-1].taken_at
        since = f", from {first} to {last}" if len(self.entries) > 1 else f", taken at {last}"
        lines = [f"{counted(len(self.entries), 'snapshot')} of {kind} `{self.name}`{since}."]
        lines += [f"- {e.taken_at}: {'; '.join(e.changes) or 'first seen'}" for e in self.entries]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "object_type": self.object_type,
            "object_name": self.name,
            "snapshots": [e.to_dict() for e in self.entries],
            "record": dict(self.record) if self.record is not None else None,
            "unknowns": list(self.unknowns),
        }


def history_of(ws: Workspace, name: str) -> HistoryResult:
    """Everything kept of the job, table, dashboard or KPI of that name, also of one that is gone from the lake.

    Raises NotFound or Ambiguous for the name.
    """
    object_type, kept = _object(ws, name)
    snapshots = ws.store.history(object_type, kept)
    record = ws.store.get(object_type, kept)
    entries = [_entry(before, s) for before, s in zip((None, *snapshots), snapshots, strict=False)]
    return HistoryResult(object_type, kept, tuple(entries), record.to_dict() if record else None)


def _object(ws: Workspace, name: str) -> tuple[str, str]:
    try:
        asset = ws.assets.find(name, ["job", "table", "dashboard", "kpi"])
    except NotFound as error:
        known = [(r.object_type, r.name) for r in ws.store.list()]
        for object_type in _TYPES:
            found = next((n for t, n in known if t == object_type and n.lower() == name.lower()), None)
            if found is not None:
                return object_type, found
        raise NotFound("asset", name, [*error.nearest, *nearest(name, [n for _, n in known])][:5]) from None
    return asset.kind.upper(), record_name(ws, asset.name) if asset.kind == "table" else asset.name


def _entry(before: Snapshot | None, now: Snapshot) -> HistoryEntry:
    job = now.object_type == "JOB"
    keys = ("file", "code_hash", "plan_hash", "arguments", "reads", "writes") if job else ("columns", "sql")
    details = {k: now.content[k] for k in keys if k in now.content}
    return HistoryEntry(now.taken_at, now.content_hash, tuple(_changes(before, now)) if before else (), details)


def _changes(before: Snapshot, now: Snapshot) -> Iterable[str]:
    if now.object_type == "JOB":
        return _job_changes(before.content, now.content)
    if now.object_type == "TABLE":
        return _column_changes(before.content, now.content)
    keys = [k for k in {**before.content, **now.content} if before.content.get(k) != now.content.get(k)]
    return [f"{listed(keys)} changed"]


def _job_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    said = [
        *_moved("reads", before["reads"], now["reads"]),
        *_moved("writes", before["writes"], now["writes"]),
        *_moved("output column", _outputs(before), _outputs(now)),
    ]
    if before["arguments"] != now["arguments"]:
        both = {**before["arguments"], **now["arguments"]}
        differ = [k for k in both if before["arguments"].get(k) != now["arguments"].get(k)]
        said.append(f"other arguments: {listed(differ)}")
    if before["schema"] != now["schema"]:
        both = {**before["schema"], **now["schema"]}
        differ = [t for t in both if before["schema"].get(t) != now["schema"].get(t)]
        said.append(f"other columns in {listed(differ)}")
    if before["plan_hash"] == now["plan_hash"] and before["code_hash"] != now["code_hash"]:
        said.append("only the text changed: it computes the same")
    return said or ["what it computes changed"]


def _outputs(content: Mapping[str, Any]) -> list[str]:
    plan: Plan = plan_from_json(content["plan"])
    return [f"{w.target.name}.{a.column}" for w in plan.writes if w.kind != "query" for a in w.assignments]


def _moved(what: str, before: Sequence[str], now: Sequence[str]) -> list[str]:
    gone, new = [n for n in before if n not in now], [n for n in now if n not in before]
    return [*([f"no longer {what} {listed(gone)}"] if gone else []), *([f"now {what} {listed(new)}"] if new else [])]


def _column_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    old, new = ({c["name"]: c["type"] for c in content["columns"]} for content in (before, now))
    gone, added = [n for n in old if n not in new], [n for n in new if n not in old]
    retyped = [f"`{n}` {old[n]} -> {new[n]}" for n in old if n in new and old[n] != new[n]]
    return [
        *([f"without {listed(gone)}"] if gone else []),
        *([f"with {listed(added)}"] if added else []),
        *([f"retyped {', '.join(retyped)}"] if retyped else []),
    ] or ["columns in another order"]
