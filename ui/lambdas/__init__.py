"""The Lambda functions: the engine's answers for events, pipelines and other programs, without any model.

    de_copilot_analyze_table       {"glue_database", "table_name", "job_script_s3_path"}
    de_copilot_impact_analyzer     {"job_name"}, with "new_job_script_s3_path" for an edit that is not deployed yet
    de_copilot_kpi_simulator       {"job_name", "new_job_script_s3_path", "days"}
    de_copilot_list_tables         {}: all tables, as a file that Step Functions' Distributed Map reads

Each takes those inputs or the events that `ui.lambdas.events` knows, writes its files to the output folder, and
answers with a small JSON object that says where they are. Nothing heavy is imported before the first call.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ui.lambdas.running import handled

__all__ = [
    "de_copilot_analyze_table",
    "de_copilot_impact_analyzer",
    "de_copilot_kpi_simulator",
    "de_copilot_list_tables",
]


def de_copilot_analyze_table(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Makes tests, contract and documentation of a table, and keeps its jobs as they are now."""
    from ui.lambdas.events import analyze_request
    from ui.lambdas.work import analyze

    return handled("analyze_table", event, context, analyze_request, analyze)


def de_copilot_impact_analyzer(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Says what a job's edit does to everything downstream, and writes the report."""
    from ui.lambdas.events import impact_request
    from ui.lambdas.work import impact

    return handled("impact_analyzer", event, context, impact_request, impact)


def de_copilot_kpi_simulator(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """KPIs day by day under old and new logic. A call whose time runs short says how to go on."""
    from ui.lambdas.events import simulate_request
    from ui.lambdas.simulation import simulate_kpis

    return handled("kpi_simulator", event, context, simulate_request, simulate_kpis)


def de_copilot_list_tables(event: Mapping[str, Any], context: Any) -> dict[str, Any]:
    """Writes the list of tables that a fan-out goes through, one small object each."""
    from ui.lambdas.events import list_request
    from ui.lambdas.work import list_tables

    return handled("list_tables", event, context, list_request, list_tables)
