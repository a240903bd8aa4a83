"""Tests for dbt: a `sources:` file with dbt's own tests where it has them, and five generic ones for the rest.

The generic tests are a file of macros (dbt_macros.sql) that goes beside it. Each test reads the newest batch only, by
dbt's `where`.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

from tools.checks.formats.rules import (
    Exported,
    Figure,
    HasColumns,
    InTable,
    Left,
    NotNull,
    OneOf,
    Rule,
    Unique,
    rules_of,
    said_in,
)
from tools.checks.formats.sql import against, newest_batch, table_named
from tools.checks.kinds.base import name_of
from tools.checks.model import Check
from tools.lake.base import Column, Table
from tools.profile.figures import family
from tools.yaml_text import dumped

__all__ = ["MACROS_PATH", "export", "macros"]

MACROS_PATH = "tests/dbt/macros/de_copilot.sql"
_HEAD = """\
# Data quality tests of {table} for dbt, made from output/tests. The generic tests are in macros/de_copilot.sql.
"""


def macros() -> str:
    """The generic tests that the files use."""
    return files("tools.checks.formats").joinpath("dbt_macros.sql").read_text("utf-8")


def export(checks: Sequence[Check], table: Table, keys: tuple[Column, ...], dialect: str = "athena") -> Exported:
    """The file of one table.

    Args:
        keys: the partition keys that tell batches apart.
        dialect: the SQL of the warehouse that dbt runs on, by sqlglot's name.
    """
    rules, left = rules_of(checks, table)
    batch = newest_batch(keys, table)
    where = said_in(batch, dialect) if batch is not None else None
    whole: list[Any] = []
    by_column: dict[str, list[Any]] = {}
    count = 0
    for rule in rules:
        try:
            column, test = _written(rule, table, dialect, where)
        except ValueError as error:
            left.append(Left(rule.check, f"{dialect} cannot say it: {error}"))
            continue
        count += 1
        (whole if column is None else by_column.setdefault(column, [])).append(test)
    item: dict[str, Any] = {"name": table.name.table}
    if whole:
        item["data_tests"] = whole
    if by_column:
        item["columns"] = [{"name": c, "data_tests": t} for c, t in by_column.items()]
    data = {"version": 2, "sources": [{"name": table.name.database, "schema": table.name.database, "tables": [item]}]}
    text = _HEAD.format(table=" ".join(str(table.name).split())) + dumped(data)
    return Exported(f"tests/dbt/{table.name}.yml", text, count, tuple(left))


def _written(rule: Rule, table: Table, dialect: str, where: str | None) -> tuple[str | None, Any]:
    """The column that a test stands under, or None, and the test as dbt writes it."""
    column, name, arguments = _test(rule, table, dialect)
    config: dict[str, Any] = {"severity": rule.check.severity, "meta": {"de_copilot": rule.check.id}}
    if where is not None and not isinstance(rule.test, HasColumns):
        config["where"] = _plain(where)
    said: dict[str, Any] = {"name": _name(rule, table)}
    if arguments:
        said["arguments"] = arguments
    return column, {name: {**said, "config": config}}


def _test(rule: Rule, table: Table, dialect: str) -> tuple[str | None, str, Mapping[str, Any]]:
    match rule.test:
        case NotNull(column):
            return column, "not_null", {}
        case Unique((column,)):
            return column, "unique", {}
        case OneOf(column, values) if all(isinstance(v, str) for v in values):
            return column, "accepted_values", {"values": [_plain(v.replace("'", "''")) for v in values]}
        case Unique(columns):
            return None, "de_copilot_unique", {"columns": _names(columns, dialect)}
        case InTable(columns, other, theirs):
            arguments: dict[str, Any] = {
                "columns": _names(columns, dialect),
                "table": _plain(said_in(table_named(other), dialect)),
                "their_columns": _names(theirs, dialect),
            }
            return None, "de_copilot_in_table", arguments
        case HasColumns(types):
            return None, "de_copilot_columns", {"kinds": {_plain(c): family(t) for c, t in types.items()}}
        case Figure(value, low, high):
            bounds = {"at_least": low, "at_most": high}
            arguments = {k: v for k, v in bounds.items() if v is not None}
            return None, "de_copilot_figure", {"figure": _plain(said_in(value, dialect)), **arguments}
    condition = against(rule, table)
    if condition is None:
        raise ValueError("it has no condition")
    return None, "de_copilot_no_rows", {"condition": _plain(said_in(condition, dialect))}


def _names(columns: Sequence[str], dialect: str) -> list[str]:
    return [_plain(said_in(name_of(c), dialect)) for c in columns]


def _plain(text: str) -> str:
    """Text that Jinja leaves alone.

    Raises ValueError for one that would end its own quotation.
    """
    if not re.search(r"\{[{%#]", text):
        return text
    if "endraw" in text:
        raise ValueError("it holds a word of the template language")
    return f"{{% raw %}}{text}{{% endraw %}}"


def _name(rule: Rule, table: Table) -> str:
    """dbt makes files and relations of a test's name; two must not differ in punctuation only."""
    stem = re.sub(r"\W+", "_", f"{table.name.table}_{rule.name}", flags=re.ASCII).strip("_").lower()
    mark = f"{zlib.crc32(f'{table.name} {rule.name}'.encode()):08x}"
    return f"{stem[:80]}_{mark}"
