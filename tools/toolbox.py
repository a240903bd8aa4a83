"""The tools a model may call: thin faces over the engine, declared once in `TOOLS`, and nothing else.

A tool answers with a short text for the model and the whole result as artifact for the face. Errors of ours come back
as results too, so a chat goes on. Adding a tool is one function, one argument schema and one row.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel

from knowledge.errors import CopilotError, InputError, NotFound, Unavailable
from tools.assets import list_assets
from tools.changes import Change
from tools.documents import search_documents
from tools.guardian.asking import ReportArgs, impact_report
from tools.impact import impact
from tools.lineage import downstream, upstream
from tools.query import QueryArgs, run_query
from tools.reports import drafts_of, write_drafts
from tools.result import Evidence, Result, listed
from tools.schema import describe
from tools.stats import measure
from tools.summary import job_summary
from tools.tool_arguments import (
    ContractArgs,
    DiffArgs,
    DocsArgs,
    DocumentArgs,
    ImpactArgs,
    JobArgs,
    LineageArgs,
    ListAssetsArgs,
    RunTestsArgs,
    SchemaArgs,
    SimulationArgs,
    StatsArgs,
    TestsArgs,
    WriteArgs,
)

if TYPE_CHECKING:
    from langchain_core.tools import BaseTool

    from tools.workspace import Workspace

__all__ = ["TOOLS", "WRITE", "ToolSpec", "answer_call", "build_tools", "call_tool", "hidden"]


@dataclass(frozen=True)
class ToolSpec:
    """One tool: its name, what it is for (as the model reads it), its arguments, and the function behind it."""

    name: str
    description: str
    args: type[BaseModel]
    run: Callable[[Workspace, Any], Result]
    writes: bool = False


def _list_assets(ws: Workspace, args: ListAssetsArgs) -> Result:
    return list_assets(ws, args.kind, args.filter)


def _schema(ws: Workspace, args: SchemaArgs) -> Result:
    return describe(ws.lake, _table(ws, args.asset), args.column)


def _stats(ws: Workspace, args: StatsArgs) -> Result:
    columns = [args.column] if args.column else None
    table = _table(ws, args.asset)
    return measure(ws.lake, table, columns=columns, days=args.window_days, values=args.values, scan=args.scan)


def _upstream(ws: Workspace, args: LineageArgs) -> Result:
    return upstream(ws, args.asset, depth=args.depth, kind=args.kind)


def _downstream(ws: Workspace, args: LineageArgs) -> Result:
    return downstream(ws, args.asset, depth=args.depth, kind=args.kind)


def _impact(ws: Workspace, args: ImpactArgs) -> Result:
    return impact(ws, Change(args.change, args.asset, args.column, args.to, args.job, args.value))


def _job_summary(ws: Workspace, args: JobArgs) -> Result:
    return job_summary(ws, args.job)


def _diff(ws: Workspace, args: DiffArgs) -> Result:
    from tools.diff.asking import diff_job

    return diff_job(ws, args.job, base=args.base, new_text=args.new_text)


def _kpi_simulation(ws: Workspace, args: SimulationArgs) -> Result:
    from tools.kpi import simulate
    from tools.kpi.simulate import DAYS

    return simulate(
        ws,
        job=args.job,
        new_text=args.new_text,
        edit=args.edit,
        sql=args.sql,
        kpis=[args.kpi] if args.kpi else None,
        days=args.window_days or DAYS,
    )


def _tests(ws: Workspace, args: TestsArgs) -> Result:
    from tools.checks.export import with_files
    from tools.checks.suite import generate, subject_of

    suite = generate(ws, subject_of(ws, args.asset, args.job), job=args.job, column=args.column)
    return with_files(ws, suite, [args.format]) if args.format else suite


def _run_tests(ws: Workspace, args: RunTestsArgs) -> Result:
    from tools.checks.run import run_checks

    return run_checks(ws, args.asset, partition=args.partition)


def _contract(ws: Workspace, args: ContractArgs) -> Result:
    from tools.contract import draft_contract

    return draft_contract(ws, args.asset, owner=args.owner, available_by=args.available_by)


def _docs(ws: Workspace, args: DocsArgs) -> Result:
    from tools.docs import document_job, document_table

    name = args.job or args.asset
    if not name:
        raise InputError("documentation of what?", hint="Name a table or a job.")
    found = ws.assets.find(name, ["job"] if args.job else ["table", "job", "dashboard", "kpi"])
    if found.kind == "job":
        return document_job(ws, found.name)
    if found.kind == "table":
        return document_table(ws, found.name)
    return upstream(ws, found.name)


def _search_docs(ws: Workspace, args: DocumentArgs) -> Result:
    return search_documents(ws, args.query, args.asset)


def _query(ws: Workspace, args: QueryArgs) -> Result:
    return run_query(ws, args.sql, args.rows)


def _table(ws: Workspace, name: str) -> str:
    return ws.assets.find(name, ["table"]).name


@dataclass(frozen=True)
class Written:
    """Files that were written, with where they are."""

    kind = "written"
    paths: tuple[str, ...]
    unknowns: tuple[str, ...] = ()

    @property
    def evidence(self) -> Sequence[Evidence]:
        """The files."""
        return tuple(Evidence("files", p) for p in self.paths)

    def text(self) -> str:
        """Which files."""
        return f"Written: {listed(self.paths)}."

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {"paths": list(self.paths)}


def _write_drafts(ws: Workspace, args: WriteArgs) -> Result:
    """Makes the same drafts again, which the same data give, and writes them whole."""
    spec = next((t for t in TOOLS if t.name == args.tool and not t.writes), None)
    if spec is None:
        raise NotFound("tool", args.tool, [t.name for t in TOOLS if not t.writes])
    result = spec.run(ws, _checked(spec, args.args))
    drafts = drafts_of(result)
    if not drafts:
        raise InputError(f"{args.tool} makes no files")
    return Written(tuple(write_drafts(ws.lake, drafts)))


WRITE = "write_drafts"
"""The one tool that writes. Chats let it run only after the user's yes (`agent.writing`)."""

TOOLS: tuple[ToolSpec, ...] = (
    ToolSpec(
        "list_assets",
        "List tables, jobs, dashboards, KPIs or columns that exist, optionally only names containing a text.",
        ListAssetsArgs,
        _list_assets,
    ),
    ToolSpec(
        "schema",
        "Columns of a table with types, nullability and comments, or one column of it.",
        SchemaArgs,
        _schema,
    ),
    ToolSpec(
        "stats",
        "Row counts, nulls, distinct counts, minima, maxima and means of a table or column, also for the newest days.",
        StatsArgs,
        _stats,
    ),
    ToolSpec(
        "lineage_upstream",
        "Where a table, column, job, dashboard or KPI gets its data from.",
        LineageArgs,
        _upstream,
    ),
    ToolSpec(
        "lineage_downstream",
        "What reads a table, column or job: everything it feeds.",
        LineageArgs,
        _downstream,
    ),
    ToolSpec(
        "impact",
        "What breaks, goes stale or changes when a column or table is dropped, renamed, retyped or added, when a column gets "
        "a value it never had, loses one or becomes nullable, when a job is late, fails or computes something else, or when "
        "a dashboard or KPI is removed: verdict, evidence and severity for everything reached.",
        ImpactArgs,
        _impact,
    ),
    ToolSpec(
        "report",
        "The impact report of a job (as it is, against its last snapshot), of a table or of a stated change: a verdict, "
        "what it reaches, what to do, as files to send on.",
        ReportArgs,
        impact_report,
    ),
    ToolSpec(
        "job_summary",
        "What a job does: inputs, outputs, filters, joins, grouping, and where each written column comes from.",
        JobArgs,
        _job_summary,
    ),
    ToolSpec(
        "diff",
        "What changed in a job's logic, by meaning and not by text: columns, filters, joins, grain, expressions, with "
        "the lines of both versions; or that nothing changed, or that it could not be decided.",
        DiffArgs,
        _diff,
    ),
    ToolSpec(
        "kpi_simulation",
        "What KPIs would have looked like day by day, had a job been another one: old, new and stored values over the same "
        "inputs, or why a KPI cannot move or cannot be simulated.",
        SimulationArgs,
        _kpi_simulation,
    ),
    ToolSpec(
        "tests",
        "Makes data quality tests for a table: few, each run on today's data, back-tested and shown to catch its fault. "
        "Nothing is written before the user says so.",
        TestsArgs,
        _tests,
    ),
    ToolSpec(
        "run_tests",
        "Runs the data quality tests of a table on its newest batch, or on another: what holds, what fails, with counts.",
        RunTestsArgs,
        _run_tests,
    ),
    ToolSpec(
        "contract",
        "Drafts the data contract of a table (Open Data Contract Standard) from its schema, jobs and proven tests, and "
        "compares it with the kept one. Nothing is written before the user says so.",
        ContractArgs,
        _contract,
    ),
    ToolSpec(
        "docs",
        "Documents a table or a job: what one row is, where each column comes from, keys, filters, figures, tests, who uses "
        "it and what has gone wrong before. Nothing is written before the user says so.",
        DocsArgs,
        _docs,
    ),
    ToolSpec(
        "search_docs",
        "What past documents (runbooks, incident notes, decisions, contracts, reports) say: quoted, with file and line.",
        DocumentArgs,
        _search_docs,
    ),
    ToolSpec(
        "query",
        "Runs one read-only SELECT (Athena SQL) on the lake, within its limits: rows, with the query's id and the bytes it "
        "scanned. For what no other tool tells; filter by partition.",
        QueryArgs,
        _query,
    ),
    ToolSpec(
        WRITE,
        "Writes the drafts of an earlier tool call to output/. Only right after the user said yes to them.",
        WriteArgs,
        _write_drafts,
        writes=True,
    ),
)


def call_tool(ws: Workspace, name: str, args: Mapping[str, Any]) -> Result:
    """Runs one tool by name, for faces without a model.

    Raises NotFound for an unknown tool, InputError for bad arguments, and whatever the tool raises.
    """
    spec = next((t for t in TOOLS if t.name == name), None)
    if spec is None:
        raise NotFound("tool", name, [t.name for t in TOOLS])
    return spec.run(ws, _checked(spec, args))


def _checked(spec: ToolSpec, args: Mapping[str, Any]) -> BaseModel:
    from pydantic import ValidationError

    try:
        return spec.args.model_validate(dict(args))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(p) for p in first["loc"]) or "arguments"
        raise InputError(f"{spec.name}: {where}: {first['msg'].lower()}") from None


def artifact_of(spec_name: str, args: Mapping[str, Any], result: Result, seconds: float) -> dict[str, Any]:
    """The artifact that goes beside a tool's text to the face."""
    return {
        "kind": result.kind,
        "tool": spec_name,
        "args": {k: v for k, v in args.items() if v is not None},
        "seconds": round(seconds, 3),
        "text": result.text(),
        "data": result.to_dict(),
        "evidence": [e.to_dict() for e in result.evidence],
        "unknowns": list(result.unknowns),
        **({"files": files} if (files := proposed_files(result)) else {}),
    }


def proposed_files(result: Result) -> list[str]:
    """Files that a result would write, below `output/`; a simulation's report is drawn only when it is asked for."""
    return [] if result.kind == "simulation" else [d.path for d in drafts_of(result)]


def error_artifact(spec_name: str, args: Mapping[str, Any], error: CopilotError) -> dict[str, Any]:
    """The artifact of a tool that failed."""
    return {
        "kind": "error",
        "tool": spec_name,
        "args": {k: v for k, v in args.items() if v is not None},
        "data": error.to_dict(),
        "evidence": [],
        "unknowns": [error.message],
    }


def answer_call(ws: Workspace, spec: ToolSpec, args: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Runs one tool for a chat: its text, and the artifact beside it. Errors of ours are results too.

    Raises Unavailable, which may be tried again.
    """
    began = time.perf_counter()
    try:
        result = spec.run(ws, _checked(spec, args))
    except Unavailable:
        raise
    except CopilotError as error:
        return f"Error: {error.message}", error_artifact(spec.name, args, error)
    text, artifact = result.text(), artifact_of(spec.name, args, result, time.perf_counter() - began)
    return hidden(ws, text, artifact) if ws.settings.privacy.mask == "always" else (text, artifact)


def hidden(ws: Workspace, text: str, artifact: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """A result's text and artifact without values of personal columns."""
    from tools.privacy import masker_for

    masker = masker_for(ws)
    return masker.text(text, masker.values([artifact])), masker.artifact(artifact)


def build_tools(ws: Workspace) -> list[BaseTool]:
    """The same tools for LangChain. `Unavailable` is raised, so that middleware may retry; other errors are results."""
    return [_as_langchain(ws, spec) for spec in TOOLS]


def _as_langchain(ws: Workspace, spec: ToolSpec) -> BaseTool:
    from langchain_core.tools import StructuredTool

    def run(**kwargs: Any) -> tuple[str, dict[str, Any]]:
        return answer_call(ws, spec, kwargs)

    return StructuredTool.from_function(
        func=run,
        name=spec.name,
        description=spec.description,
        args_schema=spec.args,
        response_format="content_and_artifact",
        metadata={"writes": spec.writes},
    )
