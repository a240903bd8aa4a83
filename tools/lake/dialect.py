"""Athena SQL in, DuckDB SQL out, with Trino's answers and Trino's refusals.

The fix-ups themselves are in `tools/lake/trino/`, one file per topic; this module puts them in order. It knows no files
and runs nothing.
"""

from __future__ import annotations

import datetime
import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlglot import exp

from knowledge.errors import QueryError
from tools.lake.base import Table, TableName
from tools.lake.trino.fixes import fix
from tools.lake.trino.grammar import DIALECT
from tools.lake.trino.names import adopt, lake_tables, twin_of
from tools.lake.trino.outputs import cap_rows, name_outputs
from tools.lake.trino.strict import check_names, check_types

__all__ = ["Prepared", "athena_literal", "bind", "prepare", "to_duckdb", "view_name"]


@dataclass(frozen=True, slots=True)
class Prepared:
    """A query whose names are resolved and whose types are known.

    Attributes:
        tree: the query, tables written `database.table`.
        twin: the same, fully qualified and with stars expanded; None when sqlglot cannot qualify it.
        tables: the lake's tables in it.
    """

    tree: exp.Expr
    twin: exp.Expr | None
    tables: Mapping[TableName, Table]


def prepare(tree: exp.Expr, find: Callable[[str], Table]) -> Prepared:
    """Resolves a query's names and refuses what Athena would refuse.

    Args:
        tree: one SELECT, past the guard; not changed.
        find: the lake's `table`.

    Raises:
        CopilotError: what `find` raises.
        QueryError: a column that is not there, types that do not fit, worded as Athena would.
    """
    tree = tree.copy()
    tables: dict[TableName, Table] = {}
    for node in lake_tables(tree):
        table = find(".".join(part.name for part in node.parts))
        tables[table.name] = table
        _write_name(node, table.name)
    for column in tree.find_all(exp.Column):
        if column.args.get("db"):  # db.t.c: below, the table is called t
            column.set("db", None)
            column.set("catalog", None)
    twin = twin_of(tree, tables)
    if twin is not None:
        check_names(twin, {c.name for table in tables.values() for c in table.columns})
        check_types(twin)
        adopt(tree, twin)
    return Prepared(tree, twin, tables)


def to_duckdb(prepared: Prepared, rows: int | None = None, *, estimates: bool = False) -> exp.Expr:
    """The query for DuckDB, over views named as `view_name` says.

    Args:
        rows: an upper bound of rows to return, besides the query's own.
        estimates: `approx_distinct` and `approx_percentile` are estimated, in bounded memory; else they are exact, so
            that small data give the same figures at every run.
    """
    tree = name_outputs(prepared.tree.copy())
    if estimates:
        tree = _estimated(tree)
    for node in lake_tables(tree):
        name = TableName(node.db, node.name)
        node.set("db", None)
        node.set("this", exp.to_identifier(view_name(name), quoted=True))
    tree = fix(tree)
    return tree if rows is None else cap_rows(tree, rows)


def view_name(table: TableName) -> str:
    """What a table is called on DuckDB: one flat name, which no schema or catalog of DuckDB's can shadow."""
    return f"{table.database}.{table.table}"


def bind(tree: exp.Expr, parameters: Sequence[Any]) -> exp.Expr:
    """Puts values in the places of `?`, in the order of the text, as typed literals.

    Raises:
        QueryError: the numbers of values and places differ, or a value has no Athena literal.
    """
    if not parameters and tree.find(exp.Placeholder) is None:
        return tree
    places = _placeholders(tree := tree.copy())
    if len(places) != len(parameters):
        raise QueryError(f"The query has {len(places)} places for parameters ('?') but {len(parameters)} were given")
    for place, value in zip(places, parameters, strict=True):
        place.replace(athena_literal(value))
    return tree


def athena_literal(value: Any) -> exp.Expr:
    """A Python value as an Athena literal of the type that says most of it.

    Raises:
        QueryError: there is none.
    """
    for kind, literal in _LITERALS:
        if isinstance(value, kind):
            return literal(value)
    raise QueryError(f"A {type(value).__name__} cannot be a query parameter")


def _estimated(tree: exp.Expr) -> exp.Expr:
    """DuckDB's own estimates, which the fix-ups then leave alone. All quantiles of a value are taken from one digest:
    DuckDB computes equal aggregates once.
    """
    wanted: dict[exp.Expr, list[exp.Expr]] = {}
    for node in tree.find_all(exp.ApproxQuantile):
        if _is_plain_quantile(node) and node.args["quantile"] not in wanted.setdefault(node.this, []):
            wanted[node.this].append(node.args["quantile"])

    def change(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.ApproxDistinct) and not node.args.get("accuracy"):
            return exp.Anonymous(this="approx_count_distinct", expressions=[node.this])
        if isinstance(node, exp.ApproxQuantile) and _is_plain_quantile(node):
            shares = wanted[node.this]
            place = exp.Literal.number(shares.index(node.args["quantile"]) + 1)
            every = exp.Array(expressions=[s.copy() for s in shares])
            digest = exp.Anonymous(this="approx_quantile", expressions=[node.this.copy(), every])
            return exp.Anonymous(this="list_extract", expressions=[digest, place])
        return node

    return tree.transform(change, copy=False)


def _is_plain_quantile(node: exp.Expr) -> bool:
    return isinstance(node.args.get("quantile"), exp.Literal) and not node.args.get("weight")


def _write_name(node: exp.Table, name: TableName) -> None:
    if not node.alias:
        node.set("alias", exp.TableAlias(this=exp.to_identifier(name.table, quoted=True)))
    node.set("this", exp.to_identifier(name.table, quoted=True))
    node.set("db", exp.to_identifier(name.database, quoted=True))
    node.set("catalog", None)


def _placeholders(tree: exp.Expr) -> list[exp.Expr]:
    """In the order of the text: a tree's own order is another one, and only generated text shows it."""
    found = list(tree.find_all(exp.Placeholder))
    for number, node in enumerate(found):
        node.set("this", f"place_{number}_")
    text = tree.sql(DIALECT, comments=False)
    order = [int(n) for n in re.findall(r":place_(\d+)_", text)]
    return [found[number] for number in order]


def _float(value: float) -> exp.Expr:
    if math.isnan(value):
        return exp.func("NAN")
    if math.isinf(value):
        infinity = exp.func("INFINITY")
        return infinity if value > 0 else exp.Neg(this=infinity)
    return _signed(exp.Literal.number(f"{abs(value):.17e}"), value < 0)


def _decimal(value: Decimal) -> exp.Expr:
    if not value.is_finite():
        raise QueryError(f"{value} is not a decimal that Athena knows")
    text = f"{value:f}"
    scale = len(text.partition(".")[2])
    digits = max(len(text.lstrip("-").replace(".", "").lstrip("0")), scale, 1)
    return exp.cast(exp.Literal.string(text), f"decimal({digits},{scale})")


def _timestamp(value: datetime.datetime) -> exp.Expr:
    if value.tzinfo is None:
        return exp.cast(exp.Literal.string(value.isoformat(sep=" ", timespec="microseconds")), "timestamp(6)")
    utc = value.astimezone(datetime.UTC).replace(tzinfo=None).isoformat(sep=" ", timespec="microseconds")
    zoned = exp.DataType.build("timestamp(6) with time zone", dialect=DIALECT)
    return exp.cast(exp.Literal.string(f"{utc} UTC"), zoned)


def _signed(literal: exp.Expr, negative: bool) -> exp.Expr:
    return exp.Neg(this=literal) if negative else literal


# The order counts: a bool is an int for Python, a datetime is a date.
_LITERALS: tuple[tuple[type, Callable[[Any], exp.Expr]], ...] = (
    (type(None), lambda _: exp.null()),
    (bool, lambda v: exp.true() if v else exp.false()),
    (int, lambda v: _signed(exp.Literal.number(abs(v)), v < 0)),
    (float, _float),
    (Decimal, _decimal),
    (str, exp.Literal.string),
    (bytes, lambda v: exp.HexString(this=v.hex())),
    (datetime.datetime, _timestamp),
    (datetime.date, lambda v: exp.cast(exp.Literal.string(v.isoformat()), "date")),
    (list, lambda v: exp.Array(expressions=[athena_literal(item) for item in v])),
    (tuple, lambda v: exp.Array(expressions=[athena_literal(item) for item in v])),
)
