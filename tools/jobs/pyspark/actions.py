"""DataFrame methods that bring rows to Python, or hand them to code that is not read; and what scripts ask of schemas."""

from __future__ import annotations

from collections.abc import Callable

from tools.jobs.pyspark.column import method
from tools.jobs.pyspark.frame import Frame
from tools.jobs.pyspark.missing import Missing
from tools.jobs.pyspark.names import RestName
from tools.jobs.pyspark.opaque import opaque_frame
from tools.jobs.pyspark.spark import Quiet, Rdd, SparkSession
from tools.jobs.pyspark.types import DataType, schema_columns, struct_of
from tools.jobs.python.site import Site
from tools.jobs.python.values import Native, OpenList, Value


def _result(what: str) -> Callable[..., Value]:
    def call(site: Site, frame: Frame, given: list[Value], keywords: dict[str, Value]) -> Value:
        return site.undecided(what, Rdd((frame,)))  # rows, not a frame: `row["c"]` is a value

    return call


def _nothing(site: Site, frame: Frame, given: list[Value], keywords: dict[str, Value]) -> Value:
    return None


def _mapped(
    site: Site, frame: Frame, function: Value, schema: Value, rest: list[Value], keywords: dict[str, Value]
) -> Value:
    columns = schema_columns(schema)
    return opaque_frame(
        [frame],
        "Python code on batches of rows is not read",
        site,
        [n for n, _ in columns or ()],
        complete=columns is not None,
        types=[t for _, t in columns or ()],
    )


def _opaque(reason: str) -> Callable[..., Value]:
    def call(site: Site, frame: Frame, given: list[Value], keywords: dict[str, Value]) -> Value:
        return opaque_frame([frame], reason, site)

    return call


def _foreach(site: Site, frame: Frame, function: Value) -> Value:
    site.unknown("rows are handed to Python code that is not read", "write")
    return None


def _columns(site: Site, frame: Frame) -> Value:
    names: list[Value] = list(frame.names)
    if not frame.is_open:
        return names
    return OpenList([*names, RestName.of(frame.relation.open, frame.names)])


def _schema(site: Site, frame: Frame) -> Value:
    return struct_of([(a.name, DataType(a.type or "?")) for a in frame.relation.shown], frame.is_open)


def _dtypes(site: Site, frame: Frame) -> Value:
    pairs: list[Value] = [(a.name, _type_name(a.type, site)) for a in frame.relation.shown]
    if not frame.is_open:
        return pairs
    return OpenList([*pairs, (RestName.of(frame.relation.open, frame.names), site.undecided("a column's type"))])


def _type_name(type_text: str | None, site: Site) -> Value:
    return type_text if type_text is not None else site.undecided("a column's type")


METHODS: dict[str, Native] = {
    **{
        name: method(_result(f"what {name}() gives depends on the data"), "*args", "**kwargs")
        for name in (
            "count", "collect", "first", "head", "take", "tail", "isEmpty", "toPandas", "toLocalIterator", "toJSON",
            "approxQuantile", "corr", "cov", "inputFiles", "semanticHash", "sameSemantics", "toArrow",
        )
    },
    **{
        name: method(_nothing, "*args", "**kwargs")
        for name in ("show", "printSchema", "explain", "display", "createOrReplaceGlobalTempView_")
    },
    "mapInPandas": method(_mapped, "func", "schema", "*args", "**kwargs"),
    "mapInArrow": method(_mapped, "func", "schema", "*args", "**kwargs"),
    "pandas_api": method(_opaque("pandas code on Spark is not read"), "*args", "**kwargs"),
    "to_pandas_on_spark": method(_opaque("pandas code on Spark is not read"), "*args", "**kwargs"),
    "crosstab": method(_opaque("a contingency table: its columns are known only from the data"), "*args", "**kwargs"),
    "freqItems": method(_opaque("frequent items"), "*args", "**kwargs"),
    "foreach": method(_foreach, "f"),
    "foreachPartition": method(_foreach, "f"),
}  # fmt: skip
PROPERTIES: dict[str, Callable[[Site, Frame], Value]] = {
    "columns": _columns,
    "schema": _schema,
    "dtypes": _dtypes,
    "na": lambda site, frame: Missing(frame),
    "stat": lambda site, frame: frame,
    "rdd": lambda site, frame: Rdd((frame,)),
    "sparkSession": lambda site, frame: SparkSession(),
    "sql_ctx": lambda site, frame: SparkSession(),
    "isStreaming": lambda site, frame: frame.streaming,
    "storageLevel": lambda site, frame: Quiet("storageLevel"),
    "_jdf": lambda site, frame: Quiet("_jdf"),
}
