"""GlueContext, Job and the readers and writers that hang on them."""

from __future__ import annotations

from dataclasses import dataclass

from tools.jobs.glue.dynamic_frame import DynamicFrame, dynamic
from tools.jobs.glue.options import dataset_of
from tools.jobs.glue.writing import Sink, table_name, write_catalog, write_jdbc, write_options
from tools.jobs.pyspark.frame import Frame
from tools.jobs.pyspark.opaque import opaque_frame
from tools.jobs.pyspark.reader import load_paths
from tools.jobs.pyspark.rows import filtered
from tools.jobs.pyspark.spark import METHODS as SESSION_METHODS
from tools.jobs.pyspark.spark import SparkContext, SparkSession, create_data_frame
from tools.jobs.pyspark.sqltext import expression_of
from tools.jobs.python.site import Arguments, Site
from tools.jobs.python.text import text_of
from tools.jobs.python.values import NOTHING, Bound, Host, Native, Value


@dataclass(eq=False, frozen=True, slots=True)
class GlueContext(Host):
    """A GlueContext. All of one job are the same to the reader."""

    is_glue: bool = True

    def call(self, arguments: Arguments, site: Site) -> Value:
        """`GlueContext(sc)`."""
        return self

    def attribute(self, name: str, site: Site) -> Value:
        """Readers, writers, the session."""
        if name in _CONTEXT_MEMBERS:
            return _CONTEXT_MEMBERS[name]
        for prefix, maker in (("create_dynamic_frame_", FrameReader()), ("create_data_frame_", FrameReader(True))):
            if name.startswith(prefix):
                return maker.attribute(name[len(prefix) :], site)
        for prefix in ("write_dynamic_frame_", "write_data_frame_"):
            if name.startswith(prefix):
                return FrameWriter().attribute(name[len(prefix) :], site)
        if name in SESSION_METHODS or name in ("read", "readStream", "udf", "sparkContext"):
            return SparkSession().attribute(name, site)
        return Native(name, lambda site, given, keywords: site.undecided(f"GlueContext.{name}"))


@dataclass(eq=False, frozen=True, slots=True)
class Silent(Host):
    """Loggers and jobs: nothing they do moves data."""

    def attribute(self, name: str, site: Site) -> Value:
        """Any method does nothing."""
        return Native(name, lambda site, given, keywords: None)

    def call(self, arguments: Arguments, site: Site) -> Value:
        """`Job(glueContext)`."""
        return self


@dataclass(eq=False, frozen=True, slots=True)
class FrameReader(Host):
    """`create_dynamic_frame` and `create_data_frame`."""

    as_data_frame: bool = False

    def attribute(self, name: str, site: Site) -> Value:
        """`from_catalog`, `from_options`, `from_rdd`."""
        found = _READERS.get(name)
        return Bound(found, self) if found is not None else NOTHING

    def made(self, frame: Frame, name: Value = None) -> Value:
        """The kind of frame that this reader gives."""
        return frame if self.as_data_frame else DynamicFrame(frame, name)


def _from_catalog(
    site: Site,
    reader: FrameReader,
    database: Value,
    table: Value,
    name_space: Value,
    predicate: Value,
    given: list[Value],
    keywords: dict[str, Value],
) -> Value:
    from tools.jobs.pyspark.datasets import report_unnamed

    name = table_name(database if database is not None else name_space, table)
    text = text_of(name)
    if text is None:
        site.unknown("a table whose name is known only at run time", "read")
        return reader.made(opaque_frame([], "a table whose name is known only at run time", site))
    report_unnamed(text, name, "read", site)
    frame = Frame(site.session.scan(text, site.at(table).span))
    condition = predicate if predicate is not None else keywords.get("push_down_predicate")
    return reader.made(_pushed_down(frame, condition, site), table)


def _pushed_down(frame: Frame, predicate: Value, site: Site) -> Frame:
    """A partition predicate filters rows; one that is not known filters nothing that could be shown."""
    text = text_of(predicate) if predicate is not None else None
    if text is None or not text.strip() or text.strip("${}?").startswith("${"):
        return frame
    if text.startswith("${") and text.endswith("}") and text.count("${") == 1:
        return frame
    parsed = expression_of(predicate, site)
    return filtered(frame, parsed, site) if parsed is not None else frame


def _from_options(
    site: Site,
    reader: FrameReader,
    connection: Value,
    options: Value,
    format: Value,
    given: list[Value],
    keywords: dict[str, Value],
) -> Value:
    named = dataset_of(connection, options, site, "read")
    if named is None:
        reason = f"connection options of {text_of(connection) or 'a connection'} that are known only at run time"
        site.unknown(f"reads from {reason}", "read")
        return reader.made(opaque_frame([], reason, site))
    names = list(named.name) if isinstance(named.name, list | tuple) else [named.name]
    frame = load_paths(names, named.scheme or _source_format(connection, format), None, site)
    return reader.made(frame)


def _source_format(connection: Value, format: Value) -> str | None:
    kind = (text_of(connection) or "").lower()
    if kind in ("mysql", "postgresql", "oracle", "sqlserver", "redshift", "jdbc", "snowflake"):
        return "jdbc"
    return text_of(format) if format is not None else None


def _from_rdd(site: Site, reader: FrameReader, data: Value, given: list[Value], keywords: dict[str, Value]) -> Value:
    made = create_data_frame(site, SparkSession(), data, keywords.get("schema"), [], {})
    return reader.made(made) if isinstance(made, Frame) else made


_READERS: dict[str, Native] = {
    "from_catalog": Native(
        "from_catalog",
        _from_catalog,
        ("self", "database=", "table_name=", "name_space=", "push_down_predicate=", "*given", "**keywords"),
    ),
    "from_options": Native(
        "from_options",
        _from_options,
        ("self", "connection_type=", "connection_options=", "format=", "*given", "**keywords"),
    ),
    "from_rdd": Native("from_rdd", _from_rdd, ("self", "data", "*given", "**keywords")),
}


@dataclass(eq=False, frozen=True, slots=True)
class FrameWriter(Host):
    """`write_dynamic_frame` and `write_data_frame`."""

    def attribute(self, name: str, site: Site) -> Value:
        """`from_catalog`, `from_options`, `from_jdbc_conf`."""
        found = _WRITERS.get(name)
        return Bound(found, self) if found is not None else NOTHING


def _frame_of(values: dict[str, Value], site: Site) -> DynamicFrame | None:
    frame = dynamic(values.get("frame", values.get("frame_or_dfc")), site)
    if frame is None:
        site.unknown("a frame that could not be read is written", "write")
    return frame


def _write_catalog(
    site: Site,
    writer: FrameWriter,
    frame: Value,
    database: Value,
    table: Value,
    name_space: Value,
    given: list[Value],
    keywords: dict[str, Value],
) -> Value:
    from tools.jobs.glue.collection import Collection

    if isinstance(frame, Collection):
        for one in frame.frames.values():
            write_catalog(one, database if database is not None else name_space, table, site)
        return frame
    dyf = _frame_of({"frame": frame}, site)
    if dyf is not None:
        write_catalog(dyf, database if database is not None else name_space, table, site)
    return frame


def _write_options(
    site: Site,
    writer: FrameWriter,
    frame: Value,
    connection: Value,
    options: Value,
    format: Value,
    given: list[Value],
    keywords: dict[str, Value],
) -> Value:
    from tools.jobs.glue.collection import Collection

    if isinstance(frame, Collection):
        for one in frame.frames.values():
            write_options(one, connection, options, format, site)
        return frame
    dyf = _frame_of({"frame": frame}, site)
    if dyf is not None:
        write_options(dyf, connection, options, format, site)
    return frame


def _write_jdbc(
    site: Site,
    writer: FrameWriter,
    frame: Value,
    connection: Value,
    options: Value,
    given: list[Value],
    keywords: dict[str, Value],
) -> Value:
    dyf = _frame_of({"frame": frame}, site)
    if dyf is not None:
        write_jdbc(dyf, connection, options, site)
    return frame


_WRITERS: dict[str, Native] = {
    "from_catalog": Native(
        "from_catalog",
        _write_catalog,
        ("self", "frame", "database=", "table_name=", "name_space=", "*given", "**keywords"),
    ),
    "from_options": Native(
        "from_options",
        _write_options,
        ("self", "frame", "connection_type=", "connection_options=", "format=", "*given", "**keywords"),
    ),
    "from_jdbc_conf": Native(
        "from_jdbc_conf",
        _write_jdbc,
        ("self", "frame", "catalog_connection=", "connection_options=", "*given", "**keywords"),
    ),
}


def _get_sink(site: Site, connection: Value, options: dict[str, Value]) -> Value:
    return Sink(connection, dict(options))


def _get_source(site: Site, connection: Value, options: dict[str, Value]) -> Value:
    return Source(connection, dict(options))


@dataclass(eq=False, frozen=True, slots=True)
class Source(Host):
    """`glueContext.getSource(...)`."""

    connection: Value
    options: dict[str, Value]

    def attribute(self, name: str, site: Site) -> Value:
        """`getFrame` reads, settings change nothing."""
        if name in ("getFrame", "getDynamicFrame"):
            return Native(
                name,
                lambda site, given, keywords: _from_options(
                    site, FrameReader(), self.connection, self.options, None, [], {}
                ),
            )
        return Native(name, lambda site, given, keywords: self)


def _for_each_batch(site: Site, frame: Value, function: Value, options: Value) -> Value:
    return site.call(function, frame, site.undecided("a batch number", hole="runtime.batch_id"))


def _ingestion_time(site: Site, frame: Value, granularity: Value) -> Value:
    from sqlglot import exp

    from tools.jobs.pyspark.column import Column
    from tools.jobs.pyspark.projection import with_columns_of
    from tools.jobs.pyspark.promote import as_frame

    base = as_frame(frame, site)
    if base is None:
        return frame
    names = ("ingest_year", "ingest_month", "ingest_day", "ingest_hour", "ingest_minute")
    units = {"day": 3, "hour": 4, "minute": 5}
    now = Column(exp.CurrentTimestamp(), "current_timestamp()")
    return with_columns_of(base, [(n, now) for n in names[: units.get(text_of(granularity) or "day", 3)]], site)


SPARK_CONTEXT = SparkContext()

_CONTEXT_MEMBERS: dict[str, Value] = {
    "spark_session": SparkSession(),
    "create_dynamic_frame": FrameReader(as_data_frame=False),
    "create_data_frame": FrameReader(as_data_frame=True),
    "write_dynamic_frame": FrameWriter(),
    "write_data_frame": FrameWriter(),
    "getSink": Native("getSink", _get_sink, ("connection_type=", "**options")),
    "get_sink": Native("get_sink", _get_sink, ("connection_type=", "**options")),
    "getSource": Native("getSource", _get_source, ("connection_type=", "**options")),
    "get_source": Native("get_source", _get_source, ("connection_type=", "**options")),
    "forEachBatch": Native("forEachBatch", _for_each_batch, ("frame", "batch_function", "options=")),
    "add_ingestion_time_columns": Native(
        "add_ingestion_time_columns", _ingestion_time, ("dataFrame", "timeGranularity=")
    ),
    "get_logger": Native("get_logger", lambda site, given, keywords: Silent()),
}
