"""Lineage from what was kept says what reading every job again would say."""

from __future__ import annotations

import pytest

from knowledge.errors import Ambiguous, NotFound
from knowledge.records import TableRecord
from tests.lakes import shop
from tools.lineage import LineageResult, downstream, upstream
from tools.lineage.kept import ask_kept
from tools.snapshots import remember
from tools.workspace import Workspace


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    ws = shop(tmp_path_factory.mktemp("lake") / "shop")
    remember(ws)
    return ws


def reached(result: LineageResult) -> dict[str, int]:
    return {r.node.id: r.depth for r in result.shown}


@pytest.mark.parametrize("name", ["raw", "sales_job", "raw.price", "raw.kind", "names.region", "names"])
def test_downstream_is_the_same(ws: Workspace, name: str) -> None:
    assert reached(ask_kept(ws.store, name, "downstream")) == reached(downstream(ws, name))


@pytest.mark.parametrize("name", ["Revenue", "daily", "daily.total", "copy.region"])
def test_upstream_is_the_same_with_every_hop(ws: Workspace, name: str) -> None:
    kept, read = ask_kept(ws.store, name, "upstream"), upstream(ws, name)
    assert reached(kept) == reached(read)
    assert [(a, b, k.role, k.expression) for a, b, k in kept.deciding] == [
        (a, b, k.role, k.expression) for a, b, k in read.deciding
    ]
    if "." in name:
        assert kept.edges == read.edges


def test_the_answer_says_how_old_its_records_are(ws: Workspace) -> None:
    result = ask_kept(ws.store, "raw", "downstream", kind="kpi")
    assert reached(result) == {"kpi:Revenue": 3}
    assert "as kept, the oldest record of 20" in result.text()


def test_names_are_found_or_told_apart(ws: Workspace) -> None:
    with pytest.raises(NotFound, match="salez"):
        ask_kept(ws.store, "salez", "upstream")
    ws.store.save([TableRecord("other.sales", extra={"full_name": "other.sales"})])
    with pytest.raises(Ambiguous, match=r"d\.sales"):
        ask_kept(ws.store, "sales", "upstream")
    assert ask_kept(ws.store, "d.sales", "upstream").asset.id == "table:d.sales"
