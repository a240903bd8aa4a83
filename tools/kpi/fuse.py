"""Several versions of a query over one scan: old and new logic as columns and conditions of the same rows.

The versions are walked together, operator by operator, down to the tables that none of them changes. What they have in
common is made once. Where they differ in a value, there is a column for each; where they differ in which rows there are, a
condition for each says whether a version has the row (`present`): aggregates are taken over those rows only (`FILTER`), a
window function is partitioned by it. Grouping keys that differ are made one by giving each version its own copy of a row.

Every step holds for any data and NULLs. What has no such step (another input, a limit, a subquery) raises `NotFusable`, and
the versions stay queries of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from sqlglot import exp

from tools.kpi.compose import Composer
from tools.kpi.fused_rows import (
    NotFusable,
    Rows,
    add,
    all_of,
    both_of,
    chain_of,
    conjuncts_of,
    drop_absent,
    has_window,
    over_present,
    same,
    type_of,
    when,
)
from tools.kpi.prune import pruned
from tools.plan.base import Attribute, ColumnId, Dataset, Ids
from tools.plan.model import Aggregate, Distinct, Filter, Generate, Item, Join, Op, Project, Scan, SetOp, Values
from tools.plan.references import is_ref, ref, ref_id
from tools.plan.render import in_target_order
from tools.plan.whole import Assignment, Plan, Write

__all__ = ["Column", "NotFusable", "fuse"]

T = TypeVar("T")
Versions = Sequence[tuple[Plan, Op]]
Column = tuple[str, Sequence[str]]
"""A result's column: its name, and for each version the query's column that it is made of."""


def fuse(
    queries: Sequence[tuple[Plan, Write]],
    composers: Sequence[Composer],
    keys: Sequence[Column],
    values: Sequence[Column],
) -> tuple[Plan, Write]:
    """One query that has every version's rows side by side.

    Args:
        queries: the KPI's query in each version.
        composers: the jobs of each version.
        keys: day and dimensions; they come out under their names.
        values: measures; `NAME_i` is that of version i, and `n_i` says whether it has the row.

    Raises:
        NotFusable: they cannot come from one scan.
        Refused: a version cannot be replayed.
    """
    for composer, (plan, write) in zip(composers, queries, strict=True):
        composer.check(plan, write)
    fuser = _Fuser(composers)
    rows = fuser.rows([(plan, write.source) for plan, write in queries])
    given = [{a.column: a.expressions[0] for a in write.assignments} for _, write in queries]
    dialects = {plan.dialect for plan, _ in queries}

    def column(names: Sequence[str]) -> list[exp.Expr]:
        return [rows.mapped(side, given[side][name], dialects) for side, name in enumerate(names)]

    merged = fuser.merged(rows, [column(names) for _, names in keys])
    found = dict(zip((n for n, _ in keys), merged, strict=True))
    for side in range(len(queries)):
        here = rows.present[side]
        found[f"n_{side}"] = when(here, exp.Literal.number(1), exp.Literal.number(0))
        for name, source in values:
            found[f"{name}_{side}"] = when(here, exp.cast(column(source)[side], "double"))
    items = [Item(fuser.ids.attribute(n), e) for n, e in found.items()]
    top = Project(rows.op, items)
    assignments = [Assignment(n, (ref(i.attribute),)) for n, i in zip(found, top.columns, strict=True)]
    pruned(top, {i.attribute.id for i in top.columns})
    return Plan(dialect=dialects.pop()), Write(Dataset("", "other"), top, "query", assignments)


@dataclass
class _Fuser:
    composers: Sequence[Composer]
    ids: Ids = field(default_factory=Ids)
    open: list[str] = field(default_factory=list)

    def rows(self, versions: Versions) -> Rows:
        """The rows of one operator of each version."""
        dialects = {plan.dialect for plan, _ in versions}
        chains = [chain_of(op) for _, op in versions]
        bases = [base for _, base in chains]
        handler = next((h for kind, h in _HANDLERS.items() if all(type(b) is kind for b in bases)), None)
        if handler is None:
            raise NotFusable(f"{' and '.join(sorted({type(b).__name__ for b in bases}))} in one place")
        rows = handler(self, [(plan, base) for (plan, _), base in zip(versions, bases, strict=True)], dialects)
        self._climb(rows, [steps for steps, _ in chains], dialects)
        return rows

    # ------------------------------------------------------------------ filters and projections

    def _climb(self, rows: Rows, chains: list[list[Op]], dialects: set[str]) -> None:
        """Filters and projections of each version over common rows. A window function looks at rows, so that what is
        below it comes before, in every version.
        """
        waiting = [list(c) for c in chains]
        while any(waiting):
            conjuncts: list[list[exp.Expr]] = [[] for _ in waiting]
            for side, steps in enumerate(waiting):
                while steps and not (isinstance(steps[0], Project) and has_window(steps[0])):
                    step = steps.pop(0)
                    if isinstance(step, Filter):
                        conjuncts[side] += conjuncts_of(rows.mapped(side, step.predicate, dialects))
                    else:
                        self._project(rows, side, step, dialects)
            self._filter(rows, conjuncts, dialects)
            for side, steps in enumerate(waiting):
                if steps:
                    self._project(rows, side, steps.pop(0), dialects)

    def _filter(self, rows: Rows, conjuncts: list[list[exp.Expr]], dialects: set[str]) -> None:
        common = [c for c in conjuncts[0] if all(c in others for others in conjuncts)]
        if common:
            rows.op = Filter(rows.op, all_of(common, dialects))
        own = [[c for c in cs if c not in common] for cs in conjuncts]
        if not any(own):
            return
        for side, more in enumerate(own):
            if more:
                here = rows.present[side]
                rows.present[side] = self._column(rows, all_of([*([here] if here else []), *more], dialects), "present")
        drop_absent(rows)

    def _project(self, rows: Rows, side: int, step: Op, dialects: set[str]) -> None:
        env, new = {}, list[Item]()
        for item in step.items:
            made = rows.mapped(side, item.expression, dialects)
            here = rows.present[side]
            for window in made.find_all(exp.Window):
                if here is not None:
                    window.set("partition_by", [here.copy(), *(window.args.get("partition_by") or [])])
            env[item.attribute.id] = self._valued(rows, made, item.attribute, new)
        add(rows, new)
        rows.env[side] = env

    def _valued(self, rows: Rows, made: exp.Expr, like: Attribute, new: list[Item]) -> Attribute:
        """The column that holds a value: one that does already, or a new one."""
        if is_ref(made):
            return next(a for a in rows.op.output if a.id == ref_id(made))
        key = (str(made.meta.get("dialect")), made)
        if key not in rows.known:
            rows.known[key] = self.ids.attribute(like.name, like.type)
            new.append(Item(rows.known[key], made))
        return rows.known[key]

    def _column(self, rows: Rows, made: exp.Expr, name: str) -> exp.Expr:
        """An expression as a column."""
        new: list[Item] = []
        attribute = self._valued(rows, made, Attribute(0, name), new)
        add(rows, new)
        return ref(attribute)

    def merged(self, rows: Rows, columns: Sequence[list[exp.Expr]]) -> list[exp.Expr]:
        """Values that differ between versions as one column each, by a copy of a row for each version."""
        if all(c == values[0] for values in columns for c in values):
            return [values[0] for values in columns]
        side = self.ids.attribute("version", "integer")
        numbers = [exp.Literal.number(n) for n in range(len(rows.env))]
        rows.op = Join(rows.op, Values([side], [[n] for n in numbers]), "cross")

        def is_side(number: exp.Expr) -> exp.Expr:
            return exp.EQ(this=ref(side), expression=number.copy())

        for number, here in enumerate(rows.present):
            mine = is_side(numbers[number])
            rows.present[number] = exp.and_(here, mine) if here is not None else mine
        drop_absent(rows)
        found = []
        for values in columns:
            alike = all(v == values[0] for v in values)
            cases = [exp.If(this=is_side(n), true=v.copy()) for n, v in zip(numbers, values, strict=True)]
            made = exp.Case(ifs=cases)
            made.meta["dialect"] = values[0].meta.get("dialect")
            found.append(values[0] if alike else self._column(rows, made, "key"))
        return found

    # ------------------------------------------------------------------ tables

    def scan(self, versions: Versions, dialects: set[str]) -> Rows:
        """The same table in each version: read once, or, when jobs of a version make it, their logic."""
        scans = [op for _, op in versions if isinstance(op, Scan)]
        same([(s.dataset, s.format, s.version) for s in scans], "the versions read different tables")
        name = scans[0].dataset.name
        if name in self.composers[0].affected:
            return self._made(name, scans)
        if any(s.rest for s in scans):
            raise NotFusable("the columns of a table are not all known")
        types = {a.name: a.type for s in scans for a in s.columns}
        columns = {n: self.ids.attribute(n, t) for n, t in types.items()}
        one = Scan(
            scans[0].dataset,
            list(columns.values()),
            format=scans[0].format,
            version=scans[0].version,
            span=scans[0].span,
        )
        return Rows(one, [{a.id: columns[a.name] for a in s.columns} for s in scans], [None] * len(scans))

    def _made(self, name: str, scans: Sequence[Scan]) -> Rows:
        """A table as the jobs of each version make it, cast as an INSERT would."""
        if name in self.open:
            raise NotFusable("a table that is made from its own earlier content")
        made = [c.writer(name) for c in self.composers]
        for composer, (reading, write) in zip(self.composers, made, strict=True):
            composer.check(reading.plan, write)
            composer.replayed[name] = reading.name
        self.open.append(name)
        rows = self.rows([(r.plan, w.source) for r, w in made])
        self.open.pop()
        for side, (reading, write) in enumerate(made):
            env, new = {}, list[Item]()
            by_name = {a.name.lower(): a for a in scans[side].columns}
            for column, kind, assignment in in_target_order(write, self.composers[side].catalog.columns(name)):
                if column.lower() in by_name:
                    attribute = by_name[column.lower()]
                    value: exp.Expr = exp.Null()
                    if assignment is not None:
                        value = rows.mapped(side, assignment.expressions[0], {reading.plan.dialect})
                    if kind and not (is_ref(value) and type_of(rows, value) == kind):
                        value = exp.cast(value, exp.DataType.build(kind, dialect="athena"))
                    value.meta["dialect"] = reading.plan.dialect
                    env[attribute.id] = self._valued(rows, value, attribute, new)
            add(rows, new)
            rows.env[side] = env
        return rows

    def values(self, versions: Versions, dialects: set[str]) -> Rows:
        """Literal rows, the same in each version."""
        del dialects
        ops = [op for _, op in versions if isinstance(op, Values)]
        same([op.rows for op in ops], "the versions have different literal rows")
        columns = [self.ids.attribute(a.name, a.type) for a in ops[0].columns]
        env = [{a.id: c for a, c in zip(op.columns, columns, strict=True)} for op in ops]
        return Rows(Values(columns, ops[0].rows), env, [None] * len(ops))

    # ------------------------------------------------------------------ joins

    def join(self, versions: Versions, dialects: set[str]) -> Rows:
        """Two inputs joined alike: conditions that only some versions have decide which rows those have."""
        joins = [op for _, op in versions if isinstance(op, Join)]
        left = self.rows([(plan, j.left) for (plan, _), j in zip(versions, joins, strict=True)])
        right = self.rows([(plan, j.right) for (plan, _), j in zip(versions, joins, strict=True)])
        kinds = [j.kind for j in joins]
        matched = None
        if set(kinds) == {"inner", "left"}:
            matched = self._column(right, exp.true(), "matched")
        both = Rows(
            Join(left.op, right.op, "left" if matched else kinds[0]),
            [{**a, **b} for a, b in zip(left.env, right.env, strict=True)],
            list(left.present),
            {**left.known, **right.known},
        )
        conditions = [
            conjuncts_of(both.mapped(s, j.condition, dialects)) if j.condition is not None else []
            for s, j in enumerate(joins)
        ]
        common = [c for c in conditions[0] if all(c in others for others in conditions)]
        own = [[c for c in cs if c not in common] for cs in conditions]
        assert isinstance(both.op, Join)
        both.op.condition = all_of(common, dialects) if common else None
        if set(kinds) == {"inner"}:
            return self._inner(both, right, own, dialects)
        if any(own) or (matched is None and len(set(kinds)) > 1):
            raise NotFusable("an outer join under different conditions")
        return self._outer(both, left, right, kinds, matched)

    def _inner(self, both: Rows, right: Rows, own: list[list[exp.Expr]], dialects: set[str]) -> Rows:
        assert isinstance(both.op, Join)
        if any(own) and not any(isinstance(c, exp.EQ) for c in conjuncts_of(both.op.condition)):
            raise NotFusable("joins that have no key in common")
        if both.op.condition is None:
            both.op.kind = "cross"
        for side, other in enumerate(right.present):
            here = both.present[side]
            parts = [p for p in (here, other) if p is not None]
            both.present[side] = all_of(parts, dialects) if parts else None
        if any(own):
            for side, more in enumerate(own):
                here = both.present[side]
                if more:
                    both.present[side] = self._column(
                        both, all_of([*([here] if here else []), *more], dialects), "present"
                    )
        drop_absent(both)
        return both

    def _outer(self, both: Rows, left: Rows, right: Rows, kinds: Sequence[str], matched: exp.Expr | None) -> Rows:
        kind = "left" if matched else kinds[0]
        if kind in ("left", "semi", "anti", "cross") and kind != "cross" and not right.all_present:
            raise NotFusable("an outer join with different rows to join")
        if kind in ("right", "full") and not left.all_present:
            raise NotFusable("an outer join with different rows to join")
        if kind == "full" and not right.all_present:
            raise NotFusable("an outer join with different rows to join")
        if kind in ("semi", "anti"):
            both.env, both.known = left.env, left.known
        if kind in ("right", "cross"):
            both.present = [both_of(a, b) for a, b in zip(left.present, right.present, strict=True)]
        if matched is not None:
            is_there = exp.Not(this=exp.Is(this=matched, expression=exp.Null()))
            both.present = [
                both_of(p, is_there.copy() if k == "inner" else None) for p, k in zip(both.present, kinds, strict=True)
            ]
        return both

    # ------------------------------------------------------------------ grouping

    def aggregate(self, versions: Versions, dialects: set[str]) -> Rows:
        """A grouping: by the same keys, each version's aggregates over the rows that it has."""
        groups = [op for _, op in versions if isinstance(op, Aggregate)]
        if any(g.pivoted_on is not None or g.grouping_sets is not None or g.rest for g in groups):
            raise NotFusable("a pivot or grouping sets")
        same([len(g.keys) for g in groups], "the versions group by different numbers of keys")
        rows = self.rows([(plan, g.child) for (plan, _), g in zip(versions, groups, strict=True)])
        mapped = [
            [rows.mapped(s, g.keys[k].expression, dialects) for s, g in enumerate(groups)]
            for k in range(len(groups[0].keys))
        ]
        merged = [self._column(rows, e, "key") for e in self.merged(rows, mapped)]
        above = Rows(rows.op, [{} for _ in groups], [None] * len(groups))
        keys: dict[ColumnId, Item] = {}
        for k, key in enumerate(merged):
            attribute = next(a for a in rows.op.output if a.id == ref_id(key))
            keys[attribute.id] = Item(attribute, key)
            for side, g in enumerate(groups):
                above.env[side][g.keys[k].attribute.id] = attribute
        aggregates: list[Item] = []
        for side, g in enumerate(groups):
            for item in g.aggregates:
                made = over_present(rows.mapped(side, item.expression, dialects), rows.present[side])
                above.env[side][item.attribute.id] = self._valued(above, made, item.attribute, aggregates)
            here = rows.present[side]
            if here is not None and keys:
                counted = self._valued(above, exp.CountIf(this=here.copy()), Attribute(0, "rows", "bigint"), aggregates)
                above.present[side] = exp.GT(this=ref(counted), expression=exp.Literal.number(0))
        above.op = Aggregate(rows.op, list(keys.values()), aggregates)
        above.known = {}
        return above

    def distinct(self, versions: Versions, dialects: set[str]) -> Rows:
        """Duplicate rows of each version dropped: a grouping by all columns."""
        grouped = []
        for plan, op in versions:
            assert isinstance(op, Distinct)
            keys = [Item(a, ref(a)) for a in op.child.output]
            grouped.append((plan, Aggregate(op.child, keys, [])))
        return self.aggregate(grouped, dialects)

    # ------------------------------------------------------------------ other inputs

    def union(self, versions: Versions, dialects: set[str]) -> Rows:
        """UNION ALL, branch by branch."""
        sets = [op for _, op in versions if isinstance(op, SetOp)]
        if any(s.kind != "union" or s.distinct or s.rest for s in sets):
            raise NotFusable("a set operation that compares rows")
        same([len(s.inputs) for s in sets], "the versions unite different numbers of inputs")
        count = len(sets[0].inputs)
        inputs = [self.rows([(p, s.inputs[n]) for (p, _), s in zip(versions, sets, strict=True)]) for n in range(count)]
        columns: dict[tuple[ColumnId | None, ...], Attribute] = {}
        env: list[dict[ColumnId, Attribute]] = []
        for side, s in enumerate(sets):
            env.append({})
            for attribute, row in zip(s.columns, s.mapping, strict=True):
                ids = tuple(inputs[n].env[side][c].id if c is not None else None for n, c in enumerate(row))
                columns.setdefault(ids, self.ids.attribute(attribute.name, attribute.type))
                env[side][attribute.id] = columns[ids]
        present: list[exp.Expr | None] = []
        for side in range(len(sets)):
            if all(i.present[side] is None for i in inputs):
                present.append(None)
                continue
            flags = [self._column(i, i.present[side] or exp.true(), "present") for i in inputs]
            ids = tuple(ref_id(f) for f in flags)
            columns.setdefault(ids, self.ids.attribute("present", "boolean"))
            present.append(ref(columns[ids]))
        one = SetOp([i.op for i in inputs], "union", False, list(columns.values()), [list(ids) for ids in columns])
        return Rows(one, env, present)

    def generate(self, versions: Versions, dialects: set[str]) -> Rows:
        """The same array exploded in each version."""
        ops = [op for _, op in versions if isinstance(op, Generate)]
        rows = self.rows([(plan, g.child) for (plan, _), g in zip(versions, ops, strict=True)])
        made = [rows.mapped(side, g.generator, dialects) for side, g in enumerate(ops)]
        same([(m, g.outer, g.together, len(g.columns)) for m, g in zip(made, ops, strict=True)], "different arrays")
        columns = [self.ids.attribute(a.name, a.type) for a in ops[0].columns]
        rows.op = Generate(rows.op, made[0], columns, ops[0].outer, ops[0].together)
        for side, g in enumerate(ops):
            rows.env[side] |= {a.id: c for a, c in zip(g.columns, columns, strict=True)}
        return rows


_Handler = Callable[[_Fuser, Versions, set[str]], Rows]
_HANDLERS: dict[type[Op], _Handler] = {
    Scan: _Fuser.scan,
    Values: _Fuser.values,
    Join: _Fuser.join,
    Aggregate: _Fuser.aggregate,
    Distinct: _Fuser.distinct,
    SetOp: _Fuser.union,
    Generate: _Fuser.generate,
}
