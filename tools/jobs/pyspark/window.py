"""PySpark's Window: partition, order and frame of a window function."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlglot import exp

from tools.jobs.labels import window_label
from tools.jobs.pyspark.column import Column, bare, column_of, method
from tools.jobs.python.site import Site
from tools.jobs.python.values import NOTHING, Bound, Host, Native, Undecided, Value

_EDGES = {"unboundedPreceding": -(1 << 63), "unboundedFollowing": (1 << 63) - 1, "currentRow": 0}


@dataclass(eq=False, frozen=True, slots=True)
class WindowSpec(Host):
    """A window: what `Window.partitionBy(…).orderBy(…)` builds. `Window` itself is the empty one."""

    partition: tuple[Column, ...] = ()
    order: tuple[Column, ...] = ()
    frame: tuple[str, Value, Value] | None = None

    def attribute(self, name: str, site: Site) -> Value:
        """A builder method or a frame edge."""
        if name in _EDGES:
            return _EDGES[name]
        found = METHODS.get(name)
        return Bound(found, self) if found is not None else NOTHING


def _columns(values: list[Value], site: Site) -> tuple[Column, ...]:
    found: list[Column] = []
    for value in values:
        if isinstance(value, list | tuple):
            found.extend(column_of(v, site) for v in value)
        else:
            found.append(column_of(value, site))
    return tuple(found)


def _partition_by(site: Site, spec: WindowSpec, columns: list[Value]) -> Value:
    return replace(spec, partition=_columns(columns, site))


def _order_by(site: Site, spec: WindowSpec, columns: list[Value]) -> Value:
    return replace(spec, order=_columns(columns, site))


def _rows(site: Site, spec: WindowSpec, start: Value, end: Value) -> Value:
    return replace(spec, frame=("ROWS", start, end))


def _range(site: Site, spec: WindowSpec, start: Value, end: Value) -> Value:
    return replace(spec, frame=("RANGE", start, end))


METHODS: dict[str, Native] = {
    "partitionBy": method(_partition_by, "*cols"),
    "orderBy": method(_order_by, "*cols"),
    "rowsBetween": method(_rows, "start", "end"),
    "rangeBetween": method(_range, "start", "end"),
}


def over(column: Column, window: Value, site: Site) -> Value:
    """`column.over(window)`."""
    if not isinstance(window, WindowSpec):
        reason = window.reason if isinstance(window, Undecided) else "not a window"
        site.unknown(f"the window of over() is not known: {reason}")
        window = WindowSpec()
    made = exp.Window(this=bare(column), partition_by=[bare(c) for c in window.partition], over="OVER")
    if window.order:
        made.set("order", exp.Order(expressions=[ordered(c) for c in window.order]))
    if window.frame is not None:
        made.set("spec", _frame(*window.frame))
    return Column(made, f"{column.label} OVER ({window_label(made)})")


def ordered(column: Column) -> exp.Expr:
    """A sort key; ascending with NULLs first, as in Spark, unless the column says otherwise."""
    expression = bare(column)
    return expression if isinstance(expression, exp.Ordered) else exp.Ordered(this=expression, nulls_first=True)


def _frame(kind: str, start: Value, end: Value) -> exp.Expr:
    first, first_side = _edge(start)
    last, last_side = _edge(end)
    return exp.WindowSpec(kind=kind, start=first, start_side=first_side, end=last, end_side=last_side)


def _edge(value: Value) -> tuple[object, str | None]:
    if not isinstance(value, int) or value == 0:
        return "CURRENT ROW", None
    if abs(value) >= 1 << 31:
        return "UNBOUNDED", "PRECEDING" if value < 0 else "FOLLOWING"
    return exp.Literal.number(abs(value)), "PRECEDING" if value < 0 else "FOLLOWING"
