"""positions_job: raw_positions + dim_customer -> customer_positions_daily

Runs every weekday at 05:45 UTC, after both custody feeds are in (runbook: docs/runbook_positions_job.md).
Always rebuilds all days. Late rows and re-deliveries re-open days that were already published, and the whole
table is small enough (4 minutes on 5 G.1X workers) that picking the touched days is not worth the trouble.

owner: data-platform (Jonas Weber)
"""
import logging
import sys

from awsglue.utils import getResolvedOptions
from pyspark.sql import DataFrame, SparkSession, Window
from pyspark.sql import functions as F

args = getResolvedOptions(sys.argv, ["JOB_NAME"])

logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
log = logging.getLogger(args["JOB_NAME"])

SOURCE = "wealth.raw_positions"
TARGET = "wealth.customer_positions_daily"

spark = SparkSession.builder.appName(args["JOB_NAME"]).enableHiveSupport().getOrCreate()


def latest_delivery(df: DataFrame) -> DataFrame:
    """One row per position and day: the custodian's last word wins (ADR-012)."""
    newest_first = Window.partitionBy("position_id", "as_of_date").orderBy(F.col("load_ts").desc())
    return df.withColumn("rn", F.row_number().over(newest_first)).filter(F.col("rn") == 1).drop("rn")


log.info("reading %s", SOURCE)
raw = spark.table(SOURCE)

# dedup BEFORE the status filter: a re-delivery may close a position that the first file still had open
positions = (
    latest_delivery(raw)
    # Luxembourg sends 'active' in lower case since 2026-09-14, see the incident note of that day
    .withColumn("status", F.upper(F.trim(F.col("status"))))
    .filter(F.col("status") == "ACTIVE")
    .filter(F.col("quantity") != 0)
)

# market_value arrives in position currency; Zurich leaves fx_rate empty for EUR positions
valued = (
    positions
    .withColumn(
        "market_value_local",
        F.coalesce(F.col("market_value"), F.col("quantity") * F.col("price")),
    )
    .withColumn("market_value", F.round(F.col("market_value_local") * F.coalesce(F.col("fx_rate"), F.lit(1.0)), 2))
    .withColumn("is_late", F.datediff(F.to_date(F.col("load_ts")), F.col("as_of_date")) > 1)
    .drop("source_system", "fx_rate", "status")
)

customers = spark.table("wealth.dim_customer").select("customer_id", "customer_segment", "country")
enriched = valued.join(customers, on="customer_id", how="left")

# share of the customer's book on that day; guarded, because a book can net to zero (overdraft = deposit)
book = Window.partitionBy("customer_id", "as_of_date")
weighted = (
    enriched
    .withColumn("book_value", F.sum("market_value").over(book))
    .withColumn(
        "portfolio_weight",
        F.when(F.col("book_value") != 0, F.round(F.col("market_value") / F.col("book_value"), 6)),
    )
    .drop("book_value")
)

result = weighted.select(
    "position_id",
    "customer_id",
    "product_id",
    "customer_segment",
    "country",
    "currency",
    "quantity",
    "price",
    "market_value_local",
    "market_value",
    "portfolio_weight",
    "is_late",
    "load_ts",
    "as_of_date",
)

result.write.mode("overwrite").format("parquet").partitionBy("as_of_date").saveAsTable(TARGET)
log.info("written %s", TARGET)
