"""Groupings of groupings, and tests that only ask whether a group is there: what they are without the step between.

A sum of sums over finer groups is the sum; a count over distinct rows is a distinct count; making distinct what is
distinct does nothing. Only what holds for NULLs, for empty tables and for exact numbers is here: sums of floating point
numbers depend on the order in which they are taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlglot import exp

from tools.diff.block import Block
from tools.diff.canonical import canonical, text_of

__all__ = ["grouped_form", "lowered", "rolled_up"]

NotNull = Callable[[exp.Expr], bool]
_WHOLE = ("tinyint", "smallint", "int", "bigint")
_KEEPS_EXACT = (exp.Column, exp.Literal, exp.Add, exp.Sub, exp.Mul, exp.Neg, exp.Paren, exp.Identifier, exp.DataType)


def rolled_up(
    block: Block, keys: Sequence[exp.Expr], measures: Sequence[exp.Expr], never_null: NotNull, dialect: str
) -> tuple[Block, list[exp.Expr], list[exp.Expr]] | None:
    """A grouping of what is grouped already, as one grouping: of what, by what, and its aggregates. None where it is not
    the same.
    """
    if block.grouped is None or len(block.labels) != 1 or block.predicates or block.beside:
        return None
    inner, group = block.grouped
    finer = {text_of(k): k for k in group}
    outer = [lowered(k, block.labels[0], finer) for k in keys]
    if any(k is None for k in outer) or not finer:
        return None
    roll = _Roll(block, inner, finer, {text_of(k) for k in outer if k is not None}, never_null, dialect)
    made = [roll.measure(m) for m in measures]
    if any(m is None for m in made):
        return None
    return inner, [k for k in outer if k is not None], [m for m in made if m is not None]


def lowered(expression: exp.Expr, label: str, keys: Mapping[str, exp.Expr]) -> exp.Expr | None:
    """An expression over the key columns of a grouped relation as one over what is grouped; None if it needs more."""
    used = [c for c in expression.find_all(exp.Column) if c.table == label]
    if any(c.name not in keys for c in used):
        return None
    below = expression.transform(lambda n: keys[n.name].copy() if isinstance(n, exp.Column) and n.table == label else n)
    return canonical(below)


class _Roll:
    def __init__(
        self,
        block: Block,
        inner: Block,
        finer: Mapping[str, exp.Expr],
        outer: set[str],
        never_null: NotNull,
        dialect: str,
    ) -> None:
        self._block, self._inner, self._finer, self._outer = block, inner, finer, outer
        self._never_null, self._dialect = never_null, dialect

    def measure(self, measure: exp.Expr) -> exp.Expr | None:
        """One aggregate over the groups as one over the rows."""
        value = measure.this
        label = self._block.labels[0]
        if isinstance(measure, exp.Sum | exp.Min | exp.Max) and isinstance(value, exp.Column) and value.table == label:
            below = self._block.measures.get(value.name)
            if below is not None:
                return below.copy() if self._adds_up(measure, below) else None
        if isinstance(measure, exp.Count):
            return self._count(measure)
        if isinstance(measure, exp.Min | exp.Max):
            return lowered(measure, label, self._finer)
        return None

    def _adds_up(self, measure: exp.Expr, below: exp.Expr) -> bool:
        if isinstance(below.this, exp.Distinct):
            return False
        if isinstance(measure, exp.Min | exp.Max):
            return type(below) is type(measure)
        if isinstance(below, exp.Count | exp.CountIf):
            return bool(self._outer)  # of no group at all a sum is NULL, and a count 0
        return isinstance(below, exp.Sum) and self._is_exact(below.this)

    def _is_exact(self, value: exp.Expr) -> bool:
        """Whole numbers; decimals where a sum of them has the same type however often it is taken."""
        allowed = _WHOLE if self._dialect in ("spark", "hive", "databricks") else (*_WHOLE, "decimal")
        columns = list(value.find_all(exp.Column))
        typed = all(c.type is not None and c.type.is_type(*allowed) for c in columns)
        plain = all(isinstance(n, _KEEPS_EXACT) for n in value.walk())
        whole = all(not n.is_string and n.this.isdigit() for n in value.find_all(exp.Literal))
        return bool(columns) and typed and plain and whole

    def _count(self, measure: exp.Expr) -> exp.Expr | None:
        """Distinct counts of keys stay; a count of the one key that the outer groups lack is a distinct count."""
        value, label = measure.this, self._block.labels[0]
        if isinstance(value, exp.Distinct):
            return lowered(measure, label, self._finer)
        extra = set(self._finer) - self._outer
        if len(extra) != 1 or not self._outer <= set(self._finer):
            return None
        (key,) = extra
        if isinstance(value, exp.Star):
            if not self._is_filled(self._finer[key]):
                return None
        elif not (isinstance(value, exp.Column) and value.table == label and value.name == key):
            return None
        return exp.Count(this=exp.Distinct(expressions=[self._finer[key].copy()]), big_int=True)

    def _is_filled(self, key: exp.Expr) -> bool:
        wanted = text_of(exp.Not(this=exp.Is(this=key.copy(), expression=exp.null())))
        return self._never_null(key) or any(text_of(p) == wanted for p in self._inner.predicates)


def grouped_form(measure: exp.Expr) -> exp.Expr:
    """An aggregate of a group, which has at least one row: `SUM(CASE WHEN t THEN 1 ELSE 0 END)` counts rows there."""
    value = measure.this
    if not (isinstance(measure, exp.Sum) and isinstance(value, exp.Case) and len(value.args["ifs"]) == 1):
        return measure
    then, default = value.args["ifs"][0].args["true"], value.args.get("default")
    if not (_is_number(then, "1") and _is_number(default, "0")):
        return measure
    return exp.CountIf(this=value.args["ifs"][0].this.copy())


def _is_number(node: exp.Expr | None, text: str) -> bool:
    return isinstance(node, exp.Literal) and not node.is_string and node.this == text
