"""A table's files as one DuckDB query with exactly the catalog's columns, names and types.

Files may disagree with the catalog: a column that a file lacks is NULL in it, one that has another type is cast, one
that the catalog does not know is left out. So reads Athena. This module builds queries and runs none.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sqlglot import exp

from tools.lake.base import Column, Table
from tools.lake.engine import file_list
from tools.lake.footers import Broken, Footer
from tools.lake.layout import DataFile
from tools.lake.types import duckdb_type, same_type

__all__ = ["csv_reader", "csv_view", "parquet_view"]

_Shape = tuple[tuple[tuple[str, str], ...], tuple[str, ...]]
"""What lets files be read in one go: the columns' names and types, and the partition keys of their folders."""


def parquet_view(table: Table, files: Sequence[DataFile], footers: Mapping[Path, Footer | Broken]) -> exp.Query:
    """All of a table's Parquet files. DuckDB opens of them only those that a query's partition filter leaves.

    DuckDB takes the columns of a list of files from its first file, so files are grouped by shape. A broken file goes
    to the end of the first group, where it is opened only if it is really needed.
    """
    groups: dict[_Shape, list[Path]] = {}
    broken: list[DataFile] = []
    for file in files:
        footer = footers[file.path]
        if isinstance(footer, Broken):
            broken.append(file)
        else:
            groups.setdefault((tuple(footer.columns.items()), _keys(file)), []).append(file.path)
    for file in broken:
        home = next((shape for shape in groups if shape[1] == _keys(file)), ((), _keys(file)))
        groups.setdefault(home, []).append(file.path)
    parts = [_parquet_part(table, shape, paths) for shape, paths in groups.items()]
    return _together(parts) if parts else _nothing(table)


def csv_view(table: Table, files: Sequence[DataFile], found: Sequence[tuple[str, str]]) -> exp.Query:
    """All of a table's CSV files; `found` are the columns and types that DuckDB sees in them."""
    if not files:
        return _nothing(table)
    keys = {key for file in files for key in _keys(file)}
    present = {name.lower(): (name, dtype) for name, dtype in found}
    reader = csv_reader([f.path for f in files], _hive(table, keys))
    return reader.select(*(_column(c, present, keys, blank_is_null=True) for c in table.columns), append=False)


def csv_reader(paths: Sequence[Path], options: Iterable[exp.Expr] = ()) -> exp.Select:
    """`SELECT * FROM read_csv(…)`; dialect and types are DuckDB's finding."""
    read = [file_list(paths), _option("union_by_name", exp.true()), *(options or [_no_hive()])]
    return exp.select("*").from_(exp.Table(this=exp.Anonymous(this="read_csv", expressions=read)))


def _parquet_part(table: Table, shape: _Shape, paths: Sequence[Path]) -> exp.Select:
    columns, keys = shape
    present = {name.lower(): (name, dtype) for name, dtype in columns}
    call = exp.Anonymous(this="read_parquet", expressions=[file_list(paths), *_hive(table, keys)])
    return exp.select(*(_column(c, present, keys) for c in table.columns)).from_(exp.Table(this=call))


def _column(
    column: Column,
    present: Mapping[str, tuple[str, str]],
    keys: Iterable[str],
    *,
    blank_is_null: bool = False,
) -> exp.Expr:
    """One column of the view: as the file has it, cast if need be, from the path, or NULL."""
    target = duckdb_type(column.type)
    if column.name in keys:
        return exp.alias_(exp.column(column.name, quoted=True), column.name, quoted=True)
    if column.name not in present:
        return exp.alias_(exp.cast(exp.null(), target), column.name, quoted=True)
    name, dtype = present[column.name]
    value: exp.Expr = exp.column(name, quoted=True)
    if blank_is_null and dtype == "VARCHAR" and not target.is_type(*exp.DataType.TEXT_TYPES):
        value = exp.func("NULLIF", value, exp.Literal.string(""))
    if not same_type(dtype, column.type):
        value = exp.cast(value, target)
    return exp.alias_(value, column.name, quoted=True)


def _hive(table: Table, keys: Iterable[str]) -> list[exp.Expr]:
    """Options that make columns of the path's `key=value` parts, typed as the catalog says."""
    wanted = set(keys)
    typed = [c for c in table.columns if c.name in wanted]
    if not typed:
        return [_no_hive()]
    types = [
        exp.PropertyEQ(
            this=exp.to_identifier(c.name, quoted=True),
            expression=exp.Literal.string(duckdb_type(c.type).sql("duckdb")),
        )
        for c in typed
    ]
    return [_option("hive_partitioning", exp.true()), _option("hive_types", exp.Struct(expressions=types))]


def _no_hive() -> exp.Expr:
    return _option("hive_partitioning", exp.false())


def _option(name: str, value: exp.Expr) -> exp.Expr:
    return exp.Kwarg(this=exp.var(name), expression=value)


def _nothing(table: Table) -> exp.Select:
    """A table without files has no rows, but it has columns."""
    columns = [exp.alias_(exp.cast(exp.null(), duckdb_type(c.type)), c.name, quoted=True) for c in table.columns]
    return exp.select(*(columns or [exp.alias_(exp.null(), "no_columns")])).where(exp.false())


def _together(parts: Sequence[exp.Select]) -> exp.Query:
    return parts[0] if len(parts) == 1 else exp.union(*parts, distinct=False)


def _keys(file: DataFile) -> tuple[str, ...]:
    return tuple(key for key, _ in file.values)
