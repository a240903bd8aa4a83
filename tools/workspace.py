"""What one run works on: settings, the lake, the record store, and what has been read of them.

This is the composition root: the only place that decides which lake and which store stand behind the protocols. Rooms
get a `Workspace` (or a part of it) as an argument and never look for one.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from knowledge.errors import CopilotError
from knowledge.store import RecordStore, open_store
from tools.consumers import Consumer, load_consumers
from tools.imports.runs import Kept, kept_imports
from tools.jobs import JobReading
from tools.jobs.cache import ReadingCache
from tools.lake.base import JobSource, Lake, Problem, Table
from tools.locations import Locations, stated_locations
from tools.plan.catalog import Columns, is_path
from tools.settings import Settings

if TYPE_CHECKING:
    from knowledge.documents import Index as DocumentIndex
    from knowledge.embeddings import Embedder
    from tools.assets import Assets
    from tools.lineage import Graphs

__all__ = ["LakeCatalog", "Workspace", "open_workspace"]


class LakeCatalog:
    """The lake's tables, as job readers ask about them. A table that cannot be read is a problem and has no columns."""

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._columns: dict[str, Columns | None] = {}
        self.problems: list[Problem] = []

    @cached_property
    def _names(self) -> dict[str, list[str]]:
        names: dict[str, list[str]] = {}
        for table in self._lake.tables():
            names.setdefault(table.table, []).append(str(table))
        return names

    @cached_property
    def locations(self) -> Locations:
        """Tables by where their files are."""
        known = {}
        for name in self._lake.tables():
            try:
                location = self._lake.table(str(name)).location
            except CopilotError:
                continue  # it is reported when its columns are asked for
            if location:
                known[location] = str(name)
        return Locations(known)

    def columns(self, name: str) -> Columns | None:
        """See `tools.plan.catalog.Catalog`."""
        if is_path(name) or name not in self._names.get(name.rpartition(".")[2], ()):
            return None
        if name not in self._columns:
            self._columns[name] = self._read(name)
        return self._columns[name]

    def _read(self, name: str) -> Columns | None:
        try:
            return [(c.name, c.type) for c in self._lake.table(name).columns]
        except CopilotError as error:
            self.problems.append(Problem("table", name, error.message))
            return None

    def canonical(self, name: str) -> str:
        """See `tools.plan.catalog.Catalog`."""
        if is_path(name):
            return self.locations.table_at(name, self._names) or name
        parts = name.lower().split(".")
        candidates = self._names.get(parts[-1], [])
        if len(parts) > 1:
            tail = ".".join(parts[-2:])
            return tail if tail in candidates else ".".join(parts)
        home = f"{self._lake.default_database}.{parts[-1]}"
        if home in candidates or len(candidates) != 1:
            return home
        return candidates[0]


@dataclass
class Workspace:
    """One lake with everything known about it. Safe to share between threads that only read."""

    settings: Settings
    lake: Lake
    store: RecordStore
    cache: ReadingCache = field(default_factory=ReadingCache, repr=False)
    added: Mapping[str, JobSource] = field(default_factory=dict, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    @cached_property
    def catalog(self) -> LakeCatalog:
        """The lake's tables for job readers."""
        return LakeCatalog(self.lake)

    @cached_property
    def imported(self) -> Kept:
        """What was imported: runs of jobs, models with their text, dashboards. A store that fails has nothing to say."""
        scripts = {j.name: j for j in self.lake.jobs()}
        try:
            return kept_imports([*self.store.list("JOB"), *self.store.list("DASHBOARD")], scripts)
        except CopilotError as error:
            self.catalog.problems.append(Problem("records", error.where or "the record store", error.message))
            return kept_imports((), scripts)

    @cached_property
    def jobs(self) -> Mapping[str, JobSource]:
        """Job scripts by name, imported ones after those of the lake."""
        return {**{j.name: j for j in self.lake.jobs()}, **self.imported.sources, **self.added}

    def with_job(self, name: str, path: str, text: str) -> Workspace:
        """The same lake as if this script were in it, in place of the job of that name if there is one."""
        source = JobSource(name, path, text, "sql" if path.endswith(".sql") else "python")
        return replace(self, added={**self.added, name: source}, _lock=threading.RLock())

    def with_table(self, table: Table) -> Workspace:
        """The same lake as if this were the schema of the table of that name."""
        from tools.lake.earlier import EarlierLake

        return replace(self, lake=EarlierLake(self.lake, table), _lock=threading.RLock())

    @cached_property
    def readings(self) -> Mapping[str, JobReading]:
        """Every job, read over the catalog as it is."""
        with self._lock:
            readings = {name: read_source(source, self) for name, source in self.jobs.items()}
            stated = stated_locations(readings.values())
            if stated and self.catalog.locations.learn(stated):
                # Jobs that name one of these paths are read again; the others come from memory.
                readings = {name: read_source(source, self) for name, source in self.jobs.items()}
            return self.imported.merged(readings) if self.imported.runs else readings

    @cached_property
    def _loaded_consumers(self) -> tuple[list[Consumer], list[Problem]]:
        consumers, problems = load_consumers(self.lake, self.catalog)
        stated = {c.name for c in consumers}
        extra = [
            Consumer("dashboard", record.name, str(record.extra["imported_from"]), record, self.catalog)
            for record in self.imported.dashboards
            if record.name not in stated
        ]
        return [*consumers, *extra], problems

    @property
    def consumers(self) -> list[Consumer]:
        """Dashboards and KPIs, in the order of their files."""
        return self._loaded_consumers[0]

    @cached_property
    def graph(self) -> Graphs:
        """Lineage of everything that was read."""
        from tools.lineage import build_graph

        with self._lock:
            return build_graph(self)

    @cached_property
    def documents(self) -> DocumentIndex:
        """The index of past documents: a team's server when one is set, else a folder beside the records."""
        from knowledge.documents import EmbeddedIndex, ServedIndex

        server = self.settings.documents.server
        embedder = self._embedder()
        digest = hashlib.sha256(self.settings.place.encode()).hexdigest()[:16]
        if server:
            return ServedIndex(server, f"de-copilot-{digest}", embedder)
        folder = self.settings.lake / ".de-copilot" / "documents"
        return EmbeddedIndex(folder / digest if self.settings.backend == "aws" else folder, embedder)

    def _embedder(self) -> Embedder:
        provider, _, model = self.settings.documents.embeddings.partition(":")
        if provider == "bedrock":
            from knowledge.titan import Titan

            return Titan(model, region=self.settings.bedrock.region)
        from knowledge.embeddings import bundled

        return bundled()

    @cached_property
    def assets(self) -> Assets:
        """All names that a question can be about."""
        from tools.assets import Assets

        with self._lock:
            return Assets.of(self)

    def problems(self) -> list[Problem]:
        """Everything in the lake that could not be used, jobs that cannot be read included."""
        unread = [
            Problem("job", str(u.span or r.file), u.reason)
            for r in self.readings.values()
            if not r.readable
            for u in r.unknowns
        ]
        found = [*self.lake.problems(), *self.catalog.problems, *self._loaded_consumers[1], *unread]
        return list(dict.fromkeys(found))

    def refresh(self) -> None:
        """Forgets what was read, so that the next question sees files as they are now."""
        with self._lock:
            self.lake.forget()
            for name in ("catalog", "imported", "jobs", "readings", "_loaded_consumers", "graph", "assets"):
                self.__dict__.pop(name, None)


def read_source(source: JobSource, ws: Workspace) -> JobReading:
    """Reads one job of the workspace over its catalog."""
    return ws.cache.read(
        source.text,
        name=source.name,
        file=source.path,
        language=source.language,
        catalog=ws.catalog,
        arguments=source.arguments,
        imports=imports_for(source, ws),
    )


def imports_for(source: JobSource, ws: Workspace) -> dict[str, str]:
    """The other Python scripts of the lake, by module name: jobs import each other's helpers."""
    if source.language != "python":
        return {}
    return {name: other.text for name, other in ws.jobs.items() if other.language == "python" and name != source.name}


def open_workspace(settings: Settings) -> Workspace:
    """Opens the lake that the settings name.

    Raises:
        NotFound: there is no such folder.
        ConfigError: the lake on AWS has no home, or the record store is not known.
    """
    kept = settings.records
    if settings.backend == "aws":
        from tools.lake.aws import open_lake as open_account

        home = f"{str(settings.aws.home).rstrip('/')}/.de-copilot/records"
        lake: Lake = open_account(settings)
        return Workspace(settings, lake, open_store(kept.store or home, beside=settings.lake, spill=kept.spill))
    from tools.lake.local import open_lake

    store = open_store(kept.store or "sqlite", beside=Path(settings.lake), spill=kept.spill)
    return Workspace(settings, open_lake(settings), store)
