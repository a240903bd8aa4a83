"""What a plan computes, in a form that two plans can be compared by: column ids and lines gone, sources named.

A *print* identifies how a column, or which rows, come about. Equal prints mean the same computation; different prints
may still mean the same values, so what is built on them may alarm for nothing but never misses a change.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from sqlglot import exp

from tools.plan.base import ColumnId, Span
from tools.plan.lineage import shown
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
    Rebase,
    Scan,
    SetOp,
    Sort,
    Values,
)
from tools.plan.references import is_ref, is_subquery_ref, ref, ref_id
from tools.plan.whole import Plan, Write, reachable

__all__ = ["Clause", "Prints"]

_ROWS_OF_CHILD = (Project, Rebase, Sort)


@dataclass(frozen=True, slots=True)
class Clause:
    """One thing in a job that decides about rows: a filter, a join, a grouping, an input."""

    what: str
    print: str
    text: str | None
    span: Span | None


class Prints:
    """The prints of one plan. Each column and operator is looked at once."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._definitions: dict[ColumnId, tuple[str, tuple[exp.Expr, ...]]] = {}
        self._columns: dict[ColumnId, str] = {}
        self._rows: dict[int, str] = {}
        self._underway: set[int] = set()
        for op in reachable(plan, [*plan.writes, *plan.subqueries]):
            self._define(op)

    # ------------------------------------------------------------------ columns

    def _define(self, op: Op) -> None:
        match op:
            case Scan():
                for a in op.columns:
                    self._columns[a.id] = _print("column", op.dataset.name, a.name.lower())
            case SetOp():
                for a, row in zip(op.columns, op.mapping, strict=True):
                    sides = tuple(exp.Null() if i is None else _leaf(i) for i in row)
                    self._definitions.setdefault(a.id, (f"{op.kind} {op.distinct}", sides))
            case Opaque():
                inputs = tuple(_leaf(a.id) for child in op.inputs for a in child.output)
                for a in op.columns:
                    self._definitions.setdefault(a.id, (f"opaque {op.reason} {a.name}", inputs))
            case Values():
                for place, a in enumerate(op.columns):
                    cells = tuple(row[place] for row in op.rows if place < len(row))
                    self._definitions.setdefault(a.id, ("values", cells))
            case _:
                self._define_items(op)

    def _define_items(self, op: Op) -> None:
        for place, item in enumerate(op.items):
            if not item.is_pass_through:
                kind = f"element {place}" if isinstance(op, Generate) else "item"
                self._definitions.setdefault(item.attribute.id, (kind, (item.expression,)))

    def column(self, column: ColumnId) -> str:
        """How a column comes about. Iterative: plans can be a thousand steps long."""
        stack = [column]
        while stack:
            current = stack[-1]
            kind, expressions = self._definitions.get(current, ("unknown", ()))
            waiting = [i for e in expressions for i in _ids(e) if i not in self._columns and i not in stack]
            if current in self._columns or not waiting:
                stack.pop()
                if current not in self._columns:
                    self._columns[current] = self._defined(kind, expressions)
            else:
                stack.extend(dict.fromkeys(waiting))
        return self._columns[column]

    def _defined(self, kind: str, expressions: tuple[exp.Expr, ...]) -> str:
        if kind == "item" and len(expressions) == 1 and is_ref(expressions[0]):
            return self._columns.get(ref_id(expressions[0]), "circle")
        return _print(kind, *(self._filled(e) for e in expressions))

    def expression(self, expression: exp.Expr) -> str:
        """How the value of an expression comes about."""
        for column in _ids(expression):
            self.column(column)
        if is_ref(expression):
            return self._columns[ref_id(expression)]
        return _print("item", self._filled(expression))

    def _filled(self, expression: exp.Expr) -> str:
        """The expression's text with prints in place of ids."""
        copy = expression.copy()
        for leaf in list(copy.find_all(exp.Column)):
            if is_ref(leaf):
                name = self._columns.get(ref_id(leaf), "circle")
            elif is_subquery_ref(leaf):
                name = self._subquery(int(leaf.name))
            else:
                continue
            if leaf is copy:
                return name
            leaf.replace(exp.Column(this=exp.Identifier(this=name, quoted=True)))
        try:
            return copy.sql("spark", comments=False)
        except (RecursionError, KeyError, TypeError, ValueError, AttributeError):
            return repr(copy)

    def _subquery(self, index: int) -> str:
        op = self._plan.subqueries[index]
        return _print("query", self.rows(op), *(self.column(a.id) for a in op.output))

    # ------------------------------------------------------------------ rows

    def rows(self, op: Op) -> str:
        """Which rows an operator gives, and how many times each."""
        while isinstance(op, _ROWS_OF_CHILD):
            op = op.child
        if id(op) in self._rows:
            return self._rows[id(op)]
        if id(op) in self._underway:
            return "recursion"
        self._underway.add(id(op))
        self._rows[id(op)] = _print(*self._row_parts(op))
        self._underway.discard(id(op))
        return self._rows[id(op)]

    def _row_parts(self, op: Op) -> list[str]:
        match op:
            case Scan():
                return ["scan", op.dataset.name, str(op.version)]
            case Filter():
                conjuncts, below = self._conjuncts(op)
                return ["filter", *sorted(conjuncts), self.rows(below)]
            case Limit():
                order = op.child.keys if isinstance(op.child, Sort) else []
                bounds = [self.expression(e) if e is not None else "" for e in (op.count, op.offset)]
                return ["limit", *bounds, *map(self.expression, order), self.rows(op.child)]
            case Values():
                return ["values", *(self.expression(cell) for row in op.rows for cell in row)]
        own = [c.print for c in self._clauses_of(op)]
        return [type(op).__name__, *own, *map(self.rows, op.children)]

    def _conjuncts(self, op: Filter) -> tuple[set[str], Op]:
        found: set[str] = set()
        below: Op = op
        while isinstance(below, Filter | Project | Rebase):
            if isinstance(below, Filter):
                found |= {self.expression(part) for part in _parts(below.predicate)}
            below = below.child
        return found, below

    # ------------------------------------------------------------------ what decides

    def clauses(self, write: Write) -> list[Clause]:
        """Everything on the way to a write that decides about rows, each with its place."""
        found = [c for op in reachable(self._plan, [write]) for c in self._clauses_of(op)]
        return [*found, *(self._clause("condition", e, write.span) for e in write.conditions)]

    def _clauses_of(self, op: Op) -> Iterator[Clause]:
        match op:
            case Scan():
                yield Clause("input", _print("scan", op.dataset.name, str(op.version)), op.dataset.name, op.span)
            case Filter():
                yield from (self._clause("filter", part, op.span) for part in _parts(op.predicate))
            case Join():
                text = shown(op.condition) if op.condition is not None else None
                on = sorted(self.expression(p) for p in _parts(op.condition)) if op.condition is not None else []
                yield Clause(
                    "join", _print("join", op.kind, *on), f"{op.kind} join{f' on {text}' if text else ''}", op.span
                )
            case Aggregate():
                yield self._grouping("grouping", [k.expression for k in op.keys], op)
            case Distinct():
                kept = [a for a in op.output if op.keys is None or a.id in op.keys]
                yield self._grouping("distinct", [ref(a) for a in kept], op)
            case Limit(count=exp.Expr() as bound):
                yield self._clause("limit", bound, op.span)
            case Generate():
                yield self._clause("explode", op.generator, op.span)
            case SetOp():
                sides = [f"{op.kind}{'' if op.distinct else ' all'}", str(len(op.inputs))]
                yield Clause("set operation", _print(*sides), sides[0], op.span)
            case Opaque():
                yield Clause("unreadable code", _print("opaque", op.reason), op.reason, op.span)

    def _grouping(self, what: str, keys: list[exp.Expr], op: Op) -> Clause:
        sets = str(op.grouping_sets is not None) if isinstance(op, Aggregate) else ""
        text = f"by {', '.join(map(shown, keys))}" if keys else "of all rows"
        return Clause(what, _print(what, sets, *sorted(map(self.expression, keys))), text, op.span)

    def _clause(self, what: str, expression: exp.Expr, span: Span | None) -> Clause:
        return Clause(what, _print(what, self.expression(expression)), shown(expression), span)


def _parts(predicate: exp.Expr) -> Iterable[exp.Expr]:
    """The conditions that AND holds together, parentheses off."""
    return (p.unnest() for p in predicate.flatten()) if isinstance(predicate, exp.And) else [predicate.unnest()]


def _ids(expression: exp.Expr) -> list[ColumnId]:
    return [ref_id(c) for c in expression.find_all(exp.Column) if is_ref(c)]


def _leaf(column: ColumnId) -> exp.Expr:
    return ref(column)


def _print(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:20]
