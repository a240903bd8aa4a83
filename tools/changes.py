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
    "new_value",
    "lost_value",
    "nullable",
    "drop_dashboard",
    "drop_kpi",
    "change_schema",
    "change_values",
]
KINDS: tuple[ChangeKind, ...] = get_args(ChangeKind)


@dataclass(frozen=True, slots=True)
class Change:
    """One change. `to` is the new name or type, `value` one that a column gains or loses, `consumer` a dashboard or KPI;
    `table`, `job` and `consumer` are as given until `resolve` makes them canonical.
    """

    kind: ChangeKind
    table: str | None = None
    column: str | None = None
    to: str | None = None
    job: str | None = None
    value: str | None = None
    consumer: str | None = None

    def describe(self) -> str:
        """The change in words: "dropping `dim_product.product_group`"."""
        return _WORDS[self.kind].format(
            column=".".join(n for n in (_short(self.table), self.column) if n),
            table=_short(self.table),
            to=self.to,
            job=self.job,
            value=self.value,
            consumer=self.consumer,
        )

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "kind": self.kind,
            "table": self.table,
            "column": self.column,
            "to": self.to,
            "job": self.job,
            "value": self.value,
            "consumer": self.consumer,
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
    "new_value": "a new value '{value}' in `{column}`",
    "lost_value": "the end of value '{value}' in `{column}`",
    "nullable": "NULL in `{column}`",
    "change_values": "the values that came and went in `{column}`",
    "drop_dashboard": 'removing dashboard "{consumer}"',
    "drop_kpi": 'removing KPI "{consumer}"',
}


def _short(table: str | None) -> str | None:
    return table.rpartition(".")[2] if table else None


# --------------------------------------------------------------------------- from words

_NAME = r"[`\"']?(?P<{0}>[\w.$-]+)[`\"']?"
_OBJECT = _NAME.format("object")
_TO = _NAME.format("to")
_IN = r"(?:\s+(?:in|of|from|on)\s+(?:the\s+)?(?:table\s+)?" + _NAME.format("table") + r"(?:\s+table)?)?"
_IN2 = r"(?:\s+(?:in|of|on)\s+(?:the\s+)?(?:table\s+)?" + _NAME.format("table2") + r")?"  # where it may also stand last
_DROP = r"(?:drop(?:ping)?|remov(?:e|ing)|delet(?:e|ing)|retir(?:e|ing)|get(?:ting)? rid of)"
_TYPE = r"(?P<to>[a-z]+(?:\s*[(<][^?]*[)>])?)"
_RETYPE = (
    r"(?:chang\w+|alter\w*|cast\w*|mak\w+|turn\w*|retyp\w+|convert\w*)\s+(?:the\s+)?(?:type\s+of\s+)?(?:column\s+)?"
)
_FROM = r"(?:\s+from\s+[a-z]+(?:\s*\([^)]*\))?)?"
_VALUE = r"(?P<value>'[^']*'|\"[^\"]*\"|`[^`]*`|[\w.+-]+)"
_QUOTED = r"(?P<value>'[^']*'|\"[^\"]*\"|`[^`]*`)"
_A = r"(?:an?\s+|the\s+|some\s+|any\s+)?"
_NOUN = r"(?:category\s+|code\s+|status\s+)?(?:value|category|code|status)"
_COLUMN = rf"(?:the\s+)?(?:column\s+)?{_OBJECT}"
_ENDS = r"(?:los(?:es?|ing)|drops|no\s+longer\s+(?:has|holds|gets|contains))"
_APPEARS = r"(?:(?:appear\w*|turn\w*\s+up|show\w*\s+up|occur\w*|arriv\w*|com\w+)\s+)?(?:in|for|of|on)"
_VANISHES = r"(?:disappear\w*|vanish\w*|go\w*\s+away|is\s+gone|is\s+removed)\s+(?:from|in)"

_VALUES = r"(?:values?|categor(?:y|ies)|codes?|status(?:es)?)(?:\s+(?:values?|codes?))?"
_CAME = r"(?:appear\w*|come|came|arriv\w*|show\w*\s+up|turn\w*\s+up|vanish\w*|disappear\w*|go|went|gone)"
_WHEN = r"(?:\s+(?:today|yesterday|lately|recently|since\s+.*|in\s+the\s+(?:newest|last|latest)\s+\w+))?"
_ASKED = r"(?:did|do|does|have|has|had|are|is|were|was|which|what|any)\s+(?:there\s+|been\s+)*(?:any\s+|some\s+)?"

# Read from top to bottom: the more particular wording stands first.
_OF_VALUES: Sequence[tuple[ChangeKind, str]] = (
    (
        "change_values",
        rf"{_ASKED}(?:new|unknown|unexpected|missing|vanished)\s+(?:{_OBJECT}\s+)?{_VALUES}(?:\s+{_CAME})?{_IN}{_WHEN}$",
    ),
    ("change_values", rf"{_ASKED}(?:{_OBJECT}\s+)?{_VALUES}\s+(?:are\s+new|{_CAME}){_IN}{_WHEN}$"),
    ("change_values", rf"values\s+of\s+{_COLUMN}\s+(?:have\s+|has\s+)?changed"),
    ("drop_dashboard", rf"{_DROP}\s+(?:the\s+)?(?:dashboard|report)\s+(?P<consumer>[^?]+)"),
    ("drop_dashboard", rf"{_DROP}\s+(?:the\s+)?(?P<consumer>[\"'`][^\"'`]+[\"'`]|[\w &/-]+?)\s+dashboard(?!\w)"),
    ("drop_kpi", rf"{_DROP}\s+(?:the\s+)?(?:kpi|metric)\s+(?P<consumer>[^?]+)"),
    ("nullable", rf"{_COLUMN}{_IN}\s+(?:becomes?|turns?|goes|is\s+made|gets|is\s+now)\s+(?:nullable|optional)"),
    ("nullable", rf"{_COLUMN}{_IN}\s+(?:may|can|could|might)\s+(?:now\s+)?be\s+(?:null|missing|empty)(?!\w)"),
    (
        "nullable",
        rf"(?:mak\w+|turn\w*|set\w*|chang\w+)\s+{_COLUMN}{_IN}\s+(?:to\s+)?(?:be\s+)?(?:nullable|optional){_IN2}",
    ),
    ("nullable", rf"allow\w*\s+nulls?\s+(?:in|for|on)\s+{_COLUMN}{_IN}"),
    ("nullable", rf"{_DROP}\s+(?:the\s+)?not[\s-]+null(?:\s+constraint)?\s+(?:on|of|from)\s+{_COLUMN}{_IN}"),
    ("lost_value", rf"{_DROP}\s+(?:the\s+)?{_NOUN}\s+{_VALUE}\s+(?:from|of|in)\s+{_COLUMN}{_IN}"),
    ("lost_value", rf"(?:no\s+more|the\s+end\s+of)\s+(?:{_NOUN}\s+)?{_VALUE}\s+(?:in|for|from)\s+{_COLUMN}{_IN}"),
    ("lost_value", rf"{_VALUE}\s+{_VANISHES}\s+{_COLUMN}{_IN}"),
    ("lost_value", rf"{_COLUMN}{_IN}\s+{_ENDS}\s+(?:the\s+)?(?:{_NOUN}\s+)?{_VALUE}"),
    (
        "new_value",
        rf"(?:add|introduc|insert)\w*\s+{_A}(?:new\s+)?{_NOUN}\s+{_VALUE}\s+(?:to|in|into|for)\s+{_COLUMN}{_IN}",
    ),
    ("new_value", rf"(?:add|introduc)\w*\s+{_QUOTED}\s+(?:to|in|into|for)\s+{_COLUMN}{_IN}"),
    ("new_value", rf"new\s+{_NOUN}\s+(?:of\s+)?{_VALUE}\s+{_APPEARS}\s+{_COLUMN}{_IN}"),
    ("new_value", rf"{_QUOTED}\s+{_APPEARS}\s+{_COLUMN}{_IN}"),
    ("new_value", rf"new\s+{_OBJECT}\s+(?:value|category|code)\s+{_VALUE}{_IN}"),
    ("new_value", rf"new\s+{_OBJECT}\s+{_QUOTED}{_IN}"),
    (
        "new_value",
        rf"{_COLUMN}{_IN}\s+(?:gets|gains|will\s+(?:have|get)|(?:may|can|might|could)\s+(?:be|have|hold)|takes|starts\s+having)"
        rf"\s+{_A}(?:new\s+)?(?:{_NOUN}\s+)?(?:of\s+)?{_VALUE}{_IN2}",
    ),
)
_PATTERNS: Sequence[tuple[ChangeKind, str]] = (
    *_OF_VALUES,
    ("change_schema", rf"(?:schema|columns)\s+of\s+(?:the\s+)?(?:table\s+)?{_OBJECT}\s+(?:has\s+|have\s+)?changed"),
    ("change_schema", rf"{_OBJECT}\s+has\s+a\s+new\s+schema"),
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
    found = _first(text, _PATTERNS)
    if found is not None:
        return found
    raise InputError(
        f"no change is recognised in {text!r}",
        hint='Say it like "drop column dim_product.product_group", "rename a to b in dim_product", '
        '"change price in raw_positions to decimal(18,2)", "drop table x", "positions_job is late", "status gets CRYPTO", '
        '"asset_class loses BOND", "customer_id becomes nullable" or "remove dashboard x".',
    )


def parse_value_change(text: str) -> Change | None:
    """The change of a column's values, or the removal of a dashboard or KPI, that a text states; None without one."""
    return _first(text, _OF_VALUES)


def _first(text: str, patterns: Sequence[tuple[ChangeKind, str]]) -> Change | None:
    for kind, pattern in patterns:
        found = re.search(rf"(?<![\w'\"`]){pattern}", text.strip().rstrip("?.! "), re.I)
        if found:
            return _from_match(kind, found.groupdict())
    return None


def _from_match(kind: ChangeKind, groups: dict[str, str | None]) -> Change:
    if kind in ("drop_dashboard", "drop_kpi"):
        return Change(kind, consumer=_bare(groups["consumer"]))
    name, table, to = groups.get("object") or "", groups.get("table") or groups.get("table2"), groups.get("to")
    if kind == "change_values":
        return _of_values(name, table)
    if kind in ("drop_table", "rename_table", "change_schema"):
        return Change(kind, table=name, to=to)
    if kind in ("delay_job", "fail_job"):
        return Change(kind, job=name)
    if table is None and "." in name:
        table, _, name = name.rpartition(".")
    return Change(kind, table=table, column=name, to=to.strip() if to else None, value=_bare(groups.get("value")))


def _of_values(name: str, table: str | None) -> Change:
    """A column, of a table or not; or a table alone, which may be where a column would stand."""
    if not name and table:
        return Change("change_values", table=table)
    if table is None and "." in name:
        table, _, name = name.rpartition(".")
    return Change("change_values", table=table, column=name or None)


def _bare(text: str | None) -> str | None:
    return text.strip().strip("`\"'") if text is not None else None


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
    if change.kind in ("drop_dashboard", "drop_kpi"):
        return _resolve_consumer(change, ws), []
    if change.kind == "change_values":
        return _resolve_values(change, ws)
    if change.kind in ("drop_table", "rename_table", "change_schema"):
        if not change.table:
            raise InputError("which table?", hint="Name the table.")
        return replace(_with_target(change), table=ws.assets.find(change.table, ["table"]).name), []
    return _resolve_column(change, ws)


def _resolve_values(change: Change, ws: Workspace) -> tuple[Change, list[str]]:
    """A column, or all of a table: `raw_positions` and `raw_positions.status` stand in the same place."""
    if change.column:
        return _resolve_column(change, ws)
    if not change.table:
        raise InputError("whose values?", hint="Name a table, or a column as table.column.")
    found = ws.assets.find(change.table, ["table", "column"])
    if found.kind == "column":
        return replace(change, table=found.table, column=found.column), []
    return replace(change, table=found.name), []


def _resolve_consumer(change: Change, ws: Workspace) -> Change:
    """A dashboard or KPI by its name; each is also looked for among the other kind, which people mix up."""
    name = change.consumer or change.table
    if not name:
        raise InputError("which dashboard or KPI?", hint="Name it as dashboards.json or kpis.json does.")
    found = ws.assets.find(name, ["dashboard", "kpi"])
    return Change("drop_kpi" if found.kind == "kpi" else "drop_dashboard", consumer=found.name)


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
    if change.kind in ("new_value", "lost_value") and change.value is None:
        raise InputError("which value?", hint='Say "status gets CRYPTO" or "asset_class loses BOND".')
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
