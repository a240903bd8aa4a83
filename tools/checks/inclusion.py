"""Finds foreign keys without being told: columns whose every value is in a column of another table.

Numbers are included in other numbers by accident, so for them the names must agree. Text that is included is rarely
included by accident. Each candidate is then counted exactly, on every batch.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from sqlglot import exp

from knowledge.errors import CopilotError
from tools.checks.kinds.base import literal, name_of
from tools.checks.model import Check, check_id
from tools.checks.references import REFERENCE, reference_query
from tools.checks.roles import Role, words_of
from tools.lake.base import Column, Lake, Limits, Table
from tools.profile.batches import WHOLE, Batches
from tools.profile.figures import Value, family
from tools.profile.measure import source_of
from tools.profile.values import ValueCounts

__all__ = ["Inclusion", "find_inclusions", "test_inclusion"]

_LEAST_VALUES = 3
_MOST_LISTED = 24
_MOST_TABLES = 60
_LIMITS = Limits(100_000, 2**63, 900.0)


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Columns whose values are in columns of another table; `missing`: rows without a match, by batch.

    `unique`: whether the other columns tell that table's rows apart, so that it is a key and not just a list.
    """

    columns: tuple[str, ...]
    table: str
    theirs: tuple[str, ...]
    unique: bool
    missing: Mapping[str, int] | None = None

    def holds(self, labels: Iterable[str]) -> bool:
        """Whether every row of these batches has a match."""
        return self.missing is not None and not any(self.missing.get(label, 0) for label in labels)

    def check(self) -> Check:
        """As a check, its reason still to be said."""
        parameters = {"table": self.table, "columns": list(self.theirs)}
        return Check(check_id(REFERENCE, self.columns), REFERENCE, self.columns, parameters, "error", "", "")


def find_inclusions(
    lake: Lake, batches: Batches, roles: Mapping[str, Role], values: ValueCounts, tables: Sequence[str] | None = None
) -> list[Inclusion]:
    """Foreign keys that hold in every batch, with the attributes copied from the same row of the other table.

    Args:
        tables: where to look; every other table of the lake if not given.
    """
    names = tables if tables is not None else [str(t) for t in lake.tables()]
    others = [t for n in names[:_MOST_TABLES] if n != str(batches.table.name) and (t := _readable(lake, n)) is not None]
    found: dict[str, Inclusion] = {}
    for other in others:
        for candidate in _candidates(lake, batches.table, other, roles, values):
            column = candidate.columns[0]
            if column in found and (found[column].unique or not candidate.unique):
                continue
            tested = test_inclusion(lake, batches, candidate)
            if tested is not None and tested.holds(batches.labels):
                found[column] = tested
    copied = [c for f in found.values() if f.unique for c in _copied(lake, batches, f)]
    return [*found.values(), *copied]


def test_inclusion(lake: Lake, batches: Batches, inclusion: Inclusion) -> Inclusion | None:
    """The inclusion with its rows without a match, by batch; None when it cannot be asked."""
    try:
        query = reference_query(inclusion.check(), lake, batches, source_of(batches.table))
        result = lake.query(query, limits=_LIMITS)
    except CopilotError:
        return None
    names = [k.name for k in batches.keys]
    rows = {batches.label_of([r[n] for n in names]) if names else WHOLE: int(r["bad"]) for r in result.dicts()}
    return replace(inclusion, missing=rows)


def _readable(lake: Lake, name: str) -> Table | None:
    try:
        return lake.table(name)
    except CopilotError:
        return None


def _candidates(
    lake: Lake, table: Table, other: Table, roles: Mapping[str, Role], values: ValueCounts
) -> Iterator[Inclusion]:
    """Pairs of columns of one type whose names or whose values say that they belong together, names first."""
    pairs = [
        (ours, theirs)
        for ours in table.columns
        for theirs in other.columns
        if not ours.is_partition and _may_refer(ours, theirs, roles)
    ]
    named = [(o, t) for o, t in pairs if _same_name(o.name, t.name, other.name.table)]
    listed = [(o, t) for o, t in pairs if (o, t) not in named and family(o.type) == "text" and _listed(values, o.name)]
    counts = _overlap(lake, other, [*named, *listed], values)
    for ours, theirs in named:
        rows, distinct, known, wanted = counts[ours.name, theirs.name]
        unique = rows == distinct > 0
        if (wanted is None or known == wanted) and (unique or family(ours.type) == "text"):
            yield Inclusion((ours.name,), str(other.name), (theirs.name,), unique)
    for ours, theirs in listed:
        rows, distinct, known, wanted = counts[ours.name, theirs.name]
        related = bool(set(words_of(ours.name)) & set(words_of(theirs.name)))
        if wanted is not None and known == wanted and (rows == distinct or related):
            yield Inclusion((ours.name,), str(other.name), (theirs.name,), rows == distinct)


def _may_refer(ours: Column, theirs: Column, roles: Mapping[str, Role]) -> bool:
    kind = family(ours.type)
    if kind != family(theirs.type) or kind not in ("text", "number"):
        return False
    return kind == "text" or roles.get(ours.name) in ("identifier", "sequence", "measure")


def _same_name(ours: str, theirs: str, table: str) -> bool:
    """`customer_id` and `customers.customer_id`, `customers.id`, or `seller_customer_id`."""
    a, b = words_of(ours), words_of(theirs)
    one = [w.removesuffix("s") for w in words_of(table) if w not in ("dim", "ref", "lkp", "d")]
    full = b if b and b[0] in one else [*one, *b]
    last_is_key = bool(b) and b[-1] in ("id", "key", "code", "no", "nr", "sk")
    return (a == b and a != ["id"]) or (last_is_key and a[-len(full) :] == full)


def _listed(values: ValueCounts, column: str) -> list[Value]:
    """Values that a column had, when it has few and more than a flag's; of many an even choice, to be counted later."""
    known = sorted({v for counts in values.get(column, {}).values() for v in counts}, key=str)
    step = -(-len(known) // _MOST_LISTED)
    return known[::step] if len(known) >= _LEAST_VALUES else []


def _overlap(
    lake: Lake, other: Table, pairs: Sequence[tuple[Column, Column]], values: ValueCounts
) -> dict[tuple[str, str], tuple[int, int, int, int | None]]:
    """For each pair, in one scan of the other table: its rows, distinct values, and how many of ours are among them."""
    if not pairs:
        return {}
    items: list[exp.Expr] = [exp.alias_(exp.Count(this=exp.Star(), big_int=True), "rows", quoted=True)]
    for i, (ours, theirs) in enumerate(pairs):
        items.append(exp.alias_(_distinct(name_of(theirs.name)), f"d{i}", quoted=True))
        wanted = _listed(values, ours.name)
        known: exp.Expr = exp.null()
        if wanted:
            test = exp.In(this=name_of(theirs.name), expressions=[literal(v, theirs.type) for v in wanted])
            known = _distinct(exp.If(this=test, true=name_of(theirs.name)))
        items.append(exp.alias_(known, f"k{i}", quoted=True))
    row = lake.query(exp.select(*items).from_(source_of(other)), limits=_LIMITS).dicts()[0]
    return {
        (o.name, t.name): (
            int(row["rows"]),
            int(row[f"d{i}"]),
            int(row[f"k{i}"] or 0),
            len(_listed(values, o.name)) or None,
        )
        for i, (o, t) in enumerate(pairs)
    }


def _distinct(value: exp.Expr) -> exp.Expr:
    return exp.Count(this=exp.Distinct(expressions=[value]), big_int=True)


def _copied(lake: Lake, batches: Batches, found: Inclusion) -> Iterator[Inclusion]:
    """The foreign key with all columns that repeat an attribute of the referenced row under its own name."""
    other = lake.table(found.table)
    wider = found
    for column in batches.table.columns:
        theirs = other.column(column.name)
        if column.name in found.columns or theirs is None or theirs.name in found.theirs:
            continue
        if family(column.type) != family(theirs.type) or family(column.type) not in ("text", "number"):
            continue
        both = Inclusion((*wider.columns, column.name), found.table, (*wider.theirs, theirs.name), unique=True)
        tested = test_inclusion(lake, batches, both)
        if tested is not None and tested.holds(batches.labels):
            wider = tested
    if wider is not found:
        yield wider
