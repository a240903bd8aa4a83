"""Random lakes: raw tables with rows, jobs over several hops in SQL and PySpark, dashboards and KPIs at the end."""

# ruff: noqa: S608 - names of the generator's own making
from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from benchmarks.impact.shapes import NUMBERS, Expression, Job, Kind, Reader, Shape, call, column, literal

__all__ = ["RandomLake", "edited", "random_lake"]

Columns = dict[str, Kind]
_SHAPES: tuple[Shape, ...] = ("project", "project", "star", "drop", "join", "join", "group", "union", "distinct")
_WORDS = ("red", "blue", "gold", "SALE", "GIFT")


@dataclass
class RandomLake:
    """`tables` are columns by name (raw ones first), `raw` names the given ones."""

    tables: dict[str, Columns] = field(default_factory=dict)
    raw: list[str] = field(default_factory=list)
    jobs: list[Job] = field(default_factory=list)
    readers: list[Reader] = field(default_factory=list)


def random_lake(seed: int, jobs: int = 9, *, only_sql: bool = False) -> RandomLake:
    """The lake of that seed."""
    rng, lake = random.Random(seed), RandomLake()
    for number in range(rng.randint(2, 3)):
        name = f"raw{number}"
        kinds: Columns = {"id": "bigint"}
        for place in range(rng.randint(4, 6)):
            kinds[f"{'abcdefgh'[place]}{number if rng.random() < 0.5 else ''}"] = rng.choice(
                ("bigint", "double", "varchar", "varchar", "date", "bigint")
            )
        lake.tables[name] = kinds
        lake.raw.append(name)
    for number in range(jobs):
        _add_job(lake, number, rng, only_sql)
    for number in range(rng.randint(3, 5)):
        _add_reader(lake, number, rng)
    return lake


def _add_job(lake: RandomLake, number: int, rng: random.Random, only_sql: bool) -> None:
    shape = rng.choice([s for s in _SHAPES if not (only_sql and s == "drop")])
    sources = [rng.choice(list(lake.tables)), rng.choice(list(lake.tables))]
    makers = {"join": _join, "group": _group, "union": _union}
    job = makers.get(shape, _plain)(lake, f"job{number}", f"t{number}", shape, sources, rng)
    python = job.shape == "drop" or (rng.random() < 0.45 and not only_sql)
    job = replace(job, language="python" if python else "sql", insert=rng.random() < 0.3)
    lake.tables[job.target] = _output(job, lake)
    lake.jobs.append(job)


def _output(job: Job, lake: RandomLake) -> Columns:
    from benchmarks.impact.oracle import output_kinds

    return output_kinds(job, lake.tables)


def _plain(lake: RandomLake, name: str, target: str, shape: Shape, sources: Sequence[str], rng: random.Random) -> Job:
    columns = lake.tables[sources[0]]
    where = _condition(columns, rng) if rng.random() < 0.5 else None
    if shape in ("star", "drop"):
        fresh = (f"x{name}", _value(columns, rng, windows=True))
        dropped = rng.choice(list(columns)) if shape == "drop" else None
        return Job(name, target, shape, (sources[0],), (fresh,), where, dropped=dropped)
    picked = rng.sample(list(columns), rng.randint(2, max(2, len(columns) - 1)))
    items = [(c, column(c)) for c in picked[:-1]] + [(f"y{name}", _value(columns, rng, windows=shape != "distinct"))]
    return Job(name, target, shape, (sources[0],), tuple(items), where)


def _join(lake: RandomLake, name: str, target: str, shape: Shape, sources: Sequence[str], rng: random.Random) -> Job:
    left, right = lake.tables[sources[0]], lake.tables[sources[1]]
    shared = [c for c in left if right.get(c) == left[c]]
    if not shared or sources[0] == sources[1]:
        return _plain(lake, name, target, "project", sources, rng)
    items = [(f"l_{c}"[:8] + str(i), column(c, "l")) for i, c in enumerate(rng.sample(list(left), min(2, len(left))))]
    items += [
        (f"r_{c}"[:8] + str(i), column(c, "r")) for i, c in enumerate(rng.sample(list(right), min(2, len(right))))
    ]
    where = _condition(left, rng, "l") if rng.random() < 0.4 else None
    return Job(name, target, shape, tuple(sources), tuple(items), where, on=rng.choice(shared), left=rng.random() < 0.4)


def _group(lake: RandomLake, name: str, target: str, shape: Shape, sources: Sequence[str], rng: random.Random) -> Job:
    columns = lake.tables[sources[0]]
    numbers = [c for c, k in columns.items() if k in NUMBERS]
    keys = tuple(rng.sample(list(columns), 1))
    items: list[tuple[str, Expression]] = [(f"n{name}", call("count", column(rng.choice(list(columns)))))]
    if numbers:
        items.append((f"s{name}", call(rng.choice(("sum", "min", "max")), column(rng.choice(numbers)))))
    where = _condition(columns, rng) if rng.random() < 0.4 else None
    return Job(name, target, shape, (sources[0],), tuple(items), where, keys)


def _union(lake: RandomLake, name: str, target: str, shape: Shape, sources: Sequence[str], rng: random.Random) -> Job:
    left, right = lake.tables[sources[0]], lake.tables[sources[1]]
    pairs = [(a, b) for a, k in left.items() for b, o in right.items() if k == o]
    rng.shuffle(pairs)
    chosen = list(dict(pairs).items())[:3]
    if not chosen:
        return _plain(lake, name, target, "project", sources, rng)
    items = tuple((a, column(a)) for a, _ in chosen)
    return Job(name, target, shape, tuple(sources), items, None, other=tuple(b for _, b in chosen))


def _value(columns: Columns, rng: random.Random, *, windows: bool) -> Expression:
    numbers = [c for c, k in columns.items() if k in NUMBERS]
    words = [c for c, k in columns.items() if k == "varchar"]
    anything = rng.choice(list(columns))
    makers = [lambda: call("case", _condition(columns, rng), literal("yes"), literal("no"))]
    if numbers:
        makers += [
            lambda: call("+", column(rng.choice(numbers)), literal(rng.randint(1, 9))),
            lambda: call("*", column(rng.choice(numbers)), column(rng.choice(numbers))),
        ]
        if windows:
            makers.append(lambda: call("sum over", column(rng.choice(numbers)), column(anything)))
    if words:
        makers.append(lambda: call("upper", column(rng.choice(words))))
        makers.append(lambda: call("coalesce", column(rng.choice(words)), literal("none")))
    return rng.choice(makers)()


def _condition(columns: Columns, rng: random.Random, side: str | None = None) -> Expression:
    numbers = [c for c, k in columns.items() if k in NUMBERS]
    words = [c for c, k in columns.items() if k == "varchar"]
    if words and (not numbers or rng.random() < 0.5):
        return call("=", column(rng.choice(words), side), literal(rng.choice(_WORDS)))
    if numbers:
        return call(rng.choice((">", "<")), column(rng.choice(numbers), side), literal(rng.randint(2, 8)))
    name = rng.choice(list(columns))
    return call("=", column(name, side), column(name, side))


def _add_reader(lake: RandomLake, number: int, rng: random.Random) -> None:
    table = rng.choice([j.target for j in lake.jobs])
    columns = lake.tables[table]
    picked = rng.sample(list(columns), min(len(columns), rng.randint(1, 2)))
    kind: Literal["dashboard", "kpi"] = "dashboard" if rng.random() < 0.5 else "kpi"
    if kind == "dashboard" and rng.random() < 0.4:
        lake.readers.append(Reader("dashboard", f"Board {number}", table, None, tuple(picked)))
        return
    sql = f"SELECT {picked[0]}, count({picked[-1]}) AS n FROM d.{table} GROUP BY {picked[0]}"
    lake.readers.append(Reader(kind, f"{kind.title()} {number}", table, sql))


# --------------------------------------------------------------------------- edits of jobs


def edited(job: Job, columns: Columns, rng: random.Random) -> Job | None:
    """The job with one edit that may move values: a filter, a constant, an expression, a kind of join; None: none fits."""
    side = "l" if job.shape == "join" else None
    choices = []
    if job.shape != "union":
        choices.append(lambda: replace(job, where=_condition(columns, rng, side)))
    if job.where is not None:
        choices.append(lambda: replace(job, where=None))
    if job.shape == "join":
        choices.append(lambda: replace(job, left=not job.left))
    if job.shape in ("project", "star", "drop", "distinct"):
        name = job.items[-1][0]
        fresh = _value(columns, rng, windows=job.shape != "distinct")
        choices.append(lambda: replace(job, items=(*job.items[:-1], (name, fresh))))
    made = rng.choice(choices)() if choices else None
    return made if made is not None and made != job else None
