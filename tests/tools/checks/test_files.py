"""The file of tests: what people write in it stays, whatever is made again."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.errors import ConfigError
from tools.checks.formats.house import CheckFile, Kept, mark_of, merge, read, write
from tools.checks.model import Check
from tools.result import Evidence

TEXT = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20)
VALUES = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT
)


def check(name: str = "not_null(id)", kind: str = "not_null", **changes: object) -> Check:
    made = Check(name, kind, ("id",), {}, "error", "It always was.", "a lost id", (Evidence("code", "jobs/a.py:3"),))
    return made.changed(**changes)


@given(
    st.lists(
        st.builds(
            Check,
            id=TEXT.filter(bool),
            kind=st.sampled_from(["not_null", "unique", "range", "foreign_key"]),
            columns=st.lists(TEXT, max_size=3).map(tuple),
            parameters=st.dictionaries(TEXT, VALUES | st.lists(VALUES, max_size=3), max_size=3),
            severity=st.sampled_from(["error", "warn"]),
            reason=TEXT,
            catches=TEXT,
            enabled=st.booleans(),
        ),
        max_size=4,
        unique_by=lambda c: c.id,
    )
)
def test_what_is_written_is_read_again(checks: list[Check]) -> None:
    file = CheckFile("d.t", tuple(Kept(c, mark_of(c)) for c in checks))
    again = read(write(file), "tests/t.yaml")
    assert [k.check for k in again.checks] == checks
    assert not any(k.edited for k in again.checks)


def test_a_check_that_a_person_changed_or_switched_off_stays_as_it_is() -> None:
    first = merge("d.t", None, [(check(), {}), (check("unique(id)", "unique"), {})])
    text = write(first).replace("enabled: true", "enabled: false", 1).replace("severity: error", "severity: warn", 1)
    edited = read(text, "f")
    again = merge("d.t", edited, [(check(), {}), (check("unique(id)", "unique", severity="warn"), {})])
    off, other = (k.check for k in again.checks)
    assert (off.enabled, off.severity) == (False, "warn")
    assert other.severity == "warn"


def test_a_check_that_a_person_added_stays_and_one_of_ours_that_is_no_longer_proposed_goes() -> None:
    first = merge("d.t", None, [(check(), {}), (check("unique(id)", "unique"), {})])
    own = "  - {id: mine, kind: condition, columns: [id], parameters: {condition: id > 0}, owner: Petra}\n"
    again = merge("d.t", read(write(first) + own, "f"), [(check(), {})])
    assert [k.check.id for k in again.checks] == ["not_null(id)", "mine"]
    assert "owner: Petra" in write(again)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("checks: [", "cannot be read"),
        ("- a", "a mapping with"),
        ("checks: [{kind: nonsense}]", "no kind of test"),
        ("checks: [{kind: unique, columns: id}]", "columns are a list"),
        ("checks: [{kind: unique, columns: [id], severity: loud}]", "error or warn"),
        ("checks: [{id: a, kind: unique}, {id: a, kind: not_null}]", "two tests have the id"),
    ],
)
def test_a_mistake_in_the_file_is_told_with_its_place(text: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        read(text, "output/tests/t.yaml")
    assert caught.value.where == "output/tests/t.yaml"


@given(st.text(max_size=200))
def test_no_text_is_read_in_any_other_way_than_as_a_file_or_a_mistake(text: str) -> None:
    with contextlib.suppress(ConfigError):
        read(text, "f")
