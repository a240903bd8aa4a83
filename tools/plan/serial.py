"""Plans to JSON and back, exactly: snapshots keep what a job computed, long after its text has changed.

Operators are numbered (a plan shares subtrees, and a recursive query refers to itself), values carry their class.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable
from typing import Any

from sqlglot import exp, serde

from tools.plan import base, model, whole
from tools.plan.base import Ids
from tools.plan.model import Op
from tools.plan.whole import Plan, walk

VERSION = 1
_OPS: dict[str, type[Op]] = {
    c.__name__: c
    for c in (
        model.Aggregate,
        model.Distinct,
        model.Filter,
        model.Generate,
        model.Join,
        model.Limit,
        model.Opaque,
        model.OpenFields,
        model.OpenPivot,
        model.Project,
        model.Rebase,
        model.Scan,
        model.SetOp,
        model.Sort,
        model.Values,
        whole.Write,
    )
}
_VALUES: dict[str, type[Any]] = {
    c.__name__: c
    for c in (
        whole.Assignment,
        base.Attribute,
        base.Dataset,
        whole.Definition,
        model.Item,
        model.Rest,
        base.Span,
        base.Unknown,
    )
}


def plan_to_json(plan: Plan) -> dict[str, Any]:
    """A plan as JSON-ready data."""
    encoder = _Encoder([*plan.writes, *plan.subqueries, *plan.scans])
    return {
        "version": VERSION,
        "dialect": plan.dialect,
        "ops": encoder.ops(),
        **{
            name: encoder.value(getattr(plan, name))
            for name in ("writes", "subqueries", "unknowns", "scans", "definitions")
        },
    }


def plan_from_json(data: dict[str, Any]) -> Plan:
    """The inverse of `plan_to_json`. Raises ValueError for another version's data."""
    if data.get("version") != VERSION:
        raise ValueError(f"a plan of version {data.get('version')!r} cannot be read")
    decoder = _Decoder(data["ops"])
    names = ("writes", "subqueries", "unknowns", "scans", "definitions")
    return Plan(dialect=data["dialect"], **{n: decoder.value(data[n]) for n in names})


class _Encoder:
    def __init__(self, roots: Iterable[Op]) -> None:
        self._numbers: dict[int, int] = {}
        self._order: list[Op] = []
        for root in roots:
            for op in walk(root):
                self._number(op)

    def _number(self, op: Op) -> int:
        if id(op) not in self._numbers:
            self._numbers[id(op)] = len(self._order)
            self._order.append(op)
        return self._numbers[id(op)]

    def ops(self) -> list[dict[str, Any]]:
        encoded = []
        # Encoding may meet operators that only an open source refers to: the list grows while it is walked.
        for op in self._order:
            encoded.append({"op": type(op).__name__, **self._fields(op)})
        return encoded

    def _fields(self, thing: Any) -> dict[str, Any]:
        return {f.name: self.value(getattr(thing, f.name)) for f in dataclasses.fields(thing)}

    def value(self, value: Any) -> Any:
        if isinstance(value, Op):
            return {"$op": self._number(value)}
        if isinstance(value, exp.Expr):
            return {"$expr": serde.dump(value)}
        if isinstance(value, Ids):
            return {"$ids": True}
        if isinstance(value, frozenset):
            return {"$set": sorted(value)}
        if isinstance(value, tuple):
            return {"$tuple": [self.value(v) for v in value]}
        if isinstance(value, list):
            return [self.value(v) for v in value]
        if dataclasses.is_dataclass(value):
            return {"$": type(value).__name__, **self._fields(value)}
        return value


class _Decoder:
    def __init__(self, ops: list[dict[str, Any]]) -> None:
        # Two passes: operators may refer to later ones (a recursive query), so all of them exist before any is filled.
        self._ops = [object.__new__(_OPS[data["op"]]) for data in ops]
        self._ids = Ids()
        for op, data in zip(self._ops, ops, strict=True):
            for name, value in data.items():
                if name != "op":
                    setattr(op, name, self.value(value))
        highest = max((a.id for op in self._ops for a in op.output), default=0)
        self._ids.start_after(highest)

    def value(self, value: Any) -> Any:
        if isinstance(value, list):
            return [self.value(v) for v in value]
        if not isinstance(value, dict):
            return value
        for marker, decode in self._markers.items():
            if marker in value:
                return decode(value)
        return value

    @property
    def _markers(self) -> dict[str, Callable[[dict[str, Any]], Any]]:
        return {
            "$op": lambda v: self._ops[v["$op"]],
            "$expr": lambda v: _expression(v["$expr"]),
            "$ids": lambda _: self._ids,
            "$set": lambda v: frozenset(v["$set"]),
            "$tuple": lambda v: tuple(self.value(x) for x in v["$tuple"]),
            "$": self._dataclass,
        }

    def _dataclass(self, data: dict[str, Any]) -> Any:
        kind = _VALUES[data["$"]]
        return kind(**{k: self.value(v) for k, v in data.items() if k != "$"})


def _expression(data: Any) -> Any:
    """An expression; places in its leaves, which JSON turned into lists, become tuples again."""
    tree = serde.load(data)
    for node in tree.walk() if isinstance(tree, exp.Expr) else ():
        place = node.meta.get("span") if node._meta else None
        if isinstance(place, list):
            node.meta["span"] = tuple(place)
    return tree
