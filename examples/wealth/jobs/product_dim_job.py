"""product_dim_job: raw_products -> dim_product (Glue 5.0)

Runs every weekday at 04:30 UTC. The master data vendor sends every product it has touched since the day before, so
raw_products holds several versions of most products; dim_product keeps the newest one.

product_group is OUR bucketing, the vendor does not know it. Rules and reasons: docs/adr_007_product_bucketing.md.
Changing a bucket moves positions_fact and everything on it, so talk to Risk Analytics first.
"""
import sys

from awsglue.context import GlueContext
from awsglue.dynamicframe import DynamicFrame
from awsglue.job import Job
from awsglue.transforms import ApplyMapping, Filter
from awsglue.utils import getResolvedOptions
from pyspark.context import SparkContext
from pyspark.sql import Window
from pyspark.sql import functions as F

args = getResolvedOptions(sys.argv, ["JOB_NAME"])
glue_context = GlueContext(SparkContext.getOrCreate())
logger = glue_context.get_logger()
job = Job(glue_context)
job.init(args["JOB_NAME"], args)

DATABASE = "wealth"
TARGET_PATH = "s3://arvenhof-lake/tables/wealth/dim_product/"


def product_group():
    """Bucket by economic exposure, not by wrapper: an equity ETF is equity (ADR-007)."""
    code = F.col("category_code")
    return (
        F.when((F.col("asset_class") == "CASH") | (code == "MM"), "LIQUIDITY")
        .when(code.isin("EQ_LC", "EQ_SC", "EQ_EM", "FD_EQ", "ETF_EQ"), "EQUITY")
        .when(code.isin("BD_GOV", "BD_CORP", "BD_HY", "FD_BD", "ETF_BD"), "FIXED_INCOME")
        .when(code == "FD_BAL", "MULTI_ASSET")
        # own bucket since 2026-08-18, was part of ALTERNATIVES before
        .when(code.startswith("STR_"), "STRUCTURED")
        .when(code.isin("PE", "HF", "RE", "CMD"), "ALTERNATIVES")
        # deliberately no otherwise(): a product without category has no group, and that must stay visible
    )


raw = glue_context.create_dynamic_frame.from_catalog(
    database=DATABASE, table_name="raw_products", transformation_ctx="raw"
)

mapped = ApplyMapping.apply(
    frame=raw,
    mappings=[
        ("product_id", "bigint", "product_id", "bigint"),
        ("product_name", "string", "product_name", "string"),
        ("isin", "string", "isin", "string"),
        ("category_code", "string", "category_code", "string"),
        ("instrument_type", "string", "asset_class", "string"),
        ("trading_currency", "string", "currency", "string"),
        ("ongoing_charge", "decimal(9,4)", "expense_ratio", "decimal(9,4)"),
        ("listing_date", "date", "listed_on", "date"),
        ("record_status", "string", "record_status", "string"),
        ("vendor_updated_at", "timestamp", "updated_at", "timestamp"),
    ],
    transformation_ctx="mapped",
)

# the vendor keeps its own test instruments (record_status TEST) in the production file
live = Filter.apply(frame=mapped, f=lambda row: row["record_status"] == "LIVE", transformation_ctx="live")

newest_first = Window.partitionBy("product_id").orderBy(F.col("updated_at").desc())
products = (
    live.toDF()
    .withColumn("version", F.row_number().over(newest_first))
    .filter(F.col("version") == 1)
    .withColumn("product_name", F.trim(F.col("product_name")))
    .withColumn("asset_class", F.upper(F.col("asset_class")))
    .withColumn("product_group", product_group())
    .withColumn("is_complex", F.col("asset_class").isin("STRUCTURED", "ALTERNATIVE"))
    .select(
        "product_id", "product_name", "isin", "product_group", "asset_class", "category_code",
        "currency", "expense_ratio", "is_complex", "listed_on", "updated_at",
    )
)

# from_catalog appends, so empty the folder first
glue_context.purge_s3_path(TARGET_PATH, options={"retentionPeriod": 0})
glue_context.write_dynamic_frame.from_catalog(
    frame=DynamicFrame.fromDF(products, glue_context, "products"),
    database=DATABASE,
    table_name="dim_product",
    transformation_ctx="dim_product",
)

logger.info("dim_product written")
job.commit()
