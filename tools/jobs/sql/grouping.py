"""Lowers GROUP BY: splits aggregate calls off into an Aggregate operator, and reads ROLLUP, CUBE and GROUPING SETS."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from sqlglot import exp

from tools.jobs.sql.env import Env
from tools.jobs.sql.items import expressions, make_item
from tools.jobs.sql.names import item_name
from tools.plan.base import ColumnId
from tools.plan.bind import bind
from tools.plan.model import Aggregate, Item
from tools.plan.references import is_ref, ref, ref_id
from tools.plan.relation import Relation

_MOST_SETS = 1_024
_WRAPPERS = (exp.Filter, exp.WithinGroup, exp.IgnoreNulls, exp.RespectNulls)


@dataclass
class Clauses:
    """What stands above a GROUP BY, bound over its input: select items, ORDER BY terms, HAVING and QUALIFY."""

    items: list[Item]
    order: list[exp.Expr] = field(default_factory=list)
    having: exp.Expr | None = None
    qualify: exp.Expr | None = None

    @property
    def expressions(self) -> list[exp.Expr]:
        """All of them."""
        tests = [e for e in (self.having, self.qualify) if e is not None]
        return [*(i.expression for i in self.items), *self.order, *tests]


def grouped(query: exp.Select, env: Env, relation: Relation, clauses: Clauses) -> tuple[Relation, Clauses]:
    """An Aggregate operator below, and in the clauses references to its columns; without aggregation both as they are."""
    group = query.args.get("group")
    if group is None and not any(_has_aggregate(e) for e in clauses.expressions):
        return relation, clauses
    keys, sets = _keys(group, env, relation, clauses.items)
    made: dict[str, Item] = {}

    def lift(expression: exp.Expr) -> exp.Expr:
        return lift_aggregates(expression, keys, made, env)

    own = {k.attribute.id for k in keys}
    items = [
        _handed_on(i) if i.attribute.id in own else replace(i, expression=lift(i.expression)) for i in clauses.items
    ]
    lifted = Clauses(
        [_as_key(i, keys) for i in items],
        [lift(o) for o in clauses.order],
        lift(clauses.having) if clauses.having is not None else None,
        lift(clauses.qualify) if clauses.qualify is not None else None,
    )
    span = env.place(group) if group is not None else env.place(query)
    op = Aggregate(relation.op, keys, list(made.values()), sets, span=span)
    return Relation.over(op), lifted


def _handed_on(item: Item) -> Item:
    """An item whose column the Aggregate already makes (`GROUP BY ALL`)."""
    return item if item.is_pass_through else replace(item, expression=ref(item.attribute, item.span))


def _as_key(item: Item, keys: list[Item]) -> Item:
    """An item that is exactly a group key passes the key's column on."""
    if is_ref(item.expression) and not item.is_pass_through:
        for key in keys:
            if ref_id(item.expression) == key.attribute.id:
                return replace(item, attribute=replace(key.attribute, name=item.attribute.name))
    return item


def lift_aggregates(expression: exp.Expr, keys: list[Item], made: dict[str, Item], env: Env) -> exp.Expr:
    """Replaces group keys and aggregate calls inside an expression by references to an Aggregate's columns."""
    by_text = {_text(k.expression): k for k in keys if not isinstance(k.expression, exp.Literal)}

    def visit(node: exp.Expr) -> exp.Expr:
        if not is_ref(node) and not isinstance(node, (exp.Literal, exp.Ordered)):
            key = by_text.get(_text(node))
            if key is not None:
                return ref(key.attribute, env.place(node))
        if is_aggregate(node):
            text = _text(node)
            if text not in made:
                name = item_name(node, len(made), env.session.dialect)
                made[text] = Item(env.session.ids.attribute(name), node.copy(), env.place(node), "aggregate")
            return ref(made[text].attribute)
        return node

    return expression.transform(visit)


def is_aggregate(node: exp.Expr) -> bool:
    """Whether a node is an aggregate call (with its FILTER or WITHIN GROUP), and not a window's function."""
    call = node
    while isinstance(call, _WRAPPERS):
        call = call.this
    if not isinstance(call, exp.AggFunc):
        return False
    parent = node.parent
    while isinstance(parent, _WRAPPERS):
        parent = parent.parent
    return not (isinstance(parent, exp.Window) and node.arg_key == "this")


def _has_aggregate(expression: exp.Expr) -> bool:
    return any(is_aggregate(n) for n in expression.walk())


def _text(node: exp.Expr) -> str:
    return node.sql(comments=False)


# --------------------------------------------------------------------------- keys and sets


def ordinal(node: exp.Expr, items: Sequence[Item]) -> exp.Expr | None:
    """What `GROUP BY 2` and `ORDER BY 2` stand for; None when the node is no position in the list."""
    if isinstance(node, exp.Literal) and not node.is_string and node.name.isdigit():
        position = int(node.name)
        if 1 <= position <= len(items):
            return items[position - 1].expression.copy()
    return None


def _keys(
    group: exp.Expr | None, env: Env, relation: Relation, items: list[Item]
) -> tuple[list[Item], list[list[ColumnId]] | None]:
    if group is None:
        return [], None
    if group.args.get("all") or _is_all(group):
        plain = {_text(i.expression): replace(i, rule="group") for i in items if not _has_aggregate(i.expression)}
        return list(plain.values()), None
    keys: dict[str, Item] = {}

    def key(node: exp.Expr) -> list[ColumnId]:
        if isinstance(node, exp.Tuple):
            return [i for n in node.expressions for i in key(n)]
        if isinstance(node, exp.Paren):
            return key(node.this)
        bound = ordinal(node, items) or bind(node, env.scope(relation, expressions(items)))
        text = _text(bound)
        if text not in keys:
            keys[text] = make_item(item_name(node, len(keys), env.session.dialect), bound, env, node, "group")
        return [keys[text].attribute.id]

    sets = _grouping_sets(group, key)
    return list(keys.values()), sets


def _is_all(group: exp.Expr) -> bool:
    return (
        len(group.expressions) == 1
        and isinstance(group.expressions[0], exp.Var)
        and group.expressions[0].name.upper() == "ALL"
    )


Sets = list[list[ColumnId]]
Key = Callable[[exp.Expr], list[ColumnId]]


def _grouping_sets(group: exp.Expr, key: Key) -> Sets | None:
    """The sets of a GROUP BY, every element crossed with every other; None for plain keys.

    `GROUP BY a, b WITH ROLLUP` (and CUBE, and Spark's `a, b GROUPING SETS (…)`) apply to the keys before them.
    """
    elements = [_sets_of(e, key) for e in group.expressions]
    stated = [key(e) for e in group.expressions if not isinstance(e, (exp.Rollup, exp.Cube, exp.GroupingSets))]
    for name, spread in (("rollup", _rollup), ("cube", _cube)):
        for clause in group.args.get(name) or []:
            parts = [key(e) for e in getattr(clause, "expressions", None) or []]
            elements = [*elements, spread(parts)] if parts else [spread(stated)]
    for clause in group.args.get("grouping_sets") or []:
        elements = [_sets_of(clause, key)]
    if all(len(e) == 1 for e in elements) and not _has_sets(group):
        return None
    crossed = [[i for part in choice for i in part] for choice in product(*elements)]
    return [list(dict.fromkeys(ids)) for ids in crossed[:_MOST_SETS]]


def _has_sets(group: exp.Expr) -> bool:
    named = any(group.args.get(name) for name in ("rollup", "cube", "grouping_sets"))
    return named or any(isinstance(e, (exp.Rollup, exp.Cube, exp.GroupingSets)) for e in group.expressions)


def _sets_of(node: exp.Expr, key: Key) -> Sets:
    """The sets that one element of a GROUP BY stands for."""
    match node:
        case exp.GroupingSets():
            return [s for e in node.expressions for s in _sets_of(e, key)]
        case exp.Rollup():
            return _rollup([key(e) for e in node.expressions])
        case exp.Cube():
            return _cube([key(e) for e in node.expressions])
    return [key(node)]


def _rollup(parts: Sets) -> Sets:
    return [[i for p in parts[:n] for i in p] for n in range(len(parts), -1, -1)]


def _cube(parts: Sets) -> Sets:
    parts = parts[:10]
    return [[i for n, p in enumerate(parts) if mask >> n & 1 for i in p] for mask in range(2 ** len(parts))]
