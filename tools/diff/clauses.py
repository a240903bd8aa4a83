"""The clauses of a job as facts that can be compared: inputs, columns, filters, joins, grain, expressions.

Every expression is composed down to columns of tables, so that a rename of a CTE or a column in the middle changes
nothing, and a clause is compared with itself wherever it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from sqlglot import exp

from tools.diff.canonical import canonical, conjuncts, text_of
from tools.diff.code import is_unread
from tools.diff.types import type_name
from tools.diff.wording import shown
from tools.plan.base import ColumnId, Span
from tools.plan.lineage import Tracer
from tools.plan.model import (
    Aggregate,
    Distinct,
    Filter,
    Generate,
    Join,
    Limit,
    Op,
    Opaque,
    Project,
    Scan,
    SetOp,
    Sort,
    Values,
)
from tools.plan.references import is_ref, is_subquery_ref, ref, ref_id
from tools.plan.whole import Plan, Write, reachable, walk
from tools.result import listed

__all__ = ["Clause", "Clauses", "Output", "clauses_of"]


@dataclass(frozen=True, slots=True)
class Clause:
    """One clause: its canonical text, the tables that it is about, how the job words it, and where."""

    text: str
    tables: frozenset[str]
    shown: str
    span: Span | None = None


@dataclass(frozen=True, slots=True)
class Output:
    """A written column: its value composed down to tables, its type where that can be told, and its place."""

    name: str
    text: str
    shown: str
    type: str | None
    span: Span | None = None

    @property
    def is_plain(self) -> bool:
        """Whether it is a column of a table as it is."""
        return re.fullmatch(r'"[^"]+"\."[^"]+"', self.text) is not None

    @property
    def is_typed(self) -> bool:
        """Whether its type is written down: of a column of a table, or a cast."""
        return self.text.startswith(('"', "CAST("))


@dataclass(frozen=True)
class Clauses:
    """A write in clauses, each by its canonical text."""

    inputs: Mapping[str, Span | None]
    outputs: Mapping[str, Output]
    filters: Mapping[str, Clause]
    joins: Mapping[str, Clause]
    grain: Mapping[str, Clause]
    elements: frozenset[str] = frozenset()  # what rows are made of the elements of
    order: str = ""  # of the rows of a query; those of a table have none


def clauses_of(
    write: Write,
    plan: Plan,
    code: Callable[[exp.Expr], str],
    renamed: Mapping[str, str],
    without: frozenset[str] = frozenset(),
) -> Clauses:
    """The clauses of a write.

    Args:
        code: a mark of unread code behind a call.
        renamed: tables to be taken for others: a swapped input is one change and not one of every clause.
        without: tables whose part of a union is left out of what columns are made of, for the same reason.
    """
    composer = _Composer(plan, code, renamed, without)
    ops, main = list(reachable(plan, [write])), set(walk(write))
    inputs = {o.dataset.name: o.span for o in ops if isinstance(o, Scan) and not o.is_target}
    filters, joins, grain = list[Clause](), list[Clause](), list[Clause]()
    elements = list[str]()
    for op in ops:
        match op:
            case Filter():
                _filter(op, composer, filters, joins, grain, nested=op not in main)
            case Join():
                joins += composer.join(op, filters)
            case Aggregate() | Distinct():
                grain.append(composer.grouping(op) if isinstance(op, Aggregate) else composer.distinct(op))
            case Limit():
                filters.append(composer.limit(op))
            case SetOp():
                _set_operation(op, composer, filters, grain)
            case Generate():
                grain.append(composer.elements(op, len(elements)))
                elements.append(text_of(composer.composed(_elements(op.generator))))
            case Opaque():
                filters.append(Clause(f"code {op.reason}", frozenset(), op.reason, op.span))
    return Clauses(
        inputs,
        {o.name: o for o in _outputs(write, plan, composer)},
        {c.text: c for c in filters},
        {c.text: c for c in joins},
        {c.text: c for c in grain},
        frozenset(elements),
        composer.order(write),
    )


def _set_operation(op: SetOp, composer: _Composer, filters: list[Clause], grain: list[Clause]) -> None:
    if op.kind != "union":
        filters.append(Clause(f"{op.kind} {composer.tables_of(op)}", frozenset(), op.kind, op.span))
    elif op.distinct:
        grain.append(composer.distinct_rows(op))


def _outputs(write: Write, plan: Plan, composer: _Composer) -> Iterator[Output]:
    tracer = Tracer(plan)
    for assignment in write.assignments:
        values = [composer.composed(e) for e in assignment.expressions]
        text = " | ".join(sorted(text_of(v) for v in values))
        span = tracer.defined_at(assignment.expressions[0]) or assignment.span or write.span
        kind = type_name(values[0], plan.dialect) if values else None
        yield Output(assignment.column.lower(), text, shown(values[0]) if values else "", kind, span)


def _filter(
    op: Filter, composer: _Composer, filters: list[Clause], joins: list[Clause], grain: list[Clause], *, nested: bool
) -> None:
    """A filter is one, or a deduplication, or, when it equates columns of two tables, a join."""
    for part in conjuncts(op.predicate):
        window = composer.numbering(part)
        if window is not None:
            grain.append(composer.first_of(window, op.span))
            filters += composer.order_of(window, op.span)
            continue
        for predicate in conjuncts(composer.composed(part)):
            clause = composer.clause(predicate, op.span)
            joins_tables = isinstance(predicate, exp.EQ) and len(clause.tables) > 1 and not nested
            (joins if joins_tables else filters).append(clause)


class _Composer:
    """Expressions over ids, composed down to columns of tables."""

    def __init__(
        self, plan: Plan, code: Callable[[exp.Expr], str], renamed: Mapping[str, str], without: frozenset[str]
    ) -> None:
        self._plan, self._code, self._renamed, self._without = plan, code, renamed, without
        self._definitions: dict[ColumnId, exp.Expr | list[exp.Expr]] = {}
        self._leaves: dict[ColumnId, exp.Expr] = {}
        self._done: dict[ColumnId, exp.Expr] = {}
        for root in (*plan.writes, *plan.subqueries):
            for op in walk(root):
                self._define(op)

    def _define(self, op: Op) -> None:
        if isinstance(op, Scan):
            table = self._renamed.get(op.dataset.name, op.dataset.name)
            self._leaves |= {a.id: _leaf(table, a.name, a.type) for a in op.columns}
        elif isinstance(op, Opaque):
            self._leaves |= {a.id: _leaf(f"code {op.reason}", a.name, a.type) for a in op.columns}
        else:
            self._definitions |= {k: v for k, v in _definitions(op, self._without) if k not in self._definitions}

    # ------------------------------------------------------------------ expressions

    def composed(self, expression: exp.Expr, depth: int = 0) -> exp.Expr:
        """The canonical expression over columns of tables."""
        copy = exp.Paren(this=expression.copy())
        for node in list(copy.find_all(exp.Column)):
            if is_ref(node):
                node.replace(self._column(ref_id(node), depth))
            elif is_subquery_ref(node):
                node.replace(self._subquery(node, depth))
        for call in list(copy.find_all(exp.Anonymous)):
            if is_unread(call) and not str(call.this).endswith("#"):
                call.append("expressions", exp.Literal.string(self._code(call)))
                call.set("this", f"{call.this}#")
        return canonical(copy)

    def _column(self, column: ColumnId, depth: int) -> exp.Expr:
        if column in self._leaves:
            return self._leaves[column].copy()
        if column in self._done:
            return self._done[column].copy()
        definition = self._definitions.get(column)
        if definition is None or depth > 60:
            return exp.column(f"column {column}", table="?", quoted=True)
        self._done[column] = exp.column(f"cycle {column}", table="?", quoted=True)
        if isinstance(definition, list):
            parts = {text_of(p): p for p in (self.composed(d, depth + 1) for d in definition)}
            ordered = [parts[k] for k in sorted(parts)]
            value = ordered[0] if len(ordered) == 1 else exp.Anonymous(this="either", expressions=ordered)
        else:
            value = self.composed(definition, depth + 1)
        self._done[column] = value
        return value.copy()

    def _subquery(self, leaf: exp.Expr, depth: int) -> exp.Expr:
        op = self._plan.subqueries[int(leaf.name)]
        kind = leaf.args["db"].name
        scans = sorted({s.dataset.name for s in walk(op) if isinstance(s, Scan)})
        tables = ", ".join(self._renamed.get(t, t) for t in scans)
        value = "" if kind == "exists" or not op.output else text_of(self._column(op.output[0].id, depth + 1))
        return exp.column(f"{kind} {value} from {tables}", table="query", quoted=True)

    def numbering(self, part: exp.Expr) -> exp.Window | None:
        """The window when a predicate keeps the first row of each partition: `row_number() over (…) = 1`."""
        test = self._resolved(part)
        if not isinstance(test, exp.EQ | exp.LTE):
            return None
        window = self._resolved(test.this)
        if not isinstance(window, exp.Window) or not isinstance(window.this, exp.RowNumber):
            return None
        return window if isinstance(test.expression, exp.Literal) and test.expression.this == "1" else None

    def _resolved(self, node: exp.Expr) -> exp.Expr:
        """The expression behind copies and renames."""
        node = node.unnest()
        while is_ref(node):
            definition = self._definitions.get(ref_id(node))
            if not isinstance(definition, exp.Expr):
                break
            node = definition.unnest()
        return node

    def order_of(self, window: exp.Window, span: Span | None) -> list[Clause]:
        """The order by which the first row is chosen."""
        order = window.args.get("order")
        keys = [self.composed(o) for o in order.expressions] if order is not None else []
        said = "first by " + ", ".join(shown(k) for k in keys)
        return [Clause("first by " + ", ".join(map(text_of, keys)), frozenset(), said, span)] if keys else []

    # ------------------------------------------------------------------ clauses

    def clause(self, predicate: exp.Expr, span: Span | None, prefix: str = "") -> Clause:
        """A predicate, composed already, as a clause."""
        tables = frozenset(c.table for c in predicate.find_all(exp.Column) if c.table not in ("", "?", "query"))
        return Clause(prefix + text_of(predicate), tables, shown(predicate), span)

    def join(self, op: Join, filters: list[Clause]) -> Iterator[Clause]:
        """A join's conditions; those of an inner join are conditions like any other."""
        parts = [] if op.condition is None else conjuncts(self.composed(op.condition))
        tables = {s.dataset.name for s in walk(op.right if op.kind != "right" else op.left) if isinstance(s, Scan)}
        named = frozenset(self._renamed.get(t, t) for t in tables)
        if op.kind in ("inner", "cross"):
            for part in parts:
                clause = self.clause(part, op.span)
                if len(clause.tables) < 2:
                    filters.append(clause)
                else:
                    yield clause
            return
        kind = "left" if op.kind == "right" else op.kind
        yield Clause(f"{kind} join {sorted(named)}", named, f"{kind} join", op.span)
        for part in parts:
            clause = self.clause(part, op.span, f"{kind} on ")
            yield Clause(clause.text, clause.tables | named, clause.shown, op.span)

    def tables_of(self, op: Op) -> list[str]:
        """Tables below an operator."""
        return sorted({self._renamed.get(s.dataset.name, s.dataset.name) for s in walk(op) if isinstance(s, Scan)})

    def grouping(self, op: Aggregate) -> Clause:
        """What an aggregate groups by."""
        return self._keys("group by", [k.expression for k in op.keys], op.span, op.grouping_sets)

    def distinct(self, op: Distinct) -> Clause:
        """What rows are made unique by."""
        if op.keys is None:
            return self.distinct_rows(op)
        return self._keys("one row for each", [ref(k) for k in op.keys], op.span)

    def distinct_rows(self, op: Op) -> Clause:
        """Whole rows made unique: of how many columns, since what each holds is told by itself."""
        names = listed([a.name for a in op.output], 6, code=False)
        return Clause(f"distinct of {len(op.output)}", frozenset(), f"distinct rows of {names}", op.span)

    def elements(self, op: Generate, number: int) -> Clause:
        """Rows for the elements of a list. Which list it is shows in the columns that hold the elements."""
        outer = ", or one without any" if op.outer else ""
        said = f"one row for each of {shown(self.composed(_elements(op.generator)))}{outer}"
        return Clause(f"elements {number} outer {op.outer}", frozenset(), said, op.span)

    def order(self, write: Write) -> str:
        """The order that a query states for its rows."""
        keys = _sorted_by(write.source) if write.kind == "query" else []
        return ", ".join(text_of(self.composed(k)) for k in keys)

    def first_of(self, window: exp.Window, span: Span | None) -> Clause:
        """The keys of a numbered deduplication."""
        return self._keys("one row for each", window.args.get("partition_by") or (), span)

    def limit(self, op: Limit) -> Clause:
        """A limit, with the order that says which rows come first."""
        said = " ".join(e.sql() if e is not None else "0" for e in (op.count, op.offset))
        keys = [self.composed(k) for k in _sorted_by(op.child)]
        order = f" of the first by {', '.join(map(shown, keys))}" if keys else ""
        return Clause(f"limit {said} {', '.join(map(text_of, keys))}", frozenset(), f"limit {said}{order}", op.span)

    def _keys(self, what: str, keys: Iterable[exp.Expr], span: Span | None, sets: object = None) -> Clause:
        composed = {text_of(k): k for k in (self.composed(k) for k in keys)}
        tables = frozenset(c.table for k in composed.values() for c in k.find_all(exp.Column))
        said = ", ".join(shown(k) for k in composed.values())
        extra = f" sets {sets and len(sets)}" if sets else ""  # type: ignore[arg-type]
        return Clause(f"{what} {sorted(composed)}{extra}", tables, f"{what} {said}", span)


def _definitions(op: Op, without: frozenset[str]) -> Iterator[tuple[ColumnId, exp.Expr | list[exp.Expr]]]:
    """What each column that an operator makes is made of; several things for a union."""
    match op:
        case SetOp():
            counted = [i for i, branch in enumerate(op.inputs) if not _only_reads(branch, without)]
            for attribute, ids in zip(op.columns, op.mapping, strict=True):
                made = [ids[i] for i in counted] or ids
                yield attribute.id, [ref(i) if i is not None else exp.null() for i in made]
        case Values():
            for number, attribute in enumerate(op.columns):
                yield attribute.id, [row[number] for row in op.rows if number < len(row)]
        case Generate():
            for number, attribute in enumerate(op.columns):
                yield attribute.id, exp.func(f"element_{number}", _elements(op.generator))
        case _:
            for item in op.items:
                if not item.is_pass_through:
                    yield item.attribute.id, item.expression


def _sorted_by(op: Op) -> list[exp.Expr]:
    """The order in which an operator gives its rows, where it has one."""
    while isinstance(op, Project | Limit):
        op = op.child
    return list(op.keys) if isinstance(op, Sort) else []


def _elements(generator: exp.Expr) -> exp.Expr:
    """The list whose elements are taken; whether a row without any stays is a matter of rows, not of values."""
    if not isinstance(generator, exp.ExplodeOuter):
        return generator.copy()
    inner = exp.Posexplode if isinstance(generator, exp.Posexplode) else exp.Explode
    return inner(this=generator.this.copy())


def _only_reads(op: Op, tables: frozenset[str]) -> bool:
    read = {s.dataset.name for s in walk(op) if isinstance(s, Scan)}
    return bool(read) and read <= tables


def _leaf(table: str, name: str, kind: str | None) -> exp.Expr:
    column = exp.column(name.lower(), table=table, quoted=True)
    if kind:
        column.type = exp.DataType.build(kind, dialect="athena") if _known(kind) else None
    return column


def _known(kind: str) -> bool:
    try:
        exp.DataType.build(kind, dialect="athena")
    except Exception:  # noqa: BLE001 - sqlglot raises several unrelated types on odd spellings
        return False
    return True
