"""Code that is not read: frames and columns that came through it still carry what went in."""

from __future__ import annotations

from collections.abc import Sequence

from sqlglot import exp

from tools.jobs.pyspark.frame import Frame, Parent
from tools.jobs.python.site import Site
from tools.plan.model import Opaque
from tools.plan.relation import Relation

OPAQUE = "__UDF__"  # a function of the job that is not read: its value may come from any argument


def opaque_frame(
    frames: Sequence[Frame],
    reason: str,
    site: Site,
    columns: Sequence[str] | None = None,
    *,
    complete: bool = False,
    types: Sequence[str | None] = (),
    keys: Sequence[exp.Expr] = (),
) -> Frame:
    """A frame whose columns may come from any column of the inputs.

    Args:
        columns: names that are known to come out; with `complete` no others do.
        keys: what rows are grouped by before the code gets them.
    """
    ids = site.session.ids
    named = [ids.attribute(n, types[i] if i < len(types) else None) for i, n in enumerate(columns or ())]
    site.unknown(reason, "statement")
    op = Opaque([f.op for f in frames], reason, named, None if complete else ids, list(keys), span=site.span)
    return Frame(Relation.over(op), tuple(Parent(f) for f in frames))
