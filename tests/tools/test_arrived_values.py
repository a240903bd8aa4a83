"""Values that came and went in the newest rows of a table, and who does not expect them."""

from __future__ import annotations

import datetime
import json
from pathlib import Path

import pytest

from knowledge.errors import NotFound
from tests.lakes import put
from tools.changes import Change, parse_change
from tools.impact import ImpactResult, impact
from tools.settings import load_settings
from tools.workspace import Workspace, open_workspace
from ui.cli import run

JOB = "INSERT INTO open\nSELECT id, CASE WHEN status = 'NEW' THEN 1 ELSE 0 END AS fresh FROM orders WHERE status IN ('NEW', 'PAID')\n"
TESTS = """table: orders
checks:
  - id: accepted_values(status)
    kind: accepted_values
    columns: [status]
    parameters: {values: [NEW, PAID]}
    severity: error
    enabled: true
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """orders by day, five days long with two values and today with what a test puts there; a job that lists them."""
    for number in range(5):
        day(tmp_path, number, ["NEW", "PAID"])
    (tmp_path / "jobs").mkdir()
    (tmp_path / "jobs" / "open_job.sql").write_text(JOB, encoding="utf-8")
    boards = [{"dashboard_name": "Status", "tables_used": ["orders"], "columns_used": ["orders.status"]}]
    (tmp_path / "dashboards.json").write_text(json.dumps(boards), encoding="utf-8")
    return tmp_path


def day(root: Path, number: int, statuses: list[str]) -> None:
    rows = 40
    put(
        root,
        "orders",
        {
            "id": [number * 100 + i for i in range(rows)],
            "status": [statuses[i % len(statuses)] for i in range(rows)],
            "email": [f"{statuses[i % len(statuses)]}@x.org" for i in range(rows)],
        },
        datetime.date(2026, 3, 1) + datetime.timedelta(days=number),
    )


def opened(root: Path) -> Workspace:
    return open_workspace(load_settings(lake=root, environ={}))


def values_of(root: Path, column: str | None = None) -> ImpactResult:
    return impact(opened(root), Change("change_values", "orders", column))


def test_where_no_value_came_or_went_nothing_is_to_be_edited(root: Path) -> None:
    day(root, 5, ["NEW", "PAID"])

    found = values_of(root)

    assert (found.impacted, found.writers) == ([], ())
    assert "No value came or went" in found.text()


def test_a_new_value_is_told_by_its_rows_and_followed_to_who_does_not_expect_it(root: Path) -> None:
    day(root, 5, ["NEW", "PAID", "CRYPTO", "PAID"])

    found = values_of(root)

    assert "`day=2026-03-06` against 5 earlier batches: new is 'CRYPTO' (10 rows)" in found.text()
    assert {i.name: i.verdict for i in found.items}["open_job"] == "unexpected"
    assert {i.name: i.verdict for i in found.items}["Status"] == "values_change"


def test_a_value_that_every_day_held_and_today_does_not_is_told_too(root: Path) -> None:
    day(root, 5, ["PAID"])

    assert "no row of `day=2026-03-06` holds 'NEW'" in values_of(root, "status").text()


def test_several_values_are_one_answer(root: Path) -> None:
    day(root, 5, ["NEW", "PAID", "CRYPTO", "GIFT"])

    found = values_of(root)

    (job,) = (i for i in found.items if i.name == "open_job")
    assert found.change.kind == "change_values"
    assert "'CRYPTO'" in found.text()
    assert "'GIFT'" in found.text()
    assert job.verdict == "unexpected"
    assert found.severity == "medium"


def test_nothing_new_is_said_with_what_was_looked_at(root: Path) -> None:
    found = values_of(root)

    assert found.items == ()
    assert found.severity == "low"
    assert "No value came or went in the newest rows of `orders`. Looked at `status`." in found.text()


def test_personal_columns_are_not_asked(root: Path) -> None:
    day(root, 5, ["NEW", "CRYPTO"])

    assert "@x.org" not in values_of(root).text()
    assert "@x.org" not in values_of(root, "email").text()


def test_what_kept_tests_accept_is_the_measure_where_there_are_some(root: Path) -> None:
    for number in range(6):
        day(root, number, ["NEW", "CRYPTO"])
    assert values_of(root).items == (), "all days are alike"
    (root / "output" / "tests").mkdir(parents=True)
    (root / "output" / "tests" / "orders.yaml").write_text(TESTS, encoding="utf-8")

    found = values_of(root)

    assert "against what `output/tests/orders.yaml` accepts: new is 'CRYPTO' (20 rows)" in found.text()
    assert {i.name: i.verdict for i in found.items}["open_job"] == "unexpected"


def test_a_table_of_one_piece_without_tests_has_nothing_to_be_compared_with(tmp_path: Path) -> None:
    put(tmp_path, "kinds", {"kind": ["A", "B"] * 20})
    (tmp_path / "jobs").mkdir()

    found = impact(opened(tmp_path), Change("change_values", "kinds"))

    assert "Of `kind` no earlier values are known" in found.text()


@pytest.mark.parametrize(
    ("words", "change"),
    [
        ("did any new status value appear?", Change("change_values", None, "status")),
        ("are there any new values in orders.status", Change("change_values", "orders.status")),
        ("have new status values appeared in orders since yesterday?", Change("change_values", "orders", "status")),
        ("which status values vanished from orders?", Change("change_values", "orders", "status")),
        ("any unexpected codes in orders today?", Change("change_values", "orders")),
        ("new status value CRYPTO", Change("new_value", None, "status", value="CRYPTO")),
    ],
)
def test_the_question_is_told_from_a_value_that_is_named(words: str, change: Change) -> None:
    assert parse_change(words) == change


def test_a_table_and_a_column_stand_in_the_same_place(root: Path) -> None:
    whole = impact(opened(root), parse_change("are there any new values in orders?"))
    one = impact(opened(root), parse_change("are there any new values in orders.status?"))

    assert (whole.change.table, whole.change.column) == ("d.orders", None)
    assert (one.change.table, one.change.column) == ("d.orders", "status")
    with pytest.raises(NotFound):
        impact(opened(root), parse_change("any new values in nowhere?"))


def test_the_command_tells_the_values_of_a_table(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    day(root, 5, ["NEW", "CRYPTO"])

    assert run(["impact", "--table", "orders", "--values", "--lake", str(root)]) == 0
    assert "CRYPTO" in capsys.readouterr().out
    assert run(["impact", "drop column orders.id", "--values", "--lake", str(root)]) != 0
