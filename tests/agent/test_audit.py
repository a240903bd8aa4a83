"""What was asked is recorded, line by whole line, and an answer can be computed again by its id."""

from __future__ import annotations

import json
import multiprocessing
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from agent.audit import AuditLog
from agent.copilot import build_copilot
from agent.direct import DirectCopilot
from agent.replay import replay
from knowledge.errors import InputError, NotFound
from tests.lakes import shop
from tools.receipts import differences, receipt
from tools.settings import PrivacySettings
from tools.workspace import Workspace


@pytest.fixture
def log(tmp_path: Path) -> AuditLog:
    return AuditLog(tmp_path / "state" / "audit.jsonl")


def test_a_question_is_one_line_with_its_tools_and_what_they_read(wealth: Workspace, log: AuditLog) -> None:
    answer = build_copilot(wealth, audit=log).ask("how many rows does raw_customers have", "team")
    (entry,) = log.entries()

    assert entry["id"] == answer.id == answer.to_dict()["id"]
    assert entry["thread"] == "team"
    assert entry["model"] == "offline"
    assert entry["error"] is None
    assert entry["seconds"] > 0
    (tool,) = entry["tools"]
    assert (tool["name"], tool["args"]["asset"], tool["ok"]) == ("stats", "raw_customers", True)
    assert tool["bytes_scanned"] == entry["bytes_scanned"] > 0
    assert tool["evidence"][0].startswith("query ")


def test_without_a_framework_the_same_is_recorded(wealth: Workspace, log: AuditLog) -> None:
    DirectCopilot(wealth, log).ask("who reads dim_product")
    build_copilot(wealth, audit=log).ask("who reads dim_product")
    first, second = log.entries()
    assert first["tools"][0]["digest"] == second["tools"][0]["digest"]


def test_secrets_and_personal_data_are_not_in_the_log(wealth: Workspace, log: AuditLog) -> None:
    copilot = build_copilot(wealth, audit=log)
    copilot.ask("what columns does dim_product have? mail jane.doe@example.com, password=hunter2hunter2")
    copilot.ask("min and max of email in raw_customers")
    text = log.path.read_text(encoding="utf-8")

    assert "jane.doe" not in text
    assert "hunter2" not in text
    assert "@example" not in text
    assert "[masked email]" in text


def test_with_masking_off_the_log_has_what_was_said(wealth: Workspace, log: AuditLog) -> None:
    settings = wealth.settings.model_copy(update={"privacy": PrivacySettings(mask="never")})
    build_copilot(replace(wealth, settings=settings), audit=log).ask("what is in dim_product for a@b.example")
    assert "a@b.example" in log.path.read_text(encoding="utf-8")


def test_an_answer_that_is_stopped_is_recorded_as_such(wealth: Workspace, log: AuditLog) -> None:
    events = build_copilot(wealth, audit=log).stream("who reads dim_product")
    next(events)
    assert isinstance(events, Generator)
    events.close()
    (entry,) = log.entries()
    assert entry["error"] == "stopped"


def test_a_log_that_cannot_be_written_costs_no_answer(wealth: Workspace, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    answer = build_copilot(wealth, audit=AuditLog(tmp_path / "file" / "audit.jsonl")).ask("who reads dim_product")
    assert answer.error is None
    assert answer.id is None
    assert "id" not in answer.to_dict()


def _write_many(path: Path, who: int) -> None:
    for number in range(60):
        AuditLog(path).write({"id": f"{who}-{number}", "text": "x" * 5_000})


def test_lines_of_several_processes_stay_whole(log: AuditLog) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_many, args=(log.path, who)) for who in range(3)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    lines = log.path.read_text(encoding="utf-8").splitlines()
    assert len(lines) == 180
    assert {len(json.loads(line)["text"]) for line in lines} == {5_000}


def test_a_line_that_a_dying_process_left_half_spoils_no_other(log: AuditLog) -> None:
    log.write({"id": "a"})
    with log.path.open("a", encoding="utf-8") as file:
        file.write('{"id": "b", "te')
    log.write({"id": "c"})
    assert [e["id"] for e in log.entries()] == ["a", "c"]


# ------------------------------------------------------------------------------------------ replay


def test_an_answer_is_the_same_until_the_lake_changes_and_then_what_differs_is_named(
    tmp_path: Path, log: AuditLog
) -> None:
    ws = shop(tmp_path / "lake")
    answer = build_copilot(ws, audit=log).ask("who reads the sales table")
    assert answer.id
    before = replay(ws, log, answer.id)
    assert before.same
    assert "the same now (1 result computed again)" in before.text()

    (tmp_path / "lake" / "jobs" / "more_job.sql").write_text(
        "INSERT INTO copy SELECT id, name, name FROM sales\n", "utf-8"
    )
    ws.refresh()
    after = replay(ws, log, answer.id[:6])
    assert not after.same
    assert "`job more_job` is new" in after.text()


def test_what_the_log_does_not_keep_is_not_replayed_and_said_so(wealth: Workspace, log: AuditLog) -> None:
    answer = build_copilot(wealth, audit=log).ask("was there an incident about jane.doe@example.com and dim_customer")
    assert answer.id
    found = replay(wealth, log, answer.id)
    assert not found.same
    assert "does not keep" in found.unknowns[0]


def test_an_unknown_id_and_another_lake_are_refused(wealth: Workspace, log: AuditLog, tmp_path: Path) -> None:
    answer = build_copilot(wealth, audit=log).ask("who reads dim_product")
    assert answer.id
    with pytest.raises(NotFound, match="nothing-like-it"):
        replay(wealth, log, "nothing-like-it")
    with pytest.raises(InputError, match="another lake"):
        replay(shop(tmp_path / "shop"), log, answer.id)


def artifact(data: dict[str, Any]) -> dict[str, Any]:
    return {"kind": "k", "data": data, "evidence": []}


def test_a_receipt_ignores_when_and_under_which_id_and_tells_figures() -> None:
    kept = receipt(artifact({"rows": 1, "query_id": "a", "seconds": 1.0, "columns": [{"name": "x"}, {"name": "y"}]}))
    same = receipt(artifact({"rows": 1, "query_id": "b", "seconds": 2.0, "columns": [{"name": "x"}, {"name": "y"}]}))
    other = receipt(artifact({"rows": 2, "query_id": "b", "seconds": 2.0, "columns": [{"name": "x"}]}))
    assert differences(kept, same) == []
    assert differences(kept, other) == ["rows: was 1, is 2", "columns: `y` is gone"]
