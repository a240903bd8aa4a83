"""What a predicate or an expression promises: that a column is filled, one of a list, or computed from others."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlglot import exp

from tools.checks.jobs.facts import Fact
from tools.checks.jobs.outputs import Outputs
from tools.plan.references import is_ref
from tools.result import Evidence

__all__ = ["as_condition", "column_promises", "predicate_promises"]

_COMPARISONS = (exp.GT, exp.GTE, exp.LT, exp.LTE, exp.EQ, exp.NEQ, exp.Between, exp.In, exp.Like)
# Nothing of this kind has the same value when it is asked again, or on single rows.
_UNSTABLE = (
    exp.AggFunc,
    exp.Window,
    exp.Query,
    exp.Anonymous,
    exp.Placeholder,
    exp.Parameter,
    exp.Var,
    exp.CurrentDate,
    exp.CurrentTimestamp,
    exp.Rand,
    exp.Uuid,
)
_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Neg, exp.Paren, exp.Column, exp.Literal, exp.Round, exp.Identifier)


def as_condition(expression: exp.Expr) -> str:
    """Athena SQL of an expression over columns."""
    return expression.sql("athena", comments=False)


def predicate_promises(condition: exp.Expr, evidence: Evidence) -> Iterator[Fact]:
    """What a filter over written columns promises; NULL never passes a comparison."""
    if isinstance(condition, _UNSTABLE) or condition.find(*_UNSTABLE) or "${" in as_condition(condition):
        return
    columns = tuple(dict.fromkeys(c.name for c in condition.find_all(exp.Column)))
    if not columns:
        return
    why = "The job keeps only rows where this holds."
    if filled := _not_null(condition):
        yield Fact("not_null", (filled,), {}, why, evidence)
        return
    if isinstance(condition, _COMPARISONS):
        for column in columns:
            if not condition.find(exp.Coalesce, exp.Case, exp.If):
                yield Fact("not_null", (column,), {}, "The job's comparison keeps no NULL.", evidence)
    if values := _listed_values(condition):
        yield Fact("accepted_values", columns, {"values": values}, why, evidence)
    else:
        yield Fact("condition", columns, {"condition": as_condition(condition)}, why, evidence)


def _not_null(condition: exp.Expr) -> str | None:
    if isinstance(condition, exp.Not) and isinstance(condition.this, exp.Is):
        test = condition.this
        if isinstance(test.this, exp.Column) and isinstance(test.expression, exp.Null):
            return str(test.this.name)
    return None


def _listed_values(condition: exp.Expr) -> list[str] | None:
    """Text values of `column = 'x'` or `column IN ('x', 'y')`."""
    if isinstance(condition, exp.EQ) and isinstance(condition.this, exp.Column):
        given = [condition.expression]
    elif isinstance(condition, exp.In) and isinstance(condition.this, exp.Column) and condition.expressions:
        given = condition.expressions
    else:
        return None
    return [v.name for v in given] if all(isinstance(v, exp.Literal) and v.is_string for v in given) else None


def column_promises(
    column: str, expression: exp.Expr, outputs: Outputs, evidence: Evidence, *, certain: bool
) -> Iterator[Fact]:
    """What a written column's expression promises. `certain`: no outer join can leave it empty."""
    expression = _bare(expression)
    results = _results(expression, outputs)
    if results is not None:
        values, may_be_null = results
        if values:
            yield Fact("accepted_values", (column,), {"values": values}, "The job makes no other values.", evidence)
        if not may_be_null and certain:
            yield Fact("not_null", (column,), {}, "Every branch of the job's expression gives a value.", evidence)
        return
    if certain and _never_null(expression):
        yield Fact("not_null", (column,), {}, "The job's expression gives a value for every row.", evidence)
    yield from _form(column, expression, evidence)
    yield from _computed(column, expression, outputs, evidence)


def _bare(expression: exp.Expr) -> exp.Expr:
    while isinstance(expression, exp.Paren):
        expression = expression.this
    return expression


def _results(expression: exp.Expr, outputs: Outputs) -> tuple[list[str], bool] | None:
    """The text constants that a CASE, IF, COALESCE or constant can give, and whether it can give NULL."""
    expression = _bare(outputs.definition(expression)[0])
    match expression:
        case exp.Literal(is_string=True):
            return [expression.name], False
        case exp.Null():
            return [], True
        case exp.Case():
            branches = [i.args["true"] for i in expression.args["ifs"]]
            return _together([*branches, expression.args.get("default") or exp.null()], outputs)
        case exp.If():
            return _together([expression.args["true"], expression.args.get("false") or exp.null()], outputs)
        case exp.Coalesce():
            found = [_results(e, outputs) for e in (expression.this, *expression.expressions)]
            if any(f is None for f in found):
                return None
            values = dict.fromkeys(v for f in found if f for v in f[0])
            return list(values), all(f[1] for f in found if f)
    return None


def _together(branches: list[exp.Expr], outputs: Outputs) -> tuple[list[str], bool] | None:
    found = [_results(b, outputs) for b in branches]
    if any(f is None for f in found):
        return None
    values = list(dict.fromkeys(v for f in found if f for v in f[0]))
    return (values, any(f[1] for f in found if f)) if values else None


def _never_null(expression: exp.Expr) -> bool:
    if isinstance(expression, exp.Count | exp.RowNumber):
        return True
    if isinstance(expression, exp.Coalesce):
        return any(isinstance(_bare(e), exp.Literal | exp.Boolean) for e in expression.expressions)
    return isinstance(expression, exp.Literal | exp.Boolean)


_FORMS: dict[type[exp.Expr], Callable[[exp.Expr], exp.Expr]] = {
    exp.Upper: lambda c: exp.EQ(this=c, expression=exp.Upper(this=c.copy())),
    exp.Lower: lambda c: exp.EQ(this=c, expression=exp.Lower(this=c.copy())),
    exp.Trim: lambda c: exp.EQ(this=c, expression=exp.Trim(this=c.copy())),
    exp.Abs: lambda c: exp.GTE(this=c, expression=exp.Literal.number(0)),
}


def _form(column: str, expression: exp.Expr, evidence: Evidence) -> Iterator[Fact]:
    """UPPER(…), LOWER(…), TRIM(…): the result has that form whatever went in."""
    if type(expression) not in _FORMS or (isinstance(expression, exp.Trim) and expression.expression is not None):
        return
    condition = as_condition(_FORMS[type(expression)](exp.column(column, quoted=True)))
    why = f"The job writes the result of {type(expression).__name__.upper()}."
    yield Fact("condition", (column,), {"condition": condition}, why, evidence)


def _computed(column: str, expression: exp.Expr, outputs: Outputs, evidence: Evidence) -> Iterator[Fact]:
    """Sums, differences and products of columns that are written too."""
    if is_ref(expression) or isinstance(expression, (exp.Literal, exp.Cast)):
        return
    over = outputs.over_columns(expression)
    if over is None or not all(isinstance(n, _ARITHMETIC) for n in over.walk()) or not over.find(exp.Column):
        return
    used = tuple(dict.fromkeys(c.name for c in over.find_all(exp.Column)))
    if column in used:
        return
    value = exp.cast(exp.column(column, quoted=True), "double")
    off = exp.Abs(this=exp.Sub(this=value, expression=exp.paren(exp.cast(over, "double"))))
    least = exp.Greatest(this=exp.Abs(this=value.copy()), expressions=[exp.Literal.number(1)])
    share = exp.Mul(this=exp.Literal.number(_tolerance(over)), expression=least)
    condition = as_condition(exp.LTE(this=off, expression=share))
    why = f"The job computes `{column}` from {', '.join(f'`{c}`' for c in used)}."
    yield Fact("condition", (column, *used), {"condition": condition}, why, evidence, exact=False)


def _tolerance(expression: exp.Expr) -> str:
    """One part in a million; where the job rounds, one of the last figure that it keeps."""
    rounded = [r.args.get("decimals") for r in expression.find_all(exp.Round)]
    digits = [int(d.name) if isinstance(d, exp.Literal) and d.name.isdigit() else 0 for d in rounded]
    return f"{10.0 ** -min(digits):.10f}".rstrip("0") if digits else "0.000001"
