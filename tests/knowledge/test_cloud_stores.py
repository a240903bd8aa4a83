"""The stores on AWS when things go wrong: conflicts, throttling, writers that die, and what is not allowed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import pytest

from knowledge.errors import ConfigError, Unavailable
from knowledge.records import JobRecord, Record, TableRecord
from knowledge.store import Known, RecordStore, open_store
from knowledge.store.dynamodb import DynamoShelf
from knowledge.store.s3 import S3Shelf
from knowledge.store.shelf import Shelf, ShelfStore
from tests.knowledge.stores import Maker, maker
from tests.wire.services import Services

MANY = [JobRecord(f"job_{i:03}") for i in range(101)]


@pytest.fixture(params=["s3", "dynamodb"])
def cloud_store(request: pytest.FixtureRequest, aws: Services, tmp_path: Path) -> Maker:
    return maker(request.param, tmp_path)


@pytest.fixture
def dynamodb(aws: Services, tmp_path: Path) -> Maker:
    return maker("dynamodb", tmp_path)


@pytest.fixture
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.sleep", lambda _: None)


def shelf_of(store: RecordStore) -> Shelf:
    assert isinstance(store, ShelfStore)
    return store._shelf


def test_a_record_that_changed_meanwhile_is_looked_up_again(dynamodb: Maker) -> None:
    store, other = dynamodb(), dynamodb()
    store.save([TableRecord("t")])
    looked_up: list[Any] = []

    def add(known: Known) -> Iterable[Record]:
        table = known("TABLE", "t")
        assert isinstance(table, TableRecord)
        looked_up.append(table.read_by)
        if len(looked_up) == 1:
            other.save([replace(table, read_by=("other",))])
        return [replace(table, read_by=(*table.read_by, "mine"))]

    store.update(add)
    assert looked_up == [(), ("other",)]
    assert store.get("TABLE", "t") == TableRecord("t", read_by=("other", "mine"))


def test_what_was_only_looked_up_is_a_condition_too(dynamodb: Maker) -> None:
    store, other = dynamodb(), dynamodb()
    rounds: list[bool] = []

    def judge(known: Known) -> Iterable[Record]:
        there = known("JOB", "writer") is not None
        rounds.append(there)
        if len(rounds) == 1:
            other.save([JobRecord("writer")])
        return [TableRecord("t", written_by=("writer",) if there else ())]

    store.update(judge)
    assert rounds == [False, True]
    assert store.get("TABLE", "t") == TableRecord("t", written_by=("writer",))


@pytest.mark.usefixtures("no_waiting")
@pytest.mark.parametrize("operation", ["GetItem", "Query", "TransactWriteItems"])
def test_throttling_is_waited_out(dynamodb: Maker, aws: Services, operation: str) -> None:
    store = dynamodb()
    aws.fault(operation, status=400, code="ProvisionedThroughputExceededException", times=3)
    store.save([JobRecord("j")])

    assert [r.name for r in store.list("JOB")] == ["j"]


@pytest.mark.usefixtures("no_waiting")
def test_throttling_without_end_is_said_and_nothing_is_half_written(dynamodb: Maker, aws: Services) -> None:
    store = dynamodb()
    aws.fault("TransactWriteItems", status=400, code="ThrottlingException", times=1_000)
    with pytest.raises(Unavailable, match="busy"):
        store.save([JobRecord("j"), JobRecord("k")])
    aws.heal()

    assert list(store.list()) == []


@pytest.mark.usefixtures("no_waiting")
def test_slow_down_from_s3_is_waited_out(aws: Services, tmp_path: Path) -> None:
    store = maker("s3", tmp_path)()
    aws.fault("PUT /records", status=503, code="SlowDown", times=3)
    aws.fault("GET /records", status=503, code="SlowDown", times=3)
    store.save([JobRecord("j")])

    assert store.get("JOB", "j") == JobRecord("j")


@pytest.mark.usefixtures("no_waiting")
def test_s3_out_of_order_in_the_middle_of_a_save_is_finished_by_the_next_reader(aws: Services, tmp_path: Path) -> None:
    opened = maker("s3", tmp_path)
    aws.fault("PUT .*/knowledge/records/JOB/", status=503, code="SlowDown", times=60)
    with pytest.raises(Unavailable):
        opened().save([JobRecord("a"), JobRecord("b")])
    aws.heal()

    # The journal was committed: the save counts, and whoever comes next completes it.
    assert [r.name for r in opened().list("JOB")] == ["a", "b"]


def test_a_writer_that_dies_before_it_commits_has_written_nothing(cloud_store: Maker) -> None:
    store = cloud_store()
    lock = {"state": "open", "owner": "dead", "until": 0}
    shelf_of(store).write_if("journal/state", json.dumps(lock), None)

    store.save(MANY)
    assert len(store.list("JOB")) == len(MANY)


def test_a_lock_that_is_held_is_respected(cloud_store: Maker) -> None:
    opened = cloud_store()
    lock = {"state": "open", "owner": "alive", "until": 9_999_999_999}
    shelf_of(opened).write_if("journal/state", json.dumps(lock), None)

    impatient = ShelfStore(shelf_of(opened), wait_seconds=0.05)
    with pytest.raises(Unavailable, match="busy"):
        impatient.save(MANY)
    assert list(impatient.list()) == []


def test_a_committed_save_is_finished_by_the_next_reader_and_never_over_newer_records(cloud_store: Maker) -> None:
    store = cloud_store()
    store.save([JobRecord("old", ("a",))])
    shelf = shelf_of(store)
    replaced = shelf.read("records/JOB/old")
    state = shelf.read("journal/state")
    assert replaced is not None
    writes: list[tuple[str, str, str | None]] = [
        ("records/JOB/old", json.dumps(JobRecord("old", ("b",)).to_dict()), replaced[1]),
        ("records/JOB/new", json.dumps(JobRecord("new").to_dict()), None),
    ]
    committed = json.dumps({"state": "committed", "writes": writes})
    assert shelf.write_if("journal/state", committed, state[1] if state else None)

    assert store.get("JOB", "old") == JobRecord("old", ("b",))
    assert store.get("JOB", "new") == JobRecord("new")
    store.save([JobRecord("old", ("c",))])
    for key, text, version in writes:  # a writer that slept since then goes on applying
        shelf.write_if(key, text, version)
    assert store.get("JOB", "old") == JobRecord("old", ("c",))


def test_a_small_save_does_not_slip_in_beside_a_large_one(dynamodb: Maker) -> None:
    store = dynamodb()
    shelf = shelf_of(store)
    lock = {"state": "open", "owner": "large", "until": 9_999_999_999}
    assert shelf.write_if("journal/state", json.dumps(lock), None)

    assert not shelf.write_all({"records/JOB/j": "{}"}, {"journal/state": None})
    assert shelf.read("records/JOB/j") is None


def test_large_bodies_lie_on_s3_and_the_table_points_at_them(dynamodb: Maker, aws: Services) -> None:
    store = dynamodb()
    store.save([JobRecord("small"), JobRecord("large", extra={"code": "x" * 500_000})])
    (table,) = boto3.client("dynamodb").list_tables()["TableNames"]
    items = boto3.client("dynamodb").scan(TableName=table)["Items"]

    assert {i["sk"]["S"]: "spilled" in i for i in items} == {"#small": False, "#large": True}
    with pytest.raises(ConfigError, match="DE_COPILOT_RECORDS_SPILL"):
        ShelfStore(DynamoShelf(table)).get("JOB", "large")


def test_a_large_body_without_a_place_for_it_is_refused_before_anything_is_written(dynamodb: Maker) -> None:
    dynamodb()
    (table,) = boto3.client("dynamodb").list_tables()["TableNames"]
    store = ShelfStore(DynamoShelf(table))
    with pytest.raises(ConfigError, match="more than a DynamoDB item holds"):
        store.save([JobRecord("a"), JobRecord("b", extra={"code": "x" * 500_000})])
    assert list(store.list()) == []


def test_a_table_or_bucket_that_is_not_there_is_named(aws: Services, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no-such-table"):
        open_store("dynamodb:no-such-table", beside=tmp_path).list()
    with pytest.raises(ConfigError, match="no-such-bucket"):
        open_store("s3://no-such-bucket/x", beside=tmp_path).list()


def test_a_denied_action_is_named(dynamodb: Maker, aws: Services) -> None:
    store = dynamodb()
    aws.fault("TransactWriteItems", status=400, code="AccessDeniedException")
    with pytest.raises(ConfigError, match="Allow dynamodb:TransactWriteItems"):
        store.save([JobRecord("j")])


@pytest.mark.parametrize("where", ["", "redis:x", "dynamodb:", "s3://"])
def test_a_store_that_is_not_known_is_refused(tmp_path: Path, where: str) -> None:
    with pytest.raises(ConfigError):
        open_store(where, beside=tmp_path)


def test_records_on_s3_are_in_the_users_own_format(aws: Services, tmp_path: Path) -> None:
    maker("s3", tmp_path)().save([JobRecord("positions_job", ("raw_positions",), ("positions_fact",))])
    (bucket,) = (b["Name"] for b in boto3.client("s3").list_buckets()["Buckets"])
    body = S3Shelf(f"s3://{bucket}/knowledge").read("records/JOB/positions_job")

    assert body is not None
    assert json.loads(body[0])["object_name"] == "positions_job"
