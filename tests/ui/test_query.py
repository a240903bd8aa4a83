"""`de-copilot query`, and the receipts of an answer, as a person uses them."""

import json
import re
from pathlib import Path


def test_rows_are_a_table_with_what_they_cost(command, shop: Path) -> None:
    said = command("query", "SELECT segment, count(*) AS n FROM customers GROUP BY 1 ORDER BY 1", "--lake", str(shop))
    assert said.code == 0
    assert said.out.splitlines()[0].split() == ["segment", "n"]
    assert "scanned, query " in said.out


def test_a_statement_that_changes_something_is_refused(command, shop: Path) -> None:
    said = command("query", "DELETE FROM customers", "--lake", str(shop), "--json")
    assert said.code == 5
    assert "Only SELECT" in json.loads(said.out)["message"]


def test_an_answer_names_its_id_and_replay_computes_it_again(command, own_shop: Path, own_state: Path) -> None:
    asked = json.loads(command("ask", "who reads orders", "--lake", str(own_shop), "--json").out)
    assert (own_state / "audit.jsonl").is_file()
    again = command("replay", asked["id"], "--lake", str(own_shop))
    assert again.code == 0
    assert "the same now" in again.out

    (own_shop / "jobs" / "loyalty_job.py").unlink()
    differs = command("replay", asked["id"], "--lake", str(own_shop), "--json")
    assert differs.code == 1
    assert json.loads(differs.out)["same"] is False


def test_receipts_below_an_answer_name_its_calls_and_their_places(command, shop: Path) -> None:
    said = command("ask", "who reads orders", "--receipts", "--lake", str(shop))

    below = said.out.partition("**Receipts**")[2]
    assert "asset=" in below
    assert "orders" in below
    assert re.search(r"code jobs/\w+\.\w+:\d+", below)
    assert "0 bytes scanned" in below
    assert "Receipts" not in command("ask", "who reads orders", "--lake", str(shop)).out


def test_without_an_audit_log_there_is_no_id_and_nothing_to_replay(command, shop: Path, monkeypatch) -> None:
    monkeypatch.setenv("DE_COPILOT_AUDIT_OFF", "true")
    assert "id" not in json.loads(command("ask", "who reads orders", "--lake", str(shop), "--json").out)
    said = command("replay", "abc", "--lake", str(shop))
    assert said.code != 0
    assert "no audit log is kept" in said.err
