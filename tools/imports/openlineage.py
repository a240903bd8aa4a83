"""OpenLineage in: run and job events become jobs with data sets and column edges. Several events of a job add up."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from tools.imports.result import Brought, Imports
from tools.plan.catalog import Catalog
from tools.plan.lineage import OPENLINEAGE, Edge
from tools.plan.roles import Role

__all__ = ["is_event", "runs_of"]

_ROLES: Mapping[str, Role] = {subtype: role for role, (_, subtype) in reversed(list(OPENLINEAGE.items()))}


def is_event(data: Any) -> bool:
    """Whether this is a run or job event."""
    return (
        isinstance(data, Mapping) and isinstance(data.get("job"), Mapping) and isinstance(data["job"].get("name"), str)
    )


def runs_of(events: Iterable[Mapping[str, Any]], catalog: Catalog) -> Imports:
    """Jobs by name. An event of a run that failed or was aborted says nothing certain and is left out."""
    jobs: dict[str, Brought] = {}
    unknowns = []
    for event in events:
        name = event["job"]["name"]
        if event.get("eventType") in ("FAIL", "ABORT"):
            unknowns.append(f"a run of {name} at {event.get('eventTime')} did not end well: it is left out")
            continue
        job = jobs.setdefault(name, Brought(name))
        job.at = max(filter(None, (job.at, event.get("eventTime"))), default=None)
        _add_event(job, event, catalog)
    return Imports(tuple(jobs.values()), (), tuple(unknowns))


def _add_event(job: Brought, event: Mapping[str, Any], catalog: Catalog) -> None:
    for dataset in _maps(event.get("inputs")):
        job.reads[_named(dataset, catalog)] = None
    for dataset in _maps(event.get("outputs")):
        target = _named(dataset, catalog)
        job.writes[target] = None
        lineage = _facet(dataset, "columnLineage")
        for column, entry in _map(lineage.get("fields")).items():
            for edge in _edges(_maps(_map(entry).get("inputFields")), target, column, catalog):
                job.add(edge)
        for edge in _edges(_maps(lineage.get("dataset")), target, None, catalog):
            job.add(edge)


def _edges(fields: Iterable[Mapping[str, Any]], target: str, column: str | None, catalog: Catalog) -> Iterator[Edge]:
    for entry in fields:
        source, name = _named(entry, catalog), str(entry.get("field", "*")).lower()
        steps = list(_maps(entry.get("transformations"))) or [{"type": "DIRECT"}]
        for step in steps:
            direct = step.get("type") != "INDIRECT"
            role: Role = "value" if direct else _ROLES.get(str(step.get("subtype")), "condition")
            text = step.get("description") or None
            place = column.lower() if column is not None and role != "window" else None
            folds = step.get("subtype") == "AGGREGATION"
            yield Edge(source, name, target, place, role, None, text, "high", folds)


def _named(dataset: Mapping[str, Any], catalog: Catalog) -> str:
    """The table or path of a data set: a table's name among its symlinks counts before a path."""
    for other in _maps(_facet(dataset, "symlinks").get("identifiers")):
        if str(other.get("type", "")).upper() == "TABLE":
            return catalog.canonical(_table(str(other.get("name"))))
    namespace, name = str(dataset.get("namespace", "")), str(dataset.get("name", ""))
    if "://" in namespace and namespace.split("://", 1)[0] in ("s3", "s3a", "gs", "abfss", "hdfs", "file"):
        return catalog.canonical(f"{namespace.rstrip('/')}/{name.lstrip('/')}")
    return catalog.canonical(name if name.startswith("/") else _table(name))


def _table(name: str) -> str:
    """`table/db/t` as Glue has it, or `catalog.db.t`, as `db.t`."""
    parts = name.split("/")[1:] if name.startswith("table/") else name.split(".")
    return ".".join(parts[-2:]).lower()


def _facet(dataset: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    return _map(_map(dataset.get("facets")).get(name))


def _map(data: Any) -> Mapping[str, Any]:
    return data if isinstance(data, Mapping) else {}


def _maps(data: Any) -> list[Mapping[str, Any]]:
    return [d for d in data if isinstance(d, Mapping)] if isinstance(data, list) else []
