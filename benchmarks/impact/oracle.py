"""The truth: the lake is built on DuckDB, the change is made, every downstream job is run, and all tables are compared.

Names are the engine's to judge. Types are judged here, as Athena does (DuckDB brings more of them together): that is an
independent binding of the jobs' specification, not of their text.
"""

# ruff: noqa: S608 - names of the generator's own making
from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb

from benchmarks.impact.shapes import Expression, Job, Kind, Reader

__all__ = ["TELLING", "Build", "Schema", "build", "output_kinds", "rows_of", "schema_change"]

Schema = Mapping[str, Mapping[str, Kind]]


@dataclass
class Build:
    """What came of building a lake: rows and columns of each table, what failed, what was not refreshed."""

    content: dict[str, Any] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    stale: set[str] = field(default_factory=set)


@dataclass(frozen=True)
class SchemaChange:
    """A column of a table that is dropped, renamed or retyped after the table was made."""

    kind: str
    table: str
    column: str
    to: str | None = None

    def apply(self, db: duckdb.DuckDBPyConnection) -> None:
        """Makes the change."""
        what = {
            "drop_column": f"DROP COLUMN {self.column}",
            "rename_column": f"RENAME COLUMN {self.column} TO {self.to}",
            "change_type": f"ALTER COLUMN {self.column} TYPE {self.to} USING TRY_CAST({self.column} AS {self.to})",
        }[self.kind]
        db.execute(f"ALTER TABLE d.{self.table} {what}")


def schema_change(kind: str, table: str, column: str, to: str | None = None) -> SchemaChange:
    """A change of one column."""
    return SchemaChange(kind, table, column, to)


def build(
    raw: Sequence[str],
    tables: Schema,
    jobs: Sequence[Job],
    readers: Sequence[Reader],
    seed: int,
    change: SchemaChange | None = None,
    before: Build | None = None,
) -> Build:
    """Builds everything in order; a table whose job fails keeps what `before` had in it."""
    db, out = duckdb.connect(), Build()
    db.execute("CREATE SCHEMA d")
    kinds: dict[str, dict[str, Kind]] = {}
    for name in raw:
        _fill(db, name, tables[name], seed)
        kinds[name] = dict(tables[name])
        _settle(db, name, kinds, change)
    for job in jobs:
        _run(db, job, tables, kinds, out, before)
        _settle(db, job.target, kinds, change)
    for name in kinds:
        out.content[name] = rows_of(db, f"SELECT * FROM d.{name}")
    for reader in readers:
        _show(db, reader, kinds, out)
    db.close()
    return out


TELLING = 100
"""From this seed on, rows are of a kind that tells logic apart: each column is mostly one value, so that several conditions
are met at once, and keys meet.
"""


def _fill(db: duckdb.DuckDBPyConnection, name: str, columns: Mapping[str, Kind], seed: int) -> None:
    rng = random.Random(f"{seed} {name}")
    mostly = {c: _cell("", k, rng) for c, k in columns.items()} if seed >= TELLING else {}
    spelled = ", ".join(f"{c} {k}" for c, k in columns.items())
    db.execute(f"CREATE TABLE d.{name} ({spelled})")
    rows = [[_near(c, k, mostly, rng) for c, k in columns.items()] for _ in range(40)]
    _insert(db, name, rows)


def _near(column: str, kind: Kind, mostly: Mapping[str, Any], rng: random.Random) -> Any:
    return mostly[column] if column in mostly and rng.random() < 0.6 else _cell(column, kind, rng)


def _cell(column: str, kind: Kind, rng: random.Random) -> Any:
    if column == "id":
        return rng.randint(0, 30)
    if rng.random() < 0.08:
        return None
    match kind:
        case "bigint":
            return rng.randint(0, 9)
        case "double":
            return rng.randint(0, 18) / 2
        case "date":
            return f"2026-0{rng.randint(1, 9)}-11"
    return rng.choice(("red", "blue", "gold", "SALE", "GIFT"))


def _settle(db: duckdb.DuckDBPyConnection, name: str, kinds: dict[str, dict[str, Kind]], change: Any) -> None:
    """The change, as soon as its table is there."""
    if change is None or change.table != name:
        return
    change.apply(db)
    columns = kinds[name]
    if change.kind == "change_type":
        columns[change.column] = change.to
    elif change.kind == "drop_column":
        del columns[change.column]
    else:
        kinds[name] = {(change.to if c == change.column else c): k for c, k in columns.items()}


def _run(
    db: duckdb.DuckDBPyConnection,
    job: Job,
    tables: Schema,
    kinds: dict[str, dict[str, Kind]],
    out: Build,
    before: Build | None,
) -> None:
    first = before is None
    try:
        made = output_kinds(job, kinds)
        rows = db.execute(job.query(list(kinds[job.sources[0]])))
        names = [c[0] for c in rows.description or ()]
        found = rows.fetchall()
        if job.insert and not first:
            _fits(made, tables[job.target])
            made = dict(tables[job.target])
            names = list(made)
    except (duckdb.Error, KeyError, TypeError) as error:
        out.failed[job.name] = str(error)
        kept_names, kept = before.content[job.target] if before else ([], [])
        _keep(db, job.target, kept_names, dict(tables[job.target]), [tuple(r) for r in kept])
        kinds[job.target] = dict(tables[job.target])
        out.stale.add(job.target)
        return
    _keep(db, job.target, names, made, found)
    kinds[job.target] = made
    if any(s in out.stale for s in job.sources):
        out.stale.add(job.target)


def _fits(made: Mapping[str, Kind], target: Mapping[str, Kind]) -> None:
    """An insert goes by position: as many columns, of types that a table takes."""
    if len(made) != len(target):
        raise TypeError(f"{len(made)} columns for {len(target)}")
    for given, wanted in zip(made.values(), target.values(), strict=True):
        if given != wanted and (given, wanted) != ("bigint", "double"):
            raise TypeError(f"{given} for {wanted}")


def _keep(db: duckdb.DuckDBPyConnection, name: str, names: Sequence[str], kinds: Mapping[str, Kind], rows: Any) -> None:
    db.execute(f"CREATE TABLE d.{name} ({', '.join(f'{n} {kinds[n]}' for n in names)})")
    _insert(db, name, rows)


def _insert(db: duckdb.DuckDBPyConnection, name: str, rows: Sequence[Sequence[Any]]) -> None:
    """In one statement: DuckDB takes a statement for each row otherwise, and a lake has thousands."""
    if rows:
        places = ", ".join(f"({', '.join('?' * len(rows[0]))})" for _ in rows)
        db.execute(f"INSERT INTO d.{name} VALUES {places}", [cell for row in rows for cell in row])


def _show(db: duckdb.DuckDBPyConnection, reader: Reader, kinds: Schema, out: Build) -> None:
    sql = reader.sql or f"SELECT {', '.join(reader.columns)} FROM d.{reader.table}"
    try:
        out.content[reader.name] = rows_of(db, sql)
    except duckdb.Error as error:
        out.failed[reader.name] = str(error)
        return
    if reader.table in out.stale:
        out.stale.add(reader.name)


def rows_of(db: duckdb.DuckDBPyConnection, sql: str) -> tuple[list[str], list[list[Any]]]:
    """Columns and rows, in an order that does not depend on the run."""
    answer = db.execute(sql)
    names = [c[0] for c in answer.description or ()]
    rows = [list(r) for r in answer.fetchall()]
    return names, sorted(rows, key=lambda r: [(c is None, str(type(c)), str(c)) for c in r])


def output_kinds(job: Job, tables: Schema) -> dict[str, Kind]:
    """Columns that a job writes over tables of these columns. Raises KeyError or TypeError where it does not bind."""
    of: dict[tuple[str | None, str], Kind] = {}
    for side, source in zip((("l", "r") if job.shape == "join" else (None,)), job.sources, strict=False):
        of |= {(side, c): k for c, k in tables[source].items()}
    if job.where is not None:
        job.where.kind(of)
    made = {name: _kind(e, of) for name, e in job.items}
    match job.shape:
        case "star" | "drop":
            own = {c: k for c, k in tables[job.sources[0]].items() if c not in made and c != job.dropped}
            return own | made
        case "join":
            _same(of[("l", str(job.on))], of[("r", str(job.on))])
        case "group":
            return {k: of[(None, k)] for k in job.keys} | made
        case "union":
            right = tables[job.sources[1]]
            pairs = zip(made.items(), job.other, strict=True)
            return {name: _same(kind, right[other]) for (name, kind), other in pairs}
    return made


def _kind(expression: Expression, of: Mapping[tuple[str | None, str], Kind]) -> Kind:
    return expression.kind(of)  # type: ignore[return-value]


def _same(left: Kind, right: Kind) -> Kind:
    if left == right:
        return left
    if {left, right} <= {"bigint", "double"}:
        return "double"
    raise TypeError(f"{left} and {right}")
