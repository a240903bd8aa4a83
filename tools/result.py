"""What every tool answers with: one shape, so that a chat, a command and a Lambda can show any of them.

A result knows its data (`to_dict`), a short text for people and models (`text`), the evidence behind each fact and what
is not known. Lists in a text are cut only with an exact "and N more".
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, Protocol, runtime_checkable

EvidenceKind = Literal["code", "sql", "catalog", "config", "query", "files", "document", "rule"]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Where a fact comes from: a code line, a query, a catalog entry, a file. `detail` is the text found there."""

    kind: EvidenceKind
    where: str
    detail: str | None = None

    def to_dict(self) -> dict[str, str | None]:
        """As `--json` shows it."""
        return {"kind": self.kind, "where": self.where, "detail": self.detail}

    def __str__(self) -> str:
        return f"{self.where}: {self.detail}" if self.detail else self.where


@dataclass(frozen=True, slots=True)
class Draft:
    """A file that a result proposes: where below `output/` it would go (`tests/dim_product.yaml`), and its whole text.

    Tools make drafts and write nothing: a command writes what its user asked for, a chat asks first
    (`tools.reports.write_drafts`).
    """

    path: str
    text: str

    def to_dict(self) -> dict[str, str]:
        """As `--json` and artifacts carry it."""
        return {"path": self.path, "text": self.text}


@runtime_checkable
class Result(Protocol):
    """A tool's answer. `kind` names its type for faces that draw it (`impact`, `lineage`, `schema`, …)."""

    @property
    def kind(self) -> str:
        """Which sort of result this is."""
        ...

    @property
    def evidence(self) -> Sequence[Evidence]:
        """What the facts rest on."""
        ...

    @property
    def unknowns(self) -> Sequence[str]:
        """What could not be computed, each with its reason."""
        ...

    def text(self) -> str:
        """The answer in a few lines of Markdown; the first sentence answers."""
        ...

    def to_dict(self) -> dict[str, Any]:
        """All of it, as `--json` and artifacts carry it."""
        ...


def listed(names: Sequence[str], shown: int = 12, *, code: bool = True) -> str:
    """Names as a sentence part, cut with an exact count: "`a`, `b` and 3 more"."""
    quoted = [f"`{n}`" if code else n for n in names[:shown]]
    left = len(names) - shown
    if left > 0:
        return f"{', '.join(quoted)} and {left} more"
    if len(quoted) <= 1:
        return "".join(quoted)
    return f"{', '.join(quoted[:-1])} and {quoted[-1]}"


def counted(number: int, singular: str, plural: str | None = None) -> str:
    """A count with its noun: "1 job", "3 jobs"."""
    return f"{number:,} {singular if number == 1 else plural or singular + 's'}"
