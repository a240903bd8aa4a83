"""Proposed checks are few, proven on the data they come from, and loud on a batch that is wrong."""

from __future__ import annotations

import datetime
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tools.checks.evaluate import evaluate
from tools.checks.material import Material, gather
from tools.checks.propose import MOST_ERRORS, Proposal, propose
from tools.lake.local import LocalLake
from tools.profile.batches import cut

DAYS = [datetime.date(2026, 1, 1) + datetime.timedelta(days=n) for n in range(16)]


def write(root: Path, day: datetime.date, ids: list[int | None], amounts: list[float]) -> None:
    folder = root / "tables" / "d" / "sales" / f"day={day}"
    folder.mkdir(parents=True)
    kinds = ["CARD" if i % 3 else "CASH" for i in range(len(ids))]
    pq.write_table(pa.table({"id": ids, "amount": amounts, "kind": kinds}), folder / "part.parquet")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> LocalLake:
    root = tmp_path_factory.mktemp("sales")
    for number, day in enumerate(DAYS):
        count = 200 + number % 7
        write(root, day, [number * 1000 + i for i in range(count)], [10.0 + (i * 37) % 90 for i in range(count)])
    return LocalLake(root, default_database="d")


@pytest.fixture(scope="module")
def material(lake: LocalLake) -> Material:
    return gather(lake, cut(lake, "d.sales"))


@pytest.fixture(scope="module")
def proposal(lake: LocalLake, material: Material) -> Proposal:
    return propose(lake, material)


def test_a_key_is_found_without_a_model_and_errors_are_few(proposal: Proposal) -> None:
    assert ("unique", ("id",)) in {(c.kind, c.columns) for c in proposal.checks}
    assert sum(c.severity == "error" for c in proposal.checks) <= MOST_ERRORS


def test_every_check_is_silent_on_the_history_it_comes_from(
    lake: LocalLake, material: Material, proposal: Proposal
) -> None:
    outcomes = evaluate(lake, cut(lake, "d.sales"), proposal.checks, history=material.profiles)
    assert [o.check.id for batch in outcomes.values() for o in batch if o.status != "passed"] == []
