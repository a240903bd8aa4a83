"""One check for the drift of all figures of a table: how far each is from what earlier batches foretell.

One check and not one per figure, because alarms are budgeted per batch: the tolerance is a multiple of the largest miss
so far, the same multiple for all figures, chosen so that the batches held out in the back-test stay silent.
"""

from __future__ import annotations

import datetime
import math
import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from tools.checks.baseline import Baseline, fit
from tools.checks.kinds.base import Context, Found, Kind, Verdict, column_of
from tools.checks.model import Check
from tools.lake.base import Table
from tools.profile.figures import FIGURES, BatchFigures, plain

__all__ = ["DRIFTING", "KINDS", "figure_baseline", "figure_value"]

DRIFTING = ("nulls", "zeros", "mean", "q50")
"""Figures that drift is watched in. Counts are compared as shares of the rows."""
_SHARES = ("nulls", "zeros")
_SHARE_FLOOR = 0.1  # on the angle scale: 0 % to 1 %, 10 % to 17 %
_SIZE_FLOOR = 0.05
_WORDS = {"nulls": "the share of NULL in", "zeros": "the share of 0 in", "mean": "the mean of", "q50": "the median of"}


def figure_value(figures: BatchFigures, column: str, name: str) -> float | None:
    """A figure as it is compared; None where the batch does not have it."""
    value = figures.number(column, name)
    if value is None or name not in _SHARES:
        return value
    return value / figures.rows if figures.rows else None


def figure_baseline(
    past: Sequence[BatchFigures], column: str, name: str, when: datetime.datetime | None
) -> Baseline | None:
    """What is usual for a figure."""
    values = [figure_value(p, column, name) for p in past]
    scale = "share" if name in _SHARES else "plain"
    floor = _SHARE_FLOOR if name in _SHARES else _size_floor(past, column, name, values)
    return fit(values, [p.loaded_at for p in past], scale=scale, floor=floor, next_time=when)


def _size_floor(past: Sequence[BatchFigures], column: str, name: str, values: Sequence[float | None]) -> float:
    """A twentieth of its size, or what chance alone does to a mean of so many rows (a median of lumpy values: more)."""
    known = [abs(v) for v in values if v is not None]
    size = statistics.median(known) if known else 0.0
    spreads = [d for p in past if (d := p.number(column, "deviation")) is not None]
    spread = statistics.median(spreads) if spreads else 0.0
    rows = statistics.median(p.rows for p in past) if past else 1
    chance = spread / 4 if name == "q50" else 4 * spread / math.sqrt(max(rows, 1))
    return max(_SIZE_FLOOR * size, chance)


def _measures(check: Check, table: Table) -> Mapping[str, exp.Expr]:
    return {
        f"{name}_{i}": FIGURES[name].of(column_of(table, column))
        for i, (column, names) in enumerate(check.parameters["figures"].items())
        for name in names
    }


def _verdict(check: Check, found: Found, context: Context) -> Verdict:
    warn, error = float(check.parameters.get("warn_at", 1.5)), float(check.parameters.get("error_at", 2))
    off: list[_Off] = []
    for i, (column, names) in enumerate(check.parameters["figures"].items()):
        for name, bounds in names.items():
            value = _now(found, f"{name}_{i}", name, context.rows)
            if value is not None and (found_off := _judged(context, column, name, value, bounds, warn, error)):
                off.append(found_off)
    if not off:
        return Verdict(True, "Every figure is within its usual spread.", 0)
    off.sort(key=lambda o: -o.excess)
    grave = [o for o in off if o.grave]
    columns = tuple(dict.fromkeys(o.column for o in grave or off))
    said = "; ".join(o.said for o in (grave or off)[:5])
    return Verdict(False, f"{said[0].upper()}{said[1:]}.", len(columns), None if grave else "warn", columns)


def _now(found: Found, key: str, name: str, rows: int) -> float | None:
    value = plain(found[key])
    if value is None or isinstance(value, str | datetime.datetime):
        return None
    return float(value) / rows if name in _SHARES and rows else float(value)


@dataclass(frozen=True, slots=True)
class _Off:
    """A figure that is not as usual."""

    column: str
    excess: float
    grave: bool
    said: str


def _judged(
    context: Context, column: str, name: str, value: float, bounds: Sequence[float], warn: float, error: float
) -> _Off | None:
    """By what is usual of the batches before this one; without enough of them, by the bounds that were written down."""
    usual = figure_baseline(context.past, column, name, context.loaded_at)
    if usual is None:
        inside = bounds[0] <= value <= bounds[1]
        return None if inside else _Off(column, math.inf, True, _said(name, column, value, bounds[0], bounds[1]))
    if not usual.exceeds(value, warn):
        return None
    low, high = usual.bounds(error)
    return _Off(column, usual.excess(value), usual.exceeds(value, error), _said(name, column, value, low, high))


def _said(name: str, column: str, value: float, low: float, high: float) -> str:
    if name in _SHARES:
        return f"{_WORDS[name]} `{column}` is {value:.1%}, usually {low:.1%} to {high:.1%}"
    return f"{_WORDS[name]} `{column}` is {value:,.4g}, usually {low:,.4g} to {high:,.4g}"


def _sentence(check: Check) -> str:
    columns = list(check.parameters["figures"])
    return f"means, medians, zeros and NULLs of {len(columns)} columns stay within their usual spread"


KINDS = (Kind("drift", _measures, _verdict, _sentence),)
