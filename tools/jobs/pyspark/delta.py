"""Delta Lake's Python API: a table that is read, merged into, updated and deleted from."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from sqlglot import exp

from tools.jobs.pyspark.column import Column, column_of, literal, method, unalias
from tools.jobs.pyspark.datasets import report_unnamed
from tools.jobs.pyspark.frame import Frame
from tools.jobs.pyspark.joining import frame_of, join_on
from tools.jobs.pyspark.sqltext import expression_of
from tools.jobs.python.site import Arguments, Site
from tools.jobs.python.text import text_of
from tools.jobs.python.values import NOTHING, Bound, Host, Native, Partial, Value
from tools.plan.base import Dataset, Span
from tools.plan.model import Join, Scan, WriteKind
from tools.plan.references import ref
from tools.plan.whole import Assignment, Write


@dataclass(eq=False, frozen=True, slots=True)
class DeltaTable(Host):
    """A Delta table: its content as a frame, and what names it."""

    frame: Frame
    target: Dataset

    def attribute(self, name: str, site: Site) -> Value:
        """A method."""
        found = METHODS.get(name)
        return Bound(found, self) if found is not None else NOTHING


@dataclass(eq=False, frozen=True, slots=True)
class DeltaTableType(Host):
    """The class `DeltaTable`."""

    instances: type = DeltaTable

    def attribute(self, name: str, site: Site) -> Value:
        """`forName`, `forPath`, and builders that only make an empty table."""
        if name in ("forName", "forPath"):
            return Native(name, _opened, ("*given", "**keywords"))
        if name == "isDeltaTable":
            return Native(name, lambda site, given, keywords: site.undecided("whether there is a Delta table"))
        if name == "convertToDelta":
            return Native(name, lambda site, given, keywords: None)
        return Native(name, lambda site, given, keywords: TableBuilder())


@dataclass(eq=False, frozen=True, slots=True)
class TableBuilder(Host):
    """`DeltaTable.create(spark).tableName(…).addColumn(…).execute()`: makes an empty table."""

    def attribute(self, name: str, site: Site) -> Value:
        """Settings change nothing that is read."""
        return Native(name, lambda site, given, keywords: self)


def _opened(site: Site, given: list[Value], keywords: dict[str, Value]) -> Value:
    named = [v for v in [*given, *keywords.values()] if isinstance(v, str | Partial)]
    if not named:
        site.unknown("a Delta table whose name is known only at run time", "table")
        return site.undecided("a Delta table whose name is known only at run time")
    text = str(text_of(named[0]))
    report_unnamed(text, named[0], "write", site)
    return DeltaTable(target_frame(text, site), site.session.dataset(text))


def target_frame(text: str, site: Site) -> Frame:
    """The content of a table that is about to be changed. It is no input of the job as long as nobody asks for it."""
    before = len(site.session.plan.scans)
    relation = site.session.scan(text, site.span)
    for scan in site.session.plan.scans[before:]:
        scan.is_target = True
    del site.session.plan.scans[before:]
    return Frame(relation)


def to_df(site: Site, table: DeltaTable) -> Value:
    """`toDF()`: from here on the table is read."""
    if isinstance(table.frame.op, Scan) and table.frame.op not in site.session.plan.scans:
        table.frame.op.is_target = False
        site.session.plan.scans.append(table.frame.op)
    return table.frame


def alias(site: Site, table: DeltaTable, name: Value) -> Value:
    """`alias(name)`."""
    text = text_of(name)
    return replace(table, frame=table.frame.over(table.frame.relation.aliased(text))) if text else table


# --------------------------------------------------------------------------- merge


@dataclass(eq=False, frozen=True, slots=True)
class Clause:
    """One WHEN: its condition, and what it assigns (None: every column from the source's of that name)."""

    condition: Value
    assignments: tuple[tuple[Value, Value], ...] | None = ()


@dataclass(eq=False, frozen=True, slots=True)
class Merge(Host):
    """A merge being put together."""

    table: DeltaTable
    source: Frame
    condition: Value
    clauses: tuple[Clause, ...] = field(default=())

    def attribute(self, name: str, site: Site) -> Value:
        """WHEN clauses, and `execute`."""
        if name == "execute":
            return Native(name, lambda site, given, keywords: _execute(self, site))
        if name.startswith("when") and name.endswith("All"):
            return Native(name, lambda site, condition: self._with(Clause(condition, None)), ("condition=",))
        if name.startswith("when") and "Delete" in name:
            return Native(name, lambda site, condition: self._with(Clause(condition)), ("condition=",))
        if name.startswith("when"):
            return Native(name, self._assigning, ("condition=", "set=", "values=", "**keywords"))
        return Native(name, lambda site, given, keywords: self)

    def _assigning(self, site: Site, condition: Value, set: Value, values: Value, keywords: dict[str, Value]) -> Value:
        if isinstance(condition, dict):
            condition, set = None, condition
        given = set if set is not None else values
        if not isinstance(given, dict):
            site.unknown("a merge whose assignments are known only at run time", "statement")
            return self._with(Clause(condition))
        return self._with(Clause(condition, tuple(given.items())))

    def _with(self, clause: Clause) -> Merge:
        return replace(self, clauses=(*self.clauses, clause))


def merge(site: Site, table: DeltaTable, source: Value, condition: Value) -> Value:
    """`merge(source, condition)`."""
    frame = frame_of(source, site)
    if frame is None:
        site.unknown("a merge from a frame that could not be read", "read")
        return site.undecided("a merge from a frame that could not be read")
    return Merge(table, frame, condition)


def _execute(merging: Merge, site: Site) -> Value:
    target, source = merging.table.frame, merging.source
    condition = _expression(merging.condition, site)
    joined = join_on(target, source, [condition] if condition is not None else [], "inner", site)
    op = joined.op
    assert isinstance(op, Join)
    found: dict[str, list[exp.Expr]] = {}
    conditions: list[exp.Expr] = []
    for clause in merging.clauses:
        test = _expression(clause.condition, site) if clause.condition is not None else None
        if test is not None:
            conditions.append(joined.bind_expression(test, site))
        for name, value in _assigned(clause, target, joined, site):
            found.setdefault(name, []).append(value)
    _record(merging.table.target, joined, "merge", found, conditions, site)
    return site.undecided("the outcome of a merge")


def _expression(value: Value, site: Site) -> exp.Expr | None:
    if isinstance(value, Column):
        return unalias(value.expression)
    if isinstance(value, str | Partial):
        return expression_of(value, site)
    if value is not None:
        site.unknown("a condition known only at run time", "expression")
    return None


def _assigned(clause: Clause, target: Frame, joined: Frame, site: Site) -> list[tuple[str, exp.Expr]]:
    if clause.assignments is None:
        return _every_column(target, joined)
    pairs: list[tuple[str, exp.Expr]] = []
    for name, value in clause.assignments:
        column = _column_name(name)
        expression = _value(value, site)
        if column and expression is not None:
            pairs.append((column, joined.bind_expression(expression, site)))
    return pairs


def _column_name(name: Value) -> str:
    text = text_of(name.label if isinstance(name, Column) else name) or ""
    return text.replace("`", "").rsplit(".", 1)[-1]


def _value(value: Value, site: Site) -> exp.Expr | None:
    if isinstance(value, Column):
        return unalias(value.expression)
    if isinstance(value, str | Partial):
        return expression_of(value, site)
    return literal(value, site).expression


def _every_column(target: Frame, joined: Frame) -> list[tuple[str, exp.Expr]]:
    """`updateAll`, `insertAll`: each column from the source's column of that name."""
    own = {v.attribute.id for v in target.visible}
    from_source = [v.attribute for v in joined.visible if v.attribute.id not in own and not v.hidden]
    return [(a.name, ref(a)) for a in from_source]


def _record(
    target: Dataset,
    frame: Frame,
    kind: WriteKind,
    found: dict[str, list[exp.Expr]],
    conditions: list[exp.Expr],
    site: Site,
) -> None:
    span: Span = site.span
    assignments = [Assignment(n, tuple(es), span) for n, es in found.items()]
    write = Write(target, frame.op, kind, assignments, conditions=conditions, self_reference=True, span=span)
    write.format = "delta"
    site.session.plan.writes.append(write)


# --------------------------------------------------------------------------- update, delete


def update(site: Site, table: DeltaTable, condition: Value, set: Value) -> Value:
    """`update(condition, set)`."""
    if isinstance(condition, dict):
        condition, set = None, condition
    frame = _filtered(table, condition, site)
    pairs = set.items() if isinstance(set, dict) else []
    found: dict[str, list[exp.Expr]] = {}
    for name, value in pairs:
        expression = _value(value, site)
        if expression is not None:
            found.setdefault(_column_name(name), []).append(frame.bind_expression(expression, site))
    _record(table.target, frame, "update", found, [], site)
    return None


def delete(site: Site, table: DeltaTable, condition: Value) -> Value:
    """`delete(condition)`."""
    _record(table.target, _filtered(table, condition, site), "delete", {}, [], site)
    return None


def _filtered(table: DeltaTable, condition: Value, site: Site) -> Frame:
    from tools.jobs.pyspark.rows import filtered

    test = _expression(condition, site) if condition is not None else None
    return filtered(table.frame, test, site) if test is not None else table.frame


def _upkeep(site: Site, table: DeltaTable, given: list[Value], keywords: dict[str, Value]) -> Value:
    """Vacuum, optimize, history and the like move no data."""
    return Quiet()


@dataclass(eq=False, frozen=True, slots=True)
class Quiet(Host):
    """What upkeep calls give."""

    def attribute(self, name: str, site: Site) -> Value:
        """More of the same."""
        return self

    def call(self, arguments: Arguments, site: Site) -> Value:
        """Nothing happens to the data."""
        return self


METHODS: dict[str, Native] = {
    "toDF": method(to_df),
    "alias": method(alias, "aliasName"),
    "merge": method(merge, "source", "condition"),
    "update": method(update, "condition=", "set="),
    "delete": method(delete, "condition="),
    **{
        name: method(_upkeep, "*given", "**keywords")
        for name in ("vacuum", "optimize", "history", "detail", "generate", "restoreToVersion", "upgradeTableProtocol")
    },
}

__all__ = ["DeltaTable", "DeltaTableType", "column_of"]
