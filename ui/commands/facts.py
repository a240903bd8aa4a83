"""The engine's answers as commands: no model is loaded for any of them."""

from __future__ import annotations

import sys
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from knowledge.errors import InputError
from ui.commands.keeping import write_report
from ui.commands.options import JsonOption, LakeOption, open_lake
from ui.commands.output import Output
from ui.commands.reading import read_text

if TYPE_CHECKING:
    from tools.result import Result

__all__ = ["assets", "impact", "job", "lineage", "query", "schema", "search", "stats", "tables"]


class Kind(StrEnum):
    """Kinds of things a lake has."""

    TABLE = "table"
    JOB = "job"
    DASHBOARD = "dashboard"
    KPI = "kpi"


class ListedKind(StrEnum):
    """Kinds of things that can be listed."""

    TABLE = "table"
    JOB = "job"
    DASHBOARD = "dashboard"
    KPI = "kpi"
    COLUMN = "column"


class Format(StrEnum):
    """Forms of a lineage."""

    TEXT = "text"
    MERMAID = "mermaid"
    DOT = "dot"
    JSON = "json"
    OPENLINEAGE = "openlineage"


TableArgument = Annotated[str, typer.Argument(metavar="TABLE", help="A table, bare or as database.table.")]


def schema(
    ctx: typer.Context,
    table: TableArgument,
    column: Annotated[str | None, typer.Option(help="Only this column.", show_default=False)] = None,
    lake: LakeOption = None,
    json: JsonOption = False,
) -> None:
    """Columns of a table, with types, partitions and comments.

    \b
    Example:
      de-copilot schema dim_product
    """
    _call(ctx, lake, json, "schema", asset=table, column=column)


def stats(
    ctx: typer.Context,
    table: TableArgument,
    column: Annotated[str | None, typer.Option(help="Only this column.", show_default=False)] = None,
    days: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Only the newest N days of data.", show_default=False)
    ] = None,
    values: Annotated[bool, typer.Option(help="Show values of the data; --no-values keeps personal data out.")] = True,
    scan: Annotated[
        bool,
        typer.Option("--scan/--free", help="Query the table, or only what footers and the catalog tell for nothing."),
    ] = True,
    lake: LakeOption = None,
    json: JsonOption = False,
) -> None:
    """What is in each column: nulls, distinct values, smallest, largest, mean.

    \b
    Example:
      de-copilot stats customer_positions_daily --days 7 --column market_value
      de-copilot stats customer_positions_daily --free
    """
    _call(ctx, lake, json, "stats", asset=table, column=column, window_days=days, values=values, scan=scan)


def lineage(
    ctx: typer.Context,
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="A table, job, dashboard or KPI, or a column as table.column.")
    ],
    up: Annotated[
        bool, typer.Option("--up/--down", help="Where it comes from, or where it goes.", show_default="--up")
    ] = True,
    depth: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="At most N jobs, dashboards or KPIs away.", show_default=False),
    ] = None,
    kind: Annotated[Kind | None, typer.Option(help="Only things of this kind.", show_default=False)] = None,
    kept: Annotated[
        bool, typer.Option("--kept", help="From what `snapshot` kept: no job is read again. For very many jobs.")
    ] = False,
    format: Annotated[Format, typer.Option(help="How to print it.")] = Format.TEXT,
    lake: LakeOption = None,
    json: JsonOption = False,
) -> None:
    """Where a table or column comes from, or where it goes, with the place of every hop.

    \b
    Examples:
      de-copilot lineage positions_fact.product_group
      de-copilot lineage dim_product --down --format mermaid
      de-copilot lineage positions_fact --format openlineage > events.ndjson
    """
    from json import dumps

    from tools.lineage import LineageResult
    from tools.lineage.kept import ask_kept
    from tools.openlineage import events_of
    from tools.toolbox import call_tool
    from ui.graphs import graph_of, to_dot, to_mermaid

    args = {"asset": name, "depth": depth, "kind": kind.value if kind else None}
    ws = open_lake(ctx, lake)
    result: Result
    if kept:
        result = ask_kept(ws.store, name, "upstream" if up else "downstream", depth, kind.value if kind else None)
    else:
        result = call_tool(ws, "lineage_upstream" if up else "lineage_downstream", args)
    output = Output(json or format is Format.JSON)
    if format is Format.OPENLINEAGE and isinstance(result, LineageResult):
        output.text("".join(f"{dumps(event)}\n" for event in events_of(ws, result)))
        return
    draw = {Format.MERMAID: to_mermaid, Format.DOT: to_dot}.get(format)
    if output.json or draw is None:
        output.result(result)
        return
    output.text(draw(graph_of(result.kind, result.to_dict())))


def impact(
    ctx: typer.Context,
    change: Annotated[
        str | None, typer.Argument(metavar="CHANGE", help="The change in words; quote it.", show_default=False)
    ] = None,
    job: Annotated[
        str | None,
        typer.Option(metavar="JOB", help="Compare this job with its last snapshot, and report.", show_default=False),
    ] = None,
    new: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="With --job: an edited script, instead of the lake's.", show_default=False),
    ] = None,
    table: Annotated[
        str | None,
        typer.Option(
            metavar="TABLE", help="Compare this table's columns with those it had before.", show_default=False
        ),
    ] = None,
    values: Annotated[
        bool, typer.Option("--values", help="With --table: the values that came and went in its newest rows, instead.")
    ] = False,
    since: Annotated[
        str | None,
        typer.Option(metavar="VERSION", help="With --table: this version of the Glue catalog.", show_default=False),
    ] = None,
    report: Annotated[
        bool, typer.Option("--report", help="Write the report files below output/ (with --job: always).")
    ] = False,
    lake: LakeOption = None,
    json: JsonOption = False,
) -> None:
    """What a change breaks, and what it leaves alone, with the code line that proves it.

    \b
    Examples:
      de-copilot impact "drop column dim_product.product_group"
      de-copilot impact "rename price to unit_price in raw_positions" --report
      de-copilot impact "change raw_positions.quantity to decimal(18,2)"
      de-copilot impact "positions_job is late"
      de-copilot impact "raw_positions.status gets CRYPTO"
      de-copilot impact "dim_product.asset_class loses BOND"
      de-copilot impact "raw_positions.customer_id becomes nullable"
      de-copilot impact "remove dashboard Custody Feed Quality"
      de-copilot impact --job product_dim_job --new edited/product_dim_job.py
      de-copilot impact --table dim_product --since 3
      de-copilot impact --table raw_positions --values
    """
    from tools.changes import Change, parse_change
    from tools.guardian import guard, report_on
    from tools.impact import impact as impact_of

    if sum(given is not None for given in (change, job, table)) != 1:
        hint = 'Say `impact "drop column x"`, `impact --job NAME` or `impact --table NAME`.'
        raise InputError("one change, one job or one table: which?", hint=hint)
    if since is not None and table is None:
        raise InputError("--since goes with --table", hint="Name the table whose version it is.")
    if values and (table is None or since is not None):
        raise InputError("--values goes with --table alone", hint="Name the table whose newest rows are meant.")
    if new is not None and job is None:
        raise InputError("--new goes with --job", hint="Name the job that the script is an edit of.")
    output = Output(json)
    if job is not None:
        ws = open_lake(ctx, lake)
        write_report(output, ws.lake, guard(ws, job, read_text(new) if new is not None else None))
        return
    of_table = Change("change_values", table) if values else Change("change_schema", table=table, to=since)
    asked = of_table if table is not None else parse_change(change or "")
    ws = open_lake(ctx, lake)
    if report:
        write_report(output, ws.lake, report_on(ws, asked))
    else:
        output.result(impact_of(ws, asked))


def job(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="JOB", help="A job's name.")],
    lake: LakeOption = None,
    json: JsonOption = False,
) -> None:
    """What a job reads, does and writes, column by column. Its code is read, never run.

    \b
    Example:
      de-copilot job positions_fact_job
    """
    _call(ctx, lake, json, "job_summary", job=name)


def search(
    ctx: typer.Context,
    query: Annotated[str, typer.Argument(metavar="QUESTION", help="What to look for, in plain words; quote it.")],
    about: Annotated[
        str | None, typer.Option(metavar="NAME", help="A table, column or job that it is about.", show_default=False)
    ] = None,
    lake: LakeOption = None,
    json: JsonOption = False,
) -> None:
    """What past documents say: runbooks, incident notes, decisions, contracts, reports; quoted, with file and line.

    Looks by meaning, by the names in the question, and by what stands next to them in the lineage.

    \b
    Examples:
      de-copilot search "why was product_group renamed"
      de-copilot search "has this bitten us before?" --about dim_product
    """
    _call(ctx, lake, json, "search_docs", query=query, asset=about)


def assets(
    ctx: typer.Context,
    filter: Annotated[
        str | None, typer.Argument(metavar="PART", help="A part of the name.", show_default=False)
    ] = None,
    kind: Annotated[ListedKind | None, typer.Option(help="Only things of this kind.", show_default=False)] = None,
    lake: LakeOption = None,
    json: JsonOption = False,
) -> None:
    """Tables, jobs, dashboards and KPIs of the lake; with a part of a name also columns.

    \b
    Example:
      de-copilot assets product
    """
    _call(ctx, lake, json, "list_assets", kind=kind.value if kind else None, filter=filter)


def tables(ctx: typer.Context, lake: LakeOption = None, json: JsonOption = False) -> None:
    """The lake's tables.

    \b
    Example:
      de-copilot tables --lake .demo/wealth
    """
    _call(ctx, lake, json, "list_assets", kind="table")


def _call(ctx: typer.Context, lake: Path | None, json: bool, tool: str, **args: Any) -> None:
    """The same tool that a model would call, by the same name."""
    from tools.toolbox import call_tool

    Output(json).result(call_tool(open_lake(ctx, lake), tool, args))


def query(
    ctx: typer.Context,
    sql: Annotated[
        str, typer.Argument(metavar="SQL", help="One SELECT in Athena SQL; quote it. A lone - reads standard input.")
    ],
    rows: Annotated[int, typer.Option(min=1, help="Fetch at most so many rows; `limits.rows` bounds it too.")] = 100,
    lake: LakeOption = None,
    json: JsonOption = False,
) -> None:
    """Run one read-only SELECT within the lake's limits, with the query's id and the bytes it scanned.

    Whatever is not plain reading is refused (exit code 5); a query that would scan or take too much ends with 6.

    \b
    Examples:
      de-copilot query "SELECT product_group, count(*) AS n FROM dim_product GROUP BY 1"
      de-copilot query - --json < question.sql
    """
    from tools.query import run_query

    text = sys.stdin.read() if sql == "-" else sql
    Output(json).result(run_query(open_lake(ctx, lake), text, rows))
