"""Everything in the lake that a question can be about, and finding one by the name a person gives it.

Names resolve the same way everywhere: exact first, then folded; a bare name stands for the only thing of that name;
several are an ambiguity to report; none gives the nearest names. Nothing is guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal

from knowledge.errors import Ambiguous, NotFound
from knowledge.names import nearest
from tools.result import Evidence, counted, listed

if TYPE_CHECKING:
    from tools.workspace import Workspace

Kind = Literal["table", "job", "dashboard", "kpi", "column"]
KINDS: tuple[Kind, ...] = ("table", "job", "dashboard", "kpi")
_LABELS = {"table": "table", "job": "job", "dashboard": "dashboard", "kpi": "KPI", "column": "column"}


@dataclass(frozen=True, slots=True)
class Asset:
    """One thing with a name. Tables are `database.table`; a column carries its table and is `database.table.column`."""

    kind: Kind
    name: str
    table: str | None = None

    @property
    def short(self) -> str:
        """The name without its database."""
        if self.kind == "table":
            return self.name.rpartition(".")[2]
        if self.kind == "column":
            return ".".join(self.name.split(".")[-2:])
        return self.name

    @property
    def column(self) -> str:
        """A column's own name."""
        return self.name.rpartition(".")[2]

    @property
    def id(self) -> str:
        """The node id in graphs: `kind:name`."""
        return f"{self.kind}:{self.name}"


@dataclass(frozen=True)
class Assets:
    """All assets of a workspace."""

    items: tuple[Asset, ...]

    @classmethod
    def of(cls, ws: Workspace) -> Assets:
        """Tables of the catalog, jobs, dashboards, KPIs, and the columns of every readable table."""
        tables = [Asset("table", str(t)) for t in ws.lake.tables()]
        jobs = [Asset("job", name) for name in dict.fromkeys((*ws.jobs, *ws.imported.runs))]
        consumers = [Asset(c.kind, c.name) for c in ws.consumers]
        columns = [
            Asset("column", f"{t.name}.{name}", t.name) for t in tables for name, _ in ws.catalog.columns(t.name) or ()
        ]
        known = {t.name for t in tables}
        elsewhere = [Asset("table", t) for t in ws.imported.tables if t not in known]
        return cls((*tables, *elsewhere, *jobs, *consumers, *columns))

    def all(self, kind: Kind | None = None) -> list[Asset]:
        """Assets of one kind; without a kind all but columns."""
        return [a for a in self.items if (a.kind == kind if kind else a.kind != "column")]

    @cached_property
    def _by_name(self) -> dict[str, list[Asset]]:
        index: dict[str, list[Asset]] = {}
        for asset in self.items:
            for form in {
                fold(asset.name),
                fold(asset.short),
                fold(asset.column if asset.kind == "column" else asset.short),
            }:
                index.setdefault(form, []).append(asset)
        return index

    def find(self, name: str, kinds: Iterable[Kind] | None = None) -> Asset:
        """The asset that a name means.

        Raises:
            NotFound: nothing has that name; carries the nearest names.
            Ambiguous: several things have it.
        """
        allowed = set(kinds or (*KINDS, "column"))
        hits = [a for a in self._by_name.get(fold(name), []) if a.kind in allowed]
        exact = [a for a in hits if name in (a.name, a.short)]
        hits = exact if len(exact) == 1 else hits
        # A table outranks the columns that happen to bear its name; a bare column name never outranks anything.
        higher = [a for a in hits if a.kind != "column"]
        hits = higher or hits
        if len(hits) == 1:
            return hits[0]
        label = _LABELS[next(iter(allowed))] if len(allowed) == 1 else "name"
        if not hits:
            raise NotFound(label, name, self.nearest(name, allowed))
        raise Ambiguous(
            label, name, [f"{a.kind} {a.name}" if len({h.kind for h in hits}) > 1 else a.short for a in hits]
        )

    def columns_named(self, column: str) -> list[Asset]:
        """Columns of that bare name, in table order."""
        return [a for a in self.items if a.kind == "column" and a.column.lower() == column.lower()]

    def nearest(self, name: str, kinds: Iterable[Kind]) -> list[str]:
        """The closest names of the given kinds, best first."""
        wanted = set(kinds)
        pool = [a for a in self.items if a.kind in wanted]
        if "column" in wanted and len(wanted) > 1 and "." not in name:
            pool = [a for a in pool if a.kind != "column"] or pool
        return list(nearest(name, [a.short for a in pool]))


def fold(name: str) -> str:
    """Names compare without case, quotes, and with spaces, dashes and underscores alike."""
    return name.strip().strip("`\"'").lower().replace("-", " ").replace("_", " ")


@dataclass(frozen=True)
class AssetList:
    """The answer to "what do we have"."""

    kind = "assets"
    items: tuple[dict[str, Any], ...]
    asked: Kind | None
    filter: str | None
    unknowns: tuple[str, ...] = ()

    @property
    def evidence(self) -> Sequence[Evidence]:
        """Where the list comes from."""
        return (Evidence("catalog", "the lake's catalog, job scripts, dashboards.json and kpis.json"),)

    def text(self) -> str:
        """Counts and all names, grouped by kind."""
        if not self.items:
            what = f"{_LABELS[self.asked]}s" if self.asked else "assets"
            return f"There are no {what}{f' matching {self.filter!r}' if self.filter else ''}."
        lines = []
        for kind in (*KINDS, "column"):
            names = [str(i["name"]) for i in self.items if i["kind"] == kind]
            if names:
                lines.append(f"**{counted(len(names), _LABELS[kind])}**: {listed(names, shown=200)}")
        return "\n\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {"kind_asked": self.asked, "filter": self.filter, "assets": [dict(i) for i in self.items]}


def list_assets(ws: Workspace, kind: Kind | None = None, filter: str | None = None) -> AssetList:
    """Assets by kind and by a part of the name."""
    pool = ws.assets.all(kind)
    if filter and kind is None:
        pool = list(ws.assets.items)
    chosen = [a for a in pool if not filter or fold(filter) in fold(a.short)]
    described = tuple({"kind": a.kind, "name": a.short, "full_name": a.name} for a in chosen)
    return AssetList(described, kind, filter, tuple(f"{p.where}: {p.why}" for p in ws.problems()))
