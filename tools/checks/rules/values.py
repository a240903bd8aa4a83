"""Rules about the values of a column: which occur, which must, how large they are, and how text looks."""

from __future__ import annotations

import datetime
import math
import statistics
from collections.abc import Iterator, Sequence

from tools.checks.baseline import LEAST
from tools.checks.kinds.rows import UNTIDY_WORDS
from tools.checks.material import Material
from tools.checks.model import Check, check_id
from tools.checks.relations import Relation
from tools.checks.roles import CALENDAR, words_of
from tools.checks.rules.structure import GLITCH, seen, timely
from tools.profile.figures import Value, family
from tools.profile.values import MOST_VALUES
from tools.result import counted, listed

__all__ = ["accepted", "known", "ranges", "relations", "required", "tidy"]

_MOST_VALUES = 60
_MOST_NUMBERS = 12
_ENOUGH_BATCHES = 5


def _by_batch(material: Material, column: str) -> list[dict[Value, int]]:
    """Rows by value, for each batch that has rows."""
    counts = material.values.get(column, {})
    return [dict(counts.get(p.label, {})) for p in material.profiles if p.rows]


def accepted(material: Material) -> Iterator[Check]:
    """Lists of values that are closed: the second half of the history brought none, and none occurred only once."""
    bound = {i.columns[-1] for i in material.inclusions if i.holds(material.batches.labels)}
    for column in material.columns:
        name = column.name
        if name in bound or material.roles[name] not in ("category", "flag", "measure", "identifier"):
            continue
        batches = _by_batch(material, name)
        known = sorted({v for b in batches for v in b}, key=str)
        most = _MOST_NUMBERS if family(column.type) == "number" else _MOST_VALUES
        if not 1 <= len(known) <= most or family(column.type) == "boolean" or not _is_closed(batches):
            continue
        rare = min(sum(1 for b in batches if v in b) for v in known)
        yield Check(
            check_id("accepted_values", (name,)),
            "accepted_values",
            (name,),
            {"values": known, "warn_below": GLITCH},
            "error",
            f"`{name}` had the same {counted(len(known), 'value')} all along; the rarest came in {rare} batches.",
            "misspelled, translated or placeholder values, and values of another column",
            seen(material, f"values: {', '.join(map(str, known[:12]))}"),
        )


def known(material: Material) -> Iterator[Check]:
    """Lists that are not closed: new values may come, but no misspelled ones, and not many rows of them at once."""
    closed = {c.columns[0] for c in accepted(material)}
    bound = {i.columns[-1] for i in material.inclusions if i.holds(material.batches.labels)}
    for column in material.columns:
        name = column.name
        if name in bound or name in closed or material.roles[name] != "category":
            continue
        batches = [b for b in _by_batch(material, name) if b]
        values = sorted({v for b in batches for v in b}, key=str)
        share = _largest_new_share(batches)
        if not 3 <= len(values) <= MOST_VALUES or share is None or share > 0.1:
            continue
        yield Check(
            check_id("known_values", (name,)),
            "known_values",
            (name,),
            {"values": values, "max_share": round(max(3 * share, 0.01), 4)},
            "error",
            f"`{name}` had {counted(len(values), 'value')} so far; new ones were at most {share:.2%} of a batch.",
            "misspelled values, and a flood of new ones",
            seen(material, f"largest share of new values in a batch {share:.4f}"),
        )


def _largest_new_share(batches: Sequence[dict[Value, int]]) -> float | None:
    """The largest share of rows with a value that no earlier batch had, after the first third."""
    start = len(batches) // 3
    if len(batches) - start < _ENOUGH_BATCHES:
        return None
    known: set[Value] = {v for b in batches[:start] for v in b}
    worst = 0.0
    for batch in batches[start:]:
        worst = max(worst, sum(n for v, n in batch.items() if v not in known) / sum(batch.values()))
        known |= set(batch)
    return worst


def _is_closed(batches: Sequence[dict[Value, int]]) -> bool:
    """Good and Turing: the chance that the next batch brings a new value is the share of values seen in one batch."""
    filled = [b for b in batches if b]
    if len(filled) < _ENOUGH_BATCHES:
        return False
    first: dict[Value, int] = {}
    times: dict[Value, int] = {}
    for number, batch in enumerate(filled):
        for value in batch:
            first.setdefault(value, number)
            times[value] = times.get(value, 0) + 1
    return max(first.values()) < len(filled) / 2 and min(times.values()) >= 2


def required(material: Material) -> Iterator[Check]:
    """Values that every batch had, in numbers that chance does not bring down to none."""
    for column in material.columns:
        name = column.name
        if material.roles[name] not in ("category", "flag", "identifier") or name not in material.values:
            continue
        batches = [b for b in _by_batch(material, name) if b]
        if len(batches) < LEAST:
            continue
        sure = _sure(batches)
        if not sure or len(sure) > _MOST_VALUES:
            continue
        yield Check(
            check_id("required_values", (name,)),
            "required_values",
            (name,),
            {"values": sure},
            "error",
            f"{listed([str(v) for v in sure], 6)} of `{name}` came in each of {len(batches)} batches.",
            "a region, source or product that is missing from a load",
            seen(material, f"fewest rows of one of them: {min(min(b[v] for b in batches) for v in sure):,}"),
        )


def _sure(batches: Sequence[dict[Value, int]]) -> list[Value]:
    """Values that no batch was without, and no value of their size either: one of thirty equal shops may close."""
    usual = {v: statistics.median(b.get(v, 0) for b in batches) for v in set().union(*batches)}
    absent = [usual[v] for v in usual if not all(b.get(v) for b in batches)]
    smallest = 2 * max(absent, default=0)
    sure = [v for v in usual if usual[v] > smallest and _never_none([b.get(v, 0) for b in batches])]
    return sorted(sure, key=str)


def _never_none(counts: Sequence[int]) -> bool:
    """Whether none lies beyond the fewest by more than twice what the fewest lies below the usual (in logs)."""
    fewest, usual = math.log1p(min(counts)), math.log1p(statistics.median(counts))
    return min(counts) >= 3 and fewest > 2 * (usual - fewest)


def tidy(material: Material) -> Iterator[Check]:
    """Forms of text that never occurred: blanks around it, placeholder words, all in the other case."""
    never: dict[str, list[str]] = {}
    for column in material.columns:
        name = column.name
        if family(column.type) != "text" or not any(p.rows - (p.number(name, "nulls") or 0) for p in material.profiles):
            continue
        lettered = material.count(name, "letters") > 0
        forms = [f for f in UNTIDY_WORDS if (lettered or not f.startswith("all_")) and not material.count(name, f)]
        if forms:
            never[name] = forms
    if not never:
        return
    yield Check(
        check_id("tidy_text"),
        "tidy_text",
        tuple(never),
        {"never": never, "warn_below": GLITCH},
        "error",
        f"The text of {listed(tuple(never))} had the same form in {material.rows:,} rows.",
        "blanks around values, changed case, words that stand for a missing value",
        seen(material, "0 rows of these forms"),
    )


# --------------------------------------------------------------------------- ranges


def ranges(material: Material) -> Iterator[Check]:
    """Bounds as far beyond the extremes as these lie beyond the usual extreme of a batch. Sequences have none."""
    listed_already = {c.columns[0] for c in accepted(material)}
    with_load = {c.columns[0] for c in timely(material)}
    bounds: dict[str, dict[str, object]] = {}
    for column in material.columns:
        name, role = column.name, material.roles[column.name]
        lows, highs = material.numbers(name, "min"), material.numbers(name, "max")
        if role == "calendar":
            bounds[name] = dict(zip(("min", "max"), CALENDAR[words_of(name)[-1]], strict=True))
        elif role == "measure" and name not in listed_already and len(lows) >= LEAST:
            bounds[name] = dict(zip(("min", "max"), _beyond(lows, highs), strict=True))
        elif role == "time" and name not in with_load and (since := _since(material, name)):
            bounds[name] = {"min": since}
    if bounds:
        yield Check(
            check_id("range"),
            "range",
            tuple(bounds),
            {"bounds": bounds, "warn_below": GLITCH},
            "error",
            "Beyond the extremes so far there is as much room as these differ between batches, three times over.",
            "wrong units, swapped columns, signs, overflows",
            seen(material, "; ".join(_said(material, n) for n in list(bounds)[:6])),
        )


def _said(material: Material, name: str) -> str:
    lows, highs = material.numbers(name, "min"), material.numbers(name, "max")
    return f"{name} {min(lows):,.6g} to {max(highs):,.6g}" if lows and highs else name


def _beyond(lows: Sequence[float], highs: Sequence[float]) -> tuple[float, float]:
    """The bounds. Nothing that was never negative may become so."""
    kept_lows, kept_highs = [-v for v in _without_outlier([-v for v in lows])], _without_outlier(highs)
    low, high = min(kept_lows), max(kept_highs)
    slack = 0.1 * (high - low)
    least = low - 3 * (statistics.median(kept_lows) - low) - slack
    most = high + 3 * (high - statistics.median(kept_highs)) + slack
    if low >= 0:
        least = max(least, 0.0)
    if high <= 0:
        most = min(most, 0.0)
    return _short(least, down=True), _short(most, down=False)


def _without_outlier(values: Sequence[float]) -> list[float]:
    """Without the batch that is ten times farther out than any other: that one is a finding, not a bound."""
    ordered = sorted(values)
    usual = statistics.median(ordered)
    gap, next_gap = ordered[-1] - usual, ordered[-2] - usual
    return ordered[:-1] if gap > 10 * max(next_gap, 0.1 * abs(usual), 1e-9) else ordered


def _short(value: float, *, down: bool) -> float:
    """Three figures, rounded outwards: a bound that a person can read."""
    if value == 0 or not math.isfinite(value):
        return 0.0
    unit = 10.0 ** (math.floor(math.log10(abs(value))) - 2)
    rounded = (math.floor if down else math.ceil)(value / unit) * unit
    return float(f"{rounded:.10g}")


def _since(material: Material, name: str) -> str | None:
    """A time that does not follow the loads still has a past that it does not reach beyond."""
    oldest = sorted(material.times(name, "min"))
    if len(oldest) < LEAST:
        return None
    middle, first = oldest[len(oldest) // 2], oldest[0]
    bound = first - 2 * (middle - first) - datetime.timedelta(days=366)
    return bound.date().isoformat() if bound > datetime.datetime(1970, 1, 1) else None


def relations(material: Material) -> Iterator[Check]:
    """Rules between columns that hold in every row, or in all but a few, and that unrelated columns would break."""
    labels = material.batches.labels
    rows = {p.label: p.rows for p in material.profiles}
    for relation in material.relations:
        by_chance = f"among shuffled rows {relation.chance:.0%} would break it."
        if relation.holds(labels) and relation.is_wall(labels):
            reason = f"It held in all {material.rows:,} rows; {by_chance}"
            yield _relation(material, relation, reason, {"warn_below": GLITCH})
        elif share := relation.nearly(labels, rows):
            reason = f"At most {share:.2%} of a batch were against it; {by_chance}"
            yield _relation(material, relation, reason, {"max_share": round(2 * share + GLITCH, 4)})


def _relation(material: Material, relation: Relation, reason: str, parameters: dict[str, float]) -> Check:
    return Check(
        check_id("condition", relation.columns, relation.condition.replace('"', "")),
        "condition",
        relation.columns,
        {"condition": relation.condition, **parameters},
        "error",
        reason,
        "swapped columns, wrong units, parts that were not recomputed",
        seen(material, f"{sum((relation.violations or {}).values()):,} rows against it"),
    )
