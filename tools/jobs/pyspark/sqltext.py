"""The one door from PySpark code to SQL text: statements handed to `spark.sql`, and expressions in strings."""

from __future__ import annotations

from sqlglot import exp

from tools.jobs.python.site import Site
from tools.jobs.python.text import text_of
from tools.jobs.python.values import Located, Value
from tools.jobs.sql import SqlTextError, lower_text, parse_expression
from tools.plan.base import Span
from tools.plan.relation import Relation

__all__ = ["expression_of", "query_of"]


SQL_TEXT = 60  # steps that parsing a text is worth, however short it is


def query_of(value: Value, site: Site) -> Relation | None:
    """The relation of a SQL text's last statement; None when that is no query."""
    text = text_of(value)
    if text is None or not text.strip("${?} \n"):
        site.unknown("the SQL text is known only at run time", "statement")
        return None
    site.interpreter.spend(SQL_TEXT + len(text) // 4)
    return lower_text(text, site.session, origin_of(value, site))


def origin_of(value: Value, site: Site) -> Span:
    """Where a text begins in the job's file: where it is spelled, when that is known."""
    return value.span if isinstance(value, Located) else site.span


def expression_of(value: Value, site: Site) -> exp.Expr | None:
    """An unbound expression from a text; reported and None when it does not parse."""
    text = text_of(value)
    if text is None:
        site.unknown("an expression text known only at run time", "expression")
        return None
    site.interpreter.spend(SQL_TEXT + len(text) // 4)
    try:
        parsed = parse_expression(text, "spark")
    except SqlTextError as error:
        site.unknown(f"expression {text[:60]!r}: {error}", "expression")
        return None
    place(parsed, origin_of(value, site))
    return parsed


def place(expression: exp.Expr, origin: Span) -> None:
    """Marks every name of a parsed expression with its place in the job's file."""
    for column in expression.find_all(exp.Column, exp.Star):
        line = next((n.meta["line"] for n in column.walk() if "line" in n.meta), 1)
        column.meta["span"] = (origin.file, origin.line + line - 1, None)
