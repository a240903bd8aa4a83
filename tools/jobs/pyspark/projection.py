"""DataFrame methods that add, rename and drop columns."""

from __future__ import annotations

import re

from sqlglot import exp

from tools.jobs.labels import output_name
from tools.jobs.pyspark.column import Column, column_of, method, unalias
from tools.jobs.pyspark.frame import (
    Entry,
    Frame,
    carried,
    edited,
    ids_in,
    kept,
    pass_through,
    projected,
    touch,
    without,
)
from tools.jobs.pyspark.generators import extract_generator
from tools.jobs.pyspark.names import RestName
from tools.jobs.pyspark.selection import (
    flat,
    from_inputs,
    is_unsure,
    select,
    select_expr,
    span_in,
    type_behind,
    type_of,
)
from tools.jobs.pyspark.shapes import note_shape
from tools.jobs.python.site import Site
from tools.jobs.python.text import text_of
from tools.jobs.python.values import Native, Partial, Undecided, Value
from tools.plan.model import Item
from tools.plan.references import is_ref, ref_id
from tools.plan.relation import Visible

# --------------------------------------------------------------------------- withColumn and renames


def with_column(site: Site, frame: Frame, name: Value, column: Value) -> Value:
    """`withColumn(name, column)`."""
    return with_columns_of(frame, [(name, column)], site)


def with_columns(site: Site, frame: Frame, columns: Value) -> Value:
    """`withColumns({name: column})`."""
    if not isinstance(columns, dict):
        return _unreadable_edit(frame, "withColumns with names known only at run time", site)
    return with_columns_of(frame, list(columns.items()), site)


def with_columns_of(frame: Frame, pairs: list[tuple[Value, Value]], site: Site) -> Frame:
    """The frame with these columns added or replaced, all computed over the frame as it was."""
    base = frame
    new: dict[str, Entry] = {}
    for name_value, value in pairs:
        name = text_of(name_value)
        if isinstance(name_value, RestName):
            continue
        if name is None or name == "${?}":
            site.unknown("a column whose name is known only at run time is added", "column")
            name = "${?}"
        column = column_of(value, site) if isinstance(value, Column) else _not_a_column(value, site)
        base, column, made = extract_generator(base, column, site, [name])
        if made is not None:
            own = site.session.ids.attribute(name)
            entry = Entry(Item(own, pass_through(made[0]).expression, site.span, "explode"))
        else:
            entry = _computed(base, name, column, site)
        new[name.lower()] = entry
    return _replaced(base, new, site)


def _not_a_column(value: Value, site: Site) -> Column:
    from tools.jobs.pyspark.column import literal

    if isinstance(value, Undecided) and value.inputs:
        return from_inputs(value, site)
    return literal(value, site)


def _computed(frame: Frame, name: str, column: Column, site: Site) -> Entry:
    bound = frame.bind_expression(unalias(column.expression), site)
    made = site.session.ids.attribute(name, type_of(bound) or type_behind(frame, bound))
    note_shape(made.id, bound, frame, site)
    return Entry(Item(made, bound, span_in(column.expression) or site.span))


def _replaced(frame: Frame, new: dict[str, Entry], site: Site) -> Frame:
    """Known columns of these names give way, in their places; the others come last."""
    visible = list(frame.visible)
    items = [pass_through(v.attribute) for v in visible]
    places: dict[str, int] = {}
    again: set[int] = set()
    for index, one in enumerate(visible):
        name = one.attribute.name.lower()
        if name in new and not one.hidden:
            if name in places:
                again.add(index)
            places.setdefault(name, index)
    for name, entry in new.items():
        shown = Visible(entry.item.attribute, entry.qualifier)
        if name in places:
            items[places[name]], visible[places[name]] = entry.item, shown
        else:
            items.append(entry.item)
            visible.append(shown)
    if again:
        items = [i for n, i in enumerate(items) if n not in again]
        visible = [v for n, v in enumerate(visible) if n not in again]
    wanted = {i for e in new.values() for i in ids_in(e.item.expression)}
    opens = without(frame.relation.open, new)
    return edited(frame, items, visible, opens, site.span, carried(frame.op, wanted))


def with_column_renamed(site: Site, frame: Frame, old: Value, new: Value) -> Value:
    """`withColumnRenamed(old, new)`."""
    return renamed(frame, [(old, new)], site)


def with_columns_renamed(site: Site, frame: Frame, names: Value) -> Value:
    """`withColumnsRenamed({old: new})`."""
    if not isinstance(names, dict):
        return _unreadable_edit(frame, "withColumnsRenamed with names known only at run time", site)
    return renamed(frame, list(names.items()), site)


def renamed(frame: Frame, pairs: list[tuple[Value, Value]], site: Site) -> Frame:
    """The frame with columns renamed; a name that is not there is left alone, as in Spark."""
    wanted: dict[str, str] = {}
    for old, new in pairs:
        if isinstance(old, RestName):
            continue
        old_name, new_name = text_of(old), text_of(new)
        if old_name is None or new_name is None or "${?}" in old_name:
            site.unknown("a column renamed at run time", "column")
            continue
        wanted[old_name.lower()] = new_name
        touch(frame, old_name)
    span = site.span
    entries: list[Entry] = []
    for visible in frame.visible:
        new_name = wanted.get(visible.attribute.name.lower()) if not visible.hidden else None
        if new_name is None:
            entries.append(kept(visible))
            continue
        passing = pass_through(visible.attribute)
        made = site.session.ids.attribute(new_name, visible.attribute.type)
        entries.append(Entry(Item(made, passing.expression, span, "rename")))
    gone = [*wanted, *wanted.values()]
    return projected(frame, entries, without(frame.relation.open, gone), span)


def to_df(site: Site, frame: Frame, names: list[Value]) -> Value:
    """`toDF(*names)`: all columns renamed by position."""
    given = flat(names, site)
    if not given:
        return frame
    shown = [v for v in frame.visible if not v.hidden]
    texts = [text_of(n) for n in given]
    if is_unsure(names) or frame.is_open or None in texts or any(isinstance(n, RestName) for n in given):
        return _renamed_open(frame, given, site)
    entries = []
    for visible, text in zip(shown, texts, strict=False):
        made = site.session.ids.attribute(str(text), visible.attribute.type)
        entries.append(Entry(Item(made, pass_through(visible.attribute).expression, site.span, "rename")))
    return projected(frame, entries, [], site.span)


def _renamed_open(frame: Frame, given: list[Value], site: Site) -> Frame:
    """Positions cannot be matched without a schema: what comes out may come from any column."""
    from tools.jobs.pyspark.opaque import opaque_frame

    if all((isinstance(n, str) and frame.relation.has(n)) or isinstance(n, RestName) for n in given):
        return frame
    names = [str(text_of(n)) for n in given if isinstance(n, str | Partial)]
    return opaque_frame([frame], "columns renamed by position without a known schema", site, names)


# --------------------------------------------------------------------------- drop


def drop(site: Site, frame: Frame, columns: list[Value]) -> Value:
    """`drop(*columns)`: names drop all columns of that name, a frame's column drops exactly that one."""
    names: set[str] = set()
    ids: set[int] = set()
    for value in flat(columns, site):
        if isinstance(value, Column):
            bound = frame.bind_expression(unalias(value.expression), site) if not _is_name(value) else value.expression
            if is_ref(bound):
                ids.add(ref_id(bound))
            else:
                names.add(output_name(value.expression, value.written).lower())
        elif isinstance(value, str | Partial):
            names.add(str(text_of(value)).lower())
        elif isinstance(value, RestName):
            return projected(frame, [kept(v) for v in frame.visible], [], site.span)
        else:
            site.unknown("a column dropped at run time", "column")
    entries = [
        kept(v)
        for v in frame.visible
        if v.attribute.id not in ids and (v.hidden or v.attribute.name.lower() not in names)
    ]
    dropped = [v.attribute.name for v in frame.visible if v.attribute.id in ids]
    opens = without(frame.relation.open, [*names, *(d for d in dropped if not _twice(frame, d))])
    return projected(frame, entries, opens, site.span)


def _is_name(column: Column) -> bool:
    node = column.expression
    return isinstance(node, exp.Column) and not is_ref(node) and len(node.parts) == 1


def _twice(frame: Frame, name: str) -> bool:
    return sum(v.attribute.name.lower() == name.lower() for v in frame.visible) > 1


# --------------------------------------------------------------------------- others


def alias(site: Site, frame: Frame, name: Value) -> Value:
    """`alias(name)`."""
    text = text_of(name)
    return frame.over(frame.relation.aliased(text)) if text else frame


def col_regex(site: Site, frame: Frame, pattern: Value) -> Value:
    """`colRegex`: the columns whose names match."""
    text = text_of(pattern) or ""
    names = [n for n in frame.names if matches(text.strip("`"), n)]
    return [frame.column(f"`{n}`", site) for n in names]


def matches(pattern: str, name: str) -> bool:
    """Whether a name matches a pattern from the job; a pattern that is slow to try is not tried."""
    if len(pattern) > 200 or re.search(r"[*+}][^|]*\)[*+{]", pattern):
        return False
    try:
        return re.fullmatch(pattern, name) is not None
    except (re.error, RecursionError):
        return False


def transform(site: Site, frame: Frame, function: Value, given: list[Value], keywords: dict[str, Value]) -> Value:
    """`transform(f, *args)`: calls f with the frame."""
    from tools.jobs.python.site import Arguments

    return site.interpreter.call(function, Arguments([frame, *given], keywords), site)


def with_metadata(site: Site, frame: Frame, given: list[Value], keywords: dict[str, Value]) -> Value:
    """`withMetadata`, and other edits that leave columns as they are."""
    return frame


def _unreadable_edit(frame: Frame, reason: str, site: Site) -> Frame:
    site.unknown(reason, "column")
    return frame


METHODS: dict[str, Native] = {
    "select": method(select, "*cols"),
    "selectExpr": method(select_expr, "*expr"),
    "withColumn": method(with_column, "colName", "col"),
    "withColumns": method(with_columns, "colsMap"),
    "withColumnRenamed": method(with_column_renamed, "existing", "new"),
    "withColumnsRenamed": method(with_columns_renamed, "colsMap"),
    "toDF": method(to_df, "*cols"),
    "drop": method(drop, "*cols"),
    "alias": method(alias, "alias"),
    "as": method(alias, "alias"),
    "colRegex": method(col_regex, "colName"),
    "transform": method(transform, "func", "*args", "**kwargs"),
    "withMetadata": method(with_metadata, "*args", "**kwargs"),
}
