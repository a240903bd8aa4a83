"""Relations that nothing is taken from: joins that only ask whether a row is there, or do nothing at all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlglot import exp

from tools.diff.block import Beside, Block, classes_of, equates, moved, renamed, typed
from tools.diff.canonical import canonical, conjuncts, text_of
from tools.diff.relations import Relations, names
from tools.diff.rollup import lowered

__all__ = ["Reducer"]


class Reducer:
    """Takes out of blocks what makes no difference."""

    def __init__(self, relations: Relations) -> None:
        self._relations = relations

    def reduced(self, block: Block, used: Sequence[exp.Expr]) -> tuple[Block, list[exp.Expr]]:
        """A block, and what is used of it, without joins that add no column: to groups by all they are grouped by, which
        only ask whether there is such a group; left joins that match at most once; left joins of which only the rows
        without a match are kept.
        """
        values = list(used)
        for label in sorted(block.labels, key=lambda n: ("#" not in n, n not in self._relations.groups, n)):
            found = self._as_one(label, block, values) or self._as_semi(label, block, values)
            if found is not None:
                block, values = found
        for beside in block.beside:
            block = self._as_anti(beside, block, values)
        return self._without_unused(block, values), values

    def _as_one(self, label: str, block: Block, used: Sequence[exp.Expr]) -> tuple[Block, list[exp.Expr]] | None:
        """A relation joined with itself on its whole key: each row meets itself, and nothing else."""
        twin = next((n for n in sorted(block.labels) if n < label and self._are_twins(n, label, block)), None)
        if twin is None:
            return None
        moves = {label: twin}

        def put(expressions: Sequence[exp.Expr]) -> tuple[exp.Expr, ...]:
            never_null = self._relations.never_null
            return tuple(canonical(_itself(moved(e, moves)), never_null) for e in expressions)

        predicates = [p for e in put(block.predicates) for p in conjuncts(e) if not _holds(p)]
        merged = Block(
            tuple(n for n in block.labels if n != label),
            tuple(predicates),
            tuple(Beside(b.kind, b.labels, put(b.on)) for b in block.beside),
            dict(zip(block.columns, put(list(block.columns.values())), strict=True)),
            order=put(block.order),
        )
        return merged, list(put(used))

    def _are_twins(self, one: str, other: str, block: Block) -> bool:
        """Whether two relations are the same, and their keys are equated."""
        if one.partition("#")[0] != other.partition("#")[0]:
            return False
        key = self._key(other)
        groups = [{text_of(c) for c in group} for group in classes_of(block.predicates)]
        pairs = [{text_of(typed(n, k, None)) for n in (one, other)} for k in key]
        return bool(key) and all(any(pair <= group for group in groups) for pair in pairs)

    def _key(self, label: str) -> tuple[str, ...]:
        """Columns of which a relation has each combination once at most."""
        if label in self._relations.groups:
            return tuple(text_of(k) for k in self._relations.groups[label][1])
        return tuple(self._relations.facts.keys.get(self._relations.tables.get(label, ""), ()))

    def _as_semi(self, label: str, block: Block, used: Sequence[exp.Expr]) -> tuple[Block, list[exp.Expr]] | None:
        """An inner join to a relation's whole key, of which no other column is used: it keeps the rows that have a match."""
        key = set(self._key(label))
        if not key or len(block.labels) < 2 or block.order:
            return None
        own = [p for p in block.predicates if names(p, label)]
        found = {c.name for p in own if (c := _own_side(p, label)) is not None}
        if not key <= found:
            return None
        instead = {
            text_of(c): _other_side(p, c).copy() for p in own if equates(p) and (c := _own_side(p, label)) is not None
        }
        rest = [renamed(e, instead) for e in (*used, *(o for b in block.beside for o in b.on))]
        if any(names(e, label) for e in rest):
            return None
        moved_on = iter(rest[len(used) :])
        kept = replace(
            block,
            labels=tuple(n for n in block.labels if n != label),
            predicates=tuple(p for p in block.predicates if not names(p, label)),
            beside=tuple(Beside(b.kind, b.labels, tuple(next(moved_on) for _ in b.on)) for b in block.beside),
            columns={i: e for i, e in block.columns.items() if not names(e, label)},
            grouped=None,
        )
        if label not in self._relations.groups:
            return self._relations.with_semi(kept, Block((label,)), "semi", own), rest[: len(used)]
        inner, keys = self._relations.groups[label]
        if inner.beside or found != key or any(_own_side(p, label) is None for p in own):
            return None
        inner, by_text = self._relations.inside(kept, inner, keys)
        on = tuple(o for p in own if (o := lowered(p, label, by_text)) is not None)
        return self._relations.with_semi(kept, inner, "semi", on), rest[: len(used)]

    def _as_anti(self, beside: Beside, block: Block, used: Sequence[exp.Expr]) -> Block:
        """`LEFT JOIN … WHERE x IS NULL`, of an x that is filled in every match: rows without one."""
        compared = {text_of(c) for o in beside.on if isinstance(o, exp.EQ) for c in (o.this, o.expression)}
        for predicate in block.predicates:
            test = (
                predicate.this if isinstance(predicate, exp.Is) and isinstance(predicate.expression, exp.Null) else None
            )
            if beside.kind != "left" or not isinstance(test, exp.Column) or test.table not in beside.labels:
                continue
            others = [p for p in block.predicates if p is not predicate]
            elsewhere = [*used, *others, *block.order, *(o for b in block.beside if b is not beside for o in b.on)]
            filled = text_of(test) in compared or self._relations.is_filled(test)
            if filled and not any(names(e, n) for e in elsewhere for n in beside.labels):
                left = tuple(b for b in block.beside if b is not beside)
                kept = replace(block, predicates=tuple(others), beside=left)
                return self._relations.with_semi(kept, Block(beside.labels), "anti", beside.on)
        return block

    def _without_unused(self, block: Block, outputs: Sequence[exp.Expr]) -> Block:
        """Without left joins that add no column and, joined on the other table's whole key, no row."""
        kept = list(block.beside)
        for beside in block.beside:
            label = beside.labels[0] if beside.labels else ""
            key: Sequence[str] = self._relations.facts.keys.get(self._relations.tables.get(label, ""), ())
            if label in self._relations.groups:
                key = [text_of(k) for k in self._relations.groups[label][1]]
            others = [*outputs, *block.predicates, *block.order, *(o for b in kept if b is not beside for o in b.on)]
            used = any(c.table == label for e in others for c in e.find_all(exp.Column))
            equated = {c.name for o in beside.on if (c := _own_side(o, label)) is not None}
            if beside.kind == "left" and len(beside.labels) == 1 and not used and key and set(key) <= equated:
                kept.remove(beside)
        return replace(block, beside=tuple(kept))


def _own_side(predicate: exp.Expr, label: str) -> exp.Column | None:
    """The column of a relation that an equality compares with something that is not of it."""
    if isinstance(predicate, exp.EQ):
        for own, other in ((predicate.this, predicate.expression), (predicate.expression, predicate.this)):
            if isinstance(own, exp.Column) and own.table == label and not names(other, label):
                return own
    return None


def _other_side(predicate: exp.Expr, own: exp.Expr) -> exp.Expr:
    other: exp.Expr = predicate.expression if predicate.this is own else predicate.this
    return other


def _itself(expression: exp.Expr) -> exp.Expr:
    """A value compared with itself: true wherever it is filled."""
    if isinstance(expression, exp.EQ) and text_of(expression.this) == text_of(expression.expression):
        return exp.Not(this=exp.Is(this=expression.this.copy(), expression=exp.null()))
    return expression


def _holds(predicate: exp.Expr) -> bool:
    return isinstance(predicate, exp.Boolean) and bool(predicate.this)
