"""The invented world behind the demo lake: its products with their markets, and its clients, as arrays.

Made of numbers and words only: it knows no file, no catalog and no job. Every topic draws from a random
stream of its own: the same scale gives the same world, and a change to one topic leaves the others alone.
"""

from __future__ import annotations

import unicodedata
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

__all__ = [
    "FIRST_CUSTOMER",
    "FIRST_PRODUCT",
    "LUXEMBOURG",
    "ZURICH",
    "Bools",
    "Columns",
    "Customers",
    "Days",
    "Floats",
    "Ints",
    "Products",
    "Scale",
    "Words",
    "draw_customers",
    "draw_products",
    "pick",
    "raw_customers",
    "raw_products",
    "traits",
]

ZURICH, LUXEMBOURG = 0, 1
"""The custodians, as `Customers.custodian` counts them."""

FIRST_PRODUCT, FIRST_CUSTOMER, TEST_OFFSET = 1001, 100001, 8000

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Days = NDArray[np.datetime64]
Columns = Mapping[str, pa.Array]
Words = Mapping[str, Any]
"""The content of vocabulary.json."""


@dataclass(frozen=True)
class Scale:
    """How much of a world is wanted, and which one."""

    seed: int
    days: int
    customers: int
    products: int
    end: date

    def stream(self, topic: str) -> np.random.Generator:
        """The random stream of one topic."""
        return np.random.default_rng([self.seed, zlib.crc32(topic.encode())])

    def weekdays(self) -> Days:
        """The business days among the last `days` calendar days up to and including `end`, ascending."""
        last = np.datetime64(self.end, "D")
        window = np.arange(last - self.days + 1, last + 1)
        return window[np.is_busday(window)]


@dataclass(frozen=True)
class Products:
    """The products: indices into the vocabulary, first business day (0: from before), prices, rates."""

    category: Ints
    currency: Ints
    listed: Ints
    prices: Floats  # products x days, in trading currency
    rates: Floats  # currencies x days, EUR for one unit


@dataclass(frozen=True)
class Customers:
    """The clients; `joined` and `left` are business days (0: there from before, number of days: stays)."""

    segment: Ints
    risk_points: Ints
    joined: Ints
    left: Ints
    dormant: Bools
    custodian: Ints


def traits(rows: Iterable[Mapping[str, Any]], name: str) -> Floats:
    """One trait of each row, as numbers."""
    return np.array([row[name] for row in rows], dtype=np.float64)


def _draw(rng: np.random.Generator, weights: Iterable[float], size: int) -> Ints:
    share = np.array(list(weights), dtype=np.float64)
    return rng.choice(len(share), size, p=share / share.sum())


def pick(names: Sequence[str], index: Ints, missing: Bools | None = None) -> pa.Array:
    """The name at each index, null where `missing`."""
    return pa.array(list(names)).take(pa.array(index, mask=missing))


# --- products and prices --------------------------------------------------------------------------


def draw_products(scale: Scale, words: Words, count: int) -> Products:
    """`scale.products` products with their prices and exchange rates on `count` business days."""
    rng, n = scale.stream("products"), scale.products
    currencies = words["currencies"].values()
    category = _draw(rng, traits(words["categories"], "share"), n)
    currency = _draw(rng, traits(currencies, "share"), n)
    listed = np.where(rng.random(n) < 0.08, rng.integers(0, max(count - 10, 1), n), 0)
    prices = _prices(scale.stream("prices"), [words["categories"][c] for c in category], count)
    return Products(category, currency, listed, prices, _rates(scale.stream("rates"), currencies, count))


def _prices(rng: np.random.Generator, kinds: Sequence[Mapping[str, Any]], count: int) -> Floats:
    """Daily closes: the class's drift, a market all share (with a bad fortnight), and a life of their own."""
    drift, volatility, beta = (traits(kinds, trait)[:, None] for trait in ("drift", "volatility", "beta"))
    level = traits(kinds, "price")[:, None]
    market = rng.normal(0.0004, 0.006, count)
    market[int(count * 0.52) : int(count * 0.52) + 8] -= 0.008
    own = rng.normal(0.0, 1.0, (len(kinds), count)) * volatility / np.sqrt(252)
    spread = np.where(volatility > 0.05, 0.35, np.where(volatility > 0, 0.02, 0.0))
    start = level * np.exp(rng.normal(0.0, 1.0, level.shape) * spread)
    prices: Floats = np.round(start * np.exp(np.cumsum(drift / 252 + beta * market + own, axis=1)), 4)
    return prices


def _rates(rng: np.random.Generator, currencies: Iterable[Mapping[str, Any]], count: int) -> Floats:
    level, volatility = (traits(currencies, trait)[:, None] for trait in ("rate", "volatility"))
    steps = rng.normal(0.0, 1.0, (len(level), count)) * volatility / np.sqrt(252)
    rates: Floats = np.round(level * np.exp(np.cumsum(steps, axis=1)), 6)
    return rates


def raw_products(scale: Scale, words: Words, products: Products, days: Days) -> Columns:
    """Every product's valid version, older versions of some, and two test instruments of the vendor."""
    rng, n = scale.stream("raw products"), scale.products
    kinds = [words["categories"][c] for c in products.category]
    older, tests = np.flatnonzero(rng.random(n) < 0.2), np.arange(min(n, 2))
    row = np.concatenate([np.arange(n), older, tests])
    superseded = np.isin(np.arange(len(row)), np.arange(n, n + len(older)))
    ids = FIRST_PRODUCT + row + np.where(np.arange(len(row)) >= n + len(older), TEST_OFFSET, 0)
    listing = np.where(products.listed > 0, days[products.listed], days[0] - rng.integers(30, 4000, n))
    # what has no category today never had one, and some others got theirs only lately
    unclassified = np.isin(row, _unclassified(kinds, listing)) | (superseded & (rng.random(len(row)) < 0.3))
    updated = np.maximum(listing, days[0] - rng.integers(0, 300, n))[row]
    updated = updated - np.where(superseded, rng.integers(30, 300, len(row)), 0)
    names, charge = _product_names(words, kinds, rng), np.round(0.07 + rng.gamma(2.0, 0.35, n), 2)
    free = np.array([kind["instrument_type"] not in ("fund", "etf") for kind in kinds])
    return {
        "product_id": pa.array(ids),
        "product_name": pa.array([names[r] + " " * int(old) for r, old in zip(row, superseded, strict=True)]),
        "isin": pa.array([_isin(number) for number in ids.tolist()]),
        "category_code": pick([kind["code"] for kind in kinds], row, unclassified),
        "instrument_type": pick([kind["instrument_type"] for kind in kinds], row),
        "trading_currency": pick(list(words["currencies"]), products.currency[row]),
        "ongoing_charge": pa.array(charge[row], mask=free[row]),
        "listing_date": pa.array(listing[row]),
        "record_status": pick(["LIVE", "TEST"], (ids >= FIRST_PRODUCT + TEST_OFFSET).astype(np.int64)),
        "vendor_updated_at": pa.array(updated.astype("datetime64[us]") + np.timedelta64(200, "m")),
    }


def _unclassified(kinds: Sequence[Mapping[str, Any]], listing: Days) -> list[int]:
    """The newest product in twenty, at least one, waits for its category; accounts and deposits never do."""
    candidates = [i for i, kind in enumerate(kinds) if kind["instrument_type"] != "cash"]
    return sorted(candidates, key=lambda i: listing[i], reverse=True)[: max(1, round(0.05 * len(kinds)))]


def _product_names(words: Words, kinds: Sequence[Mapping[str, Any]], rng: np.random.Generator) -> list[str]:
    """House and theme; a second product of the same name becomes its "Series 2"."""
    seen: dict[str, int] = {}
    names = []
    for kind in kinds:
        name = f"{rng.choice(words['houses'])} {rng.choice(words['themes'][kind['code']])}"
        seen[name] = seen.get(name, 0) + 1
        names.append(name if seen[name] == 1 else f"{name} Series {seen[name]}")
    return names


def _isin(number: int) -> str:
    """An identifier with a right check digit, in a country code that ISO leaves to its users."""
    body = f"QW{number:09d}"
    digits = [int(d) for d in "".join(str(int(c, 36)) for c in body)]
    doubled = [d * 2 if i % 2 == 0 else d for i, d in enumerate(reversed(digits))]
    return f"{body}{-sum(d // 10 + d % 10 for d in doubled) % 10}"


# --- customers ------------------------------------------------------------------------------------


def draw_customers(scale: Scale, words: Words, count: int) -> Customers:
    """`scale.customers` clients, some of whom come or go during the `count` business days."""
    rng, n = scale.stream("customers"), scale.customers
    dormant = rng.random(n) < 0.08
    joins, leaves = rng.random(n) < 0.09, rng.random(n) < 0.06
    return Customers(
        segment=_draw(rng, traits(words["segments"], "share"), n),
        risk_points=np.clip(np.rint(rng.normal(48, 21, n)), 0, 100).astype(np.int64),
        joined=np.where(joins & ~dormant, rng.integers(0, count, n), 0),
        left=np.where(leaves & ~joins & ~dormant, rng.integers(0, count, n), count),
        dormant=dormant,
        custodian=np.where(rng.random(n) < 0.27, LUXEMBOURG, ZURICH),
    )


def raw_customers(scale: Scale, words: Words, customers: Customers, days: Days) -> Columns:
    """The CRM's last full export: clients, prospects at the end, then the corrections of that night."""
    rng, clients, end = scale.stream("raw customers"), scale.customers, days[-1]
    n = clients + round(0.04 * clients)
    fixed = np.flatnonzero(rng.random(clients) < 0.03)
    row = np.concatenate([np.arange(n), fixed])
    correction, prospect = np.arange(len(row)) >= n, row >= clients
    client = row % clients  # a prospect borrows the dates of a client, where it has any
    # the export's slip that the correction repairs: the segment was left empty
    no_segment = (rng.random(n) < 0.02)[row] | (np.isin(row, fixed) & ~correction) | prospect
    arrival = end + np.where(correction, np.timedelta64(28 * 60 + 10, "m"), np.timedelta64(22 * 60 + 10, "m"))
    dates, people = _client_dates(rng, customers, days), _people(rng, words, n)
    return {
        "customer_id": pa.array(FIRST_CUSTOMER + row),
        "record_type": pick(["CLIENT", "PROSPECT"], prospect.astype(np.int64)),
        **{name: pick(texts, row) for name, texts in people.items() if name != "email"},
        "email": pick(people["email"], row, (rng.random(n) < 0.03)[row]),
        "segment_code": pick([s["code"] for s in words["segments"]], customers.segment[client], no_segment),
        "risk_points": pa.array(customers.risk_points[client], mask=(rng.random(n) < 0.05)[row] | prospect),
        "onboarded_on": pa.array(dates["onboarded"][client], mask=prospect),
        "closed_on": pa.array(dates["closed"][client], mask=(customers.left == len(days))[client] | prospect),
        "last_activity_date": pa.array(dates["activity"][client]),
        "snapshot_date": pa.array(np.full(len(row), end)),
        "load_ts": pa.array(arrival.astype("datetime64[us]")),
    }


def _people(rng: np.random.Generator, words: Words, n: int) -> dict[str, list[str]]:
    """Names, addresses, residence and desk of `n` people, typed with the care one gives to a CRM."""
    first, last = (rng.choice(words[pool], n).tolist() for pool in ("first_names", "last_names"))
    countries = np.array(list(words["countries"]))[_draw(rng, words["countries"].values(), n)].tolist()
    hosts = words["mail_hosts"]
    return {
        "first_name": first,
        "last_name": last,
        "email": [_email(first[i], last[i], i, hosts[i % len(hosts)]) for i in range(n)],
        "country_code": [code if i % 19 else code.lower() for i, code in enumerate(countries)],
        "relationship_manager": [f"RM-{desk:02d}" for desk in rng.integers(1, 15, n)],
    }


def _email(first: str, last: str, number: int, host: str) -> str:
    plain = unicodedata.normalize("NFKD", f"{first}.{last}").encode("ascii", "ignore").decode()
    address = f"{plain.lower()}{number}@{host}"
    return address if number % 23 else address.title()


def _client_dates(rng: np.random.Generator, customers: Customers, days: Days) -> dict[str, Days]:
    """When each client came, left and was last active; a dormant one has been silent for over 180 days."""
    n, last = len(customers.dormant), len(days) - 1
    before = days[0] - (30 + rng.exponential(1500, n)).astype(np.int64)
    onboarded = np.where(customers.joined > 0, days[customers.joined], before)
    closed = days[np.minimum(customers.left, last)]
    silent = np.where(customers.dormant, rng.integers(181, 900, n), np.minimum(rng.exponential(25, n), 150))
    activity = np.minimum(days[-1] - silent.astype(np.int64), closed)
    onboarded = np.where(customers.dormant, np.minimum(onboarded, activity - 30), onboarded)
    return {"onboarded": onboarded, "closed": closed, "activity": np.maximum(activity, onboarded)}
