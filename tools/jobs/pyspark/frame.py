"""PySpark's DataFrame: a relation of the plan, and how names and earlier frames' columns are found in it.

A column made by `df.c` or `df["c"]` points at an id and remembers the frame it was taken from. Joining a frame with a
descendant of itself gives the right side new ids (`Rebase`), so such a column is followed from its frame to where it is
used: `Frame.current` does that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import count
from typing import TypeAlias

from sqlglot import exp

from tools.jobs.pyspark.column import ANY_COLUMN, Column, named, nodes
from tools.jobs.python.site import Site
from tools.jobs.python.text import text_of
from tools.jobs.python.values import NOTHING, Bound, Host, Located, Native, OpenList, Undecided, Value
from tools.plan.base import Attribute, ColumnId, Span, Unknown
from tools.plan.bind import Scope, bind, either, is_missing
from tools.plan.model import Aggregate, Filter, Generate, Item, Limit, Op, Project, Rebase, Rest, Scan, Sort
from tools.plan.references import is_ref, ref, ref_id
from tools.plan.relation import AmbiguousName, OpenPart, Relation, Unresolved, Visible
from tools.plan.whole import walk

_numbers = count(1)
DEEPEST_LOOK = 20  # how many selects below a frame a name is looked for
Translation: TypeAlias = "Mapping[ColumnId, ColumnId] | Rebase | None"


@dataclass(frozen=True, slots=True)
class Parent:
    """A frame that this one was made from, and the new ids of its columns where they changed."""

    frame: Frame
    translation: Translation = None


@dataclass(eq=False, slots=True)
class Frame(Host):
    """A DataFrame.

    Args:
        relation: its operator and names.
        parents: the frames it was made from.
        translated: whether some ancestor's columns go by other ids here.
        streaming: made by readStream.
    """

    relation: Relation
    parents: tuple[Parent, ...] = ()
    translated: bool = False
    streaming: bool = False
    number: int = field(default_factory=lambda: next(_numbers))
    _visible: tuple[Visible, ...] | None = None
    _counted: tuple[int, ...] = ()  # how many columns the open sources had when that was made

    # ------------------------------------------------------------------ as Python sees it

    @property
    def weight(self) -> int:
        """Wide frames are more work."""
        return len(self.relation.visible) // 16

    def attribute(self, name: str, site: Site) -> Value:
        """A method or property, else a column."""
        found = METHODS.get(name)
        if found is not None:
            return Bound(found, self)
        reader = PROPERTIES.get(name)
        if reader is not None:
            return reader(site, self)
        if name.startswith("__"):
            return NOTHING
        return self.column(name, site)

    def item(self, key: Value, site: Site) -> Value:
        """`df["c"]`, `df[0]`, `df[["a", "b"]]`, `df[condition]`."""
        if isinstance(key, str):
            return self.column(str(key), site.at(key))
        if isinstance(key, Column):
            return site.call(Bound(METHODS["filter"], self), key)
        if isinstance(key, list | tuple):
            return site.call(Bound(METHODS["select"], self), list(key))
        shown = self.relation.shown
        if isinstance(key, int) and -len(shown) <= key < len(shown):
            return self._pointing(shown[key], site.span)
        text = text_of(key)
        return Column(named(f"`{text}`", site.span)) if text else site.undecided("a column", self)

    def iterate(self, site: Site) -> list[Value] | None:
        """Rows are not known."""
        return None

    def truth(self, site: Site) -> bool | None:
        """A frame is true."""
        return True

    def text(self, site: Site) -> Value:
        """`str(df)` shows the schema."""
        return site.undecided("a frame as text")

    def column(self, name: str, site: Site) -> Column:
        """A column that points at this frame's column of that name."""
        if name == "*" or name.endswith(".*"):
            return Column(named(name, site.span))
        parts = _parts(name)
        for candidate in (parts, [name]):
            try:
                found = self.relation.resolve(candidate)
            except AmbiguousName as error:
                return Column(either(error.candidates, site.span), name)
            except Unresolved:
                continue
            pointing = self._pointing(found.attribute, site.span)
            for part in found.fields:
                inner = exp.Dot(this=pointing.expression, expression=exp.to_identifier(part, quoted=True))
                pointing = Column(inner)
            return pointing
        return Column(named(name, site.span))

    def _pointing(self, attribute: Attribute, span: Span) -> Column:
        leaf = ref(attribute, span)
        leaf.meta["frame"] = self.number
        leaf.meta["name"] = attribute.name
        return Column(leaf)

    # ------------------------------------------------------------------ deriving frames

    @property
    def op(self) -> Op:
        """The operator that computes it."""
        return self.relation.op

    def over(self, relation: Relation, *others: Frame) -> Frame:
        """A frame made from this one (and others)."""
        parents = (Parent(self), *(Parent(o) for o in others))
        return Frame(relation, parents, any(p.frame.translated for p in parents), self.streaming)

    def on(self, op: Op) -> Frame:
        """The same columns over another operator."""
        return self.over(self.relation.on(op))

    @property
    def visible(self) -> tuple[Visible, ...]:
        """Columns with their qualifiers, hidden ones included, and those that open sources have been asked for."""
        counted = tuple(len(p.rest.source.output) for p in self.relation.open)  # type: ignore[attr-defined]
        if self._visible is None or counted != self._counted:
            self._visible, self._counted = self._with_late() if counted else self.relation.visible, counted
        return self._visible

    def _with_late(self) -> tuple[Visible, ...]:
        known = list(self.relation.visible)
        have = {v.attribute.id for v in known}
        for part in self.relation.open:
            source = part.rest.source
            assert isinstance(source, Op)
            for attribute in source.output:
                if attribute.id not in have and attribute.name.lower() not in part.rest.excluded:
                    have.add(attribute.id)
                    known.append(Visible(attribute, part.qualifier))
        return tuple(known)

    @property
    def is_open(self) -> bool:
        """Whether there may be columns that are not known."""
        return bool(self.relation.open)

    @property
    def names(self) -> list[str]:
        """Names of the known columns."""
        return [a.name for a in self.relation.shown]

    # ------------------------------------------------------------------ finding columns

    def bind(self, column: Column, site: Site) -> exp.Expr:
        """The column's expression over this frame's ids. Names that are not here are looked for below (Spark does)."""
        return self.bind_expression(column.expression, site)

    def bind_expression(self, expression: exp.Expr, site: Site) -> exp.Expr:
        """As `bind`, for an expression."""
        if any(_is_special(node) for node in nodes(expression)):
            expression = expression.transform(lambda node: self._special(node, site))
        reports: list[Unknown] = []
        bound = bind(expression, self.scope(site, reports.append))
        if reports:
            bound = self._bound_below(expression, bound, reports, site)
        return self._follow(bound)

    def scope(self, site: Site, report: Callable[[Unknown], None] | None = None) -> Scope:
        """A binding scope over this frame."""
        from tools.jobs.pyspark.subqueries import lower_nested

        session = site.session
        return Scope(
            self.relation,
            lambda node: place_of(node) or site.span,
            report or session.unknown,
            lambda query, scope: lower_nested(query, scope, session, site),
            session.plan.subqueries,
        )

    def _special(self, node: exp.Expr, site: Site) -> exp.Expr:
        """What stands for a column whose name only a run knows."""
        if isinstance(node, exp.Anonymous) and node.name == ANY_COLUMN:
            return either(self.relation.shown, place_of(node) or site.span)
        if not isinstance(node, exp.Column) or is_ref(node):
            return node
        if "rest" in node.meta:
            site.unknown("computed with columns that are not known without a schema", "column")
            return exp.Null()
        if "${" in node.name:  # a column named by a job argument is some column of the one table that there is
            attribute = hole_column(self, node.name, site)
            return ref(attribute, place_of(node)) if attribute is not None else node
        return node

    def _bound_below(self, expression: exp.Expr, bound: exp.Expr, missing: list[Unknown], site: Site) -> exp.Expr:
        """Names that a select left out are still found in what it was made from."""
        lost = any(is_missing(n) for n in nodes(bound))
        below = self.parents[0].frame if len(self.parents) == 1 and lost else None
        for _ in range(DEEPEST_LOOK):
            if below is None:
                break
            retried: list[Unknown] = []
            again = bind(expression, below.scope(site, retried.append))
            if not any(is_missing(n) for n in nodes(again)):
                return self._prefer(expression, again, below, site)
            below = below.parents[0].frame if len(below.parents) == 1 else None
        for unknown in missing:
            site.session.unknown(unknown)
        return bound

    def _prefer(self, expression: exp.Expr, found_below: exp.Expr, below: Frame, site: Site) -> exp.Expr:
        def one(node: exp.Expr) -> exp.Expr:
            if not isinstance(node, exp.Column) or is_ref(node):
                return node
            here: list[Unknown] = []
            bound = bind(node, self.scope(site, here.append))
            return bind(node, below.scope(site)) if here else bound

        return expression.transform(one)

    def _follow(self, expression: exp.Expr) -> exp.Expr:
        """References taken from earlier frames get the ids that those columns have here."""
        for leaf in [n for n in nodes(expression) if isinstance(n, exp.Column)]:
            number = leaf.meta.pop("frame", None) if leaf._meta else None
            if number is None or not self.translated:
                continue
            now = self.current(number, ref_id(leaf))
            if now is not None and now != ref_id(leaf):
                leaf.set("this", exp.Identifier(this=str(now), quoted=True))
        return expression

    def current(self, number: int, column: ColumnId) -> ColumnId | None:
        """The id here of a column taken from the frame of that number; None when that is no ancestor."""
        seen: set[int] = set()
        stack: list[tuple[Frame, tuple[Translation, ...]]] = [(self, ())]
        while stack:
            frame, steps = stack.pop()
            if frame.number == number:
                for step in reversed(steps):
                    column = translated(step, column)
                return column
            if frame.number in seen:
                continue
            seen.add(frame.number)
            for parent in reversed(frame.parents):
                stack.append((parent.frame, (*steps, parent.translation) if parent.translation is not None else steps))
        return None

    def descends_from(self, number: int) -> bool:
        """Whether the frame of that number is this one or an ancestor."""
        return self.current(number, 0) is not None


def translated(step: Translation, column: ColumnId) -> ColumnId:
    """A column's id after a self-join or union gave it a new one."""
    if step is None:
        return column
    if not isinstance(step, Rebase):
        return step.get(column, column)
    for item in step.columns:
        if is_ref(item.expression) and ref_id(item.expression) == column:
            return item.attribute.id
    for late in step.child.output:
        if late.id == column and step.rest:
            return step.column(late.name).id
    return column


def place_of(node: exp.Expr) -> Span | None:
    """Where the job names an unbound column."""
    place = node.meta.get("span") if node._meta else None
    return Span(*place) if place else None


def _parts(name: str) -> list[str]:
    from tools.jobs.pyspark.column import _NAME_PART

    return [quoted or plain for quoted, plain in _NAME_PART.findall(name)] or [name]


# --------------------------------------------------------------------------- operators that stand below


def carried(op: Op, wanted: Iterable[ColumnId]) -> Op:
    """The operator, its projections widened so that these columns of what is below come out too."""
    missing = set(wanted) - {a.id for a in op.output}
    if not missing:
        return op
    if isinstance(op, Project):
        below = carried(op.child, missing)
        there = {a.id: a for a in below.output}
        added = [pass_through(there[i]) for i in sorted(missing) if i in there]
        return Project(below, [*op.columns, *added], op.carries, span=op.span)
    if isinstance(op, Filter):
        return Filter(carried(op.child, missing), op.predicate, span=op.span)
    if isinstance(op, Sort):
        return Sort(carried(op.child, missing), op.keys, span=op.span)
    if isinstance(op, Limit):
        return Limit(carried(op.child, missing), op.count, op.offset, span=op.span)
    if isinstance(op, Generate):
        return Generate(carried(op.child, missing), op.generator, op.columns, op.outer, span=op.span)
    return op


def ids_in(expression: exp.Expr) -> set[ColumnId]:
    """Ids that an expression refers to."""
    return {ref_id(c) for c in nodes(expression) if isinstance(c, exp.Column) and is_ref(c)}


def _is_special(node: exp.Expr) -> bool:
    if isinstance(node, exp.Column):
        return "${" in node.name or (node._meta is not None and "rest" in node._meta)
    return isinstance(node, exp.Anonymous) and node.name == ANY_COLUMN


@lru_cache(maxsize=65_536)
def pass_through(attribute: Attribute) -> Item:
    """An item that hands a column on. Wide frames are edited many times, so items are shared and never changed."""
    return Item(attribute, ref(attribute))


# --------------------------------------------------------------------------- projections


@dataclass(frozen=True, slots=True)
class Entry:
    """One column of a projection, and the names it answers to."""

    item: Item
    qualifier: tuple[str, ...] = ()
    hidden: bool = False

    @property
    def name(self) -> str:
        """The column's name, folded."""
        return self.item.attribute.name.lower()


def kept(visible: Visible) -> Entry:
    """A column handed on under its name."""
    return Entry(pass_through(visible.attribute), visible.qualifier, visible.hidden)


def edited(
    frame: Frame, items: list[Item], visible: Sequence[Visible], opens: Sequence[OpenPart], span: Span, below: Op
) -> Frame:
    """The frame with these items, which answer to these names: wide frames are edited often, so this is quick."""
    rests = {(id(p.rest.source), p.rest.excluded): p.rest for p in opens}
    op = Project(below, items, list(rests.values()), span=span)
    return frame.over(Relation(op, tuple(visible), tuple(opens)))


def projected(
    frame: Frame, entries: Sequence[Entry], opens: Sequence[OpenPart], span: Span, below: Op | None = None
) -> Frame:
    """The frame with exactly these columns."""
    rests = {(id(p.rest.source), p.rest.excluded): p.rest for p in opens}
    op = Project(below or frame.op, [e.item for e in entries], list(rests.values()), span=span)
    visible = tuple(Visible(e.item.attribute, e.qualifier, e.hidden) for e in entries)
    return frame.over(Relation(op, visible, tuple(opens)))


def without(opens: Iterable[OpenPart], names: Iterable[str]) -> list[OpenPart]:
    """Open parts that no longer hand on columns of these names."""
    gone = frozenset(n.lower() for n in names)
    return [OpenPart(Rest(p.rest.source, p.rest.excluded | gone), p.qualifier) for p in opens]


def hole_column(frame: Frame, name: str, site: Site) -> Attribute | None:
    """The column that a name with a hole stands for: a known one of that very name, or one more column of the table,
    when there is just one table that it can belong to.
    """
    for visible in frame.visible:
        if visible.attribute.name == name:
            return visible.attribute
    scans = [op for op in walk(frame.op) if isinstance(op, Scan)]
    if "${?}" in name or "[]}" in name or len(scans) != 1 or any(isinstance(op, Aggregate) for op in walk(frame.op)):
        return None
    found = next((a for a in scans[0].columns if a.name == name), None)
    if found is None:
        found = site.session.ids.attribute(name)
        scans[0].columns.append(found)
    return found


def touch(frame: Frame, name: str) -> None:
    """Asks an open frame for a column, so that it is known from here on."""
    if frame.is_open and not frame.relation.has(name):
        try:
            frame.relation.resolve([name])
        except (AmbiguousName, Unresolved):
            return


METHODS: dict[str, Native] = {}
PROPERTIES: dict[str, Callable[[Site, Frame], Value]] = {}

__all__ = [
    "METHODS",
    "PROPERTIES",
    "Entry",
    "Frame",
    "Located",
    "OpenList",
    "Parent",
    "Undecided",
    "carried",
    "edited",
    "ids_in",
    "kept",
    "pass_through",
    "projected",
    "touch",
    "without",
]
