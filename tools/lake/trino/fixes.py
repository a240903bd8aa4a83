"""All fix-ups in one table: which functions look at which node.

A tree is fixed from its leaves up, so a fix-up sees parts that are fixed already. Several may look at one kind of node
(a cast may be of numbers, of dates, of text): the first that changes it wins.
"""

from __future__ import annotations

from sqlglot import exp

from knowledge.errors import QueryError
from tools.lake.trino import collections, dates, json, numbers, strings
from tools.lake.trino.macros import MACRO_NAMES
from tools.lake.trino.nodes import Fix, call

__all__ = ["fix"]

_TOPICS = (numbers.FIXES, dates.FIXES, strings.FIXES, collections.FIXES, json.FIXES)
_FIXES: dict[type[exp.Expr], tuple[Fix, ...]] = {
    kind: tuple(topic[kind] for topic in _TOPICS if kind in topic) for kind in {k for topic in _TOPICS for k in topic}
}
_CALLS: dict[str, Fix] = {**dates.CALLS, **collections.CALLS, **json.CALLS}


def fix(tree: exp.Expr) -> exp.Expr:
    """Changes a typed Athena tree in place so that DuckDB answers it as Athena would; returns its root."""
    collections.type_lambdas(tree)
    for node in reversed(list(tree.walk(bfs=True))):
        try:
            fixed = _fixed(node)
        except KeyError as missing:  # sqlglot parses a call without an argument that the function cannot do without
            raise QueryError(
                f"FUNCTION_NOT_FOUND: {node.sql('athena')} lacks an argument: {missing.args[0]}"
            ) from missing
        if fixed is node:
            continue
        if fixed.type is None and node.type is not None:
            fixed.type = node.type
        if node is tree:
            tree = fixed
        else:
            node.replace(fixed)
    return tree


def _fixed(node: exp.Expr) -> exp.Expr:
    if isinstance(node, exp.Anonymous):
        return _fixed_call(node)
    for change in _FIXES.get(type(node), ()):
        fixed = change(node)
        if fixed is not node:
            return fixed
    return node


def _fixed_call(node: exp.Anonymous) -> exp.Expr:
    """A call that sqlglot does not know: a fix-up of its own, else a macro of that name."""
    name = node.name.lower()
    if name in _CALLS:
        return _CALLS[name](node)
    macro = f"trino_{name}"
    return call(macro, *node.expressions) if macro in MACRO_NAMES else node
