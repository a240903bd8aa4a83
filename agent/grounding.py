"""Checks an answer against the results of its thread's tools: every name, number, count, date and direction in it.

Facts are typed: names come from fields of results that hold names, counts from fields and from the lengths of lists,
directions from edges. A number is grounded when a result has it, or when a list of that length is there; a claim that
"A feeds B" when an edge or an order of results says so. Text that a tool quotes from documents grounds a name, but no
edge. What cannot be found is returned with the reason; it is for the caller to ask again, or to mark it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

__all__ = ["Claim", "Facts", "correction", "is_correction", "marked", "unsupported"]

Kind = Literal["name", "number", "date", "direction", "omission"]


@dataclass(frozen=True, slots=True)
class Claim:
    """Something that an answer says and no result supports."""

    kind: Kind
    text: str
    reason: str


_CODE = re.compile(r"`([^`\n]+)`")
_IDENTIFIER = re.compile(r"(?<![\w.`/])([A-Za-z]\w*_\w+(?:\.\w+)*|[a-z]\w*\.[a-z]\w*_\w+)(?![\w`/(])")
_DATE = re.compile(r"(?<!\d)(\d{4}-\d{2}-\d{2})(?!\d)")
_NUMBER = re.compile(r"(?<![\w.,:/#-])-?(\d[\d,]*(?:\.\d+)?)(?:e[+-]?\d+)?(?![\w/]|\.\d|:\d)")
_SCALE = re.compile(r"\s*(%|percent|k|thousand|m|mio|million|bn|billion)\b|\s*(%)", re.I)
_SCALES = {"k": 1e3, "thousand": 1e3, "m": 1e6, "mio": 1e6, "million": 1e6, "bn": 1e9, "billion": 1e9}
_EDGE = re.compile(
    r"[`\"]?(?P<left>[\w.]+)[`\"]?\s+(?:then\s+|directly\s+|also\s+)?"
    r"(?P<verb>feeds|writes(?: to)?|reads(?: from)?|depends on|is fed by|is written by|is read by|comes from)\s+"
    r"(?:the\s+)?(?:table\s+|job\s+)?[`\"]?(?P<right>[\w.]+)[`\"]?",
    re.I,
)
_FORWARD = frozenset({"feeds", "writes", "writes to", "is read by"})
_ALL = re.compile(r"\b(?:all|every one|complete list|in full|nothing else|only these)\b", re.I)
_SMALL = frozenset({"0", "1", "2", "3"})
_LIST_KEYS = ("nodes", "items", "columns", "assets", "points", "checks", "outcomes", "differences", "passages")


class Facts:
    """What the results of some tools say, typed."""

    def __init__(self, artifacts: Sequence[Mapping[str, Any]], questions: Sequence[str] = ()) -> None:
        self._artifacts, self._questions = artifacts, questions

    @cached_property
    def _values(self) -> list[Any]:
        parts = [(a.get("data"), a.get("args"), a.get("evidence"), a.get("unknowns")) for a in self._artifacts]
        return list(_leaves(parts))

    @cached_property
    def texts(self) -> str:
        """Every text of the results, and what the tools themselves said, folded."""
        said = [str(a.get("text", "")) for a in self._artifacts]
        said += [f"output/{f}" for a in self._artifacts for f in a.get("files", ())]
        return "\n".join([*(str(v) for v in self._values if isinstance(v, str)), *said]).lower()

    @cached_property
    def asked(self) -> str:
        """What the person said: an answer may say it again."""
        return "\n".join(self._questions).lower()

    @cached_property
    def numbers(self) -> list[float]:
        """Numbers of the results, and how long their lists are."""
        found = [float(v) for v in self._values if isinstance(v, int | float) and not isinstance(v, bool)]
        for text in (v for v in self._values if isinstance(v, str)):
            found += [float(n.replace(",", "")) for n in re.findall(r"\d[\d,]*(?:\.\d+)?", text) if n.strip(",")]
        said = "\n".join(str(a.get("text", "")) for a in self._artifacts)
        found += [float(m.group(1).replace(",", "")) for m in _NUMBER.finditer(said)]
        return found + [float(n) for a in self._artifacts for n in _lengths(a.get("data"))]

    @cached_property
    def edges(self) -> set[tuple[str, str]]:
        """Pairs along the flow of data: (what feeds, what is fed)."""
        return {pair for a in self._artifacts for pair in _edges(a.get("data") or {})}

    def has_name(self, name: str) -> bool:
        """Whether a result, or the question, has this name."""
        folded = name.strip().lower()
        short = folded.rpartition(".")[2]
        pattern = rf"(?<!\w){re.escape(folded)}(?!\w)"
        if re.search(pattern, self.texts) or re.search(pattern, self.asked):
            return True
        # `table.column` where the results hold both, apart
        return (
            "." in folded
            and all(re.search(rf"(?<!\w){re.escape(p)}(?!\w)", self.texts) for p in folded.split("."))
            and bool(short)
        )

    def has_number(self, value: float, digits: int) -> bool:
        """Whether a number is there, to the digits that are written."""
        if any(_near(value, n, digits) for n in self.numbers):
            return True
        asked = [float(n.replace(",", "")) for n in re.findall(r"\d[\d,]*(?:\.\d+)?", self.asked) if n.strip(",")]
        return value in asked


def unsupported(
    answer: str, artifacts: Sequence[Mapping[str, Any]], questions: Sequence[str] = (), known: Iterable[str] = ()
) -> list[Claim]:
    """Claims of an answer that no result supports.

    Args:
        artifacts: results of the thread's tools, as `tools.toolbox` makes them.
        questions: what the person said.
        known: names that need no result, such as those of commands and tools.
    """
    facts = Facts(artifacts, questions)
    allowed = {k.lower() for k in known}
    claims = [
        *_names(answer, facts, allowed),
        *_dates(answer, facts),
        *_numbers(answer, facts),
        *_directions(answer, facts),
    ]
    if artifacts:
        claims += _omissions(answer, artifacts)
    return list({(c.kind, c.text): c for c in claims}.values())


def marked(answer: str, claims: Sequence[Claim]) -> str:
    """The answer with what is not verified said so, at its end."""
    if not claims:
        return answer
    lines = "\n".join(f"- {c.text}: {c.reason}" for c in claims)
    return f"{answer}\n\n**Not verified** (no tool result says so):\n{lines}"


_CORRECTION = "[check of the last answer, by the copilot itself]"


def correction(claims: Sequence[Claim]) -> str:
    """What a model is told of its unsupported claims."""
    lines = "\n".join(f"- {c.text} ({c.kind}): {c.reason}" for c in claims)
    return (
        f"{_CORRECTION}\nNo tool result of this conversation supports these parts of your answer:\n{lines}\n"
        "Answer the question again: call a tool for what can be looked up, leave out what cannot, and say what is unknown. "
        "Do not speak of this check."
    )


def is_correction(text: str) -> bool:
    """Whether a message is such a check and not the person's."""
    return text.startswith(_CORRECTION)


# --------------------------------------------------------------------------- claims


def _names(answer: str, facts: Facts, allowed: set[str]) -> Iterator[Claim]:
    bare = _CODE.sub(" ", answer)
    found = [m.group(1) for m in _CODE.finditer(answer)] + [m.group(1) for m in _IDENTIFIER.finditer(bare)]
    for name in dict.fromkeys(found):
        if name.lower() in allowed or _is_value(name):
            continue
        if not facts.has_name(name):
            yield Claim("name", name, "no result has this name")


def _is_value(text: str) -> bool:
    """A number or a placeholder in backticks is no name."""
    return bool(re.fullmatch(r"[-+]?[\d.,%\s]+", text))


def _dates(answer: str, facts: Facts) -> Iterator[Claim]:
    for date in dict.fromkeys(_DATE.findall(answer)):
        if date not in facts.texts and date not in facts.asked:
            yield Claim("date", date, "no result has this date")


def _numbers(answer: str, facts: Facts) -> Iterator[Claim]:
    text = _DATE.sub(" ", _CODE.sub(" ", answer))
    text = re.sub(r"(?m)^\s*\d+[.)]\s", " ", text)  # numbers of a list
    for found in _NUMBER.finditer(text):
        written = found.group(1)
        value = float(written.replace(",", "")) if written.strip(",") else 0.0
        digits = len(written.partition(".")[2])
        scale = _SCALE.match(text, found.end())
        unit = (scale.group(1) or scale.group(2) or "").lower() if scale else ""
        options = [(value, digits)]
        if unit in _SCALES:
            options.append((value * _SCALES[unit], -int(len(str(int(_SCALES[unit]))) - 1 - digits)))
        if unit in ("%", "percent"):
            options.append((value / 100, digits + 2))
        if not any(facts.has_number(v, d) for v, d in options):
            yield Claim("number", found.group(0).strip(), "no result has this number")


def _directions(answer: str, facts: Facts) -> Iterator[Claim]:
    if not facts.edges:
        return
    ends = {n for edge in facts.edges for n in edge}
    for found in _EDGE.finditer(answer):
        left, right = (_short(found[k]) for k in ("left", "right"))
        if left not in ends or right not in ends:
            continue
        pair = (left, right) if found["verb"].lower() in _FORWARD else (right, left)
        if not _leads(pair, facts.edges) and _leads(pair[::-1], facts.edges):
            yield Claim("direction", found.group(0).strip(), "the results say the opposite")


def _omissions(answer: str, artifacts: Sequence[Mapping[str, Any]]) -> Iterator[Claim]:
    """ "All of them" with one left out."""
    said = answer.lower()
    if not _ALL.search(answer):
        return
    for artifact in artifacts:
        data = artifact.get("data") or {}
        names = [str(n["name"]) for k in ("nodes", "items", "assets") for n in _rows(data.get(k)) if n.get("name")]
        named = [n for n in names if _short(n) in said or n.lower() in said]
        if len(named) >= 2 and len(named) < len(names) and not re.search(r"\b\d+ more\b", said):
            missing = next(n for n in names if n not in named)
            yield Claim("omission", _short(missing), "the answer says all and leaves this out")


# --------------------------------------------------------------------------- facts


def _leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from _leaves(inner)
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _leaves(inner)
    elif value is not None:
        yield value


def _lengths(value: Any) -> Iterator[int]:
    """How long lists are, also by the kind or verdict of what is in them."""
    if isinstance(value, Mapping):
        for inner in value.values():
            yield from _lengths(inner)
    elif isinstance(value, list | tuple):
        yield len(value)
        rows = _rows(value)
        for key in ("kind", "verdict", "status", "severity", "depth"):
            groups: dict[str, int] = {}
            for row in rows:
                if key in row:
                    groups[str(row[key])] = groups.get(str(row[key]), 0) + 1
            yield from groups.values()
        for inner in value:
            yield from _lengths(inner)


def _rows(value: Any) -> list[Mapping[str, Any]]:
    return [r for r in value if isinstance(r, Mapping)] if isinstance(value, list | tuple) else []


def _edges(data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for edge in _rows(data.get("edges")):
        source, target = edge.get("source") or edge.get("from"), edge.get("target") or edge.get("to")
        if source and target:
            yield _short(str(source)), _short(str(target))
    job = data.get("job")
    if isinstance(job, str):
        yield from ((_short(str(r)), _short(job)) for r in data.get("reads") or () if isinstance(r, str))
        yield from ((_short(job), _short(str(w))) for w in data.get("writes") or () if isinstance(w, str))


def _leads(pair: tuple[str, str], edges: set[tuple[str, str]]) -> bool:
    """Whether the second is reached from the first."""
    seen, waiting = {pair[0]}, [pair[0]]
    while waiting:
        current = waiting.pop()
        for a, b in edges:
            if a == current and b not in seen:
                if b == pair[1]:
                    return True
                seen.add(b)
                waiting.append(b)
    return False


def _short(name: str) -> str:
    """A name without its kind and database, folded."""
    bare = name.partition(":")[2] or name
    return bare.rpartition(".")[2].lower() if " " not in bare else bare.lower()


def _near(value: float, fact: float, digits: int) -> bool:
    """Equal to the digits that are written, in size: a fall of 5 and a change of -5 are one number."""
    return abs(abs(value) - abs(fact)) <= 0.5000001 * 10.0**-digits if digits else abs(value) == round(abs(fact))
