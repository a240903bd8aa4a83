"""A column's type changes: whose values are still what they were, and whose are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lakes import build
from tools.changes import Change
from tools.impact import impact

TABLES = {"raw": {"id": "integer", "day": "date", "price": "double", "qty": "bigint"}}


def verdict_of(root: Path, query: str, column: str, to: str, output: str = "bigint") -> str:
    """What is said of a KPI that runs a query over `raw`, and of a table that a job makes by it."""
    job = f"CREATE TABLE out AS\n{query}"
    kpi = {"kpi_name": "K", "sql": query, "depends_on_tables": ["raw"]}
    ws = build(root, {**TABLES, "out": {"n": output}}, {"j.sql": job}, (), [kpi])
    items = {i.name: i.verdict for i in impact(ws, Change("change_type", "d.raw", column, to)).items}
    assert items.get("d.out", "not_affected") == items["K"]
    return items["K"]


@pytest.mark.parametrize(
    ("query", "column", "to", "output"),
    [
        ("SELECT count(day) AS n FROM raw", "day", "varchar", "bigint"),
        ("SELECT count(DISTINCT id) AS n FROM raw", "id", "bigint", "bigint"),
        ("SELECT qty * price AS n FROM raw", "qty", "double", "double"),
        ("SELECT CAST(id AS double) AS n FROM raw", "id", "bigint", "double"),
        ("SELECT CASE WHEN id > 5 THEN 1 ELSE 0 END AS n FROM raw", "qty", "double", "bigint"),
    ],
)
def test_values_stay_where_only_the_type_of_what_they_are_made_of_is_wider(
    tmp_path: Path, query: str, column: str, to: str, output: str
) -> None:
    assert verdict_of(tmp_path, query, column, to, output) == "not_affected"


@pytest.mark.parametrize(
    ("query", "column", "to", "output"),
    [
        ("SELECT qty AS n FROM raw", "qty", "double", "bigint"),
        ("SELECT max(day) AS n FROM raw", "day", "varchar", "date"),
        ("SELECT CAST(qty AS varchar) AS n FROM raw", "qty", "double", "varchar"),
        ("SELECT count(qty) AS n FROM raw", "qty", "integer", "bigint"),
        ("SELECT qty + 1 AS n FROM raw", "qty", "double", "bigint"),
    ],
)
def test_values_change_where_they_are_shown_otherwise_or_some_may_be_lost(
    tmp_path: Path, query: str, column: str, to: str, output: str
) -> None:
    assert verdict_of(tmp_path, query, column, to, output) == "values_change"


def test_a_wider_column_fits_into_a_table_that_is_there_and_has_the_values_it_had(tmp_path: Path) -> None:
    job = "INSERT INTO out\nSELECT id AS n FROM raw"
    ws = build(tmp_path, {**TABLES, "out": {"n": "bigint"}}, {"j.sql": job})

    found = impact(ws, Change("change_type", "d.raw", "id", "bigint"))

    assert {i.name: i.verdict for i in found.items} == {"j": "not_affected"}
    assert found.severity == "low"


def test_a_function_of_text_does_not_take_a_number(tmp_path: Path) -> None:
    job = "CREATE TABLE out AS\nSELECT upper(name) AS n FROM names"
    ws = build(tmp_path, {"names": {"name": "varchar"}, "out": {"n": "varchar"}}, {"j.sql": job})

    (broken, *_) = impact(ws, Change("change_type", "d.names", "name", "bigint")).items

    assert (broken.name, broken.verdict) == ("j", "breaks")
    assert "FUNCTION_NOT_FOUND" in broken.reason
