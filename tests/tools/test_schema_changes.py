"""Two versions of a table's schema become changes, and what they do is told from the earlier one."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.lakes import SHOP_TABLES, shop
from tools.changes import Change, parse_change
from tools.guardian import report_on
from tools.impact import impact
from tools.impact.schema import NoEarlier, schema_changes
from tools.lake.base import Column, Table, TableName
from tools.snapshots import remember
from tools.workspace import Workspace


def table(*columns: Column) -> Table:
    return Table(TableName("d", "t"), columns)


A, B = Column("a", "bigint", nullable=False), Column("b", "varchar")


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        ((A, B), (A, B), []),
        ((A, B), (A,), [Change("drop_column", "d.t", "b")]),
        ((A,), (A, B), [Change("add_column", "d.t", "b", "varchar")]),
        ((A, B), (A, Column("c", "varchar")), [Change("rename_column", "d.t", "b", "c")]),
        (
            (A, B),
            (A, Column("c", "date")),
            [Change("drop_column", "d.t", "b"), Change("add_column", "d.t", "c", "date")],
        ),
        ((A,), (Column("A", "integer", nullable=False),), [Change("change_type", "d.t", "a", "integer")]),
        ((A,), (Column("a", "bigint", nullable=True),), [Change("nullable", "d.t", "a")]),
        ((A, B), (B, A), []),
    ],
)
def test_two_schemas_are_the_changes_between_them(
    before: tuple[Column, ...], after: tuple[Column, ...], changes: list[Change]
) -> None:
    found, notes = schema_changes(table(*before), table(*after))
    assert found == changes
    assert bool(notes) == any(c.kind == "rename_column" for c in changes), "a rename is an assumption, and said"


def changed(ws: Workspace, name: str, columns: Mapping[str, str]) -> Workspace:
    """The same lake after somebody altered a table."""
    described = {"columns": [{"name": c, "type": t} for c, t in columns.items()]}
    path = Path(ws.settings.lake) / "tables" / "d" / name / "_table.json"
    path.write_text(json.dumps(described), encoding="utf-8")
    ws.refresh()
    return ws


def test_a_column_that_is_gone_already_breaks_what_was_written_for_it(tmp_path: Path) -> None:
    ws = shop(tmp_path / "lake")
    remember(ws)
    changed(ws, "raw", {c: t for c, t in SHOP_TABLES["raw"].items() if c != "price"})
    result = impact(ws, parse_change("the schema of raw has changed"))
    assert result.change == Change("drop_column", "d.raw", "price")
    assert [i.name for i in result.of("breaks")] == ["sales_job"]
    assert result.assumptions[0].startswith("Compared with the snapshot of 20")
    assert report_on(ws, Change("change_schema", table="raw")).severity == "high"


def test_several_changes_of_one_table_are_one_impact(tmp_path: Path) -> None:
    ws = shop(tmp_path / "lake")
    remember(ws)
    changed(ws, "names", {"id": "bigint", "name": "varchar", "land": "varchar", "note": "varchar"})
    result = impact(ws, Change("change_schema", table="names"))
    verdicts = {i.name.removeprefix("d."): i.verdict for i in result.items}
    assert verdicts["Names"] == "breaks", "it names region, which copy_job no longer hands on"
    assert verdicts["copy"] == "values_change"
    assert verdicts["sales_job"] == "not_affected"
    assert "adding `names.note`" in result.assumptions[0]


def test_a_table_that_never_was_another_has_no_change(tmp_path: Path) -> None:
    ws = shop(tmp_path / "lake")
    remember(ws)
    with pytest.raises(NoEarlier, match="analyze"):
        impact(ws, Change("change_schema", table="raw"))
