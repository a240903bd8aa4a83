"""Statements of Python as scripts use them: branches, loops, exceptions, functions, classes, imports."""

from __future__ import annotations

import pytest

from tests.tools.jobs.pyjobs import deciding, read, reasons, values, written

ARGUMENTS = """
import sys
from awsglue.utils import getResolvedOptions
args = getResolvedOptions(sys.argv, ["mode"])
"""


# --------------------------------------------------------------------------- branches


def test_a_decided_branch_is_the_only_one_read() -> None:
    body = """
if args["mode"] == "full":
    df = spark.table("s.orders")
elif args["mode"] == "delta":
    df = spark.table("s.orders").filter("qty > 0")
else:
    raise ValueError("mode")
df.select("id").write.saveAsTable("mart.x")
"""
    reading = read(ARGUMENTS + body, {"mode": "delta"})
    assert deciding(reading, "filter") == {"orders.qty"}
    assert len(reading.plan.writes) == 1


def test_an_undecided_branch_is_read_on_both_sides() -> None:
    body = """
df = spark.table("s.orders")
if args["mode"] == "full":
    df = df.withColumn("v", F.col("price"))
else:
    df = df.withColumn("v", F.col("qty"))
df.select("id", "v").write.saveAsTable("mart.x")
"""
    assert values(read(ARGUMENTS + body)) == {"id": {"orders.id"}, "v": {"orders.price", "orders.qty"}}


def test_the_same_condition_comes_out_the_same_twice() -> None:
    body = """
source = "s.orders" if args["mode"] == "o" else "s.custs"
target = "mart.o" if args["mode"] == "o" else "mart.c"
spark.table(source).select("id").write.saveAsTable(target)
"""
    reading = read(ARGUMENTS + body)
    pairs = {(e.source, e.target) for e in reading.edges}
    assert pairs == {("s.orders", "mart.o"), ("s.custs", "mart.c")}


def test_after_an_early_return_the_other_case_holds() -> None:
    body = """
def load():
    if args["mode"] == "a":
        return spark.table("s.orders")
    kind = "never" if args["mode"] == "a" else "custs"
    return spark.table(f"s.{kind}")
load().select("id").write.saveAsTable("mart.x")
"""
    reading = read(ARGUMENTS + body)
    assert reading.reads == ["s.orders", "s.custs"]


def test_a_branch_that_leaves_the_job_changes_nothing() -> None:
    body = """
df = spark.table("s.orders")
if df.count() == 0:
    df = spark.table("s.custs")
    sys.exit(0)
df.select("id").write.saveAsTable("mart.x")
"""
    assert values(read(ARGUMENTS + body)) == {"id": {"orders.id"}}


def test_match_statements() -> None:
    body = """
match args["mode"]:
    case "a" | "b":
        name = "mart.ab"
    case _:
        name = "mart.other"
spark.table("s.orders").write.saveAsTable(name)
"""
    assert written(read(ARGUMENTS + body, {"mode": "b"})) == [("mart.ab", "create")]
    assert {n for n, _ in written(read(ARGUMENTS + body))} == {"mart.ab", "mart.other"}


def test_many_undecided_branches_stay_bounded() -> None:
    branches = "\n".join(f'if args["mode{i}"] == "on":\n    df = df.filter("qty > {i}")' for i in range(40))
    reading = read(ARGUMENTS + f'df = spark.table("s.orders")\n{branches}\ndf.select("id").write.saveAsTable("mart.x")')
    assert values(reading) == {"id": {"orders.id"}}
    assert deciding(reading, "filter") == {"orders.qty"}


# --------------------------------------------------------------------------- loops


def test_loops_over_known_collections_are_unrolled() -> None:
    body = """
for name, column in {"a": "price", "b": "qty"}.items():
    spark.table("s.orders").select(F.col(column).alias(name)).write.saveAsTable(f"mart.{name}")
"""
    assert values(read(body)) == {"a": {"orders.price"}, "b": {"orders.qty"}}


def test_a_loop_over_unknown_things_is_read_once() -> None:
    body = """
import boto3
out = None
for key in boto3.client("s3").list_keys():
    d = spark.read.parquet(f"s3://b/{key}").select("id")
    out = d if out is None else out.union(d)
out.write.parquet("s3://b/out")
"""
    assert values(read(body)) == {"id": {"s3://b/${?}.id"}}


def test_break_continue_else_and_while() -> None:
    body = """
names = []
for n in range(10):
    if n == 1:
        continue
    if n == 3:
        break
    names.append(f"c{n}")
else:
    names.append("never")
i = 0
while i < 2:
    names.append(f"w{i}")
    i += 1
while True:
    names.append("once")
    if len(names) > 4:
        break
df = spark.table("s.orders")
df.select(*[F.col("id").alias(n) for n in names]).write.saveAsTable("mart.x")
"""
    assert list(values(read(body))) == ["c0", "c2", "w0", "w1", "once"]


# --------------------------------------------------------------------------- exceptions


def test_what_goes_well_is_read_and_finally_too() -> None:
    body = """
try:
    df = spark.table("s.orders").select("id")
    df.write.saveAsTable("mart.x")
except Exception as error:
    print(error)
    raise
finally:
    spark.table("s.rates").write.saveAsTable("mart.log")
"""
    assert written(read(body)) == [("mart.x", "create"), ("mart.log", "create")]


def test_a_fallback_in_a_handler_is_a_second_source() -> None:
    body = """
try:
    df = spark.table("s.orders").select("id")
except Exception:
    df = spark.table("s.custs").select("id")
df.write.saveAsTable("mart.x")
"""
    assert values(read(body)) == {"id": {"orders.id", "custs.id"}}


def test_a_surely_raised_exception_is_handled() -> None:
    body = """
class Missing(Exception):
    pass
def find(name):
    if name != "orders":
        raise Missing(name)
    return spark.table("s.orders")
try:
    df = find("nope")
except Missing:
    df = find("orders")
df.select("id").write.saveAsTable("mart.x")
"""
    assert values(read(body)) == {"id": {"orders.id"}}


# --------------------------------------------------------------------------- functions and classes


def test_closures_defaults_and_keyword_arguments() -> None:
    body = """
def pick(column, *, name="v", table="s.orders"):
    def inner(df):
        return df.select(F.col(column).alias(name))
    return inner(spark.table(table))
pick("price", name="p").write.saveAsTable("mart.x")
pick(**{"column": "seg", "table": "s.custs"}).write.saveAsTable("mart.y")
"""
    assert values(read(body)) == {"p": {"orders.price"}, "v": {"custs.seg"}}


def test_a_class_with_inheritance_properties_and_a_fluent_self() -> None:
    body = """
from abc import ABC, abstractmethod
class Step(ABC):
    target = None
    def __init__(self, table):
        self.df = spark.table(table)
    @property
    def name(self):
        return f"mart.{self.target}"
    @abstractmethod
    def rule(self): ...
    def run(self):
        self.df = self.df.withColumn("v", self.rule())
        return self
    def save(self):
        self.df.select("v").write.saveAsTable(self.name)
class Total(Step):
    target = "total"
    def __init__(self):
        super().__init__("s.orders")
    def rule(self):
        return F.col("price") * F.col("qty")
Total().run().save()
"""
    reading = read(body)
    assert written(reading) == [("mart.total", "create")]
    assert values(reading) == {"v": {"orders.price", "orders.qty"}}


def test_dataclasses_enums_and_decorators() -> None:
    body = """
import functools
from dataclasses import dataclass, field
from enum import Enum
class Layer(Enum):
    OUT = "mart"
@dataclass
class Spec:
    table: str
    columns: list = field(default_factory=lambda: ["id"])
    def frame(self):
        return spark.table(self.table).select(*self.columns)
def logged(f):
    @functools.wraps(f)
    def wrapper(*a, **k):
        print(f.__name__)
        return f(*a, **k)
    return wrapper
@logged
def save(df, name):
    df.write.saveAsTable(f"{Layer.OUT}.{name}")
save(Spec("s.orders").frame(), "x")
"""
    assert written(read(body)) == [("mart.x", "create")]


def test_generators_partials_and_reduce() -> None:
    body = """
from functools import partial, reduce
def columns():
    yield "id"
    yield from ("price", "qty")
def scaled(df, column, by):
    return df.withColumn(column, F.col(column) * by)
steps = [partial(scaled, column=c, by=2) for c in ("price", "qty")]
df = reduce(lambda d, f: f(d), steps, spark.table("s.orders").select(*columns()))
df.write.saveAsTable("mart.x")
"""
    assert values(read(body)) == {"id": {"orders.id"}, "price": {"orders.price"}, "qty": {"orders.qty"}}


def test_work_handed_to_threads_is_read() -> None:
    body = """
from concurrent.futures import ThreadPoolExecutor
def copy(name):
    spark.table(f"s.{name}").write.saveAsTable(f"mart.{name}")
with ThreadPoolExecutor(4) as pool:
    list(pool.map(copy, ["orders", "custs"]))
    pool.submit(copy, "rates").result()
"""
    assert [n for n, _ in written(read(body))] == ["mart.orders", "mart.custs", "mart.rates"]


def test_project_modules_are_read_when_they_are_given() -> None:
    body = """
from common.io import load
import common.rules as rules
load("orders").transform(rules.total).select("v").write.saveAsTable(rules.TARGET)
"""
    modules = {
        "common.io": "from pyspark.sql import SparkSession\n"
        "def load(name):\n    return SparkSession.builder.getOrCreate().table(f's.{name}')\n",
        "common.rules": "from pyspark.sql import functions as F\nTARGET = 'mart.x'\n"
        "def total(df):\n    return df.withColumn('v', F.col('price'))\n",
    }
    reading = read(body, imports=modules)
    assert values(reading) == {"v": {"orders.price"}}
    assert any(e.span and e.span.file == "common/rules.py" for e in reading.edges)


def test_without_the_module_the_frame_is_still_there_marked_and_explained() -> None:
    reading = read("from common.io import load\nload('orders').select('id').write.saveAsTable('mart.x')\n")
    assert written(reading) == [("mart.x", "create")]
    assert "module common.io is not given" in reasons(reading)


def test_a_frame_through_unread_code_keeps_its_inputs_with_low_confidence() -> None:
    body = "from common import clean\nclean(spark.table('s.orders')).select('id').write.saveAsTable('mart.x')\n"
    reading = read(body)
    assert "orders.id" in values(reading)["id"]
    assert {e.confidence for e in reading.edges if e.role == "value"} == {"low"}


def test_a_script_that_only_defines_functions_is_read_from_its_entry() -> None:
    reading = read("def main(spark):\n    spark.table('s.orders').select('id').write.saveAsTable('mart.x')\n")
    assert values(reading) == {"id": {"orders.id"}}
    assert "main() is not called in this file" in reasons(reading)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("print 'hello'\ndf = 1\n", "Python 2"),
        ("def f(:\n", "not valid Python"),
        ("x = 1\n\x00", "not"),
    ],
)
def test_what_is_no_python_is_said(text: str, reason: str) -> None:
    assert reason in reasons(read(text, head=""))


def test_notebook_lines_are_skipped() -> None:
    reading = read("%idle_timeout 30\n!pip install x\nspark.table('s.orders').write.saveAsTable('mart.x')\n", head="")
    assert written(reading) == [("mart.x", "create")]
