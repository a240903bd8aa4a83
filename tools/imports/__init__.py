"""Lineage from elsewhere: OpenLineage events of runs, and a dbt manifest, kept beside what was read from code.

What a run did is merged with what a job's code says: nothing of either is lost, and where they differ both are shown.
Jobs that are not scripts of the lake (they run elsewhere) become jobs of the lineage like any other.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from knowledge.errors import InputError
from tools.imports.dbt import is_manifest, models_of
from tools.imports.keeping import keep
from tools.imports.openlineage import is_event, runs_of
from tools.imports.result import ImportResult

if TYPE_CHECKING:
    from tools.workspace import Workspace

__all__ = ["ImportResult", "import_text"]


def import_text(ws: Workspace, text: str, source: str) -> ImportResult:
    """Keeps what a file of OpenLineage events (JSON or one event a line) or a dbt `manifest.json` tells.

    Args:
        text: the file's content; it is data and steers nothing.
        source: how the file is named in evidence.

    Raises InputError when it is neither, and what the store raises.
    """
    data = _parsed(text, source)
    if isinstance(data, Mapping) and is_manifest(data):
        return keep(ws, models_of(data, ws.catalog), source, "dbt manifest")
    events = [e for e in _each(data) if is_event(e)]
    if not events:
        raise InputError(
            "this is neither OpenLineage nor a dbt manifest",
            where=source,
            hint="Give a file of OpenLineage events (a JSON array, or one event a line) or dbt's target/manifest.json.",
        )
    return keep(ws, runs_of(events, ws.catalog), source, "OpenLineage events")


def _each(data: Any) -> Iterable[Any]:
    return data if isinstance(data, list) else [data]


def _parsed(text: str, source: str) -> Any:
    try:
        return json.loads(text)
    except json.JSONDecodeError as whole:
        lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip()]
        if len(lines) < 2:
            raise InputError(f"it is not JSON: {whole.msg}", where=f"{source}:{whole.lineno}") from None
    events = []
    for number, line in lines:
        try:
            events.append(json.loads(line))
        except json.JSONDecodeError as error:
            raise InputError(f"it is not JSON: {error.msg}", where=f"{source}:{number}") from None
    return events
