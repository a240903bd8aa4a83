"""Pairs of versions as people write them: those that always give the same rows, and those that only look as if.

The pairs are in `tests/fixtures/diff`: a title, the old version, the new one. The tables are a shop's and a bank's.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tools.diff import Facts, JobDiff, Version, diff
from tools.jobs import read_job
from tools.plan.catalog import DictCatalog

FIXTURES = Path(__file__).parents[2] / "fixtures" / "diff"
PYSPARK = "from pyspark.sql import functions as F\nfrom pyspark.sql.window import Window\n"

TABLES = {
    "shop.orders": "order_id! bigint, customer_id! bigint, order_ts! timestamp, status! varchar, channel varchar, "
    "amount! decimal(12,2), discount decimal(12,2)",
    "shop.order_items": "order_id! bigint, line_no! int, sku! varchar, qty! int, unit_price! decimal(10,2)",
    "shop.customers": "customer_id! bigint, name! varchar, city varchar, vip boolean",
    "shop.returns": "return_id! bigint, order_id bigint, sku! varchar, qty! int, reason varchar",
    "wealth.trades": "trade_id! bigint, customer_id! bigint, product_id! bigint, side! varchar, amount! decimal(18,2), "
    "fee decimal(10,2)",
    "wealth.dim_customer": "customer_id! bigint, segment varchar, country! varchar, advisor_id bigint",
    "wealth.advisors": "advisor_id! bigint, advisor_name! varchar, region varchar",
    "wealth.raw_positions": "customer_id! bigint, product_id! bigint, quantity double, price double, status varchar",
    "web.events": "event_id! bigint, user_id bigint, page varchar, ts! timestamp",
}
KEYS = {
    "shop.orders": ("order_id",),
    "shop.order_items": ("order_id", "line_no"),
    "shop.customers": ("customer_id",),
    "shop.returns": ("return_id",),
    "wealth.trades": ("trade_id",),
    "wealth.dim_customer": ("customer_id",),
    "wealth.advisors": ("advisor_id",),
    "web.events": ("event_id",),
}
COLUMNS = {t: [(n, k) for n, k in re.findall(r"(\w+)!? ([^,]+\([^)]*\)|\w+)", said)] for t, said in TABLES.items()}
FACTS = Facts({t: frozenset(re.findall(r"(\w+)!", said)) for t, said in TABLES.items()}, KEYS)


def pairs(file: str) -> dict[str, tuple[str, str]]:
    found = {}
    for block in (FIXTURES / file).read_text().split("=== ")[1:]:
        title, _, versions = block.partition("\n")
        old, new = versions.split("\n---\n")
        found[title] = (old.strip(), new.strip())
    return found


def compared(old: str, new: str) -> JobDiff:
    def version(text: str) -> Version:
        python = "spark." in text
        script = PYSPARK + text if python else text
        dialect = None if python else "spark" if "OVERWRITE" in text else "athena"
        file = "job.py" if python else "job.sql"
        return Version(read_job(script, name="job", file=file, dialect=dialect, catalog=DictCatalog(COLUMNS)), script)

    return diff(version(old), version(new), FACTS)


SAME, DIFFERENT = pairs("same.txt"), pairs("different.txt")


@pytest.mark.parametrize("title", SAME)
def test_versions_that_always_give_the_same_rows_are_proven_the_same(title: str) -> None:
    found = compared(*SAME[title])

    assert (found.verdict, found.breaking, found.labels) == ("same", False, frozenset({"no_semantic_change"})), (
        found.text()
    )


@pytest.mark.parametrize("title", DIFFERENT)
def test_versions_that_only_look_the_same_are_shown_to_differ(title: str) -> None:
    found = compared(*DIFFERENT[title])

    assert (found.verdict, found.breaking) == ("changed", True), found.text()


def test_a_distinct_over_fewer_columns_changes_how_many_rows_there_are() -> None:
    found = compared(
        "SELECT DISTINCT customer_id, side FROM wealth.trades", "SELECT DISTINCT customer_id FROM wealth.trades"
    )

    assert found.labels == {"column_removed:side", "grain_changed"}
    assert found.rows_change
    assert found.changed_columns == {"(result)": ("customer_id", "side")}
    assert found.example is not None
    assert found.example.counts[0] > found.example.counts[1]
    assert "rows in all" in found.text()


def test_a_column_more_under_distinct_breaks_nobody_where_a_key_makes_rows_distinct() -> None:
    found = compared("SELECT DISTINCT order_id FROM shop.orders", "SELECT DISTINCT order_id, status FROM shop.orders")

    assert (found.labels, found.breaking, found.rows_change) == (frozenset({"column_added:status"}), False, False)


def test_values_that_change_leave_the_rows_as_they_are() -> None:
    found = compared(
        "SELECT order_id, amount FROM shop.orders", "SELECT order_id, amount * 2 AS amount FROM shop.orders"
    )

    assert (found.labels, found.rows_change) == (frozenset({"expression_changed:amount"}), False)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("SELECT order_id FROM shop.orders", "SELECT order_id FROM shop.orders ORDER BY order_ts"),
        ("SELECT order_id FROM shop.orders ORDER BY amount", "SELECT order_id FROM shop.orders ORDER BY order_ts"),
    ],
)
def test_a_query_in_another_order_has_the_same_rows_and_says_so(old: str, new: str) -> None:
    found = compared(old, new)

    assert (found.verdict, found.reordered) == ("same", True)
    assert "in another order" in found.text()


def test_a_list_that_is_cut_otherwise_gives_other_rows_and_not_just_other_values() -> None:
    old = "SELECT order_id, t.tag FROM shop.orders CROSS JOIN UNNEST(split(channel, ',')) AS t(tag)"

    found = compared(old, old.replace("','", "';'"))

    assert (found.labels, found.rows_change) == (frozenset({"expression_changed:tag"}), True)


def test_a_type_that_only_functions_tell_apart_is_no_change_of_type() -> None:
    assert (
        compared("SELECT count(*) AS n FROM shop.orders", "SELECT count(*) + 0 AS n FROM shop.orders").breaking
        is not True
    )


def test_a_column_that_the_catalog_does_not_know_is_compared_by_its_name() -> None:
    old = "SELECT id, kind FROM shop.orders"

    assert compared(old, f"WITH o AS ({old}) SELECT kind, id FROM o").verdict == "same"
    assert compared(old, "SELECT id, kind, kind = 'A' AS is_a FROM shop.orders").breaking is False
    assert compared(old, "SELECT id, sort AS kind FROM shop.orders").verdict != "same"


# --------------------------------------------------------------------------- tables that no catalog knows


UNKNOWN = [
    ("SELECT id, st FROM raw", "SELECT r.id, r.st FROM raw r", "same", False),
    ("SELECT id, st FROM raw", "SELECT id, st, st = 'x' AS f FROM raw", "changed", False),
    ("SELECT id, st FROM raw", "SELECT id, st, x FROM raw", "changed", None),
    ("SELECT * FROM raw", "SELECT * FROM raw WHERE a > 1", "changed", True),
    ("SELECT DISTINCT * FROM raw", "SELECT * FROM raw", "changed", True),
    ("SELECT t.a, u.b FROM t JOIN u ON t.k = u.k", "SELECT t.a, u.b FROM u JOIN t ON t.k = u.k", "same", False),
    ("SELECT a, b FROM t JOIN u ON t.k = u.k", "SELECT a, b FROM u JOIN t ON t.k = u.k", "undecided", None),
    ("SELECT * FROM raw", "SELECT r.* FROM raw r", "undecided", None),
]


@pytest.mark.parametrize(("old", "new", "verdict", "breaking"), UNKNOWN)
def test_columns_of_an_unknown_table_are_compared_by_name(
    old: str, new: str, verdict: str, breaking: bool | None
) -> None:
    def version(text: str) -> Version:
        return Version(read_job(text, name="j", file="j.sql", dialect="athena", catalog=DictCatalog({})), text)

    found = diff(version(old), version(new))

    assert (found.verdict, found.breaking) == (verdict, breaking), found.text()


def test_a_recursive_query_is_compared_and_never_raises() -> None:
    old = "WITH RECURSIVE r AS (SELECT 1 AS a UNION ALL SELECT a + 1 FROM r WHERE a < 5) SELECT a FROM r"

    assert compared(old, old.replace("a < 5", "a < 6")).labels == {"filter_changed"}
    assert compared(old, old.replace("AS a", "AS a ")).breaking is not True


def test_an_example_shows_the_columns_that_the_versions_name_and_conditions_as_people_write_them() -> None:
    found = compared(
        "SELECT order_id FROM shop.orders WHERE amount > 5", "SELECT order_id FROM shop.orders WHERE amount > 9"
    )

    assert "was `orders.amount > 5` (job.sql:1), is `orders.amount > 9` (job.sql:1)" in found.text()
    assert found.example is not None
    assert {c for row in found.example.tables["shop.orders"] for c in row} == {"order_id", "amount"}


def test_what_depends_on_chance_is_not_tried_on_rows() -> None:
    sampled = "SELECT order_id, amount FROM shop.orders TABLESAMPLE BERNOULLI (10)"

    found = compared(sampled, sampled.replace("amount", "amount * 2 AS amount"))

    assert (found.verdict, found.example) == ("changed", None)
    assert compared(sampled, f"WITH s AS ({sampled}) SELECT * FROM s").verdict == "same"


UNREAD = "import pandas as pd\n\nrows = pd.read_csv('s3://b/in.csv').groupby('a').sum()\nspark.createDataFrame(rows).write.saveAsTable('x.out')\n"


def test_a_script_that_cannot_be_read_is_the_same_when_only_comments_differ() -> None:
    commented = UNREAD.replace("rows =", "# one row for each a\nrows  =")

    assert compared(UNREAD, commented).verdict == "same"
    assert compared(UNREAD, UNREAD.replace("'a'", "'b'")).verdict != "same"


@pytest.mark.parametrize(
    ("sql", "spark", "verdict"),
    [
        ("SELECT line_no / 2 AS h FROM shop.order_items", 'F.col("line_no") / 2', "changed"),
        ("SELECT unit_price / 2 AS h FROM shop.order_items", 'F.col("unit_price") / 2', "undecided"),
        ("SELECT CAST(qty AS double) / 2 AS h FROM shop.order_items", 'F.col("qty").cast("double") / 2', "same"),
    ],
)
def test_what_athena_and_spark_write_alike_and_calculate_otherwise_is_not_taken_for_the_same(
    sql: str, spark: str, verdict: str
) -> None:
    def version(text: str, file: str) -> Version:
        return Version(read_job(text, name="job", file=file, dialect=None, catalog=DictCatalog(COLUMNS)), text)

    script = f'{PYSPARK}spark.table("shop.order_items").select(({spark}).alias("h")).write.saveAsTable("x.h")\n'

    assert diff(version(sql, "job.sql"), version(script, "job.py"), FACTS).verdict == verdict
