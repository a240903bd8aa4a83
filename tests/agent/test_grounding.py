"""Every name, number, date and direction of an answer is held against the results; what is not there is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage

from agent.copilot import build_copilot
from agent.direct import DirectCopilot
from agent.grounding import marked, unsupported
from tests.agent.test_copilot import Scripted, call
from tests.lakes import shop
from tools.workspace import Workspace

RESULT: dict[str, Any] = {
    "kind": "lineage",
    "tool": "lineage_downstream",
    "args": {"asset": "raw"},
    "text": "2 jobs and 1 table are downstream of `raw`.",
    "data": {
        "nodes": [
            {"kind": "table", "name": "raw", "depth": 0},
            {"kind": "job", "name": "sales_job", "depth": 1},
            {"kind": "table", "name": "sales", "depth": 1},
            {"kind": "job", "name": "daily_job", "depth": 2},
        ],
        "edges": [
            {"from": "table:d.raw", "to": "job:sales_job"},
            {"from": "job:sales_job", "to": "table:d.sales"},
            {"from": "table:d.sales", "to": "job:daily_job"},
        ],
        "rows": 1234567,
        "share": 0.0742,
        "as_of": "2026-03-04",
    },
    "evidence": [{"kind": "code", "where": "jobs/sales_job.sql:3", "detail": None}],
    "unknowns": [],
}


def claims(answer: str, question: str = "") -> list[tuple[str, str]]:
    return [(c.kind, c.text) for c in unsupported(answer, [RESULT], [question])]


@pytest.mark.parametrize(
    "answer",
    [
        "`raw` feeds `sales_job` (jobs/sales_job.sql:3), which writes `sales`. 2 jobs, 1 table.",
        "It has 1,234,567 rows, about 1.2 million, and 7.42 % are late, as of 2026-03-04.",
        "All: `raw`, `sales_job`, `sales` and `daily_job`.",
        "`daily_job` depends on `raw`.",
    ],
)
def test_what_the_results_say_is_grounded(answer: str) -> None:
    assert claims(answer) == []


@pytest.mark.parametrize(
    ("answer", "found"),
    [
        ("`raw` feeds `orders_job`.", ("name", "orders_job")),
        ("It also reads customer_master.", ("name", "customer_master")),
        ("It has 1,234,568 rows.", ("number", "1,234,568")),
        ("47 jobs read it.", ("number", "47")),
        ("Since 2026-03-05.", ("date", "2026-03-05")),
        ("`sales` feeds `raw`.", ("direction", "`sales` feeds `raw")),
        ("These are all: `raw`, `sales_job` and `sales`.", ("omission", "daily_job")),
    ],
)
def test_what_they_do_not_say_is_told(answer: str, found: tuple[str, str]) -> None:
    assert found in [
        (kind, text.rstrip("`.")) if kind == "direction" else (kind, text) for kind, text in claims(answer)
    ]


def test_what_the_person_said_may_be_said_again() -> None:
    assert claims("`prod_grp` is a new name, for 90 days.", "rename it to prod_grp for 90 days") == []


@given(st.text(max_size=300))
def test_any_answer_can_be_checked_and_marked(answer: str) -> None:
    assert marked(answer, unsupported(answer, [RESULT])).startswith(answer)


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return shop(tmp_path / "shop")


@pytest.mark.parametrize("question", ["who reads raw?", "what breaks if I drop raw.price", "what does sales_job do?"])
def test_answers_without_a_model_are_grounded(ws: Workspace, question: str) -> None:
    answer = DirectCopilot(ws).ask(question)
    assert unsupported(answer.answer, answer.artifacts, [question]) == []


def test_a_model_that_invents_a_column_is_told_once_and_corrects_itself(ws: Workspace) -> None:
    script = [
        call("schema", asset="raw"),
        AIMessage("It has `id` and `made_up_column`."),
        AIMessage("It has `id` and `price`."),
    ]
    answer = build_copilot(ws, Scripted(script=script)).ask("which columns does raw have?", "t")
    assert answer.answer == "It has `id` and `price`."


def test_a_model_that_insists_is_shown_with_a_mark(ws: Workspace) -> None:
    script = [call("schema", asset="raw"), AIMessage("It has `id` and `made_up_column`.")]
    answer = build_copilot(ws, Scripted(script=script)).ask("which columns does raw have?", "t")
    assert answer.answer.startswith("It has `id` and `made_up_column`.")
    assert "**Not verified** (no tool result says so):\n- made_up_column" in answer.answer
