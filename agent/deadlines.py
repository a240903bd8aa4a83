"""How long a turn and each of its tools may take. Who runs over is told so, and the conversation goes on.

A tool cannot be killed from outside: it is left alone, its queries end by their own limits, and what it brings then is
not waited for.
"""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from knowledge.errors import LimitExceeded
from tools.settings import LimitSettings

__all__ = ["ENDED", "Deadline"]

ENDED = "copilot_ended"
"""Marks a message that ends a turn in the place of a model's."""

T = TypeVar("T")


@dataclass(frozen=True)
class Deadline:
    """When a turn ends, and the longest that one tool may take. Times are of `time.monotonic`."""

    until: float
    limits: LimitSettings

    @classmethod
    def of(cls, limits: LimitSettings) -> Deadline:
        """A deadline that begins now."""
        return cls(time.monotonic() + limits.turn_seconds, limits)

    @property
    def over(self) -> bool:
        """Whether the turn's time is used up."""
        return time.monotonic() >= self.until

    @property
    def ended(self) -> str:
        """What is said of a turn that took all its time."""
        return (
            f"This question has taken its {self.limits.turn_seconds:g} seconds, so I stop here: what the steps above found "
            "holds, the rest is not known. Ask for less at a time, or raise `limits.turn_seconds`."
        )

    def run(self, tool: str, work: Callable[[], T]) -> T:
        """What `work` returns or raises. Raises LimitExceeded when it takes longer than a tool may, or the turn has."""
        seconds = min(self.limits.tool_seconds, self.until - time.monotonic())
        done: list[tuple[bool, Any]] = []

        def worker() -> None:
            try:
                done.append((True, work()))
            except BaseException as error:  # noqa: BLE001 - it is raised where the caller waits
                done.append((False, error))

        context = contextvars.copy_context()
        thread = threading.Thread(target=context.run, args=(worker,), name=f"tool {tool}", daemon=True)
        if seconds > 0:
            thread.start()
            thread.join(seconds)
        if not done:
            raise LimitExceeded(
                f"{tool} did not end within {max(0.0, seconds):.3g} seconds",
                hint="Ask for a part (one column, fewer days), or raise limits.tool_seconds.",
            )
        ended, value = done[0]
        if ended:
            return value  # type: ignore[no-any-return]
        raise value
