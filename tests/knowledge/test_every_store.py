"""One suite over every record store: what a command, a chat and a Lambda may rely on, wherever records live."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

import pytest

from knowledge.records import DashboardRecord, JobRecord, KpiRecord, Record, Snapshot, TableRecord
from knowledge.store import Known, RecordStore
from tests.knowledge.stores import Maker

ODD_NAMES = ("a/b", "a b", "naïve · ü", "%2F", "..", "#1", "a\nb", "A", "a")


def snapshot(digest: str, name: str = "j") -> Snapshot:
    return Snapshot("JOB", name, "2026-11-20T06:00:00Z", digest, {"plan": digest})


def digests(store: RecordStore, name: str = "j") -> list[str]:
    return [s.content_hash for s in store.history("JOB", name)]


def at_once(*work: Callable[[], None]) -> None:
    """Runs each in a thread of its own; what one raises is raised here."""
    failed: list[BaseException] = []

    def run(task: Callable[[], None]) -> None:
        try:
            task()
        except BaseException as error:  # noqa: BLE001 - raised again below
            failed.append(error)

    threads = [threading.Thread(target=run, args=(task,)) for task in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    if failed:
        raise failed[0]


def test_an_empty_store_answers(new_store: Maker) -> None:
    store = new_store()
    assert list(store.list()) == []
    assert store.get("JOB", "j") is None
    assert list(store.history("JOB", "j")) == []
    assert dict(store.find("profiles")) == {}


def test_the_latest_of_each_record_comes_back_sorted(new_store: Maker) -> None:
    store = new_store()
    records: list[Record] = [
        KpiRecord("Total AUM", "SELECT 1", ("t",)),
        TableRecord("t", ("j",), ("k",), extra={"owner": "Ada"}),
        JobRecord("j", ("a",), ("t",)),
        DashboardRecord("Daily Risk", ("t",), None, ("t.x",)),
    ]
    store.save(records)
    store.save([JobRecord("j", ("a", "b"), ("t",))])

    again = new_store()
    assert again.get("JOB", "j") == JobRecord("j", ("a", "b"), ("t",))
    assert [r.key for r in again.list()] == sorted(r.key for r in records)
    assert list(again.list("TABLE")) == [records[1]]


def test_names_may_hold_anything(new_store: Maker) -> None:
    store = new_store()
    store.save([JobRecord(name) for name in ODD_NAMES], [snapshot("1", name) for name in ODD_NAMES])
    store.put("space/1", {name: {"is": name} for name in ODD_NAMES})

    assert [r.name for r in store.list("JOB")] == sorted(ODD_NAMES)
    assert all(store.get("JOB", name) == JobRecord(name) and digests(store, name) == ["1"] for name in ODD_NAMES)
    assert dict(store.find("space/1")) == {name: {"is": name} for name in sorted(ODD_NAMES)}
    assert list(store.find("space/1", "a")) == [name for name in sorted(ODD_NAMES) if name.startswith("a")]
    assert dict(store.find("space")) == {}


def test_history_is_appended_and_an_unchanged_snapshot_is_not_repeated(new_store: Maker) -> None:
    store = new_store()
    for digest in ("1", "1", "2", "1"):
        store.save([], [snapshot(digest)])
    store.save([], [snapshot("1"), snapshot("3"), snapshot("3"), snapshot("1")])

    assert digests(store) == ["1", "2", "1", "3", "1"]
    assert [s.content_hash for s in store.history("JOB", "j", 2)] == ["3", "1"]
    assert store.history("JOB", "j")[0] == snapshot("1")


def test_history_stays_in_order_beyond_ten(new_store: Maker) -> None:
    store = new_store()
    store.save([], [snapshot(str(i)) for i in range(30)])
    store.save([JobRecord("j")], [snapshot("last")])

    assert digests(store) == [*map(str, range(30)), "last"]


def test_what_is_kept_by_key_replaces_what_was_there(new_store: Maker) -> None:
    store = new_store()
    store.put("profiles", {"t\n1": {"rows": 1}, "t\n2": {"rows": 2}, "u\n1": {"rows": 3}})
    store.put("profiles", {"t\n1": {"rows": 9}})
    store.put("profiles", {})

    assert dict(store.find("profiles", "t\n")) == {"t\n1": {"rows": 9}, "t\n2": {"rows": 2}}
    assert len(store.find("profiles")) == 3


def test_a_failed_save_leaves_nothing_of_itself(new_store: Maker) -> None:
    store = new_store()
    store.save([JobRecord("before")])
    with pytest.raises(TypeError):
        store.save([JobRecord("after")], [Snapshot("JOB", "j", "t", "1", {"bad": object()})])

    assert [r.name for r in new_store().list()] == ["before"]


def test_a_change_that_fails_leaves_the_store_usable(new_store: Maker) -> None:
    store = new_store()

    def fail(known: Known) -> Iterable[Record]:
        known("JOB", "j")
        raise RuntimeError("the analysis failed")

    with pytest.raises(RuntimeError):
        store.update(fail)
    store.save([JobRecord("after")])
    assert [r.name for r in store.list()] == ["after"]


def test_many_records_at_once_are_all_there(new_store: Maker) -> None:
    names = [f"job_{i:02}" for i in range(51)]
    new_store().save([JobRecord(n) for n in names], [snapshot("1", n) for n in names])

    store = new_store()
    assert [r.name for r in store.list("JOB")] == names
    assert digests(store, "job_07") == ["1"]


def test_bodies_of_half_a_megabyte_survive(new_store: Maker) -> None:
    large: dict[str, Any] = {"plan": "ü" * 300_000}
    store = new_store()
    store.save([JobRecord("j", extra=large)], [Snapshot("JOB", "j", "t", "1", large)])
    store.put("profiles", {"k": large})

    again = new_store()
    assert again.get("JOB", "j") == JobRecord("j", extra=large)
    assert again.history("JOB", "j")[0].content == large
    assert again.find("profiles") == {"k": large}


def test_two_writers_that_extend_one_record_lose_nothing(new_store: Maker) -> None:
    new_store().save([TableRecord("shared")])

    def join(name: str) -> None:
        store = new_store()
        for i in range(4):

            def add(known: Known, reader: str = f"{name}-{i}") -> Iterable[Record]:
                table = known("TABLE", "shared")
                assert isinstance(table, TableRecord)
                return [replace(table, read_by=(*table.read_by, reader))]

            store.update(add, [snapshot(f"{name}-{i}")])

    at_once(lambda: join("a"), lambda: join("b"))
    table = new_store().get("TABLE", "shared")
    assert isinstance(table, TableRecord)
    everybody = sorted(f"{n}-{i}" for n in "ab" for i in range(4))
    assert sorted(table.read_by) == everybody
    assert sorted(digests(new_store())) == everybody
