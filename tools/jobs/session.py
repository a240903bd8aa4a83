"""One reading of one job: what SQL and Python readers share while they build the plan.

It hands out column ids, opens data sets (with the columns that earlier statements of the same job gave them), keeps
temporary views, and takes writes and unknowns. It never runs anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from tools.plan.base import Attribute, Dataset, Ids, Span, Unknown
from tools.plan.catalog import Catalog, Columns, fold, is_path
from tools.plan.model import DefinitionAction, Item, Op, Rebase, Rest, Scan, WriteKind
from tools.plan.references import ref
from tools.plan.relation import OpenPart, Relation, Visible
from tools.plan.whole import Assignment, Definition, Plan, Write


@dataclass
class Session:
    """State of one reading.

    Args:
        catalog: columns of known tables.
        file: how the job's file is named in spans.
        dialect: sqlglot dialect of the job's SQL (`spark` for PySpark, `athena`, `hive` …).
        arguments: job arguments known from the job's definition.
        imports: module name -> source text of project-local modules, when they are given.
    """

    catalog: Catalog
    file: str
    dialect: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    imports: Mapping[str, str] = field(default_factory=dict)
    ids: Ids = field(default_factory=Ids)
    views: dict[str, Relation] = field(default_factory=dict)
    current_database: str | None = None

    def __post_init__(self) -> None:
        self.plan = Plan(dialect=self.dialect)
        self._made: dict[str, Columns | None] = {}
        self._used: dict[int, Op] = {}

    # ------------------------------------------------------------------ naming

    def dataset(self, name: str) -> Dataset:
        """The canonical data set for a table name, path, or `scheme:name` as the job wrote it."""
        folded = fold(name)
        if is_path(folded):
            canonical = self.catalog.canonical(folded)
            return Dataset(canonical, "path" if is_path(canonical) else "table")
        if ":" in folded and "${" not in folded.split(":", 1)[0]:
            return Dataset(folded, "other")
        if "." not in folded and self.current_database:
            folded = f"{self.current_database}.{folded}"
        return Dataset(self.catalog.canonical(folded), "table")

    # ------------------------------------------------------------------ reading

    def scan(
        self,
        name: str,
        span: Span | None,
        *,
        qualifier: Sequence[str] | None = None,
        columns: Columns | None = None,
        format: str | None = None,
        version: str | None = None,
    ) -> Relation:
        """Opens a table or path. `columns` is a schema that the job itself states; without any schema it is open."""
        dataset = self.dataset(name)
        known = self.columns_of(dataset.name) or columns
        attributes = [self.ids.attribute(n, t) for n, t in known or ()]
        scan = Scan(dataset, attributes, None if known else self.ids, format, version, span=span)
        self.plan.scans.append(scan)
        if qualifier is None:
            qualifier = dataset.name.split(".") if dataset.kind == "table" else ()
        return Relation.over(scan, tuple(qualifier))

    def columns_of(self, name: str) -> Columns | None:
        """Columns of a canonical data set as of this point of the job."""
        if name in self._made:
            return self._made[name]
        return self.catalog.columns(name)

    def view(self, name: str) -> Relation | None:
        """A temporary view of that name (`global_temp.` is ignored)."""
        return self.views.get(fold(name).removeprefix("global_temp."))

    def create_view(self, name: str, relation: Relation) -> None:
        """Makes or replaces a temporary view."""
        bare = fold(name).removeprefix("global_temp.")
        self.views[bare] = relation.aliased(bare.rsplit(".", 1)[-1])

    def used(self, relation: Relation, span: Span | None) -> Relation:
        """A named relation (a CTE, a view) where a query uses it: as it is the first time, under new ids after that.

        Two uses of one relation are two sets of rows: their columns must not be taken for each other.
        """
        if id(relation.op) not in self._used:
            self._used[id(relation.op)] = relation.op  # held on to, so that the key stays its own
            return relation
        return self._rebased(relation, span)

    def _rebased(self, relation: Relation, span: Span | None) -> Relation:
        fresh: dict[int, Attribute] = {}
        for attribute in [*relation.op.output, *(v.attribute for v in relation.visible)]:
            if attribute.id not in fresh:
                fresh[attribute.id] = self.ids.attribute(attribute.name, attribute.type)
        op = Rebase(
            relation.op, [Item(new, ref(old), None, "rebase") for old, new in fresh.items()], self.ids, span=span
        )
        visible = tuple(
            Visible(Attribute(fresh[v.attribute.id].id, v.attribute.name, v.attribute.type), v.qualifier, v.hidden)
            for v in relation.visible
        )
        opens = tuple(OpenPart(Rest(op, p.rest.excluded), p.qualifier) for p in relation.open)
        return Relation(op, visible, opens)

    # ------------------------------------------------------------------ writing

    def define(
        self,
        action: DefinitionAction,
        dataset: Dataset,
        span: Span | None,
        source: Dataset | None = None,
        location: Dataset | None = None,
    ) -> None:
        """Records a statement that makes, changes or removes a data set without moving rows."""
        self.plan.definitions.append(Definition(action, dataset, span, source, len(self.plan.writes), location))

    def write(
        self,
        target: Dataset,
        relation: Relation,
        kind: WriteKind,
        span: Span | None,
        *,
        columns: Sequence[str] | None = None,
        partitioned_by: Sequence[str] = (),
        by_position: bool = False,
        format: str | None = None,
        aliases: Sequence[Dataset] = (),
    ) -> Write:
        """Records that a relation is written.

        Args:
            columns: target column names for the relation's columns, in order (an INSERT's column list).
            by_position: map by position to the target's known columns, as INSERT does; otherwise by name.
        """
        shown, rest = relation.star()
        if not rest:
            self._report_misfit(target, len(shown), columns, by_position, span)
        names = self._target_names(target, shown, columns, by_position)
        assignments = [Assignment(n, (ref(a, None),), span) for n, a in zip(names, shown, strict=False)]
        write = Write(
            target,
            relation.op,
            kind,
            assignments,
            list(rest),
            partitioned_by=tuple(partitioned_by),
            format=format,
            aliases=tuple(aliases),
            span=span,
        )
        self.plan.writes.append(write)
        if kind in ("create", "overwrite", "view") or self.columns_of(target.name) is None:
            self.remember(target, [(n, a.type) for n, a in zip(names, shown, strict=False)], bool(rest))
        return write

    def remember(self, target: Dataset, columns: Columns, open_ended: bool) -> None:
        """Later statements of this job see these columns in the target."""
        known = self.catalog.columns(target.name)
        if known is None or not open_ended:
            self._made[target.name] = None if open_ended else tuple(columns)

    def forget(self, target: Dataset) -> None:
        """The job dropped the target: later statements do not see it."""
        self._made.pop(target.name, None)

    def unknown(self, unknown: Unknown) -> None:
        """Takes note of something that could not be read."""
        if unknown not in self.plan.unknowns:
            self.plan.unknowns.append(unknown)

    def _report_misfit(
        self, target: Dataset, brought: int, columns: Sequence[str] | None, by_position: bool, span: Span | None
    ) -> None:
        """An INSERT goes by position: every engine refuses one that brings more or fewer columns than it fills."""
        known = self.columns_of(target.name) if by_position and columns is None else columns
        if known and len(known) != brought:
            reason = f"brings {brought} columns for the {len(known)} of {target}"
            self.unknown(Unknown(reason, span, "write", target.name))

    def _target_names(
        self, target: Dataset, shown: Sequence[Attribute], columns: Sequence[str] | None, by_position: bool
    ) -> list[str]:
        own = [a.name for a in shown]
        if columns is not None:
            return list(columns) + own[len(columns) :]
        known = self.columns_of(target.name) if by_position else None
        if known and len(known) == len(own):
            return [n for n, _ in known]
        return own
