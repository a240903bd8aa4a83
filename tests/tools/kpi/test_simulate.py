"""Simulated series equal those of a real rebuild: every table made anew with the new jobs, then the KPI run over it.

The rebuild shares nothing with the composition: it runs the jobs' own SQL text on DuckDB, table by table.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import math
import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from unittest import mock

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import sqlglot
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from knowledge.errors import Ambiguous, InputError, NotFound
from tests.wire.athena import refused_by_trino
from tools.kpi import KpiSeries, simulate
from tools.kpi.fused_rows import NotFusable
from tools.settings import load_settings
from tools.workspace import Workspace, open_workspace
from ui.cli import run

DAYS = [datetime.date(2026, 3, 1) + datetime.timedelta(days=n) for n in range(12)]
POSITIONS = """INSERT OVERWRITE TABLE d.positions
SELECT r.id, r.customer, r.amount * r.rate AS value, c.segment, r.status, r.day
FROM d.raw r
LEFT JOIN d.customers c ON c.customer = r.customer
WHERE r.status <> 'CLOSED'
"""
LATEST = """INSERT OVERWRITE TABLE d.latest
SELECT id, customer, value, segment, day
FROM (
    SELECT p.*, row_number() OVER (PARTITION BY customer, day ORDER BY value DESC, id) AS n
    FROM d.positions p
)
WHERE n = 1
"""
FACT = """INSERT OVERWRITE TABLE d.fact
SELECT l.customer, coalesce(l.segment, 'NONE') AS segment, l.value, t.target, l.day
FROM d.latest l
JOIN d.targets t ON t.day = l.day
UNION ALL
SELECT customer, 'EXTRA', amount, 1.0, day FROM d.raw WHERE status = 'EXTRA'
"""
JOBS = {"positions_job": ("positions", POSITIONS), "latest_job": ("latest", LATEST), "fact_job": ("fact", FACT)}
KPIS = {
    "Total": "SELECT day, sum(value) AS total FROM d.fact GROUP BY day",
    "By Segment": "SELECT day, segment, count(*) AS n, avg(value) AS mean FROM d.fact GROUP BY day, segment",
    "Segments kept": "SELECT day, segment, count(DISTINCT customer) AS n FROM d.positions GROUP BY day, segment",
}
EDITS = {
    "positions_job": [
        ("r.status <> 'CLOSED'", "r.status = 'ACTIVE'"),
        ("r.amount * r.rate", "r.amount"),
        ("LEFT JOIN", "JOIN"),
        ("r.amount * r.rate", "round(r.amount * coalesce(r.rate, 1.0), 1)"),
        ("r.status <> 'CLOSED'", "r.status <> 'CLOSED' AND c.vip"),
        ("r.day\n", "date_add(r.day, 1) AS day\n"),
    ],
    "latest_job": [
        ("value DESC, id", "value, id"),
        ("PARTITION BY customer, day", "PARTITION BY segment, day"),
        ("WHERE n = 1", "WHERE n <= 2"),
    ],
    "fact_job": [
        ("JOIN d.targets t ON t.day = l.day", "LEFT JOIN d.targets t ON t.day = l.day"),
        ("'EXTRA', amount", "'EXTRA', amount * 2"),
        ("coalesce(l.segment, 'NONE')", "l.segment"),
    ],
}


def put(root: Path, table: str, rows: list[dict[str, Any]], schema: pa.Schema, by_day: bool) -> None:
    for day in sorted({r["day"] for r in rows}) if by_day else [None]:
        folder = root / "tables" / "d" / table / (f"day={day}" if day else "")
        folder.mkdir(parents=True, exist_ok=True)
        part = [
            {k: v for k, v in r.items() if not (by_day and k == "day")} for r in rows if day is None or r["day"] == day
        ]
        kept = pa.schema([f for f in schema if not (by_day and f.name == "day")])
        pq.write_table(pa.Table.from_pylist(part, kept), folder / "part.parquet")


NUMBERS = [("id", pa.int64()), ("customer", pa.int64()), ("amount", pa.float64()), ("rate", pa.float64())]
RAW = pa.schema([*NUMBERS, ("status", pa.string()), ("day", pa.date32())])
CUSTOMERS = pa.schema([("customer", pa.int64()), ("segment", pa.string()), ("vip", pa.bool_())])
TARGETS = pa.schema([("target", pa.float64()), ("day", pa.date32())])
TYPES = {
    "positions": "id bigint, customer bigint, value double, segment varchar, status varchar, day date",
    "latest": "id bigint, customer bigint, value double, segment varchar, day date",
    "fact": "customer bigint, segment varchar, value double, target double, day date",
}


def rows_of(seed: int) -> dict[str, list[dict[str, Any]]]:
    """Several customers without a row in customers, NULL segments, days without rows, rates that are missing."""
    chance = random.Random(seed)
    days = [d for d in DAYS if chance.random() < 0.9]
    raw = [
        {
            "id": n,
            "customer": chance.randint(1, 9),
            "amount": chance.randint(-20, 400) / 4,
            "rate": chance.choice([1.0, 2.0, 0.5, None]),
            "status": chance.choice(["ACTIVE", "PENDING", "CLOSED", "EXTRA"]),
            "day": chance.choice(days),
        }
        for n in range(160)
    ]
    customers = [
        {"customer": n, "segment": chance.choice(["A", "B", None]), "vip": chance.choice([True, False, None])}
        for n in range(1, 8)
    ]
    return {"raw": raw, "customers": customers, "targets": [{"target": 1.5, "day": d} for d in days[::2]]}


class Rebuild:
    """The oracle: a DuckDB in which the jobs are really run."""

    def __init__(self, rows: Mapping[str, list[dict[str, Any]]]) -> None:
        self._db = duckdb.connect()
        self._db.execute("CREATE SCHEMA d")
        for name, schema in (("raw", RAW), ("customers", CUSTOMERS), ("targets", TARGETS)):
            table = pa.Table.from_pylist(rows[name], schema)
            self._db.register(f"in_{name}", table)
            self._db.execute(f"CREATE TABLE d.{name} AS SELECT * FROM in_{name}")
        for name, columns in TYPES.items():
            self._db.execute(f"CREATE TABLE d.{name} ({columns})")

    def run(self, jobs: Mapping[str, str]) -> None:
        for job, (table, _) in JOBS.items():
            select = jobs[job].partition("\n")[2]
            self._db.execute(f"DELETE FROM d.{table}")
            self._db.execute(f"INSERT INTO d.{table} {sqlglot.transpile(select, read='spark', write='duckdb')[0]}")

    def table(self, name: str) -> list[dict[str, Any]]:
        cursor = self._db.execute(f"SELECT * FROM d.{name}")
        names = [c[0] for c in cursor.description]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]

    def kpi(self, sql: str) -> dict[tuple[Any, ...], dict[str, float | None]]:
        cursor = self._db.execute(sql)
        names = [c[0] for c in cursor.description]
        found = {}
        for row in cursor.fetchall():
            cells = dict(zip(names, row, strict=True))
            key = (cells.pop("day"), *((cells.pop("segment"),) if "segment" in cells else ()))
            found[key] = {k: None if v is None else float(v) for k, v in cells.items()}
        return found


def lake(root: Path, rows: Mapping[str, list[dict[str, Any]]], oracle: Rebuild) -> Workspace:
    put(root, "raw", rows["raw"], RAW, by_day=True)
    put(root, "customers", rows["customers"], CUSTOMERS, by_day=False)
    put(root, "targets", rows["targets"], TARGETS, by_day=False)
    types = {"bigint": pa.int64(), "double": pa.float64(), "varchar": pa.string(), "date": pa.date32()}
    for name, columns in TYPES.items():
        schema = pa.schema([(c.split()[0], types[c.split()[1]]) for c in columns.split(", ")])
        put(root, name, oracle.table(name), schema, by_day=True)
    (root / "jobs").mkdir()
    for job, (_, text) in JOBS.items():
        (root / "jobs" / f"{job}.sql").write_text(text, encoding="utf-8")
    entries = [{"kpi_name": n, "sql": s, "depends_on_tables": []} for n, s in KPIS.items()]
    (root / "kpis.json").write_text(json.dumps(entries), encoding="utf-8")
    return open_workspace(load_settings(lake=root, environ={}))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Rebuild]:
    rows = rows_of(1)
    oracle = Rebuild(rows)
    oracle.run({j: t for j, (_, t) in JOBS.items()})
    return lake(tmp_path_factory.mktemp("lake") / "d", rows, oracle), oracle


def series_of(series: KpiSeries, side: str) -> dict[tuple[Any, ...], dict[str, float | None]]:
    found: dict[tuple[Any, ...], dict[str, float | None]] = {}
    gone = {"old": "only_new", "new": "only_old"}[side]
    for point in series.points:
        if point.side not in (gone, "neither"):
            found.setdefault((point.day, *point.dimensions), {})[point.measure] = getattr(point, side)
    return found


Series = Mapping[tuple[Any, ...], Mapping[str, float | None]]


def near(a: Series, b: Series, window: tuple[datetime.date, datetime.date]) -> bool:
    b = {k: v for k, v in b.items() if window[0] <= k[0] <= window[1]}
    return a.keys() == b.keys() and all(
        a[k].keys() == b[k].keys() and all(same(a[k][m], b[k][m]) for m in a[k]) for k in a
    )


def same(a: float | None, b: float | None) -> bool:
    return a is b if a is None or b is None else math.isclose(a, b, rel_tol=1e-9, abs_tol=1e-9)


CASES = [(job, old, new) for job, edits in EDITS.items() for old, new in edits]


@settings(max_examples=12, deadline=None, phases=(Phase.explicit, Phase.reuse, Phase.generate))
@given(case=st.sampled_from(CASES), other=st.sampled_from([None, *CASES]), days=st.integers(3, 14), fused=st.booleans())
def test_a_simulation_equals_a_rebuild_on_every_day_and_dimension(
    world: tuple[Workspace, Rebuild],
    case: tuple[str, str, str],
    other: tuple[str, str, str] | None,
    days: int,
    fused: bool,
) -> None:
    ws, oracle = world
    job, old, new = case
    text = JOBS[job][1].replace(old, new)
    if other is not None and other[0] == job and other[1] != old:
        text = text.replace(other[1], other[2])
    oracle.run({**{j: t for j, (_, t) in JOBS.items()}, job: text})
    rebuilt = {name: oracle.kpi(sql) for name, sql in KPIS.items()}
    oracle.run({j: t for j, (_, t) in JOBS.items()})
    before = {name: oracle.kpi(sql) for name, sql in KPIS.items()}
    with contextlib.nullcontext() if fused else apart():
        found = simulate(ws, job=job, new_text=text, days=days)
    assert found.window is not None
    window = found.window.first, found.window.last
    for series in found.series:
        if series.status == "unaffected":
            assert rebuilt[series.kpi] == before[series.kpi]
            continue
        assert series.status == "simulated", series.reason
        assert near(series_of(series, "old"), before[series.kpi], window)
        assert near(series_of(series, "new"), rebuilt[series.kpi], window)
        assert not series.drifted
        assert fused or not series.fused


def apart() -> contextlib.AbstractContextManager[object]:
    """Each version a query of its own."""
    return mock.patch("tools.kpi.statement.fuse", side_effect=NotFusable("asked for"))


@pytest.mark.parametrize("case", CASES, ids=lambda c: f"{c[0]} {c[2]}".strip())
def test_filters_values_join_kinds_kept_rows_and_groups_are_read_once(
    world: tuple[Workspace, Rebuild], case: tuple[str, str, str]
) -> None:
    ws, _ = world
    job, old, new = case
    text = JOBS[job][1].replace(old, new)
    (series,) = simulate(ws, job=job, new_text=text, kpis=["By Segment"], days=14).series
    assert series.fused == ("date_add" not in new)  # there the day of a join condition is another one


@pytest.mark.parametrize("case", [CASES[0], CASES[2], CASES[7], CASES[-1]], ids=lambda c: c[2])
def test_trino_reads_every_query_that_a_simulation_sends(
    world: tuple[Workspace, Rebuild], case: tuple[str, str, str]
) -> None:
    ws, _ = world
    job, old, new = case
    text = JOBS[job][1].replace(old, new)
    (one,) = simulate(ws, job=job, new_text=text, kpis=["By Segment"], days=14).series
    with apart():
        (two,) = simulate(ws, job=job, new_text=text, kpis=["By Segment"], days=14).series
    assert (one.fused, two.fused) == (True, False)
    assert near(series_of(one, "new"), series_of(two, "new"), (DAYS[0], DAYS[-1]))
    assert [refused_by_trino(s.sql) for s in (one, two)] == [None, None]


def test_another_input_is_a_query_for_each_version(world: tuple[Workspace, Rebuild]) -> None:
    ws, _ = world
    text = LATEST.replace("FROM d.positions p", "FROM d.positions p JOIN d.targets t ON t.day = p.day")
    text = text.replace("customer, day ORDER BY value DESC, id", "p.customer, p.day ORDER BY p.value DESC, p.id")
    (series,) = simulate(ws, job="latest_job", new_text=text, kpis=["Total"], days=14).series
    assert (series.status, series.fused) == ("simulated", False)
    assert refused_by_trino(series.sql) is None


@pytest.mark.parametrize(
    "select",
    [
        "SELECT id, customer, value, segment, day FROM d.positions WHERE day IN (SELECT day FROM d.targets)",
        "SELECT DISTINCT 1 AS id, customer, value, segment, day FROM d.positions WHERE NOT (value > 10)",
        "SELECT min(id) AS id, customer, avg(value) AS value, max(segment) AS segment, day FROM d.positions "
        "GROUP BY customer, day HAVING count(*) > 1",
    ],
    ids=["subquery", "distinct", "having"],
)
def test_a_job_of_another_shape_is_replayed_all_the_same(world: tuple[Workspace, Rebuild], select: str) -> None:
    ws, oracle = world
    text = f"INSERT OVERWRITE TABLE d.latest\n{select}"
    oracle.run({**{j: t for j, (_, t) in JOBS.items()}, "latest_job": text})
    (series,) = simulate(ws, job="latest_job", new_text=text, kpis=["By Segment"], days=14).series
    assert near(series_of(series, "new"), oracle.kpi(KPIS["By Segment"]), (DAYS[0], DAYS[-1]))


def test_what_only_one_version_can_compute_is_not_computed_for_the_rows_of_the_other(
    world: tuple[Workspace, Rebuild],
) -> None:
    ws, _ = world
    text = POSITIONS.replace("r.amount * r.rate", "cast(100 div (r.id - 5) AS double)")
    text = text.replace("r.status <> 'CLOSED'", "r.id > 5")
    (series,) = simulate(ws, job="positions_job", new_text=text, kpis=["Total"], days=14).series
    assert series.status == "simulated", series.reason


def test_a_pyspark_job_is_replayed_like_its_sql(world: tuple[Workspace, Rebuild]) -> None:
    ws, oracle = world
    oracle.run({**{j: t for j, (_, t) in JOBS.items()}, "latest_job": LATEST.replace("value DESC, id", "value, id")})
    rebuilt = oracle.kpi(KPIS["Total"])
    script = """from pyspark.sql import functions as F, Window
p = spark.table("d.positions")
w = Window.partitionBy("customer", "day").orderBy(F.col("value"), F.col("id"))
latest = p.withColumn("n", F.row_number().over(w)).filter(F.col("n") == 1)
latest.select("id", "customer", "value", "segment", "day").write.mode("overwrite").insertInto("d.latest")
"""
    import dataclasses

    source = dataclasses.replace(ws.jobs["latest_job"], language="python", path="jobs/latest_job.py")
    jobs = {**ws.jobs, "latest_job": source}
    copy = Workspace(ws.settings, ws.lake, ws.store)
    copy.__dict__["jobs"] = jobs
    copy.__dict__["readings"] = ws.readings
    (series,) = simulate(copy, job="latest_job", new_text=script, kpis=["Total"], days=14).series
    assert near(series_of(series, "new"), rebuilt, (DAYS[0], DAYS[-1]))


# --------------------------------------------------------------------------- edits in words


def simulated(ws: Workspace, edit: str, kpi: str = "Total", job: str = "positions_job") -> KpiSeries:
    (series,) = simulate(ws, job=job, edit=edit, kpis=[kpi], days=14).series
    return series


@pytest.mark.parametrize(
    ("edit", "old", "new"),
    [
        (
            "exclude rows where r.status = 'PENDING'".replace("r.", ""),
            "r.status <> 'CLOSED'",
            "r.status NOT IN ('CLOSED', 'PENDING')",
        ),
        ("only ACTIVE status", "r.status <> 'CLOSED'", "r.status = 'ACTIVE'"),
        ("exclude vip customers", "r.status <> 'CLOSED'", "r.status <> 'CLOSED' AND NOT coalesce(c.vip, FALSE)"),
        ("only rows where value > 10", "r.status <> 'CLOSED'", "r.status <> 'CLOSED' AND r.amount * r.rate > 10"),
        ("use rate instead of amount", "r.amount * r.rate", "r.rate * r.rate"),
        ("value = amount + 1", "r.amount * r.rate", "r.amount + 1"),
    ],
)
def test_an_edit_in_words_is_the_edit_of_the_text(
    world: tuple[Workspace, Rebuild], edit: str, old: str, new: str
) -> None:
    ws, _ = world
    (by_text,) = simulate(ws, job="positions_job", new_text=POSITIONS.replace(old, new), kpis=["Total"], days=14).series
    by_words = simulated(ws, edit)
    assert by_words.moved
    assert by_words.points == by_text.points


def test_an_edit_that_is_not_understood_is_asked_back(world: tuple[Workspace, Rebuild]) -> None:
    ws, _ = world
    for edit in (
        "make it better",
        "exclude rows where (SELECT 1) = 1",
        "only rows where nothing_known > 1",
        "exclude rows where (",
    ):
        with pytest.raises(InputError):
            simulated(ws, edit)
    with pytest.raises(Ambiguous):
        simulated(ws, "only rows where customer > 3 and vip", job="positions_job")


# --------------------------------------------------------------------------- days before the window

ROLLING = """INSERT OVERWRITE TABLE d.latest
SELECT id, customer, sum(value) OVER (
    PARTITION BY customer ORDER BY day RANGE BETWEEN INTERVAL 3 DAYS PRECEDING AND CURRENT ROW) AS value, segment, day
FROM d.positions
"""
DAY_BEFORE = """INSERT OVERWRITE TABLE d.latest
SELECT a.id, a.customer, a.value - coalesce(b.value, 0) AS value, a.segment, a.day
FROM d.positions a
LEFT JOIN (SELECT customer, day, sum(value) AS value FROM d.positions GROUP BY customer, day) b
    ON b.customer = a.customer AND b.day = date_sub(a.day, 1)
"""
DAYS_AROUND = """INSERT OVERWRITE TABLE d.latest
SELECT a.id, a.customer, sum(b.value) AS value, a.segment, a.day
FROM d.positions a
JOIN d.positions b ON b.customer = a.customer AND b.day BETWEEN date_sub(a.day, 2) AND date_add(a.day, 1)
GROUP BY a.id, a.customer, a.segment, a.day
"""
SHIFTED = """INSERT OVERWRITE TABLE d.latest
SELECT id, customer, value, segment, date_add(day, 2) AS day FROM d.positions WHERE day < DATE '2026-03-10'
"""


@pytest.mark.parametrize(
    "text", [ROLLING, DAY_BEFORE, DAYS_AROUND, SHIFTED], ids=["rolling", "before", "around", "shift"]
)
@pytest.mark.parametrize("days", [2, 4])
def test_a_query_that_looks_some_days_back_reads_those_days_and_no_others(
    world: tuple[Workspace, Rebuild], text: str, days: int
) -> None:
    ws, oracle = world
    oracle.run({**{j: t for j, (_, t) in JOBS.items()}, "latest_job": text})
    rebuilt = oracle.kpi(KPIS["Total"])
    found = simulate(ws, job="latest_job", new_text=text, kpis=["Total"], days=days)
    (series,) = found.series
    assert found.window is not None
    assert series.status == "simulated", series.reason
    assert near(series_of(series, "new"), rebuilt, (found.window.first, found.window.last))
    (plan,) = simulate(ws, job="latest_job", new_text=text, kpis=["Total"], days=days, dry_run=True).series
    assert plan.estimate is not None
    assert not plan.estimate.blocked
    (whole,) = simulate(ws, job="latest_job", new_text=text, kpis=["Total"], days=30, dry_run=True).series
    assert whole.estimate is not None
    assert plan.estimate.tables["d.positions"] < whole.estimate.tables["d.positions"]


def test_a_frame_of_rows_may_reach_any_day(world: tuple[Workspace, Rebuild]) -> None:
    ws, _ = world
    text = ROLLING.replace("RANGE BETWEEN INTERVAL 3 DAYS PRECEDING", "ROWS BETWEEN 3 PRECEDING")
    (series,) = simulate(ws, job="latest_job", new_text=text, kpis=["Total"], days=2, dry_run=True).series
    assert series.estimate is not None
    assert any("window function looks at rows of other days" in b for b in series.estimate.blocked)


# --------------------------------------------------------------------------- several edits, and a KPI's own query

ONE, TWO = ("r.status <> 'CLOSED'", "r.status = 'ACTIVE'"), ("r.amount * r.rate", "r.amount * 2")


def moved(ws: Workspace, text: str) -> float:
    (series,) = simulate(ws, job="positions_job", new_text=text, kpis=["Total"], days=14).series
    return sum((p.new or 0) - (p.old or 0) for p in series.points) / len({p.day for p in series.points})


def test_each_edit_of_a_script_is_simulated_alone_and_the_residual_is_what_they_do_to_each_other(
    world: tuple[Workspace, Rebuild],
) -> None:
    ws, _ = world
    text = POSITIONS.replace(*ONE).replace(*TWO)
    (series,) = simulate(ws, job="positions_job", new_text=text, kpis=["Total"], days=14).series
    assert series.fused
    alone = [moved(ws, POSITIONS.replace(*TWO)), moved(ws, POSITIONS.replace(*ONE))]
    assert [words for words, _ in series.moves] == [
        "line 2, `r.amount * 2 AS value (was r.amount * r.rate AS value)`",
        "line 5, `r.status = 'ACTIVE' (was r.status <> 'CLOSED')`",
    ]
    assert [m for _, m in series.moves] == pytest.approx(alone)
    assert series.together == pytest.approx(moved(ws, text))
    assert series.residual == pytest.approx(series.together - sum(alone))
    assert series.residual != 0
    data = series.to_dict()
    assert [e["per_day"] for e in data["edits"]] == pytest.approx(alone)
    assert refused_by_trino(series.sql) is None


def test_several_edits_in_words_are_made_together_and_one_by_one(world: tuple[Workspace, Rebuild]) -> None:
    ws, _ = world
    wording = "only rows where status = 'ACTIVE' and use rate instead of amount"
    found = simulate(ws, job="positions_job", edit=wording, kpis=["Total"], days=14)
    listed = simulate(ws, job="positions_job", edit=wording.split(" and "), kpis=["Total"], days=14)
    (series,) = found.series
    assert [w for w, _ in series.moves] == ["only with rows where status = 'ACTIVE'", "using rate instead of amount"]
    assert series.points == listed.series[0].points
    assert "Each edit alone" in found.text()
    report = {Path(d.path).suffix: d.text for d in found.drafts}
    assert "| all together |" in report[".md"]
    assert "what the edits do to each other" in report[".html"]


def test_a_change_of_one_clause_is_not_taken_apart(world: tuple[Workspace, Rebuild]) -> None:
    ws, _ = world
    (series,) = simulate(ws, job="positions_job", new_text=POSITIONS.replace(*ONE), kpis=["Total"], days=14).series
    assert series.effects == ()


def test_a_kpi_with_another_query_is_compared_with_itself(world: tuple[Workspace, Rebuild]) -> None:
    ws, oracle = world
    oracle.run({j: t for j, (_, t) in JOBS.items()})
    new = "SELECT day AS d, segment, count(*) AS rows_of, avg(value * 2) AS mean FROM d.fact WHERE value > 0 GROUP BY 1, 2"
    found = simulate(ws, sql=new, kpis=["By Segment"], days=14)
    (series,) = found.series
    assert (series.status, series.fused, series.drifted) == ("simulated", True, [])
    truth = oracle.kpi(new.replace("day AS d", "day").replace("rows_of", "n"))
    assert near(series_of(series, "new"), truth, (DAYS[0], DAYS[-1]))
    assert near(series_of(series, "old"), oracle.kpi(KPIS["By Segment"]), (DAYS[0], DAYS[-1]))
    assert refused_by_trino(series.sql) is None


def test_a_new_query_has_to_have_the_dimensions_of_the_old_one_and_one_kpi(world: tuple[Workspace, Rebuild]) -> None:
    ws, _ = world
    (series,) = simulate(ws, sql="SELECT day, avg(value) AS mean FROM d.fact GROUP BY day", kpis=["By Segment"]).series
    assert series.status == "refused"
    assert "dimensions" in series.reason
    for wrong in ({"kpis": ["Total", "By Segment"]}, {"kpis": ["Total"], "job": "fact_job"}):
        with pytest.raises(InputError):
            simulate(ws, sql=KPIS["Total"], **wrong)


# --------------------------------------------------------------------------- refused rather than wrong

ITSELF = "SELECT * FROM d.raw UNION ALL SELECT id, customer, value, 1.0, status, day FROM d.positions"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (POSITIONS.replace("r.amount * r.rate", "rand() * r.rate"), "another value each time"),
        (POSITIONS.replace("r.status <> 'CLOSED'", "r.day < current_date"), "another value each time"),
        (POSITIONS.replace("r.status <> 'CLOSED'", "r.day = DATE '${ds}'"), "known only at run time"),
        (
            POSITIONS.replace(
                "FROM d.raw r",
                "FROM (SELECT * FROM d.raw UNION ALL SELECT id, customer, value, 1.0, status, day FROM d.positions) r",
            ),
            "its own earlier content",
        ),
        (
            "MERGE INTO d.positions t USING d.raw s ON t.id = s.id WHEN MATCHED THEN UPDATE SET value = s.amount",
            "in place",
        ),
        (
            POSITIONS + ";\nINSERT INTO d.positions SELECT id, customer, amount, 'X', status, day FROM d.raw",
            "written in 2 places",
        ),
    ],
)
def test_what_cannot_be_replayed_is_refused_with_its_reason(
    world: tuple[Workspace, Rebuild], text: str, said: str
) -> None:
    ws, _ = world
    (series,) = simulate(ws, job="positions_job", new_text=text, kpis=["Total"]).series
    assert series.status == "refused"
    assert said in series.reason


def test_a_python_function_is_refused_at_its_line(world: tuple[Workspace, Rebuild], tmp_path: Path) -> None:
    ws, _ = world
    script = """from pyspark.sql import functions as F
@F.udf("double")
def valued(a):
    return a * 2
valued_rows = spark.table("d.raw").select("id", "customer", valued("amount").alias("value"), F.lit("A").alias("segment"), "status", "day")
valued_rows.write.insertInto("d.positions")
"""
    import dataclasses

    copy = Workspace(ws.settings, ws.lake, ws.store)
    copy.__dict__["jobs"] = {
        **ws.jobs,
        "positions_job": dataclasses.replace(ws.jobs["positions_job"], language="python"),
    }
    copy.__dict__["readings"] = ws.readings
    (series,) = simulate(copy, job="positions_job", new_text=script, kpis=["Total"]).series
    assert (series.status, series.reason) == ("refused", "`valued` is code that is not read")
    assert series.place == "jobs/positions_job.sql:5"


def test_a_kpi_that_the_job_does_not_feed_cannot_move_and_says_why(world: tuple[Workspace, Rebuild]) -> None:
    ws, _ = world
    found = simulate(ws, job="fact_job", edit="only rows where value > 0", days=5)
    states = {s.kpi: (s.status, s.reason) for s in found.series}
    assert states["Segments kept"] == ("unaffected", "it reads `d.positions`, which `fact_job` does not feed")


def test_the_window_reaches_the_partitions_and_a_dry_run_reads_nothing(world: tuple[Workspace, Rebuild]) -> None:
    ws, _ = world
    full, short = (
        simulate(ws, job="positions_job", edit="only ACTIVE status", kpis=["Segments kept"], days=d, dry_run=True)
        .series[0]
        .estimate
        for d in (12, 2)
    )
    assert full is not None
    assert short is not None
    assert short.tables["d.raw"] < full.tables["d.raw"] / 3
    assert not short.blocked


def test_what_keeps_the_window_from_the_partitions_is_told(world: tuple[Workspace, Rebuild]) -> None:
    ws, _ = world
    text = LATEST.replace("PARTITION BY customer, day", "PARTITION BY customer")
    (series,) = simulate(ws, job="latest_job", new_text=text, kpis=["Total"], days=2, dry_run=True).series
    assert series.estimate is not None
    assert any("window function looks at rows of other days" in b for b in series.estimate.blocked)


def test_names_that_are_not_there_are_told(world: tuple[Workspace, Rebuild]) -> None:
    ws, _ = world
    with pytest.raises(NotFound) as caught:
        simulate(ws, kpis=["churn rate"])
    assert "Total" in str(caught.value.message)
    with pytest.raises(NotFound):
        simulate(ws, job="nothing", edit="only ACTIVE status")


def test_the_command_writes_a_report_that_asks_nothing_of_the_network(
    world: tuple[Workspace, Rebuild], capsys: pytest.CaptureFixture[str]
) -> None:
    ws, _ = world
    command = [
        "simulate",
        "--job",
        "positions_job",
        "--edit",
        "only ACTIVE status",
        "--kpi",
        "By Segment",
        "--report",
        "--json",
    ]
    assert run([*command, "--lake", str(ws.settings.lake)]) == 0
    data = json.loads(capsys.readouterr().out)
    files = {Path(p).suffix: Path(p).read_text(encoding="utf-8") for p in data["written"]}
    assert set(files) == {".md", ".json", ".html", ".svg"}
    assert "| day | segment | old | new |" in files[".md"]
    assert 'src="http' not in files[".html"]
    assert 'href="http' not in files[".html"]
    assert json.loads(files[".json"])["kpis"][0]["kpi"] == "By Segment"
