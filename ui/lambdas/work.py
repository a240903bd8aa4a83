"""What each function does: the engine is asked, its files are written, and the answer says where they are."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from knowledge.errors import CopilotError, InputError, Unavailable
from tools.reports import write_drafts

if TYPE_CHECKING:
    from tools.workspace import Workspace
    from ui.lambdas.requests import AnalyzeRequest, ImpactRequest, ListRequest
    from ui.lambdas.running import Call

__all__ = ["analyze", "impact", "list_tables", "script_text"]

Body = dict[str, Any]


def analyze(ws: Workspace, request: AnalyzeRequest, call: Call) -> Body:
    """Tests, contract and documentation of the table, written; records and snapshots of the jobs that write it."""
    from tools.checks.suite import writers_of
    from tools.snapshots import remember

    job = request.job_name
    if request.job_script_s3_path:
        job = job or PurePosixPath(request.job_script_s3_path).stem
        ws = ws.with_job(job, request.job_script_s3_path, script_text(ws, request.job_script_s3_path))
    tables = _tables(ws, request, job)
    known = {reading.name for table in tables for reading in writers_of(ws, table, job)}
    jobs = sorted(known & set(ws.jobs))
    changed = list(remember(ws, *jobs).changed) if jobs else []
    analyses = [_analyzed(ws, table, job) for table in tables]
    written = [path for analysis in analyses for path in analysis["written"]]
    return {"tables": tables, "jobs": jobs, "changed_jobs": changed, "analyses": analyses, "written": written}


def _analyzed(ws: Workspace, table: str, job: str | None) -> Body:
    """One table's files. What cannot be analyzed (a table without rows) is said, and the rest goes on."""
    from tools.analyze import analyze as analyzed

    try:
        analysis = analyzed(ws, table, job=job)
    except Unavailable:
        raise
    except CopilotError as error:
        return {"table": table, "checks": 0, "unknowns": [error.message], "written": []}
    return {
        "table": table,
        "checks": len(analysis.suite.checks),
        "findings": [f"{f.check.reason} {f.detail}" for f in analysis.suite.proposal.findings],
        "contract_version": analysis.contract.version,
        "unknowns": list(analysis.unknowns),
        "written": write_drafts(ws.lake, analysis.drafts),
    }


def _tables(ws: Workspace, request: AnalyzeRequest, job: str | None) -> list[str]:
    if request.table_name:
        full = f"{request.glue_database}.{request.table_name}" if request.glue_database else request.table_name
        return [ws.assets.find(full, ["table"]).name]
    name = ws.assets.find(str(job), ["job"]).name
    tables = [ws.assets.find(t, ["table"]).name for t in ws.readings[name].writes if "/" not in t]
    if not tables:
        raise InputError(f"{name} writes no table of the catalog", where="job_name", hint="Name a table: 'table_name'.")
    return tables


def impact(ws: Workspace, request: ImpactRequest, call: Call) -> Body:
    """The guardian's report, written, and its verdict in short."""
    from tools.changes import Change
    from tools.guardian import guard, report_on
    from tools.impact.schema import NoEarlier

    path = request.new_job_script_s3_path
    if request.job_name is not None:
        report = guard(ws, request.job_name, script_text(ws, path) if path else None)
    else:
        stated = ".".join(p for p in (request.glue_database, request.table_name) if p)
        try:
            report = report_on(ws, Change("change_schema", table=stated))
        except NoEarlier:
            return {"table_name": request.table_name, "change": "same_schema", "severity": "low", "written": []}
    written = write_drafts(ws.lake, report.drafts)
    content = report.content()
    impacted = {k: v for k, v in content.items() if k.startswith("impacted_")}
    return {
        **({"job_name": request.job_name} if request.job_name else {"table_name": request.table_name}),
        "change": content["status"],
        "verdict": content["verdict"],
        "severity": content["severity"],
        "severity_reason": content["severity_reason"],
        **impacted,
        "unknowns": content["unknowns"],
        "written": written,
    }


def list_tables(ws: Workspace, request: ListRequest, call: Call) -> Body:
    """All tables as inputs of `de_copilot_analyze_table`, in a file, and the place of the file."""
    names = [t for t in ws.lake.tables() if request.glue_database in (None, t.database)]
    items = [{"glue_database": t.database, "table_name": t.table} for t in names]
    where = ws.lake.write_text("output/fan_out/tables.json", json.dumps(items))
    bucket, _, key = where.removeprefix("s3://").partition("/")
    place = {"bucket": bucket, "key": key} if where.startswith("s3://") else {}
    return {"tables": len(items), "written": [where], **place}


def script_text(ws: Workspace, path: str) -> str:
    """The text of a script on S3, or of one in the lake."""
    if path.startswith("s3://"):
        from ui.lambdas.scripts import read_script

        return read_script(path)
    text = ws.lake.read_text(path)
    if text is None:
        raise InputError(f"there is no script {path!r} in the lake", where="script", hint="Write s3://bucket/key.")
    return text
