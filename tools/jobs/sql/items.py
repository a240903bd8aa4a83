"""Lowers a select list: names, stars, generators and lateral aliases, down to Project operators."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from sqlglot import exp

from tools.jobs.sql.env import LATERAL_ALIASES, Env
from tools.jobs.sql.names import item_name
from tools.plan.base import Attribute, ColumnId, Span
from tools.plan.bind import bind
from tools.plan.model import Filter, Generate, Item, Op, Project, Rest, Sort
from tools.plan.references import is_ref, ref, ref_id, refs
from tools.plan.relation import Relation, Unresolved

GENERATORS = (exp.Explode, exp.Posexplode, exp.Inline)
_LONGEST = 5_000  # nodes of an expression that is written out in place of an alias


def select_items(query: exp.Select, env: Env, relation: Relation) -> tuple[list[Item], list[Rest], Relation]:
    """Select items bound over the input, stars expanded; generators in the list become Generate operators.

    An item that uses an earlier item's alias refers to that item's id; `projected` puts them into layers.
    """
    items: list[Item] = []
    carries: list[Rest] = []
    lateral = env.session.dialect in LATERAL_ALIASES
    for index, node in enumerate(query.expressions):
        if _is_star(node):
            named, rests = _star(node, env, relation)
            items += named
            carries += rests
            continue
        value = node.this if isinstance(node, (exp.Alias, exp.Aliases)) else node
        if isinstance(value, GENERATORS) and env.session.dialect in LATERAL_ALIASES | {"hive"}:
            relation, made = _generated(node, value, env, relation)
            items += made
            continue
        aliases = _references(items) if lateral else {}
        bound = bind(value, env.scope(relation, aliases))
        items.append(make_item(item_name(node, index, env.session.dialect), bound, env, node))
    return items, carries, relation


def make_item(name: str, bound: exp.Expr, env: Env, node: exp.Expr, rule: str = "project") -> Item:
    """An output column: a bare column keeps its id, anything computed gets a new one."""
    span = env.place(node)
    if is_ref(bound):
        return Item(Attribute(ref_id(bound), name, _type_of(bound)), bound, span, rule)
    return Item(env.session.ids.attribute(name, None), bound, span, rule)


def expressions(items: Iterable[Item]) -> dict[str, exp.Expr]:
    """What each alias stands for, over the query's input: earlier aliases in it are written out."""
    whole: dict[ColumnId, exp.Expr] = {}
    found: dict[str, exp.Expr] = {}
    for item in items:
        expression = _written_out(item.expression, whole)
        if not item.is_pass_through:
            whole[item.attribute.id] = expression
        found[item.attribute.name.lower()] = expression
    return found


def _written_out(expression: exp.Expr, whole: dict[ColumnId, exp.Expr]) -> exp.Expr:
    """References to siblings replaced by what they are, unless that grows out of hand (`a + a AS b, b + b AS c, …`)."""
    used = [whole[ref_id(r)] for r in refs(expression) if ref_id(r) in whole]
    if not used or sum(sum(1 for _ in u.walk()) for u in used) > _LONGEST:
        return expression

    def visit(node: exp.Expr) -> exp.Expr:
        known = whole.get(ref_id(node)) if is_ref(node) else None
        return exp.paren(known.copy(), copy=False) if known is not None else node

    return expression.transform(visit)


def _references(items: Iterable[Item]) -> dict[str, exp.Expr]:
    return {i.attribute.name.lower(): ref(i.attribute) if not i.is_pass_through else i.expression for i in items}


def _type_of(leaf: exp.Expr) -> str | None:
    return leaf.type.sql("athena").lower() if leaf.type is not None else None


# --------------------------------------------------------------------------- stars, generators


def _is_star(node: exp.Expr) -> bool:
    return isinstance(node, exp.Star) or (isinstance(node, exp.Column) and isinstance(node.this, exp.Star))


def _star(node: exp.Expr, env: Env, relation: Relation) -> tuple[list[Item], list[Rest]]:
    """`*` and `t.*` with EXCEPT/EXCLUDE, REPLACE and RENAME."""
    star = node.this if isinstance(node, exp.Column) else node
    qualifier = [p.name for p in node.parts[:-1]] if isinstance(node, exp.Column) else []
    try:
        named, rests = relation.star(qualifier)
    except Unresolved:
        return _struct_star(qualifier, env, relation, node), []
    dropped = {e.name.lower() for e in star.args.get("except_") or []}
    replaced = {e.alias.lower(): e.this for e in star.args.get("replace") or []}
    renamed = {e.this.name.lower(): e.alias for e in star.args.get("rename") or []}
    items = []
    for attribute in named:
        key = attribute.name.lower()
        if key in dropped:
            continue
        if key in replaced:
            items.append(make_item(attribute.name, env.bind(replaced[key], relation), env, node))
        else:
            shown = replace(attribute, name=renamed.get(key, attribute.name))
            items.append(Item(shown, ref(attribute, env.place(node)), env.place(node), "star"))
    gone = frozenset(dropped | set(replaced) | set(renamed))
    return items, [Rest(r.source, r.excluded | gone) for r in rests]


def _struct_star(qualifier: list[str], env: Env, relation: Relation, node: exp.Expr) -> list[Item]:
    """`s.*` over a struct column: its fields are not known by name, so one item stands for them."""
    column = exp.Column(this=exp.to_identifier(qualifier[-1]))
    if len(qualifier) > 1:
        column.set("table", exp.to_identifier(qualifier[-2]))
    return [make_item(qualifier[-1], env.bind(column, relation), env, node)]


def _generated(node: exp.Expr, value: exp.Expr, env: Env, relation: Relation) -> tuple[Relation, list[Item]]:
    names = [a.name for a in node.args.get("aliases", [])] if isinstance(node, exp.Aliases) else []
    if isinstance(node, exp.Alias):
        names = [node.alias]
    default = ["pos", "col"] if isinstance(value, exp.Posexplode) else ["col"]
    made = [env.session.ids.attribute(n) for n in (names or default)]
    bound = env.bind(value, relation)
    op = Generate(relation.op, bound, made, span=env.place(node))
    items = [Item(a, ref(a), env.place(node), "explode") for a in made]
    return relation.on(op), items


# --------------------------------------------------------------------------- the projection


def projected(relation: Relation, items: list[Item], carries: list[Rest], env: Env, span: Span | None) -> Relation:
    """The select list over its input."""
    return Relation.over(_layered(relation.op, _distinct_ids(items, env), carries, span))


def qualified(
    relation: Relation,
    items: list[Item],
    carries: list[Rest],
    env: Env,
    test: Item,
    order: Sort | None,
    span: Span | None,
) -> Relation:
    """The select list over its input, the rows for which QUALIFY's `test` holds, in `order`."""
    items = _distinct_ids(items, env)
    shown = {i.attribute.id for i in items}
    unseen = dict.fromkeys(ref_id(r) for k in (order.keys if order else ()) for r in refs(k) if ref_id(r) not in shown)
    have = {a.id: a for a in relation.op.output}
    beside = [Item(have[c], ref(have[c])) for c in unseen if c in have]
    op: Op = _layered(relation.op, [*items, test, *beside], carries, span)
    op = Filter(op, ref(test.attribute), span=test.span)
    if order is not None:
        order.child, op = op, order
    return Relation.over(Project(op, [_passed(i) for i in items], carries, span=span))


def _layered(op: Op, items: Sequence[Item], carries: list[Rest], span: Span | None) -> Project:
    """One Project, or several where items use the aliases of earlier ones: each expression is over its input's ids."""
    levels: dict[ColumnId, int] = {}
    for item in items:
        if not item.is_pass_through:
            below = [levels[i] for i in _ids(item) if i in levels]
            levels[item.attribute.id] = 1 + max(below, default=-1)
    for level in range(max(levels.values(), default=0)):
        op = _layer(op, items, levels, level, carries, span)
    top = max(levels.values(), default=0)
    done = [_passed(i) if levels.get(i.attribute.id, top) < top else i for i in items]
    return Project(op, done, carries, span=span)


def _layer(
    op: Op, items: Sequence[Item], levels: dict[ColumnId, int], level: int, carries: list[Rest], span: Span | None
) -> Project:
    """The items of one level computed, those below it handed on, with every input column that is needed further up."""
    now = [i for i in items if levels.get(i.attribute.id) == level]
    made = {i for i, at in levels.items() if at <= level}
    above = [i for i in items if levels.get(i.attribute.id, level + 1) > level]
    wanted = dict.fromkeys(c for i in above for c in _ids(i) if c not in levels)
    earlier = [_passed(i) for i in items if i.attribute.id in made and i not in now]
    have = {a.id: a for a in op.output}
    through = [Item(have[c], ref(have[c])) for c in wanted if c in have]
    return Project(op, [*earlier, *now, *through], carries, span=span)


def _ids(item: Item) -> list[ColumnId]:
    return [ref_id(r) for r in refs(item.expression)]


def _passed(item: Item) -> Item:
    return replace(item, expression=ref(item.attribute))


def _distinct_ids(items: list[Item], env: Env) -> list[Item]:
    """The same column twice in one list (`SELECT a, a AS b`) needs two ids: the second becomes a computed copy."""
    seen: set[ColumnId] = set()
    out = []
    for item in items:
        if item.attribute.id in seen:
            fresh = env.session.ids.attribute(item.attribute.name, item.attribute.type)
            item = replace(item, attribute=fresh)
        seen.add(item.attribute.id)
        out.append(item)
    return out
