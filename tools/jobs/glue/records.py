"""Python functions over single records (Glue's Filter and Map), read with a record whose fields are columns."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlglot import exp

from tools.jobs.pyspark.column import Column, bare, literal, named, operand
from tools.jobs.pyspark.frame import Frame
from tools.jobs.pyspark.opaque import OPAQUE
from tools.jobs.python.journal import leaves
from tools.jobs.python.site import Site
from tools.jobs.python.text import text_of
from tools.jobs.python.values import NOTHING, Choice, Host, Native, Undecided, Value


@dataclass(eq=False, slots=True)
class Field(Host):
    """A field's value inside a Python function: operators build expressions, other uses are noted."""

    column: Column
    record: Record

    def attribute(self, name: str, site: Site) -> Value:
        """A method of the value: what it gives still comes from the field."""
        self.record.used.append(self.column)
        return Native(name, lambda site, given, keywords: self.record.computed([self, *given, *keywords.values()]))

    def item(self, key: Value, site: Site) -> Value:
        """A nested field."""
        return Field(self.column.field(str(key), site), self.record) if isinstance(key, str) else self

    def binary(self, operator: str, other: Value, reflected: bool, site: Site) -> Value:
        """Comparisons and arithmetic, as on columns."""
        right = other.column if isinstance(other, Field) else other
        result = self.column.binary(operator, right, reflected, site)
        return Field(result, self.record) if isinstance(result, Column) else result

    def among(self, elements: list[Value], site: Site) -> Value:
        """`record["f"] in ("a", "b")`."""
        known = [bare(operand(e.column if isinstance(e, Field) else e, site)) for e in elements]
        return Field(Column(exp.In(this=bare(self.column), expressions=known)), self.record)

    def is_none(self, site: Site) -> Value:
        """`record["f"] is None`."""
        return Field(Column(exp.Is(this=bare(self.column), expression=exp.Null())), self.record)

    def logical(self, operator: str, other: Value, site: Site) -> Value:
        """`a and b`, `a or b`."""
        if not isinstance(other, Field):
            return self
        kind = exp.And if operator == "and" else exp.Or
        return Field(Column(kind(this=bare(self.column), expression=bare(other.column))), self.record)

    def unary(self, operator: str, site: Site) -> Value:
        """`-x`, `not x`."""
        operator = "~" if operator == "not" else operator
        result = self.column.unary(operator, site)
        return Field(result, self.record) if isinstance(result, Column) else result

    def contains(self, element: Value, site: Site) -> Value:
        """`"x" in record["f"]`."""
        self.record.used.append(self.column)
        return self.record.computed([self, element])

    def truth(self, site: Site) -> bool | None:
        """Depends on the data: both sides are read."""
        self.record.asked.append(self.column)
        return None

    def text(self, site: Site) -> Value:
        """A text made from the field."""
        self.record.used.append(self.column)
        return Undecided("a text made from a record's field", site.span, inputs=(self.column,))


@dataclass(eq=False, slots=True)
class Record(Host):
    """The record that a function gets; what it sets and deletes is kept."""

    frame: Frame
    changes: dict[str, Value] = field(default_factory=dict)
    deleted: set[str] = field(default_factory=set)
    used: list[Column] = field(default_factory=list)  # what code that is not read took from the record
    asked: list[Column] = field(default_factory=list)  # what branches hang on

    def item(self, key: Value, site: Site) -> Value:
        """`record["field"]`."""
        name = text_of(key)
        if name is None:
            return site.undecided("a field named at run time")
        if name in self.changes:
            return self.changes[name]
        return Field(Column(named(f"`{name}`" if "`" not in name else name, site.span)), self)

    def set_item(self, key: Value, value: Value, site: Site) -> None:
        """`record["field"] = value`."""
        name = text_of(key)
        if name is not None:
            site.interpreter.journal.touch(self.changes)
            self.changes[name] = value

    def attribute(self, name: str, site: Site) -> Value:
        """`get`, `pop`, and other dictionary methods."""
        if name == "get":
            return Native(name, lambda site, key, default: self.item(key, site), ("key", "default="))
        if name == "pop":
            return Native(name, lambda site, key, default: self._pop(key, site), ("key", "default="))
        if name in ("keys", "items", "values"):
            return Native(name, lambda site, given, keywords: site.undecided("the fields of a record"))
        return self.item(name, site)

    def _pop(self, key: Value, site: Site) -> Value:
        value = self.item(key, site)
        self.deleted.add(str(text_of(key)).lower())
        return value

    def contains(self, element: Value, site: Site) -> Value:
        """Fields may be missing in some records."""
        return site.undecided("whether a record has the field")

    def computed(self, values: list[Value]) -> Field:
        """Something that Python computes from fields: not read, but what went in is kept."""
        columns = [v.column for v in values if isinstance(v, Field)]
        return Field(Column(exp.Anonymous(this=OPAQUE, expressions=[bare(c) for c in columns]), "python"), self)

    def condition(self, result: Value, site: Site) -> exp.Expr | None:
        """What a filter function's result is as a predicate."""
        found = [f for v in leaves(result) for f in _conditions(v)]
        if not found:
            found = [bare(c) for c in (*self.used, *self.asked)]
            if not found:
                if not isinstance(result, bool):
                    site.unknown("a filter function that is not read", "expression")
                return None
            return exp.Anonymous(this=OPAQUE, expressions=found)
        extra = [bare(c) for c in self.used]
        return exp.and_(*found, *([exp.Anonymous(this=OPAQUE, expressions=extra)] if extra else []), copy=False)


def _conditions(value: Value) -> list[exp.Expr]:
    if isinstance(value, Field):
        return [bare(value.column)]
    if isinstance(value, Column):
        return [bare(value)]
    if isinstance(value, Undecided):
        return [bare(c) for c in value.inputs if isinstance(c, Column)]
    return []


def changed_record(frame: Frame, function: Value, site: Site) -> Frame:
    """The frame after a Map function: fields that it sets are computed, fields that it deletes are dropped."""
    from tools.jobs.pyspark.projection import drop, with_columns_of

    record = Record(frame)
    result = site.call(function, record)
    changes = dict(record.changes)
    for value in leaves(result):
        if isinstance(value, dict):
            changes.update({str(k): v for k, v in value.items()})
    pairs: list[tuple[Value, Value]] = [(name, _as_column(value, record, site)) for name, value in changes.items()]
    made = with_columns_of(frame, pairs, site) if pairs else frame
    dropped = drop(site, made, [list(record.deleted)]) if record.deleted else made
    return dropped if isinstance(dropped, Frame) else made


def _chosen(values: list[exp.Expr], record: Record) -> Column:
    """One of several values; which one hangs on what the function's branches ask of the record."""
    test = exp.Anonymous(this=OPAQUE, expressions=[bare(c) for c in record.asked])
    case = exp.Case(ifs=[exp.If(this=test.copy(), true=v) for v in values[:-1]], default=values[-1])
    return Column(case, "python")


def _as_column(value: Value, record: Record, site: Site) -> Column:
    if isinstance(value, Field):
        return value.column
    if isinstance(value, Choice):
        return _chosen([bare(_as_column(v, record, site)) for v in leaves(value)], record)
    if isinstance(value, Undecided):
        columns = [c for c in value.inputs if isinstance(c, Column)] or record.used
        return Column(exp.Anonymous(this=OPAQUE, expressions=[bare(c) for c in columns]), "python")
    return literal(value, site)


__all__ = ["NOTHING", "Field", "Record", "changed_record", "operand"]
