"""`join` in all its forms."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from tools.jobs.pyspark.column import Column, column_of, method, unalias
from tools.jobs.pyspark.frame import (
    Entry,
    Frame,
    Parent,
    carried,
    hole_column,
    ids_in,
    kept,
    pass_through,
    place_of,
    projected,
)
from tools.jobs.pyspark.opaque import opaque_frame
from tools.jobs.pyspark.sqltext import expression_of
from tools.jobs.python.site import Site
from tools.jobs.python.text import text_of
from tools.jobs.python.values import Native, OpenList, Partial, Undecided, Value
from tools.plan.base import Attribute
from tools.plan.bind import bind, either
from tools.plan.model import Item, Join, JoinKind, Rebase, Rest
from tools.plan.references import is_ref, ref, ref_id
from tools.plan.relation import AmbiguousName, OpenPart, Relation, Unresolved, Visible

KINDS: dict[str, JoinKind] = {
    "inner": "inner", "cross": "cross",
    "outer": "full", "full": "full", "fullouter": "full",
    "left": "left", "leftouter": "left", "right": "right", "rightouter": "right",
    "semi": "semi", "leftsemi": "semi", "anti": "anti", "leftanti": "anti",
}  # fmt: skip


def join(site: Site, frame: Frame, other: Value, on: Value, how: Value) -> Value:
    """`join(other, on, how)`."""
    right = frame_of(other, site)
    if right is None:
        return opaque_frame([frame], "joined with a frame that could not be read", site)
    kind = kind_of(how, site)
    names = key_names(on, site)
    if names is not None:
        return join_using(frame, right, names, kind, site)
    return join_on(frame, right, conditions_of(on, site), kind, site)


def frame_of(value: Value, site: Site) -> Frame | None:
    """A frame, also one made by code that could not be read."""
    from tools.jobs.pyspark.promote import as_frame

    return as_frame(value, site)


def kind_of(how: Value, site: Site) -> JoinKind:
    """The kind of join; inner when none is given."""
    text = text_of(how) if how is not None else "inner"
    kind = KINDS.get((text or "").lower().replace("_", "").replace(" ", ""))
    if kind is None:
        site.unknown(f"a join of kind {text}", "statement")
    return kind or "inner"


def key_names(on: Value, site: Site) -> list[str] | None:
    """The names of `on="a"` and `on=["a", "b"]`; None when `on` is a condition."""
    values = list(on) if isinstance(on, list | tuple | set) else [on]
    names = [text_of(v) for v in values if isinstance(v, str | Partial | Undecided) and not _is_frame_part(v)]
    return [n for n in names if n] if values and len(names) == len(values) and on is not None else None


def _is_frame_part(value: Value) -> bool:
    return isinstance(value, Undecided) and bool(value.inputs)


def conditions_of(on: Value, site: Site) -> list[exp.Expr]:
    """The conditions of a join, all of which must hold."""
    found: list[exp.Expr] = []
    for value in on if isinstance(on, list | tuple) else [on]:
        if isinstance(value, Column):
            found.append(unalias(value.expression))
        elif isinstance(value, str):
            found.append(exp.EQ(this=column_of(value, site).expression, expression=column_of(value, site).expression))
        elif value is not None:
            site.unknown("the condition of a join is known only at run time", "expression")
    return found


# --------------------------------------------------------------------------- the two sides


def sides(left: Frame, right: Frame, site: Site) -> tuple[Frame, Frame, Rebase | None]:
    """Both sides ready to be joined: when they share columns, the right one gets new ids."""
    shared = {a.id for a in left.op.output} & {a.id for a in right.op.output}
    sources = {id(r.source) for r in left.op.rest} & {id(r.source) for r in right.op.rest}
    if not shared and not sources:
        return left, right, None
    ids = site.session.ids
    fresh: dict[int, Attribute] = {}
    for attribute in [*right.op.output, *(v.attribute for v in right.visible)]:
        if attribute.id not in fresh:
            fresh[attribute.id] = ids.attribute(attribute.name, attribute.type)
    items = [Item(new, ref(old), site.span, "rebase") for old, new in fresh.items()]
    op = Rebase(right.op, items, ids, span=site.span)
    visible = tuple(
        Visible(Attribute(fresh[v.attribute.id].id, v.attribute.name, v.attribute.type), v.qualifier, v.hidden)
        for v in right.visible
    )
    opens = tuple(OpenPart(Rest(op, p.rest.excluded), p.qualifier) for p in right.relation.open)
    return left, Frame(Relation(op, visible, opens), (Parent(right, op),), True, right.streaming), op


def both(left: Frame, right: Frame, op: Join, rebase: Rebase | None) -> Frame:
    """The frame over a join."""
    relation = _combined(left, right, op)
    streaming = left.streaming or right.streaming
    translated = left.translated or right.translated
    return Frame(relation, (Parent(left), Parent(right)), translated, streaming)


def _combined(left: Frame, right: Frame, op: Join) -> Relation:
    visible = (*left.visible, *right.visible)
    if op.kind in ("semi", "anti"):
        return Relation(op, tuple(left.visible), left.relation.open)
    return Relation(op, visible, left.relation.open + right.relation.open)


# --------------------------------------------------------------------------- on a condition


def join_on(left: Frame, right: Frame, conditions: Sequence[exp.Expr], kind: JoinKind, site: Site) -> Frame:
    """A join on conditions (none: a cross join)."""
    left, right, rebase = sides(left, right, site)
    probe = both(left, right, Join(left.op, right.op, "inner"), rebase)
    bound = [_split_same(_bound(probe, left, right, c, site), left, right) for c in conditions]
    condition = exp.and_(*bound, copy=False) if bound else None
    wanted = ids_in(condition) if condition is not None else set()
    op = Join(carried(left.op, wanted), carried(right.op, wanted), kind, condition, span=site.span)
    if condition is None and kind == "inner":
        op.kind = "cross"
    return both(left, right, op, rebase)


def _bound(probe: Frame, left: Frame, right: Frame, condition: exp.Expr, site: Site) -> exp.Expr:
    """The condition over both sides; a bare name that both have is each side's own (`on="a"` inside a list)."""

    def visit(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.EQ) and _same_bare_name(node):
            one = bind(node.this, left.scope(site))
            two = bind(node.expression, right.scope(site))
            return exp.EQ(this=one, expression=two)
        return node

    return probe.bind_expression(condition.transform(visit), site)


def _same_bare_name(node: exp.EQ) -> bool:
    one, two = node.this, node.expression
    return (
        isinstance(one, exp.Column)
        and isinstance(two, exp.Column)
        and not is_ref(one)
        and one == two
        and len(one.parts) == 1
    )


def _split_same(condition: exp.Expr, left: Frame, right: Frame) -> exp.Expr:
    """`df.c == df.c` over a self-join means the left one and the right one, as Spark takes it."""
    for node in list(condition.find_all(exp.EQ, exp.NullSafeEQ)):
        one, two = node.this, node.expression
        if is_ref(one) and is_ref(two) and ref_id(one) == ref_id(two):
            other = _on_the_right(ref_id(two), two, right)
            if other is not None:
                two.set("this", exp.Identifier(this=str(other), quoted=True))
    return condition


def _on_the_right(column: int, leaf: exp.Expr, right: Frame) -> int | None:
    number = leaf.meta.get("frame")
    if number is not None:
        found = right.current(number, column)
        if found is not None and found != column:
            return found
    op = right.op
    if isinstance(op, Rebase):
        return next((i.attribute.id for i in op.columns if ref_id(i.expression) == column), None)
    return None


# --------------------------------------------------------------------------- on names


def join_using(left: Frame, right: Frame, names: Sequence[str], kind: JoinKind, site: Site) -> Frame:
    """A join on names that both sides have: each comes out once, first of all columns, from the side that Spark takes."""
    left, right, rebase = sides(left, right, site)
    pairs = [(_key(left, n, site), _key(right, n, site)) for n in names]
    tests = [exp.EQ(this=_leaf(one, site), expression=_leaf(two, site)) for one, two in pairs]
    wanted = {c.id for pair in pairs for c in pair}
    op = Join(
        carried(left.op, wanted),
        carried(right.op, wanted),
        kind,
        exp.and_(*tests, copy=False) if tests else None,
        span=site.span,
    )
    joined = both(left, right, op, rebase)
    if kind in ("semi", "anti"):
        return joined
    entries = [_merged(joined, one, two, kind, site) for one, two in pairs]
    placed = {e.item.attribute.id for e in entries}
    keys = {c.id for pair in pairs for c in pair}
    for visible in joined.visible:
        if visible.attribute.id in placed:
            continue
        entry = kept(visible)
        if visible.attribute.id in keys:
            entry = Entry(entry.item, entry.qualifier, hidden=True)
        entries.append(entry)
    opens = [_without_keys(p, names, pairs) for p in joined.relation.open]
    return projected(joined, entries, opens, site.span)


def _without_keys(part: OpenPart, names: Sequence[str], pairs: Sequence[tuple[Attribute, Attribute]]) -> OpenPart:
    return OpenPart(Rest(part.rest.source, part.rest.excluded | {n.lower() for n in names}), part.qualifier)


def _key(frame: Frame, name: str, site: Site) -> Attribute:
    """The side's column of that name; one that is not there is reported and stands as a new column of nothing."""
    if "${" in name:
        hole = hole_column(frame, name, site)
        if hole is not None:
            return hole
    try:
        return frame.relation.resolve([name.strip("`")]).attribute
    except AmbiguousName as error:
        site.unknown(f"join key {name} could be any of {len(error.candidates)} columns", "column", name)
        return error.candidates[0]
    except Unresolved as error:
        near = ", ".join(error.near[:8])
        site.unknown(f"join key {name} is not there; there is {near}", "column", name)
        return site.session.ids.attribute(name)


def _leaf(attribute: Attribute, site: Site) -> exp.Expr:
    leaf = ref(attribute, site.span)
    leaf.meta["name"] = attribute.name
    return leaf


def _merged(joined: Frame, one: Attribute, two: Attribute, kind: JoinKind, site: Site) -> Entry:
    if kind == "full":
        made = site.session.ids.attribute(one.name, one.type)
        return Entry(Item(made, exp.Coalesce(this=ref(one), expressions=[ref(two)]), site.span, "using"))
    taken = two if kind == "right" else one
    qualifier = next((v.qualifier for v in joined.visible if v.attribute.id == taken.id), ())
    return Entry(pass_through(taken), qualifier)


# --------------------------------------------------------------------------- other joins


def cross_join(site: Site, frame: Frame, other: Value) -> Value:
    """`crossJoin(other)`."""
    right = frame_of(other, site)
    if right is None:
        return opaque_frame([frame], "joined with a frame that could not be read", site)
    return join_on(frame, right, [], "cross", site)


def join_as_of(site: Site, frame: Frame, other: Value, arguments: list[Value], keywords: dict[str, Value]) -> Value:
    """`_joinAsOf` and other unusual joins are not read in detail."""
    right = frame_of(other, site)
    return opaque_frame([f for f in (frame, right) if f], "an as-of join", site)


METHODS: dict[str, Native] = {
    "join": method(join, "other", "on=", "how="),
    "crossJoin": method(cross_join, "other"),
    "lateralJoin": method(join, "other", "on=", "how="),
    "_joinAsOf": method(join_as_of, "other", "*arguments", "**keywords"),
}

__all__ = ["METHODS", "OpenList", "either", "expression_of", "join_on", "join_using", "place_of"]
