"""Readers and writers of every kind: what is read, what is written, how, and what the plan keeps of it."""

from __future__ import annotations

import pytest

from tests.tools.jobs.pyjobs import deciding, read, reasons, values, written

READS: list[tuple[str, str, list[str]]] = [
    ("a table", 'spark.table("s.orders")', ["s.orders"]),
    ("read.table", 'spark.read.table("s.orders")', ["s.orders"]),
    ("three parts", 'spark.table("glue_catalog.s.orders")', ["s.orders"]),
    ("a path", 'spark.read.parquet("s3a://b/in/")', ["s3://b/in"]),
    ("several paths", 'spark.read.parquet("s3://b/1", "s3://b/2")', ["s3://b/1", "s3://b/2"]),
    ("a list of paths", 'spark.read.json(["s3://b/1", "s3://b/2"])', ["s3://b/1", "s3://b/2"]),
    ("a glob", 'spark.read.csv("s3://b/in/2026-*/*.csv", header=True)', ["s3://b/in"]),
    ("format and load", 'spark.read.format("orc").option("x", 1).load("s3://b/in")', ["s3://b/in"]),
    ("option path", 'spark.read.format("json").option("path", "s3://b/in").load()', ["s3://b/in"]),
    ("options", 'spark.read.options(header="true").schema("id int").csv("s3://b/in")', ["s3://b/in"]),
    ("load with keywords", 'spark.read.load(path="s3://b/in", format="avro")', ["s3://b/in"]),
    ("iceberg", 'spark.read.format("iceberg").load("cat.db.t")', ["cat.db.t"]),
    ("delta with a version", 'spark.read.format("delta").option("versionAsOf", 3).load("s3://b/d")', ["s3://b/d"]),
    ("jdbc", 'spark.read.jdbc("jdbc:postgresql://h/d", "public.t", properties={})', ["public.t"]),
    ("jdbc with options", 'spark.read.format("jdbc").option("url", "u").option("dbtable", "public.t").load()', ["public.t"]),
    ("jdbc with a query", 'spark.read.format("jdbc").option("dbtable", "(select id from s.orders) q").load()', ["s.orders"]),
    ("kafka", 'spark.readStream.format("kafka").option("subscribe", "t").load()', ["kafka:t"]),
    ("a stream of files", 'spark.readStream.schema("id int").json("s3://b/in")', ["s3://b/in"]),
    ("sql", 'spark.sql("SELECT * FROM s.orders")', ["s.orders"]),
    ("text lines", 'spark.sparkContext.textFile("s3://b/in").map(lambda l: l.split(",")).toDF(["id"])', ["s3://b/in"]),
]  # fmt: skip


@pytest.mark.parametrize(("code", "names"), [r[1:] for r in READS], ids=[r[0] for r in READS])
def test_reads(code: str, names: list[str]) -> None:
    assert read(f'{code}.write.saveAsTable("mart.x")').reads == names


WRITES: list[tuple[str, str, tuple[str, str]]] = [
    ("saveAsTable", 'w.saveAsTable("Mart.X")', ("mart.x", "create")),
    ("overwrite", 'w.mode("overwrite").saveAsTable("mart.x")', ("mart.x", "overwrite")),
    ("append by keyword", 'w.saveAsTable("mart.x", mode="append", format="parquet")', ("mart.x", "insert")),
    ("a path", 'w.mode("overwrite").partitionBy("day").parquet("s3://b/x/")', ("s3://b/x", "overwrite")),
    ("csv with keywords", 'w.csv("s3://b/x", mode="append", header=True)', ("s3://b/x", "insert")),
    ("format and save", 'w.format("delta").save("s3://b/x")', ("s3://b/x", "create")),
    ("option path", 'w.format("orc").option("path", "s3://b/x").save()', ("s3://b/x", "create")),
    ("insertInto", 'w.insertInto("mart.x")', ("mart.x", "insert")),
    ("insertInto overwriting", 'w.insertInto("mart.x", overwrite=True)', ("mart.x", "overwrite")),
    ("jdbc", 'w.jdbc("jdbc:x", "public.t", mode="append")', ("public.t", "insert")),
    ("jdbc with options", 'w.format("jdbc").options(url="u", dbtable="public.t").mode("append").save()', ("public.t", "insert")),
    ("writeTo append", 'df.writeTo("cat.mart.x").append()', ("cat.mart.x", "insert")),
    ("writeTo createOrReplace", 'df.writeTo("mart.x").using("iceberg").createOrReplace()', ("mart.x", "overwrite")),
    ("writeTo overwritePartitions", 'df.writeTo("mart.x").overwritePartitions()', ("mart.x", "overwrite")),
    ("a stream to a table", 'df.writeStream.format("delta").toTable("mart.x")', ("mart.x", "insert")),
    ("a stream to a path", 'df.writeStream.option("checkpointLocation", "c").start("s3://b/x")', ("s3://b/x", "insert")),
]  # fmt: skip


@pytest.mark.parametrize(("code", "expected"), [w[1:] for w in WRITES], ids=[w[0] for w in WRITES])
def test_writes(code: str, expected: tuple[str, str]) -> None:
    reading = read(f'df = spark.table("s.orders")\nw = df.write\n{code}\n')
    assert written(reading) == [expected]
    assert values(reading)["id"] == {"orders.id"}


def test_partitions_format_and_the_tables_path_are_kept() -> None:
    body = (
        'spark.table("s.orders").write.format("orc").option("path", "s3://b/x").partitionBy("day").saveAsTable("m.x")'
    )
    write = read(body).plan.writes[0]
    assert (write.format, write.partitioned_by, [a.name for a in write.aliases]) == ("orc", ("day",), ["s3://b/x"])


def test_insert_into_goes_by_position() -> None:
    reading = read('spark.table("s.orders").select("id", "price").write.insertInto("s.target")')
    assert values(reading) == {"k": {"orders.id"}, "v": {"orders.price"}}


def test_a_stated_schema_names_the_columns() -> None:
    body = """
from pyspark.sql.types import StructType, StructField, StringType, IntegerType
schema = StructType([StructField("a", StringType()), StructField("b", IntegerType(), True)]).add("c", "string")
spark.read.schema(schema).json("s3://b/in").withColumn("d", F.col("a")).write.parquet("s3://b/out")
"""
    assert values(read(body)) == {
        "a": {"s3://b/in.a"}, "b": {"s3://b/in.b"}, "c": {"s3://b/in.c"}, "d": {"s3://b/in.a"},
    }  # fmt: skip


def test_for_each_batch_is_read_with_the_stream() -> None:
    body = """
def save(batch, number):
    batch.dropDuplicates(["k"]).write.mode("append").saveAsTable("mart.x")
stream = spark.readStream.format("kafka").option("subscribe", "t").load().selectExpr("CAST(key AS STRING) AS k", "value")
stream.writeStream.foreachBatch(save).start().awaitTermination()
"""
    reading = read(body)
    assert values(reading) == {"k": {"kafka:t.key"}, "value": {"kafka:t.value"}}
    assert deciding(reading, "group_by") == {"kafka:t.key"}


def test_a_delta_merge_has_all_its_branches() -> None:
    body = """
from delta.tables import DeltaTable
new = spark.table("s.orders").select(F.col("id").alias("k"), F.col("price").alias("v"), "state")
(DeltaTable.forName(spark, "s.target").alias("t")
    .merge(new.alias("n"), "t.k = n.k")
    .whenMatchedUpdate(condition="n.state <> 'x'", set={"v": "n.v * 2"})
    .whenNotMatchedInsert(values={"k": F.col("n.k"), "v": F.col("n.v")})
    .execute())
"""
    reading = read(body)
    assert written(reading) == [("s.target", "merge")]
    assert reading.reads == ["s.orders"]
    assert values(reading) == {"v": {"orders.price"}, "k": {"orders.id"}}
    assert deciding(reading, "join") == {"target.k", "orders.id"}
    assert deciding(reading, "filter") == {"orders.state"}


def test_delta_updates_and_deletes() -> None:
    body = """
from delta.tables import DeltaTable
t = DeltaTable.forPath(spark, "s3://b/d")
t.update("k = 1", {"v": "v + 1"})
t.delete(F.col("day") < "2020-01-01")
"""
    assert written(read(body)) == [("s3://b/d", "update"), ("s3://b/d", "delete")]


def test_views_are_no_tables() -> None:
    body = """
spark.table("s.orders").filter("qty > 0").createOrReplaceTempView("o")
spark.sql("SELECT o.id, price AS p FROM o").createOrReplaceGlobalTempView("g")
spark.table("global_temp.g").write.saveAsTable("mart.x")
"""
    reading = read(body)
    assert reading.reads == ["s.orders"]
    assert values(reading) == {"id": {"orders.id"}, "p": {"orders.price"}}


def test_what_a_job_wrote_is_what_it_reads_back() -> None:
    body = """
spark.table("s.orders").select(F.col("price").alias("p")).write.saveAsTable("mart.x")
spark.table("mart.x").withColumn("q", F.col("p")).write.saveAsTable("mart.y")
"""
    edges = {(e.source, e.source_column, e.target, e.target_column) for e in read(body).edges}
    assert ("mart.x", "p", "mart.y", "q") in edges


def test_sql_lines_are_the_jobs_lines() -> None:
    reading = read('x = spark.sql("""\n  SELECT id,\n    price\n  FROM s.orders""")\nx.write.saveAsTable("mart.x")\n')
    lines = {e.source_column: e.span.line for e in reading.edges if e.span}
    assert lines == {"id": 5, "price": 6}


def test_chained_calls_point_at_their_own_lines() -> None:
    body = """
df = (
    spark.table("s.orders")
    .filter(F.col("qty") > 0)
    .withColumn("v",
                F.col("price"))
)
df.select("id",
          "v").write.saveAsTable("mart.x")
"""
    lines = {(e.source_column, e.role): e.span.line for e in read(body).edges if e.span}
    assert lines == {("qty", "filter"): 7, ("price", "value"): 9, ("id", "value"): 11}


HONEST: list[tuple[str, str, str]] = [
    ("a write without a name", "df.write.parquet(open('p').read())", "write job.py:5: writes to a name known only at run time"),
    ("a reader without a path", "spark.read.format('x').load().write.saveAsTable('m.x')", "read job.py:5: a reader of format x"),
    ("a Python function on rows", "df.rdd.map(lambda r: r).toDF().write.saveAsTable('m.x')", "rows that Python code has worked on"),
    ("rows handed away", "df.foreachPartition(lambda rows: None)", "write job.py:5: rows are handed to Python code"),
    ("pandas", "df.toPandas().to_csv('x')\ndf.pandas_api().write.saveAsTable('m.x')", "pandas code on Spark is not read"),
    ("a column that is not there", "df.select('nope').write.saveAsTable('m.x')", "column nope is not there; there is id, cust"),
    ("SQL that does not parse", "spark.sql('SELEC 1')", "statement job.py:5"),
    ("a pivot without values", "df.groupBy('id').pivot('state').sum('price').write.saveAsTable('m.x')", "known only from the data"),
    ("a frame from somewhere", "load_it().select('a').write.saveAsTable('m.x')", "name load_it is not defined"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "reason"), [h[1:] for h in HONEST], ids=[h[0] for h in HONEST])
def test_what_cannot_be_read_is_said(code: str, reason: str) -> None:
    assert reason in reasons(
        read(
            f"df = spark.table('s.orders')\n{code}\n",
            head="from pyspark.sql import SparkSession, functions as F\n\nspark = SparkSession.builder.getOrCreate()\n",
        )
    )
