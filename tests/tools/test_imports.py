"""Lineage from elsewhere: runs as OpenLineage tells them, dbt models, and how they agree with code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from knowledge.errors import InputError
from knowledge.records import JobRecord, TableRecord
from tests.lakes import SHOP_JOBS, SHOP_TABLES, build, shop
from tools.changes import parse_change
from tools.history import history_of
from tools.impact import impact
from tools.imports import ImportResult, import_text
from tools.lineage import LineageResult, downstream, upstream
from tools.openlineage import events_of
from tools.snapshots import remember
from tools.workspace import Workspace


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return shop(tmp_path / "lake")


def dataset(name: str, **facets: Any) -> dict[str, Any]:
    return {"namespace": "hive://warehouse", "name": name, "facets": facets}


def run(
    job: str, inputs: list[str], output: str, fields: dict[str, list[tuple[str, str]]] | None = None
) -> dict[str, Any]:
    columns = {
        column: {
            "inputFields": [
                {**dataset(t), "field": f, "transformations": [{"type": "DIRECT", "subtype": "IDENTITY"}]}
                for t, f in sources
            ]
        }
        for column, sources in (fields or {}).items()
    }
    facets = {"columnLineage": {"fields": columns}} if fields else {}
    return {
        "eventType": "COMPLETE",
        "eventTime": "2026-11-20T06:00:00Z",
        "run": {"runId": "1"},
        "job": {"namespace": "airflow", "name": job},
        "inputs": [dataset(n) for n in inputs],
        "outputs": [dataset(output, **facets)],
    }


def names(result: LineageResult) -> set[str]:
    return {r.node.label for r in result.shown}


def imported(ws: Workspace, *events: dict[str, Any]) -> ImportResult:
    return import_text(ws, "\n".join(json.dumps(e) for e in events), "events.ndjson")


def test_a_job_that_runs_elsewhere_joins_the_lineage(ws: Workspace) -> None:
    imported(ws, run("exports.to_crm", ["d.daily"], "d.crm", {"amount": [("d.daily", "total")]}))
    assert {"exports.to_crm", "crm"} <= names(downstream(ws, "raw"))
    assert "raw" in names(upstream(ws, "crm"))
    assert "crm.amount" in names(downstream(ws, "raw.price"))
    record = ws.store.get("TABLE", "daily")
    assert isinstance(record, TableRecord)
    assert record.read_by == ("exports.to_crm",)


def test_a_column_that_a_run_used_breaks_that_job_when_it_goes(ws: Workspace) -> None:
    imported(ws, run("to_crm", ["d.sales"], "d.crm", {"who": [("d.sales", "name")]}))
    verdicts = {i.name: i.verdict for i in impact(ws, parse_change("drop column sales.name")).items}
    assert verdicts["to_crm"] == "breaks"
    assert verdicts["d.crm"] == "stale"


def test_a_run_known_only_by_its_tables_may_be_affected(ws: Workspace) -> None:
    imported(ws, run("to_crm", ["d.sales"], "d.crm"))
    verdicts = {i.name: i.verdict for i in impact(ws, parse_change("drop column sales.name")).items}
    assert verdicts["to_crm"] == "may_be_affected"


def test_a_run_of_a_script_is_merged_and_what_differs_is_shown(ws: Workspace) -> None:
    result = imported(ws, run("prod.daily_job", ["d.sales", "d.names"], "d.daily"))
    assert result.merged == ("daily_job",)
    assert result.conflicts == {"daily_job": ["a run reads `d.names`, which the code does not show"]}
    assert "daily_job" in names(downstream(ws, "names", depth=1))
    assert any("a run read d.names" in u for u in downstream(ws, "names").unknowns)
    assert "sales.price" in names(upstream(ws, "daily.total")), "what the code says stays"


def test_what_runs_showed_stays_when_the_script_is_analyzed_again(ws: Workspace) -> None:
    imported(ws, run("daily_job", ["d.names"], "d.daily"))
    remember(ws)
    record = ws.store.get("JOB", "daily_job")
    assert isinstance(record, JobRecord)
    assert set(record.reads_from) == {"sales", "names"}
    assert history_of(ws, "daily_job").entries


def test_several_runs_add_up_and_failed_ones_do_not_count(ws: Workspace) -> None:
    failed = {**run("to_crm", ["d.raw"], "d.crm"), "eventType": "FAIL"}
    result = imported(ws, run("to_crm", ["d.daily"], "d.crm"), failed, run("to_crm", ["d.names"], "d.crm"))
    record = ws.store.get("JOB", "to_crm")
    assert isinstance(record, JobRecord)
    assert record.reads_from == ("daily", "names")
    assert "did not end well" in result.unknowns[0]


def test_a_path_with_its_tables_name_beside_it_is_that_table(ws: Workspace) -> None:
    event = run("to_crm", [], "d.crm")
    symlinks = {"identifiers": [{"namespace": "arn:aws:glue:eu-west-1:1", "name": "table/d/daily", "type": "TABLE"}]}
    event["inputs"] = [{"namespace": "s3://bucket", "name": "x/daily", "facets": {"symlinks": symlinks}}]
    imported(ws, event)
    assert "to_crm" in names(downstream(ws, "daily"))


def test_what_is_exported_comes_back_as_the_same_lineage(ws: Workspace, tmp_path: Path) -> None:
    events = events_of(ws, upstream(ws, "Revenue"))
    other = build(tmp_path / "other", SHOP_TABLES, {})
    imported(other, *json.loads(json.dumps(events)))
    assert names(upstream(other, "daily.total")) == names(upstream(ws, "daily.total"))
    assert names(upstream(other, "daily")) == names(upstream(ws, "daily"))


MANIFEST = {
    "metadata": {"dbt_schema_version": "https://schemas.getdbt.com/dbt/manifest/v12.json", "adapter_type": "athena"},
    "sources": {"source.p.d.raw": {"schema": "d", "name": "raw", "identifier": "raw", "resource_type": "source"}},
    "nodes": {
        "model.p.clean": {
            "resource_type": "model", "name": "clean", "schema": "d", "original_file_path": "models/clean.sql",
            "compiled_code": 'select id,\n  price * 2 as double_price\nfrom "d"."raw"',
            "depends_on": {"nodes": ["source.p.d.raw"]}, "config": {"materialized": "table"},
        },
        "model.p.late": {
            "resource_type": "model", "name": "late", "schema": "d", "depends_on": {"nodes": ["model.p.clean"]},
        },
    },
    "exposures": {
        "exposure.p.board": {
            "name": "board", "label": "Price Board", "owner": {"name": "Pricing"}, "depends_on": {"nodes": ["model.p.clean"]},
        }
    },
}  # fmt: skip


def test_dbt_models_are_read_down_to_columns_and_lines(ws: Workspace) -> None:
    result = import_text(ws, json.dumps(MANIFEST), "manifest.json")
    assert result.jobs == ("dbt.clean", "dbt.late")
    assert "late is not compiled" in result.unknowns[0]
    hop = next(link for a, b, link in upstream(ws, "clean").edges if b == "job:dbt.clean")
    assert hop.file == "models/clean.sql"
    item = next(i for i in impact(ws, parse_change("drop column raw.price")).items if i.name == "dbt.clean")
    assert (item.verdict, item.evidence[0].where) == ("breaks", "models/clean.sql:2")


def test_an_exposure_is_a_dashboard_with_its_owner(ws: Workspace) -> None:
    import_text(ws, json.dumps(MANIFEST), "manifest.json")
    assert "Price Board" in names(downstream(ws, "raw"))


@pytest.mark.parametrize("text", ["", "{", '{"a": 1}', "[1, 2]", "not\njson"])
def test_anything_else_is_refused_with_what_is_expected(ws: Workspace, text: str) -> None:
    with pytest.raises(InputError):
        import_text(ws, text, "file.json")
    assert ws.store.list() == []


def test_jobs_of_the_lake_are_untouched_by_an_import(ws: Workspace) -> None:
    imported(ws, run("to_crm", ["d.daily"], "d.crm"))
    assert set(SHOP_JOBS) == {Path(j.path).name for j in ws.jobs.values()}
