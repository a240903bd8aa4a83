"""A checker of DQDL, the language of AWS Glue Data Quality: its grammar, and the rule types that we may use.

There is no parser of it to install. This one is written from "DQDL rule type reference" in the AWS Glue guide; it takes
less than Glue does, and nothing that Glue would refuse.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

__all__ = ["BadRuleset", "Ruled", "parse"]


class BadRuleset(ValueError):
    """Glue would refuse it."""


@dataclass(frozen=True)
class Ruled:
    """One rule: type, its columns or SQL, operator with operands, and the filter."""

    type: str
    subjects: tuple[str, ...]
    operator: str | None = None
    operands: tuple[Any, ...] = ()
    where: str | None = None


_TOKEN = re.compile(
    r"""\s*(?:\#[^\n]*\n\s*)*(?P<token>
        "(?:[^"\\\n]|\\.)*"            # strings, one line each
      | -?\d+(?:\.\d+)?(?![\w.])       # numbers without an exponent
      | [A-Za-z]+
      | >=|<=|!=|[=<>\[\],]
    )""",
    re.VERBOSE,
)
_SUBJECTS = {"IsComplete": 1, "ColumnExists": 1, "ColumnValues": 1, "CustomSql": 1, "RowCount": 0}
_NEEDS_CONDITION = {"ColumnValues", "CustomSql", "RowCount"}


def parse(text: str) -> list[Ruled]:
    """The rules of a ruleset. Raises BadRuleset."""
    tokens, place = [], 0
    text = text.rstrip() + "\n"
    while place < len(text.rstrip()):
        found = _TOKEN.match(text, place)
        if not found:
            raise BadRuleset(f"no token at {text[place : place + 40]!r}")
        tokens.append(found["token"])
        place = found.end()
    if tokens[:3] != ["Rules", "=", "["] or tokens[-1] != "]":
        raise BadRuleset("a ruleset is Rules = [ … ]")
    return list(_rules(tokens[3:-1]))


def _rules(tokens: list[str]) -> Any:
    """Rules parted by commas; a comma between the brackets of a list parts values."""
    if not tokens:
        return
    depth, rule = 0, []  # type: ignore[var-annotated]
    for token in [*tokens, ","]:
        depth += (token == "[") - (token == "]")
        if token == "," and not depth:
            yield _rule(rule)
            rule = []
        else:
            rule.append(token)


def _rule(tokens: list[str]) -> Ruled:
    if not tokens or tokens[0] not in _SUBJECTS:
        raise BadRuleset(f"{' '.join(tokens)[:60]!r} is no rule")
    kind, wanted = tokens[0], _SUBJECTS[tokens[0]]
    subjects = tokens[1 : 1 + wanted]
    if not all(s.startswith('"') for s in subjects) or len(subjects) != wanted:
        raise BadRuleset(f"{kind} wants {wanted} names")
    rest, where = tokens[1 + wanted :], None
    if "where" in rest:
        rest, condition = rest[: rest.index("where")], rest[rest.index("where") + 1 :]
        if len(condition) != 1 or not condition[0].startswith('"'):
            raise BadRuleset("where takes one string")
        where = _text(condition[0])
    if bool(rest) != (kind in _NEEDS_CONDITION):
        raise BadRuleset(f"{kind} and {rest} do not go together")
    operator, operands = _condition(rest) if rest else (None, ())
    return Ruled(kind, tuple(map(_text, subjects)), operator, operands, where)


def _condition(tokens: list[str]) -> tuple[str, tuple[Any, ...]]:
    operator, rest = tokens[0], tokens[1:]
    if operator in ("=", ">=", "<=", ">", "<", "!=") and len(rest) == 1 and not rest[0].startswith('"'):
        return operator, (float(rest[0]),)
    if operator == "matches" and len(rest) == 1 and rest[0].startswith('"'):
        re.compile(_text(rest[0]))
        return operator, (_text(rest[0]),)
    if operator == "in" and rest[:1] == ["["] and rest[-1:] == ["]"]:
        values = rest[1:-1]
        if values[1::2] != [","] * (len(values) // 2) or not all(v.startswith('"') for v in values[::2]):
            raise BadRuleset("in takes a list of strings")
        return operator, tuple(map(_text, values[::2]))
    raise BadRuleset(f"{' '.join(tokens)[:60]!r} is no condition")


def _text(token: str) -> str:
    return re.sub(r"\\(.)", r"\1", token[1:-1])
