"""Profiles as history: one kept row for each table, batch and column, so that only new batches are measured.

A batch counts as measured while its files are the same, told by their number, size and rows; a batch that was written
again is measured again. Only figures are kept, never values of text.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

from knowledge.store import RecordStore
from tools.lake.base import Lake
from tools.profile.batches import Batch, Batches
from tools.profile.figures import BatchFigures
from tools.profile.measure import profile_batches

__all__ = ["known_profiles"]

_SPACE = "profile"
_ROWS = ""  # the column name of the row that is about the batch as a whole: no column has it


def known_profiles(lake: Lake, store: RecordStore, batches: Batches) -> list[BatchFigures]:
    """Figures of all batches, in their order: kept ones as they are, new ones measured in one scan and kept.

    Raises:
        LimitExceeded, QueryError, ReadError: see `Lake.query`.
    """
    table = str(batches.table.name)
    columns = sorted(c.name for c in batches.table.columns)
    marks = {b.label: _mark(b, columns) for b in batches.items}
    found = dict(_kept(store, table, marks))
    new = batches.only({label for label in batches.labels if label not in found})
    if new.items:
        measured = profile_batches(lake, new)
        store.put(_SPACE, {k: body for f in measured for k, body in _rows(table, f, marks[f.label]).items()})
        found |= {f.label: f for f in measured}
    return [found[label] for label in batches.labels]


def _mark(batch: Batch, columns: list[str]) -> str:
    said = repr((batch.label, batch.size, batch.rows, columns))
    return hashlib.sha256(said.encode()).hexdigest()[:16]


def _key(table: str, label: str, column: str) -> str:
    return "\n".join((table, label, column))


def _rows(table: str, figures: BatchFigures, mark: str) -> dict[str, dict[str, Any]]:
    data = figures.to_dict()
    columns = data.pop("columns")
    whole = {**data, "mark": mark, "columns": sorted(columns)}
    return {
        _key(table, figures.label, _ROWS): whole,
        **{_key(table, figures.label, name): {"mark": mark, "figures": f} for name, f in columns.items()},
    }


def _kept(store: RecordStore, table: str, marks: Mapping[str, str]) -> list[tuple[str, BatchFigures]]:
    rows = store.find(_SPACE, f"{table}\n")
    found = []
    for label, mark in marks.items():
        whole = rows.get(_key(table, label, _ROWS))
        if whole is None or whole["mark"] != mark:
            continue
        each = {name: rows.get(_key(table, label, name)) for name in whole["columns"]}
        if all(row is not None and row["mark"] == mark for row in each.values()):
            columns = {name: row["figures"] for name, row in each.items() if row is not None}
            found.append((label, BatchFigures.from_dict({**whole, "columns": columns})))
    return found
