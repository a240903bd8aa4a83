"""Lineage kept: records in the user's format, history that only grows, and one job's analysis touching only its own."""

from __future__ import annotations

import multiprocessing
from pathlib import Path

import pytest

from knowledge.errors import NotFound
from knowledge.records import JobRecord, TableRecord
from tests.lakes import shop
from tools.history import history_of
from tools.settings import load_settings
from tools.snapshots import job_snapshot, last_snapshot, plan_hash, remember
from tools.workspace import Workspace, open_workspace


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return shop(tmp_path / "lake")


def edit(ws: Workspace, job: str, old: str, new: str) -> None:
    path = Path(ws.settings.lake) / "jobs" / job
    path.write_text(path.read_text().replace(old, new))
    ws.refresh()


def test_a_job_is_kept_in_the_users_format(ws: Workspace) -> None:
    remember(ws, "sales_job")
    record = ws.store.get("JOB", "sales_job")
    assert record is not None
    data = record.to_dict()
    assert list(data)[:4] == ["object_type", "object_name", "reads_from", "writes_to"]
    assert (data["reads_from"], data["writes_to"]) == (["raw", "names"], ["sales"])
    price = next(c for c in data["columns"] if c["target_column"] == "price")
    assert (price["source"], price["file"], price["line"], price["confidence"]) == (
        "d.raw",
        "jobs/sales_job.sql",
        2,
        "high",
    )


def test_a_table_knows_its_writers_readers_and_columns(ws: Workspace) -> None:
    remember(ws)
    record = ws.store.get("TABLE", "sales")
    assert isinstance(record, TableRecord)
    assert (record.written_by, record.read_by) == (("sales_job",), ("daily_job",))
    assert record.columns[0] == {"name": "id", "type": "bigint"}


def test_analyzing_one_job_touches_only_its_own_records(ws: Workspace) -> None:
    remember(ws)
    before = {r.key: r for r in ws.store.list()}
    edit(ws, "daily_job.sql", "sum(price)", "avg(price)")
    remember(ws, "daily_job")
    after = {r.key: r for r in ws.store.list()}
    assert {key for key in after if after[key] != before[key]} == {
        ("JOB", "daily_job"),
        ("TABLE", "sales"),
        ("TABLE", "daily"),
    }


def test_a_table_that_a_job_no_longer_reads_loses_that_reader(ws: Workspace) -> None:
    remember(ws)
    edit(ws, "daily_job.sql", "FROM sales", "FROM raw")
    remember(ws, "daily_job")
    sales, raw = ws.store.get("TABLE", "sales"), ws.store.get("TABLE", "raw")
    assert isinstance(sales, TableRecord)
    assert isinstance(raw, TableRecord)
    assert sales.read_by == ()
    assert raw.read_by == ("daily_job", "sales_job")


def test_what_a_person_added_to_a_record_stays(ws: Workspace) -> None:
    ws.store.save([JobRecord("daily_job", extra={"owner": "finance"}), TableRecord("daily", extra={"tier": 1})])
    remember(ws, "daily_job")
    job, table = ws.store.get("JOB", "daily_job"), ws.store.get("TABLE", "daily")
    assert job is not None
    assert job.extra["owner"] == "finance"
    assert table is not None
    assert table.extra["tier"] == 1


def test_the_same_job_analyzed_again_adds_nothing(ws: Workspace) -> None:
    assert remember(ws).changed == ("copy_job", "daily_job", "sales_job")
    assert remember(ws).changed == ()
    assert len(ws.store.history("JOB", "daily_job")) == 1


def test_a_comment_changes_the_text_but_not_what_is_computed(ws: Workspace) -> None:
    remember(ws)
    edit(ws, "daily_job.sql", "SELECT day", "-- by day\nSELECT\n  day")
    remember(ws)
    result = history_of(ws, "daily_job")
    assert [e.changes for e in result.entries] == [(), ("only the text changed: it computes the same",)]


def test_history_says_what_each_snapshot_changed(ws: Workspace) -> None:
    remember(ws)
    edit(ws, "daily_job.sql", "sum(price) AS total\nFROM sales", "sum(price) AS amount\nFROM raw")
    remember(ws)
    changes = history_of(ws, "daily_job").entries[-1].changes
    assert changes[:2] == ("no longer reads `d.sales`", "now reads `d.raw`")
    assert "2 snapshots of job `daily_job`" in history_of(ws, "daily_job").text()


def test_a_snapshot_reads_back_as_the_job_it_was(ws: Workspace) -> None:
    remember(ws)
    was = ws.readings["sales_job"]
    edit(ws, "sales_job.sql", "r.kind = 'SALE'", "r.kind = 'GIFT'")
    kept = last_snapshot(ws, "sales_job")
    assert kept is not None
    assert kept.reading.edges == was.edges
    assert "SALE" in kept.source
    assert kept.plan_hash != plan_hash(ws.readings["sales_job"].plan)


def test_a_job_that_is_gone_reads_nothing_and_keeps_its_history(ws: Workspace) -> None:
    remember(ws)
    (Path(ws.settings.lake) / "jobs" / "copy_job.sql").unlink()
    ws.refresh()
    assert remember(ws).retired == ("copy_job",)
    names = ws.store.get("TABLE", "names")
    assert isinstance(names, TableRecord)
    assert names.read_by == ("sales_job",)
    assert len(history_of(ws, "copy_job").entries) == 1
    assert remember(ws).retired == ()


def test_history_of_a_name_that_never_was_is_not_found(ws: Workspace) -> None:
    remember(ws)
    with pytest.raises(NotFound) as error:
        history_of(ws, "daly_job")
    assert "daily_job" in error.value.nearest


def _analyze(lake: Path, job: str) -> None:
    ws = open_workspace(load_settings(lake=lake, environ={}))
    for _ in range(5):
        remember(ws, job)


def test_two_analyses_at_once_both_stay_in_the_table_that_they_share(ws: Workspace) -> None:
    lake = Path(ws.settings.lake)
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=_analyze, args=(lake, job)) for job in ("sales_job", "copy_job")]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
    names = ws.store.get("TABLE", "names")
    assert isinstance(names, TableRecord)
    assert names.read_by == ("copy_job", "sales_job")


def test_a_snapshot_that_cannot_be_kept_takes_its_records_back(ws: Workspace) -> None:
    remember(ws)
    record = ws.store.get("JOB", "daily_job")
    snapshot = job_snapshot(ws, ws.readings["daily_job"], "2026-01-01T00:00:00Z")
    unwritable = type(snapshot)("JOB", "daily_job", "now", "other", {"plan": object()})
    with pytest.raises(TypeError):
        ws.store.save([JobRecord("daily_job")], [unwritable])
    assert ws.store.get("JOB", "daily_job") == record
    assert len(ws.store.history("JOB", "daily_job")) == 1
