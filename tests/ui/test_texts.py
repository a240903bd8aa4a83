"""Text between the rooms and the reader: streamed Markdown, text made safe, excerpts, files to download."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ui.markdown import blocks
from ui.page_text import as_json, as_markdown, code, duration, excerpts, safe, step_line
from ui.verdicts import cell, clean, count, coverage_lines, extent, origins, size

words = st.text(alphabet="ab `|#-", max_size=12)


@given(st.lists(words, max_size=20), st.data())
def test_blocks_do_not_depend_on_how_the_text_was_cut(lines: list[str], data: st.DataObject) -> None:
    text = "\n".join(lines)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    pieces = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)], strict=True)]

    assert list(blocks(pieces)) == list(blocks([text]))


@given(st.lists(st.lists(st.text(alphabet="ab|#-", min_size=1, max_size=8), min_size=1, max_size=4), max_size=6))
def test_blocks_put_together_are_the_text(paragraphs: list[list[str]]) -> None:
    written = ["\n".join(lines) for lines in paragraphs]

    assert list(blocks(["\n\n".join(written)])) == written


def test_a_block_is_given_as_soon_as_it_is_whole() -> None:
    pieces = iter(["One\n", "\nTwo", "!"])
    stream = blocks(pieces)

    assert next(stream) == "One"
    assert next(pieces) == "!"


def test_code_between_fences_stays_one_block() -> None:
    assert list(blocks(["```sql\nSELECT 1\n\nFROM t\n```\n\nafter"])) == ["```sql\nSELECT 1\n\nFROM t\n```", "after"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("![x](http://elsewhere/p.png)", r"!\[x]\(http:\/\/elsewhere/p.png)"),
        ("see https://elsewhere.example now", r"see https:\/\/elsewhere.example now"),
        ("from $5 to $7", r"from \$5 to \$7"),
        (":red[alarm] :material/home: :bomb:", r"\:red[alarm] \:material/home: \:bomb:"),
        ("<img src=x>", "&lt;img src=x>"),
        ("`![x](y)` and `$5`", "`![x](y)` and `$5`"),
        ("```\n<b>$1</b>\n```", "```\n<b>$1</b>\n```"),
        ("## Title\n\n- a | b\n- `x`: yes", "## Title\n\n- a | b\n- `x`: yes"),
        ("\x1b[31mred\u202e", "[31mred"),
    ],
)
def test_what_would_be_live_is_shown_as_text(text: str, shown: str) -> None:
    assert safe(text) == shown


@given(st.text(alphabet="ab![](){}<>$:`~#*_ \n", max_size=60))
def test_no_picture_or_tag_survives_outside_code(text: str) -> None:
    outside = "".join(safe(text).split("`")[::2]) if "```" not in text else ""

    assert "![" not in outside
    assert "<a" not in outside


def test_excerpts_mark_their_lines_and_join_what_touches() -> None:
    text = "\n".join(f"line {n}" for n in range(1, 13))

    first, second = excerpts(text, [2, 5, 11], around=1)

    assert first.splitlines() == [
        "   1  line 1",
        ">  2  line 2",
        "   3  line 3",
        "   4  line 4",
        ">  5  line 5",
        "   6  line 6",
    ]
    assert second.splitlines() == ["  10  line 10", "> 11  line 11", "  12  line 12"]
    assert excerpts(text, [99, 0]) == []


@pytest.mark.parametrize(
    ("text", "shown"),
    [("a.b", "`a.b`"), ("SELECT\n  x", "`SELECT x`"), ("a `b` c", "``a `b` c``"), ("`b`", "`` `b` ``"), (None, "")],
)
def test_code_within_markdown_may_hold_backticks(text: str | None, shown: str) -> None:
    assert code(text) == shown


def test_a_step_shows_its_arguments_as_text() -> None:
    assert step_line("impact", {"change": "drop_column", "job": None}, 0.0314) == r"`impact` drop\_column · 31 ms"
    assert duration(12.34) == "12.3 s"


ANSWER = {
    "answer": "**Dropping it breaks 1 job.**",
    "tool_calls": [{"name": "impact", "args": {"change": "drop_column"}}],
    "evidence": [{"kind": "code", "where": "jobs/a.sql:3", "detail": "SELECT\n  x"}],
    "unknowns": ["jobs/b.py:4: a UDF"],
    "artifacts": [],
}


def test_the_markdown_download_has_answer_evidence_and_unknowns() -> None:
    text = as_markdown("what breaks?", ANSWER)

    assert text.startswith("# what breaks?\n\n**Dropping it breaks 1 job.**\n")
    assert "- jobs/b.py:4: a UDF" in text
    assert "- `jobs/a.sql:3`: `SELECT x`" in text
    assert '- `impact` `{"change": "drop_column"}`' in text


def test_the_json_download_is_the_answer() -> None:
    assert json.loads(as_json(ANSWER)) == ANSWER


def test_numbers_for_people() -> None:
    assert [count(1, "kpi"), count(1234, "job")] == ["1 KPI", "1,234 jobs"]
    assert [size(n) for n in (0, 999, 7_040, 12_345_678, 10**16)] == ["0 B", "999 B", "7.0 kB", "12 MB", "10000 TB"]
    assert [cell(v) for v in (None, 1234, 0.123456, 12345.678, True)] == ["", "1,234", "0.1235", "12,345.68", "True"]
    assert clean("a\x00b\tc\nd") == "ab\tc\nd"


def test_how_much_a_table_holds() -> None:
    daily = {
        "rows": 5,
        "bytes": 2_048,
        "files": 3,
        "partitions": 3,
        "first_partition": {"day": "2026-03-01"},
        "last_partition": {"day": "2026-03-03"},
    }

    assert extent(daily) == "5 rows · 2.0 kB in 3 files · 3 partitions, 2026-03-01 to 2026-03-03"
    assert extent({"rows": None, "bytes": 10, "files": 1}) == "10 B in 1 file"


def test_where_a_column_comes_from() -> None:
    assert origins({"sources": [["shop.orders", "amount"]], "decided_by": [["shop.orders", "day"]]}) == (
        "orders.amount, decided by orders.day"
    )
    assert origins({"sources": [["s3://raw/x", "a"]]}) == "s3://raw/x.a"
    assert origins({"sources": []}) == "a constant"


def test_coverage_says_what_was_not_read() -> None:
    data = {
        "jobs_total": 3,
        "jobs_read": 2,
        "unreadable": [{"job": "b", "reason": "no Python"}],
        "partly_read": [{"job": "a", "reasons": ["a UDF"]}],
        "table_level_only": ["Overview"],
    }

    assert coverage_lines(data) == [
        "2 of 3 jobs read",
        "not readable: b (no Python)",
        "read in part: a",
        "known only at table level: Overview",
    ]
    assert coverage_lines({}) == []
