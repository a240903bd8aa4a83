"""Remembers readings: a job is read again only when its text, its arguments, or an answer of the catalog has changed.

While a job is read, the catalog's answers are noted; a remembered reading counts as long as the catalog still answers
the same. That holds for what-ifs too: a job that never asks about the changed table is not read again.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field

from tools.jobs.read import Language, code_hash, read_job
from tools.jobs.reading import JobReading
from tools.plan.catalog import Catalog, Columns

__all__ = ["ReadingCache"]

_PER_JOB = 4  # as it is, and a few what-ifs


@dataclass
class _Noting:
    """A catalog that notes what it was asked."""

    base: Catalog
    columns_asked: dict[str, Columns | None] = field(default_factory=dict)
    names_asked: dict[str, str] = field(default_factory=dict)

    def columns(self, name: str) -> Columns | None:
        """See `Catalog`."""
        answer = self.base.columns(name)
        self.columns_asked[name] = answer
        return answer

    def canonical(self, name: str) -> str:
        """See `Catalog`."""
        answer = self.base.canonical(name)
        self.names_asked[name] = answer
        return answer

    def still_true(self, catalog: Catalog) -> bool:
        """Whether another catalog gives the same answers."""
        return all(catalog.canonical(n) == a for n, a in self.names_asked.items()) and all(
            _same(catalog.columns(n), a) for n, a in self.columns_asked.items()
        )


def _same(left: Columns | None, right: Columns | None) -> bool:
    if left is None or right is None:
        return left is right
    return left is right or list(left) == list(right)


class ReadingCache:
    """Readings by job text. Safe to share between threads."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], list[tuple[_Noting, JobReading]]] = {}
        self._lock = threading.Lock()

    def read(
        self,
        text: str,
        *,
        name: str,
        file: str,
        language: Language | None,
        catalog: Catalog,
        arguments: Mapping[str, str] | None = None,
        imports: Mapping[str, str] | None = None,
    ) -> JobReading:
        """As `read_job`, from memory when nothing that the reading rests on has changed."""
        modules = "".join(f"{k}\0{v}\0" for k, v in sorted((imports or {}).items()))
        key = (file, code_hash(text, arguments), code_hash(modules))
        with self._lock:
            entries = list(self._known.get(key, ()))
        for noted, reading in entries:
            if noted.still_true(catalog):
                return reading
        noting = _Noting(catalog)
        reading = read_job(
            text, name=name, file=file, language=language, catalog=noting, arguments=arguments, imports=imports
        )
        with self._lock:
            self._known[key] = [(noting, reading), *entries][:_PER_JOB]
        return reading
