"""Tolerances that would have kept held-out batches silent, for the checks that follow the batches before.

Each of the last batches is held against a forecast from those before it. What was off by several times the tolerance
there is not watched at all; the rest sets the multiple at which a check warns and at which it stops a pipeline.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from tools.checks.baseline import Baseline
from tools.checks.kinds.drift import figure_baseline, figure_value
from tools.checks.kinds.tables import lag, lag_baseline, rows_baseline
from tools.checks.model import Check
from tools.profile.figures import BatchFigures

__all__ = ["FOLLOWING", "calibrated"]

_UNSTEADY = 4.0
_ROOM = 1.2

_Past: TypeAlias = Sequence[BatchFigures]
_Watched: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Follower:
    """A kind that follows the batches: what it watches, how that is foretold, and the check that watches less."""

    watched: Callable[[Check], list[_Watched]]
    value: Callable[[BatchFigures, _Watched], float | None]
    usual: Callable[[_Past, _Watched, BatchFigures], Baseline | None]
    only: Callable[[Check, set[_Watched]], Check]


def calibrated(check: Check, past: _Past, held_out: int) -> Check | None:
    """The check with tolerances that fit the last batches; None when nothing that it watches is steady enough.

    Args:
        past: figures of all batches, oldest first.
        held_out: how many of the last ones it is held against.
    """
    kind, start = _KINDS[check.kind], len(past) - held_out
    excess = {w: [_excess(kind, past, i, w) for i in range(start, len(past))] for w in kind.watched(check)}
    steady = {w for w, values in excess.items() if max(values, default=0.0) <= _UNSTEADY}
    if excess and not steady and check.kind != "timeliness":
        return None
    worst = max((v for w in steady for v in excess[w]), default=0.0)
    error = max(float(check.parameters.get("error_at", 2)), round(_ROOM * worst, 2))
    warn = min(max(float(check.parameters.get("warn_at", 1.5)), round(worst, 2)), error)
    fitted = kind.only(check, steady)
    return fitted.changed(parameters={**fitted.parameters, "warn_at": warn, "error_at": error})


def _excess(kind: _Follower, past: _Past, number: int, watched: _Watched) -> float:
    value, usual = kind.value(past[number], watched), kind.usual(past[:number], watched, past[number])
    return usual.excess(value) if usual and value is not None and usual.exceeds(value, 1.0) else 0.0


# --------------------------------------------------------------------------- the kinds


def _only_figures(check: Check, steady: set[_Watched]) -> Check:
    figures = {c: {n: b for n, b in names.items() if (c, n) in steady} for c, names in _figures(check).items()}
    figures = {c: names for c, names in figures.items() if names}
    return check.changed(parameters={**check.parameters, "figures": figures}, columns=tuple(figures))


def _figures(check: Check) -> Mapping[str, Mapping[str, object]]:
    figures: Mapping[str, Mapping[str, object]] = check.parameters["figures"]
    return figures


_USUAL = {"max": "newest_usual_hours", "min": "oldest_usual_hours"}


def _only_lags(check: Check, steady: set[_Watched]) -> Check:
    dropped = {_USUAL[f] for f in _USUAL if (check.columns[0], f) not in steady}
    return check.changed(parameters={k: v for k, v in check.parameters.items() if k not in dropped})


_KINDS: Mapping[str, _Follower] = {
    "drift": _Follower(
        lambda check: [(c, n) for c, names in _figures(check).items() for n in names],
        lambda figures, w: figure_value(figures, w[0], w[1]),
        lambda past, w, now: figure_baseline(past, w[0], w[1], now.loaded_at),
        _only_figures,
    ),
    "row_count": _Follower(
        lambda check: [("rows",)] if check.parameters.get("follow") else [],
        lambda figures, w: float(figures.rows),
        lambda past, w, now: rows_baseline(past, now.loaded_at),
        lambda check, steady: check,
    ),
    "timeliness": _Follower(
        lambda check: [(check.columns[0], f) for f, name in _USUAL.items() if name in check.parameters],
        lambda figures, w: lag(figures.loaded_at, figures.time(w[0], w[1])),
        lambda past, w, now: lag_baseline(past, w[0], w[1], now.loaded_at),
        _only_lags,
    ),
}
FOLLOWING = frozenset(_KINDS)
"""Kinds whose bounds move with the batches: early ones, with little before them, say nothing against a check."""
