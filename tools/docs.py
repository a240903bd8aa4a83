"""Documentation of a table or job, written from what is known: what one row is, where each column comes from, what may be
relied on, who uses it, what has gone wrong before.

Everything stands in the dossier, in the job's plan, or in past documents, and says where. Text from data, comments and
documents is quoted with care and escaped. Nothing is written here: the page is a draft.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tools.checks.suite import Suite, sentence
from tools.contract.document import grain_sentence
from tools.documents import Passage, search_documents
from tools.dossier import Dossier, Progress, gather
from tools.lake.base import Column
from tools.profile.figures import family
from tools.quoting import quoted
from tools.result import Draft, Evidence, counted, listed
from tools.summary import JobSummary, Step, job_summary

if TYPE_CHECKING:
    from tools.workspace import Workspace

__all__ = ["Documentation", "document_job", "document_table", "page_of"]

_SPARKS = "▁▂▃▄▅▆▇█"
_MOST_BARS = 30
_MOST_ISSUES = 4


@dataclass(frozen=True)
class Documentation:
    """A page. `summary` is its first lines, for a chat; `described` are columns whose words a model wrote."""

    kind = "documentation"
    subject: str
    title: str
    summary: tuple[str, ...]
    page: str
    path: str
    evidence: tuple[Evidence, ...]
    unknowns: tuple[str, ...] = ()

    @property
    def drafts(self) -> tuple[Draft, ...]:
        """The page as a file."""
        return (Draft(self.path, self.page),)

    def text(self) -> str:
        """What the page says, in a few lines."""
        lines = "\n".join(f"- {line}" for line in self.summary)
        unknown = "\n\n**Not known**\n" + "\n".join(f"- {u}" for u in self.unknowns) if self.unknowns else ""
        return f"**{self.title}**\n\n{lines}{unknown}\n\nThe whole page: `output/{self.path}`."

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "subject": self.subject,
            "title": self.title,
            "summary": list(self.summary),
            "markdown": self.page,
            "path": self.path,
            "unknowns": list(self.unknowns),
        }


def document_table(
    ws: Workspace,
    table: str,
    *,
    job: str | None = None,
    suite: Suite | None = None,
    words: Mapping[str, str] | None = None,
    progress: Progress | None = None,
) -> Documentation:
    """The page of a table.

    Args:
        job: only this job counts as its writer.
        words: descriptions of columns that a model wrote; they are marked as such.

    Raises what `tools.dossier.gather` raises.
    """
    return page_of(ws, gather(ws, table, job=job, suite=suite, progress=progress), words)


def page_of(
    ws: Workspace, dossier: Dossier, words: Mapping[str, str] | None = None, notes: Sequence[str] = ()
) -> Documentation:
    """The page of a table whose dossier is there; `notes` are paragraphs that a model wrote, told apart as such."""
    issues, problems = _issues(ws, dossier.name)
    bare = _bare(dossier.name)
    parts = [
        f"# {_escaped(bare)}",
        _purpose(dossier),
        f"**One row is:** {_grain(dossier)}",
        _section("Where it comes from", [*_made(dossier), _picture(dossier)]),
        _section("Columns", [_columns(dossier, words or {})]),
        _section("What may be relied on", [_checks(dossier)]),
        _section("What is in it", list(_profile(dossier))),
        _section("Who uses it", [_readers(dossier)]),
        _section("What has gone wrong before", [_said(i) for i in issues]),
        _section("Notes (written by a model)", [_escaped(n) for n in notes]),
        _section("Not known", [f"- {_escaped(u)}" for u in (*dossier.unknowns, *problems)]),
    ]
    page = "\n\n".join(p for p in parts if p) + "\n"
    return Documentation(
        dossier.name,
        f"{bare}: {_grain(dossier)}",
        tuple(_summary(dossier, issues)),
        page,
        f"docs/{bare if dossier.table.name.database == ws.lake.default_database else dossier.name}.md",
        tuple(_evidence(dossier, issues)),
        (*dossier.unknowns, *problems),
    )


def document_job(ws: Workspace, job: str) -> Documentation:
    """The page of a job: what it reads, does and writes, column by column, with lines.

    Raises NotFound or Ambiguous for the name.
    """
    found = job_summary(ws, job)
    issues, problems = _issues(ws, found.name)
    reads, writes = ([_bare(t) for t in tables] for tables in (found.reads, found.writes))
    steps = [f"- {_step(s)}" for s in found.steps]
    parts = [
        f"# {_escaped(found.name)}",
        _escaped(quoted(found.description)) if found.description else "",
        f"Reads {listed(reads) or 'nothing known'} and writes {listed(writes) or 'nothing known'} (`{found.file}`).",
        _section("What it does to rows", ["\n".join(steps)] if steps else []),
        _section("Columns", [_job_columns(found)] if found.columns else []),
        _section(
            "What rests on it",
            [f"Its output is read by {listed(found.read_after, 20, code=False)}."] if found.read_after else [],
        ),
        _section("What has gone wrong before", [_said(i) for i in issues]),
        _section("Not known", [f"- {_escaped(u)}" for u in (*found.unknowns, *problems)]),
    ]
    summary = [
        f"Reads {listed(reads) or 'nothing known'}, writes {listed(writes) or 'nothing known'}.",
        *map(_step, found.steps[:4]),
        f"{counted(len(found.columns), 'column')} written, each with its expression and line on the page.",
    ]
    if found.read_after:
        summary.append(f"What it writes is read by {listed(found.read_after, code=False)}.")
    page = "\n\n".join(p for p in parts if p) + "\n"
    places = tuple(Evidence("document", i.where) for i in issues)
    return Documentation(
        found.name,
        found.name,
        tuple(summary),
        page,
        f"docs/{found.name}.md",
        (*found.evidence, *places),
        (*found.unknowns, *problems),
    )


# --------------------------------------------------------------------------- sections of a table


def _section(title: str, parts: Sequence[str]) -> str:
    body = "\n".join(p for p in parts if p)
    return f"## {title}\n\n{body}" if body else ""


def _purpose(dossier: Dossier) -> str:
    about = dossier.table.description
    return f"> {_escaped(quoted(about))}" if about else ""


def _grain(dossier: Dossier) -> str:
    if dossier.key:
        return f"one {listed(dossier.key)}."
    return grain_sentence(dossier) or "not known: no columns were found that tell rows apart."


def _made(dossier: Dossier) -> Iterator[str]:
    for summary in dossier.summaries:
        reads = listed([_bare(r) for r in summary.reads]) or "nothing known"
        yield f"`{summary.name}` (`{summary.file}`) makes it from {reads}."
        for step in summary.steps:
            yield f"- {_step(step)}"


def _step(step: Step) -> str:
    return f"{step.what} `{step.text.replace('`', '')}`" + (f" ({step.span})" if step.span else "")


def _picture(dossier: Dossier) -> str:
    """Lineage one hop around, as Mermaid."""
    lines = ["", "```mermaid", "flowchart LR"]
    me = _node("t", dossier.name)
    for reading in dossier.readings:
        job = _node("j", reading.name)
        lines += [f"  {_node('t', i)}[({_label(_bare(i))})] --> {job}[{_label(reading.name)}]" for i in reading.inputs]
        lines.append(f"  {job} --> {me}[({_label(_bare(dossier.name))})]")
    lines += [f"  {me} --> {_node(r.kind[0], r.name)}[{_label(r.name)}]" for r in dossier.readers]
    return "\n".join([*lines, "```"]) if len(lines) > 3 else ""


def _node(prefix: str, name: str) -> str:
    return f"{prefix}_{re.sub(r'[^A-Za-z0-9]', '_', name)}"


def _label(name: str) -> str:
    return '"' + name.replace('"', "'").replace("\n", " ") + '"'


def _columns(dossier: Dossier, words: Mapping[str, str]) -> str:
    rows = ["| column | type | filled | comes from | what it is |", "|---|---|---|---|---|"]
    for column in dossier.table.columns:
        rows.append("| " + " | ".join(_column(dossier, column, words)) + " |")
    return "\n".join(rows)


def _column(dossier: Dossier, column: Column, words: Mapping[str, str]) -> list[str]:
    filled = "always" if column.name in dossier.filled else ""
    notes = ["partition key"] if column.is_partition else []
    if column.comment:
        notes.append(_cell(quoted(column.comment)))
    elif column.name in words:
        notes.append(f"{_cell(quoted(words[column.name]))} _(written by a model)_")
    return [f"`{_cell(column.name)}`", column.type, filled, _origin(dossier, column.name), "; ".join(notes)]


def _origin(dossier: Dossier, column: str) -> str:
    said = []
    for origin in dossier.origins(column):
        sources = listed([f"{_bare(t)}.{c}" for t, c in origin["sources"]], 4) or "a constant"
        how = f" as `{_cell(str(origin['expression']))}`" if origin["expression"] else ""
        place = f" ({origin['file']}:{origin['line']})" if origin["line"] else ""
        said.append(f"{sources}{how}{place}")
    return "; ".join(dict.fromkeys(said))


def _checks(dossier: Dossier) -> str:
    lines = []
    for check in dossier.checks:
        code = next((e.where for e in check.evidence if e.kind == "code"), None)
        lines.append(f"- {sentence(check)}" + (f" (`{code}`)" if code else ""))
    lines += [f"- **Not today:** {sentence(f.check)}: {_escaped(f.detail)}" for f in dossier.findings]
    return "\n".join(lines)


def _profile(dossier: Dossier) -> Iterator[str]:
    """Rows by batch and a few figures of each column, with small bars."""
    if not dossier.profiles:
        yield "It has no rows."
        return
    newest = dossier.profiles[-1]
    yield f"{counted(len(dossier.profiles), 'batch', 'batches')} measured, {dossier.rows:,} rows; the newest is {newest.label}."
    bars = _bars([float(p.rows) for p in dossier.profiles])
    if bars:
        yield f"\nRows by batch: `{bars}`\n"
    yield "| column | missing | distinct | smallest | largest | mean by batch |"
    yield "|---|---:|---:|---:|---:|---|"
    for column in dossier.table.columns:
        figures = newest.columns.get(column.name)
        if figures is None:
            continue
        missing = figures.get("nulls")
        share = f"{float(missing) / newest.rows:.1%}" if isinstance(missing, int | float) and newest.rows else ""
        extremes = ["", ""] if family(column.type) == "text" else [_figure(figures.get(k)) for k in ("min", "max")]
        means = [m for p in dossier.profiles if (m := p.number(column.name, "mean")) is not None]
        trend = f"`{bars}`" if len(means) > 1 and (bars := _bars(means)) else ""
        yield f"| `{_cell(column.name)}` | {share} | {_figure(figures.get('distinct'))} | {extremes[0]} | {extremes[1]} | {trend} |"


def _bars(values: Sequence[float]) -> str:
    """Small bars of up to 30 values; empty for a single one."""
    shown = list(values)[-_MOST_BARS:]
    low, high = min(shown), max(shown)
    if len(shown) < 2:
        return ""
    span = (high - low) or 1.0
    return "".join(_SPARKS[min(7, int((v - low) / span * 7.999))] for v in shown)


def _figure(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.6g}"
    return f"{value:,}" if isinstance(value, int) else str(value)


def _readers(dossier: Dossier) -> str:
    lines = [
        f"- {r.kind} **{_escaped(r.name)}** ({r.where})" + (f", owner {_escaped(r.owner)}" if r.owner else "")
        for r in dossier.readers
    ]
    return "\n".join(lines)


def _issues(ws: Workspace, name: str) -> tuple[list[Passage], list[str]]:
    """Passages of incident notes about it."""
    found = search_documents(ws, f"what has gone wrong with {_bare(name)}, which incident", asset=name, limit=12)
    about = [p for p in found.passages if p.chunk.kind == "incident" and p.names]
    first: dict[str, Passage] = {}
    for passage in about:
        first.setdefault(passage.chunk.path, passage)
    return list(first.values())[:_MOST_ISSUES], list(found.unknowns)


def _said(issue: Passage) -> str:
    title = quoted(issue.chunk.headings[0]) if issue.chunk.headings else issue.chunk.path
    return f"- {_escaped(title)} (`{issue.where}`)"


def _job_columns(found: JobSummary) -> str:
    rows = ["| column | comes from | expression | line |", "|---|---|---|---|"]
    for column in found.columns:
        sources = listed([f"{_bare(t)}.{c}" for t, c in column["sources"]], 4) or "a constant"
        expression = f"`{_cell(str(column['expression']))}`" if column["expression"] else ""
        place = f"{column['file']}:{column['line']}" if column["line"] else ""
        rows.append(
            f"| `{_cell(_bare(column['target']))}.{_cell(column['column'])}` | {sources} | {expression} | {place} |"
        )
    return "\n".join(rows)


def _summary(dossier: Dossier, issues: Sequence[Passage]) -> Iterator[str]:
    """What a new reader needs first."""
    yield f"`{_bare(dossier.name)}`: one row is {_grain(dossier)}"
    if dossier.inputs:
        yield f"Made from {listed([_bare(i) for i in dossier.inputs])} by {listed([r.name for r in dossier.readings])}."
    yield f"{counted(len(dossier.table.columns), 'column')}, {len(dossier.filled)} of them always filled."
    if dossier.profiles:
        yield f"{dossier.rows:,} rows in {counted(len(dossier.profiles), 'batch', 'batches')}; the newest is {dossier.profiles[-1].label}."
    if dossier.readers:
        yield f"Used by {listed([f'{r.kind} {r.name}' for r in dossier.readers], code=False)}."
    if issues:
        yield f"It has gone wrong before: see {listed([i.where for i in issues])}."


def _evidence(dossier: Dossier, issues: Sequence[Passage]) -> Iterator[Evidence]:
    yield Evidence("catalog", dossier.name)
    for summary in dossier.summaries:
        yield from summary.evidence
    yield from (Evidence("document", i.where) for i in issues)


def _bare(name: str) -> str:
    return name.rpartition(".")[2] if "/" not in name else name


def _escaped(text: str) -> str:
    """Text of the lake, as text: Markdown and HTML in it mean nothing."""
    return re.sub(r"([\\`*\[\]<>|])", r"\\\1", text)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("`", "'").replace("\n", " ")
