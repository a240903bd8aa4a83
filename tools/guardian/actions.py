"""What to do about a change: fixes in the order in which they can be made, checks to run, people to tell."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from tools.impact.result import ImpactItem, ImpactResult, shown_name

__all__ = ["Actions", "actions_for"]

_MOST_CHECKS = 12


@dataclass(frozen=True, slots=True)
class Step:
    """One thing to do, on what, and why."""

    name: str
    what: str
    why: str

    def to_dict(self) -> dict[str, str]:
        """As `--json` shows it."""
        return {"name": self.name, "what": self.what, "why": self.why}


@dataclass(frozen=True, slots=True)
class Check:
    """One query to run before and after the change, and what its results have to say."""

    title: str
    sql: str

    def to_dict(self) -> dict[str, str]:
        """As `--json` shows it."""
        return {"title": self.title, "sql": self.sql}


@dataclass(frozen=True, slots=True)
class Actions:
    """Fixes nearest the change first; `tell` is owner -> what they own that is reached."""

    fixes: tuple[Step, ...]
    checks: tuple[Check, ...]
    tell: Mapping[str, tuple[str, ...]]
    without_owner: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "fixes": [s.to_dict() for s in self.fixes],
            "checks": [c.to_dict() for c in self.checks],
            "tell": {owner: list(names) for owner, names in self.tell.items()},
            "without_owner": list(self.without_owner),
        }


def actions_for(impact: ImpactResult, owners: Mapping[str, str]) -> Actions:
    """The actions of an impact."""
    told: dict[str, list[str]] = {}
    nobody = []
    for item in impact.impacted:
        owner = owners.get(f"{item.kind}:{item.name}") or owners.get(f"{item.kind}:{shown_name(item)}")
        if owner:
            told.setdefault(owner, []).append(shown_name(item))
        elif item.kind in ("dashboard", "kpi"):
            nobody.append(item.name)
    return Actions(
        _fixes(impact),
        tuple(_checks(impact)),
        {owner: tuple(names) for owner, names in sorted(told.items())},
        tuple(nobody),
    )


def _fixes(impact: ImpactResult) -> tuple[Step, ...]:
    """Writers go with the change; then what breaks, nearest first: a later fix can be tried only after the ones before."""
    steps = [Step(i.name, "edit together with the change", i.reason) for i in impact.writers]
    broken = sorted(impact.of("breaks"), key=lambda i: (i.hops or 0, i.kind != "job", i.name))
    steps += [Step(shown_name(i), _FIX[i.kind], i.reason) for i in broken]
    stale = sorted(impact.of("stale", kind="job"), key=lambda i: (i.hops or 0, i.name))
    steps += [Step(i.name, "run again once what it reads is fresh", i.reason) for i in stale]
    return tuple(steps)


_FIX = {
    "job": "mend before the change is released",
    "table": "refill",
    "dashboard": "mend its query",
    "kpi": "mend its query",
}


def _checks(impact: ImpactResult) -> list[Check]:
    """Queries that show whether values moved: rows and the share of NULL for each column of a table that changes."""
    tables = [i for i in impact.items if i.kind == "table" and i.verdict in ("values_change", "stale")]
    checks = []
    for item in sorted(tables, key=lambda i: (i.hops or 0, i.name)):
        if "/" not in item.name:
            checks.append(_check(item))
    return checks[:_MOST_CHECKS]


def _check(item: ImpactItem) -> Check:
    columns = item.columns[:6] if item.verdict == "values_change" and not _loses(item) else ()
    what = f"rows of {shown_name(item)}" + (f", and values of {', '.join(columns)}" if columns else "")
    return Check(f"{what}: the same before and after, or different as intended", _profile(item.name, columns))


def _loses(item: ImpactItem) -> bool:
    return item.reason.startswith("loses")


def _profile(table: str, columns: Sequence[str]) -> str:
    """Rows, and for each column its NULLs and distinct values, in one scan."""
    picked: list[exp.Expr] = [exp.alias_(exp.Count(this=exp.Star()), "rows", quoted=True)]
    for name in columns:
        column = exp.column(name, quoted=True)
        missing = exp.CountIf(this=exp.Is(this=column.copy(), expression=exp.Null()))
        picked.append(exp.alias_(missing, f"{name}_nulls", quoted=True))
        picked.append(exp.alias_(exp.ApproxDistinct(this=column), f"{name}_values", quoted=True))
    parts = [exp.to_identifier(p, quoted=True) for p in table.split(".")]
    source = exp.Table(this=parts[-1], db=parts[-2] if len(parts) > 1 else None)
    return exp.select(*picked).from_(source).sql("athena", pretty=True)
