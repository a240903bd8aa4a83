"""A Soda contract (Soda 4): its own checks where it has them, `failed_rows` and `metric` with SQL for the rest.

The data set's filter keeps the newest batch. Soda reads `${…}` in a contract as a variable, so a test that needs such
text is left out.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from tools.checks.formats.sql import against, newest_batch, table_named, unmatched_rows
from tools.checks.model import Check
from tools.lake.base import Column, Table
from tools.yaml_text import dumped

__all__ = ["export"]

_HEAD = """\
# Data quality tests of {table} for Soda, made from output/tests. Run them with:
#   soda contract verify --data-source <file> --contract <this file>
"""


def export(
    checks: Sequence[Check],
    table: Table,
    keys: tuple[Column, ...],
    dialect: str = "athena",
    data_source: str = "athena/awsdatacatalog",
) -> Exported:
    """The contract of one table.

    Args:
        keys: the partition keys that tell batches apart.
        dialect: the SQL of the data source, by sqlglot's name.
        data_source: what stands before schema and table in a data set's name: the source, and its database if it has.
    """
    rules, left = rules_of(checks, table)
    whole: list[Any] = []
    columns: dict[str, dict[str, Any]] = {}
    count = 0
    for rule in rules:
        try:
            column, said = _test(rule, table, dialect)
            _harmless(said)
        except ValueError as error:
            left.append(Left(rule.check, str(error)))
            continue
        count += 1
        if isinstance(rule.test, HasColumns):
            for name in rule.test.types:
                columns.setdefault(name, {"name": name})
        if column is None:
            whole.append(said)
        else:
            columns.setdefault(column, {"name": column}).setdefault("checks", []).append(said)
    data: dict[str, Any] = {"dataset": f"{data_source}/{table.name.database}/{table.name.table}"}
    batch = newest_batch(keys, table)
    if batch is not None:
        data["filter"] = said_in(batch, dialect)
    data["columns"] = list(columns.values())
    data["checks"] = whole
    text = _HEAD.format(table=" ".join(str(table.name).split())) + dumped({k: v for k, v in data.items() if v})
    return Exported(f"tests/soda/{table.name}.yml", text, count, tuple(left))


def _test(rule: Rule, table: Table, dialect: str) -> tuple[str | None, dict[str, Any]]:
    """The column that a test stands under, or None, and the test as Soda writes it."""
    common: dict[str, Any] = {"name": rule.name, "qualifier": rule.name}
    level = {"level": "warn"} if rule.check.severity == "warn" else {}
    if level:
        common["threshold"] = level
    found = _of_column(rule, table)
    if found is not None:
        column, kind, arguments = found
        return column, {kind: {**common, **arguments}}
    match rule.test:
        case Unique(several):
            return None, {"duplicate": {**common, "columns": list(several)}}
        case HasColumns():
            return None, {"schema": {"name": rule.name, "allow_extra_columns": True, "allow_other_column_order": True}}
        case InTable() as test:
            return None, {"failed_rows": {**common, "query": said_in(_unmatched(test, table), dialect)}}
        case Figure(value, low, high, rows):
            threshold = {"threshold": {**level, **_between(low, high)}}
            if rows:
                return None, {"row_count": {**common, **threshold}}
            return None, {"metric": {**common, "expression": said_in(value, dialect), **threshold}}
    condition = against(rule, table)
    if condition is None:
        raise ValueError("Soda has no word for it")
    return None, {"failed_rows": {**common, "expression": said_in(condition, dialect)}}


def _of_column(rule: Rule, table: Table) -> tuple[str, str, dict[str, Any]] | None:
    """Column, kind of test and arguments, where Soda has a test of one column that means the same."""
    match rule.test:
        case NotNull(column):
            return column, "missing", {}
        case Unique((column,)):
            return column, "duplicate", {}
        case OneOf(column, values) if all(isinstance(v, str) for v in values):
            return column, "invalid", {"valid_values": list(values)}
        case InRange(column, low, high) if is_number(table, column):
            bounds = {"valid_min": low, "valid_max": high}
            return column, "invalid", {k: v for k, v in bounds.items() if v is not None}
        case Matches(column, regex):
            return column, "invalid", {"valid_format": {"name": rule.name, "regex": regex}}
    return None


def _unmatched(test: InTable, table: Table) -> exp.Select:
    """Of all batches: a query of one's own is not filtered by Soda, and a key must exist in any batch."""
    return unmatched_rows(test, table_named(str(table.name)))


def _between(low: float | None, high: float | None) -> dict[str, Any]:
    if low is not None and high is not None:
        return {"must_be_between": {"greater_than_or_equal": low, "less_than_or_equal": high}}
    if low is not None:
        return {"must_be_greater_than_or_equal": low}
    return {"must_be_less_than_or_equal": high}


def _harmless(said: Mapping[str, Any]) -> None:
    """Raises ValueError for text that Soda would take for a variable."""
    if "${" in repr(said):
        raise ValueError("it holds ${, which Soda takes for a variable")
