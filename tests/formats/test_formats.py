"""Files for other tools, run by those tools: on good data and on each fault they say what our own runner says."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
import yaml

from tests.formats.material import CHECKS, FAULTS, build_lake
from tools.checks.evaluate import evaluate
from tools.checks.formats import dbt, soda
from tools.lake.base import Table
from tools.profile.batches import Batches, cut
from tools.settings import load_settings
from tools.workspace import Workspace, open_workspace

HERE = Path(__file__).parent
Verdicts = Mapping[str, Mapping[str, bool]]
"""Table -> check -> whether it holds."""

# Where a column is text that was a number, DuckDB goes on comparing; Athena, like our runner, refuses.
COMPARED = [f for f in FAULTS if f != "text_for_number"]
NOT_SAID = {("padded_city", "known_values(city)")}
"""That a new value is a known one misspelled is told by our runner only."""


def compared(fault: str, verdicts: Verdicts) -> dict[str, bool]:
    return {c: held for c, held in verdicts[f"t_{fault}"].items() if (fault, c) not in NOT_SAID}


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    root = tmp_path_factory.mktemp("lake")
    build_lake(root)
    return open_workspace(load_settings(lake=root, environ={}))


@pytest.fixture(scope="module")
def batches(ws: Workspace) -> dict[str, Batches]:
    return {f"t_{name}": cut(ws.lake, f"d.t_{name}") for name in FAULTS}


@pytest.fixture(scope="module")
def ours(ws: Workspace, batches: dict[str, Batches]) -> Verdicts:
    """What `de-copilot check` says of each table's newest batch."""
    found = {}
    for name, every in batches.items():
        (outcomes,) = evaluate(ws.lake, every.only({every.labels[-1]}), CHECKS).values()
        found[name] = {o.check.id: o.passed for o in outcomes}
    return found


@pytest.fixture(scope="module")
def database(ws: Workspace, batches: dict[str, Batches], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same tables in a DuckDB file, as the tools find them in a warehouse."""
    file = tmp_path_factory.mktemp("warehouse") / "lake.duckdb"
    with duckdb.connect(str(file)) as connection:
        connection.execute("CREATE SCHEMA d")
        for name in ["shops", *batches]:
            files = f"{ws.settings.lake}/tables/d/{name}/**/*.parquet"
            connection.execute(
                f"CREATE TABLE d.{name} AS SELECT * FROM read_parquet('{files}', hive_partitioning = true, union_by_name = true)"
            )
    return file


def good(batches: dict[str, Batches], name: str) -> Table:
    """A table as it was when its tests were made: a fault comes later."""
    return replace(batches["t_none"].table, name=batches[name].table.name)


def run(command: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, **variables, "SODA_CORE_TELEMETRY_ENABLED": "false", "DO_NOT_TRACK": "1"}
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)


def test_every_fault_is_told_by_a_check_and_good_data_by_none(ours: Verdicts) -> None:
    assert [c for c, held in ours["t_none"].items() if not held] == []
    assert [name for name, verdicts in ours.items() if all(verdicts.values())] == ["t_none"]


@pytest.fixture(scope="module")
def by_dbt(
    tools: Path, batches: dict[str, Batches], database: Path, tmp_path_factory: pytest.TempPathFactory
) -> Verdicts:
    project = tmp_path_factory.mktemp("dbt")
    (project / "models").mkdir()
    (project / "macros").mkdir()
    (project / "macros" / "de_copilot.sql").write_text(dbt.macros())
    (project / "dbt_project.yml").write_text(
        "name: p\nversion: '1.0'\nprofile: p\nflags: {send_anonymous_usage_stats: false}\n"
    )
    target = {"type": "duckdb", "path": str(database), "schema": "d"}
    (project / "profiles.yml").write_text(yaml.dump({"p": {"target": "t", "outputs": {"t": target}}}))
    for name, every in batches.items():
        made = dbt.export(CHECKS, good(batches, name), every.keys, "duckdb")
        assert made.left == ()
        (project / "models" / f"{name}.yml").write_text(made.text)
    place = ["--project-dir", str(project), "--profiles-dir", str(project)]
    said = run([str(tools / "dbt"), "test", "--threads", "2", *place])
    results = json.loads((project / "target" / "run_results.json").read_text())["results"]
    nodes = json.loads((project / "target" / "manifest.json").read_text())["nodes"]
    broken = [r["unique_id"] + (r["message"] or "") for r in results if r["status"] == "error"]
    assert results, said.stdout[-3000:]
    found: dict[str, dict[str, bool]] = {name: {} for name in batches}
    for result in results:
        node = nodes[result["unique_id"]]
        table, check = node["sources"][0][1], node["config"]["meta"]["de_copilot"]
        held = result["status"] == "pass"
        found[table][check] = found[table].get(check, True) and held
    expected_to_break = [b for b in broken if "text_for_number" not in b]
    assert expected_to_break == []
    return found


@pytest.mark.parametrize("fault", COMPARED)
def test_dbt_agrees(fault: str, ours: Verdicts, by_dbt: Verdicts) -> None:
    assert compared(fault, by_dbt) == compared(fault, ours)


def test_dbt_tells_a_column_of_another_kind(by_dbt: Verdicts) -> None:
    assert by_dbt["t_text_for_number"]["columns(id, status, amount)"] is False


@pytest.fixture(scope="module")
def by_soda(
    tools: Path, batches: dict[str, Batches], database: Path, tmp_path_factory: pytest.TempPathFactory
) -> Verdicts:
    folder = tmp_path_factory.mktemp("soda")
    files: dict[str, str] = {}
    for name, every in batches.items():
        made = soda.export(CHECKS, good(batches, name), every.keys, "duckdb", "lake")
        assert made.left == ()
        (folder / f"{name}.yml").write_text(made.text)
        files[str(folder / f"{name}.yml")] = name
    said = run([str(tools / "python"), str(HERE / "soda_runner.py"), str(database), *files])
    assert said.stdout, said.stderr[-3000:]
    found: dict[str, dict[str, bool]] = {}
    for file, result in json.loads(said.stdout.splitlines()[-1]).items():
        verdicts: dict[str, bool] = {}
        for rule, outcome in result["checks"].items():
            check = next(c.id for c in CHECKS if rule == c.id or rule.startswith(f"{c.id}: "))
            verdicts[check] = verdicts.get(check, True) and outcome == "PASSED"
        assert "text_for_number" in files[file] or not result["errors"], result["errors"]
        found[files[file]] = verdicts
    return found


@pytest.mark.parametrize("fault", COMPARED)
def test_soda_agrees(fault: str, ours: Verdicts, by_soda: Verdicts) -> None:
    assert compared(fault, by_soda) == compared(fault, ours)
