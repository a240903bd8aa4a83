"""What a query sees besides its own FROM: the reading, common table expressions in scope, the enclosing query."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from sqlglot import exp

from tools.jobs.session import Session
from tools.plan.base import Span, Unknown
from tools.plan.bind import Scope, bind
from tools.plan.model import Opaque
from tools.plan.relation import Relation

Place = Callable[[exp.Expr], Span | None]

# Dialects in which a later select item may use an earlier item's alias.
LATERAL_ALIASES = frozenset(
    {"", "spark", "spark2", "databricks", "redshift", "snowflake", "duckdb", "bigquery", "clickhouse"}
)


@dataclass
class Env:
    """The surroundings of one query."""

    session: Session
    place: Place
    ctes: dict[str, Relation] = field(default_factory=dict)
    outer: Scope | None = None

    def scope(self, relation: Relation, aliases: dict[str, exp.Expr] | None = None) -> Scope:
        """A binding scope over a relation."""
        return Scope(
            relation,
            self.place,
            self.session.unknown,
            self._nested,
            self.session.plan.subqueries,
            aliases or {},
            outer=self.outer,
        )

    def bind(self, expression: exp.Expr, relation: Relation) -> exp.Expr:
        """Binds one expression over a relation."""
        return bind(expression, self.scope(relation))

    def _nested(self, query: exp.Expr, scope: Scope) -> Relation:
        from tools.jobs.sql.query import lower_query

        return lower_query(query, replace(self, outer=scope))


def opaque(env: Env, reason: str, node: exp.Expr, inputs: Sequence[Relation] = ()) -> Relation:
    """A relation that could not be read: its columns may come from any input."""
    span = env.place(node)
    env.session.unknown(Unknown(reason, span, "statement"))
    return Relation.over(Opaque([r.op for r in inputs], reason, [], env.session.ids, span=span))


def alias_columns(node: exp.Expr) -> list[str]:
    """The column names of `AS t(a, b)`."""
    alias = node.args.get("alias")
    return [c.name for c in alias.args.get("columns") or []] if isinstance(alias, exp.TableAlias) else []
