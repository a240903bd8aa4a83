"""What DuckDB says when a value does not fit, in Athena's words.

Errors that a right query meets on its data, and those of a wrong query that strict.py leaves to the engine.
"""

from __future__ import annotations

import re

from tools.lake.trino.macros import FAIL_MARK

__all__ = ["athena_words"]

_TYPES = {
    "INT8": "tinyint", "INT16": "smallint", "INT32": "integer", "INT64": "bigint", "INT128": "decimal(38,0)",
    "DOUBLE": "double", "FLOAT": "real", "BOOL": "boolean",
}  # fmt: skip
_RULES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(pattern, re.DOTALL), words)
    for pattern, words in (
        (rf".*Could not convert string ['\"]{FAIL_MARK}(?P<a>.*)['\"] to INT32.*", "{a}"),
        (
            r".*Could not convert string ['\"](?P<a>.*?)['\"] to (?P<type>\w+(?:\([\d, ]+\))?).*",
            "INVALID_CAST_ARGUMENT: Cannot cast '{a}' to {type}",
        ),
        (
            r".*(?:invalid|date field) (?P<kind>date|timestamp|value)[^\"]*\"(?P<a>[^\"]*)\".*",
            "INVALID_CAST_ARGUMENT: Value cannot be cast to date or timestamp: {a}",
        ),
        (
            r".*Type \w+ with value (?P<a>\S+) can't be cast .* destination type (?P<type>\w+).*",
            "INVALID_CAST_ARGUMENT: Out of range for {type}: {a}",
        ),
        (
            r".*Could not cast value (?P<a>\S+) to (?P<type>DECIMAL\([\d,]+\)).*",
            "INVALID_CAST_ARGUMENT: Cannot cast '{a}' to {type}",
        ),
        (
            r".*Overflow in (?P<kind>\w+) of (?P<type>\w+) \((?P<a>.*?)\)!.*",
            "NUMERIC_VALUE_OUT_OF_RANGE: {type} {kind} overflow: {a}",
        ),
        (
            r".*More than one row returned by a subquery.*",
            "SUBQUERY_MULTIPLE_ROWS: Scalar sub-query has returned multiple rows",
        ),
        (
            r'.*column "(?P<a>.*?)" must appear in the GROUP BY clause.*',
            "EXPRESSION_NOT_AGGREGATE: '{a}' must be an aggregate expression or appear in GROUP BY clause",
        ),
        (r'.*Ambiguous reference to column name "(?P<a>.*?)".*', "AMBIGUOUS_NAME: Column '{a}' is ambiguous"),
        (
            r".*WHERE clause cannot contain aggregates.*",
            "EXPRESSION_NOT_SCALAR: WHERE clause cannot contain aggregations",
        ),
        (
            r'.*Referenced column "(?P<a>.*?)" not found.*',
            "COLUMN_NOT_FOUND: Column '{a}' cannot be resolved",
        ),
        (
            r'.*"(?P<t>[^"]*)" does not have a column named "(?P<a>[^"]*)".*',
            "COLUMN_NOT_FOUND: Column '{t}.{a}' cannot be resolved",
        ),
        (r'.*Referenced table "(?P<a>.*?)" not found.*', "TABLE_NOT_FOUND: Table '{a}' is not in this query"),
        (
            r".*No function matches the given name and argument types '(?P<a>.*?)'.*",
            "FUNCTION_NOT_FOUND: No function of these argument types: {a}",
        ),
    )
)


def athena_words(message: str) -> str:
    """The message as Athena would put it, or as it was."""
    for pattern, words in _RULES:
        match = pattern.fullmatch(message)
        if match:
            found = match.groupdict()
            found["type"] = _TYPES.get(found.get("type") or "", (found.get("type") or "").lower())
            return words.format(**found)
    return message
