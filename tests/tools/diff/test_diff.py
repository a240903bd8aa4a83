"""Two versions of a job: what is proven the same, what is shown to differ, and what is left undecided."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.errors import InputError, NotFound
from tests.lakes import shop
from tools.diff import Facts, JobDiff, Version, diff
from tools.diff.asking import diff_job
from tools.jobs import read_job
from tools.plan.catalog import DictCatalog
from tools.snapshots import remember
from ui.cli import run

TABLES = DictCatalog(
    {
        "s.orders": [
            ("id", "bigint"), ("customer", "bigint"), ("amount", "double"), ("status", "varchar"), ("at", "timestamp"),
        ],
        "s.customers": [("customer", "bigint"), ("segment", "varchar"), ("vip", "boolean")],
        "s.returns": [("id", "bigint"), ("amount", "double")],
    },
    "s",
)  # fmt: skip
FACTS = Facts({"s.orders": frozenset({"id"}), "s.customers": frozenset({"customer"})}, {"s.customers": ("customer",)})


def compared(old: str, new: str, facts: Facts = FACTS) -> JobDiff:
    def version(text: str) -> Version:
        python = "spark" in text
        file = "j.py" if python else "j.sql"
        return Version(read_job(text, name="j", file=file, dialect=None if python else "spark", catalog=TABLES), text)

    return diff(version(old), version(new), facts)


SAME = {
    "aliases and join order": (
        "SELECT o.id, c.segment FROM orders o JOIN customers c ON o.customer = c.customer",
        "SELECT b.id, a.segment FROM customers a JOIN orders b ON a.customer = b.customer",
    ),
    "a CTE for a subquery": (
        "SELECT customer, n FROM (SELECT customer, count(*) AS n FROM orders GROUP BY customer) WHERE n > 1",
        "WITH t AS (SELECT customer, count(1) AS n FROM orders GROUP BY 1) SELECT customer, n FROM t WHERE 1 < n",
    ),
    "HAVING on a key": (
        "SELECT customer, sum(amount) AS s FROM orders GROUP BY customer HAVING customer > 3",
        "SELECT customer, sum(amount) AS s FROM orders WHERE customer > 3 GROUP BY customer",
    ),
    "DISTINCT for GROUP BY": ("SELECT DISTINCT status, customer FROM orders", "SELECT status, customer FROM orders GROUP BY 2, 1"),
    "De Morgan": (
        "SELECT id FROM orders WHERE NOT (status = 'A' OR amount > 5)",
        "SELECT id FROM orders WHERE amount <= 5 AND status <> 'A'",
    ),
    "EXISTS for IN": (
        "SELECT id FROM orders WHERE id IN (SELECT id FROM returns)",
        "SELECT o.id FROM orders o WHERE EXISTS (SELECT 1 FROM returns r WHERE r.id = o.id)",
    ),
    "an unused join on a key": (
        "SELECT o.id FROM orders o LEFT JOIN customers c ON c.customer = o.customer",
        "SELECT id FROM orders",
    ),
    "the sides of a self-join": (
        "SELECT a.id AS x, b.id AS y FROM orders a JOIN orders b ON a.customer = b.customer",
        "SELECT a.id AS x, b.id AS y FROM orders b JOIN orders a ON a.customer = b.customer",
    ),
    "branches of a union": (
        "SELECT id FROM orders WHERE amount > 1 UNION ALL SELECT id FROM returns",
        "SELECT id FROM returns UNION ALL SELECT id FROM orders WHERE amount > 1",
    ),
    "SQL for PySpark": (
        "INSERT OVERWRITE TABLE s.out SELECT id, coalesce(status, 'none') AS status FROM s.orders WHERE amount > 0",
        """from pyspark.sql import functions as F
df = spark.table("s.orders").filter(F.col("amount") > 0)
df.select("id", F.coalesce("status", F.lit("none")).alias("status")).write.mode("overwrite").saveAsTable("s.out")
""",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", SAME)
def test_versions_that_always_give_the_same_rows_are_proven_the_same(name: str) -> None:
    found = compared(*SAME[name])
    assert (found.verdict, found.breaking, set(found.labels)) == ("same", False, {"no_semantic_change"})


CHANGED = {
    "a filter's bound": (
        "SELECT id FROM orders WHERE amount > 100",
        "SELECT id FROM orders WHERE amount >= 100",
        {"filter_changed"},
    ),
    "NOT IN with a NULL": (
        "SELECT id FROM orders WHERE id NOT IN (SELECT id FROM returns)",
        "SELECT o.id FROM orders o WHERE NOT EXISTS (SELECT 1 FROM returns r WHERE r.id = o.id)",
        {"filter_changed"},
    ),
    "a left join that became inner": (
        "SELECT o.id, c.segment FROM orders o LEFT JOIN customers c ON c.customer = o.customer",
        "SELECT o.id, c.segment FROM orders o JOIN customers c ON c.customer = o.customer",
        {"join_changed"},
    ),
    "a group key": (
        "SELECT customer, sum(amount) AS s FROM orders GROUP BY customer",
        "SELECT customer, status, sum(amount) AS s FROM orders GROUP BY customer, status",
        {"grain_changed", "column_added:status"},
    ),
    "a rename": (
        "SELECT id, amount AS total FROM orders",
        "SELECT id, amount AS gross FROM orders",
        {"column_renamed:total->gross"},
    ),
    "a type": ("SELECT id, amount FROM orders", "SELECT id, CAST(amount AS BIGINT) AS amount FROM orders", {"column_retyped:amount"}),
    "UNION ALL": (
        "SELECT id FROM orders UNION SELECT id FROM returns",
        "SELECT id FROM orders UNION ALL SELECT id FROM returns",
        {"grain_changed"},
    ),
    "an expression": ("SELECT id, amount * 2 AS a FROM orders", "SELECT id, amount * 3 AS a FROM orders", {"expression_changed:a"}),
    "the order of a deduplication": (
        "SELECT id FROM (SELECT *, row_number() OVER (PARTITION BY customer ORDER BY at, id) AS n FROM orders) WHERE n = 1",
        "SELECT id FROM (SELECT *, row_number() OVER (PARTITION BY customer ORDER BY at DESC, id) AS n FROM orders) WHERE n = 1",
        {"filter_changed"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGED)
def test_an_edit_is_named_by_its_clause_and_shown_by_rows(name: str) -> None:
    old, new, labels = CHANGED[name]
    found = compared(old, new)
    assert (found.verdict, found.breaking, set(found.labels)) == ("changed", True, labels)
    if not any(label.startswith("column_re") for label in labels):
        assert found.example is not None
        assert sum(len(rows) for rows in found.example.tables.values()) <= 4


def test_a_new_column_breaks_nobody() -> None:
    found = compared("SELECT id FROM orders", "SELECT id, amount FROM orders")
    assert (set(found.labels), found.breaking) == ({"column_added:amount"}, False)
    joined = compared(
        "SELECT id FROM orders",
        "SELECT o.id, c.segment FROM orders o LEFT JOIN customers c ON c.customer = o.customer",
    )
    assert (set(joined.labels), joined.breaking) == ({"column_added:segment", "input_added:s.customers"}, False)


def test_the_same_join_without_a_key_may_repeat_rows_and_breaks() -> None:
    found = compared(
        "SELECT id FROM orders",
        "SELECT o.id, c.segment FROM orders o LEFT JOIN customers c ON c.customer = o.customer",
        Facts(),
    )
    assert found.breaking


UDF = """from pyspark.sql import functions as F
@F.udf("string")
def size(a):
    "{words}"
    return "L" if a > LIMIT else "S"
LIMIT = {limit}
spark.table("s.orders").select("id", size("amount").alias("size")).write.mode("overwrite").saveAsTable("s.sizes")
"""


def test_code_that_is_not_read_is_compared_by_its_text_without_comments() -> None:
    old = UDF.format(words="Sizes.", limit=10)
    assert compared(old, UDF.format(words="How large.", limit=10)).verdict == "same"
    found = compared(old, UDF.format(words="Sizes.", limit=20))
    assert (found.verdict, set(found.labels)) == ("changed", {"expression_changed:size"})


def test_what_no_layer_decides_is_said_to_be_undecided() -> None:
    found = compared(
        "SELECT customer, max(amount) AS m FROM orders GROUP BY customer",
        "SELECT DISTINCT customer, max(amount) OVER (PARTITION BY customer) AS m FROM orders",
    )
    assert (found.verdict, found.breaking) == ("undecided", None)
    assert "16 generated databases" in found.text()


@st.composite
def queries(draw: st.DrawFn) -> str:
    test = draw(
        st.sampled_from(
            ["amount > 2", "amount >= 2", "status = 'A'", "status <> 'A'", "status IS NULL", "NOT amount > 2"]
        )
    )
    other = draw(st.sampled_from(["customer IN (1, 2)", "customer = 1", "status IN ('A', 'B')", "amount IS NOT NULL"]))
    word = draw(st.sampled_from(["AND", "OR"]))
    kind = draw(st.sampled_from(["JOIN", "LEFT JOIN"]))
    value = draw(st.sampled_from(["coalesce(amount, 0)", "CASE WHEN amount IS NULL THEN 0 ELSE amount END", "amount"]))
    return f"SELECT id, {value} AS v, segment FROM orders {kind} customers USING (customer) WHERE {test} {word} {other}"


@settings(max_examples=40, deadline=None)
@given(queries(), queries(), st.integers(0, 3))
def test_same_is_never_said_of_versions_that_differ_on_some_rows(old: str, new: str, seed: int) -> None:
    """The law that matters, held against an engine that runs both texts as they are."""
    if compared(old, new).verdict != "same":
        return
    db = duckdb.connect()
    db.execute("SELECT setseed(?)", [seed / 10])
    db.execute(
        "CREATE TABLE orders AS SELECT i AS id, nullif((random() * 4)::INT, 0) AS customer, nullif((random() * 4)::INT, 1)::DOUBLE"
        " AS amount, [NULL, 'A', 'B', 'a'][1 + (random() * 3)::INT] AS status FROM range(60) t(i)"
    )
    db.execute("CREATE TABLE customers AS SELECT i AS customer, 'S' || i AS segment FROM range(4) t(i)")
    assert sorted(db.execute(old).fetchall(), key=repr) == sorted(db.execute(new).fetchall(), key=repr)


# --------------------------------------------------------------------------- as it is asked for


def _git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


def test_a_job_is_compared_with_a_git_revision_and_with_its_snapshot(tmp_path: Path) -> None:
    ws = shop(tmp_path / "shop")
    with pytest.raises(InputError, match="no earlier version of sales_job"):
        diff_job(ws, "sales_job")
    _git(ws.settings.lake, "init", "-b", "main")
    _git(ws.settings.lake, "add", ".")
    _git(ws.settings.lake, "commit", "-m", "first")
    script = ws.settings.lake / "jobs" / "sales_job.sql"
    script.write_text(script.read_text(encoding="utf-8").replace("'SALE'", "'RETURN'"), encoding="utf-8")
    ws.refresh()
    found = diff_job(ws, "sales_job", base="main")
    assert found.labels == {"filter_changed"}
    (change,) = found.differences
    assert (str(change.before_at), str(change.after_at)) == ("main:jobs/sales_job.sql:5", "jobs/sales_job.sql:5")
    remember(ws, "sales_job")
    assert diff_job(ws, "sales_job").verdict == "same"
    with pytest.raises(NotFound):
        diff_job(ws, "sales_job", base="nowhere")


def test_the_command_compares_two_scripts(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ws = shop(tmp_path / "shop")
    old = ws.settings.lake / "jobs" / "daily_job.sql"
    new = tmp_path / "daily_job.sql"
    new.write_text(old.read_text(encoding="utf-8").replace("sum(price)", "max(price)"), encoding="utf-8")
    assert run(["diff", str(old), str(new), "--lake", str(ws.settings.lake), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [d["kind"] for d in found["differences"]] == ["expression_changed"]
    assert run(["diff", "daily_job", str(new), "--lake", str(ws.settings.lake)]) == 0
    assert "changed in 1 way" in capsys.readouterr().out
    assert run(["diff", "nothing.sql", str(new), "--lake", str(ws.settings.lake)]) == 3
