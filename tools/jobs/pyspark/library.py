"""The `pyspark` packages as modules of the interpreter, and the methods that a DataFrame has."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tools.jobs.pyspark import actions, frame, grouping, joining, missing, projection, rows, writer
from tools.jobs.pyspark.column import Column
from tools.jobs.pyspark.delta import DeltaTableType
from tools.jobs.pyspark.function_names import NAMES
from tools.jobs.pyspark.functions import SPECIAL, general
from tools.jobs.pyspark.spark import Quiet, Row, SparkContext, SparkSession
from tools.jobs.pyspark.types import SIMPLE, DataType, Field, TypeConstructor
from tools.jobs.pyspark.udf import FUNCTIONS
from tools.jobs.pyspark.window import WindowSpec
from tools.jobs.python.interpreter import Interpreter
from tools.jobs.python.site import Arguments, Site
from tools.jobs.python.values import Host, Module, Native, Value

frame.METHODS.update(
    {
        **actions.METHODS,
        **rows.METHODS,
        **projection.METHODS,
        **joining.METHODS,
        **grouping.FRAME_METHODS,
        **missing.METHODS,
        **writer.FRAME_METHODS,
    }
)
frame.PROPERTIES.update({**actions.PROPERTIES, **writer.FRAME_PROPERTIES})


@dataclass(eq=False, frozen=True, slots=True)
class Kind(Host):
    """A class that job code names in annotations and `isinstance`."""

    name: str
    instances: type

    def attribute(self, name: str, site: Site) -> Value:
        """An unbound method (`DataFrame.unionAll` in a reduce)."""
        from tools.jobs.python.values import NOTHING

        return frame.METHODS.get(name, NOTHING) if self.name == "DataFrame" else NOTHING


@dataclass(eq=False, frozen=True, slots=True)
class Notebook(Host):
    """`dbutils`: widgets are job arguments, the rest moves no data or is known only at run time."""

    part: str = "dbutils"

    def attribute(self, name: str, site: Site) -> Value:
        """A part of it, or `widgets.get`."""
        if self.part == "dbutils.widgets" and name in ("get", "getArgument"):
            return Native(name, _widget, ("name", "*default"))
        return Notebook(f"{self.part}.{name}")

    def call(self, arguments: Arguments, site: Site) -> Value:
        """What only a run knows."""
        return site.undecided(f"{self.part}(…) answers at run time")


def _widget(site: Site, name: Value, default: list[Value]) -> Value:
    from tools.jobs.python.values import HoleDict

    text = str(name)
    return site.session.arguments.get(text) or HoleDict().hole(text, site.span)


DATA_FRAME = Kind("DataFrame", frame.Frame)
COLUMN = Kind("Column", Column)

FUNCTION_MEMBERS: dict[str, Value] = {
    **{name: general(name) for name in NAMES},
    **SPECIAL,
    **FUNCTIONS,
}


def _other_function(name: str, site: Site) -> Value:
    return general(name)


def functions_module(interpreter: Interpreter) -> Module:
    """`pyspark.sql.functions`."""
    return Module("pyspark.sql.functions", FUNCTION_MEMBERS, _other_function)


TYPE_MEMBERS: dict[str, Value] = {
    **{name: TypeConstructor(name, DataType) for name in SIMPLE},
    **{
        name: TypeConstructor(name, DataType)
        for name in ("DecimalType", "ArrayType", "MapType", "VarcharType", "CharType", "StructType", "DataType")
    },
    "StructField": TypeConstructor("StructField", Field),
    "Row": Row(),
}


def _fixed(name: str, members: Mapping[str, Value]) -> Callable[[Interpreter], Module]:
    return lambda interpreter: Module(name, members)


def _sql_module(interpreter: Interpreter) -> Module:
    from tools.jobs.python.imports import load

    site = Site(interpreter, _nowhere(interpreter))
    members: dict[str, Value] = {
        "SparkSession": SparkSession(),
        "SQLContext": SparkSession(),
        "HiveContext": SparkSession(),
        "DataFrame": DATA_FRAME,
        "Column": COLUMN,
        "Row": Row(),
        "Window": WindowSpec(),
        "functions": load(interpreter, "pyspark.sql.functions", site),
        "types": load(interpreter, "pyspark.sql.types", site),
    }
    return Module("pyspark.sql", members)


def _nowhere(interpreter: Interpreter):  # type: ignore[no-untyped-def]
    from tools.plan.base import Span

    return Span(interpreter.session.file, 1)


def _root_module(interpreter: Interpreter) -> Module:
    from tools.jobs.python.imports import load

    site = Site(interpreter, _nowhere(interpreter))
    members: dict[str, Value] = {
        "SparkContext": SparkContext(),
        "SparkConf": SparkContext(),
        "SQLContext": SparkSession(),
        "StorageLevel": Quiet("StorageLevel"),
        "Row": Row(),
        "sql": load(interpreter, "pyspark.sql", site),
    }
    return Module("pyspark", members)


MODULES: dict[str, Callable[[Interpreter], Module]] = {
    "pyspark": _root_module,
    "pyspark.sql": _sql_module,
    "pyspark.sql.functions": functions_module,
    "pyspark.sql.types": _fixed("pyspark.sql.types", TYPE_MEMBERS),
    "pyspark.sql.window": _fixed("pyspark.sql.window", {"Window": WindowSpec(), "WindowSpec": WindowSpec()}),
    "pyspark.sql.dataframe": _fixed("pyspark.sql.dataframe", {"DataFrame": DATA_FRAME}),
    "pyspark.sql.column": _fixed("pyspark.sql.column", {"Column": COLUMN}),
    "pyspark.sql.session": _fixed("pyspark.sql.session", {"SparkSession": SparkSession()}),
    **{
        name: _fixed(name, {"DeltaTable": DeltaTableType()})
        for name in ("delta", "delta.tables", "io.delta.tables", "delta.pip_utils")
    },
    "pyspark.context": _fixed("pyspark.context", {"SparkContext": SparkContext()}),
    "pyspark.conf": _fixed("pyspark.conf", {"SparkConf": SparkContext()}),
}
BUILTINS: dict[str, Value] = {
    "spark": SparkSession(),
    "sc": SparkContext(),
    "sqlContext": SparkSession(),
    "dbutils": Notebook(),
}

__all__ = ["BUILTINS", "MODULES", "Native"]
