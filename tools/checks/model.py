"""A check: one data quality test with its reason, its evidence and the fault that it is there for.

Checks are data: they can be stored, edited by a person and exported. How a kind of check is computed is in
`tools.checks.kinds`; this module knows no SQL.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from tools.result import Evidence

__all__ = ["Check", "Finding", "Outcome", "Severity", "Status", "check_id"]

Severity = Literal["error", "warn"]
Status = Literal["passed", "failed", "broken"]
"""`broken`: it could not be computed, for example because its column is gone. Never taken for passed."""


@dataclass(frozen=True, slots=True)
class Check:
    """One data quality test of a table.

    Attributes:
        id: stable: made of the kind and the columns, the same in every regeneration.
        kind: a key of `tools.checks.kinds.KINDS`.
        columns: the columns that it is about; empty for the table as a whole.
        parameters: bounds, values and the like, as plain JSON data; see the kind.
        severity: `error` stops a pipeline, `warn` asks for a look. A kind with two bounds may answer `warn` itself.
        reason: why it should hold, in one sentence.
        catches: the fault that it is there for.
        evidence: job lines and figures behind the reason.
        enabled: False where a person switched it off.
    """

    id: str
    kind: str
    columns: tuple[str, ...]
    parameters: Mapping[str, Any]
    severity: Severity
    reason: str
    catches: str
    evidence: tuple[Evidence, ...] = ()
    enabled: bool = True

    def changed(self, **values: Any) -> Check:
        """A copy with some attributes replaced."""
        return replace(self, **values)

    def to_dict(self) -> dict[str, Any]:
        """As files and `--json` carry it."""
        return {
            "id": self.id,
            "kind": self.kind,
            "columns": list(self.columns),
            "parameters": dict(self.parameters),
            "severity": self.severity,
            "reason": self.reason,
            "catches": self.catches,
            "evidence": [e.to_dict() for e in self.evidence],
            "enabled": self.enabled,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Check:
        """The inverse of `to_dict`; keys beside these are ignored."""
        evidence = tuple(Evidence(e["kind"], e["where"], e.get("detail")) for e in data.get("evidence", ()))
        return cls(
            str(data["id"]),
            str(data["kind"]),
            tuple(data.get("columns", ())),
            dict(data.get("parameters", {})),
            data.get("severity", "error"),
            data.get("reason", ""),
            data.get("catches", ""),
            evidence,
            data.get("enabled", True),
        )


def check_id(kind: str, columns: Sequence[str] = (), detail: str = "") -> str:
    """The id of a check: `unique(origin, time_hour)`; `detail` tells several of one kind on the same columns apart."""
    inner = detail if detail else ", ".join(columns)
    return f"{kind}({inner})" if inner else kind


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one check said of one batch.

    Attributes:
        severity: of this failure; a check of severity error may only warn.
        failing: rows (or values, or columns) against it; None where that is not counted.
        rows: rows of the batch.
        detail: one sentence with the figures.
        columns: those that failed, or all that the check is about.
        samples: keys and values of some offending rows.
    """

    check: Check
    batch: str
    status: Status
    severity: Severity
    failing: int | None
    rows: int
    detail: str
    columns: tuple[str, ...] = ()
    samples: tuple[Mapping[str, Any], ...] = ()

    @property
    def passed(self) -> bool:
        """Whether it held."""
        return self.status == "passed"

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "id": self.check.id,
            "kind": self.check.kind,
            "batch": self.batch,
            "status": self.status,
            "severity": self.severity,
            "failing": self.failing,
            "rows": self.rows,
            "detail": self.detail,
            "columns": list(self.columns),
            "samples": [{k: _shown(v) for k, v in s.items()} for s in self.samples],
        }


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong in the data today: a rule that should hold and does not."""

    check: Check
    batch: str
    failing: int | None
    rows: int
    detail: str
    samples: tuple[Mapping[str, Any], ...] = field(default=())

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "check": self.check.id,
            "reason": self.check.reason,
            "batch": self.batch,
            "failing": self.failing,
            "rows": self.rows,
            "detail": self.detail,
            "samples": [{k: _shown(v) for k, v in s.items()} for s in self.samples],
        }


def _shown(value: Any) -> Any:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    return value.isoformat() if isinstance(value, datetime.date | datetime.time) else str(value)
