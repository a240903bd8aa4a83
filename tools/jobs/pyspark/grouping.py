"""`groupBy`, `rollup`, `cube`, `pivot` and what follows them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

from sqlglot import exp

from tools.jobs.labels import label_of, output_name
from tools.jobs.pyspark.aggregates import is_aggregate_call
from tools.jobs.pyspark.column import Column, column_of, literal, method, named, unalias
from tools.jobs.pyspark.frame import Entry, Frame, carried, ids_in
from tools.jobs.pyspark.opaque import opaque_frame
from tools.jobs.pyspark.selection import distinct_ids, entry_for, flat, own_label, span_in, type_of
from tools.jobs.pyspark.shapes import note_shape
from tools.jobs.python.site import Site
from tools.jobs.python.text import text_of
from tools.jobs.python.values import NOTHING, Bound, Host, Native, OpenList, Undecided, Value
from tools.plan.bind import EITHER
from tools.plan.model import Aggregate, Item, OpenPivot, Rest
from tools.plan.references import is_ref, ref
from tools.plan.relation import OpenPart, Relation, Visible


@dataclass(eq=False, frozen=True, slots=True)
class Pivot:
    """`pivot(column, values)`; no values: they are known only from the data."""

    column: Column
    values: tuple[Column, ...] | None


@dataclass(eq=False, frozen=True, slots=True)
class Grouped(Host):
    """What `groupBy` gives."""

    frame: Frame
    keys: tuple[Column, ...]
    sets: str | None = None  # "rollup", "cube"
    explicit_sets: tuple[tuple[Column, ...], ...] | None = None
    pivoted: Pivot | None = None
    all_columns: bool = False  # the keys are not all known

    def attribute(self, name: str, site: Site) -> Value:
        """An aggregation method."""
        found = METHODS.get(name)
        return Bound(found, self) if found is not None else NOTHING


def group_by(site: Site, frame: Frame, columns: list[Value]) -> Value:
    """`groupBy(*cols)`."""
    return _grouped(frame, columns, site, None)


def rollup(site: Site, frame: Frame, columns: list[Value]) -> Value:
    """`rollup(*cols)`."""
    return _grouped(frame, columns, site, "rollup")


def cube(site: Site, frame: Frame, columns: list[Value]) -> Value:
    """`cube(*cols)`."""
    return _grouped(frame, columns, site, "cube")


def grouping_sets(site: Site, frame: Frame, sets: Value, columns: list[Value]) -> Value:
    """`groupingSets([[a], [b]], a, b)`."""
    grouped = _grouped(frame, columns, site, None)
    explicit = [tuple(column_of(c, site) for c in site.elements(s)) for s in site.elements(sets)]
    return replace(grouped, explicit_sets=tuple(explicit))


def _grouped(frame: Frame, columns: list[Value], site: Site, sets: str | None) -> Grouped:
    from tools.jobs.pyspark.names import RestName

    given = flat(columns, site)
    keys: list[Column] = []
    for value in given:
        if isinstance(value, RestName):
            site.unknown("grouped by columns that are not known without a schema", "column")
            continue
        if isinstance(value, int) and not isinstance(value, bool):
            value = frame.item(value - 1, site)
        keys.append(column_of(value, site))
    return Grouped(frame, tuple(keys), sets)


# --------------------------------------------------------------------------- agg and its short forms


def agg(site: Site, grouped: Grouped, columns: list[Value]) -> Value:
    """`agg(*columns)` or `agg({column: function})`."""
    given = flat(columns, site) if not (len(columns) == 1 and isinstance(columns[0], dict)) else columns
    if len(given) == 1 and isinstance(given[0], dict):
        pairs = [(text_of(c), text_of(f)) for c, f in given[0].items()]
        if any(c is None or f is None for c, f in pairs):
            site.unknown("aggregates of columns that are not known without a schema", "column")
        wanted = [_by_name(f, c, site) for c, f in pairs if c is not None and f is not None]
    else:
        wanted = [column_of(c, site) for c in given]
    return _aggregated(grouped, wanted, site)


def agg_frame(site: Site, frame: Frame, columns: list[Value]) -> Value:
    """`df.agg(...)`: one group."""
    return agg(site, Grouped(frame, ()), columns)


def _by_name(function: str, column: str, site: Site) -> Column:
    """Spark's names for the dictionary form: `avg(price)`, `count(1)`."""
    lowered = {"mean": "avg"}.get(function.lower(), function.lower())
    if column == "*":
        return Column(exp.Count(this=exp.Star()), "count(1)")
    inner = named(column, site.span)
    return Column(exp.func(lowered, inner, dialect="spark"), f"{lowered}({column})")


def _short(function: str) -> Callable[..., Value]:
    def made(site: Site, grouped: Grouped, names: list[Value]) -> Value:
        given = [str(text_of(n)) for n in flat(names, site) if text_of(n) is not None]
        wanted = [_by_name(function, n, site) for n in given or _numeric(grouped)]
        return _aggregated(grouped, wanted, site)

    return made


def _numeric(grouped: Grouped) -> list[str]:
    """Without names Spark takes every number, group keys too."""
    kinds = ("int", "bigint", "double", "float", "decimal", "smallint", "tinyint", "real")
    shown = grouped.frame.relation.shown
    return [a.name for a in shown if a.type is None or a.type.lower().startswith(kinds)]


def count(site: Site, grouped: Grouped) -> Value:
    """`count()`: rows in each group, as `count`."""
    star = exp.Alias(this=exp.Count(this=exp.Star()), alias=exp.to_identifier("count"))
    return _aggregated(grouped, [Column(star)], site)


def pivot(site: Site, grouped: Grouped, column: Value, values: Value) -> Value:
    """`pivot(column, values)`."""
    known: tuple[Column, ...] | None = None
    if isinstance(values, list | tuple) and not isinstance(values, OpenList):
        known = tuple(literal(v, site) for v in values)
    elif values is not None and not isinstance(values, Undecided):
        known = tuple(literal(v, site) for v in site.elements(values)) if not site.is_open(values) else None
    return replace(grouped, pivoted=Pivot(column_of(column, site), known))


def apply_in_pandas(site: Site, grouped: Grouped, function: Value, schema: Value) -> Value:
    """`applyInPandas(f, schema)`: pandas code is not read."""
    from tools.jobs.pyspark.types import schema_columns

    columns = schema_columns(schema)
    return opaque_frame(
        [grouped.frame],
        "pandas code of applyInPandas is not read",
        site,
        [n for n, _ in columns or ()],
        complete=columns is not None,
        types=[t for _, t in columns or ()],
        keys=[k.item.expression for k in _key_entries(grouped, site)],
    )


def cogroup(site: Site, grouped: Grouped, other: Value) -> Value:
    """`cogroup(other)`."""
    return CoGrouped(grouped, other) if isinstance(other, Grouped) else site.undecided("cogroup", grouped.frame)


@dataclass(eq=False, frozen=True, slots=True)
class CoGrouped(Host):
    """Two grouped frames, to be handled by pandas code."""

    left: Grouped
    right: Grouped

    def attribute(self, name: str, site: Site) -> Value:
        """`applyInPandas`."""
        return Bound(method(_cogrouped_pandas, "func", "schema"), self) if name.startswith("applyIn") else NOTHING


def _cogrouped_pandas(site: Site, pair: CoGrouped, function: Value, schema: Value) -> Value:
    from tools.jobs.pyspark.types import schema_columns

    columns = schema_columns(schema)
    frames = [pair.left.frame, pair.right.frame]
    names = [n for n, _ in columns or ()]
    keys = [k.item.expression for side in (pair.left, pair.right) for k in _key_entries(side, site)]
    reason = "pandas code of applyInPandas is not read"
    return opaque_frame(frames, reason, site, names, complete=columns is not None, keys=keys)


# --------------------------------------------------------------------------- building the operator


def aggregate(frame: Frame, keys: Sequence[Column], columns: Sequence[Column], site: Site) -> Frame:
    """The aggregate of a frame."""
    return _aggregated(Grouped(frame, tuple(keys)), list(columns), site)


def _aggregated(grouped: Grouped, columns: list[Column], site: Site) -> Frame:
    keys = _key_entries(grouped, site)
    if grouped.pivoted is not None:
        return _pivoted(grouped, grouped.pivoted, keys, columns, site)
    entries = [_aggregate_entry(grouped.frame, c, site) for c in columns]
    entries = [e for e in entries if not _is_key(e, keys)]
    if _needs_projection(entries):
        return _aggregate_then_project(grouped, keys, entries, site)
    op = _aggregate_op(grouped.frame, keys, entries, site, _sets(grouped, keys, site))
    return _frame_over(grouped.frame, op, [*keys, *entries])


def _key_entries(grouped: Grouped, site: Site) -> list[Entry]:
    entries: list[Entry] = []
    for key in grouped.keys:
        expression = unalias(key.expression)
        bound = grouped.frame.bind_expression(expression, site)
        span = span_in(key.expression) or site.span
        entry = entry_for(grouped.frame, key, bound, site, span)
        entries.append(replace(entry, item=replace(entry.item, rule="group")))
    return distinct_ids(entries, site)


def _aggregate_entry(frame: Frame, column: Column, site: Site) -> Entry:
    bound = frame.bind_expression(unalias(column.expression), site)
    span = span_in(column.expression) or site.span
    name = own_label(frame, column, site)
    if is_ref(bound):
        return entry_for(frame, column, bound, site, span)
    made = site.session.ids.attribute(name, type_of(bound))
    note_shape(made.id, bound, frame, site)
    return Entry(Item(made, bound, span, "aggregate"))


def _is_key(entry: Entry, keys: list[Entry]) -> bool:
    return entry.item.is_pass_through and any(k.item.attribute.id == entry.item.attribute.id for k in keys)


def _needs_projection(entries: list[Entry]) -> bool:
    """Arithmetic over aggregates, or windows over them, is computed after the aggregation."""
    return any(not is_aggregate_call(_plain(e.item.expression)) and not is_ref(e.item.expression) for e in entries)


def _plain(expression: exp.Expr) -> exp.Expr:
    while isinstance(expression, exp.Filter | exp.IgnoreNulls | exp.WithinGroup):
        expression = expression.this
    return expression


def _aggregate_then_project(grouped: Grouped, keys: list[Entry], entries: list[Entry], site: Site) -> Frame:
    """Splits aggregates from what is computed with them, as Spark's analyzer does."""
    made: list[Entry] = []
    above: list[Entry] = []
    for entry in entries:
        expression = entry.item.expression.copy()
        root = exp.Paren(this=expression)
        for node in _outermost_aggregates(expression):
            inner = Entry(Item(site.session.ids.attribute(label_of(node)), node.copy(), entry.item.span, "aggregate"))
            made.append(inner)
            node.replace(ref(inner.item.attribute, entry.item.span))
        above.append(replace(entry, item=replace(entry.item, expression=root.this.pop(), rule="project")))
    _keys_as_columns(above, keys)
    op = _aggregate_op(grouped.frame, keys, made, site, _sets(grouped, keys, site))
    below = _frame_over(grouped.frame, op, [*keys, *made])
    from tools.jobs.pyspark.frame import kept, projected

    kept_keys = [kept(Visible(k.item.attribute, k.qualifier)) for k in keys]
    return projected(below, [*kept_keys, *above], [], site.span)


def _keys_as_columns(entries: list[Entry], keys: list[Entry]) -> None:
    """A group key's expression inside a computed column is the key's column."""
    spelled = {k.item.expression.sql(): k.item.attribute for k in keys if not is_ref(k.item.expression)}
    for entry in entries if spelled else ():
        for node in list(entry.item.expression.walk()):
            if node.parent is not None and node.sql() in spelled:
                node.replace(ref(spelled[node.sql()], entry.item.span))


def _outermost_aggregates(expression: exp.Expr) -> list[exp.Expr]:
    found: list[exp.Expr] = []
    stack = [expression]
    while stack:
        node = stack.pop()
        whole = isinstance(node, exp.Filter | exp.WithinGroup) and is_aggregate_call(_plain(node))
        if whole or (is_aggregate_call(node) and not _is_windowed(node)):
            found.append(node)
            continue
        stack.extend(node.iter_expressions())
    return found


def _is_windowed(node: exp.Expr) -> bool:
    return isinstance(node.parent, exp.Window) and node.arg_key == "this"


def _aggregate_op(
    frame: Frame, keys: list[Entry], entries: list[Entry], site: Site, sets: list[list[int]] | None
) -> Aggregate:
    wanted = {i for e in (*keys, *entries) for i in ids_in(e.item.expression)}
    below = carried(frame.op, wanted)
    return Aggregate(below, [k.item for k in keys], [e.item for e in entries], sets, span=site.span)


def _frame_over(frame: Frame, op: Aggregate, entries: list[Entry]) -> Frame:
    visible = tuple(Visible(e.item.attribute, e.qualifier) for e in entries)
    return frame.over(Relation(op, visible, tuple(OpenPart(r) for r in op.carries)))


def _sets(grouped: Grouped, keys: list[Entry], site: Site) -> list[list[int]] | None:
    ids = [k.item.attribute.id for k in keys]
    if grouped.sets == "rollup":
        return [ids[:n] for n in range(len(ids), -1, -1)]
    if grouped.sets == "cube":
        return [list(c) for n in range(min(len(ids), 8), -1, -1) for c in combinations(ids, n)]
    if grouped.explicit_sets is None:
        return None
    by_name = {k.item.attribute.name.lower(): k.item.attribute.id for k in keys}
    return [
        [by_name[n] for c in one if (n := output_name(c.expression, c.written).lower()) in by_name]
        for one in grouped.explicit_sets
    ]


# --------------------------------------------------------------------------- pivot


def _pivoted(grouped: Grouped, pivoted: Pivot, keys: list[Entry], columns: list[Column], site: Site) -> Frame:
    frame = grouped.frame
    decides = frame.bind_expression(unalias(pivoted.column.expression), site)
    if pivoted.values is None:
        return _pivoted_on_data(grouped, decides, keys, columns, site)
    entries = [
        _pivot_entry(frame, value, column, decides, len(columns) > 1, site)
        for value in pivoted.values
        for column in columns
    ]
    op = _aggregate_op(frame, keys, entries, site, None)
    op.pivoted_on = decides
    return _frame_over(frame, op, [*keys, *entries])


def _pivot_entry(frame: Frame, value: Column, column: Column, decides: exp.Expr, several: bool, site: Site) -> Entry:
    bound = frame.bind_expression(unalias(column.expression), site)
    test = exp.EQ(this=decides.copy(), expression=unalias(value.expression).copy())
    chosen = exp.Filter(this=bound, expression=exp.Where(this=test))
    value_name = output_name(value.expression, value.written)
    name = f"{value_name}_{output_name(column.expression, column.written)}" if several else value_name
    span = span_in(column.expression) or site.span
    return Entry(Item(site.session.ids.attribute(name), chosen, span, "pivot"))


def _pivoted_on_data(
    grouped: Grouped, decides: exp.Expr, keys: list[Entry], columns: list[Column], site: Site
) -> Frame:
    """Without the list of values the columns are known only from the data: they appear as the job names them."""
    site.unknown("pivot without a list of values: its columns are known only from the data", "column")
    cells = [grouped.frame.bind_expression(unalias(c.expression), site) for c in columns]
    together = cells[0] if len(cells) == 1 else exp.Anonymous(this=EITHER, expressions=cells)
    op = OpenPivot(
        carried(grouped.frame.op, {i for e in (*cells, *(k.item.expression for k in keys)) for i in ids_in(e)}),
        [k.item for k in keys],
        [],
        pivoted_on=decides,
        cells=together,
        ids=site.session.ids,
        span=site.span,
    )
    visible = tuple(Visible(k.item.attribute, k.qualifier) for k in keys)
    return grouped.frame.over(Relation(op, visible, (OpenPart(Rest(op)),)))


METHODS: dict[str, Native] = {
    "agg": method(agg, "*exprs"),
    "count": method(count),
    "sum": method(_short("sum"), "*cols"),
    "avg": method(_short("avg"), "*cols"),
    "mean": method(_short("avg"), "*cols"),
    "max": method(_short("max"), "*cols"),
    "min": method(_short("min"), "*cols"),
    "pivot": method(pivot, "pivot_col", "values="),
    "applyInPandas": method(apply_in_pandas, "func", "schema"),
    "applyInArrow": method(apply_in_pandas, "func", "schema"),
    "apply": method(apply_in_pandas, "func", "schema="),
    "cogroup": method(cogroup, "other"),
}
FRAME_METHODS: dict[str, Native] = {
    "groupBy": method(group_by, "*cols"),
    "groupby": method(group_by, "*cols"),
    "rollup": method(rollup, "*cols"),
    "cube": method(cube, "*cols"),
    "groupingSets": method(grouping_sets, "groupingSets", "*cols"),
    "agg": method(agg_frame, "*exprs"),
}

__all__ = ["FRAME_METHODS", "Grouped", "aggregate"]
