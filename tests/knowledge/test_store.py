"""The record store: nothing lost, nothing half-written, whoever else is writing."""

from __future__ import annotations

import multiprocessing
import os
import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.errors import ReadError
from knowledge.records import DashboardRecord, JobRecord, KpiRecord, Record, Snapshot, TableRecord, record_from_dict
from knowledge.store import Known, SqliteStore

_names = st.text(min_size=1, max_size=20)
_lists = st.lists(_names, max_size=4).map(tuple)
_extra = st.dictionaries(st.sampled_from(["owner", "unit", "note"]), st.text(max_size=10), max_size=3)
_records: st.SearchStrategy[Record] = st.one_of(
    st.builds(JobRecord, _names, _lists, _lists, extra=_extra),
    st.builds(TableRecord, _names, _lists, _lists, extra=_extra),
    st.builds(DashboardRecord, _names, _lists, st.none() | st.text(max_size=20), st.none() | _lists, extra=_extra),
    st.builds(KpiRecord, _names, st.text(max_size=20), _lists, extra=_extra),
)


@given(_records)
def test_every_record_survives_its_own_format(record: Record) -> None:
    assert record_from_dict(record.to_dict()) == record


@settings(max_examples=25, deadline=None)
@given(st.lists(_records, max_size=6))
def test_the_store_gives_back_the_latest_of_each(
    tmp_path_factory: pytest.TempPathFactory, records: list[Record]
) -> None:
    store = SqliteStore(tmp_path_factory.mktemp("s") / "r.sqlite")
    store.save(records)
    latest = {r.key: r for r in records}
    assert {r.key: r for r in store.list()} == latest
    for key, record in latest.items():
        assert store.get(*key) == record


def test_the_users_own_format_is_kept() -> None:
    data = {"object_type": "JOB", "object_name": "j", "reads_from": ["a"], "writes_to": ["b"], "cost_centre": 7}
    written = record_from_dict(data).to_dict()
    assert {k: written[k] for k in data} == data


def snapshot(digest: str) -> Snapshot:
    return Snapshot("JOB", "j", "2026-11-20T06:00:00Z", digest, {"plan": digest})


def test_history_is_appended_and_an_unchanged_snapshot_is_not_repeated(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "r.sqlite")
    for digest in ("1", "1", "2", "1"):
        store.save([], [snapshot(digest)])
    assert [s.content_hash for s in store.history("JOB", "j")] == ["1", "2", "1"]


def test_a_store_that_is_not_there_is_empty_and_reading_does_not_make_it(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "r.sqlite")
    assert store.list() == []
    assert store.get("JOB", "j") is None
    assert not (tmp_path / "r.sqlite").exists()


def test_a_failed_save_leaves_nothing_of_itself(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "r.sqlite")
    store.save([JobRecord("before")])
    unwritable = Snapshot("JOB", "j", "t", "1", {"bad": object()})
    with pytest.raises(TypeError):
        store.save([JobRecord("after")], [unwritable])
    assert [r.name for r in store.list()] == ["before"]


def test_a_store_that_another_process_is_just_making_is_empty(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    sqlite3.connect(path).execute("PRAGMA journal_mode = WAL")
    store = SqliteStore(path)
    assert store.list() == []
    assert store.history("JOB", "j") == []


def test_a_file_that_is_no_store_is_said_to_be_that(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    path.write_text("this is not a database, and long enough to be sure of it" * 20)
    with pytest.raises(ReadError, match=r"r\.sqlite"):
        SqliteStore(path).list()


def _write(path: Path, name: str, times: int) -> None:
    store = SqliteStore(path)
    for i in range(times):
        store.save([JobRecord(f"{name}-{i}")], [Snapshot("JOB", "shared", "t", f"{name}-{i}", {})])


def test_two_processes_writing_at_once_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write, args=(path, name, 25)) for name in ("a", "b")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    store = SqliteStore(path)
    assert len(store.list("JOB")) == 50
    assert {s.content_hash for s in store.history("JOB", "shared")} == {f"{n}-{i}" for n in "ab" for i in range(25)}


def _join_readers(path: Path, name: str, times: int) -> None:
    store = SqliteStore(path)
    for i in range(times):

        def join(known: Known, reader: str = f"{name}-{i}") -> Iterable[Record]:
            table = known("TABLE", "shared")
            assert isinstance(table, TableRecord)
            return [replace(table, read_by=(*table.read_by, reader))]

        store.update(join)


def test_two_processes_that_extend_one_record_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    SqliteStore(path).save([TableRecord("shared")])
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_join_readers, args=(path, name, 25)) for name in ("a", "b")]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(60)
    (table,) = SqliteStore(path).list("TABLE")
    assert isinstance(table, TableRecord)
    assert sorted(table.read_by) == sorted(f"{n}-{i}" for n in "ab" for i in range(25))


def _die_before_the_snapshot(path: Path) -> None:
    def die(_: int) -> Snapshot:
        os._exit(9)

    # The records are in by the time that the first snapshot is asked for.
    SqliteStore(path).save([JobRecord("j", ("a",), ("b",))], map(die, [1]))


def test_a_crash_between_record_and_snapshot_leaves_neither(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    store = SqliteStore(path)
    store.save([JobRecord("j")], [snapshot("1")])
    writer = multiprocessing.get_context("spawn").Process(target=_die_before_the_snapshot, args=(path,))
    writer.start()
    writer.join(60)
    assert writer.exitcode == 9
    assert store.get("JOB", "j") == JobRecord("j")
    assert [s.content_hash for s in store.history("JOB", "j")] == ["1"]
    store.save([JobRecord("j", ("a",))], [snapshot("2")])
    assert [s.content_hash for s in store.history("JOB", "j")] == ["1", "2"]


def test_the_newest_snapshots_come_oldest_first(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "r.sqlite")
    for digest in ("1", "2", "3"):
        store.save([], [snapshot(digest)])
    assert [s.content_hash for s in store.history("JOB", "j", 2)] == ["2", "3"]


def test_a_writer_killed_in_the_middle_leaves_the_last_whole_state(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    store = SqliteStore(path)
    store.save([JobRecord("whole")])
    torn = sqlite3.connect(path, isolation_level=None)
    torn.execute("BEGIN IMMEDIATE")
    torn.execute("INSERT INTO records VALUES ('JOB', 'half', '{}')")
    torn.close()  # gone without a commit, as after kill -9
    assert [r.name for r in store.list()] == ["whole"]
