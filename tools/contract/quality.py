"""Proven tests as quality rules of the standard; `tools.checks.formats.odcs` reads them back.

Where the standard has words for a test (a library metric, or a count of offending rows in SQL) it is said in them, so
that any tool can run it. What needs history or another table is a `custom` rule with the test itself inside.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlglot import exp

from tools.checks.formats.odcs import ENGINE, ITSELF
from tools.checks.kinds import KINDS
from tools.checks.model import Check
from tools.checks.suite import sentence
from tools.dossier import strictly_filled
from tools.lake.base import Table

__all__ = ["rules_of"]

_DIMENSIONS = {
    "not_null": "completeness", "required_values": "completeness", "row_count": "completeness", "unique": "uniqueness",
    "duplicates": "uniqueness", "timeliness": "timeliness", "foreign_key": "consistency", "condition": "consistency",
    "columns": "conformity", "pattern": "conformity", "tidy_text": "conformity", "accepted_values": "conformity",
    "known_values": "conformity", "range": "accuracy", "drift": "accuracy",
}  # fmt: skip


def rules_of(checks: Sequence[Check], table: Table, key: Sequence[str]) -> tuple[list[Any], dict[str, list[Any]]]:
    """Rules of the table, and rules by column."""
    whole: list[Any] = []
    by_column: dict[str, list[Any]] = {}
    for check in checks:
        if not check.enabled or _in_schema(check):
            continue
        rule = {**_head(check), **_body(check, table, key)}
        if rule.get("metric") == "invalidValues":
            by_column.setdefault(check.columns[0], []).append(rule)
        else:
            whole.append(rule)
    return whole, by_column


def _in_schema(check: Check) -> bool:
    """Whether the schema states it already: names and types, and columns that are required."""
    return check.kind == "columns" or (check.kind == "not_null" and set(strictly_filled(check)) == set(check.columns))


def _head(check: Check) -> dict[str, Any]:
    why = f": {check.reason.rstrip('.')}" if check.reason else ""
    places = [e.where for e in check.evidence if e.kind == "code"]
    head: dict[str, Any] = {
        "name": check.id,
        "description": f"{sentence(check)}{why}.".replace("`", ""),
        "severity": "error" if check.severity == "error" else "warning",
    }
    if check.kind in _DIMENSIONS:
        head["dimension"] = _DIMENSIONS[check.kind]
    if places:
        head["customProperties"] = [{"property": "statedAt", "value": places[0]}]
    return head


def _body(check: Check, table: Table, key: Sequence[str]) -> dict[str, Any]:
    strict = not check.parameters.get("warn_below") and not check.parameters.get("max_share")
    if check.kind == "unique" and strict:
        cutting = [c for c in key if c not in check.columns and (column := table.column(c)) and column.is_partition]
        names = [*cutting, *check.columns]
        return {"type": "library", "metric": "duplicateValues", "arguments": {"properties": names}, "mustBe": 0}
    if check.kind == "accepted_values" and strict:
        values = list(check.parameters["values"])
        return {"type": "library", "metric": "invalidValues", "arguments": {"validValues": values}, "mustBe": 0}
    if check.kind == "pattern" and strict:
        return {
            "type": "library",
            "metric": "invalidValues",
            "arguments": {"pattern": check.parameters["regex"]},
            "mustBe": 0,
        }
    kind = KINDS.get(check.kind)
    bad = kind.offending(check, table) if kind and strict else None
    if bad is not None and _portable(bad):
        query = exp.select(exp.Count(this=exp.Star())).from_(exp.to_table(ITSELF)).where(bad)
        return {"type": "sql", "query": query.sql("athena").replace(ITSELF, "${object}"), "mustBe": 0}
    implementation = {"kind": check.kind, "columns": list(check.columns), "parameters": _plain(check.parameters)}
    return {"type": "custom", "engine": ENGINE, "implementation": implementation}


def _portable(bad: exp.Expr) -> bool:
    """Whether the text means the same to Athena and to the engine that other tools read files with."""
    text = bad.sql("athena")
    return "${" not in text and text == bad.sql("duckdb")


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(v) for v in value]
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)
