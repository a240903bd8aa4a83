"""The operators of a plan: what a job computes, as relational operators in which every column has an id.

A column keeps its id for as long as its value is the same column, whatever it is called on the way (as in Spark's
analyzer), so lineage is following ids and never comparing names. Scalar expressions are sqlglot expressions whose
column leaves are references to ids (references.py), and, for a subquery, to another plan (`Plan.subqueries`, whole.py).

This module knows neither SQL text nor Python job code: readers in `tools.jobs` build these objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

from sqlglot import exp

from tools.plan.base import Attribute, ColumnId, Confidence, Dataset, Ids, Span
from tools.plan.references import is_ref, ref, ref_id


@dataclass(frozen=True, slots=True)
class Item:
    """One output column: `expression` over the input's ids. A pass-through item keeps the id of what it refers to."""

    attribute: Attribute
    expression: exp.Expr
    span: Span | None = None
    rule: str = "project"
    confidence: Confidence = "high"

    @property
    def is_pass_through(self) -> bool:
        """Whether this only hands the same column on."""
        return is_ref(self.expression) and ref_id(self.expression) == self.attribute.id


class OpenSource(Protocol):
    """An operator whose columns are not all known: asking for one by name creates it."""

    def column(self, name: str) -> Attribute:
        """The column of that name, created on first asking (names are folded to lower case)."""
        ...


@dataclass(frozen=True, slots=True)
class Rest:
    """The columns of an open source that nobody has named yet: what `*` means without a schema."""

    source: OpenSource
    excluded: frozenset[str] = frozenset()


@dataclass(eq=False, slots=True)
class Op:
    """Base of the operators. `output` lists the known columns, `rest` the open sources that add unnamed ones."""

    span: Span | None = field(default=None, kw_only=True)

    @property
    def children(self) -> tuple[Op, ...]:
        """Input operators, in order."""
        return ()

    @property
    def output(self) -> list[Attribute]:
        """Known output columns, in order."""
        return self.children[0].output

    @property
    def rest(self) -> list[Rest]:
        """Open sources whose unnamed columns this operator hands on."""
        return self.children[0].rest

    @property
    def items(self) -> list[Item]:
        """The columns that this operator defines (pass-through items included)."""
        return []


def _named(columns: Sequence[Attribute], name: str) -> Attribute | None:
    """The column of that name, folded."""
    return next((c for c in columns if c.name.lower() == name.lower()), None)


@dataclass(eq=False, slots=True)
class Scan(Op):
    """Reads a data set. Without a schema it is open: columns appear as they are named."""

    dataset: Dataset
    columns: list[Attribute]
    ids: Ids | None = None  # set when the schema is not known
    format: str | None = None
    version: str | None = None  # time travel: the snapshot or time asked for
    is_target: bool = False  # the target as its own MERGE or UPDATE sees it: not an input of the job
    guessed: list[str] = field(default_factory=list)  # names asked for where another open source may have them too

    @property
    def output(self) -> list[Attribute]:
        return [a for a in self.columns if a.name.lower() not in self.guessed] if self.guessed else list(self.columns)

    @property
    def rest(self) -> list[Rest]:
        return [Rest(self)] if self.ids else []

    def column(self, name: str) -> Attribute:
        """See `OpenSource`. Raises KeyError for an unknown column of a known schema."""
        known = _named(self.columns, name)
        if known is not None:
            return known
        if not self.ids:
            raise KeyError(name)
        created = self.ids.attribute(name)
        self.columns.append(created)
        return created


@dataclass(eq=False, slots=True)
class Values(Op):
    """Literal rows: `rows[i]` has one expression for each column."""

    columns: list[Attribute]
    rows: list[list[exp.Expr]]

    @property
    def output(self) -> list[Attribute]:
        return list(self.columns)

    @property
    def rest(self) -> list[Rest]:
        return []


@dataclass(eq=False, slots=True)
class Project(Op):
    """Computes columns. `carries` are open sources whose unnamed columns also pass."""

    child: Op
    columns: list[Item]
    carries: list[Rest] = field(default_factory=list)

    @property
    def children(self) -> tuple[Op, ...]:
        return (self.child,)

    @property
    def output(self) -> list[Attribute]:
        named = [i.attribute for i in self.columns]
        have = {a.id for a in named}
        late = [a for r in self.carries for a in late_columns(r) if a.id not in have]
        return named + late

    @property
    def rest(self) -> list[Rest]:
        return list(self.carries)

    @property
    def items(self) -> list[Item]:
        return list(self.columns)


@dataclass(eq=False, slots=True)
class OpenFields(Project):
    """A projection with `s.*` of a struct whose fields are not known: a column that is named later is a field of it."""

    struct: exp.Expr | None = None
    ids: Ids | None = None

    @property
    def rest(self) -> list[Rest]:
        return [*self.carries, Rest(self)]

    def column(self, name: str) -> Attribute:
        """See `OpenSource`."""
        for known in self.output:
            if known.name.lower() == name.lower():
                return known
        assert self.ids is not None
        assert self.struct is not None
        created = self.ids.attribute(name)
        value = exp.Dot(this=self.struct.copy(), expression=exp.to_identifier(name, quoted=True))
        self.columns.append(Item(created, value, self.span, "field"))
        return created


@dataclass(eq=False, slots=True)
class Filter(Op):
    """Keeps the rows for which `predicate` is true."""

    child: Op
    predicate: exp.Expr

    @property
    def children(self) -> tuple[Op, ...]:
        return (self.child,)


JoinKind = Literal["inner", "left", "right", "full", "cross", "semi", "anti"]


@dataclass(eq=False, slots=True)
class Join(Op):
    """Joins two inputs; both sides' columns come out, or the left's for semi and anti."""

    left: Op
    right: Op
    kind: JoinKind
    condition: exp.Expr | None = None

    @property
    def children(self) -> tuple[Op, ...]:
        return (self.left, self.right)

    @property
    def output(self) -> list[Attribute]:
        return self.left.output if self.kind in ("semi", "anti") else self.left.output + self.right.output

    @property
    def rest(self) -> list[Rest]:
        return self.left.rest if self.kind in ("semi", "anti") else self.left.rest + self.right.rest


@dataclass(eq=False, slots=True)
class Aggregate(Op):
    """Groups by `keys`; comes out as the keys' and the aggregates' columns. No keys: one row.

    `grouping_sets` holds the key ids of each set for ROLLUP, CUBE and GROUPING SETS. `optional` are columns that
    decide which output column a value goes to (a pivot column): they influence, but are not the value.
    """

    child: Op
    keys: list[Item]
    aggregates: list[Item]
    grouping_sets: list[list[ColumnId]] | None = None
    pivoted_on: exp.Expr | None = None
    carries: list[Rest] = field(default_factory=list)  # a pivot over values that are not known

    @property
    def children(self) -> tuple[Op, ...]:
        return (self.child,)

    @property
    def tells_cells(self) -> bool:
        """Whether each cell of a pivot says by a FILTER which rows are its own, and is NULL without any.

        Spark gives NULL where nothing is counted, FILTER gives 0: counts are not told by it.
        """
        return not self.rest and all(
            isinstance(i.expression, exp.Filter)
            and isinstance(i.expression.this, exp.Sum | exp.Min | exp.Max | exp.Avg)
            for i in self.aggregates
        )

    @property
    def output(self) -> list[Attribute]:
        return [i.attribute for i in (*self.keys, *self.aggregates)]

    @property
    def rest(self) -> list[Rest]:
        return list(self.carries)

    @property
    def items(self) -> list[Item]:
        return [*self.keys, *self.aggregates]


@dataclass(eq=False, slots=True)
class OpenPivot(Aggregate):
    """A pivot whose values only the data know: a column that is named later is one of the aggregates `cells`."""

    cells: exp.Expr | None = None
    ids: Ids | None = None

    @property
    def rest(self) -> list[Rest]:
        return [Rest(self)]

    def column(self, name: str) -> Attribute:
        """See `OpenSource`."""
        for item in self.items:
            if item.attribute.name.lower() == name.lower():
                return item.attribute
        assert self.ids is not None
        assert self.cells is not None
        created = self.ids.attribute(name)
        self.aggregates.append(Item(created, self.cells.copy(), self.span, "pivot", "low"))
        return created


@dataclass(eq=False, slots=True)
class Distinct(Op):
    """Drops duplicate rows, or, with `keys`, keeps one row for each key (`dropDuplicates`)."""

    child: Op
    keys: list[ColumnId] | None = None

    @property
    def children(self) -> tuple[Op, ...]:
        return (self.child,)


@dataclass(eq=False, slots=True)
class Sort(Op):
    """Orders rows; `keys` are `exp.Ordered` nodes."""

    child: Op
    keys: list[exp.Expr]

    @property
    def children(self) -> tuple[Op, ...]:
        return (self.child,)


@dataclass(eq=False, slots=True)
class Limit(Op):
    """Keeps `count` rows after skipping `offset` (expressions; None when absent)."""

    child: Op
    count: exp.Expr | None
    offset: exp.Expr | None = None

    @property
    def children(self) -> tuple[Op, ...]:
        return (self.child,)


@dataclass(eq=False, slots=True)
class SetOp(Op):
    """UNION, INTERSECT or EXCEPT of `inputs`. Output columns are new; `mapping[i][k]` is the id in input k, or None
    where an input lacks the column (`allowMissingColumns`). Open when any input is: a late column is looked up by
    name in every input's open sources.
    """

    inputs: list[Op]
    kind: Literal["union", "intersect", "except"]
    distinct: bool
    columns: list[Attribute]
    mapping: list[list[ColumnId | None]]
    ids: Ids | None = None

    @property
    def children(self) -> tuple[Op, ...]:
        return tuple(self.inputs)

    @property
    def output(self) -> list[Attribute]:
        return list(self.columns)

    @property
    def rest(self) -> list[Rest]:
        return [Rest(self)] if self.ids and any(i.rest for i in self.inputs) else []

    def column(self, name: str) -> Attribute:
        """See `OpenSource`."""
        known = _named(self.columns, name)
        if known is not None:
            return known
        if not self.ids:
            raise KeyError(name)
        created = self.ids.attribute(name)
        self.columns.append(created)
        self.mapping.append([_late_id(i, name) for i in self.inputs])
        return created


@dataclass(eq=False, slots=True)
class Generate(Op):
    """Explodes `generator` into rows: the input's columns, then `columns`. `outer` keeps rows without elements;
    `together` zips with the Generate below instead of crossing (UNNEST of several arrays, ORDINALITY).
    """

    child: Op
    generator: exp.Expr
    columns: list[Attribute]
    outer: bool = False
    together: bool = False

    @property
    def children(self) -> tuple[Op, ...]:
        return (self.child,)

    @property
    def output(self) -> list[Attribute]:
        return self.child.output + self.columns

    @property
    def items(self) -> list[Item]:
        return [Item(a, self.generator, self.span, "explode") for a in self.columns]


@dataclass(eq=False, slots=True)
class Opaque(Op):
    """Code that could not be read. Each output column may come from any input column; more may appear by name. `keys`
    are expressions by which rows are grouped before the code gets them.
    """

    inputs: list[Op]
    reason: str
    columns: list[Attribute]
    ids: Ids | None = None
    keys: list[exp.Expr] = field(default_factory=list)

    @property
    def children(self) -> tuple[Op, ...]:
        return tuple(self.inputs)

    @property
    def output(self) -> list[Attribute]:
        return list(self.columns)

    @property
    def rest(self) -> list[Rest]:
        return [Rest(self)] if self.ids else []

    def column(self, name: str) -> Attribute:
        """See `OpenSource`."""
        known = _named(self.columns, name)
        if known is not None:
            return known
        if not self.ids:
            raise KeyError(name)
        created = self.ids.attribute(name)
        self.columns.append(created)
        return created


@dataclass(eq=False, slots=True)
class Rebase(Op):
    """The same rows under new ids: the second side of a self-join. Open sources stay open: a late column of the
    child gets a new id here too.
    """

    child: Op
    columns: list[Item]
    ids: Ids

    @property
    def children(self) -> tuple[Op, ...]:
        return (self.child,)

    @property
    def output(self) -> list[Attribute]:
        return [i.attribute for i in self.columns]

    @property
    def rest(self) -> list[Rest]:
        return [Rest(self)] if self.child.rest else []

    @property
    def items(self) -> list[Item]:
        return list(self.columns)

    def column(self, name: str) -> Attribute:
        """See `OpenSource`."""
        for known in self.columns:
            if known.attribute.name.lower() == name.lower():
                return known.attribute
        inner = _late_id(self.child, name)
        created = self.ids.attribute(name)
        if inner is not None:
            self.columns.append(Item(created, ref(inner), self.span, "rebase"))
        return created


def late_columns(rest: Rest) -> list[Attribute]:
    """Columns of an open source that have been named by now and are handed on."""
    source = rest.source
    assert isinstance(source, Op)
    return [a for a in source.output if a.name.lower() not in rest.excluded]


def _late_id(op: Op, name: str) -> ColumnId | None:
    for known in op.output:
        if known.name.lower() == name.lower():
            return known.id
    for rest in op.rest:
        if name.lower() not in rest.excluded:
            return rest.source.column(name).id
    return None


WriteKind = Literal["create", "insert", "overwrite", "merge", "update", "delete", "view", "unload", "query"]


DefinitionAction = Literal["create", "alter", "drop", "truncate"]
