"""Checks in terms that every tool knows: filled, unique, one of a list, in a range, in another table, or a bound on an
aggregate. What a format has no word for becomes one of the last two, as SQL; what SQL cannot say is left out, and told.

Two things stay with `de-copilot check`: bounds that follow the batches before (a file holds the bounds of today), and
failures so few that they only warn.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import ErrorLevel, errors, exp

from knowledge.errors import CopilotError
from tools.checks.kinds import KINDS
from tools.checks.kinds.base import column_of, count_if, literal, name_of
from tools.checks.model import Check
from tools.checks.references import REFERENCE
from tools.lake.base import Table
from tools.profile.figures import FIGURES, as_time, family
from tools.profile.measure import duplicates_of

__all__ = [
    "Exported",
    "Figure",
    "HasColumns",
    "InRange",
    "InTable",
    "Left",
    "Matches",
    "NoRows",
    "NotNull",
    "OneOf",
    "Rule",
    "Unique",
    "is_number",
    "rules_of",
    "said_in",
]


@dataclass(frozen=True, slots=True)
class NotNull:
    """Every row has a value."""

    column: str


@dataclass(frozen=True, slots=True)
class Unique:
    """No two rows share the values of these columns; rows where one of them is NULL do not count."""

    columns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class OneOf:
    """Every value is one of these; NULL holds."""

    column: str
    values: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class InRange:
    """Every value lies between the bounds, which belong to it; NULL holds. None: no bound."""

    column: str
    low: Any = None
    high: Any = None


@dataclass(frozen=True, slots=True)
class Matches:
    """Every text has a match of the regular expression; NULL holds."""

    column: str
    regex: str


@dataclass(frozen=True, slots=True)
class InTable:
    """Every row without NULL in the columns has its match in another table."""

    columns: tuple[str, ...]
    table: str
    theirs: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HasColumns:
    """The table has these columns, of these types; others may be there."""

    types: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class NoRows:
    """No row meets the condition, which tells what is wrong. Athena SQL, NULL does not meet it."""

    condition: exp.Expr


@dataclass(frozen=True, slots=True)
class Figure:
    """An aggregate over all rows lies between the bounds, which belong to it. `rows`: it is the number of rows."""

    value: exp.Expr
    low: float | None = None
    high: float | None = None
    rows: bool = False


Test = NotNull | Unique | OneOf | InRange | Matches | InTable | HasColumns | NoRows | Figure


@dataclass(frozen=True, slots=True)
class Rule:
    """One test of a format. `name` tells it from all others of its table; a check may become several."""

    check: Check
    name: str
    test: Test


@dataclass(frozen=True, slots=True)
class Left:
    """A check that a format cannot say, and why."""

    check: Check
    why: str


@dataclass(frozen=True, slots=True)
class Exported:
    """A file of a format: path below `output/`, text, how many rules, and what was left out."""

    path: str
    text: str
    rules: int
    left: tuple[Left, ...]


def rules_of(checks: Sequence[Check], table: Table) -> tuple[list[Rule], list[Left]]:
    """The rules of all checks that are switched on, in their order, and those that could not be put so."""
    rules: list[Rule] = []
    left: list[Left] = []
    for check in checks:
        if not check.enabled:
            continue
        try:
            tests = list(_tests(check, table))
        except (CopilotError, KeyError, TypeError, ValueError) as error:
            left.append(Left(check, error.what if isinstance(error, CopilotError) else f"its parameters: {error!r}"))
            continue
        if not tests:
            left.append(Left(check, "it needs the batches before, or the time of the load"))
        for number, test in enumerate(tests, 1):
            which = getattr(test, "column", None) or number
            rules.append(Rule(check, check.id if len(tests) == 1 else f"{check.id}: {which}", test))
    return rules, left


def is_number(table: Table, column: str) -> bool:
    """Whether a column of the table is a number; False for one that is not there."""
    found = table.column(column)
    return found is not None and family(found.type) == "number"


def said_in(tree: exp.Expr, dialect: str) -> str:
    """An expression in another SQL.

    Raises:
        ValueError: that SQL has no word for a part of it.
    """
    try:
        return tree.copy().sql("trino" if dialect == "athena" else dialect, unsupported_level=ErrorLevel.RAISE)
    except errors.UnsupportedError as error:
        raise ValueError(str(error)) from error


def _tests(check: Check, table: Table) -> Iterator[Test]:
    for column in check.columns:
        if check.kind != "columns":
            column_of(table, column)
    if check.kind == REFERENCE:
        yield InTable(check.columns, check.parameters["table"], tuple(check.parameters["columns"]))
    elif check.kind in _PLAIN:
        yield from _PLAIN[check.kind](check, table)


def _not_null(check: Check, table: Table) -> Iterator[Test]:
    yield from map(NotNull, check.columns)


def _range(check: Check, table: Table) -> Iterator[Test]:
    for column, bounds in check.parameters["bounds"].items():
        kind = column_of(table, column).type
        for bound in bounds.values():
            if bound is not None:
                literal(bound, kind)
        yield InRange(column, bounds.get("min"), bounds.get("max"))


def _values(check: Check, table: Table) -> Iterator[Test]:
    column = column_of(table, check.columns[0])
    for value in check.parameters["values"]:
        literal(value, column.type)
    yield OneOf(column.name, tuple(check.parameters["values"]))


def _pattern(check: Check, table: Table) -> Iterator[Test]:
    share = float(check.parameters.get("max_share", 0))
    yield _at_most(check, table, share) if share else Matches(check.columns[0], check.parameters["regex"])


def _rows_against(check: Check, table: Table) -> Iterator[Test]:
    share = float(check.parameters.get("max_share", 0))
    yield _at_most(check, table, share) if share else NoRows(_offending(check, table))


def _known(check: Check, table: Table) -> Iterator[Test]:
    """Misspellings are looked for by `de-copilot check` only; a flood of new values is a share."""
    yield _at_most(check, table, float(check.parameters.get("max_share", 1)))


def _at_most(check: Check, table: Table, share: float) -> Figure:
    return Figure(_share(count_if(_offending(check, table))), None, share)


def _share(count: exp.Expr) -> exp.Expr:
    """Of all rows; none of no rows."""
    rows = exp.cast(exp.Count(this=exp.Star(), big_int=True), "double")
    return exp.Div(this=exp.cast(count, "double"), expression=exp.Nullif(this=rows, expression=exp.Literal.number(0)))


def _offending(check: Check, table: Table) -> exp.Expr:
    found = KINDS[check.kind].offending(check, table)
    if found is None:
        raise ValueError("its rows cannot be told")
    return found


def _unique(check: Check, table: Table) -> Iterator[Test]:
    yield Unique(check.columns)


def _duplicates(check: Check, table: Table) -> Iterator[Test]:
    counted = duplicates_of(table)
    if counted is not None:
        yield Figure(_share(counted), None, float(check.parameters["max_share"]))


def _columns(check: Check, table: Table) -> Iterator[Test]:
    types = check.parameters["types"]
    yield HasColumns({c: types.get(c, "") for c in check.columns})


def _row_count(check: Check, table: Table) -> Iterator[Test]:
    least, most = check.parameters.get("min", 1), check.parameters.get("max")
    yield Figure(exp.Count(this=exp.Star(), big_int=True), least, most, rows=True)


def _required(check: Check, table: Table) -> Iterator[Test]:
    column = column_of(table, check.columns[0])
    wanted = [literal(v, column.type) for v in check.parameters["values"]]
    # Not IF(…), which not every SQL takes with two arguments.
    known = exp.Case().when(exp.In(this=name_of(column.name), expressions=wanted), name_of(column.name))
    yield Figure(exp.Count(this=exp.Distinct(expressions=[known]), big_int=True), len(wanted), None)


def _drift(check: Check, table: Table) -> Iterator[Test]:
    for column, figures in check.parameters["figures"].items():
        for name, (low, high) in figures.items():
            aggregate = FIGURES[name].of(column_of(table, column))
            yield Figure(_share(aggregate) if name in ("nulls", "zeros") else aggregate, low, high)


def _timeliness(check: Check, table: Table) -> Iterator[Test]:
    """Hours from the newest time to now, where the check knows hours to the load."""
    bounds = check.parameters.get("newest_usual_hours")
    if bounds:
        newest = exp.Max(this=as_time(column_of(table, check.columns[0])))
        now = exp.cast(exp.CurrentTimestamp(), "timestamp")
        hours = exp.DateDiff(this=now, expression=newest, unit=exp.var("HOUR"))
        yield Figure(hours, -float(check.parameters.get("ahead_hours", 0)), float(bounds[1]))


_PLAIN: Mapping[str, Callable[[Check, Table], Iterator[Test]]] = {
    "not_null": _not_null,
    "range": _range,
    "accepted_values": _values,
    "known_values": _known,
    "pattern": _pattern,
    "tidy_text": _rows_against,
    "condition": _rows_against,
    "unique": _unique,
    "duplicates": _duplicates,
    "columns": _columns,
    "row_count": _row_count,
    "required_values": _required,
    "drift": _drift,
    "timeliness": _timeliness,
}
