"""What `select` makes of its arguments: columns, stars, generators, aggregates, and the names that come out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from tools.jobs.labels import output_name
from tools.jobs.pyspark.aggregates import has_aggregate
from tools.jobs.pyspark.column import Column, column_of, named, nodes, unalias
from tools.jobs.pyspark.frame import Entry, Frame, carried, ids_in, kept, pass_through, place_of, projected
from tools.jobs.pyspark.generators import extract_generator
from tools.jobs.pyspark.names import RestName
from tools.jobs.pyspark.shapes import note_shape
from tools.jobs.pyspark.sqltext import expression_of
from tools.jobs.python.site import Site
from tools.jobs.python.values import OpenList, Undecided, Value
from tools.plan.base import Attribute, Span
from tools.plan.model import Item, OpenFields, Project, Rest
from tools.plan.references import is_ref, ref_id
from tools.plan.relation import AmbiguousName, OpenPart, Relation, Unresolved


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
        return from_inputs(value, site)
    return column_of(value, site)


class Selection:
    """A projection being put together."""

    def __init__(self, frame: Frame, site: Site) -> None:
        self.base = frame
        self.site = site
        self.entries: list[Entry] = []
        self.opens: list[OpenPart] = []
        self.structs: list[exp.Expr] = []  # `s.*` of structs whose fields are not known

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
        wanted |= {i for struct in self.structs for i in ids_in(struct)}
        below = carried(self.base.op, wanted)
        made = projected(self.base, distinct_ids(self.entries, self.site), self.opens, self.site.span, below)
        return self._with_open_fields(made) if self.structs else made

    def _with_open_fields(self, made: Frame) -> Frame:
        """Fields of structs that are not known come into being as they are named."""
        frame = made
        for struct in self.structs:
            plain = frame.op
            assert isinstance(plain, Project)
            op = OpenFields(
                plain.child, plain.columns, plain.carries, struct=struct, ids=self.site.session.ids, span=plain.span
            )
            part = OpenPart(Rest(op))
            frame = self.base.over(Relation(op, frame.relation.visible, (*frame.relation.open, part)))
        return frame

    def _star(self, star: exp.Expr) -> None:
        """`*` or `t.*`: known columns, then what open sources add."""
        if isinstance(star, exp.Column):
            qualifier = [p.name for p in star.parts[:-1]]
            try:
                named_columns, rests = self.base.relation.star(qualifier)
            except Unresolved:
                self._fields(qualifier)
                return
            wanted = {a.id for a in named_columns}
            self.entries.extend(kept(v) for v in self.base.visible if v.attribute.id in wanted)
            self.opens.extend(p for p in self.base.relation.open if p.rest in rests)
            return
        self.entries.extend(kept(v) for v in self.base.visible if not v.hidden)
        self.opens.extend(self.base.relation.open)

    def _fields(self, qualifier: list[str]) -> None:
        """`s.*` over a struct: its fields by the type, or, when that is not known, as they are named later."""
        from tools.jobs.pyspark.shapes import fields_of

        path = ".".join(f"`{q}`" for q in qualifier)
        try:
            self.base.relation.resolve(qualifier)
        except (Unresolved, AmbiguousName):
            self.site.unknown(f"nothing answers to {'.'.join(qualifier)}.*", "column")
            return
        bound = self.base.bind_expression(named(path, self.site.span), self.site)
        fields = fields_of(self.base, bound, self.site)
        if not fields:
            self.site.unknown(f"the fields of {'.'.join(qualifier)} are not known", "column")
            self.structs.append(bound)
        self.entries.extend(self.entry(Column(named(f"{path}.`{f}`", self.site.span))) for f in fields)


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


def entry_for(frame: Frame, column: Column, bound: exp.Expr, site: Site, span: Span) -> Entry:
    """The entry that a bound column makes: its own id when it only hands a column on, else a new one."""
    name = _own_name(frame, column, bound, site)
    if is_ref(bound) and not isinstance(column.expression, exp.Alias):
        attribute = _attribute(frame, ref_id(bound), name)
        qualifier = next((v.qualifier for v in frame.visible if v.attribute.id == attribute.id), ())
        return Entry(Item(attribute, bound, span), qualifier)
    made = site.session.ids.attribute(name, type_of(bound) or type_behind(frame, bound))
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


def from_inputs(value: Undecided, site: Site) -> Column:
    """A column made by code that cannot be read, from the columns that went in."""
    columns = [c for c in value.inputs if isinstance(c, Column)]
    site.unknown(f"a column made by code that is not read: {value.reason}", "expression")
    from tools.jobs.pyspark.opaque import OPAQUE

    return Column(exp.Anonymous(this=OPAQUE, expressions=[unalias(c.expression).copy() for c in columns]), "udf")


def type_behind(frame: Frame, bound: exp.Expr) -> str | None:
    """The type of the column that an expression only refers to."""
    if is_ref(bound):
        return next((v.attribute.type for v in frame.visible if v.attribute.id == ref_id(bound)), None)
    return None
