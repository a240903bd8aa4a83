"""Athena's answers on DuckDB: every pair in tests/fixtures/athena is run on real Parquet.

A case is a comment that says the rule, a query, and what Athena does with it:

    --> 1 | NULL      a row            --: integer, varchar    the result's types
    --! TEXT          an error         --= id, _col1           the result's column names
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import pytest

from knowledge.errors import CopilotError
from tools.lake.local import LocalLake

FIXTURES = Path(__file__).parents[2] / "fixtures" / "athena"


@dataclass
class Case:
    rule: str
    sql: str
    rows: list[str] = field(default_factory=list)
    error: str | None = None
    types: str | None = None
    names: str | None = None


def read_cases(file: Path) -> Iterator[Case]:
    for block in file.read_text(encoding="utf-8").strip().split("\n\n"):
        rule, *lines = block.splitlines()
        sql = "\n".join(line for line in lines if not line.startswith(("-->", "--!", "--:", "--=")))
        case = Case(rule.removeprefix("--").strip(), sql.rstrip().rstrip(";"))
        for line in lines:
            match line[:3]:
                case "-->":
                    case.rows.append(line[4:])
                case "--!":
                    case.error = line[4:]
                case "--:":
                    case.types = line[4:]
                case "--=":
                    case.names = line[4:]
        assert case.sql, block
        assert bool(case.rows) != bool(case.error), block
        yield case


CASES = [pytest.param(c, id=f"{f.stem}: {c.rule}") for f in sorted(FIXTURES.glob("*.sql")) for c in read_cases(f)]


def show(value: object) -> str:
    """A value as the fixtures write it."""
    match value:
        case None:
            return "NULL"
        case bool():
            return str(value).lower()
        case float() if math.isinf(value):
            return "Infinity" if value > 0 else "-Infinity"
        case datetime.datetime():
            text = value.strftime("%Y-%m-%d %H:%M:%S")
            return f"{text}.{value.microsecond // 1000:03d}" if value.microsecond else text
        case "":
            return "''"
        case list():
            return "[" + ", ".join("NULL" if v is None else repr(v) for v in value) + "]"
        case Decimal() | int() | float() | str() | datetime.date() | dict():
            return str(value)
        case _:
            raise TypeError(type(value))


@pytest.mark.parametrize("case", CASES)
def test_answers_as_athena(case: Case, kinds_lake: LocalLake) -> None:
    if case.error:
        with pytest.raises(CopilotError) as caught:
            kinds_lake.query(case.sql)
        assert case.error in str(caught.value)
        return
    result = kinds_lake.query(case.sql)
    assert [" | ".join(show(v) for v in row) for row in result.rows] == case.rows
    if case.types:
        assert ", ".join(result.types) == case.types
    if case.names:
        assert ", ".join(result.columns) == case.names
