"""A column's type as the contract standard says it: a logical type, and nested properties for arrays, maps and rows."""

from __future__ import annotations

from typing import Any

from sqlglot import exp

from knowledge.errors import ConfigError
from tools.lake.types import athena_type

__all__ = ["type_keys", "widens"]

_LOGICAL = {
    "boolean": "boolean", "tinyint": "integer", "smallint": "integer", "integer": "integer", "bigint": "integer",
    "real": "number", "double": "number", "decimal": "number", "varchar": "string", "char": "string", "date": "date",
    "timestamp": "timestamp", "time": "time", "array": "array", "map": "map", "row": "object",
}  # fmt: skip
_WIDER = {
    "tinyint": ("smallint", "integer", "bigint"),
    "smallint": ("integer", "bigint"),
    "integer": ("bigint",),
    "real": ("double",),
}


def type_keys(athena: str) -> dict[str, Any]:
    """`logicalType`, `physicalType` and what is inside. A type without a counterpart (binary) has no logical type."""
    keys: dict[str, Any] = {"physicalType": athena}
    logical = _LOGICAL.get(_base(athena))
    if logical is None:
        return keys
    keys = {"logicalType": logical, "physicalType": athena}
    if logical in ("array", "map", "object"):
        keys |= _inside(athena, logical)
    return keys


def _inside(athena: str, logical: str) -> dict[str, Any]:
    try:
        parsed = exp.DataType.build(athena, dialect="athena")
    except Exception:  # noqa: BLE001 - the type's own text is kept; what is inside it is then not told
        return {}
    parts = parsed.expressions
    if logical == "array" and parts:
        return {"items": type_keys(_spelled(parts[0]))}
    if logical == "object":
        return {"properties": [_field(p, i) for i, p in enumerate(parts)]}
    return {}


def _field(part: exp.Expr, number: int) -> dict[str, Any]:
    if isinstance(part, exp.ColumnDef) and part.kind is not None:
        return {"name": part.this.name, **type_keys(_spelled(part.kind))}
    return {"name": f"field{number}", **type_keys(_spelled(part))}


def _spelled(part: exp.Expr) -> str:
    text = part.sql("athena")
    try:
        return athena_type(text)
    except ConfigError:
        return str(text).lower()


def _base(athena: str) -> str:
    return athena.split("(", 1)[0].split(" ", 1)[0].lower()


def widens(old: str, new: str) -> bool:
    """Whether every value of the old type is one of the new type, written in the same way."""
    a, b = _base(old), _base(new)
    if b in _WIDER.get(a, ()):
        return True
    if a == b == "decimal":
        (p1, s1), (p2, s2) = _digits(old), _digits(new)
        return s2 >= s1 and p2 - s2 >= p1 - s1
    if a in ("varchar", "char") and b == "varchar":
        return "(" not in new or ("(" in old and _digits(new)[0] >= _digits(old)[0])
    return False


def _digits(athena: str) -> tuple[int, int]:
    inner = athena.partition("(")[2].rstrip(")").split(",")
    numbers = [int(n) for n in inner if n.strip().isdigit()]
    return (numbers[0] if numbers else 38, numbers[1] if len(numbers) > 1 else 0)
