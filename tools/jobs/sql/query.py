"""Lowers SELECT, set operations and VALUES to operators, clause by clause in SQL's order of evaluation."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp

from tools.jobs.session import Session
from tools.jobs.sql.names import item_name
from tools.plan.bind import Scope, bind
from tools.plan.model import (
    Aggregate,
    Attribute,
    ColumnId,
    Distinct,
    Filter,
    Generate,
    Item,
    Limit,
    Op,
    Project,
    Rest,
    SetOp,
    Sort,
    Span,
    Unknown,
    Values,
    is_ref,
    ref,
    ref_id,
)
from tools.plan.relation import OpenPart, Relation, Unresolved, Visible

Place = Callable[[exp.Expr], Span | None]
# Dialects in which a later select item may use an earlier item's alias.
LATERAL_ALIASES = frozenset(
    {"", "spark", "spark2", "databricks", "redshift", "snowflake", "duckdb", "bigquery", "clickhouse"}
)
GENERATORS = (exp.Explode, exp.Posexplode, exp.Inline)


@dataclass
class Env:
    """What a query sees besides its own FROM: the reading, CTEs in scope, and the enclosing query."""

    session: Session
    place: Place
    ctes: dict[str, Relation] = field(default_factory=dict)
    outer: Scope | None = None

    def scope(self, relation: Relation, aliases: dict[str, exp.Expr] | None = None) -> Scope:
        """A binding scope over a relation."""
        return Scope(
            relation,
            self.place,
            self.session.unknown,
            self._nested,
            self.session.plan.subqueries,
            aliases or {},
            outer=self.outer,
        )

    def bind(self, expression: exp.Expr, relation: Relation) -> exp.Expr:
        """Binds one expression over a relation."""
        return bind(expression, self.scope(relation))

    def _nested(self, query: exp.Expr, scope: Scope) -> Relation:
        return lower_query(query, replace(self, outer=scope))


def lower_query(query: exp.Expr, env: Env) -> Relation:
    """The relation a query computes. What cannot be read is reported and stands as an open, opaque relation."""
    env = with_ctes(query, env)
    match query:
        case exp.Select():
            return _select(query, env)
        case exp.SetOperation():
            return _set_operation(query, env)
        case exp.Subquery():
            inner = lower_query(query.this, env)
            inner = _tail(query, inner, env)
            return inner.aliased(query.alias, _alias_columns(query)) if query.alias else inner
        case exp.Values():
            return lower_values(query, env)
        case exp.Table():
            from tools.jobs.sql.sources import lower_source

            return lower_source(query, env)
        case exp.Paren():
            return lower_query(query.this, env)
    return opaque(env, f"a {type(query).__name__.upper()} where a query was expected", query)


def opaque(env: Env, reason: str, node: exp.Expr, inputs: Sequence[Relation] = ()) -> Relation:
    """A relation that could not be read: its columns may come from any input."""
    from tools.plan.model import Opaque

    span = env.place(node)
    env.session.unknown(Unknown(reason, span, "statement"))
    return Relation.over(Opaque([r.op for r in inputs], reason, [], env.session.ids, span=span))


# --------------------------------------------------------------------------- WITH


def with_ctes(node: exp.Expr, env: Env) -> Env:
    """The environment inside a statement: its common table expressions added."""
    clause = node.args.get("with_")
    if clause is None:
        return env
    env = replace(env, ctes=dict(env.ctes))
    for cte in clause.expressions:
        name, columns = cte.alias, _alias_columns(cte)
        relation = (
            _recursive(cte, env) if clause.args.get("recursive") and _mentions(cte.this, name) else None
        ) or lower_query(cte.this, env)
        env.ctes[name.lower()] = relation.aliased(name, columns)
    return env


def _mentions(query: exp.Expr, name: str) -> bool:
    return any(t.name.lower() == name.lower() and not t.db for t in query.find_all(exp.Table))


def _recursive(cte: exp.Expr, env: Env) -> Relation | None:
    """A recursive CTE: its columns are the anchor's, and the recursive part maps onto them by position."""
    body = cte.this
    while isinstance(body, exp.Subquery):
        body = body.this
    if not isinstance(body, exp.SetOperation):
        return None
    inner = replace(env, ctes=dict(env.ctes))
    anchor = lower_query(body.left, with_ctes(body, inner))
    union = _union(env, [anchor], "union", distinct=bool(body.args.get("distinct")), node=body)
    relation = Relation.over(union).aliased(cte.alias, _alias_columns(cte))
    inner.ctes[cte.alias.lower()] = relation
    step = lower_query(body.right, inner)
    ids = [a.id for a in step.shown]
    union.inputs.append(step.op)
    for i, row in enumerate(union.mapping):
        row.append(ids[i] if i < len(ids) else None)
    return relation


def _alias_columns(node: exp.Expr) -> list[str]:
    alias = node.args.get("alias")
    return [c.name for c in alias.args.get("columns") or []] if isinstance(alias, exp.TableAlias) else []


# --------------------------------------------------------------------------- SELECT


def _select(query: exp.Select, env: Env) -> Relation:
    from tools.jobs.sql.sources import lower_from

    relation = lower_from(query, env)
    if (where := query.args.get("where")) is not None:
        relation = _filtered(relation, env.bind(where.this, relation), env.place(where))
    _inline_named_windows(query)
    items, carries, relation = _items(query, env, relation)
    order = _order_terms(query, env, relation, items)
    having = query.args.get("having")
    if having is not None:
        having = bind(having.this, env.scope(relation, _aliases(items)))
    relation, items, order, having = _aggregated(query, env, relation, items, order, having)
    if having is not None:
        relation = _filtered(relation, having, env.place(query.args["having"]))
    qualify = query.args.get("qualify")
    distinct = query.args.get("distinct")
    if order and not distinct and qualify is None:
        relation = relation.on(Sort(relation.op, order, span=env.place(query.args["order"])))
    span = env.place(query)
    projected = _projected(relation, items, carries, env, qualify, span)
    if distinct is not None:
        keys = distinct.args.get("on")
        on = [ref_id(r) for e in keys.expressions for r in [env.bind(e, projected)] if is_ref(r)] if keys else None
        projected = projected.on(Distinct(projected.op, on, span=env.place(query)))
    if order and (distinct is not None or qualify is not None):
        projected = projected.on(Sort(projected.op, order, span=env.place(query.args["order"])))
    return _limited(query, projected, env)


def _filtered(relation: Relation, predicate: exp.Expr, span: Span | None) -> Relation:
    return relation.on(Filter(relation.op, predicate, span=span))


def _items(query: exp.Select, env: Env, relation: Relation) -> tuple[list[Item], list[Rest], Relation]:
    """Select items bound over the input, stars expanded; generators in the list become Generate operators."""
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
        aliases = _aliases(items) if lateral else {}
        bound = bind(value, env.scope(relation, aliases))
        items.append(_item(item_name(node, index, env.session.dialect), bound, env, node))
    return items, carries, relation


def _item(name: str, bound: exp.Expr, env: Env, node: exp.Expr, rule: str = "project") -> Item:
    span = env.place(node)
    if is_ref(bound):
        return Item(Attribute(ref_id(bound), name, _type_of(bound)), bound, span, rule)
    return Item(env.session.ids.attribute(name, None), bound, span, rule)


def _type_of(leaf: exp.Expr) -> str | None:
    return leaf.type.sql("athena").lower() if leaf.type is not None else None


def _aliases(items: Iterable[Item]) -> dict[str, exp.Expr]:
    return {i.attribute.name.lower(): ref(i.attribute) if not i.is_pass_through else i.expression for i in items}


def _is_star(node: exp.Expr) -> bool:
    return isinstance(node, exp.Star) or (isinstance(node, exp.Column) and isinstance(node.this, exp.Star))


def _star(node: exp.Expr, env: Env, relation: Relation) -> tuple[list[Item], list[Rest]]:
    """`*` and `t.*` with EXCEPT/EXCLUDE, REPLACE and RENAME."""
    star = node.this if isinstance(node, exp.Column) else node
    qualifier = [p.name for p in node.parts[:-1]] if isinstance(node, exp.Column) else []
    try:
        named, rests = relation.star(qualifier)
    except Unresolved:
        return _struct_star(node, qualifier, env, relation), []
    dropped = {e.name.lower() for e in star.args.get("except_") or []}
    replaced = {e.alias.lower(): e.this for e in star.args.get("replace") or []}
    renamed = {e.this.name.lower(): e.alias for e in star.args.get("rename") or []}
    items = []
    for attribute in named:
        key = attribute.name.lower()
        if key in dropped:
            continue
        if key in replaced:
            items.append(_item(attribute.name, env.bind(replaced[key], relation), env, node))
        else:
            shown = replace(attribute, name=renamed.get(key, attribute.name))
            items.append(Item(shown, ref(attribute, env.place(node)), env.place(node), "star"))
    gone = frozenset(dropped | set(replaced) | set(renamed))
    return items, [Rest(r.source, r.excluded | gone) for r in rests]


def _struct_star(node: exp.Expr, qualifier: list[str], env: Env, relation: Relation) -> list[Item]:
    """`s.*` over a struct column: its fields are not known by name, so one item stands for them."""
    column = exp.Column(this=exp.to_identifier(qualifier[-1]))
    if len(qualifier) > 1:
        column.set("table", exp.to_identifier(qualifier[-2]))
    return [_item(qualifier[-1], env.bind(column, relation), env, node)]


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


def _projected(
    relation: Relation,
    items: list[Item],
    carries: list[Rest],
    env: Env,
    qualify: exp.Expr | None,
    span: Span | None,
) -> Relation:
    if qualify is None:
        return Relation.over(Project(relation.op, _distinct_ids(items, env), carries, span=span))
    aliases = {i.attribute.name.lower(): i.expression for i in items}
    test = env.session.ids.attribute("_qualify", "boolean")
    bound = bind(qualify.this, env.scope(relation, aliases))
    computed = _distinct_ids(items, env)
    inner = Project(relation.op, [*computed, Item(test, bound, env.place(qualify))], carries, span=span)
    kept = Filter(inner, ref(test), span=env.place(qualify))
    passed = [Item(i.attribute, ref(i.attribute), i.span) for i in computed]
    return Relation.over(Project(kept, passed, carries, span=span))


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


# --------------------------------------------------------------------------- GROUP BY


def _aggregated(
    query: exp.Select,
    env: Env,
    relation: Relation,
    items: list[Item],
    order: list[exp.Expr],
    having: exp.Expr | None,
) -> tuple[Relation, list[Item], list[exp.Expr], exp.Expr | None]:
    """Splits aggregates off: an Aggregate operator below, references to its columns in what stands above."""
    group = query.args.get("group")
    exprs = [i.expression for i in items] + order + ([having] if having is not None else [])
    if group is None and not any(_has_aggregate(e) for e in exprs):
        return relation, items, order, having
    keys, sets = _group_keys(group, env, relation, items)
    made: dict[str, Item] = {}

    def lift(expression: exp.Expr) -> exp.Expr:
        return lift_aggregates(expression, keys, made, env)

    lifted = [replace(i, expression=lift(i.expression)) if not _is_key(i, keys) else i for i in items]
    items = [_as_key(i, keys) for i in lifted]
    order = [lift(o) for o in order]
    having = lift(having) if having is not None else None
    span = env.place(group) if group is not None else env.place(query)
    op = Aggregate(relation.op, keys, list(made.values()), sets, span=span)
    return Relation.over(op), items, order, having


def _is_key(item: Item, keys: list[Item]) -> bool:
    return any(item.attribute.id == k.attribute.id for k in keys)


def _as_key(item: Item, keys: list[Item]) -> Item:
    """An item that is exactly a group key passes the key's column on."""
    if is_ref(item.expression):
        for key in keys:
            if ref_id(item.expression) == key.attribute.id and not item.is_pass_through:
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
    while isinstance(call, (exp.Filter, exp.WithinGroup, exp.IgnoreNulls, exp.RespectNulls)):
        call = call.this
    if not isinstance(call, exp.AggFunc):
        return False
    parent = node.parent
    while isinstance(parent, (exp.Filter, exp.WithinGroup, exp.IgnoreNulls, exp.RespectNulls)):
        parent = parent.parent
    return not (isinstance(parent, exp.Window) and node.arg_key == "this")


def _has_aggregate(expression: exp.Expr) -> bool:
    return any(is_aggregate(n) for n in expression.walk())


def _text(node: exp.Expr) -> str:
    return node.sql(comments=False)


def _group_keys(
    group: exp.Expr | None, env: Env, relation: Relation, items: list[Item]
) -> tuple[list[Item], list[list[ColumnId]] | None]:
    if group is None:
        return [], None
    keys: dict[str, Item] = {}

    def key(node: exp.Expr) -> list[ColumnId]:
        if isinstance(node, exp.Tuple):
            return [i for n in node.expressions for i in key(n)]
        if isinstance(node, exp.Paren):
            return key(node.this)
        bound = _ordinal(node, items) or bind(node, env.scope(relation, _expressions(items)))
        text = _text(bound)
        if text not in keys:
            keys[text] = _item(item_name(node, len(keys), env.session.dialect), bound, env, node, "group")
        return [keys[text].attribute.id]

    if group.args.get("all") or _is_all(group):
        for item in items:
            if not _has_aggregate(item.expression):
                keys.setdefault(_text(item.expression), replace(item, rule="group"))
        return list(keys.values()), None
    plain = [key(e) for e in group.expressions]
    sets = _grouping_sets(group, key, [i for ids in plain for i in ids])
    return list(keys.values()), sets


def _is_all(group: exp.Expr) -> bool:
    return (
        len(group.expressions) == 1
        and isinstance(group.expressions[0], exp.Var)
        and group.expressions[0].name.upper() == "ALL"
    )


def _grouping_sets(
    group: exp.Expr, key: Callable[[exp.Expr], list[ColumnId]], plain: list[ColumnId]
) -> list[list[ColumnId]] | None:
    sets: list[list[ColumnId]] = []
    for clause in group.args.get("grouping_sets") or []:
        sets += [plain + key(e) for e in clause.expressions]
    for clause in group.args.get("rollup") or []:
        parts = [key(e) for e in getattr(clause, "expressions", [])] or [[i] for i in plain]
        base = plain if getattr(clause, "expressions", []) else []
        sets += [base + [i for p in parts[:n] for i in p] for n in range(len(parts), -1, -1)]
    for clause in group.args.get("cube") or []:
        parts = [key(e) for e in getattr(clause, "expressions", [])] or [[i] for i in plain]
        base = plain if getattr(clause, "expressions", []) else []
        for mask in range(2 ** min(len(parts), 10)):
            sets.append(base + [i for n, p in enumerate(parts) if mask >> n & 1 for i in p])
    return sets or None


def _expressions(items: Iterable[Item]) -> dict[str, exp.Expr]:
    return {i.attribute.name.lower(): i.expression for i in items}


def _ordinal(node: exp.Expr, items: Sequence[Item]) -> exp.Expr | None:
    if isinstance(node, exp.Literal) and not node.is_string and node.name.isdigit():
        position = int(node.name)
        if 1 <= position <= len(items):
            return items[position - 1].expression.copy()
    return None


# --------------------------------------------------------------------------- ORDER BY, LIMIT


def _order_terms(query: exp.Expr, env: Env, relation: Relation, items: Sequence[Item]) -> list[exp.Expr]:
    """ORDER BY (and SORT/CLUSTER BY) terms over the query's input: aliases stand for their expressions."""
    terms: list[exp.Expr] = []
    for clause in ("order", "sort", "cluster"):
        node = query.args.get(clause)
        for term in node.expressions if node is not None else []:
            ordered = term if isinstance(term, exp.Ordered) else exp.Ordered(this=term)
            scope = env.scope(relation, _expressions(items))
            scope.aliases_first = True
            inner = _ordinal(ordered.this, items) or bind(ordered.this, scope)
            copy = ordered.copy()
            copy.set("this", inner)
            terms.append(copy)
    return terms


def _limited(query: exp.Expr, relation: Relation, env: Env) -> Relation:
    limit, offset = query.args.get("limit"), query.args.get("offset")
    clause = limit if limit is not None else offset
    if clause is None:
        return relation
    count = (limit.args.get("expression") or limit.args.get("count")) if limit is not None else None
    skip = offset.expression if offset is not None else None
    return relation.on(Limit(relation.op, count, skip, span=env.place(clause)))


def _tail(query: exp.Expr, relation: Relation, env: Env) -> Relation:
    """ORDER BY and LIMIT that stand on a set operation or a parenthesised query."""
    items = [Item(a, ref(a)) for a in relation.shown]
    order = _order_terms(query, env, relation, items)
    if order:
        relation = relation.on(Sort(relation.op, order, span=env.place(query.args.get("order") or query)))
    return _limited(query, relation, env)


def _inline_named_windows(query: exp.Select) -> None:
    """`OVER w` becomes the window that WINDOW w AS (…) defines."""
    named = {w.this.name.lower(): w for w in query.args.get("windows") or []}
    for use in query.find_all(exp.Window) if named else ():
        base = named.get(use.alias.lower()) if use.args.get("alias") else None
        if base is None or use is base:
            continue
        for key in ("partition_by", "order", "spec"):
            if base.args.get(key) and not use.args.get(key):
                value = base.args[key]
                use.set(key, [v.copy() for v in value] if isinstance(value, list) else value.copy())
        use.set("alias", None)


# --------------------------------------------------------------------------- set operations, VALUES

_SET_KINDS: dict[type[exp.Expr], str] = {exp.Union: "union", exp.Intersect: "intersect", exp.Except: "except"}


def _set_operation(query: exp.SetOperation, env: Env) -> Relation:
    inputs = [lower_query(side, env) for side in _chain(query)]
    distinct = query.args.get("distinct") is not False
    kind = _SET_KINDS.get(type(query), "union")
    union = _union(env, inputs, kind, distinct, query, by_name=bool(query.args.get("by_name")))
    return _tail(query, Relation.over(union), env)


def _chain(query: exp.SetOperation) -> list[exp.Expr]:
    """The sides of a chain of one operator, which nests to the left: a thousand branches need no deep recursion."""
    sides: list[exp.Expr] = []
    node: exp.Expr = query
    while (
        type(node) is type(query)
        and node.args.get("distinct") == query.args.get("distinct")
        and (node is query or not any(node.args.get(k) for k in ("order", "limit", "offset", "with_")))
    ):
        sides.append(node.expression)
        node = node.this
    return [node, *reversed(sides)]


def _union(
    env: Env, inputs: Sequence[Relation], kind: str, distinct: bool, node: exp.Expr, *, by_name: bool = False
) -> SetOp:
    first = list(inputs[0].shown)
    columns = [env.session.ids.attribute(a.name, a.type) for a in first]
    mapping: list[list[ColumnId | None]] = []
    for i, attribute in enumerate(first):
        row: list[ColumnId | None] = []
        for side in inputs:
            shown = side.shown
            if by_name:
                hit = next((a.id for a in shown if a.name.lower() == attribute.name.lower()), None)
            else:
                hit = shown[i].id if i < len(shown) else None
            row.append(hit)
        mapping.append(row)
    ids = env.session.ids if any(r.op.rest for r in inputs) else None
    return SetOp([r.op for r in inputs], kind, distinct, columns, mapping, ids, span=env.place(node))  # type: ignore[arg-type]


def lower_values(query: exp.Values, env: Env) -> Relation:
    """VALUES (…), (…) AS t(a, b)."""
    rows = [list(t.expressions) if isinstance(t, exp.Tuple) else [t] for t in query.expressions]
    names = _alias_columns(query)
    width = max((len(r) for r in rows), default=0)
    columns = [env.session.ids.attribute(names[i] if i < len(names) else f"_col{i}") for i in range(width)]
    empty = Relation(Values([], []))
    bound = [[env.bind(cell, empty) for cell in row] for row in rows]
    op = Values(columns, bound, span=env.place(query))
    return Relation.over(op, (query.alias,) if query.alias else ())


def empty_relation() -> Relation:
    """One row without columns: what SELECT reads when there is no FROM."""
    return Relation(Values([], [[]]))


def merged_relation(op: Op, visible: Sequence[Visible], open_parts: Sequence[OpenPart]) -> Relation:
    """A relation with an explicit set of names (joins with USING)."""
    return Relation(op, tuple(visible), tuple(open_parts))
