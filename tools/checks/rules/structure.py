"""Rules about the table as a whole: columns, filled columns, keys, foreign keys, rows, and when a batch is from."""

from __future__ import annotations

from collections.abc import Iterator

from tools.checks.baseline import LEAST
from tools.checks.inclusion import Inclusion
from tools.checks.keys import KeyTest, best_keys
from tools.checks.kinds.tables import lag, lag_baseline, rows_baseline
from tools.checks.material import Material
from tools.checks.model import Check, check_id
from tools.profile.figures import duplicates_share
from tools.result import Evidence, counted, listed

__all__ = ["GLITCH", "columns", "enough_rows", "filled", "keys", "references", "repeated_rows", "timely"]

_STRUCTURAL = ("identifier", "sequence", "time", "category", "calendar", "flag")
_FEW_MISSING = 0.01
GLITCH = 0.005
"""Up to this share of the rows a rule that only the data suggest is broken by a glitch, not by a fault."""

"""A figure may be missing now and then; a key may not."""


def seen(material: Material, detail: str) -> tuple[Evidence, ...]:
    """Evidence from the figures."""
    count = len(material.batches.items)
    where = f"{material.batches.table.name}, {counted(count, 'batch', 'batches')}, {material.rows:,} rows"
    return (Evidence("query", where, detail),)


def columns(material: Material) -> Iterator[Check]:
    """Every column is there, with its type."""
    types = {c.name: c.type for c in material.columns}
    yield Check(
        check_id("columns"),
        "columns",
        tuple(types),
        {"types": types},
        "error",
        "Jobs and dashboards name these columns and rely on their types.",
        "a column that was dropped, renamed or changed its type",
        (Evidence("catalog", str(material.batches.table.name)),),
    )


def filled(material: Material) -> Iterator[Check]:
    """Columns that never missed a value; a measure may miss one in a hundred before it is more than a warning."""
    with_rows = [p for p in material.profiles if p.rows]
    names = [c.name for c in material.columns if with_rows and all(p.figure(c.name, "nulls") == 0 for p in with_rows)]
    if not names:
        return
    stated = {f.columns[0]: f.evidence for f in material.job.facts if f.kind == "not_null" and f.columns[0] in names}
    strict = {c for k in best_keys(_keys(material), material.roles) for c in k.columns} | stated.keys()
    lenient = {n: _FEW_MISSING for n in names if material.roles[n] not in _STRUCTURAL and n not in strict}
    yield Check(
        check_id("not_null"),
        "not_null",
        tuple(names),
        {"warn_below": lenient} if lenient else {},
        "error",
        f"{listed(names)} had a value in every one of {material.rows:,} rows.",
        "values that got lost on the way",
        (*seen(material, "0 NULL"), *dict.fromkeys(stated.values())),
    )


def _keys(material: Material) -> list[KeyTest]:
    stated = {k.columns for k in material.job.keys}
    return [k for k in material.keys if k.holds(material.batches.labels) and k.columns not in stated]


def keys(material: Material) -> Iterator[Check]:
    """Keys that the data show; what the job promises comes from the job."""
    stated = [set(k.columns) for k in material.job.keys]
    for key in best_keys(_keys(material), material.roles):
        if any(s <= set(key.columns) for s in stated):
            continue
        together = listed(key.columns)
        yield Check(
            check_id("unique", key.columns),
            "unique",
            key.columns,
            {},
            "error",
            f"{together} told all rows of every batch apart; unrelated columns would have repeated"
            f" {key.chance:,.0f} times.",
            "rows that were loaded twice, or a join that multiplies them",
            seen(material, "0 repeated keys"),
        )


def repeated_rows(material: Material) -> Iterator[Check]:
    """Without a key: whole rows are not repeated more than they ever were."""
    if material.job.keys or _keys(material):
        return
    shares = [s for p in material.profiles if (s := duplicates_share(p)) is not None]
    if len(shares) < LEAST:
        return
    worst = max(shares)
    allowed = max(2 * worst, 0.005)
    if allowed > 0.2:
        return
    yield Check(
        check_id("duplicates"),
        "duplicates",
        (),
        {"max_share": round(allowed, 4)},
        "error",
        f"Equal rows were at most {worst:.2%} of a batch.",
        "rows that were loaded twice",
        seen(material, f"largest share of repeated rows {worst:.4f}"),
    )


def references(material: Material) -> Iterator[Check]:
    """Foreign keys that the data show, together with the columns that were copied from the same row."""
    for found in _merged([i for i in material.inclusions if i.holds(material.batches.labels)]):
        what = f"{listed(found.columns)} {'are' if len(found.columns) > 1 else 'is'} in"
        check = found.check()
        yield check.changed(
            # A row that finds no key is lost in every join; one that is not on a list may be a new value.
            parameters={**check.parameters, **({} if found.unique else {"warn_below": GLITCH})},
            reason=f"In every row {what} {listed(found.theirs)} of `{found.table}`.",
            catches="rows that refer to nothing: joins would drop them or leave them empty",
            evidence=seen(material, "0 rows without a match"),
        )


def _merged(found: list[Inclusion]) -> list[Inclusion]:
    """Without those that another one says as well."""
    widest = sorted(found, key=lambda i: (-len(i.columns), not i.unique))
    kept: list[Inclusion] = []
    for one in widest:
        if not any(set(one.columns) <= set(k.columns) for k in kept):
            kept.append(one)
    return sorted(kept, key=lambda i: i.columns)


def enough_rows(material: Material) -> Iterator[Check]:
    """About as many rows as always, and never none."""
    rows = [p.rows for p in material.profiles]
    usual = rows_baseline(material.profiles, None)
    parameters: dict[str, object] = {"min": 1}
    if usual is not None:
        low, high = usual.bounds(2)
        parameters = {"min": max(1, int(low)), "max": int(high) + 1, "warn_at": 1.5, "error_at": 2, "follow": True}
    yield Check(
        check_id("row_count"),
        "row_count",
        (),
        parameters,
        "error",
        f"Batches had {min(rows, default=0):,} to {max(rows, default=0):,} rows.",
        "a load that stopped halfway, ran empty or ran twice",
        seen(material, f"rows by batch: {', '.join(f'{r:,}' for r in rows[-8:])}"),
    )


def timely(material: Material) -> Iterator[Check]:
    """Times that keep pace with the loads: never after them, never much older, as fresh as always."""
    for column in material.columns:
        if material.roles[column.name] != "time":
            continue
        pairs = [
            (lag(p.loaded_at, p.time(column.name, "max")), lag(p.loaded_at, p.time(column.name, "min")))
            for p in material.profiles
            if p.time(column.name, "max") is not None
        ]
        newest = [n for n, _ in pairs if n is not None]
        oldest = [o for _, o in pairs if o is not None]
        if len(newest) < LEAST or len(newest) < len(pairs) or min(newest) < 0:
            continue
        yield _timely(material, column.name, newest, oldest)


def _timely(material: Material, column: str, newest: list[float], oldest: list[float]) -> Check:
    """Oldest times are bounded as far beyond the oldest so far as that is beyond the usual, and by a whole batch."""
    ordered = sorted(oldest)
    usual, worst = ordered[len(ordered) // 2], ordered[-1]
    parameters: dict[str, object] = {
        "ahead_hours": 0,
        "oldest_hours": round(worst + 2 * (worst - usual) + usual + 24, 1),
    }
    for word, figure in (("newest", "max"), ("oldest", "min")):
        base = lag_baseline(material.profiles, column, figure, None)
        spread = base.step if base is not None else float("inf")
        # A time whose age jumps about by more than half of itself says nothing about freshness.
        if base is not None and spread <= max(0.5 * abs(base.center), 12.0):
            low, high = base.bounds(2)
            parameters[f"{word}_usual_hours"] = [round(low, 2), round(high, 2)]
    if hours := _business_hours(material, column):
        parameters["hours"] = list(hours)
    return Check(
        check_id("timeliness", (column,)),
        "timeliness",
        (column,),
        {**parameters, "warn_at": 1.5, "error_at": 2},
        "error",
        f"When a batch is loaded, its newest `{column}` is {min(newest):,.1f} to {max(newest):,.1f} hours old.",
        "a stale delivery, a missing end of the day, shifted time zones, dates of 1970 or of next year",
        seen(material, f"oldest `{column}` {min(oldest):,.1f} to {max(oldest):,.1f} hours before the load"),
    )


def _business_hours(material: Material, column: str) -> tuple[int, int] | None:
    """The hours of the day that a time keeps to, with one more on each side; None when it keeps to none."""
    firsts, lasts = material.numbers(column, "first_hour"), material.numbers(column, "last_hour")
    if not firsts or not material.count(column, "off_day"):
        return None
    first, last = max(0, int(min(firsts)) - 1), min(23, int(max(lasts)) + 1)
    return (first, last) if last - first <= 18 else None
