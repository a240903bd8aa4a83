"""`spark.read` and `spark.readStream`."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from tools.jobs.pyspark.column import method
from tools.jobs.pyspark.datasets import (
    TABLE_FORMATS,
    kind_of,
    lowered,
    report_unnamed,
    source_name,
    spelled,
    texts_of,
)
from tools.jobs.pyspark.frame import Frame
from tools.jobs.pyspark.opaque import opaque_frame
from tools.jobs.pyspark.types import schema_columns
from tools.jobs.python.site import Site
from tools.jobs.python.text import text_of
from tools.jobs.python.values import NOTHING, Bound, Host, Native, Value
from tools.plan.catalog import Columns
from tools.plan.relation import Relation

_KAFKA: Columns = (
    ("key", "binary"), ("value", "binary"), ("topic", "string"), ("partition", "int"), ("offset", "bigint"),
    ("timestamp", "timestamp"), ("timestampType", "int"),
)  # fmt: skip
_FIXED: dict[str, Columns] = {
    "kafka": _KAFKA,
    "text": (("value", "string"),),
    "binaryfile": (("path", "string"), ("modificationTime", "timestamp"), ("length", "bigint"), ("content", "binary")),
    "rate": (("timestamp", "timestamp"), ("value", "bigint")),
}
_QUERY = re.compile(r"^\s*\(?\s*(select|with)\b", re.I)


@dataclass(eq=False, frozen=True, slots=True)
class Reader(Host):
    """A DataFrameReader; each setting makes a new one."""

    streaming: bool = False
    format: str | None = None
    options: dict[str, Value] = field(default_factory=dict)
    schema: Value = None

    def attribute(self, name: str, site: Site) -> Value:
        """A setting or an action."""
        found = METHODS.get(name)
        return Bound(found, self) if found is not None else NOTHING


def _format(site: Site, reader: Reader, name: Value) -> Value:
    return replace(reader, format=text_of(name))


def _option(site: Site, reader: Reader, key: Value, value: Value) -> Value:
    text = text_of(key)
    return replace(reader, options={**reader.options, text: value}) if text else reader


def _options(site: Site, reader: Reader, given: list[Value], keywords: dict[str, Value]) -> Value:
    more = dict(keywords)
    for one in given:
        more.update({str(k): v for k, v in one.items()} if isinstance(one, dict) else {})
    return replace(reader, options={**reader.options, **more})


def _schema(site: Site, reader: Reader, schema: Value) -> Value:
    return replace(reader, schema=schema)


def _load(site: Site, reader: Reader, path: Value, format: Value, schema: Value, keywords: dict[str, Value]) -> Value:
    chosen = replace(
        reader,
        format=text_of(format) if format is not None else reader.format,
        schema=schema if schema is not None else reader.schema,
        options={**reader.options, **keywords},
    )
    return load(chosen, path, site)


def load(reader: Reader, path: Value, site: Site) -> Frame:
    """The frame that a reader with these settings gives."""
    named = source_name(reader.format, path, reader.options)
    if named is None:
        if kind_of(reader.format) in ("rate", "socket"):
            return Frame(site.session.scan(f"{reader.format}:", site.span, columns=_FIXED["rate"]))
        site.unknown(f"a reader of format {reader.format} without a name or path", "read")
        return opaque_frame([], f"a reader of format {reader.format} without a name or path", site)
    frame = load_paths(texts_of(named, site), reader.format, reader.schema, site, lowered(reader.options))
    return replace_stream(frame, reader.streaming)


def replace_stream(frame: Frame, streaming: bool) -> Frame:
    """Marks a frame as a stream."""
    frame.streaming = streaming
    return frame


def load_paths(
    names: Sequence[Value], format: str | None, schema: Value, site: Site, options: dict[str, Value] | None = None
) -> Frame:
    """The frame over one data set, or over the union of several."""
    from tools.jobs.pyspark.rows import united_by_name

    frames = [_one(n, format, schema, site, options or {}) for n in names]
    if not frames:
        return opaque_frame([], "a reader without paths", site)
    return frames[0] if len(frames) == 1 else united_by_name(frames, site)


def _one(name: Value, format: str | None, schema: Value, site: Site, options: dict[str, Value]) -> Frame:
    text = text_of(name)
    if text is None:
        site.unknown("reads from a name known only at run time", "read")
        return opaque_frame([], "a read whose name is known only at run time", site)
    place = site.at(name)
    kind = kind_of(format)
    if _QUERY.match(text) and kind in ("jdbc", "redshift", "snowflake"):
        return _query(text, place)
    report_unnamed(text, name, "read", place)
    columns = schema_columns(schema) if schema is not None else _FIXED.get(kind)
    if kind in TABLE_FORMATS and "/" not in text and site.session.view(text) is not None:
        return Frame(site.session.views[text.lower()])
    version = text_of(options.get("versionasof") or options.get("timestampasof") or options.get("snapshot-id"))
    base = without_glob(text) if "/" in text else text
    relation = site.session.scan(spelled(base, format), place.span, columns=columns, format=format, version=version)
    return Frame(relation)


def _query(text: str, site: Site) -> Frame:
    """`dbtable="(SELECT …) t"`: a query that the database answers; its tables are what is read."""
    from tools.jobs.pyspark.sqltext import query_of
    from tools.jobs.python.values import Located

    inner = text.strip()
    if inner.startswith("("):
        inner = inner[1 : inner.rfind(")")] if ")" in inner else inner[1:]
    relation = query_of(Located.at(inner, site.span), site)
    return Frame(relation if relation is not None else Relation.over(opaque_frame([], "a database query", site).op))


def without_glob(path: str) -> str:
    """`s3://b/dir/*.csv` is the data set `s3://b/dir`."""
    parts = path.split("/")
    for index, part in enumerate(parts):
        bare = re.sub(r"\$\{[^{}]*\}", "", part)
        if index > 2 and any(c in bare for c in "*?[{"):
            return "/".join(parts[:index])
    return path


def _by_format(format: str) -> Callable[..., Value]:
    def read(site: Site, reader: Reader, paths: list[Value], keywords: dict[str, Value]) -> Value:
        given = keywords.pop("path", None) or keywords.pop("paths", None)
        schema = keywords.pop("schema", None)
        flat = [p for one in paths for p in (one if isinstance(one, list | tuple) else [one])]
        if format in ("csv", "json") and len(flat) > 1 and not isinstance(paths[0], list):
            schema, flat = (flat[1] if schema is None else schema), flat[:1]
        chosen = replace(reader, format=format, schema=schema if schema is not None else reader.schema)
        chosen = replace(chosen, options={**reader.options, **keywords})
        return load(chosen, flat or given, site) if flat or given is not None else load(chosen, None, site)

    return read


def _jdbc(site: Site, reader: Reader, url: Value, table: Value, rest: list[Value], keywords: dict[str, Value]) -> Value:
    return load(replace(reader, format="jdbc"), table, site)


def _table(site: Site, reader: Reader, name: Value) -> Value:
    from tools.jobs.pyspark.spark import SparkSession, table

    made = table(site, SparkSession(), name)
    return replace_stream(made, reader.streaming) if isinstance(made, Frame) else made


METHODS: dict[str, Native] = {
    "format": method(_format, "source"),
    "option": method(_option, "key", "value"),
    "options": method(_options, "*given", "**keywords"),
    "schema": method(_schema, "schema"),
    "load": method(_load, "path=", "format=", "schema=", "**options"),
    "table": method(_table, "tableName"),
    "jdbc": method(_jdbc, "url", "table", "*rest", "**keywords"),
    **{
        name: method(_by_format(name), "*paths", "**keywords")
        for name in ("parquet", "csv", "json", "orc", "text", "textFile", "xml", "avro", "delta", "excel")
    },
}
