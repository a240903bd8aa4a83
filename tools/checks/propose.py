"""Proposes checks for a table, each of them proven, and says what was left out and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tools.checks.calibrate import FOLLOWING, calibrated
from tools.checks.material import Material
from tools.checks.model import Check, Finding, Outcome
from tools.checks.prove import BackTest, Proof, back_test, prove_loud, prove_silent
from tools.checks.references import REFERENCE
from tools.checks.rules import RULES
from tools.checks.stated import is_stated, with_stated
from tools.lake.base import Lake

__all__ = ["MOST_ERRORS", "Proposal", "Rejected", "candidates", "judged", "propose"]

MOST_ERRORS = 20
"""More checks that stop a pipeline than this are not read by anybody."""
_MOST_WARNINGS = 10
_OFTEN = 0.2
_NOT_COMPARABLE = 0.5


@dataclass(frozen=True, slots=True)
class Rejected:
    """A check that is not proposed, and why."""

    check: Check
    why: str

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {"id": self.check.id, "why": self.why}


@dataclass(frozen=True)
class Proposal:
    """Proven checks, what they found wrong today, and what was left out."""

    checks: tuple[Check, ...]
    proofs: Mapping[str, Proof]
    findings: tuple[Finding, ...]
    rejected: tuple[Rejected, ...]
    unknowns: tuple[str, ...] = ()


def candidates(material: Material) -> list[Check]:
    """Everything that the rules propose, each subject once: a promise of the job replaces what the data suggest."""
    found: dict[str, Check] = {}
    for rule in RULES:
        for check in rule(material):
            found[check.id] = check
    keys = [k.name for k in material.batches.keys]
    return with_stated(_without_repetition(list(found.values())), material.stated.checks, keys)


def _without_repetition(checks: Sequence[Check]) -> list[Check]:
    """Without a foreign key that a wider one includes, or a rule between columns that the job states itself."""
    stated = [set(c.columns) for c in checks if c.kind == "condition" and is_stated(c) and len(c.columns) > 1]
    keys = [c for c in checks if c.kind == REFERENCE]
    kept = []
    for check in checks:
        if check.kind == REFERENCE:
            wider = [k for k in keys if set(check.columns) < set(k.columns) and _same_table(k, check)]
            if wider:
                continue
        if check.kind == "condition" and not is_stated(check) and any(set(check.columns) == s for s in stated):
            continue
        kept.append(check)
    return kept


def _same_table(one: Check, other: Check) -> bool:
    return bool(one.parameters["table"] == other.parameters["table"])


def propose(lake: Lake, material: Material) -> Proposal:
    """Checks that hold today, were silent on held-out batches and catch their fault; at most 20 of severity error.

    Raises:
        LimitExceeded, ReadError: see `Lake.query`.
    """
    found = candidates(material)
    tested = back_test(lake, material, candidates)
    found, unsteady = _calibrated(found, material, tested)
    return _proven(lake, material, found, tested, unsteady)


def judged(lake: Lake, material: Material, checks: Sequence[Check]) -> Proposal:
    """Checks that somebody else proposes, held to the same proof: silent on every batch, loud on a fault.

    They were not made from the first batches, so nothing was held out: every batch counts.

    Raises:
        LimitExceeded, ReadError: see `Lake.query`.
    """
    return _proven(lake, material, list(checks), BackTest(), [])


def _proven(
    lake: Lake, material: Material, found: Sequence[Check], tested: BackTest, rejected: list[Rejected]
) -> Proposal:
    silent = prove_silent(lake, material, found) if found else {}
    kept, findings, failing = _judge(found, silent, tested)
    caught = prove_loud(lake, material, kept)
    deaf = [Rejected(c, "none of the faults that it is there for makes it fail") for c in kept if c.id not in caught]
    kept, over = _within_budget([c for c in kept if c.id in caught])
    return Proposal(
        tuple(kept),
        {c.id: _proof(c, silent, tested, caught) for c in kept},
        tuple(findings),
        (*failing, *rejected, *deaf, *over),
        (*material.job.unknowns, *material.stated.unknowns),
    )


def _calibrated(checks: Sequence[Check], material: Material, tested: BackTest) -> tuple[list[Check], list[Rejected]]:
    """Checks that follow the batches, with tolerances fitted to those held out; with too few batches they only warn."""
    kept: list[Check] = []
    rejected: list[Rejected] = []
    for check in checks:
        if check.kind not in FOLLOWING:
            kept.append(check)
            continue
        fitted = calibrated(check, material.profiles, tested.held_out) if tested.held_out else check
        if fitted is None:
            rejected.append(Rejected(check, "what it watches jumps about too much from batch to batch"))
        else:
            unproven = check.kind == "drift" and not tested.held_out
            kept.append(replace(fitted, severity="warn") if unproven else fitted)
    return kept, rejected


def _judge(
    checks: Sequence[Check], silent: Mapping[str, Sequence[Outcome]], tested: BackTest
) -> tuple[list[Check], list[Finding], list[Rejected]]:
    kept: list[Check] = []
    findings: list[Finding] = []
    rejected: list[Rejected] = []
    for check in checks:
        follows = check.kind in FOLLOWING
        outcomes = silent[check.id][-max(tested.held_out, 1) :] if follows else silent[check.id]
        against = [o for o in outcomes if o.status == "failed"]
        failed = [o for o in against if o.severity == "error"]
        broken = next((o for o in outcomes if o.status == "broken"), None)
        alarms = 0 if follows else tested.alarms(check.id)
        if broken is not None:
            rejected.append(Rejected(check, broken.detail))
            continue
        if failed and _not_comparable(check, failed):
            rejected.append(
                Rejected(check, "most rows are against it: this engine computes the job's expression otherwise")
            )
            continue
        if against and not follows:
            findings.append(_finding(check, against[-1], len(against), len(outcomes)))
        often = len(failed) > _OFTEN * len(outcomes)
        # A warning that a team wrote and that nearly every batch sets off is a finding, and no test to keep.
        noise = is_stated(check) and not follows and len(against) > _OFTEN * len(outcomes)
        if (failed and (is_stated(check) or often)) or noise:
            rejected.append(Rejected(check, "it does not hold today: see the finding"))
        elif alarms > _OFTEN * max(tested.held_out, 1):
            rejected.append(Rejected(check, f"it alarmed on {alarms} of {tested.held_out} held-out batches"))
        elif alarms:
            kept.append(replace(check, severity="warn"))
        else:
            kept.append(check)
    return kept, findings, rejected


def _not_comparable(check: Check, failed: Sequence[Outcome]) -> bool:
    """An expression of the job that nearly no row agrees with is one that the engines compute differently."""
    of_job = any(e.kind == "code" for e in check.evidence)
    rows = sum(o.rows for o in failed)
    bad = sum(o.failing or 0 for o in failed)
    return check.kind == "condition" and of_job and bad > _NOT_COMPARABLE * rows


def _finding(check: Check, newest: Outcome, failed: int, batches: int) -> Finding:
    how_often = f" It failed in {failed} of {batches} batches." if batches > 1 else ""
    return Finding(check, newest.batch, newest.failing, newest.rows, newest.detail + how_often, newest.samples)


_RANK = (
    "columns", "not_null", "unique", REFERENCE, "row_count", "timeliness", "range", "drift", "duplicates",
    "tidy_text", "accepted_values", "known_values", "required_values", "condition", "pattern",
)  # fmt: skip


def _within_budget(checks: Sequence[Check]) -> tuple[list[Check], list[Rejected]]:
    """The most useful as errors, some more as warnings; promises of the job before what the data suggest."""
    order = sorted(checks, key=lambda c: (not is_stated(c), _RANK.index(c.kind)))
    order.sort(key=lambda c: c.kind not in _RANK[:9])
    errors = [c for c in order if c.severity == "error"]
    allowed = {c.id for c in errors[:MOST_ERRORS]}
    left = [replace(c, severity="warn") if c.severity == "error" and c.id not in allowed else c for c in order]
    warnings = [c for c in left if c.severity == "warn"]
    dropped = {c.id for c in warnings[_MOST_WARNINGS:]}
    rejected = [
        Rejected(c, f"{MOST_ERRORS} errors and {_MOST_WARNINGS} warnings are enough") for c in left if c.id in dropped
    ]
    place = {c.id: i for i, c in enumerate(checks)}
    return sorted((c for c in left if c.id not in dropped), key=lambda c: place[c.id]), rejected


def _proof(
    check: Check,
    silent: Mapping[str, Sequence[Outcome]],
    tested: BackTest,
    caught: Mapping[str, tuple[str, int | None]],
) -> Proof:
    fault, rows = caught[check.id]
    held_out = tested.held_out if check.id in tested.outcomes else 0
    alarms = 0 if check.kind in FOLLOWING else tested.alarms(check.id)
    return Proof(sum(o.passed for o in silent[check.id]), held_out, alarms, fault, rows)
