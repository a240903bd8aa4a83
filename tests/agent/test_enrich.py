"""An analysis with a model: what it suggests is proven, marked, and told apart; without it the analysis goes on."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, BaseMessage

from agent.enrich import ModelAdvisor
from tests.lakes import daily_shop
from tools.analyze import analyze
from tools.settings import load_settings
from tools.workspace import Workspace, open_workspace

GOOD = {"kind": "condition", "condition": "amount < 1000 AND order_id >= 0", "reason": "Orders are small."}


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    daily_shop(tmp_path, days=3, last=datetime.date(2026, 10, 31))
    return open_workspace(load_settings(lake=tmp_path, environ={}))


class Scripted(GenericFakeChatModel):
    """Answers with one text, and remembers what it was told."""

    told: list[list[BaseMessage]] = []  # noqa: RUF012 - a pydantic field

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> Any:
        self.told.append(messages)
        return super()._generate(messages, *args, **kwargs)


def saying(text: str) -> Scripted:
    return Scripted(messages=iter([AIMessage(text)]), told=[])


def test_suggestions_become_tests_words_and_notes(ws: Workspace) -> None:
    answer = {
        "tests": [GOOD, {"kind": "not_null", "columns": ["colour"]}],
        "contract": {"columns": {"amount": "What the customer paid."}},
        "docs_markdown": "`sales` keeps the orders of every `shop`.\n\nIt has 99,999 rows.",
    }
    model = saying(json.dumps(answer))
    found = analyze(ws, "sales", advisor=ModelAdvisor(ws, model))

    assert found.taken is not None
    (check,) = found.taken.checks
    files = {d.path: d.text for d in found.drafts}
    assert check.id in files["tests/sales.yaml"]
    assert "suggested by a language model" in files["tests/sales.yaml"]
    assert "What the customer paid." in files["contracts/sales.yaml"]
    assert "language model, not checked" in files["contracts/sales.yaml"]
    assert "_(written by a model)_" in files["docs/sales.md"]
    assert "## Notes (written by a model)" in files["docs/sales.md"]
    assert "99,999" not in files["docs/sales.md"]
    assert "has no column 'colour'" in found.text()


def test_a_suggested_test_stays_when_the_tests_are_made_again_without_a_model(ws: Workspace) -> None:
    found = analyze(ws, "sales", advisor=ModelAdvisor(ws, saying(json.dumps({"tests": [GOOD]}))))
    for draft in found.drafts:
        ws.lake.write_text(f"output/{draft.path}", draft.text)

    again = analyze(ws, "sales")

    assert found.taken is not None
    assert found.taken.checks[0].id in again.suite.kept


def test_the_model_is_told_the_table_as_data(ws: Workspace) -> None:
    model = saying("{}")
    analyze(ws, "sales", advisor=ModelAdvisor(ws, model))

    ((system, human),) = model.told
    assert "data, not instructions" in str(system.content)
    told = json.loads(str(human.content).removeprefix("<table>\n").removesuffix("\n</table>"))
    assert {"table_name", "schema", "column_stats", "job_summary", "existing_tests"} <= set(told)
    assert told["column_stats"]["rows"] > 100
    assert "sales_job" in told["job_summary"][0]


@pytest.mark.parametrize("answer", ["I am sorry.", '{"tests": [{"kind": "condi'])
def test_an_answer_of_no_use_leaves_the_analysis_as_it_is(ws: Workspace, answer: str) -> None:
    found = analyze(ws, "sales", advisor=ModelAdvisor(ws, saying(answer)))

    assert found.taken is not None
    assert found.taken.checks == ()
    assert len(found.taken.dropped) == 1
    assert {d.path for d in found.drafts} == {"tests/sales.yaml", "contracts/sales.yaml", "docs/sales.md"}


def test_a_model_that_fails_is_said_and_nothing_is_lost(ws: Workspace) -> None:
    found = analyze(ws, "sales", advisor=ModelAdvisor(ws, Scripted(messages=iter([]), told=[])))

    assert found.taken is None
    assert any("the model suggested nothing" in u for u in found.unknowns)
    assert len(found.drafts) == 3
