"""Approximate functions: exact on small data, so that figures repeat; estimated in bounded memory on large ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.lakes import put
from tools.lake import local
from tools.lake.local import LocalLake

SQL = """SELECT approx_distinct(a) AS d, approx_percentile(a, 0.25) AS low, approx_percentile(a, 0.75) AS high,
    approx_percentile(b, ARRAY[0.5]) AS several, approx_percentile(a, 0.25) + 1 AS again FROM t"""


@pytest.fixture
def lake(tmp_path: Path) -> LocalLake:
    put(tmp_path, "t", {"a": [float(n % 1000) for n in range(5000)], "b": [float(n) for n in range(5000)]})
    return LocalLake(tmp_path)


def test_small_data_are_counted_exactly(lake: LocalLake) -> None:
    assert lake.query(SQL).rows == ((1000, 249.0, 749.0, [2499.0], 250.0),)


def test_large_data_are_estimated(lake: LocalLake, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "_EXACT_BYTES", 0)
    ((distinct, low, high, several, again),) = lake.query(SQL).rows

    assert distinct == pytest.approx(1000, rel=0.1)
    assert (low, high) == (pytest.approx(250, abs=15), pytest.approx(750, abs=15))
    assert several == [2499.0]
    assert again == low + 1
