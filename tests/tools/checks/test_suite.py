"""Tests of a table made, kept and run, as a person would: on a small lake with a job, a dimension and a bad batch."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from knowledge.errors import ConfigError, InputError, NotFound
from tools.checks.run import past_runs, run_checks
from tools.checks.suite import generate, subject_of
from tools.lake.base import Lake
from tools.profile.batches import Batches
from tools.profile.figures import BatchFigures
from tools.profile.measure import profile_batches
from tools.reports import write_drafts
from tools.settings import load_settings
from tools.workspace import Workspace, open_workspace
from ui.cli import run

DAYS = [datetime.date(2026, 1, 1) + datetime.timedelta(days=n) for n in range(14)]
JOB = """INSERT INTO sales
SELECT o.order_id, o.shop, o.amount, o.day
FROM orders o JOIN shops s ON s.shop = o.shop
WHERE o.amount > 0
"""
SHOPS: list[object] = [f"shop {n}" for n in range(8)]


def put(root: Path, table: str, rows: dict[str, list[object]], day: datetime.date | None = None) -> None:
    folder = root / "tables" / "d" / table / (f"day={day}" if day else "")
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(rows), folder / "part.parquet")


def batch(number: int, count: int = 150) -> dict[str, list[object]]:
    return {
        "order_id": [number * 1000 + i for i in range(count + number % 5)],
        "shop": [SHOPS[i % 8] for i in range(count + number % 5)],
        "amount": [float(10 + (i * 37) % 90) for i in range(count + number % 5)],
    }


@pytest.fixture
def root(tmp_path: Path) -> Path:
    root = tmp_path / "lake"
    put(root, "shops", {"shop": SHOPS, "city": [*["Basel", "Bern"] * 4]})
    for number, day in enumerate(DAYS):
        put(root, "orders", batch(number), day)
        put(root, "sales", batch(number), day)
    (root / "jobs").mkdir()
    (root / "jobs" / "sales_job.sql").write_text(JOB, encoding="utf-8")
    return root


@pytest.fixture
def ws(root: Path) -> Workspace:
    return open_workspace(load_settings(lake=root, environ={}))


def reopened(root: Path) -> Workspace:
    return open_workspace(load_settings(lake=root, environ={}))


def test_the_promises_of_the_job_and_of_the_data_become_tests_and_nothing_is_written(ws: Workspace, root: Path) -> None:
    suite = generate(ws, "sales")
    kinds = {(c.kind, c.columns) for c in suite.checks}
    assert {("unique", ("order_id",)), ("foreign_key", ("shop",))} <= kinds
    stated = next(c for c in suite.checks if c.kind == "condition")
    assert stated.evidence[0].where == "jobs/sales_job.sql:4"
    assert [d.path for d in suite.drafts] == ["tests/sales.yaml"]
    assert not (root / "output").exists()


def test_a_good_batch_passes_and_a_bad_one_fails_with_counts_and_keys(ws: Workspace, root: Path) -> None:
    write_drafts(ws.lake, generate(ws, "sales").drafts)
    assert run_checks(reopened(root), "sales").passed
    bad = batch(14)
    bad["amount"][0] = -5.0
    bad["order_id"][1] = bad["order_id"][2]
    bad["shop"][3] = "shop 99"
    put(root, "sales", bad, datetime.date(2026, 1, 15))
    result = run_checks(reopened(root), "sales")
    failed = {o.check.kind: o for o in result.failed}
    assert failed["unique"].failing
    assert failed["unique"].samples[0]["order_id"] == bad["order_id"][2]
    assert failed["foreign_key"].samples[0] == {"order_id": 14003, "shop": "shop 99"}
    assert failed["condition"].samples[0]["order_id"] == 14000
    assert run_checks(reopened(root), "sales", partition="2026-01-14").passed
    assert [r["passed"] for r in past_runs(ws, "sales")] == [True, False, True]


def test_a_test_that_was_switched_off_stays_off(ws: Workspace, root: Path) -> None:
    suite = generate(ws, "sales")
    (path,) = write_drafts(ws.lake, suite.drafts)
    text = Path(path).read_text(encoding="utf-8")
    Path(path).write_text(text.replace("enabled: true", "enabled: false", 1), encoding="utf-8")
    again = generate(reopened(root), "sales")
    assert again.kept == (suite.checks[0].id,)
    assert run_checks(reopened(root), "sales").off == (suite.checks[0].id,)


def test_only_new_batches_are_measured_the_next_time(
    ws: Workspace, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    measured: list[tuple[str, ...]] = []

    def counting(lake: Lake, batches: Batches) -> list[BatchFigures]:
        measured.append(batches.labels)
        return profile_batches(lake, batches)

    monkeypatch.setattr("tools.profile.kept.profile_batches", counting)
    generate(ws, "sales")
    put(root, "sales", batch(14), datetime.date(2026, 1, 15))
    generate(reopened(root), "sales")
    assert [len(labels) for labels in measured] == [14, 1]


def test_a_foreign_key_never_leads_to_what_is_made_of_the_table(ws: Workspace) -> None:
    """Every order is in `sales` today; a new order that was not sold yet is no fault."""
    leads_to = {c.parameters.get("table") for c in generate(ws, "orders").checks}
    assert "d.sales" not in leads_to


def test_the_commands_write_the_file_and_tell_by_their_exit_code(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["tests", "sales_job", "--lake", str(root), "--json"]) == 0
    made = json.loads(capsys.readouterr().out)
    assert Path(made["written"][0]).read_text(encoding="utf-8").startswith("# Data quality tests of d.sales.")
    assert run(["check", "sales", "--lake", str(root)]) == 0
    assert "passes its tests" in capsys.readouterr().out
    put(root, "sales", {**batch(14), "amount": [None] * 154}, datetime.date(2026, 1, 15))
    assert run(["check", "sales", "--lake", str(root)]) == 1


def test_what_cannot_be_done_is_said(ws: Workspace, root: Path) -> None:
    with pytest.raises(NotFound):
        generate(ws, "nothing")
    with pytest.raises(NotFound):
        generate(ws, "sales", column="nothing")
    with pytest.raises(InputError, match="does not write"):
        generate(ws, "orders", job="sales_job")
    with pytest.raises(InputError, match="which table"):
        subject_of(ws, None, None)
    put(root, "empty", {"a": pa.array([], pa.int64())})
    with pytest.raises(InputError, match="no rows"):
        generate(reopened(root), "empty")
    (root / "output" / "tests").mkdir(parents=True)
    (root / "output" / "tests" / "sales.yaml").write_text("checks: [", encoding="utf-8")
    with pytest.raises(ConfigError, match="cannot be read"):
        run_checks(reopened(root), "sales")
