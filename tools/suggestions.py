"""What somebody else, a language model for example, suggests for a table: tests, descriptions, notes. Each item on its
own is read, validated and proven like ours, or dropped with the reason; nothing of it is ever run as it came.

The answer is text that should be JSON: `{"tests": […], "contract": {"columns": {…}}, "docs_markdown": "…"}`. Half of it is
as good as what can be read of it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from knowledge.errors import CopilotError
from tools.checks.kinds import KINDS
from tools.checks.kinds.base import column_of, literal, parse_condition
from tools.checks.material import Material
from tools.checks.model import Check, Finding, Severity, check_id
from tools.checks.propose import judged
from tools.checks.prove import Proof
from tools.lake.base import Lake, Table
from tools.quoting import quoted
from tools.result import Evidence

if TYPE_CHECKING:
    from tools.dossier import Dossier

__all__ = ["ACCEPTED", "Dropped", "Suggestions", "Taken", "context_of", "read_suggestions", "take"]

_MOST_ITEMS = 40
_MOST_TEXT = 400
_MOST_NOTES = 12
_SHOWN_FIGURES = ("nulls", "distinct", "min", "max", "mean", "deviation", "q50")


@dataclass(frozen=True, slots=True)
class Dropped:
    """An item that was not taken, as it was said, and why."""

    item: str
    why: str

    def to_dict(self) -> dict[str, str]:
        """As `--json` shows it."""
        return {"item": self.item, "why": self.why}


@dataclass(frozen=True)
class Suggestions:
    """An answer, read: items that are still to be judged, and what could not even be read."""

    tests: tuple[Mapping[str, Any], ...] = ()
    columns: Mapping[str, Any] = field(default_factory=dict)
    notes: str = ""
    dropped: tuple[Dropped, ...] = ()


@dataclass(frozen=True)
class Taken:
    """What was taken of an answer: proven checks, descriptions by column, paragraphs; and what was dropped."""

    checks: tuple[Check, ...] = ()
    proofs: Mapping[str, Proof] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    columns: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    dropped: tuple[Dropped, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "tests": [c.id for c in self.checks],
            "columns": dict(self.columns),
            "notes": list(self.notes),
            "dropped": [d.to_dict() for d in self.dropped],
        }


def context_of(dossier: Dossier) -> dict[str, Any]:
    """What is told of a table: `table_name`, `schema`, `column_stats`, `job_summary`, and the tests there are already."""
    newest = next((p for p in reversed(dossier.profiles) if p.rows), None)
    stats = [
        {"name": c.name, **{f: _plain(v) for f in _SHOWN_FIGURES if (v := newest.figure(c.name, f)) is not None}}
        for c in dossier.table.columns
        if newest is not None
    ]
    return {
        "table_name": dossier.name,
        "schema": [
            {"name": c.name, "type": c.type, "comment": quoted(c.comment) if c.comment else None}
            for c in dossier.table.columns
        ],
        "column_stats": {"rows": newest.rows if newest else 0, "columns": stats},
        "job_summary": [quoted(s.text()) for s in dossier.summaries],
        "existing_tests": [c.id for c in dossier.checks],
    }


def read_suggestions(text: str) -> Suggestions:
    """Reads an answer. Never raises: what cannot be read is dropped, the rest counts."""
    body = _body(text)
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return _salvaged(body)
    if not isinstance(data, dict):
        return Suggestions(
            dropped=(Dropped(_short(data), "an object with tests, contract and docs_markdown is expected"),)
        )
    return _of_object(data)


def take(
    lake: Lake,
    material: Material,
    suggestions: Suggestions,
    *,
    known: Iterable[Check] = (),
    supported: Callable[[str], str | None] | None = None,
) -> Taken:
    """Judges each item.

    Args:
        known: tests that there are already; a suggestion of the same is dropped.
        supported: says of a paragraph why it is not to be believed, None when it is; without it no paragraph is taken.

    Raises LimitExceeded, ReadError: see `Lake.query`.
    """
    table = material.batches.table
    dropped = list(suggestions.dropped)
    checks: list[Check] = []
    ids = {c.id for c in known}
    for item in suggestions.tests:
        try:
            check = _check(item, table)
        except (CopilotError, ValueError, TypeError, KeyError, AttributeError) as error:
            why = error.what if isinstance(error, CopilotError) else str(error) or type(error).__name__
            dropped.append(Dropped(_short(item), why))
            continue
        if check.id in ids:
            dropped.append(Dropped(check.id, "there is such a test already"))
        else:
            ids.add(check.id)
            checks.append(check)
    proposal = judged(lake, material, checks)
    dropped += [Dropped(r.check.id, r.why) for r in proposal.rejected]
    columns, left = _descriptions(suggestions.columns, table)
    notes, unbelieved = _paragraphs(suggestions.notes, supported)
    return Taken(
        proposal.checks,
        proposal.proofs,
        proposal.findings,
        columns,
        notes,
        (*dropped, *left, *unbelieved),
    )


# --------------------------------------------------------------------------- reading


def _body(text: str) -> str:
    fenced = re.search(r"```(?:json)?\s*\n(.*?)(?:```|\Z)", text, re.DOTALL)
    body = fenced[1] if fenced else text
    start = body.find("{")
    return body[start:].strip() if start >= 0 else body


def _of_object(data: Mapping[str, Any]) -> Suggestions:
    dropped: list[Dropped] = []
    tests = data.get("tests") or []
    if not isinstance(tests, list):
        dropped.append(Dropped(_short(tests), "tests are a list"))
        tests = []
    items = [t for t in tests if isinstance(t, dict)]
    dropped += [Dropped(_short(t), "a test is an object") for t in tests if not isinstance(t, dict)]
    dropped += [Dropped(_short(t), f"more than {_MOST_ITEMS} tests are not looked at") for t in items[_MOST_ITEMS:]]
    contract = data.get("contract") or {}
    columns = contract.get("columns") if isinstance(contract, dict) else None
    if columns is not None and not isinstance(columns, dict):
        dropped.append(Dropped(_short(columns), "contract.columns is an object of column and description"))
        columns = None
    notes = data.get("docs_markdown") or ""
    if not isinstance(notes, str):
        dropped.append(Dropped(_short(notes), "docs_markdown is a text"))
        notes = ""
    return Suggestions(tuple(items[:_MOST_ITEMS]), columns or {}, notes, tuple(dropped))


def _salvaged(body: str) -> Suggestions:
    """The whole tests of an answer that was cut off, or is no JSON as a whole."""
    found = re.search(r'"tests"\s*:\s*\[', body)
    items: list[Any] = []
    if found:
        decoder, place = json.JSONDecoder(), found.end()
        while len(items) < _MOST_ITEMS:
            rest = re.match(r"[\s,]*", body[place:])
            place += rest.end() if rest else 0
            try:
                item, place = decoder.raw_decode(body, place)
            except (ValueError, RecursionError):
                break
            items.append(item)
    read = _of_object({"tests": items})
    why = "it is not JSON" if not items else "the answer is no whole JSON: only its first tests could be read"
    return Suggestions(read.tests, {}, "", (*read.dropped, Dropped(_short(body), why)))


# --------------------------------------------------------------------------- judging


def _values(item: Mapping[str, Any], column: str, table: Table) -> dict[str, Any]:
    values = item["values"]
    if not isinstance(values, list) or not values:
        raise ValueError("values are a list")
    for value in values:
        literal(value, column_of(table, column).type)
    return {"values": values}


def _range(item: Mapping[str, Any], column: str, table: Table) -> dict[str, Any]:
    bounds = {k: item[k] for k in ("min", "max") if item.get(k) is not None}
    if not bounds:
        raise ValueError("a range has min, max or both")
    for bound in bounds.values():
        literal(bound, column_of(table, column).type)
    return {"bounds": {column: bounds}}


def _pattern(item: Mapping[str, Any], column: str, table: Table) -> dict[str, Any]:
    regex = item["regex"]
    if not isinstance(regex, str) or len(regex) > _MOST_TEXT:
        raise ValueError("regex is a text")
    try:
        re.compile(regex)
    except re.error as error:
        raise ValueError(f"regex is none: {error}") from error
    if not column_of(table, column).type.startswith(("varchar", "char")):
        raise ValueError(f"{column} is no text")
    return {"regex": regex}


def _nothing(item: Mapping[str, Any], column: str, table: Table) -> dict[str, Any]:
    return {}


ACCEPTED: Mapping[str, Callable[[Mapping[str, Any], str, Table], dict[str, Any]]] = {
    "not_null": _nothing,
    "unique": _nothing,
    "accepted_values": _values,
    "range": _range,
    "pattern": _pattern,
}
"""Kinds that may be suggested, and how their parameters are read; besides, `condition`: a condition over one row."""


def _check(item: Mapping[str, Any], table: Table) -> Check:
    """A suggested test as ours.

    Raises ValueError, KeyError, TypeError or CopilotError for one that is none.
    """
    kind = str(item.get("kind"))
    severity: Severity = "warn" if item.get("severity") == "warn" else "error"
    reason = quoted(str(item.get("reason") or ""))[:_MOST_TEXT]
    evidence = (Evidence("document", "suggested by a language model"),)
    if kind == "condition":
        text = item["condition"]
        if not isinstance(text, str) or len(text) > _MOST_TEXT:
            raise ValueError("condition is a text")
        tree = parse_condition(text, table)
        columns = tuple(dict.fromkeys(c.name.lower() for c in tree.find_all(exp.Column)))
        if not columns:
            raise ValueError("the condition names no column")
        shown = tree.sql("trino")
        check = Check(
            check_id(kind, columns, shown), kind, columns, {"condition": shown}, severity, reason, "", evidence
        )
    elif kind in ACCEPTED:
        columns = _columns(item, table)
        if len(columns) > 1 and kind not in ("unique", "not_null"):
            raise ValueError(f"{kind} is about one column")
        parameters = ACCEPTED[kind](item, columns[0], table)
        check = Check(check_id(kind, columns), kind, columns, parameters, severity, reason, "", evidence)
    else:
        raise ValueError(f"{kind!r} is none of {', '.join((*ACCEPTED, 'condition'))}")
    KINDS[check.kind].measures(check, table)
    return check


def _columns(item: Mapping[str, Any], table: Table) -> tuple[str, ...]:
    stated = item.get("columns") or ([item["column"]] if "column" in item else [])
    if not isinstance(stated, list) or not stated or not all(isinstance(c, str) for c in stated):
        raise ValueError("columns are a list of names")
    return tuple(column_of(table, c).name for c in stated)


def _descriptions(columns: Mapping[str, Any], table: Table) -> tuple[dict[str, str], list[Dropped]]:
    taken: dict[str, str] = {}
    dropped: list[Dropped] = []
    for name, said in list(columns.items())[:500]:
        column = table.column(str(name))
        said = said.get("description") if isinstance(said, dict) else said
        if column is None:
            dropped.append(Dropped(_short(name), "there is no such column"))
        elif not isinstance(said, str) or not said.strip() or len(said) > _MOST_TEXT:
            dropped.append(Dropped(_short(name), f"a description is a text of at most {_MOST_TEXT} characters"))
        elif column.comment:
            dropped.append(Dropped(column.name, "the catalog has a comment for it"))
        else:
            taken[column.name] = " ".join(quoted(_prose(said)).split())
    return taken, dropped


def _paragraphs(notes: str, supported: Callable[[str], str | None] | None) -> tuple[tuple[str, ...], list[Dropped]]:
    taken: list[str] = []
    dropped: list[Dropped] = []
    for paragraph in _split(notes):
        why = "nobody can check it" if supported is None else supported(paragraph)
        if why:
            dropped.append(Dropped(_short(paragraph), why))
        elif len(taken) < _MOST_NOTES:
            taken.append(quoted(_prose(paragraph)))
    return tuple(taken), dropped


def _split(notes: str) -> Iterator[str]:
    """Paragraphs of prose: headings, tables and code are ours to write."""
    for paragraph in re.split(r"\n\s*\n", notes):
        text = paragraph.strip()
        if text and not text.startswith(("#", "|", "```", "<")):
            yield text[: 3 * _MOST_TEXT]


def _prose(text: str) -> str:
    """Without links, pictures and markup that would be more than words on a page."""
    text = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", text)
    return re.sub(r"<[^>\n]*>", "", text)


def _plain(value: Any) -> Any:
    return value if isinstance(value, int | float | str | bool) else str(value)


def _short(item: Any) -> str:
    text = item if isinstance(item, str) else json.dumps(item, default=str, ensure_ascii=False)
    return text if len(text) <= 120 else f"{text[:117]}..."
