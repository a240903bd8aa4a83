"""A folder's job scripts as text. They are read and never run; what is in them is not looked at here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from tools.lake.base import JobSource, Problem

__all__ = ["language_of", "read_scripts"]

_LANGUAGES: dict[str, Literal["python", "sql"]] = {".py": "python", ".sql": "sql"}


def read_scripts(
    root: Path, paths: Sequence[str], arguments: Mapping[str, Mapping[str, str]]
) -> tuple[list[JobSource], list[Problem]]:
    """Jobs sorted by name, and the scripts that could not be read.

    A job is called as its file without the ending; where two files would share a name, each is called by its path.

    Args:
        root: the lake; job paths are told from here.
        paths: folders, files or patterns below it.
        arguments: default arguments by job name.
    """
    scripts = sorted({file for path in paths for file in _scripts(root, path)})
    shared = Counter(file.stem for file in scripts)
    jobs: list[JobSource] = []
    problems: list[Problem] = []
    for file in scripts:
        path = _told(root, file)
        name = file.stem if shared[file.stem] == 1 else path.removesuffix(file.suffix)
        try:
            text = file.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            problems.append(Problem(f"job {name}", path, _reason(error)))
            continue
        jobs.append(JobSource(name, path, text, _LANGUAGES[file.suffix.lower()], arguments.get(name, {})))
    return sorted(jobs, key=lambda job: job.name), problems


def language_of(path: str) -> Literal["python", "sql"] | None:
    """What a script is written in, by its name's ending; None when it is no script."""
    name = path.rpartition("/")[2].lower()
    return next((language for ending, language in _LANGUAGES.items() if name.endswith(ending)), None)


def _scripts(root: Path, path: str) -> Iterator[Path]:
    matches = root.glob(path) if any(mark in path for mark in "*?[") else [root / path]
    for match in matches:
        files = match.rglob("*") if match.is_dir() else [match]
        yield from (file for file in files if _is_script(file, root))


def _is_script(file: Path, root: Path) -> bool:
    """A script, and not hidden, generated, or the marker of a Python package."""
    told = file.relative_to(root) if file.is_relative_to(root) else Path(file.name)
    hidden = any(part.startswith((".", "__")) for part in told.parts)
    return file.suffix.lower() in _LANGUAGES and not hidden and file.is_file()


def _told(root: Path, file: Path) -> str:
    return file.relative_to(root).as_posix() if file.is_relative_to(root) else file.as_posix()


def _reason(error: OSError | UnicodeDecodeError) -> str:
    return "it is not UTF-8 text" if isinstance(error, UnicodeDecodeError) else str(error.strerror)
