"""Changes as people put them: "drop product_group", "rename a to b in dim_product", "positions_job is late".

A `Change` is a fact to reason about, made from words, tool arguments or (later) a diff. Resolving one against the lake
fills in the table, or says which ones are meant.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from knowledge.errors import Ambiguous, InputError, NotFound
from tools.assets import Asset

if TYPE_CHECKING:
    from tools.workspace import Workspace

ChangeKind = Literal[
    "drop_column",
    "rename_column",
    "change_type",
    "add_column",
    "drop_table",
    "rename_table",
    "delay_job",
    "fail_job",
    "change_logic",
]
KINDS: tuple[ChangeKind, ...] = get_args(ChangeKind)


@dataclass(frozen=True, slots=True)
class Change:
    """One change. `to` is the new name or type; `table` and `job` are as given until `resolve` makes them canonical."""

    kind: ChangeKind
    table: str | None = None
    column: str | None = None
    to: str | None = None
    job: str | None = None

    def describe(self) -> str:
        """The change in words: "dropping `dim_product.product_group`"."""
        return _WORDS[self.kind].format(
            column=f"{_short(self.table)}.{self.column}" if self.table else self.column,
            table=_short(self.table),
            to=self.to,
            job=self.job,
        )

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "kind": self.kind,
            "table": self.table,
            "column": self.column,
            "to": self.to,
            "job": self.job,
            "text": self.describe(),
        }


_WORDS: dict[ChangeKind, str] = {
    "drop_column": "dropping `{column}`",
    "rename_column": "renaming `{column}` to `{to}`",
    "change_type": "changing the type of `{column}` to `{to}`",
    "add_column": "adding `{column}`",
    "drop_table": "dropping table `{table}`",
    "rename_table": "renaming table `{table}` to `{to}`",
    "delay_job": "`{job}` running late",
    "fail_job": "`{job}` failing",
    "change_logic": "changing what `{job}` computes",
}


def _short(table: str | None) -> str | None:
    return table.rpartition(".")[2] if table else None


# --------------------------------------------------------------------------- from words

_NAME = r"[`\"']?(?P<{0}>[\w.$-]+)[`\"']?"
_OBJECT = _NAME.format("object")
_TO = _NAME.format("to")
_IN = r"(?:\s+(?:in|of|from|on)\s+(?:the\s+)?(?:table\s+)?" + _NAME.format("table") + r"(?:\s+table)?)?"
_DROP = r"(?:drop(?:ping)?|remov(?:e|ing)|delet(?:e|ing)|retir(?:e|ing)|get(?:ting)? rid of)"
_TYPE = r"(?P<to>[a-z]+(?:\s*[(<][^?]*[)>])?)"
_RETYPE = (
    r"(?:chang\w+|alter\w*|cast\w*|mak\w+|turn\w*|retyp\w+|convert\w*)\s+(?:the\s+)?(?:type\s+of\s+)?(?:column\s+)?"
)
_FROM = r"(?:\s+from\s+[a-z]+(?:\s*\([^)]*\))?)?"

# Read from top to bottom: the more particular wording stands first.
_PATTERNS: Sequence[tuple[ChangeKind, str]] = (
    ("drop_table", rf"{_DROP}\s+(?:the\s+)?table\s+{_OBJECT}"),
    ("rename_table", rf"renam\w+\s+(?:the\s+)?table\s+{_OBJECT}\s+(?:to|as|into)\s+{_TO}"),
    (
        "add_column",
        rf"add(?:ing)?\s+(?:a\s+)?(?:new\s+)?column\s+{_OBJECT}(?:\s+{_TYPE})?(?:\s+to\s+{_NAME.format('table')})?",
    ),
    ("rename_column", rf"renam\w+\s+(?:the\s+)?(?:column\s+)?{_OBJECT}\s+(?:to|as|into)\s+{_TO}{_IN}"),
    ("rename_column", rf"renam\w+\s+(?:the\s+)?(?:column\s+)?{_OBJECT}{_IN}\s+(?:to|as|into)\s+{_TO}"),
    ("change_type", rf"{_RETYPE}{_OBJECT}{_FROM}\s+(?:to|into|a|an|as)\s+{_TYPE}{_IN}"),
    ("change_type", rf"{_RETYPE}{_OBJECT}{_IN}(?:\s+type)?{_FROM}\s+(?:to|into|a|an|as)\s+{_TYPE}"),
    ("delay_job", rf"{_OBJECT}\s+(?:is|runs|running|comes|being)\s+(?:\w+\s+)*?late"),
    ("fail_job", rf"{_OBJECT}\s+(?:fails|failed|is failing|failing)"),
    ("drop_column", rf"{_DROP}\s+(?:the\s+)?(?:column\s+)?{_OBJECT}{_IN}"),
)


def parse_change(text: str) -> Change:
    """The change that a few words state, not yet resolved against a lake.

    `table.column` names both. Raises InputError with the wordings that are understood.
    """
    for kind, pattern in _PATTERNS:
        found = re.search(rf"\b{pattern}", text.strip().rstrip("?.!"), re.I)
        if found:
            return _from_match(kind, found.groupdict())
    raise InputError(
        f"no change is recognised in {text!r}",
        hint='Say it like "drop column dim_product.product_group", "rename a to b in dim_product", '
        '"change price in raw_positions to decimal(18,2)", "drop table x" or "positions_job is late".',
    )


def _from_match(kind: ChangeKind, groups: dict[str, str | None]) -> Change:
    name, table, to = groups["object"] or "", groups.get("table"), groups.get("to")
    if kind in ("drop_table", "rename_table"):
        return Change(kind, table=name, to=to)
    if kind in ("delay_job", "fail_job"):
        return Change(kind, job=name)
    if table is None and "." in name:
        table, _, name = name.rpartition(".")
    return Change(kind, table=table, column=name, to=to.strip() if to else None)


# --------------------------------------------------------------------------- against a lake


def resolve(change: Change, ws: Workspace) -> tuple[Change, list[str]]:
    """The change with canonical names, and what was assumed to get there.

    A column without a table is the one column of that name; or, where several tables have it, the one that all the
    others take theirs from.

    Raises NotFound or Ambiguous for names, InputError for a change that lacks a part.
    """
    if change.kind in ("delay_job", "fail_job", "change_logic"):
        if not change.job:
            raise InputError("which job?", hint="Name the job.")
        return replace(change, job=ws.assets.find(change.job, ["job"]).name), []
    if change.kind in ("drop_table", "rename_table"):
        if not change.table:
            raise InputError("which table?", hint="Name the table.")
        return replace(_with_target(change), table=ws.assets.find(change.table, ["table"]).name), []
    return _resolve_column(change, ws)


def _resolve_column(change: Change, ws: Workspace) -> tuple[Change, list[str]]:
    if not change.column:
        raise InputError("which column?", hint="Name the column, as table.column.")
    column = change.column.rpartition(".")[2]
    table = change.table or change.column.rpartition(".")[0] or None
    if change.kind == "add_column":
        if not table:
            raise InputError(f"which table gets {column}?", hint="Say it as table.column.")
        return replace(change, table=ws.assets.find(table, ["table"]).name, column=column), []
    change = _with_target(change)
    if table:
        name = ws.assets.find(table, ["table"]).name
        asset = _column_of(ws, name, column)
        return replace(change, table=name, column=asset.column), []
    candidates = ws.assets.columns_named(column)
    if not candidates:
        raise NotFound("column", column, ws.assets.nearest(column, ["column"]))
    if len(candidates) == 1:
        return replace(change, table=candidates[0].table, column=candidates[0].column), []
    origin = _common_origin(candidates, ws)
    if origin is None:
        raise Ambiguous("column", column, [c.short for c in candidates])
    others = ", ".join(f"`{c.short}`" for c in candidates if c is not origin)
    note = (
        f"`{column}` is taken to be `{origin.short}`: {others} take{'s' if len(candidates) == 2 else ''} it from there."
    )
    return replace(change, table=origin.table, column=origin.column), [note]


def _with_target(change: Change) -> Change:
    if change.kind in ("rename_column", "rename_table") and not change.to:
        raise InputError("what is the new name?", hint='Say "rename a to b".')
    if change.kind == "change_type" and not change.to:
        raise InputError("what is the new type?", hint='Say "change price to decimal(18,2)".')
    return change


def _column_of(ws: Workspace, table: str, column: str) -> Asset:
    own = [a for a in ws.assets.items if a.kind == "column" and a.table == table]
    for asset in own:
        if asset.column.lower() == column.lower():
            return asset
    from knowledge.names import nearest

    elsewhere = [a.short for a in ws.assets.columns_named(column)]
    near = [f"{_short(table)}.{n}" for n in nearest(column, [a.column for a in own])]
    raise NotFound("column", f"{_short(table)}.{column}", near + elsewhere)


def _common_origin(candidates: Sequence[Asset], ws: Workspace) -> Asset | None:
    """The candidate whose values all the others carry, by column lineage."""
    from tools.lineage import Node, walk

    for candidate in candidates:
        reached, _ = walk(ws.graph.columns, Node("column", candidate.name), "downstream")
        below = {r.node.name.lower() for r in reached if r.node.kind == "column"}
        if all(c is candidate or c.name.lower() in below for c in candidates):
            return candidate
    return None
