"""Plugs the comparison of job versions into a scorer of semantic diffs: pairs of versions in, labels out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tools.diff import Facts, JobDiff, Version, diff
from tools.jobs import read_job
from tools.plan.catalog import DictCatalog


class Copilot:
    """The adapter. `diff` gets a case (kind, dialect, old, new) and the tables of its catalog."""

    name = "copilot"
    kinds = frozenset({"sql", "pyspark"})

    def diff(self, case: Mapping[str, str], catalog: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
        """Whether something changed, whether that breaks readers, and the labels; None where it is undecided."""
        found = compared(case, catalog)
        changed = {"same": False, "changed": True, "undecided": None}[found.verdict]
        return {"changed": changed, "breaking": found.breaking, "changes": set(found.labels)}


def compared(case: Mapping[str, str], catalog: Mapping[str, Mapping[str, Any]]) -> JobDiff:
    """The comparison of one case."""
    tables = DictCatalog({t: list(d["columns"].items()) for t, d in catalog.items()}, "default")
    facts = Facts(
        {t: frozenset(d.get("not_null", ())) for t, d in catalog.items()},
        {t: tuple(d.get("primary_key", ())) for t, d in catalog.items()},
    )
    python = case["kind"] == "pyspark"
    sides = [
        Version(
            read_job(
                case[side],
                name="job",
                file=f"{side}.py" if python else f"{side}.sql",
                language="python" if python else "sql",
                dialect=None if python else case["dialect"],
                catalog=tables,
            ),
            case[side],
        )
        for side in ("old", "new")
    ]
    return diff(sides[0], sides[1], facts)
