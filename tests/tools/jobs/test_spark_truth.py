"""Programs beside what Spark itself makes of them.

Each `tests/fixtures/jobs/spark/*.py` is a PySpark or Glue program over the tables of `catalog.json`; the `.json` beside it
was taken from the plans that Spark 4.3 analysed while running it: for each written column the source columns whose values
reach it, those that only decide about it, and for each output what filters, joins, groups, orders and windows look at.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tools.jobs import JobReading, read_job
from tools.plan.catalog import DictCatalog
from tools.plan.grain import grain_of, join_keys

FOLDER = Path(__file__).parents[2] / "fixtures" / "jobs" / "spark"
PROGRAMS = sorted(p.stem for p in FOLDER.glob("*.py"))
KINDS = ("filter", "join", "group_by", "sort", "window")


def catalog() -> DictCatalog:
    tables = json.loads((FOLDER / "catalog.json").read_text())
    return DictCatalog({name: columns(text) for name, text in tables.items()})


def columns(text: str) -> list[tuple[str, str | None]]:
    pieces, depth, start = [], 0, 0
    for index, letter in enumerate(text + ","):
        depth += (letter == "<") - (letter == ">")
        if letter == "," and depth == 0:
            pieces.append(text[start:index].strip())
            start = index + 1
    return [(name, kind) for name, kind in (p.split(" ", 1) for p in pieces)]


def read(program: str, arguments: dict[str, str], known: DictCatalog) -> JobReading:
    text = (FOLDER / f"{program}.py").read_text()
    return read_job(text, name=program, file=f"{program}.py", catalog=known, arguments=arguments)


@pytest.fixture(scope="module")
def known() -> DictCatalog:
    return catalog()


@pytest.mark.parametrize("program", PROGRAMS)
def test_reading_agrees_with_spark(program: str, known: DictCatalog) -> None:
    truth = json.loads((FOLDER / f"{program}.json").read_text())
    reading = read(program, truth.get("arguments", {}), known)
    assert set(truth["reads"]) <= set(reading.reads)
    assert summary(reading, truth) == expected(truth)


def expected(truth: dict[str, Any]) -> dict[str, Any]:
    found = {}
    for name, output in truth["writes"].items():
        values = {c: set(v if isinstance(v, list) else v["values"]) for c, v in output["columns"].items()}
        decided = {k: set(s) for k, s in output.get("decided_by", {}).items() if k in KINDS}
        pairs = {frozenset(p) for p in output.get("join_keys", [])}
        found[name] = (values, decided, set(output.get("grain", [])), pairs)
    return found


def summary(reading: JobReading, truth: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    names = {a.name: w.target.name for w in reading.plan.writes for a in w.aliases}
    for name, output in truth["writes"].items():
        target = names.get(name, name)
        writes = [w for w in reading.plan.writes if w.target.name == target]
        edges = [e for e in reading.edges if e.target == target]
        values: dict[str, set[str]] = {a.column.lower(): set() for w in writes for a in w.assignments}
        decided: dict[str, set[str]] = {}
        for edge in edges:
            source = f"{edge.source}.{edge.source_column}"
            if edge.role == "value":
                values[str(edge.target_column).lower()].add(source)
            elif edge.role in KINDS:
                decided.setdefault(edge.role, set()).add(source)
        forgive(values, decided, output)
        grain = {
            f"{o.dataset}.{o.column}"
            for w in writes
            if (g := grain_of(w)) is not None and g.how != "distinct"
            for k in g.keys
            for o in reading.tracer.of_expression(k)
            if o.role == "value"
        }
        pairs = {
            frozenset((".".join(k.left), ".".join(k.right)))
            for w in writes
            for k in join_keys(w, reading.plan, reading.tracer)
        }
        found[name] = (values, decided, grain, pairs)
    return found


def forgive(values: dict[str, set[str]], decided: dict[str, set[str]], output: dict[str, Any]) -> None:
    """What the truth leaves open: code that Spark cannot see into either, and rows compared as wholes."""
    for column, stated in output["columns"].items():
        if isinstance(stated, dict):
            values.get(column, set()).difference_update(set(stated.get("may", [])) - set(stated["values"]))
    compared = set(output.get("rows_compared", []))
    for kind in list(decided):
        decided[kind] -= compared - set(output.get("decided_by", {}).get(kind, []))
        if not decided[kind]:
            del decided[kind]


@pytest.mark.parametrize("program", PROGRAMS)
def test_reading_without_a_catalog_names_the_same_tables(program: str) -> None:
    truth = json.loads((FOLDER / f"{program}.json").read_text())
    reading = read(program, truth.get("arguments", {}), DictCatalog())
    assert set(truth["reads"]) <= set(reading.reads)
    named = set(reading.writes) | {a.name for w in reading.plan.writes for a in w.aliases}
    assert set(truth["writes"]) <= named
