"""The particulars of a question: which change, to what, how far, which kind, which days, with or without values.

Read by small grammars over a canonical text in which every name is a placeholder (`@column1`): a grammar sees the form
of a sentence, never somebody's names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tools.assets import Kind

__all__ = ["Slots", "read_slots"]

_NUMBERS = {
    "a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7, "eight": 8,
    "nine": 9, "ten": 10, "twelve": 12, "fourteen": 14, "thirty": 30, "sixty": 60, "ninety": 90,
}  # fmt: skip
_UNITS = {"day": 1, "night": 1, "week": 7, "fortnight": 14, "month": 30, "quarter": 90, "year": 365}
_N = r"(?P<n>\d+|" + "|".join(_NUMBERS) + r")"

_KINDS: dict[str, Kind] = {
    "table": "table", "dataset": "table", "job": "job", "pipeline": "job", "script": "job", "dashboard": "dashboard",
    "report": "dashboard", "kpi": "kpi", "metric": "kpi", "measure": "kpi", "column": "column", "field": "column",
}  # fmt: skip
_KIND_WORD = r"(?P<kind>" + "|".join(_KINDS) + r")"

_DROP = (
    r"\b(?:drop\w*|remov\w+|delet\w+|retir\w+|deprecat\w+|kill\w*|eliminat\w+|discard\w*|ditch\w*|scrap\w*|axe\w*|"
    r"decommission\w*|sunset\w*|purg\w+|get(?:ting)? rid|goes? away|going away|disappear\w*|vanish\w*|gone|"
    r"los(?:e|es|ing)|no longer (?:there|exist\w*|available)|take\w* @\w+ out|taking @\w+ out|cut @\w+|"
    r"throw\w* (?:away|out)|"
    r"did not exist|didnt exist|without @column)\b"
)
_RENAME = (
    r"\b(?:renam\w+|(?:new|another|different|other) name|call(?:ed)? (?:it |@\w+ )?@?\w+ instead|"
    r"(?:name|names|naming))\b"
)
_ADD = r"\b(?:add\w*|introduc\w+|new|extra|additional)\b(?: \w+){0,3} (?:column|field|@column\d*)"
_LATE = (
    r"\b(?:late|later|delay\w*|behind|slip\w*|overrun\w*|slow\w*|not (?:finish\w*|done|ready|complete\w*|there)|"
    r"(?:doesnt|didnt|wont) (?:finish|complete|arrive)\w*|miss\w* (?:its|the) (?:sla|deadline|window|slot)|"
    r"takes? (?:\w+ ){0,2}longer|on time|in time)\b"
)
_FAIL = (
    r"\b(?:fail\w*|crash\w*|die[sd]?|dead|down|broken|abort\w*|error\w*|stuck|skip\w*|outage|"
    r"(?:does|did|is|was|has|do|were) not (?:run|ran|start\w*|load\w*|been loaded|execut\w+)|"
    r"(?:doesnt|didnt|wont|wasnt|isnt) (?:run|start|load|loaded|execute)\w*|never r[au]n|stop\w*|"
    r"not loaded|no longer runs?)\b"
)
_LOGIC = (
    r"\b(?:logic|instead|bucket\w*|treat\w*|map\w*|filter\w*|formula|round\w*|rewrite|refactor\w*|my change|"
    r"edit|change)\b"
)
_TYPE_TARGET = r"(?:\bto|\binto|\bas|\bbecomes?|\bmake \S+|\bbe|->|=>) (?:an? |the |be |type )*(?P<to>@type\d+)"


@dataclass(frozen=True, slots=True)
class Slots:
    """What a question states besides names. None and False mean: not said.

    `to` is a placeholder or a word of the canonical text, to be looked up by whoever made it. `days` counts back from
    now; `kinds` are the kinds of asset that are asked for.
    """

    change: str | None = None
    to: str | None = None
    depth: int | None = None
    days: int | None = None
    kinds: tuple[Kind, ...] = ()
    no_values: bool = False


def read_slots(canonical: str) -> Slots:
    """The slots of a canonical question: folded words, names as `@kind<n>`, marks as they are."""
    to = _target(canonical)
    return Slots(
        change=_change(canonical, to),
        to=to,
        depth=_depth(canonical),
        days=_days(canonical),
        kinds=_kinds(canonical),
        no_values=_no_values(canonical),
    )


# ---------------------------------------------------------------------- changes


def _target(text: str) -> str | None:
    """The new type or name that is stated."""
    if found := re.search(_TYPE_TARGET, text) or re.search(r"(?P<to>@type\d+) instead", text):
        return found["to"]
    if re.search(_RENAME, text):
        found = re.search(r"\b(?:to|into|as|called|becomes?|named|call(?: it| @\w+)) (?:be )?(?P<to>@?[\w$]+)", text)
        return found["to"] if found and found["to"] not in _NO_NAMES else None
    found = re.search(r"\b(?:becomes?|called|named|call it) (?P<to>@\w+)", text) or re.fullmatch(
        r"(?:(?:and|make it|rather|no|ok|then|call it) )*(?:to|into|as|becomes?|call it) (?P<to>@?[\w$]+)[ .!?]*", text
    )
    return found["to"] if found else None


_NO_NAMES = frozenset("something anything a an the it that another be see do know its our".split())


def _change(text: str, to: str | None) -> str | None:
    """The kind of change in the words, most particular first."""
    for change, applies in _CHANGES:
        if applies(text, to):
            return change
    return None


def _says(*patterns: str) -> Callable[[str, str | None], bool]:
    return lambda text, _to: all(re.search(p, text) for p in patterns)


def _retypes(text: str, to: str | None) -> bool:
    typed = bool(to and to.startswith("@type"))
    return typed or bool(
        re.search(r"\b(?:chang|alter|switch|modif)\w* (?:the )?(?:data ?)?type\b|\bretyp\w+|\bcast\w*\b", text)
    )


def _renames(text: str, to: str | None) -> bool:
    clear = re.search(r"\brenam\w+|\b(?:new|another|different|other) name\b", text)
    return bool(clear) or bool(to and re.search(r"\b(?:becomes?|call(?:ed)?|named)\b", text))


_CHANGES: tuple[tuple[str, Callable[[str, str | None], bool]], ...] = (
    ("change_type", _retypes),
    ("rename_table", lambda text, to: _renames(text, to) and "@table" in text and "@column" not in text),
    ("rename_column", _renames),
    ("add_column", _says(_ADD, r"\badd\w*|introduc\w+|\bnew (?:column|field)")),
    ("fail_job", _says(r"@job", r"(?:" + _FAIL + "|" + _DROP + ")")),
    ("delay_job", _says(r"@job", _LATE)),
    ("failed_table", _says(r"@table", r"\b(?:not loaded|(?:was|is|were) not|wasnt loaded|fail\w*|missing|empty)\b")),
    ("late_table", _says(r"@table", _LATE)),
    ("drop_column", _says(r"@column", _DROP)),
    ("drop_table", _says(r"@table", _DROP)),
    ("drop", _says(_DROP)),
    ("fail", _says(_FAIL)),
    ("late", _says(_LATE)),
    ("change_logic", _says(r"@job", _LOGIC)),
)


# ---------------------------------------------------------------------- how far, which kind, when


def _depth(text: str) -> int | None:
    found = re.search(rf"\b{_N}[ -](?:hops?|levels?|steps?|degrees?|layers?)\b", text)
    if found:
        return _number(found["n"])
    if re.search(r"\b(?:direct|directly|immediate|immediately|next hop|first[ -]degree|one hop)\b", text):
        return 1
    wrote = re.search(
        r"\b(?:who|what|which \w+|job|that) (?:\w+ )?(?:writes?|wrote|produces?|populates?|fills?|loads?|creates?)\b",
        text,
    )
    return 1 if wrote or re.search(r"\b(?:written|produced|populated|filled|loaded|created) by\b", text) else None


def _kinds(text: str) -> tuple[Kind, ...]:
    """Kinds that are asked for: "which dashboards", "list the jobs", "dashboards and kpis"."""
    asked = (
        r"\b(?:which|what|how many|any|all|every|only|just|list|show|the|and|or|our|whose|raw|,)"
        rf"(?: \w+)? {_KIND_WORD}s?\b(?! @)"
    )
    found = [m for m in re.finditer(asked, text) if not re.search(r"@\w+ $", text[: m.start("kind")])]
    plural = list(re.finditer(rf"\b{_KIND_WORD}s\b", text))
    kinds = [
        _KINDS[m["kind"]] for m in sorted([*found, *plural], key=lambda m: m.start("kind")) if not _is_owner(text, m)
    ]
    return tuple(dict.fromkeys(kinds))


def _is_owner(text: str, match: re.Match[str]) -> bool:
    """ "the table @table1": the kind only says what the name is."""
    rest = text[match.end("kind") :]
    singular = not rest.startswith("s")
    return singular and not re.search(r"\b(?:which|what|any|every|only)(?: \w+)? $", text[: match.start("kind")])


def _days(text: str) -> int | None:
    if re.search(r"\b(?:yesterday|today|last night|tonight|this morning|last day|latest day|newest day)\b", text):
        return 1
    unit = r"(?P<unit>" + "|".join(_UNITS) + r")s?\b"
    found = re.search(rf"\b{_N}[ -]?(?:\w+ )?{unit}", text)
    if found and re.search(
        r"\b(?:last|past|previous|recent|newest|latest|over|for|in|since|back|ago|these|window|trend|\d)", text
    ):
        return _number(found["n"]) * _UNITS[found["unit"]]
    found = re.search(rf"\b(?:last|past|previous|this|recent) {unit}", text)
    return _UNITS[found["unit"]] if found else None


def _no_values(text: str) -> bool:
    hidden = (
        r"\b(?:no|without|hide|hiding|mask\w*|omit\w*|exclude|leave out|leaving out|skip|not|dont show)\b"
        r"(?: \w+){0,4} (?:values?|contents?|data)\b"
    )
    return bool(
        re.search(hidden, text) or re.search(r"\b(?:pii|gdpr|personal data|privacy|sensitive|confidential)\b", text)
    )


def _number(text: str) -> int:
    return _NUMBERS[text] if text in _NUMBERS else min(int(text), 100_000)


def kinds_of(words: Sequence[str]) -> tuple[Kind, ...]:
    """Kinds named by single words: ("tables", "jobs") are table and job."""
    found = [_KINDS[w.rstrip("s")] for w in words if w.rstrip("s") in _KINDS]
    return tuple(dict.fromkeys(found))
