"""What a language model suggests is text from outside: read item by item, proven like ours, or dropped with the reason."""

from __future__ import annotations

import datetime
import json
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.lakes import daily_shop
from tools.checks.suite import Suite, generate
from tools.settings import load_settings
from tools.suggestions import Taken, read_suggestions, take
from tools.workspace import Workspace, open_workspace


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("lake")
    daily_shop(root, days=12, last=datetime.date(2026, 10, 31))
    return open_workspace(load_settings(lake=root, environ={}))


@pytest.fixture(scope="module")
def suite(ws: Workspace) -> Suite:
    return generate(ws, "sales")


def taken(ws: Workspace, suite: Suite, *tests: Any, **more: Any) -> Taken:
    answer = json.dumps({"tests": tests, **more})
    return take(ws.lake, suite.material, read_suggestions(answer), known=suite.checks, supported=lambda p: None)


def why(found: Taken) -> list[str]:
    return [d.why for d in found.dropped]


def test_a_true_test_is_taken_with_its_proof(ws: Workspace, suite: Suite) -> None:
    item = {"kind": "condition", "condition": "amount < 1000 AND order_id >= 0", "reason": "Orders are small."}
    found = taken(ws, suite, item)

    (check,) = found.checks
    assert check.columns == ("amount", "order_id")
    assert check.evidence[0].where == "suggested by a language model"
    assert found.proofs[check.id].silent_on == 12
    assert found.proofs[check.id].caught


def test_a_test_that_the_data_contradict_is_dropped(ws: Workspace, suite: Suite) -> None:
    found = taken(ws, suite, {"kind": "range", "columns": ["amount"], "max": 50})

    assert found.checks == ()
    assert why(found) == ["it does not hold today: see the finding"] or "there is such a test already" in why(found)


@pytest.mark.parametrize(
    ("item", "reason"),
    [
        ({"kind": "not_null", "columns": ["colour"]}, "has no column 'colour'"),
        (
            {"kind": "condition", "condition": "amount > (SELECT max(amount) FROM orders)"},
            "not a condition over single",
        ),
        ({"kind": "condition", "condition": "1 = 1; DROP TABLE sales"}, "not a condition"),
        ({"kind": "condition", "condition": "sum(amount) > 3"}, "not a condition over single"),
        ({"kind": "condition", "condition": "1 = 1"}, "names no column"),
        ({"kind": "sql", "sql": "DELETE FROM sales"}, "'sql' is none of"),
        ({"kind": "range", "columns": ["shop"], "min": 3}, "3 is no value of type varchar"),
        ({"kind": "range", "columns": ["amount"]}, "min, max or both"),
        ({"kind": "pattern", "columns": ["shop"], "regex": "shop ("}, "unterminated|missing"),
        ({"kind": "pattern", "columns": ["amount"], "regex": "1"}, "is no text"),
        ({"kind": "accepted_values", "columns": ["shop"], "values": "shop 1"}, "values are a list"),
        ({"kind": "accepted_values", "columns": ["shop", "amount"], "values": ["a"]}, "about one column"),
        ({"kind": "not_null", "columns": "shop"}, "columns are a list"),
        ({"kind": "not_null"}, "columns are a list"),
        ({}, "'None' is none of"),
        ("amount is positive", "a test is an object"),
    ],
)
def test_each_bad_item_is_dropped_alone(ws: Workspace, suite: Suite, item: Any, reason: str) -> None:
    good = {"kind": "condition", "condition": "amount < 1000 AND order_id >= 0"}
    found = taken(ws, suite, item, good)

    assert len(found.checks) == 1
    assert len(found.dropped) == 1
    assert re.search(reason, found.dropped[0].why), found.dropped


def test_what_we_have_is_not_taken_twice(ws: Workspace, suite: Suite) -> None:
    ours = next(c for c in suite.checks if c.kind == "unique")

    assert why(taken(ws, suite, {"kind": "unique", "columns": list(ours.columns)})) == ["there is such a test already"]


def test_descriptions_are_words_for_columns_that_have_none(ws: Workspace, suite: Suite) -> None:
    columns = {
        "amount": "What the customer paid. [More](http://example.org/x) <script>x</script>",
        "colour": "Red.",
        "shop": 3,
    }
    found = taken(ws, suite, contract={"columns": columns})

    assert found.columns == {"amount": "What the customer paid. More x"}
    assert [d.item for d in found.dropped] == ["colour", "shop"]


def test_notes_are_taken_where_somebody_can_vouch_for_them(ws: Workspace, suite: Suite) -> None:
    notes = "# Sales\n\nOne row is an order.\n\n| a | b |\n\nIt feeds the moon."
    suggestions = read_suggestions(json.dumps({"docs_markdown": notes}))

    def doubt(paragraph: str) -> str | None:
        return "no edge says so" if "moon" in paragraph else None

    found = take(ws.lake, suite.material, suggestions, supported=doubt)

    assert found.notes == ("One row is an order.",)
    assert [(d.item, d.why) for d in found.dropped] == [("It feeds the moon.", "no edge says so")]
    assert take(ws.lake, suite.material, suggestions).notes == ()


def test_half_an_answer_is_as_good_as_its_whole_tests() -> None:
    whole = {"tests": [{"kind": "not_null", "columns": ["a"]}, {"kind": "unique", "columns": ["b"]}]}
    text = "Here you are:\n```json\n" + json.dumps(whole)[:-20]

    read = read_suggestions(text)

    assert [t["kind"] for t in read.tests] == ["not_null"]
    assert [d.why for d in read.dropped] == ["the answer is no whole JSON: only its first tests could be read"]


@pytest.mark.parametrize("text", ["", "I cannot help with that.", "[]", '"tests"', "{", '{"tests": {"a": 1}}'])
def test_what_is_no_answer_suggests_nothing(text: str) -> None:
    read = read_suggestions(text)

    assert (read.tests, dict(read.columns), read.notes) == ((), {}, "")
    assert read.dropped


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.text() | st.fixed_dictionaries({"tests": JSON, "contract": JSON, "docs_markdown": JSON}).map(json.dumps))
def test_reading_never_raises(text: str) -> None:
    read_suggestions(text)


@settings(max_examples=25)  # each is run on the data
@given(
    st.lists(
        st.fixed_dictionaries(
            {"kind": st.sampled_from(["not_null", "unique", "range", "pattern", "accepted_values", "condition", "x"])},
            optional=dict.fromkeys(
                ("columns", "values", "min", "max", "regex", "condition", "reason", "severity"), JSON
            ),
        ),
        max_size=3,
    )
)
def test_judging_never_raises(ws: Workspace, suite: Suite, tests: list[Any]) -> None:
    taken(ws, suite, *tests)
