"""Text that people stored (documents, comments) made fit to be quoted in an answer.

Such text is data. What is written in it for an assistant ("ignore previous instructions …") is left out of quotations,
with a note that says so: a model that never sees an order cannot follow it, and a reader does not mistake it for ours.
The original stays where it is, one file and line away. Keys and passwords are masked. Deciding what is an order is a
rule of thumb: what it misses is still fenced as data by the prompt, and checked by the guard on every tool.
"""

from __future__ import annotations

import re

__all__ = ["WITHHELD", "masked", "quoted"]

WITHHELD = "(left out: text addressed to an assistant)"

_ORDER = re.compile(
    r"(?<!not )(?<!n't )(?<!never )(?:ignore|disregard|forget|override|bypass)\W+(?:\w+\W+){0,4}?"
    r"(?:instructions?|prompts?|rules?|guidelines|guardrails|messages?)\b"
    r"|^\W*(?:system|assistant|developer)\s*(?:prompt|message|note|override)?\s*:"
    r"|<\|?/?\s*(?:system|im_start|im_end|inst|assistant)\b|\[/?INST\]"
    r"|\b(?:reveal|print|show|output|repeat|leak)\W+(?:\w+\W+){0,3}?(?:system\s+prompt|credentials|secrets?|access\s+keys?)\b"
    r"|\b(?:do\s+not|don't|never)\W+(?:\w+\W+){0,2}?(?:mention|reveal|disclose|tell)\W+(?:\w+\W+){0,2}?"
    r"(?:this|the)\W+(?:note|instructions?|message|prompt|user)\b"
    r"|\byou\s+(?:are|act\s+as)\s+(?:now\s+)?(?:a|an|the)\s+\w+\s+(?:assistant|model|agent|mode)\b"
    r"|\btell\s+the\s+user\b",
    re.I | re.M,
)
_READER = re.compile(
    r"\b(?:ai|llms?|language\s+models?|chat\s?bots?|gpt|claude|copilots?|(?:ai|virtual|chat|language)?\s*assistants?|"
    r"ai\s+agents?)\b",
    re.I,
)
_ADDRESS = re.compile(
    r"\b(?:you|your|must|should|shall|always|never|please|say|reply|respond|answer|print|tell|note\s+(?:for|to)|"
    r"instructions?\s+(?:for|to)|attention|message\s+(?:for|to))\b",
    re.I,
)
_SECRETS = re.compile(
    r"\b(?:AKIA|ASIA|AROA|AIDA)[0-9A-Z]{12,}\b|\bgh[pousr]_\w{20,}|\bxox[abprs]-[\w-]{10,}|\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|(?P<name>\b(?:aws_)?(?:secret(?:_access)?_key|password|passwd|pwd|api_?key|token)\s*[:=]\s*)[\"']?[^\s\"',;]{6,}",
    re.I | re.S,
)
_SENTENCE = re.compile(r"(?<=[.!?:])\s+(?=[A-Z])")


def quoted(text: str) -> str:
    """A text without what it orders an assistant to do, and without secrets.

    Works paragraph by paragraph: from the first sentence that is an order to the end of its paragraph nothing is kept,
    since what follows an order is mostly part of it.
    """
    paragraphs = re.split(r"(\n\s*\n)", text)
    kept = [p if i % 2 else _paragraph(p) for i, p in enumerate(paragraphs)]
    joined = "".join(kept)
    return re.sub(rf"{re.escape(WITHHELD)}(?:\s*{re.escape(WITHHELD)})+", WITHHELD, masked(joined))


def addressed(text: str) -> bool:
    """Whether a line, such as a heading, speaks to an assistant."""
    return bool(_ORDER.search(text)) or bool(_READER.search(text) and _ADDRESS.search(text))


def masked(text: str) -> str:
    """A text with its keys, tokens and passwords blotted out."""
    return _SECRETS.sub(lambda m: f"{m['name'] or ''}(secret)", text)


def _paragraph(text: str) -> str:
    if not addressed(text.replace("\n", " ")) and not _ORDER.search(text):
        return text
    sentences = _SENTENCE.split(text)
    for i in range(len(sentences)):
        head = " ".join(sentences[: i + 1])
        if addressed(head.replace("\n", " ")) or _ORDER.search(head):
            return " ".join([*sentences[:i], WITHHELD])
    return WITHHELD
