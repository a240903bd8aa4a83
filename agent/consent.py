"""What counts as the user's yes. A yes with anything that changes or limits it is none: then it is asked again."""

from __future__ import annotations

import re

__all__ = ["is_yes"]

_YES = re.compile(
    r"(?:ok(?:ay)?[, ]+)?(?:yes|yep|yeah|y|sure|ok(?:ay)?|go ahead|go for it|do it|do that|proceed|approved?|confirm(?:ed)?|"
    r"write (?:it|them|that|those|the files?)|save (?:it|them|that|those)|please do|make it so|ja|oui|s[ií]|si)"
    r"(?:[, ]+(?:please|thanks|thank you|go ahead|do it|do that|write (?:it|them|that|those|the files?)|save (?:it|them)|"
    r"i approve|approved|bitte|merci))*[\s.!]*",
    re.I,
)


def is_yes(text: str) -> bool:
    """Whether a message is a yes and nothing else."""
    return _YES.fullmatch(text.strip()) is not None
