"""Only reading gets through: the guard on the syntax tree that every statement passes, on any engine.

Two allow-lists, of syntax nodes and of functions: what is not known to be harmless is refused, and the refusal names
the node and its place. It judges text and trees only; it knows no engine, no files and no tables.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable

from sqlglot import errors, exp, parse

from knowledge.errors import QueryError, QueryRefused
from knowledge.names import nearest
from tools.lake.trino.functions import FUNCTIONS, is_known, names_of
from tools.lake.trino.grammar import DIALECT
from tools.lake.trino.places import place

__all__ = ["check", "parse_athena"]

# sqlglot reports on its own logger what it reads as a bare command; the refusal below says so already.
logging.getLogger("sqlglot").setLevel(logging.ERROR)

# Everything a query may be made of besides functions, operators and types.
_SYNTAX: frozenset[type[exp.Expr]] = frozenset(
    {
        *(exp.Select, exp.Union, exp.Except, exp.Intersect, exp.Subquery, exp.Values, exp.With, exp.CTE),
        *(exp.From, exp.Join, exp.Lateral, exp.Table, exp.TableAlias, exp.TableSample, exp.Where, exp.Group),
        *(exp.Cube, exp.Rollup, exp.GroupingSets, exp.Having, exp.Order, exp.Ordered, exp.Limit, exp.Offset),
        *(exp.Fetch, exp.LimitOptions, exp.Distinct, exp.Window, exp.WindowSpec, exp.Tuple, exp.Lambda),
        *(exp.Column, exp.Identifier, exp.Literal, exp.Var, exp.Star, exp.Null, exp.Boolean, exp.Placeholder),
        *(exp.Alias, exp.Aliases, exp.Bracket, exp.Slice, exp.Dot, exp.PropertyEQ, exp.Paren, exp.Interval),
        *(exp.IntervalSpan, exp.AtTimeZone, exp.WithinGroup, exp.IgnoreNulls, exp.RespectNulls, exp.Filter),
        *(exp.In, exp.Between, exp.Like, exp.Escape, exp.Is, exp.Not, exp.Neg, exp.BitwiseNot, exp.HexString),
        *(exp.Any, exp.All, exp.Collate, exp.UnicodeString, exp.OverflowTruncateBehavior, exp.OnCondition),
        *(exp.JSONKeyValue, exp.JSONValue, exp.JSONPath, exp.JSONPathRoot, exp.JSONPathKey),
        *(exp.JSONPathSubscript, exp.JSONPathWildcard, exp.FormatJson, exp.ParameterizedAgg),
        *(exp.DataType, exp.DataTypeParam, exp.ColumnDef, exp.Ordered, exp.HavingMax, exp.Sort),
    }
)
_QUERIES = (exp.Select, exp.SetOperation, exp.Subquery, exp.Values)


def parse_athena(sql: str) -> exp.Expr:
    """Parses one Athena statement.

    Raises:
        QueryError: it does not parse; the message is the parser's, with line and column.
        QueryRefused: there is no statement, or more than one.
    """
    try:
        statements = _statements(sql, DIALECT)
    except errors.ParseError as error:
        refusal = _other_statement(sql)
        raise refusal or QueryError(_syntax_message(error)) from error
    except errors.SqlglotError as error:
        raise QueryError(f"SYNTAX_ERROR: {_plain(str(error))}") from error
    except RecursionError as error:
        raise QueryRefused("The query is nested too deeply to be read") from error
    if not statements:
        raise QueryRefused("There is no statement to run", hint="Write one SELECT.")
    if len(statements) > 1:
        second = _kind(statements[1])
        raise QueryRefused(f"{len(statements)} statements at once; the second is {second}", hint="Send one SELECT.")
    return statements[0]


def _statements(sql: str, dialect: str) -> list[exp.Expr]:
    return [s for s in parse(sql, read=dialect) if s and not isinstance(s, exp.Semicolon)]


def _other_statement(sql: str) -> QueryRefused | None:
    """Athena's DDL is Hive's and does not parse as a query; it is refused for what it is."""
    try:
        first = _statements(sql, "athena")[0]
    except (errors.SqlglotError, RecursionError, IndexError):
        return None
    return None if isinstance(first, _QUERIES) else _refusal(first)


def check(tree: exp.Expr) -> None:
    """Lets exactly one read-only query through.

    Raises:
        QueryRefused: it is not a SELECT (or VALUES), or some part of it is not plain reading.
        QueryError: it calls a function that Athena does not have.
    """
    if not isinstance(tree, _QUERIES):
        raise _refusal(tree)
    for node in tree.walk():
        _check_node(node)


def _refusal(statement: exp.Expr) -> QueryRefused:
    return QueryRefused(f"Only SELECT runs here, not {_kind(statement)}", hint=_instead(statement))


def _check_node(node: exp.Expr) -> None:
    rule = _RULES.get(type(node))
    if rule:
        rule(node)
    if isinstance(node, exp.Func):
        _check_function(node)
    elif not isinstance(node, exp.Binary) and type(node) not in _SYNTAX:
        raise QueryRefused(f"{_kind(node)} is not part of a read-only query", where=place(node))


def _check_function(call: exp.Func) -> None:
    if is_known(call) or (isinstance(call, exp.Connector | exp.Case | exp.Exists)):
        return
    name = min(names_of(call))
    hint = ", ".join(nearest(name, FUNCTIONS))
    raise QueryError(
        f"FUNCTION_NOT_FOUND: {place(call)}: Function '{name}' not registered",
        hint=f"Athena has: {hint}." if hint else None,
    )


def _check_source(table: exp.Expr) -> None:
    """A name is looked up in the catalog; a call in its place would read files or the engine's insides."""
    if not isinstance(table.this, exp.Identifier):
        call = table.this.name or type(table.this).__name__
        raise QueryRefused(
            f"Table function {str(call).lower()!r} is not allowed: a query reads tables of the lake only",
            where=place(table),
        )
    if table.args.get("version") or table.args.get("changes") or table.args.get("when"):
        raise QueryRefused("Time travel (FOR … AS OF) is not supported", where=place(table))
    if table.args.get("pivots"):
        raise QueryRefused("PIVOT is not Athena SQL", where=place(table))


def _check_select(select: exp.Expr) -> None:
    for part in ("into", "locks", "kind", "qualify", "pivots", "connect", "match"):
        if select.args.get(part):
            raise QueryRefused(f"SELECT … {part.upper()} is not allowed", where=place(select))


def _check_body(holder: exp.Expr) -> None:
    """What stands between the parentheses of a CTE or a subquery must be a query itself."""
    body = holder.this
    joined = isinstance(holder, exp.Subquery) and isinstance(body, exp.Table)
    if not isinstance(body, _QUERIES) and not joined:
        raise QueryRefused(f"Only SELECT runs here, not {_kind(body)}", where=place(holder))


_RULES: dict[type[exp.Expr], Callable[[exp.Expr], None]] = {
    exp.Table: _check_source,
    exp.Select: _check_select,
    exp.CTE: _check_body,
    exp.Subquery: _check_body,
}


def _kind(node: exp.Expr) -> str:
    """How people call a statement: its first word."""
    if isinstance(node, exp.Command):
        return str(node.this).upper()
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", type(node).__name__).upper()


def _instead(tree: exp.Expr) -> str:
    if isinstance(tree, exp.Describe | exp.Show) or _kind(tree) in ("SHOW", "DESCRIBE", "EXPLAIN"):
        return "For a table's columns ask for its schema; to look at data write a SELECT."
    return "Nothing in the lake is ever changed by a query."


def _syntax_message(error: errors.ParseError) -> str:
    first = error.errors[0] if error.errors else {}
    text = _plain(str(first.get("description") or error)).rstrip(".")
    if text.startswith("Required keyword"):  # the rest names a class of the parser
        text = "Something is missing"
    if not first.get("line"):
        return f"SYNTAX_ERROR: {text}"
    near = _plain(str(first.get("highlight") or ""))
    start = max(1, int(first["col"]) - len(near) + 1)
    return f"SYNTAX_ERROR: line {first['line']}:{start}: {text}" + (f", near {near}" if near else "")


def _plain(text: str) -> str:
    """sqlglot underlines with terminal codes, which have no place in a message."""
    return re.sub(r"\x1b\[[0-9;]*m", "", text).strip()
