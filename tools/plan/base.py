"""What plans are written in: places in files, data sets, columns with an id, what is not known."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Literal, TypeAlias

__all__ = ["Attribute", "ColumnId", "Confidence", "Dataset", "Ids", "Span", "Unknown"]


ColumnId: TypeAlias = int


Confidence = Literal["high", "low"]


@dataclass(frozen=True, slots=True)
class Span:
    """A place in a file: `line` and `end_line` are 1-based and inclusive."""

    file: str
    line: int
    end_line: int | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Dataset:
    """What a job reads or writes: a catalog table, a path, or something else with a name (`jdbc:…`, `kafka:…`).

    `name` is canonical: `database.table` in lower case, a path without its trailing slash. Parts known only at run
    time stay as `${args.name}`, `${env.NAME}` or `${?}`.
    """

    name: str
    kind: Literal["table", "path", "other"] = "table"

    @property
    def resolved(self) -> bool:
        """Whether every part of the name is known."""
        return "${" not in self.name

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Attribute:
    """A column of an operator's output. `type` is in Athena's spelling, or None when it is not known."""

    id: ColumnId
    name: str
    type: str | None = None


@dataclass(frozen=True, slots=True)
class Unknown:
    """Something that could not be read: said, never guessed."""

    reason: str
    span: Span | None = None
    kind: Literal["read", "write", "column", "expression", "statement", "table"] = "expression"
    name: str | None = None

    def __str__(self) -> str:
        return f"{self.span}: {self.reason}" if self.span else self.reason


class Ids:
    """Hands out column ids for one reading."""

    def __init__(self) -> None:
        self._next = count(1)

    def attribute(self, name: str, type: str | None = None) -> Attribute:
        """A column that did not exist before."""
        return Attribute(next(self._next), name, type)

    def start_after(self, highest: ColumnId) -> None:
        """Goes on behind ids that are taken already."""
        self._next = count(highest + 1)
