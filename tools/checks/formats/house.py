"""Our own file of checks, `output/tests/<table>.yaml`: readable, and for people to edit.

What a person changes, adds or switches off (`enabled: false`) stays when the checks are made again: each check that we
made carries a mark of what we wrote, and one that no longer fits its mark is theirs. Keys that we do not know are kept.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from knowledge.errors import ConfigError
from tools.checks.kinds import KINDS
from tools.checks.model import Check
from tools.checks.references import REFERENCE
from tools.result import Evidence
from tools.yaml_text import dumped, loaded

__all__ = ["CheckFile", "Kept", "merge", "path_of", "read", "write"]

_HEAD = """\
# Data quality tests of {table}.
# Yours to edit: what you change, add or switch off (enabled: false) stays when the tests are made again.
# Run them with: de-copilot check {bare}
"""
_OURS = ("id", "kind", "columns", "parameters", "severity", "reason", "catches", "evidence", "enabled", "made", "proof")


@dataclass(frozen=True)
class Kept:
    """A check of a file. `made` is the mark of what we wrote; None for a check that a person added."""

    check: Check
    made: str | None = None
    proof: Mapping[str, Any] = field(default_factory=dict)
    extra: Mapping[str, Any] = field(default_factory=dict)

    @property
    def edited(self) -> bool:
        """Whether a person wrote it or changed it."""
        return self.made != mark_of(self.check) or bool(self.extra)


@dataclass(frozen=True)
class CheckFile:
    """A file's checks in order, and what else people wrote at its top level."""

    table: str
    checks: tuple[Kept, ...] = ()
    extra: Mapping[str, Any] = field(default_factory=dict)


def path_of(table: str, default_database: str) -> str:
    """Where a table's file is below `output/`: bare names for the default database."""
    database, _, bare = table.rpartition(".")
    return f"tests/{bare if database in ('', default_database) else table}.yaml"


def mark_of(check: Check) -> str:
    """A mark of what a check tests; its words do not count."""
    data = check.to_dict()
    tested = {k: data[k] for k in ("id", "kind", "columns", "parameters", "severity", "enabled")}
    return hashlib.sha256(json.dumps(tested, sort_keys=True, default=str).encode()).hexdigest()[:12]


def merge(table: str, old: CheckFile | None, new: Iterable[tuple[Check, Mapping[str, Any]]]) -> CheckFile:
    """New checks with their proofs into an old file: what a person wrote stays, what we wrote is made anew."""
    theirs = {k.check.id: k for k in (old.checks if old else ()) if k.edited}
    made = [theirs.pop(c.id) if c.id in theirs else Kept(c, mark_of(c), proof) for c, proof in new]
    return CheckFile(table, (*made, *theirs.values()), old.extra if old else {})


def write(file: CheckFile) -> str:
    """The file's text."""
    data = {"table": file.table, **file.extra, "checks": [_written(k) for k in file.checks]}
    bare = file.table.rpartition(".")[2]
    return _HEAD.format(table=_one_line(file.table), bare=_one_line(bare)) + dumped(data)


def read(text: str, where: str) -> CheckFile:
    """A file's checks.

    Raises:
        ConfigError: it is no YAML, or a check in it has no kind or columns that we know; says which.
    """
    data = loaded(text, "the tests", where)
    if not isinstance(data, dict) or not isinstance(data.get("checks", []), list):
        raise ConfigError("the tests cannot be read: a mapping with `table` and `checks` is expected", where=where)
    checks = tuple(_read_check(item, number, where) for number, item in enumerate(data.get("checks") or (), 1))
    ids = [k.check.id for k in checks]
    repeated = next((i for i in ids if ids.count(i) > 1), None)
    if repeated is not None:
        raise ConfigError(f"two tests have the id {repeated!r}", where=where, hint="Give one of them another id.")
    extra = {k: v for k, v in data.items() if k not in ("table", "checks")}
    return CheckFile(str(data.get("table", "")), checks, extra)


def _written(kept: Kept) -> dict[str, Any]:
    check = kept.check
    data: dict[str, Any] = {"id": check.id, "kind": check.kind}
    if check.columns:
        data["columns"] = list(check.columns)
    if check.parameters:
        data["parameters"] = json.loads(json.dumps(dict(check.parameters), default=str))
    data |= {"severity": check.severity, "enabled": check.enabled, "reason": check.reason, "catches": check.catches}
    if check.evidence:
        data["evidence"] = [{k: v for k, v in e.to_dict().items() if v is not None} for e in check.evidence]
    if kept.proof:
        data["proof"] = {k: v for k, v in kept.proof.items() if v is not None}
    if kept.made is not None:
        data["made"] = kept.made
    return {k: v for k, v in data.items() if v not in ("", None)} | dict(kept.extra)


def _read_check(item: Any, number: int, where: str) -> Kept:
    if not isinstance(item, dict):
        raise ConfigError(f"test {number} is not a mapping", where=where)
    name = item.get("id", f"number {number}")
    kinds = (*KINDS, REFERENCE)
    if item.get("kind") not in kinds:
        hint = f"There are: {', '.join(kinds)}."
        raise ConfigError(f"test {name}: {item.get('kind')!r} is no kind of test", where=where, hint=hint)
    if item.get("severity", "error") not in ("error", "warn"):
        raise ConfigError(f"test {name}: severity is error or warn, not {item['severity']!r}", where=where)
    columns, parameters = item.get("columns") or [], item.get("parameters") or {}
    if not isinstance(columns, list) or not isinstance(parameters, dict):
        raise ConfigError(f"test {name}: columns are a list, parameters a mapping", where=where)
    evidence = tuple(
        Evidence(e.get("kind", "document"), str(e.get("where", "")), e.get("detail"))
        for e in item.get("evidence") or ()
        if isinstance(e, dict)
    )
    check = Check(
        str(item.get("id") or f"{item['kind']}({', '.join(map(str, columns))})"),
        item["kind"],
        tuple(str(c) for c in columns),
        parameters,
        item.get("severity", "error"),
        str(item.get("reason") or ""),
        str(item.get("catches") or ""),
        evidence,
        item.get("enabled", True) is not False,
    )
    made = item.get("made")
    proof = item.get("proof") if isinstance(item.get("proof"), dict) else {}
    extra = {k: v for k, v in item.items() if k not in _OURS}
    return Kept(check, None if made is None else str(made), proof or {}, extra)


def _one_line(text: str) -> str:
    return " ".join(text.split())
