"""Which columns hold personal data, by their names and by what their comments say."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import cached_property

from knowledge.errors import CopilotError
from tools.lake.base import Lake

__all__ = ["PersonalColumns", "kind_by_name"]

_PEOPLE = (
    "customer|client|person|contact|holder|employee|user|owner|beneficiary|patient|member|insured|payer|payee|sender|"
    "recipient|cardholder|guest|passenger|driver|tenant|student|subscriber|applicant|debtor|creditor"
)
_NUMBER = "(?:_(?:no|nr|num|number))?"
# A name is looked at in its words: `homePhone` is _home_phone_. The first row that fits says the kind.
_NAMES = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        ("email", r"_e_?mails?(_addr|_address)?_"),
        ("ip", r"_ip(v4|v6)?(_addr|_address)?_$|_remote_addr_"),
        ("phone", rf"_(phone|telephone|msisdn|fax|mobile|cell|tel){_NUMBER}_$|_phone{_NUMBER}_(home|work|mobile)_"),
        ("iban", rf"_iban_|_(bank_)?account{_NUMBER.rstrip('?')}_"),
        ("card", rf"_(card|credit_card|debit_card|cc){_NUMBER.rstrip('?')}_|_(pan|cvv|cvc)_"),
        ("national id", r"_(ssn|nino|bsn|pesel|cpf|aadhaar|personnummer|tin)_|_(national|personal|tax|steuer)_id_"),
        ("national id", rf"_(social_security|national_insurance|passport|id_card|driv\w+_licen[cs]e){_NUMBER}_"),
        ("birth date", r"_(birth_?date|date_of_birth|dob|birth_?day|birth_year|year_of_birth|geburtsdatum)_"),
        ("name", r"_(first|last|full|given|family|middle|maiden|sur|fore)_?names?_|_(vorname|nachname|nom|prenom)_"),
        ("name", rf"_(?:{_PEOPLE})s?_name_"),
        ("address", rf"_(street|postal|mailing|home|billing|shipping)_(address|name|line)_|_street{_NUMBER}_"),
        ("address", r"_address(_line)?(_\d)?_$|_(zip|zip_?code|postal_code|post_?code|plz|house_number)_$"),
    )
)
_ABOUT = re.compile(  # says something of such a value without being one
    r"^_(is|has|count|num|n)_|_(count|flag|verified|type|status|hash|hashed|length|rate|share|pct|domain|opt_in|id_type)_$"
)
_NAME_ALONE = re.compile(rf"_(?:{_PEOPLE}|people)s?_")
_STATED = re.compile(
    r"\bpersonal(?:ly)?[\s-]+(?:data|information|identifiable)|\bpii\b|\bgdpr\b|\bpersonenbezogen", re.I
)
_DENIED = re.compile(r"\b(?:no|not|without|non)[\s-]+(?:\w+\s+)?(?:personal|pii)\b", re.I)


class PersonalColumns:
    """The personal columns of a lake. `extra` are patterns (`*` and `?`) of further names: `column` or `table.column`."""

    def __init__(self, lake: Lake | None = None, extra: Iterable[str] = ()) -> None:
        self._lake = lake
        self._extra = [_pattern(p) for p in extra]

    def kind(self, column: str, table: str | None = None) -> str | None:
        """What personal thing a column holds ("email"), or None."""
        bare = column.rpartition(".")[2].lower()
        owner = (table or column.rpartition(".")[0]).rpartition(".")[2].lower()
        if any(p.fullmatch(bare) or (owner and p.fullmatch(f"{owner}.{bare}")) for p in self._extra):
            return "personal data"
        return kind_by_name(bare, owner) or ("personal data" if self._is_stated(bare, owner) else None)

    def _is_stated(self, column: str, table: str) -> bool:
        """Without its table a column counts as personal when it is in any of them."""
        return (table, column) in self._stated if table else any(c == column for _, c in self._stated)

    @cached_property
    def _stated(self) -> frozenset[tuple[str, str]]:
        return frozenset(_by_comment(self._lake)) if self._lake else frozenset()


def kind_by_name(column: str, table: str = "") -> str | None:
    """What a column holds, going by its name; `table` tells whose name a column `name` has."""
    words = _words(column)
    if _ABOUT.search(words):
        return None
    if words == "_name_":
        return "name" if _NAME_ALONE.search(_words(table)) else None
    return next((kind for kind, pattern in _NAMES if pattern.search(words)), None)


def _words(name: str) -> str:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return "_" + "_".join(re.findall(r"[^\W_]+", spaced.lower())) + "_"


def _by_comment(lake: Lake) -> Iterator[tuple[str, str]]:
    for name in lake.tables():
        try:
            columns = lake.table(str(name)).columns
        except CopilotError:
            continue  # a table that cannot be read shows no values either
        for column in columns:
            said = column.comment or ""
            if _STATED.search(said) and not _DENIED.search(said):
                yield name.table, column.name.lower()


def _pattern(text: str) -> re.Pattern[str]:
    escaped = re.escape(text.strip().lower()).replace(r"\*", ".*").replace(r"\?", ".")
    return re.compile(escaped)
