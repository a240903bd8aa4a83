"""PyAthena's cursor, asking for a query's state soon at first and then less and less often.

Its own pause is one length for all: too long for a query of half a second, too short for one of ten minutes.
"""

from __future__ import annotations

import time
from typing import Any

from pyathena.cursor import Cursor

__all__ = ["PatientCursor"]

_FIRST, _LONGEST, _GROWTH = 0.1, 2.0, 1.3


class PatientCursor(Cursor):
    """One statement each."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self._pause = _FIRST

    def _wait_poll_interval(self) -> None:
        time.sleep(self._pause)
        self._pause = min(self._pause * _GROWTH, _LONGEST)
