"""The kept graph at scale: loading it from a store, asking it, and keeping one job anew; beside networkx.

    python -m benchmarks.graph [--jobs 10000] [--edges 50]

A synthetic store: as many jobs as said, twice as many tables, `edges` column edges for each job, in chains as lakes have
them. Times are of this process on this machine; memory is what the process holds on to after loading.
"""

from __future__ import annotations

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import networkx as nx  # type: ignore[import-untyped]

from knowledge.records import JobRecord
from knowledge.store import SqliteStore
from tools.lineage import LineageGraph, Node, walk
from tools.lineage.kept import load_graphs

_COLUMNS = 25  # of each table
T = TypeVar("T")


def records(jobs: int, edges: int, seed: int = 7) -> Iterator[JobRecord]:
    """Jobs that read two tables made before them and write two of their own."""
    rng = random.Random(seed)
    for number in range(jobs):
        made = [f"lake.t{2 * number}", f"lake.t{2 * number + 1}"]
        near = range(max(0, 2 * number - 4000), 2 * number)
        read = [f"lake.t{rng.choice(near)}" if near else "lake.raw" for _ in range(2)]
        columns = [
            {
                "source": rng.choice(read),
                "source_column": f"c{rng.randrange(_COLUMNS)}",
                "target": made[place % 2],
                "target_column": f"c{place % _COLUMNS}",
                "role": "value" if place % 5 else "condition",
                "file": f"jobs/job_{number}.sql",
                "line": place + 1,
                "expression": f"COALESCE(c{place % _COLUMNS}, 0)",
                "confidence": "high",
            }
            for place in range(edges)
        ]
        yield JobRecord(f"job_{number}", tuple(read), tuple(made), tuple(columns), analyzed_at="2026-11-20T06:00:00Z")


def memory() -> float:
    """Megabytes that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def timed(call: Callable[[], T]) -> tuple[float, T]:
    """Seconds, and what came of it."""
    began = time.perf_counter()
    result = call()
    return time.perf_counter() - began, result


def main() -> int:
    """Prints each figure next to its goal."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--jobs", type=int, default=10_000)
    parser.add_argument("--edges", type=int, default=50)
    size = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "records.sqlite"
        SqliteStore(path).save(records(size.jobs, size.edges))
        edges, disk = size.jobs * size.edges, path.stat().st_size / 2**20
        print(f"{size.jobs:,} jobs, {2 * size.jobs:,} tables, {edges:,} column edges, {disk:.0f} MB on disk")
        before = memory()
        began = time.process_time()
        seconds, graphs = timed(lambda: load_graphs(SqliteStore(path)))
        cpu = time.process_time() - began
        print(f"  load from the store     {seconds:8.2f} s    goal: below 5 s; {cpu:.2f} s of CPU")
        print(f"  memory it takes         {memory() - before:8.0f} MB")
        step = max(1, size.jobs // 200)
        columns = [Node("column", f"lake.t{n}.c{n % _COLUMNS}") for n in range(0, size.jobs, step)]
        ask("column", graphs.columns, columns)
        ask("table", graphs.assets, [Node("table", f"lake.t{n}") for n in range(0, size.jobs, step)])
        compare(path, columns)
        one = next(records(1, size.edges))
        again = [timed(lambda: SqliteStore(path).save([one]))[0] * 1000 for _ in range(20)]
        print(f"  one job kept anew       {statistics.median(again):8.2f} ms   one record of {size.jobs:,} is written")
    return 0


def ask(kind: str, graph: LineageGraph, nodes: list[Node]) -> None:
    """Everything downstream of each node, hops and places included."""
    walk(graph, nodes[0], "downstream")
    answers = [timed(lambda n=n: walk(graph, n, "downstream")) for n in nodes]  # type: ignore[misc]
    took, sizes = [s * 1000 for s, _ in answers], [len(found[0]) for _, found in answers]
    print(
        f"  reach of one {kind:<10} {statistics.median(took):8.2f} ms   goal: below 50 ms; 95 % below "
        f"{sorted(took)[int(len(took) * 0.95)]:.1f} ms, most {max(took):.1f} ms; {max(sizes):,} nodes at most"
    )


def compare(path: Path, asked: list[Node]) -> None:
    """The same column graph in networkx, from the same records, asked the same; it gives nodes only, no hops."""
    graph = nx.DiGraph()

    def load() -> None:
        for record in SqliteStore(path).list("JOB"):
            for c in record.to_dict()["columns"]:
                graph.add_edge(f"{c['source']}.{c['source_column']}", f"{c['target']}.{c['target_column']}", edge=c)

    before = memory()
    seconds, _ = timed(load)
    print(f"  networkx: load          {seconds:8.2f} s    {memory() - before:.0f} MB")
    took = [timed(lambda n=n: nx.descendants(graph, n.name))[0] * 1000 for n in asked if n.name in graph]  # type: ignore[misc]
    print(f"  networkx: one column    {statistics.median(took):8.2f} ms   most {max(took):.1f} ms")


if __name__ == "__main__":
    sys.exit(main())
