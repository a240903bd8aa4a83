"""A question that asks for several things, in parts: "who reads it, and how many rows does it have?".

A part counts only if it can stand alone: it has a name or points at one, or it begins like a question or an order. The
pieces of a list ("jobs, tables and dashboards") do not.
"""

from __future__ import annotations

from itertools import pairwise

from agent.planning.reading import Reading

__all__ = ["clauses"]

_BREAKS = frozenset((",", ";", ".", "?", "!", ":", "and", "then", "also", "plus", "but", "&"))
_HARD = frozenset((";", ".", "?", "!", ":"))
_STARTS = frozenset(
    """who what whats which where how when why is are does do did can could will would show list give describe
    explain tell write draft create generate run trace compare profile summarise summarize document count check
    ignore disregard forget print delete simulate diff drop remove rename""".split()
)
_POINTERS = frozenset(["it", "its", "that", "this", "them", "those", "these", "they", "there"])
_GOODS = frozenset(
    "diff impact tests contract docs documentation report lineage schema stats statistics profile kpi kpis".split()
)


def clauses(reading: Reading) -> list[Reading]:
    """The parts of a question, in order; only itself when it is one question."""
    cuts = [0]
    for i, piece in enumerate(reading.pieces):
        if piece in _BREAKS and i >= cuts[-1]:
            cuts.append(i + 1)
    cuts.append(len(reading.pieces))
    parts: list[tuple[int, int]] = []
    for first, last in pairwise(cuts):
        if first == last:
            continue
        if parts and not _stands_alone(reading.clause(first, last), hard=reading.pieces[first - 1] in _HARD):
            parts[-1] = (parts[-1][0], last)
        else:
            parts.append((first, last))
    whole = [reading.clause(first, last) for first, last in parts]
    return [p for p in whole if p.words or p.here]


def _stands_alone(part: Reading, *, hard: bool) -> bool:
    words = part.words
    if not words:
        return False
    if words[0] in _STARTS:
        return len(words) > 1 or bool(part.here)
    if set(words) & _GOODS and len(words) <= 3:
        return True
    return hard and len(words) > 2 and (bool(part.here) or bool(set(words) & _POINTERS))
