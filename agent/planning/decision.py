"""What the planner decides on a question: tools to call, or something to say. Plain data, nothing of LangChain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from agent.planning.memory import Ask, Call, Thing

__all__ = ["Decision", "Then", "joined"]

Then = Literal["delay_job", "fail_job"]


@dataclass(frozen=True)
class Decision:
    """One plan.

    Attributes:
        intent: what the question was understood as.
        calls: tools to call, all at once.
        say: what to answer without a result, or instead of one.
        ask: our open question, when one is put.
        notes: what was taken for granted on the way; shown with the answer.
        focus: things that the question asks about in the results ("does that hit Total AUM?").
        then: calls that only the first results can make: this change, of the jobs that they name.
    """

    intent: str
    calls: tuple[Call, ...] = ()
    say: str = ""
    ask: Ask | None = None
    notes: tuple[str, ...] = ()
    focus: tuple[Thing, ...] = ()
    then: Then | None = None

    def noting(self, *notes: str) -> Decision:
        """The same decision with more notes."""
        return replace(self, notes=tuple(dict.fromkeys((*self.notes, *notes))))


def joined(decisions: Sequence[Decision]) -> Decision:
    """Several decisions of one question as one: every call once, what is said and asked in order."""
    first = decisions[0]
    return Decision(
        intent=first.intent,
        calls=tuple({repr((c.tool, sorted(c.args.items()))): c for d in decisions for c in d.calls}.values()),
        say="\n\n".join(dict.fromkeys(d.say for d in decisions if d.say)),
        ask=next((d.ask for d in decisions if d.ask), None),
        notes=tuple(dict.fromkeys(n for d in decisions for n in d.notes)),
        focus=tuple(dict.fromkeys(f for d in decisions for f in d.focus)),
        then=next((d.then for d in decisions if d.then), None),
    )
