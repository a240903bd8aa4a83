"""Contracts as a person meets them: drafted, edited, made again, compared, and held against a lake that changes."""

from __future__ import annotations

import copy
import datetime
import json
from importlib import resources
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from jsonschema import Draft201909Validator
from open_data_contract_standard.model import OpenDataContractStandard

from knowledge.errors import ConfigError, InputError
from tests.lakes import daily_shop, put
from tools.contract import check_contract, compare, draft_contract
from tools.contract.diff import next_version
from tools.contract.types import type_keys, widens
from tools.reports import write_drafts
from tools.settings import load_settings
from tools.workspace import Workspace, open_workspace
from ui.cli import run

SCHEMA = resources.files("open_data_contract_standard") / "schema.json"


def reopened(root: Path) -> Workspace:
    return open_workspace(load_settings(lake=root, environ={}))


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A lake with proven tests of `sales`, so that each test begins where a person would."""
    from tools.checks.suite import generate

    root = tmp_path_factory.mktemp("made") / "lake"
    daily_shop(root)
    ws = reopened(root)
    write_drafts(ws.lake, generate(ws, "sales").drafts)
    return root


@pytest.fixture
def root(made: Path, tmp_path: Path) -> Path:
    import shutil

    shutil.copytree(made, tmp_path / "lake")
    return tmp_path / "lake"


@pytest.fixture
def document(root: Path) -> dict[str, Any]:
    return dict(draft_contract(reopened(root), "sales").document)


def column(document: Any, name: str) -> dict[str, Any]:
    return next(p for p in document["schema"][0]["properties"] if p["name"] == name)


def test_a_contract_says_what_was_proven_and_keeps_to_the_standard(root: Path, document: dict[str, Any]) -> None:
    assert column(document, "order_id")["required"] is True
    assert [p["name"] for p in document["schema"][0]["properties"] if p.get("primaryKey")] == ["order_id", "day"]
    assert column(document, "shop")["relationships"] == [{"type": "foreignKey", "to": "shops.shop"}]
    assert column(document, "amount")["transformSourceObjects"] == ["d.orders.amount"]
    assert {s["property"]: s["value"] for s in document["slaProperties"]} == {"frequency": 1, "freshness": 2}
    assert document["team"]["members"][0]["username"] == "sales-team"
    assert {"property": "lineageInputs", "value": ["d.orders", "d.shops"]} in document["customProperties"]
    text = draft_contract(reopened(root), "sales").drafts[0].text
    data = yaml.safe_load(text)
    OpenDataContractStandard(**data)
    Draft201909Validator(json.loads(SCHEMA.read_text(encoding="utf-8"))).validate(data)


def test_nothing_is_written_until_someone_asks_for_it(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    draft_contract(reopened(root), "sales")
    assert not (root / "output" / "contracts").exists()
    assert run(["contract", "sales", "--lake", str(root)]) == 0
    assert (root / "output" / "contracts" / "sales.yaml").exists()
    assert "Written:" in capsys.readouterr().out


def test_what_people_wrote_stays_when_it_is_made_again(root: Path) -> None:
    ws = reopened(root)
    (path,) = write_drafts(ws.lake, draft_contract(ws, "sales").drafts)
    data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    data["status"], data["domain"] = "active", "retail"
    column(data, "amount")["description"] = "what was paid"
    column(data, "amount")["classification"] = "internal"
    theirs = {"name": "never in the small hours", "type": "text", "description": "the shop is closed"}
    data["schema"][0]["quality"].append(theirs)
    Path(path).write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    again = draft_contract(reopened(root), "sales")
    assert again.differences == ()
    assert (again.document["status"], again.document["domain"]) == ("active", "retail")
    assert column(again.document, "amount")["description"] == "what was paid"
    assert column(again.document, "amount")["classification"] == "internal"
    assert theirs in again.document["schema"][0]["quality"]


def test_a_kept_contract_is_held_against_schema_and_data(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["contract", "sales", "--lake", str(root)]) == 0
    assert run(["contract", "sales", "--check", "--lake", str(root)]) == 0
    assert "keeps its contract" in capsys.readouterr().out
    bad: dict[str, list[Any]] = {
        "order_id": [1, 1, None],
        "shop": ["shop 1", "shop 99", "shop 2"],
        "amount": [1.0, -5.0, 2.0],
    }
    put(root, "sales", bad, datetime.date.today())
    assert run(["contract", "sales", "--check", "--lake", str(root), "--json"]) == 1
    told = json.loads(capsys.readouterr().out)
    failed = {o["kind"] for o in told["outcomes"] if o["status"] == "failed"}
    assert {"unique", "not_null", "foreign_key", "condition"} <= failed
    assert told["passed"] is False


def test_a_column_that_is_gone_breaks_the_contract_once(root: Path) -> None:
    ws = reopened(root)
    write_drafts(ws.lake, draft_contract(ws, "sales").drafts)
    for file in (root / "tables" / "d" / "sales").rglob("*.parquet"):
        pq.write_table(pq.read_table(file, partitioning=None).drop_columns(["shop"]), file)
    checked = check_contract(reopened(root), "sales")
    assert [v for v in checked.violations if "shop" in v.partition(":")[0]] == ["shop: the column is gone"]


def test_data_that_is_too_old_breaks_the_promised_freshness(tmp_path: Path) -> None:
    root = tmp_path / "lake"
    daily_shop(root, last=datetime.date(2026, 1, 14))
    ws = reopened(root)
    write_drafts(ws.lake, draft_contract(ws, "sales").drafts)
    (violation,) = check_contract(reopened(root), "sales").violations
    assert violation.startswith("freshness: the newest batch, `day=2026-01-14`")


def test_a_contract_that_is_not_there_or_not_readable_is_a_sentence(root: Path) -> None:
    with pytest.raises(InputError, match="has no contract"):
        check_contract(reopened(root), "sales")
    path = root / "output" / "contracts" / "sales.yaml"
    path.parent.mkdir(parents=True)
    for text, said in (
        ("a: [", "cannot be read"),
        ("- 1", "a mapping"),
        ("foo: 1", "standard"),
        ("name: x", "no schema"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError, match=said):
            draft_contract(reopened(root), "sales")


def test_a_rule_that_people_wrote_in_sql_is_run_when_it_counts_rows_and_never_when_it_does_more(root: Path) -> None:
    ws = reopened(root)
    (path,) = write_drafts(ws.lake, draft_contract(ws, "sales").drafts)
    data = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    rules = data["schema"][0]["quality"]
    rules.append(
        {"name": "cheap", "type": "sql", "query": "SELECT COUNT(*) FROM ${object} WHERE amount > 20", "mustBe": 0}
    )
    rules.append({"name": "evil", "type": "sql", "query": "DROP TABLE ${object}", "mustBe": 0})
    rules.append({"name": "far", "type": "sql", "query": "SELECT COUNT(*) FROM shops WHERE city = 'x'", "mustBe": 0})
    Path(path).write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")
    checked = check_contract(reopened(root), "sales")
    assert [o.check.id for o in checked.outcomes if not o.passed] == ["cheap"]
    assert [u.split(" was")[0] for u in checked.unknowns] == ["rule evil", "rule far"]


# --------------------------------------------------------------------------- versions


def changed(document: dict[str, Any], change: str) -> dict[str, Any]:
    new = copy.deepcopy(document)
    schema = new["schema"][0]
    match change:
        case "column gone":
            schema["properties"] = [p for p in schema["properties"] if p["name"] != "amount"]
        case "new column":
            schema["properties"].append({"name": "note", **type_keys("varchar")})
        case "wider type":
            column(new, "order_id")["physicalType"] = "decimal(38,0)"
        case "may be missing":
            column(new, "order_id")["required"] = False
        case "other words":
            column(new, "order_id")["description"] = "the order"
        case "rule gone":
            schema["quality"] = [r for r in schema["quality"] if not r["name"].startswith("condition")]
        case "less fresh":
            new["slaProperties"][1]["value"] = 9
        case "fresher":
            new["slaProperties"][1]["value"] = 1
        case "owner":
            new["team"]["members"][0]["username"] = "somebody"
    return new


@pytest.mark.parametrize(
    ("change", "effect", "version"),
    [
        ("column gone", "breaking", "2.0.0"),
        ("new column", "compatible", "1.1.0"),
        ("wider type", "breaking", "2.0.0"),
        ("may be missing", "breaking", "2.0.0"),
        ("rule gone", "breaking", "2.0.0"),
        ("less fresh", "breaking", "2.0.0"),
        ("fresher", "compatible", "1.1.0"),
        ("other words", "doc-only", "1.0.1"),
        ("owner", "doc-only", "1.0.1"),
    ],
)
def test_each_difference_is_breaking_compatible_or_words(
    document: dict[str, Any], change: str, effect: str, version: str
) -> None:
    differences = compare(document, changed(document, change))
    assert differences[0].effect == effect
    assert differences[0].why
    assert next_version("1.0.0", differences) == version


def test_a_column_that_is_computed_another_way_breaks_its_readers(document: dict[str, Any]) -> None:
    column(document, "amount")["transformLogic"] = "amount"
    new = copy.deepcopy(document)
    column(new, "amount")["transformLogic"] = "amount * 2"
    assert [(d.where, d.effect) for d in compare(document, new)] == [("amount", "breaking")]


def test_equal_contracts_have_no_difference_and_keep_their_version(document: dict[str, Any]) -> None:
    assert compare(document, copy.deepcopy(document)) == []
    assert next_version("3.1.4", []) == "3.1.4"


@pytest.mark.parametrize(
    ("old", "new", "wider"),
    [
        ("integer", "bigint", True),
        ("bigint", "integer", False),
        ("decimal(10,2)", "decimal(12,2)", True),
        ("decimal(10,2)", "decimal(10,4)", False),
        ("varchar(10)", "varchar", True),
        ("varchar", "varchar(10)", False),
        ("real", "double", True),
        ("date", "timestamp", False),
    ],
)
def test_a_type_is_wider_when_every_old_value_fits(old: str, new: str, wider: bool) -> None:
    assert widens(old, new) is wider


def test_nested_types_are_told_to_their_leaves() -> None:
    keys = type_keys("array(row(a integer, b map(varchar, decimal(10,2))))")
    inner = keys["items"]["properties"]
    assert [(p["name"], p["logicalType"]) for p in inner] == [("a", "integer"), ("b", "map")]
    nested = {"schema": [{"properties": [{"name": "x", **keys}]}]}
    other = {"schema": [{"properties": [{"name": "x", **type_keys("array(row(a integer))")}]}]}
    assert [(d.where, d.effect) for d in compare(nested, other)] == [("x[].b", "breaking")]


def test_a_table_without_rows_or_job_has_a_contract_of_its_schema(tmp_path: Path) -> None:
    root = tmp_path / "lake"
    empty = pa.table({"id": pa.array([], pa.int64()), "tags": pa.array([], pa.list_(pa.string()))})
    folder = root / "tables" / "d" / "empty"
    folder.mkdir(parents=True)
    pq.write_table(empty, folder / "part.parquet")
    (root / "jobs").mkdir()
    drafted = draft_contract(reopened(root), "empty")
    assert [p["physicalType"] for p in drafted.document["schema"][0]["properties"]] == ["bigint", "array(varchar)"]
    assert any("no rows" in u for u in drafted.unknowns)
    assert any("no job" in u for u in drafted.unknowns)
