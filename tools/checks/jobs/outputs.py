"""Which columns a write hands out under which ids, and how ids below it come about."""

from __future__ import annotations

from sqlglot import exp

from tools.plan.base import ColumnId, Span
from tools.plan.references import is_ref, is_subquery_ref, ref_id
from tools.plan.whole import Plan, Write, walk
from tools.summary import names_of

__all__ = ["Outputs"]


class Outputs:
    """The written columns of one write, for expressions over ids below it."""

    def __init__(self, plan: Plan, write: Write) -> None:
        self._written: dict[ColumnId, str] = {}
        self._made: dict[ColumnId, tuple[exp.Expr, Span | None]] = {}
        self._names = names_of(write, plan)
        for assignment in write.assignments:
            if len(assignment.expressions) == 1 and is_ref(assignment.expressions[0]):
                self._written.setdefault(ref_id(assignment.expressions[0]), assignment.column)
        for op in walk(write.source):
            for item in op.items:
                if not item.is_pass_through:
                    self._made.setdefault(item.attribute.id, (item.expression, item.span or op.span))

    def column_of(self, expression: exp.Expr) -> str | None:
        """The written column that a reference goes to; None when it is not written as it is."""
        return self._written.get(ref_id(expression)) if is_ref(expression) else None

    def definition(self, expression: exp.Expr) -> tuple[exp.Expr, Span | None]:
        """What a reference was last computed from, and where; another expression is its own definition."""
        place: Span | None = None
        seen: set[ColumnId] = set()
        while is_ref(expression) and ref_id(expression) in self._made and ref_id(expression) not in seen:
            seen.add(ref_id(expression))
            expression, place = self._made[ref_id(expression)]
        return expression, place

    def over_columns(self, expression: exp.Expr) -> exp.Expr | None:
        """The expression over written columns; None when it needs one that is not written, or another query."""
        missing = False

        def visit(node: exp.Expr) -> exp.Expr:
            nonlocal missing
            if is_ref(node):
                column = self.column_of(node)
                missing = missing or column is None
                return exp.column(column or "missing", quoted=True)
            missing = missing or is_subquery_ref(node)
            return node

        placed = expression.transform(visit)
        return None if missing else placed

    def named(self, expression: exp.Expr) -> exp.Expr:
        """The expression with names in place of ids, for people."""

        def visit(node: exp.Expr) -> exp.Expr:
            return exp.column(self._names.get(ref_id(node), "?")) if is_ref(node) else node

        return expression.transform(visit)
