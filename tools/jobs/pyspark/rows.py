"""DataFrame methods that choose, order, fill or multiply rows."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from tools.jobs.pyspark.column import Column, column_of, literal, method, unalias
from tools.jobs.pyspark.frame import (
    Entry,
    Frame,
    Parent,
    carried,
    hole_column,
    ids_in,
    kept,
    projected,
    touch,
)
from tools.jobs.pyspark.joining import frame_of
from tools.jobs.pyspark.names import RestName
from tools.jobs.pyspark.opaque import opaque_frame
from tools.jobs.pyspark.selection import flat, is_unsure
from tools.jobs.pyspark.sqltext import expression_of
from tools.jobs.pyspark.window import ordered
from tools.jobs.python.site import Site
from tools.jobs.python.text import text_of
from tools.jobs.python.values import Native, Partial, Undecided, Value
from tools.plan.base import Attribute
from tools.plan.model import Distinct, Filter, Item, Limit, Op, SetOp, Sort
from tools.plan.references import ref
from tools.plan.relation import AmbiguousName, OpenPart, Relation, Unresolved, Visible

# --------------------------------------------------------------------------- filter, sort, limit


def where(site: Site, frame: Frame, condition: Value) -> Value:
    """`filter(condition)` with a Column or a text."""
    if isinstance(condition, str | Partial):
        parsed = expression_of(condition, site)
        if parsed is None:
            return frame
        return filtered(frame, parsed, site)
    if isinstance(condition, bool):
        return filtered(frame, exp.convert(condition), site)
    if isinstance(condition, Column):
        return filtered(frame, unalias(condition.expression), site)
    site.unknown("a filter whose condition is known only at run time", "expression")
    inputs = [c for c in condition.inputs if isinstance(c, Column)] if isinstance(condition, Undecided) else []
    if not inputs:
        return frame
    return filtered(frame, exp.Anonymous(this="__UDF__", expressions=[unalias(c.expression) for c in inputs]), site)


def filtered(frame: Frame, condition: exp.Expr, site: Site) -> Frame:
    """The rows for which an unbound condition holds."""
    bound = frame.bind_expression(condition, site)
    return frame.on(Filter(carried(frame.op, ids_in(bound)), bound, span=site.span))


def order_by(site: Site, frame: Frame, columns: list[Value], keywords: dict[str, Value]) -> Value:
    """`orderBy(*cols, ascending=…)`."""
    given = [c for c in flat(columns, site) if not isinstance(c, RestName)]
    if not given:
        return frame
    directions = keywords.get("ascending", True)
    keys: list[exp.Expr] = []
    for index, value in enumerate(given):
        if isinstance(value, int) and not isinstance(value, bool):
            value = frame.item(value - 1, site)
        term = ordered(column_of(value, site))
        if _direction(directions, index) is False:
            term.set("desc", True)
            term.set("nulls_first", False)
        term.set("this", frame.bind_expression(term.this, site))
        keys.append(term)
    wanted = {i for k in keys for i in ids_in(k)}
    return frame.on(Sort(carried(frame.op, wanted), keys, span=site.span))


def _direction(directions: Value, index: int) -> bool:
    if isinstance(directions, list | tuple):
        return bool(directions[index]) if index < len(directions) else True
    return not (directions is False or directions == 0)


def limit(site: Site, frame: Frame, number: Value) -> Value:
    """`limit(n)`."""
    size = exp.Literal.number(number) if isinstance(number, int) else literal(number, site).expression
    return frame.on(Limit(frame.op, size, span=site.span))


def offset(site: Site, frame: Frame, number: Value) -> Value:
    """`offset(n)`."""
    return frame.on(Limit(frame.op, None, literal(number, site).expression, span=site.span))


def sample(site: Site, frame: Frame, given: list[Value], keywords: dict[str, Value]) -> Value:
    """`sample(...)`: some rows, which ones chance decides."""
    values = [*given, keywords.get("fraction")]
    fraction = next((v for v in values if isinstance(v, float)), 0.5)
    return frame.on(Filter(frame.op, exp.LT(this=exp.Rand(), expression=exp.convert(fraction)), span=site.span))


def sample_by(site: Site, frame: Frame, column: Value, given: list[Value], keywords: dict[str, Value]) -> Value:
    """`sampleBy(col, fractions)`."""
    key = frame.bind_expression(column_of(column, site).expression, site)
    predicate = exp.Anonymous(this="SAMPLE_BY", expressions=[key])
    return frame.on(Filter(frame.op, predicate, span=site.span))


def random_split(site: Site, frame: Frame, weights: Value, seed: Value) -> Value:
    """`randomSplit(weights)`."""
    return [sample(site, frame, [], {}) for _ in site.elements(weights)]


# --------------------------------------------------------------------------- duplicates


def distinct(site: Site, frame: Frame) -> Value:
    """`distinct()`."""
    shown = only_shown(frame, site)
    return shown.on(Distinct(shown.op, span=site.span))


def only_shown(frame: Frame, site: Site) -> Frame:
    """The frame without the hidden columns that joins on names leave behind."""
    if not any(v.hidden for v in frame.visible):
        return frame
    return projected(frame, [kept(v) for v in frame.visible if not v.hidden], frame.relation.open, site.span)


def drop_duplicates(site: Site, frame: Frame, given: list[Value]) -> Value:
    """`dropDuplicates(subset)`."""
    names = [v for v in flat([g for g in given if g is not None], site) if not isinstance(v, RestName)]
    if not names:
        return distinct(site, frame)
    keys: list[int] = []
    for value in names:
        keys += ids_named(frame, text_of(value), site)
    return frame.on(Distinct(carried(frame.op, keys), keys, span=site.span))


def ids_named(frame: Frame, name: str | None, site: Site) -> list[int]:
    """The ids of a frame's columns of that name; reported when there is none."""
    if name is None:
        site.unknown("a column named at run time", "column")
        return []
    found = [
        v.attribute.id for v in frame.visible if v.attribute.name.lower() == name.strip("`").lower() and not v.hidden
    ]
    if found:
        return found
    hole = hole_column(frame, name, site) if "${" in name else None
    if hole is not None:
        return [hole.id]
    try:
        return [frame.relation.resolve(name.replace("`", "").split(".")).attribute.id]
    except AmbiguousName as error:
        return [a.id for a in error.candidates]
    except Unresolved as error:
        site.unknown(f"column {name} is not there; there is {', '.join(error.near[:8])}", "column", name)
        return []


# --------------------------------------------------------------------------- set operations


def union(site: Site, frame: Frame, other: Value) -> Value:
    """`union(other)`: by position."""
    return _set_operation(frame, other, "union", False, site)


def union_by_name(site: Site, frame: Frame, other: Value, allow_missing: Value) -> Value:
    """`unionByName(other, allowMissingColumns)`."""
    right = frame_of(other, site)
    if right is None:
        return opaque_frame([frame], "united with a frame that could not be read", site)
    return united_by_name([frame, right], site)


def united_by_name(frames: Sequence[Frame], site: Site) -> Frame:
    """The union of frames, columns matched by name."""
    names = list(dict.fromkeys(a.name.lower() for f in frames for a in f.relation.shown))
    sides = [{a.name.lower(): a for a in _asked_for(f, names)} for f in frames]
    first = [next(s[n] for s in sides if n in s) for n in names]
    mapping = [[s[n].id if n in s else None for s in sides] for n in names]
    return _set_frame(frames, "union", False, first, mapping, site)


def _asked_for(frame: Frame, names: Sequence[str]) -> list[Attribute]:
    """A frame's columns, an open one asked for the names that the others have."""
    for name in names:
        touch(frame, name)
    return frame.relation.shown


def _set_operation(frame: Frame, other: Value, kind: str, distinct_rows: bool, site: Site) -> Frame:
    right = frame_of(other, site)
    if right is None:
        return opaque_frame([frame], f"{kind} with a frame that could not be read", site)
    if frame.is_open or right.is_open:
        return _open_set(frame, right, kind, distinct_rows, site)
    first, second = frame.relation.shown, right.relation.shown
    if len(first) != len(second):
        site.unknown(f"{kind} of {len(first)} and {len(second)} columns", "statement")
    mapping = [[a.id, second[i].id if i < len(second) else None] for i, a in enumerate(first)]
    return _set_frame([frame, right], kind, distinct_rows, first, mapping, site)


def _open_set(frame: Frame, right: Frame, kind: str, distinct_rows: bool, site: Site) -> Frame:
    """Positions mean nothing without a schema: the columns of an open side are taken by name."""
    names = list(dict.fromkeys(a.name.lower() for f in (frame, right) for a in f.relation.shown))
    sides = [{a.name.lower(): a for a in _asked_for(f, names)} for f in (frame, right)]
    first = [next(s[n] for s in sides if n in s) for n in names]
    mapping = [[s[n].id if n in s else None for s in sides] for n in names]
    return _set_frame([frame, right], kind, distinct_rows, first, mapping, site)


def _set_frame(
    frames: Sequence[Frame],
    kind: str,
    distinct_rows: bool,
    first: Sequence[Attribute],
    mapping: list[list[int | None]],
    site: Site,
) -> Frame:
    ids = site.session.ids
    columns = [ids.attribute(a.name, a.type) for a in first]
    is_open = any(f.is_open for f in frames)
    inputs, rows = _flattened(frames[0], [f.op for f in frames], mapping) if kind == "union" else ([], [])
    op = SetOp(
        inputs or [f.op for f in frames],
        kind,  # type: ignore[arg-type]
        distinct_rows,
        columns,
        rows or mapping,
        ids if is_open else None,
        span=site.span,
    )
    opens = [OpenPart(r) for r in op.rest]
    relation = Relation(op, tuple(Visible(c) for c in columns), tuple(opens))
    parents = []
    for index, one in enumerate(frames):
        changed = {row[index]: c.id for row, c in zip(mapping, columns, strict=True) if row[index] is not None}
        parents.append(Parent(one, changed))  # type: ignore[arg-type]
    return Frame(relation, tuple(parents), True, any(f.streaming for f in frames))


def _flattened(
    first: Frame, inputs: list[Op], mapping: list[list[int | None]]
) -> tuple[list[Op], list[list[int | None]]]:
    """A union over a union has all the inputs side by side: a loop that unites a thousand frames stays flat."""
    left = first.op
    if not isinstance(left, SetOp) or left.kind != "union" or left.distinct or left.ids is not None:
        return [], []
    below = {c.id: row for c, row in zip(left.columns, left.mapping, strict=True)}
    missing: list[int | None] = [None] * len(left.inputs)
    rows = [[*(below.get(row[0], missing) if row[0] is not None else missing), *row[1:]] for row in mapping]
    return [*left.inputs, *inputs[1:]], rows


def intersect(site: Site, frame: Frame, other: Value) -> Value:
    """`intersect(other)`."""
    return _set_operation(frame, other, "intersect", True, site)


def intersect_all(site: Site, frame: Frame, other: Value) -> Value:
    """`intersectAll(other)`."""
    return _set_operation(frame, other, "intersect", False, site)


def subtract(site: Site, frame: Frame, other: Value) -> Value:
    """`subtract(other)`."""
    return _set_operation(frame, other, "except", True, site)


def except_all(site: Site, frame: Frame, other: Value) -> Value:
    """`exceptAll(other)`."""
    return _set_operation(frame, other, "except", False, site)


# --------------------------------------------------------------------------- melt, describe


def unpivot(site: Site, frame: Frame, ids: Value, values: Value, variable_name: Value, value_name: Value) -> Value:
    """`unpivot(ids, values, variableColumnName, valueColumnName)`: one row for each value column."""
    keys = [] if ids is None else flat([ids], site)
    entries = [_named_entry(frame, k, site) for k in keys]
    kept_ids = {e.item.attribute.id for e in entries}
    if values is None:
        melted = [a for a in frame.relation.shown if a.id not in kept_ids]
    else:
        melted = [_named_entry(frame, v, site).item.attribute for v in flat([values], site)]
    from tools.plan.model import Generate

    ids_source = site.session.ids
    variable = ids_source.attribute(text_of(variable_name) or "variable", "string")
    value = ids_source.attribute(text_of(value_name) or "value")
    collected = exp.Array(expressions=[ref(a, site.span) for a in melted])
    names = exp.Array(expressions=[exp.Literal.string(a.name) for a in melted])
    first = Generate(frame.op, exp.Explode(this=names), [variable], span=site.span)
    second = Generate(first, exp.Explode(this=collected), [value], together=True, span=site.span)
    made = [Entry(Item(a, ref(a), site.span)) for a in (variable, value)]
    return projected(frame, [*entries, *made], [], site.span, second)


def _named_entry(frame: Frame, value: Value, site: Site) -> Entry:
    from tools.jobs.pyspark.selection import Selection

    return Selection(frame, site).entry(column_of(value, site))


def describe(site: Site, frame: Frame, columns: list[Value]) -> Value:
    """`describe()` and `summary()`: statistics of each column, as text."""
    names = [str(text_of(c)) for c in flat(columns, site) if isinstance(c, str)]
    wanted = [v for v in frame.visible if not v.hidden and (not names or v.attribute.name in names)]
    ids = site.session.ids
    entries = [Entry(Item(ids.attribute("summary", "string"), exp.Literal.string(""), site.span))]
    for visible in wanted:
        statistic = exp.Anonymous(this="SUMMARY", expressions=[ref(visible.attribute, site.span)])
        entries.append(Entry(Item(ids.attribute(visible.attribute.name, "string"), statistic, site.span)))
    return projected(frame, entries, [], site.span)


def summary(site: Site, frame: Frame, statistics: list[Value]) -> Value:
    """`summary("count", "min", …)`."""
    return describe(site, frame, [])


def same(site: Site, frame: Frame, given: list[Value], keywords: dict[str, Value]) -> Value:
    """Methods that leave rows and columns as they are (caching, hints, watermarks)."""
    return frame


def placed(site: Site, frame: Frame, given: list[Value], keywords: dict[str, Value]) -> Value:
    """Partitioning and local sorting leave rows as they are; columns named in them are columns of the frame."""
    for value in flat(given, site):
        if isinstance(value, str):
            touch(frame, str(value))
        elif isinstance(value, Column):
            frame.bind_expression(unalias(value.expression), site)
    return frame


METHODS: dict[str, Native] = {
    "filter": method(where, "condition"),
    "where": method(where, "condition"),
    "orderBy": method(order_by, "*cols", "**kwargs"),
    "sort": method(order_by, "*cols", "**kwargs"),
    "limit": method(limit, "num"),
    "offset": method(offset, "num"),
    "sample": method(sample, "*args", "**kwargs"),
    "sampleBy": method(sample_by, "col", "*args", "**kwargs"),
    "randomSplit": method(random_split, "weights", "seed="),
    "distinct": method(distinct),
    "dropDuplicates": method(drop_duplicates, "*subset"),
    "drop_duplicates": method(drop_duplicates, "*subset"),
    "dropDuplicatesWithinWatermark": method(drop_duplicates, "*subset"),
    "union": method(union, "other"),
    "unionAll": method(union, "other"),
    "unionByName": method(union_by_name, "other", "allowMissingColumns="),
    "intersect": method(intersect, "other"),
    "intersectAll": method(intersect_all, "other"),
    "subtract": method(subtract, "other"),
    "exceptAll": method(except_all, "other"),
    "unpivot": method(unpivot, "ids", "values=", "variableColumnName=", "valueColumnName="),
    "melt": method(unpivot, "ids", "values=", "variableColumnName=", "valueColumnName="),
    "describe": method(describe, "*cols"),
    "summary": method(summary, "*statistics"),
    **{
        name: method(same, "*args", "**kwargs")
        for name in (
            "cache", "persist", "unpersist", "checkpoint", "localCheckpoint", "coalesce", "hint", "observe", "to",
        )
    },
    **{
        name: method(placed, "*args", "**kwargs")
        for name in ("repartition", "repartitionByRange", "sortWithinPartitions", "withWatermark")
    },
}  # fmt: skip

__all__ = ["METHODS", "filtered", "ids_named", "is_unsure", "kept", "united_by_name"]
