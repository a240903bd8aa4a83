"""What clients hold and what their two custodians send of it, night by night, as arrays.

It follows each position from its first day to its closing record, and then spoils the feed as real ones are
spoilt: late records, corrections, missing prices, and three things that once went wrong. It knows no file, no
catalog and no job.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from examples.wealth.world import (
    FIRST_CUSTOMER,
    FIRST_PRODUCT,
    LUXEMBOURG,
    ZURICH,
    Bools,
    Columns,
    Customers,
    Days,
    Floats,
    Ints,
    Products,
    Scale,
    Words,
    pick,
    traits,
)

__all__ = ["Deliveries", "deliveries"]

# Things that happened; the incident notes in docs/ tell of them.
LOWER_CASE_SINCE = np.datetime64("2026-09-14")
"""Luxembourg writes statuses in lower case from this business day on."""
MISSED_NIGHT = np.datetime64("2026-10-06")
"""Luxembourg's file of this business day arrived two days later, before noon."""
RESTATED = np.datetime64("2026-10-27")
"""Zurich sent this business day with a wrong USD rate, and all of it again the next afternoon."""
WRONG_USD = 1.09
"""How far off that rate was, as a factor."""

SOURCES = ("CUSTODY_ZRH", "CUSTODY_LUX")
ACTIVE, PENDING, CLOSED = 0, 1, 2
STATUSES = ("ACTIVE", "PENDING", "CLOSED")


Records = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Deliveries:
    """All position records by business day and arrival: index into the days, load_ts, and the columns."""

    day: Ints
    loaded: Days
    columns: Columns


@dataclass(frozen=True)
class Holdings:
    """Who holds what, from which business day to which, and how much of it on each (positions x days)."""

    customer: Ints
    product: Ints
    first: Ints
    last: Ints
    quantity: Floats


# --- holdings -------------------------------------------------------------------------------------


def _holdings(scale: Scale, words: Words, products: Products, customers: Customers) -> Holdings:
    """Few hold a lot, most a little; products that are popular or fit the appetite are held more often."""
    rng, count = scale.stream("holdings"), products.prices.shape[1]
    customer, product = _choices(rng, words, products, customers)
    n, restless = len(customer), ~customers.dormant[customer]
    opened = np.where((rng.random(n) < 0.15) & restless, rng.integers(0, count, n), 0)
    closed = np.where((rng.random(n) < 0.12) & restless, rng.integers(0, count, n), count)
    invested = _uptake(rng, customers.joined[customer], 3)
    first = np.maximum.reduce([opened, invested, _uptake(rng, products.listed[product], 15)])
    last = np.minimum(closed, customers.left[customer])
    lives = (first + 1 < last) | ((first < count) & (last == count))
    customer, product, first, last = customer[lives], product[lives], first[lives], last[lives]
    quantity = _quantities(rng, words, products, customers, customer, product)
    return Holdings(customer, product, first, last, quantity)


def _uptake(rng: np.random.Generator, start: Ints, typical: float) -> Ints:
    """A new client invests, and a new product is bought, some days after the start and not all at once."""
    return np.where(start > 0, start + rng.exponential(typical, len(start)).astype(np.int64), 0)


def _choices(rng: np.random.Generator, words: Words, products: Products, customers: Customers) -> tuple[Ints, Ints]:
    """Customer and product of each position: a weighted draw without replacement for every customer."""
    n, universe = len(customers.segment), len(products.category)
    typical = traits(words["segments"], "holdings")[customers.segment]
    held = np.where(rng.random(n) < 0.96, 1 + rng.lognormal(np.log(typical), 0.75, n).astype(np.int64), 0)
    popularity = -np.log(3.0 + rng.permutation(universe))
    boldness = traits(words["categories"], "boldness")[products.category]
    fit = 1.5 * np.outer((customers.risk_points - 50) / 50, boldness)
    # Gumbel noise on log weights, the largest taken: that is the weighted draw, for all customers at once
    ranked = np.argsort(-(popularity + fit + rng.gumbel(size=(n, universe))), axis=1, kind="stable")
    taken = np.arange(universe) < np.minimum(held, universe)[:, None]
    return np.nonzero(taken)[0], ranked[taken]


def _quantities(
    rng: np.random.Generator,
    words: Words,
    products: Products,
    customers: Customers,
    customer: Ints,
    product: Ints,
) -> Floats:
    """Units per position and day: a size that fits the segment, some trades, some overdrafts and shorts."""
    n, count = len(customer), products.prices.shape[1]
    kinds = [words["categories"][c] for c in products.category]
    value = traits(words["segments"], "holding_eur")[customers.segment[customer]] * rng.lognormal(0.0, 1.1, n)
    units = value / (products.prices[product, 0] * products.rates[products.currency[product], 0])
    trades = (rng.random((n, count)) < 0.015) & ~customers.dormant[customer][:, None]
    moves = np.where(trades, rng.normal(-0.02, 0.25, (n, count)), 0.0)
    lot = 10.0 ** -traits(kinds, "decimals")[product][:, None]
    quantity = np.maximum(np.rint(units[:, None] * np.exp(np.cumsum(moves, axis=1)) / lot), 1.0) * lot
    cash = np.array([kind["instrument_type"] == "cash" for kind in kinds])[product]
    negative = rng.random(n) < np.where(cash, 0.04, 0.001)
    held: Floats = np.round(np.where(negative[:, None], -np.rint(0.2 * quantity / lot) * lot, quantity), 3)
    return held


# --- what the custodians send ---------------------------------------------------------------------


def deliveries(scale: Scale, words: Words, products: Products, customers: Customers, days: Days) -> Deliveries:
    """Every record of both custodians that has arrived by the morning after the last day."""
    rng, holdings = scale.stream("deliveries"), _holdings(scale, words, products, customers)
    valid = _valid_records(rng, words, products, customers, holdings, days)
    again = _sent_again(rng, valid, days)
    first = _first_attempt(rng, valid, again, days, list(words["currencies"]).index("USD"))
    second = {name: values[again] for name, values in valid.items()}
    second["load"] = first["load"][again] + _correction_delay(rng, days[second["day"]] == RESTATED)
    sent = {name: np.concatenate([first[name], second[name]]) for name in first}
    order = np.lexsort((sent["position"], sent["load"], sent["day"]))
    arrived = order[sent["load"][order] < days[-1] + np.timedelta64(30, "h")]
    known = {name: values[arrived] for name, values in sent.items()}
    return Deliveries(known["day"], known["load"], _position_columns(words, holdings, known, days))


def _valid_records(
    rng: np.random.Generator,
    words: Words,
    products: Products,
    customers: Customers,
    holdings: Holdings,
    days: Days,
) -> Records:
    """One record per position and day, as it should have been sent, in the order of the nightly files."""
    clock = np.arange(len(days))[:, None]
    day, position = np.nonzero((clock >= holdings.first) & (clock <= holdings.last))
    n, product = len(day), holdings.product[position]
    custodian = customers.custodian[holdings.customer[position]]
    quantity = np.where(rng.random(n) < 0.0005, 0.0, holdings.quantity[position, day])
    price, currency = products.prices[product, day], products.currency[product]
    settling = (holdings.first[position] > 0) & (day - holdings.first[position] < 2)
    unpriced = rng.random(n) < np.where(_illiquid(words, products)[product], 0.02, 0.0005)
    return {
        "day": day,
        "position": position,
        "custodian": custodian,
        "quantity": quantity,
        "price": price,
        "value": np.round(quantity * price, 2),
        "unpriced": unpriced,
        "unvalued": (rng.random(n) < 0.001) & ~unpriced,
        "currency": currency,
        "rate": products.rates[currency, day],
        "status": np.where(day == holdings.last[position], CLOSED, np.where(settling, PENDING, ACTIVE)),
        "load": _arrival(rng, days, day, position, custodian),
    }


def _illiquid(words: Words, products: Products) -> Bools:
    kinds = words["categories"]
    return np.array([kinds[c]["instrument_type"] == "alternative" for c in products.category])


def _arrival(rng: np.random.Generator, days: Days, day: Ints, position: Ints, custodian: Ints) -> Days:
    """The night after, in blocks a second apart; one record in 120 takes some days longer."""
    minutes = np.array([26 * 60 + 10, 28 * 60 + 25]) + rng.integers(0, 25, (len(days), 2))
    block = (position // 400).astype("timedelta64[s]")
    usual = days[day] + minutes[day, custodian].astype("timedelta64[m]") + block
    missed = (days[day] == MISSED_NIGHT) & (custodian == LUXEMBOURG)
    usual = np.where(missed, usual + np.timedelta64(31, "h"), usual)
    late = rng.random(len(day)) < 1 / 120
    delay = np.where(late, np.minimum(rng.geometric(0.4, len(day)), 8), 0)
    arrival: Days = (usual + delay.astype("timedelta64[D]")).astype("datetime64[us]")
    return arrival


def _sent_again(rng: np.random.Generator, valid: Records, days: Days) -> Bools:
    """Which records were sent a second time: a few at random, some closings, and Zurich's restated day."""
    chance = np.where(valid["status"] == CLOSED, 0.25, 0.012)
    restated = (days[valid["day"]] == RESTATED) & (valid["custodian"] == ZURICH)
    again: Bools = restated | (rng.random(len(chance)) < chance)
    return again


def _first_attempt(
    rng: np.random.Generator, valid: Records, again: Bools, days: Days, usd: int
) -> dict[str, NDArray[Any]]:
    """The records as first sent: those that were sent again had something wrong."""
    restated = again & (days[valid["day"]] == RESTATED) & (valid["custodian"] == ZURICH)
    slip = np.where(again & ~restated, np.exp(rng.normal(0.0, 0.05, len(again))), 1.0)
    quantity = np.round(valid["quantity"] * slip, 3)
    wrong = np.where(restated & (valid["currency"] == usd), WRONG_USD, 1.0)
    return {
        **valid,
        "quantity": quantity,
        "value": np.round(quantity * valid["price"], 2),
        "rate": np.round(valid["rate"] * wrong, 6),
        "status": np.where(again & ~restated & (valid["status"] == CLOSED), ACTIVE, valid["status"]),
    }


def _correction_delay(rng: np.random.Generator, restated: Bools) -> NDArray[np.timedelta64]:
    """Corrections come around noon, some days later; the restated day came again the same noon."""
    nights = np.where(restated, 0, rng.integers(1, 5, len(restated)))
    return nights.astype("timedelta64[D]") + np.timedelta64(11, "h")


def _position_columns(words: Words, holdings: Holdings, sent: Records, days: Days) -> Columns:
    pairs = zip(holdings.customer.tolist(), holdings.product.tolist(), strict=True)
    keys = [f"{FIRST_CUSTOMER + customer}-{FIRST_PRODUCT + product}" for customer, product in pairs]
    lower_case = (days[sent["day"]] >= LOWER_CASE_SINCE) & (sent["custodian"] == LUXEMBOURG)
    currencies, zurich = list(words["currencies"]), sent["custodian"] == ZURICH
    return {
        "position_id": pick(keys, sent["position"]),
        "customer_id": pa.array(FIRST_CUSTOMER + holdings.customer[sent["position"]]),
        "product_id": pa.array(FIRST_PRODUCT + holdings.product[sent["position"]]),
        "quantity": pa.array(sent["quantity"]),
        "price": pa.array(sent["price"], mask=sent["unpriced"]),
        "market_value": pa.array(sent["value"], mask=sent["unvalued"]),
        "currency": pick(currencies, sent["currency"]),
        "fx_rate": pa.array(sent["rate"], mask=zurich & (sent["currency"] == currencies.index("EUR"))),
        "status": pick([*STATUSES, *map(str.lower, STATUSES)], sent["status"] + len(STATUSES) * lower_case),
        "source_system": pick(SOURCES, sent["custodian"]),
        "load_ts": pa.array(sent["load"]),
    }
