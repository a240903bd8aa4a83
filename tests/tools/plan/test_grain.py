"""What one row stands for: the last grouping or deduplication on the way to a write."""

from __future__ import annotations

import pytest

from tools.jobs import read_job
from tools.plan.catalog import DictCatalog
from tools.plan.grain import grain_of, join_keys

CATALOG = DictCatalog(
    {
        "shop.orders": [("id", "bigint"), ("customer", "bigint"), ("amount", "double"), ("day", "date")],
        "shop.customers": [("id", "bigint"), ("name", "varchar")],
    },
    "shop",
)


def grain(query: str) -> tuple[str, set[str]] | None:
    """How rows are made unique, and the source columns that do it."""
    reading = read_job(f"INSERT INTO out {query}", name="job.sql", catalog=CATALOG)
    found = grain_of(reading.plan.writes[0])
    if found is None:
        return None
    return found.how, {o.column for key in found.keys for o in reading.tracer.of_expression(key)}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("SELECT day, customer, sum(amount) s FROM orders GROUP BY day, customer", ("group_by", {"day", "customer"})),
        ("SELECT sum(amount) s FROM orders", ("group_by", set())),
        ("SELECT DISTINCT customer, day FROM orders", ("distinct", {"customer", "day"})),
        (
            "SELECT id FROM (SELECT *, row_number() OVER (PARTITION BY customer ORDER BY day DESC) rn FROM orders) t "
            "WHERE rn = 1 AND amount > 0",
            ("row_number", {"customer"}),
        ),
        (
            "SELECT s FROM (SELECT day, sum(amount) s FROM orders GROUP BY day) t WHERE s > 1 LIMIT 3",
            ("group_by", {"day"}),
        ),
        ("SELECT id FROM orders", None),
        ("SELECT o.id FROM orders o JOIN customers c ON o.customer = c.id", None),
        (
            "SELECT id FROM (SELECT *, rank() OVER (PARTITION BY customer ORDER BY day) r FROM orders) t WHERE r = 1",
            None,
        ),
    ],
)
def test_grain(query: str, expected: tuple[str, set[str]] | None) -> None:
    assert grain(query) == expected


def test_join_keys_are_source_columns_compared_for_equality() -> None:
    script = """INSERT INTO out
        SELECT o.amount FROM (SELECT customer AS c, amount, day FROM orders) o
        JOIN customers k ON o.c = k.id AND o.day > DATE '2026-01-01'"""
    reading = read_job(script, name="job.sql", catalog=CATALOG)
    keys = join_keys(reading.plan.writes[0], reading.plan, reading.tracer)
    assert [(k.left, k.right) for k in keys] == [(("shop.orders", "customer"), ("shop.customers", "id"))]
