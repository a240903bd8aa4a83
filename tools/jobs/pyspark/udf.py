"""Functions of the job that run on data: their bodies are not read, their results carry their arguments."""

from __future__ import annotations

from dataclasses import dataclass

from tools.jobs.pyspark.functions import udf_call
from tools.jobs.python.site import Arguments, Site
from tools.jobs.python.text import text_of
from tools.jobs.python.values import NOTHING, Bound, ClassValue, Function, Host, Native, Value


@dataclass(eq=False, frozen=True, slots=True)
class Udf(Host):
    """A function made by `udf` or `pandas_udf`."""

    name: str
    aggregates: bool = False

    def call(self, arguments: Arguments, site: Site) -> Value:
        """Its value on columns."""
        return udf_call(self.name, arguments.all, site, aggregates=self.aggregates)

    def attribute(self, name: str, site: Site) -> Value:
        """`asNondeterministic()` and its like leave it what it is."""
        if name == "__name__":
            return self.name
        if name in ("func", "returnType", "evalType"):
            return site.undecided(f"{name} of a udf")
        return Native(name, lambda site, values, keywords: self)


def make_udf(site: Site, given: list[Value], keywords: dict[str, Value]) -> Value:
    """`udf(f, type)`, `@udf`, `@udf(type)`, `pandas_udf(...)`."""
    function = keywords.get("f") or next(
        (g for g in given if isinstance(g, Function | Bound | Native | ClassValue)), None
    )
    if function is None:
        aggregating = any("agg" in str(text_of(v) or "").lower() for v in [*given, *keywords.values()])
        return Native("udf", lambda site, inner: Udf(_name(inner), aggregating or _is_reducing(inner)), ("f",))
    return Udf(_name(function), _is_reducing(function))


def _name(function: Value) -> str:
    inner = function.function if isinstance(function, Bound) else function
    return str(getattr(inner, "name", "udf"))


def _is_reducing(function: Value) -> bool:
    """A pandas UDF from Series to a single value aggregates; its annotations tell."""
    import ast

    if not isinstance(function, Function) or not isinstance(function.node, ast.FunctionDef):
        return False
    takes = [ast.unparse(a.annotation) for a in function.node.args.args if a.annotation is not None]
    gives = ast.unparse(function.node.returns) if function.node.returns is not None else ""
    series = any(t.endswith("Series") for t in takes)
    return series and gives in ("float", "int", "str", "bool", "double")


def register(site: Site, name: Value, function: Value, return_type: Value) -> Value:
    """`spark.udf.register(name, f)`."""
    if isinstance(name, Function):
        return Udf(name.name)
    return Udf(text_of(name) or "udf", isinstance(function, Udf) and function.aggregates)


FUNCTIONS: dict[str, Native] = {
    "udf": Native("udf", make_udf),
    "pandas_udf": Native("pandas_udf", make_udf),
    "arrow_udf": Native("arrow_udf", make_udf),
    "udtf": Native("udtf", make_udf),
}

__all__ = ["FUNCTIONS", "NOTHING", "Udf", "make_udf", "register"]
