"""What a query will read, told before it runs: files that its partition filters leave, bytes of the columns it needs.

An estimate from the syntax tree and the files' footers, in the way that Athena bills: Parquet by the compressed size of
the needed columns, whole columns (row groups are not skipped), CSV by whole files, a CTE once per use. A filter that is
known only when the query runs (`= (SELECT max(…) …)`) does not prune here. Results never depend on it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import errors, exp
from sqlglot.optimizer.pushdown_predicates import pushdown_predicates
from sqlglot.optimizer.pushdown_projections import pushdown_projections
from sqlglot.optimizer.scope import Scope, build_scope

from tools.lake.base import Table, TableName
from tools.lake.trino.grammar import DIALECT

__all__ = ["Evaluate", "Read", "reads", "surviving"]


Evaluate = Callable[[exp.Expr, Sequence[tuple[str | None, ...]]], list[int]]
"""Runs a condition over rows of partition values and returns the numbers of the rows that pass."""


@dataclass(frozen=True, slots=True)
class Read:
    """One use of a table: the columns it needs, and the filters on partition columns that every row must pass.

    `optional`: the table may stand for missing rows of an outer join; a filter that NULLs pass does not prune it.
    """

    table: TableName
    columns: frozenset[str]
    filters: tuple[exp.Expr, ...]
    optional: bool = False


def reads(twin: exp.Expr | None, tables: Mapping[TableName, Table]) -> list[Read]:
    """Every use of a table in a qualified query; each table once and whole when there is no qualified form."""
    whole = [Read(t.name, frozenset(c.name for c in t.columns), ()) for t in tables.values()]
    if twin is None:
        return whole
    try:
        pushed = pushdown_projections(pushdown_predicates(twin.copy(), dialect=DIALECT))
        root = build_scope(pushed)
        return list(_scope_reads(root, tables, ())) if root else whole
    except (errors.SqlglotError, RecursionError, AttributeError, KeyError, IndexError, ValueError):
        return whole


def surviving(
    read: Read, keys: Sequence[str], partitions: Sequence[tuple[str | None, ...]], evaluate: Evaluate
) -> list[int]:
    """Numbers of the partitions that a read's filters leave.

    Args:
        keys: the partition columns' names.
        partitions: each partition's values in the order of `keys`, as text, None for NULL.
        evaluate: see `Evaluate`.
    """
    if not read.filters or not partitions:
        return list(range(len(partitions)))
    rows = [*partitions, (None,) * len(keys)] if read.optional else list(partitions)
    passed = evaluate(exp.and_(*(f.copy() for f in read.filters), copy=False), rows)
    if read.optional and len(partitions) in passed:
        return list(range(len(partitions)))
    return passed


def _scope_reads(scope: Scope, tables: Mapping[TableName, Table], above: tuple[Scope, ...]) -> Iterator[Read]:
    """Reads of a scope and of all that it uses, as often as it uses it."""
    if scope in above:  # a recursive CTE reads its own rows, not files
        return
    inner = (*above, scope)
    for part in scope.set_operation_scopes:
        yield from _scope_reads(part, tables, inner)
    for alias, (_, source) in scope.selected_sources.items():
        if isinstance(source, Scope):
            yield from _scope_reads(source, tables, inner)
        elif (table := tables.get(_name_of(source))) is not None:
            yield _table_read(scope, alias, table)
    for part in scope.subquery_scopes:
        yield from _scope_reads(part, tables, inner)


def _table_read(scope: Scope, alias: str, table: Table) -> Read:
    needed = frozenset(c.name.lower() for c in scope.columns if c.table == alias)
    keys = {c.name for c in table.partition_keys}
    optional = any(_may_miss(join, alias) for join in scope.expression.args.get("joins") or ())
    filters = tuple(f for f in _conditions(scope.expression, alias) if _decides_partition(f, alias, keys))
    return Read(table.name, needed, filters, optional)


def _conditions(select: exp.Expr, alias: str) -> Iterator[exp.Expr]:
    where = select.args.get("where")
    if where:
        yield from _conjuncts(where.this)
    for join in select.args.get("joins") or ():
        on, side, own = join.args.get("on"), join.side.upper(), join.this.alias_or_name == alias
        if on and (not side or (side == "LEFT" and own) or (side == "RIGHT" and not own)):
            yield from _conjuncts(on)


def _conjuncts(condition: exp.Expr) -> Iterator[exp.Expr]:
    condition = condition.unnest()
    if isinstance(condition, exp.And):
        yield from (part for side in (condition.left, condition.right) for part in _conjuncts(side))
    else:
        yield condition


def _decides_partition(condition: exp.Expr, alias: str, keys: set[str]) -> bool:
    columns = list(condition.find_all(exp.Column))
    own = bool(columns) and all(c.table == alias and c.name.lower() in keys for c in columns)
    return own and not condition.find(exp.Query, exp.Rand, exp.Randn, exp.Uuid)


def _may_miss(join: exp.Join, alias: str) -> bool:
    own, side = join.this.alias_or_name == alias, join.side.upper()
    return side == "FULL" or (side == "LEFT" and own) or (side == "RIGHT" and not own)


def _name_of(table: exp.Table) -> TableName:
    return TableName(table.db.lower(), table.name.lower())
