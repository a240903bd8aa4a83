"""The relations of a form: what they are called, what is known of each, and how one is put beside a block.

A relation is named by its content, so that it is called the same in whatever order a job builds it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp

from tools.diff.block import Beside, Block, Columns, group_content, hashed, moved, type_of, typed
from tools.diff.canonical import canonical, text_of
from tools.diff.facts import Facts
from tools.diff.predicates import rejects_null
from tools.diff.rollup import lowered

__all__ = ["Relations", "labels_of", "names"]


@dataclass
class Relations:
    """What was noted of the relations of one plan while its form was made.

    Attributes:
        tables: label of a scan -> its table.
        nullable: labels on the outer side of a join, each as often as it is on one.
        groups: label of a grouping -> of what, by what.
        unions: label of a UNION ALL -> its branches.
        widths: label of a UNION ALL -> how many columns it has.
        depth: how many correlated subqueries are being read, one in the other.
        single: labels of groupings by nothing: one row each.
    """

    facts: Facts
    tables: dict[str, str] = field(default_factory=dict)
    nullable: Counter[str] = field(default_factory=Counter)
    groups: dict[str, tuple[Block, tuple[exp.Expr, ...]]] = field(default_factory=dict)
    unions: dict[str, list[str]] = field(default_factory=dict)
    widths: dict[str, int] = field(default_factory=dict)
    depth: int = 0
    single: set[str] = field(default_factory=set)

    def label(self, content: str) -> str:
        """A name for a relation: its content, which says the same in whatever order a job builds it."""
        depth = self.depth
        return f"{depth}:{content}" if depth else content

    def never_null(self, node: exp.Expr) -> bool:
        """Whether a column cannot be NULL, as far as the facts tell: of a table, or a key of groups."""
        if not isinstance(node, exp.Column) or self.nullable[node.table] > 0:
            return False
        if node.table in self.groups:
            return any(text_of(k) == node.name and self.never_null(k) for k in self.groups[node.table][1])
        table = self.tables.get(node.table)
        return table is not None and self.facts.never_null(table, node.name)

    def is_filled(self, node: exp.Column) -> bool:
        """Whether a column of a table is never NULL in a row that is there."""
        return self.facts.never_null(self.tables.get(node.table, ""), node.name)

    def matched(self, block: Block) -> Block:
        """A block whose conditions only hold of rows that have a match in a left join: that join is an inner one."""
        for beside in block.beside:
            if beside.kind == "left" and any(
                rejects_null(p, lambda c, labels=beside.labels: c.table in labels)  # type: ignore[misc]
                for p in block.predicates
            ):
                self.nullable.subtract(beside.labels)
                inner = replace(
                    block,
                    labels=(*block.labels, *beside.labels),
                    predicates=(*block.predicates, *beside.on),
                    beside=tuple(b for b in block.beside if b is not beside),
                    grouped=None,
                )
                return self.matched(inner)
        return block

    def apart(self, left: Block, right: Block) -> Block:
        """The right block with labels that the left does not have: the second side of a self-join."""
        taken = set(labels_of(left))
        moves: dict[str, str] = {}
        for label in labels_of(right):
            if label in taken:
                number = next(n for n in range(2, 1_000) if f"{label}#{n}" not in taken)
                moves[label] = f"{label}#{number}"
            taken.add(moves.get(label, label))
        return self.relabelled(right, moves)

    def relabelled(self, right: Block, moves: Mapping[str, str]) -> Block:
        if not moves:
            return right
        for label, new in moves.items():
            self.tables[new] = self.tables.get(label, "")
            self.nullable[new] += self.nullable[label] > 0
            if label in self.groups:
                self.groups[new] = self.groups[label]
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

    def beside(self, block: Block, sub: Block) -> Block:
        """A subquery's block with names that nothing of the outer one has, and that say nothing of its depth.

        Relations of a correlated subquery are told apart by their depth up to here, so each is moved at once to where it
        stays: on the way it would be taken for the outer one of that name.
        """
        taken = labels_of(block)
        moves: dict[str, str] = {}
        for label in labels_of(sub):
            plain = self.label(re.sub(r"^\d+:", "", label))
            new = (
                plain
                if plain not in taken
                else next(f"{plain}#{n}" for n in range(2, 1_000) if f"{plain}#{n}" not in taken)
            )
            taken.append(new)
            if new != label:
                moves[label] = new
        return self.relabelled(sub, moves)

    def with_semi(self, block: Block, sub: Block, kind: str, on: Sequence[exp.Expr]) -> Block:
        """A block of which only rows count that have a match in another, or none. The other's relations have names of
        their own already.
        """
        sub, conditions = self.ungrouped(block, sub, on)
        if not sub.simple:
            return replace(block, beside=(*block.beside, Beside(kind, (hashed(sub.text()),), tuple(conditions))))
        told = tuple(canonical(o, self.never_null) for o in (*sub.predicates, *conditions))
        return replace(block, beside=(*block.beside, Beside(kind, sub.labels, told)))

    def wrapped(self, block: Block, what: str, *, whole: bool = False) -> Block:
        """A block as a relation, named by its content; its columns are told apart by what they are.

        Args:
            whole: what is calculated is a column of it: where the relation has no row it is NULL. Else only what it is
                calculated from is, and whether that happens before or after leaves no trace.
        """
        block = block.unified()
        label = self.label(hashed(f"{what} [{block.text()}]"))

        def put(node: exp.Expr) -> exp.Expr:
            return typed(label, text_of(node), type_of(node)) if isinstance(node, exp.Column | exp.Window) else node

        columns: Columns = {
            i: typed(label, text_of(e), type_of(e)) if whole else canonical(e.transform(put), self.never_null)
            for i, e in block.columns.items()
        }
        return Block((label,), columns=columns)

    def is_one_row(self, block: Block) -> bool:
        """Whether a block is a grouping by nothing, and all of it: one row on any data."""
        return len(block.labels) == 1 and block.labels[0] in self.single and not block.predicates and not block.beside

    def as_scalars(self, block: Block, value: exp.Expr) -> exp.Expr:
        """A value of a block of one row, as what a scalar subquery gives."""
        text = block.text()

        def put(node: exp.Expr) -> exp.Expr:
            if isinstance(node, exp.Column) and node.table == block.labels[0]:
                return exp.column(f"scalar {text} | {node.name}", table="query", quoted=True)
            return node

        placed: exp.Expr = value.transform(put)
        return placed

    def without_one_row(self, left: Block, right: Block) -> Block | None:
        """A product with one row adds its values to each row of the other side: as scalar subqueries do."""
        for one, other in ((right, left), (left, right)):
            if self.is_one_row(one):
                scalars = {i: self.as_scalars(one, e) for i, e in one.columns.items()}
                return replace(other, columns={**other.columns, **scalars}, grouped=None)
        return None

    def ungrouped(self, block: Block, sub: Block, on: Sequence[exp.Expr]) -> tuple[Block, Sequence[exp.Expr]]:
        """What is asked only whether it has a row need not be made distinct first."""
        label = sub.labels[0] if len(sub.labels) == 1 and not sub.beside and not sub.predicates else ""
        if label not in self.groups:
            return sub, on
        inner, keys = self.groups[label]
        inner, by_text = self.inside(block, inner, keys)
        below = [lowered(o, label, by_text) for o in on]
        if not keys or any(o is None for o in below):
            return sub, on
        return self.ungrouped(block, inner, [o for o in below if o is not None])

    def inside(self, block: Block, inner: Block, keys: Sequence[exp.Expr]) -> tuple[Block, dict[str, exp.Expr]]:
        """What is grouped, put beside a block, and its keys there by their names in the grouping."""
        apart = self.beside(block, replace(inner, columns=dict(enumerate(keys))))
        return apart, {text_of(k): apart.columns[i] for i, k in enumerate(keys)}

    def grouped(self, below: Block, keys: Sequence[exp.Expr]) -> str:
        label = self.label(group_content(below, keys))
        if keys:
            self.groups[label] = (below, tuple(keys))
        else:
            self.single.add(label)
        return label

    def is_key(self, block: Block, keys: Sequence[exp.Expr]) -> bool:
        """Whether rows are distinct already: one table, and its key among the columns; or groups with what they are by."""
        if len(block.labels) != 1 or any(b.kind == "left" for b in block.beside):
            return False
        if block.labels[0] in self.groups:
            group = {text_of(k) for k in self.groups[block.labels[0]][1]}
            return group <= {k.name for k in keys if isinstance(k, exp.Column) and k.table == block.labels[0]}
        key = self.facts.keys.get(self.tables.get(block.labels[0], ""), ())
        names = {k.name for k in keys if isinstance(k, exp.Column)}
        return bool(key) and set(key) <= names


def labels_of(block: Block) -> list[str]:
    """The relations of a block, with those beside it."""
    return [*block.labels, *(name for b in block.beside for name in b.labels)]


def names(expression: exp.Expr, label: str) -> bool:
    """Whether an expression names a column of a relation."""
    return any(c.table == label for c in expression.find_all(exp.Column))
