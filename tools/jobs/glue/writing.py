"""Where a DynamicFrame is written: options, the catalog, JDBC connections and sinks."""

from __future__ import annotations

from dataclasses import dataclass, field

from tools.jobs.glue.dynamic_frame import DynamicFrame, dynamic
from tools.jobs.glue.options import dataset_of
from tools.jobs.pyspark.frame import Frame
from tools.jobs.pyspark.writer import write_frame
from tools.jobs.python.site import Site
from tools.jobs.python.text import concatenate, text_of
from tools.jobs.python.values import NOTHING, Bound, Host, Native, Value
from tools.plan.model import WriteKind


def write_options(dyf: DynamicFrame, connection: Value, options: Value, format: Value, site: Site) -> None:
    """Writes to what connection options name."""
    named = dataset_of(connection, options, site, "write")
    partitions = options.get("partitionKeys") if isinstance(options, dict) else None
    keys = tuple(t for t in (text_of(p) for p in partitions) if t) if isinstance(partitions, list | tuple) else ()
    if named is None:
        write_frame(dyf.frame, None, "insert", site)
        return
    kind: WriteKind = (
        "overwrite" if isinstance(options, dict) and text_of(options.get("mode")) == "overwrite" else "insert"
    )
    write_frame(
        dyf.frame,
        named.name,
        kind,
        site,
        partitions=keys,
        format=named.scheme or text_of(format),
        alias=named.alias,
    )


def write_catalog(dyf: DynamicFrame, database: Value, table: Value, site: Site) -> None:
    """Writes to a catalog table."""
    name = table_name(database, table)
    write_frame(dyf.frame, name, "insert", site)


def table_name(database: Value, table: Value) -> Value:
    """`database.table`."""
    if table is None:
        return None
    return concatenate([database, ".", table]) if database is not None else table


def write_jdbc(dyf: DynamicFrame, connection: Value, options: Value, site: Site) -> None:
    """Writes to a table of a database that a Glue connection names."""
    given = options if isinstance(options, dict) else {}
    table = given.get("dbtable")
    database = text_of(given.get("database"))
    alias = f"{database}.{text_of(table)}" if database and table is not None else None
    write_frame(dyf.frame, table, "insert", site, format="jdbc", alias=alias)


@dataclass(eq=False, slots=True)
class Sink(Host):
    """`glueContext.getSink(...)`: set up in steps, then written to."""

    connection: Value
    options: dict[str, Value]
    state: dict[str, Value] = field(default_factory=dict)

    def attribute(self, name: str, site: Site) -> Value:
        """`setFormat`, `setCatalogInfo`, `writeFrame`."""
        found = _SINK.get(name)
        return Bound(found, self) if found is not None else Native(name, lambda site, given, keywords: self)


def _set_catalog(site: Site, sink: Sink, database: Value, table: Value) -> Value:
    site.interpreter.journal.touch(sink.state)
    sink.state["catalog"] = table_name(database, table)
    return sink


def _set_format(site: Site, sink: Sink, format: Value, given: list[Value], keywords: dict[str, Value]) -> Value:
    site.interpreter.journal.touch(sink.state)
    sink.state["format"] = format
    return sink


def _write(site: Site, sink: Sink, frame: Value, given: list[Value], keywords: dict[str, Value]) -> Value:
    dyf = dynamic(frame, site)
    if dyf is None:
        site.unknown("a frame that could not be read is written to a sink", "write")
        return frame
    partitions = sink.options.get("partitionKeys")
    keys = tuple(t for t in (text_of(p) for p in partitions) if t) if isinstance(partitions, list | tuple) else ()
    path = sink.options.get("path")
    catalog = sink.state.get("catalog")
    name = catalog if catalog is not None else path
    if name is None:
        named = dataset_of(sink.connection, sink.options, site, "write")
        name = named.name if named is not None else None
    write_frame(
        dyf.frame,
        name,
        "insert",
        site,
        partitions=keys,
        format=text_of(sink.state.get("format")),
        alias=path if catalog is not None else None,
    )
    return frame


_SINK: dict[str, Native] = {
    "setCatalogInfo": Native("setCatalogInfo", _set_catalog, ("self", "catalogDatabase=", "catalogTableName=")),
    "setFormat": Native("setFormat", _set_format, ("self", "format", "*given", "**keywords")),
    "writeFrame": Native("writeFrame", _write, ("self", "dynamic_frame", "*given", "**keywords")),
    "write": Native("write", _write, ("self", "dynamic_frame", "*given", "**keywords")),
    "writeDataFrame": Native("writeDataFrame", _write, ("self", "data_frame", "*given", "**keywords")),
}

__all__ = ["NOTHING", "Frame", "Sink", "table_name", "write_catalog", "write_jdbc", "write_options"]
