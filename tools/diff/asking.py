"""A comparison as it is asked for: which two versions of which job are meant, and where they are.

A version is a script that is given, the job as it is in the lake, its last snapshot, or a revision in git. Job code is
only read.
"""

from __future__ import annotations

import subprocess
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from knowledge.errors import InputError, NotFound, ReadError
from tools.diff.compare import Version, diff
from tools.diff.facts import Facts
from tools.diff.result import JobDiff
from tools.jobs import JobReading, read_job
from tools.snapshots import last_snapshot
from tools.workspace import imports_for

if TYPE_CHECKING:
    from tools.workspace import Workspace

__all__ = ["check_revision", "diff_job", "diff_texts", "facts_of_lake", "git_text"]

_GIT_SECONDS = 20


def diff_job(ws: Workspace, job: str, *, base: str | None = None, new_text: str | None = None) -> JobDiff:
    """What a job's logic changed.

    Args:
        base: a git revision to compare with; its last snapshot if not given, else the last commit.
        new_text: the edited script; the job as it is in the lake if not given. Then, without a base, it is compared
            with the job in the lake.

    Raises:
        NotFound, Ambiguous: no such job, or no such revision.
        InputError: there is no earlier version to compare with.
    """
    name = ws.assets.find(job, ["job"]).name
    source = ws.jobs.get(name)
    if source is None:
        raise InputError(f"{name} runs elsewhere: there is no script of it here to compare")
    current = Version(ws.readings[name], source.text)
    new = current if new_text is None else Version(_read(ws, name, new_text), new_text)
    if base is not None:
        text = _at(ws, name, source.path, base)
        old = Version(_read(ws, name, text, f"{base}:{source.path}"), text)
    elif new_text is not None:
        old = current
    else:
        old = _earlier(ws, name, source.path)
    return diff(old, new, facts_of_lake(ws))


def diff_texts(ws: Workspace, old: tuple[str, str], new: tuple[str, str]) -> JobDiff:
    """Two scripts compared, each a name (whose ending says its language) and a text, over the lake's tables."""
    versions = [
        Version(read_job(text, name=PurePosixPath(file).stem, file=file, catalog=ws.catalog), text)
        for file, text in (old, new)
    ]
    return diff(versions[0], versions[1], facts_of_lake(ws))


def facts_of_lake(ws: Workspace) -> Facts:
    """What the catalog promises of columns: those that cannot be NULL."""
    found = {}
    for name in map(str, ws.lake.tables()):
        if ws.catalog.columns(name) is not None:
            columns = ws.lake.table(name).columns
            found[name] = frozenset(c.name.lower() for c in columns if c.nullable is False)
    return Facts(found)


def _read(ws: Workspace, name: str, text: str, file: str | None = None) -> JobReading:
    source = ws.jobs[name]
    return read_job(
        text,
        name=name,
        file=file or source.path,
        language=source.language,
        catalog=ws.catalog,
        arguments=source.arguments,
        imports=imports_for(source, ws),
    )


def _earlier(ws: Workspace, name: str, path: str) -> Version:
    kept = last_snapshot(ws, name)
    if kept is not None:
        return Version(kept.reading, kept.source)
    try:
        text = git_text(_file(ws, path), "HEAD")
    except (InputError, NotFound):
        raise InputError(
            f"there is no earlier version of {name} to compare with",
            hint="Keep one with `de-copilot snapshot`, or give another script or a git revision.",
        ) from None
    return Version(_read(ws, name, text, f"HEAD:{path}"), text)


def _at(ws: Workspace, name: str, path: str, base: str) -> str:
    try:
        return git_text(_file(ws, path), base)
    except NotFound:
        raise
    except InputError as error:
        what = f"{name} cannot be compared with {base}: its folder is not in a git repository"
        raise InputError(what, where=path, hint=error.hint) from None


def _file(ws: Workspace, path: str) -> Path:
    return ws.settings.lake / path


def git_text(file: Path, revision: str) -> str:
    """A file as it is in a revision of the git repository that it lies in.

    Raises:
        InputError: it lies in no repository, or git is not installed.
        NotFound: the revision or the file in it is not there.
    """
    folder = file.parent
    check_revision(folder, revision)
    text = _git(folder, "show", f"{revision}:./{file.name}")
    if text is None:
        raise NotFound("file in git", f"{revision}:{file.name}")
    return text


def check_revision(folder: Path, revision: str) -> None:
    """Nothing, where a folder lies in a git repository that has this revision.

    Raises InputError where it does not, NotFound for a revision that is not there.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder of this machine", hint="Give the other version as a file.")
    inside = _git(folder, "rev-parse", "--is-inside-work-tree")
    if inside is None or inside.strip() != "true":
        raise InputError(f"{folder} is not in a git repository", hint="Give the other version as a file.")
    known = not revision.startswith("-") and _git(folder, "rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}")
    if not known:
        raise NotFound("git revision", revision)


def _git(folder: Path, *arguments: str) -> str | None:
    """What git says; None when it refuses. Hooks and pagers are not run by these commands."""
    try:
        done = subprocess.run(
            ["git", "-C", str(folder), *arguments],
            capture_output=True,
            timeout=_GIT_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise InputError("git is not installed", hint="Give the other version as a file.") from None
    except subprocess.TimeoutExpired:
        raise ReadError("git did not answer in time", where=str(folder)) from None
    return done.stdout.decode("utf-8", "replace") if done.returncode == 0 else None
