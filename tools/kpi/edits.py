"""An edit of a job in words or SQL, made on its plan: a row filter, a column in place of another, a column's definition.

    exclude dormant customers                 the boolean column that the word names
    exclude rows where quantity < 0           an Athena condition over columns of the job or of what it reads
    only rows where status = 'ACTIVE'
    only ACTIVE and PENDING status            values of a column
    use price_eur instead of price            another column of the same table
    market_value = quantity * price           a written column's definition, over columns of the job

What could mean several things is asked back; nothing is guessed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from sqlglot import errors, exp, parse_one

from knowledge.errors import Ambiguous, InputError
from knowledge.names import nearest
from tools.jobs import JobReading, read_job
from tools.plan.base import Attribute
from tools.plan.model import (
    Aggregate,
    Distinct,
    Filter,
    Generate,
    Item,
    Join,
    Limit,
    Op,
    Project,
    Rebase,
    Scan,
    SetOp,
    Sort,
)
from tools.plan.references import is_ref, ref, ref_id
from tools.plan.whole import Assignment, Write, walk
from tools.result import listed
from tools.workspace import imports_for

if TYPE_CHECKING:
    from tools.workspace import Workspace

__all__ = ["edited"]

_WORDINGS = (
    'Say it like "exclude rows where quantity < 0", "only rows where status = \'ACTIVE\'", "exclude dormant customers", '
    '"use price_eur instead of price" or "market_value = quantity * price".'
)
_STOPPERS = (Aggregate, Distinct, SetOp, Limit)


def edited(ws: Workspace, job: str, edits: Sequence[str]) -> tuple[JobReading, list[str], str]:
    """The job with edits made one after the other, each edit in words, and the job's place.

    Raises:
        InputError: an edit is not understood, or names what the job does not have.
        Ambiguous: a word names several columns.
    """
    source = ws.jobs[job]
    reading = read_job(
        source.text,
        name=job,
        file=source.path,
        language=source.language,
        catalog=ws.catalog,
        arguments=source.arguments,
        imports=imports_for(source, ws),
    )
    if not reading.plan.writes:
        raise InputError(f"{job} cannot be read, so it cannot be edited", where=source.path)
    return reading, [_made(_Job(reading, source.path), e) for e in edits], source.path


def _made(job: _Job, edit: str) -> str:
    """Makes an edit and says it."""
    text = edit.strip().rstrip(".?!")
    for pattern, make in _EDITS:
        found = re.fullmatch(pattern, text, re.I | re.S)
        if found:
            said = make(job, found)
            if said is not None:
                return said
    raise InputError(f"the edit {edit!r} is not understood", hint=_WORDINGS)


@dataclass(frozen=True)
class _Job:
    """A freshly read job, whose plan may be changed."""

    reading: JobReading
    file: str

    @property
    def scans(self) -> list[Scan]:
        """What it reads."""
        return [op for w in self.reading.plan.writes for op in walk(w) if isinstance(op, Scan)]

    def columns(self) -> dict[str, list[Scan]]:
        """Column names of what it reads, with where they are."""
        found: dict[str, list[Scan]] = {}
        for scan in dict.fromkeys(self.scans):
            for attribute in scan.columns:
                found.setdefault(attribute.name.lower(), []).append(scan)
        return found


# --------------------------------------------------------------------------- row filters


def _where(job: _Job, found: re.Match[str]) -> str:
    condition = _parsed(found["sql"], job)
    exclude = found["verb"].lower() not in (
        "only",
        "keep",
        "keep only",
        "include only",
        "include",
        "filter",
        "filter to",
    )
    if exclude:
        # A row for which the condition is unknown is not one that it names.
        condition = exp.Not(this=exp.Coalesce(this=exp.Paren(this=condition), expressions=[exp.false()]))
    _keep(job, condition)
    return f"{'without' if exclude else 'only with'} rows where {found['sql'].strip()}"


def _flag(job: _Job, found: re.Match[str]) -> str | None:
    """ "exclude dormant customers": a boolean column that has the word."""
    words = [w for w in re.findall(r"[a-z_]+", found["words"].lower()) if w not in ("the", "all", "any", "rows", "and")]
    flags = {a.name.lower() for scan in job.scans for a in scan.columns if a.type == "boolean"} | {
        a.name.lower() for w in job.reading.plan.writes for a in w.source.output if a.type == "boolean"
    }
    hits = sorted({f for f in flags for w in words if w == f or w in f.split("_")})
    if not hits:
        return None
    if len(hits) > 1:
        raise Ambiguous("column", found["words"], hits)
    column: exp.Expr = exp.Coalesce(this=exp.column(hits[0]), expressions=[exp.false()])
    exclude = found["verb"].lower() in ("exclude", "without", "drop", "remove", "leave out", "ignore", "skip")
    _keep(job, exp.Not(this=column) if exclude else column)
    return f"{'without' if exclude else 'only with'} rows where {hits[0]}"


def _values(job: _Job, found: re.Match[str]) -> str | None:
    """ "only ACTIVE and PENDING status": values of a text column."""
    names = {
        **dict.fromkeys(job.columns()),
        **{a.column.lower(): None for w in job.reading.plan.writes for a in w.assignments},
    }
    words = re.findall(r"[\w.-]+", found["words"])
    columns = [w for w in words if w.lower() in names or (w.lower().endswith("es") and w.lower()[:-2] in names)]
    values = [
        w for w in words if w not in columns and w.lower() not in ("and", "or", "the", "with", "rows", "values", "in")
    ]
    if len(columns) != 1 or not values or not all(v.isupper() or v.isdigit() for v in values):
        return None
    column = columns[0].lower() if columns[0].lower() in names else columns[0].lower()[:-2]
    exclude = found["verb"].lower() in ("exclude", "without", "drop", "remove", "leave out", "ignore", "skip")
    test: exp.Expr = exp.In(this=exp.column(column), expressions=[exp.Literal.string(v) for v in values])
    if exclude:
        test = exp.Not(this=exp.Coalesce(this=exp.Paren(this=test), expressions=[exp.false()]))
    _keep(job, test)
    return f"{'without' if exclude else 'only with'} {column} {listed(values)}"


def _keep(job: _Job, condition: exp.Expr) -> None:
    """Puts a filter into each write: as late as its columns are known, before rows are grouped."""
    names = sorted({c.name.lower() for c in condition.find_all(exp.Column)})
    for write in job.reading.plan.writes:
        top = {a.name.lower(): a for a in write.source.output}
        if all(n in top for n in names):
            write.source = Filter(write.source, _bound(condition, top), span=write.span)
            continue
        _carried(job, write, names, condition)


def _carried(job: _Job, write: Write, names: Sequence[str], condition: exp.Expr) -> None:
    """Hands columns of what is read up to where rows are grouped or written, and filters there."""
    attributes: dict[str, Attribute] = {}
    places: list[Op] = []
    for name in names:
        scans = [s for s in dict.fromkeys(op for op in walk(write) if isinstance(op, Scan)) if _named(s, name)]
        if not scans:
            known = sorted({*job.columns(), *(a.column.lower() for a in write.assignments)})
            raise InputError(
                f"{job.reading.name} has no column {name!r}", hint=f"Near: {listed(nearest(name, known))}."
            )
        if len(scans) > 1:
            raise Ambiguous("column", name, [f"{s.dataset.name}.{name}" for s in scans])
        attribute = _named(scans[0], name)
        assert attribute is not None
        attributes[name] = attribute
        places.append(_carry(write, scans[0], attribute))
    if len(set(map(id, places))) != 1:
        raise InputError(f"{listed(names)} are never in one row before {job.reading.name} groups them")
    _insert(write, places[0], _bound(condition, attributes))


def _named(scan: Scan, name: str) -> Attribute | None:
    return next((a for a in scan.columns if a.name.lower() == name), None)


def _carry(write: Write, scan: Scan, attribute: Attribute) -> Op:
    """Lets every projection above a scan hand a column on; gives the highest operator that has it."""
    path = _path(write, scan)
    highest: Op = scan
    for op in path:
        if isinstance(op, (*_STOPPERS, Write)) or (
            isinstance(op, Join) and op.kind in ("semi", "anti") and highest is op.right
        ):
            break
        if isinstance(op, Project | Rebase):
            if isinstance(op, Rebase):
                break
            if not any(i.attribute.id == attribute.id for i in op.columns):
                op.columns.append(Item(attribute, ref(attribute), op.span))
        highest = op
    return highest


def _path(root: Op, leaf: Op) -> list[Op]:
    """Operators above a leaf, nearest first."""
    parents = {id(child): op for op in walk(root) for child in op.children}
    found, current = [], parents.get(id(leaf))
    while current is not None:
        found.append(current)
        current = parents.get(id(current))
    return found


def _insert(write: Write, place: Op, predicate: exp.Expr) -> None:
    """Puts a filter over an operator, for whoever uses it."""
    over = Filter(place, predicate, span=place.span)
    for op in list(walk(write)):
        if op is over:
            continue
        match op:
            case Project() | Filter() | Aggregate() | Distinct() | Sort() | Limit() | Generate() | Rebase() if (
                op.child is place
            ):
                op.child = over
            case Join():
                op.left = over if op.left is place else op.left
                op.right = over if op.right is place else op.right
            case SetOp():
                op.inputs = [over if i is place else i for i in op.inputs]
            case Write() if op.source is place:
                op.source = over


def _bound(condition: exp.Expr, attributes: dict[str, Attribute]) -> exp.Expr:
    bound: exp.Expr = condition.transform(
        lambda n: ref(attributes[n.name.lower()]) if isinstance(n, exp.Column) and not is_ref(n) else n
    )
    return bound


# --------------------------------------------------------------------------- columns


def _instead(job: _Job, found: re.Match[str]) -> str:
    """ "use price_eur instead of price": in what both are columns of."""
    new, old = found["new"].lower(), found["old"].lower()
    scans = [s for s in dict.fromkeys(job.scans) if _named(s, new) and _named(s, old)]
    if not scans:
        known = sorted(job.columns())
        missing = next((n for n in (new, old) if n not in known), new)
        raise InputError(
            f"no table that {job.reading.name} reads has both {new!r} and {old!r}",
            hint=f"Near {missing!r}: {listed(nearest(missing, known)) or 'nothing'}.",
        )
    swap = {}
    for scan in scans:
        before, after = _named(scan, old), _named(scan, new)
        assert before is not None
        assert after is not None
        swap[before.id] = after
    for write in job.reading.plan.writes:
        for op in walk(write):
            _replace(op, lambda leaf: ref(swap[ref_id(leaf)]) if ref_id(leaf) in swap else None)
    return f"using {new} instead of {old}"


def _replace(op: Op, swap: Callable[[exp.Expr], exp.Expr | None]) -> None:
    """Exchanges references in what an operator computes; a column that was handed on keeps its id and gets a value."""

    def changed(expression: exp.Expr) -> exp.Expr:
        new: exp.Expr = expression.transform(lambda n: swap(n) or n if is_ref(n) else n)
        return new

    match op:
        case Project():
            op.columns = [replace(i, expression=changed(i.expression)) for i in op.columns]
        case Aggregate():
            op.keys = [replace(i, expression=changed(i.expression)) for i in op.keys]
            op.aggregates = [replace(i, expression=changed(i.expression)) for i in op.aggregates]
        case Filter():
            op.predicate = changed(op.predicate)
        case Write():
            op.assignments = [replace(a, expressions=tuple(map(changed, a.expressions))) for a in op.assignments]


def _definition(job: _Job, found: re.Match[str]) -> str | None:
    """ "market_value = quantity * price": what a written column gets."""
    name = found["column"].lower()
    writes = [w for w in job.reading.plan.writes if any(a.column.lower() == name for a in w.assignments)]
    if not writes:
        return None
    value = _parsed(found["sql"], job)
    for write in writes:
        visible = {a.name.lower(): a for a in write.source.output}
        missing = [c.name for c in value.find_all(exp.Column) if c.name.lower() not in visible]
        for column in missing:
            scans = [
                s for s in dict.fromkeys(op for op in walk(write) if isinstance(op, Scan)) if _named(s, column.lower())
            ]
            attribute = _named(scans[0], column.lower()) if len(scans) == 1 else None
            if attribute is None or _carry(write, scans[0], attribute) is not write.source:
                raise InputError(
                    f"{column!r} is not a column of a row that {job.reading.name} writes",
                    hint=f"There are {listed(sorted(visible))}.",
                )
            visible[column.lower()] = attribute
        bound = _bound(value, visible)
        write.assignments = [
            Assignment(a.column, (bound.copy(),), a.span) if a.column.lower() == name else a for a in write.assignments
        ]
    return f"with {name} as {found['sql'].strip()}"


def _parsed(sql: str, job: _Job) -> exp.Expr:
    """A scalar Athena expression without subqueries.

    Raises InputError.
    """
    try:
        tree = parse_one(sql, read="athena")
    except errors.SqlglotError as error:
        raise InputError(f"{sql!r} is no Athena expression: {str(error).splitlines()[0]}", hint=_WORDINGS) from None
    if not isinstance(tree, exp.Condition) or tree.find(exp.Query, exp.DDL, exp.DML, exp.Command):
        raise InputError(f"{sql!r} is no expression over columns of {job.reading.name}", hint=_WORDINGS)
    return tree


_VERBS = r"(?P<verb>exclude|without|drop|remove|leave out|ignore|skip|only|keep only|keep|include only|include|filter to|filter)"
_EDITS: tuple[tuple[str, Callable[[_Job, re.Match[str]], str | None]], ...] = (
    (rf"{_VERBS}\s+(?:the\s+|all\s+)?(?:rows|records|those|positions|customers|data)?\s*(?:where|with|that have|whose)\s+(?P<sql>.+)", _where),
    (r"(?:use|using|take)\s+(?P<new>\w+)\s+(?:instead of|rather than|not|in place of)\s+(?P<old>\w+)", _instead),
    (r"replace\s+(?P<old>\w+)\s+(?:by|with)\s+(?P<new>\w+)", _instead),
    (rf"{_VERBS}\s+(?P<words>.+)", _flag),
    (rf"{_VERBS}\s+(?P<words>.+)", _values),
    (r"(?:set\s+|compute\s+|define\s+)?(?P<column>\w+)\s*(?:=|:=|\bas\b|\bto\b)\s*(?P<sql>.+)", _definition),
)  # fmt: skip
"""Wordings, the more particular first, each with what it does; None says that it was not this one."""
