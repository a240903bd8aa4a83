"""Glue's DynamicFrame: a frame with methods of its own names."""

from __future__ import annotations

from dataclasses import dataclass

from sqlglot import exp

from tools.jobs.glue.records import Record, changed_record
from tools.jobs.pyspark.column import Column, method, named, to_type
from tools.jobs.pyspark.frame import Entry, Frame, kept, projected, without
from tools.jobs.pyspark.generators import struct_fields_of_type
from tools.jobs.pyspark.joining import join_on
from tools.jobs.pyspark.opaque import opaque_frame
from tools.jobs.pyspark.projection import drop as drop_columns
from tools.jobs.pyspark.projection import renamed
from tools.jobs.pyspark.promote import as_frame
from tools.jobs.pyspark.rows import filtered, united_by_name
from tools.jobs.pyspark.selection import select_columns
from tools.jobs.pyspark.types import athena_type, spark_type
from tools.jobs.python.site import Site
from tools.jobs.python.text import text_of
from tools.jobs.python.values import NOTHING, Bound, Host, Native, OpenList, Undecided, Value
from tools.plan.model import Item
from tools.plan.relation import AmbiguousName, Unresolved


@dataclass(eq=False, frozen=True, slots=True)
class DynamicFrame(Host):
    """A DynamicFrame over a frame."""

    frame: Frame
    name: Value = None

    def attribute(self, name: str, site: Site) -> Value:
        """A method, or what a DataFrame would answer."""
        found = METHODS.get(name)
        if found is not None:
            return Bound(found, self)
        if name == "glue_ctx":
            from tools.jobs.glue.context import GlueContext

            return GlueContext()
        if name == "name":
            return self.name
        return NOTHING

    def over(self, frame: Frame) -> DynamicFrame:
        """The DynamicFrame over another frame."""
        return DynamicFrame(frame, self.name)


def dynamic(value: Value, site: Site) -> DynamicFrame | None:
    """A value as a DynamicFrame."""
    if isinstance(value, DynamicFrame):
        return value
    frame = as_frame(value, site)
    return DynamicFrame(frame) if frame is not None else None


def to_df(site: Site, dyf: DynamicFrame, given: list[Value], keywords: dict[str, Value]) -> Value:
    """`toDF()`."""
    return dyf.frame


def paths_of(value: Value, site: Site) -> list[str]:
    """Column paths as Glue takes them: one text or several."""
    values = list(value) if isinstance(value, list | tuple | set) else [value]
    return [t for t in (text_of(v) for v in values) if t]


# --------------------------------------------------------------------------- columns


def apply_mapping(
    site: Site, dyf: DynamicFrame, mappings: Value, given: list[Value], keywords: dict[str, Value]
) -> Value:
    """`apply_mapping([(source, type, target, type)])`."""
    if isinstance(mappings, Undecided):
        return dyf.over(opaque_frame([dyf.frame], "a mapping known only at run time", site))
    entries: dict[str, list[tuple[str, Entry]]] = {}
    for one in site.elements(mappings):
        parts = [text_of(p) for p in site.elements(one)] if isinstance(one, tuple | list) else []
        if len(parts) < 3 or parts[0] is None or parts[-2 if len(parts) == 4 else 2] is None:
            site.unknown("a mapping known only at run time", "column")
            continue
        entry, target = _mapped(dyf.frame, parts, site.at(one[0]) if isinstance(one, tuple | list) else site)
        head, _, inner = target.partition(".") if "`" not in target else (target.strip("`"), "", "")
        entries.setdefault(head.lower(), []).append((inner, entry))
    made = [_merged(site, group) for group in entries.values()]
    return dyf.over(projected(dyf.frame, made, [], site.span))


def _mapped(frame: Frame, parts: list[str | None], site: Site) -> tuple[Entry, str]:
    source, target = str(parts[0]), str(parts[2] if len(parts) == 4 else parts[1])
    source_type, target_type = (parts[1], parts[3]) if len(parts) == 4 else (None, parts[2])
    column = frame.bind_expression(_by_path(frame, source, site.span), site)
    if target_type and source_type != target_type:
        column = exp.Cast(this=column, to=to_type(target_type))
    made = site.session.ids.attribute(target.strip("`").split(".")[0], athena_type(to_type(target_type or "")))
    return Entry(Item(made, column, site.span, "mapping")), target


def _by_path(frame: Frame, path: str, span: object) -> exp.Expr:
    """The column of a path: the whole text when there is a column of that name, else nested fields."""
    whole = path.replace("`", "")
    if any(n.lower() == whole.lower() for n in frame.names):
        return named(f"`{whole}`", span)  # type: ignore[arg-type]
    return named(path, span)  # type: ignore[arg-type]


def _merged(site: Site, group: list[tuple[str, Entry]]) -> Entry:
    """Targets `a.b` and `a.c` become one struct `a`."""
    if len(group) == 1 and not group[0][0]:
        return group[0][1]
    fields = [
        exp.PropertyEQ(this=exp.to_identifier(inner or "value", quoted=True), expression=e.item.expression)
        for inner, e in group
    ]
    first = group[0][1].item
    made = site.session.ids.attribute(first.attribute.name)
    return Entry(Item(made, exp.Struct(expressions=fields), first.span, "mapping"))


def select_fields(site: Site, dyf: DynamicFrame, paths: Value, given: list[Value], keywords: dict[str, Value]) -> Value:
    """`select_fields(paths)`."""
    if isinstance(paths, Undecided):
        site.unknown("fields known only at run time are selected", "column")
        return dyf
    wanted: list[Value] = [Column(_by_path(dyf.frame, p, site.span)) for p in paths_of(paths, site)]
    return dyf.over(select_columns(dyf.frame, wanted, site))


def drop_fields(site: Site, dyf: DynamicFrame, paths: Value, given: list[Value], keywords: dict[str, Value]) -> Value:
    """`drop_fields(paths)`: a nested path changes the struct, not the column list."""
    names: list[Value] = []
    for path in paths_of(paths, site):
        whole = path.replace("`", "")
        if "." not in whole or any(n.lower() == whole.lower() for n in dyf.frame.names):
            names.append(whole)
    dropped = drop_columns(site, dyf.frame, [names])
    return dyf.over(dropped if isinstance(dropped, Frame) else dyf.frame)


def rename_field(
    site: Site, dyf: DynamicFrame, old: Value, new: Value, given: list[Value], keywords: dict[str, Value]
) -> Value:
    """`rename_field(old, new)`; a nested field that is renamed to a plain name becomes a column of its own."""
    old_name, new_name = text_of(old), text_of(new)
    if old_name is None or new_name is None:
        site.unknown("a field renamed at run time", "column")
        return dyf
    if "." in old_name and "`" not in old_name and old_name.lower() not in (n.lower() for n in dyf.frame.names):
        return dyf.over(_lifted_field(dyf.frame, old_name, new_name, site))
    return dyf.over(renamed(dyf.frame, [(old_name.strip("`"), new_name.strip("`"))], site))


def _lifted_field(frame: Frame, path: str, name: str, site: Site) -> Frame:
    bound = frame.bind_expression(named(path, site.span), site)
    made = Entry(Item(site.session.ids.attribute(name), bound, site.span, "rename"))
    entries = [kept(v) for v in frame.visible]
    return projected(frame, [*entries, made], without(frame.relation.open, [name]), site.span)


def resolve_choice(
    site: Site, dyf: DynamicFrame, specs: Value, choice: Value, given: list[Value], keywords: dict[str, Value]
) -> Value:
    """`resolveChoice(specs, choice)`: casts what is said to be cast; other resolutions keep the value."""
    frame = dyf.frame
    for spec in site.elements(specs) if specs is not None and not isinstance(specs, Undecided) else []:
        parts = [text_of(p) for p in spec] if isinstance(spec, tuple | list) else []
        if len(parts) != 2 or parts[0] is None or parts[1] is None:
            continue
        frame = _resolved(frame, parts[0].strip("`"), parts[1], site.at(spec[0]))  # type: ignore[index]
    return dyf.over(frame)


def _resolved(frame: Frame, name: str, action: str, site: Site) -> Frame:
    if not action.startswith(("cast:", "project:")) or "." in name:
        return frame
    from tools.jobs.pyspark.projection import with_columns_of

    try:
        frame.relation.resolve([name])
    except (AmbiguousName, Unresolved):
        return frame
    cast = exp.Cast(this=named(f"`{name}`", site.span), to=to_type(action.split(":", 1)[1]))
    return with_columns_of(frame, [(name, Column(cast))], site)


# --------------------------------------------------------------------------- rows


def filter_rows(
    site: Site, dyf: DynamicFrame, function: Value, given: list[Value], keywords: dict[str, Value]
) -> Value:
    """`filter(f)`: f is read with a record whose fields are the frame's columns."""
    record = Record(dyf.frame)
    result = site.call(function, record)
    condition = record.condition(result, site)
    return dyf.over(filtered(dyf.frame, condition, site)) if condition is not None else dyf


def map_rows(site: Site, dyf: DynamicFrame, function: Value, given: list[Value], keywords: dict[str, Value]) -> Value:
    """`map(f)`: f is read with a record; what it does to the record is done to the columns."""
    return dyf.over(changed_record(dyf.frame, function, site))


def join(
    site: Site,
    dyf: DynamicFrame,
    paths1: Value,
    paths2: Value,
    frame2: Value,
    given: list[Value],
    keywords: dict[str, Value],
) -> Value:
    """`join(keys1, keys2, other)`: an inner join that keeps both sides' keys; the right's same-named get a dot."""
    other = dynamic(frame2, site)
    if other is None:
        return dyf.over(opaque_frame([dyf.frame], "joined with a frame that could not be read", site))
    left, right = dyf.frame, other.frame
    keys1, keys2 = paths_of(paths1, site), paths_of(paths2, site)
    shared = {n.lower() for n in left.names} & {n.lower() for n in right.names}
    tests: list[exp.Expr] = []
    for one, two in zip(keys1, keys2, strict=False):
        first, second = left.column(_quoted(one), site), right.column(_quoted(two), site)
        tests.append(exp.EQ(this=first.expression.copy(), expression=second.expression.copy()))
    joined = join_on(left, right, tests, "inner", site)
    return dyf.over(_dotted(joined, left, shared, site))


def _quoted(path: str) -> str:
    return path if "`" in path else f"`{path}`"


def _dotted(joined: Frame, left: Frame, shared: set[str], site: Site) -> Frame:
    """Glue gives the right side's columns that the left has too the name `.name`."""
    own = {v.attribute.id for v in left.visible}
    entries: list[Entry] = []
    for visible in joined.visible:
        entry = kept(visible)
        if visible.attribute.id not in own and visible.attribute.name.lower() in shared:
            made = site.session.ids.attribute(f".{visible.attribute.name}", visible.attribute.type)
            entry = Entry(Item(made, entry.item.expression, site.span, "rename"))
        entries.append(entry)
    return projected(joined, entries, joined.relation.open, site.span)


def union(site: Site, dyf: DynamicFrame, other: Value, given: list[Value], keywords: dict[str, Value]) -> Value:
    """`union(other)`: by name."""
    right = dynamic(other, site)
    return dyf.over(united_by_name([dyf.frame, right.frame], site)) if right else dyf


# --------------------------------------------------------------------------- structure


def relationalize(
    site: Site, dyf: DynamicFrame, root: Value, staging: Value, given: list[Value], keywords: dict[str, Value]
) -> Value:
    """`relationalize(root, staging)`: a collection of flat frames, by name."""
    from tools.jobs.glue.collection import Collection

    return Collection.relationalized(
        dyf, text_of(root) or text_of(keywords.get("root_table_name")) or "roottable", site
    )


def unnest(site: Site, dyf: DynamicFrame, given: list[Value], keywords: dict[str, Value]) -> Value:
    """`unnest()`: struct fields become columns named `struct.field`."""
    return dyf.over(unnested(dyf.frame, site))


def unnested(frame: Frame, site: Site) -> Frame:
    """Struct columns flattened, as far as types are known."""
    entries: list[Entry] = []
    for visible in frame.visible:
        fields = struct_fields_of_type(visible.attribute.type)
        if not fields:
            entries.append(kept(visible))
            continue
        for name, data_type in fields:
            inner = exp.Dot(this=kept(visible).item.expression, expression=exp.to_identifier(name, quoted=True))
            made = site.session.ids.attribute(f"{visible.attribute.name}.{name}", data_type)
            entries.append(Entry(Item(made, inner, site.span, "unnest")))
    return projected(frame, entries, frame.relation.open, site.span)


def unbox(site: Site, dyf: DynamicFrame, path: Value, given: list[Value], keywords: dict[str, Value]) -> Value:
    """`unbox(path, format)`: a text column becomes a struct."""
    from tools.jobs.pyspark.projection import with_columns_of

    name = text_of(path)
    if name is None:
        return dyf
    parsed = exp.Anonymous(this="from_json", expressions=[named(name, site.span)])
    return dyf.over(with_columns_of(dyf.frame, [(name.split(".")[0], Column(parsed))], site))


def split_fields(
    site: Site,
    dyf: DynamicFrame,
    paths: Value,
    name1: Value,
    name2: Value,
    given: list[Value],
    keywords: dict[str, Value],
) -> Value:
    """`split_fields(paths, name1, name2)`: two frames, the chosen fields and the others."""
    from tools.jobs.glue.collection import Collection

    chosen = {p.strip("`").lower() for p in paths_of(paths, site)}
    inside = [kept(v) for v in dyf.frame.visible if v.attribute.name.lower() in chosen]
    outside = [kept(v) for v in dyf.frame.visible if v.attribute.name.lower() not in chosen]
    for name in sorted(chosen - {v.attribute.name.lower() for v in dyf.frame.visible}):
        if dyf.frame.is_open:
            inside.append(_asked(dyf.frame, name, site))
    first = projected(dyf.frame, inside, [], site.span)
    second = projected(dyf.frame, outside, without(dyf.frame.relation.open, chosen), site.span)
    names = (text_of(name1) or "1", text_of(name2) or "2")
    return Collection({names[0]: dyf.over(first), names[1]: dyf.over(second)})


def _asked(frame: Frame, name: str, site: Site) -> Entry:
    from tools.jobs.pyspark.selection import Selection

    return Selection(frame, site).entry(Column(named(f"`{name}`", site.span)))


def split_rows(
    site: Site,
    dyf: DynamicFrame,
    comparisons: Value,
    name1: Value,
    name2: Value,
    given: list[Value],
    keywords: dict[str, Value],
) -> Value:
    """`split_rows({column: {operator: value}}, name1, name2)`: two frames by a condition."""
    from tools.jobs.glue.collection import Collection

    tests: list[exp.Expr] = [exp.Boolean(this=True)]
    for column, rule in comparisons.items() if isinstance(comparisons, dict) else []:
        tests.append(exp.Not(this=exp.Is(this=named(str(text_of(column)), site.span), expression=exp.Null())))
        del rule
    condition = exp.and_(*tests[1:], copy=False) if len(tests) > 1 else tests[0]
    first = filtered(dyf.frame, condition, site)
    second = filtered(dyf.frame, exp.Not(this=condition.copy()), site)
    names = (text_of(name1) or "1", text_of(name2) or "2")
    return Collection({names[0]: dyf.over(first), names[1]: dyf.over(second)})


def same(site: Site, dyf: DynamicFrame, given: list[Value], keywords: dict[str, Value]) -> Value:
    """Methods that leave rows and columns as they are."""
    return dyf


def asked(site: Site, dyf: DynamicFrame, given: list[Value], keywords: dict[str, Value]) -> Value:
    """Questions about the data."""
    return site.undecided("what a DynamicFrame holds", dyf.frame)


def merge(
    site: Site, dyf: DynamicFrame, stage: Value, keys: Value, given: list[Value], keywords: dict[str, Value]
) -> Value:
    """`mergeDynamicFrame(stage, keys)`: records of stage replace those with the same keys."""
    return union(site, dyf, stage, [], {})


def write(site: Site, dyf: DynamicFrame, given: list[Value], keywords: dict[str, Value]) -> Value:
    """`dyf.write(connection_type, connection_options, format)`."""
    from tools.jobs.glue.writing import write_options

    names = ("connection_type", "connection_options", "format")
    values = {**dict(zip(names, given, strict=False)), **keywords}
    write_options(dyf, values.get("connection_type"), values.get("connection_options"), values.get("format"), site)
    return dyf


_REST = ("*given", "**keywords")
METHODS: dict[str, Native] = {
    "toDF": method(to_df, *_REST),
    "apply_mapping": method(apply_mapping, "mappings", *_REST),
    "select_fields": method(select_fields, "paths", *_REST),
    "drop_fields": method(drop_fields, "paths", *_REST),
    "rename_field": method(rename_field, "oldName", "newName", *_REST),
    "resolveChoice": method(resolve_choice, "specs=", "choice=", *_REST),
    "filter": method(filter_rows, "f", *_REST),
    "map": method(map_rows, "f", *_REST),
    "join": method(join, "paths1", "paths2", "frame2", *_REST),
    "union": method(union, "other_frame", *_REST),
    "relationalize": method(relationalize, "root_table_name=", "staging_path=", *_REST),
    "unnest": method(unnest, *_REST),
    "unnest_ddb_json": method(unnest, *_REST),
    "simplify_ddb_json": method(unnest, *_REST),
    "unbox": method(unbox, "path", *_REST),
    "split_fields": method(split_fields, "paths", "name1=", "name2=", *_REST),
    "split_rows": method(split_rows, "comparison_dict", "name1=", "name2=", *_REST),
    "mergeDynamicFrame": method(merge, "stage_dynamic_frame", "primary_keys=", *_REST),
    "write": method(write, *_REST),
    **{
        name: method(same, *_REST)
        for name in ("repartition", "coalesce", "spigot", "with_frame_schema", "assertErrorThreshold", "fill_missing")
    },
    **{
        name: method(asked, *_REST)
        for name in ("count", "schema", "printSchema", "show", "errorsCount", "stageErrorsCount", "getSchema", "rdd")
    },
}  # fmt: skip

__all__ = ["METHODS", "DynamicFrame", "OpenList", "dynamic", "spark_type"]
