"""Finds tables in a folder that nobody laid out for us: which files belong together, and under which name.

    orders/day=2024-01-01/a.parquet     a folder with `key=value` folders is a table, partitioned
    cities/paris.csv, cities/rome.csv   a folder of files of one shape is a table
    sales_2024-01.csv, sales_2024-02.csv, customers.csv
                                        files of several shapes are several tables, told apart by their names

It opens footers and first lines, nothing else, and says what it could not make sense of.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from knowledge.errors import QueryError
from tools.lake.base import Problem, TableName
from tools.lake.engine import Engine
from tools.lake.footers import Broken, Footers
from tools.lake.layout import DataFile, Place, file_format, find_places, list_files
from tools.lake.readers import csv_reader

__all__ = ["FoundTable", "find_tables", "visible_folders"]

_NOT_DATA = {"output", "node_modules", "target", "dist", "build", "venv", "env", "site-packages"}
_CODE = {".py", ".sql", ".ipynb", ".md", ".txt", ".toml", ".yaml", ".yml", ".cfg", ".ini", ".sh", ".html", ".lock"}
_OUR_JSON = {"dashboards.json", "kpis.json", "package.json", "tsconfig.json"}
# What makes one file of many: numbers, dates, long hexadecimal ids at the end of a name.
_GENERIC = re.compile(r"(part|data|file|chunk|batch|output|export|run)?([-_. ]*[0-9a-f_-]*)?")
# Folders whose name says nothing about what is in them.
_SAYS_NOTHING = {"data", "files", "exports", "export", "csv", "parquet", "raw", "input", "landing", "tmp", "lake"}
_VARYING = re.compile(r"(?:[-_. ]*(?:\d[\d-]*|[0-9a-f]{8}(?:-?[0-9a-f]{4}){3}-?[0-9a-f]{12}|c\d{3}))+$")

_Shape = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class FoundTable:
    """A table as it lies: `paths` are relative to the folder that was searched, folders, files or patterns."""

    name: TableName
    paths: tuple[str, ...]
    format: str
    files: int
    bytes: int
    partition_keys: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """As `--json` shows it."""
        return {
            "name": str(self.name),
            "paths": list(self.paths),
            "format": self.format,
            "files": self.files,
            "bytes": self.bytes,
            "partition_keys": list(self.partition_keys),
        }


@dataclass
class _Search:
    root: Path
    footers: Footers
    engine: Engine
    tables: list[FoundTable] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def find_tables(root: Path) -> tuple[list[FoundTable], list[Problem]]:
    """Tables below a folder, sorted by name, and what was not understood, with reasons.

    Tables of the usual layout (`tables/<database>/<table>`) keep the names that it gives them.
    """
    engine = Engine(lambda: [root])
    search = _Search(root, Footers(engine), engine)
    for place in find_places(root):
        _add(search, place)
    usual = root / "tables"
    for folder in visible_folders(root, lambda f: "=" not in f.name and f != usual and _managed(f.parent) is None):
        _look(search, folder)
    return sorted(search.tables, key=lambda t: t.name), search.problems


def visible_folders(root: Path, enter: Callable[[Path], bool] = lambda _: True) -> Iterator[Path]:
    """A folder and the folders below it, without hidden ones, environments, build results and our own output."""
    yield root
    for entry in sorted(root.iterdir()):
        hidden = entry.name.startswith((".", "_")) or entry.name in _NOT_DATA
        if entry.is_dir() and not entry.is_symlink() and not hidden and enter(entry):
            yield from visible_folders(entry, enter)


def _look(search: _Search, folder: Path) -> None:
    """One folder: a managed table, a partitioned table, tables of loose files, or none."""
    if kind := _managed(folder):
        why = f"it is a {kind} table: which of its Parquet files count is in its log, which is not read"
        search.problems.append(Problem("table", _told(search, folder), why))
        return
    entries = sorted(e for e in folder.iterdir() if not e.name.startswith(("_", ".")))
    loose = [e for e in entries if e.is_file()]
    data = [f for f in loose if file_format(f)]
    _report_unknown(search, folder, [f for f in loose if f not in data])
    if any(e.is_dir() and "=" in e.name for e in entries):
        _add(search, Place(_name(search, folder.parent, folder.name), folder))
    elif data:
        _add_loose(search, folder, data)


def _add_loose(search: _Search, folder: Path, files: Sequence[Path]) -> None:
    """Files that lie together: parts of the folder's one table, or tables of their own."""
    groups: dict[str, list[Path]] = {}
    for file in files:
        groups.setdefault(_stem(file), []).append(file)
    anonymous = all(_GENERIC.fullmatch(stem) for stem in groups)
    telling = folder != search.root and folder.name.lower() not in _SAYS_NOTHING
    if folder != search.root and (anonymous or (telling and len(groups) > 1 and _same_columns(search, folder, files))):
        _add(search, Place(_name(search, folder.parent, folder.name), folder))
        return
    for stem, group in groups.items():
        patterns = tuple(str(search.root / pattern) for pattern in _patterns(search, folder, stem, group))
        place = Place(_name(search, folder, stem), folder, patterns)
        _add(search, place)


def _same_columns(search: _Search, folder: Path, files: Sequence[Path]) -> bool:
    listed = list_files(Place(TableName("", ""), folder, tuple(map(_escaped, files))))
    shapes = [shape for file in listed if (shape := _shape(search, file)) is not None]
    return len({tuple(name for name, _ in shape) for shape in shapes}) == 1 and len({f.format for f in listed}) == 1


def _patterns(search: _Search, folder: Path, stem: str, group: Sequence[Path]) -> list[str]:
    """The files as one pattern if it says the same, else one by one."""
    endings = {"".join(file.suffixes[-2:] if file.name.endswith(".gz") else file.suffixes[-1:]) for file in group}
    if len(group) > 1 and len(endings) == 1:
        pattern = f"{stem}*{endings.pop()}"
        if sorted(folder.glob(pattern)) == sorted(group):
            return [(folder.relative_to(search.root) / pattern).as_posix()]
    return [_escaped(file.relative_to(search.root)) for file in group]


def _add(search: _Search, place: Place) -> None:
    """Notes a table, unless it is none or none of its files can be read."""
    files = list_files(place)
    told = _told(search, place.base)
    keys = {tuple(key for key, _ in file.values) for file in files}
    formats = {file.format for file in files}
    if len(keys) > 1 or len(formats) > 1:
        what = "files under different partition keys" if len(keys) > 1 else "both CSV and Parquet files"
        search.problems.append(Problem("table", told, f"the folder holds {what}, so it is no one table"))
    elif files and _compare(search, files):
        paths = tuple(_told(search, Path(p)) for p in place.patterns) or (told,)
        size = sum(f.size for f in files)
        name = place.name if place.name not in {t.name for t in search.tables} else _longer(place.name, told)
        search.tables.append(FoundTable(name, paths, formats.pop(), len(files), size, keys.pop()))


def _name(search: _Search, parent: Path, name: str) -> TableName:
    database = parent.name if parent != search.root and parent.is_relative_to(search.root) else "default"
    return TableName(_identifier(database), _identifier(name))


def _longer(name: TableName, told: str) -> TableName:
    """A second table of one name in one database is called by its path."""
    return TableName(name.database, _identifier(f"{told}_{name.table}" if not told.endswith(name.table) else told))


def _compare(search: _Search, files: Sequence[DataFile]) -> bool:
    """Whether any file can be read; notes the broken ones, and how the others differ from the newest."""
    shapes = [(file, shape) for file in files if (shape := _shape(search, file)) is not None]
    if not shapes:
        return False
    newest = dict(shapes[-1][1])
    for file, shape in shapes[:-1]:
        difference = _difference(dict(shape), newest)
        if difference:
            why = f"mixed schemas: {difference} than {shapes[-1][0].path.name}, whose columns are taken for the table's"
            search.problems.append(Problem("file", _told(search, file.path), why))
            break
    return True


def _difference(columns: dict[str, str], newest: dict[str, str]) -> str | None:
    missing = sorted(newest.keys() - columns.keys())
    more = sorted(columns.keys() - newest.keys())
    other = sorted(c for c in columns.keys() & newest.keys() if columns[c] != newest[c])
    parts = [("fewer columns", missing), ("more columns", more), ("other types", other)]
    told = [f"{what} ({', '.join(names)})" for what, names in parts if names]
    return " and ".join(told) or None


def _shape(search: _Search, file: DataFile) -> _Shape | None:
    """A file's columns and types; None, and a note, for one that cannot be read."""
    why: str | None = None
    if file.format == "parquet":
        footer = search.footers.read([file])[file.path]
        if not isinstance(footer, Broken):
            return tuple((name.lower(), dtype) for name, dtype in footer.columns.items())
        why = footer.why
    else:
        try:
            return tuple((name.lower(), dtype) for name, dtype in search.engine.describe(csv_reader([file.path])))
        except QueryError as error:
            why = error.what
    problem = Problem("file", _told(search, file.path), f"it cannot be read: {why}")
    if problem not in search.problems:
        search.problems.append(problem)
    return None


def _report_unknown(search: _Search, folder: Path, files: Iterable[Path]) -> None:
    """Endings that might be data and are not read, one line per folder and ending."""
    endings: dict[str, int] = {}
    for file in files:
        ending = file.suffix.lower()
        if ending not in _CODE and file.name not in _OUR_JSON:
            endings[ending or "no ending"] = endings.get(ending or "no ending", 0) + 1
    for ending, count in sorted(endings.items()):
        what = "1 file" if count == 1 else f"{count} files"
        why = f"{what} with {ending}: only Parquet and CSV are read as tables"
        search.problems.append(Problem("files", _told(search, folder), why))


def _managed(folder: Path) -> str | None:
    if (folder / "_delta_log").is_dir():
        return "Delta Lake"
    if (folder / ".hoodie").is_dir():
        return "Hudi"
    metadata = folder / "metadata"
    return "Iceberg" if metadata.is_dir() and any(metadata.glob("*.metadata.json")) else None


def _stem(file: Path) -> str:
    """A file's name without its ending and without what makes it one of many."""
    name = re.sub(r"\.(csv|tsv|parquet|pq|gz|snappy|zstd)", "", file.name.lower())
    return _VARYING.sub("", name)


def _identifier(name: str) -> str:
    """A name that needs no quotes."""
    plain = re.sub(r"\W+", "_", name.lower()).strip("_")
    return f"t_{plain}" if not plain or plain[0].isdigit() else plain


def _escaped(path: Path) -> str:
    return re.sub(r"([*?\[])", r"[\1]", str(path))


def _told(search: _Search, path: Path) -> str:
    return path.relative_to(search.root).as_posix()
