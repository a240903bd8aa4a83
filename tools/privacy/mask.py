"""Results without the personal values in them: every such value is replaced by what it was, everything else stays.

Columns, counts, verdicts and SQL stay as they are: a model can plan and explain without knowing whom a row is about.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from tools.privacy.columns import PersonalColumns
from tools.privacy.values import form_of, mask_patterns

if TYPE_CHECKING:
    from tools.workspace import Workspace

__all__ = ["Masker", "masker_for", "placeholders"]

_KINDS = ("address", "birth date", "card", "email", "iban", "ip", "name", "national id", "personal data", "phone")
_VALUES = frozenset(
    "allowed average example examples first high last low max maximum mean median min minimum mode new_values offending "
    "parameters quantiles rows sample samples top unexpected value values".split()
)
"""Keys of results under which values of the data stand; under all others stand names, counts and words of ours."""

_ROWS = frozenset({"examples", "offending", "rows", "sample", "samples"})
"""Those of them under which whole rows stand."""

_CUTS = (39, 59)
"""Where long values are cut in the tables of a text (`tools.stats`, `tools.query`)."""

_NEAR = 0.5
"""The share of a column's shown values that have one form, from which on all of its values are taken for personal."""


def placeholders() -> tuple[str, ...]:
    """What may stand in the place of a value: an answer that repeats it invents nothing."""
    return tuple(f"[masked {kind}]" for kind in _KINDS)


@dataclass(frozen=True)
class Masker:
    """Masks results of one lake."""

    columns: PersonalColumns

    def values(self, artifacts: Iterable[Mapping[str, Any]]) -> dict[str, str]:
        """Personal values in the data of these results, each with its kind."""
        found: dict[str, str] = {}
        for artifact in artifacts:
            for value, kind in self._in(artifact.get("data"), None):
                found |= dict.fromkeys(_forms(value), kind)
        return found

    def text(self, text: str, values: Mapping[str, str]) -> str:
        """A text without these values, and without what is personal by its form."""
        return mask_patterns(_replaced(text, values))

    def artifact(self, artifact: Mapping[str, Any]) -> dict[str, Any]:
        """A whole result, masked: its data, its text, its evidence."""
        values = self.values([artifact])
        masked: dict[str, Any] = self._tree(artifact, values)
        return masked

    def _tree(self, node: Any, values: Mapping[str, str]) -> Any:
        if isinstance(node, str):
            return self.text(node, values)
        if isinstance(node, Mapping):
            return {key: self._tree(inner, values) for key, inner in node.items()}
        if isinstance(node, list | tuple):
            return [self._tree(inner, values) for inner in node]
        if isinstance(node, bool) or node is None:
            return node
        kind = next((values[form] for form in _forms(node) if form in values), None)
        return f"[masked {kind}]" if kind else node

    def _in(self, node: Any, table: str | None) -> Iterator[tuple[Any, str]]:
        """Values that stand under a personal column, wherever in a result."""
        if isinstance(node, list | tuple):
            for inner in node:
                yield from self._in(inner, table)
        if not isinstance(node, Mapping):
            return
        stated = node.get("table")
        table = stated if isinstance(stated, str) else table
        yield from self._of_columns(node, table)
        for inner in node.values():
            yield from self._in(inner, table)

    def _of_columns(self, node: Mapping[str, Any], table: str | None) -> Iterator[tuple[Any, str]]:
        """Values in a mapping that speaks of columns: of one (`name`, `column`), or of several (`columns`)."""
        held = [inner for key, inner in node.items() if key in _VALUES and not (key == "rows" and _is_count(inner))]
        several = node.get("columns")
        names = [_column(c) for c in several] if isinstance(several, list | tuple) else []
        one = node.get("column") or node.get("name")
        kinds = {name: kind for name in names if name and (kind := self.columns.kind(name, table))}
        if isinstance(one, str) and (kind := self.columns.kind(one, table)):
            yield from ((value, kind) for inner in held for value in _leaves(inner))
        for key in node.keys() & _ROWS:
            yield from self._rows(node[key], self._sourced([n or "" for n in names], node.get("sources")), table)
        if isinstance(dimensions := node.get("dimensions"), list | tuple):
            points = node.get("points") or ()
            rows = [p["dimensions"] for p in points if isinstance(p, Mapping) and "dimensions" in p]
            yield from self._rows(rows, [str(d) for d in dimensions], table)
        if len(names) == 1 and kinds:
            yield from ((value, kinds[str(names[0])]) for inner in held for value in _leaves(inner))

    def _sourced(self, names: list[str], sources: Any) -> list[str]:
        """Columns by the personal source column that their values come from: an alias hides nothing."""
        if not isinstance(sources, list | tuple) or len(sources) != len(names):
            return names
        return [
            next((s for s in behind if self.columns.kind(s)), name) for name, behind in zip(names, sources, strict=True)
        ]

    def _rows(self, rows: Any, names: Sequence[str], table: str | None) -> Iterator[tuple[Any, str]]:
        """Rows by name, or in the order of the columns."""
        by_place: dict[int, list[Any]] = {}
        for row in rows if isinstance(rows, list | tuple) else ():
            if isinstance(row, Mapping):
                yield from self._named(row, table)
            elif isinstance(row, list | tuple) and len(row) == len(names):
                for place, value in enumerate(row):
                    by_place.setdefault(place, []).append(value)
        for place, values in by_place.items():
            if kind := self.columns.kind(names[place], table) or _mostly(values):
                yield from ((value, kind) for value in values if value is not None)

    def _named(self, row: Mapping[str, Any], table: str | None) -> Iterator[tuple[Any, str]]:
        for name, value in row.items():
            kind = self.columns.kind(str(name), table)
            if kind and not isinstance(value, Mapping):
                yield from ((v, kind) for v in _leaves(value))


def masker_for(ws: Workspace) -> Masker:
    """The masker that the settings ask for, over this lake."""
    return Masker(PersonalColumns(ws.lake, ws.settings.privacy.columns))


def _column(item: Any) -> str | None:
    if isinstance(item, Mapping):
        item = item.get("name")
    return item if isinstance(item, str) else None


def _is_count(value: Any) -> bool:
    return isinstance(value, int | float)


def _mostly(values: Sequence[Any]) -> str | None:
    """The form that most of a column's values have, whatever its name: an e-mail address in a column `contact_1`."""
    stated = [v for v in values if v is not None]
    forms = [f for v in stated if isinstance(v, str) and (f := form_of(v))]
    return max(forms, key=forms.count) if forms and len(forms) >= _NEAR * len(stated) else None


def _leaves(node: Any) -> Iterator[Any]:
    if isinstance(node, Mapping):
        for inner in node.values():
            yield from _leaves(inner)
    elif isinstance(node, list | tuple):
        for inner in node:
            yield from _leaves(inner)
    elif node is not None and not isinstance(node, bool):
        yield node


def _forms(value: Any) -> list[str]:
    """How a value may be written. One letter or two digits are no one's data, and would blot out half a text."""
    if isinstance(value, datetime):
        forms = [value.isoformat(), str(value), value.date().isoformat()]
    elif isinstance(value, date | time):
        forms = [value.isoformat()]
    elif isinstance(value, int | float | Decimal):
        forms = [str(value), f"{value:,}", f"{value:,.2f}"] if abs(float(value)) >= 100 else []
    else:
        text = str(value).strip()
        line = text.replace("\n", " ")
        forms = [text, line, line.replace("|", "\\|"), line.replace("_", "\\_")]
        forms += [f"{form[:cut]}…" for form in forms for cut in _CUTS if len(form) > cut]
        forms = forms if len(text) > 1 and not (text.isdigit() and len(text) < 3) else []
    return list(dict.fromkeys(forms))


def _replaced(text: str, values: Mapping[str, str]) -> str:
    present = [v for v in values if v in text]
    if not present:
        return text
    longest_first = sorted(present, key=len, reverse=True)
    pattern = re.compile(rf"(?<!\w)(?:{'|'.join(re.escape(v) for v in longest_first)})(?!\w)")
    return pattern.sub(lambda m: f"[masked {values[m.group()]}]", text)
