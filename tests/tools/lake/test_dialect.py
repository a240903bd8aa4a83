"""Athena's answers on DuckDB: every pair in tests/fixtures/athena is run on real Parquet.

A case is a comment that says the rule, a query, and what Athena does with it:

    --> 1 | NULL      a row            --: integer, varchar    the result's types
    --! TEXT          an error         --= id, _col1           the result's column names
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlglot import exp, parse_one

from knowledge.errors import CopilotError, QueryError
from tools.lake.base import Limits
from tools.lake.local import LocalLake

FIXTURES = Path(__file__).parents[2] / "fixtures" / "athena"


@dataclass
class Case:
    rule: str
    sql: str
    rows: list[str] = field(default_factory=list)
    error: str | None = None
    types: str | None = None
    names: str | None = None


def read_cases(file: Path) -> Iterator[Case]:
    for block in file.read_text(encoding="utf-8").strip().split("\n\n"):
        rule, *lines = block.splitlines()
        sql = "\n".join(line for line in lines if not line.startswith(("-->", "--!", "--:", "--=")))
        case = Case(rule.removeprefix("--").strip(), sql.rstrip().rstrip(";"))
        for line in lines:
            match line[:3]:
                case "-->":
                    case.rows.append(line[4:])
                case "--!":
                    case.error = line[4:]
                case "--:":
                    case.types = line[4:]
                case "--=":
                    case.names = line[4:]
        assert case.sql, block
        assert bool(case.rows) != bool(case.error), block
        yield case


CASES = [pytest.param(c, id=f"{f.stem}: {c.rule}") for f in sorted(FIXTURES.glob("*.sql")) for c in read_cases(f)]


def show(value: object) -> str:
    """A value as the fixtures write it."""
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value).lower()
        case float() if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        case datetime.datetime():
            text = value.strftime("%Y-%m-%d %H:%M:%S")
            return f"{text}.{value.microsecond // 1000:03d}" if value.microsecond else text
        case "":
            return "''"
        case list():
            return "[" + ", ".join("NULL" if v is None else repr(v) for v in value) + "]"
        case Decimal() | int() | float() | str() | datetime.date() | dict():
            return str(value)
        case _:
            raise TypeError(type(value))


@pytest.mark.parametrize("case", CASES)
def test_answers_as_athena(case: Case, kinds_lake: LocalLake) -> None:
    if case.error:
        with pytest.raises(CopilotError) as caught:
            kinds_lake.query(case.sql)
        assert case.error in str(caught.value)
        return
    result = kinds_lake.query(case.sql)
    assert [" | ".join(show(v) for v in row) for row in result.rows] == case.rows
    if case.types:
        assert ", ".join(result.types) == case.types
    if case.names:
        assert ", ".join(result.columns) == case.names


def outcome(lake: LocalLake, sql: str) -> str:
    try:
        lake.query(sql)
    except CopilotError as error:
        return type(error).__name__
    return "rows"


FUNCTIONS = st.sampled_from(
    "sum avg max min count substr split_part date_trunc date_diff date_add element_at cardinality slice transform"
    " regexp_extract json_extract_scalar concat coalesce round mod greatest map array_agg approx_percentile format"
    " date_format date_parse sequence reduce map_agg contains typeof try cast if nullif".split()
)
LEAVES = st.sampled_from(
    "id cat amt \"dec\" d ts arr m r js n flag 1 0 -1 1.5 1e0 'a' '$.x' '%Y' 'day' NULL true x->x x->x+1 * DATE'2024-01-01'"
    " INTERVAL'1'DAY ARRAY[1] r.a arr[1] m['k1'] ? nope".split()
)
EXPRESSIONS = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.builds(lambda f, a: f"{f}({', '.join(a)})", FUNCTIONS, st.lists(inner, max_size=3)),
        st.builds(
            lambda a, o, b: f"{a} {o} {b}", inner, st.sampled_from("+ - * / % = < || AND OR IN LIKE".split()), inner
        ),
        st.builds(lambda a, t: f"CAST({a} AS {t})", inner, st.sampled_from(["integer", "varchar(3)", "date", "json"])),
    ),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(EXPRESSIONS)
def test_any_query_gives_rows_or_our_own_error(kinds_lake: LocalLake, expression: str) -> None:
    assert outcome(kinds_lake, f"SELECT {expression} FROM t")
    assert outcome(kinds_lake, f"SELECT count(*) FROM t WHERE {expression} GROUP BY {expression}")


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.decimals(allow_nan=False, allow_infinity=False, places=3, min_value=-(10**12), max_value=10**12),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")),
    st.dates(),
    st.datetimes(datetime.datetime(1600, 1, 1), datetime.datetime(9000, 1, 1)),
    st.binary(),
    st.lists(st.integers(0, 9), min_size=1, max_size=3),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(VALUES, min_size=1, max_size=4))
def test_a_parameter_comes_back_as_it_went_in(kinds_lake: LocalLake, values: list[object]) -> None:
    places = ", ".join("?" for _ in values)
    result = kinds_lake.query(f"SELECT {places}", values)
    assert list(result.rows[0]) == values


def test_parameters_are_bound_in_the_order_of_the_text(kinds_lake: LocalLake) -> None:
    sql = "SELECT date_add('day', ?, DATE '2024-01-01'), ? FROM t WHERE id = ? LIMIT ?"
    assert kinds_lake.query(sql, [2, "x", 1, 1]).rows == ((datetime.date(2024, 1, 3), "x"),)


def test_a_parameter_is_never_read_as_sql(kinds_lake: LocalLake) -> None:
    attack = "x' OR '1'='1"
    assert kinds_lake.query("SELECT count(*) FROM t WHERE cat = ?", [attack]).rows == ((0,),)


def test_too_few_or_too_many_parameters_are_told(kinds_lake: LocalLake) -> None:
    with pytest.raises(QueryError, match=r"has 1 places for parameters .* 2 were given"):
        kinds_lake.query("SELECT ?", [1, 2])


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=20))
def test_any_identifier_survives_quoting(kinds_lake: LocalLake, name: str) -> None:
    query = exp.select(exp.alias_(exp.column("id", quoted=True), name, quoted=True)).from_("t")
    assert kinds_lake.query(query, limits=Limits(rows=1)).columns == (name.lower(),)


def test_a_query_built_as_a_tree_means_what_athena_makes_of_its_text(kinds_lake: LocalLake) -> None:
    tree = parse_one("SELECT arr[1], element_at(arr, 2) FROM t WHERE id = 1", read="athena")
    assert kinds_lake.query(tree).rows == ((3, 1),)


@pytest.mark.parametrize(
    "sql", ["SELECT id FROM t", "SELECT id FROM t ORDER BY id LIMIT 3", "SELECT * FROM (SELECT id FROM t)"]
)
def test_more_rows_than_asked_for_are_told(kinds_lake: LocalLake, sql: str) -> None:
    capped = kinds_lake.query(sql, limits=Limits(rows=2))
    assert (len(capped.rows), capped.more) == (2, True)
    whole = kinds_lake.query(sql, limits=Limits(rows=3))
    assert (len(whole.rows), whole.more) == (3, False)
