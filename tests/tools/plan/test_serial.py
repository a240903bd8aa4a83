"""A plan goes to JSON and back without losing anything: lineage and rendering are the same afterwards."""

from __future__ import annotations

import json

import pytest

from tools.jobs import read_job
from tools.plan.catalog import DictCatalog
from tools.plan.lineage import column_edges
from tools.plan.render import render_write
from tools.plan.serial import plan_from_json, plan_to_json
from tools.plan.whole import Plan

CATALOG = DictCatalog(
    {
        "shop.orders": [("id", "bigint"), ("customer", "bigint"), ("amount", "double"), ("day", "date")],
        "shop.customers": [("id", "bigint"), ("name", "varchar"), ("tags", "array(varchar)")],
    },
    "shop",
)

SCRIPTS = {
    "filter and aggregate": "INSERT INTO out SELECT day, sum(amount) AS total FROM orders WHERE amount > 0 GROUP BY day",
    "join with USING": "INSERT INTO out SELECT * FROM orders FULL JOIN customers USING (id)",
    "correlated subquery": "INSERT INTO out SELECT name FROM customers c "
    "WHERE EXISTS (SELECT 1 FROM orders o WHERE o.customer = c.id AND o.amount > (SELECT avg(amount) FROM orders))",
    "window": "INSERT INTO out SELECT id, row_number() OVER (PARTITION BY customer ORDER BY day DESC) AS rn FROM orders",
    "union": "INSERT INTO out SELECT id FROM orders UNION ALL SELECT id FROM customers",
    "unnest": "INSERT INTO out SELECT id, tag FROM customers CROSS JOIN UNNEST(tags) AS t(tag)",
    "recursion": "INSERT INTO out WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5) SELECT i FROM n",
    "open source": "INSERT INTO out SELECT *, upper(note) AS loud FROM not_in_the_catalog",
    "merge": "MERGE INTO customers t USING orders s ON t.id = s.customer WHEN MATCHED THEN UPDATE SET name = 'x'",
    "unreadable": "SELECT FROM WHERE",
}


def through_json(plan: Plan) -> Plan:
    return plan_from_json(json.loads(json.dumps(plan_to_json(plan))))


@pytest.mark.parametrize("script", SCRIPTS.values(), ids=SCRIPTS.keys())
def test_lineage_survives_the_round_trip(script: str) -> None:
    plan = read_job(script, name="job.sql", catalog=CATALOG).plan
    back = through_json(plan)
    assert [e.to_dict() for e in column_edges(back)] == [e.to_dict() for e in column_edges(plan)]
    assert back.unknowns == plan.unknowns
    assert back.reads == plan.reads


@pytest.mark.parametrize("name", ["filter and aggregate", "correlated subquery", "window", "union", "unnest"])
def test_rendering_survives_the_round_trip(name: str) -> None:
    plan = read_job(SCRIPTS[name], name="job.sql", catalog=CATALOG).plan
    back = through_json(plan)
    assert render_write(back.writes[0], back).sql("athena") == render_write(plan.writes[0], plan).sql("athena")


def test_a_second_trip_changes_nothing() -> None:
    for script in SCRIPTS.values():
        data = plan_to_json(read_job(script, name="job.sql", catalog=CATALOG).plan)
        assert plan_to_json(plan_from_json(data)) == data


def test_a_plan_of_another_version_is_refused() -> None:
    data = {**plan_to_json(read_job("SELECT 1", name="job.sql").plan), "version": 0}
    with pytest.raises(ValueError, match="version 0"):
        plan_from_json(data)
