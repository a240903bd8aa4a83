"""A value that is new, one that vanishes, NULL where there was none, and dashboards that go: what expects it, and where."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlglot import exp

from knowledge.errors import InputError, NotFound
from tests.lakes import build
from tools.changes import parse_change
from tools.impact import ImpactItem, ImpactResult, impact
from tools.impact.values.domain import Known, evaluate
from tools.plan.references import ref
from tools.toolbox import call_tool
from tools.workspace import Workspace

TABLES = {
    "orders": {"id": "bigint", "status": "varchar", "kind": "varchar", "customer": "bigint", "amount": "double"},
    "customers": {"customer": "bigint", "segment": "varchar"},
    "clean": {"id": "bigint", "state": "varchar", "bucket": "varchar", "weight": "double", "segment": "varchar"},
    "wide": {"id": "bigint", "a": "bigint", "b": "bigint"},
}
CLEAN_JOB = """INSERT INTO clean
SELECT o.id,
       upper(o.status) AS state,
       CASE o.kind
           WHEN 'BOND' THEN 'FIXED'
           WHEN 'SHARE' THEN 'EQUITY'
           WHEN 'FUND' THEN 'EQUITY'
       END AS bucket,
       CASE WHEN o.kind IN ('BOND', 'CASH') THEN 0.2 ELSE 1.0 END AS weight,
       c.segment
FROM orders o
LEFT JOIN customers c ON c.customer = o.customer
WHERE o.status <> 'VOID'
"""
OPEN_JOB = """df = spark.table("d.orders")
open_ones = df.filter(df.status.isin("NEW", "OPEN")).select("id")
open_ones.write.mode("overwrite").saveAsTable("d.open_ones")
"""
DASHBOARDS = [
    {
        "dashboard_name": "Buckets",
        "tables_used": ["clean"],
        "sql": "SELECT bucket, count(*) n FROM clean GROUP BY bucket",
    },
    {"dashboard_name": "States", "tables_used": ["clean"], "columns_used": ["clean.state"]},
    {"dashboard_name": "Vague", "tables_used": ["clean"]},
    {"dashboard_name": "Backlog", "tables_used": ["open_ones"], "sql": "SELECT count(*) n FROM open_ones"},
]
KPIS = [
    {"kpi_name": "Done", "sql": "SELECT count_if(state = 'DONE') AS done FROM clean", "depends_on_tables": ["clean"]},
    {"kpi_name": "Rows", "sql": "SELECT count(*) AS n FROM clean", "depends_on_tables": ["clean"]},
]


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    tables = {**TABLES, "open_ones": {"id": "bigint"}}
    return build(tmp_path / "lake", tables, {"clean_job.sql": CLEAN_JOB, "open_job.py": OPEN_JOB}, DASHBOARDS, KPIS)


def verdicts(result: ImpactResult) -> dict[str, str]:
    return {i.name.removeprefix("d."): i.verdict for i in result.items}


def item(result: ImpactResult, name: str) -> ImpactItem:
    return next(i for i in result.items if i.name.removeprefix("d.") == name)


def test_the_users_own_example_a_new_status_crypto(ws: Workspace) -> None:
    result = impact(ws, parse_change('a new status value "CRYPTO"'))
    assert verdicts(result) == {
        "open_job": "unexpected",
        "Done": "unexpected",
        "clean_job": "values_change",
        "clean": "values_change",
        "States": "values_change",
        "open_ones": "may_be_affected",
        "Backlog": "may_be_affected",
        "Vague": "may_be_affected",
        "Buckets": "not_affected",
        "Rows": "not_affected",
    }
    (where,) = item(result, "open_job").evidence
    assert (where.where, where.detail) == ("jobs/open_job.py:2", "status IN ('NEW', 'OPEN')")
    assert item(result, "Done").reason == "rows with it are not counted (`COUNT_IF(state = 'DONE')`)"
    assert item(result, "clean").reason == "`state` gets 'CRYPTO'", "the job writes it in capitals"
    assert "does not get those rows" in item(result, "Backlog").reason
    assert result.severity == "medium"


def test_a_new_value_falls_to_null_or_else_and_that_is_followed_on(ws: Workspace) -> None:
    result = impact(ws, parse_change("orders.kind gets CRYPTO"))
    job = item(result, "clean_job")
    assert job.verdict == "unexpected"
    assert "falls to NULL: there is no ELSE" in job.reason
    assert "falls to ELSE `1.0`" in job.reason
    assert {e.where for e in job.evidence} == {"jobs/clean_job.sql:4", "jobs/clean_job.sql:9"}
    assert item(result, "clean").reason == "`bucket` is NULL; `weight` is 1"
    assert item(result, "Buckets").verdict == "unexpected"
    assert item(result, "Buckets").reason.startswith("NULL becomes a group of its own")


def test_a_value_that_a_negative_test_lets_pass_is_expected(ws: Workspace) -> None:
    assert "like any other value" in item(impact(ws, parse_change("orders.status gets HELD")), "clean_job").reason


def test_a_value_in_other_letters_is_what_the_code_makes_of_it(ws: Workspace) -> None:
    result = impact(ws, parse_change("orders.status gets done"))
    assert item(result, "Done").reason.startswith("uses it in"), "upper() makes it DONE, which is counted"
    assert item(result, "Done").verdict == "values_change"


def test_a_value_that_vanishes_leaves_its_arm_without_rows(ws: Workspace) -> None:
    result = impact(ws, parse_change("orders.kind loses BOND"))
    job = item(result, "clean_job")
    assert job.verdict == "unexpected"
    assert "the arm for it, `'FIXED'`, is never taken any more" in job.reason
    assert "jobs/clean_job.sql:9" in [e.where for e in job.evidence], "the list still has CASH"


def test_a_filter_on_nothing_but_the_vanished_value_empties_what_is_behind_it(tmp_path: Path) -> None:
    jobs = {"a_job.sql": "INSERT INTO b SELECT x FROM a WHERE s = 'LIVE'"}
    dashboards = [{"dashboard_name": "B", "tables_used": ["b"], "sql": "SELECT x FROM b"}]
    tables = {"a": {"x": "bigint", "s": "varchar"}, "b": {"x": "bigint"}}
    result = impact(build(tmp_path / "lake", tables, jobs, dashboards), parse_change("a.s loses LIVE"))
    assert "nothing passes any more" in item(result, "a_job").reason
    assert item(result, "b").reason.startswith("gets no rows any more")
    assert item(result, "B").reason.startswith("has nothing to show")
    other = impact(build(tmp_path / "other", tables, jobs, dashboards), parse_change("a.s loses DEAD"))
    assert not other.impacted, "it never passed the filter"


def test_null_in_a_join_key_meets_joins_filters_groups_and_counts(ws: Workspace) -> None:
    result = impact(ws, parse_change("orders.customer becomes nullable"))
    job = item(result, "clean_job")
    assert job.reason.startswith("NULL matches nothing: the other side's columns are NULL")
    assert job.evidence[0].where == "jobs/clean_job.sql:12"
    assert item(result, "clean").reason == "`segment` is NULL"
    status = impact(ws, parse_change("orders.status can be null"))
    assert "a comparison with NULL is never true" in item(status, "clean_job").reason


def test_kept_tests_that_the_value_fails_are_named(ws: Workspace) -> None:
    file = """table: d.clean
checks:
  - id: accepted_values(state)
    kind: accepted_values
    columns: [state]
    parameters: {values: [NEW, OPEN, DONE]}
  - id: not_null(bucket)
    kind: not_null
    columns: [bucket]
"""
    path = Path(ws.settings.lake) / "output" / "tests" / "d.clean.yaml"
    path.parent.mkdir(parents=True)
    path.write_text(file, encoding="utf-8")
    path.with_name("clean.yaml").write_text(file, encoding="utf-8")
    assert "does not list 'HELD'" in item(impact(ws, parse_change("orders.status gets HELD")), "clean").reason
    assert "fails on NULL" in item(impact(ws, parse_change("orders.kind gets CRYPTO")), "clean").reason
    assert item(impact(ws, parse_change("orders.status gets open")), "clean").verdict == "values_change"


def test_a_pivot_has_no_column_for_a_new_value(tmp_path: Path) -> None:
    job = """from pyspark.sql import functions as F
t = spark.table("d.orders")
t.groupBy("id").pivot("kind", ["A", "B"]).agg(F.count("*")).write.mode("overwrite").saveAsTable("d.wide")
"""
    ws = build(tmp_path / "lake", TABLES, {"wide_job.py": job})
    assert (
        "no column of its own in the pivot" in item(impact(ws, parse_change("orders.kind gets C")), "wide_job").reason
    )


def test_a_value_of_the_wrong_type_is_refused(ws: Workspace) -> None:
    with pytest.raises(InputError, match="is no bigint"):
        impact(ws, parse_change("orders.customer gets CRYPTO"))


def test_removing_a_dashboard_tells_what_nobody_reads_then(ws: Workspace) -> None:
    result = impact(ws, parse_change("remove dashboard Backlog"))
    assert verdicts(result) == {"open_ones": "no_reader", "open_job": "no_reader", "orders": "not_affected"}
    assert item(result, "open_job").reason == "fills only `open_ones`, which nobody reads then"
    assert result.text().startswith('**Removing dashboard "Backlog" leaves 1 job and 1 table without a reader**')
    assert result.severity == "low"


def test_removing_one_of_many_readers_leaves_nothing_unread(ws: Workspace) -> None:
    result = impact(ws, parse_change("drop the KPI Rows"))
    assert not result.impacted
    assert result.severity_reason == "all that it read has other readers"


def test_a_dashboard_that_is_none_gets_the_nearest_name(ws: Workspace) -> None:
    with pytest.raises(NotFound) as error:
        impact(ws, parse_change("remove dashboard Buckts"))
    assert error.value.nearest[0] == "Buckets"


def test_the_tool_takes_the_same_changes(ws: Workspace) -> None:
    by_tool = call_tool(ws, "impact", {"change": "new_value", "asset": "orders", "column": "status", "value": "CRYPTO"})
    assert by_tool.to_dict() == impact(ws, parse_change("orders.status gets CRYPTO")).to_dict()
    gone = call_tool(ws, "impact", {"change": "drop_dashboard", "asset": "Backlog"})
    assert gone.to_dict()["impacted_tables"] == ["open_ones"]


# --------------------------------------------------------------------------- a law: what is told is what the engine says

_words = st.sampled_from(["A", "a", " b", "CRYPTO", "STR_X", ""])
_leaf = st.one_of(_words.map(exp.Literal.string), st.just(exp.null()), st.just(None))


def _column() -> exp.Expr:
    return ref(1)


def _texts(depth: int) -> st.SearchStrategy[exp.Expr]:
    leaf = _leaf.map(lambda e: _column() if e is None else e.copy())
    if depth == 0:
        return leaf
    inner = _texts(depth - 1)
    return st.one_of(
        leaf,
        inner.map(lambda e: exp.Upper(this=e)),
        inner.map(lambda e: exp.Trim(this=e)),
        st.tuples(inner, inner).map(lambda p: exp.Coalesce(this=p[0], expressions=[p[1]])),
        st.tuples(_tests(depth - 1), inner, inner).map(
            lambda p: exp.Case(ifs=[exp.If(this=p[0], true=p[1])], default=p[2])
        ),
    )


def _tests(depth: int) -> st.SearchStrategy[exp.Expr]:
    text = _texts(depth)
    single = st.one_of(
        st.tuples(text, text).map(lambda p: exp.EQ(this=p[0], expression=p[1])),
        st.tuples(text, text).map(lambda p: exp.NEQ(this=p[0], expression=p[1])),
        st.tuples(text, st.lists(text, min_size=1, max_size=3)).map(lambda p: exp.In(this=p[0], expressions=p[1])),
        text.map(lambda e: exp.Is(this=e, expression=exp.null())),
        st.tuples(text, st.sampled_from(["%A%", "STR_%", "_"])).map(
            lambda p: exp.Like(this=p[0], expression=exp.Literal.string(p[1]))
        ),
    )
    if depth == 0:
        return single
    inner = _tests(depth - 1)
    return st.one_of(
        single,
        inner.map(lambda e: exp.Not(this=exp.Paren(this=e))),
        st.tuples(inner, inner).map(lambda p: exp.and_(*p)),
        st.tuples(inner, inner).map(lambda p: exp.or_(*p)),
    )


@settings(max_examples=150, deadline=None)
@given(st.one_of(_texts(2), _tests(2)), st.one_of(_words, st.none()))
def test_what_is_told_of_an_expression_is_what_the_engine_gives(expression: exp.Expr, value: str | None) -> None:
    found = evaluate(expression, {1: Known(value, tainted=True, carries=True)})
    if not found.told:
        return
    cell: exp.Expr = exp.null() if value is None else exp.Literal.string(value)
    filled = expression.transform(lambda n: exp.cast(cell.copy(), "text") if isinstance(n, exp.Column) else n)
    query = exp.select(filled).sql("duckdb")
    row: Any = duckdb.sql(query).fetchone()
    assert row[0] == (float(found.value) if isinstance(found.value, Decimal) else found.value)
