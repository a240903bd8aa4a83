"""Which files make which table in a folder: the usual layout and what copilot.toml says besides.

    tables/<database>/<table>/[part=value/]*.parquet|*.csv      found by themselves
    [tables] name = "folder", "file" or "pattern/*.csv"         stated

It lists names and sizes; it opens nothing but files without an ending, for four bytes. It knows no engine.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal
from urllib.parse import unquote

from knowledge.errors import ReadError
from tools.lake.base import TableName

__all__ = [
    "DataFile",
    "Format",
    "Place",
    "declared_place",
    "find_places",
    "list_files",
    "table_format",
]

Format = Literal["parquet", "csv"]

_ENDINGS: dict[str, Format] = {
    ".parquet": "parquet",
    ".pq": "parquet",
    ".csv": "csv",
    ".tsv": "csv",
    ".csv.gz": "csv",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a table's files are: below `base` (a folder or one file), those that match a pattern if there are any."""

    name: TableName
    base: Path
    patterns: tuple[str, ...] = ()

    @property
    def settings_file(self) -> Path:
        """Where a person or a generator describes the table."""
        return self.base / "_table.json"


@dataclass(frozen=True, slots=True)
class DataFile:
    """One file of a table. `values` are its partition's keys and values as the path spells them."""

    path: Path
    size: int
    mtime_ns: int
    values: tuple[tuple[str, str], ...]
    format: Format

    @property
    def version(self) -> tuple[str, int, int]:
        """Changes when the file does."""
        return str(self.path), self.size, self.mtime_ns


def find_places(root: Path) -> Iterator[Place]:
    """The tables of the usual layout, by looking at two levels of folders only."""
    for database in _entries(root / "tables"):
        if not database.is_dir():
            continue
        for entry in _entries(Path(database.path)):
            path = Path(entry.path)
            if entry.is_dir() or file_format(path):
                name = entry.name if entry.is_dir() else _stem(path)
                yield Place(TableName(database.name.lower(), name.lower()), path)


def declared_place(root: Path, name: TableName, patterns: Sequence[str]) -> Place:
    """A table as `[tables]` states it: folders, files or patterns relative to the lake."""
    first = root / patterns[0]
    if len(patterns) == 1 and not _is_pattern(patterns[0]):
        return Place(name, first)
    fixed = [_fixed_part(root / p) for p in patterns]
    return Place(name, Path(os.path.commonpath(fixed)), tuple(str(root / p) for p in patterns))


def list_files(place: Place) -> tuple[DataFile, ...]:
    """The data files of a table, by path. Names that begin with `_` or `.` are not data, as for Athena.

    Raises:
        ReadError: the place cannot be listed.
    """
    try:
        return tuple(sorted(_files(place), key=lambda f: str(f.path)))
    except OSError as error:
        raise ReadError(f"Table {place.name} cannot be listed: {error.strerror}", where=str(place.base)) from error


def table_format(place: Place, files: Sequence[DataFile]) -> Format:
    """The one format of a table's files; Parquet when there are none.

    Raises:
        ReadError: the files are of two kinds.
    """
    formats = {f.format for f in files}
    if len(formats) > 1:
        raise ReadError(
            f"Table {place.name} mixes {' and '.join(sorted(formats))} files",
            where=str(place.base),
            hint="Keep one format in a table's folder, or name the files under [tables] in copilot.toml.",
        )
    return formats.pop() if formats else "parquet"


def file_format(path: Path) -> Format | None:
    """What a file holds by its ending; a file without one is looked at (Athena writes such Parquet files)."""
    name = path.name.lower()
    for ending, kind in _ENDINGS.items():
        if name.endswith(ending):
            return kind
    return _magic(path) if "." not in name else None


def partition_values(base: Path, path: Path) -> tuple[tuple[str, str], ...]:
    """Keys (lower case) and values of the `key=value` folders between a table's folder and a file."""
    if path == base:
        return ()
    pairs = (part.partition("=") for part in path.relative_to(base).parts[:-1] if "=" in part)
    return tuple((unquote(key).lower(), unquote(value)) for key, _, value in pairs)


def _files(place: Place) -> Iterator[DataFile]:
    seen: set[Path] = set()
    for path in _candidates(place):
        kind = file_format(path)
        if kind and path not in seen:
            seen.add(path)
            stat = path.stat()
            yield DataFile(path, stat.st_size, stat.st_mtime_ns, partition_values(place.base, path), kind)


def _candidates(place: Place) -> Iterator[Path]:
    if not place.patterns:
        yield from _below(place.base)
        return
    for pattern in place.patterns:
        anchor = _fixed_part(Path(pattern))
        rest = os.path.relpath(pattern, anchor)
        for match in sorted(anchor.glob(rest)) if rest != "." else [anchor]:
            yield from _below(match)


def _below(path: Path) -> Iterator[Path]:
    """A file itself, or every file under a folder. Links inside are not followed: they may lead in a circle."""
    if path.is_file():
        yield path
        return
    for entry in _entries(path):
        if entry.is_dir(follow_symlinks=False):
            yield from _below(Path(entry.path))
        elif entry.is_file():
            yield Path(entry.path)


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return sorted((e for e in entries if not e.name.startswith(("_", "."))), key=lambda e: e.name)


def _fixed_part(pattern: Path) -> Path:
    """The folders of a pattern before its first wildcard."""
    parts = pattern.parts
    count = next((i for i, part in enumerate(parts) if _is_pattern(part)), len(parts))
    fixed = Path(*parts[:count])
    return fixed.parent if count == len(parts) and fixed.is_file() else fixed


def _is_pattern(text: str) -> bool:
    return any(mark in text for mark in "*?[")


def _stem(path: Path) -> str:
    name = path.name.lower()
    return next((name.removesuffix(e) for e in sorted(_ENDINGS, key=len, reverse=True) if name.endswith(e)), name)


@lru_cache(maxsize=4096)
def _magic(path: Path) -> Format | None:
    try:
        with path.open("rb") as file:
            return "parquet" if file.read(4) == b"PAR1" else None
    except OSError:
        return None


def group_by_partition(files: Sequence[DataFile]) -> Mapping[tuple[tuple[str, str], ...], list[DataFile]]:
    """Files by their partition's values."""
    groups: dict[tuple[tuple[str, str], ...], list[DataFile]] = {}
    for file in files:
        groups.setdefault(file.values, []).append(file)
    return groups
