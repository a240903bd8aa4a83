"""DataFrame methods that choose, compute, rename and drop columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from tools.jobs.labels import output_name
from tools.jobs.pyspark.aggregates import has_aggregate
from tools.jobs.pyspark.column import Column, column_of, method, named, nodes, unalias
from tools.jobs.pyspark.frame import (
    Entry,
    Frame,
    carried,
    edited,
    ids_in,
    kept,
    pass_through,
    place_of,
    projected,
    touch,
    without,
)
from tools.jobs.pyspark.generators import extract_generator
from tools.jobs.pyspark.names import RestName
from tools.jobs.pyspark.shapes import note_shape
from tools.jobs.pyspark.sqltext import expression_of
from tools.jobs.python.site import Site
from tools.jobs.python.text import text_of
from tools.jobs.python.values import Native, OpenList, Partial, Undecided, Value
from tools.plan.model import Attribute, Item, Rest, Span, is_ref, ref_id
from tools.plan.relation import AmbiguousName, OpenPart, Unresolved, Visible


def flat(values: Sequence[Value], site: Site) -> list[Value]:
    """Arguments that may be given one by one or as one list."""
    found: list[Value] = []
    for value in values:
        if isinstance(value, list | tuple | set):
            found.extend(value)
        else:
            found.append(value)
    return found


def is_unsure(values: Sequence[Value]) -> bool:
    """Whether more columns may be meant than are known."""
    return isinstance(values, OpenList) or any(isinstance(v, OpenList) for v in values)


# --------------------------------------------------------------------------- select


def select(site: Site, frame: Frame, columns: list[Value]) -> Value:
    """`select(...)`."""
    return select_columns(frame, list(flat(columns, site)), site)


def select_expr(site: Site, frame: Frame, texts: list[Value]) -> Value:
    """`selectExpr("a", "b + 1 AS c")`."""
    columns: list[Value] = []
    for text in flat(texts, site):
        parsed = expression_of(text, site.at(text)) if not isinstance(text, RestName) else None
        columns.append(Column(parsed) if parsed is not None else text)
    return select_columns(frame, columns, site)


def select_columns(frame: Frame, columns: list[Value], site: Site) -> Frame:
    """The frame with the columns asked for; an aggregate over everything when they are aggregates."""
    wanted = _only_one_unknown([_wanted(c, site) for c in columns], columns)
    if any(isinstance(c, Column) and has_aggregate(c.expression) for c in wanted):
        from tools.jobs.pyspark.grouping import aggregate

        return aggregate(frame, [], [c for c in wanted if isinstance(c, Column)], site)
    selection = Selection(frame, site)
    for column in wanted:
        selection.add(column)
    return selection.frame()


def _only_one_unknown(wanted: list[Column | RestName], values: list[Value]) -> list[Column | RestName]:
    """Several lists of columns that are not known stand for all columns once."""
    stars = [i for i, v in enumerate(values) if isinstance(v, Undecided) and _is_everything(wanted[i])]
    return [w for i, w in enumerate(wanted) if i not in stars[1:]]


def _is_everything(wanted: Column | RestName) -> bool:
    return isinstance(wanted, Column) and isinstance(wanted.expression, exp.Star)


def _wanted(value: Value, site: Site) -> Column | RestName:
    if isinstance(value, RestName):
        return value
    if isinstance(value, Undecided) and value.hole == "?" and not any(isinstance(i, Column) for i in value.inputs):
        site.unknown(f"which columns are selected is known only at run time ({value.reason})", "column")
        return Column(exp.Star())
    if isinstance(value, Undecided) and value.inputs:
        return _from_inputs(value, site)
    return column_of(value, site)


class Selection:
    """A projection being put together."""

    def __init__(self, frame: Frame, site: Site) -> None:
        self.base = frame
        self.site = site
        self.entries: list[Entry] = []
        self.opens: list[OpenPart] = []

    def add(self, column: Column | RestName) -> None:
        """One argument of select: a column, a star, the unnamed rest, or a generator."""
        if isinstance(column, RestName):
            self.opens.extend(column.remaining())
            return
        if is_star(column.expression):
            self._star(column.expression)
            return
        rest = rest_of(column.expression)
        if rest is not None:
            self.opens.extend(rest.remaining())
            return
        self.base, column, made = extract_generator(self.base, column, self.site)
        if made is not None:
            self.entries.extend(Entry(replace(pass_through(a), span=self.site.span)) for a in made)
            return
        self.entries.append(self.entry(column))

    def entry(self, column: Column) -> Entry:
        """The projection's entry for one plain column."""
        bound = self.base.bind_expression(unalias(column.expression), self.site)
        span = place_of(unalias(column.expression)) or span_in(column.expression) or self.site.span
        return entry_for(self.base, column, bound, self.site, span)

    def frame(self) -> Frame:
        """The selected frame."""
        wanted = {i for e in self.entries for i in ids_in(e.item.expression)}
        below = carried(self.base.op, wanted)
        return projected(self.base, distinct_ids(self.entries, self.site), self.opens, self.site.span, below)

    def _star(self, star: exp.Expr) -> None:
        """`*` or `t.*`: known columns, then what open sources add."""
        if isinstance(star, exp.Column):
            qualifier = [p.name for p in star.parts[:-1]]
            try:
                named_columns, rests = self.base.relation.star(qualifier)
            except Unresolved:
                self.entries.extend(_struct_fields(self.base, qualifier, self.site))
                return
            wanted = {a.id for a in named_columns}
            self.entries.extend(kept(v) for v in self.base.visible if v.attribute.id in wanted)
            self.opens.extend(p for p in self.base.relation.open if p.rest in rests)
            return
        self.entries.extend(kept(v) for v in self.base.visible if not v.hidden)
        self.opens.extend(self.base.relation.open)


def span_in(expression: exp.Expr) -> Span | None:
    """The first place that an expression names."""
    best: Span | None = None
    for node in nodes(expression):
        place = place_of(node)
        if place is not None and (best is None or place.line < best.line):
            best = place
    return best


def is_star(expression: exp.Expr) -> bool:
    """`*` or `t.*`."""
    return isinstance(expression, exp.Star) or (
        isinstance(expression, exp.Column) and isinstance(expression.this, exp.Star)
    )


def rest_of(expression: exp.Expr) -> RestName | None:
    """The unnamed columns that a column expression was made from, when it was."""
    for node in nodes(expression):
        found = node.meta.get("rest") if node._meta else None
        if isinstance(found, RestName):
            return found
    return None


def _struct_fields(frame: Frame, qualifier: list[str], site: Site) -> list[Entry]:
    """`s.*` over a struct: its fields by the type, or the struct itself when the type is not known."""
    from tools.jobs.pyspark.shapes import fields_of

    try:
        frame.relation.resolve(qualifier)
    except (Unresolved, AmbiguousName):
        site.unknown(f"nothing answers to {'.'.join(qualifier)}.*", "column")
        return []
    struct = named(".".join(f"`{q}`" for q in qualifier), site.span)
    fields = fields_of(frame, frame.bind_expression(struct, site), site)
    if not fields:
        site.unknown(f"the fields of {'.'.join(qualifier)} are not known", "column")
    names = [".".join(f"`{q}`" for q in [*qualifier, f]) for f in fields] or [".".join(f"`{q}`" for q in qualifier)]
    selection = Selection(frame, site)
    return [selection.entry(Column(named(n, site.span))) for n in names]


def entry_for(frame: Frame, column: Column, bound: exp.Expr, site: Site, span: Span) -> Entry:
    """The entry that a bound column makes: its own id when it only hands a column on, else a new one."""
    name = _own_name(frame, column, bound, site)
    if is_ref(bound) and not isinstance(column.expression, exp.Alias):
        attribute = _attribute(frame, ref_id(bound), name)
        qualifier = next((v.qualifier for v in frame.visible if v.attribute.id == attribute.id), ())
        return Entry(Item(attribute, bound, span), qualifier)
    made = site.session.ids.attribute(name, type_of(bound) or _type_behind(frame, bound))
    note_shape(made.id, bound, frame, site)
    return Entry(Item(made, bound, span))


def _own_name(frame: Frame, column: Column, bound: exp.Expr, site: Site) -> str:
    expression = column.expression
    if is_ref(bound) and not isinstance(expression, exp.Alias):
        known = next((v.attribute.name for v in frame.visible if v.attribute.id == ref_id(bound)), None)
        asked = output_name(expression, column.written)
        return known if known is not None and known.lower() == asked.lower() else asked
    return own_label(frame, column, site)


def _element_name(frame: Frame, element: exp.Expr, written: str, site: Site) -> str:
    """`c["k"]` is `c.k` of a struct and `c[k]` of a map."""
    from tools.jobs.pyspark.shapes import known_shapes, shape_of

    shape = shape_of(frame.bind_expression(element.this, site), known_shapes(frame, site))
    if shape is None or not shape.lower().startswith("map"):
        return written
    return f"{written[: -len(element.expression.name) - 1]}[{element.expression.name}]"


def own_label(frame: Frame, column: Column, site: Site) -> str:
    """A computed column's name: Spark leaves out the qualifiers of the columns in it."""
    name = output_name(column.expression, column.written)
    if isinstance(column.expression, exp.Alias):
        return name
    if isinstance(column.expression, exp.Dot) and column.written is not None:
        return _element_name(frame, column.expression, column.written, site)
    for leaf in column.expression.find_all(exp.Column):
        parts = [p.name for p in leaf.parts]
        if len(parts) > 1 and not is_ref(leaf) and ".".join(parts) in name:
            try:
                found = frame.relation.resolve(parts)
            except (AmbiguousName, Unresolved):
                continue
            if not found.fields:
                name = name.replace(".".join(parts), parts[-1])
    return name


def _attribute(frame: Frame, column_id: int, name: str) -> Attribute:
    for visible in frame.visible:
        if visible.attribute.id == column_id:
            return Attribute(column_id, name, visible.attribute.type)
    return Attribute(column_id, name)


def type_of(bound: exp.Expr) -> str | None:
    """The type that an expression states itself (a cast), in Athena's spelling."""
    if isinstance(bound, exp.Cast | exp.TryCast):
        from tools.jobs.pyspark.types import athena_type

        return athena_type(bound.args["to"])
    stated = bound.meta.get("type") if bound._meta else None
    return str(stated) if stated else None


def distinct_ids(entries: list[Entry], site: Site) -> list[Entry]:
    """The same column twice in one projection: the second is a copy with an id of its own."""
    seen: set[int] = set()
    result: list[Entry] = []
    for entry in entries:
        attribute = entry.item.attribute
        if attribute.id in seen:
            fresh = site.session.ids.attribute(attribute.name, attribute.type)
            entry = replace(entry, item=replace(entry.item, attribute=fresh))
        seen.add(entry.item.attribute.id)
        result.append(entry)
    return result


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
        return _from_inputs(value, site)
    return literal(value, site)


def _from_inputs(value: Undecided, site: Site) -> Column:
    """A column made by code that cannot be read, from the columns that went in."""
    columns = [c for c in value.inputs if isinstance(c, Column)]
    site.unknown(f"a column made by code that is not read: {value.reason}", "expression")
    from tools.jobs.pyspark.opaque import OPAQUE

    return Column(exp.Anonymous(this=OPAQUE, expressions=[unalias(c.expression).copy() for c in columns]), "udf")


def _computed(frame: Frame, name: str, column: Column, site: Site) -> Entry:
    bound = frame.bind_expression(unalias(column.expression), site)
    made = site.session.ids.attribute(name, type_of(bound) or _type_behind(frame, bound))
    note_shape(made.id, bound, frame, site)
    return Entry(Item(made, bound, span_in(column.expression) or site.span))


def _type_behind(frame: Frame, bound: exp.Expr) -> str | None:
    if is_ref(bound):
        return next((v.attribute.type for v in frame.visible if v.attribute.id == ref_id(bound)), None)
    return None


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

__all__ = [
    "METHODS",
    "Rest",
    "Selection",
    "entry_for",
    "flat",
    "is_star",
    "renamed",
    "select_columns",
    "with_columns_of",
]
