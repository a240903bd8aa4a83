"""Pictures of results: every node once, exact counts where some are drawn as one, names never cut."""

import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from ui.graphs import DARK, LIGHT, graph_of, to_dot, to_mermaid

ODD = 'a "quoted" \\ name\nwith <tags> & [brackets] {braces}'


def lineage(names: list[str], edges: list[tuple[int, int]] | None = None) -> dict[str, Any]:
    nodes = [{"id": f"table:{i}", "kind": "table", "name": n, "depth": i} for i, n in enumerate(names)]
    pairs = edges if edges is not None else [(i, i + 1) for i in range(len(names) - 1)]
    return {
        "asset": nodes[0],
        "nodes": nodes,
        "edges": [{"from": f"table:{a}", "to": f"table:{b}"} for a, b in pairs],
    }


IMPACT = {
    "items": [{"kind": "job", "name": "j", "full_name": "j", "hops": 1}],
    "graph": {
        "nodes": [
            {"id": "table:t", "kind": "table", "name": "t.c", "verdict": "changed"},
            {"id": "job:j", "kind": "job", "name": "j", "verdict": "breaks"},
            {"id": "dashboard:d", "kind": "dashboard", "name": "d", "verdict": "may_be_affected"},
        ],
        "edges": [{"from": "table:t", "to": "job:j"}, {"from": "table:t", "to": "dashboard:d"}],
    },
}


def test_an_impact_shows_each_verdict_in_words_and_in_colour() -> None:
    graph = graph_of("impact", IMPACT)
    dot = to_dot(graph)

    assert graph.marks == ["breaks", "may_be_affected"]
    assert 'label="job · breaks\\nj"' in dot
    assert 'label="dashboard · may be affected\\nd"' in dot
    assert 'label="what changes\\nt.c"' in dot
    assert LIGHT.tones["bad"][0] in dot
    assert dot.count(" -> ") == 2


def test_each_theme_has_its_own_colours() -> None:
    light, dark = (to_dot(graph_of("impact", IMPACT), palette) for palette in (LIGHT, DARK))

    assert light != dark
    assert re.sub("#[0-9a-f]{6}", "", light) == re.sub("#[0-9a-f]{6}", "", dark)


def test_a_long_name_is_broken_and_never_cut() -> None:
    name = "monthly_regulatory_capital_consumption_by_business_unit"

    labels = re.findall(r'label="table\\n([^"]*)"', to_dot(graph_of("lineage", lineage(["x", name]))))

    assert [label.replace("\\n", "") for label in labels] == ["x", name]
    assert labels[1].count("\\n") == 2


@given(st.integers(2, 300), st.integers(2, 80))
def test_nodes_beyond_the_most_are_counted_exactly(number: int, most: int) -> None:
    graph = graph_of("lineage", lineage([f"t{i}" for i in range(number)]), most)

    more = [n for n in graph.nodes if n.id.startswith("more:")]
    left_out = sum(int(n.name.split()[0].replace(",", "")) for n in more)

    assert len(graph.nodes) - len(more) + left_out == number
    assert len(graph.nodes) <= most + 1
    assert graph.nodes[0].name == "t0"


def test_what_is_drawn_as_one_keeps_its_connections() -> None:
    graph = graph_of("lineage", lineage([f"t{i}" for i in range(10)]), 4)

    assert ("table:3", "more:table") in graph.edges
    assert [n.name for n in graph.nodes][-1] == "6 more tables"


def test_ranks_are_the_longest_way_also_around_a_cycle() -> None:
    assert graph_of("lineage", lineage(["a", "b", "c"])).ranks == 3
    assert graph_of("lineage", lineage(["a", "b", "c"], [(0, 1), (0, 2)])).ranks == 2
    assert graph_of("lineage", lineage(["a", "b"], [(0, 1), (1, 0)])).ranks == 2


def test_odd_names_stay_inside_their_labels() -> None:
    graph = graph_of("lineage", lineage(["x", ODD]))

    assert '\\"quoted\\"' in to_dot(graph)
    assert to_mermaid(graph).count('"') == 2 * len(graph.nodes)
    assert "<tags>" not in to_mermaid(graph)


def test_a_kind_without_a_picture_has_no_nodes() -> None:
    assert graph_of("schema", {"columns": []}).nodes == ()
