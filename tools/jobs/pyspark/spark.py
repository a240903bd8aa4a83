"""SparkSession, SparkContext and what hangs on them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

from tools.jobs.pyspark.column import literal, method
from tools.jobs.pyspark.frame import Frame
from tools.jobs.pyspark.opaque import opaque_frame
from tools.jobs.pyspark.sqltext import query_of
from tools.jobs.pyspark.types import DataType, schema_columns
from tools.jobs.python.site import Arguments, Site
from tools.jobs.python.text import text_of
from tools.jobs.python.values import NOTHING, Bound, Host, Instance, Native, OpenList, Undecided, Value
from tools.plan.model import Values
from tools.plan.relation import Relation


@dataclass(eq=False, frozen=True, slots=True)
class SparkSession(Host):
    """A session. All sessions of one job are the same to the reader."""

    def attribute(self, name: str, site: Site) -> Value:
        """Readers, `sql`, `table` and the rest."""
        from tools.jobs.pyspark.reader import Reader

        if name in ("read", "readStream"):
            return Reader(streaming=name == "readStream")
        if name in _PARTS:
            return Quiet(name)
        if name == "udf":
            return Registry()
        if name in ("catalog", "conf"):
            return CATALOG if name == "catalog" else CONF
        if name == "builder":
            return Builder()
        if name == "sparkContext":
            return SparkContext()
        found = METHODS.get(name)
        return Bound(found, self) if found is not None else NOTHING

    def call(self, arguments: Arguments, site: Site) -> Value:
        """`SparkSession(sc)`."""
        return self


_PARTS = frozenset(("streams", "_jsparkSession", "_jvm", "_sc", "_jsc", "client", "dataSource", "version_"))


@dataclass(eq=False, frozen=True, slots=True)
class Builder(Host):
    """`SparkSession.builder`: every setting leaves it what it is."""

    def attribute(self, name: str, site: Site) -> Value:
        """`getOrCreate()` and `create()` give the session."""
        if name in ("getOrCreate", "create"):
            return Native(name, lambda site, values, keywords: SparkSession())
        return Native(name, lambda site, values, keywords: self)

    def call(self, arguments: Arguments, site: Site) -> Value:
        """Some scripts write `SparkSession.builder()`."""
        return self


@dataclass(eq=False, frozen=True, slots=True)
class SparkContext(Host):
    """SparkContext, SQLContext's and GlueContext's base; also SparkConf, which only collects settings."""

    def attribute(self, name: str, site: Site) -> Value:
        """What jobs take from a context."""
        if name in ("getOrCreate", "setLogLevel", "addPyFile", "addFile", "setJobGroup", "setLocalProperty", "stop"):
            return Native(name, lambda site, values, keywords: self)
        if name == "broadcast":
            return Native(name, lambda site, values, keywords: Broadcast(values[0] if values else None))
        if name in ("textFile", "wholeTextFiles", "binaryFiles"):
            return Native(name, lambda site, values, keywords: _text_file(site, values))
        if name in ("parallelize", "emptyRDD"):
            return Native(name, lambda site, values, keywords: Rdd((), tuple(values[:1])))
        if name in ("_jvm", "_jsc", "_conf", "_gateway", "statusTracker"):
            return Quiet(name)
        return Native(name, lambda site, values, keywords: site.undecided(f"SparkContext.{name}"))

    def call(self, arguments: Arguments, site: Site) -> Value:
        """`SparkContext(conf=…)`, `SQLContext(sc)`."""
        return self


@dataclass(eq=False, frozen=True, slots=True)
class Broadcast(Host):
    """A broadcast variable."""

    held: Value

    def attribute(self, name: str, site: Site) -> Value:
        """`value`."""
        return self.held if name == "value" else Native(name, lambda site, values, keywords: None)


@dataclass(eq=False, frozen=True, slots=True)
class Quiet(Host):
    """Things that move no data: whatever is asked or called, nothing is known of the answer."""

    name: str

    def attribute(self, name: str, site: Site) -> Value:
        """More of the same."""
        return Quiet(f"{self.name}.{name}")

    def call(self, arguments: Arguments, site: Site) -> Value:
        """An answer that only a run knows."""
        return site.undecided(f"{self.name}()")

    def truth(self, site: Site) -> bool | None:
        """Not known."""
        return None


CONF = Quiet("conf")


@dataclass(eq=False, frozen=True, slots=True)
class Catalog(Host):
    """`spark.catalog`."""

    def attribute(self, name: str, site: Site) -> Value:
        """The database can be set; other things are asked of the metastore at run time."""
        if name == "setCurrentDatabase":
            return Native(name, _set_database, ("dbName",))
        if name in ("dropTempView", "dropGlobalTempView"):
            return Native(name, _drop_view, ("viewName",))
        if name == "currentDatabase":
            return Native(name, lambda site, values, keywords: site.session.current_database or "default")
        return Native(name, lambda site, values, keywords: site.undecided(f"catalog.{name}() asks the metastore"))


CATALOG = Catalog()


def _set_database(site: Site, name: Value) -> Value:
    text = text_of(name)
    if text:
        site.session.current_database = text.lower()
    return None


def _drop_view(site: Site, name: Value) -> Value:
    text = text_of(name)
    if text:
        site.interpreter.journal.touch(site.session.views)
        site.session.views.pop(text.lower(), None)
    return True


@dataclass(eq=False, frozen=True, slots=True)
class Registry(Host):
    """`spark.udf`."""

    def attribute(self, name: str, site: Site) -> Value:
        """`register(name, f)`: SQL texts may use the function by that name; what it computes is not read."""
        from tools.jobs.pyspark.udf import register

        return Native(name, register, ("name", "f=", "returnType="))


# --------------------------------------------------------------------------- session methods


def table(site: Site, session: Host, name: Value) -> Value:
    """`spark.table(name)`: a temporary view of that name, else the table."""
    text = text_of(name)
    if text is None:
        site.unknown("a table whose name is known only at run time", "read")
        return opaque_frame([], "a table whose name is known only at run time", site)
    return table_frame(text, site.at(name), name)


def table_frame(text: str, site: Site, name: Value = None) -> Frame:
    """The frame over a view or table."""
    from tools.jobs.pyspark.datasets import report_unnamed

    view = site.session.view(text)
    if view is not None:
        return Frame(view)
    report_unnamed(text, name, "read", site)
    return Frame(site.session.scan(text, site.span))


def sql(site: Site, session: Host, text: Value, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    """`spark.sql(text)`."""
    relation = query_of(_with_parameters(text, [*arguments, keywords.get("args")], keywords, site), site)
    if relation is None:
        return Frame(Relation(Values([], [], span=site.span)))
    return Frame(relation)


def _with_parameters(text: Value, given: list[Value], keywords: dict[str, Value], site: Site) -> Value:
    """`spark.sql("… {df} …", df=frame)`: frames become views of that name, other values literals."""
    from tools.jobs.python.values import Located, Partial

    known = text_of(text)
    if known is None or "{" not in known:
        return text
    for name, value in keywords.items():
        if isinstance(value, Frame):
            site.interpreter.journal.touch(site.session.views)
            site.session.create_view(name, value.relation)
            known = known.replace(f"{{{name}}}", name)
        elif isinstance(value, str | int | float):
            known = known.replace(f"{{{name}}}", literal(value, site).expression.sql("spark"))
    if isinstance(text, Located):
        return Located.at(known, text.span)
    return Partial(known) if isinstance(text, Partial) else known


def create_data_frame(
    site: Site, session: Host, data: Value, schema: Value, rest: list[Value], keywords: dict[str, Value]
) -> Value:
    """`createDataFrame(data, schema)`: rows that the script states, or what other code made."""
    inputs = frames_in(data)
    columns = _stated_columns(data, schema, site)
    if inputs:
        names = [n for n, _ in columns or ()]
        return opaque_frame(inputs, "a frame made from rows that code has worked on", site, names, complete=bool(names))
    rows = data if isinstance(data, list) and not isinstance(data, OpenList) else []
    if columns is None:
        reason = data.reason if isinstance(data, Undecided) else "its columns are known only at run time"
        return opaque_frame([], f"createDataFrame: {reason}", site)
    return Frame(Relation.over(_values(rows, columns, site)))


def frames_in(value: Value) -> list[Frame]:
    """The frames whose rows a value was made from."""
    if isinstance(value, Rdd):
        return list(value.frames)
    if isinstance(value, Undecided):
        return [f for i in value.inputs for f in ([i] if isinstance(i, Frame) else frames_in(i))]
    if isinstance(value, list | tuple):
        return [f for v in value[:20] for f in frames_in(v)]
    if isinstance(value, dict):
        return [f for v in list(value.values())[:20] for f in frames_in(v)]
    return []


def _stated_columns(data: Value, schema: Value, site: Site) -> list[tuple[str, str | None]] | None:
    if isinstance(schema, list | tuple) and not isinstance(schema, OpenList):
        names = [text_of(n) for n in schema]
        return [(n, None) for n in names if n is not None] if None not in names else None
    stated = schema_columns(schema) if schema is not None else None
    if stated is not None:
        return stated
    first = data[0] if isinstance(data, list | tuple) and data else None
    if isinstance(first, dict):
        return [(str(k), None) for k in first]
    if isinstance(first, Row):
        return [(n, None) for n in first.names]
    if isinstance(first, Instance):
        return [(n, None) for n in first.attributes]
    if isinstance(first, tuple | list):
        return [(f"_{i + 1}", None) for i in range(len(first))]
    return None


def _values(rows: list[Value], columns: list[tuple[str, str | None]], site: Site) -> Values:
    ids = site.session.ids
    attributes = [ids.attribute(n, t) for n, t in columns]
    cells = [_cells(r, [n for n, _ in columns], site) for r in rows[:1000]]
    return Values(attributes, cells, span=site.span)


def _cells(row: Value, names: list[str], site: Site) -> list[exp.Expr]:
    if isinstance(row, dict):
        values = [row.get(n) for n in names]
    elif isinstance(row, Row):
        values = [dict(zip(row.names, row.values, strict=False)).get(n) for n in names]
    elif isinstance(row, tuple | list):
        values = list(row)
    else:
        values = [row]
    made = [literal(v, site).expression for v in values[: len(names)]]
    return [*made, *(exp.Null() for _ in range(len(names) - len(made)))]


@dataclass(eq=False, frozen=True, slots=True)
class Row(Host):
    """`Row(a=1, b=2)`."""

    names: tuple[str, ...] = ()
    values: tuple[Value, ...] = ()

    def call(self, arguments: Arguments, site: Site) -> Value:
        """`Row("a", "b")` names columns, which a second call fills."""
        if self.names and not self.values:
            return Row(self.names, tuple(arguments.positional))
        if arguments.keywords:
            return Row(tuple(arguments.keywords), tuple(arguments.keywords.values()))
        texts = [text_of(p) for p in arguments.positional]
        return Row(tuple(t for t in texts if t is not None), ()) if None not in texts else Row()

    def attribute(self, name: str, site: Site) -> Value:
        """A field."""
        found = dict(zip(self.names, self.values, strict=False))
        if name == "asDict":
            return Native(name, lambda site, values, keywords: dict(found))
        return found.get(name, NOTHING)

    def item(self, key: Value, site: Site) -> Value:
        """A field by name or position."""
        if isinstance(key, int) and key < len(self.values):
            return self.values[key]
        return dict(zip(self.names, self.values, strict=False)).get(str(key), site.undecided("a field of a row"))


def spark_range(site: Site, session: Host, bounds: list[Value], keywords: dict[str, Value]) -> Value:
    """`spark.range(n)`: one column `id`."""
    ids = site.session.ids
    return Frame(Relation.over(Values([ids.attribute("id", "bigint")], [], span=site.span)))


# --------------------------------------------------------------------------- RDDs


@dataclass(eq=False, frozen=True, slots=True)
class Rdd(Host):
    """Rows in Python's hands: code on them is not read, but where they come from is kept."""

    frames: tuple[Frame, ...]
    data: tuple[Value, ...] = ()

    def attribute(self, name: str, site: Site) -> Value:
        """Any method gives more rows; `toDF` a frame."""
        if name == "toDF":
            return Native(name, lambda site, schema: _rdd_frame(self, schema, site), ("schema=",))
        if name in (
            "collect",
            "take",
            "first",
            "count",
            "isEmpty",
            "reduce",
            "getNumPartitions",
            "collectAsMap",
            "max",
            "min",
        ):
            return Native(name, lambda site, values, keywords: site.undecided(f"rdd.{name}()", *self.frames))
        return Native(name, lambda site, values, keywords: self._with(values))

    def _with(self, values: list[Value]) -> Rdd:
        others = tuple(f for v in values if isinstance(v, Rdd) for f in v.frames)
        return Rdd(self.frames + others, ())


def _rdd_frame(rdd: Rdd, schema: Value, site: Site) -> Frame:
    columns = _stated_columns(rdd.data[0] if rdd.data else None, schema, site)
    names = [n for n, _ in columns or ()]
    if not rdd.frames and columns is not None:
        data = rdd.data[0] if rdd.data and isinstance(rdd.data[0], list) else []
        return Frame(Relation.over(_values(data, columns, site)))
    return opaque_frame(rdd.frames, "rows that Python code has worked on", site, names, complete=bool(names))


def _text_file(site: Site, values: list[Value]) -> Value:
    from tools.jobs.pyspark.reader import load_paths

    return Rdd((load_paths(values[:1], "text", None, site),))


_STRUCT = DataType


METHODS: dict[str, Native] = {
    "table": method(table, "tableName"),
    "sql": method(sql, "sqlQuery", "*args", "**kwargs"),
    "createDataFrame": method(create_data_frame, "data", "schema=", "*rest", "**kwargs"),
    "range": method(spark_range, "*bounds", "**kwargs"),
    "newSession": method(lambda site, session: session),
    "getActiveSession": method(lambda site, session: session),
    "stop": method(lambda site, session: None),
    "sessionState": method(lambda site, session: Quiet("sessionState")),
    "setLogLevel": method(lambda site, session, values, keywords: None, "*values", "**keywords"),
    "cacheTable": method(lambda site, session, values, keywords: None, "*values", "**keywords"),
    "registerDataFrameAsTable": method(lambda site, session, df, name: _register(site, df, name), "df", "tableName"),
    "tables": method(lambda site, session, values, keywords: site.undecided("tables()"), "*values", "**keywords"),
}


def _register(site: Site, df: Value, name: Value) -> Value:
    from tools.jobs.pyspark.writer import create_view

    return create_view(site, df, name) if isinstance(df, Frame) else None


Callback = Callable[..., Value]
