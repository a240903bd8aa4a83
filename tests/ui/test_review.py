"""The review of a pull request: one comment, with an exit code, from a real git checkout."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.lakes import shop
from ui.cli import run

ROOT = Path(__file__).parents[2]


def git(folder: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.com", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", "-C", str(folder), *identity, *arguments], check=True, capture_output=True)


@pytest.fixture
def lake(tmp_path: Path) -> Path:
    """A lake inside a repository, on a branch that has not changed anything yet."""
    shop(tmp_path / "repo" / "lake")
    git(tmp_path / "repo", "init", "-b", "main")
    git(tmp_path / "repo", "add", ".")
    git(tmp_path / "repo", "commit", "-m", "first")
    git(tmp_path / "repo", "checkout", "-b", "mine")
    return tmp_path / "repo" / "lake"


def edit(lake: Path, job: str, old: str, new: str) -> None:
    script = lake / "jobs" / f"{job}.sql"
    text = script.read_text(encoding="utf-8")
    assert old in text
    script.write_text(text.replace(old, new), encoding="utf-8")


def reviewed(lake: Path, capsys: pytest.CaptureFixture[str], *more: str) -> tuple[int, str]:
    code = run(["review", "--base", "main", "--lake", str(lake), *more])
    return code, capsys.readouterr().out


def test_a_branch_without_a_changed_job_passes(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert reviewed(lake, capsys) == (0, "### DE Copilot: no job and no table changed against `main`\n")


def test_a_reformatting_is_no_change(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(lake, "sales_job", "JOIN names n ON n.id = r.id", "INNER JOIN names AS n\n  ON r.id = n.id -- same")
    code, comment = reviewed(lake, capsys, "--fail-on", "low")
    assert code == 0
    assert "No semantic change" in comment


def test_an_edit_is_told_with_its_lines_and_what_it_reaches(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(lake, "sales_job", "'SALE'", "'RETURN'")
    git(lake, "commit", "-am", "returns")
    code, comment = reviewed(lake, capsys, "--fail-on", "medium")
    assert "keeps other rows" in comment
    assert "main:jobs/sales_job.sql:5" in comment
    assert "| kpi | Revenue | values change |" in comment
    assert code == 1
    assert reviewed(lake, capsys, "--fail-on", "none")[0] == 0


def test_a_column_that_goes_breaks_its_readers(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    edit(
        lake,
        "sales_job",
        "SELECT r.id, r.price, n.name, r.day",
        "SELECT r.id, CAST(NULL AS DOUBLE) AS price, n.name, r.day",
    )
    (lake / "jobs" / "copy_job.sql").unlink()
    code, printed = reviewed(lake, capsys, "--json")
    found = json.loads(printed)
    by_job = {j["job"]: j for j in found["jobs"]}
    assert by_job["copy_job"]["state"] == "removed"
    assert [r["name"] for r in by_job["copy_job"]["reached"]] == ["Names"]
    assert by_job["sales_job"]["diff"]["breaking"] is True
    assert code == 1


def describe(lake: Path, table: str, columns: dict[str, str]) -> None:
    described = {"columns": [{"name": c, "type": t} for c, t in columns.items()]}
    (lake / "tables" / "d" / table / "_table.json").write_text(json.dumps(described), encoding="utf-8")


def test_a_column_that_goes_from_a_tables_file_breaks_its_readers(
    lake: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    describe(lake, "raw", {"id": "bigint", "kind": "varchar", "day": "date"})

    code, comment = reviewed(lake, capsys)

    assert "1 table changed, severity **high**" in comment
    assert "table `raw` (tables/d/raw/_table.json): changed\n\n- dropping `raw.price`" in comment
    assert "| job | sales_job | breaks |" in comment
    assert code == 1


def test_a_rename_is_no_break_where_the_job_was_edited_along(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    describe(lake, "raw", {"id": "bigint", "amount": "double", "kind": "varchar", "day": "date"})
    _, alone = reviewed(lake, capsys, "--json")
    edit(lake, "sales_job", "r.price", "r.amount AS price")
    _, both = reviewed(lake, capsys, "--json")

    (table,) = json.loads(alone)["tables"]
    assert table["changes"] == ["renaming `raw.price` to `amount`"]
    assert ["job", "sales_job", "breaks"] in [[r["kind"], r["name"], r["verdict"]] for r in table["reached"]]
    (table,) = json.loads(both)["tables"]
    assert "breaks" not in {r["verdict"] for r in table["reached"]}


def test_a_table_that_goes_and_one_that_only_says_more(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (lake / "tables" / "d" / "names" / "_table.json").unlink()
    file = lake / "tables" / "d" / "daily" / "_table.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "description": "One row a day."}), encoding="utf-8")
    (lake / "tables" / "d" / "raw" / "_table.json").write_text("{", encoding="utf-8")

    _, printed = reviewed(lake, capsys, "--json")

    found = {t["table"]: t for t in json.loads(printed)["tables"]}
    assert (found["d.names"]["state"], found["d.names"]["severity"]) == ("removed", "high")
    assert (found["d.daily"]["severity"], found["d.daily"]["note"]) == ("none", "The columns are the same.")
    assert found["d.raw"]["state"] == "unreadable"


def test_a_new_job_is_named_before_it_is_committed(lake: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (lake / "jobs" / "new_job.sql").write_text("CREATE TABLE extra AS SELECT id FROM raw", encoding="utf-8")
    code, comment = reviewed(lake, capsys)
    assert code == 0
    assert "`new_job` (jobs/new_job.sql): added" in comment


def test_what_is_no_checkout_and_what_is_no_revision_is_said(lake: Path, tmp_path: Path) -> None:
    shop(tmp_path / "plain")
    assert run(["review", "--lake", str(tmp_path / "plain")]) == 2
    assert run(["review", "--base", "nowhere", "--lake", str(lake)]) == 3


def test_the_action_hands_inputs_over_by_variables_and_not_as_text() -> None:
    """An expression inside a script would run what somebody puts into a branch's name."""
    action = yaml.safe_load((ROOT / "action.yml").read_text(encoding="utf-8"))
    scripts = [s["run"] for s in action["runs"]["steps"] if "run" in s]
    assert not any("${{ inputs" in s or "${{ github.event" in s for s in scripts)
