"""From what a job says to the name of a data set: tables, paths, and other sources."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal

from tools.jobs.python.site import Site
from tools.jobs.python.text import text_of, why_of
from tools.jobs.python.values import OpenList, Value

# option names that name what is read or written when there is no path, by format; the first that is there counts
_NAMED_BY: dict[str, tuple[str, ...]] = {
    "jdbc": ("dbtable", "query"),
    "redshift": ("dbtable", "query"),
    "snowflake": ("dbtable", "query"),
    "kafka": ("subscribe", "topic", "subscribepattern", "assign"),
    "kinesis": ("streamname", "streamarn"),
    "mongodb": ("collection", "spark.mongodb.input.collection", "spark.mongodb.output.collection", "uri"),
    "dynamodb": ("dynamodb.input.tablename", "dynamodb.output.tablename", "tablename"),
    "es": ("es.resource", "resource", "path"),
    "cassandra": ("table",),
    "bigquery": ("table", "path"),
    "hudi": ("path",),
}  # fmt: skip
_ALIASES = {
    "io.github.spark_redshift_community.spark.redshift": "redshift", "com.databricks.spark.redshift": "redshift",
    "net.snowflake.spark.snowflake": "snowflake", "mongo": "mongodb", "com.mongodb.spark.sql.defaultsource": "mongodb",
    "org.elasticsearch.spark.sql": "es", "elasticsearch": "es", "opensearch": "es",
    "org.apache.spark.sql.cassandra": "cassandra", "aws-kinesis": "kinesis", "sqlserver": "jdbc",
    "postgresql": "jdbc", "mysql": "jdbc", "oracle": "jdbc", "org.apache.hudi": "hudi",
}  # fmt: skip
TABLE_FORMATS = frozenset(("iceberg", "delta", "hudi", "hive"))


def lowered(options: Mapping[str, Value]) -> dict[str, Value]:
    """Options by lower-case name."""
    return {str(k).lower(): v for k, v in options.items()}


def source_name(format: str | None, path: Value, options: Mapping[str, Value]) -> Value:
    """What names the data of a reader or writer: its path, or the option that its format uses."""
    if path is not None:
        return path
    given = lowered(options)
    kind = kind_of(format)
    for key in (*_NAMED_BY.get(kind, ()), "path", "dbtable", "table"):
        if given.get(key) is not None:
            return given[key]
    return None


def kind_of(format: str | None) -> str:
    """The short name of a format."""
    folded = (format or "").lower()
    return _ALIASES.get(folded, folded)


def spelled(name: str, format: str | None) -> str:
    """The name as the session takes it: a path or table as it is, other kinds with their scheme."""
    kind = kind_of(format)
    bare = name.strip()
    if kind in ("kafka", "kinesis", "mongodb", "dynamodb", "es", "cassandra"):
        return bare if bare.startswith(f"{kind}:") else f"{kind}:{bare}"
    return bare


def texts_of(paths: Value, site: Site) -> list[Value]:
    """One path, or several."""
    if isinstance(paths, list | tuple | set) and not isinstance(paths, OpenList):
        return list(paths)
    return list(paths) if isinstance(paths, OpenList) else [paths]


def report_unnamed(text: str, value: Value, kind: Literal["read", "write"], site: Site) -> None:
    """Says that a name has a part that nobody can know before the run."""
    if "${?}" in text or "${runtime" in text:
        reasons = "; ".join(dict.fromkeys(w.reason for w in why_of(value)))
        verb = "reads from" if kind == "read" else "writes to"
        site.unknown(f"{verb} a name known only at run time{f' ({reasons})' if reasons else ''}", kind, text)


def name_text(value: Value) -> str | None:
    """A name with its holes."""
    return text_of(value)


def names_of(values: Sequence[Value]) -> tuple[str, ...]:
    """Texts among values."""
    return tuple(t for t in (text_of(v) for v in values) if t)
