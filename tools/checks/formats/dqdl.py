"""AWS Glue Data Quality: a ruleset in DQDL, its own rule types where they mean the same, `CustomSql` in Spark SQL else.

What to mind in DQDL: `between` leaves its bounds out, so bounds are two comparisons; a NULL fails `ColumnValues` of
numbers, so they read only rows with a value; numbers have no exponent. A ruleset runs on the data that it is given: for
one batch, give it one (in Glue: a pushdown predicate). Rules of severity warn stand after a comment that says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
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
from tools.checks.formats.sql import against
from tools.checks.model import Check
from tools.lake.base import Column, Table

__all__ = ["export"]

_HEAD = "# Data quality tests of {table} for AWS Glue Data Quality, made from output/tests.\n"
_SPARK = "spark"
_ANYTHING = r"[\s\S]*"
_PRIMARY = "primary"
"""What CustomSql calls the data that the ruleset is run on."""


def export(checks: Sequence[Check], table: Table, keys: tuple[Column, ...]) -> Exported:
    """The ruleset of one table. References to another table want it as an additional data source of that name."""
    rules, left = rules_of(checks, table)
    said: list[tuple[Rule, str]] = []
    for rule in rules:
        try:
            said += [(rule, text) for text in _rules(rule, table)]
        except ValueError as error:
            left.append(Left(rule.check, f"DQDL cannot say it: {error}"))
    lines = []
    for number, (rule, text) in enumerate(said):
        level = " (warn)" if rule.check.severity == "warn" else ""
        lines.append(f"    # {_comment(rule.name)}{level}\n    {text}{',' if number + 1 < len(said) else ''}")
    text = _HEAD.format(table=_comment(str(table.name))) + "Rules = [\n" + "\n".join(lines) + "\n]\n"
    return Exported(f"tests/dqdl/{table.name}.dqdl", text, len(said), tuple(left))


def _rules(rule: Rule, table: Table) -> list[str]:
    match rule.test:
        case NotNull(column):
            return [f"IsComplete {_quoted(column)}"]
        case HasColumns(types):
            return [f"ColumnExists {_quoted(c)}" for c in types]
        case OneOf() | InRange() | Matches():
            return _values(rule, table)
        case Figure(value, low, high, rows):
            measured = "RowCount" if rows else _custom(exp.select(value.copy()).from_(_PRIMARY))
            return [f"{measured} {bound}" for bound in _bounds(low, high)]
    return [f"{_custom(_counting(rule, table))} = 0"]


def _values(rule: Rule, table: Table) -> list[str]:
    """`ColumnValues` where it means the same, of rows that have a value."""
    match rule.test:
        case OneOf(column, values) if all(isinstance(v, str) for v in values):
            tests = [f"in [{', '.join(map(_quoted, values))}]"]
        case InRange(column, low, high) if is_number(table, column):
            tests = _bounds(low, high)
        case Matches(column, regex):
            # The whole text must match there; a match anywhere is what our regular expressions ask for.
            tests = ["matches " + _quoted(_ANYTHING + f"(?:{regex})" + _ANYTHING)]
        case _:
            return [f"{_custom(_counting(rule, table))} = 0"]
    return [f"ColumnValues {_quoted(column)} {test} {_filled(column)}" for test in tests]


def _bounds(low: Any, high: Any) -> list[str]:
    return [f"{sign} {_number(bound)}" for sign, bound in ((">=", low), ("<=", high)) if bound is not None]


def _custom(query: exp.Expr) -> str:
    return f"CustomSql {_quoted(said_in(query, _SPARK))}"


def _counting(rule: Rule, table: Table) -> exp.Expr:
    """How many rows, or keys, are against a rule."""
    match rule.test:
        case Unique(columns):
            return _repeated(columns)
        case InTable(columns, other, theirs):
            return _alone(columns, other.rpartition(".")[2], theirs)
    condition = against(rule, table)
    if condition is None:
        raise ValueError("there is no rule type for it")
    return exp.select(exp.Count(this=exp.Star())).from_(_PRIMARY).where(condition.copy())


def _repeated(columns: Sequence[str]) -> exp.Expr:
    """Keys of more than one row. `IsUnique` would take NULL for a value."""
    names = [exp.column(c, quoted=True) for c in columns]
    filled = [exp.Not(this=exp.Is(this=n.copy(), expression=exp.null())) for n in names]
    many = exp.GT(this=exp.Count(this=exp.Star()), expression=exp.Literal.number(1))
    inner = exp.select(*(n.copy() for n in names)).from_(_PRIMARY).where(*filled).group_by(*names).having(many)
    return exp.select(exp.Count(this=exp.Star())).from_(inner.subquery("repeated"))


def _alone(columns: Sequence[str], reference: str, theirs: Sequence[str]) -> exp.Expr:
    """Rows without a match. `ReferentialIntegrity` would count rows without a value as missing."""
    same = exp.and_(
        *(
            exp.EQ(this=exp.column(c, table="t", quoted=True), expression=exp.column(k, table="r", quoted=True))
            for c, k in zip(columns, theirs, strict=True)
        )
    )
    filled = [exp.Not(this=exp.Is(this=exp.column(c, table="t", quoted=True), expression=exp.null())) for c in columns]
    query = exp.select(exp.Count(this=exp.Star())).from_(exp.alias_(exp.table_(_PRIMARY), "t", table=True))
    other = exp.alias_(exp.table_(reference, quoted=True), "r", table=True)
    return query.join(other, on=same, join_type="LEFT ANTI").where(*filled)


def _filled(column: str) -> str:
    test = exp.Not(this=exp.Is(this=exp.column(column, quoted=True), expression=exp.null()))
    return f"where {_quoted(said_in(test, _SPARK))}"


def _quoted(text: str) -> str:
    """A string of DQDL.

    Raises ValueError for a text that has none.
    """
    if "\n" in text or "\r" in text:
        raise ValueError("its text has several lines")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _number(value: Any) -> str:
    return f"{Decimal(repr(value)):f}"


def _comment(text: str) -> str:
    return " ".join(text.split())
