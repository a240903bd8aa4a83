"""Which known names come closest to one that nobody knows. The one place where names are compared by likeness.

It knows nothing of tables or jobs: strings in, strings out.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["nearest"]


def nearest(name: str, candidates: Iterable[str], limit: int = 3, cutoff: float = 70.0) -> tuple[str, ...]:
    """The candidates most like `name`, best first; empty when none is at all like it.

    Case does not count, and a bare name is compared with the last part of a dotted one as well
    (`postions` finds `sales.positions`).

    Args:
        name: what was asked for.
        candidates: the names there are.
        limit: how many to return at most.
        cutoff: likeness (0 to 100) below which a candidate is no help.
    """
    asked = name.lower()
    scored = [(_likeness(asked, candidate.lower()), candidate) for candidate in dict.fromkeys(candidates)]
    good = [(score, candidate) for score, candidate in scored if score >= cutoff]
    return tuple(candidate for _, candidate in sorted(good, key=lambda pair: (-pair[0], pair[1]))[:limit])


def _likeness(asked: str, candidate: str) -> float:
    """0 to 100. Words in another order (`customer_dim`) and a part of the name (`positions`) count for a little less."""
    from rapidfuzz import fuzz  # 60 ms of import that a run without a wrong name never pays

    def compare(form: str) -> float:
        reordered = fuzz.token_sort_ratio(_words(asked), _words(form))
        contained = fuzz.partial_ratio(asked, form) if min(len(asked), len(form)) >= 4 else 0.0
        return max(fuzz.ratio(asked, form), 0.95 * reordered, 0.85 * contained)

    return max(compare(candidate), compare(candidate.rpartition(".")[2]))


def _words(name: str) -> str:
    return name.replace("_", " ").replace("-", " ").replace(".", " ")
