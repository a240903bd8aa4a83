"""Makes a lake of any folder: finds its tables and jobs, says what it understood and what not, writes copilot.toml.

It looks at names, footers, first lines and the words in scripts; it runs nothing and changes no file but copilot.toml.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from knowledge.errors import InputError, NotFound
from tools.lake.base import Problem
from tools.lake.discovery import FoundTable, find_tables, visible_folders
from tools.lake.files import write_whole
from tools.result import counted, listed
from tools.settings import CONFIG_FILE

__all__ = ["Discovery", "discover", "write_config"]

_SPARK_OR_GLUE = re.compile(
    r"\b(pyspark|awsglue|awswrangler|pyathena|SparkSession|GlueContext|spark\.(sql|table|read))\b"
)
_DOCUMENTS = ("dashboards.json", "kpis.json")


@dataclass(frozen=True, slots=True)
class Discovery:
    """What a folder holds, as far as it was understood.

    Attributes:
        jobs: scripts that are jobs, relative to `root`.
        documents: which of dashboards.json and kpis.json there are.
        problems: what was not understood, and why.
    """

    root: Path
    tables: tuple[FoundTable, ...]
    jobs: tuple[str, ...]
    documents: tuple[str, ...]
    problems: tuple[Problem, ...]

    @property
    def kind(self) -> str:
        """See `tools.result.Result`."""
        return "discovery"

    @property
    def default_database(self) -> str | None:
        """The database with the most tables; of several with as many the first by name."""
        counts = Counter(t.name.database for t in self.tables)
        return min(counts, key=lambda name: (-counts[name], name)) if counts else None

    def text(self) -> str:
        """Everything found and everything not understood."""
        found = [counted(len(self.tables), "table"), counted(len(self.jobs), "job script")]
        lines = [f"Found {' and '.join(found)} in {self.root}."]
        lines += self._section("Tables", [_table_line(t) for t in self.tables])
        lines += self._section("Jobs", list(self.jobs))
        lines += self._section("Also", [f"{name} is read as it is" for name in self.documents])
        missing = [name for name in _DOCUMENTS if name not in self.documents]
        lines += self._section("Not there", [f"{name} (optional): {_WHY[name]}" for name in missing])
        lines += self._section("Not understood", [f"{p.where}: {p.why}" for p in self.problems])
        return "\n".join(lines)

    def _section(self, title: str, lines: Sequence[str]) -> list[str]:
        return ["", f"{title}:", *(f"- {line}" for line in lines)] if lines else []

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "root": str(self.root),
            "default_database": self.default_database,
            "tables": [t.to_dict() for t in self.tables],
            "jobs": list(self.jobs),
            "documents": list(self.documents),
            "problems": [p.to_dict() for p in self.problems],
        }


_WHY = {
    "dashboards.json": "without it no dashboard can be told to break",
    "kpis.json": "without it no KPI can be simulated",
}


def discover(root: Path) -> Discovery:
    """Looks through a folder.

    Raises:
        NotFound: there is no such folder.
    """
    if not root.is_dir():
        raise NotFound("Folder", str(root))
    root = root.absolute()
    tables, table_problems = find_tables(root)
    jobs, job_problems = _find_jobs(root)
    documents = tuple(name for name in _DOCUMENTS if (root / name).is_file())
    strays = tuple(_stray_documents(root))
    return Discovery(root, tuple(tables), tuple(jobs), documents, (*table_problems, *job_problems, *strays))


def write_config(discovery: Discovery, *, force: bool = False) -> Path:
    """Writes copilot.toml into the folder, whole, and returns where it is.

    Args:
        force: replace a file that is there.

    Raises:
        InputError: the file is there already and `force` is not set, or it cannot be written.
    """
    file = discovery.root / CONFIG_FILE
    if file.exists() and not force:
        raise InputError(f"{file} is there already", hint="Use --force to replace it.")
    try:
        write_whole(file, _toml(discovery))
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror}") from error
    return file


def _toml(discovery: Discovery) -> str:
    """The file as a person would write it: only what the usual layout does not say by itself."""
    lines = [
        "# What DE Copilot knows of this folder. Made by `de-copilot init`; yours to edit.",
        "# Paths count from here. A table is a folder, a file or a pattern; so is a place of jobs.",
        "",
        'backend = "local"',
        'lake = "."',
    ]
    if discovery.default_database:
        lines.append(f"default_database = {_quoted(discovery.default_database)}")
    own = [t for t in discovery.tables if not _is_usual(t)]
    if own:
        keys = [_key(t, discovery.default_database) for t in own]
        width = max(map(len, keys))
        lines += ["", "[tables]", *(f"{k:<{width}} = {_value(t.paths)}" for k, t in zip(keys, own, strict=True))]
    lines += ["", "[jobs]", f"paths = {_list(_job_paths(discovery))}", ""]
    return "\n".join(lines)


def _is_usual(table: FoundTable) -> bool:
    path = table.paths[0].lower()
    stem = f"tables/{table.name.database}/{table.name.table}"
    return path == stem or path.startswith(f"{stem}.")


def _key(table: FoundTable, default_database: str | None) -> str:
    return table.name.table if table.name.database == default_database else _quoted(str(table.name))


def _value(paths: Sequence[str]) -> str:
    return _quoted(paths[0]) if len(paths) == 1 else _list(paths)


def _list(values: Sequence[str]) -> str:
    return f"[{', '.join(map(_quoted, values))}]"


def _quoted(text: str) -> str:
    """TOML's basic strings are written as JSON's."""
    return json.dumps(text, ensure_ascii=False)


def _job_paths(discovery: Discovery) -> list[str]:
    """Folders in which every script is a job, else the scripts one by one."""
    jobs = set(discovery.jobs)
    paths: set[str] = set()
    for job in discovery.jobs:
        folder = Path(job).parent
        below = (discovery.root / folder).rglob("*")
        scripts = {_told(discovery.root, f) for f in below if f.suffix in (".py", ".sql") and f.name != "__init__.py"}
        paths.add(folder.as_posix() if folder != Path() and scripts <= jobs else job)
    nested = {p for p in paths if any(str(parent) in paths for parent in Path(p).parents)}
    return sorted(paths - nested) or ["jobs"]


def _find_jobs(root: Path) -> tuple[list[str], list[Problem]]:
    """SQL scripts, and Python scripts that speak of Spark, Glue, Athena; other Python is noted in one line."""
    jobs: list[str] = []
    problems: list[Problem] = []
    others: list[str] = []
    for script in _scripts(root):
        told = _told(root, script)
        try:
            text = script.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError):
            problems.append(Problem("job", told, "it is not UTF-8 text"))
            continue
        if script.suffix == ".sql" or _SPARK_OR_GLUE.search(text):
            jobs.append(told)
        elif script.name != "__init__.py":
            others.append(told)
    if others:
        are = "it is" if len(others) == 1 else "they are"
        why = f"no mention of Spark, Glue or awswrangler, so {are} taken for no job"
        problems.append(Problem("scripts", listed(others, code=False), why))
    return sorted(jobs), problems


def _scripts(root: Path) -> Iterator[Path]:
    for folder in visible_folders(root, lambda f: "=" not in f.name):
        yield from sorted(f for f in folder.iterdir() if f.suffix in (".py", ".sql") and not f.name.startswith("."))


def _stray_documents(root: Path) -> Iterator[Problem]:
    for folder in visible_folders(root, lambda f: "=" not in f.name):
        for name in _DOCUMENTS:
            if folder != root and (folder / name).is_file():
                yield Problem("file", _told(root, folder / name), f"{name} is read from the top folder only: move it")


def _table_line(table: FoundTable) -> str:
    keys = f", partitioned by {', '.join(table.partition_keys)}" if table.partition_keys else ""
    return f"{table.name}: {counted(table.files, f'{table.format} file')}{keys} ({', '.join(table.paths)})"


def _told(root: Path, path: Path) -> str:
    return path.relative_to(root).as_posix()
