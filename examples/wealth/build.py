"""Builds the whole demo lake: the raw tables, then every derived table by running the jobs' own lowered SQL.

There is no second implementation of the jobs: each script is read into a plan, the plan is rendered to Athena SQL, and
that runs on the lake's engine. A demo that builds is a proof that the reader understands the jobs.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterable, Mapping
from graphlib import TopologicalSorter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from examples.wealth.generate import DATABASE, MARKER, generate
from knowledge.errors import ReadError
from tools.jobs import JobReading
from tools.lake.base import Limits, Table
from tools.lake.local import LocalLake
from tools.plan.render import NotRenderable, render_write
from tools.settings import load_settings
from tools.workspace import Workspace, open_workspace

__all__ = ["build_demo", "is_built"]

_LIMITS = Limits(bytes=2**34, seconds=300)
_DONE = ".de-copilot/demo-built"


def build_demo(root: Path, *, traps: bool = False, progress: Callable[[str], None] = print) -> None:
    """Makes the demo lake in `root`, replacing an earlier one; a person's own folder is refused.

    Args:
        traps: add a runbook and a column comment that carry an instruction to an assistant, for security tests.

    Raises InputError for a folder that holds something else, ReadError when a job cannot be rendered.
    """
    (root / _DONE).unlink(missing_ok=True)
    generate(root, traps=traps, progress=progress)
    ws = open_workspace(load_settings(lake=root))
    assert isinstance(ws.lake, LocalLake)
    for reading in in_order(ws.readings):
        for target in reading.writes:
            progress(f"running {reading.name} -> {target}")
            _run(ws, ws.lake, reading, target)
    done = root / _DONE
    done.parent.mkdir(exist_ok=True)
    done.write_text(f"traps={traps}\n", encoding="utf-8")


def is_built(root: Path, *, traps: bool = False) -> bool:
    """Whether `root` holds a whole demo lake of that kind."""
    done = root / _DONE
    return (root / MARKER).is_file() and done.is_file() and done.read_text("utf-8") == f"traps={traps}\n"


def in_order(readings: Mapping[str, JobReading]) -> list[JobReading]:
    """Jobs such that each comes after those that write what it reads."""
    writers = {target: name for name, reading in readings.items() for target in reading.writes}
    needs = {name: {writers[t] for t in r.reads if t in writers and writers[t] != name} for name, r in readings.items()}
    return [readings[name] for name in TopologicalSorter(needs).static_order()]


def _run(ws: Workspace, lake: LocalLake, reading: JobReading, target: str) -> None:
    """Runs what one job writes to one table, and stores it under the table's folder."""
    table = lake.table(target)
    columns = [(c.name, c.type) for c in table.columns]
    for write in reading.plan.writes:
        if write.target.name == target:
            try:
                query = render_write(write, reading.plan, columns)
            except NotRenderable as error:
                raise ReadError(f"{reading.name} cannot be run: {error}") from None
            _store(ws.settings.lake, table, lake.arrow(query, _LIMITS))


def _store(root: Path, table: Table, rows: pa.Table) -> None:
    """Writes a table's files beside their place, then swaps them in."""
    folder = root / "tables" / DATABASE / table.name.table
    keys = [c.name for c in table.partition_keys]
    with tempfile.TemporaryDirectory(dir=root, prefix=".demo-") as stage:
        fresh = Path(stage) / "data"
        fresh.mkdir()
        for subfolder, part in _parts(rows, keys):
            (fresh / subfolder).mkdir(parents=True, exist_ok=True)
            pq.write_table(part, fresh / subfolder / "part-00000.parquet", compression="zstd")
        for old in folder.iterdir():
            if old.name != "_table.json":
                shutil.rmtree(old) if old.is_dir() else old.unlink()
        for item in fresh.iterdir():
            item.rename(folder / item.name)


def _parts(rows: pa.Table, keys: list[str]) -> Iterable[tuple[str, pa.Table]]:
    """Rows by partition folder (`key=value/…`); one part without partition keys."""
    if not keys:
        return [("", rows)]
    ordered = rows.sort_by([(k, "ascending") for k in keys])
    values = ordered.select(keys).to_pylist()
    starts = [i for i, row in enumerate(values) if i == 0 or row != values[i - 1]]
    ends = [*starts[1:], len(values)] if starts else []
    return [
        (
            "/".join(f"{k}={values[start][k]}" for k in keys),
            ordered.slice(start, end - start).drop_columns(keys),
        )
        for start, end in zip(starts, ends, strict=True)
    ]
