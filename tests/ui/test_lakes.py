"""`init` makes a lake of a folder; the demo lake is built once."""

import shutil
from pathlib import Path


def test_init_says_what_it_understood_and_then_the_folder_can_be_asked(command, own_shop: Path, tmp_path: Path) -> None:
    folder = tmp_path / "exports"
    shutil.copytree(own_shop / "tables" / "shop" / "customers", folder / "people")
    (folder / "scripts").mkdir()
    (folder / "scripts" / "make.sql").write_text("INSERT INTO gold SELECT name FROM people WHERE segment = 'gold'")

    said = command("init", str(folder))

    assert said.code == 0
    assert "people" in said.out
    assert "scripts/make.sql" in said.out
    assert (folder / "copilot.toml").is_file()
    assert "name" in command("schema", "people", lake=folder).out
    assert "make" in command("lineage", "people", "--down", lake=folder).out


def test_init_keeps_a_copilot_toml_that_is_there(command, own_shop: Path) -> None:
    (own_shop / "copilot.toml").write_text("# mine\n")

    refused = command("init", str(own_shop), "--json")
    forced = command("init", str(own_shop), "--json", "--force")

    assert (refused.code, refused.data["error"]) == (2, "bad_input")
    assert (forced.code, forced.data["jobs"]) == (0, ["jobs/loyalty_job.py", "jobs/revenue_job.sql"])
    assert "# mine" not in (own_shop / "copilot.toml").read_text()


def test_init_of_a_folder_that_is_not_there(command, tmp_path: Path) -> None:
    assert command("init", str(tmp_path / "nowhere")).code == 3


def test_the_demo_is_not_built_over_a_persons_own_files(command, own_shop: Path) -> None:
    said = command("demo", "--path", str(own_shop), "--build-only")

    assert said.code == 2
    assert "not empty" in said.err
    assert (own_shop / "kpis.json").is_file()
