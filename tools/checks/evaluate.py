"""Runs checks: all of a table's in one scan, one more query for each foreign key; any number of batches at once.

A check that cannot be computed is `broken`, never passed; it does not keep the others from running.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from knowledge.errors import ConfigError, CopilotError, LimitExceeded, QueryError
from tools.checks.kinds import KINDS, Context
from tools.checks.model import Check, Outcome
from tools.checks.references import REFERENCE, reference_query, reference_verdict
from tools.lake.base import Lake, Limits
from tools.profile.batches import WHOLE, Batches
from tools.profile.figures import BatchFigures
from tools.profile.measure import source_of

__all__ = ["evaluate"]

_LIMITS = Limits(rows=100_000, bytes=2**63, seconds=900.0)


@dataclass(frozen=True, slots=True)
class _Scan:
    """What the checks are run over: the batches, possibly with a query in place of the table."""

    lake: Lake
    batches: Batches
    source: exp.Query | None
    limits: Limits

    def select(self, *items: exp.Expr) -> exp.Select:
        """A grouped query over the batches."""
        keys = self.batches.key_columns()
        query = exp.select(*keys, *items).from_(self.origin())
        if keys:
            query = query.group_by(*(k.copy() for k in keys)).where(self.batches.condition())
        return query

    def origin(self) -> exp.Expr:
        """What stands after FROM."""
        if self.source is None:
            return source_of(self.batches.table)
        return self.source.copy().subquery("t")

    def rows(self, query: exp.Select) -> dict[str, dict[str, Any]]:
        """Result rows by batch label."""
        result = self.lake.query(query, limits=self.limits)
        names = [k.name for k in self.batches.keys]
        return {self.batches.label_of([row[n] for n in names]) if names else WHOLE: row for row in result.dicts()}


def evaluate(
    lake: Lake,
    batches: Batches,
    checks: Iterable[Check],
    *,
    history: Sequence[BatchFigures] = (),
    source: exp.Query | None = None,
    limits: Limits = _LIMITS,
) -> dict[str, list[Outcome]]:
    """Outcomes by batch label, in the order of the checks; checks that are switched off are left out.

    Args:
        history: figures of good batches, oldest first; for each batch those before it (in this order) are its past.
        source: a query with the table's columns to be checked in its place.
    """
    scan = _Scan(lake, batches, source, limits)
    wanted = [c for c in checks if c.enabled]
    found: dict[str, dict[str, dict[str, Any]]] = {label: {} for label in batches.labels}
    rows: dict[str, int] = dict.fromkeys(batches.labels, 0)
    broken: dict[str, str] = {}
    scanned = [c for c in wanted if c.kind != REFERENCE]
    _measure(scan, scanned, found, rows, broken)
    for check in wanted:
        if check.kind == REFERENCE:
            _measure_reference(scan, check, found, broken)
    return {
        b.label: [
            _outcome(
                c,
                b.label,
                found[b.label].get(c.id),
                broken,
                Context(batches.table, rows[b.label], b.loaded_at, _before(history, b.label)),
            )
            for c in wanted
        ]
        for b in batches.items
    }


def _aggregates(
    scan: _Scan, checks: Sequence[Check], broken: dict[str, str]
) -> tuple[list[exp.Expr], list[tuple[str, str]], list[Check]]:
    """The select items of some checks, what each of them measures, and the checks whose parameters are right."""
    items: list[exp.Expr] = [exp.alias_(exp.Count(this=exp.Star(), big_int=True), "rows", quoted=True)]
    places: list[tuple[str, str]] = []
    ready: list[Check] = []
    for check in checks:
        try:
            measures = _kind(check).measures(check, scan.batches.table)
        except (CopilotError, KeyError, TypeError, AttributeError) as error:
            broken[check.id] = (
                error.message if isinstance(error, CopilotError) else f"its parameters are wrong: {error!r}"
            )
            continue
        ready.append(check)
        for name, aggregate in measures.items():
            items.append(exp.alias_(aggregate, f"m{len(places)}", quoted=True))
            places.append((check.id, name))
    return items, places, ready


def _measure(
    scan: _Scan,
    checks: Sequence[Check],
    found: dict[str, dict[str, dict[str, Any]]],
    rows: dict[str, int],
    broken: dict[str, str],
) -> None:
    """One query for all of them; when the engine refuses it, the halves, until the culprit stands alone."""
    items, places, ready = _aggregates(scan, checks, broken)
    try:
        result = scan.rows(scan.select(*items))
    except LimitExceeded:
        raise
    except QueryError as error:
        if len(ready) == 1:
            broken[ready[0].id] = error.what
            ready = []
        if not ready:
            _measure_nothing(scan, rows)
            return
        middle = len(ready) // 2
        _measure(scan, ready[:middle], found, rows, broken)
        _measure(scan, ready[middle:], found, rows, broken)
        return
    for label, row in result.items():
        rows[label] = row["rows"]
    empty: dict[str, Any] = {}
    for label in found:
        row = result.get(label, empty)
        for check in ready:
            found[label].setdefault(check.id, {})
        for i, (check_id, name) in enumerate(places):
            found[label][check_id][name] = row.get(f"m{i}")


def _measure_nothing(scan: _Scan, rows: dict[str, int]) -> None:
    if any(rows.values()):
        return
    counted = scan.rows(scan.select(exp.alias_(exp.Count(this=exp.Star(), big_int=True), "rows", quoted=True)))
    rows.update({label: row["rows"] for label, row in counted.items()})


def _measure_reference(
    scan: _Scan, check: Check, found: dict[str, dict[str, dict[str, Any]]], broken: dict[str, str]
) -> None:
    try:
        query = reference_query(check, scan.lake, scan.batches, scan.origin())
        result = scan.rows(query)
    except LimitExceeded:
        raise
    except CopilotError as error:
        broken[check.id] = error.what
        return
    except (KeyError, TypeError) as error:
        broken[check.id] = f"its parameters are wrong: {error!r}"
        return
    for label in found:
        found[label][check.id] = result.get(label, {"bad": 0, "new": []})


def _outcome(
    check: Check, label: str, found: Mapping[str, Any] | None, broken: Mapping[str, str], context: Context
) -> Outcome:
    if check.id in broken or found is None:
        why = broken.get(check.id, "it was not measured")
        return Outcome(
            check, label, "broken", check.severity, None, context.rows, f"It cannot be computed: {why}", check.columns
        )
    judge = reference_verdict if check.kind == REFERENCE else _kind(check).judge
    verdict = judge(check, found, context)
    # A warning stays a warning, whatever its kind says of the size of the fault.
    severity = "warn" if check.severity == "warn" else verdict.severity or check.severity
    columns = verdict.columns if verdict.columns is not None else check.columns
    return Outcome(
        check,
        label,
        "passed" if verdict.passed else "failed",
        severity,
        verdict.failing,
        context.rows,
        verdict.detail,
        columns,
    )


def _kind(check: Check) -> Any:
    if check.kind not in KINDS:
        raise ConfigError(f"{check.kind!r} is no kind of check", hint=f"There are: {', '.join(KINDS)}, {REFERENCE}.")
    return KINDS[check.kind]


def _before(history: Sequence[BatchFigures], label: str) -> Sequence[BatchFigures]:
    for number, figures in enumerate(history):
        if figures.label == label:
            return history[:number]
    return history
