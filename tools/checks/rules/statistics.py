"""Rules about figures that move from batch to batch: one check for the drift of them all."""

from __future__ import annotations

from collections.abc import Iterator

from tools.checks.kinds.drift import DRIFTING, figure_baseline, figure_value
from tools.checks.material import Material
from tools.checks.model import Check, check_id
from tools.checks.rules.structure import seen

__all__ = ["drift"]

_FOREIGN = ("time", "calendar", "sequence", "identifier")
_LUMPY = 20


def drift(material: Material) -> Iterator[Check]:
    """What is usual for each figure that is not set by the calendar or by a counter."""
    figures: dict[str, dict[str, list[float]]] = {}
    for column in material.columns:
        for name in DRIFTING:
            if not _is_watched(material, column.name, name):
                continue
            usual = figure_baseline(material.profiles, column.name, name, None)
            if usual is not None:
                low, high = usual.bounds(2)
                figures.setdefault(column.name, {})[name] = [float(f"{low:.6g}"), float(f"{high:.6g}")]
    if not figures:
        return
    count = sum(map(len, figures.values()))
    yield Check(
        check_id("drift"),
        "drift",
        tuple(figures),
        {"figures": figures, "warn_at": 1.5, "error_at": 2},
        "error",
        f"{count} figures of {len(figures)} columns moved between batches within bounds of their own.",
        "changed units or scales, values replaced by 0 or NULL, another population",
        seen(material, "bounds are twice the largest miss of a forecast from earlier batches"),
    )


def _is_watched(material: Material, column: str, figure: str) -> bool:
    role = material.roles[column]
    if figure == "nulls":
        # Columns that are always filled have a check of their own.
        return any((figure_value(p, column, figure) or 0) > 0 for p in material.profiles)
    if role != "measure":
        return False
    return figure != "q50" or max(material.numbers(column, "distinct"), default=0) > _LUMPY
