"""Files for other tools, run by those tools: on good data and on each fault they say what our own runner says."""

from __future__ import annotations

import datetime
import json
import os
import re
import sqlite3
import subprocess
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from sqlglot import transpile

from tests.formats.dqdl import BadRuleset, parse
from tests.formats.material import CHECKS, FAULTS, build_lake
from tools.checks.evaluate import evaluate
from tools.checks.formats import dbt, dqdl, gx, soda
from tools.checks.model import Check
from tools.lake.base import Column, Table, TableName
from tools.profile.batches import Batches, cut
from tools.settings import load_settings
from tools.workspace import Workspace, open_workspace

HERE = Path(__file__).parent
Verdicts = Mapping[str, Mapping[str, bool]]
"""Table -> check -> whether it holds."""

# Where a column is text that was a number, DuckDB goes on comparing; Athena, like our runner, refuses.
COMPARED = [f for f in FAULTS if f != "text_for_number"]
NOT_SAID = {("some_cells", "known_values(city)")}
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


def test_every_check_tells_a_fault_and_none_good_data(ours: Verdicts) -> None:
    assert [c for c, held in ours["t_none"].items() if not held] == []
    assert [c.id for c in CHECKS if all(verdicts[c.id] for verdicts in ours.values())] == []


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


def test_dbt_agrees(ours: Verdicts, by_dbt: Verdicts) -> None:
    assert {f: compared(f, by_dbt) for f in COMPARED} == {f: compared(f, ours) for f in COMPARED}
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


def test_soda_agrees(ours: Verdicts, by_soda: Verdicts) -> None:
    assert {f: compared(f, by_soda) for f in COMPARED} == {f: compared(f, ours) for f in COMPARED}


# --------------------------------------------------------------------------- Great Expectations


NOT_IN_SQLITE = {"duplicates"}
"""Great Expectations runs here on SQLite, which has no rows as values."""


@pytest.fixture(scope="module")
def by_gx(
    tools: Path, batches: dict[str, Batches], database: Path, tmp_path_factory: pytest.TempPathFactory
) -> Verdicts:
    folder = tmp_path_factory.mktemp("gx")
    with duckdb.connect(str(database), read_only=True) as warehouse, sqlite3.connect(folder / "lake.sqlite") as lite:
        for name in ["shops", *batches]:
            newest = "" if name == "shops" else f" WHERE day = (SELECT max(day) FROM d.{name})"
            cursor = warehouse.execute(f"SELECT * FROM d.{name}{newest}")
            columns = [d[0] for d in cursor.description or ()]
            lite.execute(f"CREATE TABLE {name} ({', '.join(columns)})")
            values = [[str(v) if isinstance(v, datetime.date) else v for v in row] for row in cursor.fetchall()]
            lite.executemany(f"INSERT INTO {name} VALUES ({', '.join('?' * len(columns))})", values)
    files: dict[str, str] = {}
    for name in COMPARED:
        table = good(batches, f"t_{name}")
        here = tuple(_in_sqlite(c) for c in CHECKS if c.id not in NOT_IN_SQLITE)
        made = gx.export(here, table, (), "sqlite")
        assert made.left == ()
        (folder / f"t_{name}.json").write_text(made.text)
        files[str(folder / f"t_{name}.json")] = f"t_{name}"
    said = run([str(tools / "python"), str(HERE / "gx_runner.py"), str(folder / "lake.sqlite"), *files])
    assert said.stdout, said.stderr[-3000:]
    found: dict[str, dict[str, bool]] = {}
    for file, result in json.loads(said.stdout.splitlines()[-1]).items():
        verdicts: dict[str, bool] = {}
        for rule, held in result.items():
            assert isinstance(held, bool), f"{rule}: {held}"
            check = next(c.id for c in CHECKS if rule == c.id or rule.startswith(f"{c.id}: "))
            verdicts[check] = verdicts.get(check, True) and held
        found[files[file]] = verdicts
    return found


def _in_sqlite(check: Check) -> Check:
    """A SQLite file has one schema."""
    table = check.parameters.get("table")
    return check.changed(parameters={**check.parameters, "table": table.removeprefix("d.")}) if table else check


def test_great_expectations_agrees(ours: Verdicts, by_gx: Verdicts) -> None:
    expected = {f: {c: h for c, h in compared(f, ours).items() if c not in NOT_IN_SQLITE} for f in COMPARED}
    assert {f: compared(f, by_gx) for f in COMPARED} == expected


# --------------------------------------------------------------------------- AWS Glue Data Quality


def test_a_ruleset_of_glue_is_one(batches: dict[str, Batches]) -> None:
    made = dqdl.export(CHECKS, batches["t_none"].table, batches["t_none"].keys)
    rules = parse(made.text)

    assert made.left == ()
    assert len(rules) == made.rules
    assert {r.type for r in rules} == {"ColumnExists", "IsComplete", "CustomSql", "RowCount", "ColumnValues"}
    (values,) = [r for r in rules if r.type == "ColumnValues" and r.subjects == ("status",)]
    assert values.operands == ("NEW", "PAID", "it's {{ late }}")
    assert values.where == "NOT `status` IS NULL"


def test_what_glue_runs_itself_says_what_our_runner_says(
    batches: dict[str, Batches], ours: Verdicts, database: Path
) -> None:
    """`CustomSql` is Spark's; read as DuckDB's it must find the same. The other rule types are Glue's own."""
    with duckdb.connect(str(database), read_only=True) as connection:
        for fault in COMPARED:
            name = f"t_{fault}"
            made = dqdl.export(CHECKS, good(batches, name), batches[name].keys)
            connection.execute(
                f'CREATE OR REPLACE TEMP VIEW "primary" AS SELECT * FROM d.{name} WHERE day = (SELECT max(day) FROM d.{name})'
            )
            connection.execute("CREATE OR REPLACE TEMP VIEW shops AS SELECT * FROM d.shops")
            names = re.findall(r"# (.*?)(?: \(warn\))?\n    (\w+)", made.text)
            for rule, (said, _) in zip(parse(made.text), names, strict=True):
                if rule.type != "CustomSql":
                    continue
                check = next(c.id for c in CHECKS if said == c.id or said.startswith(f"{c.id}: "))
                sql = transpile(rule.subjects[0].replace("primary", "`primary`"), read="spark", write="duckdb")[0]
                (figure,) = connection.execute(sql).fetchone() or (None,)
                held = figure is None or _holds(figure, str(rule.operator), rule.operands[0])
                if held is False:
                    assert ours[name][check] is False, (fault, said)
                elif len([c for c, _ in names if c.startswith(check)]) == 1 and (fault, check) not in NOT_SAID:
                    assert ours[name][check] is True, (fault, said)


def _holds(figure: float, operator: str, bound: float) -> bool:
    return {"=": figure == bound, ">=": figure >= bound, "<=": figure <= bound}[operator]


@pytest.mark.parametrize(
    "text",
    [
        "Rules = [ IsComplete id ]",
        'Rules = [ IsComplete "id" ',
        "Rules = [ RowCount > 1e5 ]",
        'Rules = [ ColumnValues "a" in ["x" "y"] ]',
        'Rules = [ iscomplete "id" ]',
        'Rules = [ CustomSql "select 1" ]',
        'Rules = [ IsComplete "id" = 1 ]',
    ],
)
def test_the_checker_refuses_what_glue_refuses(text: str) -> None:
    with pytest.raises(BadRuleset):
        parse(text)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=12))
def test_any_text_of_the_data_is_only_a_value(value: str) -> None:
    """Values come from data: in no format may they become more than that, or break the file."""
    table = Table(TableName("d", "t"), (Column("c", "varchar"),))
    checks = [Check("v", "accepted_values", ("c",), {"values": [value]}, "error", "", "")]

    by_glue = dqdl.export(checks, table, ())
    assert [r.operands for r in parse(by_glue.text)] == ([] if by_glue.left else [(value,)])
    suite = json.loads(gx.export(checks, table, ()).text)
    assert [e["kwargs"]["value_set"] for e in suite["expectations"]] == [[value]]
    contract = soda.export(checks, table, ())
    stated = [c["checks"][0]["invalid"]["valid_values"] for c in yaml.safe_load(contract.text).get("columns", [])]
    assert stated == ([] if contract.left else [[value]])
    assert yaml.safe_load(dbt.export(checks, table, ()).text)["version"] == 2
