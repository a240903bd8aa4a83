"""What Spark calls columns without an alias. The right-hand sides are what Spark 4.3 answered."""

from __future__ import annotations

import pytest

from tools.jobs import read_job
from tools.plan.catalog import DictCatalog

CATALOG = DictCatalog(
    {
        "d.t": [
            ("a", "double"), ("b", "double"), ("s", "string"), ("t", "string"), ("d", "date"), ("ts", "timestamp"),
            ("arr", "array<string>"), ("m", "map<string,string>"), ("st", "struct<x:string>"),
        ]
    }
)  # fmt: skip

NAMES: list[tuple[str, list[str]]] = [
    ('F.upper("s")', ["upper(s)"]),
    ('F.col("a") + F.col("b")', ["(a + b)"]),
    ('F.col("a") * 2 - 1', ["((a * 2) - 1)"]),
    ('1 - F.col("a")', ["(1 - a)"]),
    ('-F.col("a")', ["negative(a)"]),
    ('F.col("a") ** 2', ["POWER(a, 2)"]),
    ('F.col("a") != 1', ["(NOT (a = 1))"]),
    ('(F.col("a") > 1) & (F.col("b") < 2)', ["((a > 1) AND (b < 2))"]),
    ('(F.col("a") > 1) | ~(F.col("b") < 2)', ["((a > 1) OR (NOT (b < 2)))"]),
    ('F.col("a").cast("int")', ["a"]),
    ('(F.col("a") + 1).cast("string")', ["CAST((a + 1) AS STRING)"]),
    ('F.sum(F.col("a").cast("double"))', ["sum(CAST(a AS DOUBLE))"]),
    ('F.col("a").isNotNull()', ["(a IS NOT NULL)"]),
    ('F.col("s").isin("x", "y")', ["(s IN (x, y))"]),
    ('F.col("s").like("a%")', ["s LIKE a%"]),
    ('F.when(F.col("a") > 1, F.lit(1)).otherwise(0)', ["CASE WHEN (a > 1) THEN 1 ELSE 0 END"]),
    ('F.lit("x y")', ["x y"]),
    ("F.lit(None)", ["NULL"]),
    ('F.count("*")', ["count(1)"]),
    ('F.countDistinct("a", "b")', ["count(DISTINCT a, b)"]),
    ('F.sum_distinct("a")', ["sum(DISTINCT a)"]),
    ('F.round(F.sum("a"), 2)', ["round(sum(a), 2)"]),
    ('F.sum("a") / F.count("*")', ["(sum(a) / count(1))"]),
    ('F.mean("a")', ["avg(a)"]),
    ('F.first("a", ignorenulls=True)', ["first(a)"]),
    ('F.percentile_approx("a", 0.5)', ["percentile_approx(a, 0.5, 10000)"]),
    ('F.concat_ws("-", "s", "t")', ["concat_ws(-, s, t)"]),
    ('F.regexp_replace("s", "x", "y")', ["regexp_replace(s, x, y, 1)"]),
    ('F.split("s", ",")', ["split(s, ,, -1)"]),
    ('F.unix_timestamp("ts")', ["unix_timestamp(ts, yyyy-MM-dd HH:mm:ss)"]),
    ('F.struct("a", "b")', ["struct(a, b)"]),
    ('F.col("st.x")', ["x"]),
    ('F.col("st")["x"]', ["st.x"]),
    ('F.col("m")["k"]', ["m[k]"]),
    ('F.col("arr")[0]', ["arr[0]"]),
    ('F.explode("arr")', ["col"]),
    ('F.explode("m")', ["key", "value"]),
    ('F.posexplode("arr")', ["pos", "col"]),
    ('F.transform("arr", lambda x: F.upper(x))',
     ["transform(arr, lambdafunction(upper(namedlambdavariable()), namedlambdavariable()))"]),
    ('F.row_number().over(W.partitionBy("s").orderBy("a"))',
     ["row_number() OVER (PARTITION BY s ORDER BY a ASC NULLS FIRST ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)"]),
    ('F.sum("a").over(W.partitionBy("s"))',
     ["sum(a) OVER (PARTITION BY s ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING)"]),
    ('F.lag("a", 2, 0).over(W.partitionBy("s").orderBy("d"))',
     ["lag(a, 2, 0) OVER (PARTITION BY s ORDER BY d ASC NULLS FIRST ROWS BETWEEN -2 FOLLOWING AND -2 FOLLOWING)"]),
    ('F.expr("a between 1 and 2")', ["between(a, 1, 2)"]),
    ('F.expr("s || t")', ["concat(s, t)"]),
    ('F.expr("date_sub(current_date(), 1)")', ["date_sub(current_date(), 1)"]),
    ('F.expr("if(a > 1, \'x\', s)")', ["(IF((a > 1), x, s))"]),
    ('F.expr("a is not null and b > 1 or not (s = \'x\')")', ["(((a IS NOT NULL) AND (b > 1)) OR (NOT (s = x)))"]),
    ('F.expr("cast(s as decimal(10,2)) * 2")', ["(CAST(s AS DECIMAL(10,2)) * 2)"]),
    ('F.expr("count(distinct s)")', ["count(DISTINCT s)"]),
    ('F.expr("year(d)")', ["year(d)"]),
]  # fmt: skip


@pytest.mark.parametrize(("code", "names"), NAMES, ids=[n[0] for n in NAMES])
def test_generated_names(code: str, names: list[str]) -> None:
    text = (
        "from pyspark.sql import SparkSession, functions as F, Window as W\n"
        f"SparkSession.builder.getOrCreate().table('d.t').select({code}).write.saveAsTable('m.x')\n"
    )
    reading = read_job(text, name="job", file="job.py", catalog=CATALOG)
    assert [a.column for a in reading.plan.writes[0].assignments] == names
    assert not reading.unknowns
