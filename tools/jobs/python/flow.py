"""How a statement ends: normally (None), or by leaving what encloses it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from tools.jobs.python.values import Value


@dataclass(frozen=True, slots=True)
class Flow:
    """`value` is what is returned, or the name of the exception raised."""

    kind: Literal["return", "break", "continue", "raise"]
    value: Value = None


BREAK = Flow("break")
CONTINUE = Flow("continue")


class Raised(Exception):
    """The job raises an exception, or ends, at a place where only an expression stands."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(name)
