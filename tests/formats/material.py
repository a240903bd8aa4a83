"""A table with a check of every kind, and copies of it with one fault each: what the tools are held against."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.lakes import put
from tools.checks.model import Check

__all__ = ["CHECKS", "FAULTS", "build_lake"]

Rows = dict[str, list[Any]]
NEWEST = datetime.date(2026, 3, 2)


def _check(kind: str, *columns: str, severity: str = "error", **parameters: Any) -> Check:
    return Check(f"{kind}({', '.join(columns)})" if columns else kind, kind, columns, parameters, severity, "", "")  # type: ignore[arg-type]


CHECKS = (
    _check("columns", "id", "status", "amount", types={"id": "bigint", "status": "varchar", "amount": "double"}),
    _check("not_null", "id", "status"),
    _check("unique", "id"),
    _check("unique", "shop", "position"),
    _check("duplicates", max_share=0.01),
    _check("row_count", min=80, max=120, follow=False),
    _check("range", "amount", "discount", bounds={"amount": {"min": 0.0, "max": 1000.0}, "discount": {"min": 0}}),
    _check("range", "booked", bounds={"booked": {"min": "2026-01-01"}}),
    _check("accepted_values", "status", values=["NEW", "PAID", "it's {{ late }}"]),
    _check("accepted_values", "position", values=list(range(25))),
    _check("known_values", "city", values=["Basel", "Bern"], max_share=0.05, severity="warn"),
    _check("pattern", "code", regex="^[A-Z]{2}-[0-9]+$"),
    _check("tidy_text", "city", never={"city": ["padded", "placeholder"]}),
    _check("condition", "discount", "amount", condition='"discount" <= "amount"'),
    _check("required_values", "status", values=["NEW", "PAID"]),
    _check("foreign_key", "shop", table="d.shops", columns=["shop"]),
    _check("drift", "amount", figures={"amount": {"mean": [90.0, 110.0], "zeros": [0.0, 0.2]}}),
)


def _clean() -> Rows:
    rows = range(100)
    return {
        "id": [1000 + i for i in rows],
        "shop": [f"shop {i % 4}" for i in rows],
        "position": [i // 4 for i in rows],
        "status": [["NEW", "PAID", "PAID", "it's {{ late }}"][i % 4] for i in rows],
        "amount": [100.0 + (i % 11) - 5 for i in rows],
        "discount": [float(i % 3) if i % 7 else None for i in rows],
        "booked": [datetime.datetime(2026, 3, 1, i % 24) for i in rows],
        "city": ["Basel" if i % 2 else "Bern" for i in rows],
        "code": [f"CH-{i}" for i in rows],
    }


def _set(column: str, values: Mapping[int, Any]) -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        for number, value in values.items():
            rows[column][number] = value

    return change


def _every(column: str, value: Callable[[Any], Any]) -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        rows[column] = [value(v) for v in rows[column]]

    return change


def _first(count: int) -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        for column in rows:
            rows[column] = rows[column][:count]

    return change


def _twice(rows: Rows) -> None:
    for column in rows:
        rows[column] = [*rows[column], *rows[column][:10]]


def _without(column: str) -> Callable[[Rows], None]:
    return lambda rows: rows.__delitem__(column)


def _all(*changes: Callable[[Rows], None]) -> Callable[[Rows], None]:
    def change(rows: Rows) -> None:
        for one in changes:
            one(rows)

    return change


FAULTS: Mapping[str, Callable[[Rows], None]] = {
    "none": lambda rows: None,
    "some_cells": _all(
        _set("status", {3: None, 1: "LOST"}),
        _set("id", {5: 1000}),
        _set("amount", {7: 1000.01}),
        _set("code", {5: "ch5"}),
        _set("city", {5: "Basel "}),
    ),
    "other_cells": _all(
        _set("id", {3: None, 4: None}),
        _set("position", {8: 1, 2: 77}),
        _set("discount", {8: -0.5, 5: 999.0}),
        _set("booked", {9: datetime.datetime(2025, 12, 31, 23)}),
        _set("city", {5: "n/a"}),
        _set("shop", {5: "shop 9"}),
    ),
    "rows_twice": _twice,
    "few_rows": _first(40),
    "shifted": _all(
        _every("amount", lambda v: v * 1.3),
        _every("status", lambda v: "PAID" if v == "NEW" else v),
        _set("city", dict.fromkeys(range(0, 40, 2), "Chur")),
    ),
    "zero_amounts": _set("amount", dict.fromkeys(range(30), 0.0)),
    "text_for_number": _every("amount", str),
}
"""Name -> what it does to the newest batch; several cells at once where different checks tell them."""


def build_lake(root: Path) -> None:
    """One table for each fault: a good day before, and the newest one with the fault."""
    put(root, "shops", {"shop": [f"shop {n}" for n in range(4)]})
    for name, fault in FAULTS.items():
        put(root, f"t_{name}", _clean(), NEWEST - datetime.timedelta(days=1))
        rows = _clean()
        fault(rows)
        put(root, f"t_{name}", rows, NEWEST)
