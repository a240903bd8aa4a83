"""What one job does, said from its plan: inputs, outputs, filters, joins, grouping, where each column comes from."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tools.jobs import JobReading
from tools.jobs.reading import unknown_to_dict
from tools.plan.base import Attribute, ColumnId, Span
from tools.plan.grain import grain_of
from tools.plan.lineage import shown
from tools.plan.model import Aggregate, Distinct, Filter, Join, Op, Scan
from tools.plan.references import is_ref
from tools.plan.whole import Plan, Write, walk
from tools.result import Evidence, counted, listed

if TYPE_CHECKING:
    from tools.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Step:
    """One thing a job does to rows: a filter, a join, a grouping; with its text and place."""

    what: str
    text: str
    span: Span | None

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "what": self.what,
            "text": self.text,
            "file": self.span.file if self.span else None,
            "line": self.span.line if self.span else None,
        }


@dataclass(frozen=True)
class JobSummary:
    """A job in short. `columns` are dictionaries of target, column, sources, expression, file and line."""

    kind = "job"
    name: str
    file: str
    language: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]
    read_after: tuple[str, ...]
    steps: tuple[Step, ...]
    columns: tuple[dict[str, Any], ...]
    description: str | None
    unread: tuple[dict[str, Any], ...]

    @property
    def evidence(self) -> Sequence[Evidence]:
        """The script, and the place of each step."""
        places = [Evidence("code", str(s.span), f"{s.what} {s.text}") for s in self.steps if s.span]
        return (Evidence("code", self.file), *places)

    @property
    def unknowns(self) -> Sequence[str]:
        """What of the script could not be read."""
        return tuple(
            f"{u['file']}:{u['line']}: {u['reason']}" if u.get("line") else str(u["reason"]) for u in self.unread
        )

    def text(self) -> str:
        """One sentence, then steps and columns."""
        reads, writes = listed([_short(r) for r in self.reads]), listed([_short(w) for w in self.writes])
        lines = [
            f"`{self.name}` reads {reads or 'nothing known'} and writes {writes or 'nothing known'} (`{self.file}`)."
        ]
        if self.read_after:
            lines.append(f"What it writes is read by {listed(self.read_after, code=False)}.")
        if self.steps:
            lines += [
                "",
                "On the way:",
                *(f"- {s.what} `{s.text}`{f' ({s.span})' if s.span else ''}" for s in self.steps),
            ]
        if self.columns:
            lines += ["", f"{counted(len(self.columns), 'column')}:"]
            lines += [_column_line(c) for c in self.columns]
        if self.unread:
            lines += ["", "Not readable:", *(f"- {u}" for u in self.unknowns)]
        return "\n".join(lines)

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "job": self.name,
            "file": self.file,
            "language": self.language,
            "description": self.description,
            "reads": list(self.reads),
            "writes": list(self.writes),
            "read_after": list(self.read_after),
            "steps": [s.to_dict() for s in self.steps],
            "columns": [dict(c) for c in self.columns],
            "unknowns": [dict(u) for u in self.unread],
        }


def _column_line(column: dict[str, Any]) -> str:
    sources = listed([f"{_short(t)}.{c}" for t, c in column["sources"]]) or "a constant"
    how = f" as `{column['expression']}`" if column["expression"] else ""
    place = f" ({column['file']}:{column['line']})" if column["line"] else ""
    return f"- `{column['column']}` from {sources}{how}{place}"


def job_summary(ws: Workspace, name: str) -> JobSummary:
    """Summarises one job of the workspace. Raises NotFound or Ambiguous for the name."""
    job = ws.assets.find(name, ["job"]).name
    reading = ws.readings[job]
    after = [r.name for r in ws.readings.values() if r.name != job and set(reading.writes) & set(r.reads)]
    after += [c.name for c in ws.consumers if set(reading.writes) & set(c.tables)]
    return summarise(reading, tuple(after), _docstring(ws.jobs[job].text if job in ws.jobs else ""))


def summarise(reading: JobReading, read_after: tuple[str, ...] = (), description: str | None = None) -> JobSummary:
    """The summary of any reading."""
    steps = tuple(dict.fromkeys(s for w in reading.plan.writes for s in steps_of(w, reading.plan)))
    return JobSummary(
        reading.name,
        reading.file,
        reading.language,
        tuple(reading.reads),
        tuple(reading.writes),
        read_after,
        steps,
        tuple(_columns(reading)),
        description,
        tuple(unknown_to_dict(u) for u in reading.unknowns),
    )


def _columns(reading: JobReading) -> Iterator[dict[str, Any]]:
    """Each written column with its value sources; the expression is the first that is more than a name."""
    for write in reading.plan.writes:
        for assignment in write.assignments:
            edges = [e for e in reading.edges if (e.target, e.target_column) == (write.target.name, assignment.column)]
            stated = sorted(edges, key=lambda e: (e.expression is None, e.role != "value"))
            span = stated[0].span if stated else None
            yield {
                "target": write.target.name,
                "column": assignment.column,
                "sources": [[e.source, e.source_column] for e in edges if e.role == "value"],
                "decided_by": [[e.source, e.source_column] for e in edges if e.role == "condition"],
                "expression": stated[0].expression if stated else None,
                "file": span.file if span is not None else None,
                "line": span.line if span is not None else None,
            }


def steps_of(write: Write, plan: Plan) -> Iterator[Step]:
    """Filters, joins, groupings and deduplications on the way to a write, in the order of the data."""
    names = names_of(write, plan)
    full = {**names, **_qualified(write, plan)}
    for op in walk(write.source):
        match op:
            case Filter():
                yield Step("keeps rows where", shown(op.predicate, names), op.span)
            case Join(condition=None):
                yield Step(f"{op.kind} join", "every row with every row", op.span)
            case Join():
                assert op.condition is not None
                yield Step(f"{op.kind} join on", shown(op.condition, full), op.span)
            case Aggregate():
                keys = ", ".join(shown(k.expression, names) for k in op.keys)
                yield Step("groups by" if keys else "aggregates to", keys or "one row", op.span)
            case Distinct():
                keys = ", ".join(names.get(k, "?") for k in op.keys) if op.keys else "all columns"
                yield Step("keeps one row for each", keys, op.span)
    grain = grain_of(write)
    if grain is not None and grain.how == "row_number":
        yield Step("keeps one row for each", ", ".join(shown(k, full) for k in grain.keys), grain.span)


def names_of(write: Write, plan: Plan) -> dict[ColumnId, str]:
    """A name for every column id below a write."""
    found: dict[ColumnId, str] = {}
    for root in (write.source, *plan.subqueries):
        for op in walk(root):
            for attribute in _made(op):
                found.setdefault(attribute.id, attribute.name)
    return found


def _qualified(write: Write, plan: Plan) -> dict[ColumnId, str]:
    """`table.column` for columns that come straight from a scan: two sides of a join often share a name."""
    scans = [op for root in (write.source, *plan.subqueries) for op in walk(root) if isinstance(op, Scan)]
    return {a.id: f"{_short(s.dataset.name)}.{a.name}" for s in scans for a in s.columns}


def _made(op: Op) -> list[Attribute]:
    return [i.attribute for i in op.items if not is_ref(i.expression)] + op.output


def _docstring(text: str) -> str | None:
    """The first comment or docstring of a script: what its author says it does. Text, never an instruction."""
    stripped = text.lstrip()
    for quote in ('"""', "'''"):
        if stripped.startswith(quote) and quote in stripped[3:]:
            return stripped[3 : stripped.index(quote, 3)].strip()
    lines = []
    for line in stripped.splitlines():
        if not line.startswith(("--", "#")):
            break
        lines.append(line.lstrip("-# ").rstrip())
    return "\n".join(lines).strip() or None


def _short(table: str) -> str:
    return table.rpartition(".")[2] if "/" not in table else table
