"""Whatever goes wrong is told in a sentence, with an exit code, and never as a traceback."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.ui.conftest import write_job, write_table

ROOT = Path(__file__).resolve().parents[2]


def test_a_misspelt_table_gives_the_nearest_name(command, shop: Path) -> None:
    said = command("schema", "ordrs", lake=shop)

    assert (said.code, said.out) == (3, "")
    assert said.err == "error: table 'ordrs' was not found. Did you mean 'orders'?\n"


def test_a_program_gets_the_error_as_json_on_standard_output(command, shop: Path) -> None:
    said = command("schema", "ordrs", "--json", lake=shop)

    assert (said.code, said.err) == (3, "")
    assert {k: said.data[k] for k in ("error", "name", "nearest")} == {
        "error": "not_found",
        "name": "ordrs",
        "nearest": ["orders"],
    }


def test_an_unknown_table_gives_no_guess(command, shop: Path) -> None:
    said = command("stats", "zzz_nothing_of_the_kind", "--json", lake=shop)

    assert (said.code, said.data["nearest"]) == (3, [])


def test_a_column_that_several_tables_have_asks_which_one(command, shop: Path) -> None:
    said = command("impact", "drop column customer_id", "--json", lake=shop)

    assert (said.code, said.data["error"]) == (4, "ambiguous")
    assert {"customers.customer_id", "orders.customer_id"} <= set(said.data["candidates"])


def test_a_change_that_is_not_understood_shows_how_to_say_it(command, shop: Path) -> None:
    said = command("impact", "make it nicer", lake=shop)

    assert said.code == 2
    assert "drop column" in said.err


def test_an_empty_lake_has_nothing_and_says_so(command, tmp_path: Path) -> None:
    listed, missing, checked = (
        command(*line, lake=tmp_path) for line in (["tables"], ["schema", "orders"], ["doctor"])
    )

    assert (listed.code, listed.out) == (0, "Nothing here.\n")
    assert missing.code == 3
    assert checked.code == 0
    assert "has no tables" in checked.out
    assert "de-copilot init" in checked.out


def test_a_lake_that_is_not_there(command, tmp_path: Path) -> None:
    said = command("tables", lake=tmp_path / "nowhere")

    assert said.code == 3
    assert "nowhere" in said.err


def test_a_job_that_does_not_parse_is_named_and_the_rest_is_answered(command, own_shop: Path) -> None:
    write_job(own_shop, "broken_job.py", "spark.table('orders'\n  this is no python\n")

    answered = command("lineage", "revenue_daily", lake=own_shop)
    checked = command("doctor", lake=own_shop)

    assert answered.code == checked.code == 0
    assert "2 of 3 jobs read" in answered.out
    assert "not readable: broken_job" in answered.out
    assert "broken_job" in checked.out


def test_a_corrupt_file_is_named_with_its_place_and_other_tables_still_work(command, own_shop: Path) -> None:
    file = own_shop / "tables" / "shop" / "loyalty" / "part-0.parquet"
    file.write_bytes(b"PAR1 and then nothing of the kind")

    broken, whole = command("schema", "loyalty", lake=own_shop), command("schema", "orders", lake=own_shop)
    checked = command("doctor", "--json", lake=own_shop)

    assert (broken.code, whole.code) == (1, 0)
    assert str(file) in broken.err
    assert {"shop.loyalty"} == {
        c["found"].split(":")[0] for c in checked.data["checks"] if c["name"] == "tables" and c["todo"]
    }


def test_entries_that_cannot_be_used_are_told_by_doctor(command, own_shop: Path) -> None:
    (own_shop / "kpis.json").write_text('[{"kpi_name": "No SQL"}]')
    (own_shop / "dashboards.json").write_text("[{]")

    said = command("doctor", lake=own_shop)

    assert "kpis.json entry 1" in said.out
    assert "dashboards.json:1" in said.out


def test_a_wrong_setting_is_told_with_its_file(command, own_shop: Path) -> None:
    (own_shop / "copilot.toml").write_text('modle = "offline"\n')

    said = command("tables", lake=own_shop)
    checked = command("doctor", lake=own_shop)

    assert said.code == 2
    assert "modle" in said.err
    assert "copilot.toml" in said.err
    assert checked.code == 1
    assert "fail" in checked.out


@pytest.mark.parametrize(
    "line",
    [["schema"], ["imact", "x"], ["stats", "orders", "--days", "0"], ["lineage", "orders", "--kind", "view"]],
    ids=" ".join,
)
def test_a_command_that_is_not_put_right(command, shop: Path, line: list[str]) -> None:
    people, program = command(*line, lake=shop), command(*line, "--json", lake=shop)

    assert people.code == program.code == 2
    assert people.err.startswith("error: ")
    assert "--help" in people.err
    assert program.data["error"] == "usage"


class Breakdown(Exception):
    """Something nobody has foreseen."""


def break_down(*_: object) -> None:
    raise Breakdown("the very secret detail")


def test_an_unforeseen_failure_is_one_sentence_and_a_log(
    command, shop: Path, own_state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tools.toolbox.call_tool", break_down)

    said = command("tables", lake=shop)

    log = own_state / "failures.log"
    assert said.code == 70
    assert said.err.count("\n") == 1
    assert str(log) in said.err
    assert "Traceback" not in said.err
    assert "Breakdown: the very secret detail" in log.read_text()


def test_debug_shows_the_traceback(command, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tools.toolbox.call_tool", break_down)

    with pytest.raises(Breakdown):
        command("--debug", "tables", lake=shop)


def test_an_interrupted_command(command, shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("tools.toolbox.call_tool", interrupted)

    said = command("tables", lake=shop)

    assert (said.code, said.out, said.err) == (130, "", "")


def test_a_reader_that_has_gone_is_no_failure(own_shop: Path) -> None:
    for number in range(400):
        write_table(own_shop, f"table_with_quite_a_long_name_{number:04}", {"a": [1]})
    listing = subprocess.Popen(
        [sys.executable, "-m", "ui.cli", "--lake", str(own_shop), "assets", "--json"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert listing.stdout is not None
    assert listing.stderr is not None

    listing.stdout.readline()
    listing.stdout.close()

    assert listing.stderr.read() == ""
    assert listing.wait() == 0
    listing.stderr.close()


def test_json_is_json_also_when_the_question_is_wrong(command, tmp_path: Path) -> None:
    (tmp_path / "copilot.toml").write_text("lake = [")

    assert json.loads(command("schema", "x", "--json", lake=tmp_path).out)["error"] == "bad_config"
