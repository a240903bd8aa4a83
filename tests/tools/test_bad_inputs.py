"""Tables as nobody wishes them: each is analyzed, or refused in one clear sentence, and nothing is left half-written."""

from __future__ import annotations

import datetime
import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from ui.cli import run

DAYS = [datetime.date(2026, 1, 1) + datetime.timedelta(days=n) for n in range(3)]


def store(root: Path, table: str, data: pa.Table, day: datetime.date | None = None) -> Path:
    folder = root / "tables" / "d" / table / (f"day={day}" if day else "")
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(data, folder / "part.parquet")
    return folder / "part.parquet"


def nested() -> pa.Table:
    moment = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    return pa.table({
        "id": pa.array(range(20), pa.int64()),
        "tags": pa.array([["a", "b"]] * 20, pa.list_(pa.string())),
        "attributes": pa.array([[("k", 1)]] * 20, pa.map_(pa.string(), pa.int32())),
        "address": pa.array([{"city": "Basel", "zip": 4000}] * 20),
        "amount": pa.array([Decimal("1.50")] * 20, pa.decimal128(38, 10)),
        "seen": pa.array([moment] * 20, pa.timestamp("us", "UTC")),
        "raw": pa.array([b"\x00\xff"] * 20, pa.binary()),
    })  # fmt: skip


def odd_names() -> pa.Table:
    names = [
        "order id",
        'say "so"',
        "select",
        "größe",
        "naïve_日本",
        "MixedCase",
        "a.b",
        "semi;colon",
        "back`tick",
        "$x",
    ]
    return pa.table({name: [i + n for n in range(20)] for i, name in enumerate(names)})


TABLES: dict[str, Any] = {
    "empty": lambda: pa.table({"id": pa.array([], pa.int64()), "name": pa.array([], pa.string())}),
    "one_row": lambda: pa.table({"id": [1], "name": ["a"]}),
    "all_null": lambda: pa.table({"id": pa.array([None] * 20, pa.int64()), "name": pa.array([None] * 20, pa.string())}),
    "nested": nested,
    "odd_names": odd_names,
    "one_value": lambda: pa.table({"id": [7] * 30}),
    "not_numbers": lambda: pa.table({"x": [float("nan"), float("inf"), -float("inf"), 0.0, 1e308] * 6}),
}
JOBS = {
    "broken_job.py": "def main(:\n    spark.write\n",
    "two_tables_job.sql": "INSERT INTO first_of_two SELECT * FROM one_value;\nINSERT INTO second_of_two SELECT * FROM one_value;\n",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "jobs").mkdir()
    for name, text in JOBS.items():
        (tmp_path / "jobs" / name).write_text(text, encoding="utf-8")
    return tmp_path


def analyzed(root: Path, table: str, capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = run(["analyze", table, "--lake", str(root), "--json"])
    said = capsys.readouterr()
    return code, said.out, said.out + said.err


def written(root: Path) -> list[str]:
    return sorted(p.name for p in (root / "output").rglob("*") if p.is_file()) if (root / "output").exists() else []


@pytest.mark.parametrize("table", [t for t in TABLES if t != "empty"])
def test_it_is_analyzed(root: Path, table: str, capsys: pytest.CaptureFixture[str]) -> None:
    store(root, table, TABLES[table]())

    code, out, err = analyzed(root, table, capsys)

    assert code == 0, err
    assert written(root) == [f"{table}.md", f"{table}.yaml", f"{table}.yaml"]
    assert json.loads(out)["table"] == f"d.{table}"
    again = run(["check", table, "--lake", str(root), "--json"])
    said = capsys.readouterr()
    assert again == 0, said.out + said.err


def test_an_empty_table_has_nothing_to_prove_tests_on(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store(root, "empty", TABLES["empty"]())

    code, _, err = analyzed(root, "empty", capsys)

    assert code == 2
    assert "d.empty has no rows" in err
    assert written(root) == []


def test_a_corrupt_file_is_named(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = store(root, "corrupt", TABLES["one_value"](), DAYS[0])
    file.write_bytes(b"PAR1 this is no Parquet file PAR1")
    store(root, "corrupt", TABLES["one_value"](), DAYS[1])

    code, _, err = analyzed(root, "corrupt", capsys)

    assert code == 1
    assert "day=2026-01-01/part.parquet" in err
    assert "Traceback" not in err
    assert written(root) == []


def test_a_partition_whose_schema_drifted_is_read_as_the_table_says(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store(root, "drifted", pa.table({"id": pa.array(range(20), pa.int32()), "old": ["a"] * 20}), DAYS[0])
    store(root, "drifted", pa.table({"id": pa.array(range(20), pa.int64()), "new": [1.0] * 20}), DAYS[1])

    code, out, err = analyzed(root, "drifted", capsys)

    assert code == 0, err
    assert json.loads(out)["tests"]["rows"] == 40


def test_more_columns_than_anybody_reads_are_only_many(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store(root, "wide", pa.table({f"c{n}": [n, n + 1, n + 2] for n in range(120)}))

    code, out, err = analyzed(root, "wide", capsys)  # 2,000 take the same way, for minutes

    assert code == 0, err
    checks = json.loads(out)["tests"]["checks"]
    assert sum(c["severity"] == "error" for c in checks) <= 20


def test_a_table_whose_job_writes_others_too_is_about_itself(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for table in ("one_value", "first_of_two", "second_of_two"):
        store(root, table, TABLES["one_value"]())

    code, out, err = analyzed(root, "first_of_two", capsys)

    assert code == 0, err
    assert json.loads(out)["tests"]["jobs"] == ["two_tables_job"]
    assert written(root) == ["first_of_two.md", "first_of_two.yaml", "first_of_two.yaml"]


def test_a_job_that_does_not_parse_is_told_and_the_rest_goes_on(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store(root, "one_value", TABLES["one_value"]())

    assert analyzed(root, "one_value", capsys)[0] == 0
    code = run(["analyze", "one_value", "--job", "broken_job", "--lake", str(root)])
    said = capsys.readouterr()
    assert code == 2
    assert "broken_job does not write d.one_value" in said.err
