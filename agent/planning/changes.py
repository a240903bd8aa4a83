"""Questions about a change as arguments of the impact tool: which change, of what, and to what.

The grammar finds the verb (`slots.change`); this file brings it together with what the question is about, and knows
what is still missing. Whether names exist, and which table a column is of, is the tool's business.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from agent.planning.decision import Then
from agent.planning.reading import Reading
from agent.planning.subjects import Subject
from tools.assets import Kind
from tools.changes import Change, parse_value_change

__all__ = ["Wanted", "stated_value_change", "wanted_change"]

_BY_KIND: Mapping[str, Mapping[Kind, str]] = {
    "drop": {"column": "drop_column", "table": "drop_table", "job": "fail_job"},
    "rename": {"column": "rename_column", "table": "rename_table"},
    "retype": {"column": "change_type", "table": "change_type"},
    "add": {"column": "add_column", "table": "add_column"},
    "late": {"job": "delay_job", "table": "late_table"},
    "fail": {"job": "fail_job", "table": "failed_table"},
    "logic": {"job": "change_logic"},
}
_FAMILY = {
    "drop_column": "drop", "drop_table": "drop", "drop": "drop", "rename_column": "rename", "rename_table": "rename",
    "change_type": "retype", "add_column": "add", "delay_job": "late", "late_table": "late", "late": "late",
    "fail_job": "fail", "failed_table": "fail", "fail": "fail", "change_logic": "logic",
}  # fmt: skip
_NEEDS_TARGET = {"rename_column": "name", "rename_table": "name", "change_type": "type"}


@dataclass(frozen=True)
class Wanted:
    """An impact question in the tool's terms.

    `args` are complete unless `missing` names one. `lineage` says that no particular change was named, so all
    there is to tell is everything downstream. `then` is a change of the jobs that write the table in `args`.
    """

    args: Mapping[str, Any] = field(default_factory=dict)
    missing: str | None = None
    target: str | None = None
    lineage: bool = False
    then: Then | None = None
    notes: tuple[str, ...] = ()


def wanted_change(reading: Reading, subject: Subject, before: Mapping[str, Any], kinds: frozenset[str]) -> Wanted:
    """The change that a question is about.

    Args:
        reading: the question.
        subject: the column, table or job that changes.
        before: arguments of the impact question before this one, which a follow-up may leave unsaid.
        kinds: changes that the tool knows.
    """
    said = reading.slots.change
    change = _fitting(said or before.get("change"), subject.kind)
    notes: list[str] = []
    if subject.kind == "job" and said and _FAMILY.get(said) == "drop":
        notes.append(f"Without `{subject.name}` nothing refreshes its tables: I looked at it as if it had failed.")
    if change in ("late_table", "failed_table"):
        then: Then = "delay_job" if change == "late_table" else "fail_job"
        return Wanted({"asset": subject.name}, then=then)
    if change is None and subject.kind == "column":
        change = "drop_column"
        notes.append("No particular change was named, so this is for dropping it: the strictest one.")
    if change is None and subject.kind == "job":
        change = "change_logic"
        notes.append(f"No particular change was named, so this is what another logic of `{subject.name}` can reach.")
    if change is None or change not in kinds:
        return Wanted(lineage=True)
    args = _args(change, reading, subject, before)
    missing = "to" if change in _NEEDS_TARGET and not args.get("to") else None
    return Wanted(args, missing, _NEEDS_TARGET.get(change), notes=tuple(notes))


def _fitting(change: str | None, kind: Kind) -> str | None:
    """The change of that family for a subject of that kind: "drop" of a table is drop_table."""
    family = _FAMILY.get(change or "")
    return _BY_KIND[family].get(kind) if family else None


def _args(change: str, reading: Reading, subject: Subject, before: Mapping[str, Any]) -> dict[str, Any]:
    if subject.kind == "job":
        return {"change": change, "job": subject.name}
    args: dict[str, Any] = {"change": change}
    if change == "add_column":
        args |= _added(reading, subject)
    elif subject.kind == "column":
        table, _, column = subject.name.rpartition(".")
        args |= {"asset": table or _named_table(reading), "column": column}
    else:
        args["asset"] = subject.name
    if change in _NEEDS_TARGET:
        args["to"] = reading.target or (before.get("to") if before.get("change") == change else None)
    return {name: value for name, value in args.items() if value is not None}


def _added(reading: Reading, subject: Subject) -> dict[str, Any]:
    """A new column's name is one that the lake does not have yet."""
    new = [m for m in reading.here if not m.known]
    table, _, column = subject.name.rpartition(".") if subject.kind == "column" else (subject.name, "", "")
    own = _named_table(reading) or table
    return {"asset": own, "column": new[0].text if new else column or "new_column"}


def _named_table(reading: Reading) -> str | None:
    tables = reading.of("table")
    return tables[0].name if tables else None


def stated_value_change(reading: Reading) -> dict[str, Any] | None:
    """Arguments for a value that a column gains or loses, for NULL in it, or for a dashboard or KPI that goes.

    Their wording names a value, which no placeholder stands for: it is read off the question itself, and counts only where
    the rest of it is a name of this lake.
    """
    change = parse_value_change(reading.question)
    if change is None:
        return None
    if change.consumer is not None:
        gone = next((m for m in reading.of("dashboard", "kpi") if m.known), None)
        kind = "drop_kpi" if gone is not None and gone.kind == "kpi" else "drop_dashboard"
        return {"change": kind, "asset": gone.name if gone is not None else change.consumer}
    if change.kind == "change_values":
        return _values_asked(change, reading)
    column = next((m for m in reading.of("column") if m.known and change.column in (m.column, m.text)), None)
    if column is None:
        return None
    table, _, name = column.name.rpartition(".")
    named = next((m.name for m in reading.of("table") if m.known), None)
    args = {"change": change.kind, "asset": table or change.table or named, "column": name}
    return {k: v for k, v in {**args, "value": change.value}.items() if v is not None}


def _values_asked(change: Change, reading: Reading) -> dict[str, Any] | None:
    """Arguments for "did any new status value appear?": a column of this lake, or a table."""
    said = {str(n).lower() for n in (change.column, change.table, f"{change.table}.{change.column}") if n}
    tables = [m for m in reading.of("table") if m.known]
    for mention in (m for m in reading.of("column") if m.known):
        if {str(n).lower() for n in (mention.column, mention.text, mention.name) if n} & said:
            table, _, name = mention.name.rpartition(".")
            asset = table or (tables[0].name if tables else None)
            return {k: v for k, v in {"change": change.kind, "asset": asset, "column": name}.items() if v}
    asset = tables[0].name if tables else change.table if change.column is None else None
    return {"change": change.kind, "asset": asset} if asset else None
