"""dbt in: the models of a manifest become jobs, its exposures dashboards. Compiled SQL is read as any job's is.

A model and its table have one name; the job is called `dbt.<model>`, so that each can be asked about.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlglot import exp

from knowledge.records import DashboardRecord
from tools.imports.result import Brought, Imports
from tools.plan.catalog import Catalog

__all__ = ["is_manifest", "models_of"]

_WRITING = ("model", "snapshot", "seed")


def is_manifest(data: Mapping[str, Any]) -> bool:
    """Whether this is dbt's `manifest.json`."""
    version = str((data.get("metadata") or {}).get("dbt_schema_version", ""))
    return "manifest" in version and isinstance(data.get("nodes"), Mapping)


def models_of(data: Mapping[str, Any], catalog: Catalog) -> Imports:
    """Models with their inputs, and SQL where the manifest is of a compiled project."""
    nodes = {**data.get("sources", {}), **data["nodes"]}
    tables = {key: _relation(node, catalog) for key, node in nodes.items()}
    jobs, unknowns = [], []
    for key, node in data["nodes"].items():
        if node.get("resource_type") not in _WRITING or _ephemeral(node):
            continue
        job = Brought(f"dbt.{node['name']}", file=str(node.get("original_file_path") or node.get("path") or key))
        job.reads = dict.fromkeys(_inputs(node, nodes, tables))
        job.writes = {tables[key]: None}
        job.at = (data.get("metadata") or {}).get("generated_at")
        job.owner = _owner(node)
        compiled = node.get("compiled_code") or node.get("compiled_sql")
        if compiled:
            job.sql = f"CREATE TABLE {_quoted(tables[key])} AS {compiled}"
        elif node.get("resource_type") == "model":
            unknowns.append(f"model {node['name']} is not compiled: its columns are not known (`dbt compile`)")
        jobs.append(job)
    exposures = (data.get("exposures") or {}).values()
    boards = tuple(_board(e, nodes, tables) for e in exposures)
    return Imports(tuple(jobs), boards, tuple(unknowns))


def _inputs(node: Mapping[str, Any], nodes: Mapping[str, Any], tables: Mapping[str, str]) -> list[str]:
    """Tables that a node reads; an ephemeral model is no table, so its own inputs stand for it."""
    found: dict[str, None] = {}
    waiting, seen = list((node.get("depends_on") or {}).get("nodes", ())), set[str]()
    while waiting:
        key = waiting.pop(0)
        if key in seen or key not in nodes:
            continue
        seen.add(key)
        if _ephemeral(nodes[key]):
            waiting += (nodes[key].get("depends_on") or {}).get("nodes", ())
        else:
            found[tables[key]] = None
    return list(found)


def _ephemeral(node: Mapping[str, Any]) -> bool:
    return (node.get("config") or {}).get("materialized") == "ephemeral"


def _relation(node: Mapping[str, Any], catalog: Catalog) -> str:
    name = node.get("alias") or node.get("identifier") or node.get("name")
    return catalog.canonical(".".join(str(p) for p in (node.get("schema"), name) if p).lower())


def _quoted(table: str) -> str:
    return ".".join(exp.to_identifier(part, quoted=True).sql("athena") for part in table.split("."))


def _board(exposure: Mapping[str, Any], nodes: Mapping[str, Any], tables: Mapping[str, str]) -> DashboardRecord:
    owner = exposure.get("owner") or {}
    name = str(exposure.get("label") or exposure["name"])
    extra = {"owner": owner.get("name") or owner.get("email"), "url": exposure.get("url")}
    return DashboardRecord(name, tuple(_inputs(exposure, nodes, tables)), extra={k: v for k, v in extra.items() if v})


def _owner(node: Mapping[str, Any]) -> str | None:
    owner = ((node.get("config") or {}).get("meta") or node.get("meta") or {}).get("owner")
    return str(owner) if owner else None
