"""What a kind of check is: the aggregates that it needs, and the judgement over what they gave.

All aggregates of all checks of a table are taken in one scan, so a kind never runs a query of its own. Row predicates
are Athena expressions in which NULL counts as holding: missing values are the business of `not_null` alone.
"""

from __future__ import annotations

import datetime
import functools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import errors, exp, parse

from knowledge.errors import ConfigError
from tools.checks.model import Check, Severity
from tools.lake.base import Column, Table
from tools.profile.figures import BatchFigures, family

__all__ = [
    "Context",
    "Kind",
    "Verdict",
    "column_of",
    "count_if",
    "failing_rows",
    "grade",
    "literal",
    "name_of",
    "parse_condition",
]


@dataclass(frozen=True, slots=True)
class Context:
    """What a judgement may know of the batch beside its aggregates. `past` are earlier good batches, oldest first."""

    table: Table
    rows: int
    loaded_at: datetime.datetime | None
    past: Sequence[BatchFigures] = ()


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check says. `severity` overrides the check's; `columns` are those that failed."""

    passed: bool
    detail: str
    failing: int | None = None
    severity: Severity | None = None
    columns: tuple[str, ...] | None = None


Found = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of check.

    Attributes:
        name: how checks refer to it.
        measures: the aggregates that it needs, by a name of its own.
        judge: the verdict over their values.
        offending: the predicate of a row against it; None when single rows cannot be told.
        sentence: what the check says, for people.
    """

    name: str
    measures: Callable[[Check, Table], Mapping[str, exp.Expr]]
    judge: Callable[[Check, Found, Context], Verdict]
    sentence: Callable[[Check], str]
    offending: Callable[[Check, Table], exp.Expr | None] = lambda check, table: None


def column_of(table: Table, name: str) -> Column:
    """A column of the table.

    Raises:
        ConfigError: there is none of that name.
    """
    column = table.column(name)
    if column is None:
        raise ConfigError(f"Table {table.name} has no column {name!r}")
    return column


def name_of(name: str) -> exp.Column:
    """A column by name, quoted."""
    return exp.column(name, quoted=True)


def count_if(test: exp.Expr) -> exp.Expr:
    """Rows for which a predicate is true."""
    return exp.CountIf(this=test)


def literal(value: Any, athena_type: str) -> exp.Expr:
    """A parameter as a literal that may be compared with a column of this type.

    Raises:
        ConfigError: the value does not fit the type.
    """
    kind = family(athena_type)
    try:
        if kind == "number":
            return _number(value, exact=not athena_type.startswith(("real", "double")))
        if kind == "time":
            return _time(value, athena_type)
        if kind == "boolean" and isinstance(value, bool):
            return exp.true() if value else exp.false()
    except (TypeError, ValueError) as error:
        raise ConfigError(f"{value!r} is no value of type {athena_type}") from error
    if kind == "text" and isinstance(value, str):
        return exp.Literal.string(value)
    raise ConfigError(f"{value!r} is no value of type {athena_type}")


def _number(value: Any, *, exact: bool) -> exp.Expr:
    if isinstance(value, bool | str):
        raise TypeError
    text = repr(value) if exact or isinstance(value, int) else f"{float(value)!r}"
    if "e" in text or "inf" in text or "nan" in text:
        text = f"{float(text):.17e}"
    number = exp.Literal.number(text.lstrip("-"))
    return exp.Neg(this=number) if text.startswith("-") else number


def _time(value: Any, athena_type: str) -> exp.Expr:
    moment = value if isinstance(value, datetime.datetime) else datetime.datetime.fromisoformat(str(value))
    if athena_type == "date":
        return exp.cast(exp.Literal.string(moment.date().isoformat()), "date")
    return exp.cast(exp.Literal.string(moment.isoformat(sep=" ", timespec="microseconds")), "timestamp(6)")


@functools.lru_cache(maxsize=512)
def _parsed(text: str) -> exp.Expr:
    found = [tree for tree in parse(text, read="athena") if tree is not None]
    if len(found) != 1:
        raise errors.ParseError(f"{len(found)} statements")
    return found[0]


_FORBIDDEN = (exp.Query, exp.AggFunc, exp.Window, exp.Placeholder, exp.Command)


def parse_condition(text: str, table: Table) -> exp.Expr:
    """A condition over a table's columns as a person or a job states it, in Athena SQL.

    Raises:
        ConfigError: it is no condition over single rows of this table.
    """
    try:
        tree = _parsed(text).copy()
    except errors.SqlglotError as error:
        raise ConfigError(f"{text!r} is not a condition in Athena SQL") from error
    if isinstance(tree, _FORBIDDEN) or tree.find(*_FORBIDDEN):
        raise ConfigError(f"{text!r} is not a condition over single rows")
    for column in tree.find_all(exp.Column):
        column_of(table, column.name)
        column.this.set("quoted", True)
    return tree


def failing_rows(check: Check, found: Found, context: Context, about: str) -> Verdict:
    """The verdict of a kind that counts rows against it as `bad`.

    `max_share` of the rows may be against it; up to `warn_below` of them it is no more than a warning.
    """
    bad = int(found["bad"] or 0)
    if not bad:
        return Verdict(True, f"All {context.rows:,} rows: {about}.", 0)
    detail = f"{bad:,} of {context.rows:,} rows ({bad / max(context.rows, 1):.2%}) are against it: {about}."
    passed = bad <= float(check.parameters.get("max_share", 0)) * context.rows
    return Verdict(passed, detail, bad, grade(check, bad, context.rows))


def grade(check: Check, bad: int, rows: int) -> Severity | None:
    """`warn` for so few rows that a pipeline need not stop; None leaves it to the check."""
    return "warn" if bad <= float(check.parameters.get("warn_below", 0)) * rows else None
