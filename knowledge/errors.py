"""Everything that can go wrong, in one family. It lives in the lowest room so that every room can raise it.

    CopilotError
    ├── InputError            the request cannot be carried out as it was put
    │   ├── NotFound          a name that nothing answers to; carries the nearest names
    │   ├── Ambiguous         a name that several things answer to; carries them
    │   └── ConfigError       copilot.toml, dashboards.json, kpis.json or a setting
    ├── ReadError             a file, table or script that is there but cannot be read
    ├── QueryError            the engine refused or failed a query
    │   ├── QueryRefused      our own guard said no before anything ran
    │   └── LimitExceeded     a bound on rows, bytes or time was hit
    └── Unavailable           a service did not answer; trying again may help

A message says what, where, and what to do next. Retryable failures are a type, never a guess from the text.
"""

from __future__ import annotations

from collections.abc import Iterable

__all__ = [
    "Ambiguous",
    "ConfigError",
    "CopilotError",
    "InputError",
    "LimitExceeded",
    "NotFound",
    "QueryError",
    "QueryRefused",
    "ReadError",
    "Unavailable",
]


class CopilotError(Exception):
    """Base of every error a user may see.

    Args:
        what: one sentence: what went wrong, and with which thing.
        where: file and line, table, or query, when known.
        hint: what to do next.
    """

    code = "error"
    exit_code = 1

    def __init__(self, what: str, *, where: str | None = None, hint: str | None = None) -> None:
        self.what, self.where, self.hint = what, where, hint
        super().__init__(self.message)

    @property
    def message(self) -> str:
        """The whole text, as it is shown to a person."""
        text = self.what if not self.where else f"{self.what} ({self.where})"
        return text if not self.hint else f"{text.rstrip('.')}. {self.hint}"

    def to_dict(self) -> dict[str, object]:
        """The error as a tool or `--json` reports it."""
        return {"error": self.code, "message": self.message, "where": self.where, "hint": self.hint}


class InputError(CopilotError):
    """The request cannot be carried out as it was put."""

    code, exit_code = "bad_input", 2


class NotFound(InputError):
    """Nothing answers to a name; `nearest` holds the names that come closest."""

    code, exit_code = "not_found", 3

    def __init__(self, kind: str, name: str, nearest: Iterable[str] = (), *, hint: str | None = None) -> None:
        self.kind, self.name, self.nearest = kind, name, tuple(nearest)
        if not hint and self.nearest:
            hint = f"Did you mean {_either(self.nearest)}?"
        super().__init__(f"{kind} {name!r} was not found", hint=hint)

    def to_dict(self) -> dict[str, object]:
        """As `CopilotError.to_dict`, with the nearest names."""
        return {**super().to_dict(), "kind": self.kind, "name": self.name, "nearest": list(self.nearest)}


class Ambiguous(InputError):
    """Several things answer to a name; `candidates` holds them."""

    code, exit_code = "ambiguous", 4

    def __init__(self, kind: str, name: str, candidates: Iterable[str]) -> None:
        self.kind, self.name, self.candidates = kind, name, tuple(candidates)
        super().__init__(f"{kind} {name!r} is ambiguous", hint=f"Which one did you mean: {_either(self.candidates)}?")

    def to_dict(self) -> dict[str, object]:
        """As `CopilotError.to_dict`, with the candidates."""
        return {
            **super().to_dict(),
            "kind": self.kind,
            "name": self.name,
            "candidates": list(self.candidates),
        }


class ConfigError(InputError):
    """A configuration file or setting cannot be used."""

    code = "bad_config"


class ReadError(CopilotError):
    """Something is there but cannot be read: a corrupt file, a script that does not parse."""

    code = "unreadable"


class QueryError(CopilotError):
    """The engine refused or failed a query."""

    code = "query_failed"


class QueryRefused(QueryError):
    """Our own guard refused a statement before anything ran."""

    code, exit_code = "query_refused", 5


class LimitExceeded(QueryError):
    """A bound on rows, bytes or time was hit; nothing was returned in part."""

    code, exit_code = "limit_exceeded", 6


class Unavailable(CopilotError):
    """A service did not answer; trying again may help."""

    code, exit_code = "unavailable", 7


def _either(names: tuple[str, ...], shown: int = 6) -> str:
    listed = [f"'{n}'" for n in names[:shown]]
    if len(names) > shown:
        listed.append(f"{len(names) - shown} more")
    return listed[0] if len(listed) == 1 else f"{', '.join(listed[:-1])} or {listed[-1]}"
