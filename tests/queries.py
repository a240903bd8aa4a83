"""Random queries over two tiny tables: joins, groups, windows, unions and subqueries, nested a few levels deep.

Every query is deterministic as a bag of rows: a LIMIT comes with a total order. Names are drawn from a small pool, so
that inner and outer names collide as they do in real scripts.
"""

from __future__ import annotations

from dataclasses import dataclass

from hypothesis import strategies as st

from tests.oracle import Oracle, Rows

TABLES = {
    "t": [("a", "bigint"), ("b", "bigint"), ("c", "bigint")],
    "u": [("a", "bigint"), ("d", "bigint")],
}
_POOL = ("a", "b", "c", "d", "e")
_cells = st.one_of(st.none(), st.integers(0, 3))


def rows_of_tables() -> st.SearchStrategy[dict[str, Rows]]:
    """A few rows for each table, with NULLs and duplicates."""
    return st.fixed_dictionaries(
        {
            name: st.lists(st.tuples(*(_cells for _ in columns)), min_size=1, max_size=6)
            for name, columns in TABLES.items()
        }
    )


def oracle() -> Oracle:
    """The judge over these tables."""
    return Oracle(TABLES)


@dataclass(frozen=True)
class Query:
    """SQL text and the names of its columns."""

    sql: str
    columns: tuple[str, ...]


@st.composite
def queries(draw: st.DrawFn, depth: int = 2) -> Query:
    """A query of at most this many nested levels."""
    if depth <= 0:
        return draw(_plain())
    shape = draw(st.sampled_from(_SHAPES))
    return draw(shape(depth - 1))


@st.composite
def _plain(draw: st.DrawFn) -> Query:
    name = draw(st.sampled_from(sorted(TABLES)))
    columns = tuple(column for column, _ in TABLES[name])
    return Query(f"SELECT * FROM {name}", columns)


# --------------------------------------------------------------------------- scalars


@st.composite
def _scalar(draw: st.DrawFn, columns: tuple[str, ...]) -> str:
    """A number over some columns (`x.a`)."""
    column, other = draw(st.sampled_from(columns)), draw(st.sampled_from(columns))
    forms = (
        column,
        f"{column} + {other}",
        f"{column} - ({other} - 1)",
        f"coalesce({column}, 0)",
        f"CASE WHEN {column} > 1 THEN {other} ELSE 0 END",
        f"nullif({column}, {other})",
        str(draw(st.integers(0, 3))),
    )
    return draw(st.sampled_from(forms))


@st.composite
def _predicate(draw: st.DrawFn, columns: tuple[str, ...], depth: int = 0) -> str:
    """A condition over some columns; with depth left it may hold a subquery."""
    left, right = draw(_scalar(columns)), draw(_scalar(columns))
    forms = [
        f"{left} = {right}",
        f"{left} > {right}",
        f"{left} IS NULL",
        f"NOT ({left} < {right} OR {right} = 1)",
        f"{left} IN (1, 2)",
        f"({left} BETWEEN 0 AND 2 AND {right} <> 0)",
    ]
    if depth > 0:
        inner = draw(queries(depth - 1))
        column = draw(st.sampled_from(inner.columns))
        forms += [
            f"{left} IN (SELECT {column} FROM ({inner.sql}) AS i)",
            f"{left} NOT IN (SELECT {column} FROM ({inner.sql}) AS i)",
            f"EXISTS (SELECT 1 FROM ({inner.sql}) AS i WHERE i.{column} = {left})",
            f"NOT EXISTS (SELECT 1 FROM ({inner.sql}) AS i WHERE i.{column} > {left})",
            f"{left} >= (SELECT max({column}) FROM ({inner.sql}) AS i)",
            f"{left} = (SELECT count(*) FROM ({inner.sql}) AS i WHERE i.{column} = {right})",
        ]
    return draw(st.sampled_from(forms))


def _names(size: int) -> st.SearchStrategy[tuple[str, ...]]:
    return st.permutations(_POOL).map(lambda names: tuple(names[:size]))


def _qualified(alias: str, query: Query) -> tuple[str, ...]:
    return tuple(f"{alias}.{column}" for column in query.columns)


# --------------------------------------------------------------------------- shapes of queries


@st.composite
def _projection(draw: st.DrawFn, depth: int) -> Query:
    inner = draw(queries(depth))
    names = draw(_names(draw(st.integers(1, 3))))
    items = [f"{draw(_scalar(_qualified('x', inner)))} AS {name}" for name in names]
    return Query(f"SELECT {', '.join(items)} FROM ({inner.sql}) AS x", names)


@st.composite
def _filter(draw: st.DrawFn, depth: int) -> Query:
    inner = draw(queries(depth))
    predicate = draw(_predicate(_qualified("x", inner), depth))
    return Query(f"SELECT * FROM ({inner.sql}) AS x WHERE {predicate}", inner.columns)


@st.composite
def _join(draw: st.DrawFn, depth: int) -> Query:
    left, right = draw(queries(depth)), draw(queries(depth))
    kind = draw(st.sampled_from(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]))
    both = (*_qualified("x", left), *_qualified("y", right))
    condition = f"x.{draw(st.sampled_from(left.columns))} = y.{draw(st.sampled_from(right.columns))}"
    names = draw(_names(draw(st.integers(1, 4))))
    items = [f"{draw(st.sampled_from(both))} AS {name}" for name in names]
    where = f" WHERE {draw(_predicate(both))}" if draw(st.booleans()) else ""
    return Query(
        f"SELECT {', '.join(items)} FROM ({left.sql}) AS x {kind} ({right.sql}) AS y ON {condition}{where}", names
    )


@st.composite
def _using(draw: st.DrawFn, depth: int) -> Query:
    left, right = draw(queries(depth)), draw(queries(depth))
    common = [column for column in left.columns if column in right.columns]
    if not common:
        return left
    kind = draw(st.sampled_from(["JOIN", "LEFT JOIN", "RIGHT JOIN", "FULL JOIN"]))
    key = draw(st.sampled_from(common))
    others = [c for c in (*_qualified("x", left), *_qualified("y", right)) if not c.endswith(f".{key}")]
    name = draw(st.sampled_from([n for n in _POOL if n != key]))
    item = f"{draw(st.sampled_from(others))} AS {name}" if others else f"1 AS {name}"
    return Query(f"SELECT {key}, {item} FROM ({left.sql}) AS x {kind} ({right.sql}) AS y USING ({key})", (key, name))


@st.composite
def _group(draw: st.DrawFn, depth: int) -> Query:
    inner = draw(queries(depth))
    columns = _qualified("x", inner)
    keys = draw(st.lists(_scalar(columns), max_size=2))
    names = draw(_names(len(keys) + 1))
    value = draw(_scalar(columns))
    calls = (
        "count(*)",
        f"count({value})",
        f"sum({value})",
        f"max({value})",
        f"count(DISTINCT {value})",
        f"sum({value}) FILTER (WHERE {draw(_predicate(columns))})",
        f"max({value}) - min({value})",
    )
    items = [f"{key} AS {name}" for key, name in zip(keys, names, strict=False)]
    items.append(f"{draw(st.sampled_from(calls))} AS {names[-1]}")
    group = f" GROUP BY {', '.join(str(i + 1) for i in range(len(keys)))}" if keys else ""
    having = " HAVING count(*) > 1" if draw(st.booleans()) else ""
    return Query(f"SELECT {', '.join(items)} FROM ({inner.sql}) AS x{group}{having}", names)


@st.composite
def _window(draw: st.DrawFn, depth: int) -> Query:
    inner = draw(queries(depth))
    columns = _qualified("x", inner)
    value, part = draw(_scalar(columns)), draw(st.sampled_from(columns))
    order = ", ".join(columns)
    calls = (
        f"row_number() OVER (PARTITION BY {part} ORDER BY {order})",
        f"rank() OVER (ORDER BY {value})",
        f"sum({value}) OVER (PARTITION BY {part})",
        "count(*) OVER ()",
        f"lag({value}) OVER (ORDER BY {order})",
    )
    names = draw(_names(2))
    kept = draw(st.sampled_from(columns))
    return Query(
        f"SELECT {kept} AS {names[0]}, {draw(st.sampled_from(calls))} AS {names[1]} FROM ({inner.sql}) AS x", names
    )


@st.composite
def _set_operation(draw: st.DrawFn, depth: int) -> Query:
    left, right = draw(queries(depth)), draw(queries(depth))
    size = min(len(left.columns), len(right.columns))
    word = draw(st.sampled_from(["UNION ALL", "UNION", "INTERSECT", "EXCEPT"]))
    names = left.columns[:size]
    first = f"SELECT {', '.join(names)} FROM ({left.sql}) AS x"
    return Query(f"{first} {word} SELECT {', '.join(right.columns[:size])} FROM ({right.sql}) AS y", names)


@st.composite
def _distinct(draw: st.DrawFn, depth: int) -> Query:
    inner = draw(queries(depth))
    names = inner.columns[: draw(st.integers(1, len(inner.columns)))]
    return Query(f"SELECT DISTINCT {', '.join(names)} FROM ({inner.sql}) AS x", names)


@st.composite
def _first_rows(draw: st.DrawFn, depth: int) -> Query:
    inner = draw(queries(depth))
    order = ", ".join(f"x.{column} {draw(st.sampled_from(['', 'DESC']))}" for column in inner.columns)
    return Query(f"SELECT * FROM ({inner.sql}) AS x ORDER BY {order} LIMIT {draw(st.integers(0, 3))}", inner.columns)


@st.composite
def _twice(draw: st.DrawFn, depth: int) -> Query:
    """One common table expression, used twice."""
    inner = draw(queries(depth))
    names = draw(_names(2))
    left, right = draw(st.sampled_from(inner.columns)), draw(st.sampled_from(inner.columns))
    forms = (
        f"SELECT p.{left} AS {names[0]}, q.{right} AS {names[1]} FROM w AS p LEFT JOIN w AS q ON p.{left} = q.{right}",
        f"SELECT p.{left} AS {names[0]}, (SELECT max(q.{right}) FROM w AS q WHERE q.{left} = p.{left}) AS {names[1]} FROM w AS p",
        f"SELECT {left} AS {names[0]}, 0 AS {names[1]} FROM w UNION ALL SELECT {right}, 1 FROM w",
        f"SELECT p.{left} AS {names[0]}, p.{right} AS {names[1]} FROM w AS p"
        f" WHERE EXISTS (SELECT 1 FROM w AS q WHERE q.{left} > p.{right})",
    )
    return Query(f"WITH w AS ({inner.sql}) {draw(st.sampled_from(forms))}", names)


_SHAPES = (
    _projection,
    _filter,
    _filter,
    _join,
    _join,
    _using,
    _group,
    _group,
    _window,
    _set_operation,
    _distinct,
    _first_rows,
    _twice,
)
