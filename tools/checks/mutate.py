"""Faults as they happen in the real world, put into a copy of a batch: what a check must be shown to catch.

A fault is a query over the batch with the same columns. It is put into every column that can have it at once: each
check only looks at its own. Which rows are hit follows their number, so that a fault is the same in every run.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from sqlglot import exp

from tools.lake.base import Column
from tools.profile.batches import Batches
from tools.profile.figures import Family, family, is_integer
from tools.profile.measure import source_of

__all__ = ["FAULTS", "Fault", "faulty"]

_NUMBER = "row number of the fault"
_LABEL: Mapping[Family, str] = {"text": "text", "number": "number", "time": "time", "boolean": "flag", "other": "value"}

Change = Callable[[exp.Expr, Column], "exp.Expr | None"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault.

    Attributes:
        name: as proofs name it.
        change: the new value of a column; None where the fault does not exist for it.
        every: one row in so many is hit; 1 hits all.
        repeat, keep: instead of changing values, rows that come twice, or the only ones that stay (one in so many).
        swap: values change places between columns of one type that follow each other in a check.
    """

    name: str
    change: Change | None = None
    every: int = 1
    repeat: bool = False
    keep: int = 0
    swap: bool = False


def faulty(fault: Fault, batches: Batches, pairs: Sequence[tuple[str, str]] = ()) -> exp.Query:
    """The batches with the fault in them, under the table's own column names.

    Args:
        pairs: columns that change places, for a fault that swaps.
    """
    columns = batches.table.columns
    inner = exp.select(*(exp.column(c.name, quoted=True) for c in columns))
    number = exp.alias_(exp.Window(this=exp.RowNumber()), _NUMBER, quoted=True)
    inner = inner.select(number).from_(source_of(batches.table))
    condition = batches.condition()
    inner = inner.where(condition) if condition is not None else inner
    keys = {k.name for k in batches.keys}
    items = [
        exp.column(c.name, quoted=True) if c.name in keys or c.is_partition else _changed(fault, c, columns, pairs)
        for c in columns
    ]
    query = exp.select(*(exp.alias_(i, c.name, quoted=True) for i, c in zip(items, columns, strict=True)))
    query = query.from_(inner.subquery("s"))
    if fault.keep:
        return query.where(_is_hit(fault.keep))
    if fault.repeat:
        return exp.union(query, query.copy().where(_is_hit(fault.every)), distinct=False)
    return query


def _changed(fault: Fault, column: Column, columns: Sequence[Column], pairs: Sequence[tuple[str, str]]) -> exp.Expr:
    old = exp.column(column.name, quoted=True)
    if fault.swap:
        partner = next((b if a == column.name else a for a, b in pairs if column.name in (a, b)), None)
        same = next((c for c in columns if c.name == partner and family(c.type) == family(column.type)), None)
        return exp.column(same.name, quoted=True) if same is not None else old
    new = fault.change(old.copy(), column) if fault.change is not None else None
    if new is None:
        return old
    return new if fault.every == 1 else exp.Case(ifs=[exp.If(this=_is_hit(fault.every), true=new)], default=old)


def _is_hit(every: int) -> exp.Expr:
    """The first row and every so-manieth after it, so that a small batch has one too."""
    number = exp.column(_NUMBER, quoted=True)
    return exp.EQ(
        this=exp.Mod(this=number, expression=exp.Literal.number(every)), expression=exp.Literal.number(1 % every)
    )


# --------------------------------------------------------------------------- changes of values


def _null(old: exp.Expr, column: Column) -> exp.Expr | None:
    return exp.cast(exp.null(), column.type, dialect="athena")


def _of(kind: Family, change: Callable[[exp.Expr, Column], exp.Expr]) -> Change:
    return lambda old, column: change(old, column) if family(column.type) == kind else None


def _times(factor: str) -> Change:
    def change(old: exp.Expr, column: Column) -> exp.Expr:
        scaled = exp.Mul(this=exp.cast(old, "double"), expression=exp.Literal.number(factor))
        return exp.cast(scaled, "bigint") if is_integer(column.type) else scaled

    return _of("number", change)


def _negative(old: exp.Expr, column: Column) -> exp.Expr:
    below = exp.Sub(this=exp.Neg(this=exp.Abs(this=exp.cast(old, "double"))), expression=exp.Literal.number(1))
    return exp.cast(below, "bigint") if is_integer(column.type) else below


def _zero(old: exp.Expr, column: Column) -> exp.Expr:
    return exp.cast(exp.Literal.number(0), column.type, dialect="athena")


def _appended(text: str) -> Change:
    return _of("text", lambda old, _: exp.DPipe(this=old, expression=exp.Literal.string(text)))


def _constant(text: str) -> Change:
    return _of("text", lambda old, _: exp.Literal.string(text))


def _cased(old: exp.Expr, column: Column) -> exp.Expr:
    """Upper case made lower, all else made upper."""
    lower = exp.Lower(this=old)
    return exp.If(this=exp.EQ(this=old.copy(), expression=lower), true=exp.Upper(this=old.copy()), false=lower.copy())


def _unheard_of(old: exp.Expr, column: Column) -> exp.Expr | None:
    if family(column.type) == "text":
        return exp.Literal.string("zz-99999")
    if family(column.type) == "number":
        return exp.cast(exp.Literal.number(-98765), column.type, dialect="athena")
    return None


def _moved(delta: datetime.timedelta) -> Change:
    def change(old: exp.Expr, column: Column) -> exp.Expr:
        unit, size = ("day", delta.days) if column.type == "date" else ("second", int(delta.total_seconds()))
        return exp.Anonymous(this="DATE_ADD", expressions=[exp.Literal.string(unit), exp.convert(size), old])

    return _of("time", change)


def _epoch(old: exp.Expr, column: Column) -> exp.Expr:
    return exp.cast(exp.Literal.string("1970-01-01 00:00:00"), column.type, dialect="athena")


def _flipped(old: exp.Expr, column: Column) -> exp.Expr:
    return exp.Not(this=old)


FAULTS: Mapping[str, Fault] = {
    f.name: f
    for f in (
        Fault("2 % of the values lost", _null, every=50),
        Fault("a third of the values lost", _null, every=3),
        Fault("3 % of the rows twice", every=33, repeat=True),
        Fault("only a third of the rows", keep=3),
        Fault("values that exist nowhere", _unheard_of, every=50),
        Fault("a letter too many", _appended("x"), every=50),
        Fault("a blank after the text", _appended(" "), every=20),
        Fault("changed case", _of("text", _cased), every=20),
        Fault("UNKNOWN for a value", _constant("UNKNOWN"), every=50),
        Fault("100 times too large in 5 %", _times("100"), every=20),
        Fault("100 times too large", _times("100")),
        Fault("half as large again", _times("1.5")),
        Fault("negative in 5 %", _of("number", _negative), every=20),
        Fault("0 in a third", _of("number", _zero), every=3),
        Fault("columns swapped", swap=True),
        Fault("dates of 1970", _of("time", _epoch), every=50),
        Fault("a year ahead", _moved(datetime.timedelta(days=365)), every=50),
        Fault("a year late", _moved(datetime.timedelta(days=-365))),
        Fault("eight hours ahead", _moved(datetime.timedelta(hours=8))),
        Fault("flags turned round", _of("boolean", _flipped), every=20),
    )
}
