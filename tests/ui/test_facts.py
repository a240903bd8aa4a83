"""The engine's commands: what they say to people, what they give to programs."""

import json
import re
from pathlib import Path

import pytest

from tools.assets import list_assets
from tools.changes import parse_change
from tools.impact import impact
from tools.settings import load_settings
from tools.workspace import open_workspace

CHANGE = "drop column customers.segment"


def test_schema_shows_columns_types_and_partitions(command, shop: Path) -> None:
    said = command("schema", "orders", lake=shop)

    assert said.code == 0
    assert "shop.orders" in said.out
    assert "5 rows" in said.out
    assert "3 partitions, 2026-03-01 to 2026-03-03" in said.out
    assert [line.split()[:2] for line in said.out.splitlines()[2:]] == [
        ["order_id", "bigint"],
        ["customer_id", "bigint"],
        ["amount", "double"],
        ["day", "date"],
    ]
    assert said.err == ""


def test_schema_of_one_column(command, shop: Path) -> None:
    columns = command("schema", "orders", "--column", "amount", "--json", lake=shop).data["columns"]

    assert [c["name"] for c in columns] == ["amount"]


def test_stats_of_the_newest_days(command, shop: Path) -> None:
    data = command("stats", "orders", "--days", "2", "--json", lake=shop).data

    assert (data["window"]["first"], data["window"]["last"], data["rows"]) == ("2026-03-02", "2026-03-03", 3)


def test_stats_for_people_and_without_values(command, shop: Path) -> None:
    shown = command("stats", "customers", "--column", "name", lake=shop).out
    withheld = command("stats", "customers", "--column", "name", "--no-values", lake=shop).out

    assert "Ada" in shown
    assert "Ada" not in withheld
    assert "2 rows" in withheld


def test_lineage_is_a_tree_with_the_place_of_every_hop(command, shop: Path) -> None:
    said = command("lineage", "revenue_daily.segment", lake=shop)

    assert said.code == 0
    assert "column customers.segment" in said.out
    assert re.search(r"customers\.segment  value  jobs/revenue_job\.sql:[36]\b", said.out)
    assert "Coverage: 2 of 2 jobs read" in said.out


def test_lineage_down_to_dashboards_only(command, shop: Path) -> None:
    said = command("lineage", "customers", "--down", "--kind", "dashboard", lake=shop)

    assert "2 dashboards downstream" in said.out
    assert "Revenue by Segment" in said.out
    assert "revenue_job" not in said.out


def test_lineage_within_one_hop(command, shop: Path) -> None:
    nodes = command("lineage", "orders", "--down", "--depth", "1", "--json", lake=shop).data["nodes"]

    assert {n["name"] for n in nodes} == {"orders", "revenue_job", "loyalty_job", "revenue_daily", "loyalty"}


@pytest.mark.parametrize(("form", "begins"), [("mermaid", "flowchart LR\n"), ("dot", "digraph lineage {\n")])
def test_lineage_as_a_picture(command, shop: Path, form: str, begins: str) -> None:
    said = command("lineage", "revenue_daily", "--format", form, lake=shop)

    assert said.out.startswith(begins)
    assert "revenue_job" in said.out


def test_lineage_format_json_is_json(command, shop: Path) -> None:
    arguments = ("lineage", "revenue_daily")

    assert command(*arguments, "--format", "json", lake=shop).data == command(*arguments, "--json", lake=shop).data


def test_impact_names_what_breaks_with_file_and_line(command, shop: Path) -> None:
    said = command("impact", CHANGE, lake=shop)

    assert said.code == 0
    first, second = said.out.splitlines()[:2]
    assert first == "Dropping customers.segment"
    assert second.startswith("HIGH")
    assert re.search(r"jobs/revenue_job\.sql:3  SELECT c\.segment", said.out)
    assert said.out.index("Breaks") < said.out.index("Goes stale") < said.out.index("May be affected")
    assert "loyalty" not in said.out


def test_impact_json_is_the_engines_own_result(command, shop: Path) -> None:
    result = impact(open_workspace(load_settings(shop)), parse_change(CHANGE))

    assert command("impact", CHANGE, "--json", lake=shop).data == json.loads(json.dumps(result.to_dict()))


def test_job_says_what_is_read_done_and_written(command, shop: Path) -> None:
    said = command("job", "revenue_job", lake=shop)

    assert "Revenue by segment and day" in said.out
    assert "shop.orders, shop.customers" in said.out
    assert "groups by" in said.out
    assert "SUM(" in said.out


def test_assets_by_kind_and_by_a_part_of_the_name(command, shop: Path) -> None:
    everything = command("assets", "--json", lake=shop).data["assets"]
    named = command("assets", "revenue", lake=shop).out

    assert len(everything) == len(list_assets(open_workspace(load_settings(shop))).items) == 9
    assert "column     revenue_daily.revenue" in named
    assert "loyalty" not in named
    assert "Nothing here matching 'nowhere'" in command("assets", "nowhere", lake=shop).out


def test_tables_lists_tables_only(command, shop: Path) -> None:
    assert command("tables", lake=shop).out.split() == [
        *("table", "customers", "table", "loyalty", "table", "orders", "table", "revenue_daily")
    ]


def test_in_a_pipe_no_line_is_wrapped_padded_or_coloured(command, own_shop: Path) -> None:
    long = "a_very_long_" * 12
    (own_shop / "tables" / "shop" / "loyalty").rename(own_shop / "tables" / "shop" / long)

    lines = command("tables", lake=own_shop).out.splitlines()

    assert f"table  {long}" in lines
    assert all(line == line.rstrip() and "\x1b" not in line for line in lines)


def test_names_out_of_a_lake_cannot_steer_the_terminal(command, own_shop: Path) -> None:
    (own_shop / "dashboards.json").write_text(
        json.dumps([{"dashboard_name": "\x1b[31mred [bold]x[/bold] :bomb:", "tables_used": ["orders"]}])
    )

    assert "dashboard  [31mred [bold]x[/bold] :bomb:" in command("assets", lake=own_shop).out


def test_the_lake_may_be_named_before_or_after_the_command(command, shop: Path) -> None:
    before = command("tables", lake=shop)
    after = command("tables", "--lake", str(shop))

    assert before.out == after.out
    assert before.out
