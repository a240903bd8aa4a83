"""Types in Athena's spelling, and what they are on DuckDB.

One spelling everywhere: Trino's, lower case (`varchar`, `integer`, `array(bigint)`, `row(a integer, b varchar)`),
whether the catalog wrote `string`, `struct<a:int>` or a Parquet file an unsigned integer. It knows types only.
"""

from __future__ import annotations

from sqlglot import errors, exp

from knowledge.errors import ConfigError

__all__ = ["athena_type", "duckdb_type", "from_file", "result_type", "same_type"]

# What Athena makes of a file's type that Trino has no name for. A Parquet timestamp "adjusted to UTC" (Spark writes
# all of them so) is a plain timestamp in UTC for Athena; unsigned integers take the next larger signed type.
_FROM_FILE: dict[exp.DType, str] = {
    exp.DType.UTINYINT: "smallint",
    exp.DType.USMALLINT: "integer",
    exp.DType.UINT: "bigint",
    exp.DType.UBIGINT: "decimal(20,0)",
    exp.DType.INT128: "decimal(38,0)",
    exp.DType.UINT128: "decimal(38,0)",
    exp.DType.TIMESTAMP_S: "timestamp",
    exp.DType.TIMESTAMP_MS: "timestamp",
    exp.DType.TIMESTAMP_NS: "timestamp",
    exp.DType.TIMESTAMPTZ: "timestamp",
    exp.DType.TIMETZ: "time",
    exp.DType.ENUM: "varchar",
    exp.DType.JSON: "varchar",
    exp.DType.UUID: "varchar",
    exp.DType.INTERVAL: "varchar",
    exp.DType.BIT: "varchar",
    exp.DType.NULL: "varchar",
}
# A result may be of types that a stored column may not.
_IN_RESULTS: dict[exp.DType, str] = {
    **{k: v for k, v in _FROM_FILE.items() if k not in (exp.DType.JSON, exp.DType.UUID)},
    exp.DType.TIMESTAMPTZ: "timestamp(3) with time zone",
    exp.DType.TIMETZ: "time(3) with time zone",
    exp.DType.INTERVAL: "interval day to second",
    exp.DType.INT128: "bigint",
    exp.DType.NULL: "unknown",
}


def athena_type(text: str) -> str:
    """A type as a catalog or a person writes it (`string`, `array<int>`, `DECIMAL(10, 2)`), in our one spelling.

    Raises:
        ConfigError: it is no type.
    """
    return _spell(_parse(text, "athena"))


def from_file(duckdb: str) -> str:
    """The Athena type of a column that DuckDB reads from a file as this type."""
    return _spell(_replaced(_parse(duckdb, "duckdb"), _FROM_FILE))


def result_type(duckdb: str) -> str:
    """The Athena type of a result column that DuckDB describes so."""
    return _spell(_replaced(_parse(duckdb.replace('"NULL"', "INT"), "duckdb"), _IN_RESULTS))


def duckdb_type(athena: str) -> exp.DataType:
    """The type that a column of this Athena type has on DuckDB. Lengths go: stored values have them already."""
    parsed = _parse(athena, "athena")
    for part in parsed.find_all(exp.DataType):
        if part.is_type(*exp.DataType.TEXT_TYPES, exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ, exp.DType.TIME):
            part.set("expressions", [])
    return parsed


def same_type(duckdb: str, athena: str) -> bool:
    """Whether a file's column needs no cast to be of a table's type."""
    return bool(_parse(duckdb, "duckdb").sql("duckdb") == duckdb_type(athena).sql("duckdb"))


def _parse(text: str, dialect: str) -> exp.DataType:
    try:
        return exp.DataType.build(text, dialect=dialect)
    except errors.SqlglotError as error:
        raise ConfigError(f"{text!r} is not a column type", hint="Use Athena's types, e.g. varchar.") from error


def _replaced(dtype: exp.DataType, names: dict[exp.DType, str]) -> exp.DataType:
    dtype.set("values", None)  # fixed-size lists are plain arrays for Athena
    for part in list(dtype.find_all(exp.DataType)):
        other = names.get(part.this)
        if other and part is dtype:
            return exp.DataType.build(other, dialect="athena")
        if other:
            part.replace(exp.DataType.build(other, dialect="athena"))
        else:
            part.set("values", None)
    return dtype


def _spell(dtype: exp.DataType) -> str:
    """Lower case and no blank after the comma of a decimal; field names of rows keep theirs."""
    inner = dtype.expressions
    match dtype.this:
        case exp.DType.ARRAY | exp.DType.LIST if inner:
            return f"array({_spell(inner[0])})"
        case exp.DType.MAP if len(inner) == 2:
            return f"map({_spell(inner[0])}, {_spell(inner[1])})"
        case exp.DType.STRUCT if inner:
            return f"row({', '.join(_spell_field(f) for f in inner)})"
    return dtype.sql("athena").lower().replace(", ", ",")


def _spell_field(field: exp.Expr) -> str:
    if isinstance(field, exp.ColumnDef) and field.kind:
        return f"{field.this.sql('athena').lower()} {_spell(field.kind)}"
    return _spell(field) if isinstance(field, exp.DataType) else field.sql("athena").lower()
