"""What tests of the Python reader share: short programs, and what they read, write and leave unknown."""

from __future__ import annotations

from collections.abc import Mapping

from tools.jobs import JobReading, read_job
from tools.plan.catalog import DictCatalog

CATALOG = DictCatalog(
    {
        "s.orders": [
            ("id", "bigint"), ("cust", "bigint"), ("price", "double"), ("qty", "bigint"), ("day", "date"),
            ("state", "string"),
        ],
        "s.custs": [("id", "bigint"), ("name", "string"), ("tags", "array<string>"), ("seg", "string")],
        "s.rates": [("cur", "string"), ("rate", "double")],
        "s.target": [("k", "bigint"), ("v", "double")],
    }
)  # fmt: skip
HEAD = """
from pyspark.sql import SparkSession, functions as F, Window
spark = SparkSession.builder.getOrCreate()
"""


def read(
    body: str,
    arguments: Mapping[str, str] | None = None,
    *,
    head: str = HEAD,
    known: bool = True,
    imports: Mapping[str, str] | None = None,
) -> JobReading:
    """The reading of a program; `head` makes the usual imports."""
    return read_job(
        head + body,
        name="job",
        file="job.py",
        language="python",
        catalog=CATALOG if known else DictCatalog(),
        arguments=arguments,
        imports=imports,
    )


def values(reading: JobReading) -> dict[str, set[str]]:
    """Written column -> source columns whose values reach it. Columns of one target stand by their bare name."""
    found: dict[str, set[str]] = {a.column: set() for w in reading.plan.writes for a in w.assignments}
    for edge in reading.edges:
        if edge.role == "value" and edge.target_column and edge.target_column != "*":
            found[edge.target_column].add(short(edge.source, edge.source_column))
    return found


def deciding(reading: JobReading, role: str) -> set[str]:
    """Source columns with that role."""
    return {short(e.source, e.source_column) for e in reading.edges if e.role == role}


def short(table: str, column: str) -> str:
    return f"{table.removeprefix('s.')}.{column}"


def written(reading: JobReading) -> list[tuple[str, str]]:
    """(target, kind) of each write."""
    return [(w.target.name, w.kind) for w in reading.plan.writes]


def reasons(reading: JobReading) -> str:
    """All unknowns, as text."""
    return "\n".join(f"{u.kind} {u}" for u in reading.unknowns)
