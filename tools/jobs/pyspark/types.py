"""Data types as PySpark code states them: names, DDL texts, StructType objects; and types in the catalog's spelling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlglot import exp

from tools.jobs.python.site import Arguments, Site
from tools.jobs.python.text import text_of
from tools.jobs.python.values import NOTHING, Bound, Host, Native, OpenList, Undecided, Value

SIMPLE = {
    "StringType": "string", "IntegerType": "int", "LongType": "bigint", "DoubleType": "double", "FloatType": "float",
    "BooleanType": "boolean", "DateType": "date", "TimestampType": "timestamp", "ShortType": "smallint",
    "ByteType": "tinyint", "BinaryType": "binary", "NullType": "void", "TimestampNTZType": "timestamp_ntz",
    "VariantType": "variant", "DayTimeIntervalType": "interval day to second",
}  # fmt: skip
_ATHENA = {
    "timestampntz": "timestamp", "text": "string", "integer": "int", "long": "bigint", "short": "smallint",
    "byte": "tinyint",
}  # fmt: skip


@dataclass(eq=False, frozen=True, slots=True)
class DataType(Host):
    """A data type, by Spark's spelling; a struct also by its fields (name, type)."""

    spelled: str
    fields: tuple[tuple[str, DataType], ...] | None = None
    open: bool = False  # a struct that may have more fields than are known

    def attribute(self, name: str, site: Site) -> Value:
        """What scripts ask of schemas."""
        if self.fields is not None and name in ("fields", "names", "fieldNames"):
            return _struct_attribute(self, name, site)
        if self.fields is not None and name == "add":
            return Bound(Native("add", _add, ("self", "field", "data_type=", "nullable=", "metadata=")), self)
        if name in ("simpleString", "typeName", "json", "jsonValue"):
            return Native(name, lambda site, *_: self.spelled)
        if name == "elementType":
            return DataType(self.spelled[6:-1]) if self.spelled.startswith("array<") else site.undecided("a type")
        return NOTHING

    def iterate(self, site: Site) -> list[Value] | None:
        """A struct's fields."""
        if self.fields is None:
            return None
        made: list[Value] = [Field(n, t) for n, t in self.fields]
        return OpenList(made) if self.open else made

    def item(self, key: Value, site: Site) -> Value:
        """`schema["name"]`, `schema[0]`."""
        for index, (name, data_type) in enumerate(self.fields or ()):
            if key in (name, index):
                return Field(name, data_type)
        return site.undecided("a field of a schema")

    def binary(self, operator: str, other: Value, reflected: bool, site: Site) -> Value:
        """Types are compared by their spelling."""
        if operator in ("==", "!="):
            spelled = text_of(other) if not isinstance(other, DataType) else other.spelled
            if self.spelled == "?" or spelled in (None, "?"):
                return site.undecided("a comparison of types that are not known")
            return (spelled == self.spelled) == (operator == "==")
        return NOTHING

    def text(self, site: Site) -> Value:
        """`str(type)`."""
        return self.spelled


@dataclass(eq=False, frozen=True, slots=True)
class Field(Host):
    """A StructField."""

    name: Value
    data_type: DataType

    def attribute(self, name: str, site: Site) -> Value:
        """`name`, `dataType`, `nullable`."""
        if name == "name":
            return self.name
        if name in ("dataType", "type"):
            return self.data_type
        if name in ("nullable", "metadata"):
            return site.undecided("whether a column may be null")
        return NOTHING


def _struct_attribute(struct: DataType, name: str, site: Site) -> Value:
    names: list[Value] = [n for n, _ in struct.fields or ()]
    fields: list[Value] = [Field(n, t) for n, t in struct.fields or ()]
    chosen = fields if name == "fields" else names
    listed = OpenList(chosen) if struct.open else chosen
    return Native(name, lambda site, *_: listed) if name == "fieldNames" else listed


def struct_of(columns: Sequence[tuple[str, DataType]], may_have_more: bool = False) -> DataType:
    """The struct with these fields."""
    inner = ",".join(f"{n}:{t.spelled}" for n, t in columns)
    return DataType(f"struct<{inner}>", tuple(columns), may_have_more)


def _add(site: Site, struct: DataType, new: Value, data_type: Value, nullable: Value, metadata: Value) -> Value:
    if isinstance(new, Field):
        added = (text_of(new.name) or "${?}", new.data_type)
    else:
        added = (text_of(new) or "${?}", DataType(spark_type(data_type)))
    return struct_of([*(struct.fields or ()), added], struct.open)


# --------------------------------------------------------------------------- constructors


@dataclass(eq=False, frozen=True, slots=True)
class TypeConstructor(Host):
    """A type class such as `StringType` or `StructType`, called to make a type."""

    name: str
    instances: type | None = field(default=None)

    def call(self, arguments: Arguments, site: Site) -> Value:
        """The type."""
        given = arguments.positional + list(arguments.keywords.values())
        if self.name in SIMPLE:
            return DataType(SIMPLE[self.name])
        if self.name == "DecimalType":
            return DataType(f"decimal({_number(given, 0, 10)},{_number(given, 1, 0)})")
        if self.name == "ArrayType":
            return DataType(f"array<{spark_type(given[0]) if given else '?'}>")
        if self.name == "MapType":
            return DataType(f"map<{','.join(spark_type(g) for g in given[:2])}>")
        if self.name in ("VarcharType", "CharType"):
            return DataType("string")
        if self.name == "StructField":
            return Field(given[0] if given else "${?}", _as_type(given[1]) if len(given) > 1 else DataType("?"))
        return _struct(given, site)

    def attribute(self, name: str, site: Site) -> Value:
        """`StructType.fromJson` and its like."""
        if name in ("fromJson", "fromDDL"):
            return Native(name, lambda site, values, keywords: _from_text(values, site))
        return NOTHING


def _from_text(values: list[Value], site: Site) -> Value:
    text = text_of(values[0]) if values else None
    columns = ddl_columns(text) if text else None
    if columns:
        return struct_of([(n, DataType(t)) for n, t in columns])
    if values and isinstance(values[0], dict):
        return _from_json(values[0])
    return site.undecided("a schema known only at run time")


def _from_json(value: dict[Value, Value]) -> Value:
    fields = value.get("fields")
    columns = []
    for one in fields if isinstance(fields, list) else []:
        if isinstance(one, dict):
            data_type = one.get("type")
            columns.append((str(one.get("name")), DataType(data_type) if isinstance(data_type, str) else DataType("?")))
    return struct_of(columns)


def _struct(given: list[Value], site: Site) -> Value:
    fields = given[0] if given else []
    if isinstance(fields, Undecided):
        return struct_of([], may_have_more=True)
    elements = site.elements(fields) if not isinstance(fields, dict) else []
    columns = [(text_of(f.name) or "${?}", f.data_type) for f in elements if isinstance(f, Field)]
    return struct_of(columns, isinstance(elements, OpenList) or len(columns) != len(elements))


def _number(given: list[Value], index: int, default: int) -> int:
    value = given[index] if len(given) > index else default
    return value if isinstance(value, int) else default


def _as_type(value: Value) -> DataType:
    return value if isinstance(value, DataType) else DataType(spark_type(value))


def spark_type(value: Value) -> str:
    """A type's spelling from a DataType, a type class, or a text; `?` when it is not known."""
    if isinstance(value, DataType):
        return value.spelled
    if isinstance(value, TypeConstructor):
        return SIMPLE.get(value.name, "?")
    text = text_of(value)
    return text if text is not None and "${" not in text else "?"


# --------------------------------------------------------------------------- schemas


def schema_columns(value: Value) -> list[tuple[str, str | None]] | None:
    """(name, Athena type) of a schema given as StructType or DDL text; None when it is not known."""
    if isinstance(value, DataType) and value.fields is not None and not value.open:
        return [(n, athena_type_text(t.spelled)) for n, t in value.fields]
    text = text_of(value)
    if isinstance(value, DataType) or text is None or "${" in text:
        return None
    columns = ddl_columns(text)
    return [(n, athena_type_text(t)) for n, t in columns] if columns else None


def ddl_columns(text: str) -> list[tuple[str, str]] | None:
    """`a INT, b STRING` or `a: int, b: array<string>` as (name, type), None when it is neither."""
    columns: list[tuple[str, str]] = []
    for piece in split_outside(text.strip()):
        cleaned = piece.strip()
        if not cleaned:
            continue
        head, _, rest = cleaned.replace(":", " ", 1).partition(" ") if not cleaned.startswith("`") else _quoted(cleaned)
        if not rest.strip():
            return None
        data_type = rest.strip().split(" COMMENT ")[0].split(" comment ")[0]
        columns.append((head.strip("`"), data_type.upper().removesuffix(" NOT NULL").lower().strip()))
    return columns or None


def _quoted(text: str) -> tuple[str, str, str]:
    name, _, rest = text[1:].partition("`")
    return name, " ", rest.lstrip(": ")


def split_outside(text: str) -> list[str]:
    """Cuts at the commas that stand outside brackets."""
    pieces: list[str] = []
    depth = start = 0
    for index, letter in enumerate(text):
        depth += (letter in "<(") - (letter in ">)")
        if letter == "," and depth == 0:
            pieces.append(text[start:index])
            start = index + 1
    return [*pieces, text[start:]]


def athena_type_text(spelled: str) -> str | None:
    """A Spark type in Athena's spelling."""
    lowered = spelled.strip().lower()
    return None if lowered in ("", "?") else _ATHENA.get(lowered, lowered)


def athena_type(data_type: exp.Expr | None) -> str | None:
    """A sqlglot type in Athena's spelling."""
    if not isinstance(data_type, exp.DataType) or data_type.this == exp.DType.UNKNOWN:
        return None
    return data_type.sql("hive").lower()


def struct_fields(type_text: str | None) -> list[str]:
    """Names of a struct type's fields."""
    return [n for n, _ in struct_fields_of_type(type_text)]


def struct_fields_of_type(type_text: str | None) -> list[tuple[str, str]]:
    """(name, type) of a struct type in catalog spelling."""
    lowered = (type_text or "").strip().lower()
    for head, tail in (("struct<", ">"), ("row(", ")")):
        if lowered.startswith(head) and lowered.endswith(tail):
            return ddl_columns(lowered[len(head) : -len(tail)]) or []
    return []


def array_element_fields(type_text: str | None) -> list[str]:
    """Field names of an array of structs."""
    lowered = (type_text or "").strip().lower()
    for head, tail in (("array<", ">"), ("array(", ")")):
        if lowered.startswith(head) and lowered.endswith(tail):
            return struct_fields(lowered[len(head) : -len(tail)])
    return []


def struct_text(spelled: str) -> str:
    """A schema text as a type: DDL columns become a struct, a type stays what it is."""
    if spelled.lower().startswith(("struct<", "array<", "map<")):
        return spelled
    columns = ddl_columns(spelled)
    return f"struct<{','.join(f'{n}:{t}' for n, t in columns)}>" if columns else spelled
