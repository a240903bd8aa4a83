"""The one statement of a simulation: every version of a KPI, and what is stored, side by side by day and dimension.

The sides are stacked and grouped, not joined: a grouping takes NULLs for equal, a join does not.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from tools.jobs import JobReading
from tools.kpi.compose import Composer, Refused, Scanned, Window
from tools.kpi.definitions import KpiDefinition
from tools.kpi.fuse import NotFusable, fuse
from tools.plan.base import Span
from tools.plan.catalog import Catalog
from tools.plan.render import NotRenderable

__all__ = ["Statement", "Version", "statement"]


@dataclass(frozen=True)
class Version:
    """The jobs and the KPI of one side."""

    readings: Mapping[str, JobReading]
    kpi: KpiDefinition


@dataclass(frozen=True)
class Statement:
    """A simulation's query.

    Its rows are a day, the dimensions, and for each version, and then for the stored series, how many rows it has and
    its measures.

    Attributes:
        fused: whether all versions come from one scan.
        apart: makes the same with a branch for each version, for an engine that cannot run the fused one.
        scanned: every scan, with the column by which it is restricted, and to which days.
        blocked: what kept the window from tables.
        replayed: table -> job, of the logic that was put in its place.
    """

    query: exp.Query
    fused: bool
    scanned: tuple[Scanned, ...]
    blocked: tuple[tuple[str, Span | None, frozenset[str]], ...]
    replayed: Mapping[str, str]
    notes: tuple[str, ...]
    apart: Callable[[], exp.Query] | None = None


def statement(
    catalog: Catalog, versions: Sequence[Version], affected: frozenset[str], window: Window | None
) -> Statement:
    """The statement for some versions, the first of which is compared with what is stored: where no table is replaced,
    that is the same, and is left out.

    Raises Refused.
    """
    kpi = versions[0].kpi
    shape = _Shape(len(versions) + bool(affected), len(kpi.dimensions), len(kpi.measures))
    stored = Composer(catalog, {}, frozenset(), window)
    kept: list[exp.Query] = []
    if affected:
        query = stored.query(kpi.reading.plan, kpi.write, kpi.day)
        kept = [_branch(kpi, shape, len(versions), query, window)]

    def composers() -> list[Composer]:
        return [Composer(catalog, _writers(v.readings), affected, window) for v in versions]

    def branches(used: Sequence[Composer]) -> exp.Query:
        sides = [
            _branch(v.kpi, shape, side, c.query(v.kpi.reading.plan, v.kpi.write, v.kpi.day), window)
            for side, (v, c) in enumerate(zip(versions, used, strict=True))
        ]
        return _grouped([*sides, *(k.copy() for k in kept)], shape)

    made, one = composers(), Composer(catalog, {}, frozenset(), window)
    try:
        whole = _grouped([_one(versions, made, one, shape, window), *(k.copy() for k in kept)], shape)
        return _told(whole, made, [one, stored], lambda: branches(composers()))
    except (NotFusable, NotRenderable, Refused):
        made = composers()  # a query for each version says the same, or says why it cannot be replayed
    return _told(branches(made), made, [*made, stored], None)


def _told(
    query: exp.Query, made: Sequence[Composer], used: Sequence[Composer], apart: Callable[[], exp.Query] | None
) -> Statement:
    return Statement(
        query,
        apart is not None,
        tuple(s for c in used for s in c.scanned),
        tuple(b for c in used for b in c.blocked),
        {t: j for c in made for t, j in c.replayed.items()},
        tuple(dict.fromkeys(n for c in made for n in c.notes)),
        apart,
    )


@dataclass(frozen=True)
class _Shape:
    sides: int
    dimensions: int
    measures: int

    @property
    def keys(self) -> list[str]:
        return ["d", *(f"k{i}" for i in range(self.dimensions))]

    @property
    def values(self) -> list[str]:
        """Of every side: whether there is a row, and the measures."""
        return [n for s in range(self.sides) for n in (f"n_{s}", *(f"m{i}_{s}" for i in range(self.measures)))]


def _branch(kpi: KpiDefinition, shape: _Shape, side: int, query: exp.Query, window: Window | None) -> exp.Select:
    """The rows of one side."""
    given: dict[str, exp.Expr] = {f"k{i}": _column(c) for i, c in enumerate(kpi.dimensions)}
    given |= {f"m{i}_{side}": exp.cast(_column(c), "double") for i, c in enumerate(kpi.measures)}
    given[f"n_{side}"] = exp.Literal.number(1)
    return _rows(kpi.day, given, shape, query, window)


def _one(
    versions: Sequence[Version], composers: Sequence[Composer], one: Composer, shape: _Shape, window: Window | None
) -> exp.Select:
    """The rows of all versions from one scan."""
    kpis = [v.kpi for v in versions]
    keys = [("day", [k.day for k in kpis])]
    keys += [(f"k{i}", [k.dimensions[i] for k in kpis]) for i in range(shape.dimensions)]
    measures = [(f"m{i}", [k.measures[i] for k in kpis]) for i in range(shape.measures)]
    plan, write = fuse([(v.kpi.reading.plan, v.kpi.write) for v in versions], composers, keys, measures)
    query = one.query(plan, write, "day")
    given = {a.column: _column(a.column) for a in write.assignments if a.column != "day"}
    return _rows("day", given, shape, query, window)


def _rows(
    day: str, given: Mapping[str, exp.Expr], shape: _Shape, query: exp.Query, window: Window | None
) -> exp.Select:
    date = exp.cast(_column(day), "date")
    items = [exp.alias_(date, "d", quoted=True)]
    for name in (*shape.keys[1:], *shape.values):
        absent = exp.Literal.number(0) if name.startswith("n_") else exp.cast(exp.Null(), "double")
        items.append(exp.alias_(given.get(name, absent), name, quoted=True))
    selected = exp.select(*items, copy=False).from_(query.subquery("q", copy=False), copy=False)
    if window is None:
        return selected
    first, last = (exp.cast(exp.Literal.string(d.isoformat()), "date") for d in (window.first, window.last))
    return selected.where(exp.Between(this=date.copy(), low=first, high=last))


def _grouped(branches: Sequence[exp.Query], shape: _Shape) -> exp.Query:
    stacked = branches[0]
    for branch in branches[1:]:
        stacked = exp.Union(this=stacked, expression=branch, distinct=False)
    keys = [exp.column(n, table="s", quoted=True) for n in shape.keys]
    items: list[exp.Expr] = [exp.alias_(k.copy(), k.name, quoted=True) for k in keys]
    for name in shape.values:
        kind = exp.Sum if name.startswith("n_") else exp.Max
        items.append(exp.alias_(kind(this=exp.column(name, table="s", quoted=True)), name, quoted=True))
    query = exp.select(*items, copy=False).from_(stacked.subquery("s", copy=False), copy=False)
    query = query.group_by(*(k.copy() for k in keys), copy=False)
    return query.order_by(*(exp.Ordered(this=k.copy()) for k in keys), copy=False)


def _column(name: str) -> exp.Column:
    return exp.column(name, table="q", quoted=True)


def _writers(readings: Mapping[str, JobReading]) -> dict[str, list[JobReading]]:
    found: dict[str, list[JobReading]] = {}
    for reading in readings.values():
        for table in reading.writes:
            found.setdefault(table, []).append(reading)
    return found
