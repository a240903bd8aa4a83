"""A table of a folder as the catalog would show it: from `_table.json` where one stands, else from the files.

It reads schemas only, no rows, and knows no SQL beyond asking DuckDB what a file's columns are.
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, ValidationError

from knowledge.errors import ConfigError, QueryError, ReadError
from tools.lake.base import NULL_PARTITION, Column, Table, TableName
from tools.lake.engine import Engine
from tools.lake.footers import Broken, Footers
from tools.lake.layout import DataFile, Format, Place, table_format
from tools.lake.readers import csv_reader
from tools.lake.types import athena_type, from_file

__all__ = ["Schemas", "infer_partition_type", "stated_table"]


class _ColumnSetting(BaseModel):
    model_config = ConfigDict(frozen=True)
    name: str
    type: str
    comment: str | None = None
    nullable: bool | None = None


class _TableSetting(BaseModel):
    """What `_table.json` may say; other keys are someone else's."""

    model_config = ConfigDict(frozen=True)
    description: str | None = None
    columns: tuple[_ColumnSetting, ...] = ()
    partition_keys: tuple[_ColumnSetting, ...] = ()


@dataclass(frozen=True, slots=True)
class Schemas:
    """Reads tables' schemas."""

    engine: Engine
    footers: Footers

    def table(self, place: Place, files: Sequence[DataFile]) -> Table:
        """The schema of the table at a place, which has these files.

        Without `_table.json` the newest file that can be read gives the columns: the last by path, which for daily
        partitions is the last day.

        Raises:
            ReadError: `_table.json` or every file is unreadable, or the table mixes formats.
        """
        kind = table_format(place, files)
        stated = _stated(place)
        keys = _stated_columns(stated.partition_keys, place, is_partition=True) or _found_keys(place, files)
        columns = _stated_columns(stated.columns, place) or self._found_columns(place, files, kind)
        partition_names = {key.name for key in keys}
        return Table(
            place.name,
            (*(c for c in columns if c.name not in partition_names), *keys),
            description=stated.description,
            location=str(place.base),
            format=kind,
        )

    def _found_columns(self, place: Place, files: Sequence[DataFile], kind: Format) -> tuple[Column, ...]:
        if not files:
            return ()
        found = self._parquet_columns(place, files) if kind == "parquet" else self._csv_columns(place, files)
        return tuple(Column(name.lower(), from_file(dtype)) for name, dtype in found)

    def _parquet_columns(self, place: Place, files: Sequence[DataFile]) -> Iterable[tuple[str, str]]:
        broken: list[tuple[DataFile, Broken]] = []
        for file in reversed(files):
            footer = self.footers.read([file])[file.path]
            if not isinstance(footer, Broken):
                return footer.columns.items()
            broken.append((file, footer))
        file, why = broken[-1]
        raise ReadError(f"Table {place.name} cannot be read: {why.why}", where=str(file.path))

    def _csv_columns(self, place: Place, files: Sequence[DataFile]) -> Iterable[tuple[str, str]]:
        try:
            return self.engine.describe(csv_reader([f.path for f in files]))
        except QueryError as error:
            raise ReadError(f"Table {place.name} cannot be read: {error.what}", where=str(place.base)) from error


def infer_partition_type(values: Iterable[str]) -> str:
    """`date`, `bigint` or `varchar`: the narrowest in which every value keeps its spelling (`01` is no number)."""
    given = [v for v in values if v != NULL_PARTITION]
    if given and all(_is_date(v) for v in given):
        return "date"
    if given and all(re.fullmatch(r"0|-?[1-9]\d{0,17}", v) for v in given):
        return "bigint"
    return "varchar"


def _found_keys(place: Place, files: Sequence[DataFile]) -> tuple[Column, ...]:
    """Partition keys as the folders spell them; every file must lie below the same keys."""
    orders = {tuple(key for key, _ in file.values): file for file in files}
    if len(orders) > 1:
        shown = " and ".join(repr("/".join(keys)) for keys in sorted(orders))
        raise ReadError(
            f"Table {place.name} has files under different partition keys: {shown}",
            where=str(place.base),
            hint="Give them one layout, or state partition_keys in _table.json.",
        )
    return tuple(
        Column(key, infer_partition_type(file.values[i][1] for file in files), is_partition=True)
        for keys in orders
        for i, key in enumerate(keys)
    )


def stated_table(name: TableName, text: str, where: str) -> Table:
    """The table that a text of `_table.json` describes. Raises ReadError for one that describes none."""
    try:
        stated = _TableSetting.model_validate_json(text)
        keys = _columns(stated.partition_keys, is_partition=True)
        columns = (*(c for c in _columns(stated.columns) if c.name not in {k.name for k in keys}), *keys)
    except ValidationError as error:
        raise ReadError(f"The description of table {name} cannot be read: {_reason(error)}", where=where) from error
    except ConfigError as error:
        raise ReadError(error.what, where=where, hint=error.hint) from error
    return Table(name, columns, description=stated.description)


def _columns(settings: Iterable[_ColumnSetting], *, is_partition: bool = False) -> tuple[Column, ...]:
    return tuple(Column(s.name.lower(), athena_type(s.type), s.comment, s.nullable, is_partition) for s in settings)


def _stated(place: Place) -> _TableSetting:
    if place.patterns or not place.settings_file.is_file():
        return _TableSetting()
    try:
        return _TableSetting.model_validate_json(place.settings_file.read_bytes())
    except (OSError, ValidationError) as error:
        raise ReadError(
            f"The description of table {place.name} cannot be read: {_reason(error)}",
            where=str(place.settings_file),
        ) from error


def _stated_columns(
    settings: Iterable[_ColumnSetting], place: Place, *, is_partition: bool = False
) -> tuple[Column, ...]:
    try:
        return _columns(settings, is_partition=is_partition)
    except ConfigError as error:
        raise ReadError(error.what, where=str(place.settings_file), hint=error.hint) from error


def _reason(error: OSError | ValidationError) -> str:
    if isinstance(error, OSError):
        return error.strerror or str(error)
    first = error.errors()[0]
    return f"{'.'.join(str(part) for part in first['loc']) or 'the file'}: {first['msg']}"


def _is_date(value: str) -> bool:
    try:
        datetime.date.fromisoformat(value)
    except ValueError:
        return False
    return len(value) == len("2024-01-31")
