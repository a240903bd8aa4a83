"""What is told of a table without reading a row, held against the scan of all of them."""

from __future__ import annotations

import datetime
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.errors import InputError
from tools.lake.local import LocalLake
from tools.stats import measure

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "whole": st.none() | st.integers(-(2**40), 2**40),
            "share": st.none() | st.floats(allow_nan=False, allow_infinity=False, width=32),
            "price": st.none() | st.decimals(-999, 999, places=2),
            "name": st.none() | st.text(max_size=5),
            "flag": st.none() | st.booleans(),
            "day": st.none() | st.dates(datetime.date(1990, 1, 1), datetime.date(2050, 1, 1)),
            "at": st.none() | st.datetimes(datetime.datetime(1990, 1, 1), datetime.datetime(2050, 1, 1)),
            "tags": st.none() | st.lists(st.integers(0, 9), max_size=3),
        }
    ),
    max_size=12,
)
SCHEMA = pa.schema(
    {
        "whole": pa.int64(),
        "share": pa.float64(),
        "price": pa.decimal128(9, 2),
        "name": pa.string(),
        "flag": pa.bool_(),
        "day": pa.date32(),
        "at": pa.timestamp("us"),
        "tags": pa.list_(pa.int64()),
    }
)


@settings(max_examples=30)
@given(parts=st.lists(ROWS, min_size=1, max_size=3))
def test_whatever_the_footers_tell_is_what_a_scan_finds(
    parts: list[list[dict[str, object]]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("lake")
    for number, rows in enumerate(parts):
        folder = root / f"tables/d/t/part={number}"
        folder.mkdir(parents=True)
        pq.write_table(pa.Table.from_pylist(rows, SCHEMA), folder / "a.parquet", row_group_size=4)
    lake = LocalLake(root)

    free, scanned = measure(lake, "t", scan=False), measure(lake, "t")

    assert (free.rows, free.bytes_scanned) == (scanned.rows, 0)
    for told, exact in zip(free.columns, scanned.columns, strict=True):
        assert told.nulls in (None, exact.nulls)
        assert told.nulls is not None or told.type.startswith("array")
        for bound in ("min", "max"):
            assert getattr(told, bound) in (None, getattr(exact, bound))
        if told.type in ("bigint", "date", "decimal(9,2)", "boolean"):
            assert (told.min, told.max) == (exact.min, exact.max)


def test_a_column_that_a_file_does_not_have_is_null_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "tables/d/t"
    folder.mkdir(parents=True)
    pq.write_table(pa.table({"a": [1, 2, 3]}), folder / "1.parquet")
    pq.write_table(pa.table({"a": [4], "b": [Decimal("1.5")]}), folder / "2.parquet")

    a, b = measure(LocalLake(tmp_path), "t", scan=False).columns

    assert (a.nulls, a.min, a.max) == (0, 1, 4)
    assert (b.nulls, b.min, b.max) == (3, Decimal("1.5"), Decimal("1.5"))


def test_a_csv_table_has_no_footers(tmp_path: Path) -> None:
    folder = tmp_path / "tables/d/t"
    folder.mkdir(parents=True)
    (folder / "a.csv").write_text("a,b\n1,2\n")

    with pytest.raises(InputError, match=r"Nothing is known of d\.t without a scan"):
        measure(LocalLake(tmp_path), "t", scan=False)
