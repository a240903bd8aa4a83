"""Frames: self-joins by identity, keys of joins on names, edits of columns, and tables without a schema."""

from __future__ import annotations

import pytest

from tests.tools.jobs.pyjobs import deciding, read, reasons, values
from tools.plan.model import Rebase
from tools.plan.whole import walk

ORDERS = 'o = spark.table("s.orders")\nc = spark.table("s.custs")\n'


def test_a_frame_joined_with_itself_keeps_both_sides_apart() -> None:
    body = """
later = o.filter("qty > 1")
j = o.join(later, o.cust == later.cust)
j.select(o.id.alias("left"), later.id.alias("right"), later["price"]).write.saveAsTable("m.x")
"""
    reading = read(ORDERS + body)
    assert any(isinstance(op, Rebase) for op in walk(reading.plan.writes[0]))
    ids = [w.assignments[i].expressions[0].name for w in reading.plan.writes for i in (0, 1)]
    assert ids[0] != ids[1]
    assert values(reading) == {"left": {"orders.id"}, "right": {"orders.id"}, "price": {"orders.price"}}


def test_drop_by_a_frames_column_drops_exactly_that_one() -> None:
    body = 'o.join(c, o.id == c.id).drop(c.id).select("id", "name").write.saveAsTable("m.x")'
    assert values(read(ORDERS + body)) == {"id": {"orders.id"}, "name": {"custs.name"}}


@pytest.mark.parametrize(
    ("how", "sources"),
    [
        ("inner", {"orders.id"}),
        ("left", {"orders.id"}),
        ("right", {"custs.id"}),
        ("full_outer", {"orders.id", "custs.id"}),
    ],
)
def test_the_key_of_a_join_on_a_name(how: str, sources: set[str]) -> None:
    reading = read(ORDERS + f'o.join(c, "id", "{how}").select("id").write.saveAsTable("m.x")')
    assert values(reading) == {"id": sources}
    assert deciding(reading, "join") == {"orders.id", "custs.id"}


@pytest.mark.parametrize("how", ["semi", "left_semi", "leftanti", "anti"])
def test_half_joins_hand_on_only_the_left(how: str) -> None:
    assert "name" not in values(read(ORDERS + f'o.join(c, o.cust == c.id, "{how}").write.saveAsTable("m.x")'))


def test_the_other_sides_key_is_still_reachable_by_its_frame() -> None:
    body = 'o.join(c, ["id"]).select(o.id.alias("a"), c["id"].alias("b")).write.saveAsTable("m.x")'
    assert values(read(ORDERS + body)) == {"a": {"orders.id"}, "b": {"custs.id"}}


def test_filters_and_sorts_see_what_a_select_left_out() -> None:
    body = 'o.select("id").filter(o.qty > 1).orderBy("price").write.saveAsTable("m.x")'
    reading = read(ORDERS + body)
    assert values(reading) == {"id": {"orders.id"}}
    assert (deciding(reading, "filter"), deciding(reading, "sort")) == ({"orders.qty"}, {"orders.price"})


EDITS: list[tuple[str, str, dict[str, set[str]]]] = [
    ("toDF", 'c.select("id", "name").toDF("a", "b")', {"a": {"custs.id"}, "b": {"custs.name"}}),
    ("names are folded", 'c.select("ID").withColumnRenamed("Id", "x")', {"x": {"custs.id"}}),
    ("renaming what is not there", 'c.select("id").withColumnRenamed("nope", "x").drop("nope2")', {"id": {"custs.id"}}),
    ("withColumns sees the frame as it was", 'c.select("id", "name").withColumns({"id": F.col("name"), "x": F.col("id")})',
     {"id": {"custs.name"}, "name": {"custs.name"}, "x": {"custs.id"}}),
    ("a comprehension over columns", 'c.select(*[F.upper(n).alias(n) for n in c.columns if n != "tags"])',
     {"id": {"custs.id"}, "name": {"custs.name"}, "seg": {"custs.seg"}}),
    ("indexing", 'c[["id", "seg"]]', {"id": {"custs.id"}, "seg": {"custs.seg"}}),
    ("column 0", "c.select(c[0], c.columns[1])", {"id": {"custs.id"}, "name": {"custs.name"}}),
    ("a dictionary of aggregates", 'o.groupBy("cust").agg({"price": "max", "*": "count"})',
     {"cust": {"orders.cust"}, "max(price)": {"orders.price"}, "count(1)": set()}),
    ("counting", 'o.groupBy("cust").count()', {"cust": {"orders.cust"}, "count": set()}),
    ("sums of all numbers", 'o.select("cust", "price", "state").groupBy("cust").sum()',
     {"cust": {"orders.cust"}, "sum(cust)": {"orders.cust"}, "sum(price)": {"orders.price"}}),
    ("a pivot with values", 'o.groupBy("cust").pivot("state", ["a", "b"]).agg(F.sum("price"), F.max("qty").alias("q"))',
     {"cust": {"orders.cust"}, "a_sum(price)": {"orders.price"}, "a_q": {"orders.qty"},
      "b_sum(price)": {"orders.price"}, "b_q": {"orders.qty"}}),
    ("a pivot over the data", 'o.groupBy("cust").pivot("state").sum("price").select("cust", "open")',
     {"cust": {"orders.cust"}, "open": {"orders.price"}}),
    ("unpivot", 'o.unpivot("id", ["price", "qty"], "what", "v").select("v")', {"v": {"orders.price", "orders.qty"}}),
    ("stack", 'o.selectExpr("id", "stack(2, \'p\', price, \'q\', qty) AS (what, v)")',
     {"id": {"orders.id"}, "what": set(), "v": {"orders.price", "orders.qty"}}),
    ("a udf", 'o.select(F.udf(lambda a, b: a)("price", o.qty).alias("u"))', {"u": {"orders.price", "orders.qty"}}),
    ("created rows", 'spark.createDataFrame([(1, "x")], ["a", "b"])', {"a": set(), "b": set()}),
    ("missing values", 'o.select("price", "state").na.fill(0).na.replace("x", "y", "state")',
     {"price": {"orders.price"}, "state": {"orders.state"}}),
]  # fmt: skip


@pytest.mark.parametrize(("code", "expected"), [e[1:] for e in EDITS], ids=[e[0] for e in EDITS])
def test_edits_of_columns(code: str, expected: dict[str, set[str]]) -> None:
    found = values(read(ORDERS + f'df = {code}\ndf.write.saveAsTable("m.x")'))
    assert {c: s for c, s in found.items() if c in expected or s} == expected


# --------------------------------------------------------------------------- without a schema


def test_columns_of_a_table_without_a_schema_appear_as_they_are_named() -> None:
    body = 'df = spark.read.parquet("s3://b/in").filter("a > 1").withColumn("c", F.col("b"))\ndf.write.parquet("s3://b/out")'
    reading = read(body, known=False)
    assert values(reading) == {"a": {"s3://b/in.a"}, "b": {"s3://b/in.b"}, "c": {"s3://b/in.b"}}
    assert any(e.source_column == "*" for e in reading.edges)


def test_a_column_named_later_belongs_to_earlier_writes_too() -> None:
    body = """
df = spark.table("s.events")
df.write.saveAsTable("m.all")
spark.table("s.events").select("late").write.saveAsTable("m.some")
"""
    edges = {(e.source_column, e.target) for e in read(body, known=False).edges}
    assert {("late", "m.all"), ("late", "m.some")} <= edges


def test_all_columns_but_some() -> None:
    body = """
df = spark.table("s.events").filter("a > 1 and b > 1")
df.select(*[F.trim(F.col(c)).alias(c) for c in df.columns if c not in ("a", "z")]).write.saveAsTable("m.x")
"""
    reading = read(body, known=False)
    assert values(reading) == {"b": {"events.b"}}
    note = next(e.expression for e in reading.edges if e.source_column == "*")
    assert note == "* except a, b, z"


def test_a_name_that_two_open_tables_may_have_is_either() -> None:
    body = 'spark.table("s.a").join(spark.table("s.b"), "k").select("v").write.saveAsTable("m.x")'
    reading = read(body, known=False)
    assert values(reading) == {"v": {"a.v", "b.v"}}
    assert {e.confidence for e in reading.edges if e.role == "value"} == {"low"}
    assert "column v could be any of 2 inputs" in reasons(reading)


def test_a_column_named_by_an_argument_is_a_column_of_the_one_table() -> None:
    body = """
import sys
from awsglue.utils import getResolvedOptions
args = getResolvedOptions(sys.argv, ["key"])
spark.table("s.orders").groupBy(args["key"]).agg(F.sum("price").alias("p")).write.saveAsTable("m.x")
"""
    assert values(read(body)) == {"${args.key}": {"orders.${args.key}"}, "p": {"orders.price"}}
    assert values(read(body, {"key": "cust"})) == {"cust": {"orders.cust"}, "p": {"orders.price"}}
