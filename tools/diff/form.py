"""A plan in canonical form: what two jobs that always give the same rows have in common, whatever they look like.

Inner joins, filters and projections melt into one block: a bag of relations, a set of predicates, and expressions.
What cannot melt (an aggregate, an outer join's other side, a union, a window) is a relation of its own, named by its
content. Order of joins, of predicates, of columns, aliases, CTEs and subqueries leave no trace. Every step keeps the
meaning on any data; what has no form raises `NoForm`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp

from tools.diff.block import Beside, Block, Columns, equates, group_content, hashed, moved, renamed, type_of, typed
from tools.diff.canonical import canonical, conjuncts, text_of
from tools.diff.rollup import grouped_form, lowered, rolled_up
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

__all__ = ["Facts", "NoForm", "form_of"]


class NoForm(ValueError):
    """Part of a plan has no canonical form; the reason is the message."""


@dataclass(frozen=True)
class Facts:
    """What is known of tables beside their columns: columns that are never NULL, and keys."""

    not_null: Mapping[str, frozenset[str]] = field(default_factory=dict)
    keys: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def never_null(self, table: str, column: str) -> bool:
        """Whether a column of a table never is NULL."""
        return column.lower() in self.not_null.get(table, frozenset())


def form_of(
    write: Write,
    plan: Plan,
    facts: Facts,
    code: Callable[[exp.Expr], str] = lambda _: "",
    only: Collection[str] | None = None,
) -> str:
    """The canonical text of what a write stores.

    Args:
        only: only these of its columns.
        code: a mark of the code behind a function call that was not read.

    Raises:
        NoForm: part of it has none.
    """
    if write.self_reference or write.carries:
        raise NoForm("it depends on what the target held before, or on columns that are not known")
    former = _Former(plan, facts, code)
    block = former.block(write.source).unified()
    wanted = [
        (a.column.lower(), e)
        for a in write.assignments
        if only is None or a.column.lower() in only
        for e in a.expressions
    ]
    block, values = former.reduced(block, [former.placed(e, block) for _, e in wanted])
    outputs: dict[str, list[str]] = {}
    for (name, _), value in zip(wanted, values, strict=True):
        outputs.setdefault(name, []).append(text_of(value))
    said = "; ".join(f"{name} = {', '.join(outputs[name])}" for name in sorted(outputs))
    whole = f"{write.kind in ('overwrite', 'create', 'query', 'view')} {block.text()} | select {said}"
    return min(_with_twins_swapped(whole, block.labels))


def _with_twins_swapped(text: str, labels: Sequence[str]) -> Iterator[str]:
    """The text with the sides of a self-join named either way: which of them comes first means nothing."""
    yield text
    for label in labels:
        if label.endswith("#2") and label.removesuffix("#2") in labels:
            first = label.removesuffix("#2")
            mark = "\0"
            swapped = text.replace(label, mark)
            swapped = re.sub(rf"{re.escape(first)}(?![#\w.])", label, swapped).replace(mark, first)
            head, _, tail = swapped.partition(" | select ")
            clauses = [_resorted(part) for part in head.split(" | ")]
            yield " | ".join(clauses) + f" | select {tail}"


def _resorted(part: str) -> str:
    word, _, rest = part.partition(" ")
    if word == "where" or " from " in part[:12]:
        flag, _, items = part.partition("where " if word == "where" else "from ")
        return flag + ("where " if word == "where" else "from ") + "; ".join(sorted(map(_turned, items.split("; "))))
    return part if not rest else f"{word} {rest}"


def _turned(predicate: str) -> str:
    """An equality with its sides in order again."""
    left, sign, right = predicate.partition(" = ")
    return f"{right} = {left}" if sign and " " not in left + right and right < left else predicate


class _Former:
    def __init__(self, plan: Plan, facts: Facts, code: Callable[[exp.Expr], str]) -> None:
        self._plan, self._facts, self._code = plan, facts, code
        self._outer: list[Block] = []
        self._tables: dict[str, str] = {}  # label of a scan -> its table
        self._nullable: set[str] = set()  # labels on the outer side of a join
        self._groups: dict[str, tuple[Block, tuple[exp.Expr, ...]]] = {}  # label of a grouping -> of what, by what
        self._unions: dict[str, list[str]] = {}  # label of a UNION ALL -> its branches
        self._widths: dict[str, int] = {}  # label of a UNION ALL -> how many columns it has
        self._correlated: list[bool] = []  # of the subqueries that are being read: whether they look outside

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
            if isinstance(node, exp.Anonymous) and str(node.this).startswith("__"):
                marked = [*(a.copy() for a in node.expressions), exp.Literal.string(self._code(node))]
                return exp.Anonymous(this=node.this, expressions=[self._deep(m, put) for m in marked])
            return node

        return canonical(self._deep(expression, put), self._never_null)

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

    def _never_null(self, node: exp.Expr) -> bool:
        if not isinstance(node, exp.Column) or node.table in self._nullable:
            return False
        table = self._tables.get(node.table)
        return table is not None and self._facts.never_null(table, node.name)

    def _subquery(self, leaf: exp.Expr, block: Block) -> tuple[Block, exp.Expr]:
        op = self._plan.subqueries[int(leaf.name)]
        self._outer.append(block)
        self._correlated.append(self._looks_outside(op))
        try:
            inner = self.block(op)
            inner = inner if self._correlated[-1] else inner.unified()
            output = op.output[0] if op.output else None
            value = self.placed(_ref(output.id), inner) if output else exp.Literal.number(1)
        finally:
            self._outer.pop()
            self._correlated.pop()
        return inner, value

    def _looks_outside(self, op: Op) -> bool:
        ops = list(reachable(self._plan, [op]))
        made = {a.id for o in ops for a in o.output}
        return any(ref_id(c) not in made for o in ops for e in expressions_of(o) for c in refs(e))

    def _subquery_value(self, leaf: exp.Expr, block: Block) -> exp.Expr:
        inner, value = self._subquery(leaf, block)
        return exp.column(f"{leaf.args['db'].name} {inner.text()} | {text_of(value)}", table="query", quoted=True)

    # ------------------------------------------------------------------ operators

    def block(self, op: Op) -> Block:
        """The block of an operator; chains are unrolled so that their length needs no deep stack."""
        chain = [op]
        while len(chain[-1].children) == 1:
            chain.append(chain[-1].children[0])
        current = self._leaf(chain.pop())
        for upper in reversed(chain):
            current = self._step(upper, current)
        return current

    def _leaf(self, op: Op) -> Block:
        match op:
            case Scan():
                if op.rest or op.version:
                    raise NoForm(f"the columns of {op.dataset} are not all known, or its version is pinned")
                label = self._label(op.dataset.name)
                self._tables[label] = op.dataset.name
                columns: Columns = {a.id: typed(label, a.name.lower(), a.type) for a in op.columns}
                return Block((label,), columns=columns)
            case Values():
                if not op.columns:
                    return Block(())
                empty = Block(())
                rows = ["(" + ", ".join(text_of(self.placed(c, empty)) for c in row) + ")" for row in op.rows]
                label = self._label(hashed("values " + "; ".join(sorted(rows))))
                return Block((label,), columns={a.id: typed(label, f"c{i}", a.type) for i, a in enumerate(op.columns)})
            case Join():
                return self._join(op)
            case SetOp():
                return self._set_operation(op)
        raise NoForm(op.reason if isinstance(op, Opaque) else f"a {type(op).__name__.lower()}")

    def _label(self, content: str) -> str:
        """A name for a relation: its content, which says the same in whatever order a job builds it."""
        depth = sum(self._correlated)
        return f"{depth}:{content}" if depth else content

    def _apart(self, left: Block, right: Block) -> Block:
        """The right block with labels that the left does not have: the second side of a self-join."""
        taken = set(_labels_of(left))
        moves: dict[str, str] = {}
        for label in _labels_of(right):
            if label in taken:
                number = next(n for n in range(2, 1_000) if f"{label}#{n}" not in taken)
                moves[label] = f"{label}#{number}"
            taken.add(moves.get(label, label))
        return self._relabelled(right, moves)

    def _relabelled(self, right: Block, moves: Mapping[str, str]) -> Block:
        if not moves:
            return right
        for label, new in moves.items():
            self._tables[new] = self._tables.get(label, "")
            self._nullable |= {new} if label in self._nullable else set()
            if label in self._groups:
                self._groups[new] = self._groups[label]
        return replace(
            right,
            labels=tuple(moves.get(name, name) for name in right.labels),
            predicates=tuple(moved(p, moves) for p in right.predicates),
            beside=tuple(
                Beside(b.kind, tuple(moves.get(n, n) for n in b.labels), tuple(moved(o, moves) for o in b.on))
                for b in right.beside
            ),
            columns={i: moved(e, moves) for i, e in right.columns.items()},
            grouped=None,
        )

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
                return self._aggregate(op, below)
            case Distinct():
                return self._distinct(op, below)
            case Sort():
                return replace(below, order=tuple(self.placed(k, below) for k in op.keys))
            case Limit():
                parts = [text_of(e) if e is not None else "" for e in (op.count, op.offset)]
                order = ", ".join(text_of(o) for o in below.order)
                return self._wrapped(below, f"limit {parts} order {order}")
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
        placed = self.placed(part, block)
        result = block
        for predicate in conjuncts(placed):
            if isinstance(predicate, exp.Not) and text_of(predicate.this) == "FALSE":
                continue
            if isinstance(predicate, exp.Boolean) and predicate.this:
                continue
            result = self._pushed(predicate, result) or replace(result, predicates=(*result.predicates, predicate))
        return result

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
        under = replace(inner, predicates=(*inner.predicates, *conjuncts(canonical(lowered, self._never_null))))
        new = self._label(group_content(under, keys))
        columns = {i: moved(e, {label: new}) for i, e in block.columns.items()}
        self._groups[new] = (under, keys)
        return replace(block, labels=(new,), columns=columns, grouped=(under, keys))

    def _existence(self, part: exp.Expr, block: Block) -> Block | None:
        """EXISTS, IN and their negations as joins: IN is EXISTS in a filter, NOT IN only where no NULL can come up."""
        inner = part.unnest()
        negated = isinstance(inner, exp.Not)
        test = inner.this.unnest() if negated else inner
        if isinstance(test, exp.Column) and is_subquery_ref(test) and test.args["db"].name == "exists":
            sub, _ = self._subquery(test, block)
            return self._with_semi(block, self._beside(block, sub), "anti" if negated else "semi", ())
        query = test.args.get("query") if isinstance(test, exp.In) else None
        if not isinstance(query, exp.Column) or not is_subquery_ref(query):
            return None
        sub, output = self._subquery(query, block)
        value = self.placed(test.this, block)
        kind = "semi"
        if negated:
            safe = sub.simple and self._never_null(value) and self._never_null(output)
            kind = "anti" if safe else "not in"
        apart = self._beside(block, replace(sub, columns={0: output}))
        same = canonical(exp.EQ(this=value, expression=apart.columns[0].copy()), self._never_null)
        return self._with_semi(block, apart, kind, (same,))

    def _with_semi(self, block: Block, sub: Block, kind: str, on: Sequence[exp.Expr]) -> Block:
        """A block of which only rows count that have a match in another, or none. The other's relations have names of
        their own already.
        """
        sub, conditions = self._ungrouped(block, sub, on)
        if not sub.simple:
            return replace(block, beside=(*block.beside, Beside(kind, (hashed(sub.text()),), tuple(conditions))))
        told = tuple(canonical(o, self._never_null) for o in (*sub.predicates, *conditions))
        return replace(block, beside=(*block.beside, Beside(kind, sub.labels, told)))

    def _beside(self, block: Block, sub: Block) -> Block:
        """A subquery's block with names that nothing of the outer one has, and that say nothing of its depth.

        Relations of a correlated subquery are told apart by their depth up to here, so each is moved at once to where it
        stays: on the way it would be taken for the outer one of that name.
        """
        taken = _labels_of(block)
        moves: dict[str, str] = {}
        for label in _labels_of(sub):
            plain = self._label(re.sub(r"^\d+:", "", label))
            new = (
                plain
                if plain not in taken
                else next(f"{plain}#{n}" for n in range(2, 1_000) if f"{plain}#{n}" not in taken)
            )
            taken.append(new)
            if new != label:
                moves[label] = new
        return self._relabelled(sub, moves)

    def _ungrouped(self, block: Block, sub: Block, on: Sequence[exp.Expr]) -> tuple[Block, Sequence[exp.Expr]]:
        """What is asked only whether it has a row need not be made distinct first."""
        label = sub.labels[0] if len(sub.labels) == 1 and not sub.beside and not sub.predicates else ""
        if label not in self._groups:
            return sub, on
        inner, keys = self._groups[label]
        inner, by_text = self._inside(block, inner, keys)
        below = [lowered(o, label, by_text) for o in on]
        if not keys or any(o is None for o in below):
            return sub, on
        return self._ungrouped(block, inner, [o for o in below if o is not None])

    def _inside(self, block: Block, inner: Block, keys: Sequence[exp.Expr]) -> tuple[Block, dict[str, exp.Expr]]:
        """What is grouped, put beside a block, and its keys there by their names in the grouping."""
        apart = self._beside(block, replace(inner, columns=dict(enumerate(keys))))
        return apart, {text_of(k): apart.columns[i] for i, k in enumerate(keys)}

    # ------------------------------------------------------------------ relations of their own

    def _wrapped(self, block: Block, what: str, only: Iterable[ColumnId] | None = None) -> Block:
        """A block as a relation, named by its content; its columns are told apart by what they are."""
        block = block.unified()
        label = self._label(hashed(f"{what} [{block.text()}]"))
        keep = block.columns if only is None else {i: block.columns[i] for i in only}
        return Block((label,), columns={i: typed(label, text_of(e), type_of(e)) for i, e in keep.items()})

    def _seen_rows(self, made: Block, below: Block) -> Block:
        """After a window function the rows that it saw stay what they were: later filters must not melt below it."""
        fresh = {i: e for i, e in made.columns.items() if below.columns.get(i) is not e}
        if not any(e.find(exp.Window) for e in fresh.values()):
            return made
        return self._wrapped(made, "rows")

    def _aggregate(self, op: Aggregate, below: Block) -> Block:
        if op.rest or op.pivoted_on is not None:
            raise NoForm("a pivot")
        below = below.unified()
        keys = [self.placed(k.expression, below) for k in op.keys]
        measures = [self.placed(i.expression, below) for i in op.aggregates]
        if op.grouping_sets is not None:
            return self._grouping_sets(op, below, keys, measures)
        below, keys, measures = self._lowest(below, keys, measures)
        if keys:
            measures = [grouped_form(m) for m in measures]
        label = self._grouped(below, keys)
        columns: Columns = {
            k.attribute.id: typed(label, text_of(e), type_of(e)) for k, e in zip(op.keys, keys, strict=True)
        }
        for item, measure in zip(op.aggregates, measures, strict=True):
            columns[item.attribute.id] = typed(label, text_of(measure), item.attribute.type)
        grouped = (below, tuple(keys)) if keys else None
        return Block((label,), columns=columns, grouped=grouped, measures={text_of(m): m for m in measures})

    def _lowest(
        self, below: Block, keys: list[exp.Expr], measures: list[exp.Expr]
    ) -> tuple[Block, list[exp.Expr], list[exp.Expr]]:
        """A grouping without groupings below it that make no difference."""
        while True:
            found = rolled_up(below, keys, measures, self._never_null, self._plan.dialect)
            if found is None:
                break
            below, keys, measures = found
        below, used = self.reduced(below, [*keys, *measures])
        return below, used[: len(keys)], used[len(keys) :]

    def _grouped(self, below: Block, keys: Sequence[exp.Expr]) -> str:
        label = self._label(group_content(below, keys))
        if keys:
            self._groups[label] = (below, tuple(keys))
        return label

    def _grouping_sets(
        self, op: Aggregate, below: Block, keys: Sequence[exp.Expr], measures: Sequence[exp.Expr]
    ) -> Block:
        texts = {k.attribute.id: text_of(e) for k, e in zip(op.keys, keys, strict=True)}
        sets = "; ".join(sorted(", ".join(sorted(texts[i] for i in ids)) for ids in op.grouping_sets or ()))
        label = self._label(f"sets {sets} [{below.text()}]")
        columns: Columns = {
            k.attribute.id: typed(label, text_of(e), type_of(e)) for k, e in zip(op.keys, keys, strict=True)
        }
        for item, measure in zip(op.aggregates, measures, strict=True):
            columns[item.attribute.id] = typed(label, text_of(measure), item.attribute.type)
        return Block((label,), columns=columns)

    def _distinct(self, op: Distinct, below: Block) -> Block:
        below = below.unified()
        if op.keys is not None:
            texts = ", ".join(sorted(text_of(below.columns[k]) for k in op.keys))
            return self._wrapped(below, f"first of {texts}")
        keys = [below.columns[a.id] for a in op.output]
        if self._is_key(below, keys):
            return below
        united = self._distinct_union(op, below, keys)
        if united is not None:
            return united
        below, keys, _ = self._lowest(below, keys, [])
        label = self._grouped(below, keys)
        columns: Columns = {a.id: typed(label, text_of(k), type_of(k)) for a, k in zip(op.output, keys, strict=True)}
        return Block((label,), columns=columns, grouped=(below, tuple(keys)))

    def _distinct_union(self, op: Distinct, below: Block, keys: Sequence[exp.Expr]) -> Block | None:
        """The distinct rows of a UNION ALL are a UNION, if they are whole rows."""
        label = below.labels[0] if len(below.labels) == 1 and not below.predicates and not below.beside else ""
        columns = {text_of(c) for c in keys if isinstance(c, exp.Column) and c.table == label}
        if label not in self._unions or len(columns) != len(keys) or len(columns) != self._widths[label]:
            return None
        new = self._label(_union(sorted(set(self._unions[label])), distinct=True))
        return Block((new,), columns={a.id: moved(k, {label: new}) for a, k in zip(op.output, keys, strict=True)})

    def _is_key(self, block: Block, keys: Sequence[exp.Expr]) -> bool:
        """Whether rows are distinct already: one table, and its key among the columns; or groups with what they are by."""
        if len(block.labels) != 1 or any(b.kind == "left" for b in block.beside):
            return False
        if block.labels[0] in self._groups:
            group = {text_of(k) for k in self._groups[block.labels[0]][1]}
            return group <= {k.name for k in keys if isinstance(k, exp.Column) and k.table == block.labels[0]}
        key = self._facts.keys.get(self._tables.get(block.labels[0], ""), ())
        names = {k.name for k in keys if isinstance(k, exp.Column)}
        return bool(key) and set(key) <= names

    def _generate(self, op: Generate, below: Block) -> Block:
        array = text_of(self.placed(op.generator, below))
        made = self._wrapped(below, f"explode {array} outer {op.outer} together {op.together}")
        label = made.labels[0]
        added = {a.id: typed(label, f"element {i} of {array}", a.type) for i, a in enumerate(op.columns)}
        return replace(made, columns={**made.columns, **added})

    def _set_operation(self, op: SetOp) -> Block:
        inputs = [self.block(i).unified() for i in op.inputs]
        rows = []
        for number, block in enumerate(inputs):
            ids = [m[number] for m in op.mapping]
            cells = [text_of(block.columns[i]) if i is not None else "NULL" for i in ids]
            rows.append(f"[{block.text()} | {'; '.join(cells)}]")
        ordered = sorted(rows) if op.kind != "except" else [rows[0], *sorted(rows[1:])]
        if op.kind == "union":
            ordered = sorted(set(ordered)) if op.distinct else ordered
            label = self._label(_union(ordered, distinct=op.distinct))
            if not op.distinct:
                self._unions[label], self._widths[label] = ordered, len(op.columns)
        else:
            label = self._label(hashed(f"{op.kind} distinct {op.distinct} {' '.join(ordered)}"))
        columns: Columns = {a.id: typed(label, f"c{i}", a.type) for i, a in enumerate(op.columns)}
        return Block((label,), columns=columns)

    # ------------------------------------------------------------------ joins

    def _join(self, op: Join) -> Block:
        left, right = self.block(op.left), self.block(op.right)
        if op.kind == "right":
            left, right = right, left
        right = self._apart(left, right)
        both = Block(
            (*left.labels, *right.labels),
            (*left.predicates, *right.predicates),
            (*left.beside, *right.beside),
            {**left.columns, **right.columns},
        )
        if op.kind in ("inner", "cross"):
            block = both
            for part in conjuncts(op.condition) if op.condition is not None else ():
                block = self._where(part, block)
            return block
        on = [p for c in (conjuncts(op.condition) if op.condition is not None else ()) for p in self._on(c, both)]
        if op.kind == "full":
            text = f"full [{left.text()}] [{right.text()}] on {'; '.join(sorted(map(text_of, on)))}"
            label = self._label(hashed(text))
            columns: Columns = {i: typed(label, text_of(e), type_of(e)) for i, e in both.columns.items()}
            return Block((label,), columns=columns)
        if not right.simple:
            right = self._apart(left, self._wrapped(right, "side"))
            both = replace(both, columns={**left.columns, **right.columns})
            on = [p for c in (conjuncts(op.condition) if op.condition is not None else ()) for p in self._on(c, both)]
        kind = "left" if op.kind in ("left", "right") else op.kind
        if kind != "left":
            return self._with_semi(left, replace(right, columns={}), kind, on)
        beside = Beside(kind, right.labels, (*right.predicates, *on))
        self._nullable |= set(right.labels)
        return Block(left.labels, left.predicates, (*left.beside, beside), {**left.columns, **right.columns})

    def _on(self, part: exp.Expr, block: Block) -> list[exp.Expr]:
        return conjuncts(self.placed(part, block))

    # ------------------------------------------------------------------ relations that nothing is taken from

    def reduced(self, block: Block, used: Sequence[exp.Expr]) -> tuple[Block, list[exp.Expr]]:
        """A block, and what is used of it, without joins that add no column: to groups by all they are grouped by, which
        only ask whether there is such a group; left joins that match at most once; left joins of which only the rows
        without a match are kept.
        """
        values = list(used)
        for label in block.labels:
            found = self._as_semi(label, block, values)
            if found is not None:
                block, values = found
        for beside in block.beside:
            block = self._as_anti(beside, block, values)
        return self._without_unused(block, values), values

    def _as_semi(self, label: str, block: Block, used: Sequence[exp.Expr]) -> tuple[Block, list[exp.Expr]] | None:
        if label not in self._groups or len(block.labels) < 2 or block.order:
            return None
        inner, keys = self._groups[label]
        own = [p for p in block.predicates if _names(p, label)]
        others = [p for p in block.predicates if not _names(p, label)]
        found = {c.name for p in own if (c := _own_side(p, label)) is not None}
        if (
            not keys
            or inner.beside
            or found != {text_of(k) for k in keys}
            or any(_own_side(p, label) is None for p in own)
        ):
            return None
        instead = {
            text_of(c): _other_side(p, c).copy() for p in own if equates(p) and (c := _own_side(p, label)) is not None
        }
        rest = [renamed(e, instead) for e in (*used, *(o for b in block.beside for o in b.on))]
        if any(_names(e, label) for e in rest):
            return None
        values = rest[: len(used)]
        moved_on = iter(rest[len(used) :])
        beside = tuple(Beside(b.kind, b.labels, tuple(next(moved_on) for _ in b.on)) for b in block.beside)
        columns = {i: e for i, e in block.columns.items() if not _names(e, label)}
        left = tuple(n for n in block.labels if n != label)
        kept = replace(block, labels=left, predicates=tuple(others), beside=beside, columns=columns, grouped=None)
        inner, by_text = self._inside(kept, inner, keys)
        on = tuple(o for p in own if (o := lowered(p, label, by_text)) is not None)
        return self._with_semi(kept, inner, "semi", on), values

    def _as_anti(self, beside: Beside, block: Block, used: Sequence[exp.Expr]) -> Block:
        """`LEFT JOIN … WHERE key IS NULL`, where the join compares that key: rows without a match."""
        compared = {text_of(c) for o in beside.on if isinstance(o, exp.EQ) for c in (o.this, o.expression)}
        for predicate in block.predicates:
            test = (
                predicate.this if isinstance(predicate, exp.Is) and isinstance(predicate.expression, exp.Null) else None
            )
            if beside.kind != "left" or not isinstance(test, exp.Column) or test.table not in beside.labels:
                continue
            others = [p for p in block.predicates if p is not predicate]
            elsewhere = [*used, *others, *block.order, *(o for b in block.beside if b is not beside for o in b.on)]
            if text_of(test) in compared and not any(_names(e, n) for e in elsewhere for n in beside.labels):
                left = tuple(b for b in block.beside if b is not beside)
                kept = replace(block, predicates=tuple(others), beside=left)
                return self._with_semi(kept, Block(beside.labels), "anti", beside.on)
        return block

    def _without_unused(self, block: Block, outputs: Sequence[exp.Expr]) -> Block:
        """Without left joins that add no column and, joined on the other table's whole key, no row."""
        kept = list(block.beside)
        for beside in block.beside:
            label = beside.labels[0] if beside.labels else ""
            key: Sequence[str] = self._facts.keys.get(self._tables.get(label, ""), ())
            if label in self._groups:
                key = [text_of(k) for k in self._groups[label][1]]
            others = [*outputs, *block.predicates, *block.order, *(o for b in kept if b is not beside for o in b.on)]
            used = any(c.table == label for e in others for c in e.find_all(exp.Column))
            equated = {c.name for o in beside.on if (c := _own_side(o, label)) is not None}
            if beside.kind == "left" and len(beside.labels) == 1 and not used and key and set(key) <= equated:
                kept.remove(beside)
        return replace(block, beside=tuple(kept))


def _labels_of(block: Block) -> list[str]:
    return [*block.labels, *(name for b in block.beside for name in b.labels)]


def _union(rows: Sequence[str], *, distinct: bool) -> str:
    return hashed(f"union distinct {distinct} {' '.join(rows)}")


def _names(expression: exp.Expr, label: str) -> bool:
    return any(c.table == label for c in expression.find_all(exp.Column))


def _own_side(predicate: exp.Expr, label: str) -> exp.Column | None:
    """The column of a relation that an equality compares with something that is not of it."""
    if isinstance(predicate, exp.EQ):
        for own, other in ((predicate.this, predicate.expression), (predicate.expression, predicate.this)):
            if isinstance(own, exp.Column) and own.table == label and not _names(other, label):
                return own
    return None


def _other_side(predicate: exp.Expr, own: exp.Expr) -> exp.Expr:
    other: exp.Expr = predicate.expression if predicate.this is own else predicate.this
    return other


def _inside(node: exp.Expr, root: exp.Expr) -> bool:
    """Whether a node is still part of the tree: one above it may have been replaced."""
    while node is not root:
        if node.parent is None:
            return False
        node = node.parent
    return True


def _ref(column: ColumnId) -> exp.Expr:
    return ref(column)
