"""Is a JSON body what an AWS operation takes? Checked against botocore's own service model.

botocore checks types and required members before it sends; enums, bounds, patterns and unions it leaves to the
service. A stand-in for a service has to check those itself, or it accepts what AWS refuses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StringShape, StructureShape

__all__ = ["violations"]


def violations(shape: Shape, value: Any, path: str) -> Iterator[str]:
    """Everything about `value` that the service would refuse, in the words it uses."""
    if getattr(shape, "is_document_type", False):
        return
    check = _CHECKS.get(shape.type_name)
    if check:
        yield from check(shape, value, path)


def _structure(shape: StructureShape, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: expected an object"
        return
    if getattr(shape, "is_tagged_union", False) and len(value) != 1:
        yield f"{path}: a union has exactly one member, not {sorted(value)}"
    for name in shape.required_members:
        if name not in value:
            yield f"Value null at '{path}.{name}' failed to satisfy constraint: Member must not be null"
    for name, member in value.items():
        if name in shape.members:
            yield from violations(shape.members[name], member, f"{path}.{name}")
        else:
            yield f"extraneous key [{path}.{name}] is not permitted"


def _list(shape: ListShape, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, list):
        yield f"{path}: expected a list"
        return
    yield from _length(shape, value, path)
    for place, member in enumerate(value, 1):
        yield from violations(shape.member, member, f"{path}.{place}.member")


def _map(shape: MapShape, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield f"{path}: expected a map"
        return
    for key, member in value.items():
        yield from violations(shape.value, member, f"{path}.{key}")


def _string(shape: StringShape, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{path}: expected a string, not {type(value).__name__}"
        return
    failed = f"Value '{value[:80]}' at '{path}' failed to satisfy constraint"
    if shape.enum and value not in shape.enum:
        yield f"{failed}: Member must satisfy enum value set: {shape.enum}"
    pattern = shape.metadata.get("pattern")
    if pattern and not re.fullmatch(pattern, value):
        yield f"{failed}: Member must satisfy regular expression pattern: {pattern}"
    yield from _length(shape, value, path)


def _length(shape: Shape, value: Any, path: str) -> Iterator[str]:
    least, most = shape.metadata.get("min", 0), shape.metadata.get("max", float("inf"))
    if not least <= len(value) <= most:
        yield (
            f"Value at '{path}' failed to satisfy constraint: Member must have length between {least} and {most}, "
            f"has {len(value)}"
        )


def _number(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if isinstance(value, bool) or not isinstance(value, int | float):
        yield f"{path}: expected a number"
        return
    least, most = shape.metadata.get("min", -float("inf")), shape.metadata.get("max", float("inf"))
    if not least <= value <= most:
        yield f"Value '{value}' at '{path}' failed to satisfy constraint: Member must be between {least} and {most}"


def _boolean(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, bool):
        yield f"{path}: expected a boolean"


_CHECKS: dict[str, Callable[[Any, Any, str], Iterator[str]]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
    "string": _string,
    "integer": _number,
    "long": _number,
    "float": _number,
    "double": _number,
    "boolean": _boolean,
}
