"""Reads promises from plans: filters, CASE arms, keys, joins, expressions.

A promise holds for a table only where every job that writes it makes it: one that another job does not make is dropped,
lists of values are put together. A job that changes rows in place (MERGE, UPDATE) promises nothing of the others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from sqlglot import exp

from tools.checks.jobs.expressions import as_condition, column_promises, predicate_promises
from tools.checks.jobs.facts import Fact, JobFacts, KeyFact, no_facts
from tools.checks.jobs.outputs import Outputs
from tools.jobs import JobReading
from tools.plan.base import Span
from tools.plan.grain import grain_of
from tools.plan.model import Aggregate, Distinct, Filter, Generate, Join, Limit, Op, Project, Sort
from tools.plan.references import is_ref, ref_id
from tools.plan.whole import Plan, Write, walk
from tools.result import Evidence, listed

__all__ = ["facts_of"]

_WRITES = ("create", "insert", "overwrite")


def facts_of(table: str, readings: Iterable[JobReading]) -> JobFacts:
    """What all jobs together promise of a table's rows.

    Args:
        table: `database.table`.
        readings: any jobs; those that do not write the table are passed over.
    """
    writing = [(r, w) for r in readings for w in r.plan.writes if w.target.name == table and w.kind != "query"]
    jobs = tuple(dict.fromkeys(r.name for r, _ in writing))
    in_place = [r.name for r, w in writing if w.self_reference or w.kind not in _WRITES]
    if in_place:
        return JobFacts(
            jobs, (), (), (f"{listed(in_place)} changes rows in place, so no rule of a job holds for all.",)
        )
    if not writing:
        return no_facts()
    each = [_of_write(r, w) for r, w in writing]
    by_name = {r.name: r for r, _ in writing}
    unknowns = tuple(f"{name}: {u}" for name, r in by_name.items() for u in r.unknowns)
    return JobFacts(jobs, _common_keys([k for k, _ in each]), _common([f for _, f in each]), unknowns)


def _of_write(reading: JobReading, write: Write) -> tuple[list[KeyFact], list[Fact]]:
    outputs = Outputs(reading.plan, write)
    facts: dict[tuple[str, tuple[str, ...], str], Fact] = {}
    for fact in (*_filters(write, outputs), *_columns(write, outputs), *_joins(write, outputs, reading.plan)):
        facts.setdefault(fact.subject, fact)
    return list(_keys(write, outputs)), list(facts.values())


def _common_keys(each: list[list[KeyFact]]) -> tuple[KeyFact, ...]:
    """Several jobs may each make a key and still write the same one twice: only a single writer's keys are kept."""
    return tuple(each[0]) if len(each) == 1 else ()


def _common(each: list[list[Fact]]) -> tuple[Fact, ...]:
    first, *others = [{f.subject: f for f in facts} for facts in each]
    kept = []
    for subject, fact in first.items():
        same = [o.get(subject) for o in others]
        if None in same:
            continue
        if fact.kind == "accepted_values":
            values = dict.fromkeys(v for f in (fact, *same) if f is not None for v in f.parameters["values"])
            fact = Fact(fact.kind, fact.columns, {"values": list(values)}, fact.why, fact.evidence, fact.exact)
        kept.append(fact)
    return tuple(kept)


# --------------------------------------------------------------------------- filters


def _filters(write: Write, outputs: Outputs) -> Iterator[Fact]:
    """Filters that every written row has passed, over columns that are written."""
    for op in _row_path(write.source):
        match op:
            case Filter():
                predicate, place = op.predicate, op.span
            case Join(kind="inner", condition=exp.Expr() as predicate):
                place = op.span
            case _:
                continue
        for part in conjuncts(predicate):
            condition = outputs.over_columns(part)
            if condition is not None:
                yield from predicate_promises(condition, _evidence(place, condition))


def _row_path(op: Op) -> Iterator[Op]:
    """The operators whose filters hold for every row that comes out at the top."""
    yield op
    match op:
        case Project() | Sort() | Limit() | Distinct() | Filter() | Aggregate(grouping_sets=None) | Generate():
            yield from _row_path(op.child)
        case Join(kind="inner"):
            yield from _row_path(op.left)
            yield from _row_path(op.right)
        case Join(kind="left" | "semi" | "anti" | "cross"):
            yield from _row_path(op.left)
        case Join(kind="right"):
            yield from _row_path(op.right)


def conjuncts(predicate: exp.Expr) -> list[exp.Expr]:
    """The parts of an AND."""
    inner = predicate.unnest() if isinstance(predicate, exp.Paren) else predicate
    return [p for part in inner.flatten() for p in conjuncts(part)] if isinstance(inner, exp.And) else [inner]


# --------------------------------------------------------------------------- columns, keys, joins


def _columns(write: Write, outputs: Outputs) -> Iterator[Fact]:
    """What the expression of a written column says of its values."""
    certain = not any(isinstance(op, Join) and op.kind in ("left", "right", "full") for op in walk(write.source))
    for assignment in write.assignments:
        if len(assignment.expressions) != 1:
            continue
        expression, place = outputs.definition(assignment.expressions[0])
        span = place or assignment.span or write.span
        shown = as_condition(outputs.named(expression))
        evidence = Evidence("code", str(span) if span else str(write.target), shown)
        yield from column_promises(assignment.column, expression, outputs, evidence, certain=certain)


def _keys(write: Write, outputs: Outputs) -> Iterator[KeyFact]:
    grain = grain_of(write)
    if grain is None or not grain.keys:
        return
    columns = [outputs.column_of(k) for k in grain.keys]
    named = tuple(dict.fromkeys(c for c in columns if c is not None))
    if None in columns or len(named) > 8:
        return
    how = _GRAIN[grain.how].format(listed(named))
    yield KeyFact(named, how, _evidence(grain.span or write.span, None, how))


_GRAIN = {
    "group_by": "The job groups by {}, which makes one row for each.",
    "drop_duplicates": "The job drops duplicates of {}.",
    "row_number": "The job keeps the first row of each {}.",
    "distinct": "The job keeps distinct rows of {}.",
}


def _joins(write: Write, outputs: Outputs, plan: Plan) -> Iterator[Fact]:
    """Inner joins of a written column with a column of a table: without its match no row was written."""
    scanned = {a.id: (s.dataset, a.name) for s in plan.scans for a in s.columns}
    for op in _row_path(write.source):
        if not isinstance(op, Join) or op.kind not in ("inner", "semi") or op.condition is None:
            continue
        for part in conjuncts(op.condition):
            if not isinstance(part, exp.EQ) or not is_ref(part.left) or not is_ref(part.right):
                continue
            for ours, theirs in ((part.left, part.right), (part.right, part.left)):
                column, other = outputs.column_of(ours), scanned.get(ref_id(theirs))
                if column is None or other is None or other[0].kind != "table" or not other[0].resolved:
                    continue
                if other[0].name == write.target.name:
                    continue
                why = f"The job joins `{other[0].name}` on `{other[1]}` and writes no row without a match."
                parameters = {"table": other[0].name, "columns": [other[1]]}
                yield Fact("foreign_key", (column,), parameters, why, _evidence(op.span, None, why))


def _evidence(span: Span | None, condition: exp.Expr | None, text: str | None = None) -> Evidence:
    shown = as_condition(condition) if condition is not None else text
    return Evidence("code", str(span) if span else "the job", shown)
