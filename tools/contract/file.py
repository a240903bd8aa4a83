"""The file of a contract, `output/contracts/<table>.yaml`: read, written whole, and made anew without losing edits.

What people add stays: keys that we do not make, descriptions, owners, status, classifications, rules of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from knowledge.errors import ConfigError
from tools.yaml_text import dumped, loaded

__all__ = ["merged", "path_of", "read", "write"]

_HEAD = """\
# Data contract of {table} (Open Data Contract Standard). Yours to edit: what you add stays when it is made again.
# Hold it against the lake with: de-copilot contract {bare} --check
"""
_THEIRS = ("id", "status", "domain", "tenant", "dataProduct", "tags", "support", "price", "roles", "servers")


def path_of(table: str, default_database: str) -> str:
    """Where a table's contract is below `output/`: bare names for the default database."""
    database, _, bare = table.rpartition(".")
    return f"contracts/{bare if database in ('', default_database) else table}.yaml"


def write(document: Mapping[str, Any], table: str) -> str:
    """The file's text."""
    bare = " ".join(table.rpartition(".")[2].split())
    return _HEAD.format(table=" ".join(table.split()), bare=bare) + dumped(document)


def read(text: str, where: str) -> dict[str, Any]:
    """A contract as data. Raises ConfigError when it is no YAML mapping with a schema, or says what is wrong with it."""
    from open_data_contract_standard.model import OpenDataContractStandard
    from pydantic import ValidationError

    data = loaded(text, "the contract", where)
    if not isinstance(data, dict):
        raise ConfigError("the contract cannot be read: a mapping is expected", where=where)
    try:
        OpenDataContractStandard(**data)
    except (ValidationError, TypeError) as error:
        raise ConfigError(f"the contract does not keep to the standard: {_first(error)}", where=where) from None
    if not data.get("schema") or not data["schema"][0].get("properties"):
        raise ConfigError("the contract has no schema with properties", where=where)
    return data


def _first(error: Exception) -> str:
    errors = getattr(error, "errors", None)
    if errors is None:
        return str(error)
    first = errors()[0]
    return f"{'.'.join(str(p) for p in first['loc'])}: {str(first['msg']).lower()}"


# --------------------------------------------------------------------------- edits of people


def merged(new: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """The new contract with what people wrote into the old one."""
    result = {**new, **{k: old[k] for k in old if k not in new or k in _THEIRS}}
    for key in ("description", "team"):
        if key in old:
            result[key] = _kept(new.get(key), old[key])
    result["customProperties"] = _by("property", new.get("customProperties"), old.get("customProperties"))
    sla = _by("property", new.get("slaProperties"), old.get("slaProperties"))
    before, after = old["schema"][0], new["schema"][0]
    result["schema"] = [_kept_schema(after, before), *old["schema"][1:]]
    result["slaProperties"] = sla
    result["version"] = str(old.get("version") or new["version"])
    # The order of the standard's sections, then what else there is.
    order = [*new, *(k for k in result if k not in new)]
    return {k: result[k] for k in order if result.get(k) not in (None, [], {})}


def _kept(new: Any, old: Any) -> Any:
    """A mapping of ours with the keys that only theirs has, and their words; other things are theirs."""
    if not isinstance(new, Mapping) or not isinstance(old, Mapping):
        return old
    return {**old, **{k: v for k, v in new.items() if k in ("usage", "limitations")}}


def _by(key: str, new: Sequence[Any] | None, old: Sequence[Any] | None) -> list[Any]:
    made = list(new or ())
    names = {m[key] for m in made}
    return [*made, *(o for o in old or () if isinstance(o, Mapping) and o.get(key) not in names)]


_OURS_OF_COLUMN = (
    "name", "logicalType", "physicalType", "items", "properties", "map", "required", "unique", "primaryKey",
    "primaryKeyPosition", "partitioned", "partitionKeyPosition", "transformSourceObjects", "transformLogic",
    "relationships", "quality",
)  # fmt: skip


def _kept_schema(new: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    before = {str(p.get("name")): p for p in old.get("properties") or ()}
    made = {**new, "properties": [_kept_column(p, before.get(p["name"], {})) for p in new["properties"]]}
    extra = {k: v for k, v in old.items() if k not in made and k not in ("quality", "relationships")}
    made |= extra
    if new.get("description") is None and old.get("description"):
        made["description"] = old["description"]
    rules = _rules(new.get("quality"), old.get("quality"))
    return {**made, "quality": rules} if rules else made


def _kept_column(new: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    """Descriptions, classifications and the like of an old column: theirs where the catalog has no comment."""
    made = {**{k: v for k, v in old.items() if k not in _OURS_OF_COLUMN}, **new}
    made = {**{k: made[k] for k in new}, **{k: v for k, v in made.items() if k not in new}}
    rules = _rules(new.get("quality"), old.get("quality"))
    return {**made, "quality": rules} if rules else made


def _rules(new: Sequence[Any] | None, old: Sequence[Any] | None) -> list[Any]:
    """Our rules anew, and those of people: rules whose name is no id of a test that we make."""
    made = list(new or ())
    return [*made, *(o for o in old or () if isinstance(o, Mapping) and not _is_ours(o))]


def _is_ours(rule: Mapping[str, Any]) -> bool:
    from tools.checks.kinds import KINDS
    from tools.checks.references import REFERENCE

    kind = str(rule.get("name", "")).partition("(")[0]
    return kind in (*KINDS, REFERENCE)
