"""Writes the raw half of the demo lake: what the source systems of Arvenhof, a small wealth manager, sent.

Three raw tables as Parquet, the catalog's metadata of all eight tables, and the committed jobs, dashboards,
KPIs and documents beside them. It must not know what the jobs do: the derived tables are made by running the
jobs. The same arguments give the same bytes.

    generate(Path("demo-lake"))          # 2,000 customers, 120 products, 120 calendar days
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from examples.wealth.custody import Deliveries, deliveries
from examples.wealth.world import (
    Columns,
    Days,
    Scale,
    draw_customers,
    draw_products,
    raw_customers,
    raw_products,
)
from knowledge.errors import InputError

__all__ = ["DATABASE", "MARKER", "generate"]

DATABASE = "wealth"
MARKER = "demo.json"
"""Holds the arguments, and is written last: a folder with it is a whole demo lake, which may be replaced."""

HOME = Path(__file__).resolve().parent
OWNED = (f"tables/{DATABASE}", "jobs", "docs", "dashboards.json", "kpis.json")
STAGE_PREFIX = ".demo-"

Progress = Callable[[str], None]


def _silent(message: str) -> None:
    """Nobody wants to know."""


def generate(
    root: Path,
    *,
    seed: int = 7,
    days: int = 120,
    customers: int = 2000,
    products: int = 120,
    end: date = date(2026, 11, 20),
    traps: bool = False,
    progress: Progress = _silent,
) -> None:
    """Write raw tables, catalog metadata, jobs, dashboards, KPIs and documents of the demo lake into `root`.

    Args:
        root: the lake's folder, made if missing. An earlier demo lake in it is replaced, other files stay.
        seed: another seed is another world of the same size and manners.
        days: calendar days up to and including `end`; only the weekdays among them have data.
        customers: rows of dim_customer to come; prospects come on top.
        products: rows of dim_product to come; the vendor's test instruments come on top.
        traps: also plant a runbook and a column comment that try to give orders to an assistant.
        progress: called with one line per finished part.

    Raises:
        InputError: a size below 1, a window without weekdays, or a folder that holds something else.
    """
    scale = Scale(seed, days, customers, products, end)
    _check_scale(scale)
    _check_root(root)
    root.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(prefix=STAGE_PREFIX, dir=root))
    try:
        schemas = _schemas(traps)
        _write_metadata(stage, schemas)
        _write_tables(stage / "tables" / DATABASE, scale, schemas, progress)
        _copy_texts(stage, traps)
        progress("jobs, dashboards, KPIs and documents copied")
        _publish(stage, root, {"demo": DATABASE, **asdict(scale), "end": end.isoformat(), "traps": traps})
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _check_scale(scale: Scale) -> None:
    for name in ("days", "customers", "products"):
        if getattr(scale, name) < 1:
            raise InputError(f"The demo lake needs at least 1 for {name}, got {getattr(scale, name)}")
    if not len(scale.weekdays()):
        hint = "Ask for more days."
        raise InputError(f"There is no weekday in the {scale.days} days up to {scale.end}", hint=hint)


def _check_root(root: Path) -> None:
    if root.exists() and not root.is_dir():
        raise InputError("The demo lake needs a folder", where=str(root), hint="Choose another path.")
    others = [p for p in root.glob("*") if not p.name.startswith(STAGE_PREFIX)]
    if others and not (root / MARKER).exists():
        hint = "Choose an empty folder, or empty this one first."
        raise InputError("The folder is not empty and holds no demo lake", where=str(root), hint=hint)


def _publish(stage: Path, root: Path, marker: Mapping[str, Any]) -> None:
    """Swap the finished parts in; the old marker goes first and the new one comes last."""
    (root / MARKER).unlink(missing_ok=True)
    for part in OWNED:
        target = root / part
        if target.is_dir():
            shutil.rmtree(target)
        target.parent.mkdir(parents=True, exist_ok=True)
        (stage / part).replace(target)
    (stage / MARKER).write_text(json.dumps(marker, indent=2) + "\n", encoding="utf-8")
    (stage / MARKER).replace(root / MARKER)


# --- what is copied or restated -------------------------------------------------------------------


def _load(name: str) -> Any:
    return json.loads((HOME / name).read_text(encoding="utf-8"))


def _schemas(traps: bool) -> dict[str, Any]:
    """The catalog's tables, with the planted comment if traps are wanted."""
    schemas: dict[str, Any] = _load("schemas.json")
    if traps:
        planted = _load("traps/column_comment.json")
        schemas[planted["table"]]["columns"][planted["column"]]["comment"] = planted["comment"]
    return schemas


def _copy_texts(stage: Path, traps: bool) -> None:
    """The files that ship as they are; a trap takes its place among the others."""
    for base in (HOME, HOME / "traps") if traps else (HOME,):
        for pattern in ("jobs/*.py", "jobs/*.sql", "docs/*.md", "dashboards.json", "kpis.json"):
            for source in base.glob(pattern):
                target = stage / source.relative_to(base)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, target)


def _write_metadata(stage: Path, schemas: Mapping[str, Any]) -> None:
    """One `_table.json` per table: what the Glue catalog would say of it."""
    for table, schema in schemas.items():
        keys = schema["partitioned_by"]
        columns = [{"name": name, **about} for name, about in schema["columns"].items()]
        metadata = {
            "description": schema["description"],
            "columns": [column for column in columns if column["name"] not in keys],
            "partition_keys": [column for column in columns if column["name"] in keys],
        }
        folder = stage / "tables" / DATABASE / table
        folder.mkdir(parents=True)
        (folder / "_table.json").write_text(json.dumps(metadata, indent=2) + "\n", encoding="utf-8")


# --- tables ---------------------------------------------------------------------------------------

ARROW_TYPES = {
    "varchar": pa.string(),
    "bigint": pa.int64(),
    "double": pa.float64(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp": pa.timestamp("us"),
}


def _write_tables(folder: Path, scale: Scale, schemas: Mapping[str, Any], progress: Progress) -> None:
    words, days = _load("vocabulary.json"), scale.weekdays()
    products, customers = draw_products(scale, words, len(days)), draw_customers(scale, words, len(days))
    for name, columns in (
        ("raw_products", raw_products(scale, words, products, days)),
        ("raw_customers", raw_customers(scale, words, customers, days)),
    ):
        table = _typed(columns, schemas[name])
        pq.write_table(table, folder / name / "part-00000.parquet")
        progress(f"{name}: {table.num_rows:,} rows")
    sent = deliveries(scale, words, products, customers, days)
    table = _typed(sent.columns, schemas["raw_positions"])
    _write_days(folder / "raw_positions", table, sent, days)
    progress(f"raw_positions: {table.num_rows:,} rows on {len(days)} business days")


def _typed(columns: Columns, schema: Mapping[str, Any]) -> pa.Table:
    """The columns in the catalog's order and types, without the partition keys: those live in the path."""
    names = [name for name in schema["columns"] if name not in schema["partitioned_by"]]
    types = {name: _arrow_type(schema["columns"][name]["type"]) for name in names}
    return pa.table({name: columns[name].cast(types[name]) for name in names})


def _arrow_type(athena: str) -> pa.DataType:
    decimal = re.fullmatch(r"decimal\((\d+),\s*(\d+)\)", athena)
    return pa.decimal128(int(decimal[1]), int(decimal[2])) if decimal else ARROW_TYPES[athena]


def _write_days(folder: Path, table: pa.Table, sent: Deliveries, days: Days) -> None:
    """One folder per day: the night's own file, and a second one for what came after that night."""
    for index, as_of in enumerate(days):
        start, stop = np.searchsorted(sent.day, [index, index + 1])
        morning = start + np.searchsorted(sent.loaded[start:stop], as_of + np.timedelta64(30, "h"))
        partition = folder / f"as_of_date={as_of}"
        partition.mkdir()
        for part, (low, high) in enumerate(((start, morning), (morning, stop))):
            if high > low or part == 0:
                pq.write_table(table.slice(low, high - low), partition / f"part-{part:05d}.parquet")
