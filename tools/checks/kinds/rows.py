"""Kinds that look at one row at a time: filled, in range, one of a list, of a form, or in line with other columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from rapidfuzz.distance import OSA
from sqlglot import exp

from tools.checks.kinds.base import (
    Context,
    Found,
    Kind,
    Verdict,
    column_of,
    count_if,
    failing_rows,
    grade,
    literal,
    name_of,
    parse_condition,
)
from tools.checks.model import Check
from tools.lake.base import Table
from tools.profile.figures import family, is_placeholder
from tools.result import counted, listed

__all__ = ["KINDS"]

_SHOWN_VALUES = 20
_LONG_ENOUGH = 5

# --------------------------------------------------------------------------- not null


def _null(column: str) -> exp.Expr:
    return exp.Is(this=name_of(column), expression=exp.null())


def _null_measures(check: Check, table: Table) -> Mapping[str, exp.Expr]:
    return {f"bad_{i}": count_if(_null(c)) for i, c in enumerate(check.columns)}


def _null_verdict(check: Check, found: Found, context: Context) -> Verdict:
    """`warn_below` by column tells up to which share of the rows a missing value is only a warning."""
    counts = {c: int(found[f"bad_{i}"] or 0) for i, c in enumerate(check.columns)}
    missing = {c: n for c, n in counts.items() if n}
    if not missing:
        return Verdict(True, f"All {context.rows:,} rows have {listed(check.columns)}.", 0)
    allowed = check.parameters.get("warn_below", {})
    grave = {c: n for c, n in missing.items() if n > float(allowed.get(c, 0)) * context.rows}
    said = ", ".join(f"{n:,} of {context.rows:,} rows have no `{c}`" for c, n in missing.items())
    return Verdict(False, f"{said}.", sum(missing.values()), None if grave else "warn", tuple(grave or missing))


def _null_rows(check: Check, table: Table) -> exp.Expr:
    return exp.or_(*(_null(c) for c in check.columns))


# --------------------------------------------------------------------------- range


def _outside(column: str, bounds: Mapping[str, Any], table: Table) -> exp.Expr:
    kind = column_of(table, column).type
    tests: list[exp.Expr] = []
    if bounds.get("min") is not None:
        tests.append(exp.GTE(this=name_of(column), expression=literal(bounds["min"], kind)))
    if bounds.get("max") is not None:
        tests.append(exp.LTE(this=name_of(column), expression=literal(bounds["max"], kind)))
    return exp.Not(this=exp.paren(exp.and_(*tests))) if tests else exp.false()


def _range_measures(check: Check, table: Table) -> Mapping[str, exp.Expr]:
    """How many rows are outside, and how far out: the extremes say what happened."""
    measures: dict[str, exp.Expr] = {}
    for i, (column, bounds) in enumerate(check.parameters["bounds"].items()):
        measures |= {
            f"bad_{i}": count_if(_outside(column, bounds, table)),
            f"min_{i}": exp.Min(this=name_of(column)),
            f"max_{i}": exp.Max(this=name_of(column)),
        }
    return measures


def _range_verdict(check: Check, found: Found, context: Context) -> Verdict:
    said: dict[str, str] = {}
    total = 0
    for i, (column, bounds) in enumerate(check.parameters["bounds"].items()):
        if bad := int(found[f"bad_{i}"] or 0):
            total += bad
            went = f"values go from {_shown(found[f'min_{i}'])} to {_shown(found[f'max_{i}'])}"
            said[column] = f"{bad:,} of {context.rows:,} rows are not {_bounds_text(column, bounds)}: {went}"
    if not said:
        return Verdict(True, f"All values of {listed(check.columns)} are in range.", 0)
    return Verdict(False, f"{'; '.join(said.values())}.", total, grade(check, total, context.rows), tuple(said))


def _bounds_text(column: str, bounds: Mapping[str, Any]) -> str:
    low, high = bounds.get("min"), bounds.get("max")
    if low is None:
        return f"`{column}` <= {high}"
    return f"`{column}` >= {low}" if high is None else f"{low} <= `{column}` <= {high}"


def _range_rows(check: Check, table: Table) -> exp.Expr:
    return exp.or_(*(_outside(c, b, table) for c, b in check.parameters["bounds"].items()))


def _range_text(check: Check) -> str:
    return f"values stay in range: {', '.join(_bounds_text(c, b) for c, b in check.parameters['bounds'].items())}"


def _shown(value: Any) -> str:
    return f"{value:,.6g}" if isinstance(value, int | float | Decimal) else str(value)


# --------------------------------------------------------------------------- accepted values


def _unknown(check: Check, table: Table) -> exp.Expr:
    column = column_of(table, check.columns[0])
    known = [literal(v, column.type) for v in check.parameters["values"]]
    return exp.Not(this=exp.In(this=name_of(column.name), expressions=known))


def _value_measures(check: Check, table: Table) -> Mapping[str, exp.Expr]:
    test = _unknown(check, table)
    return {"bad": count_if(test), "new": _some_values(check.columns[0], test)}


def _some_values(column: str, test: exp.Expr) -> exp.Expr:
    """A bounded list of the values of the rows that pass a test."""
    value = exp.If(this=test.copy(), true=name_of(column))
    all_of_them = exp.ArrayAgg(this=exp.Distinct(expressions=[value]))
    return exp.Anonymous(
        this="SLICE",
        expressions=[
            exp.Anonymous(
                this="FILTER",
                expressions=[
                    all_of_them,
                    exp.Lambda(
                        this=exp.Not(this=exp.Is(this=exp.to_identifier("v"), expression=exp.null())),
                        expressions=[exp.to_identifier("v")],
                    ),
                ],
            ),
            exp.Literal.number(1),
            exp.Literal.number(_SHOWN_VALUES),
        ],
    )


def _value_verdict(check: Check, found: Found, context: Context) -> Verdict:
    column, bad = check.columns[0], int(found["bad"] or 0)
    if not bad:
        return Verdict(True, f"All values of `{column}` are known ones.", 0)
    new = sorted(str(v) for v in found["new"] or ())
    detail = f"{bad:,} of {context.rows:,} rows have a value of `{column}` that is not known: {listed(new, 8)}."
    return Verdict(False, detail, bad, grade(check, bad, context.rows))


def _known_verdict(check: Check, found: Found, context: Context) -> Verdict:
    """A new value is fine unless it is a known one misspelled, or comes in a flood."""
    column, bad = check.columns[0], int(found["bad"] or 0)
    if not bad:
        return Verdict(True, f"All values of `{column}` are known ones.", 0)
    new = sorted(str(v) for v in found["new"] or ())
    known = [str(v) for v in check.parameters["values"]]
    slips = {n: k for n in new if (k := misspelled(n, known)) is not None}
    if slips:
        said = ", ".join(f"`{n}` (`{k}`?)" for n, k in list(slips.items())[:5])
        return Verdict(False, f"New values of `{column}` look like known ones misspelled: {said}.", bad)
    allowed = float(check.parameters.get("max_share", 1)) * context.rows
    said = f"{bad:,} of {context.rows:,} rows have a new value of `{column}`: {listed(new, 8)}."
    return Verdict(bad <= allowed, said, bad)


def misspelled(value: str, known: Sequence[str]) -> str | None:
    """The known value that differs from this one only in case, blanks, punctuation, or by one slip of the keyboard."""
    folded = _folded(value)
    for other in known:
        if other != value and _folded(other) == folded:
            return other
    if len(value) < _LONG_ENOUGH or any(ch.isdigit() for ch in value):
        return None
    near = (k for k in known if len(k) >= _LONG_ENOUGH and OSA.distance(value, k, score_cutoff=1) == 1)
    return next(near, None)


def _folded(text: str) -> str:
    return "".join(ch for ch in text.casefold() if ch.isalnum()) or text


# --------------------------------------------------------------------------- pattern, tidy text, conditions


def _off_pattern(check: Check, table: Table) -> exp.Expr:
    pattern = exp.Literal.string(check.parameters["regex"])
    return exp.Not(this=exp.RegexpLike(this=name_of(check.columns[0]), expression=pattern))


def _trimmed(value: exp.Expr) -> exp.Expr:
    return exp.Trim(this=value)


def _in_one_case(fold: type[exp.Func], other: type[exp.Func], column: str) -> exp.Expr:
    same = exp.EQ(this=name_of(column), expression=fold(this=name_of(column)))
    return exp.and_(same, exp.NEQ(this=name_of(column), expression=other(this=name_of(column))))


_UNTIDY = {
    "padded": lambda c: exp.NEQ(this=name_of(c), expression=_trimmed(name_of(c))),
    "placeholder": lambda c: is_placeholder(name_of(c)),
    "all_lower": lambda c: _in_one_case(exp.Lower, exp.Upper, c),
    "all_upper": lambda c: _in_one_case(exp.Upper, exp.Lower, c),
}
UNTIDY_WORDS = {
    "padded": "blanks around it",
    "placeholder": "a word for a missing value",
    "all_lower": "lower case throughout",
    "all_upper": "upper case throughout",
}


def untidy(column: str, forms: list[str]) -> exp.Expr:
    """Rows whose text has one of these forms."""
    return exp.or_(*(_UNTIDY[f](column) for f in forms))  # type: ignore[no-untyped-call]


def _tidy_measures(check: Check, table: Table) -> Mapping[str, exp.Expr]:
    forms = check.parameters["never"]
    return {f"bad_{i}": count_if(untidy(c, forms[c])) for i, c in enumerate(check.columns)}


def _tidy_verdict(check: Check, found: Found, context: Context) -> Verdict:
    bad = {c: n for i, c in enumerate(check.columns) if (n := int(found[f"bad_{i}"] or 0))}
    if not bad:
        return Verdict(True, f"The text of {listed(check.columns)} is tidy.", 0)
    forms = check.parameters["never"]
    said = [f"{n:,} values of `{c}` have {' or '.join(UNTIDY_WORDS[f] for f in forms[c])}" for c, n in bad.items()]
    total = sum(bad.values())
    return Verdict(False, f"{'; '.join(said)}.", total, grade(check, total, context.rows), tuple(bad))


def _tidy_rows(check: Check, table: Table) -> exp.Expr:
    return exp.or_(*(untidy(c, check.parameters["never"][c]) for c in check.columns))


def _tidy_text(check: Check) -> str:
    return f"the text of {listed(check.columns)} has no blanks around it, no placeholder words and its usual case"


def _against(check: Check, table: Table) -> exp.Expr:
    return exp.Not(this=exp.paren(parse_condition(check.parameters["condition"], table)))


def _bad(offending: Any) -> Any:
    return lambda check, table: {"bad": count_if(offending(check, table))}


KINDS = (
    Kind(
        "not_null",
        _null_measures,
        _null_verdict,
        lambda c: f"{listed(c.columns)} {'are' if len(c.columns) > 1 else 'is'} always filled",
        _null_rows,
    ),
    Kind("range", _range_measures, _range_verdict, _range_text, _range_rows),
    Kind(
        "accepted_values",
        _value_measures,
        _value_verdict,
        lambda c: f"`{c.columns[0]}` is one of {counted(len(c.parameters['values']), 'known value')}",
        _unknown,
    ),
    Kind(
        "known_values",
        _value_measures,
        _known_verdict,
        lambda c: f"new values of `{c.columns[0]}` are rare and no misspelling of known ones",
        _unknown,
    ),
    Kind(
        "pattern",
        _bad(_off_pattern),
        lambda c, f, x: failing_rows(c, f, x, f"`{c.columns[0]}` matches {c.parameters['regex']}"),
        lambda c: f"`{c.columns[0]}` matches `{c.parameters['regex']}`",
        _off_pattern,
    ),
    Kind("tidy_text", _tidy_measures, _tidy_verdict, _tidy_text, _tidy_rows),
    Kind(
        "condition",
        _bad(_against),
        lambda c, f, x: failing_rows(c, f, x, c.parameters["condition"]),
        lambda c: f"`{c.parameters['condition']}` holds in every row",
        _against,
    ),
)


def is_text(table: Table, column: str) -> bool:
    """Whether a column holds text."""
    return family(column_of(table, column).type) == "text"
