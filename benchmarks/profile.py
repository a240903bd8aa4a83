"""Profiling one table, beside one hand-written query, DuckDB's SUMMARIZE, pandas and polars, in the same run.

    python -m benchmarks.profile [--rows 10000000] [--skip pandas]

A table of 12 columns in Parquet is made, then each contestant profiles it in a process of its own: rows, NULLs, distinct
values, extremes, mean, deviation and three quantiles of each column. CPU seconds are user and system of that process and
its threads, memory is its peak; both without what importing the library costs alone.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

_COLUMNS = {
    "id": "i", "customer": "hash(i) % 100000", "product": "hash(i * 3) % 500", "quantity": "(hash(i * 5) % 1000)::INTEGER",
    "price": "(hash(i * 7) % 100000) / 100.0", "amount": "((hash(i * 11) % 1000000) / 100)::DECIMAL(12,2)",
    "rate": "(hash(i * 13) % 10000)::DOUBLE / 10000", "country": "'C' || (hash(i * 17) % 40)",
    "status": "['NEW', 'PAID', 'SENT', 'LOST'][1 + (hash(i * 19) % 4)::INTEGER]",
    "note": "CASE WHEN i % 5 = 0 THEN NULL ELSE 'note ' || (hash(i * 23) % 100000) END",
    "booked": "TIMESTAMP '2026-01-01' + INTERVAL (i % 8760) HOUR", "is_late": "i % 7 = 0",
}  # fmt: skip
_NUMBERS = ("id", "customer", "product", "quantity", "price", "amount", "rate")


def make(root: Path, rows: int) -> None:
    """The table, as a lake has it."""
    folder = root / "tables" / "d" / "t"
    folder.mkdir(parents=True)
    items = ", ".join(f"{sql} AS {name}" for name, sql in _COLUMNS.items())
    duckdb.sql(
        f"COPY (SELECT {items} FROM range({rows}) AS r(i)) TO '{folder}/part.parquet' (FORMAT parquet)"  # noqa: S608
    )


def ours(root: Path) -> int:
    """`profile_batches`, what tests and documentation are made from; without the search for equal rows."""
    from tools.lake.base import Limits
    from tools.profile.batches import cut
    from tools.profile.measure import profile_batches
    from tools.settings import load_settings
    from tools.workspace import open_workspace

    ws = open_workspace(load_settings(lake=root, environ={}))
    figures = {name: _WANTED if name in _NUMBERS else _WANTED[:4] for name in _COLUMNS}
    (found,) = profile_batches(
        ws.lake, cut(ws.lake, "d.t"), figures=figures, duplicates=False, limits=Limits(10, 2**62, 900)
    )
    return found.rows


_WANTED = ("nulls", "distinct", "min", "max", "mean", "deviation", "q25", "q50", "q75")


def by_hand(root: Path) -> int:
    """The same figures in the query that an engineer would write on DuckDB."""
    items = ["count(*)"]
    for name in _COLUMNS:
        items += [f"count(*) - count({name})", f"approx_count_distinct({name})", f"min({name})", f"max({name})"]
        if name in _NUMBERS:
            items += [f"avg({name})", f"stddev_samp({name})"]
            items += [f"approx_quantile({name}, {q})" for q in (0.25, 0.5, 0.75)]
    query = f"SELECT {', '.join(items)} FROM '{root}/tables/d/t/part.parquet'"  # noqa: S608
    rows: int = duckdb.sql(query).fetchall()[0][0]
    return rows


def summarize(root: Path) -> int:
    """DuckDB's own profile."""
    rows: int = duckdb.sql(f"SUMMARIZE FROM '{root}/tables/d/t/part.parquet'").fetchall()[0][-2]
    return rows


def pandas(root: Path) -> int:
    """`describe` of everything."""
    import pandas as pd

    frame = pd.read_parquet(root / "tables/d/t/part.parquet")
    frame.describe(include="all")
    frame.isna().sum()
    return len(frame)


def polars(root: Path) -> int:
    """`describe`, and distinct values by sketch, over a lazy scan."""
    import polars as pl

    frame = pl.scan_parquet(root / "tables/d/t/part.parquet")
    frame.describe()
    frame.select(pl.all().approx_n_unique()).collect(engine="streaming")
    rows: int = frame.select(pl.len()).collect().item()
    return rows


CONTESTANTS: dict[str, Callable[[Path], int]] = {
    "one query by hand": by_hand,
    "de-copilot": ours,
    "SUMMARIZE": summarize,
    "pandas": pandas,
    "polars": polars,
}


def measured(name: str, root: Path) -> dict[str, float]:
    """CPU seconds, seconds and megabytes of one contestant, in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.profile", "--one", name, "--lake", str(root)]
    said = subprocess.run(command, capture_output=True, text=True, check=True)
    found: dict[str, float] = json.loads(said.stdout.splitlines()[-1])
    return found


def one(name: str, root: Path) -> None:
    """What a contestant's own process does."""
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    CONTESTANTS[name](root)
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"cpu": cpu, "wall": time.perf_counter() - began, "memory": after.ru_maxrss / 1024}))


def main() -> None:
    """See the module."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.profile", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--skip", nargs="*", default=[], choices=list(CONTESTANTS))
    parser.add_argument("--repeat", type=int, default=2)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    parser.add_argument("--lake", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        one(options.one, options.lake)
        return
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        make(root, options.rows)
        size = (root / "tables/d/t/part.parquet").stat().st_size / 2**20
        print(f"{options.rows:,} rows, {len(_COLUMNS)} columns, {size:,.0f} MB; best of {options.repeat}")
        found = {}
        for name in CONTESTANTS:
            if name not in options.skip:
                runs = [measured(name, root) for _ in range(options.repeat)]
                found[name] = min(runs, key=lambda r: r["cpu"])
                best = found[name]
                print(f"{name:20} CPU {best['cpu']:6.1f} s  wall {best['wall']:6.1f} s  peak {best['memory']:7,.0f} MB")
        us = found["de-copilot"]["cpu"]
        print(f"over one query by hand: {us / found['one query by hand']['cpu']:.2f}x (goal <= 1.1)")
        if "SUMMARIZE" in found:
            print(f"over SUMMARIZE: {us / found['SUMMARIZE']['cpu']:.2f}x (goal <= 0.5)")
        print(f"peak memory: {found['de-copilot']['memory']:,.0f} MB (goal < 400)")


if __name__ == "__main__":
    main()
