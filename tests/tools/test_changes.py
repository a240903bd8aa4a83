"""Changes as people put them."""

from __future__ import annotations

import pytest

from knowledge.errors import InputError
from tools.changes import Change, parse_change


@pytest.mark.parametrize(
    ("words", "change"),
    [
        ("drop column t.a", Change("drop_column", "t", "a")),
        ("what breaks if I drop product_group?", Change("drop_column", None, "product_group")),
        ("removing the column email from dim_customer", Change("drop_column", "dim_customer", "email")),
        ("get rid of a in t", Change("drop_column", "t", "a")),
        ("DROP TABLE db.t", Change("drop_table", "db.t")),
        ("rename a to b in t", Change("rename_column", "t", "a", "b")),
        ("rename column a in t to b", Change("rename_column", "t", "a", "b")),
        ("renaming t.a into b", Change("rename_column", "t", "a", "b")),
        ("rename table t to u", Change("rename_table", "t", None, "u")),
        ("change price in t to decimal(18,2)", Change("change_type", "t", "price", "decimal(18,2)")),
        ("changing price from double to decimal(18,2) in t", Change("change_type", "t", "price", "decimal(18,2)")),
        ("change the type of t.price to bigint", Change("change_type", "t", "price", "bigint")),
        ("make quantity a bigint in t", Change("change_type", "t", "quantity", "bigint")),
        ("add column note varchar to t", Change("add_column", "t", "note", "varchar")),
        ("positions_job is 3 hours late", Change("delay_job", job="positions_job")),
        ("positions_job fails", Change("fail_job", job="positions_job")),
        ("status gets CRYPTO", Change("new_value", None, "status", value="CRYPTO")),
        ("what happens if status in t gets 'C 1'?", Change("new_value", "t", "status", value="C 1")),
        ('a new status value "CRYPTO"', Change("new_value", None, "status", value="CRYPTO")),
        ("a new value 'CRYPTO' in t.status", Change("new_value", "t", "status", value="CRYPTO")),
        ("a new value CRYPTO appears in status of t", Change("new_value", "t", "status", value="CRYPTO")),
        ("add the value X1 to t.status", Change("new_value", "t", "status", value="X1")),
        ("status may be 'on hold'", Change("new_value", None, "status", value="on hold")),
        ("t.status loses BOND", Change("lost_value", "t", "status", value="BOND")),
        ("the value BOND disappears from t.status", Change("lost_value", "t", "status", value="BOND")),
        ("drop value 'BOND' from status in t", Change("lost_value", "t", "status", value="BOND")),
        ("t.id becomes nullable", Change("nullable", "t", "id")),
        ("make id nullable in t", Change("nullable", "t", "id")),
        ("id in t can be null", Change("nullable", "t", "id")),
        ("drop not null on t.id", Change("nullable", "t", "id")),
        ("remove dashboard Daily Risk", Change("drop_dashboard", consumer="Daily Risk")),
        ('delete the "Daily Risk" dashboard', Change("drop_dashboard", consumer="Daily Risk")),
        ("retire the KPI Total AUM?", Change("drop_kpi", consumer="Total AUM")),
    ],
)
def test_wordings(words: str, change: Change) -> None:
    assert parse_change(words) == change


@pytest.mark.parametrize("words", ["", "hello", "what is in t?", "please"])
def test_what_is_no_change_is_refused_with_how_to_say_one(words: str) -> None:
    with pytest.raises(InputError, match="drop column"):
        parse_change(words)


def test_a_change_says_itself() -> None:
    assert Change("rename_column", "d.t", "a", "b").describe() == "renaming `t.a` to `b`"
    assert Change("delay_job", job="j").describe() == "`j` running late"
