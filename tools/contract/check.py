"""A kept contract held against the lake: its schema against the catalog, its promises against the newest batch."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from knowledge.errors import InputError
from tools.checks.evaluate import evaluate
from tools.checks.formats.odcs import tests_of
from tools.checks.model import Outcome
from tools.checks.suite import MOST_BATCHES, newest, sentence
from tools.contract import file as contract_file
from tools.contract.diff import Difference, compare
from tools.contract.draft import kept_contract
from tools.contract.types import type_keys
from tools.lake.base import Table
from tools.profile.batches import Batches, cut
from tools.profile.kept import known_profiles
from tools.result import Evidence, counted, listed

if TYPE_CHECKING:
    from tools.workspace import Workspace

__all__ = ["ContractCheck", "check_contract"]


@dataclass(frozen=True)
class ContractCheck:
    """Whether a table keeps its contract.

    Attributes:
        schema: differences of the catalog's columns from the contract's.
        outcomes: what each promise said of `batch`, the newest one.
        late: the service level that is not met, in a sentence.
    """

    kind = "contract_check"
    table: str
    version: str
    source: str
    schema: tuple[Difference, ...]
    outcomes: tuple[Outcome, ...]
    batch: str | None
    rows: int
    late: str | None = None
    unknowns: tuple[str, ...] = ()

    @property
    def violations(self) -> list[str]:
        """What breaks the contract."""
        schema = [f"{d.where}: {d.what}" for d in self.schema if d.effect == "breaking"]
        data = [f"{sentence(o.check)}: {o.detail}" for o in self.outcomes if not o.passed and o.severity == "error"]
        return [*schema, *data, *([self.late] if self.late else [])]

    @property
    def warnings(self) -> list[str]:
        """What asks for a look."""
        schema = [f"{d.where}: {d.what}" for d in self.schema if d.effect != "breaking"]
        return [
            *schema,
            *(f"{sentence(o.check)}: {o.detail}" for o in self.outcomes if not o.passed and o.severity == "warn"),
        ]

    @property
    def passed(self) -> bool:
        """Whether the contract is kept."""
        return not self.violations

    @property
    def evidence(self) -> Sequence[Evidence]:
        """The contract, the catalog and the batch."""
        data = (Evidence("query", self.table, f"{self.batch}, {self.rows:,} rows"),) if self.batch else ()
        return (Evidence("document", self.source), Evidence("catalog", self.table), *data)

    def text(self) -> str:
        """Whether it is kept, then each violation."""
        bare = self.table.rpartition(".")[2]
        held = sum(o.passed for o in self.outcomes)
        looked = f"{counted(held, 'promise')} of {len(self.outcomes)} hold on {self.batch} ({self.rows:,} rows)"
        verdict = "keeps" if self.passed else "breaks"
        where = looked if self.batch else "there are no rows to hold it against"
        parts = [f"`{bare}` {verdict} its contract, version {self.version}: {where}."]
        if self.violations:
            parts.append("**Violated**\n" + "\n".join(f"- {v}" for v in self.violations))
        if self.warnings:
            parts.append("**To look at**\n" + "\n".join(f"- {w}" for w in self.warnings))
        if self.unknowns:
            parts.append("**Not checked**\n" + "\n".join(f"- {u}" for u in self.unknowns))
        return "\n\n".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "table": self.table,
            "version": self.version,
            "source": self.source,
            "passed": self.passed,
            "violations": self.violations,
            "warnings": self.warnings,
            "schema": [d.to_dict() for d in self.schema],
            "batch": self.batch,
            "rows": self.rows,
            "outcomes": [{**o.to_dict(), "sentence": sentence(o.check)} for o in self.outcomes],
            "unknowns": list(self.unknowns),
        }


def check_contract(ws: Workspace, table: str) -> ContractCheck:
    """Holds the kept contract of a table against its schema and its newest batch.

    Raises:
        NotFound, Ambiguous: no such table.
        InputError: it has no contract.
        ConfigError: the contract cannot be read.
        LimitExceeded, QueryError, ReadError: see `Lake.query`.
    """
    name = ws.assets.find(table, ["table"]).name
    contract = kept_contract(ws, name)
    source = f"output/{contract_file.path_of(name, ws.lake.default_database)}"
    if contract is None:
        raise InputError(f"{name} has no contract", where=source, hint=f"Make one: de-copilot contract {table}.")
    every = cut(ws.lake, name)
    filled = [b for b in every.items if b.rows != 0]
    checks, left = tests_of(contract, every.table)
    schema = tuple(compare({"schema": [_columns_of(contract)]}, {"schema": [_live(every.table, contract)]}))
    gone = {d.where for d in schema if d.what == "the column is gone"}
    # A column that is gone is told once, by the schema.
    checks = [c for c in checks if not gone & set(c.columns) or c.kind == "columns"]
    outcomes: list[Outcome] = []
    batch = filled[-1] if filled else None
    if batch is not None and checks:
        before, _ = newest(every.only(set(every.labels[: every.labels.index(batch.label)])), MOST_BATCHES)
        history = [p for p in known_profiles(ws.lake, ws.store, before) if p.rows] if before.items else []
        (outcomes,) = evaluate(ws.lake, every.only({batch.label}), checks, history=history).values()
    unknowns = [*left, *(() if batch else (f"{name} has no rows: its promises about data were not checked",))]
    return ContractCheck(
        name,
        str(contract.get("version")),
        source,
        schema,
        tuple(outcomes),
        batch.label if batch else None,
        outcomes[0].rows if outcomes else 0,
        _late(contract, every),
        tuple(unknowns),
    )


def _columns_of(contract: Mapping[str, Any]) -> dict[str, Any]:
    """The contract's columns with their names and types only: its other promises are about data."""
    keys = ("name", "physicalType", "logicalType", "properties", "items")
    schema = contract["schema"][0]
    return {"properties": [{k: p[k] for k in keys if k in p} for p in schema["properties"]]}


def _live(table: Table, contract: Mapping[str, Any]) -> dict[str, Any]:
    """The catalog's columns in the same form; where the contract states no physical type, its logical one is compared."""
    stated = {str(p.get("name")).lower(): p for p in contract["schema"][0]["properties"]}
    found = []
    for column in table.columns:
        theirs = stated.get(column.name.lower(), {})
        keys = type_keys(column.type)
        if theirs and not theirs.get("physicalType"):
            keys.pop("physicalType", None)
        found.append({"name": theirs.get("name", column.name), **keys})
    return {"properties": found}


_HOURS = {"h": 1, "hour": 1, "hours": 1, "d": 24, "day": 24, "days": 24}


def _late(contract: Mapping[str, Any], batches: Batches) -> str | None:
    """Whether the newest batch is older than the contract's freshness allows, by the clock."""
    sla = next((s for s in contract.get("slaProperties") or () if s.get("property") == "freshness"), None)
    labels = [b for b in batches.items if b.rows != 0 and b.loaded_at is not None]
    value = sla.get("value") if sla else None
    hours = _HOURS.get(str((sla or {}).get("unit", "d")).lower())
    if not labels or hours is None or not isinstance(value, int | float):
        return None
    end = max(b.loaded_at for b in labels if b.loaded_at is not None)
    # A day's batch carries the end of its day; freshness counts from its beginning.
    age = datetime.datetime.now(datetime.UTC).replace(tzinfo=None) - (end - datetime.timedelta(days=1))
    allowed = datetime.timedelta(hours=float(value) * hours)
    if age <= allowed:
        return None
    over = f"{value:g} {(sla or {}).get('unit', 'd')}"
    return f"freshness: the newest batch, {listed([labels[-1].label])}, is {age.days} days old; at most {over} are promised"
