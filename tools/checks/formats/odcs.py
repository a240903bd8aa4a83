"""Rules of a data contract (Open Data Contract Standard) as tests that can be run."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from sqlglot import exp, parse_one
from sqlglot.errors import SqlglotError

from tools.checks.kinds import KINDS
from tools.checks.model import Check, check_id
from tools.checks.references import REFERENCE
from tools.lake.base import Table

__all__ = ["ENGINE", "ITSELF", "tests_of"]

ENGINE = "de-copilot"
"""The engine that a `custom` rule names when it is one of our tests."""
ITSELF = "the_table_itself"
"""Stands for the table where the standard has a placeholder."""


def tests_of(contract: Mapping[str, Any], table: Table) -> tuple[list[Check], list[str]]:
    """The tests that a contract asks for, and the rules that cannot be run here, each with its reason."""
    schema = (contract.get("schema") or [{}])[0]
    checks = list(_stated(schema))
    left: list[str] = []
    rules: list[tuple[Any, str | None]] = [(r, None) for r in schema.get("quality") or ()]
    rules += [(r, str(p.get("name"))) for p in schema.get("properties") or () for r in p.get("quality") or ()]
    cutting = {c.name for c in table.partition_keys}
    for number, (rule, column) in enumerate(rules, 1):
        made = _test(rule, column, number, cutting) if isinstance(rule, Mapping) else "it is no mapping"
        if isinstance(made, str):
            name = rule.get("name") if isinstance(rule, Mapping) else None
            left.append(f"rule {name or number} was not run: {made}")
        else:
            checks.append(made)
    return list({c.id: c for c in checks}.values()), left


def _stated(schema: Mapping[str, Any]) -> Iterator[Check]:
    """What the schema promises: columns that are always filled, columns that are unique, the primary key."""
    properties = [p for p in schema.get("properties") or () if isinstance(p, Mapping) and p.get("name")]
    filled = tuple(str(p["name"]) for p in properties if p.get("required"))
    if filled:
        yield Check(check_id("not_null", filled), "not_null", filled, {}, "error", "required in the contract", "")
    for prop in properties:
        if prop.get("unique"):
            name = str(prop["name"])
            yield Check(check_id("unique", [name]), "unique", (name,), {}, "error", "unique in the contract", "")
    key = sorted((p for p in properties if p.get("primaryKey")), key=lambda p: p.get("primaryKeyPosition") or 0)
    if key:
        names = tuple(str(p["name"]) for p in key)
        yield Check(check_id("unique", names), "unique", names, {}, "error", "the contract's primary key", "")


def _test(rule: Mapping[str, Any], column: str | None, number: int, cutting: set[str]) -> Check | str:
    name = str(rule.get("name") or rule.get("id") or f"rule {number}")
    severity: Any = "warn" if str(rule.get("severity", "error")).lower() in ("warning", "warn", "info") else "error"
    made: tuple[str, tuple[str, ...], Mapping[str, Any]] | str
    match rule.get("type", "library"):
        case "library":
            made = _library(rule, column)
        case "sql":
            made = _counted(rule)
        case "custom" if rule.get("engine") == ENGINE:
            made = _own(rule)
        case "custom":
            made = f"it is for {rule.get('engine')}"
        case other:
            made = f"rules of type {other} are not run"
    if isinstance(made, str):
        return made
    kind, columns, parameters = made
    return Check(name, kind, columns, parameters, severity, str(rule.get("description") or ""), "")


def _library(rule: Mapping[str, Any], column: str | None) -> tuple[str, tuple[str, ...], Mapping[str, Any]] | str:
    arguments = rule.get("arguments") or {}
    metric = rule.get("metric") or rule.get("rule")
    if metric == "rowCount":
        least, most = rule_bounds(rule)
        return ("row_count", (), {"min": least or 0, "max": most, "follow": False})
    if rule.get("mustBe") != 0:
        return "only `mustBe: 0` is run for it"
    if metric == "duplicateValues":
        names = tuple(map(str, arguments.get("properties") or ([column] if column else ())))
        return ("unique", names, {}) if names else "it names no column"
    if column is None:
        return "it names no column"
    if metric in ("nullValues", "missingValues") and not arguments:
        return ("not_null", (column,), {})
    if metric == "invalidValues" and "validValues" in arguments:
        return ("accepted_values", (column,), {"values": list(arguments["validValues"] or ())})
    if metric == "invalidValues" and "pattern" in arguments:
        return ("pattern", (column,), {"regex": str(arguments["pattern"])})
    return f"the metric {metric} is not run"


def rule_bounds(rule: Mapping[str, Any]) -> tuple[int | None, int | None]:
    """The least and the most that a rule allows of a count."""
    if "mustBe" in rule:
        return int(rule["mustBe"]), int(rule["mustBe"])
    if "mustBeBetween" in rule:
        low, high = rule["mustBeBetween"]
        return int(low), int(high)
    least = rule.get("mustBeGreaterOrEqualTo", rule["mustBeGreaterThan"] + 1 if "mustBeGreaterThan" in rule else None)
    most = rule.get("mustBeLessOrEqualTo", rule["mustBeLessThan"] - 1 if "mustBeLessThan" in rule else None)
    return least, most


_PLACE = re.compile(r"[\"'`]?\$?\{(?:object|table|model)\}[\"'`]?")


def _counted(rule: Mapping[str, Any]) -> tuple[str, tuple[str, ...], Mapping[str, Any]] | str:
    """`SELECT COUNT(*) FROM ${object} WHERE …`, which has to be 0, as the condition that no row breaks."""
    try:
        tree = parse_one(_PLACE.sub(ITSELF, str(rule.get("query", ""))), read="athena")
    except SqlglotError:
        return "its query is no Athena SQL"
    where = tree.args.get("where") if isinstance(tree, exp.Select) else None
    simple = (
        isinstance(tree, exp.Select)
        and where is not None
        and rule.get("mustBe") == 0
        and len(tree.expressions) == 1
        and isinstance(tree.expressions[0].unalias(), exp.Count)
        and {t.name for t in tree.find_all(exp.Table)} == {ITSELF}
        and not any(tree.args.get(a) for a in ("joins", "group", "having", "with_", "limit", "distinct"))
        and not where.find(exp.Query, exp.AggFunc, exp.Window)
    )
    if not simple or where is None:
        return "only SELECT COUNT(*) FROM ${object} WHERE … that must be 0 is run"
    against = where.this
    holds = against.this.unnest() if isinstance(against, exp.Not) else exp.Not(this=exp.paren(against))
    columns = tuple(dict.fromkeys(c.name for c in where.find_all(exp.Column)))
    return "condition", columns, {"condition": holds.sql("athena")}


def _own(rule: Mapping[str, Any]) -> tuple[str, tuple[str, ...], Mapping[str, Any]] | str:
    body = rule.get("implementation")
    if not isinstance(body, Mapping) or not isinstance(body.get("parameters", {}), Mapping):
        return "its implementation is no mapping of kind, columns and parameters"
    kind = body.get("kind")
    if kind not in (*KINDS, REFERENCE):
        return f"{kind!r} is no kind of test"
    return str(kind), tuple(map(str, body.get("columns") or ())), dict(body.get("parameters") or {})
