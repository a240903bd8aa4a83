"""Text for the page: made safe to draw, and the files a visitor can download. Strings in, strings out."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from ui.verdicts import clean

__all__ = ["as_json", "as_markdown", "code", "duration", "excerpts", "safe", "step_line", "verbatim"]

_CODE = re.compile(r"(```.*?(?:```|\Z)|`[^`\n]*`)", re.DOTALL)
_LIVE = (
    (re.compile(r"!\["), r"!\\["),  # an image would be fetched: a way out for data
    (re.compile(r"\]\("), r"]\\("),  # a link whose address came out of a lake
    (re.compile(r"(?i)\b(https?|ftp)://"), r"\1:\\/\\/"),  # becomes a link by itself
    (re.compile(r"(?<!\\)\$"), r"\\$"),  # formulas: "from $5 to $7"
    (re.compile(r":(?=[a-zA-Z_+\-/]+[\[:])"), r"\\:"),  # Streamlit's colours, icons and emoji codes
    (re.compile(r"<(?=[a-zA-Z/!])"), r"&lt;"),
)


def safe(text: str) -> str:
    """Markdown whose pictures, links, formulas and colour codes are shown as text: an answer quotes what is in a lake.

    Headings, lists, tables and code stay what they are.
    """
    parts = _CODE.split(clean(text))
    return "".join(part if number % 2 else _dead(part) for number, part in enumerate(parts))


def _dead(text: str) -> str:
    for pattern, shown in _LIVE:
        text = pattern.sub(shown, text)
    return text


def code(text: object) -> str:
    """Text as a piece of code within Markdown, in one line, whatever backticks are in it."""
    shown = " ".join(clean(text).split())
    if not shown:
        return ""
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", shown)), default=0))
    space = " " if shown[0] == "`" or shown[-1] == "`" else ""
    return f"{fence}{space}{shown}{space}{fence}"


def verbatim(text: object) -> str:
    """Text that is no Markdown at all, to be shown as it is within Markdown."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|~$<>:])", r"\\\1", clean(text))


def excerpts(text: str, lines: Iterable[int], around: int = 2) -> list[str]:
    """The lines around some lines of code, numbered, those lines marked; windows that touch become one.

    Lines that the text does not have are left out.
    """
    code = text.splitlines()
    marked = sorted({line for line in lines if 0 < line <= len(code)})
    windows: list[list[int]] = []
    for line in marked:
        first, last = max(1, line - around), min(len(code), line + around)
        if windows and first <= windows[-1][1] + 1:
            windows[-1][1] = last
        else:
            windows.append([first, last])
    width = len(str(len(code)))
    return [
        "\n".join(f"{'>' if n in marked else ' '} {n:>{width}}  {clean(code[n - 1])}" for n in range(first, last + 1))
        for first, last in windows
    ]


def step_line(name: str, args: Mapping[str, Any], seconds: float | None = None) -> str:
    """One tool call as Markdown: "`impact` drop_column · product_group · 0.3 s"."""
    said = " · ".join(verbatim(v) for v in args.values() if v is not None)
    took = f" · {duration(seconds)}" if seconds is not None else ""
    return f"{code(name)} {said}{took}"


def duration(seconds: float) -> str:
    """How long something took: "12 ms", "1.4 s"."""
    return f"{seconds * 1000:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"


def as_json(answer: Mapping[str, Any]) -> str:
    """An answer with everything behind it, as `ask --json` prints it."""
    return json.dumps(answer, ensure_ascii=False, indent=2, default=str) + "\n"


def as_markdown(question: str, answer: Mapping[str, Any]) -> str:
    """An answer with its evidence, to be kept or sent."""
    parts = [f"# {clean(question)}", "", clean(answer.get("answer")).strip(), ""]
    if answer.get("unknowns"):
        parts += ["## Not known", "", *(f"- {clean(u)}" for u in answer["unknowns"]), ""]
    if answer.get("evidence"):
        parts += ["## Evidence", "", *(_evidence_line(e) for e in answer["evidence"]), ""]
    if answer.get("tool_calls"):
        calls = (f"- {code(c['name'])} {code(json.dumps(c['args'], ensure_ascii=False))}" for c in answer["tool_calls"])
        parts += ["## Computed by", "", *calls, ""]
    return "\n".join(parts)


def _evidence_line(evidence: Mapping[str, Any]) -> str:
    detail = code(evidence.get("detail"))
    return f"- {code(evidence['where'])}" + (f": {detail}" if detail else "")
