"""Column lineage of a plan: which source columns reach a written column, in which role, on which path.

Roles follow OpenLineage's column-lineage facet: a *direct* edge carries values, an *indirect* one decides (condition,
filter, join, group by, sort, window). A column keeps its id while it is handed on, so an origin is found by following
the expressions that define ids down to scans; names are never compared here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from tools.plan.base import ColumnId, Confidence, Span
from tools.plan.bind import EITHER
from tools.plan.model import (
    Aggregate,
    Distinct,
    Filter,
    Generate,
    Item,
    Join,
    Op,
    Opaque,
    Project,
    Rebase,
    Rest,
    Scan,
    SetOp,
    Sort,
)
from tools.plan.references import is_ref, is_subquery_ref, ref, ref_id, ref_span
from tools.plan.roles import Role, leaf_roles
from tools.plan.whole import Plan, Write, reachable, walk

# OpenLineage 1-2-0 ColumnLineageDatasetFacet: (type, subtype)
OPENLINEAGE: Mapping[Role, tuple[str, str]] = {
    "value": ("DIRECT", "TRANSFORMATION"),
    "condition": ("INDIRECT", "CONDITIONAL"),
    "filter": ("INDIRECT", "FILTER"),
    "join": ("INDIRECT", "JOIN"),
    "group_by": ("INDIRECT", "GROUP_BY"),
    "sort": ("INDIRECT", "SORT"),
    "window": ("INDIRECT", "WINDOW"),
    "distinct": ("INDIRECT", "GROUP_BY"),
}


@dataclass(frozen=True, slots=True)
class Path:
    """Where a column is used on its way, from the output towards the source; shared between origins."""

    span: Span | None
    text: str | None
    below: Path | None = None
    aggregates: bool = False

    def steps(self) -> list[tuple[Span | None, str | None]]:
        """The steps in order, output first, repeated places once."""
        out: list[tuple[Span | None, str | None]] = []
        node: Path | None = self
        while node is not None:
            if (node.span or node.text) and (not out or out[-1] != (node.span, node.text)):
                out.append((node.span, node.text))
            node = node.below
        return out


@dataclass(frozen=True, slots=True)
class Origin:
    """A source column that reaches some expression. `span` is where the job names the source column."""

    dataset: str
    column: str
    role: Role
    confidence: Confidence = "high"
    path: Path | None = None

    @property
    def key(self) -> tuple[str, str, Role]:
        """What makes two origins the same edge."""
        return (self.dataset, self.column, self.role)

    @property
    def aggregated(self) -> bool:
        """Whether some step on the way folds many rows into one value."""
        node = self.path
        while node is not None and not node.aggregates:
            node = node.below
        return node is not None

    @property
    def span(self) -> Span | None:
        """The place nearest the source."""
        spans = [s for s, _ in self.path.steps() if s] if self.path else []
        return spans[-1] if spans else None


@dataclass(frozen=True, slots=True)
class Edge:
    """One edge of column lineage. `target_column` is None for an edge that decides about whole rows."""

    source: str
    source_column: str
    target: str
    target_column: str | None
    role: Role
    span: Span | None = None
    expression: str | None = None
    confidence: Confidence = "high"
    aggregated: bool = False

    @property
    def subtype(self) -> str:
        """OpenLineage's subtype: what happens to the value, or what kind of decision it is."""
        if self.role != "value":
            return OPENLINEAGE[self.role][1]
        if self.expression is None:
            return "IDENTITY"
        return "AGGREGATION" if self.aggregated else "TRANSFORMATION"

    @property
    def direct(self) -> bool:
        """Whether values flow along it."""
        return self.role == "value"

    def to_dict(self) -> dict[str, Any]:
        """As records and `--json` hold it."""
        return {
            "source": self.source,
            "source_column": self.source_column,
            "target": self.target,
            "target_column": self.target_column,
            "role": self.role,
            "type": OPENLINEAGE[self.role][0],
            "subtype": self.subtype,
            "file": self.span.file if self.span else None,
            "line": self.span.line if self.span else None,
            "expression": self.expression,
            "confidence": self.confidence,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Edge:
        """The inverse of `to_dict`."""
        span = Span(data["file"], data["line"]) if data.get("file") else None
        return cls(
            data["source"],
            data["source_column"],
            data["target"],
            data["target_column"],
            data["role"],
            span,
            data.get("expression"),
            data.get("confidence", "high"),
            data.get("subtype") == "AGGREGATION",
        )


def column_edges(plan: Plan) -> list[Edge]:
    """All edges of all writes of a plan, direct first within each write."""
    tracer = Tracer(plan)
    return [edge for write in plan.writes for edge in write_edges(write, tracer)]


def write_edges(write: Write, tracer: Tracer) -> list[Edge]:
    """The edges into one written data set."""
    target = write.target.name
    edges: dict[tuple[str, str, str | None, Role], Edge] = {}
    for assignment in write.assignments:
        for origin in tracer.of_all(assignment.expressions):
            column = None if origin.role == "window" else assignment.column
            _add(edges, origin, target, column, assignment.span or write.span)
    for rest in write.carries:
        for dataset, excluded in open_datasets(rest):
            note = f"* except {', '.join(sorted(excluded))}" if excluded else "*"
            edges[(dataset, "*", "*", "value")] = Edge(dataset, "*", target, "*", "value", write.span, note, "low")
    for origin in tracer.influences(write):
        _add(edges, origin, target, None, write.span)
    return sorted(edges.values(), key=lambda e: (e.role != "value", e.target_column is None))


def _add(
    edges: dict[tuple[str, str, str | None, Role], Edge],
    origin: Origin,
    target: str,
    column: str | None,
    place: Span | None,
) -> None:
    """Keeps the better-known of two edges; one that no line of the job spells out (`*`) has the place of the write."""
    key = (origin.dataset, origin.column, column, origin.role)
    if key not in edges or (edges[key].confidence == "low" and origin.confidence == "high"):
        text = next((t for _, t in origin.path.steps() if t), None) if origin.path else None
        edges[key] = Edge(
            origin.dataset,
            origin.column,
            target,
            column,
            origin.role,
            origin.span or place,
            text,
            origin.confidence,
            origin.aggregated,
        )


def open_datasets(rest: Rest) -> list[tuple[str, frozenset[str]]]:
    """The data sets behind unnamed columns, each with the names that do not pass."""
    op = rest.source
    if isinstance(op, Scan):
        return [(op.dataset.name, rest.excluded)]
    assert isinstance(op, Op)
    below = [r for child in op.children for r in child.rest]
    return [(name, excluded | rest.excluded) for r in below for name, excluded in open_datasets(r)]


# --------------------------------------------------------------------------- tracing ids to scans


@dataclass(frozen=True, slots=True)
class _Definition:
    """How a column id comes about: expressions over other ids, or a scan's own column."""

    expressions: tuple[exp.Expr, ...] = ()
    source: tuple[str, str] | None = None
    span: Span | None = None
    confidence: Confidence = "high"


class Tracer:
    """Finds the origins of column ids and expressions of one plan. Each id is traced once."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._definitions: dict[ColumnId, _Definition] = {}
        self._known: dict[ColumnId, tuple[Origin, ...]] = {}
        self._seen_ops: set[int] = set()
        self._seen_items: set[int] = set()
        self._mentions: dict[ColumnId, Span] = {}
        for root in [*plan.subqueries, *plan.writes]:
            self._define_below(root)

    def _define_below(self, root: Op) -> None:
        for op in walk(root):
            if id(op) in self._seen_ops:
                continue
            self._seen_ops.add(id(op))
            if isinstance(op, Project):
                self._define_items(op)
                continue
            for column, definition in _definitions(op, self._plan.dialect):
                self._definitions.setdefault(column, definition)
            for item in op.items:
                if item.span is not None and item.is_pass_through:
                    self._mentions.setdefault(item.attribute.id, item.span)

    def _define_items(self, op: Project) -> None:
        """Projections of wide tables share their items: each is looked at once."""
        for item in op.columns:
            if id(item) in self._seen_items:
                continue
            self._seen_items.add(id(item))
            if not item.is_pass_through:
                self._definitions.setdefault(item.attribute.id, _of_item(item))
            elif item.span is not None:
                self._mentions.setdefault(item.attribute.id, item.span)

    def of_column(self, column: ColumnId) -> tuple[Origin, ...]:
        """Origins of a column id. Iterative: a chain of a thousand operators needs no deep stack."""
        stack = [column]
        active: set[ColumnId] = set()
        while stack:
            current = stack[-1]
            if current in self._known:
                stack.pop()
                continue
            definition = self._definitions.get(current)
            if definition is None:
                self._known[current] = ()
                continue
            waiting = []
            if current not in active:
                active.add(current)
                waiting = [d for d in self._needs(definition) if d not in self._known and d not in active]
            if waiting:
                stack.extend(waiting)
                continue
            self._known[current] = self._resolve(definition)
            stack.pop()
        return self._known[column]

    def defined_at(self, expression: exp.Expr) -> Span | None:
        """Where a written value is computed: copies and renames are followed to the expression behind them."""
        return self.definition(expression)[1]

    def definition(self, expression: exp.Expr) -> tuple[exp.Expr, Span | None]:
        """The expression behind copies and renames of a value, and its place."""
        seen: set[ColumnId] = set()
        while is_ref(expression) and ref_id(expression) not in seen:
            column = ref_id(expression)
            seen.add(column)
            definition = self._definitions.get(column)
            if definition is None or len(definition.expressions) != 1:
                return expression, self._mentions.get(column) or (definition.span if definition else None)
            if not is_ref(definition.expressions[0]):
                return definition.expressions[0], definition.span
            expression = definition.expressions[0]
        return expression, ref_span(expression)

    def of_all(self, expressions: Iterable[exp.Expr]) -> tuple[Origin, ...]:
        """Origins of several expressions together."""
        return _merged(o for e in expressions for o in self.of_expression(e))

    def of_expression(self, expression: exp.Expr) -> tuple[Origin, ...]:
        """Origins of an expression over ids, each with the role it has for the expression's value."""
        for leaf, _ in leaf_roles(expression):
            for column in self._leaf_ids(leaf):
                self.of_column(column)
        return self._compose(expression, None)

    def influences(self, write: Write) -> list[Origin]:
        """Columns that decide which rows reach a write: filters, join keys, groups, order."""
        found = [o for c in write.conditions for o in self._decides(c, "filter", write.span)]
        for op in reachable(self._plan, [write]):
            for expression, role in _deciding(op):
                found += self._decides(expression, role, op.span)
        return list(_merged(found))

    def _decides(self, expression: exp.Expr, role: Role, span: Span | None) -> list[Origin]:
        text = None if is_ref(expression) else shown(expression)
        return [
            Origin(
                o.dataset,
                o.column,
                "window" if o.role == "window" else role,
                o.confidence,
                Path(span, text, o.path),
            )
            for o in self.of_expression(expression)
        ]

    def _needs(self, definition: _Definition) -> list[ColumnId]:
        return [i for e in definition.expressions for leaf, _ in leaf_roles(e) for i in self._leaf_ids(leaf)]

    def _leaf_ids(self, leaf: exp.Expr) -> list[ColumnId]:
        if is_ref(leaf):
            return [ref_id(leaf)]
        if is_subquery_ref(leaf) and leaf.args["db"].name != "exists":
            return [a.id for a in self._plan.subqueries[int(leaf.name)].output]
        return []

    def _resolve(self, definition: _Definition) -> tuple[Origin, ...]:
        if definition.source:
            return (Origin(*definition.source, role="value"),)
        return _merged(
            o if definition.confidence == "high" else Origin(o.dataset, o.column, o.role, "low", o.path)
            for e in definition.expressions
            for o in self._compose(e, definition.span)
        )

    def _compose(self, expression: exp.Expr, span: Span | None) -> tuple[Origin, ...]:
        text = None if is_ref(expression) else shown(expression)
        low = any(isinstance(n, exp.Anonymous) and n.name == EITHER for n in expression.walk())
        folds = text is not None and expression.find(exp.AggFunc) is not None
        out = []
        for leaf, role in leaf_roles(expression):
            for column in self._leaf_ids(leaf):
                place = ref_span(leaf) or self._mentions.get(column) or span
                for o in self._known.get(column, ()):
                    path = Path(span, text, Path(place, None, o.path), folds) if text else Path(place, None, o.path)
                    out.append(
                        Origin(o.dataset, o.column, _through(role, o.role), "low" if low else o.confidence, path)
                    )
        return _merged(out)


def _merged(origins: Iterable[Origin]) -> tuple[Origin, ...]:
    best: dict[tuple[str, str, Role], Origin] = {}
    for origin in origins:
        known = best.get(origin.key)
        if known is None or (known.confidence == "low" and origin.confidence == "high"):
            best[origin.key] = origin
    return tuple(best.values())


def _through(outer: Role, inner: Role) -> Role:
    """The role of what is behind a leaf: a window key stays one under a condition, a value takes the leaf's role."""
    if inner == "window" or outer == "value":
        return inner
    return outer


def _definitions(op: Op, dialect: str) -> Iterator[tuple[ColumnId, _Definition]]:
    match op:
        case Scan():
            for a in op.columns:
                yield a.id, _Definition(source=(op.dataset.name, a.name.lower()))
        case SetOp():
            # Spark hands the left side's columns on; elsewhere INTERSECT counts as coming from both.
            sides = 1 if op.kind == "except" or (op.kind == "intersect" and dialect == "spark") else None
            for a, row in zip(op.columns, op.mapping, strict=True):
                yield (
                    a.id,
                    _Definition(tuple(_plain_ref(i) for i in row[:sides] if i is not None), span=op.span),
                )
        case Opaque():
            inputs = tuple(_plain_ref(a.id) for child in op.inputs for a in child.output)
            for a in op.columns:
                yield a.id, _Definition(inputs, span=op.span, confidence="low")
        case _:
            for item in op.items:
                if not item.is_pass_through:
                    yield item.attribute.id, _of_item(item)


def _of_item(item: Item) -> _Definition:
    return _Definition((item.expression,), span=item.span, confidence=item.confidence)


def _plain_ref(column: ColumnId) -> exp.Expr:
    return ref(column)


def _deciding(op: Op) -> Iterator[tuple[exp.Expr, Role]]:  # noqa: C901 - a table of operators, written as a match
    """Expressions of an operator that decide about whole rows."""
    match op:
        case Filter():
            yield op.predicate, "filter"
        case Join(condition=exp.Expr() as condition):
            yield condition, "join"
        case Aggregate():
            yield from ((k.expression, "group_by") for k in op.keys)
            if op.pivoted_on is not None:  # a pivot groups by its column too, then spreads the groups
                yield op.pivoted_on, "group_by"
        case Opaque():
            yield from ((k, "group_by") for k in op.keys)
        case Sort():
            yield from ((k, "sort") for k in op.keys)
        case Distinct(keys=None):
            yield from ((_plain_ref(a.id), "distinct") for a in op.output)
        case Distinct():
            everything = {a.id for a in op.output}
            role: Role = "distinct" if set(op.keys or ()) == everything and not op.rest else "group_by"
            yield from ((_plain_ref(k), role) for k in op.keys or ())
        case SetOp() if op.kind == "except":
            yield from ((_plain_ref(i), "distinct") for row in op.mapping for i in row[1:] if i is not None)
        case Rebase() | Generate():
            pass


def shown(expression: exp.Expr, names: Mapping[ColumnId, str] | None = None) -> str:
    """An expression for people: in Spark's spelling, ids replaced by names when they are given."""
    copy = expression.copy()
    for leaf in list(copy.find_all(exp.Column)):
        if is_ref(leaf):
            name = (names or {}).get(ref_id(leaf), leaf.meta.get("name") or f"#{leaf.name}")
            plain = exp.column(name)
            if leaf is copy:
                return name
            leaf.replace(plain)
        elif is_subquery_ref(leaf):
            leaf.replace(exp.column("(query)"))
    try:
        return copy.sql("spark", comments=False)
    except (RecursionError, KeyError, TypeError, ValueError, AttributeError):  # nested too deeply, or odd arguments
        return f"{expression.key}(…)"
