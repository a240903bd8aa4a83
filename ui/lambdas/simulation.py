"""The simulator: one KPI after the other, each kept when it is done, so that a simulation may outlast a call.

A call begins a KPI only while there is time for its query. When there is not it answers `"state": "running"` and, under
`next`, with what the next call needs; a state machine passes that on. What was done is in the record store.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tools.reports import write_drafts
from ui.lambdas.work import script_text

if TYPE_CHECKING:
    from tools.workspace import Workspace
    from ui.lambdas.requests import SimulateRequest
    from ui.lambdas.running import Call

__all__ = ["simulate_kpis"]

_SPACE = "simulations"
_MARGIN_SECONDS = 20.0
_QUERIES = 2
"""Bounded statements that one KPI may take: its window, and its series."""
_LARGEST_MOVES = 10


def simulate_kpis(ws: Workspace, request: SimulateRequest, call: Call) -> dict[str, Any]:
    """As much of the simulation as fits into this call, and all that is known of it so far."""
    run = request.simulation_id or call.request_id
    wanted = request.kpis or tuple(c.name for c in ws.consumers if c.kind == "kpi")
    path = request.new_job_script_s3_path
    text = script_text(ws, path) if path else None
    done = _done(ws, run)
    begun = 0
    for kpi in wanted:
        if kpi in done:
            continue
        if begun and not _time_for_one(ws, call):
            break
        done[kpi] = _one(ws, request, text, kpi)
        ws.store.put(_SPACE, {f"{run}\n{kpi}": done[kpi]})
        begun += 1
    return {**_answer(request, run, wanted, done), **_next(request, run, wanted, done)}


def _one(ws: Workspace, request: SimulateRequest, text: str | None, kpi: str) -> dict[str, Any]:
    from tools.kpi import simulate

    simulation = simulate(ws, job=request.job_name, new_text=text, kpis=[kpi], days=request.days)
    written = write_drafts(ws.lake, simulation.drafts)
    (series,) = simulation.to_dict()["kpis"]
    moves = [p for p in series.pop("points", ()) if p["delta"]]
    moves.sort(key=lambda p: -abs(p["delta"]))
    largest = [{k: str(v) if k == "day" else v for k, v in p.items()} for p in moves[:_LARGEST_MOVES]]
    return {**_plain(series), "text": simulation.text(), "largest_moves": largest, "written": written}


def _plain(series: Mapping[str, Any]) -> dict[str, Any]:
    """Without the statement: the report has it."""
    return {k: v for k, v in series.items() if k != "sql"}


def _time_for_one(ws: Workspace, call: Call) -> bool:
    return call.seconds_left() > _QUERIES * ws.settings.limits.seconds + _MARGIN_SECONDS


def _done(ws: Workspace, run: str) -> dict[str, Any]:
    return {key.partition("\n")[2]: dict(body) for key, body in ws.store.find(_SPACE, f"{run}\n").items()}


def _answer(request: SimulateRequest, run: str, wanted: tuple[str, ...], done: Mapping[str, Any]) -> dict[str, Any]:
    results = [done[kpi] for kpi in wanted if kpi in done]
    return {
        "job_name": request.job_name,
        "days": request.days,
        "simulation_id": run,
        "kpis": results,
        "bytes_scanned": sum(r.get("bytes_scanned") or 0 for r in results),
        "written": [path for r in results for path in r["written"]],
    }


def _next(request: SimulateRequest, run: str, wanted: tuple[str, ...], done: Mapping[str, Any]) -> dict[str, Any]:
    if all(kpi in done for kpi in wanted):
        return {"state": "done"}
    onward = request.model_dump(exclude_none=True, mode="json")
    return {"state": "running", "next": {**onward, "simulation_id": run}}
