"""Questions that lean on the one before: answers to what we asked, and the last question with another particular.

Only the wording is judged here; what the particulars then mean is the planner's business.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from agent.planning.memory import Ask
from agent.planning.reading import Reading
from agent.planning.text import fold, split_words
from agent.planning.wording import plain_words

__all__ = ["answered", "elliptical"]

_FILLERS = frozenset(
    """and or but so what whats about how same for the a an of in on with too also now then please ok okay yes no not
    it only just do that this again here there one ones next to me show restrict limit instead rather make other
    another within max maximum at most least up hop hops level levels step steps day days week weeks month months
    last past previous over direct directly immediate yesterday today table tables column columns job jobs
    dashboard dashboards kpi kpis metric metrics report reports number type into as is are into call named called
    sorry meant i mean well actually between and without values value from by yes right
    thing go ahead still well""".split()
)
_FOLLOWS = frozenset("and or what how same only just now then instead rather also to no yes ok but sorry well".split())
_ORDINALS = {
    "first": 0,
    "second": 1,
    "third": 2,
    "fourth": 3,
    "last": -1,
    "former": 0,
    "latter": -1,
    **{str(n + 1): n for n in range(4)},
}
_YES = frozenset("yes yeah yep sure right correct exactly please ok okay y ja oui si".split())
_MAX_ANSWER = 8


def elliptical(reading: Reading) -> bool:
    """Whether a question says nothing but particulars: a name, a depth, days, a kind, a new name."""
    slots = reading.slots
    stated = bool(reading.here) or bool(slots.depth or slots.days or slots.kinds or slots.no_values or slots.to)
    if not stated or any(w not in _FILLERS and w != slots.to for w in reading.words):
        return False
    # A name alone may be anything; with "and", "same for", "only" before it, it follows up.
    return bool(reading.words) and (reading.words[0] in _FOLLOWS or bool(slots.to) or not reading.here)


def answered(reading: Reading, ask: Ask) -> Mapping[str, Any] | None:
    """The argument that an answer to our question gives; None when it is no answer."""
    if len(reading.pieces) > _MAX_ANSWER:
        return None
    if ask.missing == "to":
        to = reading.target or _alone(reading)
        return {"to": to} if to else None
    choice = _choice(reading, ask.choices)
    return _as_argument(choice, ask) if choice else None


def _alone(reading: Reading) -> str | None:
    """The only name in an answer of one or two words ("prod_grp", "use prod_grp")."""
    if len(reading.tokens) > 3 or not reading.tokens:
        return None
    last = [t for t in reading.tokens if t.kind != "mark"][-1:]
    return last[0].bare.replace(" ", "") if last and last[0].kind in ("identifier", "quoted", "type", "word") else None


def _choice(reading: Reading, choices: Sequence[str]) -> str | None:
    words = [fold(p) for t in reading.tokens for p in ([t.norm] if t.kind != "word" else plain_words(t.norm))]
    exact = [
        c
        for c in choices
        if fold(c) in words or any(fold(n) == fold(c) for m in reading.here for n in (m.text, *m.names))
    ]
    if exact:
        return exact[0]
    if choices and len(words) <= 3 and set(words) & _YES and not reading.here:
        return choices[0]
    for word in words:
        at = _ORDINALS.get(word)
        if at is not None and -len(choices) <= at < len(choices) and _is_ordinal(reading, word):
            return choices[at]
    return _by_words(reading, choices)


def _is_ordinal(reading: Reading, word: str) -> bool:
    """ "the first one", "2", not "the last 7 days"."""
    return len(reading.words) <= 4 and not reading.slots.days and (not word.isdigit() or len(reading.pieces) <= 3)


def _by_words(reading: Reading, choices: Sequence[str]) -> str | None:
    """The one choice that has the telling words of the answer ("the customer one")."""
    said = {w for t in reading.tokens for w in split_words(t.bare)} - _FILLERS
    if not said:
        return None
    scored = sorted(((len(said & set(split_words(c))), c) for c in choices), reverse=True)
    best = [c for n, c in scored if n == scored[0][0] and n == len(said)]
    return best[0] if len(best) == 1 else None


def _as_argument(choice: str, ask: Ask) -> Mapping[str, Any]:
    """A choice as the argument that was missing; `table.column` where only one of them was."""
    name = re.sub(r"^(?:table|job|dashboard|kpi|column) (?=\S)", "", choice)
    table, dot, column = name.rpartition(".")
    if ask.missing == "column" and dot:
        return {"column": column, "asset": table}
    return {ask.missing: name}
