"""Kinds that look at a batch as a whole: its columns, rows, keys, values that may not be missing, and when it is from."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

from sqlglot import exp

from tools.checks.baseline import Baseline, fit
from tools.checks.kinds.base import Context, Found, Kind, Verdict, column_of, grade, literal, name_of
from tools.checks.model import Check
from tools.lake.base import Table
from tools.profile.figures import BatchFigures, as_time, family
from tools.profile.measure import duplicates_of
from tools.result import counted, listed

__all__ = ["KINDS", "ROWS_FLOOR", "lag_baseline", "rows_baseline"]

ROWS_FLOOR = 0.35
"""Batches that differ by less than this in log(rows), some 30 %, are not called too small or too large."""

# --------------------------------------------------------------------------- columns and their types


def _no_measures(check: Check, table: Table) -> Mapping[str, exp.Expr]:
    return {}


def _columns_verdict(check: Check, found: Found, context: Context) -> Verdict:
    """Types of one family may widen; a column that nobody expected is fine."""
    missing = [c for c in check.columns if context.table.column(c) is None]
    wrong = {
        c: (column.type, wanted)
        for c, wanted in check.parameters["types"].items()
        if (column := context.table.column(c)) is not None and family(column.type) != family(wanted)
    }
    if not missing and not wrong:
        return Verdict(True, f"All {counted(len(check.columns), 'column')} are there with their types.", 0)
    said = [f"no column {listed(missing)}"] if missing else []
    said += [f"`{c}` is {now} and not {then}" for c, (now, then) in wrong.items()]
    return Verdict(False, f"The batch has {'; '.join(said)}.", len(missing) + len(wrong), None, (*missing, *wrong))


# --------------------------------------------------------------------------- keys and duplicates


def key_row(columns: Sequence[str]) -> exp.Expr:
    """The key as one value, NULL where a part of it is missing: whether it is filled is another check's business."""
    if len(columns) == 1:
        return name_of(columns[0])
    filled = exp.and_(*(exp.Not(this=exp.Is(this=name_of(c), expression=exp.null())) for c in columns))
    return exp.If(this=filled, true=exp.Anonymous(this="ROW", expressions=[name_of(c) for c in columns]))


def repeated(columns: Sequence[str]) -> exp.Expr:
    """Rows beyond the first of each key, as an aggregate."""
    key = key_row(columns)
    distinct = exp.Count(this=exp.Distinct(expressions=[key.copy()]), big_int=True)
    return exp.Sub(this=exp.Count(this=key, big_int=True), expression=distinct)


def _unique_verdict(check: Check, found: Found, context: Context) -> Verdict:
    bad, key = int(found["bad"] or 0), listed(check.columns)
    if not bad:
        return Verdict(True, f"No two rows have the same {key}.", 0)
    detail = f"{bad:,} of {context.rows:,} rows repeat the {key} of another row."
    return Verdict(False, detail, bad, grade(check, bad, context.rows))


def _duplicate_measures(check: Check, table: Table) -> Mapping[str, exp.Expr]:
    counted_rows = duplicates_of(table)
    return {"bad": counted_rows} if counted_rows is not None else {}


def _duplicates_verdict(check: Check, found: Found, context: Context) -> Verdict:
    bad, allowed = int(found.get("bad") or 0), float(check.parameters["max_share"])
    detail = f"{bad:,} of {context.rows:,} rows repeat another row; up to {allowed:.2%} are usual."
    return Verdict(bad <= allowed * context.rows, detail, bad)


# --------------------------------------------------------------------------- row count


def rows_baseline(past: Sequence[BatchFigures], when: datetime.datetime | None) -> Baseline | None:
    """The usual number of rows."""
    return fit(
        [float(p.rows) for p in past], [p.loaded_at for p in past], scale="ratio", floor=ROWS_FLOOR, next_time=when
    )


def _rows_verdict(check: Check, found: Found, context: Context) -> Verdict:
    rows, least = context.rows, check.parameters.get("min", 1)
    if not rows:
        return Verdict(not least, "The batch is empty.", None)
    usual = rows_baseline(context.past, context.loaded_at) if check.parameters.get("follow", True) else None
    if usual is None:
        most = check.parameters.get("max")
        passed = rows >= least and (most is None or rows <= most)
        return Verdict(passed, f"The batch has {rows:,} rows; {least:,} to {most or 'any number'} are usual.")
    return _graded(check, usual, float(rows), f"The batch has {rows:,} rows")


def _graded(check: Check, usual: Baseline, value: float, said: str) -> Verdict:
    warn, error = float(check.parameters.get("warn_at", 1.5)), float(check.parameters.get("error_at", 2))
    low, high = usual.bounds(error)
    detail = f"{said}; {low:,.6g} to {high:,.6g} are usual."
    return Verdict(not usual.exceeds(value, warn), detail, None, None if usual.exceeds(value, error) else "warn")


# --------------------------------------------------------------------------- values that every batch has


def _required_measures(check: Check, table: Table) -> Mapping[str, exp.Expr]:
    column = column_of(table, check.columns[0])
    wanted = [literal(v, column.type) for v in check.parameters["values"]]
    known = exp.If(
        this=exp.In(this=name_of(column.name), expressions=wanted),
        true=exp.cast(name_of(column.name), "varchar"),
    )
    return {"there": exp.ArrayAgg(this=exp.Distinct(expressions=[known]))}


def _required_verdict(check: Check, found: Found, context: Context) -> Verdict:
    there = {str(v) for v in found["there"] or () if v is not None}
    wanted = [str(v) if not isinstance(v, bool) else str(v).lower() for v in check.parameters["values"]]
    missing = [v for v in wanted if v not in there]
    if not missing:
        return Verdict(True, f"Every usual value of `{check.columns[0]}` occurs.", 0)
    detail = f"No row has `{check.columns[0]}` = {listed(missing, 8)}, which every batch had so far."
    return Verdict(False, detail, len(missing))


# --------------------------------------------------------------------------- timeliness

HOUR = 3600.0
_FLOOR_HOURS = 1.1
_FLOOR_SHARE = 0.05


def lag(loaded_at: datetime.datetime | None, moment: datetime.datetime | None) -> float | None:
    """Hours from a moment to the load."""
    return (loaded_at - moment).total_seconds() / HOUR if loaded_at is not None and moment is not None else None


def lag_baseline(
    past: Sequence[BatchFigures], column: str, figure: str, when: datetime.datetime | None
) -> Baseline | None:
    """The usual age, in hours, of a batch's newest (`max`) or oldest (`min`) time."""
    newest = [lag(p.loaded_at, p.time(column, "max")) for p in past]
    oldest = [lag(p.loaded_at, p.time(column, "min")) for p in past]
    spans = sorted(o - n for n, o in zip(newest, oldest, strict=True) if n is not None and o is not None)
    floor = max(_FLOOR_HOURS, _FLOOR_SHARE * spans[len(spans) // 2]) if spans else _FLOOR_HOURS
    values = newest if figure == "max" else oldest
    return fit(values, [p.loaded_at for p in past], scale="plain", floor=floor, next_time=when)


def _time_measures(check: Check, table: Table) -> Mapping[str, exp.Expr]:
    value = as_time(column_of(table, check.columns[0]))
    measures: dict[str, exp.Expr] = {"newest": exp.Max(this=value), "oldest": exp.Min(this=value.copy())}
    if check.parameters.get("hours"):
        measures["off_hours"] = exp.CountIf(this=_off_hours(check, value.copy()))
    return measures


def _off_hours(check: Check, value: exp.Expr) -> exp.Expr:
    first, last = check.parameters["hours"]
    inside = exp.Between(
        this=exp.Hour(this=value), low=exp.Literal.number(int(first)), high=exp.Literal.number(int(last))
    )
    return exp.Not(this=inside)


def _time_verdict(check: Check, found: Found, context: Context) -> Verdict:
    """Newest and oldest time against the load: not after it, not older than ever, about as fresh as always."""
    column, parameters = check.columns[0], check.parameters
    newest, oldest = lag(context.loaded_at, found["newest"]), lag(context.loaded_at, found["oldest"])
    if newest is None or oldest is None:
        return Verdict(True, f"There is no time in `{column}` to judge, or no load time to judge it by.")
    if newest < -float(parameters.get("ahead_hours", 0)):
        return Verdict(False, f"The newest `{column}`, {found['newest']}, is after the load at {context.loaded_at}.")
    if parameters.get("oldest_hours") is not None and oldest > float(parameters["oldest_hours"]):
        return Verdict(False, f"The oldest `{column}`, {found['oldest']}, is {oldest / 24:,.1f} days old.")
    if bad := int(found.get("off_hours") or 0):
        first, last = parameters["hours"]
        return Verdict(False, f"{bad:,} rows have a `{column}` outside {first}:00 to {last}:59, as never before.", bad)
    return _freshness(check, context, newest, oldest)


def _freshness(check: Check, context: Context, newest: float, oldest: float) -> Verdict:
    column, worst = check.columns[0], Verdict(True, f"The newest `{check.columns[0]}` is {newest:,.1f} hours old.")
    for figure, hours, word in (("max", newest, "newest"), ("min", oldest, "oldest")):
        bounds = check.parameters.get(f"{word}_usual_hours")
        usual = lag_baseline(context.past, column, figure, context.loaded_at) if bounds else None
        said = f"The {word} `{column}` is {hours:,.1f} hours old"
        if usual is not None:
            verdict = _graded(check, usual, hours, said)
        elif bounds:
            verdict = Verdict(bounds[0] <= hours <= bounds[1], f"{said}; {bounds[0]:g} to {bounds[1]:g} are usual.")
        else:
            continue
        if not verdict.passed and (worst.passed or worst.severity == "warn"):
            worst = verdict
    return worst


def _unique_measures(check: Check, table: Table) -> Mapping[str, exp.Expr]:
    return {"bad": repeated(check.columns)}


KINDS = (
    Kind(
        "columns", _no_measures, _columns_verdict, lambda c: f"its {len(c.columns)} columns keep their names and types"
    ),
    Kind("unique", _unique_measures, _unique_verdict, lambda c: f"{listed(c.columns)} tells rows apart"),
    Kind(
        "duplicates", _duplicate_measures, _duplicates_verdict, lambda c: "rows are not repeated beyond what is usual"
    ),
    Kind("row_count", _no_measures, _rows_verdict, lambda c: "a batch has about as many rows as always"),
    Kind(
        "required_values",
        _required_measures,
        _required_verdict,
        lambda c: f"every batch has {counted(len(c.parameters['values']), 'value')} of `{c.columns[0]}`",
    ),
    Kind("timeliness", _time_measures, _time_verdict, lambda c: f"`{c.columns[0]}` is as fresh as always, never ahead"),
)
