"""Lowers SELECT, set operations and VALUES to operators, clause by clause in SQL's order of evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from tools.jobs.sql.env import Env, alias_columns, opaque
from tools.jobs.sql.grouping import Clauses, grouped, ordinal
from tools.jobs.sql.items import expressions, projected, qualified, select_items
from tools.plan.base import ColumnId, Span
from tools.plan.bind import bind
from tools.plan.model import Distinct, Filter, Item, Limit, Rest, SetOp, Sort, Values
from tools.plan.references import is_ref, ref, ref_id
from tools.plan.relation import Relation

__all__ = ["Env", "empty_relation", "lower_query", "lower_values", "with_ctes"]


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
            return inner.aliased(query.alias, alias_columns(query)) if query.alias else inner
        case exp.Values():
            return lower_values(query, env)
        case exp.Table():
            from tools.jobs.sql.sources import lower_source

            return lower_source(query, env)
        case exp.Paren():
            return lower_query(query.this, env)
    return opaque(env, f"a {type(query).__name__.upper()} where a query was expected", query)


# --------------------------------------------------------------------------- WITH


def with_ctes(node: exp.Expr, env: Env) -> Env:
    """The environment inside a statement: its common table expressions added."""
    clause = node.args.get("with_")
    if clause is None:
        return env
    env = replace(env, ctes=dict(env.ctes))
    for cte in clause.expressions:
        name, columns = cte.alias, alias_columns(cte)
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
    relation = Relation.over(union).aliased(cte.alias, alias_columns(cte))
    inner.ctes[cte.alias.lower()] = relation
    step = lower_query(body.right, inner)
    ids = [a.id for a in step.shown]
    union.inputs.append(step.op)
    for i, row in enumerate(union.mapping):
        row.append(ids[i] if i < len(ids) else None)
    return relation


# --------------------------------------------------------------------------- SELECT


def _select(query: exp.Select, env: Env) -> Relation:
    from tools.jobs.sql.sources import lower_from

    relation = lower_from(query, env)
    if (where := query.args.get("where")) is not None:
        relation = _filtered(relation, env.bind(where.this, relation), env.place(where))
    _inline_named_windows(query)
    items, carries, relation = select_items(query, env, relation)
    order = _order_terms(query, env, relation, items)
    having, qualify = (_test(query.args.get(k), env, relation, items) for k in ("having", "qualify"))
    relation, clauses = grouped(query, env, relation, Clauses(items, order, having, qualify))
    if clauses.having is not None:
        relation = _filtered(relation, clauses.having, env.place(query.args["having"]))
    return _limited(query, _finished(query, relation, clauses, carries, env), env)


def _test(clause: exp.Expr | None, env: Env, relation: Relation, items: list[Item]) -> exp.Expr | None:
    """HAVING or QUALIFY over the query's input; aliases stand for their expressions."""
    return bind(clause.this, env.scope(relation, expressions(items))) if clause is not None else None


def _finished(query: exp.Select, relation: Relation, clauses: Clauses, carries: list[Rest], env: Env) -> Relation:
    """The select list, with QUALIFY, DISTINCT and ORDER BY in their order of evaluation."""
    span, order = env.place(query), clauses.order
    distinct = query.args.get("distinct")
    if order and (distinct is not None or clauses.qualify is not None):
        order = [_over_output(term, clauses.items) for term in order]
    sort = Sort(relation.op, order, span=env.place(_order_clauses(query)[0])) if order else None
    if clauses.qualify is not None:
        test = Item(env.session.ids.attribute("_qualify", "boolean"), clauses.qualify, env.place(query.args["qualify"]))
        result = qualified(relation, clauses.items, carries, env, test, sort if distinct is None else None, span)
    else:
        result = projected(
            relation.on(sort) if sort and distinct is None else relation, clauses.items, carries, env, span
        )
    if distinct is None:
        return result
    result = result.on(Distinct(result.op, _distinct_keys(distinct, result, env), span=span))
    return result.on(replace(sort, child=result.op)) if sort else result


def _distinct_keys(distinct: exp.Expr, relation: Relation, env: Env) -> list[ColumnId] | None:
    """The columns of DISTINCT ON (…); None for a plain DISTINCT."""
    keys = distinct.args.get("on")
    return [ref_id(r) for e in keys.expressions for r in [env.bind(e, relation)] if is_ref(r)] if keys else None


def _over_output(term: exp.Expr, items: Sequence[Item]) -> exp.Expr:
    """An ORDER BY term over the select list's columns, where it can be said so."""
    made = {i.expression.sql(comments=False): i.attribute for i in reversed(items)}

    def visit(node: exp.Expr) -> exp.Expr:
        hit = made.get(node.sql(comments=False)) if not isinstance(node, (exp.Literal, exp.Ordered)) else None
        return ref(hit) if hit is not None else node

    return term.transform(visit)


def _filtered(relation: Relation, predicate: exp.Expr, span: Span | None) -> Relation:
    return relation.on(Filter(relation.op, predicate, span=span))


# --------------------------------------------------------------------------- ORDER BY, LIMIT


def _order_clauses(query: exp.Expr) -> list[exp.Expr]:
    return [query.args[k] for k in ("order", "sort", "cluster") if query.args.get(k) is not None]


def _order_terms(query: exp.Expr, env: Env, relation: Relation, items: Sequence[Item]) -> list[exp.Expr]:
    """ORDER BY (and SORT/CLUSTER BY) terms over the query's input: aliases stand for their expressions."""
    terms: list[exp.Expr] = []
    for term in (t for clause in _order_clauses(query) for t in clause.expressions):
        ordered = term if isinstance(term, exp.Ordered) else exp.Ordered(this=term)
        scope = env.scope(relation, expressions(items))
        scope.aliases_first = True
        inner = ordinal(ordered.this, items) or bind(ordered.this, scope)
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
        relation = relation.on(Sort(relation.op, order, span=env.place(_order_clauses(query)[0])))
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
    names = alias_columns(query)
    width = max((len(r) for r in rows), default=0)
    columns = [env.session.ids.attribute(names[i] if i < len(names) else f"_col{i}") for i in range(width)]
    empty = Relation(Values([], []))
    bound = [[env.bind(cell, empty) for cell in row] for row in rows]
    op = Values(columns, bound, span=env.place(query))
    return Relation.over(op, (query.alias,) if query.alias else ())


def empty_relation() -> Relation:
    """One row without columns: what SELECT reads when there is no FROM."""
    return Relation(Values([], [[]]))
