"""What a question is about: which of its names, or which of those spoken of before, or that it has to be asked.

Names are used as they stand in the question where the lake does not know them: the tool's "not found, nearest are …" is
then the answer. Only when nothing at all is named, and nothing was before, does the planner ask back.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from agent.planning.entities import Linker, Mention
from agent.planning.intents import Intent
from agent.planning.memory import Memory, Thing
from agent.planning.reading import Reading
from tools.assets import Kind

__all__ = ["Subject", "find_subjects", "foreign_kpi", "foreign_name"]

_CONNECTORS = frozenset(
    "and or & , versus vs with plus also as well both the table tables job jobs column columns".split()
)
_OF = re.compile(
    r"\b(?:upstream|downstream|sources?|inputs?|parents?|ancestors?|children|descendants?|lineage|consumers?|readers?)"
    r" (?:of|for|from) (?P<name>@\w+)"
)
_POINTERS = frozenset(
    """it its that this them those these they their there same one ones above former latter also too again
    instead""".split()
)


@dataclass(frozen=True, slots=True)
class Subject:
    """What one call is about. `column` is a column of a table that is the subject; `mention` where it was named."""

    kind: Kind
    name: str
    column: str | None = None
    mention: Mention | None = None
    choices: tuple[str, ...] = ()

    @property
    def thing(self) -> Thing:
        """As memory keeps it."""
        return Thing("column", f"{self.name}.{self.column}") if self.column else Thing(self.kind, self.name)


def find_subjects(row: Intent, reading: Reading, memory: Memory, linker: Linker) -> list[Subject]:
    """The subjects of a question for an intent: several only if it is done for each, none if it must be asked."""
    if row.kinds == ("table",):
        return _tables(row, reading, memory)
    named = _named(row, reading)
    if named:
        return [_of_mention(m, memory) for m in named]
    return _remembered(row, reading, memory)


def _tables(row: Intent, reading: Reading, memory: Memory) -> list[Subject]:
    """Tables, each with the column that is asked about."""
    tables, columns = reading.of("table"), reading.of("column")
    column = columns[0] if columns else None
    if tables:
        chosen = tables if row.each and len(tables) > 1 and _side_by_side(reading, tables) else tables[:1]
        loose = column if column and not (column.known and column.column in [t.text for t in tables]) else None
        return [Subject("table", t.name, loose.column if loose else None, t) for t in chosen]
    if column is None:
        return _remembered(row, reading, memory)
    return _tables_of_column(row, column, memory)


def _tables_of_column(row: Intent, column: Mention, memory: Memory) -> list[Subject]:
    before = memory.last(["table", "column"])
    owner = before.table if before else None
    if owner and (owner in column.tables or not column.known):
        return [Subject("table", owner, column.column, column)]
    if len(column.tables) == 1 or (column.tables and len(column.tables) <= 3 and row.name == "schema"):
        return [Subject("table", t, column.column, column) for t in column.tables]
    if not column.known and "." in column.text:
        table, _, name = column.text.rpartition(".")
        return [Subject("table", table, name, column)]
    return [Subject("column", column.column, None, column, column.names)] if column.known else []


def _named(row: Intent, reading: Reading) -> list[Mention]:
    """Names of the right kinds that the question is about, the leading one first."""
    # A table that is named with its column is the subject itself where columns are none.
    fitting = [m for m in reading.of(*row.kinds) if "column" not in row.kinds or not _owns(m, reading)]
    if not fitting:
        return []
    of = _OF.search(reading.canonical)
    if of:
        leading = [m for m in fitting if reading.pieces.index(of["name"]) == _place(reading, m)]
        if leading:
            return leading
    if row.each and len(fitting) > 1 and _side_by_side(reading, fitting):
        return [m for m in fitting if m.kind == fitting[0].kind]
    if row.name in ("lineage_upstream", "lineage_downstream"):
        return fitting[:1]
    return sorted(fitting, key=lambda m: row.kinds.index(m.kind))[:1]


def _place(reading: Reading, mention: Mention) -> int:
    index = reading.mentions.index(mention)
    return next((i for i, p in enumerate(reading.pieces) if p == f"@{mention.kind}{index}"), -1)


def _owns(mention: Mention, reading: Reading) -> bool:
    """Whether a table is only named to say whose column is meant."""
    return mention.kind == "table" and any(
        mention.name in c.tables or c.text.startswith(f"{mention.name}.") for c in reading.of("column")
    )


def _side_by_side(reading: Reading, mentions: Sequence[Mention]) -> bool:
    """Whether names are listed ("a, b and c") rather than related ("does a feed b")."""
    first, second = mentions[0], mentions[1]
    between = [p for p in reading.between(first, second) if not p.startswith("@")]
    return first.kind == second.kind and bool(between) and all(p in _CONNECTORS for p in between)


def _of_mention(mention: Mention, memory: Memory) -> Subject:
    if mention.kind != "column" or len(mention.names) == 1:
        choices = mention.names if len(mention.names) > 1 else ()
        return Subject(mention.kind, mention.name, None, mention, choices)
    before = memory.last(["table", "column"])
    mine = mention.of_table(before.table) if before and before.table else None
    return Subject("column", mine.names[0] if mine else mention.name, None, mention)


def _remembered(row: Intent, reading: Reading, memory: Memory) -> list[Subject]:
    """What was spoken of before: the last thing of a kind that fits."""
    wants_column = row.kinds == ("table",) and bool(_POINTERS & {"it", "its"} & set(reading.words))
    thing = memory.last(("column", *row.kinds)) if wants_column else memory.last(row.kinds)
    if thing is None and row.kinds == ("table",):
        thing = memory.last(["column"])
    if thing is None:
        return []
    if thing.kind == "column" and row.kinds == ("table",):
        if not thing.table:
            return []
        about_rows = {"rows", "records", "columns", "partitions", "table"} & set(reading.words)
        return [Subject("table", thing.table, None if about_rows else thing.column)]
    return [Subject(thing.kind, thing.name)]


def foreign_name(reading: Reading, vocabulary: frozenset[str]) -> str | None:
    """The words of a question that no question is made of: somebody's name for something ("churn rate")."""
    run: list[str] = []
    for token in reading.tokens:
        foreign = token.kind == "word" and len(token.norm) > 2 and all(w not in vocabulary for w in token.words)
        if foreign and all(w in reading.pieces for w in token.words):
            run.append(token.bare)
        elif run:
            break
    return " ".join(run) or None


_OF_KPI = re.compile(
    r"\b(?:simulate|replay|recompute|recalculate|backtest)\s+(?:the\s+|our\s+)?(?P<name>[a-z][\w -]*?)"
    r"(?=\s+(?:for|over|in|during|since|with|under|on|from|if|as)\b|[?.!,]|$)",
    re.I,
)


def foreign_kpi(question: str) -> str | None:
    """What is asked to be simulated, as the person calls it: "churn rate"."""
    found = _OF_KPI.search(question)
    return found["name"].strip() if found else None
