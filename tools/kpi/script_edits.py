"""A changed script taken apart into its edits, each of which can be made alone.

SQL is compared token by token and cut where clauses meet (a comma, AND, a keyword); Python by its lines. Each edit is made on
the old script by itself: where that cannot be read, the change is not taken apart.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher

from sqlglot import errors, tokenize
from sqlglot.tokenizer_core import Token, TokenType

__all__ = ["MOST", "TextEdit", "edits_between"]

MOST = 6
"""Edits that are simulated one by one; with more of them the answer is for all together."""

_SHOWN = 90
_ALIKE = 0.5  # lines of which half is the same are one line, changed
_MANY = 2_500  # pairs of lines; a larger block is one edit
_CLAUSES = {
    TokenType.AND,
    TokenType.COMMA,
    TokenType.FROM,
    TokenType.GROUP_BY,
    TokenType.HAVING,
    TokenType.JOIN,
    TokenType.LIMIT,
    TokenType.ON,
    TokenType.ORDER_BY,
    TokenType.QUALIFY,
    TokenType.SELECT,
    TokenType.SEMICOLON,
    TokenType.UNION,
    TokenType.WHERE,
    TokenType.WITH,
}
_Hunk = tuple[int, int, int, int]  # from and to in the old, from and to in the new


@dataclass(frozen=True, slots=True)
class TextEdit:
    """One edit: what it says, its line in the new script, and the old script with only this edit made."""

    words: str
    line: int
    text: str


def edits_between(old: str, new: str, language: str) -> list[TextEdit]:
    """The edits that make one script of another, in order; fewer than two are not told apart."""
    try:
        found = _python(old, new) if language == "python" else _sql(old, new)
    except (errors.SqlglotError, SyntaxError, ValueError):
        return []
    return found if 2 <= len(found) <= MOST else []


def _sql(old: str, new: str) -> list[TextEdit]:
    before, after = tokenize(old, read="spark"), tokenize(new, read="spark")
    hunks = _joined(_hunks([_key(t) for t in before], [_key(t) for t in after]), before, after)
    return [
        TextEdit(
            _said(old, before, new, after, b),
            after[min(b[2], len(after) - 1)].line,
            old[: _start(before, b[0], old)] + _between(new, after, b) + old[_end(before, b) :],
        )
        for b in hunks
    ]


def _key(token: Token) -> str:
    return f"{token.token_type.name} {token.text if token.token_type in _TEXTS else token.text.lower()}"


_TEXTS = {TokenType.STRING, TokenType.IDENTIFIER}


def _joined(hunks: Sequence[_Hunk], before: Sequence[Token], after: Sequence[Token]) -> list[_Hunk]:
    """Differences within one clause are one edit."""
    depths = _depths(after)
    found: list[_Hunk] = []
    for hunk in hunks:
        if found:
            last = found[-1]
            limit = min(depths[max(last[3] - 1, 0)], depths[min(hunk[2], len(after) - 1)])
            between = range(last[3], hunk[2])
            if not any(after[i].token_type in _CLAUSES and depths[i] <= limit for i in between):
                found[-1] = (last[0], hunk[1], last[2], hunk[3])
                continue
        found.append(hunk)
    return found


def _depths(tokens: Sequence[Token]) -> list[int]:
    depth, found = 0, []
    for token in tokens:
        depth -= token.token_type == TokenType.R_PAREN
        found.append(depth)
        depth += token.token_type == TokenType.L_PAREN
    return found


def _said(old: str, before: Sequence[Token], new: str, after: Sequence[Token], hunk: _Hunk) -> str:
    if hunk[0] == hunk[1] and after[hunk[2]].token_type in _CLAUSES:
        return f"with {_short(_clause(new, after, hunk[2], hunk[3]))}"
    if hunk[2] == hunk[3] and before[hunk[0]].token_type in _CLAUSES:
        return f"without {_short(_clause(old, before, hunk[0], hunk[1]))}"
    return _changed(_clause(old, before, hunk[0], hunk[1]), _clause(new, after, hunk[2], hunk[3]))


def _clause(text: str, tokens: Sequence[Token], start: int, end: int) -> str:
    """The clause around a difference, as the script words it; a clause that is the difference by itself."""
    depths = _depths(tokens)
    whole = start < end and tokens[start].token_type in _CLAUSES
    limit = min(depths[start:end] or [depths[min(start, len(tokens) - 1)]])
    while not whole and start > 0 and not _cuts(tokens, depths, start - 1, limit):
        start -= 1
    while end < len(tokens) and not _cuts(tokens, depths, end, limit):
        end += 1
    return " ".join(text[tokens[start].start : tokens[end - 1].end + 1].split()) if start < end else "nothing"


def _cuts(tokens: Sequence[Token], depths: Sequence[int], at: int, limit: int) -> bool:
    return depths[at] < limit or (depths[at] == limit and tokens[at].token_type in _CLAUSES)


def _between(text: str, tokens: Sequence[Token], hunk: _Hunk) -> str:
    return f" {text[tokens[hunk[2]].start : tokens[hunk[3] - 1].end + 1]} " if hunk[2] < hunk[3] else " "


def _start(tokens: Sequence[Token], at: int, text: str) -> int:
    return tokens[at].start if at < len(tokens) else len(text)


def _end(tokens: Sequence[Token], hunk: _Hunk) -> int:
    if hunk[0] < hunk[1]:
        return tokens[hunk[1] - 1].end + 1
    return tokens[hunk[0]].start if hunk[0] < len(tokens) else 10**9


def _python(old: str, new: str) -> list[TextEdit]:
    before, after = old.splitlines(keepends=True), new.splitlines(keepends=True)
    whole = ast.dump(ast.parse(old))
    found = []
    for block in _hunks([b.strip() for b in before], [a.strip() for a in after]):
        found += [e for h in _line_by_line(block, before, after) if (e := _python_edit(h, before, after, whole))]
    return found


def _python_edit(hunk: _Hunk, before: Sequence[str], after: Sequence[str], whole: str) -> TextEdit | None:
    """An edit of lines; None for one that only a reader sees."""
    text = "".join([*before[: hunk[0]], *after[hunk[2] : hunk[3]], *before[hunk[1] :]])
    if ast.dump(ast.parse(text)) == whole:
        return None
    old, new = (" ".join(" ".join(lines).split()) for lines in (before[hunk[0] : hunk[1]], after[hunk[2] : hunk[3]]))
    said = _changed(old, new) if old and new else f"with {_short(new)}" if new else f"without {_short(old)}"
    return TextEdit(said, min(hunk[2] + 1, len(after)), text)


def _line_by_line(block: _Hunk, old: Sequence[str], new: Sequence[str]) -> Iterator[_Hunk]:
    """Lines that are most alike are one edit; what stands before and after them are others."""
    a, b, c, d = block
    pairs = [
        (SequenceMatcher(None, old[i].strip(), new[j].strip()).ratio(), i, j) for i in range(a, b) for j in range(c, d)
    ]
    likeness, i, j = max(pairs, key=lambda p: (p[0], -p[1], -p[2]), default=(0.0, 0, 0))
    if likeness < _ALIKE or len(pairs) > _MANY:
        if a < b or c < d:
            yield block
        return
    yield from _line_by_line((a, i, c, j), old, new)
    if old[i].strip() != new[j].strip():
        yield i, i + 1, j, j + 1
    yield from _line_by_line((i + 1, b, j + 1, d), old, new)


def _hunks(old: Sequence[str], new: Sequence[str]) -> list[_Hunk]:
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    return [(a, b, c, d) for tag, a, b, c, d in matcher.get_opcodes() if tag != "equal"]


def _changed(old: str, new: str) -> str:
    """Both wordings; of long ones what is around the difference."""
    if max(len(old), len(new)) > _SHOWN:
        alike = next((i for i, (a, b) in enumerate(zip(old, new, strict=False)) if a != b), min(len(old), len(new)))
        start = max(0, alike - _SHOWN // 2)
        old, new = (f"{'…' if start else ''}{text[start:]}" for text in (old, new))
    return f"{_short(new)} (was {_short(old)})"


def _short(text: str) -> str:
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"
