"""Glue's own library: contexts, DynamicFrames, transforms in both spellings, options, sinks, helpers of Glue Studio."""

from __future__ import annotations

import pytest

from tests.tools.jobs.pyjobs import deciding, read, reasons, values, written

HEAD = """
import sys
from awsglue.transforms import *
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrame, DynamicFrameCollection
from awsglue.job import Job
from pyspark.sql import functions as F
args = getResolvedOptions(sys.argv, ["JOB_NAME", "bucket"])
glueContext = GlueContext(SparkContext.getOrCreate())
spark = glueContext.spark_session
job = Job(glueContext)
job.init(args["JOB_NAME"], args)
o = glueContext.create_dynamic_frame.from_catalog(database="s", table_name="orders", transformation_ctx="o")
c = glueContext.create_dynamic_frame_from_catalog("s", "custs")
"""
SAVE = 'glueContext.write_dynamic_frame.from_catalog(frame=x, database="mart", table_name="x")\njob.commit()\n'

READS: list[tuple[str, str, list[str]]] = [
    ("paths", 'from_options(connection_type="s3", connection_options={"paths": ["s3://b/1/", "s3://b/2"]}, format="json")',
     ["s3://b/1", "s3://b/2"]),
    ("a path with an argument", 'from_options("s3", {"paths": [f"s3://{args[\'bucket\']}/in"]}, "csv")', ["s3://${args.bucket}/in"]),
    ("a JDBC table", 'from_options("mysql", {"url": "u", "dbtable": "crm.t", "user": "u"})', ["crm.t"]),
    ("DynamoDB", 'from_options("dynamodb", connection_options={"dynamodb.input.tableName": "T"})', ["dynamodb:t"]),
    ("MongoDB", 'from_options("mongodb", connection_options={"uri": "m://h", "database": "d", "collection": "c"})', ["mongodb:c"]),
    ("a catalog table by name space", 'from_catalog(name_space="s", table_name="rates")', ["s.rates"]),
]  # fmt: skip


@pytest.mark.parametrize(("code", "names"), [r[1:] for r in READS], ids=[r[0] for r in READS])
def test_reads(code: str, names: list[str]) -> None:
    head = HEAD.rsplit("\n", 3)[0] + "\n"
    assert read(f"x = glueContext.create_dynamic_frame.{code}\n{SAVE}", head=head).reads == names


WRITES: list[tuple[str, str, list[tuple[str, str]]]] = [
    ("a path", 'write_dynamic_frame.from_options(frame=o, connection_type="s3", connection_options={"path": "s3://b/x/", '
     '"partitionKeys": ["day"]}, format="parquet")', [("s3://b/x", "insert")]),
    ("positional", 'write_dynamic_frame_from_options(o, "s3", {"path": "s3://b/x"}, "csv")', [("s3://b/x", "insert")]),
    ("a catalog table", 'write_dynamic_frame.from_catalog(o, "mart", "x")', [("mart.x", "insert")]),
    ("JDBC", 'write_dynamic_frame.from_jdbc_conf(o, "conn", {"dbtable": "public.x", "database": "dw"})', [("public.x", "insert")]),
    ("a DataFrame", 'write_data_frame.from_catalog(frame=o.toDF(), database="mart", table_name="x")', [("mart.x", "insert")]),
    ("a sink", 'getSink(connection_type="s3", path="s3://b/x").writeFrame(o)', [("s3://b/x", "insert")]),
]  # fmt: skip


@pytest.mark.parametrize(("code", "expected"), [w[1:] for w in WRITES], ids=[w[0] for w in WRITES])
def test_writes(code: str, expected: list[tuple[str, str]]) -> None:
    reading = read(f"glueContext.{code}\n", head=HEAD)
    assert written(reading) == expected
    assert values(reading)["price"] == {"orders.price"}


def test_a_sink_that_updates_the_catalog_names_the_table_and_its_path() -> None:
    body = """
sink = glueContext.getSink(path="s3://b/x/", connection_type="s3", enableUpdateCatalog=True, partitionKeys=["day"])
sink.setCatalogInfo(catalogDatabase="mart", catalogTableName="x")
sink.setFormat("glueparquet")
sink.writeFrame(o)
"""
    write = read(body, head=HEAD).plan.writes[0]
    assert (write.target.name, [a.name for a in write.aliases], write.partitioned_by) == (
        "mart.x",
        ["s3://b/x"],
        ("day",),
    )


TRANSFORMS: list[tuple[str, str, dict[str, set[str]]]] = [
    ("ApplyMapping", 'ApplyMapping.apply(frame=o, mappings=[("id", "long", "k", "long"), ("price", "double", "p", "string")])',
     {"k": {"orders.id"}, "p": {"orders.price"}}),
    ("apply_mapping into a struct", 'o.apply_mapping([("id", "long", "a.id", "long"), ("qty", "long", "a.q", "int")])',
     {"a": {"orders.id", "orders.qty"}}),
    ("a nested source", 'ApplyMapping.apply(frame=c, mappings=[("tags.x", "string", "x", "string")])', {"x": {"custs.tags"}}),
    ("SelectFields", 'SelectFields.apply(o, ["id", "day"])', {"id": {"orders.id"}, "day": {"orders.day"}}),
    ("select_fields", 'o.select_fields("id")', {"id": {"orders.id"}}),
    ("DropFields", 'DropFields.apply(frame=c, paths=["tags", "name", "seg"])', {"id": {"custs.id"}}),
    ("RenameField", 'RenameField.apply(c.select_fields(["id"]), "id", "key")', {"key": {"custs.id"}}),
    ("rename_field", 'c.select_fields(["id"]).rename_field("id", "key")', {"key": {"custs.id"}}),
    ("Join keeps both keys", 'Join.apply(o.select_fields(["id", "cust"]), c.select_fields(["id", "name"]), "cust", "id")',
     {"id": {"orders.id"}, "cust": {"orders.cust"}, ".id": {"custs.id"}, "name": {"custs.name"}}),
    ("ResolveChoice", 'ResolveChoice.apply(o.select_fields(["id"]), specs=[("id", "cast:string")])', {"id": {"orders.id"}}),
    ("a call of an instance", 'DropNullFields()(frame=o.select_fields(["id"]), transformation_ctx="d")', {"id": {"orders.id"}}),
    ("SplitFields", 'SplitFields.apply(o, ["id"], "a", "b").select("a")', {"id": {"orders.id"}}),
    ("Relationalize", 'SelectFromCollection.apply(dfc=Relationalize.apply(frame=c.select_fields(["id"]), staging_path="s3://t", '
     'name="root"), key="root")', {"id": {"custs.id"}}),
    ("a collection", 'DynamicFrameCollection({"a": o.select_fields(["id"])}, glueContext).select("a")', {"id": {"orders.id"}}),
    ("Union", 'Union.apply(o.select_fields(["id"]), c.select_fields(["id"]))', {"id": {"orders.id", "custs.id"}}),
    ("Map", 'Map.apply(frame=o.select_fields(["id", "price"]), f=changed)',
     {"id": {"orders.id"}, "price": {"orders.price"}, "v": {"orders.price"}, "w": {"orders.id"}}),
    ("toDF and back", 'DynamicFrame.fromDF(o.toDF().select((F.col("qty") * 2).alias("q")), glueContext, "q")',
     {"q": {"orders.qty"}}),
]  # fmt: skip


@pytest.mark.parametrize(("code", "expected"), [t[1:] for t in TRANSFORMS], ids=[t[0] for t in TRANSFORMS])
def test_transforms(code: str, expected: dict[str, set[str]]) -> None:
    function = 'def changed(r):\n    r["v"] = r["price"] * 2\n    r["w"] = str(r["id"]).lower()\n    return r\n'
    reading = read(f"{function}x = {code}\n{SAVE}", head=HEAD)
    assert values(reading) == expected


def test_filters_are_read_from_the_function() -> None:
    body = """
def wanted(row):
    return row["qty"] > 0 and row["state"] in ("a", "b")
x = Filter.apply(frame=o, f=wanted)
x = x.filter(lambda r: r["price"] is not None and r["day"].startswith("2026"))
"""
    assert deciding(read(body + SAVE, head=HEAD), "filter") == {
        "orders.qty",
        "orders.state",
        "orders.price",
        "orders.day",
    }


def test_a_push_down_predicate_filters() -> None:
    body = 'x = glueContext.create_dynamic_frame.from_catalog("s", "orders", push_down_predicate="day > \'2026\'")\n'
    assert deciding(read(body + SAVE, head=HEAD), "filter") == {"orders.day"}


def test_the_sql_node_of_glue_studio() -> None:
    body = '''
def sparkSqlQuery(glueContext, query, mapping, transformation_ctx) -> DynamicFrame:
    for alias, frame in mapping.items():
        frame.toDF().createOrReplaceTempView(alias)
    result = spark.sql(query)
    return DynamicFrame.fromDF(result, glueContext, transformation_ctx)
SqlQuery0 = """
select a.id, sum(a.price) total from a join b on a.cust = b.id group by a.id
"""
x = sparkSqlQuery(glueContext, query=SqlQuery0, mapping={"a": o, "b": c}, transformation_ctx="q")
'''
    reading = read(body + SAVE, head=HEAD)
    assert values(reading) == {"id": {"orders.id"}, "total": {"orders.price"}}
    assert deciding(reading, "join") == {"orders.cust", "custs.id"}


def test_quality_checks_hand_the_rows_on() -> None:
    body = """
from awsgluedq.transforms import EvaluateDataQuality
checked = EvaluateDataQuality().process_rows(frame=o.select_fields(["id"]), ruleset="Rules = []", publishing_options={})
x = SelectFromCollection.apply(dfc=checked, key="rowLevelOutcomes")
"""
    assert values(read(body + SAVE, head=HEAD)) == {"id": {"orders.id"}}


def test_upkeep_moves_no_data() -> None:
    body = """
glueContext.purge_s3_path("s3://b/x", {"retentionPeriod": 0})
glueContext.purge_table("s", "orders")
glueContext.get_logger().info("x")
o.printSchema(); o.show(); o.count()
"""
    reading = read(body, head=HEAD)
    assert not reading.plan.writes
    assert not reading.unknowns


def test_options_known_only_at_run_time_are_said() -> None:
    body = """
import boto3
options = boto3.client("glue").get_connection(Name="c")
x = glueContext.create_dynamic_frame.from_options("mysql", options)
"""
    reading = read(body + SAVE, head=HEAD)
    assert "read job.py:20: reads from connection options of mysql that are known only at run time" in reasons(reading)
    assert written(reading) == [("mart.x", "insert")]
