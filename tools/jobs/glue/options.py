"""What Glue's connection options name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from tools.jobs.python.site import Site
from tools.jobs.python.text import text_of
from tools.jobs.python.values import OpenList, Value

_KEYS: dict[str, tuple[str, ...]] = {
    "s3": ("paths", "path"),
    "dynamodb": ("dynamodb.input.tablename", "dynamodb.output.tablename", "dynamodb.tablearn"),
    "mongodb": ("collection",),
    "documentdb": ("collection",),
    "kafka": ("topicname", "topic", "subscribe"),
    "kinesis": ("streamname", "streamarn"),
    "snowflake": ("dbtable", "query"),
    "bigquery": ("table",),
    "opensearch": ("opensearch.resource", "index"),
    "marketplace.spark": ("path", "table", "dbtable", "resource"),
    "custom.spark": ("path", "table", "dbtable", "resource"),
    "marketplace.jdbc": ("dbtable", "tablename", "query"),
    "custom.jdbc": ("dbtable", "tablename", "query"),
}
_SCHEMES = frozenset(("dynamodb", "mongodb", "documentdb", "kafka", "kinesis"))


@dataclass(frozen=True, slots=True)
class Named:
    """A data set that options name."""

    name: Value
    scheme: str | None = None
    alias: Value = None


def dataset_of(connection: Value, options: Value, site: Site, kind: Literal["read", "write"]) -> Named | None:
    """The data set that connection options name; None when they do not."""
    folded = (text_of(connection) or "").lower()
    given: Mapping[str, Value] = {str(k).lower(): v for k, v in options.items()} if isinstance(options, dict) else {}
    for key in (*_KEYS.get(folded, ()), "paths", "path", "dbtable", "table", "tablename", "query"):
        value = given.get(key)
        if value is not None:
            return Named(_only(value), folded if folded in _SCHEMES else None, _alias(given, value))
    return None


def _only(value: Value) -> Value:
    if isinstance(value, list | tuple) and len(value) == 1 and not isinstance(value, OpenList):
        return value[0]
    return value


def _alias(given: Mapping[str, Value], value: Value) -> Value:
    database = text_of(given.get("database"))
    text = text_of(value)
    return f"{database}.{text}" if database and text and "/" not in text and "." not in text else None
