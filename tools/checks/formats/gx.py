"""A suite for Great Expectations 1.x, for a SQL data source: its own expectations, and `unexpected_rows` queries else.

Give it a batch of one partition. Great Expectations fills `{batch}` into queries, so a test whose text holds a brace and
for which there is no expectation of its own is left out.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlglot import exp

from tools.checks.formats.rules import (
    Exported,
    Figure,
    HasColumns,
    InRange,
    InTable,
    Left,
    Matches,
    NotNull,
    OneOf,
    Rule,
    Unique,
    is_number,
    rules_of,
    said_in,
)
from tools.checks.formats.sql import against, unmatched_rows
from tools.checks.model import Check
from tools.lake.base import Column, Table

__all__ = ["export"]

_BATCH = "de_copilot_batch_"
"""Stands for the batch in a query until it is text; no table is called so."""


def export(checks: Sequence[Check], table: Table, keys: tuple[Column, ...], dialect: str = "athena") -> Exported:
    """The suite of one table.

    Args:
        dialect: the SQL of the data source, by sqlglot's name.
    """
    rules, left = rules_of(checks, table)
    expectations = []
    for rule in rules:
        try:
            kind, arguments = _expectation(rule, table, dialect)
        except ValueError as error:
            left.append(Left(rule.check, str(error)))
            continue
        level = {"severity": "warning"} if rule.check.severity == "warn" else {}
        meta = {"de_copilot": rule.check.id, "rule": rule.name}
        expectations.append({"type": kind, "kwargs": arguments, "meta": meta, **level})
    suite = {"name": str(table.name), "expectations": expectations, "meta": {"made_by": "de-copilot"}}
    text = json.dumps(suite, indent=2, ensure_ascii=False, default=str) + "\n"
    return Exported(f"tests/gx/{table.name}.json", text, len(expectations), tuple(left))


def _expectation(rule: Rule, table: Table, dialect: str) -> tuple[str, dict[str, Any]]:
    match rule.test:
        case NotNull(column):
            return "expect_column_values_to_not_be_null", {"column": column}
        case OneOf(column, values):
            return "expect_column_values_to_be_in_set", {"column": column, "value_set": list(values)}
        case Matches(column, regex):
            return "expect_column_values_to_match_regex", {"column": column, "regex": regex}
        case HasColumns(types):
            return "expect_table_columns_to_match_set", {"column_set": list(types), "exact_match": False}
        case Unique((column,)):
            return "expect_column_values_to_be_unique", {"column": column}
        case Unique(columns):
            keys = {"column_list": list(columns), "ignore_row_if": "any_value_is_missing"}
            return "expect_compound_columns_to_be_unique", keys
        case InRange(column, low, high) if is_number(table, column):
            return "expect_column_values_to_be_between", {"column": column, "min_value": low, "max_value": high}
        case Figure(_, low, high, rows=True):
            return "expect_table_row_count_to_be_between", {"min_value": low, "max_value": high}
    return "unexpected_rows_expectation", {"unexpected_rows_query": _query(rule, table, dialect)}


def _query(rule: Rule, table: Table, dialect: str) -> str:
    """What selects the rows against a rule, or one row with a figure that is out of bounds."""
    batch = exp.to_table(_BATCH)
    match rule.test:
        case InTable() as test:
            query = unmatched_rows(test, batch)
        case Figure(value, low, high):
            measured = exp.select(exp.alias_(value.copy(), "figure")).from_(batch).subquery("measured")
            query = exp.select("figure").from_(measured).where(_outside(low, high))
        case _:
            condition = against(rule, table)
            if condition is None:
                raise ValueError("Great Expectations has no word for it")
            query = exp.select("*").from_(batch).where(condition.copy())
    text = said_in(query, dialect)
    if "{" in text or "}" in text:
        raise ValueError("it holds a brace, which Great Expectations would fill in")
    return text.replace(_BATCH, "{batch}")


def _outside(low: float | None, high: float | None) -> exp.Expr:
    tests: list[exp.Expr] = []
    if low is not None:
        tests.append(exp.LT(this=exp.column("figure"), expression=exp.convert(low)))
    if high is not None:
        tests.append(exp.GT(this=exp.column("figure"), expression=exp.convert(high)))
    return exp.or_(*tests)
