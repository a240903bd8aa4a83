"""Plugs the comparison of SQL versions into a scorer of breaking changes: cases on standard input, verdicts on output.

Rows that change, or the order of a query's rows, break every reader; columns that go, are renamed, retyped or computed
otherwise break those that read them; new columns break nobody.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from tools.diff import JobDiff, Version, diff
from tools.jobs import read_job
from tools.plan.catalog import DictCatalog

_COLUMNS = {
    "column_added": "added",
    "column_removed": "removed",
    "column_retyped": "modified",
    "expression_changed": "modified",
}


def main() -> int:
    """One JSON object a line for each case."""
    for line in sys.stdin:
        if line.strip():
            case = json.loads(line)
            print(json.dumps({"id": case["id"], **judged(case)}))
    return 0


def judged(case: Mapping[str, Any]) -> dict[str, Any]:
    """The category of one case, and what becomes of which column."""
    versions = [
        Version(
            read_job(
                case[f"{side}_sql"],
                name="model",
                file=f"{side}.sql",
                language="sql",
                dialect=case.get("dialect") or "duckdb",
                catalog=_catalog(case[_schema(case, side)]),
            ),
            case[f"{side}_sql"],
        )
        for side in ("old", "new")
    ]
    found = diff(versions[0], versions[1])
    return {"category": _category(found), "columns": _columns(found)}


def _schema(case: Mapping[str, Any], side: str) -> str:
    return "new_schema" if side == "new" and case.get("new_schema") else "schema"


def _catalog(schema: Mapping[str, Mapping[str, str]]) -> DictCatalog:
    return DictCatalog({f"d.{t}": list(columns.items()) for t, columns in schema.items()}, "d")


def _category(found: JobDiff) -> str:
    kinds = {d.kind for d in found.differences}
    if found.rows_change or found.reordered:
        return "breaking"
    if found.verdict == "same" or (kinds <= {"column_added"} and found.breaking is False):
        return "non_breaking"
    if found.verdict == "undecided" and not kinds:
        return "undetermined"
    return "partial_breaking" if found.breaking is not False else "non_breaking"


def _columns(found: JobDiff) -> dict[str, str]:
    columns = {d.name: _COLUMNS[d.kind] for d in found.differences if d.kind in _COLUMNS}
    for difference in found.differences:
        if difference.kind == "column_renamed":
            columns |= {difference.name: "removed", difference.to: "added"}
    return columns


if __name__ == "__main__":
    sys.exit(main())
