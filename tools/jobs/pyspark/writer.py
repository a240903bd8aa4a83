"""`df.write`, `df.writeTo`, `df.writeStream` and temporary views."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from tools.jobs.pyspark.column import method
from tools.jobs.pyspark.datasets import report_unnamed, source_name, spelled
from tools.jobs.pyspark.frame import Frame, touch
from tools.jobs.python.site import Site
from tools.jobs.python.text import text_of
from tools.jobs.python.values import NOTHING, Bound, Function, Host, Native, Value
from tools.plan.base import Dataset
from tools.plan.model import WriteKind
from tools.plan.relation import Relation

_KINDS: dict[str, WriteKind] = {"overwrite": "overwrite", "append": "insert", "ignore": "create", "error": "create"}


@dataclass(eq=False, frozen=True, slots=True)
class Writer(Host):
    """A DataFrameWriter; each setting makes a new one."""

    frame: Frame
    mode: str | None = None
    format: str | None = None
    options: dict[str, Value] = field(default_factory=dict)
    partitions: tuple[str, ...] = ()
    streaming: bool = False
    batch: Value = None  # foreachBatch

    def attribute(self, name: str, site: Site) -> Value:
        """A setting or an action."""
        found = METHODS.get(name)
        return Bound(found, self) if found is not None else NOTHING


def write_frame(
    frame: Frame,
    name: Value,
    kind: WriteKind,
    site: Site,
    *,
    by_position: bool = False,
    partitions: tuple[str, ...] = (),
    format: str | None = None,
    alias: Value = None,
) -> None:
    """Records that a frame is written to a named place; one without a name is reported."""
    text = text_of(name)
    if text is None or not text.strip():
        site.unknown("writes to a name known only at run time", "write")
        text = "${?}"
    else:
        report_unnamed(text, name, "write", site)
    target = site.session.dataset(spelled(text, format))
    other = text_of(alias)
    aliases = (site.session.dataset(other),) if other else ()
    for column in partitions:
        touch(frame, column)
    session = site.session
    session.write(
        target,
        frame.relation,
        kind,
        site.span,
        by_position=by_position,
        partitioned_by=partitions,
        format=format,
        aliases=aliases,
    )


def kind_of(mode: str | None, default: WriteKind = "create") -> WriteKind:
    """What a save mode means for the target."""
    return _KINDS.get((mode or "").lower(), default)


# --------------------------------------------------------------------------- settings


def _mode(site: Site, writer: Writer, mode: Value) -> Value:
    return replace(writer, mode=text_of(mode))


def _format(site: Site, writer: Writer, name: Value) -> Value:
    return replace(writer, format=text_of(name))


def _option(site: Site, writer: Writer, key: Value, value: Value) -> Value:
    text = text_of(key)
    return replace(writer, options={**writer.options, text: value}) if text else writer


def _options(site: Site, writer: Writer, given: list[Value], keywords: dict[str, Value]) -> Value:
    more = dict(keywords)
    for one in given:
        more.update({str(k): v for k, v in one.items()} if isinstance(one, dict) else {})
    return replace(writer, options={**writer.options, **more})


def _partition_by(site: Site, writer: Writer, columns: list[Value]) -> Value:
    flat = [c for one in columns for c in (one if isinstance(one, list | tuple) else [one])]
    return replace(writer, partitions=tuple(t for t in (text_of(c) for c in flat) if t))


def _same(site: Site, writer: Writer, given: list[Value], keywords: dict[str, Value]) -> Value:
    return writer


def _output_mode(site: Site, writer: Writer, mode: Value) -> Value:
    text = text_of(mode)
    return replace(writer, mode="overwrite" if text == "complete" else "append")


def _for_each_batch(site: Site, writer: Writer, function: Value) -> Value:
    return replace(writer, batch=function)


# --------------------------------------------------------------------------- actions


def _with(writer: Writer, mode: Value, format: Value, partitions: Value, options: dict[str, Value]) -> Writer:
    chosen = replace(
        writer,
        mode=text_of(mode) if mode is not None else writer.mode,
        format=text_of(format) if format is not None else writer.format,
        options={**writer.options, **options},
    )
    if partitions is not None:
        listed = partitions if isinstance(partitions, list | tuple) else [partitions]
        chosen = replace(chosen, partitions=tuple(t for t in (text_of(p) for p in listed) if t))
    return chosen


def _save(
    site: Site, writer: Writer, path: Value, format: Value, mode: Value, partitions: Value, options: dict[str, Value]
) -> Value:
    chosen = _with(writer, mode, format, partitions, options)
    name = source_name(chosen.format, path, chosen.options)
    alias = _hudi_table(chosen)
    _finish(chosen, name, site, alias=alias)
    return None


def _hudi_table(writer: Writer) -> Value:
    """A Hudi path write may also register a catalog table."""
    given = {str(k).lower(): v for k, v in writer.options.items()}
    database = text_of(given.get("hoodie.datasource.hive_sync.database"))
    table = text_of(given.get("hoodie.datasource.hive_sync.table"))
    return f"{database}.{table}" if database and table else None


def _finish(writer: Writer, name: Value, site: Site, *, by_position: bool = False, alias: Value = None) -> None:
    if writer.batch is not None:
        _run_batch(writer, site)
        if name is None:
            return
    default: WriteKind = "insert" if writer.streaming or by_position else "create"
    write_frame(
        writer.frame,
        name,
        kind_of(writer.mode, default),
        site,
        by_position=by_position,
        partitions=writer.partitions,
        format=writer.format,
        alias=alias,
    )


def _run_batch(writer: Writer, site: Site) -> None:
    """`foreachBatch(f)`: f is read with the frame as its batch."""
    if isinstance(writer.batch, Function | Bound | Native):
        site.call(writer.batch, writer.frame, site.undecided("a batch number", hole="runtime.batch_id"))
    else:
        site.unknown("foreachBatch with a function that is not read", "write")


def _by_format(format: str) -> Callable[..., Value]:
    def save(
        site: Site, writer: Writer, path: Value, mode: Value, partitions: Value, options: dict[str, Value]
    ) -> Value:
        return _save(site, writer, path, format, mode, partitions, options)

    return save


def _save_as_table(
    site: Site, writer: Writer, name: Value, format: Value, mode: Value, partitions: Value, options: dict[str, Value]
) -> Value:
    chosen = _with(writer, mode, format, partitions, options)
    path = next((v for k, v in chosen.options.items() if k.lower() == "path"), None)
    _finish(chosen, name, site, alias=path)
    return None


def _insert_into(site: Site, writer: Writer, name: Value, overwrite: Value) -> Value:
    chosen = replace(writer, mode="overwrite" if overwrite is True else "append" if overwrite is False else writer.mode)
    _finish(chosen, name, site, by_position=True)
    return None


def _jdbc(
    site: Site, writer: Writer, url: Value, table: Value, mode: Value, properties: Value, options: dict[str, Value]
) -> Value:
    _finish(_with(writer, mode, "jdbc", None, options), table, site)
    return None


def _start(
    site: Site, writer: Writer, path: Value, format: Value, mode: Value, partitions: Value, options: dict[str, Value]
) -> Value:
    chosen = _with(writer, None, format, partitions, options)
    if (chosen.format or "") in ("console", "memory", "noop"):
        return site.undecided("a streaming query")
    _finish(chosen, source_name(chosen.format, path, chosen.options), site)
    return site.undecided("a streaming query")


def _to_table(
    site: Site, writer: Writer, name: Value, format: Value, mode: Value, partitions: Value, options: dict[str, Value]
) -> Value:
    _finish(_with(writer, None, format, partitions, options), name, site)
    return site.undecided("a streaming query")


METHODS: dict[str, Native] = {
    "mode": method(_mode, "saveMode"),
    "format": method(_format, "source"),
    "option": method(_option, "key", "value"),
    "options": method(_options, "*given", "**keywords"),
    "partitionBy": method(_partition_by, "*cols"),
    **{
        name: method(_same, "*given", "**keywords")
        for name in ("bucketBy", "sortBy", "clusterBy", "trigger", "queryName")
    },
    "outputMode": method(_output_mode, "outputMode"),
    "foreachBatch": method(_for_each_batch, "func"),
    "foreach": method(_for_each_batch, "f"),
    "save": method(_save, "path=", "format=", "mode=", "partitionBy=", "**options"),
    "saveAsTable": method(_save_as_table, "name", "format=", "mode=", "partitionBy=", "**options"),
    "insertInto": method(_insert_into, "tableName", "overwrite="),
    "jdbc": method(_jdbc, "url", "table", "mode=", "properties=", "**options"),
    "start": method(_start, "path=", "format=", "outputMode=", "partitionBy=", "**options"),
    "toTable": method(_to_table, "tableName", "format=", "outputMode=", "partitionBy=", "**options"),
    "table": method(_to_table, "tableName", "format=", "outputMode=", "partitionBy=", "**options"),
    **{
        name: method(_by_format(name), "path=", "mode=", "partitionBy=", "**options")
        for name in ("parquet", "csv", "json", "orc", "text", "avro", "xml", "delta")
    },
}


# --------------------------------------------------------------------------- writeTo


@dataclass(eq=False, frozen=True, slots=True)
class WriterV2(Host):
    """`df.writeTo(table)`."""

    frame: Frame
    table: Value
    format: str | None = None
    partitions: tuple[str, ...] = ()

    def attribute(self, name: str, site: Site) -> Value:
        """A setting or an action."""
        kind = _V2.get(name)
        if kind is not None:
            return Native(name, lambda site, given, keywords: _write_v2(self, kind, site))
        if name == "using":
            return Native(name, lambda site, provider: replace(self, format=text_of(provider)), ("provider",))
        if name == "partitionedBy":
            return Native(name, lambda site, columns: replace(self, partitions=_partition_names(columns)), ("*cols",))
        return Native(name, lambda site, given, keywords: self)


_V2: dict[str, WriteKind] = {
    "create": "create", "replace": "overwrite", "createOrReplace": "overwrite", "append": "insert",
    "overwrite": "overwrite", "overwritePartitions": "overwrite",
}  # fmt: skip


def _partition_names(columns: list[Value]) -> tuple[str, ...]:
    from sqlglot import exp

    from tools.jobs.pyspark.column import Column

    names: list[str] = []
    for column in columns:
        if isinstance(column, Column):
            found = column.expression.find(exp.Column)
            names += [found.meta.get("name") or found.name] if found is not None else []
        else:
            text = text_of(column)
            names += [text] if text else []
    return tuple(names)


def _write_v2(writer: WriterV2, kind: WriteKind, site: Site) -> Value:
    write_frame(writer.frame, writer.table, kind, site, partitions=writer.partitions, format=writer.format)
    return None


# --------------------------------------------------------------------------- frame methods


def create_view(site: Site, frame: Frame, name: Value) -> Value:
    """`createOrReplaceTempView(name)` and its relatives."""
    text = text_of(name)
    if text is None:
        site.unknown("a view whose name is known only at run time", "table")
        return None
    site.interpreter.journal.touch(site.session.views)
    site.session.create_view(text, _shown(frame, site).relation)
    return None


def _shown(frame: Frame, site: Site) -> Frame:
    from tools.jobs.pyspark.rows import only_shown

    return only_shown(frame, site)


def _write_to(site: Site, frame: Frame, table: Value) -> Value:
    return WriterV2(frame, table)


def _insert_frame(site: Site, frame: Frame, name: Value, overwrite: Value) -> Value:
    return _insert_into(site, Writer(frame), name, overwrite)


FRAME_METHODS: dict[str, Native] = {
    **{
        name: method(create_view, "name")
        for name in (
            "createOrReplaceTempView", "createTempView", "createGlobalTempView", "createOrReplaceGlobalTempView",
            "registerTempTable",
        )
    },
    "writeTo": method(_write_to, "table"),
    "insertInto": method(_insert_frame, "tableName", "overwrite="),
}  # fmt: skip
FRAME_PROPERTIES: dict[str, Callable[[Site, Frame], Value]] = {
    "write": lambda site, frame: Writer(frame),
    "writeStream": lambda site, frame: Writer(frame, streaming=True),
}

__all__ = [
    "FRAME_METHODS",
    "FRAME_PROPERTIES",
    "METHODS",
    "Dataset",
    "Relation",
    "Writer",
    "create_view",
    "write_frame",
]
