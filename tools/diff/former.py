"""Operators of a plan as blocks: what melts together, and what becomes a relation of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from sqlglot import exp

from tools.diff.block import Beside, Block, Columns, group_content, hashed, moved, type_of, typed
from tools.diff.canonical import canonical, conjuncts, text_of
from tools.diff.code import is_unread
from tools.diff.dialects import marked
from tools.diff.facts import Facts, NoForm
from tools.diff.groupings import Groupings, union_content
from tools.diff.predicates import kept_by
from tools.diff.relations import Relations
from tools.plan.base import ColumnId
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
from tools.plan.references import is_ref, is_subquery_ref, ref, ref_id, refs
from tools.plan.whole import Plan, Write, expressions_of, reachable

__all__ = ["Former"]


class Former:
    """Makes blocks of the operators of a plan."""

    def __init__(self, plan: Plan, facts: Facts, code: Callable[[exp.Expr], str]) -> None:
        self.relations = Relations(facts)
        self._plan, self._code = plan, code
        self._groupings = Groupings(self.relations, self.placed, plan.dialect)
        self._outer: list[Block] = []
        self._open: set[Op] = set()  # operators whose inputs are being read

    # ------------------------------------------------------------------ expressions

    def placed(self, expression: exp.Expr, block: Block) -> exp.Expr:
        """An expression over ids, canonical, over the relations of a block."""

        def put(node: exp.Expr) -> exp.Expr:
            if is_ref(node):
                return self._column(ref_id(node), block)
            if isinstance(node, exp.Column) and is_subquery_ref(node):
                return self._subquery_value(node, block)
            if isinstance(node, exp.In) and isinstance(node.args.get("query"), exp.Column):
                query = node.args["query"]
                inner, output = self._subquery(query, block)
                name = f"in {inner.text()} | {text_of(output)}"
                return exp.func("in_query", self.placed(node.this, block), exp.Literal.string(name))
            if isinstance(node, exp.Anonymous) and is_unread(node):
                marked = [*(a.copy() for a in node.expressions), exp.Literal.string(self._code(node))]
                return exp.Anonymous(this=node.this, expressions=[self._deep(m, put) for m in marked])
            return node

        return marked(canonical(self._deep(expression, put), self.relations.never_null), self._plan.dialect)

    def _deep(self, expression: exp.Expr, put: Callable[[exp.Expr], exp.Expr]) -> exp.Expr:
        if isinstance(expression, exp.Column | exp.In | exp.Anonymous):
            new = put(expression)
            if new is not expression:
                return new
        copy = expression.copy()
        for node in list(copy.find_all(exp.Column, exp.In, exp.Anonymous)):
            if node is not copy and _inside(node, copy):
                new = put(node)
                if new is not node:
                    node.replace(new)
        return copy

    def _column(self, column: ColumnId, block: Block) -> exp.Expr:
        for scope in (block, *reversed(self._outer)):
            if column in scope.columns:
                return scope.columns[column].copy()
        raise NoForm("a column is not known here")

    def _subquery(self, leaf: exp.Expr, block: Block) -> tuple[Block, exp.Expr]:
        op = self._plan.subqueries[int(leaf.name)]
        self._outer.append(block)
        correlated = self._looks_outside(op)
        self.relations.depth += correlated
        try:
            inner = self.block(op)
            inner = inner if correlated else inner.unified()
            output = op.output[0] if op.output else None
            value = self.placed(ref(output.id), inner) if output else exp.Literal.number(1)
        finally:
            self._outer.pop()
            self.relations.depth -= correlated
        return inner, value

    def _looks_outside(self, op: Op) -> bool:
        ops = list(reachable(self._plan, [op]))
        made = {a.id for o in ops for a in o.output}
        return any(ref_id(c) not in made for o in ops for e in expressions_of(o) for c in refs(e))

    def _subquery_value(self, leaf: exp.Expr, block: Block) -> exp.Expr:
        inner, value = self._subquery(leaf, block)
        if leaf.args["db"].name == "scalar" and self.relations.is_one_row(inner):
            return self.relations.as_scalars(inner, value)
        return exp.column(f"{leaf.args['db'].name} {inner.text()} | {text_of(value)}", table="query", quoted=True)

    # ------------------------------------------------------------------ operators

    def block(self, op: Op) -> Block:
        """The block of an operator; chains are unrolled so that their length needs no deep stack."""
        chain = [op]
        while len(chain[-1].children) == 1:
            chain.append(chain[-1].children[0])
        leaf = chain.pop()
        if leaf in self._open:
            raise NoForm("a query that reads itself")
        self._open.add(leaf)
        try:
            current = self._leaf(leaf)
        finally:
            self._open.discard(leaf)
        for upper in reversed(chain):
            current = self._step(upper, current)
        return current

    def _leaf(self, op: Op) -> Block:
        match op:
            case Scan():
                if op.version or (op.rest and op.guessed):
                    raise NoForm(
                        f"which table some columns are of is not known, or the version of {op.dataset} is pinned"
                    )
                label = self.relations.label(op.dataset.name)
                self.relations.tables[label] = op.dataset.name
                columns: Columns = {a.id: typed(label, a.name.lower(), a.type) for a in op.columns}
                return Block((label,), columns=columns)
            case Values():
                if not op.columns:
                    return Block(())
                empty = Block(())
                rows = ["(" + ", ".join(text_of(self.placed(c, empty)) for c in row) + ")" for row in op.rows]
                label = self.relations.label(hashed("values " + "; ".join(sorted(rows))))
                return Block((label,), columns={a.id: typed(label, f"c{i}", a.type) for i, a in enumerate(op.columns)})
            case Join():
                return self._join(op)
            case SetOp():
                return self._set_operation(op)
        raise NoForm(op.reason if isinstance(op, Opaque) else f"a {type(op).__name__.lower()}")

    def _step(self, op: Op, below: Block) -> Block:
        match op:
            case Filter():
                return self._filter(op, below)
            case Project() | Rebase():
                if op.rest:
                    raise NoForm("a table's columns are not all known")
                columns = {i.attribute.id: self.placed(i.expression, below) for i in op.items}
                passed = {a.id: below.columns[a.id] for a in op.output if a.id not in columns and a.id in below.columns}
                made = replace(below, columns={**passed, **columns})
                return self._seen_rows(made, below)
            case Aggregate():
                return self._groupings.aggregate(op, below)
            case Distinct():
                return self._groupings.distinct(op, below)
            case Sort():
                return replace(below, order=tuple(self.placed(k, below) for k in op.keys))
            case Limit():
                parts = [text_of(e) if e is not None else "" for e in (op.count, op.offset)]
                order = ", ".join(text_of(o) for o in below.order)
                return self.relations.wrapped(below, f"limit {parts} order {order}")
            case Generate():
                return self._generate(op, below)
            case Write():
                return below
        raise NoForm(f"a {type(op).__name__.lower()}")

    def _filter(self, op: Filter, below: Block) -> Block:
        block = below
        for part in conjuncts(op.predicate):
            block = self._where(part, block)
        return block

    def _where(self, part: exp.Expr, block: Block) -> Block:
        found = self._existence(part, block)
        if found is not None:
            return found
        result = block
        for predicate in map(kept_by, conjuncts(self.placed(part, block))):
            if isinstance(predicate, exp.Not) and text_of(predicate.this) == "FALSE":
                continue
            if isinstance(predicate, exp.Boolean) and predicate.this:
                continue
            result = self._pushed(predicate, result) or replace(result, predicates=(*result.predicates, predicate))
        return self.relations.matched(result)

    def _pushed(self, predicate: exp.Expr, block: Block) -> Block | None:
        """A condition on group keys alone holds before the grouping as well as after it."""
        if block.grouped is None or len(block.labels) != 1 or block.predicates or block.beside:
            return None
        inner, keys = block.grouped
        label = block.labels[0]
        by_text = {text_of(typed(label, text_of(k), None)): k for k in keys}
        used = [c for c in predicate.find_all(exp.Column) if c.table == label]
        if not used or not keys or not all(text_of(typed(label, c.name, None)) in by_text for c in used):
            return None
        lowered = predicate.transform(
            lambda n: (
                by_text[text_of(typed(label, n.name, None))].copy()
                if isinstance(n, exp.Column) and n.table == label
                else n
            )
        )
        under = replace(
            inner, predicates=(*inner.predicates, *conjuncts(canonical(lowered, self.relations.never_null)))
        )
        new = self.relations.label(group_content(under, keys))
        columns = {i: moved(e, {label: new}) for i, e in block.columns.items()}
        self.relations.groups[new] = (under, keys)
        return replace(block, labels=(new,), columns=columns, grouped=(under, keys))

    def _existence(self, part: exp.Expr, block: Block) -> Block | None:
        """EXISTS, IN and their negations as joins: IN is EXISTS in a filter, NOT IN only where no NULL can come up."""
        inner = part.unnest()
        negated = isinstance(inner, exp.Not)
        test = inner.this.unnest() if negated else inner
        if isinstance(test, exp.Column) and is_subquery_ref(test) and test.args["db"].name == "exists":
            sub, _ = self._subquery(test, block)
            return self.relations.with_semi(block, self.relations.beside(block, sub), "anti" if negated else "semi", ())
        query = test.args.get("query") if isinstance(test, exp.In) else None
        if not isinstance(query, exp.Column) or not is_subquery_ref(query):
            return None
        sub, output = self._subquery(query, block)
        value = self.placed(test.this, block)
        kind = "semi"
        if negated:
            safe = sub.simple and self.relations.never_null(value) and self.relations.never_null(output)
            kind = "anti" if safe else "not in"
        apart = self.relations.beside(block, replace(sub, columns={0: output}))
        same = canonical(exp.EQ(this=value, expression=apart.columns[0].copy()), self.relations.never_null)
        return self.relations.with_semi(block, apart, kind, (same,))

    # ------------------------------------------------------------------ relations of their own

    def _seen_rows(self, made: Block, below: Block) -> Block:
        """After a window function the rows that it saw stay what they were: later filters must not melt below it."""
        fresh = {i: e for i, e in made.columns.items() if below.columns.get(i) is not e}
        if not any(e.find(exp.Window) for e in fresh.values()):
            return made
        return self.relations.wrapped(made, "rows")

    def _generate(self, op: Generate, below: Block) -> Block:
        array = text_of(self.placed(op.generator, below))
        made = self.relations.wrapped(below, f"explode {array} outer {op.outer} together {op.together}")
        label = made.labels[0]
        added = {a.id: typed(label, f"element {i} of {array}", a.type) for i, a in enumerate(op.columns)}
        return replace(made, columns={**made.columns, **added})

    def _set_operation(self, op: SetOp) -> Block:
        if op.rest:
            raise NoForm("a table's columns are not all known")
        inputs = [self.block(i).unified() for i in op.inputs]
        cells = [
            [text_of(block.columns[m[number]]) if m[number] is not None else "NULL" for m in op.mapping]  # type: ignore[index]
            for number, block in enumerate(inputs)
        ]
        order = _column_order([b.text() for b in inputs], cells)
        rows = [f"[{b.text()} | {'; '.join(c[i] for i in order)}]" for b, c in zip(inputs, cells, strict=True)]
        ordered = sorted(rows) if op.kind != "except" else [rows[0], *sorted(rows[1:])]
        if op.kind == "union":
            ordered = sorted(set(ordered)) if op.distinct else ordered
            label = self.relations.label(union_content(ordered, distinct=op.distinct))
            if not op.distinct:
                self.relations.unions[label], self.relations.widths[label] = ordered, len(op.columns)
        else:
            label = self.relations.label(hashed(f"{op.kind} distinct {op.distinct} {' '.join(ordered)}"))
        place = {old: new for new, old in enumerate(order)}
        columns: Columns = {a.id: typed(label, f"c{place[i]}", a.type) for i, a in enumerate(op.columns)}
        return Block((label,), columns=columns)

    # ------------------------------------------------------------------ joins

    def _join(self, op: Join) -> Block:
        left, right = self.block(op.left), self.block(op.right)
        if op.kind == "right":
            left, right = right, left
        right = self.relations.apart(left, right)
        both = Block(
            (*left.labels, *right.labels),
            (*left.predicates, *right.predicates),
            (*left.beside, *right.beside),
            {**left.columns, **right.columns},
        )
        if op.kind in ("inner", "cross"):
            block = self.relations.without_one_row(left, right) or both
            for part in conjuncts(op.condition) if op.condition is not None else ():
                block = self._where(part, block)
            return block
        on = [p for c in (conjuncts(op.condition) if op.condition is not None else ()) for p in self._on(c, both)]
        if op.kind == "full":
            text = f"full [{left.text()}] [{right.text()}] on {'; '.join(sorted(map(text_of, on)))}"
            label = self.relations.label(hashed(text))
            columns: Columns = {i: typed(label, text_of(e), type_of(e)) for i, e in both.columns.items()}
            return Block((label,), columns=columns)
        if not right.simple or not all(isinstance(e, exp.Column) for e in right.columns.values()):
            # What is computed on the other side is NULL where nothing matches: it must not melt into this one.
            right = self.relations.apart(left, self.relations.wrapped(right, "side", whole=True))
            both = replace(both, columns={**left.columns, **right.columns})
            on = [p for c in (conjuncts(op.condition) if op.condition is not None else ()) for p in self._on(c, both)]
        kind = "left" if op.kind in ("left", "right") else op.kind
        if kind != "left":
            return self.relations.with_semi(left, replace(right, columns={}), kind, on)
        beside = Beside(kind, right.labels, (*right.predicates, *on))
        self.relations.nullable.update(right.labels)
        return Block(left.labels, left.predicates, (*left.beside, beside), {**left.columns, **right.columns})

    def _on(self, part: exp.Expr, block: Block) -> list[exp.Expr]:
        return conjuncts(self.placed(part, block))


def _inside(node: exp.Expr, root: exp.Expr) -> bool:
    """Whether a node is still part of the tree: one above it may have been replaced."""
    while node is not root:
        if node.parent is None:
            return False
        node = node.parent
    return True


def _column_order(blocks: Sequence[str], cells: Sequence[Sequence[str]]) -> list[int]:
    """The columns of a union in an order that their content gives, not the one in which they are written."""
    branches = sorted(range(len(blocks)), key=lambda b: (blocks[b], sorted(cells[b])))
    return sorted(range(len(cells[0]) if cells else 0), key=lambda c: [cells[b][c] for b in branches])
