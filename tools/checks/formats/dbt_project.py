"""Tests that a dbt project has already, read from its YAML: dbt's own four, and the usual ones of dbt_utils and
dbt_expectations. Nothing of the project is run; what cannot be read is said.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from knowledge.errors import CopilotError
from tools.checks.kinds import KINDS
from tools.checks.kinds.base import column_of, literal, parse_condition
from tools.checks.model import Check, Severity, check_id
from tools.checks.references import REFERENCE
from tools.lake.base import Table, TableName
from tools.profile.figures import family
from tools.quoting import quoted
from tools.result import Evidence
from tools.yaml_text import loaded

__all__ = ["read_tests"]

_OURS = "de_copilot"
_REF = re.compile(r"""\{*\s*(?:ref|source)\s*\(\s*(?:['"]([^'"]+)['"]\s*,\s*)?['"]([^'"]+)['"]\s*(?:,[^)]*)?\)\s*\}*""")
"""`ref('model')`, `ref('package', 'model')` or `source('schema', 'table')`: the last name is the table's."""


def read_tests(text: str, where: str, table: Table) -> tuple[list[Check], list[str]]:
    """The tests of a YAML file that are about a table, and those that are not taken, each with its reason.

    Raises ConfigError when the file is no YAML.
    """
    data = loaded(text, "the dbt file", where)
    checks: list[Check] = []
    left: list[str] = []
    for item in _about(data, table.name):
        for column, stated in _stated(item):
            test = _read(stated, column)
            if test is None or test.name.startswith(_OURS):
                continue
            label = f"{test.name}{f' of {column}' if column else ''} in {where}"
            try:
                checks += _taken(test, table, Evidence("config", where, f"{test.name}{f' of {column}' * bool(column)}"))
            except CopilotError as error:
                left.append(f"The test {label} is not taken: {error.what}.")
            except (ValueError, KeyError, TypeError) as error:
                left.append(f"The test {label} is not taken: {error}.")
    return checks, left


@dataclass(frozen=True)
class _Test:
    name: str
    column: str | None
    arguments: Mapping[str, Any]
    config: Mapping[str, Any]

    @property
    def columns(self) -> tuple[str, ...]:
        if self.column is None:
            raise ValueError("it names no column")
        return (self.column,)

    def get(self, *names: str) -> Any:
        return next((self.arguments[n] for n in names if self.arguments.get(n) is not None), None)


def _about(data: Any, name: TableName) -> Iterator[Mapping[str, Any]]:
    """Models, seeds, snapshots and source tables that are the table, by their alias or name, and schema where said."""
    if not isinstance(data, Mapping):
        return
    for section in ("models", "seeds", "snapshots"):
        for item in _maps(data.get(section)):
            config = _map(item.get("config"))
            named = config.get("alias") or item.get("alias") or item.get("name")
            if _same(named, name.table) and _same(config.get("schema") or name.database, name.database):
                yield item
    for source in _maps(data.get("sources")):
        if _same(source.get("schema") or source.get("name"), name.database):
            tables = _maps(source.get("tables"))
            yield from (t for t in tables if _same(t.get("identifier") or t.get("name"), name.table))


def _stated(item: Mapping[str, Any]) -> Iterator[tuple[str | None, Any]]:
    for test in _list(item.get("data_tests")) + _list(item.get("tests")):
        yield None, test
    for column in _maps(item.get("columns")):
        for test in _list(column.get("data_tests")) + _list(column.get("tests")):
            yield str(column.get("name")), test


def _read(stated: Any, column: str | None) -> _Test | None:
    """A test as dbt allows it: a name, a name with arguments, or a mapping with `test_name`."""
    if isinstance(stated, str):
        return _Test(stated, column, {}, {})
    if not isinstance(stated, Mapping) or not stated:
        return None
    body: Any
    if "test_name" in stated:
        name, body = stated["test_name"], stated
    else:
        name, body = next(iter(stated.items()))
    body = _map(body)
    arguments = {**body, **_map(body.get("arguments"))}
    config = {**{k: body[k] for k in ("severity", "where", "enabled") if k in body}, **_map(body.get("config"))}
    return _Test(str(name), str(arguments.get("column_name") or column or "") or None, arguments, config)


def _taken(test: _Test, table: Table, evidence: Evidence) -> list[Check]:
    """A test as checks of ours.

    Raises ValueError, KeyError, TypeError or CopilotError for one that cannot be.
    """
    if test.config.get("enabled") is False:
        return []
    if test.config.get("where"):
        raise ValueError("it is about some of the rows only")
    kind = _KINDS.get(test.name.rpartition(".")[2])
    if kind is None:
        raise ValueError("this kind of test is not known here")
    severity: Severity = "warn" if str(test.config.get("severity", "error")).lower() == "warn" else "error"
    made = []
    for name, columns, parameters in kind(test, table):
        found = tuple(column_of(table, c).name for c in columns)
        detail = str(parameters["condition"]) if name == "condition" else ""
        reason = f"Your dbt project tests it: {quoted(str(evidence.detail))}."
        check = Check(
            check_id(name, found, detail), name, found, parameters, severity, reason, "what it was written for"
        )
        check = check.changed(evidence=(evidence,))
        if name != REFERENCE:
            KINDS[name].measures(check, table)
        made.append(check)
    return made


_Made = list[tuple[str, tuple[str, ...], dict[str, Any]]]


def _not_null(test: _Test, table: Table) -> _Made:
    return [("not_null", test.columns, {})]


def _unique(test: _Test, table: Table) -> _Made:
    named = test.get("combination_of_columns", "column_list")
    columns = tuple(map(str, named)) if named else test.columns
    return [("unique", columns, {})]


def _values(test: _Test, table: Table) -> _Made:
    column = column_of(table, test.columns[0])
    values = test.get("values", "value_set")
    if not isinstance(values, list) or not values:
        raise ValueError("its values are no list")
    fitting = [_fitting(v, column.type) for v in values]
    return [("accepted_values", test.columns, {"values": fitting})]


def _fitting(value: Any, athena_type: str) -> Any:
    """A value as the column's type has it: dbt quotes numbers where nobody says otherwise."""
    if family(athena_type) == "text":
        value = str(value).replace("''", "'")
    elif family(athena_type) == "number" and isinstance(value, str):
        value = float(value) if "." in value else int(value)
    literal(value, athena_type)
    return value


def _relationships(test: _Test, table: Table) -> _Made:
    found = _REF.fullmatch(str(test.get("to") or "").strip())
    if not found:
        raise ValueError("the other table is no ref or source")
    # A source's name is a schema's more often than not; a model's package is no schema.
    source = found[1] if "source" in str(test.get("to")) else None
    other = f"{source or table.name.database}.{found[2]}".lower()
    return [(REFERENCE, test.columns, {"table": other, "columns": [str(test.get("field")).lower()]})]


def _range(test: _Test, table: Table) -> _Made:
    column = column_of(table, test.columns[0])
    low, high = test.get("min_value"), test.get("max_value")
    strict = test.get("inclusive") is False or test.get("strictly") is True
    if strict:
        tests = [(exp.GT, low), (exp.LT, high)]
        parts = [
            op(this=exp.column(column.name, quoted=True), expression=literal(bound, column.type))
            for op, bound in tests
            if bound is not None
        ]
        return [("condition", (column.name,), {"condition": exp.and_(*parts).sql("trino")})]
    bounds = {k: v for k, v in (("min", low), ("max", high)) if v is not None}
    for bound in bounds.values():
        literal(bound, column.type)
    if not bounds:
        raise ValueError("it has no bounds")
    return [("range", (column.name,), {"bounds": {column.name: bounds}})]


def _pattern(test: _Test, table: Table) -> _Made:
    regex = test.get("regex")
    if not isinstance(regex, str):
        raise ValueError("its regex is no text")
    try:
        re.compile(regex)
    except re.error as error:
        raise ValueError(f"its regex is none: {error}") from error
    return [("pattern", test.columns, {"regex": regex})]


def _expression(test: _Test, table: Table) -> _Made:
    """Of a table: a condition. Of a column: the rest of a condition that begins with it."""
    text = str(test.get("expression"))
    if "{{" in text:
        raise ValueError("its expression has Jinja in it")
    column = f"{exp.to_identifier(test.column, quoted=True).sql('trino')} " if test.column else ""
    tree = parse_condition(f"{column}{text}", table)
    columns = tuple(dict.fromkeys(c.name.lower() for c in tree.find_all(exp.Column)))
    if not columns:
        raise ValueError("its expression names no column")
    return [("condition", columns, {"condition": tree.sql("trino")})]


_KINDS: Mapping[str, Callable[[_Test, Table], _Made]] = {
    "not_null": _not_null,
    "expect_column_values_to_not_be_null": _not_null,
    "unique": _unique,
    "unique_combination_of_columns": _unique,
    "expect_column_values_to_be_unique": _unique,
    "expect_compound_columns_to_be_unique": _unique,
    "accepted_values": _values,
    "expect_column_values_to_be_in_set": _values,
    "relationships": _relationships,
    "accepted_range": _range,
    "expect_column_values_to_be_between": _range,
    "expect_column_values_to_match_regex": _pattern,
    "expression_is_true": _expression,
}
"""dbt's name of a test, without its package -> what it is here."""


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _maps(value: Any) -> list[Mapping[str, Any]]:
    return [v for v in _list(value) if isinstance(v, Mapping)]


def _same(said: Any, name: str) -> bool:
    return str(said).lower() == name
