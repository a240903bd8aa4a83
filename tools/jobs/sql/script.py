"""Lowers SQL scripts: each statement in order, schemas and temporary views carried from one to the next."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from sqlglot import exp

from tools.jobs.session import Session
from tools.jobs.sql import dml
from tools.jobs.sql.env import Env
from tools.jobs.sql.query import lower_query, with_ctes
from tools.jobs.sql.sources import table_name
from tools.jobs.sql.text import SqlTextError, parse_statement, split, without_comments
from tools.plan.base import Dataset, Span, Unknown
from tools.plan.model import Op
from tools.plan.relation import Relation
from tools.plan.whole import Plan, reachable

Handler = Callable[[exp.Expr, Env], Relation | None]


def lower_script(text: str, session: Session) -> None:
    """Reads a whole SQL script into the session's plan. A bare SELECT counts as a write of kind "query"."""
    for statement in split(text):
        offset = statement.line - 1
        relation = _lower_one(statement.text, session, Span(session.file, 1), offset)
        if relation is not None:
            span = Span(session.file, statement.line)
            session.write(Dataset("(result)", "other"), relation, "query", span)


def lower_text(text: str, session: Session, origin: Span) -> Relation | None:
    """Reads SQL that stands inside other code, at `origin`. Returns the last statement's relation if it is a query."""
    relation = None
    for statement in split(text):
        relation = _lower_one(statement.text, session, origin, statement.line - 1)
    return relation


def _lower_one(text: str, session: Session, origin: Span, offset: int) -> Relation | None:
    """One statement. `offset` lines lie between the origin and the statement's first line."""

    def place(node: exp.Expr) -> Span | None:
        line = _line(node)
        base = origin.line - 1 + offset
        return Span(origin.file, base + line if line else base + 1)

    env = Env(session, place)
    try:
        tree = parse_statement(*_normalised(text, session.dialect))
    except SqlTextError as error:
        span = Span(origin.file, origin.line - 1 + offset + (error.line or 1))
        session.unknown(Unknown(error.reason, span, "statement"))
        return None
    before = _Mark(len(session.plan.scans), len(session.plan.writes))
    try:
        relation = _statement(tree, env)
    except RecursionError:
        session.unknown(Unknown("nested too deeply to read", place(tree), "statement"))
        return None
    _forget_unused(session.plan, before, relation)
    return relation


@dataclass(frozen=True, slots=True)
class _Mark:
    """Where a plan stood before a statement."""

    scans: int
    writes: int


def _forget_unused(plan: Plan, before: _Mark, relation: Relation | None) -> None:
    """A common table expression that nothing uses is not read."""
    fresh = plan.scans[before.scans :]
    roots: list[Op] = [*plan.writes[before.writes :], *([relation.op] if relation is not None else [])]
    if fresh and roots:
        used = {id(op) for op in reachable(plan, roots)}
        plan.scans[before.scans :] = [s for s in fresh if id(s) in used]


def _line(node: exp.Expr) -> int | None:
    """The first line that a node's tokens carry; the parser keeps lines on names and literals only."""
    best: int | None = None
    for child in node.walk():
        line = child.meta.get("line") if child._meta else None
        if line is not None and (best is None or line < best):
            best = line
            if isinstance(node, (exp.Column, exp.Identifier)):
                break
    return best


# Statements that the parser keeps as raw text, turned into ones it reads.
_UNLOAD = re.compile(r"^\s*UNLOAD\s*\(", re.I)
_EXTERNAL_FUNCTION = re.compile(
    r"^\s*USING\s+(?:EXTERNAL\s+)?FUNCTION\b.*?(?=\bSELECT\b|\bWITH\b\s+\w+\s+AS)", re.I | re.S
)
_PREPARE = re.compile(r"^\s*PREPARE\s+\S+\s+FROM\s+", re.I)
_EXPLAIN = re.compile(r"^\s*EXPLAIN\s+(?:ANALYZE\s+)?(?:VERBOSE\s+)?(?:\([^)]*\)\s*)?", re.I)


def _normalised(text: str, dialect: str) -> tuple[str, str]:
    for pattern in (_EXTERNAL_FUNCTION, _PREPARE, _EXPLAIN):
        found = pattern.match(without_comments(text)) and pattern.match(text)
        if found:
            text = "\n" * text.count("\n", 0, found.end()) + text[found.end() :]
    return text, dialect


# --------------------------------------------------------------------------- statements


def _statement(tree: exp.Expr, env: Env) -> Relation | None:
    if isinstance(tree, exp.Query | exp.Values):
        return _query(tree, env)
    for kind, handler in _HANDLERS.items():
        if isinstance(tree, kind):
            return handler(tree, env)
    env.session.unknown(Unknown(f"a {tree.key.upper()} statement is not read", env.place(tree), "statement"))
    return None


def _query(tree: exp.Expr, env: Env) -> Relation | None:
    """A query: its result goes to the caller, or with INTO to a table."""
    into = next((s.args["into"] for s in tree.find_all(exp.Select) if s.args.get("into") is not None), None)
    relation = lower_query(tree, env)
    if into is None:
        return relation
    env.session.write(env.session.dataset(table_name(into.this)), relation, "create", env.place(into))
    return None


def _create(tree: exp.Expr, env: Env) -> Relation | None:
    kind = (tree.args.get("kind") or "").upper()
    if kind in ("VIEW", "TABLE"):
        dml.create(tree, env, temporary=_is_temporary(tree))
    return None


def _is_temporary(tree: exp.Expr) -> bool:
    return tree.find(exp.TemporaryProperty) is not None


def _cache(tree: exp.Expr, env: Env) -> None:
    if tree.args.get("expression") is not None:
        env.session.create_view(table_name(tree.this), lower_query(tree.args["expression"], env))


def _drop(tree: exp.Expr, env: Env) -> None:
    for table in tree.args.get("tables") or [tree.this, *tree.expressions]:
        if not isinstance(table, exp.Table):
            continue
        name = table_name(table)
        if env.session.views.pop(name.lower(), None) is None and (tree.args.get("kind") or "").upper() in (
            "TABLE",
            "VIEW",
        ):
            dataset = env.session.dataset(name)
            env.session.forget(dataset)
            env.session.define("drop", dataset, env.place(table))


def _truncate(tree: exp.Expr, env: Env) -> None:
    for table in tree.expressions:
        dataset = env.session.dataset(table_name(table))
        env.session.define("truncate", dataset, env.place(table))


def _use(tree: exp.Expr, env: Env) -> None:
    if isinstance(tree.this, exp.Expr):
        env.session.current_database = tree.this.name.lower()


def _alter(tree: exp.Expr, env: Env) -> None:
    dml.alter(tree, env)


def _multi_insert(tree: exp.Expr, env: Env) -> None:
    """Hive's FROM … INSERT … INSERT …: one source, several targets."""
    env = with_ctes(tree, env)
    source = tree.args["source"]
    for insert in tree.expressions:
        query = insert.expression
        if isinstance(query, exp.Select) and query.args.get("from_") is None:
            query.set("from_", exp.From(this=source.copy()))
        dml.insert(insert, env)


def _command(tree: exp.Expr, env: Env) -> Relation | None:
    """What the parser kept as text: UNLOAD carries a query, the rest moves no data or is said to be unread."""
    word = str(tree.this).upper()
    rest = tree.expression.name if isinstance(tree.expression, exp.Expr) else str(tree.expression or "")
    if word == "UNLOAD":
        _unload(rest, tree, env)
    elif word == "ALTER" and (found := _EXCHANGE.match(rest)):
        moved = env.session.scan(found["source"], env.place(tree))
        env.session.write(env.session.dataset(found["target"]), moved, "insert", env.place(tree))
    elif word not in _NO_DATA:
        env.session.unknown(Unknown(f"a {word} statement is not read", env.place(tree), "statement"))
    return None


_EXCHANGE = re.compile(
    r"^\s*TABLE\s+(?P<target>\S+)\s+EXCHANGE\s+PARTITION\s*\(.*?\)\s*WITH\s+TABLE\s+(?P<source>\S+)",
    re.I | re.S,
)
_NO_DATA = frozenset(
    """ANALYZE BEGIN CALL COMMENT COMMIT DEALLOCATE DESCRIBE EXECUTE EXPLAIN GRANT MSCK OPTIMIZE PREPARE REFRESH
    REPAIR RESET REVOKE ROLLBACK SET SHOW START UNCACHE USE VACUUM""".split()
)
_UNLOAD_PARTS = re.compile(r"^\s*\((?P<query>.*)\)\s*TO\s*'(?P<path>[^']*)'", re.I | re.S)


def _unload(rest: str, tree: exp.Expr, env: Env) -> None:
    found = _UNLOAD_PARTS.match(rest)
    if not found:
        env.session.unknown(Unknown("UNLOAD without (query) TO 'path'", env.place(tree), "statement"))
        return
    try:
        query = parse_statement(found["query"], env.session.dialect)
    except SqlTextError as error:
        env.session.unknown(Unknown(error.reason, env.place(tree), "statement"))
        return
    relation = lower_query(query, env)
    env.session.write(env.session.dataset(found["path"].strip()), relation, "unload", env.place(tree))


def _merge(tree: exp.Expr, env: Env) -> None:
    dml.merge(tree, env)


def _update(tree: exp.Expr, env: Env) -> None:
    dml.update(tree, env)


def _delete(tree: exp.Expr, env: Env) -> None:
    dml.delete(tree, env)


def _insert(tree: exp.Expr, env: Env) -> None:
    dml.insert(tree, env)


def _ignored(tree: exp.Expr, env: Env) -> None:
    """Statements that move no data."""


_HANDLERS: dict[type[exp.Expr], Handler] = {
    exp.Create: _create,
    exp.Insert: _insert,
    exp.MultitableInserts: _multi_insert,
    exp.Merge: _merge,
    exp.Update: _update,
    exp.Delete: _delete,
    exp.Cache: _cache,
    exp.Drop: _drop,
    exp.Use: _use,
    exp.Alter: _alter,
    exp.Command: _command,
    exp.TruncateTable: _truncate,
    exp.Describe: _ignored,
    exp.Show: _ignored,
    exp.Set: _ignored,
    exp.Uncache: _ignored,
    exp.Refresh: _ignored,
    exp.Comment: _ignored,
    exp.Analyze: _ignored,
    exp.Transaction: _ignored,
    exp.Commit: _ignored,
    exp.Rollback: _ignored,
    exp.Grant: _ignored,
    exp.Kill: _ignored,
    exp.Pragma: _ignored,
}
