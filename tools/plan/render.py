"""Renders operators to one SQL query, for the parts of a plan that SQL can say.

Operators are folded into as few SELECTs as keep the meaning; where one ends, a derived table begins. The result is a
sqlglot tree: `.sql("athena")` is what the product runs. What has no SQL form raises `NotRenderable` with the reason
and the place in the job, and is never approximated.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count

from sqlglot import exp
from sqlglot.optimizer.annotate_types import annotate_types

from tools.plan.base import Attribute, ColumnId, Span
from tools.plan.bind import EITHER, is_missing
from tools.plan.catalog import Columns, is_path
from tools.plan.model import (
    Aggregate,
    Distinct,
    Filter,
    Generate,
    Join,
    Limit,
    Op,
    Opaque,
    Project,
    Rebase,
    Scan,
    SetOp,
    Sort,
    Values,
)
from tools.plan.references import is_ref, is_subquery_ref, ref_id, refs
from tools.plan.whole import Assignment, Plan, Write

SourceOf = Callable[[Scan], exp.Expr]
_BIG = 150  # nodes; beyond this an expression is named in a derived table and not repeated
_LOOSE = (exp.Binary, exp.Not, exp.Neg, exp.BitwiseNot, exp.Between, exp.In, exp.Is, exp.Case, exp.AtTimeZone)
_VOLATILE = (exp.Rand, exp.Uuid, exp.Randn)


class NotRenderable(ValueError):
    """Part of a plan has no SQL form; `span` is the place in the job."""

    def __init__(self, reason: str, span: Span | None = None) -> None:
        self.reason, self.span = reason, span
        super().__init__(f"{span}: {reason}" if span else reason)


def table_of(scan: Scan) -> exp.Expr:
    """The default source: the catalog table of that name. Raises NotRenderable for paths and unknown names."""
    dataset = scan.dataset
    if not dataset.resolved or dataset.kind != "table":
        raise NotRenderable(f"{dataset} is not a table of the catalog")
    table, *qualifiers = [exp.to_identifier(p, quoted=True) for p in reversed(dataset.name.split("."))]
    return exp.Table(this=table, **dict(zip(("db", "catalog"), qualifiers, strict=False)))


def render(op: Op, plan: Plan, source_of: SourceOf = table_of) -> exp.Query:
    """One query whose columns are `op.output`, in order and by name.

    Args:
        source_of: what stands in FROM for a scan; replace it to put other logic under a query.

    Raises NotRenderable.
    """
    renderer = _Renderer(plan, source_of)
    return renderer.finished(renderer.block(op), [(a.id, a.name) for a in op.output])


def render_write(write: Write, plan: Plan, columns: Columns | None = None, source_of: SourceOf = table_of) -> exp.Query:
    """The query whose result a write stores: target columns in target order, cast as an INSERT would.

    Args:
        columns: the target's columns when they are known; otherwise the write's own, uncast.

    Raises NotRenderable, also for writes that depend on the target's previous content.
    """
    if write.self_reference:
        raise NotRenderable(f"{write.kind.upper()} depends on what {write.target} held before", write.span)
    if write.carries:
        raise NotRenderable(f"the columns of {write.target} are not all known", write.span)
    renderer = _Renderer(plan, source_of)
    block = renderer.block(write.source)
    items = []
    for name, kind, assignment in in_target_order(write, columns):
        value = renderer.place(assignment.expressions[0], block) if assignment else exp.Null()
        typed = exp.cast(value, exp.DataType.build(kind, dialect="athena")) if kind else value
        items.append(exp.alias_(typed, name, quoted=True))
    return renderer.select(block, items)


def in_target_order(write: Write, columns: Columns | None) -> list[tuple[str, str | None, Assignment | None]]:
    """Name, type and assignment of each column that a write stores, in the target's order where its columns are known.

    A bare query may have two columns of one name. Raises NotRenderable for a column that the target does not have.
    """
    if columns is None:
        return [(a.column, None, a) for a in write.assignments]
    given = {a.column.lower(): a for a in write.assignments}
    found = [(name, kind, given.pop(name.lower(), None)) for name, kind in columns]
    if given:
        raise NotRenderable(f"{write.target} has no column {', '.join(sorted(given))}", write.span)
    return found


@dataclass
class _Block:
    """A SELECT in the making: where its rows come from and, by id, the expression of each column.

    `names` are the columns that are handed on. `one_row` says that everything is aggregated without keys.
    """

    source: exp.Select
    columns: dict[ColumnId, exp.Expr]
    names: dict[ColumnId, str]
    stage: int = 0  # 0 FROM, 1 WHERE, 2 grouped, 3 ordered or limited
    order: list[exp.Expr] = field(default_factory=list)
    limit: tuple[exp.Expr | None, exp.Expr | None] | None = None
    distinct: bool = False
    one_row: bool = False
    unnest: exp.Unnest | None = None  # the last thing in FROM, when it may still take another array

    @property
    def rows_are_seen(self) -> bool:
        """Whether a column depends on which rows there are, or on when it is computed: a window, a random number."""
        return any(_depends_on_rows(self.columns[i]) for i in self.names if i in self.columns)


class _Renderer:
    def __init__(self, plan: Plan, source_of: SourceOf) -> None:
        self._plan, self._source_of = plan, source_of
        self._aliases = count(1)
        self._outer: list[_Block] = []
        self._open: set[int] = set()

    # ------------------------------------------------------------------ blocks

    def block(self, op: Op) -> _Block:
        """Renders an operator; a long chain of operators is unrolled so that its length needs no deep stack."""
        chain = [op]
        while len(chain[-1].children) == 1:
            chain.append(chain[-1].children[0])
        current = self._leaf(chain.pop())
        for upper in reversed(chain):
            current = self._step(upper, current)
        return current

    def _leaf(self, op: Op) -> _Block:
        match op:
            case Scan():
                return self._scan(op)
            case Values():
                return self._values(op)
            case Join():
                return self._join(op)
            case SetOp():
                return self._set_operation(op)
        return self._refuse(op)

    def _step(self, op: Op, below: _Block) -> _Block:
        match op:
            case Project() | Rebase():
                return self._project(op, below)
            case Filter():
                return self._filter(op, below)
            case Aggregate():
                return self._aggregate(op, below)
            case Distinct():
                return self._distinct(op, below)
            case Sort():
                below = self._wrapped(below) if below.stage >= 3 else below
                below.order, below.stage = [self.place(k, below) for k in op.keys], 3
                return below
            case Limit():
                below = self._wrapped(below) if below.limit else below
                below.limit, below.stage = (op.count, op.offset), 3
                return below
            case Generate():
                return self._generate(op, below)
            case Write():
                return below
        return self._refuse(op)

    def _refuse(self, op: Op) -> _Block:
        if isinstance(op, Opaque):
            raise NotRenderable(op.reason, op.span)
        raise NotRenderable(f"a {type(op).__name__.lower()} with these inputs has no SQL form", op.span)

    def _scan(self, op: Scan) -> _Block:
        if op.format == "metadata":
            raise NotRenderable(f"the metadata of {op.dataset} has no history", op.span)
        if is_path(op.dataset.name):
            raise NotRenderable(f"{op.dataset} is read by path and is no table of the catalog", op.span)
        alias = f"t{next(self._aliases)}"
        source = self._source_of(op)
        if isinstance(source, exp.Query):
            source = exp.Subquery(this=source)
        elif op.version:
            raise NotRenderable("time travel is pinned to the past and cannot be replayed", op.span)
        source.set("alias", exp.TableAlias(this=exp.to_identifier(alias, quoted=True)))
        columns: dict[ColumnId, exp.Expr] = {a.id: _column(alias, a.name, a.type) for a in op.columns}
        return _Block(exp.select().from_(source, copy=False), columns, {a.id: a.name for a in op.columns})

    def _values(self, op: Values) -> _Block:
        if not op.columns:
            return _Block(exp.select(), {}, {})
        alias = f"v{next(self._aliases)}"
        empty = _Block(exp.select(), {}, {})
        rows = [exp.Tuple(expressions=[self.place(c, empty) for c in row]) for row in op.rows]
        names = [exp.to_identifier(f"c{i}", quoted=True) for i in range(len(op.columns))]
        table = exp.Values(
            expressions=rows, alias=exp.TableAlias(this=exp.to_identifier(alias, quoted=True), columns=names)
        )
        columns: dict[ColumnId, exp.Expr] = {a.id: _column(alias, f"c{i}", a.type) for i, a in enumerate(op.columns)}
        return _Block(exp.select().from_(table, copy=False), columns, {a.id: a.name for a in op.columns})

    # ------------------------------------------------------------------ one input

    def _project(self, op: Project | Rebase, below: _Block) -> _Block:
        if op.rest:
            raise NotRenderable("a table's columns are not all known", op.span)
        if self._needs_names(op, below):
            below = self._wrapped(below)
        columns = {i.attribute.id: self.place(i.expression, below) for i in op.items}
        return replace(below, columns=columns, names={a.id: a.name for a in op.output}, unnest=None)

    def _needs_names(self, op: Project | Rebase, below: _Block) -> bool:
        """Whether the input has to be a derived table before its columns can be computed with."""
        computed = [i.expression for i in op.items if not is_ref(i.expression)]
        used = Counter(ref_id(c) for e in computed for c in refs(e))
        return (
            below.distinct
            or any(_must_be_named(below.columns[c], n) for c, n in used.items() if c in below.columns)
            or (below.limit is not None and any(_depends_on_rows(e) for e in computed))
            or (below.stage == 2 and any(is_subquery_ref(c) for e in computed for c in e.find_all(exp.Column)))
        )

    def _filter(self, op: Filter, below: _Block) -> _Block:
        if below.stage > 1 or below.distinct or below.rows_are_seen:
            below = self._wrapped(below)
        below.source = below.source.where(self.place(op.predicate, below), copy=False)
        below.stage = 1
        return below

    def _aggregate(self, op: Aggregate, below: _Block) -> _Block:
        if op.pivoted_on is not None and not op.tells_cells:
            raise NotRenderable("a pivot", op.span)
        if below.stage > 1 or below.distinct or below.rows_are_seen:
            below = self._wrapped(below)
        keys = [self.place(k.expression, below) for k in op.keys]
        columns = {k.attribute.id: e for k, e in zip(op.keys, keys, strict=True)}
        columns |= {i.attribute.id: self.place(i.expression, below) for i in op.aggregates}
        if keys:
            below.source.set("group", self._group(op, keys))
        names = {i.attribute.id: i.attribute.name for i in op.items}
        return _Block(below.source, columns, names, 2, one_row=not keys)

    def _group(self, op: Aggregate, keys: Sequence[exp.Expr]) -> exp.Group:
        if op.grouping_sets is None:
            return exp.Group(expressions=[k.copy() for k in keys])
        by_id = {k.attribute.id: e for k, e in zip(op.keys, keys, strict=True)}
        tuples = [exp.Tuple(expressions=[by_id[i].copy() for i in ids]) for ids in op.grouping_sets]
        return exp.Group(grouping_sets=[exp.GroupingSets(expressions=tuples)])

    def _distinct(self, op: Distinct, below: _Block) -> _Block:
        if op.keys is None:
            below = self._wrapped(below) if below.stage >= 2 or below.distinct else below
            below.distinct = True
            return below
        below = self._wrapped(below)
        keys = [below.columns[k].copy() for k in op.keys]
        others = [exp.Ordered(this=c.copy()) for i, c in below.columns.items() if i not in op.keys]
        number = exp.Window(this=exp.RowNumber(), partition_by=keys, order=exp.Order(expressions=others or keys))
        marker = -next(self._aliases)
        below.columns[marker], names = number, dict(below.names)
        below.names = {**below.names, marker: f"row_{-marker}"}
        below = self._wrapped(below)
        below.source = below.source.where(exp.EQ(this=below.columns.pop(marker), expression=exp.Literal.number(1)))
        below.names, below.stage = names, 1
        return below

    def _generate(self, op: Generate, below: _Block) -> _Block:
        if isinstance(op.generator, (exp.Inline, exp.Anonymous)):
            raise NotRenderable("this kind of explode", op.span)
        if op.together:
            return self._zipped(op, below)
        if below.stage > 0 or below.distinct or below.rows_are_seen:
            below = self._wrapped(below)
        positioned = isinstance(op.generator, exp.Posexplode)
        array = op.generator.this if isinstance(op.generator, (exp.Explode, exp.Posexplode)) else op.generator
        unnest = exp.Unnest(expressions=[self.place(array, below)], alias=_new_alias(f"u{next(self._aliases)}"))
        self._append(below, unnest, outer=op.outer)
        if positioned:
            self._number(op, below, unnest)
        self._name(below, unnest, op.columns[1:] if positioned else op.columns)
        below.unnest = unnest
        return below

    def _zipped(self, op: Generate, below: _Block) -> _Block:
        """Another array, or the ordinality, of the UNNEST below."""
        unnest = below.unnest
        if unnest is None or unnest.args.get("offset") is not None or isinstance(op.generator, exp.Posexplode):
            raise NotRenderable("this kind of explode", op.span)
        if isinstance(op.generator, exp.Literal):
            position = exp.to_identifier(f"c{len(unnest.args['alias'].columns)}", quoted=True)
            unnest.set("offset", position)
            below.columns[op.columns[0].id] = _column(unnest.alias, position.name, "bigint")
            below.names[op.columns[0].id] = op.columns[0].name
            return below
        unnest.append("expressions", self.place(op.generator, below))
        self._name(below, unnest, op.columns)
        return below

    def _append(self, below: _Block, unnest: exp.Unnest, *, outer: bool) -> None:
        if below.source.args.get("from_") is None and not outer:
            below.source.from_(unnest, copy=False)
            return
        if below.source.args.get("from_") is None:
            below.source.from_(_one_row(f"o{next(self._aliases)}"), copy=False)
        join = exp.Join(this=unnest, side="LEFT", on=exp.true()) if outer else exp.Join(this=unnest, kind="CROSS")
        below.source.append("joins", join)

    @staticmethod
    def _name(below: _Block, unnest: exp.Unnest, columns: Sequence[Attribute]) -> None:
        """The next columns of an UNNEST under these ids."""
        alias = unnest.args["alias"]
        for attribute in columns:
            name = f"c{len(alias.columns)}"
            alias.append("columns", exp.to_identifier(name, quoted=True))
            below.columns[attribute.id] = _column(unnest.alias, name, None)
            below.names[attribute.id] = attribute.name

    @staticmethod
    def _number(op: Generate, below: _Block, unnest: exp.Unnest) -> None:
        """posexplode counts from 0, ORDINALITY from 1."""
        unnest.set("offset", exp.to_identifier("position", quoted=True))
        counted = _column(unnest.alias, "position", "bigint")
        below.columns[op.columns[0].id] = exp.Sub(this=counted, expression=exp.Literal.number(1))
        below.names[op.columns[0].id] = op.columns[0].name

    # ------------------------------------------------------------------ several inputs

    def _join(self, op: Join) -> _Block:
        left = self.block(op.left)
        if left.stage > 0 or left.distinct or left.rows_are_seen or left.source.args.get("from_") is None:
            left = self._wrapped(left)
        right = self.block(op.right)
        if op.kind in ("semi", "anti"):
            return self._semi_join(op, left, right)
        plain = right.stage == 0 and not right.distinct and not right.source.args.get("joins")
        computed = any(not isinstance(c, exp.Column) for c in right.columns.values())
        if not plain or computed or right.source.args.get("from_") is None:
            right = self._wrapped(right)
        if any(not isinstance(c, exp.Column) for c in left.columns.values()) and op.kind in ("right", "full"):
            left = self._wrapped(left)
        both = _Block(left.source, {**left.columns, **right.columns}, {**left.names, **right.names})
        table = right.source.args["from_"].this
        side = op.kind.upper() if op.kind in ("left", "right", "full") else None
        kind = "CROSS" if op.condition is None and side is None else None
        condition = self.place(op.condition, both) if op.condition is not None else (exp.true() if side else None)
        both.source.append("joins", exp.Join(this=table, side=side, kind=kind, on=condition))
        return both

    def _semi_join(self, op: Join, left: _Block, right: _Block) -> _Block:
        right = self._wrapped(right)
        both = _Block(left.source, {**left.columns, **right.columns}, left.names)
        inner = right.source.select("1", copy=False)
        if op.condition is not None:
            inner = inner.where(self.place(op.condition, both), copy=False)
        test: exp.Expr = exp.Exists(this=inner)
        left.source = left.source.where(exp.Not(this=test) if op.kind == "anti" else test, copy=False)
        left.stage = 1
        return left

    def _set_operation(self, op: SetOp) -> _Block:
        if id(op) in self._open:
            raise NotRenderable("a recursive query", op.span)
        self._open.add(id(op))
        try:
            return self._set_query(op)
        finally:
            self._open.discard(id(op))

    def _set_query(self, op: SetOp) -> _Block:
        queries = []
        for k, child in enumerate(op.inputs):
            block = self.block(child)
            sides = [self._side(block, row[k]) for row in op.mapping]
            items = [exp.alias_(side, f"c{i}", quoted=True) for i, side in enumerate(sides)]
            queries.append(self.select(block, items))
        kinds: Mapping[str, type[exp.SetOperation]] = {
            "union": exp.Union,
            "intersect": exp.Intersect,
            "except": exp.Except,
        }
        whole: exp.Query = queries[0]
        for query in queries[1:]:
            whole = kinds[op.kind](this=whole, expression=query, distinct=op.distinct)
        alias = f"s{next(self._aliases)}"
        columns: dict[ColumnId, exp.Expr] = {a.id: _column(alias, f"c{i}", a.type) for i, a in enumerate(op.columns)}
        return _Block(_from_query(whole, alias), columns, {a.id: a.name for a in op.columns})

    @staticmethod
    def _side(block: _Block, column: ColumnId | None) -> exp.Expr:
        return block.columns[column].copy() if column is not None else exp.Null()

    # ------------------------------------------------------------------ finishing

    def _wrapped(self, block: _Block) -> _Block:
        """The block as a derived table: every column gets a name of its own."""
        alias = f"q{next(self._aliases)}"
        taken: set[str] = set()
        names = {i: _unique(n, i, taken) for i, n in block.names.items() if i in block.columns}
        items = [exp.alias_(block.columns[i].copy(), n, quoted=True) for i, n in names.items()]
        if block.limit is None:
            block.order = []
        inner = self.select(block, items or [exp.alias_(exp.Literal.number(1), "one", quoted=True)])
        columns: dict[ColumnId, exp.Expr] = {}
        for i, n in names.items():
            column = _column(alias, n, None)
            column.type = block.columns[i].type
            columns[i] = column
        return _Block(_from_query(inner, alias), columns, {i: block.names[i] for i in names})

    def select(self, block: _Block, items: Sequence[exp.Expr]) -> exp.Select:
        """The finished SELECT of a block with these output columns."""
        query = block.source
        query.set("expressions", list(items))
        if block.one_row and not any(_aggregates(i) for i in items):
            # Everything in one row, of which no aggregate is asked for: only an empty grouping set says so.
            query.set("group", exp.Group(grouping_sets=[exp.GroupingSets(expressions=[exp.Tuple(expressions=[])])]))
        if block.distinct:
            query.set("distinct", exp.Distinct())
        if block.order:
            query.set("order", exp.Order(expressions=block.order))
        if block.limit is not None:
            number, offset = block.limit
            query.set("offset", exp.Offset(expression=offset.copy()) if offset is not None else None)
            query.set("limit", exp.Limit(expression=number.copy()) if number is not None else None)
        return query

    def finished(self, block: _Block, output: Sequence[tuple[ColumnId, str]]) -> exp.Select:
        """The finished SELECT with the given columns under their own names."""
        return self.select(block, [exp.alias_(block.columns[i].copy(), n, quoted=True) for i, n in output])

    # ------------------------------------------------------------------ expressions

    def place(self, expression: exp.Expr, block: _Block) -> exp.Expr:
        """An expression with references replaced by what they are in a block (or in an enclosing one)."""

        def visit(node: exp.Expr) -> exp.Expr:
            if is_subquery_ref(node):
                return self._subquery(node, block)
            if is_ref(node):
                found = self._lookup(ref_id(node), block)
                return exp.paren(found, copy=False) if isinstance(found, _LOOSE) else found
            if is_missing(node):
                raise NotRenderable(f"column {node.name} is not there")
            if isinstance(node, exp.Anonymous) and node.name == EITHER:
                raise NotRenderable("a column that could be any of several inputs")
            return node

        top = expression.transform(visit)
        placed = top.unnest() if isinstance(top, exp.Paren) and is_ref(expression) else top
        dialect = expression.meta.get("dialect", self._plan.dialect)  # a plan may be made of plans of several dialects
        return annotate_types(placed, overwrite_types=False, dialect=dialect)

    def _lookup(self, column: ColumnId, block: _Block) -> exp.Expr:
        for scope in (block, *reversed(self._outer)):
            if column in scope.columns:
                return scope.columns[column].copy()
        raise NotRenderable("a column that is not in scope here")

    def _subquery(self, leaf: exp.Expr, block: _Block) -> exp.Expr:
        op, kind = self._plan.subqueries[int(leaf.name)], leaf.args["db"].name
        self._outer.append(block)
        try:
            inner = self.finished(self.block(op), [(a.id, a.name) for a in op.output])
        finally:
            self._outer.pop()
        return exp.Exists(this=inner) if kind == "exists" else exp.Subquery(this=inner)


def _column(table: str, name: str, kind: str | None) -> exp.Column:
    column = exp.column(exp.to_identifier(name, quoted=True), table=exp.to_identifier(table, quoted=True))
    if kind:
        column.type = exp.DataType.build(kind, dialect="athena")
    return column


def _from_query(query: exp.Query, alias: str) -> exp.Select:
    return exp.select().from_(
        exp.Subquery(this=query, alias=exp.TableAlias(this=exp.to_identifier(alias, quoted=True))), copy=False
    )


def _unique(name: str, column: ColumnId, taken: set[str]) -> str:
    chosen = name if name.lower() not in taken else f"{name}_{abs(column)}"
    taken.add(chosen.lower())
    return chosen


def _must_be_named(expression: exp.Expr, uses: int) -> bool:
    """Whether an expression has to be computed once, in a derived table, before something else uses it."""
    if isinstance(expression, exp.Column):
        return False
    return _depends_on_rows(expression) or sum(1 for _ in expression.walk()) * uses > _BIG


def _depends_on_rows(expression: exp.Expr) -> bool:
    return expression.find(exp.Window, *_VOLATILE) is not None


def _aggregates(expression: exp.Expr) -> bool:
    """Whether an expression aggregates this SELECT's rows (and not only those of a window or of a subquery)."""
    for node in expression.walk(prune=lambda n: isinstance(n, exp.Query)):
        if isinstance(node, exp.AggFunc):
            holder = node.parent
            while isinstance(holder, (exp.Filter, exp.WithinGroup, exp.IgnoreNulls, exp.RespectNulls)):
                holder = holder.parent
            if not isinstance(holder, exp.Window):
                return True
    return False


def _new_alias(name: str) -> exp.TableAlias:
    return exp.TableAlias(this=exp.to_identifier(name, quoted=True))


def _one_row(alias: str) -> exp.Subquery:
    """Something to stand in FROM where there is no table."""
    return exp.Subquery(this=exp.select(exp.alias_(exp.Literal.number(1), "one", quoted=True)), alias=_new_alias(alias))
