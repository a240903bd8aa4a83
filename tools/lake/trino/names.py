"""Which names in a query are tables of the lake, and which type each expression has.

The query itself stays as it was written: types come from a qualified twin of it. It knows sqlglot and the catalog's
records, no engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlglot import MappingSchema, errors, exp
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify

from tools.lake.base import Table, TableName
from tools.lake.trino.grammar import DIALECT

__all__ = ["adopt", "is_cte", "lake_tables", "schema_of", "twin_of"]

_TAG = "node"
_SOURCES = (exp.Table, exp.Subquery, exp.CTE, exp.Unnest, exp.Lateral, exp.Values)


def lake_tables(tree: exp.Expr) -> list[exp.Table]:
    """The nodes that name tables of the lake; references to CTEs are not among them."""
    return [t for t in tree.find_all(exp.Table) if isinstance(t.this, exp.Identifier) and not is_cte(t)]


def is_cte(table: exp.Table) -> bool:
    """Whether a table's name means a CTE here. A CTE hides a table only where it is visible: not inside itself."""
    if table.args.get("db"):
        return False
    wanted = table.name.lower()
    child: exp.Expr = table
    node = table.parent
    while node is not None:
        if wanted in _visible(node, child):
            return True
        child, node = node, node.parent
    return False


def _visible(node: exp.Expr, child: exp.Expr) -> set[str]:
    """Names of the CTEs that `node` makes visible to its part `child`."""
    if isinstance(node, exp.With):
        ctes = node.expressions
        own = next((i for i, cte in enumerate(ctes) if cte is child), len(ctes))
        return {c.alias.lower() for c in ctes[: own + 1 if node.args.get("recursive") else own]}
    with_ = node.args.get("with_")
    return set() if with_ is None or with_ is child else {c.alias.lower() for c in with_.expressions}


def schema_of(tables: Iterable[Table]) -> MappingSchema:
    """The tables as sqlglot's optimizer wants them."""
    schema = MappingSchema(dialect=DIALECT)
    for table in tables:
        name = exp.table_(table.name.table, db=table.name.database, quoted=True)
        schema.add_table(name, {c.name: c.type for c in table.columns}, dialect=DIALECT, match_depth=False)
    return schema


def twin_of(tree: exp.Expr, tables: Mapping[TableName, Table]) -> exp.Expr | None:
    """A copy with every column qualified, stars expanded and types annotated; None when sqlglot cannot do it.

    Its nodes carry the number of the node in `tree` that they come from (see `adopt`), which this function sets.
    """
    for number, node in enumerate(tree.walk()):
        node.meta[_TAG] = number
    schema = schema_of(tables.values())
    try:
        twin = qualify(
            tree.copy(),
            schema=schema,
            dialect=DIALECT,
            expand_alias_refs=False,
            isolate_tables=False,
            quote_identifiers=False,
            validate_qualify_columns=False,
        )
        return annotate_types(twin, schema=schema, dialect=DIALECT)
    except (errors.SqlglotError, RecursionError, AttributeError, KeyError, IndexError, ValueError):
        return None  # rare shapes that its optimizer fails on: the engine then judges alone


def adopt(tree: exp.Expr, twin: exp.Expr) -> None:
    """Gives the query's nodes the types of their twins, and its columns the table that they belong to."""
    sources = {s.alias_or_name.lower() for s in tree.find_all(*_SOURCES)}
    twins = {node.meta[_TAG]: node for node in twin.walk() if _TAG in node.meta}
    for node in tree.walk():
        other = twins.get(node.meta.get(_TAG, -1))
        if other is None:
            continue
        if other.type is not None:
            node.type = other.type.copy()
        named = isinstance(node, exp.Column) and isinstance(other, exp.Column) and not node.table
        if named and other.text("table") in sources:  # what had no name, sqlglot has given one
            node.set("table", exp.to_identifier(other.text("table"), quoted=True))
