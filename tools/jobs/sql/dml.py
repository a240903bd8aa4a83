"""Lowers statements that write: CREATE … AS, INSERT, MERGE, UPDATE, DELETE, and what ALTER does to known schemas."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from tools.jobs.sql.env import Env
from tools.jobs.sql.query import lower_query, with_ctes
from tools.jobs.sql.sources import lower_from, lower_source, scan_table, table_name
from tools.plan.base import Dataset, Span, Unknown
from tools.plan.bind import bind
from tools.plan.model import Filter, Join, Op, WriteKind
from tools.plan.references import ref
from tools.plan.relation import Relation
from tools.plan.whole import Assignment, Write


def create(tree: exp.Expr, env: Env, *, temporary: bool) -> None:
    """CREATE TABLE/VIEW, with or without a query; a temporary view only names a relation."""
    target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    name = table_name(target)
    stated = _schema_columns(tree.this)
    query = tree.args.get("expression")
    if not isinstance(query, exp.Query | exp.Values):
        _create_empty(tree, name, stated, temporary, env)
        return
    env = with_ctes(tree, env)
    relation = lower_query(query, env)
    is_view = (tree.args.get("kind") or "").upper() == "VIEW"
    if temporary and is_view:
        env.session.create_view(name, relation.aliased(name.rsplit(".", 1)[-1], [n for n, _ in stated]))
        return
    location = _location(tree)
    dataset = env.session.dataset(name)
    env.session.write(
        dataset,
        relation,
        "view" if is_view else "create",
        env.place(target),
        columns=[n for n, _ in stated] or None,
        aliases=[env.session.dataset(location)] if location else (),
    )


def _create_empty(tree: exp.Expr, name: str, stated: list[tuple[str, str | None]], temporary: bool, env: Env) -> None:
    """A table made without rows; for `USING format OPTIONS (path …)` views over files, the file is the source."""
    location = _location(tree)
    if temporary and location:
        env.session.create_view(name, env.session.scan(location, env.place(tree), columns=stated or None))
        return
    dataset = env.session.dataset(name)
    model = next((p.this for p in tree.find_all(exp.LikeProperty)), None)
    source = env.session.dataset(table_name(model)) if isinstance(model, exp.Table) else None
    copied = tree.args.get("clone")
    if copied is not None and isinstance(copied.this, exp.Table):
        env.session.write(dataset, scan_table(copied.this, env), "create", env.place(tree.this))
        return
    place = env.session.dataset(location) if location else None
    env.session.define("create", dataset, env.place(tree.this), source, place)
    known = stated or (env.session.columns_of(source.name) if source else None)
    if known:
        env.session.remember(dataset, known, open_ended=False)


def _schema_columns(node: exp.Expr) -> list[tuple[str, str | None]]:
    if not isinstance(node, exp.Schema):
        return []
    columns: list[tuple[str, str | None]] = []
    for part in node.expressions:
        if isinstance(part, exp.ColumnDef):
            columns.append((part.name, part.kind.sql("athena").lower() if part.kind is not None else None))
        elif isinstance(part, exp.Identifier):
            columns.append((part.name, None))
    return columns


def _location(tree: exp.Expr) -> str | None:
    if (stated := tree.find(exp.LocationProperty)) is not None:
        return str(stated.name)
    for prop in tree.find_all(exp.Property):
        if prop.name.lower() in ("external_location", "location", "path") and isinstance(
            prop.args.get("value"), exp.Expr
        ):
            return str(prop.args["value"].name)
    return None


# --------------------------------------------------------------------------- INSERT


def insert(tree: exp.Expr, env: Env) -> None:
    """INSERT INTO / OVERWRITE: by column list, by position, by name, into partitions, or into a directory."""
    if isinstance(tree.this, exp.Directory):
        relation = lower_query(tree.expression, env)
        env.session.write(env.session.dataset(tree.this.this.name), relation, "overwrite", env.place(tree))
        return
    env = with_ctes(tree, env)
    target = tree.this.this if isinstance(tree.this, exp.Schema) else tree.this
    listed = [c.name for c in tree.this.expressions] if isinstance(tree.this, exp.Schema) else None
    query = tree.expression
    if not isinstance(query, exp.Query | exp.Values | exp.Table):
        env.session.unknown(Unknown("an INSERT without a query", env.place(tree), "statement"))
        return
    relation = lower_source(query, env) if isinstance(query, exp.Values | exp.Table) else lower_query(query, env)
    dataset = env.session.dataset(_target_name(target))
    fixed, moving = _partition(target.args.get("partition") or tree.args.get("partition"))
    names = listed
    if fixed or moving:
        names = _with_partitions(dataset, relation, listed, list(fixed), moving, env)
    write = env.session.write(
        dataset,
        relation,
        "overwrite" if tree.args.get("overwrite") else "insert",
        env.place(target),
        columns=names,
        by_position=not tree.args.get("by_name"),
        partitioned_by=[*fixed, *moving],
    )
    write.assignments += [Assignment(n, (e.copy(),), write.span) for n, e in fixed.items()]


def _target_name(target: exp.Expr) -> str:
    return target.name if isinstance(target.this, exp.Func) else table_name(target)


def _partition(node: exp.Expr | None) -> tuple[dict[str, exp.Expr], list[str]]:
    """PARTITION (a='x', b): the fixed values by column, and the columns that come last in the query."""
    fixed: dict[str, exp.Expr] = {}
    moving: list[str] = []
    for part in node.expressions if isinstance(node, exp.Expr) else []:
        if isinstance(part, exp.EQ):
            fixed[part.this.name] = part.expression
        else:
            moving.append(part.name)
    return fixed, moving


def _with_partitions(
    dataset: Dataset,
    relation: Relation,
    listed: list[str] | None,
    fixed: list[str],
    moving: list[str],
    env: Env,
) -> list[str] | None:
    shown = [a.name for a in relation.shown]
    if listed is not None:
        return listed + [m for m in moving if m not in listed]
    partition = {n.lower() for n in (*fixed, *moving)}
    known = env.session.columns_of(dataset.name)
    positional = shown[: max(len(shown) - len(moving), 0)]
    own = [n for n, _ in known if n.lower() not in partition] if known else positional
    names = own + moving
    return names if len(names) == len(shown) else None


# --------------------------------------------------------------------------- MERGE, UPDATE, DELETE


def merge(tree: exp.Expr, env: Env) -> None:
    """MERGE: every branch's assignments; ON is a join, WHEN … AND conditions decide which rows are written."""
    env = with_ctes(tree, env)
    target_node = tree.this
    target = _target_relation(target_node, env)
    source = lower_source(tree.args["using"], env)
    both = target.beside(source, Join(target.op, source.op, "inner", span=env.place(tree.this)))
    assert isinstance(both.op, Join)
    if tree.args.get("on") is not None:
        both.op.condition = env.bind(tree.args["on"], both)
    found: dict[str, list[exp.Expr]] = {}
    conditions: list[exp.Expr] = []
    for when in tree.args["whens"].expressions:
        if when.args.get("condition") is not None:
            conditions.append(env.bind(when.args["condition"], both))
        for name, value in _when_assignments(when.args.get("then"), target, source, both, env):
            found.setdefault(name, []).append(value)
    _finish(tree, target_node, both.op, "merge", found, conditions, env)


def _when_assignments(
    then: exp.Expr | None, target: Relation, source: Relation, both: Relation, env: Env
) -> list[tuple[str, exp.Expr]]:
    if isinstance(then, exp.Update):
        if any(isinstance(e, exp.Star) for e in then.expressions):
            return _all_columns(target, source)
        return [(e.this.name, env.bind(e.expression, both)) for e in then.expressions if isinstance(e, exp.EQ)]
    if isinstance(then, exp.Insert):
        if isinstance(then.this, exp.Star) or (then.args.get("this") is None and then.args.get("expression") is None):
            return _all_columns(target, source)
        values = then.expression.expressions if isinstance(then.expression, exp.Expr) else []
        if isinstance(then.this, exp.Tuple):
            names = [c.name for c in then.this.expressions]
        else:
            names = [a.name for a in target.shown]
        return [(n, env.bind(v, both)) for n, v in zip(names, values, strict=False)]
    return []


def _all_columns(target: Relation, source: Relation) -> list[tuple[str, exp.Expr]]:
    """UPDATE SET * and INSERT *: every target column from the source's column of that name."""
    known = {a.name.lower(): a for a in source.shown}
    names = [a.name for a in target.shown] if not target.open else []
    wanted = [n for n in names if n.lower() in known] or [a.name for a in source.shown]
    return [(n, ref(known[n.lower()])) for n in wanted]


def update(tree: exp.Expr, env: Env) -> None:
    """UPDATE … SET … [FROM …] WHERE …"""
    env = with_ctes(tree, env)
    target_node = tree.this
    target = _target_relation(target_node, env)
    relation = target
    if tree.args.get("from_") is not None or target_node.args.get("joins"):
        other = lower_from(tree, env) if tree.args.get("from_") is not None else None
        relation = target if other is None else target.beside(other, Join(target.op, other.op, "cross"))
    if tree.args.get("where") is not None:
        predicate = env.bind(tree.args["where"].this, relation)
        relation = relation.on(Filter(relation.op, predicate, span=env.place(tree.args["where"])))
    found: dict[str, list[exp.Expr]] = {}
    for part in tree.expressions:
        if isinstance(part, exp.EQ):
            found.setdefault(part.this.name, []).append(bind(part.expression, env.scope(relation)))
    _finish(tree, target_node, relation.op, "update", found, [], env)


def delete(tree: exp.Expr, env: Env) -> None:
    """DELETE FROM … WHERE …: writes no column, but decides which rows stay."""
    env = with_ctes(tree, env)
    target_node = tree.this or (tree.args.get("tables") or [None])[0]
    if target_node is None:
        return
    relation = _target_relation(target_node, env)
    for used in _using(tree.args.get("using")):
        other = lower_source(used, env)
        relation = relation.beside(other, Join(relation.op, other.op, "cross"))
    if tree.args.get("where") is not None:
        predicate = env.bind(tree.args["where"].this, relation)
        relation = relation.on(Filter(relation.op, predicate, span=env.place(tree.args["where"])))
    _finish(tree, target_node, relation.op, "delete", {}, [], env)


def _using(node: object) -> Sequence[exp.Expr]:
    return node if isinstance(node, list) else ([node] if isinstance(node, exp.Expr) else [])


def _target_relation(node: exp.Expr, env: Env) -> Relation:
    """The target as its own statement sees it. It is not one of the job's inputs."""
    alias = node.args.get("alias")
    bare = node.copy()
    bare.set("alias", None)
    before = len(env.session.plan.scans)
    relation = scan_table(bare, env) if isinstance(bare, exp.Table) else lower_source(bare, env)
    for scan in env.session.plan.scans[before:]:
        scan.is_target = True
    del env.session.plan.scans[before:]
    return relation.aliased(alias.name) if alias is not None and alias.name else relation


def _finish(
    tree: exp.Expr,
    target_node: exp.Expr,
    op: Op,
    kind: WriteKind,
    found: dict[str, list[exp.Expr]],
    conditions: list[exp.Expr],
    env: Env,
) -> None:
    span: Span | None = env.place(target_node)
    dataset = env.session.dataset(_target_name(target_node))
    assignments = [Assignment(n, tuple(es), env.place(es[0]) or span) for n, es in found.items()]
    env.session.plan.writes.append(
        Write(dataset, op, kind, assignments, conditions=conditions, self_reference=True, span=span)
    )


# --------------------------------------------------------------------------- ALTER


def alter(tree: exp.Expr, env: Env) -> None:
    """ALTER TABLE … ADD/DROP/RENAME COLUMN changes what later statements see; RENAME TO and views write."""
    dataset = env.session.dataset(table_name(tree.this))
    if (tree.args.get("kind") or "").upper() == "VIEW":
        query = next((a for a in tree.args.get("actions") or [] if isinstance(a, exp.Query)), None)
        if query is not None:
            env.session.write(dataset, lower_query(query, env), "view", env.place(tree))
        return
    columns = list(env.session.columns_of(dataset.name) or ())
    if not any(isinstance(a, exp.AlterRename) for a in tree.args.get("actions") or []):
        env.session.define("alter", dataset, env.place(tree))
    for action in tree.args.get("actions") or []:
        if isinstance(action, exp.AlterRename):
            source = scan_table(tree.this, env)
            renamed = env.session.dataset(table_name(action.this))
            env.session.write(renamed, source, "create", env.place(tree))
            env.session.define("drop", dataset, env.place(tree))
            return
        columns = _altered(columns, action)
    if columns:
        env.session.remember(dataset, columns, open_ended=False)


def _altered(columns: list[tuple[str, str | None]], action: exp.Expr) -> list[tuple[str, str | None]]:
    if isinstance(action, exp.ColumnDef):
        return [*columns, (action.name, action.kind.sql("athena").lower() if action.kind else None)]
    if isinstance(action, exp.Drop):
        gone = {column.name.lower() for column in action.args.get("tables") or [action.this]}
        return [c for c in columns if c[0].lower() not in gone]
    if isinstance(action, exp.RenameColumn):
        old, new = action.this.name.lower(), action.args["to"].name
        return [(new, t) if n.lower() == old else (n, t) for n, t in columns]
    return columns
