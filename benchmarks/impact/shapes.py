"""What a random job does, as data: expressions and shapes that are written out as SQL and as PySpark.

Only functions that Athena, Spark and DuckDB agree about are used, so that the text of a job can be the oracle's own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

__all__ = ["Expression", "Job", "Reader", "call", "column", "literal"]

Kind = Literal["bigint", "double", "varchar", "date"]
NUMBERS = ("bigint", "double")


@dataclass(frozen=True)
class Expression:
    """A tree: `op` is `column`, `literal`, a function, an operator or `case`."""

    op: str
    arguments: tuple[Expression, ...] = ()
    value: str | int | float | None = None
    side: str | None = None

    def columns(self) -> set[tuple[str | None, str]]:
        """(side, column) pairs named in it."""
        own = {(self.side, str(self.value))} if self.op == "column" else set()
        return own.union(*(a.columns() for a in self.arguments))

    def sql(self) -> str:
        """As Athena, Spark and DuckDB read it."""
        parts = [a.sql() for a in self.arguments]
        match self.op:
            case "column":
                return f"{self.side}.{self.value}" if self.side else str(self.value)
            case "literal":
                return f"'{self.value}'" if isinstance(self.value, str) else str(self.value)
            case "case":
                return f"CASE WHEN {parts[0]} THEN {parts[1]} ELSE {parts[2]} END"
            case "sum over":
                return f"sum({parts[0]}) OVER (PARTITION BY {parts[1]})"
            case _ if self.op in _OPERATORS:
                return f"({parts[0]} {self.op} {parts[1]})"
        return f"{self.op}({', '.join(parts)})"

    def python(self) -> str:
        """As PySpark writes it."""
        parts = [a.python() for a in self.arguments]
        match self.op:
            case "column":
                return f'F.col("{self.side}.{self.value}")' if self.side else f'F.col("{self.value}")'
            case "literal":
                return f"F.lit({self.value!r})"
            case "case":
                return f"F.when({parts[0]}, {parts[1]}).otherwise({parts[2]})"
            case "sum over":
                return f"F.sum({parts[0]}).over(Window.partitionBy({parts[1]}))"
            case _ if self.op in _OPERATORS:
                return f"({parts[0]} {_OPERATORS[self.op]} {parts[1]})"
        return f"F.{self.op}({', '.join(parts)})"

    def kind(self, of: Mapping[tuple[str | None, str], Kind]) -> Kind | str:
        """Its type as Athena has it, which brings no types together but numbers. Raises KeyError, TypeError."""
        kinds = [a.kind(of) for a in self.arguments]
        match self.op:
            case "column":
                return of[(self.side, str(self.value))]
            case "literal":
                return "varchar" if isinstance(self.value, str) else "bigint"
            case "case":
                _require(kinds[0] == "boolean")
                return _common(kinds[1], kinds[2])
            case ">" | "=" | "<":
                _common(*kinds)
                return "boolean"
            case "and":
                _require(kinds == ["boolean", "boolean"])
                return "boolean"
            case "upper":
                _require(kinds == ["varchar"])
                return "varchar"
            case "coalesce":
                return _common(*kinds)
            case "count":
                return "bigint"
            case "min" | "max":
                return kinds[0]
        _require(kinds[0] in NUMBERS)
        return _common(*kinds) if self.op in ("+", "*") else kinds[0]


_OPERATORS = {"+": "+", "*": "*", ">": ">", "<": "<", "=": "==", "and": "&"}


def column(name: str, side: str | None = None) -> Expression:
    """A column, of one side of a join if need be."""
    return Expression("column", (), name, side)


def literal(value: str | int) -> Expression:
    """A constant."""
    return Expression("literal", (), value)


def call(op: str, *arguments: Expression) -> Expression:
    """A function, an operator, or `case`."""
    return Expression(op, arguments)


def _common(left: str, right: str) -> str:
    if left == right:
        return left
    _require(left in NUMBERS and right in NUMBERS)
    return "double"


def _require(holds: bool) -> None:
    if not holds:
        raise TypeError("types do not fit")


Shape = Literal["project", "star", "drop", "join", "group", "union", "distinct"]


@dataclass(frozen=True)
class Job:
    """One job: it reads `sources`, and writes `target` anew (`create`) or into the table as it is (`insert`).

    `items` are (name, expression); in a star or drop they come on top of all columns. `dropped` is left out by `drop`.
    """

    name: str
    target: str
    shape: Shape
    sources: tuple[str, ...]
    items: tuple[tuple[str, Expression], ...]
    where: Expression | None = None
    keys: tuple[str, ...] = ()
    on: str | None = None
    left: bool = False
    dropped: str | None = None
    other: tuple[str, ...] = ()
    language: Literal["sql", "python"] = "sql"
    insert: bool = False

    @property
    def file(self) -> str:
        """The script's name."""
        return f"{self.name}.{'sql' if self.language == 'sql' else 'py'}"

    # ------------------------------------------------------------------ as SQL

    def query(self, columns: Sequence[str] | None = None) -> str:
        """The query behind it. `columns` of the source are needed where a column is dropped from all of them."""
        listed = ", ".join(f"{e.sql()} AS {n}" for n, e in self.items)
        where = f"\nWHERE {self.where.sql()}" if self.where else ""
        source = f"d.{self.sources[0]}"
        match self.shape:
            case "star":
                return f"SELECT *, {listed}\nFROM {source}{where}"
            case "drop":
                kept = [c for c in columns or () if c != self.dropped]
                return f"SELECT {', '.join([*kept, listed])}\nFROM {source}{where}"
            case "join":
                kind = "LEFT JOIN" if self.left else "JOIN"
                joined = f"{source} l\n{kind} d.{self.sources[1]} r ON l.{self.on} = r.{self.on}"
                return f"SELECT {listed}\nFROM {joined}{where}"
            case "group":
                return f"SELECT {', '.join(self.keys)}, {listed}\nFROM {source}{where}\nGROUP BY {', '.join(self.keys)}"
            case "union":
                both = f"SELECT {', '.join(self.other)}\nFROM d.{self.sources[1]}"
                return f"SELECT {listed}\nFROM {source}{where}\nUNION ALL\n{both}"
            case "distinct":
                return f"SELECT DISTINCT {listed}\nFROM {source}{where}"
        return f"SELECT {listed}\nFROM {source}{where}"

    # ------------------------------------------------------------------ as a script

    def text(self) -> str:
        """The script."""
        if self.language == "sql":
            head = f"INSERT INTO d.{self.target}" if self.insert else f"CREATE TABLE d.{self.target} AS"
            return f"{head}\n{self.query()}\n"
        lines = ["from pyspark.sql import SparkSession, Window", "from pyspark.sql import functions as F", ""]
        lines += ["spark = SparkSession.builder.getOrCreate()", *self._frames()]
        write = f'insertInto("d.{self.target}")' if self.insert else f'saveAsTable("d.{self.target}")'
        return "\n".join([*lines, f'df.write.mode("overwrite").{write}', ""])

    def _frames(self) -> list[str]:
        items = ", ".join(f'{e.python()}.alias("{n}")' for n, e in self.items)
        where = f".filter({self.where.python()})" if self.where else ""
        lines = [f'df = spark.table("d.{self.sources[0]}"){where if self.shape != "join" else ""}']
        adds = [f'df = df.withColumn("{n}", {e.python()})' for n, e in self.items]
        match self.shape:
            case "star":
                return [*lines, *adds]
            case "drop":
                return [*lines, *adds, f'df = df.drop("{self.dropped}")']
            case "join":
                how = ', "left"' if self.left else ""
                return [
                    f'l = spark.table("d.{self.sources[0]}").alias("l")',
                    f'r = spark.table("d.{self.sources[1]}").alias("r")',
                    f'df = l.join(r, F.col("l.{self.on}") == F.col("r.{self.on}"){how}){where}',
                    f"df = df.select({items})",
                ]
            case "group":
                keys = ", ".join(f'"{k}"' for k in self.keys)
                return [*lines, f"df = df.groupBy({keys}).agg({items})"]
            case "union":
                names = ", ".join(f'"{c}"' for c in self.other)
                other = f'spark.table("d.{self.sources[1]}").select({names})'
                return [*lines, f"df = df.select({items}).unionAll({other})"]
            case "distinct":
                return [*lines, f"df = df.select({items}).distinct()"]
        return [*lines, f"df = df.select({items})"]


@dataclass(frozen=True)
class Reader:
    """A dashboard or KPI: a query over one table, or only the columns that it states."""

    kind: Literal["dashboard", "kpi"]
    name: str
    table: str
    sql: str | None
    columns: tuple[str, ...] = field(default=())
