"""Questions about values that come and go, in the chat without a model: which change is read, and of what."""

from __future__ import annotations

import pytest

from agent.planning.changes import stated_value_change
from agent.planning.entities import Linker
from agent.planning.reading import Reader
from agent.planning.wording import Wording
from tests.lakes import shop
from tools.workspace import Workspace

WORDS = frozenset(
    "what happens if gets a new value in which filters do not expect loses becomes nullable remove".split()
)


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return shop(tmp_path_factory.mktemp("lake") / "lake")


def reader(ws: Workspace) -> Reader:
    return Reader(Linker(ws.assets.items, WORDS), Wording(WORDS))


@pytest.mark.parametrize(
    ("question", "args"),
    [
        ("what happens if kind gets CRYPTO?", {"change": "new_value", "asset": "raw", "column": "kind", "value": "CRYPTO"}),
        ("which filters do not expect a new value 'X' in raw.kind", {"change": "new_value", "asset": "raw", "column": "kind", "value": "X"}),
        ("raw.kind loses SALE", {"change": "lost_value", "asset": "raw", "column": "kind", "value": "SALE"}),
        ("what if raw.id becomes nullable", {"change": "nullable", "asset": "raw", "column": "id"}),
        ("remove dashboard Totals", {"change": "drop_dashboard", "asset": "Totals"}),
        ("drop the KPI Revenue", {"change": "drop_kpi", "asset": "Revenue"}),
        ("did any new kind value appear?", {"change": "change_values", "asset": "raw", "column": "kind"}),
        ("are there new values in raw today?", {"change": "change_values", "asset": "raw"}),
    ],
)  # fmt: skip
def test_a_stated_value_change_is_read_with_its_column(ws: Workspace, question: str, args: dict[str, str]) -> None:
    assert stated_value_change(reader(ws).read(question)) == args


@pytest.mark.parametrize("question", ["what is in raw?", "drop column raw.kind", "the wind gets COLDER", "show kind"])
def test_other_questions_are_left_to_the_others(ws: Workspace, question: str) -> None:
    assert stated_value_change(reader(ws).read(question)) is None
