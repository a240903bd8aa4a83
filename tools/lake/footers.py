"""What Parquet files say of themselves: rows, columns, and the bytes of each column, without reading data.

Footers are read through DuckDB, many files in one go, and remembered by path, size and time of change. This module
knows files only, no tables.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlglot import exp, parse_one

from knowledge.errors import QueryError
from tools.lake.engine import Engine, file_list
from tools.lake.layout import DataFile

__all__ = ["Broken", "Footer", "Footers"]


@dataclass(frozen=True, slots=True)
class Footer:
    """One file's footer. `columns`: name -> DuckDB type; `bytes`: top-level column -> compressed bytes."""

    rows: int
    columns: Mapping[str, str]
    bytes: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Broken:
    """A file whose footer cannot be read, and why."""

    why: str


_Schema = tuple[tuple[str, int | None, str | None, str | None], ...]
"""The schema's nodes in depth-first order: name, number of children, DuckDB type, logical type."""


class Footers:
    """Reads footers, each file once until it changes."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[tuple[str, int, int], Footer | Broken] = {}
        self._columns: dict[_Schema, Mapping[str, str]] = {}

    def read(self, files: Iterable[DataFile]) -> dict[Path, Footer | Broken]:
        """The footer of each file, or why it has none."""
        files = list(files)
        missing = [f for f in files if f.version not in self._known]
        for start in range(0, len(missing), 1_000):
            self._read_batch(missing[start : start + 1_000])
        return {f.path: self._known[f.version] for f in files}

    def _read_batch(self, files: Sequence[DataFile]) -> None:
        """One corrupt file fails the whole batch, so a failed batch is halved until the bad file stands alone."""
        try:
            rows = self._engine.ask(_footer_query([f.path for f in files]))
        except QueryError as error:
            if len(files) == 1:
                self._known[files[0].version] = Broken(error.what)
                return
            middle = len(files) // 2
            self._read_batch(files[:middle])
            self._read_batch(files[middle:])
            return
        for file, (count, schema, chunks) in zip(files, rows, strict=True):
            self._known[file.version] = self._footer(file, count, schema, chunks)

    def _footer(
        self, file: DataFile, count: int, schema: list[dict[str, Any]], chunks: list[dict[str, int]]
    ) -> Footer | Broken:
        nodes: _Schema = tuple((n["name"], n["children"], n["type"], n["logical"]) for n in schema)
        try:
            columns = self._types(nodes, file.path)
        except QueryError as error:
            return Broken(error.what)
        owners = _owners(nodes)
        sizes = dict.fromkeys(columns, 0)
        for chunk in chunks:
            sizes[owners[chunk["leaf"]]] += chunk["size"]
        return Footer(int(count), columns, sizes)

    def _types(self, nodes: _Schema, path: Path) -> Mapping[str, str]:
        """Full types need DuckDB's reading of nested nodes: asked once per schema, not per file."""
        if nodes not in self._columns:
            reader = exp.func("read_parquet", file_list([path]), dialect="duckdb")
            plain = exp.select("*").from_(exp.Table(this=_without_partitions(reader)))
            self._columns[nodes] = dict(self._engine.describe(plain))
        return self._columns[nodes]


def _without_partitions(reader: exp.Expr) -> exp.Expr:
    reader.append("expressions", exp.Kwarg(this=exp.var("hive_partitioning"), expression=exp.false()))
    return reader


def _footer_query(paths: Sequence[Path]) -> exp.Expr:
    """One row per file, in the order of the list: rows, schema nodes, column chunks."""
    facts: exp.Select = parse_one(
        "SELECT parquet_file_metadata[1].num_rows,"
        " list_transform(parquet_schema, x -> struct_pack(name := x.name, children := x.num_children,"
        " type := x.duckdb_type, logical := x.logical_type)),"
        " list_transform(parquet_metadata, x -> struct_pack(leaf := x.column_id, size := x.total_compressed_size))",
        dialect="duckdb",
        into=exp.Select,
    )
    return facts.from_(exp.Table(this=exp.func("parquet_full_metadata", file_list(paths), dialect="duckdb")))


def _owners(nodes: _Schema) -> list[str]:
    """The top-level column that each leaf belongs to, by leaf number. The first node is the file's root."""
    owners: list[str] = []
    open_children: list[int] = [nodes[0][1] or 0]
    top = ""
    for name, children, *_ in nodes[1:]:
        if len(open_children) == 1:
            top = name
        open_children[-1] -= 1
        if children:
            open_children.append(children)
        else:
            owners.append(top)
        while len(open_children) > 1 and open_children[-1] == 0:
            open_children.pop()
    return owners
