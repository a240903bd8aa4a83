"""Exit codes: those of the error family, and the few that only a command has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from knowledge.errors import CopilotError

__all__ = ["INTERNAL", "INTERRUPTED", "exit_codes"]

INTERRUPTED = 130
INTERNAL = 70  # EX_SOFTWARE: the fault is ours, not the question's


def exit_codes() -> Mapping[str, int]:
    """The exit code of every error by its code in `--json`."""
    return {error.code: error.exit_code for error in _family(CopilotError)}


def _family(kind: type[CopilotError]) -> Iterator[type[CopilotError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _family(child)
