"""Impact: every verdict, and the proof behind it, on a small lake that can be followed by eye."""

from __future__ import annotations

from pathlib import Path

import pytest

from knowledge.errors import Ambiguous, InputError, NotFound
from tests.lakes import SHOP_DASHBOARDS, SHOP_JOBS, SHOP_KPIS, SHOP_TABLES, build, shop
from tools.changes import Change, parse_change
from tools.impact import ImpactItem, ImpactResult, impact, severity_of
from tools.workspace import Workspace


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return shop(tmp_path / "lake")


def verdicts(result: ImpactResult) -> dict[str, str]:
    return {i.name.removeprefix("d."): i.verdict for i in result.items}


def item(result: ImpactResult, name: str) -> ImpactItem:
    return next(i for i in result.items if i.name.removeprefix("d.") == name)


def test_dropping_a_column_breaks_its_readers_and_leaves_the_rest_stale(ws: Workspace) -> None:
    result = impact(ws, parse_change("drop column raw.price"))
    assert verdicts(result) == {
        "sales_job": "breaks",
        "sales": "stale",
        "daily_job": "stale",
        "daily": "stale",
        "Totals": "stale",
        "Revenue": "stale",
    }
    assert result.severity == "high"


def test_the_proof_is_the_line_that_no_longer_binds(ws: Workspace) -> None:
    result = impact(ws, parse_change("drop column raw.price"))
    (evidence,) = item(result, "sales_job").evidence
    assert evidence.where == "jobs/sales_job.sql:2"
    assert evidence.detail == "SELECT r.id, r.price, n.name, r.day"


def test_what_was_computed_from_the_dropped_column_is_named_down_the_line(ws: Workspace) -> None:
    result = impact(ws, parse_change("drop column raw.price"))
    assert item(result, "Totals").columns == ("daily.total",)
    assert "computed from" in item(result, "Revenue").reason


def test_a_star_hands_the_loss_on_until_somebody_names_the_column(ws: Workspace) -> None:
    result = impact(ws, parse_change("drop column names.region"))
    assert verdicts(result) == {
        "copy_job": "values_change",
        "copy": "values_change",
        "Names": "breaks",
        "sales_job": "not_affected",
        "Vague": "may_be_affected",
    }


def test_table_level_knowledge_is_said_to_be_that(ws: Workspace) -> None:
    result = impact(ws, parse_change("drop column names.region"))
    assert "known only at table level" in item(result, "Vague").reason
    assert result.coverage["table_level_only"] == ["Vague"]


def test_a_job_that_reads_the_table_but_not_the_column_is_not_affected(ws: Workspace) -> None:
    result = impact(ws, parse_change("drop column names.region"))
    assert item(result, "sales_job").reason == "reads `names` but nothing of what changes"


def test_a_renamed_column_breaks_whoever_says_the_old_name(ws: Workspace) -> None:
    assert verdicts(impact(ws, parse_change("rename names.name to full_name")))["sales_job"] == "breaks"


def test_a_type_that_no_longer_fits_breaks_in_the_engines_own_words(ws: Workspace) -> None:
    result = impact(ws, parse_change("change raw.kind to bigint"))
    broken = item(result, "sales_job")
    assert broken.verdict == "breaks"
    assert broken.reason.startswith("TYPE_MISMATCH")
    assert broken.evidence[0].where == "jobs/sales_job.sql:5"
    assert item(result, "Revenue").verdict == "stale"


def test_a_type_that_an_insert_cannot_take_breaks(ws: Workspace) -> None:
    result = impact(ws, parse_change("change raw.day to varchar"))
    assert item(result, "sales_job").reason == "TYPE_MISMATCH: day is varchar, d.sales has date"


def test_a_narrower_type_moves_values_and_filters_move_rows(ws: Workspace) -> None:
    result = impact(ws, parse_change("change raw.kind to varchar(2)"))
    assert item(result, "sales_job").verdict == "values_change"
    assert "in a filter" in item(result, "sales").reason
    assert item(result, "Revenue").verdict == "values_change"


def test_a_wider_type_hardly_moves_what_it_decides(ws: Workspace) -> None:
    verdict = verdicts(impact(ws, parse_change("change raw.id to double")))
    assert verdict["sales_job"] == "breaks", "sales.id is a bigint"
    wide = {**SHOP_TABLES, "sales": {**SHOP_TABLES["sales"], "id": "double"}}
    ws = build(Path(ws.settings.lake).parent / "other", wide, SHOP_JOBS, SHOP_DASHBOARDS, SHOP_KPIS)
    result = impact(ws, parse_change("change raw.id to double"))
    assert item(result, "sales").columns == (), "sales.id held doubles before"
    assert item(result, "sales").verdict == "may_be_affected", "rows are joined by what has a wider type now"
    assert item(result, "Revenue").verdict == "may_be_affected"


def test_a_dropped_table_breaks_its_readers(ws: Workspace) -> None:
    result = impact(ws, parse_change("drop table names"))
    assert verdicts(result)["sales_job"] == "breaks"
    assert verdicts(result)["Vague"] == "breaks"


def test_a_late_job_makes_everything_behind_it_stale(ws: Workspace) -> None:
    result = impact(ws, parse_change("sales_job is late"))
    assert set(verdicts(result).values()) == {"stale"}
    assert set(verdicts(result)) == {"sales", "daily_job", "daily", "Totals", "Revenue"}


def test_a_new_column_reaches_those_who_take_everything(ws: Workspace) -> None:
    result = impact(ws, parse_change("add column note varchar to names"))
    assert item(result, "copy").reason == "gains `note`"
    assert verdicts(result)["sales_job"] == "not_affected"


def test_who_writes_the_column_has_to_be_edited_too(ws: Workspace) -> None:
    result = impact(ws, parse_change("drop column sales.price"))
    assert [(w.name, w.evidence[0].where) for w in result.writers] == [("sales_job", "jobs/sales_job.sql:2")]


def test_a_column_of_several_tables_is_the_one_that_the_others_take_theirs_from(ws: Workspace) -> None:
    result = impact(ws, parse_change("drop region"))
    assert result.change.table == "d.names"
    assert result.assumptions == ("`region` is taken to be `names.region`: `copy.region` takes it from there.",)


def test_a_column_of_several_tables_without_a_common_origin_is_asked_about(tmp_path: Path) -> None:
    tables = {"a": {"x": "bigint"}, "b": {"x": "bigint"}}
    with pytest.raises(Ambiguous) as error:
        impact(build(tmp_path / "lake", tables, {}), parse_change("drop x"))
    assert error.value.candidates == ("a.x", "b.x")


@pytest.mark.parametrize(
    ("change", "near"),
    [("drop column raw.prce", "raw.price"), ("drop table sale", "sales"), ("drop regon", "names.region")],
)
def test_a_misspelt_name_gets_the_nearest(ws: Workspace, change: str, near: str) -> None:
    with pytest.raises(NotFound) as error:
        impact(ws, parse_change(change))
    assert near in error.value.nearest


def test_a_change_without_its_other_half_is_refused(ws: Workspace) -> None:
    with pytest.raises(InputError, match="new name"):
        impact(ws, Change("rename_column", "raw", "price"))


def test_an_unreadable_job_is_in_the_coverage_and_does_not_hide_the_rest(tmp_path: Path) -> None:
    jobs = {**SHOP_JOBS, "broken_job.sql": "SELEC FROM WHERE"}
    ws = build(tmp_path / "lake", SHOP_TABLES, jobs, SHOP_DASHBOARDS, SHOP_KPIS)
    result = impact(ws, parse_change("drop column raw.price"))
    assert verdicts(result)["sales_job"] == "breaks"
    assert (result.coverage["jobs_read"], result.coverage["jobs_total"]) == (3, 4)
    assert result.coverage["unreadable"][0]["job"] == "broken_job"
    assert any("broken_job.sql:1" in u for u in result.unknowns)


def test_jobs_in_a_circle_come_to_rest(tmp_path: Path) -> None:
    tables = {"a": {"x": "bigint", "y": "bigint"}, "b": {"x": "bigint", "y": "bigint"}}
    jobs = {"ab.sql": "INSERT INTO b SELECT * FROM a", "ba.sql": "INSERT INTO a SELECT * FROM b"}
    result = impact(build(tmp_path / "lake", tables, jobs), parse_change("change a.x to integer"))
    assert verdicts(result)["ab"] == "values_change"
    assert verdicts(result)["ba"] == "values_change"


def test_pyspark_jobs_are_held_to_the_same(tmp_path: Path) -> None:
    job = 'df = spark.table("d.raw")\ndf.select("id", "price").write.mode("overwrite").saveAsTable("d.slim")\n'
    tables = {**SHOP_TABLES, "slim": {"id": "bigint", "price": "double"}}
    ws = build(tmp_path / "lake", tables, {"slim_job.py": job})
    assert verdicts(impact(ws, parse_change("drop raw.price")))["slim_job"] == "breaks"
    assert verdicts(impact(ws, parse_change("drop raw.kind")))["slim_job"] == "not_affected"


def of(kind: str, verdict: str) -> ImpactItem:
    return ImpactItem(kind, "x", verdict, "because")  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("items", "severity"),
    [
        ([], "low"),
        ([of("job", "not_affected")], "low"),
        ([of("table", "values_change")], "low"),
        ([of("dashboard", "may_be_affected")], "low"),
        ([of("table", "stale")], "medium"),
        ([of("kpi", "values_change")], "medium"),
        ([of("dashboard", "stale")], "high"),
        ([of("job", "breaks")], "high"),
    ],
)
def test_the_severity_rule(items: list[ImpactItem], severity: str) -> None:
    assert severity_of(items)[0] == severity


def test_the_first_line_answers_and_the_data_is_complete(ws: Workspace) -> None:
    result = impact(ws, parse_change("drop column raw.price"))
    assert result.text().splitlines()[0].startswith("**Dropping `raw.price` breaks 1 job** (severity HIGH).")
    data = result.to_dict()
    assert data["impacted_jobs"] == ["sales_job", "daily_job"]
    assert data["impacted_tables"] == ["sales", "daily"]
    assert data["impacted_dashboards"] == ["Totals"]
    assert data["impacted_kpis"] == ["Revenue"]
    assert {n["id"] for n in data["graph"]["nodes"]} >= {"table:d.raw", "job:sales_job", "dashboard:Totals"}


def test_other_logic_in_a_job_may_affect_all_that_it_feeds(ws: Workspace) -> None:
    result = impact(ws, Change("change_logic", job="sales_job"))
    assert set(verdicts(result).values()) == {"may_be_affected"}
    assert {"sales", "daily_job", "daily", "Totals", "Revenue"} == set(verdicts(result))


def test_an_insert_that_no_longer_fits_its_table_breaks(tmp_path: Path) -> None:
    jobs = {"copy_job.sql": "INSERT INTO copy SELECT * FROM names"}
    ws = build(tmp_path / "lake", SHOP_TABLES, jobs)
    result = impact(ws, parse_change("drop column names.region"))
    assert item(result, "copy_job").verdict == "breaks"
    assert item(result, "copy_job").reason == "brings 2 columns for the 3 of d.copy"
