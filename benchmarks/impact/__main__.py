"""Precision and recall of impact on random lakes, against what an engine gives when it rebuilds them under the change.

    python -m benchmarks.impact [--lakes 60] [--first 0] [--misses 10]

Two parts: columns dropped, renamed and retyped (what breaks, what goes stale, whose values change), and edits of jobs
through the guardian (whose values change). Beside it a catalog's answer: everything downstream is affected.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.impact.lakes import RandomLake, edited, random_lake
from benchmarks.impact.oracle import TELLING, Build, SchemaChange, build, schema_change
from benchmarks.impact.shapes import Job
from tools.changes import Change
from tools.guardian import guard
from tools.impact import ImpactResult, impact
from tools.settings import load_settings
from tools.workspace import Workspace, open_workspace

_SEEDS = (1, 2, 3, 4, 5, 6)  # so many kinds of rows for every change
_MORE = range(
    TELLING, TELLING + 30
)  # and so many for what is said to differ and differed in none of them: then it does not
_WIDER = {"bigint": "double", "double": "varchar", "varchar": "bigint", "date": "varchar"}


@dataclass
class Tally:
    """Counts of one verdict."""

    hit: int = 0
    wrong: int = 0
    missed: int = 0
    misses: list[str] = field(default_factory=list)

    def add(self, said: set[str], true: set[str], where: str) -> None:
        """One answer against the truth."""
        self.hit += len(said & true)
        self.wrong += len(said - true)
        self.missed += len(true - said)
        self.misses += [f"{where}: {n} said, not so" for n in sorted(said - true)]
        self.misses += [f"{where}: {n} missed" for n in sorted(true - said)]

    def row(self, name: str) -> str:
        """Precision and recall in a line."""
        precision = self.hit / (self.hit + self.wrong) if self.hit + self.wrong else 1.0
        recall = self.hit / (self.hit + self.missed) if self.hit + self.missed else 1.0
        return f"  {name:<42} precision {precision:.3f}  recall {recall:.3f}   ({self.hit + self.missed} true)"


def write_lake(root: Path, lake: RandomLake) -> Workspace:
    """The lake as a folder: schemas, scripts, dashboards and KPIs; no rows are needed to answer."""
    for name, columns in lake.tables.items():
        folder = root / "tables" / "d" / name
        folder.mkdir(parents=True)
        described = [{"name": c, "type": k} for c, k in columns.items()]
        (folder / "_table.json").write_text(json.dumps({"columns": described}), encoding="utf-8")
    (root / "jobs").mkdir()
    for job in lake.jobs:
        (root / "jobs" / job.file).write_text(job.text(), encoding="utf-8")
    boards: list[dict[str, Any]] = []
    kpis: list[dict[str, Any]] = []
    for reader in lake.readers:
        if reader.kind == "kpi":
            kpis.append({"kpi_name": reader.name, "sql": reader.sql, "depends_on_tables": [reader.table]})
        else:
            stated = {"sql": reader.sql} if reader.sql else {"columns_used": list(reader.columns)}
            boards.append({"dashboard_name": reader.name, "tables_used": [reader.table], **stated})
    (root / "dashboards.json").write_text(json.dumps(boards), encoding="utf-8")
    (root / "kpis.json").write_text(json.dumps(kpis), encoding="utf-8")
    return open_workspace(load_settings(lake=root, environ={}))


def changes_of(lake: RandomLake, rng: random.Random) -> Iterator[SchemaChange]:
    """A few changes of columns that something may read."""
    only_sql = all(j.language == "sql" for j in lake.jobs)
    for kind in ("drop_column", "rename_column", "drop_column", "change_type", "change_type", "change_type"):
        table = rng.choice([*lake.raw, *lake.raw, *(j.target for j in lake.jobs[:-1])])
        name = rng.choice(list(lake.tables[table]))
        if kind != "change_type":
            yield schema_change(kind, table, name, f"{name}_new" if kind == "rename_column" else None)
        elif only_sql:  # Spark brings most types together, and only a run tells where it does not
            yield schema_change(kind, table, name, _WIDER[lake.tables[table][name]])


def truth(
    lake: RandomLake, old: Mapping[int, Build], new: Mapping[int, Build], skip: str | None
) -> dict[str, set[str]]:
    """What really breaks, goes stale, and has other rows or columns."""
    failed = set().union(*(b.failed for b in new.values()))
    stale = set().union(*(b.stale for b in new.values())) - failed
    others = {n for b in old.values() for n in b.content} - failed - stale - {skip} - set(lake.raw)
    differ = {n for n in others if any(str(new[s].content.get(n)) != str(b.content[n]) for s, b in old.items())}
    # A table that is empty before and after, whatever the rows, cannot tell whether its logic changed.
    silent = {n for n in others - differ if all(not b.content[n][1] for b in old.values())}
    return {"breaks": failed, "stale": stale, "values": differ, "silent": silent}


def told(
    lake: RandomLake,
    rebuilt: Callable[[int, Build], Build],
    claimed: set[str],
    old: dict[int, Build],
    new: dict[int, Build],
    skip: str | None,
) -> dict[str, set[str]]:
    """The truth, on more rows as long as something is said to differ that has not been seen to."""
    real = truth(lake, old, new, skip)
    for seed in _MORE:
        if not claimed - real["values"] - real["breaks"] - real["stale"]:
            break
        old[seed] = build(lake.raw, lake.tables, lake.jobs, lake.readers, seed)
        new[seed] = rebuilt(seed, old[seed])
        real = truth(lake, old, new, skip)
    for seed in _MORE:
        old.pop(seed, None)
    return real


def said(result: ImpactResult) -> dict[str, set[str]]:
    """What is answered: jobs only where they break; their tables tell the rest."""
    short = {id(i): i.name.removeprefix("d.") for i in result.items}
    return {
        "breaks": {short[id(i)] for i in result.of("breaks")},
        "stale": {short[id(i)] for i in result.of("stale") if i.kind != "job"},
        "values": {short[id(i)] for i in result.of("values_change") if i.kind != "job"},
        "reached": {short[id(i)] for i in result.items},
    }


def part_one(lake: RandomLake, ws: Workspace, rng: random.Random, tallies: Mapping[str, Tally], name: str) -> int:
    """Columns dropped, renamed, retyped."""
    parts = lake.raw, lake.tables, lake.jobs, lake.readers
    old = {seed: build(*parts, seed) for seed in _SEEDS}
    asked = 0
    for change in changes_of(lake, rng):
        new = {seed: build(*parts, seed, change, old[seed]) for seed in _SEEDS}
        answer = said(impact(ws, Change(change.kind, f"d.{change.table}", change.column, change.to)))  # type: ignore[arg-type]
        real = told(lake, partial(_changed, lake, change), answer["values"], old, new, change.table)
        where = f"{name} {change.kind} {change.table}.{change.column}{f' to {change.to}' if change.to else ''}"
        retyped = change.kind == "change_type"
        for verdict in ("breaks", "stale", "values"):
            tally = tallies[f"{'retyped' if retyped else 'gone'} {verdict}"]
            tally.add(answer[verdict] - (real["silent"] if verdict == "values" else set()), real[verdict], where)
        if not retyped:
            below = {n for n in answer["reached"] if n not in {j.target for j in lake.jobs}}
            tallies["all downstream break"].add(below, real["breaks"], where)
        asked += 1
    return asked


def _changed(lake: RandomLake, change: SchemaChange, seed: int, before: Build) -> Build:
    return build(lake.raw, lake.tables, lake.jobs, lake.readers, seed, change, before)


def _edited(lake: RandomLake, jobs: Sequence[Job], seed: int, before: Build) -> Build:
    return build(lake.raw, lake.tables, jobs, lake.readers, seed, None, before)


def part_two(lake: RandomLake, ws: Workspace, rng: random.Random, tallies: Mapping[str, Tally], name: str) -> int:
    """Edits of jobs."""
    old = {seed: build(lake.raw, lake.tables, lake.jobs, lake.readers, seed) for seed in _SEEDS}
    asked = 0
    for place in rng.sample(range(len(lake.jobs)), 3):
        job = lake.jobs[place]
        other = edited(job, lake.tables[job.sources[0]], rng)
        if other is None:
            continue
        jobs = [*lake.jobs[:place], other, *lake.jobs[place + 1 :]]
        rebuilt = partial(_edited, lake, jobs)
        new = {s: rebuilt(s, old[s]) for s in _SEEDS}
        if any(b.failed for b in new.values()):
            continue
        report = guard(ws, job.name, other.text())
        where = f"{name} edit {job.name}"
        claimed = said(report.impact)["values"]
        real = told(lake, rebuilt, claimed, old, new, None)
        tallies["edited values"].add(claimed - real["silent"], real["values"], where)
        asked += 1
    return asked


def main() -> int:
    """Runs both parts and prints the figures."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--lakes", type=int, default=40)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--misses", type=int, default=0, help="print so many answers that differ from the truth")
    said_to = parser.parse_args()
    names = [f"{kind} {verdict}" for kind in ("gone", "retyped") for verdict in ("breaks", "stale", "values")]
    tallies = {n: Tally() for n in (*names, "all downstream break", "edited values")}
    counts = [0, 0]
    for seed in range(said_to.first, said_to.first + said_to.lakes):
        lake, rng = random_lake(seed, only_sql=seed % 3 == 0), random.Random(seed)
        with tempfile.TemporaryDirectory() as folder:
            ws = write_lake(Path(folder) / "lake", lake)
            counts[0] += part_one(lake, ws, rng, tallies, f"lake {seed}")
            counts[1] += part_two(lake, ws, rng, tallies, f"lake {seed}")
    print(f"{said_to.lakes} random lakes, {counts[0]} changes of columns, {counts[1]} edits of jobs")
    for name, tally in tallies.items():
        print(tally.row(name))
        for miss in tally.misses[: said_to.misses] if not name.startswith("all") else []:
            print(f"      {miss}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
