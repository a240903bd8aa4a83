"""Tables, views, partitions and jobs as the Glue catalog has them.

Names are folded to lower case, as Glue and Athena do. What was asked is kept for a little while, since one question
asks for many schemas; what may not be read is a problem that names the missing action, and everything else goes on.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any, Literal

from knowledge.aws import calling, client
from knowledge.errors import Ambiguous, ConfigError, CopilotError, NotFound, ReadError
from knowledge.names import nearest
from tools.lake.base import NULL_PARTITION, Column, Problem, Table, TableName
from tools.lake.types import athena_type

__all__ = ["GlueCatalog", "GlueJob", "Registered", "projection_pattern"]

_FRESH = 30.0
"""Seconds for which a definition is taken as it was read."""
_NAMES_A_CALL = 100
_WHAT = "the Glue catalog"
_VIEW = re.compile(r"/\*\s*Presto View:\s*(\S+)\s*\*/")
_ATHENA_CATALOG = "awsdatacatalog"


@dataclass(frozen=True, slots=True)
class Registered:
    """A partition as Glue has it: values in the order of the keys (None for NULL), and where its files are."""

    values: tuple[str | None, ...]
    location: str


@dataclass(frozen=True, slots=True)
class GlueJob:
    """A job's script and its default arguments, `--` left out."""

    name: str
    script: str
    arguments: Mapping[str, str]


_Definition = Mapping[str, Any]


class GlueCatalog:
    """One account's catalog. Safe between threads.

    Args:
        databases: which ones count; none named: all.
        default_database: where a bare name is looked up first; None: the only database there is, else "default".
        catalog: another account's catalog id.
        region: None: as the AWS settings say.
        report: told of everything that could not be read.
    """

    def __init__(
        self,
        *,
        databases: Sequence[str] = (),
        default_database: str | None = None,
        catalog: str | None = None,
        region: str | None = None,
        report: Any,
    ) -> None:
        self._stated = tuple(d.lower() for d in databases)
        self._default = default_database.lower() if default_database else None
        self._catalog, self._region, self._report = catalog, region, report
        self._lock = threading.RLock()
        self._listing: tuple[float, dict[TableName, _Definition]] | None = None
        self._tables: dict[TableName, tuple[float, _Definition]] = {}
        self._partitions: dict[TableName, tuple[float, list[Registered]]] = {}

    @property
    def default_database(self) -> str:
        """See `Lake.default_database`."""
        if self._default:
            return self._default
        databases = self._databases
        return databases[0] if len(databases) == 1 else "default"

    def names(self) -> list[TableName]:
        """All tables and views, sorted. A database that may not be listed is reported and left out."""
        return sorted(self._listed())

    def table(self, name: str) -> Table:
        """A table's schema; see `Lake.table`."""
        found = self._find(name)
        return _table(found, self._definition(found))

    def definition(self, name: TableName) -> _Definition:
        """Glue's own record of a table: serialisation, parameters, location."""
        return self._definition(name)

    def partitions(self, name: TableName) -> list[Registered]:
        """Registered partitions, in Glue's order; a table with partition projection has none in Glue."""
        with self._lock:
            known = self._partitions.get(name)
            if known and time.monotonic() - known[0] < _FRESH:
                return known[1]
        found = []
        with calling("glue", str(name), _WHAT):
            pages = self._client.get_paginator("get_partitions").paginate(
                DatabaseName=name.database, TableName=name.table, ExcludeColumnSchema=True, **self._elsewhere
            )
            for page in pages:
                for part in page["Partitions"]:
                    values = tuple(None if v == NULL_PARTITION else v for v in part["Values"])
                    found.append(Registered(values, part["StorageDescriptor"]["Location"]))
        with self._lock:
            self._partitions[name] = (time.monotonic(), found)
        return found

    def versions(self, name: str) -> list[tuple[str, Table]]:
        """A table's earlier schemas, newest first: version id and table."""
        found = self._find(name)
        with calling("glue", str(found), _WHAT):
            pages = self._client.get_paginator("get_table_versions").paginate(
                DatabaseName=found.database, TableName=found.table, **self._elsewhere
            )
            kept = [v for page in pages for v in page["TableVersions"]]
        kept.sort(key=lambda v: int(v["VersionId"]) if v["VersionId"].isdigit() else 0, reverse=True)
        return [(v["VersionId"], _table(found, v["Table"])) for v in kept]

    def column_statistics(self, name: TableName, columns: Sequence[str]) -> list[Mapping[str, Any]]:
        """What Glue computed of some columns when it was last told to; those without statistics are left out."""
        found: list[Mapping[str, Any]] = []
        with calling("glue", str(name), f"the column statistics of {name}"):
            for start in range(0, len(columns), _NAMES_A_CALL):
                answer = self._client.get_column_statistics_for_table(
                    DatabaseName=name.database,
                    TableName=name.table,
                    ColumnNames=list(columns[start : start + _NAMES_A_CALL]),
                    **self._elsewhere,
                )
                found += answer["ColumnStatisticsList"]
        return found

    def views(self) -> Iterator[tuple[TableName, str]]:
        """Views with the SQL that makes them."""
        for name, definition in sorted(self._listed().items()):
            sql = _view_sql(definition)
            if sql:
                yield name, sql

    def jobs(self, patterns: Sequence[str]) -> list[GlueJob]:
        """Glue jobs whose names match one of some patterns (`*`), with where their scripts are."""
        if not patterns:
            return []
        with calling("glue", "jobs", "the list of Glue jobs"):
            pages = self._client.get_paginator("get_jobs").paginate()
            stated = [job for page in pages for job in page["Jobs"]]
        return [
            GlueJob(job["Name"], job["Command"]["ScriptLocation"], _arguments(job.get("DefaultArguments") or {}))
            for job in stated
            if any(fnmatchcase(job["Name"], p) for p in patterns) and job.get("Command", {}).get("ScriptLocation")
        ]

    def forget(self) -> None:
        """What was read is read again when it is next asked for."""
        with self._lock:
            self._listing = None
            self._tables.clear()
            self._partitions.clear()
            self.__dict__.pop("_databases", None)

    def _find(self, name: str) -> TableName:
        parts = name.lower().split(".")
        if len(parts) == 3 and parts[0] == _ATHENA_CATALOG:
            parts = parts[1:]
        if len(parts) == 2:
            full = TableName(*parts)
            if self._there(full):
                return full
        elif len(parts) == 1:
            home = TableName(self.default_database, parts[0])
            if self._there(home):
                return home
            others = sorted(n for n in self._listed() if n.table == parts[0])
            if len(others) == 1:
                return others[0]
            if others:
                raise Ambiguous("Table", name, map(str, others))
        raise NotFound("Table", name, nearest(name, map(str, self._listed())))

    def _there(self, name: TableName) -> bool:
        """One table is asked for alone: a database may have thousands."""
        if self._stated and name.database not in self._stated:
            return False
        try:
            self._definition(name)
        except NotFound:
            return False
        return True

    def _definition(self, name: TableName) -> _Definition:
        with self._lock:
            if self._listing and time.monotonic() - self._listing[0] < _FRESH and name in self._listing[1]:
                return self._listing[1][name]
            known = self._tables.get(name)
            if known and time.monotonic() - known[0] < _FRESH:
                return known[1]
        found = self._asked(name.database, name.table, self._elsewhere)
        with self._lock:
            self._tables[name] = (time.monotonic(), found)
        return found

    def _asked(self, database: str, table: str, elsewhere: Mapping[str, str]) -> _Definition:
        from botocore.exceptions import ClientError

        with calling("glue", f"{database}.{table}", f"table {database}.{table}"):
            try:
                found: _Definition = self._client.get_table(DatabaseName=database, Name=table, **elsewhere)["Table"]
            except ClientError as error:
                if error.response["Error"]["Code"] == "EntityNotFoundException":
                    raise NotFound("Table", f"{database}.{table}") from None
                raise
        return self._followed(found)

    def _followed(self, found: _Definition) -> _Definition:
        """A resource link has no columns of its own: they are its target's, in another database or account."""
        target = found.get("TargetTable")
        if not target:
            return found
        elsewhere = {"CatalogId": target["CatalogId"]} if target.get("CatalogId") else {}
        return self._asked(target["DatabaseName"], target["Name"], elsewhere)

    def _listed(self) -> dict[TableName, _Definition]:
        with self._lock:
            if self._listing and time.monotonic() - self._listing[0] < _FRESH:
                return self._listing[1]
            found: dict[TableName, _Definition] = {}
            for database in self._databases:
                try:
                    found |= self._tables_of(database)
                except ConfigError as error:
                    self._report(Problem(f"database {database}", error.where or database, error.message))
            self._listing = (time.monotonic(), found)
            return found

    def _tables_of(self, database: str) -> dict[TableName, _Definition]:
        found = {}
        with calling("glue", database, f"database {database}"):
            pages = self._client.get_paginator("get_tables").paginate(DatabaseName=database, **self._elsewhere)
            for page in pages:
                for definition in page["TableList"]:
                    name = TableName(database, definition["Name"].lower())
                    if definition.get("TargetTable"):
                        try:
                            definition = self._followed(definition)
                        except CopilotError as error:
                            self._report(Problem(f"table {name}", str(name), error.message))
                            continue
                    found[name] = definition
        return found

    @cached_property
    def _databases(self) -> list[str]:
        if self._stated:
            return sorted(set(self._stated))
        with calling("glue", "databases", _WHAT):
            pages = self._client.get_paginator("get_databases").paginate(**self._elsewhere)
            return sorted(d["Name"].lower() for page in pages for d in page["DatabaseList"])

    @property
    def _elsewhere(self) -> dict[str, str]:
        return {"CatalogId": self._catalog} if self._catalog else {}

    @cached_property
    def _client(self) -> Any:
        return client("glue", region=self._region, what=_WHAT)


def projection_pattern(definition: _Definition, keys: Sequence[str]) -> re.Pattern[str] | None:
    """What the locations of a table's projected partitions look like, with a group for each key; None without
    projection. See "Partition projection with Amazon Athena" in its guide.
    """
    parameters = definition.get("Parameters") or {}
    if str(parameters.get("projection.enabled", "")).lower() != "true":
        return None
    location = definition["StorageDescriptor"]["Location"].rstrip("/") + "/"
    template = parameters.get("storage.location.template") or location + "/".join(f"{k}=${{{k}}}" for k in keys)
    pattern = re.escape(template.rstrip("/") + "/")
    for number, key in enumerate(keys):
        marker, group = re.escape(f"${{{key}}}"), f"(?P<k{number}>[^/]+?)"
        pattern = pattern.replace(marker, group, 1).replace(marker, f"(?P=k{number})")
    return re.compile(pattern)


def _table(name: TableName, definition: _Definition) -> Table:
    storage = definition.get("StorageDescriptor") or {}
    view = _view(definition)
    columns = [c for c in storage.get("Columns") or () if (c.get("Parameters") or {}).get(_CURRENT) != "false"]
    stated = view.get("columns") if view else None
    plain = tuple(
        _column(c["name"], c["type"], None, {}, name) if stated else _glue_column(c, name) for c in (stated or columns)
    )
    keys = tuple(_glue_column(k, name, is_partition=True) for k in definition.get("PartitionKeys") or ())
    kind: Literal["table", "view"] = "view" if definition.get("TableType") == "VIRTUAL_VIEW" else "table"
    return Table(
        name,
        (*plain, *keys),
        kind=kind,
        description=definition.get("Description") or (definition.get("Parameters") or {}).get("comment") or None,
        location=storage.get("Location") or None,
        format=None if kind == "view" else _format(definition),
        view_sql=_view_sql(definition),
    )


_CURRENT, _OPTIONAL = "iceberg.field.current", "iceberg.field.optional"


def _glue_column(stated: Mapping[str, Any], table: TableName, *, is_partition: bool = False) -> Column:
    parameters = stated.get("Parameters") or {}
    return _column(stated["Name"], stated["Type"], stated.get("Comment"), parameters, table, is_partition=is_partition)


def _column(
    name: str,
    dtype: str,
    comment: str | None,
    parameters: Mapping[str, str],
    table: TableName,
    *,
    is_partition: bool = False,
) -> Column:
    nullable = {"true": True, "false": False}.get(parameters.get(_OPTIONAL, ""))
    try:
        spelled = athena_type(dtype)
    except ConfigError as error:
        where = f"column {name}"
        raise ReadError(f"Table {table} cannot be read: {error.what}", where=where, hint=error.hint) from error
    return Column(name.lower(), spelled, comment or None, nullable, is_partition)


def _format(definition: _Definition) -> str | None:
    parameters = definition.get("Parameters") or {}
    if str(parameters.get("table_type", "")).upper() in ("ICEBERG", "DELTA", "HUDI"):
        return str(parameters["table_type"]).lower()
    stated = parameters.get("classification")
    serde = (definition.get("StorageDescriptor") or {}).get("SerdeInfo", {}).get("SerializationLibrary", "").lower()
    known = {"parquet": "parquet", "orc": "orc", "json": "json", "avro": "avro", "csv": "csv", "lazysimple": "csv"}
    return stated.lower() if stated else next((kind for part, kind in known.items() if part in serde), None)


def _view(definition: _Definition) -> Mapping[str, Any] | None:
    """What Athena keeps of a view, which is JSON in base 64 in a comment."""
    found = _VIEW.search(definition.get("ViewOriginalText") or "")
    if not found:
        return None
    try:
        stated = json.loads(base64.b64decode(found[1]))
    except ValueError:
        return None
    return stated if isinstance(stated, dict) else None


def _view_sql(definition: _Definition) -> str | None:
    if definition.get("TableType") != "VIRTUAL_VIEW":
        return None
    view = _view(definition)
    text = view.get("originalSql") if view else definition.get("ViewExpandedText")
    return str(text) if text else None


_OF_GLUE = re.compile(
    r"additional-python-modules|class|conf|continuous-log-.*|datalake-formats|enable-.*|encryption-type|"
    r"extra-(files|jars|py-files)|job-(bookmark-.*|language|name)|executor-.*|scriptLocation|spark-event-logs-path|"
    r"TempDir|user-jars-first|use-postgres-driver|customer-driver-.*"
)


def _arguments(stated: Mapping[str, str]) -> dict[str, str]:
    """A job's own arguments; those that steer Glue itself say nothing of what it reads and writes."""
    plain = {key.removeprefix("--"): value for key, value in stated.items()}
    return {key: value for key, value in plain.items() if not _OF_GLUE.fullmatch(key)}
