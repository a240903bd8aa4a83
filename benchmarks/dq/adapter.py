"""Plugs the checks into a scorer for generated data quality tests: frames in, checks and their results out.

A scorer hands over history as data frames, the job's text and reference tables; later batches come one by one with
the paths of all good batches before them. Everything is put into a folder as a lake and goes the product's own way.
"""

from __future__ import annotations

import datetime
import shutil
import statistics
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tools.checks.evaluate import evaluate
from tools.checks.jobs import JobFacts, facts_of, no_facts
from tools.checks.kinds.tables import lag
from tools.checks.material import gather
from tools.checks.model import Check, Outcome
from tools.checks.propose import propose
from tools.jobs import read_job
from tools.lake.local import LocalLake
from tools.plan.catalog import DictCatalog
from tools.profile.batches import cut
from tools.profile.figures import BatchFigures
from tools.profile.measure import profile_batches

DATABASE = "dw"


class Copilot:
    """The adapter: `propose` once, `check` for each later batch."""

    name = "DE Copilot"

    def propose(self, history: Sequence[pd.DataFrame], ctx: Any) -> list[dict[str, Any]]:
        """Checks as dictionaries with id, kind, columns and severity."""
        self._folder = Path(tempfile.mkdtemp(prefix="dq-"))
        self._schema = _common_schema(history)
        self._figures: dict[str, BatchFigures] = {}
        lake_dir = self._folder / "history"
        loads = {}
        for number, (frame, as_of) in enumerate(zip(history, ctx.as_of, strict=True)):
            label = f"{number:05d}"
            _write(frame, lake_dir / "tables" / DATABASE / ctx.table / f"batch={label}" / "data.parquet", self._schema)
            loads[label] = _naive(as_of)
        for name, frame in ctx.refs.items():
            _write(frame, lake_dir / "tables" / DATABASE / name / "data.parquet", {})
        lake = LocalLake(lake_dir, default_database=DATABASE)
        batches = cut(lake, f"{DATABASE}.{ctx.table}", loads)
        material = gather(lake, batches, job=_promises(ctx))
        self.proposal = propose(lake, material)
        self._checks = self.proposal.checks
        self._history = list(material.profiles)
        return [_described(c) for c in self._checks]

    def check(self, batch: pd.DataFrame, ctx: Any) -> list[dict[str, Any]]:
        """One result per check."""
        past = self._past(ctx)
        folder = self._folder / "batch"
        shutil.rmtree(folder, ignore_errors=True)
        _write(batch, folder / "tables" / DATABASE / ctx.table / "batch=now" / "data.parquet", self._schema)
        for name, frame in ctx.refs.items():
            _write(frame, folder / "tables" / DATABASE / name / "data.parquet", {})
        lake = LocalLake(folder, default_database=DATABASE)
        batches = cut(lake, f"{DATABASE}.{ctx.table}", {"now": _naive(ctx.as_of)})
        (outcomes,) = evaluate(lake, batches, self._checks, history=past).values()
        return [_result(o) for o in outcomes]

    def _past(self, ctx: Any) -> list[BatchFigures]:
        """Figures of all good batches before this one; each is measured once."""
        new = [p for p in ctx.past_paths[len(self._history) :] if _stem(p) not in self._figures]
        if new:
            folder = self._folder / "past"
            shutil.rmtree(folder, ignore_errors=True)
            loads = {}
            for path in new:
                frame, label = pd.read_parquet(path), _stem(path)
                _write(
                    frame, folder / "tables" / DATABASE / ctx.table / f"batch={label}" / "data.parquet", self._schema
                )
                if (when := self._load_time(frame)) is not None:
                    loads[label] = when
            lake = LocalLake(folder, default_database=DATABASE)
            for figures in profile_batches(lake, cut(lake, f"{DATABASE}.{ctx.table}", loads), duplicates=False):
                self._figures[figures.label.removeprefix("batch=")] = figures
        later = [self._figures[s] for p in ctx.past_paths if (s := _stem(p)) in self._figures]
        return [*self._history, *later]

    def _load_time(self, frame: pd.DataFrame) -> datetime.datetime | None:
        """Nobody says when an earlier batch was loaded: as long after its newest time as is usual."""
        for column in (c.columns[0] for c in self._checks if c.kind == "timeliness"):
            if column in frame and frame[column].notna().any():
                lags = [lag(f.loaded_at, f.time(column, "max")) for f in self._history]
                usual = statistics.median(x for x in lags if x is not None)
                return _naive(frame[column].max()) + datetime.timedelta(hours=usual)
        return None


def _stem(path: str) -> str:
    return Path(path).stem


def _promises(ctx: Any) -> JobFacts:
    """What the job's text promises. Frames have no order of columns to go by, so the job's own names count."""
    if not ctx.job:
        return no_facts()
    refs = {f"{DATABASE}.{name}": [(str(c), None) for c in frame] for name, frame in ctx.refs.items()}
    reading = read_job(ctx.job, name=f"{ctx.table}.sql", catalog=DictCatalog(refs, DATABASE))
    return facts_of(f"{DATABASE}.{ctx.table}", [reading])


def _naive(moment: Any) -> datetime.datetime:
    return pd.Timestamp(moment).to_pydatetime().replace(tzinfo=None)


def _described(check: Check) -> dict[str, Any]:
    return {"id": check.id, "kind": check.kind, "columns": list(check.columns), "severity": check.severity}


def _result(outcome: Outcome) -> dict[str, Any]:
    return {
        "id": outcome.check.id,
        "passed": outcome.passed,
        "columns": list(outcome.columns),
        "severity": outcome.severity,
        "detail": outcome.detail,
    }


def _common_schema(frames: Sequence[pd.DataFrame]) -> dict[str, pa.DataType]:
    """The types of columns that have values somewhere: a frame whose column is all None does not know its type."""
    found: dict[str, pa.DataType] = {}
    for frame in frames:
        for name in frame.columns:
            if name not in found and frame[name].notna().any():
                found[name] = pa.array(frame[name], from_pandas=True).type
    return found


def _write(frame: pd.DataFrame, path: Path, known: Mapping[str, pa.DataType]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    arrays = {}
    for name in frame.columns:
        array = pa.array(frame[name], from_pandas=True)
        if array.null_count == len(array) and len(array) and name in known:
            array = pa.nulls(len(array), known[name])
        if pa.types.is_null(array.type):
            array = array.cast(known.get(name, pa.string()))
        if pa.types.is_timestamp(array.type):
            array = array.cast(pa.timestamp("us", array.type.tz), safe=False)
        arrays[str(name)] = array
    pq.write_table(pa.table(arrays), path)
