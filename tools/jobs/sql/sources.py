"""Lowers FROM: tables, derived tables, joins, UNNEST and LATERAL, PIVOT and UNPIVOT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from tools.jobs.sql.env import Env, opaque
from tools.jobs.sql.names import item_name
from tools.jobs.sql.query import empty_relation, lower_query, lower_values
from tools.plan.base import Attribute, Unknown
from tools.plan.bind import bind
from tools.plan.catalog import is_path
from tools.plan.model import Aggregate, Filter, Generate, Item, Join, JoinKind, Limit, Op, Project, SetOp
from tools.plan.references import ref, ref_id, refs
from tools.plan.relation import OpenPart, Relation, Visible

_FILE_FORMATS = frozenset({"parquet", "csv", "json", "orc", "avro", "text", "delta", "iceberg", "binaryfile"})
_JOIN_SIDES: dict[str, JoinKind] = {"LEFT": "left", "RIGHT": "right", "FULL": "full"}


def lower_from(query: exp.Expr, env: Env) -> Relation:
    """The relation of a SELECT's FROM clause with its joins and lateral views."""
    clause = query.args.get("from_")
    relation = lower_source(clause.this, env) if clause is not None else empty_relation()
    for join in query.args.get("joins") or []:
        relation = _joined(relation, join, env)
    for lateral in query.args.get("laterals") or []:
        relation = _lateral(relation, lateral, env)
    return relation


def lower_source(node: exp.Expr, env: Env) -> Relation:
    """One item of FROM."""
    relation = _sampled(_bare_source(node, env), node.args.get("sample"), env)
    for join in node.args.get("joins") or []:
        relation = _joined(relation, join, env)
    for lateral in node.args.get("laterals") or []:
        relation = _lateral(relation, lateral, env)
    for pivot in node.args.get("pivots") or []:
        relation = _unpivot(relation, pivot, env) if pivot.args.get("unpivot") else _pivot(relation, pivot, env)
    return relation


def _sampled(relation: Relation, sample: exp.Expr | None, env: Env) -> Relation:
    """`TABLESAMPLE`: some rows, which ones chance decides; or so many rows."""
    if sample is None:
        return relation
    span = env.place(sample) or relation.op.span
    if isinstance(sample.args.get("size"), exp.Expr):
        return relation.on(Limit(relation.op, sample.args["size"].copy(), span=span))
    percent = sample.args.get("percent")
    share = exp.Div(this=percent.copy(), expression=exp.Literal.number(100)) if isinstance(percent, exp.Expr) else None
    return relation.on(Filter(relation.op, exp.LT(this=exp.Rand(), expression=share or exp.null()), span=span))


def _bare_source(node: exp.Expr, env: Env) -> Relation:
    match node:
        case exp.Table() if isinstance(node.this, exp.Func) or not node.name:
            return _table_function(node, env)
        case exp.Table():
            return _table(node, env)
        case exp.Subquery():
            inner = lower_source(node.this, env) if _is_source(node.this) else lower_query(node, env)
            alias = node.args.get("alias")
            return inner.aliased(alias.name, _columns(alias)) if alias is not None and alias.name else inner
        case exp.Values():
            return lower_values(node, env)
        case exp.Unnest() | exp.Lateral():
            return _exploded(empty_relation(), node, env)
        case exp.Query():
            return lower_query(node, env)
        case exp.Paren():
            return lower_source(node.this, env)
    return opaque(env, f"{item_name(node, 0, '')} in FROM is not read", node)


def _is_source(node: exp.Expr) -> bool:
    """`(a JOIN b)`: parentheses around a source and not around a query."""
    return isinstance(node, exp.Table) or (
        isinstance(node, exp.Subquery) and not isinstance(node.unnest(), exp.Query | exp.Values)
    )


def _columns(alias: exp.Expr | None) -> list[str]:
    return [c.name for c in alias.args.get("columns") or []] if alias is not None else []


# --------------------------------------------------------------------------- tables


def table_name(node: exp.Expr) -> str:
    """The dotted name of a table node as written."""
    return ".".join(p.name for p in node.parts) if isinstance(node, exp.Table) else node.name


def _table(node: exp.Table, env: Env) -> Relation:
    alias = node.args.get("alias")
    known = (env.ctes.get(node.name.lower()) if not node.db else None) or env.session.view(table_name(node))
    relation = scan_table(node, env) if known is None else env.session.used(known, env.place(node))
    return relation.aliased(alias.name, _columns(alias)) if alias is not None and alias.name else relation


def scan_table(node: exp.Table, env: Env) -> Relation:
    """Opens a catalog table, or a file named as `format.`path``."""
    span = env.place(node)
    if node.db.lower() in _FILE_FORMATS and is_path(node.name):
        return env.session.scan(node.name, span, format=node.db.lower())
    name = table_name(node)
    version = node.args.get("version")
    base, dollar, _ = node.name.partition("$")
    if dollar and base:  # `t$history`, `t$partitions`: the table's metadata, with columns of its own
        name = name[: -len(node.name)] + base
        return env.session.scan(name, span, qualifier=[p.name for p in node.parts], format="metadata")
    return env.session.scan(
        name,
        span,
        qualifier=[p.name for p in node.parts],
        version=version.expression.sql("athena") if version is not None and version.expression else None,
    )


def _table_function(node: exp.Table, env: Env) -> Relation:
    """`TABLE(f(…))`, `read_files('…')`: the arguments' columns go in, what comes out is not known."""
    call = node.this
    paths = [a.name for a in call.find_all(exp.Literal) if a.is_string and is_path(a.name)] if call else []
    if paths:
        relation = env.session.scan(paths[0], env.place(node))
    elif isinstance(call, (exp.GenerateSeries, exp.Explode, exp.Unnest)) or _is_sequence(call):
        relation = _exploded(empty_relation(), node, env)
    else:
        relation = opaque(env, f"table function {node.sql('athena')[:60]} is not read", node)
    return relation.aliased(node.alias, _columns(node.args.get("alias"))) if node.alias else relation


def _is_sequence(call: exp.Expr | None) -> bool:
    return isinstance(call, exp.Anonymous) and call.name.lower() in ("range", "sequence", "generate_series")


# --------------------------------------------------------------------------- joins


def _joined(left: Relation, join: exp.Expr, env: Env) -> Relation:
    source = join.this
    if isinstance(source, (exp.Unnest, exp.Lateral)) and not isinstance(source.this, exp.Subquery):
        return _exploded(left, source, env, outer=join.text("side").upper() == "LEFT")
    inner_env = env
    if isinstance(source, exp.Lateral) or _is_lateral(join):
        inner_env = replace(env, outer=env.scope(left))
        source = source.this if isinstance(source, exp.Lateral) else source
        right = lower_source(source, inner_env)
        alias = join.this.args.get("alias")
        if alias is not None and alias.name:
            right = right.aliased(alias.name, _columns(alias))
    else:
        right = lower_source(source, env)
    kind = _join_kind(join)
    using = [u.name for u in join.args.get("using") or []]
    if (join.args.get("method") or "").upper() == "NATURAL":
        using = [a.name for a in left.shown if right.has(a.name)]
    if using:
        return _joined_using(left, right, kind, using, join, env)
    both = left.beside(right, Join(left.op, right.op, kind, span=env.place(join)))
    condition = join.args.get("on")
    assert isinstance(both.op, Join)
    both.op.condition = env.bind(condition, both) if condition is not None else None
    return left.on(both.op) if kind in ("semi", "anti") else both


def _is_lateral(join: exp.Expr) -> bool:
    return (join.args.get("kind") or "").upper() in ("LATERAL", "APPLY") or (join.args.get("method") or "") == "LATERAL"


def _join_kind(join: exp.Expr) -> JoinKind:
    kind, side = join.text("kind").upper(), join.text("side").upper()
    if kind in ("SEMI", "ANTI"):
        return "semi" if kind == "SEMI" else "anti"
    if side in _JOIN_SIDES:
        return _JOIN_SIDES[side]
    plain = join.args.get("on") is None and not join.args.get("using") and not join.args.get("method")
    return "cross" if kind == "CROSS" or (plain and kind != "INNER") else "inner"


def _joined_using(
    left: Relation, right: Relation, kind: JoinKind, using: Sequence[str], join: exp.Expr, env: Env
) -> Relation:
    """USING and NATURAL: one column for each pair; the left's value, the right's for RIGHT, either for FULL."""
    span = env.place(join)
    pairs: list[tuple[str, exp.Column, exp.Column]] = []
    for name in using:
        sides: list[exp.Column | None] = []
        for side in (left, right):
            bound = bind(exp.Column(this=exp.to_identifier(name)), env.scope(side))
            leaves = list(refs(bound))
            sides.append(leaves[0] if leaves else None)
        if sides[0] is not None and sides[1] is not None:
            pairs.append((name, sides[0], sides[1]))
    tests = [exp.EQ(this=a.copy(), expression=b.copy()) for _, a, b in pairs]
    condition = exp.and_(*tests, copy=False) if tests else None
    op: Op = Join(left.op, right.op, kind, condition, span=span)
    if kind in ("semi", "anti"):
        return left.on(op)
    merged: list[Visible] = []
    if kind == "full":
        items = [
            Item(
                env.session.ids.attribute(n),
                exp.Coalesce(this=a.copy(), expressions=[b.copy()]),
                span,
                "using",
            )
            for n, a, b in pairs
        ]
        passed = [Item(a, ref(a)) for a in op.output]
        op = Project(op, [*items, *passed], op.rest, span=span)
        merged = [Visible(i.attribute) for i in items]
    else:
        known = {v.attribute.id: v.attribute for v in (*left.visible, *right.visible)}
        sides_of = [(name, ref_id(b if kind == "right" else a)) for name, a, b in pairs]
        merged = [Visible(replace(known.get(i, Attribute(i, name)), name=name)) for name, i in sides_of]
    names = {n.lower() for n in using}
    sides_visible = [
        replace(v, hidden=v.hidden or v.attribute.name.lower() in names) for v in (*left.visible, *right.visible)
    ]
    return Relation(op, (*merged, *sides_visible), left.open + _without(right.open, names))


def _without(parts: Sequence[OpenPart], names: set[str]) -> tuple[OpenPart, ...]:
    return tuple(OpenPart(replace(p.rest, excluded=p.rest.excluded | names), p.qualifier) for p in parts)


# --------------------------------------------------------------------------- UNNEST, LATERAL VIEW


def _lateral(relation: Relation, lateral: exp.Expr, env: Env) -> Relation:
    if isinstance(lateral.this, exp.Subquery):
        return _joined(relation, exp.Join(this=lateral, kind="CROSS"), env)
    return _exploded(relation, lateral, env, outer=bool(lateral.args.get("outer")))


def _exploded(relation: Relation, node: exp.Expr, env: Env, *, outer: bool = False) -> Relation:
    """UNNEST, LATERAL VIEW explode and the like: one Generate for each array, zipped when there are several."""
    alias = node.args.get("alias")
    names = _columns(alias)
    arrays = list(node.expressions) if isinstance(node, exp.Unnest) else [node.this]
    offset = node.args.get("offset")
    ordinal = offset.name if isinstance(offset, exp.Identifier) else ("ordinality" if offset else None)
    bound = [env.bind(a, relation) for a in arrays]
    # The positional aliases cover the arrays' columns and, last, the ordinality.
    if ordinal and offset is not None and not isinstance(offset, exp.Identifier) and len(names) > len(arrays):
        ordinal = names.pop()
    groups = _shared_out(names, bound)
    op, made = relation.op, []
    for i, (expression, group) in enumerate(zip(bound, groups, strict=True)):
        columns = [env.session.ids.attribute(n) for n in group]
        made += columns
        op = Generate(op, expression, columns, outer, together=i > 0, span=env.place(node))
    if ordinal:
        position = env.session.ids.attribute(ordinal, "bigint")
        op = Generate(op, exp.Literal.number(1), [position], outer, together=True, span=env.place(node))
        made.append(position)
    qualifier = (alias.name.lower(),) if alias is not None and alias.name else ()
    return Relation(op, relation.visible + tuple(Visible(a, qualifier) for a in made), relation.open)


def _shared_out(names: list[str], arrays: Sequence[exp.Expr]) -> list[list[str]]:
    """Which alias names belong to which array: a map has two columns, an array of rows as many as fields."""
    widths = [_width(a) for a in arrays]
    if len(arrays) == 1:
        return [names or _default_names(arrays[0])]
    if len(names) == len(arrays):
        return [[n] for n in names]
    out, at = [], 0
    for i, width in enumerate(widths):
        take = width if i < len(widths) - 1 else max(len(names) - at, 1)
        out.append(names[at : at + take] or [f"_col{i}"])
        at += take
    return out


def _width(array: exp.Expr) -> int:
    kind = array.type
    if kind is not None and kind.is_type("map"):
        return 2
    if kind is not None and kind.is_type("array") and kind.expressions and kind.expressions[0].is_type("struct"):
        return len(kind.expressions[0].expressions)
    return 2 if isinstance(array, (exp.Map, exp.VarMap, exp.MapFromEntries)) else 1


def _default_names(array: exp.Expr) -> list[str]:
    if isinstance(array, exp.Posexplode):
        return ["pos", "col"]
    if isinstance(array, exp.Explode):
        inner = array.this
        return ["key", "value"] if _width(inner) == 2 else ["col"]
    return ["key", "value"] if _width(array) == 2 else ["col"]


# --------------------------------------------------------------------------- PIVOT, UNPIVOT


def _pivot(relation: Relation, pivot: exp.Expr, env: Env) -> Relation:
    aggregates = [env.bind(a.this if isinstance(a, exp.Alias) else a, relation) for a in pivot.expressions]
    fields = [f for f in pivot.args.get("fields") or [] if isinstance(f, exp.In)]
    on = [env.bind(f.this, relation) for f in fields]
    used = {int(r.name) for e in (*aggregates, *on) for r in refs(e)}
    span = env.place(pivot)
    group = pivot.args.get("group")
    keys = (
        [Item(a, ref(a)) for g in group.expressions for a in [_one(env, g, relation)] if a is not None]
        if group is not None
        else [Item(a, ref(a), span, "group") for a in relation.shown if a.id not in used]
    )
    names = [c.name for c in pivot.args.get("columns") or []] or _pivot_names(pivot, fields)
    each = max(len(aggregates), 1)
    items = [
        Item(env.session.ids.attribute(n), aggregates[i % each].copy(), span, "pivot")
        for i, n in enumerate(names)
        if aggregates
    ]
    decides = exp.Tuple(expressions=on) if on else None
    op = Aggregate(relation.op, keys, items, None, decides, [] if items else relation.op.rest, span=span)
    alias = pivot.args.get("alias")
    qualifier = (alias.name,) if alias is not None and alias.name else _qualifier(relation)
    return Relation.over(op, qualifier)


def _one(env: Env, node: exp.Expr, relation: Relation) -> Attribute | None:
    leaves = list(refs(env.bind(node, relation)))
    return next((a for a in relation.shown if leaves and a.id == int(leaves[0].name)), None)


def _pivot_names(pivot: exp.Expr, fields: Sequence[exp.Expr]) -> list[str]:
    values = [v.alias_or_name for f in fields for v in f.expressions]
    several = len(pivot.expressions) > 1
    return [f"{v}_{a.alias_or_name}" if several else v for v in values for a in pivot.expressions]


def _qualifier(relation: Relation) -> tuple[str, ...]:
    return relation.visible[0].qualifier if relation.visible else ()


def _unpivot(relation: Relation, pivot: exp.Expr, env: Env) -> Relation:
    """One row for each named column: a union in which the value column comes from each of them in turn."""
    span = env.place(pivot)
    fields = [f for f in pivot.args.get("fields") or [] if isinstance(f, exp.In)]
    values = [v.name for v in pivot.expressions]
    branches: list[tuple[str, list[exp.Expr]]] = []
    for member in fields[0].expressions if fields else []:
        inner = member.this if isinstance(member, (exp.PivotAlias, exp.Alias)) else member
        parts = inner.expressions if isinstance(inner, exp.Tuple) else [inner]
        branches.append((member.alias_or_name, [env.bind(_as_column(p), relation) for p in parts]))
    if not branches or not values:
        env.session.unknown(Unknown("an UNPIVOT without columns", span))
        return relation
    used = {int(r.name) for _, cols in branches for e in cols for r in refs(e)}
    kept = [a for a in relation.shown if a.id not in used]
    name = fields[0].this.name
    inputs: list[Op] = []
    ids = []
    for label, cols in branches:
        made = [Item(env.session.ids.attribute(name), exp.Literal.string(label), span, "unpivot")]
        made += [Item(env.session.ids.attribute(n), e, span, "unpivot") for n, e in zip(values, cols, strict=False)]
        rows = relation.op if pivot.args.get("include_nulls") else Filter(relation.op, _some_value(cols), span=span)
        inputs.append(Project(rows, [*(Item(a, ref(a)) for a in kept), *made], relation.op.rest, span=span))
        ids.append([a.id for a in kept] + [m.attribute.id for m in made])
    columns = [env.session.ids.attribute(a.name, a.type) for a in kept]
    columns += [env.session.ids.attribute(n) for n in (name, *values)]
    mapping = [[row[i] if i < len(row) else None for row in ids] for i in range(len(columns))]
    union = SetOp(inputs, "union", False, columns, mapping, env.session.ids if relation.op.rest else None, span=span)
    alias = pivot.args.get("alias")
    return Relation.over(union, (alias.name,) if alias is not None and alias.name else _qualifier(relation))


def _some_value(columns: Sequence[exp.Expr]) -> exp.Expr:
    """Rows without any value are left out of an UNPIVOT."""
    return exp.or_(*(exp.Not(this=exp.Is(this=c.copy(), expression=exp.Null())) for c in columns), copy=False)


def _as_column(node: exp.Expr) -> exp.Expr:
    return exp.Column(this=node) if isinstance(node, exp.Identifier) else node
