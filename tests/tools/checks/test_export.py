"""Tests for other tools: made from the file that people keep, whatever they changed in it."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest
import yaml

from knowledge.errors import ConfigError, NotFound
from tests.lakes import daily_shop
from tools.checks.export import FORMATS, export_tests
from tools.checks.suite import generate
from tools.settings import load_settings
from tools.workspace import Workspace, open_workspace
from ui.cli import run

KEPT = """\
table: d.sales
checks:
  - {id: "not_null(amount)", kind: not_null, columns: [amount], severity: error}
  - {id: "unique(order_id)", kind: unique, columns: [order_id], severity: warn}
  - {id: off, kind: not_null, columns: [shop], enabled: false}
  - {id: odd, kind: range, columns: [shop], parameters: {bounds: {shop: {min: 3}}}}
"""


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    daily_shop(tmp_path, days=10, last=datetime.date(2026, 10, 31))
    return open_workspace(load_settings(lake=tmp_path, environ={}))


def keep(ws: Workspace) -> None:
    ws.lake.write_text("output/tests/sales.yaml", KEPT)


def test_a_kept_file_becomes_files_of_every_tool(ws: Workspace) -> None:
    keep(ws)
    files = export_tests(ws, "sales", list(FORMATS))

    assert {d.path for d in files.drafts} == {
        "tests/dbt/d.sales.yml",
        "tests/dbt/macros/de_copilot.sql",
        "tests/gx/d.sales.json",
        "tests/soda/d.sales.yml",
        "tests/dqdl/d.sales.dqdl",
    }
    assert [(name, made.rules) for name, made in files.files] == [("dbt", 2), ("gx", 2), ("soda", 2), ("dqdl", 2)]


def test_what_a_person_switched_off_or_made_warn_is_so_there(ws: Workspace) -> None:
    keep(ws)
    (dbt,) = [d for d in export_tests(ws, "sales", ["dbt"]).drafts if d.path.endswith("sales.yml")]
    (table,) = yaml.safe_load(dbt.text)["sources"][0]["tables"]
    tests = {c["name"]: [t for item in c["data_tests"] for t in item.items()] for c in table["columns"]}

    assert set(tests) == {"amount", "order_id"}
    ((kind, said),) = tests["order_id"]
    assert (kind, said["config"]["severity"]) == ("unique", "warn")
    assert said["config"]["where"] == '"day" = (SELECT MAX("day") FROM "d"."sales")'


def test_what_a_tool_cannot_say_is_told(ws: Workspace) -> None:
    keep(ws)

    assert export_tests(ws, "sales", ["soda"]).unknowns == ("Soda does not get odd: 3 is no value of type varchar",)


def test_each_dialect_has_its_own_quotes(ws: Workspace) -> None:
    keep(ws)
    (draft,) = [
        d for d in export_tests(ws, "sales", ["dbt"], dialect="bigquery").drafts if d.path.endswith("sales.yml")
    ]

    assert "`day` = (SELECT MAX(`day`) FROM `d`.`sales`)" in draft.text


@pytest.mark.parametrize(("formats", "dialect"), [(["junit"], "athena"), (["dbt"], "klingon")])
def test_an_unknown_format_or_dialect_is_refused(ws: Workspace, formats: list[str], dialect: str) -> None:
    with pytest.raises(ConfigError, match=r"is no (format|SQL dialect)"):
        export_tests(ws, "sales", formats, dialect=dialect)


def test_without_a_file_there_is_nothing_to_export(ws: Workspace) -> None:
    with pytest.raises(NotFound, match="de-copilot tests sales"):
        export_tests(ws, "sales", ["dbt"])


def test_the_command_writes_them_beside_the_file(ws: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    lake = str(ws.settings.lake)
    assert run(["tests", "sales", "--format", "dqdl", "--json", "--lake", lake]) == 0
    said = json.loads(capsys.readouterr().out)

    assert [Path(p).name for p in said["written"]] == ["sales.yaml", "d.sales.dqdl"]
    assert said["other_tools"]["files"][0]["tests"] > 10
    assert run(["tests", "sales", "--kept", "--format", "gx", "--json", "--lake", lake]) == 0
    assert [Path(p).name for p in json.loads(capsys.readouterr().out)["written"]] == ["d.sales.json"]


def test_every_proposed_test_of_the_shop_can_be_said_by_every_tool(ws: Workspace) -> None:
    suite = generate(ws, "sales")
    files = export_tests(ws, "sales", list(FORMATS), file=suite.file)

    assert files.unknowns == ()
