"""Where in its text a piece of a query stands."""

from __future__ import annotations

from sqlglot import exp

__all__ = ["place"]


def place(node: exp.Expr) -> str:
    """`line 2:14` of the first word in a node that the text has a place for; columns count from 1."""
    spots = [(m["line"], m["col"] - (m["end"] - m["start"])) for m in (p.meta for p in node.walk()) if "line" in m]
    line, column = min(spots, default=(1, 1))
    return f"line {line}:{max(1, column)}"
