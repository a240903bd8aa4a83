"""How grave an impact is: a written rule that `[severity]` in copilot.toml may change, never a model's opinion.

Each item has a severity; the change has that of its gravest item. By default: *high* is what breaks, and a dashboard or
KPI that goes stale; *medium* is a dashboard or KPI whose values change, a job or table that goes stale, and what does
not expect a value; the rest is *low*. An item that is declared critical (in the settings, or with `"criticality":
"high"` beside it) is high as soon as it is reached for certain; with `far` set, what is further away than so many hops
counts one level less.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from tools.result import counted

if TYPE_CHECKING:
    from tools.impact.result import ImpactItem

__all__ = ["DEFAULT_RULE", "Severity", "SeverityRule", "item_severity", "severity_of"]

Severity = Literal["low", "medium", "high"]
_LEVELS: tuple[Severity, ...] = ("low", "medium", "high")
_CONSUMERS = ("dashboard", "kpi")
_KINDS = {"job": "job", "table": "table", "dashboard": "dashboard", "kpi": "KPI"}


@dataclass(frozen=True, slots=True)
class SeverityRule:
    """The rule's parts; each of them a level, but for `critical` (names) and `far` (hops)."""

    breaks: Severity = "high"
    stale_consumer: Severity = "high"
    values_consumer: Severity = "medium"
    stale: Severity = "medium"
    other: Severity = "low"
    critical: frozenset[str] = frozenset()
    far: int | None = None
    unexpected: Severity = "medium"


DEFAULT_RULE = SeverityRule()


def item_severity(item: ImpactItem, rule: SeverityRule = DEFAULT_RULE) -> Severity:
    """The severity of one item that is reached."""
    certain = item.verdict in ("breaks", "stale", "unexpected", "values_change")
    if certain and item.name.lower() in rule.critical:
        return "high"
    level = _level(item, rule)
    if rule.far is not None and (item.hops or 0) > rule.far:
        return _LEVELS[max(_LEVELS.index(level) - 1, 0)]
    return level


def _level(item: ImpactItem, rule: SeverityRule) -> Severity:
    consumer = item.kind in _CONSUMERS
    match item.verdict:
        case "breaks":
            return rule.breaks
        case "stale":
            return rule.stale_consumer if consumer else rule.stale
        case "unexpected":
            return rule.unexpected
        case "values_change" if consumer:
            return rule.values_consumer
    return rule.other


def severity_of(items: Sequence[ImpactItem], rule: SeverityRule = DEFAULT_RULE) -> tuple[Severity, str]:
    """The severity of a change, and what makes it so: the worst verdict among its gravest items."""
    reached = [i for i in items if i.verdict != "not_affected"]
    if not reached:
        return "low", "nothing downstream is reached"
    worst = max((item_severity(i, rule) for i in reached), key=_LEVELS.index)
    gravest = [i for i in reached if item_severity(i, rule) == worst]
    return worst, _reason(worst, gravest, rule)


_SAID = (
    ("breaks", "breaks", "break"),
    ("stale", "goes stale", "go stale"),
    ("unexpected", "does not expect the value", "do not expect the value"),
)


def _reason(level: Severity, gravest: Sequence[ImpactItem], rule: SeverityRule) -> str:
    named = [i.name for i in gravest if i.name.lower() in rule.critical]
    critical = f"; declared critical: {', '.join(sorted(named))}" if named and level == "high" else ""
    for verdict, one, many in _SAID:
        found = [i for i in gravest if i.verdict == verdict]
        consumers = [i for i in found if i.kind in _CONSUMERS]
        shown = consumers if verdict == "stale" and consumers else found
        if shown:
            return f"{count_of(shown)} {one if len(shown) == 1 else many}{critical}"
    moved = [i for i in gravest if i.verdict == "values_change"]
    if moved and level != "low":
        return f"values of {count_of(moved)} change{critical}"
    if any(i.verdict == "no_reader" for i in gravest):
        return "what has no reader left can be retired, and breaks nothing"
    return "nothing breaks, and no dashboard or KPI is known to change"


def count_of(items: Sequence[ImpactItem]) -> str:
    """Items counted by kind: "1 job and 2 dashboards"."""
    parts = [counted(n, _KINDS[k]) for k in _KINDS if (n := sum(i.kind == k for i in items))]
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
