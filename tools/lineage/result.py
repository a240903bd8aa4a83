"""The answer about lineage: what was reached, by which hops, in words and as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from tools.assets import KINDS, Kind
from tools.lineage.coverage import coverage_text
from tools.lineage.graph import Direction, Link, Node
from tools.result import Evidence, counted, listed

__all__ = ["Hop", "LineageResult", "Reached"]

Hop: TypeAlias = tuple[str, str, Link]
"""One edge: from node, to node, and how."""

_MOST_HOPS = 15
_LONG = 120  # characters of an expression


@dataclass(frozen=True, slots=True)
class Reached:
    """A node that a walk reached, and how many hops away."""

    node: Node
    depth: int


@dataclass(frozen=True)
class LineageResult:
    """What feeds an asset, or what it feeds. `deciding` are columns that only decide about the rows of the asked
    column's table.
    """

    kind = "lineage"
    asset: Node
    direction: Direction
    reached: tuple[Reached, ...]
    edges: tuple[tuple[str, str, Link], ...]
    coverage: Mapping[str, Any]
    depth: int | None = None
    only: Kind | None = None
    unknowns: tuple[str, ...] = ()
    deciding: tuple[Hop, ...] = ()

    @property
    def shown(self) -> list[Reached]:
        """What was asked for: nodes of the asked kind, nearest first."""
        return [r for r in self.reached if self.only is None or r.node.kind == self.only]

    @property
    def evidence(self) -> Sequence[Evidence]:
        """The place of every hop."""
        places = {
            f"{link.file}:{link.line}" if link.line else str(link.file): link.expression
            for _, _, link in (*self.edges, *self.deciding)
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
        if self.only and (others := [r.node.label for r in self.reached if r.node.kind != self.only]):
            lines.append(f"- By way of {listed(list(dict.fromkeys(others)), 20)}")
        return "\n".join([*lines, *self._hops()]) + self._coverage_text()

    def _hops(self) -> list[str]:
        """Column hops: those that carry values, then those that only decide."""
        named = [hop for hop in (*self.edges, *self.deciding) if hop[2].role]
        direct, indirect = [h for h in named if h[2].direct], [h for h in named if not h[2].direct]
        return [*_listed("How", direct), *_listed("Decided by (no value of it is in the result)", indirect)]

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
            "deciding": [{"from": a, "to": b, **link.to_dict()} for a, b, link in self.deciding],
            "coverage": dict(self.coverage),
            "unknowns": list(self.unknowns),
        }


_LABEL = {"table": "table", "job": "job", "dashboard": "dashboard", "kpi": "KPI", "column": "column"}


def _listed(title: str, hops: Sequence[Hop]) -> list[str]:
    if not hops:
        return []
    more = [f"- and {len(hops) - _MOST_HOPS} more hops"] if len(hops) > _MOST_HOPS else []
    return ["", f"{title}:", *map(_hop, hops[:_MOST_HOPS]), *more]


def _hop(hop: Hop) -> str:
    source, target, link = hop
    place = f", {link.file}:{link.line}" if link.line else f", {link.file}" if link.file else ""
    through = " ".join((link.expression or "").replace("`", "").split())
    shown = f": `{through if len(through) <= _LONG else through[: _LONG - 1] + '…'}`" if through else ""
    role = (link.role or "").replace("_", " ")
    return f"- `{source.partition(':')[2]}` → `{target.partition(':')[2]}` ({role}{place}){shown}"


def _sentence(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"


def _by_depth(nodes: Sequence[Reached], shown: int = 40) -> str:
    names = [f"`{r.node.label}`{f' ({r.depth} hops)' if r.depth > 1 else ''}" for r in nodes]
    more = f" and {len(names) - shown} more" if len(names) > shown else ""
    return ", ".join(names[:shown]) + more
