"""Queries inside expression strings (`filter("id IN (SELECT …)")`), lowered with the frame as their outer scope."""

from __future__ import annotations

from sqlglot import exp

from tools.jobs.python.site import Site
from tools.jobs.session import Session
from tools.jobs.sql.query import Env, lower_query
from tools.plan.bind import Scope
from tools.plan.relation import Relation


def lower_nested(query: exp.Expr, scope: Scope, session: Session, site: Site) -> Relation:
    """The relation of a nested query."""
    return lower_query(query, Env(session, lambda node: site.span, outer=scope))
