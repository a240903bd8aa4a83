"""Names in scope: which column a name means over an operator's output.

A `Relation` is an operator with the qualifiers its columns answer to. Names match folded to lower case; what was
stored is what is displayed. Columns of open sources (no schema known) come into being when they are first named.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from tools.plan.base import Attribute
from tools.plan.model import Op, Rest, Scan

Qualifier = tuple[str, ...]


class Unresolved(LookupError):
    """No column in scope answers to the name; `near` are the names that were there."""

    def __init__(self, parts: Sequence[str], near: Sequence[str]) -> None:
        self.parts, self.near = tuple(parts), tuple(near)
        super().__init__(".".join(parts))


class AmbiguousName(LookupError):
    """Several columns in scope answer to the name."""

    def __init__(self, parts: Sequence[str], candidates: Sequence[Attribute]) -> None:
        self.parts, self.candidates = tuple(parts), tuple(candidates)
        super().__init__(".".join(parts))


@dataclass(frozen=True, slots=True)
class Visible:
    """A column in scope. `hidden` ones answer only to a qualified name (the merged sides of JOIN … USING)."""

    attribute: Attribute
    qualifier: Qualifier = ()
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class OpenPart:
    """Unnamed columns in scope."""

    rest: Rest
    qualifier: Qualifier = ()


@dataclass(frozen=True, slots=True)
class Resolved:
    """A column, and the struct fields to go down from it."""

    attribute: Attribute
    fields: tuple[str, ...] = ()


@dataclass(frozen=True)
class Relation:
    """An operator and the names its output answers to."""

    op: Op
    visible: tuple[Visible, ...] = ()
    open: tuple[OpenPart, ...] = field(default=())

    @classmethod
    def over(cls, op: Op, qualifier: Qualifier = ()) -> Relation:
        """All of an operator's output under one qualifier."""
        folded = tuple(q.lower() for q in qualifier)
        return cls(
            op,
            tuple(Visible(a, folded) for a in op.output),
            tuple(OpenPart(r, folded) for r in op.rest),
        )

    def aliased(self, alias: str, columns: Sequence[str] = ()) -> Relation:
        """The same columns under one new qualifier, optionally renamed by position (the ids stay)."""
        shown = [v for v in self.visible if not v.hidden]
        names = list(columns) + [v.attribute.name for v in shown[len(columns) :]]
        renamed = tuple(
            Visible(replace(v.attribute, name=n), (alias.lower(),)) for v, n in zip(shown, names, strict=False)
        )
        return Relation(self.op, renamed, tuple(OpenPart(p.rest, (alias.lower(),)) for p in self.open))

    def on(self, op: Op) -> Relation:
        """The same names over another operator that hands these columns on (a filter, a sort)."""
        return replace(self, op=op)

    def beside(self, other: Relation, op: Op) -> Relation:
        """Both sides' names, over their join."""
        return Relation(op, self.visible + other.visible, self.open + other.open)

    @property
    def shown(self) -> list[Attribute]:
        """Columns that `*` stands for and that are known by now, late ones included."""
        named = [v.attribute for v in self.visible if not v.hidden]
        have = {a.id for a in named} | {v.attribute.id for v in self.visible}
        return named + [a for p in self.open for a in _late(p) if a.id not in have]

    def star(self, qualifier: Sequence[str] = ()) -> tuple[list[Attribute], list[Rest]]:
        """What `*` or `t.*` stands for: known columns, and open sources for the rest.

        Raises Unresolved when nothing answers to the qualifier.
        """
        if not qualifier:
            return self.shown, [p.rest for p in self.open]
        folded = tuple(q.lower() for q in qualifier)
        named = [v.attribute for v in self.visible if _answers(v.qualifier, folded)]
        parts = [p for p in self.open if _answers(p.qualifier, folded)]
        if not named and not parts:
            raise Unresolved((*qualifier, "*"), sorted({".".join(v.qualifier) for v in self.visible}))
        have = {a.id for a in named}
        return named + [a for p in parts for a in _late(p) if a.id not in have], [p.rest for p in parts]

    def resolve(self, parts: Sequence[str]) -> Resolved:
        """The column that a dotted name means: the longest qualifier wins, what is left over are struct fields.

        Raises:
            Unresolved: nothing answers to the name.
            AmbiguousName: several columns do.
        """
        for taken in range(len(parts) - 1, -1, -1):
            found = self._named(tuple(p.lower() for p in parts[:taken]), parts[taken])
            if found is not None and (taken == len(parts) - 1 or _may_have_fields(found.type)):
                return Resolved(found, tuple(parts[taken + 1 :]))
        for taken in range(len(parts) - 1, -1, -1):
            found = self._late_named(tuple(p.lower() for p in parts[:taken]), parts[taken])
            if found is not None:
                return Resolved(found, tuple(parts[taken + 1 :]))
        raise Unresolved(parts, [a.name for a in self.shown])

    def has(self, name: str) -> bool:
        """Whether a bare name is known here without creating it."""
        return any(v.attribute.name.lower() == name.lower() and not v.hidden for v in self.visible)

    def _named(self, qualifier: Qualifier, name: str) -> Attribute | None:
        folded = name.lower()
        hits = {
            v.attribute.id: v.attribute
            for v in self.visible
            if v.attribute.name.lower() == folded and (_answers(v.qualifier, qualifier) if qualifier else not v.hidden)
        }
        if len(hits) > 1:
            raise AmbiguousName((*qualifier, name), list(hits.values()))
        return next(iter(hits.values()), None)

    def _late_named(self, qualifier: Qualifier, name: str) -> Attribute | None:
        parts = [
            p
            for p in self.open
            if name.lower() not in p.rest.excluded and (not qualifier or _answers(p.qualifier, qualifier))
        ]
        sources = {id(p.rest.source): p.rest.source for p in parts}
        if not sources:
            return None
        already = [s for s in sources.values() if isinstance(s, Op) and _has(s, name)]
        if len(already) == 1:
            return already[0].column(name)
        if len(sources) > 1 and not already:
            for source in sources.values():
                _note_guess(source, name)
        created = [s.column(name) for s in sources.values()]
        if len(created) > 1:
            raise AmbiguousName((*qualifier, name), created)
        _note_certain(next(iter(sources.values())), name)
        return created[0]


def _may_have_fields(kind: str | None) -> bool:
    """Whether `c.f` may be a field of column c: not of a number, a text or a time; then c is a table further out."""
    return kind is None or kind.partition("(")[0].strip().lower() not in _PLAIN


_PLAIN = frozenset(
    "boolean tinyint smallint int integer bigint decimal real float double char varchar string date timestamp varbinary".split()
)


def _answers(have: Qualifier, asked: Qualifier) -> bool:
    """`t` and `db.t` both mean `catalog.db.t`; a part that both give must be equal."""
    size = min(len(have), len(asked))
    return size > 0 and have[-size:] == asked[-size:]


def _late(part: OpenPart) -> list[Attribute]:
    source = part.rest.source
    assert isinstance(source, Op)
    return [a for a in source.output if a.name.lower() not in part.rest.excluded]


def _note_guess(source: object, name: str) -> None:
    """The name is asked of several open sources: none of them is known to have it."""
    if isinstance(source, Scan) and not any(a.name.lower() == name.lower() for a in source.columns):
        source.guessed.append(name.lower())


def _note_certain(source: object, name: str) -> None:
    if isinstance(source, Scan) and name.lower() in source.guessed:
        source.guessed.remove(name.lower())


def _has(op: Op, name: str) -> bool:
    return any(a.name.lower() == name.lower() for a in op.output)
