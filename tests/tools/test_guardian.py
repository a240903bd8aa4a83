"""The change guardian: a job against its last snapshot, and the report that a person likes to read."""

from __future__ import annotations

import json
import multiprocessing
import os
from html.parser import HTMLParser
from pathlib import Path

import pytest

from knowledge.errors import InputError, NotFound
from tests.lakes import SHOP_JOBS, SHOP_KPIS, SHOP_TABLES, build, shop
from tools.changes import parse_change
from tools.guardian import GuardReport, guard, report_on
from tools.reports import write_drafts
from tools.snapshots import remember
from tools.toolbox import call_tool
from tools.workspace import Workspace


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    ws = shop(tmp_path / "lake")
    remember(ws)
    return ws


def edited(ws: Workspace, job: str, *edits: tuple[str, str]) -> GuardReport:
    text = ws.jobs[job].text
    for old, new in edits:
        assert old in text
        text = text.replace(old, new)
    return guard(ws, job, text)


def verdicts(report: GuardReport) -> dict[str, str]:
    return {i.name.removeprefix("d."): i.verdict for i in report.impact.items}


def test_a_job_as_it_was_reaches_nothing_and_says_what_it_feeds(ws: Workspace) -> None:
    report = guard(ws, "sales_job")
    assert (report.status, report.severity, report.impact.impacted) == ("same_text", "low", [])
    assert "sales" in report.text()
    assert ("kpi", "Revenue") in report.feeds


def test_another_layout_is_no_change(ws: Workspace) -> None:
    report = edited(ws, "sales_job", ("SELECT r.id,", "-- all sales\nSELECT\n    r.id,"))
    assert (report.status, report.causes) == ("same_meaning", ())
    assert "computes the same" in report.verdict


def test_the_order_of_conditions_is_no_change(ws: Workspace) -> None:
    both = ("r.kind = 'SALE'", "r.kind = 'SALE' AND r.price > 0")
    turned = ("r.kind = 'SALE'", "r.price > 0 AND (r.kind = 'SALE')")
    Path(ws.settings.lake, "jobs/sales_job.sql").write_text(ws.jobs["sales_job"].text.replace(*both))
    ws.refresh()
    remember(ws)
    assert edited(ws, "sales_job", (both[1], turned[1])).status == "same_meaning"


def test_what_is_written_otherwise_but_computes_the_same_is_no_change(ws: Workspace) -> None:
    report = edited(
        ws,
        "daily_job",
        (
            "SELECT day, sum(price) AS total\nFROM sales",
            "WITH s AS (SELECT * FROM sales) SELECT s.day, SUM(s.price) AS total FROM s",
        ),
    )
    assert report.status == "same_meaning"
    turned = ("JOIN names n ON n.id = r.id\nWHERE r.kind = 'SALE'", "JOIN names n ON r.id = n.id AND 'SALE' = r.kind")
    assert edited(ws, "sales_job", turned).status == "same_meaning"


def test_rows_show_what_an_edit_does(ws: Workspace) -> None:
    report = edited(ws, "daily_job", ("sum(price)", "max(price)"))
    assert report.example[-2].startswith("before: ")
    assert "On these rows it shows" in report.text()
    assert all("On these rows it shows" in d.text for d in report.drafts if not d.path.endswith("json"))


def test_a_column_that_is_no_longer_written_breaks_its_readers(ws: Workspace) -> None:
    report = edited(ws, "sales_job", ("r.id, r.price,", "r.id,"), ("INSERT INTO sales", "CREATE TABLE sales AS"))
    assert verdicts(report)["daily_job"] == "breaks"
    assert report.severity == "high"
    assert report.actions.fixes[0].name == "daily_job"
    assert any(str(c) == "column `sales.price` is no longer written" for c in report.causes)


def test_a_filter_is_named_with_both_lines_and_moves_values_downstream(ws: Workspace) -> None:
    report = edited(ws, "sales_job", ("r.kind = 'SALE'", "r.kind IN ('SALE', 'CRYPTO')"))
    (cause,) = report.causes
    assert (cause.what, cause.old_place, cause.new_place) == (
        "filter",
        "jobs/sales_job.sql:5",
        "jobs/sales_job.sql:5",
    )
    assert verdicts(report)["Revenue"] == "values_change"
    assert report.severity == "medium"


def test_an_expression_moves_only_what_is_computed_from_it(ws: Workspace) -> None:
    report = edited(ws, "sales_job", ("n.name, r.day", "upper(n.name) AS name, r.day"))
    assert [(c.what, c.subject) for c in report.causes] == [("expression", "sales.name")]
    assert verdicts(report)["daily_job"] == "not_affected"
    assert report.severity == "low"


def test_an_edit_that_does_not_bind_breaks_the_job_itself(ws: Workspace) -> None:
    report = edited(ws, "sales_job", ("r.price", "r.prise"))
    assert verdicts(report)["sales_job"] == "breaks"
    assert verdicts(report)["Totals"] == "stale"
    assert "jobs/sales_job.sql:2" in {e.where for e in report.evidence}


def test_a_table_that_is_no_longer_written_goes_stale(ws: Workspace) -> None:
    report = edited(ws, "daily_job", ("INSERT INTO daily", "INSERT INTO daily_v2"))
    assert verdicts(report)["Totals"] == "stale"


def test_without_a_snapshot_the_report_says_so_and_what_rests_on_the_job(tmp_path: Path) -> None:
    report = guard(shop(tmp_path / "lake"), "sales_job")
    assert report.status == "no_baseline"
    assert "No earlier snapshot" in report.verdict
    assert "Revenue" in {i.name for i in report.impact.items}


def test_the_newest_snapshot_counts(ws: Workspace) -> None:
    path = Path(ws.settings.lake, "jobs/daily_job.sql")
    path.write_text(path.read_text().replace("sum(price)", "avg(price)"))
    ws.refresh()
    assert guard(ws, "daily_job").status == "changed"
    remember(ws, "daily_job")
    assert guard(ws, "daily_job").status == "same_text"


def test_a_change_in_words_gets_the_same_report(ws: Workspace) -> None:
    report = report_on(ws, parse_change("drop column raw.price"))
    assert report.severity == "high"
    assert report.drafts[0].path.startswith("impact_reports/raw.price_")


def test_the_report_is_three_files_named_for_job_and_time(ws: Workspace) -> None:
    report = edited(ws, "sales_job", ("r.kind = 'SALE'", "r.kind = 'GIFT'"))
    assert [d.path.rpartition(".")[2] for d in report.drafts] == ["md", "json", "html"]
    data = json.loads(report.drafts[1].text)
    assert {"impacted_jobs", "impacted_tables", "impacted_dashboards", "impacted_kpis", "severity", "evidence"} <= set(
        data
    )
    assert data["impacted_dashboards"] == ["Totals"]
    markdown = report.drafts[0].text
    order = [markdown.index(part) for part in ("**`sales_job`", "```mermaid", "| severity |", "## What to do")]
    assert order == sorted(order)


class _Page(HTMLParser):
    """Collects what a browser would act on."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [v or "" for k, v in attrs if k in ("src", "href", "srcset", "data")]


def test_the_page_escapes_names_and_asks_nothing_of_the_network(tmp_path: Path) -> None:
    evil = "Rev <img src=x onerror=alert(1)> | [x](javascript:1) `"
    kpis = [{**SHOP_KPIS[0], "kpi_name": evil, "owner": "<script>alert(1)</script>"}]
    ws = build(tmp_path / "lake", SHOP_TABLES, SHOP_JOBS, (), kpis)
    markdown, _, html = (d.text for d in report_on(ws, parse_change("drop column raw.price")).drafts)
    page = _Page()
    page.feed(html)
    assert not page.tags & {"script", "img", "iframe", "link", "object"}
    assert page.addresses == []
    assert "<img" not in markdown
    assert "<script" not in markdown
    assert "](javascript" not in markdown


def test_owners_are_told_what_of_theirs_is_reached(tmp_path: Path) -> None:
    kpis = [{**SHOP_KPIS[0], "owner": "finance"}]
    ws = build(tmp_path / "lake", SHOP_TABLES, SHOP_JOBS, (), kpis)
    assert report_on(ws, parse_change("drop column raw.price")).actions.tell == {"finance": ("Revenue",)}


def test_what_is_declared_critical_is_high_as_soon_as_it_is_reached(tmp_path: Path) -> None:
    kpis = [{**SHOP_KPIS[0], "criticality": "high"}]
    ws = build(tmp_path / "lake", SHOP_TABLES, SHOP_JOBS, (), kpis)
    remember(ws)
    report = edited(ws, "sales_job", ("r.kind = 'SALE'", "r.kind = 'GIFT'"))
    assert report.severity == "high"
    assert report.impact.severity_reason == "values of 1 KPI change; declared critical: Revenue"


def test_the_tool_makes_the_report_of_a_job_a_table_or_a_change(ws: Workspace) -> None:
    assert call_tool(ws, "report", {"job": "sales_job"}).to_dict()["status"] == "same_text"
    assert call_tool(ws, "report", {"asset": "raw"}).to_dict()["severity"] == "high"
    one = call_tool(ws, "report", {"change": "drop column raw.price", "format": "html"}).to_dict()
    assert [d["path"].rpartition(".")[2] for d in one["drafts"]] == ["html"]
    with pytest.raises(InputError, match="no pdf report"):
        call_tool(ws, "report", {"job": "sales_job", "format": "pdf"})
    with pytest.raises(NotFound):
        call_tool(ws, "report", {"job": "no_such_job"})


def _write_and_die(root: Path, path: str) -> None:
    from tools.lake.files import LakeFiles

    setattr(Path, "replace", lambda *_: os._exit(9))  # noqa: B010 - this process is about to die
    LakeFiles(root, root / "output").write(f"output/{path}", "half")


def test_a_report_that_is_interrupted_leaves_the_old_one_whole(ws: Workspace) -> None:
    report = report_on(ws, parse_change("drop column raw.price"))
    write_drafts(ws.lake, report.drafts)
    root = Path(ws.settings.lake)
    writer = multiprocessing.get_context("spawn").Process(target=_write_and_die, args=(root, report.drafts[1].path))
    writer.start()
    writer.join(60)
    assert writer.exitcode == 9
    assert (root / "output" / report.drafts[1].path).read_text() == report.drafts[1].text
    written = {p.name for p in (root / "output/impact_reports").iterdir() if not p.name.startswith(".")}
    assert written == {d.path.rpartition("/")[2] for d in report.drafts}
