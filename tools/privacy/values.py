"""Values that are personal by their form alone, wherever they stand: e-mail addresses, phones, IBANs, cards, ids, IPs.

What has a check digit is checked: a long number is not a card because it is long.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import AddressValueError, IPv4Address, IPv6Address

__all__ = ["form_of", "mask_patterns"]


def _is_iban(text: str) -> bool:
    bare = re.sub(r"\s", "", text).upper()
    digits = "".join(str(int(c, 36)) for c in bare[4:] + bare[:4])
    return 15 <= len(bare) <= 34 and int(digits) % 97 == 1


def _is_card(text: str) -> bool:
    digits = [int(c) for c in text if c.isdigit()]
    doubled = [sum(divmod(2 * d, 10)) if i % 2 else d for i, d in enumerate(reversed(digits))]
    return 13 <= len(digits) <= 19 and digits[0] in (2, 3, 4, 5, 6) and sum(doubled) % 10 == 0


def _is_phone(text: str) -> bool:
    return 9 <= sum(c.isdigit() for c in text) <= 15


def _is_ipv4(text: str) -> bool:
    try:
        return not IPv4Address(text).is_unspecified
    except AddressValueError:
        return False


def _is_ipv6(text: str) -> bool:
    try:
        return text.count(":") > 2 and bool(IPv6Address(text))
    except AddressValueError:
        return False


def _always(_: str) -> bool:
    return True


_FORMS: tuple[tuple[str, re.Pattern[str], Callable[[str], bool]], ...] = (
    ("email", re.compile(r"(?<![\w.+-])[\w.+-]+@[\w-]+(?:\.[\w-]+)+", re.I), _always),
    ("iban", re.compile(r"\b[A-Z]{2}\d{2}(?:[ ]?[A-Z0-9]{4}){2,7}(?:[ ]?[A-Z0-9]{1,4})?\b"), _is_iban),
    (
        "card",
        re.compile(r"(?<![\w.,-])(?:\d{4}[ -]\d{4}[ -]\d{4}[ -]\d{1,7}|\d{4}[ -]\d{6}[ -]\d{5}|\d{15,16})(?![\w,]|[.-]\d)"),
        _is_card,
    ),
    ("phone", re.compile(r"(?<![\w.+])(?:\+|00)[1-9]\d{0,2}(?:[ ./-]?\(?\d{1,5}\)?){2,6}(?!\w)"), _is_phone),
    ("phone", re.compile(r"(?<![\w.])\(\d{3}\) ?\d{3}[-. ]\d{4}(?!\w)"), _always),
    ("national id", re.compile(r"(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])"), _always),
    ("national id", re.compile(r"\b(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z]{2} ?\d{2} ?\d{2} ?\d{2} ?[A-D]\b"), _always),
    ("national id", re.compile(r"\b[A-Z]{6}\d{2}[A-EHLMPR-T]\d{2}[A-Z]\d{3}[A-Z]\b"), _always),
    ("ip", re.compile(r"(?<![\w.])\d{1,3}(?:\.\d{1,3}){3}(?![\w.])"), _is_ipv4),
    ("ip", re.compile(r"(?<![\w:.])[0-9a-fA-F:]{6,39}(?![\w:])"), _is_ipv6),
)  # fmt: skip


def mask_patterns(text: str) -> str:
    """A text in which everything of such a form is replaced by what it was: `[masked email]`."""
    for kind, pattern, holds in _FORMS:
        text = pattern.sub(lambda m, k=kind, h=holds: f"[masked {k}]" if h(m.group()) else m.group(), text)  # type: ignore[misc]
    return text


def form_of(value: str) -> str | None:
    """The kind of a value that is nothing but one of these forms."""
    stripped = value.strip()
    return next((kind for kind, pattern, holds in _FORMS if pattern.fullmatch(stripped) and holds(stripped)), None)
