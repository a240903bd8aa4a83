"""What a job promises, as data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tools.result import Evidence

__all__ = ["Fact", "JobFacts", "KeyFact", "no_facts"]


@dataclass(frozen=True, slots=True)
class KeyFact:
    """Columns that the job makes one row for."""

    columns: tuple[str, ...]
    why: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Fact:
    """A promise that is a check already: its kind, columns and parameters.

    `exact` is False for an expression that another engine may round another way.
    """

    kind: str
    columns: tuple[str, ...]
    parameters: Mapping[str, Any]
    why: str
    evidence: Evidence
    exact: bool = True

    @property
    def subject(self) -> tuple[str, tuple[str, ...], str]:
        """What it is about: promises of several jobs on the same subject are compared."""
        values = self.parameters.get("condition", "") if self.kind == "condition" else self.parameters.get("table", "")
        return self.kind, self.columns, str(values)


@dataclass(frozen=True, slots=True)
class JobFacts:
    """All promises of the jobs that write a table, and why some could not be read."""

    jobs: tuple[str, ...]
    keys: tuple[KeyFact, ...]
    facts: tuple[Fact, ...]
    unknowns: tuple[str, ...] = ()


def no_facts(unknowns: Sequence[str] = ()) -> JobFacts:
    """What is known without a job."""
    return JobFacts((), (), (), tuple(unknowns))
