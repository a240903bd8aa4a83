"""Foreign keys: values that must exist in another table. The one kind of check that needs a query of its own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlglot import exp

from tools.checks.kinds.base import Context, Verdict, grade
from tools.checks.model import Check
from tools.lake.base import Lake
from tools.profile.batches import Batches
from tools.profile.measure import source_of
from tools.result import listed

__all__ = ["REFERENCE", "reference_query", "reference_verdict", "unmatched"]

REFERENCE = "foreign_key"
_SHOWN = 20


def _left(column: str) -> exp.Column:
    return exp.column(column, table="t", quoted=True)


def _right(number: int) -> exp.Column:
    return exp.column(f"k{number}", table="r", quoted=True)


def unmatched(check: Check, lake: Lake, origin: exp.Expr) -> exp.Select:
    """`SELECT … FROM t LEFT JOIN the other table's keys WHERE there is none`, its columns still to be chosen.

    Raises:
        CopilotError: the other table or its columns are not there.
    """
    other = lake.table(check.parameters["table"])
    theirs = check.parameters["columns"]
    keys = exp.select(
        *(exp.alias_(exp.column(c, quoted=True), f"k{i}", quoted=True) for i, c in enumerate(theirs))
    ).distinct()
    keys = keys.from_(source_of(other)).where(
        *(exp.Not(this=exp.Is(this=exp.column(c, quoted=True), expression=exp.null())) for c in theirs)
    )
    same = exp.and_(*(exp.EQ(this=_left(c), expression=_right(i)) for i, c in enumerate(check.columns)))
    filled = [exp.Not(this=exp.Is(this=_left(c), expression=exp.null())) for c in check.columns]
    alone = exp.Is(this=_right(0), expression=exp.null())
    table = origin.copy()
    table.set("alias", exp.TableAlias(this=exp.to_identifier("t", quoted=True)))
    return exp.select().from_(table).join(keys.subquery("r"), on=same, join_type="LEFT").where(*filled, alone)


def reference_query(check: Check, lake: Lake, batches: Batches, origin: exp.Expr) -> exp.Select:
    """Rows without a match by batch, with some of their values."""
    query = unmatched(check, lake, origin)
    keys = [exp.column(k.name, table="t", quoted=True) for k in batches.keys]
    value: exp.Expr = exp.cast(_left(check.columns[0]), "varchar")
    some = exp.Anonymous(
        this="SLICE",
        expressions=[
            exp.ArrayAgg(this=exp.Distinct(expressions=[value])),
            exp.Literal.number(1),
            exp.Literal.number(_SHOWN),
        ],
    )
    bad = exp.Count(this=exp.Star(), big_int=True)
    query = query.select(*keys, exp.alias_(bad, "bad", quoted=True), exp.alias_(some, "new", quoted=True))
    condition = batches.condition()
    if condition is not None:
        for column in condition.find_all(exp.Column):
            column.set("table", exp.to_identifier("t", quoted=True))
        query = query.where(condition).group_by(*(k.copy() for k in keys))
    return query


def reference_verdict(check: Check, found: Mapping[str, Any], context: Context) -> Verdict:
    """No row may be without its match."""
    bad, other = int(found["bad"] or 0), check.parameters["table"]
    if not bad:
        return Verdict(True, f"Every {listed(check.columns)} is in `{other}`.", 0)
    some = sorted(str(v) for v in found["new"] or ())
    detail = (
        f"{bad:,} of {context.rows:,} rows have a {listed(check.columns)} that is not in `{other}`: {listed(some, 8)}."
    )
    return Verdict(False, detail, bad, grade(check, bad, context.rows))
