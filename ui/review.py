"""The review of a pull request: what changed in each job and table, what that breaks, how grave it is, and what to test.

It finds changed job scripts and `_table.json` files in a git checkout and compares each with what it was at the base, by
meaning. One comment for people (Markdown), or JSON; the exit code tells a pipeline whether the gravest finding reaches a threshold.
"""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from knowledge.errors import CopilotError
from tools.diff import JobDiff
from tools.diff.asking import check_revision, git_text
from tools.guardian import guard
from tools.impact import ImpactItem
from tools.lake.base import TableName
from tools.result import Evidence, counted, listed

if TYPE_CHECKING:
    from tools.workspace import Workspace

__all__ = ["SEVERITIES", "JobReview", "Review", "TableReview", "review"]

SEVERITIES = ("none", "low", "medium", "high")
_MARKS = {"high": "🔴", "medium": "🟠", "low": "🟡", "none": "⚪"}
_MOST = 12


@dataclass(frozen=True)
class JobReview:
    """One changed job.

    Attributes:
        state: changed, added, removed, or unreadable.
        reached: what its change reaches, gravest first: (kind, name, verdict, reason).
    """

    job: str
    path: str
    state: str
    severity: str
    diff: JobDiff | None = None
    reached: tuple[tuple[str, str, str, str], ...] = ()
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As `--format json` shows it."""
        return {
            "job": self.job,
            "path": self.path,
            "state": self.state,
            "severity": self.severity,
            "diff": self.diff.to_dict() if self.diff else None,
            "reached": [dict(zip(("kind", "name", "verdict", "reason"), r, strict=True)) for r in self.reached],
            "kpis": [n for k, n, *_ in self.reached if k == "kpi"],
            "note": self.note or None,
        }


@dataclass(frozen=True)
class TableReview:
    """One table whose `_table.json` changed. `changes` are those of its columns, in words; the rest as for a job."""

    table: str
    path: str
    state: str
    severity: str
    changes: tuple[str, ...] = ()
    reached: tuple[tuple[str, str, str, str], ...] = ()
    note: str = ""

    def to_dict(self) -> dict[str, Any]:
        """As `--format json` shows it."""
        return {
            "table": self.table,
            "path": self.path,
            "state": self.state,
            "severity": self.severity,
            "changes": list(self.changes),
            "reached": [dict(zip(("kind", "name", "verdict", "reason"), r, strict=True)) for r in self.reached],
            "note": self.note or None,
        }


@dataclass(frozen=True)
class Review:
    """The review of all changed jobs and tables, the gravest first."""

    kind = "review"
    base: str
    jobs: tuple[JobReview, ...]
    unknowns: tuple[str, ...] = field(default=())
    tables: tuple[TableReview, ...] = ()

    @property
    def severity(self) -> str:
        """The gravest of all."""
        found = [*(j.severity for j in self.jobs), *(t.severity for t in self.tables)]
        return max(found, key=SEVERITIES.index, default="none")

    @property
    def evidence(self) -> Sequence[Evidence]:
        """The lines of every change."""
        return tuple(e for j in self.jobs if j.diff for e in j.diff.evidence)

    def reaches(self, threshold: str) -> bool:
        """Whether the gravest finding is at least that grave."""
        return SEVERITIES.index(self.severity) >= SEVERITIES.index(threshold)

    def to_dict(self) -> dict[str, Any]:
        """As `--format json` shows it."""
        return {
            "base": self.base,
            "severity": self.severity,
            "jobs": [j.to_dict() for j in self.jobs],
            "tables": [t.to_dict() for t in self.tables],
            "unknowns": list(self.unknowns),
        }

    def text(self) -> str:
        """One comment in Markdown."""
        several = ((len(self.jobs), "job"), (len(self.tables), "table"))
        changed = " and ".join(counted(n, what) for n, what in several if n)
        if not changed:
            return f"### DE Copilot: no job and no table changed against `{self.base}`"
        parts = [f"### {_MARKS[self.severity]} DE Copilot: {changed} changed, severity **{self.severity}**"]
        parts += map(_table_section, self.tables)
        parts += map(_section, self.jobs)
        if self.unknowns:
            parts.append("**Not known**\n" + "\n".join(f"- {u}" for u in self.unknowns))
        parts.append(f"<sub>Compared with `{self.base}` by meaning; job code is read, never run.</sub>")
        return "\n\n".join(parts)


def review(ws: Workspace, base: str, *, checkout: Path | None = None) -> Review:
    """Reviews the jobs of a lake's folder that differ from a git revision.

    Raises:
        InputError: the lake is in no git repository.
        NotFound: no such revision.
    """
    root = checkout or ws.settings.lake
    changed, removed = _changed_files(root, base)
    by_path = {(ws.settings.lake / s.path).resolve(): n for n, s in ws.jobs.items()}
    found = [_reviewed(ws, by_path[path], base) for path in changed if path in by_path]
    found += [_removed(ws, path, base) for path in removed if _is_script(ws, path)]
    found.sort(key=lambda j: (-SEVERITIES.index(j.severity), j.job))
    unknowns = [f"{j.job}: {u}" for j in found if j.diff for u in j.diff.unknowns]
    files = [p for p in (*changed, *removed) if p.name == _SCHEMA]
    tables = [t for p in files if (t := _reviewed_table(ws, p, base)) is not None]
    tables.sort(key=lambda t: (-SEVERITIES.index(t.severity), t.table))
    return Review(base, tuple(found), tuple(unknowns), tuple(tables))


_SCHEMA = "_table.json"


def _reviewed_table(ws: Workspace, path: Path, base: str) -> TableReview | None:
    """What a table's changed file does; None for one that describes no table of this lake."""
    from tools.impact.schema_files import schema_file

    name = _table_of(ws, path)
    if name is None:
        return None
    shown = str(path.relative_to(ws.settings.lake.resolve()))
    try:
        old = git_text(path, base)
    except CopilotError:
        old = None
    try:
        new = path.read_text(encoding="utf-8") if path.is_file() else None
        found = schema_file(ws, name, old, new, shown)
    except (CopilotError, OSError, UnicodeDecodeError) as error:
        return TableReview(str(name), shown, "unreadable", "medium", (), (), str(getattr(error, "message", error)))
    note = "" if found.changes else "A new description." if found.state == "added" else "The columns are the same."
    writers = [w.name for w in found.impact.writers] if found.impact else []
    if writers:
        note = f"Written by {listed(writers)}: to be edited along."
    severity = found.impact.severity if found.impact else "none"
    reached = _reached(found.impact.items) if found.impact else ()
    return TableReview(str(name), shown, found.state, severity, found.changes, reached, note)


def _table_of(ws: Workspace, path: Path) -> TableName | None:
    """The table that a file describes: by the usual layout, else by the folder that a table of the lake lies in."""
    root = ws.settings.lake.resolve()
    parts = path.relative_to(root).parts if path.is_relative_to(root) else ()
    if len(parts) == 4 and parts[0] == "tables":
        return TableName(parts[1].lower(), parts[2].lower())
    for name in ws.lake.tables():
        try:
            location = ws.lake.table(str(name)).location
        except CopilotError:
            continue
        if location is not None and Path(location).resolve() == path.parent:
            return name
    return None


def _changed_files(root: Path, base: str) -> tuple[list[Path], list[Path]]:
    """Files that differ from the base, those not yet committed among them; and files that are gone."""
    check_revision(root, base)
    top = Path(_git(root, "rev-parse", "--show-toplevel").strip())
    merge_base = _git(root, "merge-base", base, "HEAD").strip() or base
    status = _git(root, "diff", "--name-status", "--no-renames", "-z", merge_base, "--", ".").split("\0")
    pairs = list(zip(status[0::2], status[1::2], strict=False))
    new = [
        p
        for p in _git(root, "ls-files", "--others", "--exclude-standard", "-z", "--full-name", "--", ".").split("\0")
        if p
    ]
    changed = [(top / p).resolve() for s, p in pairs if s != "D"] + [(top / p).resolve() for p in new]
    return changed, [(top / p).resolve() for s, p in pairs if s == "D"]


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(root), *arguments],
        capture_output=True,
        timeout=60,
        check=False,
    )
    return done.stdout.decode("utf-8", "replace")


def _is_script(ws: Workspace, path: Path) -> bool:
    folders = {(ws.settings.lake / p).resolve() for p in ws.settings.jobs.paths}
    return path.suffix in (".py", ".sql") and any(path.is_relative_to(f) for f in folders)


def _reviewed(ws: Workspace, job: str, base: str) -> JobReview:
    source = ws.jobs[job]
    try:
        report = guard(ws, job, base=base)
    except CopilotError as error:
        if (
            not error.message.startswith(("There is no file in git", "No file in git", "File in git"))
            and "in git" not in error.message
        ):
            return JobReview(job, source.path, "unreadable", "medium", None, (), error.message)
        reads = listed([r.rpartition(".")[2] for r in ws.readings[job].inputs]) or "nothing known"
        return JobReview(job, source.path, "added", "low", None, (), f"A new job; it reads {reads}.")
    if report.status in ("same_text", "same_meaning"):
        return JobReview(job, source.path, "changed", "none", None, (), "No semantic change.")
    reached = _reached(report.impact.items)
    causes = "" if report.diff else "\n".join(f"- {c}" for c in report.causes)
    return JobReview(job, source.path, "changed", report.severity, report.diff, reached, causes)


def _reached(items: Sequence[ImpactItem]) -> tuple[tuple[str, str, str, str], ...]:
    """What is more than looked at, gravest first."""
    order = ("breaks", "stale", "unexpected", "values_change", "may_be_affected")
    graver = sorted((i for i in items if i.verdict in order), key=lambda i: order.index(i.verdict))
    return tuple(
        (i.kind, i.name.rpartition(".")[2] if i.kind == "table" else i.name, i.verdict, i.reason) for i in graver
    )


def _removed(ws: Workspace, path: Path, base: str) -> JobReview:
    """A job that is gone: what it wrote is read from its text at the base, since the lake no longer has it."""
    from tools.jobs import read_job

    name = path.stem
    reading = read_job(git_text(path, base), name=name, file=path.name, catalog=ws.catalog)
    readers = [
        ("job", r.name, "stale", f"reads {t}") for r in ws.readings.values() for t in reading.writes if t in r.reads
    ] + [(c.kind, c.name, "stale", f"reads {t}") for c in ws.consumers for t in reading.writes if t in c.tables]
    severity = "high" if readers else "low"
    note = f"Nothing writes {listed([w.rpartition('.')[2] for w in reading.writes]) or 'its tables'} any more."
    relative = str(path.relative_to(ws.settings.lake)) if path.is_relative_to(ws.settings.lake) else path.name
    return JobReview(name, relative, "removed", severity, None, tuple(readers), note)


def _table_section(table: TableReview) -> str:
    name = table.table.rpartition(".")[2]
    parts = [f"#### {_MARKS[table.severity]} table `{name}` ({table.path}): {table.state}"]
    if table.note:
        parts.append(table.note)
    if table.changes:
        parts.append("\n".join(f"- {c}" for c in table.changes))
    parts += _reached_rows(table.reached)
    if any(verdict == "breaks" for _, _, verdict, _ in table.reached):
        parts.append(
            "Before merging: mend what breaks in the same pull request, or keep the column until its readers are."
        )
    return "\n\n".join(parts)


def _reached_rows(reached: Sequence[tuple[str, str, str, str]]) -> list[str]:
    if not reached:
        return []
    rows = [f"| {k} | {n} | {v.replace('_', ' ')} | {_cell(r)} |" for k, n, v, r in reached[:_MOST]]
    left = len(reached) - _MOST
    rows += [f"| | and {left} more | | |"] if left > 0 else []
    return ["\n".join(["| what | name | verdict | why |", "|---|---|---|---|", *rows])]


def _section(job: JobReview) -> str:
    head = f"#### {_MARKS[job.severity]} `{job.job}` ({job.path}): {job.state}"
    parts = [head]
    if job.note:
        parts.append(job.note)
    if job.diff is not None:
        parts.append(job.diff.text())
    if job.reached:
        parts += _reached_rows(job.reached)
        tables = [n for k, n, *_ in job.reached if k == "table"]
        if tables:
            parts.append(
                f"Before merging: `de-copilot check {tables[0].rpartition('.')[2]}`, and `de-copilot simulate --job {job.job}`."
            )
    return "\n\n".join(parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
