"""Runs a table's tests on a batch: all in one scan, one more query for each foreign key, and keeps the outcome.

What fails comes with the number of offending rows and a few of their keys. A test that cannot be computed is broken,
never passed.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from knowledge.errors import CopilotError, InputError
from tools.checks.evaluate import evaluate
from tools.checks.kinds import KINDS
from tools.checks.kinds.base import name_of
from tools.checks.model import Check, Outcome
from tools.checks.references import REFERENCE, unmatched
from tools.checks.suite import MOST_BATCHES, generate, newest, saved, sentence
from tools.lake.base import Lake, Limits
from tools.profile.batches import Batches, cut
from tools.profile.kept import known_profiles
from tools.profile.measure import source_of
from tools.result import Evidence, counted, listed

if TYPE_CHECKING:
    from tools.workspace import Workspace

__all__ = ["CheckRun", "past_runs", "run_checks"]

_SPACE = "check_runs"
_SAMPLES = 5
_MOST_KEYS = 4
_MOST_SAMPLED = 10
"""Failing checks whose rows are looked up; each costs a query."""


@dataclass(frozen=True)
class CheckRun:
    """One run of a table's tests on one batch. `source` is the file they came from, None when they were just made."""

    kind = "check_run"
    table: str
    batch: str
    at: str
    outcomes: tuple[Outcome, ...]
    off: tuple[str, ...]
    source: str | None
    rows: int

    @property
    def failed(self) -> list[Outcome]:
        """Failures that stop a pipeline, broken tests of severity error among them."""
        return [o for o in self.outcomes if not o.passed and o.severity == "error"]

    @property
    def warned(self) -> list[Outcome]:
        """Failures that ask for a look."""
        return [o for o in self.outcomes if not o.passed and o.severity == "warn"]

    @property
    def passed(self) -> bool:
        """Whether a pipeline may go on."""
        return not self.failed

    @property
    def evidence(self) -> Sequence[Evidence]:
        """What was run."""
        found = [Evidence("query", self.table, f"{self.batch}, {self.rows:,} rows")]
        if self.source:
            found.append(Evidence("files", self.source, counted(len(self.outcomes), "test")))
        return tuple(found)

    @property
    def unknowns(self) -> Sequence[str]:
        """Tests that could not be computed."""
        return tuple(f"{o.check.id}: {o.detail}" for o in self.outcomes if o.status == "broken")

    def text(self) -> str:
        """Whether it passed, then each failure with its figures."""
        good = sum(o.passed for o in self.outcomes)
        verdict = "passes" if self.passed else "fails"
        said = f"`{self.table.rpartition('.')[2]}` {verdict} its tests: {good} of {len(self.outcomes)} hold"
        counts = [
            counted(len(self.failed), "error") if self.failed else "",
            counted(len(self.warned), "warning") if self.warned else "",
        ]
        told = ", ".join(c for c in counts if c)
        first = f"{said}{f', {told}' if told else ''} ({self.batch}, {self.rows:,} rows)."
        lines = [_line(o) for o in (*self.failed, *self.warned)]
        rest = [sentence(o.check) for o in self.outcomes if o.passed]
        parts = [first, "\n".join(lines), f"Held: {'; '.join(rest)}." if rest else ""]
        if self.off:
            parts.append(f"Switched off: {listed(self.off)}.")
        if self.source is None:
            parts.append("There is no file of tests: these were made just now and are not kept.")
        return "\n\n".join(p for p in parts if p)

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "table": self.table,
            "batch": self.batch,
            "at": self.at,
            "passed": self.passed,
            "rows": self.rows,
            "outcomes": [{**o.to_dict(), "sentence": sentence(o.check)} for o in self.outcomes],
            "switched_off": list(self.off),
            "source": self.source,
            "unknowns": list(self.unknowns),
        }


def run_checks(ws: Workspace, table: str, *, partition: str | None = None) -> CheckRun:
    """Runs a table's tests on its newest batch, or on another, and keeps the outcome as history.

    The tests are those of `output/tests/<table>.yaml`; without a file they are made on the spot.

    Args:
        partition: a batch's label (`as_of_date=2026-01-31`) or its bare value.

    Raises:
        NotFound, Ambiguous: no such table or batch.
        ConfigError: the file cannot be read.
        InputError: there is nothing to run.
        LimitExceeded, QueryError, ReadError: see `Lake.query`.
    """
    name = ws.assets.find(table, ["table"]).name
    every = cut(ws.lake, name)
    if not every.items:
        raise InputError(f"{name} has no data", hint="Load some, then run its tests.")
    batch = every.find(partition) if partition else every.items[-1]
    file = saved(ws, name)
    checks = tuple(k.check for k in file.checks) if file else generate(ws, name).checks
    if not checks:
        raise InputError(f"there are no tests for {name}", hint=f"Make them: de-copilot tests {name}.")
    before, _ = newest(every.only(set(every.labels[: every.labels.index(batch.label)])), MOST_BATCHES)
    history = [p for p in known_profiles(ws.lake, ws.store, before) if p.rows] if before.items else []
    (outcomes,) = evaluate(ws.lake, every.only({batch.label}), checks, history=history).values()
    outcomes = _with_samples(ws.lake, every.only({batch.label}), outcomes, _key_of(checks))
    run = CheckRun(
        name,
        batch.label,
        datetime.datetime.now(datetime.UTC).isoformat(timespec="milliseconds"),
        tuple(outcomes),
        tuple(c.id for c in checks if not c.enabled),
        f"output/tests/{name.rpartition('.')[2]}.yaml" if file else None,
        outcomes[0].rows if outcomes else 0,
    )
    ws.store.put(_SPACE, {f"{name}\n{run.at}": _kept(run)})
    return run


def past_runs(ws: Workspace, table: str) -> list[Mapping[str, Any]]:
    """Earlier runs of a table's tests, oldest first: batch, time, counts, and what did not hold."""
    return list(ws.store.find(_SPACE, f"{ws.assets.find(table, ['table']).name}\n").values())


def _kept(run: CheckRun) -> dict[str, Any]:
    return {
        "table": run.table,
        "batch": run.batch,
        "at": run.at,
        "passed": run.passed,
        "tests": len(run.outcomes),
        "failed": [{"id": o.check.id, "severity": o.severity, "failing": o.failing} for o in run.failed + run.warned],
    }


# --------------------------------------------------------------------------- sample keys of what fails


def _key_of(checks: Sequence[Check]) -> tuple[str, ...]:
    """The columns that tell rows apart, as the tests themselves say."""
    keys = [c.columns for c in checks if c.kind == "unique"]
    return min(keys, key=len) if keys else ()


def _with_samples(lake: Lake, batches: Batches, outcomes: Sequence[Outcome], key: Sequence[str]) -> list[Outcome]:
    left = _MOST_SAMPLED
    found = []
    for outcome in outcomes:
        query = _sample_query(lake, batches, outcome.check, key) if outcome.status == "failed" and left else None
        if query is not None:
            left -= 1
            try:
                rows = lake.query(query.limit(_SAMPLES), limits=Limits(rows=_SAMPLES)).dicts()
                outcome = replace(outcome, samples=tuple(rows))
            except CopilotError:
                pass  # the verdict stands without examples
        found.append(outcome)
    return found


def _sample_query(lake: Lake, batches: Batches, check: Check, key: Sequence[str]) -> exp.Select | None:
    wanted = list(dict.fromkeys((*key[:_MOST_KEYS], *check.columns)))
    where = batches.condition()
    if check.kind == REFERENCE:
        query = unmatched(check, lake, source_of(batches.table))
        query = query.select(*(exp.column(c, table="t", quoted=True) for c in wanted))
        if where is not None:
            for column in where.find_all(exp.Column):
                column.set("table", exp.to_identifier("t", quoted=True))
            query = query.where(where)
        return query
    if check.kind in ("unique", "duplicates") and check.columns:
        query = exp.select(*map(name_of, check.columns)).from_(source_of(batches.table))
        query = query.where(where) if where is not None else query
        many = exp.GT(this=exp.Count(this=exp.Star(), big_int=True), expression=exp.Literal.number(1))
        return query.group_by(*map(name_of, check.columns)).having(many)
    kind = KINDS.get(check.kind)
    bad = kind.offending(check, batches.table) if kind else None
    if bad is None:
        return None
    query = exp.select(*map(name_of, wanted)).from_(source_of(batches.table)).where(bad)
    return query.where(where) if where is not None else query


def _line(outcome: Outcome) -> str:
    samples = "; ".join(", ".join(f"`{k}` = {v}" for k, v in s.items()) for s in outcome.samples[:3])
    head = "broken" if outcome.status == "broken" else outcome.severity
    return f"- **{head}** {sentence(outcome.check)}: {outcome.detail}" + (f" For example {samples}." if samples else "")
