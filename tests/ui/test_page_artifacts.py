"""Results on the page: each kind is drawn from the artifact that its real tool makes, without an error."""

import json
from pathlib import Path
from typing import Any

import pytest
from streamlit.testing.v1 import AppTest

from tools.settings import load_settings
from tools.toolbox import artifact_of, call_tool
from tools.workspace import open_workspace


def page(artifact, root):  # AppTest runs only this function's own text
    from pathlib import Path

    from ui.page_artifacts import draw_artifact

    def source(path: str) -> str | None:
        file = Path(root) / path
        return file.read_text() if file.is_file() else None

    draw_artifact(artifact, source, "turn-0")


def artifact(root: Path, tool: str, **args: Any) -> dict[str, Any]:
    made = artifact_of(tool, args, call_tool(open_workspace(load_settings(root)), tool, args), 0.1)
    return json.loads(json.dumps(made, default=str))  # type: ignore[no-any-return]  # as it comes over the wire


def drawn(made: dict[str, Any], root: Path) -> AppTest:
    app = AppTest.from_function(page, kwargs={"artifact": made, "root": str(root)}, default_timeout=30).run()
    assert not app.exception
    return app


def texts(app: AppTest) -> str:
    return "\n".join(str(e.value) for e in (*app.markdown, *app.caption, *app.error))


def test_an_impact_has_headline_severity_graph_table_and_code(shop: Path) -> None:
    app = drawn(artifact(shop, "impact", change="drop_column", asset="customers", column="segment"), shop)

    said = texts(app)
    assert "#### Dropping customers\\.segment" in said
    assert "Severity HIGH" in said
    assert [t.label for t in app.tabs] == ["Graph", "Table (5)", "Evidence (3)"]
    assert "Coverage: 2 of 2 jobs read" in said
    assert "jobs/revenue_job.sql:3" in said
    assert any("> 3  SELECT c.segment" in c.value for c in app.code)
    assert [row["Verdict"] for row in app.table[0].value.to_dict("records")][:2] == ["**breaks**", "**goes stale**"]
    assert len(app.get("graphviz_chart")) == 1


def test_a_lineage_has_graph_nodes_and_hops(shop: Path) -> None:
    app = drawn(artifact(shop, "lineage_upstream", asset="revenue_daily.revenue"), shop)

    assert "Upstream of `revenue_daily.revenue`" in texts(app)
    assert len(app.get("graphviz_chart")) == 1
    assert "`orders.amount`" in app.table[0].value["Name"].tolist()
    assert any("jobs/revenue_job.sql" in where for where in app.table[1].value["Where"])


def test_nothing_connected_is_said_in_words(shop: Path) -> None:
    app = drawn(artifact(shop, "lineage_upstream", asset="orders"), shop)

    assert "Nothing is connected to it" in texts(app)
    assert not app.get("graphviz_chart")


def test_what_is_not_known_has_a_place_of_its_own(own_shop: Path) -> None:
    (own_shop / "jobs" / "broken.py").write_text("spark.table('orders'")
    app = drawn(artifact(own_shop, "lineage_downstream", asset="orders"), own_shop)

    assert "Not known (1)" in [t.label for t in app.tabs]
    assert "broken" in texts(app)


def test_a_schema_is_a_table_with_comments_and_extent(shop: Path) -> None:
    app = drawn(artifact(shop, "schema", asset="orders"), shop)

    assert app.table[0].value["Column"].tolist() == ["`order_id`", "`customer_id`", "`amount`", "`day`"]
    assert "3 partitions" in texts(app)


def test_statistics_have_a_chart_by_day_and_figures_by_column(shop: Path) -> None:
    app = drawn(artifact(shop, "stats", asset="orders", window_days=3), shop)

    assert [t.label for t in app.tabs] == ["Rows by day", "Columns (4)"]
    assert app.table[0].value["Smallest"].tolist()[2] == r"7\.25"
    assert len(app.get("vega_lite_chart")) == 1


def test_a_job_shows_columns_and_steps(shop: Path) -> None:
    app = drawn(artifact(shop, "job_summary", job="revenue_job"), shop)

    assert [t.label for t in app.tabs][:2] == ["Columns (3)", "Steps (2)"]
    assert "**Writes** `shop.revenue_daily`" in texts(app)


def test_a_list_of_assets_is_grouped_by_kind(shop: Path) -> None:
    said = texts(drawn(artifact(shop, "list_assets"), shop))

    assert "**4 tables**" in said
    assert "**1 KPI**" in said
    assert "`Revenue by Segment`" in said


def test_a_kind_that_the_page_does_not_know_is_shown_as_data(shop: Path) -> None:
    app = drawn({"kind": "forecast", "data": {"rain": 1}, "args": {}}, shop)

    assert json.loads(app.json[0].value) == {"rain": 1}


def test_a_result_that_cannot_be_drawn_is_said_and_logged(shop: Path, own_state: Path) -> None:
    app = drawn({"kind": "impact", "data": {}, "args": {}}, shop)

    assert "could not be drawn" in app.error[0].value
    assert "KeyError" in (own_state / "failures.log").read_text()


@pytest.mark.parametrize("number", [1, 250])
def test_long_lists_end_with_an_exact_number(shop: Path, number: int) -> None:
    assets = [{"kind": "table", "name": f"t{i}", "full_name": f"d.t{i}"} for i in range(number)]
    said = texts(drawn({"kind": "assets", "data": {"assets": assets}, "args": {}}, shop))

    assert ("and 50 more tables" in said) == (number == 250)


def test_texts_of_a_lake_are_no_markup(own_shop: Path) -> None:
    name = "![x](http://elsewhere.example/p.png) <b>$1</b>"
    (own_shop / "dashboards.json").write_text(json.dumps([{"dashboard_name": name, "tables_used": ["customers"]}]))

    app = drawn(artifact(own_shop, "impact", change="drop_table", asset="customers"), own_shop)

    outside = "".join(texts(app).split("`")[::2])
    assert "![x](" not in outside
    assert "<b>" not in outside


def test_every_kind_that_a_tool_makes_has_a_drawing_or_is_said_in_words() -> None:
    from ui.page_artifacts import DRAWERS
    from ui.page_results import SAID

    made = {
        "tests",
        "check_run",
        "contract",
        "documentation",
        "simulation",
        "impact_report",
        "documents",
        "diff",
        "written",
    }
    assert made <= DRAWERS.keys() | SAID
