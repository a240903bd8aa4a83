"""What the job promises, as checks: with the line that promises it."""

from __future__ import annotations

from collections.abc import Iterator

from tools.checks.material import Material
from tools.checks.model import Check, check_id
from tools.checks.rules import structure

__all__ = ["promises"]

_CATCHES = {
    "unique": "rows that were loaded twice, or a deduplication that no longer works",
    "not_null": "values that got lost on the way",
    "accepted_values": "values that the job does not make: written by hand or by another job",
    "condition": "rows that the job should have kept out, or computed otherwise",
    "foreign_key": "rows that refer to nothing",
}


def promises(material: Material) -> Iterator[Check]:
    """Keys first, then every other promise."""
    there = {c.name for c in material.columns}
    for key in material.job.keys:
        columns = tuple(c for c in key.columns if c in there)
        if columns:
            yield Check(
                check_id("unique", columns),
                "unique",
                columns,
                {},
                "error",
                key.why,
                _CATCHES["unique"],
                (key.evidence,),
            )
    filled = {c for check in structure.filled(material) for c in check.columns}
    for fact in material.job.facts:
        if not set(fact.columns) <= there or (fact.kind == "not_null" and fact.columns[0] in filled):
            continue
        detail = str(fact.parameters["condition"]).replace('"', "") if fact.kind == "condition" else ""
        yield Check(
            check_id(fact.kind, fact.columns, detail),
            fact.kind,
            fact.columns,
            dict(fact.parameters),
            "error",
            fact.why,
            _CATCHES[fact.kind],
            (fact.evidence,),
        )
