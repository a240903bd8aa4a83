"""How long a turn and each of its tools may take. Who runs over is told so, and the conversation goes on.

A tool cannot be killed from outside: it is left alone, its queries end by their own limits, and what it brings then is
not waited for.
"""

from __future__ import annotations

import contextvars
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from knowledge.errors import LimitExceeded
from tools.settings import LimitSettings

__all__ = ["ENDED", "Deadline"]

ENDED = "copilot_ended"
"""Marks a message that ends a turn in the place of a model's."""

_LOOK = 0.1
"""Seconds between two looks at whether a tool was stopped."""

T = TypeVar("T")


@dataclass(frozen=True)
class Deadline:
    """When a turn ends, and the longest that one tool may take. Times are of `time.monotonic`."""

    until: float
    limits: LimitSettings
    stop: threading.Event = field(default_factory=threading.Event, compare=False)

    @classmethod
    def of(cls, limits: LimitSettings, stop: threading.Event | None = None) -> Deadline:
        """A deadline that begins now; setting `stop` ends the turn at once."""
        return cls(time.monotonic() + limits.turn_seconds, limits, stop or threading.Event())

    @property
    def over(self) -> bool:
        """Whether the turn's time is used up, or the person has stopped it."""
        return self.stop.is_set() or time.monotonic() >= self.until

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
        if seconds > 0 and not self.stop.is_set():
            thread.start()
            self._wait(thread, time.monotonic() + seconds)
        if not done and self.stop.is_set():
            raise LimitExceeded(f"{tool} was stopped")
        if not done:
            raise LimitExceeded(
                f"{tool} did not end within {max(0.0, seconds):.3g} seconds",
                hint="Ask for a part (one column, fewer days), or raise limits.tool_seconds.",
            )
        ended, value = done[0]
        if ended:
            return value  # type: ignore[no-any-return]
        raise value

    def _wait(self, thread: threading.Thread, until: float) -> None:
        while thread.is_alive() and not self.stop.is_set() and (left := until - time.monotonic()) > 0:
            thread.join(min(left, _LOOK))
