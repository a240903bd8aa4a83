"""Personal data is recognised by name, comment and form, and masked wherever a result shows it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.lakes import build
from tools.privacy import Masker, PersonalColumns, mask_patterns, masker_for
from tools.privacy.columns import kind_by_name
from tools.settings import load_settings


@pytest.mark.parametrize(
    ("column", "kind"),
    [
        ("email", "email"),
        ("contactEmailAddress", "email"),
        ("home_phone", "phone"),
        ("mobile_no", "phone"),
        ("first_name", "name"),
        ("lastName", "name"),
        ("customer_name", "name"),
        ("iban", "iban"),
        ("account_number", "iban"),
        ("card_number", "card"),
        ("date_of_birth", "birth date"),
        ("dob", "birth date"),
        ("street_address", "address"),
        ("zip_code", "address"),
        ("client_ip", "ip"),
        ("ssn", "national id"),
        ("passport_no", "national id"),
        ("tax_id", "national id"),
    ],
)
def test_a_personal_column_is_known_by_its_name(column: str, kind: str) -> None:
    assert kind_by_name(column) == kind


@pytest.mark.parametrize(
    "column",
    [
        *("product_name", "dashboard_name", "name", "account_id", "customer_id", "email_count", "is_email_verified"),
        *("street_count", "mobile_sessions", "shipping_method", "card_type", "description", "currency", "trip_id"),
    ],
)
def test_what_only_speaks_of_such_a_thing_is_not_personal(column: str) -> None:
    assert kind_by_name(column) is None


def test_a_bare_name_is_a_persons_in_a_table_of_people() -> None:
    assert kind_by_name("name", "dim_customers") == "name"
    assert kind_by_name("name", "dim_products") is None


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("write to Jane.Doe+x@mail.example.com now", "write to [masked email] now"),
        ("IBAN DE89 3704 0044 0532 0130 00.", "IBAN [masked iban]."),
        ("paid by 4111 1111 1111 1111", "paid by [masked card]"),
        ("call +49 30 901820 or (555) 123-4567", "call [masked phone] or [masked phone]"),
        ("from 10.20.30.40", "from [masked ip]"),
        ("from 2001:db8:85a3::8a2e:370:7334", "from [masked ip]"),
        ("SSN 123-45-6789", "SSN [masked national id]"),
    ],
)
def test_a_value_is_known_by_its_form(text: str, masked: str) -> None:
    assert mask_patterns(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "1,234,567 rows, 12.5 %, -0.5, +3.2, 2026-01-31T10:00:00, 40,033 bytes",
        "jobs/positions_fact_job.py:41 at 12:30:45, query 54aa75d8-b784-41af-b9b0-3ac0503b6757",
        "decimal(18,2), v1.2.3, 1234567890123456 and 100000000000000 units, DE1234",
        "`wealth.dim_product` -> `positions_job`; the sum moved by +1234567",
    ],
)
def test_figures_places_and_ids_of_queries_are_left_alone(text: str) -> None:
    assert mask_patterns(text) == text


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=200))
def test_masking_a_text_again_changes_nothing(text: str) -> None:
    assert mask_patterns(mask_patterns(text)) == mask_patterns(text)


def artifact(kind: str, data: dict[str, Any], text: str = "") -> dict[str, Any]:
    return {"kind": kind, "tool": kind, "args": {}, "data": data, "text": text, "evidence": [], "unknowns": []}


MASKER = Masker(PersonalColumns())


def test_a_profile_keeps_its_counts_and_loses_its_values() -> None:
    columns = [
        {"name": "birth_date", "nulls": 2, "min": "1950-03-01", "max": "2001-07-09"},
        {"name": "opened_on", "nulls": 0, "min": "2020-01-01", "max": "2021-01-01"},
    ]
    masked = MASKER.artifact(artifact("stats", {"table": "w.people", "rows": 120, "columns": columns}))
    assert masked["data"]["columns"][0] == {
        "name": "birth_date",
        "nulls": 2,
        "min": "[masked birth date]",
        "max": "[masked birth date]",
    }
    assert masked["data"]["columns"][1] == columns[1]
    assert masked["data"]["rows"] == 120


def test_rows_are_masked_by_column_also_numbers_and_dates() -> None:
    data = {"columns": ["id", "ssn", "total"], "rows": [[1, 987654321, 20.5], [2, 876543210, 7.0]]}
    found = artifact("query", data, "| 1 | 987654321 | 20.5 |\n| 2 | 876,543,210 | 7.0 |")
    masked = MASKER.artifact(found)
    assert masked["data"]["rows"] == [[1, "[masked national id]", 20.5], [2, "[masked national id]", 7.0]]
    assert "987654321" not in str(masked)
    assert "876,543,210" not in str(masked)


def test_a_column_under_an_innocent_name_is_given_away_by_its_values() -> None:
    data = {"columns": ["id", "contact_1"], "rows": [[1, "a@b.example"], [2, "c@d.example"], [3, "Jim at reception"]]}
    assert "Jim at reception" not in str(MASKER.artifact(artifact("query", data)))


def test_samples_of_a_failed_test_are_masked() -> None:
    outcome = {"id": "t", "rows": 200, "columns": ["last_name"], "samples": [{"order_id": 7, "last_name": "Smith"}]}
    masked = MASKER.artifact(
        artifact("check_run", {"table": "w.orders", "outcomes": [outcome]}, "For example `Smith`.")
    )
    assert masked["data"]["outcomes"][0]["samples"] == [{"order_id": 7, "last_name": "[masked name]"}]
    assert masked["text"] == "For example `[masked name]`."
    assert masked["data"]["outcomes"][0]["rows"] == 200


def test_a_simulation_by_person_is_masked() -> None:
    points = [{"day": "2026-01-01", "dimensions": ["Ann Lee"], "old": 1.0}]
    data = {"series": [{"kpi": "k", "dimensions": ["customer_name"], "points": points}]}
    assert "Ann Lee" not in str(MASKER.artifact(artifact("simulation", data)))


def test_comments_and_settings_name_further_columns(tmp_path: Path) -> None:
    ws = build(tmp_path, {"t": {"a": "varchar", "nick": "varchar"}}, {})
    described = tmp_path / "tables" / "d" / "t" / "_table.json"
    columns = '{"columns": [{"name": "a", "type": "varchar", "comment": "Personal data (GDPR)"}, {"name": "nick", "type": "varchar"}]}'
    described.write_text(columns, encoding="utf-8")
    settings = load_settings(lake=tmp_path, environ={"DE_COPILOT_PRIVACY_COLUMNS": "t.ni*"})
    ws.lake.forget()
    masker = masker_for(type(ws)(settings, ws.lake, ws.store))
    assert masker.columns.kind("a", "t") == "personal data"
    assert masker.columns.kind("nick", "t") == "personal data"
    assert masker.columns.kind("nick", "other") is None
