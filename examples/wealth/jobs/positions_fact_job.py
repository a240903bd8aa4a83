"""positions_fact_job: customer_positions_daily + dim_product -> positions_fact

The reporting fact: every position with the product attributes of TODAY (dim_product keeps no history), so a product
that moves to another product_group takes its past with it. Finance asked for it that way, see ADR-007.

Runs weekdays at 06:20 UTC, after positions_job and product_dim_job.
owner: data-platform (Lea Brunner), reviewed by finance-reporting for anything that touches market values
"""
import logging
import sys

from awsglue.utils import getResolvedOptions
from pyspark.sql import Column, SparkSession
from pyspark.sql import functions as F

args = getResolvedOptions(sys.argv, ["JOB_NAME"])
logging.basicConfig(level=logging.INFO)
log = logging.getLogger(args["JOB_NAME"])

spark = (
    SparkSession.builder.appName(args["JOB_NAME"])
    # only replace the days we write
    .config("spark.sql.sources.partitionOverwriteMode", "dynamic")
    .enableHiveSupport()
    .getOrCreate()
)

TARGET = "wealth.positions_fact"


def risk_weight(group: Column) -> Column:
    """Internal capital weights per product group, risk committee 2026-08-13. Unclassified counts in full."""
    return (
        F.when(group == "LIQUIDITY", 0.0)
        .when(group == "FIXED_INCOME", 0.35)
        .when(group == "MULTI_ASSET", 0.6)
        .when(group == "STRUCTURED", 1.2)
        .when(group == "ALTERNATIVES", 1.5)
        .otherwise(1.0)
    )


positions = spark.table("wealth.customer_positions_daily")
products = spark.table("wealth.dim_product").select(
    "product_id", "product_name", "product_group", "asset_class", "is_complex"
)

# left join: a position must never vanish from the fact because its master data is late
fact = (
    positions.join(products, "product_id", "left")
    .withColumn(
        "exposure_bucket",
        F.concat(
            F.coalesce(F.col("product_group"), F.lit("UNCLASSIFIED")),
            F.lit("/"),
            F.coalesce(F.col("asset_class"), F.lit("UNKNOWN")),
        ),
    )
    .withColumn("risk_weighted_value", F.round(F.col("market_value") * risk_weight(F.col("product_group")), 2))
    .withColumn("is_complex", F.coalesce(F.col("is_complex"), F.lit(False)))
)

# insertInto goes by position: keep this list in the order of the table
columns = [
    "position_id",
    "customer_id",
    "product_id",
    "product_name",
    "product_group",
    "asset_class",
    "exposure_bucket",
    "is_complex",
    "currency",
    "quantity",
    "market_value",
    "risk_weighted_value",
    "as_of_date",
]
fact.select(*columns).write.mode("overwrite").insertInto(TARGET)
log.info("written %s", TARGET)
