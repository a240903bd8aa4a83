"""A table's tests, made: measured, proposed, proven, and put into the file that people keep."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from knowledge.errors import InputError, NotFound
from tools.checks.formats import house
from tools.checks.jobs import facts_of
from tools.checks.kinds import KINDS
from tools.checks.material import Material, gather
from tools.checks.model import Check, Finding
from tools.checks.propose import Proposal, propose
from tools.checks.prove import Proof
from tools.checks.references import REFERENCE
from tools.checks.stated import stated_of
from tools.jobs import JobReading
from tools.lineage import Direction
from tools.profile.batches import Batches, cut
from tools.profile.kept import known_profiles
from tools.result import Draft, Evidence, counted, listed

if TYPE_CHECKING:
    from tools.checks.export import TestFiles
    from tools.suggestions import Taken
    from tools.workspace import Workspace

__all__ = ["MOST_BATCHES", "Suite", "generate", "newest", "sentence", "subject_of", "with_suggested", "writers_of"]

MOST_BATCHES = 60
"""Older batches than this are not measured: what holds changes over time, and a scan has its price."""

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Suite:
    """Tests that were made for a table.

    Attributes:
        proposal: the proven checks, findings and what was left out.
        file: all checks of the file as it would be written, those of people among them.
        kept: ids of checks that are a person's; `dropped`: ids that were in the file and are no longer proposed.
        batches: how many batches were measured; `older` were not.
        other_tools: the same tests as files of other tools, where these were asked for.
    """

    kind = "tests"
    table: str
    jobs: tuple[str, ...]
    proposal: Proposal
    file: house.CheckFile
    kept: tuple[str, ...]
    dropped: tuple[str, ...]
    batches: int
    older: int
    rows: int
    drafts: tuple[Draft, ...]
    material: Material
    other_tools: TestFiles | None = None

    @property
    def checks(self) -> tuple[Check, ...]:
        """All checks of the file, in order."""
        return tuple(k.check for k in self.file.checks)

    @property
    def evidence(self) -> Sequence[Evidence]:
        """What the checks rest on."""
        own = (Evidence("query", self.table, f"{counted(self.batches, 'batch', 'batches')}, {self.rows:,} rows"),)
        return (*own, *dict.fromkeys(e for c in self.checks for e in c.evidence if e.kind == "code"))

    @property
    def unknowns(self) -> Sequence[str]:
        """What could not be computed."""
        without = () if self.jobs else (f"no job is known that writes {self.table}: the data alone were asked",)
        others = self.other_tools.unknowns if self.other_tools else ()
        return (*without, *self.proposal.unknowns, *others)

    def text(self) -> str:
        """How many, on what they were proven, each in a line, what is wrong today, and where the file would go."""
        checks = self.checks
        errors = sum(c.severity == "error" and c.enabled for c in checks)
        warnings = sum(c.severity == "warn" and c.enabled for c in checks)
        parts = [
            f"{counted(len(checks), 'test')} for `{_bare(self.table)}`: {counted(errors, 'error')} that would stop a "
            f"pipeline, {counted(warnings, 'warning')}. Each was run on {counted(self.batches, 'batch', 'batches')} "
            f"({self.rows:,} rows){self._jobs()} and shown to catch its fault on a mutated copy.",
            "\n".join(_line(c, self.proposal.proofs.get(c.id)) for c in checks),
        ]
        if self.proposal.findings:
            parts.append("**Wrong in the data today**\n" + "\n".join(f"- {_found(f)}" for f in self.proposal.findings))
        if places := self.material.stated.places:
            parts.append(f"Held against what your team promises already, in {listed(places)}.")
        if self.proposal.unknowns:
            parts.append("**Not known**\n" + "\n".join(f"- {u}" for u in self.proposal.unknowns))
        if self.kept:
            parts.append(f"Yours, kept as they are: {listed(self.kept)}.")
        if self.dropped:
            parts.append(f"No longer proposed and taken out: {listed(self.dropped)}.")
        parts.append(f"File: `output/{self.drafts[0].path}`.")
        parts.append(self.other_tools.text() if self.other_tools else "")
        return "\n\n".join(p for p in parts if p)

    def _jobs(self) -> str:
        return f", held against {listed(self.jobs)}," if self.jobs else ""

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "table": self.table,
            "jobs": list(self.jobs),
            "batches": self.batches,
            "older_batches_not_measured": self.older,
            "rows": self.rows,
            "checks": [
                {**c.to_dict(), "sentence": sentence(c), "proof": p.to_dict() if (p := self._proof(c)) else None}
                for c in self.checks
            ],
            "findings": [f.to_dict() for f in self.proposal.findings],
            "rejected": [r.to_dict() for r in self.proposal.rejected],
            "kept": list(self.kept),
            "dropped": list(self.dropped),
            "drafts": [d.to_dict() for d in self.drafts],
            "unknowns": list(self.unknowns),
            **({"other_tools": self.other_tools.to_dict()} if self.other_tools else {}),
        }

    def _proof(self, check: Check) -> Proof | None:
        return self.proposal.proofs.get(check.id)


def generate(
    ws: Workspace,
    table: str,
    *,
    job: str | None = None,
    column: str | None = None,
    progress: Progress | None = None,
) -> Suite:
    """Makes the tests of a table. Nothing is written: the result carries the file as a draft.

    Args:
        job: only this job's promises count; every job that writes the table if not given.
        column: only checks about this column are put into the file; others that are in it stay.

    Raises:
        NotFound, Ambiguous: no such table, job or column.
        InputError: the table has no rows, so that nothing can be proven.
        ConfigError: the file that is there cannot be read.
        LimitExceeded, QueryError, ReadError: see `Lake.query`.
    """
    say = progress or (lambda _: None)
    name = ws.assets.find(table, ["table"]).name
    if column and ws.lake.table(name).column(column) is None:
        raise NotFound("column", f"{_bare(name)}.{column}", [c.name for c in ws.lake.table(name).columns][:5])
    old = saved(ws, name)
    readings = writers_of(ws, name, job)
    batches, older = newest(cut(ws.lake, name), MOST_BATCHES)
    say(f"measuring {counted(len(batches.items), 'batch', 'batches')} of {name}")
    profiles = known_profiles(ws.lake, ws.store, batches)
    if not any(p.rows for p in profiles):
        raise InputError(f"{name} has no rows", hint="Tests are proven on data: load some and ask again.")
    say("looking for keys, foreign keys and rules")
    above, below = _relatives(ws, name)
    others = [t for t in map(str, ws.lake.tables()) if t != name and t not in below]
    facts, stated = facts_of(name, readings), stated_of(ws, name)
    material = gather(ws.lake, batches, job=facts, stated=stated, profiles=profiles, tables=others)
    # A list that merely holds our values is a promise only where they come from; a key is one anywhere.
    true = tuple(i for i in material.inclusions if i.unique or i.table in above)
    material = replace(material, inclusions=true)
    say("proving each test: silent on good batches, loud on a fault")
    proposal = propose(ws.lake, material)
    new = [(c, proposal.proofs[c.id].to_dict()) for c in proposal.checks if column is None or column in c.columns]
    file = house.merge(name, old, new)
    if column and old:
        new_ids = {k.check.id for k in file.checks}
        file = house.CheckFile(name, (*file.checks, *(k for k in old.checks if k.check.id not in new_ids)), old.extra)
    return _suite(ws, name, readings, proposal, old, file, batches, older, material)


def with_suggested(ws: Workspace, suite: Suite, taken: Taken) -> Suite:
    """The tests with those that were suggested and proven. They stay in the file like those that a person added."""
    there = {k.check.id for k in suite.file.checks}
    added = [house.Kept(c, None, taken.proofs[c.id].to_dict()) for c in taken.checks if c.id not in there]
    file = house.CheckFile(suite.file.table, (*suite.file.checks, *added), suite.file.extra)
    proofs = {**suite.proposal.proofs, **{c.id: taken.proofs[c.id] for c in taken.checks}}
    proposal = replace(suite.proposal, proofs=proofs, findings=(*suite.proposal.findings, *taken.findings))
    draft = Draft(house.path_of(suite.table, ws.lake.default_database), house.write(file))
    return replace(suite, file=file, proposal=proposal, drafts=(draft, *suite.drafts[1:]))


def _relatives(ws: Workspace, table: str) -> tuple[set[str], set[str]]:
    """Tables that this one is made of, and tables that are made of it: the latter are no place for its foreign keys."""
    return _tables_along(ws, table, "upstream"), _tables_along(ws, table, "downstream")


def _tables_along(ws: Workspace, table: str, direction: Direction) -> set[str]:
    graph, seen, ahead = ws.graph.assets, {f"table:{table}"}, [f"table:{table}"]
    found: set[str] = set()
    while ahead:
        node_id = ahead.pop()
        for node, _ in graph.neighbours(node_id, direction) if node_id in graph else ():
            if node.id not in seen:
                seen.add(node.id)
                ahead.append(node.id)
                found |= {node.name} if node.kind == "table" else set()
    return found - {table}


def _suite(
    ws: Workspace,
    name: str,
    readings: Sequence[JobReading],
    proposal: Proposal,
    old: house.CheckFile | None,
    file: house.CheckFile,
    batches: Batches,
    older: int,
    material: Material,
) -> Suite:
    ids = {k.check.id for k in file.checks}
    return Suite(
        name,
        tuple(r.name for r in readings),
        proposal,
        file,
        tuple(k.check.id for k in file.checks if k.edited),
        tuple(k.check.id for k in (old.checks if old else ()) if k.check.id not in ids),
        len(batches.items),
        older,
        material.rows,
        (Draft(house.path_of(name, ws.lake.default_database), house.write(file)),),
        material,
    )


def saved(ws: Workspace, table: str) -> house.CheckFile | None:
    """The table's file, None when there is none. Raises ConfigError for one that cannot be read."""
    path = f"output/{house.path_of(table, ws.lake.default_database)}"
    text = ws.lake.read_text(path)
    return None if text is None else house.read(text, path)


def subject_of(ws: Workspace, asset: str | None, job: str | None) -> str:
    """The table that tests are about: as named, or the only one that the job writes.

    Raises:
        NotFound, Ambiguous: no such table or job.
        InputError: neither is given, or the job writes none or several tables.
    """
    if asset:
        found = ws.assets.find(asset, ["table", "job"])
        if found.kind == "table":
            return found.name
        job = found.name
    if not job:
        raise InputError("tests for which table?", hint="Name a table, or a job that writes one.")
    name = ws.assets.find(job, ["job"]).name
    known = {str(t) for t in ws.lake.tables()}
    written = [t for t in dict.fromkeys(ws.readings[name].writes) if t in known]
    if len(written) != 1:
        what = f"writes {listed(written)}" if written else "writes no table of this lake that could be told"
        raise InputError(f"{name} {what}", hint="Name the table.")
    return written[0]


def writers_of(ws: Workspace, table: str, job: str | None = None) -> list[JobReading]:
    """Jobs that write a table. Raises NotFound for a job that there is not, InputError for one that does not write it."""
    writing = [r for r in ws.readings.values() if table in r.writes]
    if job is None:
        return writing
    name = ws.assets.find(job, ["job"]).name
    chosen = [r for r in writing if r.name == name]
    if not chosen:
        hint = f"It is written by {listed([r.name for r in writing])}." if writing else None
        raise InputError(f"{name} does not write {table}", hint=hint)
    return chosen


def newest(batches: Batches, most: int) -> tuple[Batches, int]:
    """The newest batches, and how many older ones there are."""
    older = max(0, len(batches.items) - most)
    return batches.only(set(batches.labels[older:])), older


def sentence(check: Check) -> str:
    """What a check says, for people."""
    if check.kind == REFERENCE:
        return f"every {listed(check.columns)} is in `{check.parameters.get('table')}`"
    kind = KINDS.get(check.kind)
    return kind.sentence(check) if kind else check.kind


def _line(check: Check, proof: Proof | None) -> str:
    said = f"- **{check.severity}** {sentence(check)}"
    said += f": {check.reason.rstrip('.')}" if check.reason else ""
    code = next((e.where for e in check.evidence if e.kind == "code"), None)
    said += f" (`{code}`)" if code else ""
    said += f"; catches {proof.caught}" if proof and proof.caught else ""
    return said + ("" if check.enabled else " (switched off)")


def _found(finding: Finding) -> str:
    samples = "; ".join(", ".join(f"`{k}` = {v}" for k, v in s.items()) for s in finding.samples[:3])
    places = [e.where for e in finding.check.evidence if e.kind == "config"]
    said = f" (stated in `{places[0]}`)" if places else ""
    return f"{sentence(finding.check)}{said}: {finding.detail}" + (f" For example {samples}." if samples else "")


def _bare(table: str) -> str:
    return table.rpartition(".")[2]
