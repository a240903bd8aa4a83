"""Proof of checks: silent on today's data, silent on later batches that were held out, loud on a mutated copy.

What fails on today's data is a finding: the rule should hold and does not. What alarms on held-out batches is not
proposed as an error. What does not notice its own fault is not proposed at all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from knowledge.errors import QueryError
from tools.checks.evaluate import evaluate
from tools.checks.kinds.base import name_of
from tools.checks.material import Material
from tools.checks.model import Check, Outcome
from tools.checks.mutate import FAULTS, Fault, faulty
from tools.lake.base import Lake
from tools.profile.batches import Batches

__all__ = ["BackTest", "Proof", "back_test", "prove_loud", "prove_silent"]

_HELD_OUT = 0.3
_LEAST_BATCHES = 11


@dataclass(frozen=True, slots=True)
class Proof:
    """What was shown of a check. `caught` names the fault that it failed on; counts are of batches."""

    silent_on: int = 0
    held_out: int = 0
    alarms: int = 0
    caught: str | None = None
    caught_rows: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """As `--json` and files carry it."""
        return {
            "silent_on_batches": self.silent_on,
            "held_out_batches": self.held_out,
            "held_out_alarms": self.alarms,
            "caught": self.caught,
            "caught_rows": self.caught_rows,
        }


def prove_silent(lake: Lake, material: Material, checks: Sequence[Check]) -> dict[str, list[Outcome]]:
    """Outcomes of each check on every batch, oldest first."""
    found = evaluate(lake, material.batches, checks, history=material.profiles)
    return {c.id: [o for outcomes in found.values() for o in outcomes if o.check.id == c.id] for c in checks}


# --------------------------------------------------------------------------- held-out batches


@dataclass(frozen=True)
class BackTest:
    """How checks that were proposed from the first batches did on those that came after."""

    held_out: int = 0
    outcomes: Mapping[str, Sequence[Outcome]] = field(default_factory=dict)

    def alarms(self, check_id: str, severity: str = "error") -> int:
        """Held-out batches on which a check alarmed."""
        return sum(not o.passed and o.severity == severity for o in self.outcomes.get(check_id, ()))


def back_test(lake: Lake, material: Material, propose: Callable[[Material], Iterable[Check]]) -> BackTest:
    """Proposes from the first 70 % of the batches and runs that on the rest; nothing with too few batches."""
    count = len(material.batches.items)
    if count < _LEAST_BATCHES:
        return BackTest()
    known = count - max(3, round(count * _HELD_OUT))
    later = material.batches.only(set(material.batches.labels[known:]))
    found = evaluate(lake, later, list(propose(material.first(known))), history=material.profiles)
    by_id: dict[str, list[Outcome]] = {}
    for outcomes in found.values():
        for outcome in outcomes:
            by_id.setdefault(outcome.check.id, []).append(outcome)
    return BackTest(count - known, by_id)


# --------------------------------------------------------------------------- mutated copies


def prove_loud(lake: Lake, material: Material, checks: Sequence[Check]) -> dict[str, tuple[str, int | None]]:
    """For each check that can be shown to work, the fault that it caught and the rows that it counted."""
    newest = next((p.label for p in reversed(material.profiles) if p.rows), None)
    if newest is None:
        return {}
    batch = material.batches.only({newest})
    caught: dict[str, tuple[str, int | None]] = {}
    for check in checks:
        if check.kind == "columns":
            caught[check.id] = ("a column dropped", 1)
    for fault in FAULTS.values():
        left = [c for c in checks if c.id not in caught and fault.name in _FITTING.get(c.kind, ())]
        caught |= _caught(lake, material, batch, left, fault)
    missing = [c for c in checks if c.kind == "required_values" and c.id not in caught]
    for check in missing:
        caught |= _without_a_value(lake, material, batch, check)
    return caught


def _caught(
    lake: Lake, material: Material, batch: Batches, checks: Sequence[Check], fault: Fault
) -> dict[str, tuple[str, int | None]]:
    if not checks:
        return {}
    pairs = [(c.columns[0], c.columns[1]) for c in checks if len(c.columns) > 1]
    return _failing(lake, material, batch, checks, faulty(fault, batch, pairs), fault.name)


def _failing(
    lake: Lake, material: Material, batch: Batches, checks: Sequence[Check], source: exp.Query, name: str
) -> dict[str, tuple[str, int | None]]:
    try:
        (outcomes,) = evaluate(lake, batch, checks, history=material.profiles, source=source).values()
    except QueryError:  # a fault that the engine cannot make, such as an overflow
        return {}
    return {o.check.id: (name, o.failing) for o in outcomes if o.status == "failed" and _counts(o)}


def _counts(outcome: Outcome) -> bool:
    """An error must be shown to stop the pipeline, a warning to warn."""
    return outcome.severity == "error" or outcome.check.severity == "warn"


def _without_a_value(lake: Lake, material: Material, batch: Batches, check: Check) -> dict[str, tuple[str, int | None]]:
    value = exp.cast(name_of(check.columns[0]), "varchar")
    gone = exp.NEQ(this=value, expression=exp.Literal.string(str(check.parameters["values"][0])))
    source = faulty(Fault("a value missing"), batch).subquery("w")
    query = exp.select("*").from_(source).where(gone)
    return _failing(lake, material, batch, [check], query, "a value missing")


_SIZES = ("100 times too large in 5 %", "100 times too large", "negative in 5 %", "0 in a third", "half as large again")
_TIMES = ("dates of 1970", "a year ahead", "a year late", "eight hours ahead")
_TEXTS = ("a letter too many", "a blank after the text", "changed case", "UNKNOWN for a value")
_FITTING: Mapping[str, tuple[str, ...]] = {
    "not_null": ("2 % of the values lost", "a third of the values lost"),
    "unique": ("3 % of the rows twice",),
    "duplicates": ("3 % of the rows twice",),
    "row_count": ("only a third of the rows",),
    "timeliness": _TIMES,
    "foreign_key": ("values that exist nowhere",),
    "accepted_values": ("values that exist nowhere", "a letter too many", "100 times too large in 5 %"),
    "known_values": _TEXTS,
    "pattern": _TEXTS,
    "tidy_text": _TEXTS,
    "range": (*_SIZES, *_TIMES),
    "condition": ("columns swapped", *_SIZES, *_TEXTS, *_TIMES, "2 % of the values lost", "flags turned round"),
    "drift": (*_SIZES, "a third of the values lost"),
}
