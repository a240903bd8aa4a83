"""What the offline planner can be asked for: one row for each intent, declared once.

A row says which tool serves the intent, which kinds of name it takes, how each argument is read off a question, and how
it is put in words when the planner tells what it can do. A new tool is one row here, its phrasings, and `agent.train`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from agent.planning.entities import Mention
from agent.planning.reading import Reading
from agent.planning.statements import stated_select
from tools.assets import Kind

__all__ = ["INTENTS", "TALK", "Intent", "Situation"]


@dataclass(frozen=True)
class Situation:
    """A question with the subject that was settled on. `subject` is as tools take it; `column` belongs to a table."""

    reading: Reading
    kind: Kind | None = None
    subject: str | None = None
    column: str | None = None
    mentions: tuple[Mention, ...] = ()


Extract = Callable[[Situation], Any]


@dataclass(frozen=True)
class Intent:
    """One thing that can be asked.

    Attributes:
        kinds: kinds of name that it is about, the preferred one first.
        args: tool arguments, each with how it is read; None leaves an argument out.
        offer: what it does for whoever asks, as part of "I can …".
        example: a question, with `{table}` and its like for names of the lake.
        required: nothing can be done without a subject.
        each: asked of several subjects, it is done for each.
        instead: for subjects of other kinds, the intent that serves them.
    """

    name: str
    tool: str
    kinds: tuple[Kind, ...]
    args: Mapping[str, Extract]
    offer: str
    example: str
    required: bool = True
    each: bool = False
    instead: Mapping[Kind, str] = field(default_factory=dict)


def _subject(s: Situation) -> str | None:
    return s.subject


def _column(s: Situation) -> str | None:
    return s.column


def _tested_column(s: Situation) -> str | None:
    """A column that is named beside its table."""
    if s.column:
        return s.column
    mine = [m for m in s.reading.of("column") if m.known and s.subject and any(t.endswith(s.subject) for t in m.tables)]
    return mine[0].column if mine else None


_TOOLS = {
    "dbt": r"\bdbt\b",
    "gx": r"\bgreat expectations?\b|\bgx\b",
    "soda": r"\bsoda\b",
    "dqdl": r"\bdqdl\b|\bglue (?:data )?quality\b|\bdeequ\b",
}


def _test_tool(s: Situation) -> str | None:
    """The other tool that tests are wanted for; none when several are."""
    found = [name for name, words in _TOOLS.items() if re.search(words, s.reading.canonical)]
    return found[0] if len(found) == 1 else None


def _job(s: Situation) -> str | None:
    return s.subject if s.kind == "job" else _first(s, "job")


def _asset(s: Situation) -> str | None:
    return s.subject if s.kind != "job" else None


def _kpi(s: Situation) -> str | None:
    return s.subject if s.kind == "kpi" else _first(s, "kpi")


def _first(s: Situation, kind: Kind) -> str | None:
    found = s.reading.of(kind)
    return found[0].name if found else None


def _days(s: Situation) -> int | None:
    return s.reading.slots.days


def _depth(s: Situation) -> int | None:
    return s.reading.slots.depth


def _values(s: Situation) -> bool | None:
    return False if s.reading.slots.no_values else None


def _one_kind(s: Situation) -> str | None:
    """The kind that lineage is asked for; none when several are, or when it only says what the subject is."""
    kinds = [k for k in s.reading.slots.kinds if k != "column"]
    if len(kinds) != 1 or re.search(r"\b(?:and|also) what\b", s.reading.canonical):
        return None
    return kinds[0]


def _listed_kind(s: Situation) -> str | None:
    if any(m.kind == "column" for m in s.reading.here):
        return "column"
    return s.reading.slots.kinds[0] if s.reading.slots.kinds else None


_FILTER = re.compile(
    r"\b(?:about|containing|contain|contains|with|like|named|called|for|start with|starts with|starting with|ending in|"
    r"beginning with|matching|deal with|on|around|prefix|prefixed)\b "
    r"(?:an? |the |word |string |prefix |text )*(?P<word>@?\w+)"
)
_NO_FILTERS = frozenset(
    "name names column columns table tables it them me us lake catalog data in this there we do".split()
)


def _filter(s: Situation) -> str | None:
    """The part of a name that listed assets must have."""
    for mention in s.reading.here:
        return mention.column if mention.kind == "column" else mention.text
    found = _FILTER.search(s.reading.canonical)
    if found and found["word"] not in _NO_FILTERS:
        return found["word"]
    leading = re.search(r"\b(?P<word>\w+) (?:tables|columns|jobs|dashboards|kpis)\b", s.reading.canonical)
    return leading["word"] if leading and leading["word"] in _ADJECTIVES else None


_ADJECTIVES = {"raw": "raw", "dim": "dim", "dimension": "dim", "fact": "fact", "staging": "stg", "daily": "daily"}


def _base(s: Situation) -> str | None:
    found = re.search(
        r"\b(?:against|between|with|to|vs|versus|on) (?P<base>main|master|prod\w*|develop|head)\b", s.reading.canonical
    )
    return found["base"] if found else None


def _format(s: Situation) -> str | None:
    found = re.search(r"\b(html|pdf|markdown|json|yaml|word|csv)\b", s.reading.canonical)
    return found[1] if found else None


_TIME = re.compile(
    r"\b(?:by|at|before|sla(?: of| is)?|until|available|ready)?\s*(?P<h>[01]?\d|2[0-3])(?::(?P<m>[0-5]\d))?\s*(?P<half>am|pm)?\s*"
    r"(?P<zone>utc|gmt|z)?\b",
    re.I,
)
_OWNER = re.compile(
    r"\b(?:owner|owned by|owning team|source team|team|responsible)\s*(?:=|:|is|are|will be)?\s*(?:the\s+)?"
    r"(?P<name>[A-Za-z][\w-]+)",
    re.I,
)


def _time_of_day(s: Situation) -> str | None:
    """ "SLA 6am UTC" as 06:00; a bare number is no time."""
    for found in _TIME.finditer(s.reading.question):
        if not (found["half"] or found["m"] or found["zone"]):
            continue
        hour = (
            int(found["h"]) % 12 + (12 if (found["half"] or "").lower() == "pm" else 0)
            if found["half"]
            else int(found["h"])
        )
        return f"{hour:02d}:{found['m'] or '00'}"
    return None


def _owner(s: Situation) -> str | None:
    found = _OWNER.search(s.reading.question)
    return found["name"] if found and found["name"].lower() not in ("of", "for", "is", "and", "who") else None


def _statement(s: Situation) -> str | None:
    return stated_select(s.reading.question)


def _query(s: Situation) -> str:
    return s.reading.question.strip()


_ANY: tuple[Kind, ...] = ("column", "table", "job", "dashboard", "kpi")
_ROWS = (
    Intent(
        "impact",
        "impact",
        ("column", "table", "job"),
        {},  # made by `agent.planning.changes`: which argument is meant depends on the change
        "impact: what breaks, goes stale or changes when a column or table is dropped, renamed or retyped, or a job "
        "is late or fails",
        "what breaks if I drop {column}?",
        each=True,
    ),
    Intent(
        "lineage_upstream",
        "lineage_upstream",
        _ANY,
        {"asset": _subject, "depth": _depth, "kind": _one_kind},
        "upstream lineage: where a table, column, job, dashboard or KPI gets its data from",
        "where does {table} come from?",
        each=True,
    ),
    Intent(
        "lineage_downstream",
        "lineage_downstream",
        _ANY,
        {"asset": _subject, "depth": _depth, "kind": _one_kind},
        "downstream lineage: who reads a table, column or job, and everything it feeds",
        "who reads {table}?",
        each=True,
    ),
    Intent(
        "schema",
        "schema",
        ("table",),
        {"asset": _subject, "column": _column},
        "schema: columns of a table with their types",
        "which columns does {table} have?",
        each=True,
        instead={"job": "job_summary", "kpi": "lineage_upstream", "dashboard": "lineage_upstream"},
    ),
    Intent(
        "stats",
        "stats",
        ("table",),
        {"asset": _subject, "column": _column, "window_days": _days, "values": _values},
        "stats: row counts, nulls, distinct values and ranges, also for the last days",
        "how many rows does {table} have?",
        each=True,
        instead={"kpi": "query"},
    ),
    Intent(
        "job_summary",
        "job_summary",
        ("job",),
        {"job": _subject},
        "job summary: what a job reads, filters, joins and writes, line by line",
        "what does {job} do?",
        each=True,
        instead={"table": "schema", "kpi": "lineage_upstream", "dashboard": "lineage_upstream"},
    ),
    Intent(
        "list_assets",
        "list_assets",
        _ANY,
        {"kind": _listed_kind, "filter": _filter},
        "the catalog: which tables, jobs, dashboards, KPIs and columns there are",
        "which tables do we have?",
        required=False,
    ),
    Intent(
        "diff",
        "diff",
        ("job",),
        {"job": _job, "base": _base},
        "diff: what changed in a job's logic",
        "what changed in {job}?",
    ),
    Intent(
        "tests",
        "tests",
        ("table", "job"),
        {"asset": _asset, "column": _tested_column, "job": _job, "format": _test_tool},
        "tests: data quality tests for a table",
        "write tests for {table}",
    ),
    Intent(
        "run_tests",
        "run_tests",
        ("table",),
        {"asset": _subject},
        "test runs: whether a table passes its tests",
        "run the tests of {table}",
    ),
    Intent(
        "contract",
        "contract",
        ("table",),
        {"asset": _subject, "owner": _owner, "available_by": _time_of_day},
        "data contracts for tables",
        "draft a contract for {table}",
    ),
    Intent(
        "docs",
        "docs",
        ("table", "job", "kpi", "dashboard"),
        {"asset": _asset, "job": _job},
        "documentation of a table or job",
        "document {job}",
    ),
    Intent(
        "report",
        "report",
        ("job", "table"),
        {"job": _job, "asset": _asset, "format": _format},
        "impact reports to send on",
        "write an impact report on {job}",
    ),
    Intent(
        "kpi_simulation",
        "kpi_simulation",
        ("kpi",),
        {"kpi": _kpi, "job": _job, "window_days": _days},
        "KPI simulation: a KPI under old and new logic, day by day",
        "simulate {kpi} for the last 30 days",
        each=True,
    ),
    Intent(
        "search_docs",
        "search_docs",
        _ANY,
        {"query": _query},
        "past documents: runbooks, incidents, decisions",
        "was there an incident with {table}?",
        required=False,
    ),
    Intent(
        "query",
        "query",
        ("table", "kpi"),
        {"sql": _statement},
        "one SELECT of yours, run read-only: the statement alone, or fenced after a word such as run",
        "SELECT COUNT(*) FROM {table}",
        required=False,
    ),
)

INTENTS: Mapping[str, Intent] = {row.name: row for row in _ROWS}
"""Intents that a tool serves, in the order in which they are offered."""

TALK = ("help", "thanks", "cancel", "write_request", "out_of_scope", "injection")
"""Intents that are answered without a tool."""
