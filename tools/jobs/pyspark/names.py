"""Column names that are not known: what `df.columns` holds, besides the known ones, when there is no schema."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlglot import exp

from tools.jobs.python.site import Arguments, Site
from tools.jobs.python.values import NOTHING, Bound, Host, Native, Value
from tools.plan.model import Rest
from tools.plan.relation import OpenPart


@dataclass(eq=False, frozen=True, slots=True)
class RestName(Host):
    """All the names of open sources that nobody has spelled out yet, as one element of `df.columns`.

    Compared with a spelled-out name it is another one, and from then on excludes it: a script that says
    `[c for c in df.columns if c != "x"]` wants the others.
    """

    parts: tuple[OpenPart, ...]
    excluded: set[str]

    @classmethod
    def of(cls, parts: tuple[OpenPart, ...], known: Iterable[str] = ()) -> RestName:
        """The names behind open parts, other than the known ones."""
        return cls(parts, {n.lower() for n in known})

    def __deepcopy__(self, memo: dict[int, object]) -> RestName:
        return self  # expressions are copied with what their leaves carry

    def attribute(self, name: str, site: Site) -> Value:
        """Case folding and trimming leave a name what it is; other text methods give a name that is not known."""
        if name in ("lower", "upper", "strip", "lstrip", "rstrip", "replace", "title", "casefold"):
            return Native(name, lambda site, *_: self)
        if name in ("startswith", "endswith", "isupper", "islower", "isdigit"):
            return Native(name, lambda site, *_: site.undecided("a column name that is not known"))
        return Native(name, lambda site, *_: site.undecided("a column name that is not known", self))

    def binary(self, operator: str, other: Value, reflected: bool, site: Site) -> Value:
        """It is none of the names that the script spells out."""
        if operator in ("==", "!=") and isinstance(other, str):
            self.exclude(str(other))
            return operator == "!="
        if operator == "+":
            return site.undecided("a column name that is not known", self)
        return NOTHING

    def exclude(self, name: str) -> None:
        """From here on it does not stand for that name."""
        self.excluded.add(name.lower())

    def text(self, site: Site) -> Value:
        """Part of a longer text, it is not known."""
        return site.undecided("a column name that is not known", self)

    def remaining(self) -> tuple[OpenPart, ...]:
        """The open parts without the excluded names."""
        return tuple(OpenPart(Rest(p.rest.source, p.rest.excluded | self.excluded), p.qualifier) for p in self.parts)

    def as_column(self) -> exp.Expr:
        """A leaf that stands for all these columns."""
        leaf = exp.Column(this=exp.to_identifier("*rest", quoted=True))
        leaf.meta["rest"] = RestName(self.remaining(), set())
        return leaf


__all__ = ["Arguments", "Bound", "RestName"]
