"""A plan in canonical form: what two jobs that always give the same rows have in common, whatever they look like.

Inner joins, filters and projections melt into one block: a bag of relations, a set of predicates, and expressions.
What cannot melt (an aggregate, an outer join's other side, a union, a window) is a relation of its own, named by its
content. Order of joins, of predicates, of columns, aliases, CTEs and subqueries leave no trace. Every step keeps the
meaning on any data; what has no form raises `NoForm`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp

from tools.diff.canonical import canonical, conjuncts, text_of
from tools.plan.model import (
    Aggregate,
    ColumnId,
    Distinct,
    Filter,
    Generate,
    Join,
    Limit,
    Op,
    Opaque,
    Plan,
    Project,
    Rebase,
    Scan,
    SetOp,
    Sort,
    Values,
    Write,
    column_type,
    is_ref,
    is_subquery_ref,
    ref,
    ref_id,
)

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


Columns = dict[ColumnId, exp.Expr]


@dataclass(frozen=True)
class _Beside:
    """Relations that are joined in another way than inner: `left`, `semi`, `anti` or `not in`, with their conditions."""

    kind: str
    labels: tuple[str, ...]
    on: tuple[exp.Expr, ...]


@dataclass(frozen=True)
class _Block:
    labels: tuple[str, ...]
    predicates: tuple[exp.Expr, ...] = ()
    beside: tuple[_Beside, ...] = ()
    columns: Columns = field(default_factory=dict)
    grouped: tuple[_Block, tuple[exp.Expr, ...]] | None = None  # what the only relation is grouped from, and by what
    order: tuple[exp.Expr, ...] = ()

    @property
    def simple(self) -> bool:
        """Whether it can melt into another block's other side."""
        return not self.beside

    def unified(self) -> _Block:
        """With one name for columns that an inner join equates, so that it does not matter which of them is named.

        Only for types whose equal values are the same value: -0.0 = 0.0, and text may be padded.
        """
        classes = _classes(self.predicates)
        if not classes:
            return self
        chosen = {text_of(c): group[0] for group in classes for c in group}
        others = [p for p in self.predicates if not _equates(p)]
        chains = [exp.EQ(this=g[0].copy(), expression=c.copy()) for g in classes for c in g[1:]]
        return replace(
            self,
            predicates=(*(_renamed(p, chosen) for p in others), *chains),
            beside=tuple(_Beside(b.kind, b.labels, tuple(_renamed(o, chosen) for o in b.on)) for b in self.beside),
            columns={i: _renamed(e, chosen) for i, e in self.columns.items()},
            order=tuple(_renamed(o, chosen) for o in self.order),
        )

    def text(self) -> str:
        """All but its columns."""
        parts = [
            f"from {'; '.join(sorted(self.labels))}",
            f"where {'; '.join(sorted({text_of(p) for p in self.predicates}))}",
            *sorted(
                f"{b.kind} {'; '.join(sorted(b.labels))} on {'; '.join(sorted({text_of(o) for o in b.on}))}"
                for b in self.beside
            ),
        ]
        return " | ".join(parts)


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
    wanted = [a for a in write.assignments if only is None or a.column.lower() in only]
    outputs = {a.column.lower(): [text_of(former.placed(e, block)) for e in a.expressions] for a in wanted}
    block = former.without_unused(block, [former.placed(e, block) for a in wanted for e in a.expressions])
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
        self._outer: list[_Block] = []
        self._tables: dict[str, str] = {}  # label of a scan -> its table
        self._nullable: set[str] = set()  # labels on the outer side of a join

    # ------------------------------------------------------------------ expressions

    def placed(self, expression: exp.Expr, block: _Block) -> exp.Expr:
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

    def _column(self, column: ColumnId, block: _Block) -> exp.Expr:
        for scope in (block, *reversed(self._outer)):
            if column in scope.columns:
                return scope.columns[column].copy()
        raise NoForm("a column is not known here")

    def _never_null(self, node: exp.Expr) -> bool:
        if not isinstance(node, exp.Column) or node.table in self._nullable:
            return False
        table = self._tables.get(node.table)
        return table is not None and self._facts.never_null(table, node.name)

    def _subquery(self, leaf: exp.Expr, block: _Block) -> tuple[_Block, exp.Expr]:
        op = self._plan.subqueries[int(leaf.name)]
        self._outer.append(block)
        try:
            inner = self.block(op)
            output = op.output[0] if op.output else None
            value = self.placed(_ref(output.id), inner) if output else exp.Literal.number(1)
        finally:
            self._outer.pop()
        return inner, value

    def _subquery_value(self, leaf: exp.Expr, block: _Block) -> exp.Expr:
        inner, value = self._subquery(leaf, block)
        return exp.column(f"{leaf.args['db'].name} {inner.text()} | {text_of(value)}", table="query", quoted=True)

    # ------------------------------------------------------------------ operators

    def block(self, op: Op) -> _Block:
        """The block of an operator; chains are unrolled so that their length needs no deep stack."""
        chain = [op]
        while len(chain[-1].children) == 1:
            chain.append(chain[-1].children[0])
        current = self._leaf(chain.pop())
        for upper in reversed(chain):
            current = self._step(upper, current)
        return current

    def _leaf(self, op: Op) -> _Block:
        match op:
            case Scan():
                if op.rest or op.version:
                    raise NoForm(f"the columns of {op.dataset} are not all known, or its version is pinned")
                label = self._label(op.dataset.name)
                self._tables[label] = op.dataset.name
                columns: Columns = {a.id: _typed(label, a.name.lower(), a.type) for a in op.columns}
                return _Block((label,), columns=columns)
            case Values():
                if not op.columns:
                    return _Block(())
                empty = _Block(())
                rows = ["(" + ", ".join(text_of(self.placed(c, empty)) for c in row) + ")" for row in op.rows]
                label = self._label(_hashed("values " + "; ".join(sorted(rows))))
                return _Block(
                    (label,), columns={a.id: _typed(label, f"c{i}", a.type) for i, a in enumerate(op.columns)}
                )
            case Join():
                return self._join(op)
            case SetOp():
                return self._set_operation(op)
        raise NoForm(op.reason if isinstance(op, Opaque) else f"a {type(op).__name__.lower()}")

    def _label(self, content: str) -> str:
        """A name for a relation: its content, which says the same in whatever order a job builds it."""
        return f"{len(self._outer)}:{content}" if self._outer else content

    def _apart(self, left: _Block, right: _Block) -> _Block:
        """The right block with labels that the left does not have: the second side of a self-join."""
        taken = {*left.labels, *(name for b in left.beside for name in b.labels)}
        moves: dict[str, str] = {}
        for label in (*right.labels, *(name for b in right.beside for name in b.labels)):
            if label in taken:
                number = next(n for n in range(2, 1_000) if f"{label}#{n}" not in taken)
                moves[label] = f"{label}#{number}"
                self._tables[moves[label]] = self._tables.get(label, "")
            taken.add(moves.get(label, label))
        if not moves:
            return right
        return replace(
            right,
            labels=tuple(moves.get(name, name) for name in right.labels),
            predicates=tuple(_moved(p, moves) for p in right.predicates),
            beside=tuple(
                _Beside(b.kind, tuple(moves.get(n, n) for n in b.labels), tuple(_moved(o, moves) for o in b.on))
                for b in right.beside
            ),
            columns={i: _moved(e, moves) for i, e in right.columns.items()},
        )

    def _step(self, op: Op, below: _Block) -> _Block:
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

    def _filter(self, op: Filter, below: _Block) -> _Block:
        block = below
        for part in conjuncts(op.predicate):
            block = self._where(part, block)
        return block

    def _where(self, part: exp.Expr, block: _Block) -> _Block:
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

    def _pushed(self, predicate: exp.Expr, block: _Block) -> _Block | None:
        """A condition on group keys alone holds before the grouping as well as after it."""
        if block.grouped is None or len(block.labels) != 1 or block.predicates or block.beside:
            return None
        inner, keys = block.grouped
        label = block.labels[0]
        by_text = {text_of(_typed(label, text_of(k), None)): k for k in keys}
        used = [c for c in predicate.find_all(exp.Column) if c.table == label]
        if not used or not keys or not all(text_of(_typed(label, c.name, None)) in by_text for c in used):
            return None
        lowered = predicate.transform(
            lambda n: (
                by_text[text_of(_typed(label, n.name, None))].copy()
                if isinstance(n, exp.Column) and n.table == label
                else n
            )
        )
        under = replace(inner, predicates=(*inner.predicates, *conjuncts(canonical(lowered, self._never_null))))
        new = self._label(_group_content(under, keys))
        columns = {i: _moved(e, {label: new}) for i, e in block.columns.items()}
        return replace(block, labels=(new,), columns=columns, grouped=(under, keys))

    def _existence(self, part: exp.Expr, block: _Block) -> _Block | None:
        """EXISTS, IN and their negations as joins: IN is EXISTS in a filter, NOT IN only where no NULL can come up."""
        inner = part.unnest()
        negated = isinstance(inner, exp.Not)
        test = inner.this.unnest() if negated else inner
        if isinstance(test, exp.Column) and is_subquery_ref(test) and test.args["db"].name == "exists":
            sub, _ = self._subquery(test, block)
            return self._with_semi(block, sub, "anti" if negated else "semi", ())
        query = test.args.get("query") if isinstance(test, exp.In) else None
        if not isinstance(query, exp.Column) or not is_subquery_ref(query):
            return None
        sub, output = self._subquery(query, block)
        value = self.placed(test.this, block)
        same = canonical(exp.EQ(this=value, expression=output.copy()), self._never_null)
        kind = "semi"
        if negated:
            safe = sub.simple and self._never_null(value) and self._never_null(output)
            kind = "anti" if safe else "not in"
        return self._with_semi(block, sub, kind, (same,))

    def _with_semi(self, block: _Block, sub: _Block, kind: str, more: tuple[exp.Expr, ...]) -> _Block:
        if not sub.simple:
            return replace(block, beside=(*block.beside, _Beside(kind, (_hashed(sub.text()),), more)))
        return replace(block, beside=(*block.beside, _Beside(kind, sub.labels, (*sub.predicates, *more))))

    # ------------------------------------------------------------------ relations of their own

    def _wrapped(self, block: _Block, what: str, only: Iterable[ColumnId] | None = None) -> _Block:
        """A block as a relation, named by its content; its columns are told apart by what they are."""
        block = block.unified()
        label = self._label(_hashed(f"{what} [{block.text()}]"))
        keep = block.columns if only is None else {i: block.columns[i] for i in only}
        return _Block((label,), columns={i: _typed(label, text_of(e), _type(e)) for i, e in keep.items()})

    def _seen_rows(self, made: _Block, below: _Block) -> _Block:
        """After a window function the rows that it saw stay what they were: later filters must not melt below it."""
        fresh = {i: e for i, e in made.columns.items() if below.columns.get(i) is not e}
        if not any(e.find(exp.Window) for e in fresh.values()):
            return made
        return self._wrapped(made, "rows")

    def _aggregate(self, op: Aggregate, below: _Block) -> _Block:
        if op.rest or op.pivoted_on is not None:
            raise NoForm("a pivot")
        below = below.unified()
        keys = [self.placed(k.expression, below) for k in op.keys]
        sets = ""
        if op.grouping_sets is not None:
            texts = {k.attribute.id: text_of(e) for k, e in zip(op.keys, keys, strict=True)}
            sets = "; ".join(sorted(", ".join(sorted(texts[i] for i in ids)) for ids in op.grouping_sets))
        content = _group_content(below, keys) if not sets else f"sets {sets} [{below.text()}]"
        label = self._label(content)
        columns: Columns = {
            k.attribute.id: _typed(label, text_of(e), _type(e)) for k, e in zip(op.keys, keys, strict=True)
        }
        for item in op.aggregates:
            columns[item.attribute.id] = _typed(
                label, text_of(self.placed(item.expression, below)), item.attribute.type
            )
        grouped = (below, tuple(keys)) if keys and not sets else None
        return _Block((label,), columns=columns, grouped=grouped)

    def _distinct(self, op: Distinct, below: _Block) -> _Block:
        below = below.unified()
        if op.keys is None:
            keys = [below.columns[a.id] for a in op.output]
            if self._is_key(below, keys):
                return below
            label = self._label(_group_content(below, keys))
            columns: Columns = {a.id: _typed(label, text_of(k), _type(k)) for a, k in zip(op.output, keys, strict=True)}
            return _Block((label,), columns=columns, grouped=(below, tuple(keys)))
        texts = ", ".join(sorted(text_of(below.columns[k]) for k in op.keys))
        return self._wrapped(below, f"first of {texts}")

    def _is_key(self, block: _Block, keys: Sequence[exp.Expr]) -> bool:
        """Whether rows are distinct already: one table, and its key among the columns."""
        if len(block.labels) != 1 or block.beside:
            return False
        key = self._facts.keys.get(self._tables.get(block.labels[0], ""), ())
        names = {k.name for k in keys if isinstance(k, exp.Column)}
        return bool(key) and set(key) <= names

    def _generate(self, op: Generate, below: _Block) -> _Block:
        array = text_of(self.placed(op.generator, below))
        made = self._wrapped(below, f"explode {array} outer {op.outer} together {op.together}")
        label = made.labels[0]
        added = {a.id: _typed(label, f"element {i} of {array}", a.type) for i, a in enumerate(op.columns)}
        return replace(made, columns={**made.columns, **added})

    def _set_operation(self, op: SetOp) -> _Block:
        inputs = [self.block(i).unified() for i in op.inputs]
        rows = []
        for number, block in enumerate(inputs):
            ids = [m[number] for m in op.mapping]
            cells = [text_of(block.columns[i]) if i is not None else "NULL" for i in ids]
            rows.append(f"[{block.text()} | {'; '.join(cells)}]")
        ordered = sorted(rows) if op.kind != "except" else [rows[0], *sorted(rows[1:])]
        if op.kind == "union" and op.distinct:
            ordered = sorted(set(ordered))
        label = self._label(_hashed(f"{op.kind} distinct {op.distinct} {' '.join(ordered)}"))
        columns: Columns = {a.id: _typed(label, f"c{i}", a.type) for i, a in enumerate(op.columns)}
        return _Block((label,), columns=columns)

    # ------------------------------------------------------------------ joins

    def _join(self, op: Join) -> _Block:
        left, right = self.block(op.left), self.block(op.right)
        if op.kind == "right":
            left, right = right, left
        right = self._apart(left, right)
        both = _Block(
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
            label = self._label(_hashed(text))
            columns: Columns = {i: _typed(label, text_of(e), _type(e)) for i, e in both.columns.items()}
            return _Block((label,), columns=columns)
        if not right.simple:
            right = self._apart(left, self._wrapped(right, "side"))
            both = replace(both, columns={**left.columns, **right.columns})
            on = [p for c in (conjuncts(op.condition) if op.condition is not None else ()) for p in self._on(c, both)]
        kind = "left" if op.kind in ("left", "right") else op.kind
        beside = _Beside(kind, right.labels, (*right.predicates, *on))
        if kind != "left":
            return replace(left, beside=(*left.beside, beside))
        self._nullable |= set(right.labels)
        return _Block(left.labels, left.predicates, (*left.beside, beside), {**left.columns, **right.columns})

    def _on(self, part: exp.Expr, block: _Block) -> list[exp.Expr]:
        return conjuncts(self.placed(part, block))

    def without_unused(self, block: _Block, outputs: Sequence[exp.Expr]) -> _Block:
        """Without left joins that add no column and, joined on the other table's whole key, no row."""
        kept = list(block.beside)
        for beside in block.beside:
            label = beside.labels[0]
            key = self._facts.keys.get(self._tables.get(label, ""), ())
            others = [*outputs, *block.predicates, *(o for b in kept if b is not beside for o in b.on)]
            used = any(c.table == label for e in others for c in e.find_all(exp.Column))
            equated = {
                c.name
                for o in beside.on
                if isinstance(o, exp.EQ)
                for c in (o.this, o.expression)
                if isinstance(c, exp.Column) and c.table == label
            }
            if beside.kind == "left" and len(beside.labels) == 1 and not used and key and set(key) <= equated:
                kept.remove(beside)
        return replace(block, beside=tuple(kept))


def _inside(node: exp.Expr, root: exp.Expr) -> bool:
    """Whether a node is still part of the tree: one above it may have been replaced."""
    while node is not root:
        if node.parent is None:
            return False
        node = node.parent
    return True


def _ref(column: ColumnId) -> exp.Expr:
    return ref(column)


def _typed(table: str, name: str, kind: str | None) -> exp.Column:
    column = exp.column(name, table=table, quoted=True)
    if kind:
        column.type = column_type(kind)
    return column


def _type(expression: exp.Expr) -> str | None:
    return expression.type.sql("athena") if expression.type and not expression.type.is_type("unknown") else None


def _moved(expression: exp.Expr, labels: Mapping[str, str]) -> exp.Expr:
    def move(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column) and node.table in labels:
            node.set("table", exp.to_identifier(labels[node.table], quoted=True))
        return node

    moved: exp.Expr = expression.transform(move)
    return moved


_EXACT = ("tinyint", "smallint", "int", "bigint", "date", "timestamp", "varchar", "boolean", "uuid")


def _equates(predicate: exp.Expr) -> bool:
    """Whether a predicate makes two columns the same value."""
    if not (
        isinstance(predicate, exp.EQ) and all(isinstance(c, exp.Column) for c in (predicate.this, predicate.expression))
    ):
        return False
    kinds = [_type(c) for c in (predicate.this, predicate.expression)]
    return kinds[0] == kinds[1] and str(kinds[0]).lower() in _EXACT


def _classes(predicates: Iterable[exp.Expr]) -> list[list[exp.Expr]]:
    """Columns that are equated, each group sorted."""
    groups: list[dict[str, exp.Expr]] = []
    for predicate in predicates:
        if not _equates(predicate):
            continue
        pair = {text_of(c): c for c in (predicate.this, predicate.expression)}
        for group in [g for g in groups if g.keys() & pair.keys()]:
            pair |= group
            groups.remove(group)
        groups.append(pair)
    return [[g[k] for k in sorted(g)] for g in sorted(groups, key=lambda g: min(g))]


def _renamed(expression: exp.Expr, chosen: Mapping[str, exp.Expr]) -> exp.Expr:
    found: exp.Expr = expression.transform(
        lambda n: chosen[text_of(n)].copy() if isinstance(n, exp.Column) and text_of(n) in chosen else n
    )
    return canonical(found)


def _group_content(block: _Block, keys: Sequence[exp.Expr]) -> str:
    return _hashed(f"group {'; '.join(sorted(map(text_of, keys)))} [{block.text()}]")


def _hashed(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()[:24]
