"""Rules as SQL for formats that take it: what counts rows against a rule, and the filter that keeps the newest batch."""

from __future__ import annotations

from sqlglot import exp

from tools.checks.formats.rules import InRange, InTable, Matches, NoRows, NotNull, OneOf, Rule, Unique
from tools.checks.kinds.base import column_of, literal, name_of
from tools.lake.base import Column, Table

__all__ = ["against", "newest_batch", "table_named", "unmatched_rows"]


def against(rule: Rule, table: Table) -> exp.Expr | None:
    """The condition of a row against a rule; None for a rule about more than one row."""
    match rule.test:
        case NoRows(condition):
            return condition
        case NotNull(column):
            return exp.Is(this=name_of(column), expression=exp.null())
        case OneOf(column, values):
            kind = column_of(table, column).type
            return exp.Not(this=exp.In(this=name_of(column), expressions=[literal(v, kind) for v in values]))
        case InRange(column, low, high):
            kind = column_of(table, column).type
            tests: list[exp.Expr] = []
            if low is not None:
                tests.append(exp.LT(this=name_of(column), expression=literal(low, kind)))
            if high is not None:
                tests.append(exp.GT(this=name_of(column), expression=literal(high, kind)))
            return exp.or_(*tests) if tests else exp.false()
        case Matches(column, regex):
            return exp.Not(this=exp.RegexpLike(this=name_of(column), expression=exp.Literal.string(regex)))
        case Unique() | InTable() | _:
            return None


def unmatched_rows(test: InTable, table: exp.Expr) -> exp.Select:
    """Rows of a table (or query) that have no match in the other one."""
    theirs = [exp.alias_(name_of(c), f"k{i}", quoted=True) for i, c in enumerate(test.theirs)]
    filled = [exp.Not(this=exp.Is(this=name_of(c), expression=exp.null())) for c in test.theirs]
    keys = exp.select(*theirs).distinct().from_(table_named(test.table)).where(*filled)

    def ours(column: str) -> exp.Expr:
        return exp.column(column, table="t", quoted=True)

    def key(number: int) -> exp.Expr:
        return exp.column(f"k{number}", table="r", quoted=True)

    same = exp.and_(*(exp.EQ(this=ours(c), expression=key(i)) for i, c in enumerate(test.columns)))
    alone = exp.Is(this=key(0), expression=exp.null())
    has = [exp.Not(this=exp.Is(this=ours(c), expression=exp.null())) for c in test.columns]
    rows = exp.alias_(table.copy(), "t", table=True, quoted=True)
    return (
        exp.select(*map(ours, test.columns))
        .from_(rows)
        .join(keys.subquery("r"), on=same, join_type="LEFT")
        .where(*has, alone)
    )


def newest_batch(keys: tuple[Column, ...], table: Table) -> exp.Expr | None:
    """A filter that keeps the newest batch: the last value of each key among those that share the keys before it."""
    tests: list[exp.Expr] = []
    for key in keys:
        last = exp.select(exp.Max(this=name_of(key.name))).from_(table_named(str(table.name)))
        if tests:
            last = last.where(*(t.copy() for t in tests))
        tests.append(exp.EQ(this=name_of(key.name), expression=last.subquery()))
    return exp.and_(*tests) if tests else None


def table_named(name: str) -> exp.Table:
    """`database.table` as a query names it."""
    database, _, bare = name.rpartition(".")
    return exp.table_(bare, db=database or None, quoted=True)
