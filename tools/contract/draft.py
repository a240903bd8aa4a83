"""A contract drafted: gathered, merged with the kept one, compared with it, and given its next version."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tools.contract import file as contract_file
from tools.contract.diff import Difference, compare, next_version
from tools.contract.document import document_of, grain_sentence
from tools.dossier import Dossier, gather
from tools.result import Draft, Evidence, counted, listed

if TYPE_CHECKING:
    from tools.workspace import Workspace

__all__ = ["Contract", "contract_of", "draft_contract", "kept_contract"]


@dataclass(frozen=True)
class Contract:
    """A table's contract as it would be written. `differences` are against the kept one, None when there is none."""

    kind = "contract"
    dossier: Dossier
    document: Mapping[str, Any]
    drafts: tuple[Draft, ...]
    differences: tuple[Difference, ...] | None = None

    @property
    def table(self) -> str:
        """`database.table`."""
        return self.dossier.name

    @property
    def version(self) -> str:
        """The contract's version."""
        return str(self.document["version"])

    @property
    def evidence(self) -> Sequence[Evidence]:
        """The catalog, the batches that tests were proven on, the jobs."""
        batches = counted(len(self.dossier.profiles), "batch", "batches")
        return (
            Evidence("catalog", self.table, self.dossier.table.location),
            Evidence("query", self.table, f"{batches}, {self.dossier.rows:,} rows"),
            *(Evidence("code", r.file, r.name) for r in self.dossier.readings),
        )

    @property
    def unknowns(self) -> Sequence[str]:
        """What the contract cannot say."""
        found = [*self.dossier.unknowns]
        if "team" not in self.document:
            found.append(f"no owner of {self.table} is stated anywhere")
        if not any(s["property"] == "freshness" for s in self.document.get("slaProperties", ())):
            found.append(f"how fresh {self.table} has to be: it has too few daily batches to tell")
        return tuple(found)

    def text(self) -> str:
        """What it promises, and how it differs from the kept one."""
        schema = self.document["schema"][0]
        required = sum(bool(p.get("required")) for p in schema["properties"])
        rules = sum(len(h.get("quality", ())) for h in (schema, *schema["properties"]))
        first = (
            f"Contract of `{self.table.rpartition('.')[2]}`, version {self.version} (Open Data Contract Standard): "
            f"{counted(len(schema['properties']), 'column')}, {required} of them always filled, "
            f"{counted(rules, 'quality rule')}."
        )
        lines = [f"- {p}" for p in self._promises()]
        parts = [first, "\n".join(lines), self._changes()]
        if self.unknowns:
            parts.append("**Not known**\n" + "\n".join(f"- {u}" for u in self.unknowns))
        parts.append(f"File: `output/{self.drafts[0].path}`.")
        return "\n\n".join(p for p in parts if p)

    def _promises(self) -> list[str]:
        found = [grain_sentence(self.dossier)]
        for sla in self.document.get("slaProperties", ()):
            value = f"{sla['value']} {sla.get('unit', '')}".strip()
            found.append(f"{str(sla['property']).capitalize()}: {value}. {sla.get('description', '')}".rstrip())
        if self.dossier.inputs:
            found.append(
                f"Made from {listed(self.dossier.inputs)} by {listed([r.name for r in self.dossier.readings])}."
            )
        if self.dossier.readers:
            used = listed([f"{r.kind} {r.name}" for r in self.dossier.readers], code=False)
            found.append(f"Used by {used}.")
        if (team := self.document.get("team")) and team.get("name"):
            found.append(f"Owner: {team['name']}.")
        elif owners := list(self.dossier.owners):
            found.append(f"Owner: {listed(owners, code=False)}.")
        return [p for p in found if p]

    def _changes(self) -> str:
        if self.differences is None:
            return "There was no contract before."
        if not self.differences:
            return "It is the same as the kept one."
        return "**Against the kept one**\n" + "\n".join(f"- {d}" for d in self.differences)

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "table": self.table,
            "version": self.version,
            "contract": dict(self.document),
            "differences": None if self.differences is None else [d.to_dict() for d in self.differences],
            "drafts": [d.to_dict() for d in self.drafts],
            "unknowns": list(self.unknowns),
        }


def draft_contract(
    ws: Workspace,
    table: str,
    *,
    job: str | None = None,
    owner: str | None = None,
    available_by: str | None = None,
    progress: Callable[[str], None] | None = None,
) -> Contract:
    """Drafts the contract of a table. Nothing is written: the result carries the file as a draft.

    Args:
        job: only this job's promises count; every job that writes the table if not given.
        owner: the team that answers for it, as the person states it.
        available_by: the time of day (UTC) at which a day's data are there, as the person states it: "06:00".

    Raises:
        NotFound, Ambiguous: no such table or job.
        ConfigError: the kept contract or the file of tests cannot be read.
        LimitExceeded, QueryError, ReadError: see `Lake.query`.
    """
    kept_contract(ws, ws.assets.find(table, ["table"]).name)  # a broken file is told before anything is measured
    stated = {k: v for k, v in (("owner", owner), ("available_by", available_by)) if v}
    return contract_of(ws, gather(ws, table, job=job, progress=progress), stated=stated)


def contract_of(
    ws: Workspace,
    dossier: Dossier,
    words: Mapping[str, Any] | None = None,
    stated: Mapping[str, str] | None = None,
) -> Contract:
    """The contract of what was gathered.

    Args:
        stated: terms that a person states: `owner`, `available_by`.
        words: descriptions of columns by a model, for columns that have none; see `tools.suggestions`.
    """
    document = document_of(dossier, ws.settings.lake)
    old = kept_contract(ws, dossier.name)
    differences: tuple[Difference, ...] | None = None
    if old is not None:
        document = contract_file.merged(document, old)
    if words:
        document = _described(document, words)
    document = _agreed(document, stated or {})
    if old is not None:
        differences = tuple(compare(old, document))
        document = {**document, "version": next_version(str(document["version"]), differences)}
    path = contract_file.path_of(dossier.name, ws.lake.default_database)
    return Contract(dossier, document, (Draft(path, contract_file.write(document, dossier.name)),), differences)


def _agreed(document: Mapping[str, Any], stated: Mapping[str, str]) -> dict[str, Any]:
    """With the terms that a person stated: no data can prove them, and they are told apart by their words."""
    made = dict(document)
    if "owner" in stated:
        made["team"] = {"name": stated["owner"]}
    if "available_by" in stated:
        others = [s for s in made.get("slaProperties", ()) if s.get("property") != "timeOfAvailability"]
        term = {"property": "timeOfAvailability", "value": f"{stated['available_by']} UTC", "description": "As agreed."}
        made["slaProperties"] = [*others, term]
    return made


def _described(document: Mapping[str, Any], words: Mapping[str, str]) -> dict[str, Any]:
    """Columns without a description get the model's, marked as such."""
    schema, *others = document["schema"]
    mark = {"property": "descriptionWrittenBy", "value": "language model, not checked"}
    properties = [
        {**p, "description": words[p["name"]], "customProperties": [*p.get("customProperties", ()), mark]}
        if p["name"] in words and not p.get("description")
        else p
        for p in schema["properties"]
    ]
    return {**document, "schema": [{**schema, "properties": properties}, *others]}


def kept_contract(ws: Workspace, table: str) -> dict[str, Any] | None:
    """The table's kept contract, None when there is none. Raises ConfigError for one that cannot be read."""
    path = f"output/{contract_file.path_of(table, ws.lake.default_database)}"
    text = ws.lake.read_text(path)
    return None if text is None else contract_file.read(text, path)
