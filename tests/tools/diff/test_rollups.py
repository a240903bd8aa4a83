"""Groupings of groupings and joins that only ask whether a row is there: what is the same, and what only looks so."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tools.diff import Facts, JobDiff, Version, diff
from tools.diff.facts import NoForm
from tools.diff.form import form_of
from tools.diff.search import search
from tools.jobs import JobReading, read_job
from tools.plan.catalog import DictCatalog

COLUMNS = [("a", "varchar"), ("b", "bigint"), ("c", "bigint"), ("x", "double")]
CATALOG = DictCatalog({"d.t": COLUMNS, "d.u": COLUMNS}, "d")


def read(sql: str) -> JobReading:
    return read_job(sql, name="j", file="j.sql", language="sql", catalog=CATALOG)


def compared(old: str, new: str) -> JobDiff:
    return diff(Version(read(old), old), Version(read(new), new))


SAME = {
    "a sum of sums of whole numbers": (
        "SELECT a, sum(b) AS s FROM t GROUP BY a",
        "SELECT a, sum(s) AS s FROM (SELECT a, c, sum(b) AS s FROM t GROUP BY a, c) GROUP BY a",
    ),
    "a sum of counts": (
        "SELECT a, count(*) AS n FROM t GROUP BY a",
        "SELECT a, sum(n) AS n FROM (SELECT a, c, count(*) AS n FROM t GROUP BY a, c) GROUP BY a",
    ),
    "a minimum of minima, of any type": (
        "SELECT a, min(x) AS m FROM t GROUP BY a",
        "SELECT a, min(m) AS m FROM (SELECT a, c, min(x) AS m FROM t GROUP BY a, c) GROUP BY a",
    ),
    "a count over distinct values": (
        "SELECT count(DISTINCT b) AS n FROM t",
        "SELECT count(b) AS n FROM (SELECT DISTINCT b FROM t)",
    ),
    "rows of distinct values that are filled": (
        "SELECT a, count(DISTINCT b) AS n FROM t WHERE b IS NOT NULL GROUP BY a",
        "SELECT a, count(*) AS n FROM (SELECT a, b FROM t WHERE b IS NOT NULL GROUP BY a, b) GROUP BY a",
    ),
    "DISTINCT of what is distinct": (
        "SELECT DISTINCT a FROM (SELECT DISTINCT a, b FROM t)",
        "SELECT DISTINCT a FROM t",
    ),
    "UNION and the distinct rows of UNION ALL": (
        "SELECT a FROM t UNION SELECT a FROM u",
        "SELECT DISTINCT a FROM (SELECT a FROM t UNION ALL SELECT a FROM u)",
    ),
    "IN and a join on distinct keys": (
        "SELECT b FROM t WHERE a IN (SELECT a FROM u WHERE c > 1)",
        "SELECT t.b FROM t JOIN (SELECT DISTINCT a FROM u WHERE c > 1) k ON k.a = t.a",
    ),
    "EXISTS and a join on a grouping": (
        "SELECT b FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.a = t.a AND u.c = t.b)",
        "SELECT t.b FROM t JOIN (SELECT a, c FROM u GROUP BY a, c) k ON k.a = t.a AND k.c = t.b",
    ),
    "IN, with a DISTINCT that does nothing": (
        "SELECT b FROM t WHERE a IN (SELECT DISTINCT a FROM t WHERE c > 1)",
        "SELECT b FROM t WHERE a IN (SELECT a FROM t WHERE c > 1)",
    ),
    "NOT EXISTS and a left join without a match": (
        "SELECT b FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE u.a = t.a)",
        "SELECT t.b FROM t LEFT JOIN u ON u.a = t.a WHERE u.a IS NULL",
    ),
    "a left join that adds nothing": (
        "SELECT b FROM t LEFT JOIN (SELECT DISTINCT a AS k FROM u) ON k = a",
        "SELECT b FROM t",
    ),
    "an aggregate of some rows": (
        "SELECT sum(b) FILTER (WHERE c > 1) AS s FROM t",
        "SELECT sum(CASE WHEN c > 1 THEN b END) AS s FROM t",
    ),
    "counting by a sum of ones": (
        "SELECT a, count_if(b > 1) AS n FROM t GROUP BY a",
        "SELECT a, sum(CASE WHEN b > 1 THEN 1 ELSE 0 END) AS n FROM t GROUP BY a",
    ),
    "an order of the whole result": ("SELECT a, b FROM t ORDER BY b DESC", "SELECT a, b FROM t"),
}
OTHER = {
    "a join that may find several rows": (
        "SELECT b FROM t WHERE a IN (SELECT a FROM u)",
        "SELECT t.b FROM t JOIN u ON u.a = t.a",
    ),
    "an average of averages": (
        "SELECT a, avg(x) AS m FROM t GROUP BY a",
        "SELECT a, avg(m) AS m FROM (SELECT a, c, avg(x) AS m FROM t GROUP BY a, c) GROUP BY a",
    ),
    "distinct rows, of which one may be NULL": (
        "SELECT count(DISTINCT b) AS n FROM t",
        "SELECT count(*) AS n FROM (SELECT DISTINCT b FROM t)",
    ),
    "a sum of counts of nothing": (
        "SELECT count(*) AS n FROM t",
        "SELECT sum(n) AS n FROM (SELECT a, count(*) AS n FROM t GROUP BY a)",
    ),
    "a subquery over the table itself": (
        "SELECT b FROM t WHERE a IN (SELECT a FROM t WHERE c > 1)",
        "SELECT b FROM t WHERE c > 1",
    ),
    "a left join on another column than the one that is asked": (
        "SELECT t.b FROM t LEFT JOIN u ON u.a = t.a WHERE u.c IS NULL",
        "SELECT b FROM t WHERE NOT EXISTS (SELECT 1 FROM u WHERE u.a = t.a)",
    ),
}


@pytest.mark.parametrize("name", SAME)
def test_these_are_proven_the_same(name: str) -> None:
    assert compared(*SAME[name]).verdict == "same"
    assert compared(*reversed(SAME[name])).verdict == "same"


@pytest.mark.parametrize("name", OTHER)
def test_these_only_look_the_same(name: str) -> None:
    assert compared(*OTHER[name]).verdict == "changed"


def test_a_sum_of_sums_of_floating_point_numbers_is_not_decided() -> None:
    nested = "SELECT a, sum(s) AS s FROM (SELECT a, c, sum(x) AS s FROM t GROUP BY a, c) GROUP BY a"
    assert compared("SELECT a, sum(x) AS s FROM t GROUP BY a", nested).verdict == "undecided"


# --------------------------------------------------------------------------- a law: one form, one result


def _query(chance: random.Random) -> str:
    """A small query of the kinds that the rules above are about."""

    def source(alias: str) -> str:
        table = chance.choice("tu")
        grouped = chance.choice(("a, b, max(c) c|a, b", "a, b, sum(c) c|a, b", "a, count(*) b, min(c) c|a"))
        columns, keys = grouped.split("|")
        forms = (
            f"{table} {alias}",
            f"{table} {alias}",
            f"(SELECT DISTINCT a, b, c FROM {table}) {alias}",
            f"(SELECT a, b, c FROM {table} GROUP BY a, b, c) {alias}",
            f"(SELECT {columns} FROM {table} WHERE {test(table)} GROUP BY {keys}) {alias}",
        )
        return chance.choice(forms)

    def test(alias: str) -> str:
        return chance.choice((f"{alias}.b > 1", f"{alias}.c IS NOT NULL", f"{alias}.b = {alias}.c", "true", "true"))

    def equal() -> str:
        return " AND ".join(f"y.{c} = x.{c}" for c in chance.sample("abc", chance.choice((1, 1, 2, 3))))

    measure = chance.choice(
        ("sum(x.b)", "count(*)", "count(x.b)", "count(DISTINCT x.b)", "min(x.c)", "count_if(x.b > 1)")
    )
    null = chance.choice(("y.a IS NULL", "y.b IS NULL", "true"))
    negated = chance.choice(("", "NOT "))
    s, other = source("x"), source("y")
    return chance.choice(
        (
            f"SELECT x.a, x.b FROM {s} WHERE x.b IN (SELECT y.b FROM {other} WHERE {test('y')})",
            f"SELECT x.a, x.b FROM {s} WHERE {negated}EXISTS (SELECT 1 FROM {other} WHERE {equal()} AND {test('y')})",
            f"SELECT x.a, x.b FROM {s} JOIN {other} ON {equal()} WHERE {test('x')}",
            f"SELECT x.a, x.b FROM {s} LEFT JOIN {other} ON {equal()} WHERE {null}",
            f"SELECT x.a, {measure} b FROM {s} WHERE {test('x')} GROUP BY x.a",
            f"SELECT {measure} b, 1 a FROM {s} WHERE {test('x')}",
            f"SELECT DISTINCT x.a, x.b FROM {s} WHERE {test('x')}",
        )
    )


@settings(max_examples=3, deadline=None)
@given(st.integers(0, 10_000))
def test_queries_of_one_form_give_the_same_rows_on_generated_tables(seed: int) -> None:
    chance = random.Random(seed)
    found: dict[str, JobReading] = {}
    for _ in range(60):
        reading = read(_query(chance))
        try:
            form = form_of(reading.plan.writes[0], reading.plan, Facts())
        except NoForm:
            continue
        first = found.setdefault(form, reading)
        if first is not reading:
            sides = (first.plan.writes[0], first.plan), (reading.plan.writes[0], reading.plan)
            assert search(*sides, Facts(), 6) is None
