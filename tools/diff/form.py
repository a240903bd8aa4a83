"""A plan in canonical form: what two jobs that always give the same rows have in common, whatever they look like.

Inner joins, filters and projections melt into one block: a bag of relations, a set of predicates, and expressions.
What cannot melt (an aggregate, an outer join's other side, a union, a window) is a relation of its own, named by its
content. Order of joins, of predicates, of columns, aliases, CTEs and subqueries leave no trace. Every step keeps the
meaning on any data; what has no form raises `NoForm`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence

from sqlglot import exp

from tools.diff.canonical import text_of
from tools.diff.facts import Facts, NoForm
from tools.diff.former import Former
from tools.diff.reduce import Reducer
from tools.plan.whole import Plan, Write

__all__ = ["form_of"]


def form_of(
    write: Write,
    plan: Plan,
    facts: Facts,
    code: Callable[[exp.Expr], str] = lambda _: "",
    only: Collection[str] | None = None,
) -> str:
    """The canonical text of what a write stores.

    Args:
        only: only these of its columns.
        code: a mark of the code behind a function call that was not read.

    Raises:
        NoForm: part of it has none.
    """
    if write.self_reference or write.carries:
        raise NoForm("it depends on what the target held before, or on columns that are not known")
    former = Former(plan, facts, code)
    block = former.block(write.source).unified()
    wanted = [
        (a.column.lower(), e)
        for a in write.assignments
        if only is None or a.column.lower() in only
        for e in a.expressions
    ]
    block, values = Reducer(former.relations).reduced(block, [former.placed(e, block) for _, e in wanted])
    outputs: dict[str, list[str]] = {}
    for (name, _), value in zip(wanted, values, strict=True):
        outputs.setdefault(name, []).append(text_of(value))
    said = "; ".join(f"{name} = {', '.join(outputs[name])}" for name in sorted(outputs))
    whole = f"{write.kind in ('overwrite', 'create', 'query', 'view')} {block.text()} | select {said}"
    return min(_with_twins_swapped(whole, block.labels))


def _with_twins_swapped(text: str, labels: Sequence[str]) -> Iterator[str]:
    """The text with the sides of a self-join named either way: which of them comes first means nothing."""
    yield text
    for label in labels:
        if label.endswith("#2") and label.removesuffix("#2") in labels:
            first = label.removesuffix("#2")
            mark = "\0"
            swapped = text.replace(label, mark)
            swapped = re.sub(rf"{re.escape(first)}(?![#\w.])", label, swapped).replace(mark, first)
            head, _, tail = swapped.partition(" | select ")
            clauses = [_resorted(part) for part in head.split(" | ")]
            yield " | ".join(clauses) + f" | select {tail}"


def _resorted(part: str) -> str:
    word, _, rest = part.partition(" ")
    if word == "where" or " from " in part[:12]:
        flag, _, items = part.partition("where " if word == "where" else "from ")
        return flag + ("where " if word == "where" else "from ") + "; ".join(sorted(map(_turned, items.split("; "))))
    return part if not rest else f"{word} {rest}"


def _turned(predicate: str) -> str:
    """An equality with its sides in order again."""
    left, sign, right = predicate.partition(" = ")
    return f"{right} = {left}" if sign and " " not in left + right and right < left else predicate
