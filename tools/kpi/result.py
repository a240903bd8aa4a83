"""What a simulation answers: each KPI under old and new logic, day by day, or why it has no answer."""

from __future__ import annotations

import datetime
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import pairwise
from typing import Any, Literal

from tools.kpi.compose import Window
from tools.result import Draft, Evidence, counted, listed

__all__ = ["Effect", "Estimate", "KpiSeries", "Point", "Simulation", "Status"]

Status = Literal["simulated", "unaffected", "refused", "estimated"]
_SHOWN = 5


@dataclass(frozen=True, slots=True)
class Point:
    """One day and combination of dimensions. A value is None where that side has no row or no value.

    Attributes:
        side: `both`, `only_old` or `only_new`: which version has the row.
    """

    day: datetime.date | None
    dimensions: tuple[Any, ...]
    measure: str
    old: float | None
    new: float | None
    stored: float | None
    side: Literal["both", "only_old", "only_new", "neither"]

    @property
    def delta(self) -> float | None:
        """New minus old; a side without a row counts as 0."""
        if self.side == "neither":
            return None
        if self.side == "both" and (self.old is None or self.new is None):
            return None if self.old is None and self.new is None else (self.new or 0.0) - (self.old or 0.0)
        return (self.new or 0.0) - (self.old or 0.0)

    @property
    def percent(self) -> float | None:
        """The difference in percent of the old value; None where that is missing or 0."""
        if self.old in (None, 0) or self.new is None:
            return None
        assert self.old is not None
        return 100.0 * (self.new - self.old) / abs(self.old)

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "day": self.day.isoformat() if self.day else None,
            "dimensions": [str(d) if isinstance(d, datetime.date) else d for d in self.dimensions],
            "measure": self.measure,
            "old": self.old,
            "new": self.new,
            "stored": self.stored,
            "delta": self.delta,
            "percent": self.percent,
            "side": self.side,
        }


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a simulation would read: bytes by table, their price, and what keeps it from reading less."""

    bytes: int
    tables: Mapping[str, int]
    price: float
    blocked: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "bytes": self.bytes,
            "tables": dict(self.tables),
            "price_usd": self.price,
            "blocked": list(self.blocked),
        }


@dataclass(frozen=True, slots=True)
class Effect:
    """One edit of several, made alone: its words, and the value that each point of the series has with it."""

    words: str
    values: tuple[float | None, ...]


@dataclass(frozen=True)
class KpiSeries:
    """One KPI of a simulation.

    Attributes:
        replayed: table -> job, of the logic that was put in its place.
        effects: what each edit does alone, when the change is several.
        reason: why it is unaffected or refused.
        fused: whether old and new come from one scan.
        drift: share of points where the old logic, replayed over today's inputs, is not what is stored.
    """

    kpi: str
    status: Status
    reason: str = ""
    hint: str | None = None
    day: str = ""
    dimensions: tuple[str, ...] = ()
    measures: tuple[str, ...] = ()
    points: tuple[Point, ...] = ()
    effects: tuple[Effect, ...] = ()
    replayed: Mapping[str, str] = field(default_factory=dict)
    tolerance: float = 1e-9
    unit: str | None = None
    sql: str = ""
    query_id: str = ""
    bytes_scanned: int = 0
    fused: bool = False
    estimate: Estimate | None = None
    notes: tuple[str, ...] = ()
    place: str | None = None

    @cached_property
    def moved(self) -> list[Point]:
        """Points where the versions differ beyond the tolerance, the largest difference first."""
        found = [p for p in self.points if not self._equal(p.old, p.new, p)]
        return sorted(found, key=lambda p: (-abs(p.delta or 0.0), str(p.day), str(p.dimensions)))

    @cached_property
    def drifted(self) -> list[Point]:
        """Points where the replayed old logic is not what is stored: late data, or a job that has not run since."""
        return [p for p in self.points if p.stored is not None and not self._near(p.old, p.stored)]

    @cached_property
    def volatility(self) -> float | None:
        """The median size of the KPI's own step from day to day, summed over dimensions; None with too few days."""
        totals = [v for _, v in sorted(self.totals("old").items(), key=lambda i: str(i[0]))]
        steps = [abs(b - a) for a, b in pairwise(totals)]
        return statistics.median(steps) if len(steps) >= 5 else None

    @cached_property
    def moves(self) -> list[tuple[str, float]]:
        """Each edit with what it alone adds to the first measure on an average day, summed over dimensions."""
        return [(e.words, self._added(e.values)) for e in self.effects]

    @cached_property
    def together(self) -> float:
        """What all edits add to the first measure on an average day."""
        return self._added([p.new for p in self.points])

    @property
    def residual(self) -> float:
        """What the edits do to each other: what is left of the whole difference."""
        rest = self.together - sum(m for _, m in self.moves)
        noise = self.tolerance * max([1.0, abs(self.together), *(abs(m) for _, m in self.moves)])
        return 0.0 if abs(rest) <= max(noise, 1e-9 * abs(self.together)) else rest

    def _added(self, values: Sequence[float | None]) -> float:
        pairs = zip(self.points, values, strict=True)
        added = sum((v or 0.0) - (p.old or 0.0) for p, v in pairs if p.measure == self.measures[0])
        return added / max(1, len({p.day for p in self.points}))

    def totals(self, side: Literal["old", "new", "stored"]) -> dict[datetime.date | None, float]:
        """A side by day, summed over dimensions, of the first measure."""
        found: dict[datetime.date | None, float] = {}
        for point in self.points:
            value = getattr(point, side)
            if point.measure == self.measures[0] and value is not None:
                found[point.day] = found.get(point.day, 0.0) + value
        return found

    def _equal(self, old: float | None, new: float | None, point: Point) -> bool:
        return point.side in ("both", "neither") and self._near(old, new)

    def _near(self, a: float | None, b: float | None) -> bool:
        if a is None or b is None:
            return a is None and b is None
        return abs(a - b) <= self.tolerance * max(1.0, abs(a), abs(b))

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        data: dict[str, Any] = {
            "kpi": self.kpi,
            "status": self.status,
            "reason": self.reason or None,
            "hint": self.hint,
        }
        if self.estimate is not None:
            data["estimate"] = self.estimate.to_dict()
        if self.status == "simulated":
            data |= {
                "day_column": self.day,
                "dimensions": list(self.dimensions),
                "measures": list(self.measures),
                "unit": self.unit,
                "days": len({p.day for p in self.points}),
                "points_moved": len(self.moved),
                "points_drifted": len(self.drifted),
                "volatility": self.volatility,
                "replayed": dict(self.replayed),
                "points": [p.to_dict() for p in self.points],
                **self._effects(),
                "sql": self.sql,
                "query_id": self.query_id,
                "bytes_scanned": self.bytes_scanned,
                "one_scan": self.fused,
            }
        return {**data, "notes": list(self.notes)}

    def _effects(self) -> dict[str, Any]:
        if not self.effects:
            return {}
        edits = [
            {"edit": e.words, "per_day": moved, "values": list(e.values)}
            for e, (_, moved) in zip(self.effects, self.moves, strict=True)
        ]
        return {"edits": edits, "edits_together_per_day": self.together, "edits_residual_per_day": self.residual}


@dataclass(frozen=True)
class Simulation:
    """KPIs under old and new logic. `change` says what is simulated, in words."""

    kind = "simulation"
    change: str
    jobs: tuple[str, ...]
    window: Window | None
    series: tuple[KpiSeries, ...]
    dry_run: bool = False
    places: tuple[Evidence, ...] = ()
    at: datetime.datetime | None = None

    @cached_property
    def drafts(self) -> tuple[Draft, ...]:
        """The report's files, drawn when they are asked for: charts take longer than the figures."""
        from tools.kpi.report import drafts_of_simulation

        return drafts_of_simulation(self, self.at) if self.at is not None else ()

    @property
    def evidence(self) -> Sequence[Evidence]:
        """The edited lines, and the query of each KPI."""
        queries = [
            Evidence("query", s.query_id, f"{s.kpi}: {s.bytes_scanned:,} bytes scanned")
            for s in self.series
            if s.query_id
        ]
        return (*self.places, *queries)

    @property
    def unknowns(self) -> Sequence[str]:
        """KPIs that could not be simulated."""
        return tuple(f"{s.kpi}: {s.reason}" for s in self.series if s.status == "refused")

    def text(self) -> str:
        """Each KPI in a few lines, those that move first."""
        window = f"{self.window.first} to {self.window.last} ({self.window.days} days)" if self.window else "no days"
        head = f"{self.change}, {window}:"
        order = {"simulated": 0, "estimated": 1, "refused": 2, "unaffected": 3}
        lines = [_said(s) for s in sorted(self.series, key=lambda s: (order[s.status], not s.moved))]
        if self.dry_run:
            lines.append("Nothing was run.")
        return "\n\n".join([head, *lines])

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "change": self.change,
            "jobs": list(self.jobs),
            "window": {"first": str(self.window.first), "last": str(self.window.last), "days": self.window.days}
            if self.window
            else None,
            "dry_run": self.dry_run,
            "kpis": [s.to_dict() for s in self.series],
            "unknowns": list(self.unknowns),
        }


def number(value: float | None) -> str:
    """A value for people."""
    if value is None:
        return "nothing"
    return f"{value:,.0f}" if abs(value) >= 10_000 or value == int(value) else f"{value:,.4g}"


def _said(series: KpiSeries) -> str:
    name = f"**{series.kpi}**"
    if series.status == "unaffected":
        return f"{name} cannot move: {series.reason}."
    if series.status == "refused":
        place = f" ({series.place})" if series.place else ""
        return f"{name} cannot be simulated, because {series.reason}{place}." + (
            f" {series.hint}" if series.hint else ""
        )
    cost = _cost(series)
    if series.status == "estimated":
        return f"{name} would be replayed from {listed(list(series.replayed)) or 'its own query'}.{cost}"
    return f"{name} {_movement(series)}{_edits(series)}{_drift(series)}{cost}" + "".join(f" {n}." for n in series.notes)


def _movement(series: KpiSeries) -> str:
    unit = f" {series.unit}" if series.unit else ""
    days = {p.day for p in series.points}
    if not series.points:
        return "has no rows in these days."
    if not series.moved:
        last = max((d for d in days if d), default=None)
        value = series.totals("new").get(last)
        return f"does not move: the same on all {counted(len(days), 'day')}, {number(value)}{unit} on {last}."
    moved_days = {p.day for p in series.moved}
    top = series.moved[0]
    of = f" of {_dims(series, top)}" if top.dimensions else ""
    percent = f" ({top.percent:+.2f} %)" if top.percent is not None else ""
    said = (
        f"moves on {len(moved_days)} of {counted(len(days), 'day')}. Most on {top.day}{of}: {number(top.old)} becomes "
        f"{number(top.new)}{unit}, {number(top.delta)}{percent}."
    )
    usual = series.volatility
    if usual and top.delta is not None:
        said += f" That is {abs(top.delta) / usual:,.1f} times its usual step from day to day ({number(usual)})."
    only = [p for p in series.moved if p.side in ("only_old", "only_new")]
    if only:
        gone = sum(p.side == "only_old" for p in only)
        said += f" {counted(gone, 'row')} only before, {counted(len(only) - gone, 'row')} only after."
    others = [
        f"{p.day}{f' {_dims(series, p)}' if p.dimensions else ''}: {number(p.delta)}" for p in series.moved[1:_SHOWN]
    ]
    return said + (f" Then {'; '.join(others)}." if others else "")


def _dims(series: KpiSeries, point: Point) -> str:
    return ", ".join(f"{n} {v}" for n, v in zip(series.dimensions, point.dimensions, strict=True))


def _edits(series: KpiSeries) -> str:
    if not series.effects or not series.moved:
        return ""
    alone = "; ".join(f"{words}: {number(moved)}" for words, moved in series.moves)
    between = f"{number(series.residual)} is what they do to each other" if series.residual else "nothing is left over"
    together = f"On an average day {series.measures[0]} moves by {number(series.together)}"
    return f" {together}. Each edit alone: {alone}; {between}."


def _drift(series: KpiSeries) -> str:
    if not series.drifted:
        return ""
    return (
        f" What is stored is not what the old logic gives over today's inputs on {counted(len(series.drifted), 'point')}: "
        "late data, or a job that has not run since."
    )


def _cost(series: KpiSeries) -> str:
    if series.estimate is None:
        return f" ({series.bytes_scanned:,} bytes scanned)" if series.bytes_scanned else ""
    said = f" It reads about {series.estimate.bytes:,} bytes (${series.estimate.price:.4f})"
    if series.estimate.blocked:
        said += f"; all days of some tables, because {series.estimate.blocked[0]}"
    return said + "."
