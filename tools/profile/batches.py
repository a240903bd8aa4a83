"""How a table is cut into batches: what one run of its job adds, told by the partition keys that say when.

A table without such keys is one batch. This module lists partitions and builds filters; it reads no rows.
"""

from __future__ import annotations

import datetime
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from knowledge.errors import NotFound
from knowledge.names import nearest
from tools.lake.base import NULL_PARTITION, Column, Lake, Partition, Table

__all__ = ["WHOLE", "Batch", "Batches", "cut"]

WHOLE = "all rows"
"""The label of the only batch of a table that is not cut."""

_DAY_PARTS = ("year", "month", "day")


@dataclass(frozen=True, slots=True)
class Batch:
    """One batch: `values` by key in the partition's own spelling (None for NULL), `size` in bytes, both from metadata.

    `loaded_at` (UTC, without a zone) is when it was loaded; for a day that nobody said more about, the end of that day.
    """

    label: str
    values: tuple[tuple[str, str | None], ...] = ()
    loaded_at: datetime.datetime | None = None
    rows: int | None = None
    size: int = 0


@dataclass(frozen=True, slots=True)
class Batches:
    """A table's batches, oldest first, and the keys that tell them apart."""

    table: Table
    keys: tuple[Column, ...]
    items: tuple[Batch, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Their labels, oldest first."""
        return tuple(b.label for b in self.items)

    def find(self, label: str) -> Batch:
        """The batch of that label; for one key, its bare value will do.

        Raises:
            NotFound: there is none; carries the nearest labels.
        """
        for batch in self.items:
            if label in (batch.label, "/".join(str(v) for _, v in batch.values)):
                return batch
        raise NotFound("Batch", f"{self.table.name} {label}", nearest(label, self.labels))

    def only(self, labels: Collection[str]) -> Batches:
        """The same cut with these batches only."""
        return Batches(self.table, self.keys, tuple(b for b in self.items if b.label in labels))

    def key_columns(self) -> list[exp.Expr]:
        """What to group by; empty for a table that is one batch."""
        return [exp.column(key.name, quoted=True) for key in self.keys]

    def condition(self) -> exp.Expr | None:
        """A filter that keeps exactly these batches; None when there is nothing to filter."""
        if not self.keys:
            return None
        if len(self.keys) == 1:
            return _among(self.keys[0], [b.values[0][1] for b in self.items])
        by_name = {key.name: key for key in self.keys}
        return exp.or_(*(exp.and_(*(_among(by_name[k], [v]) for k, v in b.values)) for b in self.items))

    def label_of(self, values: Sequence[Any]) -> str:
        """The label of a result row's key values."""
        return _label(zip((k.name for k in self.keys), map(_spelled, values), strict=True))


def cut(
    lake: Lake,
    name: str,
    loaded_at: Mapping[str, datetime.datetime] | None = None,
) -> Batches:
    """Cuts a table by the partition keys that make a day, else by all of its partition keys.

    Args:
        loaded_at: when a batch was loaded, by label or bare value, UTC without a zone.

    Raises:
        NotFound, Ambiguous, ReadError: see `Lake.table`.
    """
    table = lake.table(name)
    keys = _batch_keys(table)
    found = lake.partitions(name)
    if not keys:
        sizes, rows = sum(p.bytes for p in found), [p.rows for p in found]
        known = None if None in rows else sum(r or 0 for r in rows)
        return Batches(table, (), (Batch(WHOLE, (), (loaded_at or {}).get(WHOLE), known, sizes),))
    groups: dict[tuple[str | None, ...], list[Partition]] = {}
    for partition in found:
        groups.setdefault(tuple(_value(partition, key.name) for key in keys), []).append(partition)
    ordered = sorted(groups.items(), key=lambda g: tuple(_order(k, v) for k, v in zip(keys, g[0], strict=True)))
    return Batches(table, keys, tuple(_batch(keys, v, parts, loaded_at or {}) for v, parts in ordered))


def _batch(
    keys: Sequence[Column],
    values: tuple[str | None, ...],
    parts: Sequence[Partition],
    loaded_at: Mapping[str, datetime.datetime],
) -> Batch:
    pairs = tuple(zip((k.name for k in keys), values, strict=True))
    label, bare = _label(pairs), "/".join(str(v) for v in values)
    rows = [p.rows for p in parts]
    known = None if None in rows else sum(r or 0 for r in rows)
    when = loaded_at.get(label) or loaded_at.get(bare) or _day_end(values)
    return Batch(label, pairs, when, known, sum(p.bytes for p in parts))


def _batch_keys(table: Table) -> tuple[Column, ...]:
    """Keys beside the day (a region, a source) only spread one batch over several folders."""
    keys = table.partition_keys
    by_name = {k.name.lower(): k for k in keys}
    if date := next((k for k in keys if k.type == "date" or k.type.startswith("timestamp")), None):
        return (date,)
    if all(part in by_name for part in _DAY_PARTS):
        return tuple(by_name[part] for part in _DAY_PARTS)
    named = (k for k in keys if k.name.lower() in ("dt", "ds", "day", "date") or "date" in k.name.lower())
    day = next(named, None)
    return (day,) if day else keys


def _among(key: Column, values: Iterable[str | None]) -> exp.Expr:
    column = exp.column(key.name, quoted=True)
    given = list(values)
    tests: list[exp.Expr] = []
    if texts := [v for v in given if v is not None]:
        tests.append(exp.In(this=column, expressions=[_literal(key, v) for v in texts]))
    if None in given:
        tests.append(exp.Is(this=column.copy(), expression=exp.null()))
    return exp.or_(*tests) if tests else exp.false()


def _literal(key: Column, value: str) -> exp.Expr:
    text = exp.Literal.string(value)
    return text if key.type.startswith(("varchar", "char")) else exp.cast(text, key.type, dialect="athena")


def _value(partition: Partition, key: str) -> str | None:
    value = partition.values.get(key)
    return None if value == NULL_PARTITION else value


def _order(key: Column, value: str | None) -> tuple[int, float, str]:
    """Numbers by value, everything else by spelling, NULL first."""
    if value is None:
        return (0, 0.0, "")
    number = float(value) if key.type in ("tinyint", "smallint", "integer", "bigint") else 0.0
    return (1, number, value)


def _spelled(value: Any) -> str | None:
    """A key's value as the partition spells it."""
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ")
    return None if value is None else str(value)


def _label(pairs: Iterable[tuple[str, str | None]]) -> str:
    return "/".join(f"{key}={value}" for key, value in pairs)


def _day_end(values: Sequence[str | None]) -> datetime.datetime | None:
    try:
        day = datetime.date.fromisoformat("-".join(str(v).zfill(2) for v in values)[:10])
    except ValueError:
        return None
    return datetime.datetime.combine(day, datetime.time()) + datetime.timedelta(days=1)
