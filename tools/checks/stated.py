"""What a team already promises of a table: the tests of its dbt project and the rules of its data contract.

They are proposed as ours are: what we propose anyhow gains them as evidence, the rest is added, and one that does not
hold today is a finding. A promise that cannot be read is said, never skipped in silence.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from knowledge.errors import CopilotError
from tools.checks.formats.dbt_project import read_tests
from tools.checks.formats.odcs import tests_of
from tools.checks.kinds import KINDS
from tools.checks.model import Check
from tools.checks.references import REFERENCE
from tools.lake.base import Lake, Table
from tools.result import Evidence, listed

if TYPE_CHECKING:
    from tools.workspace import Workspace

__all__ = ["Stated", "is_stated", "stated_of", "with_stated"]

_MOST_FILES = 500


@dataclass(frozen=True)
class Stated:
    """Promises as checks, and those that could not be taken."""

    checks: tuple[Check, ...] = ()
    unknowns: tuple[str, ...] = ()

    @property
    def places(self) -> tuple[str, ...]:
        """The files that they are in."""
        return tuple(dict.fromkeys(e.where for c in self.checks for e in c.evidence))


def stated_of(ws: Workspace, name: str) -> Stated:
    """What is promised of a table. A file or folder that cannot be read is among the unknowns.

    Raises NotFound, Ambiguous or ReadError: the table, see `Lake.table`.
    """
    table = ws.lake.table(name)
    unknowns: list[str] = []
    checks = _of_project(ws, table, unknowns)
    kept, left = _of_contract(ws, table)
    return Stated((*_there(ws.lake, checks, unknowns), *kept), (*unknowns, *left))


def with_stated(checks: Sequence[Check], stated: Sequence[Check], keys: Collection[str] = ()) -> list[Check]:
    """Ours and theirs, each subject once.

    Args:
        keys: columns that cut the table into batches; within a batch they tell nothing apart.
    """
    found = {c.id: c for c in checks}
    for one in stated:
        same = next((c for c in found.values() if _covers(c, one, keys)), None)
        if same is not None:
            found[same.id] = _joined(same, one)
            continue
        if one.kind == "accepted_values":
            lists = [c.id for c in found.values() if c.kind in _LISTS and c.columns == one.columns]
            for name in lists:
                del found[name]
        found[one.id] = one
    return list(found.values())


def is_stated(check: Check) -> bool:
    """Whether somebody says so, a job or a team, and not only the data."""
    return any(e.kind in ("code", "config") for e in check.evidence)


_PROMISED = ("not_null", "unique", "accepted_values", "pattern", "condition", REFERENCE)
"""Kinds of the contract's rules that count. Bounds that were fitted to the data are fitted anew each time."""
_LISTS = ("accepted_values", "known_values")


def _covers(ours: Check, theirs: Check, keys: Collection[str]) -> bool:
    """Whether one of ours says what one of theirs says."""
    if ours.kind != theirs.kind:
        return False
    if ours.kind == "not_null":
        return set(theirs.columns) - set(keys) <= set(ours.columns)
    if ours.kind == "unique":
        return set(ours.columns) - set(keys) == set(theirs.columns) - set(keys)
    if ours.kind == REFERENCE:
        return ours.columns == theirs.columns and ours.parameters["table"] == theirs.parameters["table"]
    return ours.id == theirs.id and dict(ours.parameters) == dict(theirs.parameters)


def _joined(ours: Check, theirs: Check) -> Check:
    """Ours with their evidence; columns that they promise to be filled may miss no value."""
    parameters: Mapping[str, Any] = ours.parameters
    if ours.kind == "not_null" and "warn_below" in parameters:
        lenient = {k: v for k, v in parameters["warn_below"].items() if k not in theirs.columns}
        parameters = {**{k: v for k, v in parameters.items() if k != "warn_below"}}
        parameters |= {"warn_below": lenient} if lenient else {}
    evidence = tuple(dict.fromkeys((*ours.evidence, *theirs.evidence)))
    return ours.changed(parameters=parameters, evidence=evidence)


def _of_project(ws: Workspace, table: Table, unknowns: list[str]) -> list[Check]:
    """Tests in the YAML files of the folders that settings name."""
    checks: list[Check] = []
    for path in _files(ws, unknowns):
        try:
            text = ws.lake.read_text(path) or ""
            # Most files are about other tables: the name is looked for before YAML is read.
            if table.name.table not in text.lower():
                continue
            found, left = read_tests(text, path, table)
        except CopilotError as error:
            unknowns.append(f"{path}: {error.what}.")
            continue
        checks += found
        unknowns += left
    return checks


def _files(ws: Workspace, unknowns: list[str]) -> list[str]:
    paths: dict[str, None] = {}
    for folder in ws.settings.tests.paths:
        try:
            paths |= dict.fromkeys(f.path for f in ws.lake.texts(folder) if f.path.endswith((".yml", ".yaml")))
        except CopilotError as error:
            unknowns.append(f"{folder}: {error.what}.")
    if len(paths) > _MOST_FILES:
        unknowns.append(f"Of {len(paths):,} YAML files in {listed(ws.settings.tests.paths)} {_MOST_FILES} were read.")
    return list(paths)[:_MOST_FILES]


def _of_contract(ws: Workspace, table: Table) -> tuple[list[Check], list[str]]:
    from tools.contract.file import path_of, read  # the contract is made of these tests: not at import

    path = f"output/{path_of(str(table.name), ws.lake.default_database)}"
    try:
        text = ws.lake.read_text(path)
        if text is None:
            return [], []
        made, left = tests_of(read(text, path), table)
    except CopilotError as error:
        return [], [f"{path}: {error.what}."]
    kept: list[Check] = []
    for check in made:
        if check.kind not in _PROMISED:
            continue
        kept.append(
            check.changed(
                reason=check.reason or "Your contract promises it.",
                catches=check.catches or "a promise of the contract that is broken",
                evidence=(Evidence("config", path, check.id),),
            )
        )
    unknowns: list[str] = []
    kept = [c for c in kept if _measurable(c, table, unknowns, path)]
    return _there(ws.lake, kept, unknowns), [*unknowns, *(f"{path}: {why}." for why in left)]


def _measurable(check: Check, table: Table, unknowns: list[str], path: str) -> bool:
    try:
        if check.kind != REFERENCE:
            KINDS[check.kind].measures(check, table)
    except (CopilotError, KeyError, TypeError, ValueError) as error:
        why = error.what if isinstance(error, CopilotError) else str(error)
        unknowns.append(f"The rule {check.id} of {path} is not taken: {why}.")
        return False
    return True


def _there(lake: Lake, checks: Sequence[Check], unknowns: list[str]) -> list[Check]:
    """Without foreign keys into tables and columns that are not in this lake."""
    kept = []
    for check in checks:
        if check.kind == REFERENCE:
            try:
                other = lake.table(str(check.parameters["table"]))
            except CopilotError as error:
                unknowns.append(f"The test {check.id} is not taken: {error.what}.")
                continue
            missing = [c for c in check.parameters["columns"] if other.column(c) is None]
            if missing:
                unknowns.append(f"The test {check.id} is not taken: {other.name} has no column {missing[0]}.")
                continue
        kept.append(check)
    return kept
