"""SQL that a person wants run: a statement that is the whole question, or a fenced one with a word that says so.

A SELECT that is only part of a question (the new logic of a job, an excerpt of a script) is nobody's wish to run it.
"""

from __future__ import annotations

import re

from agent.planning.text import split_code
from knowledge.errors import CopilotError
from tools.lake.guard import check, parse_athena

__all__ = ["stated_select"]

_BEGINS = re.compile(r"\s*(?:select|with)\b", re.I)
_LEAD = re.compile(
    r"\s*(?:(?:please|can you|could you)\s+)?(?:run|execute|query|evaluate|sql)\b(?:\s+(?:this|the|my|following|query|sql|statement|"
    r"select))*?\s*:?\s*(?=(?:select|with)\b)",
    re.I,
)
_LOOKS_LIKE_SQL = re.compile(r"\bSELECT\b|[*(;=<>]|\b(?:where|group by|order by|limit|join)\b", re.S)
_WANTS_IT_RUN = re.compile(
    r"\b(?:run|execute|query|evaluate|result|results|return|returns|give|gives|show|rows|output|values?)\b", re.I
)
_MEANS_A_JOB = re.compile(
    r"\b(?:job|logic|simulat\w*|compare|diff|instead|replac\w+|chang\w+|new version|kpi|breaks?|impact|explain|review)\b",
    re.I,
)
_FEW = 3


def stated_select(question: str) -> str | None:
    """The SELECT that is to be run, as it was written; None when the question asks for no such thing."""
    words, blocks = split_code(question)
    if len(blocks) == 1:
        return blocks[0] if _BEGINS.match(blocks[0]) and _is_wanted(words) and _is_select(blocks[0]) else None
    if blocks:
        return None
    statement = question[found.end() :] if (found := _LEAD.match(question)) else question
    if not (_BEGINS.match(statement) and re.search(r"\bfrom\b", statement, re.I) and _LOOKS_LIKE_SQL.search(statement)):
        return None
    statement = statement.strip().rstrip(";").strip()
    return statement if _is_select(statement) else None


def _is_wanted(words: str) -> bool:
    """Whether the words around a fenced block ask for its rows, or hardly say anything."""
    if _MEANS_A_JOB.search(words):
        return False
    return _WANTS_IT_RUN.search(words) is not None or len(words.split()) <= _FEW


def _is_select(text: str) -> bool:
    try:
        check(parse_athena(text))
    except CopilotError:
        return False
    return True
