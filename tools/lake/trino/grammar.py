"""Athena's queries as a sqlglot dialect: Trino's, with two things left as they are written.

Subscripts keep their number (sqlglot would count literal ones from 0 and leave the others, so that nobody could tell
`a[i]` from `a[i]` afterwards), and `DECIMAL '1.20'` keeps the scale that its digits show.
"""

from __future__ import annotations

from typing import ClassVar

from sqlglot import exp
from sqlglot.dialects.trino import Trino
from sqlglot.parsers.trino import TrinoParser

__all__ = ["DIALECT", "AthenaQuery"]


def _decimal_literal(parser: TrinoParser, literal: exp.Expr, dtype: exp.DataType) -> exp.Expr:
    digits = literal.name.strip().lstrip("+-")
    whole, _, fraction = digits.partition(".")
    precision = max(len(whole.lstrip("0")) + len(fraction), 1)
    return exp.cast(literal, f"decimal({precision},{len(fraction)})")


class AthenaQuery(Trino):
    """The dialect of everything that a lake runs."""

    INDEX_OFFSET = 0

    class Parser(TrinoParser):
        """See the module."""

        TYPE_LITERAL_PARSERS: ClassVar = {**TrinoParser.TYPE_LITERAL_PARSERS, exp.DType.DECIMAL: _decimal_literal}


DIALECT = "athenaquery"
