"""The contract of a table as data: every statement in it was read from the catalog, a plan, or a proven test."""

from __future__ import annotations

import datetime
import itertools
import re
import uuid
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.checks.references import REFERENCE
from tools.contract.quality import rules_of
from tools.contract.types import type_keys
from tools.dossier import Dossier
from tools.lake.base import Column
from tools.quoting import quoted
from tools.result import counted, listed

__all__ = ["API_VERSION", "document_of", "grain_sentence"]

API_VERSION = "v3.1.0"
_SHORT = re.compile(r"[A-Za-z0-9_]+(?:\.[A-Za-z0-9_]+)+")
_LONG = 300


def document_of(dossier: Dossier, root: Path | None = None) -> dict[str, Any]:
    """The whole contract, version 1.0.0.

    Args:
        root: the lake's folder; a place below it is written relative to it.
    """
    table = dossier.table
    bare = table.name.table
    document: dict[str, Any] = {
        "apiVersion": API_VERSION,
        "kind": "DataContract",
        "id": str(uuid.uuid5(uuid.NAMESPACE_URL, f"de-copilot:{dossier.name}")),
        "name": bare,
        "version": "1.0.0",
        "status": "draft",
        "description": _description(dossier),
        "servers": _servers(dossier, root),
        "schema": [_schema(dossier)],
        "slaProperties": _promises_of_time(dossier),
        "team": _team(dossier),
        "customProperties": _lineage(dossier),
    }
    return {k: v for k, v in document.items() if v not in (None, [], {})}


def _description(dossier: Dossier) -> dict[str, str]:
    found: dict[str, str] = {}
    if dossier.table.description:
        found["purpose"] = quoted(dossier.table.description)
    if dossier.readers:
        found["usage"] = f"Used by {listed([f'{r.kind} {r.name}' for r in dossier.readers], 20, code=False)}."
    if dossier.unknowns:
        found["limitations"] = " ".join(f"{u.rstrip('.')}." for u in dossier.unknowns[:5])
    return found


def _servers(dossier: Dossier, root: Path | None) -> list[dict[str, Any]]:
    """Where the files are, as tools of the standard read them; nothing for views and for formats without one."""
    location, kind = dossier.table.location, dossier.table.format
    if not location or kind not in ("parquet", "csv", "json"):
        return []
    depth = "/*" * (len(dossier.table.partition_keys) + 1)
    if location.startswith("s3://"):
        return [{"server": "lake", "type": "s3", "location": f"{location.rstrip('/')}{depth}.{kind}", "format": kind}]
    path = Path(location)
    if root is not None and path.is_relative_to(root.absolute()):
        path = path.relative_to(root.absolute())
    return [{"server": "lake", "type": "local", "path": f"{path.as_posix()}{depth}.{kind}", "format": kind}]


# --------------------------------------------------------------------------- schema


def _schema(dossier: Dossier) -> dict[str, Any]:
    table = dossier.table
    whole, by_column = rules_of(dossier.checks, table, dossier.key)
    relations, by_key = _relations(dossier)
    schema: dict[str, Any] = {
        "name": table.name.table,
        "physicalName": table.name.table,
        "logicalType": "object",
        "physicalType": table.kind,
        "description": quoted(table.description) if table.description else None,
        "dataGranularityDescription": grain_sentence(dossier).replace("`", ""),
        "properties": [_property(dossier, c, by_column.get(c.name), by_key.get(c.name)) for c in table.columns],
        "relationships": relations,
        "quality": whole,
    }
    return {k: v for k, v in schema.items() if v not in (None, [], "")}


def _property(dossier: Dossier, column: Column, rules: list[Any] | None, relations: list[Any] | None) -> dict[str, Any]:
    key = dossier.key
    keys = [k.name for k in dossier.table.partition_keys]
    origins = dossier.origins(column.name)
    expression = next((" ".join(str(o["expression"]).split()) for o in origins if o["expression"]), None)
    found: dict[str, Any] = {
        "name": column.name,
        **type_keys(column.type),
        "description": quoted(column.comment) if column.comment else None,
        "required": True if column.name in dossier.filled or column.nullable is False else None,
        "unique": True if key == (column.name,) else None,
        "primaryKey": True if column.name in key else None,
        "primaryKeyPosition": key.index(column.name) + 1 if column.name in key else None,
        "partitioned": True if column.is_partition else None,
        "partitionKeyPosition": keys.index(column.name) + 1 if column.is_partition else None,
        "transformSourceObjects": list(dict.fromkeys(f"{t}.{c}" for o in origins for t, c in o["sources"])),
        "transformLogic": expression if expression and len(expression) <= _LONG else None,
        "relationships": relations,
        "quality": rules,
    }
    return {k: v for k, v in found.items() if v not in (None, [], "")}


def _relations(dossier: Dossier) -> tuple[list[Any], dict[str, list[Any]]]:
    """Proven foreign keys, where the standard can write their names."""
    whole: list[Any] = []
    by_column: dict[str, list[Any]] = {}
    bare = dossier.table.name.table
    for check in dossier.checks:
        if check.kind != REFERENCE:
            continue
        other = str(check.parameters["table"]).rpartition(".")[2]
        ours = [f"{bare}.{c}" for c in check.columns]
        theirs = [f"{other}.{c}" for c in check.parameters["columns"]]
        if not all(_SHORT.fullmatch(n) for n in (*ours, *theirs)):
            continue
        if len(ours) == 1:
            by_column.setdefault(check.columns[0], []).append({"type": "foreignKey", "to": theirs[0]})
        else:
            whole.append({"type": "foreignKey", "from": ours, "to": theirs})
    return whole, by_column


def grain_sentence(dossier: Dossier) -> str:
    """What one row is: by the key that was proven, else by what its job says; empty where neither is known."""
    if dossier.key:
        return f"One row for each {listed(dossier.key)}."
    stated = next(iter(dossier.facts.keys), None)
    return f"One row for each {listed(stated.columns)}, as its job says; the data did not prove it." if stated else ""


# --------------------------------------------------------------------------- time, owners, lineage


def batch_days(dossier: Dossier) -> list[datetime.date]:
    """The days of its batches, oldest first; empty where they are not days."""
    found = set()
    for batch in dossier.batches.items:
        parts = [str(v).zfill(2) for _, v in batch.values]
        try:
            found.add(datetime.date.fromisoformat("-".join(parts)[:10]))
        except ValueError:
            return []
    return sorted(found)


def _promises_of_time(dossier: Dossier) -> list[dict[str, Any]]:
    """How often a batch comes, and how old the newest may be: the longest gap so far, and the day it covers."""
    days = batch_days(dossier)
    gaps = [(b - a).days for a, b in itertools.pairwise(days)]
    if len(gaps) < 2:
        return []
    usual, longest = Counter(gaps).most_common(1)[0][0], max(gaps)
    said = f"{counted(len(days), 'batch', 'batches')} so far, {days[0]} to {days[-1]}"
    found = [
        {
            "property": "frequency",
            "value": usual,
            "unit": "d",
            "description": f"{said}: mostly every {counted(usual, 'day')}.",
        }
    ]
    time = next((k for k in dossier.batches.keys if k.type == "date" or k.type.startswith("timestamp")), None)
    if time is not None and len(dossier.batches.keys) == 1:
        found.append(
            {
                "property": "freshness",
                "value": longest + 1,
                "unit": "d",
                "element": f"{dossier.table.name.table}.{time.name}",
                "description": f"{said}: the longest gap was {counted(longest, 'day')}, and a day is loaded after its end.",
            }
        )
    return found


def _team(dossier: Dossier) -> dict[str, Any] | None:
    """The owners that a record or a job of the table states; without one there is no team."""
    members = [
        {"username": quoted(owner), "role": "owner", "description": f"stated in {where}"}
        for owner, where in dossier.owners.items()
    ]
    return {"members": members} if members else None


def _lineage(dossier: Dossier) -> list[Mapping[str, Any]]:
    users = [{k: v for k, v in (("kind", r.kind), ("name", r.name), ("owner", r.owner)) if v} for r in dossier.readers]
    found: dict[str, Any] = {
        "lineageInputs": dossier.inputs,
        "writtenBy": [{"job": r.name, "file": r.file} for r in dossier.readings],
        "readBy": users,
    }
    return [{"property": k, "value": v} for k, v in found.items() if v]
