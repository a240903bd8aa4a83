"""Rules between columns of one row, found without being told: order, equality, sums, products, parts of a date.

Candidates come from a sample of rows that is held against a shuffled copy of itself: a rule is only worth stating if
unrelated columns would break it. Each candidate is then counted exactly, on every batch.
"""

from __future__ import annotations

import datetime
import itertools
import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from sqlglot import exp

from tools.checks.kinds.base import name_of
from tools.checks.roles import Role, words_of
from tools.lake.base import Column, Lake, Limits
from tools.profile.batches import WHOLE, Batches
from tools.profile.figures import as_time, family, plain
from tools.profile.measure import source_of

__all__ = ["Relation", "count_violations", "find_relations", "suggest"]

Form = Literal["order", "equal", "sum", "product", "date_part", "midnight"]
_ROWS = 900
_LEAST = 20
_MOST = 80
_BROKEN_BY_CHANCE = 0.02
_TOUCHING = 0.3
_NEARLY = 0.02


@dataclass(frozen=True, slots=True)
class Relation:
    """A rule over one row: its condition in Athena SQL, and the share of shuffled rows that would break it."""

    form: Form
    columns: tuple[str, ...]
    condition: str
    chance: float
    violations: Mapping[str, int] | None = None
    margins: Mapping[str, float] | None = None  # of an order: the least that the second is above the first, by batch

    def holds(self, labels: Sequence[str]) -> bool:
        """Whether no row of these batches breaks it."""
        return self.violations is not None and not any(self.violations.get(label, 0) for label in labels)

    def nearly(self, labels: Sequence[str], rows: Mapping[str, int]) -> float | None:
        """The largest share of rows in a batch against a rule that nearly holds; None for one that does not."""
        if self.form != "order" or self.violations is None or self.chance < 10 * _NEARLY:
            return None
        shares = [self.violations.get(x, 0) / rows[x] for x in labels if rows.get(x)]
        return max(shares) if shares and 0 < max(shares) <= _NEARLY else None

    def is_wall(self, labels: Sequence[str]) -> bool:
        """Whether an order is a rule and no coincidence: values press against equality and never go beyond.

        Two quantities that only happen to differ come nearer from batch to batch until they cross.
        """
        if self.form != "order":
            return True
        margins = [self.margins[x] for x in labels if x in self.margins] if self.margins else []
        if len(margins) < 3:
            return False
        touching = sum(m == 0 for m in margins) / len(margins)
        usual, least = sorted(margins)[len(margins) // 2], min(margins)
        return touching >= _TOUCHING or (least > 0 and least > 3 * (usual - least))


_Rows: TypeAlias = Sequence[Mapping[str, Any]]


def find_relations(lake: Lake, batches: Batches, roles: Mapping[str, Role]) -> list[Relation]:
    """Rules that no sampled row (or nearly none) breaks, counted on every batch; those first that chance would break."""
    rows = _sample(lake, batches, roles)
    candidates = sorted(suggest(batches.table.columns, roles, rows), key=lambda r: -r.chance)[:_MOST]
    counted = count_violations(lake, batches, candidates)
    return [r for r in counted if r.violations is not None]


def count_violations(lake: Lake, batches: Batches, relations: Sequence[Relation]) -> list[Relation]:
    """The relations with the rows that break them, by batch: one scan for all."""
    if not relations:
        return []
    keys = batches.key_columns()
    tests = [exp.Not(this=exp.paren(exp.maybe_parse(r.condition, dialect="athena"))) for r in relations]
    items = [exp.alias_(exp.CountIf(this=t), f"r{i}", quoted=True) for i, t in enumerate(tests)]
    types = {c.name: c for c in batches.table.columns}
    items += [
        exp.alias_(exp.Min(this=_gap(types[r.columns[0]], types[r.columns[1]])), f"g{i}", quoted=True)
        for i, r in enumerate(relations)
        if r.form == "order"
    ]
    query = exp.select(*keys, *items).from_(source_of(batches.table))
    if keys:
        query = query.where(batches.condition()).group_by(*(k.copy() for k in keys))
    result = lake.query(query, limits=Limits(len(batches.items) + 1, 2**63, 900.0))
    names = [k.name for k in batches.keys]
    found = {batches.label_of([r[n] for n in names]) if names else WHOLE: r for r in result.dicts()}
    return [
        replace(
            r,
            violations={label: int(row[f"r{i}"]) for label, row in found.items()},
            margins={label: float(row[f"g{i}"]) for label, row in found.items() if row.get(f"g{i}") is not None},
        )
        for i, r in enumerate(relations)
    ]


def _gap(left: Column, right: Column) -> exp.Expr:
    """How far the second is above the first; times in seconds."""
    if family(left.type) == "time":
        return exp.cast(
            exp.Anonymous(this="DATE_DIFF", expressions=[exp.Literal.string("second"), as_time(left), as_time(right)]),
            "double",
        )
    return exp.Sub(this=_double(right.name), expression=_double(left.name))


def _sample(lake: Lake, batches: Batches, roles: Mapping[str, Role]) -> list[dict[str, Any]]:
    """Some rows of the first, the middle and the last batch."""
    wanted = [c for c in batches.table.columns if roles.get(c.name) in ("measure", "time", "calendar")]
    if len(wanted) < 1 or not batches.items:
        return []
    items = batches.items
    picked = {items[0].label, items[len(items) // 2].label, items[-1].label}
    columns = [
        exp.alias_(as_time(c) if family(c.type) == "time" else name_of(c.name), f"c{i}", quoted=True)
        for i, c in enumerate(wanted)
    ]
    rows: list[dict[str, Any]] = []
    for label in sorted(picked):
        query = exp.select(*(c.copy() for c in columns)).from_(source_of(batches.table)).limit(_ROWS)
        condition = batches.only({label}).condition()
        query = query.where(condition) if condition is not None else query
        for row in lake.query(query, limits=Limits(_ROWS, 2**63, 900.0)).rows:
            rows.append({c.name: plain(v) for c, v in zip(wanted, row, strict=True)})
    return rows


def suggest(columns: Sequence[Column], roles: Mapping[str, Role], rows: _Rows) -> Iterator[Relation]:
    """Every rule that no row of a sample breaks."""
    if len(rows) < _LEAST:
        return
    by_name = {c.name: c for c in columns}
    measures = [n for n in by_name if roles.get(n) == "measure" and _varies(rows, n)]
    times = [n for n in by_name if roles.get(n) == "time"]
    parts = [n for n in by_name if roles.get(n) == "calendar"]
    equal = set[str]()
    for left, right in itertools.combinations(measures, 2):
        if relation := _equality(left, right, rows):
            equal.add(right)
            yield relation
    free = [m for m in measures if m not in equal]
    arithmetic = list(_arithmetic(free, rows))
    yield from arithmetic
    yield from _orders([by_name[n] for n in free], rows)
    yield from _orders([by_name[n] for n in times], rows)
    for time in times:
        yield from _midnight(by_name[time], rows)
        for part in parts:
            if relation := _date_part(by_name[time], part, rows):
                yield relation


# --------------------------------------------------------------------------- order


def _orders(columns: Sequence[Column], rows: _Rows) -> Iterator[Relation]:
    """`a <= b`, without those that follow from two others."""
    found: dict[tuple[str, str], Relation] = {}
    kinds = {c.name: c.type for c in columns}
    for left, right in itertools.permutations(kinds, 2):
        if kinds[left] != kinds[right] and family(kinds[left]) == "time":
            continue
        relation = _order(left, right, rows)
        if relation is not None:
            found[left, right] = relation
    for (left, right), relation in found.items():
        if not any((left, m) in found and (m, right) in found for m in kinds if m not in (left, right)):
            yield relation


def _order(left: str, right: str, rows: _Rows) -> Relation | None:
    pairs = _pairs(rows, left, right)
    if len(pairs) < _LEAST or sum(a > b for a, b in pairs) > _NEARLY * len(pairs) or all(a == b for a, b in pairs):
        return None
    others = [b for _, b in pairs]
    random.Random(0).shuffle(others)
    broken = sum(a > b for (a, _), b in zip(pairs, others, strict=True)) / len(pairs)
    if broken < _BROKEN_BY_CHANCE:
        return None
    condition = exp.LTE(this=name_of(left), expression=name_of(right))
    return Relation("order", (left, right), condition.sql("athena"), broken)


# --------------------------------------------------------------------------- equality, sums, products


def _equality(left: str, right: str, rows: _Rows) -> Relation | None:
    pairs = _pairs(rows, left, right)
    if len(pairs) < _LEAST or len(pairs) < len(rows) / 2 or any(a != b for a, b in pairs):
        return None
    condition = exp.EQ(this=name_of(left), expression=name_of(right))
    return Relation("equal", (left, right), condition.sql("athena"), 1.0)


def _arithmetic(names: Sequence[str], rows: _Rows) -> Iterator[Relation]:
    """`a = b + c` and `a = b * c` with the error that rounding makes."""
    if len(names) > 14:
        names = names[:14]
    for a in names:
        for b, c in itertools.combinations([n for n in names if n != a], 2):
            triples = [(float(r[a]), float(r[b]), float(r[c])) for r in rows if None not in (r[a], r[b], r[c])]
            if len(triples) < _LEAST:
                continue
            for form in ("sum", "product"):
                if relation := _result_of(a, b, c, triples, form):
                    yield relation


def _result_of(a: str, b: str, c: str, triples: Sequence[tuple[float, float, float]], form: str) -> Relation | None:
    combine = (lambda x, y: x + y) if form == "sum" else (lambda x, y: x * y)
    few = triples[:: max(1, len(triples) // 8)]
    if any(abs(x - combine(y, z)) > 0.05 + 0.01 * abs(x) for x, y, z in few):  # type: ignore[no-untyped-call]
        return None
    # A term that is nearly always 0 (or a factor that is nearly always 1) makes the rule an equality in disguise.
    neutral = 0.0 if form == "sum" else 1.0
    if any(sum(t[i] == neutral for t in triples) > 0.9 * len(triples) for i in (1, 2)):
        return None
    worst = max(abs(x - combine(y, z)) for x, y, z in triples)  # type: ignore[no-untyped-call]
    spread = _spread([t[0] for t in triples])
    tolerance = _rounded_up(max(worst * 1.5, 1e-9 * max(abs(t[0]) for t in triples), 1e-9))
    if not spread or tolerance > spread / 200:
        return None
    result: exp.Expr = (exp.Add if form == "sum" else exp.Mul)(this=_double(b), expression=_double(c))
    off = exp.Abs(this=exp.Sub(this=_double(a), expression=exp.paren(result)))
    condition = exp.LTE(this=off, expression=exp.Literal.number(f"{tolerance:.10f}".rstrip("0")))
    return Relation("sum" if form == "sum" else "product", (a, b, c), condition.sql("athena"), 1.0)


def _double(column: str) -> exp.Expr:
    return exp.cast(name_of(column), "double")


def _spread(values: Sequence[float]) -> float:
    ordered = sorted(values)
    return ordered[int(len(ordered) * 0.9)] - ordered[int(len(ordered) * 0.1)]


def _rounded_up(value: float) -> float:
    """To one figure: 0.0074 becomes 0.008."""
    power = math.floor(math.log10(value))
    return float(math.ceil(value / 10**power) * 10**power)


# --------------------------------------------------------------------------- dates


_PARTS: Mapping[str, type[exp.Func]] = {
    "year": exp.Year,
    "quarter": exp.Quarter,
    "month": exp.Month,
    "day": exp.Day,
    "hour": exp.Hour,
    "minute": exp.Minute,
}


def _date_part(time: Column, part: str, rows: _Rows) -> Relation | None:
    """A calendar column that repeats a part of a time."""
    which = words_of(part)[-1]
    if which not in _PARTS or (time.type == "date" and which in ("hour", "minute")):
        return None
    pairs = [(r[time.name], r[part]) for r in rows if r[time.name] is not None and r[part] is not None]
    if len(pairs) < _LEAST or any(_part_of(t, which) != p for t, p in pairs):
        return None
    condition = exp.EQ(this=_PARTS[which](this=as_time(time)), expression=name_of(part))
    return Relation("date_part", (time.name, part), condition.sql("athena"), 1.0)


def _part_of(moment: datetime.datetime, part: str) -> int:
    return (moment.month + 2) // 3 if part == "quarter" else int(getattr(moment, part))


def _midnight(time: Column, rows: _Rows) -> Iterator[Relation]:
    """A timestamp that is only ever a date."""
    known = [r[time.name] for r in rows if r[time.name] is not None]
    if time.type == "date" or len(known) < _LEAST or any(t.time() != datetime.time() for t in known):
        return
    start = exp.TimestampTrunc(this=as_time(time), unit=exp.Literal.string("day"))
    condition = exp.EQ(this=as_time(time), expression=start)
    yield Relation("midnight", (time.name,), condition.sql("athena"), 1.0)


def _pairs(rows: _Rows, left: str, right: str) -> list[tuple[Any, Any]]:
    return [(r[left], r[right]) for r in rows if r[left] is not None and r[right] is not None]


def _varies(rows: _Rows, name: str) -> bool:
    return len({r[name] for r in rows if r[name] is not None}) > 1
