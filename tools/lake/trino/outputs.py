"""A query's result as Athena gives it: names in lower case, `_col0` for what has none, no more rows than asked.

It changes the outermost query only.
"""

from __future__ import annotations

from sqlglot import exp

__all__ = ["cap_rows", "name_outputs"]


def name_outputs(query: exp.Expr) -> exp.Expr:
    """Names every output column of a query; a VALUES list becomes a SELECT from it."""
    if isinstance(query, exp.Values):
        return _select_values(query)
    first = _first_select(query)
    if isinstance(first, exp.Select):
        first.set("expressions", [_named(item, i) for i, item in enumerate(first.expressions)])
    elif isinstance(first, exp.Values):
        first.replace(_select_values(first.copy()))
    return query


def cap_rows(query: exp.Expr, rows: int) -> exp.Expr:
    """Lowers a query's own limit to `rows`, or gives it one."""
    if isinstance(query, exp.Subquery):
        query = exp.select("*").from_(query if query.alias else exp.alias_(query, "_", quoted=True, table=True))
    stated = _stated_limit(query)
    cap = rows if stated is None else min(rows, stated)
    query.set("limit", exp.Limit(expression=exp.Literal.number(cap)))
    return query


def _first_select(query: exp.Expr) -> exp.Expr:
    """The SELECT that names the columns: of a set operation the leftmost."""
    while isinstance(query, exp.SetOperation | exp.Subquery):
        query = query.this
    return query


def _named(item: exp.Expr, position: int) -> exp.Expr:
    if isinstance(item, exp.Alias):
        item.set("alias", exp.to_identifier(item.alias.lower(), quoted=True))
        return item
    if item.is_star:
        return item
    named = isinstance(item, exp.Column | exp.Dot)
    return exp.alias_(item, item.name.lower() if named else f"_col{position}", quoted=True)


def _select_values(values: exp.Values) -> exp.Expr:
    first = values.expressions[0]
    width = len(first.expressions) if isinstance(first, exp.Tuple) else 1
    names = [exp.to_identifier(f"_col{i}", quoted=True) for i in range(width)]
    values.set("alias", exp.TableAlias(this=exp.to_identifier("_", quoted=True), columns=names))
    return exp.select("*").from_(values)


def _stated_limit(query: exp.Expr) -> int | None:
    limit = query.args.get("limit")
    if isinstance(limit, exp.Fetch):
        count = limit.args.get("count")
        return int(count.name) if count is not None else 1
    if isinstance(limit, exp.Limit) and limit.expression.name.isdigit():
        return int(limit.expression.name)
    return None
