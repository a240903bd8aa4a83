"""Two versions of a contract compared: each difference is breaking, compatible or words only, with the reason.

Seen by those who read the table: what a reader may rely on must not get less. A promise that is withdrawn breaks, one
that is made anew does not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tools.contract.types import widens

__all__ = ["Difference", "Effect", "compare", "next_version"]

Effect = Literal["breaking", "compatible", "doc-only"]
_ORDER: tuple[Effect, ...] = ("breaking", "compatible", "doc-only")


@dataclass(frozen=True, slots=True)
class Difference:
    """One difference: where, what, how grave, and why."""

    where: str
    what: str
    effect: Effect
    why: str

    def to_dict(self) -> dict[str, str]:
        """As `--json` shows it."""
        return {"where": self.where, "what": self.what, "effect": self.effect, "why": self.why}

    def __str__(self) -> str:
        return f"{self.effect}: {self.where}: {self.what} ({self.why})"


def compare(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Difference]:
    """All differences, the breaking ones first."""
    before, after = _schema(old), _schema(new)
    found = [
        *_columns(before.get("properties"), after.get("properties"), ""),
        *_key(before, after),
        *_rules(_all_rules(before), _all_rules(after)),
        *_relations(before, after),
        *_time(old.get("slaProperties"), new.get("slaProperties")),
        *_words(old, new, before, after),
    ]
    return sorted(found, key=lambda d: _ORDER.index(d.effect))


def next_version(version: str, differences: Sequence[Difference]) -> str:
    """The version after them: breaking raises the first number, compatible the second, words the third."""
    if not differences:
        return version
    numbers = [int(p) if p.isdigit() else 0 for p in version.split("-", 1)[0].split(".")[:3]]
    major, minor, patch = [*numbers, 0, 0, 0][:3]
    match differences[0].effect:
        case "breaking":
            return f"{major + 1}.0.0"
        case "compatible":
            return f"{major}.{minor + 1}.0"
    return f"{major}.{minor}.{patch + 1}"


def _schema(contract: Mapping[str, Any]) -> Mapping[str, Any]:
    found = (contract.get("schema") or [{}])[0]
    return found if isinstance(found, Mapping) else {}


def _named(properties: Any) -> dict[str, Mapping[str, Any]]:
    return {str(p.get("name")): p for p in properties or () if isinstance(p, Mapping)}


# --------------------------------------------------------------------------- columns


def _columns(old: Any, new: Any, prefix: str) -> Iterator[Difference]:
    before, after = _named(old), _named(new)
    for name in before:
        where = f"{prefix}{name}"
        if name not in after:
            yield Difference(where, "the column is gone", "breaking", "whoever names it fails")
        else:
            yield from _column(before[name], after[name], where)
    for name in after:
        if name not in before:
            yield Difference(f"{prefix}{name}", "a new column", "compatible", "nobody can rely on it yet")


def _column(old: Mapping[str, Any], new: Mapping[str, Any], where: str) -> Iterator[Difference]:
    yield from _type(old, new, where)
    for promise, gone, why in (
        ("required", "may now be missing", "whoever relies on a value meets NULL"),
        ("unique", "is no longer unique", "joins on it may repeat rows"),
    ):
        if bool(old.get(promise)) != bool(new.get(promise)):
            if old.get(promise):
                yield Difference(where, gone, "breaking", why)
            else:
                yield Difference(where, f"is now {promise}", "compatible", "it promises more than before")
    if bool(old.get("partitioned")) != bool(new.get("partitioned")):
        how = "is now a partition key" if new.get("partitioned") else "is no longer a partition key"
        yield Difference(where, how, "compatible", "the same rows are read, at another cost")
    if old.get("transformLogic") != new.get("transformLogic") and old.get("transformLogic"):
        what = f"is computed as {_short(new.get('transformLogic'))}, was {_short(old['transformLogic'])}"
        yield Difference(where, what, "breaking", "its values mean something else")
    for key in ("description", "classification", "businessName", "tags"):
        if old.get(key) != new.get(key):
            yield Difference(where, f"another {key}", "doc-only", "words only")


def _type(old: Mapping[str, Any], new: Mapping[str, Any], where: str) -> Iterator[Difference]:
    before, after = str(old.get("physicalType") or old.get("logicalType")), _type_of(new)
    if before == after:
        return
    if old.get("properties") and new.get("properties"):
        yield from _columns(old["properties"], new["properties"], f"{where}.")
    elif old.get("items") and new.get("items"):
        yield from _column(old["items"], new["items"], f"{where}[]")
    elif widens(before, after):
        yield Difference(where, f"is {after}, was {before}", "compatible", "every old value fits the new type")
    else:
        yield Difference(where, f"is {after}, was {before}", "breaking", "values or comparisons may fail or change")


def _type_of(prop: Mapping[str, Any]) -> str:
    return str(prop.get("physicalType") or prop.get("logicalType"))


def _key(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    before, after = ([n for n, p in _named(s.get("properties")).items() if p.get("primaryKey")] for s in (old, new))
    if set(before) == set(after):
        return
    what = f"the key is ({', '.join(after)}), was ({', '.join(before)})"
    if not before:
        yield Difference("key", what, "compatible", "it promises more than before")
    elif after and set(after) < set(before):
        yield Difference("key", what, "compatible", "fewer columns tell rows apart, so the old key still does")
    else:
        yield Difference("key", what, "breaking", "joins on the old key may repeat rows")


# --------------------------------------------------------------------------- rules, relations, time


def _all_rules(schema: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    found = {}
    each = [("", schema), *_named(schema.get("properties")).items()]
    for column, holder in each:
        for number, rule in enumerate(holder.get("quality") or (), 1):
            if isinstance(rule, Mapping):
                found[str(rule.get("name") or rule.get("id") or f"{column or 'table'} rule {number}")] = rule
    return found


_WORDS_OF_RULE = ("name", "id", "description", "customProperties", "dimension", "tags", "severity", "businessImpact")


def _rules(old: Mapping[str, Mapping[str, Any]], new: Mapping[str, Mapping[str, Any]]) -> Iterator[Difference]:
    for name, rule in old.items():
        if name not in new:
            effect: Effect = "breaking" if _is_error(rule) else "compatible"
            why = "a promise is withdrawn" if effect == "breaking" else "it was no more than a warning"
            yield Difference(name, "the rule is gone", effect, why)
        else:
            yield from _rule(name, rule, new[name])
    for name in new:
        if name not in old:
            yield Difference(name, "a new rule", "compatible", "it promises more than before")


def _rule(name: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    if _is_error(old) and not _is_error(new):
        yield Difference(name, "is only a warning now", "breaking", "a promise is withdrawn")
    elif not _is_error(old) and _is_error(new):
        yield Difference(name, "is now an error", "compatible", "it promises more than before")
    tested, now = ({k: v for k, v in r.items() if k not in _WORDS_OF_RULE} for r in (old, new))
    if tested != now:
        tighter = _tighter(tested, now)
        if not _is_error(old) or tighter:
            why = "it promises more than before" if tighter else "it was no more than a warning"
            yield Difference(name, "tests something else", "compatible", why)
        else:
            yield Difference(name, "tests something else", "breaking", "values may come that did not before")
    elif any(old.get(k) != new.get(k) for k in ("description", "dimension", "tags")):
        yield Difference(name, "other words", "doc-only", "words only")


def _is_error(rule: Mapping[str, Any]) -> bool:
    return str(rule.get("severity", "error")).lower() not in ("warning", "warn", "info")


def _tighter(old: Mapping[str, Any], new: Mapping[str, Any]) -> bool:
    """Whether the new rule allows nothing that the old one did not: fewer values, or narrower bounds."""
    values = [r.get("arguments", {}).get("validValues") for r in (old, new)]
    if all(isinstance(v, list) for v in values):
        return set(map(str, values[1])) <= set(map(str, values[0]))
    bounds = [_bounds(r) for r in (old, new)]
    if all(bounds) and set(bounds[0]) <= set(bounds[1]):
        return all(_within(bounds[1][c], b) for c, b in bounds[0].items())
    return False


def _bounds(rule: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    body = rule.get("implementation")
    found = body.get("parameters", {}).get("bounds") if isinstance(body, Mapping) else None
    return dict(found) if isinstance(found, Mapping) else {}


def _within(new: Mapping[str, Any], old: Mapping[str, Any]) -> bool:
    for key, sign in (("min", 1), ("max", -1)):
        if old.get(key) is None:
            continue
        if new.get(key) is None or type(new[key]) is not type(old[key]):
            return False
        if isinstance(new[key], str):
            if (new[key] < old[key]) if sign > 0 else (new[key] > old[key]):
                return False
        elif sign * (new[key] - old[key]) < 0:
            return False
    return True


def _relations(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Difference]:
    before, after = _links(old), _links(new)
    for link in before - after:
        yield Difference(link, "the foreign key is gone", "breaking", "joins may lose rows")
    for link in after - before:
        yield Difference(link, "a new foreign key", "compatible", "it promises more than before")


def _links(schema: Mapping[str, Any]) -> set[str]:
    found = {f"{r.get('from')} -> {r.get('to')}" for r in schema.get("relationships") or ()}
    for name, prop in _named(schema.get("properties")).items():
        found |= {f"{name} -> {r.get('to')}" for r in prop.get("relationships") or ()}
    return found


_LESS_IS_BETTER = ("freshness", "latency", "frequency")


def _time(old: Any, new: Any) -> Iterator[Difference]:
    before, after = ({str(s.get("property")): s for s in side or () if isinstance(s, Mapping)} for side in (old, new))
    for name, sla in before.items():
        then, now = sla.get("value"), after.get(name, {}).get("value")
        if name not in after:
            yield Difference(name, "the service level is gone", "breaking", "a promise is withdrawn")
        elif then != now or sla.get("unit") != after[name].get("unit"):
            what = f"is {now} {after[name].get('unit') or ''}, was {then} {sla.get('unit') or ''}".replace(" ,", ",")
            better = name in _LESS_IS_BETTER and _less(now, then) and sla.get("unit") == after[name].get("unit")
            why = "it promises more than before" if better else "it may promise less than before"
            yield Difference(name, what.strip(), "compatible" if better else "breaking", why)
    for name in after:
        if name not in before:
            yield Difference(name, "a new service level", "compatible", "it promises more than before")


def _less(now: Any, then: Any) -> bool:
    return isinstance(now, int | float) and isinstance(then, int | float) and now < then


def _words(
    old: Mapping[str, Any], new: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any]
) -> Iterator[Difference]:
    for key in ("name", "status", "domain", "tenant", "description", "team", "tags", "support", "customProperties"):
        if old.get(key) != new.get(key):
            yield Difference(
                key, "other words" if key in old and key in new else "added or gone", "doc-only", _WHY[key]
            )
    for key in ("description", "dataGranularityDescription"):
        if before.get(key) != after.get(key):
            yield Difference(f"table {key}", "other words", "doc-only", "words only")


_WHY = {
    **dict.fromkeys(("name", "status", "domain", "tenant", "description", "tags", "support"), "words only"),
    "team": "who answers for it, not what it is",
    "customProperties": "where it comes from and who reads it, not what it is",
}


def _short(text: Any) -> str:
    said = " ".join(str(text or "something that could not be read").split())
    return said if len(said) <= 80 else f"{said[:79]}…"
