"""What is usual: the next value of a figure foretold from earlier batches, and how far off that foretelling was.

Tolerance comes from the spread between batches, never from the spread between rows: a batch may differ from the
forecast by a multiple of the largest miss so far, and by a floor below which nobody would call it a fault.
"""

from __future__ import annotations

import datetime
import itertools
import math
import statistics
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["LEAST", "SCALES", "Baseline", "Scale", "fit"]

LEAST = 8
"""Batches without which nothing is called usual."""
_BURN_IN = 4
_RECENT = 5
_BETTER = 0.8
_FREAK = 3.0


@dataclass(frozen=True, slots=True)
class Scale:
    """How a figure is compared: sizes by ratio, shares by angle (1 % to 2 % counts, 50 % to 51 % does not)."""

    to: Callable[[float], float]
    back: Callable[[float], float]


SCALES = {
    "plain": Scale(lambda v: v, lambda v: v),
    "ratio": Scale(lambda v: math.log1p(max(v, 0.0)), lambda v: max(math.expm1(v), 0.0)),
    "share": Scale(
        lambda v: math.asin(math.sqrt(min(max(v, 0.0), 1.0))),
        lambda v: math.sin(min(max(v, 0.0), math.pi / 2)) ** 2,
    ),
}


@dataclass(frozen=True, slots=True)
class Baseline:
    """A forecast on a scale: `center` +- `step` were the largest miss so far, `floor` the least that matters."""

    scale: str
    center: float
    step: float
    floor: float

    def exceeds(self, value: float, times: float) -> bool:
        """Whether a value is off by more than so many of the largest misses, and by more than the floor."""
        return abs(SCALES[self.scale].to(value) - self.center) > self._width(times)

    def excess(self, value: float) -> float:
        """How many of the largest misses a value is off, for ranking."""
        return abs(SCALES[self.scale].to(value) - self.center) / max(self.step, self.floor / 2, 1e-12)

    def bounds(self, times: float) -> tuple[float, float]:
        """The lowest and highest value that does not exceed so many."""
        back, width = SCALES[self.scale].back, self._width(times)
        return back(self.center - width), back(self.center + width)

    def _width(self, times: float) -> float:
        return max(times * self.step, self.floor, 1e-12)


_Known: TypeAlias = "Sequence[tuple[float, datetime.datetime | None]]"
_Forecaster: TypeAlias = "Callable[[_Known, datetime.datetime | None], float | None]"


def fit(
    values: Sequence[float | None],
    times: Sequence[datetime.datetime | None],
    *,
    scale: str,
    floor: float,
    next_time: datetime.datetime | None = None,
) -> Baseline | None:
    """The forecast for the batch after these; None when too few of them have the figure.

    The forecast is the median of all, of the last few, or of the same weekday, whichever missed least so far.

    Args:
        values: the figure by batch, oldest first; None where a batch does not have it.
        times: when each batch was loaded.
        floor: on the scale.
        next_time: when the next one is loaded, for figures that follow the week.
    """
    to = SCALES[scale].to
    known = [(to(v), t) for v, t in zip(values, times, strict=True) if v is not None]
    if len(known) < LEAST:
        return None
    forecasters: list[_Forecaster] = [_overall, _recent]
    if _is_daily([t for _, t in known]):
        forecasters.append(_weekday)
    best: tuple[float, float, _Forecaster] | None = None
    for forecaster in forecasters:
        misses = list(_misses(known, forecaster))
        if len(misses) < _BURN_IN:
            continue
        mean = statistics.fmean(misses)
        if best is None or mean < best[0] * _BETTER:
            best = (mean, _largest(misses), forecaster)
    assert best is not None
    _, largest, forecaster = best
    center = forecaster(known, next_time)
    return Baseline(scale, _overall(known, None) if center is None else center, largest, floor)


def _misses(known: _Known, forecaster: _Forecaster) -> Iterator[float]:
    """How far off each forecast was, once there were batches to make one from."""
    for i in range(_BURN_IN, len(known)):
        forecast = forecaster(known[:i], known[i][1])
        if forecast is not None:
            yield abs(known[i][0] - forecast)


def _largest(misses: Sequence[float]) -> float:
    """The largest miss; the next one where a single batch missed by several times more than every other."""
    ordered = sorted(misses)
    return ordered[-2] if len(ordered) >= LEAST and ordered[-1] > _FREAK * ordered[-2] > 0 else ordered[-1]


def _overall(known: _Known, when: datetime.datetime | None) -> float:
    return statistics.median(v for v, _ in known)


def _recent(known: _Known, when: datetime.datetime | None) -> float:
    return statistics.median(v for v, _ in known[-_RECENT:])


def _weekday(known: _Known, when: datetime.datetime | None) -> float | None:
    same = [v for v, t in known if t is not None and when is not None and t.weekday() == when.weekday()]
    return statistics.median(same[-4:]) if len(same) >= 2 else None


def _is_daily(times: Sequence[datetime.datetime | None]) -> bool:
    known = [t for t in times if t is not None]
    if len(known) < len(times) or len(known) < 2 * 7 + 1:
        return False
    steps = [(b - a).total_seconds() / 86_400 for a, b in itertools.pairwise(known)]
    return 0.9 <= statistics.median(steps) <= 1.1
