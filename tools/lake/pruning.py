"""Which partitions a filter leaves, found by running the filter over the partitions' values alone."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from knowledge.errors import QueryError
from tools.lake.base import Table
from tools.lake.engine import Engine
from tools.lake.trino.fixes import fix
from tools.lake.types import duckdb_type

__all__ = ["passing"]


def passing(engine: Engine, table: Table, condition: exp.Expr, rows: Sequence[tuple[str | None, ...]]) -> list[int]:
    """Numbers of the rows of partition values that pass; all of them when the condition cannot be run alone.

    Args:
        engine: any; no file is read.
        condition: over the table's partition columns only; its columns lose their table's name.
        rows: values in the order of the keys, as text, None for NULL.
    """
    keys = table.partition_keys
    for column in condition.find_all(exp.Column):
        column.set("table", None)
    names = [exp.to_identifier(n, quoted=True) for n in ("#", *(key.name for key in keys))]
    values = exp.Values(
        expressions=[exp.Tuple(expressions=[exp.convert(i), *map(exp.convert, row)]) for i, row in enumerate(rows)],
        alias=exp.TableAlias(this=exp.to_identifier("_"), columns=names),
    )
    typed = [
        exp.alias_(exp.cast(exp.column(key.name, quoted=True), duckdb_type(key.type)), key.name, quoted=True)
        for key in keys
    ]
    inner = exp.select(exp.column("#", quoted=True), *typed).from_(values).subquery("p")
    query = exp.select(exp.column("#", quoted=True)).from_(inner).where(fix(condition))
    try:
        return sorted(row[0] for row in engine.ask(query))
    except QueryError:
        return list(range(len(rows)))
