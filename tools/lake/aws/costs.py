"""What a statement will scan on Athena, told before it runs: bytes of the partitions and columns that it needs.

Sizes are S3's own listing; partitions are pruned by the statement's filters over Glue's values (scan.py). Of a Parquet
table only the needed columns count, by their share in one file, the newest: one footer is read, not thousands. Athena
bills what it really read, and that is what a result states; this is the guard before.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from threading import RLock
from typing import TYPE_CHECKING

from knowledge.errors import CopilotError, LimitExceeded
from tools.lake.aws.glue import GlueCatalog, projection_pattern
from tools.lake.aws.objects import Objects, Stored, Url
from tools.lake.base import NULL_PARTITION, Partition, Table, TableName
from tools.lake.dialect import Prepared, prepare
from tools.lake.engine import Engine
from tools.lake.guard import parse_athena
from tools.lake.pruning import passing
from tools.lake.scan import Read, reads, surviving

if TYPE_CHECKING:
    import pyarrow.parquet as pq

__all__ = ["Costs"]

_FRESH = 60.0
"""Seconds for which a listing of a table's files is taken as it was."""
_MOST_OBJECTS = 200_000
"""Objects that are listed of one table at most: 200 requests, some 20 seconds."""
_TAIL = 64 * 2**10
"""Bytes: most Parquet footers are smaller."""


@dataclass(frozen=True, slots=True)
class _Part:
    values: tuple[str | None, ...]
    files: tuple[Stored, ...]

    @property
    def bytes(self) -> int:
        return sum(f.size for f in self.files)


@dataclass
class Costs:
    """Sizes of one catalog's tables. Safe between threads."""

    catalog: GlueCatalog
    objects: Objects
    _parts: dict[TableName, tuple[float, list[_Part]]] = field(default_factory=dict)
    _shares: dict[str, Mapping[str, float] | None] = field(default_factory=dict)
    _lock: RLock = field(default_factory=RLock)

    def estimate(self, prepared: Prepared) -> int:
        """Bytes that a statement will scan; a view counts as what its SQL scans.

        Raises:
            CopilotError: the files of a table cannot be listed.
            LimitExceeded: a table has more files than are listed for an estimate.
        """
        return self._estimate(prepared, frozenset())

    def partitions(self, name: str) -> list[Partition]:
        """A table's partitions with their files and bytes; see `Lake.partitions`. Rows are not known from here."""
        table = self.catalog.table(name)
        if table.kind == "view":
            return [Partition({}, (), 0)]
        keys = [k.name for k in table.partition_keys]
        found = [
            Partition(
                dict(zip(keys, (NULL_PARTITION if v is None else v for v in part.values), strict=True)),
                tuple(str(f.url) for f in part.files),
                part.bytes,
            )
            for part in self._of(table)
        ]
        return sorted(found, key=lambda p: tuple(p.values.items()))

    def forget(self) -> None:
        """Files are listed again when they are next asked for."""
        with self._lock:
            self._parts.clear()

    def _estimate(self, prepared: Prepared, above: frozenset[TableName]) -> int:
        total = 0
        for read in reads(prepared.twin, prepared.tables):
            table = prepared.tables[read.table]
            if table.kind == "view":
                total += self._of_view(table, above)
            elif table.location:
                total += self._of_read(table, read)
        return total

    def _of_view(self, view: Table, above: frozenset[TableName]) -> int:
        """All that the view's SQL reads: filters outside it may prune more, so this is the most."""
        if not view.view_sql or view.name in above:
            return 0
        home = view.name.database

        def find(name: str) -> Table:
            return self.catalog.table(name if "." in name else f"{home}.{name}")

        return self._estimate(prepare(parse_athena(view.view_sql), find), above | {view.name})

    def _of_read(self, table: Table, read: Read) -> int:
        parts = self._of(table)
        keys = [k.name for k in table.partition_keys]
        kept = surviving(
            read, keys, [p.values for p in parts], lambda test, rows: passing(self._engine, table, test, rows)
        )
        whole = sum(parts[number].bytes for number in kept)
        needed = read.columns - set(keys)
        if whole and (shares := self._column_shares(table, parts)) is not None:
            return round(whole * sum(shares.get(name, 0.0) for name in needed))
        return whole

    def _of(self, table: Table) -> list[_Part]:
        with self._lock:
            known = self._parts.get(table.name)
            if known and time.monotonic() - known[0] < _FRESH:
                return known[1]
        parts = self._listed(table)
        with self._lock:
            self._parts[table.name] = (time.monotonic(), parts)
        return parts

    def _listed(self, table: Table) -> list[_Part]:
        base = Url.parse(table.location or "")
        keys = [k.name for k in table.partition_keys]
        if not keys:
            return [_Part((), tuple(self._data(table, base)))]
        pattern = projection_pattern(self.catalog.definition(table.name), keys)
        if pattern:
            groups: dict[tuple[str | None, ...], list[Stored]] = {}
            for stored in self._data(table, Url.parse(_fixed_part(pattern.pattern, base))):
                if match := pattern.match(f"{str(stored.url).rpartition('/')[0]}/"):
                    groups.setdefault(tuple(match.groups()), []).append(stored)
            return [_Part(values, tuple(files)) for values, files in groups.items()]
        return self._registered(table, base)

    def _registered(self, table: Table, base: Url) -> list[_Part]:
        """Registered partitions. The table's own prefix is listed once; what lies elsewhere, partition by partition."""
        places = {p.location.rstrip("/"): p.values for p in self.catalog.partitions(table.name)}
        files: dict[str, list[Stored]] = {place: [] for place in places}
        start = str(base).rstrip("/") + "/"
        if any(place.startswith(start) for place in places):
            for stored in self._data(table, base):
                if (place := _home_of(str(stored.url), places, start)) is not None:
                    files[place].append(stored)
        for place in places:
            if not place.startswith(start):
                files[place] = list(self._data(table, Url.parse(place)))
        return [_Part(values, tuple(files[place])) for place, values in places.items()]

    def _data(self, table: Table, base: Url) -> Iterator[Stored]:
        """Data files below a prefix; names that begin with `_` or `.` are not data, as for Athena."""
        prefix = Url(base.bucket, base.key.rstrip("/") + "/" if base.key.strip("/") else "")
        for number, stored in enumerate(self.objects.below(prefix)):
            if number >= _MOST_OBJECTS:
                hint = "Compact the table, or partition it; its files alone take minutes to list."
                raise LimitExceeded(f"Table {table.name} has more than {_MOST_OBJECTS:,} files", hint=hint)
            parts = stored.url.key[len(prefix.key) :].split("/")
            if parts[-1] and not any(part.startswith(("_", ".")) for part in parts):
                yield stored

    def _column_shares(self, table: Table, parts: Sequence[_Part]) -> Mapping[str, float] | None:
        """Each column's share of a Parquet table's bytes, by its newest file; None where files are read whole."""
        newest = max((f for p in parts for f in p.files if f.size), key=lambda f: f.changed, default=None)
        if newest is None or table.format not in ("parquet", "iceberg"):
            return None
        if newest.version not in self._shares:
            self._shares[newest.version] = self._shares_of(newest)
        return self._shares[newest.version]

    def footer(self, url: Url) -> pq.FileMetaData | None:
        """A Parquet file's footer; None when it cannot be read."""
        try:
            tail = self.objects.read(url, last=_TAIL) or b""
            length = int.from_bytes(tail[-8:-4], "little") + 8
            if length > len(tail) and tail.endswith(b"PAR1"):
                tail = self.objects.read(url, last=length) or b""
        except CopilotError:
            return None
        return _footer_in(tail)

    def _shares_of(self, stored: Stored) -> Mapping[str, float] | None:
        """None when the footer cannot be read: then the whole file counts."""
        footer = self.footer(stored.url)
        return None if footer is None else _shares_in(footer, stored.size)

    @cached_property
    def _engine(self) -> Engine:
        return Engine(lambda: ())


def _footer_in(tail: bytes) -> pq.FileMetaData | None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        return pq.read_metadata(pa.BufferReader(tail))
    except (pa.ArrowException, OSError, ValueError):
        return None


def _shares_in(footer: pq.FileMetaData, size: int) -> Mapping[str, float]:
    bytes_of: dict[str, int] = {}
    for group in range(footer.num_row_groups):
        for number in range(footer.num_columns):
            chunk = footer.row_group(group).column(number)
            name = chunk.path_in_schema.partition(".")[0].lower()
            bytes_of[name] = bytes_of.get(name, 0) + chunk.total_compressed_size
    return {name: count / size for name, count in bytes_of.items()}


def _home_of(url: str, places: Mapping[str, object], start: str) -> str | None:
    """The partition that a file lies in: the nearest folder above it that is one."""
    folder = url.rpartition("/")[0]
    while folder.startswith(start):
        if folder in places:
            return folder
        folder = folder.rpartition("/")[0]
    return None


def _fixed_part(pattern: str, base: Url) -> str:
    """The part of a projection's pattern before its first key, which is what can be listed."""
    import re

    fixed = re.sub(r"\\(.)", r"\1", pattern.partition("(?P<")[0])
    return fixed if fixed.startswith("s3") else str(base)
