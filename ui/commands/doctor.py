"""`de-copilot doctor`: is this installation and this lake in order, and what to do where it is not.

Each check is one function; a check that cannot be made because an earlier thing is missing says so. What only a lake
on AWS needs is in doctor_aws.py.
"""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from typing import TYPE_CHECKING

import typer

from knowledge.errors import CopilotError
from ui.commands.checkup import Check, Examine, Patient, Status
from ui.commands.options import JsonOption, LakeOption
from ui.commands.output import Output
from ui.state import state_dir
from ui.verdicts import count

if TYPE_CHECKING:
    from rich.console import RenderableType

    from tools.workspace import Workspace

__all__ = ["doctor"]

_STYLES: Mapping[Status, str] = {"ok": "green", "warn": "bold yellow", "fail": "bold red"}


def doctor(ctx: typer.Context, lake: LakeOption = None, json: JsonOption = False) -> None:
    """Whether this installation and this lake are in order, and what to do if not.

    With a lake on AWS each permission is tried by a call that changes nothing and scans nothing; a Bedrock model is
    asked for one token. The exit code is 1 when something has to be repaired.

    \b
    Example:
      de-copilot doctor --lake .demo/wealth
    """
    checks = list(_examine(Patient(ctx, lake)))
    failed = any(c.status == "fail" for c in checks)
    output = Output(json)
    if json:
        output.data({"ok": not failed, "checks": [asdict(c) for c in checks]})
    else:
        output.draw(_lines(checks))
    raise typer.Exit(int(failed))


def _examine(patient: Patient) -> Iterator[Check]:
    for name, check in {**_HERE, **_of_backend(patient), **_OF_LAKE, **_AROUND}.items():
        try:
            yield from check(name, patient)
        except CopilotError as error:
            yield Check(name, "fail", error.what if not error.where else f"{error.what} ({error.where})", error.hint)


def _of_backend(patient: Patient) -> Mapping[str, Examine]:
    """What a lake on AWS needs besides; settings that cannot be read are told by the check of settings."""
    try:
        backend = patient.settings.backend
    except CopilotError:
        return {}
    if backend != "aws":
        return {"output": _output, "model": _model}
    from ui.commands.doctor_aws import CHECKS

    return CHECKS


def _lines(checks: list[Check]) -> Iterator[RenderableType]:
    from rich.text import Text

    from ui.terminal import grid, plain

    rows: list[list[RenderableType]] = []
    for check in checks:
        rows.append([Text(check.status, style=_STYLES[check.status]), plain(check.name), plain(check.found)])
        if check.todo:
            rows.append(["", "", Text(f"-> {check.todo}", overflow="fold")])
    yield grid(rows, indent=0)


# --------------------------------------------------------------------------- the checks


def _python(name: str, _: Patient) -> Iterator[Check]:
    yield Check(name, "ok", f"{platform.python_version()} in {sys.prefix}")


def _duckdb(name: str, _: Patient) -> Iterator[Check]:
    found = _version("duckdb")
    if found is None:
        yield Check(name, "fail", "not installed", "Run `make setup`.")
    elif found.startswith("1.5."):
        yield Check(name, "ok", found)
    else:
        yield Check(name, "warn", f"{found}; results were checked with 1.5", "Run `make setup`: it installs 1.5.")


def _settings(name: str, patient: Patient) -> Iterator[Check]:
    files = ", ".join(str(f) for f in patient.settings.files)
    yield Check(name, "ok", files or "no copilot.toml; defaults and variables only")


def _lake(name: str, patient: Patient) -> Iterator[Check]:
    where = f"{patient.settings.place} ({patient.settings.backend})"
    tables = patient.ws.lake.tables()
    if tables:
        yield Check(name, "ok", where)
    else:
        todo = "Name the lake with --lake, turn a folder into one with `de-copilot init PATH`, or build the demo."
        yield Check(name, "warn", f"{where} has no tables", todo)


def _tables(name: str, patient: Patient) -> Iterator[Check]:
    names = [str(t) for t in patient.ws.lake.tables()]
    broken = {n: why for n in names if (why := _why_unreadable(patient.ws, n))}
    status: Status = "warn" if broken else "ok"
    yield Check(name, status, f"{len(names) - len(broken)} of {count(len(names), 'table')} readable")
    for table, why in broken.items():
        yield Check(name, "warn", f"{table}: {why}", "Repair or remove the file; the other tables are not affected.")


def _why_unreadable(ws: Workspace, table: str) -> str | None:
    try:
        ws.lake.table(table)
    except CopilotError as error:
        return error.message
    return None


def _jobs(name: str, patient: Patient) -> Iterator[Check]:
    readings = patient.ws.readings
    unread = [r for r in readings.values() if not r.readable]
    partly = [r for r in readings.values() if r.readable and r.unknowns]
    found = f"{len(readings) - len(unread)} of {count(len(readings), 'job')} read"
    yield Check(name, "warn" if unread else "ok", f"{found}, {len(partly)} of them in part" if partly else found)
    for reading in unread:
        why = "; ".join(str(u) for u in reading.unknowns)
        yield Check(name, "warn", f"{reading.name}: {why}", "Answers say that this job could not be read.")


def _consumers(name: str, patient: Patient) -> Iterator[Check]:
    kinds = {k: sum(c.kind == k for c in patient.ws.consumers) for k in ("dashboard", "kpi")}
    coarse = [c.name for c in patient.ws.consumers if c.level == "table"]
    found = " and ".join(count(n, k) for k, n in kinds.items())
    yield Check(name, "ok", f"{found}; known only at table level: {', '.join(coarse)}" if coarse else found)


def _problems(name: str, patient: Patient) -> Iterator[Check]:
    """What nothing above has told yet: entries of dashboards.json and kpis.json, files, settings."""
    for problem in patient.ws.problems():
        if problem.what not in ("table", "job"):
            yield Check(name, "warn", f"{problem.where}: {problem.why}", "Correct it; it is left out until then.")


def _model(name: str, patient: Patient) -> Iterator[Check]:
    model = patient.settings.model
    if model != "offline":
        has_region = any(os.environ.get(v) for v in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"))
        if model.startswith("bedrock:") and not has_region:
            todo = "Set AWS_REGION, or AWS_PROFILE with a region in it."
            yield Check(name, "warn", f"{model}; no AWS region or profile is set", todo)
        else:
            yield Check(name, "ok", f"{model} (not called to find out)")
        return
    missing = [m for m in ("onnxruntime", "tokenizers") if find_spec(m) is None]
    if missing:
        yield Check(name, "fail", f"offline, but {', '.join(missing)} is missing", "Run `make setup`.")
    else:
        yield Check(name, "ok", "offline: nothing leaves this machine")


def _output(name: str, patient: Patient) -> Iterator[Check]:
    folder = patient.settings.output or patient.settings.lake / "output"
    nearest = next((p for p in (folder, *folder.parents) if p.is_dir()), folder)
    try:
        with tempfile.TemporaryFile(dir=nearest):
            pass
    except OSError as error:
        todo = "Give yourself the right to write there, or set `output` in copilot.toml."
        yield Check(name, "warn", f"{folder} cannot be written: {error.strerror}", todo)
        return
    yield Check(name, "ok", f"{folder} can be written")


def _page(name: str, _: Patient) -> Iterator[Check]:
    found = _version("streamlit")
    if found:
        yield Check(name, "ok", f"Streamlit {found}")
    else:
        yield Check(name, "fail", "Streamlit is not installed", "Run `make setup`.")


def _state(name: str, _: Patient) -> Iterator[Check]:
    yield Check(name, "ok", f"failures are logged in {state_dir()}")


def _version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


_HERE: Mapping[str, Examine] = {"Python": _python, "DuckDB": _duckdb, "settings": _settings}
_OF_LAKE: Mapping[str, Examine] = {
    "lake": _lake,
    "tables": _tables,
    "jobs": _jobs,
    "dashboards and KPIs": _consumers,
    "lake's files": _problems,
}
_AROUND: Mapping[str, Examine] = {"chat page": _page, "log": _state}
