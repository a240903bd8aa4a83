"""What earlier turns of a thread were about, derived from its messages alone: questions, tool calls and results.

Nothing is kept beside the thread: the same messages give the same memory, whoever answered them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from agent.planning.entities import Mention
from tools.assets import Kind

__all__ = ["Ask", "Call", "Memory", "Outcome", "Thing", "Turn", "things_in", "things_of"]


@dataclass(frozen=True)
class Call:
    """One tool call: a tool's name and its arguments."""

    tool: str
    args: Mapping[str, Any]


@dataclass(frozen=True)
class Outcome:
    """What a call brought: the text that a model reads, and the artifact beside it (see `tools.toolbox`)."""

    tool: str
    text: str
    artifact: Mapping[str, Any] = field(default_factory=dict)
    failed: bool = False

    @property
    def data(self) -> Mapping[str, Any]:
        """The typed result, or the error."""
        data = self.artifact.get("data")
        return data if isinstance(data, Mapping) else {}


@dataclass(frozen=True)
class Turn:
    """An earlier question with what was done about it."""

    question: str
    calls: tuple[Call, ...] = ()
    outcomes: tuple[Outcome, ...] = ()


@dataclass(frozen=True, slots=True)
class Thing:
    """Something the talk is about. A column is `table.column`, or bare while its table is open."""

    kind: Kind
    name: str

    @property
    def table(self) -> str | None:
        """A column's table; a table itself."""
        if self.kind == "table":
            return self.name
        return self.name.rpartition(".")[0] or None if self.kind == "column" else None

    @property
    def column(self) -> str | None:
        """A column's own name."""
        return self.name.rpartition(".")[2] if self.kind == "column" else None


@dataclass(frozen=True)
class Ask:
    """A question of ours that is open: what we were about to do, what is missing, and the choices we named.

    `missing` is an argument's name, or "intent" when it was not clear what is wanted.
    """

    question: str
    intent: str
    args: Mapping[str, Any]
    missing: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Memory:
    """Things most recent first, the last intent with its arguments, and our open question if there is one."""

    things: tuple[Thing, ...] = ()
    intent: str | None = None
    args: Mapping[str, Any] = field(default_factory=dict)
    ask: Ask | None = None

    def last(self, kinds: Sequence[Kind]) -> Thing | None:
        """The thing of these kinds that was spoken of last."""
        return next((t for t in self.things if t.kind in kinds), None)

    def with_things(self, things: Iterable[Thing]) -> Memory:
        """The same memory after these were spoken of, the last one last."""
        known = list(self.things)
        for thing in things:
            known = [thing, *(t for t in known if t != thing)]
        return replace(self, things=tuple(known[:20]))


def things_in(mentions: Iterable[Mention]) -> list[Thing]:
    """Known names of a question as things, tables before their columns."""
    known = [m for m in mentions if m.known]
    ordered = sorted(known, key=lambda m: m.kind == "column")
    return [Thing(m.kind, m.names[0] if len(m.names) == 1 else m.name) for m in ordered]


def things_of(call: Call, outcome: Outcome | None) -> list[Thing]:
    """What a call was about, by its arguments and by what its result made of them."""
    data = outcome.data if outcome and not outcome.failed else {}
    found: list[Thing] = []
    asset = data.get("asset")
    if isinstance(asset, Mapping) and "kind" in asset and "name" in asset:
        found.append(Thing(asset["kind"], str(asset["name"])))
    change = data.get("change")
    stated = change if isinstance(change, Mapping) else {}
    table = _short(stated.get("table") or (None if found else call.args.get("asset")))
    column = stated.get("column") or call.args.get("column")
    if table and "." not in table:
        found.append(Thing("table", table))
    if column:
        found.append(Thing("column", f"{table}.{column}" if table else str(column)))
    found += [Thing(kind, str(call.args[kind])) for kind in ("job", "kpi") if call.args.get(kind)]
    return found


def _short(name: Any) -> str | None:
    return str(name).rpartition(".")[2] if name else None
