"""Blocks: what inner joins, filters and projections of a plan melt into, and the relations beside them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp

from tools.diff.canonical import canonical, text_of
from tools.diff.predicates import settled
from tools.plan.base import ColumnId
from tools.plan.references import column_type

__all__ = [
    "Beside",
    "Block",
    "Columns",
    "classes_of",
    "equates",
    "group_content",
    "hashed",
    "moved",
    "renamed",
    "type_of",
    "typed",
]

Columns = dict[ColumnId, exp.Expr]


@dataclass(frozen=True)
class Beside:
    """Relations that are joined in another way than inner: `left`, `semi`, `anti` or `not in`, with their conditions."""

    kind: str
    labels: tuple[str, ...]
    on: tuple[exp.Expr, ...]

    @property
    def conditions(self) -> Sequence[exp.Expr]:
        """The conditions in as few as say it; all of them for NOT IN, of which a NULL on the other side decides."""
        return self.on if self.kind == "not in" else settled(self.on)


@dataclass(frozen=True)
class Block:
    """A bag of relations that are joined, what has to hold of their rows, and the columns that are seen of them."""

    labels: tuple[str, ...]
    predicates: tuple[exp.Expr, ...] = ()
    beside: tuple[Beside, ...] = ()
    columns: Columns = field(default_factory=dict)
    grouped: tuple[Block, tuple[exp.Expr, ...]] | None = None  # what the only relation is grouped from, and by what
    measures: Mapping[str, exp.Expr] = field(default_factory=dict)  # aggregates of that grouping, by their text
    order: tuple[exp.Expr, ...] = ()

    @property
    def simple(self) -> bool:
        """Whether it can melt into another block's other side."""
        return not self.beside

    def unified(self) -> Block:
        """With one name for columns that an inner join equates, so that it does not matter which of them is named.

        Only for types whose equal values are the same value: -0.0 = 0.0, and text may be padded.
        """
        classes = classes_of(self.predicates)
        if not classes:
            return self
        chosen = {text_of(c): group[0] for group in classes for c in group}
        others = [p for p in self.predicates if not equates(p)]
        chains = [exp.EQ(this=g[0].copy(), expression=c.copy()) for g in classes for c in g[1:]]
        return replace(
            self,
            predicates=(*(renamed(p, chosen) for p in others), *chains),
            beside=tuple(Beside(b.kind, b.labels, tuple(renamed(o, chosen) for o in b.on)) for b in self.beside),
            columns={i: renamed(e, chosen) for i, e in self.columns.items()},
            order=tuple(renamed(o, chosen) for o in self.order),
        )

    def text(self) -> str:
        """All but its columns."""
        parts = [
            f"from {'; '.join(sorted(self.labels))}",
            f"where {'; '.join(sorted({text_of(p) for p in settled(self.predicates)}))}",
            *sorted(
                f"{b.kind} {'; '.join(sorted(b.labels))} on {'; '.join(sorted({text_of(o) for o in b.conditions}))}"
                for b in self.beside
            ),
        ]
        return " | ".join(parts)


def typed(table: str, name: str, kind: str | None) -> exp.Column:
    """A column of a relation, with its type where that is known."""
    column = exp.column(name, table=table, quoted=True)
    if kind:
        column.type = column_type(kind)
    return column


def type_of(expression: exp.Expr) -> str | None:
    """The type of an expression as text; None when it is not known."""
    return expression.type.sql("athena") if expression.type and not expression.type.is_type("unknown") else None


def moved(expression: exp.Expr, labels: Mapping[str, str]) -> exp.Expr:
    """An expression with columns of some relations taken for columns of others."""

    def move(node: exp.Expr) -> exp.Expr:
        if isinstance(node, exp.Column) and node.table in labels:
            node.set("table", exp.to_identifier(labels[node.table], quoted=True))
        return node

    placed: exp.Expr = expression.transform(move)
    return placed


_EXACT = ("tinyint", "smallint", "int", "bigint", "date", "timestamp", "varchar", "boolean", "uuid")


def equates(predicate: exp.Expr) -> bool:
    """Whether a predicate makes two columns the same value."""
    if not (
        isinstance(predicate, exp.EQ) and all(isinstance(c, exp.Column) for c in (predicate.this, predicate.expression))
    ):
        return False
    kinds = [type_of(c) for c in (predicate.this, predicate.expression)]
    return kinds[0] == kinds[1] and str(kinds[0]).lower() in _EXACT


def classes_of(predicates: Iterable[exp.Expr]) -> list[list[exp.Expr]]:
    """Columns that are equated, each group sorted."""
    groups: list[dict[str, exp.Expr]] = []
    for predicate in predicates:
        if not equates(predicate):
            continue
        pair = {text_of(c): c for c in (predicate.this, predicate.expression)}
        for group in [g for g in groups if g.keys() & pair.keys()]:
            pair |= group
            groups.remove(group)
        groups.append(pair)
    return [[g[k] for k in sorted(g)] for g in sorted(groups, key=lambda g: min(g))]


def renamed(expression: exp.Expr, chosen: Mapping[str, exp.Expr]) -> exp.Expr:
    """An expression with some columns put for others."""
    found: exp.Expr = expression.transform(
        lambda n: chosen[text_of(n)].copy() if isinstance(n, exp.Column) and text_of(n) in chosen else n
    )
    return canonical(found)


def group_content(block: Block, keys: Sequence[exp.Expr]) -> str:
    """What names a grouped relation: what is grouped, and by what."""
    return hashed(f"group {'; '.join(sorted(map(text_of, keys)))} [{block.text()}]")


def hashed(content: str) -> str:
    """A short name for a long content."""
    return hashlib.sha256(content.encode()).hexdigest()[:24]
