"""What a team promises already: tests of its dbt project and rules of its contract, proven and kept beside ours."""

from __future__ import annotations

import contextlib
import datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.errors import ConfigError
from tests.lakes import daily_shop
from tools.checks.formats.dbt_project import read_tests
from tools.checks.model import Check
from tools.checks.suite import Suite, generate
from tools.contract import draft_contract
from tools.lake.base import Column, Table, TableName
from tools.reports import write_drafts
from tools.settings import load_settings
from tools.workspace import Workspace, open_workspace

ORDERS = Table(
    TableName("d", "orders"),
    (
        Column("order_id", "bigint"),
        Column("shop", "varchar"),
        Column("amount", "double"),
        Column("day", "date", is_partition=True),
    ),
)


def read(text: str, table: Table = ORDERS) -> tuple[list[Check], list[str]]:
    return read_tests(text, "models/shop.yml", table)


# --------------------------------------------------------------------------- the files of a dbt project


def test_dbt_s_own_tests_and_the_usual_packages_are_read() -> None:
    checks, left = read("""
models:
  - name: orders
    data_tests:
      - dbt_utils.unique_combination_of_columns: {combination_of_columns: [day, order_id]}
      - dbt_utils.expression_is_true: {arguments: {expression: "amount < 1000 or shop = 'shop 1'"}}
    columns:
      - name: ORDER_ID
        tests: [unique, not_null]
      - name: shop
        tests:
          - accepted_values: {values: [shop 1, "shop 2"], config: {severity: warn}}
          - relationships: {to: ref('shops'), field: shop}
          - dbt_expectations.expect_column_values_to_match_regex: {regex: "^shop"}
      - name: amount
        tests:
          - dbt_utils.accepted_range: {min_value: 0, inclusive: false}
          - dbt_expectations.expect_column_values_to_be_between: {min_value: 1, max_value: 99.5}
          - dbt_utils.expression_is_true: {expression: ">= 1"}
""")

    assert left == []
    assert [(c.kind, c.columns, c.parameters, c.severity) for c in checks] == [
        ("unique", ("day", "order_id"), {}, "error"),
        ("condition", ("amount", "shop"), {"condition": '"amount" < 1000 OR "shop" = \'shop 1\''}, "error"),
        ("unique", ("order_id",), {}, "error"),
        ("not_null", ("order_id",), {}, "error"),
        ("accepted_values", ("shop",), {"values": ["shop 1", "shop 2"]}, "warn"),
        ("foreign_key", ("shop",), {"table": "d.shops", "columns": ["shop"]}, "error"),
        ("pattern", ("shop",), {"regex": "^shop"}, "error"),
        ("condition", ("amount",), {"condition": '"amount" > 0'}, "error"),
        ("range", ("amount",), {"bounds": {"amount": {"min": 1, "max": 99.5}}}, "error"),
        ("condition", ("amount",), {"condition": '"amount" >= 1'}, "error"),
    ]
    assert {e.where for c in checks for e in c.evidence} == {"models/shop.yml"}


def test_a_source_and_an_alias_are_the_table_that_they_name() -> None:
    source = "sources: [{name: raw, schema: d, tables: [{name: o, identifier: orders, tests: [x.unique: {}]}]}]"
    alias = "models: [{name: stg_orders, config: {alias: orders}, columns: [{name: shop, tests: [not_null]}]}]"
    elsewhere = "models: [{name: orders, config: {schema: other}, columns: [{name: shop, tests: [not_null]}]}]"

    assert read(source)[1] == ["The test x.unique in models/shop.yml is not taken: it names no column."]
    assert [c.id for c in read(alias)[0]] == ["not_null(shop)"]
    assert read(elsewhere) == ([], [])


@pytest.mark.parametrize(
    ("test", "why"),
    [
        ('not_null: {config: {where: "amount > 3"}}', "it is about some of the rows only"),
        ("house.is_nice: {}", "this kind of test is not known here"),
        ("accepted_values: {values: \"{{ var('shops') }}\"}", "its values are no list"),
        ('relationships: {to: "{{ target.name }}", field: x}', "the other table is no ref or source"),
        ('dbt_utils.expression_is_true: {expression: "in (select 1)"}', "a condition"),
        ("dbt_utils.accepted_range: {max_value: {a: 1}}", "is no value of type"),
        ('dbt_expectations.expect_column_values_to_match_regex: {regex: "("}', "unterminated"),
    ],
)
def test_what_cannot_be_taken_is_said(test: str, why: str) -> None:
    column = "amount" if "range" in test else "shop"
    checks, left = read(f"models: [{{name: orders, columns: [{{name: {column}, tests: [{{{test}}}]}}]}}]")

    assert checks == []
    assert len(left) == 1
    assert why in left[0]


def test_a_switched_off_test_and_our_own_exports_are_no_promises() -> None:
    assert read("""
models:
  - name: orders
    columns:
      - name: shop
        tests:
          - not_null: {config: {enabled: false}}
          - de_copilot_no_rows: {condition: "1 = 1"}
""") == ([], [])


leaves = (
    st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.sampled_from(["orders", "unique", "shop"])
)
names = st.sampled_from(
    ["name", "columns", "tests", "data_tests", "models", "sources", "tables", "unique", "values", "to"]
)
trees = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names | st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


@given(trees)
def test_no_file_makes_it_raise_anything_but_a_clear_error(data: object) -> None:
    from tools.yaml_text import dumped

    item = {"models": [{"name": "orders", "columns": [{"name": "shop", "tests": data}], "tests": data}], "x": data}
    for text in (dumped(item), str(data)):
        with contextlib.suppress(ConfigError):
            read(text)


# --------------------------------------------------------------------------- beside ours


@pytest.fixture
def root(tmp_path: Path) -> Path:
    daily_shop(tmp_path, last=datetime.date(2026, 10, 31))
    return tmp_path


def workspace(root: Path) -> Workspace:
    return open_workspace(load_settings(lake=root, environ={}))


def promised(root: Path, text: str) -> Suite:
    (root / "models").mkdir(exist_ok=True)
    (root / "models" / "shop.yml").write_text(text, encoding="utf-8")
    return generate(workspace(root), "sales")


def test_promises_join_ours_are_added_or_are_findings(root: Path) -> None:
    alone = {c.id: c for c in generate(workspace(root), "sales").checks}

    suite = promised(
        root,
        """
models:
  - name: sales
    columns:
      - name: order_id
        tests: [unique]
      - name: amount
        tests:
          - dbt_utils.expression_is_true: {expression: "<= 500"}
          - dbt_utils.accepted_range: {min_value: 50}
          - house.odd: {}
""",
    )

    found = {c.id: c for c in suite.checks}
    assert found["unique(order_id)"].parameters == alone["unique(order_id)"].parameters
    assert "models/shop.yml" in {e.where for e in found["unique(order_id)"].evidence}
    assert found.keys() - alone.keys() == {'condition("amount" <= 500)'}
    # The range that the data suggest gives way to the stated one, which the data break.
    (finding,) = suite.proposal.findings
    assert finding.check.evidence[0].where == "models/shop.yml"
    text = suite.text()
    assert "values stay in range: `amount` >= 50 (stated in `models/shop.yml`)" in text
    assert "The test house.odd of amount in models/shop.yml is not taken" in text


def test_a_foreign_key_into_nowhere_is_not_taken(root: Path) -> None:
    test = "tests: [relationships: {to: ref('gone'), field: id}]"
    suite = promised(root, f"models: [{{name: sales, columns: [{{name: shop, {test}}}]}}]")

    assert any("foreign_key(shop) is not taken: " in u and "d.gone" in u for u in suite.unknowns)


def test_a_rule_that_a_person_added_to_the_contract_counts(root: Path) -> None:
    ws = workspace(root)
    (path,) = write_drafts(ws.lake, draft_contract(ws, "sales").drafts)
    before = generate(workspace(root), "sales")
    file = Path(path)
    rule = '      - {name: not too dear, type: sql, query: "SELECT COUNT(*) FROM ${object} WHERE amount > 50", mustBe: 0}\n'
    head, mark, tail = file.read_text("utf-8").partition("    quality:\n")
    assert mark
    file.write_text(head + mark + rule + tail, encoding="utf-8")

    suite = generate(workspace(root), "sales")

    assert [f.check.id for f in suite.proposal.findings] == ["not too dear"]
    assert [c.id for c in suite.checks] == [c.id for c in before.checks]


def test_a_contract_that_cannot_be_read_is_said(root: Path) -> None:
    (root / "output" / "contracts").mkdir(parents=True)
    (root / "output" / "contracts" / "sales.yaml").write_text("[", encoding="utf-8")

    assert any("output/contracts/sales.yaml" in u for u in generate(workspace(root), "sales").unknowns)


def test_a_dbt_file_that_cannot_be_read_is_said_and_the_others_count(root: Path) -> None:
    (root / "models").mkdir()
    (root / "models" / "broken.yml").write_text("models: [{name: sales", encoding="utf-8")
    (root / "models" / "odd.yml").write_bytes(b"sales: \xff\xfe")

    suite = promised(root, "models: [{name: sales, columns: [{name: order_id, tests: [unique]}]}]")

    assert any(u.startswith("models/broken.yml: ") for u in suite.unknowns)
    assert any(u.startswith("models/odd.yml: ") for u in suite.unknowns)
    assert "models/shop.yml" in suite.material.stated.places
