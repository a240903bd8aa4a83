"""An Athena that executes: Glue's tables as moto has them, their files on moto's S3, statements on the local engine.

What it does as Athena does: a statement is refused at once when two parsers of Trino's own grammar refuse it, else it
is queued, run and polled; only registered partitions exist; results are a CSV object on S3 and pages of GetQueryResults;
bytes scanned are stated and the workgroup's cutoff cancels. `Athena.statements` has all SQL that was sent.

The engine is the product's own folder lake, whose agreement with Trino has its own tests (tests/tools/lake).
"""

from __future__ import annotations

import base64
import csv
import datetime
import decimal
import io
import json
import math
import re
import threading
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

from moto.athena.models import athena_backends
from moto.glue.models import glue_backends
from moto.s3.models import s3_backends
from sqlglot import exp
from trino_query_parser import parse_statement  # type: ignore[import-untyped]
from trino_sql_validator import validate

from knowledge.errors import CopilotError, NotFound
from tools.lake.base import NULL_PARTITION, Limits
from tools.lake.guard import parse_athena
from tools.lake.local import LocalLake
from tools.lake.trino.names import lake_tables

__all__ = ["ACCOUNT", "Athena", "refused_by_trino"]

ACCOUNT = "123456789012"
_ROWS_AT_ONCE = 1_000
_EVERYTHING = Limits(rows=10**7, bytes=2**62, seconds=600.0)


class AthenaError(Exception):
    """A request that the service refuses."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        super().__init__(message)


@dataclass
class _Query:
    id: str
    sql: str
    database: str
    workgroup: str
    output: str
    cutoff: int | None
    state: str = "QUEUED"
    reason: str | None = None
    columns: list[tuple[str, str]] = field(default_factory=list)
    rows: list[list[str | None]] = field(default_factory=list)
    scanned: int = 0
    started: float = field(default_factory=time.time)
    stop: threading.Event = field(default_factory=threading.Event)


class Athena:
    """One region's Athena.

    Attributes:
        statements: all SQL that was sent.
        delay: seconds that each statement runs before it is executed.
        cutoff: bytes at which a statement is cancelled, in place of the workgroup's, which is 10 MB at least.
    """

    def __init__(self, folder: Path, region: str = "eu-central-1") -> None:
        self.statements: list[str] = []
        self.delay = 0.0
        self.cutoff: int | None = None
        self._folder, self._region = folder, region
        self._queries: dict[str, _Query] = {}
        self._pool = ThreadPoolExecutor(4)
        self._lock = threading.Lock()
        self._mirrored: dict[Path, tuple[str, ...]] = {}

    def reset(self) -> None:
        """Forgets all statements."""
        self._queries.clear()
        self.statements.clear()
        self.delay, self.cutoff = 0.0, None

    def running(self) -> list[str]:
        """Ids of the statements that have not ended."""
        return [q.id for q in self._queries.values() if q.state in ("QUEUED", "RUNNING")]

    def handler(self, target: str) -> Callable[[Mapping[str, Any]], dict[str, Any]] | None:
        """What answers a request in moto's place; None for what moto does well enough."""
        return {
            "AmazonAthena.StartQueryExecution": self._start,
            "AmazonAthena.GetQueryExecution": lambda r: {"QueryExecution": _execution(self._known(r))},
            "AmazonAthena.GetQueryResults": self._results,
            "AmazonAthena.StopQueryExecution": self._stop,
            "AmazonAthena.GetWorkGroup": self._work_group,
            "AmazonAthena.BatchGetNamedQuery": self._saved,
        }.get(target)

    def _saved(self, request: Mapping[str, Any]) -> dict[str, Any]:
        kept = athena_backends[ACCOUNT][self._region].named_queries
        found = [kept[i] for i in request["NamedQueryIds"]]
        return {
            "NamedQueries": [
                {
                    "Name": q.name,
                    "Database": q.database,
                    "QueryString": q.query_string,
                    "NamedQueryId": q.id,
                    "WorkGroup": q.workgroup.name,
                }
                for q in found
            ],
            "UnprocessedNamedQueryIds": [],
        }

    def _start(self, request: Mapping[str, Any]) -> dict[str, Any]:
        sql, workgroup = request["QueryString"], request.get("WorkGroup") or "primary"
        groups = athena_backends[ACCOUNT][self._region].work_groups
        if workgroup not in groups:
            raise AthenaError("InvalidRequestException", f"WorkGroup {workgroup} is not found.")
        stated = groups[workgroup].configuration or {}
        own = (stated.get("ResultConfiguration") or {}).get("OutputLocation")
        asked = (request.get("ResultConfiguration") or {}).get("OutputLocation")
        output = own if own and (stated.get("EnforceWorkGroupConfiguration") or not asked) else asked
        if not output:
            raise AthenaError(
                "InvalidRequestException",
                "No output location provided. An output location is required either through the Workgroup result"
                " configuration setting or as an API input.",
            )
        self.statements.append(sql)
        if refusal := refused_by_trino(sql):
            raise AthenaError("InvalidRequestException", refusal)
        database = (request.get("QueryExecutionContext") or {}).get("Database") or "default"
        number = str(uuid.uuid4())
        cutoff = stated.get("BytesScannedCutoffPerQuery") if self.cutoff is None else self.cutoff
        query = _Query(number, sql, database.lower(), workgroup, f"{output.rstrip('/')}/{number}.csv", cutoff)
        self._queries[number] = query
        self._pool.submit(self._run, query)
        return {"QueryExecutionId": number}

    def _work_group(self, request: Mapping[str, Any]) -> dict[str, Any]:
        found = athena_backends[ACCOUNT][self._region].work_groups.get(request["WorkGroup"])
        if found is None:
            raise AthenaError("InvalidRequestException", f"WorkGroup {request['WorkGroup']} is not found.")
        return {"WorkGroup": {"Name": found.name, "State": found.state, "Configuration": found.configuration or {}}}

    def _run(self, query: _Query) -> None:
        query.state = "RUNNING"
        try:
            query.stop.wait(self.delay)
            if not query.stop.is_set():
                self._execute(query)
            cut = query.cutoff is not None and query.scanned > query.cutoff
            if query.stop.is_set() or cut:
                query.reason = "Bytes scanned limit was exceeded" if cut else "Query was cancelled by the user"
                query.state = "CANCELLED"
                return
            self._publish(query)
            query.state = "SUCCEEDED"
        except CopilotError as error:
            query.reason = _reason(error)
            query.state = "FAILED"
        except Exception as error:  # noqa: BLE001  # a fault of this server is told as one of the service
            query.reason = f"GENERIC_INTERNAL_ERROR: {type(error).__name__}: {error}"
            query.state = "FAILED"

    def _execute(self, query: _Query) -> None:
        sql = query.sql
        explain = re.match(r"\s*EXPLAIN\s*(\(.*?\))?\s*", sql, re.IGNORECASE | re.DOTALL)
        tree = parse_athena(sql[explain.end() :] if explain else sql)
        with self._lock:
            query_tree = self._ready(tree, query.database)
            lake = LocalLake(self._folder, default_database=query.database)
        if explain:
            lake.query(exp.select("*").from_(query_tree.subquery("q")).limit(0), limits=_EVERYTHING)
            query.columns, query.rows = [("Valid", "boolean")], [["true"]]
            return
        found = lake.query(query_tree, limits=_EVERYTHING)
        query.columns = list(zip(found.columns, found.types, strict=True))
        query.rows = [[_text(value) for value in row] for row in found.rows]
        query.scanned = found.bytes_scanned

    def _publish(self, query: _Query) -> None:
        bucket, key = query.output.removeprefix("s3://").split("/", 1)
        text = io.StringIO()
        writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
        writer.writerow(name for name, _ in query.columns)
        writer.writerows(query.rows)
        s3_backends[ACCOUNT]["aws"].put_object(bucket, key, text.getvalue().encode())

    def _ready(self, tree: exp.Expr, database: str) -> exp.Query:
        """Views replaced by what they stand for, and the files of every table on disk as S3 has them now."""
        for node in lake_tables(tree):
            home, name = (node.db or database).lower(), node.name.lower()
            known = glue_backends[ACCOUNT][self._region].databases.get(home)
            table = known.tables.get(name) if known else None
            if table is None:
                raise NotFound("Table", f"{home}.{name}")
            stated = table.as_dict()
            if stated.get("TableType") == "VIRTUAL_VIEW":
                view = json.loads(base64.b64decode(re.findall(r"View: (\S+)", stated["ViewOriginalText"])[0]))
                body = self._ready(parse_athena(view["originalSql"]), view.get("schema") or home)
                node.replace(body.subquery(node.alias or name))
            else:
                self._mirror(home, name, stated, table.partitions)
                node.set("db", exp.to_identifier(home, quoted=True))
                node.set("catalog", None)
        return cast(exp.Query, tree)

    def _mirror(self, database: str, name: str, stated: Mapping[str, Any], partitions: Mapping[Any, Any]) -> None:
        folder = self._folder / "tables" / database / name
        keys = stated.get("PartitionKeys") or []
        places = [(stated["StorageDescriptor"]["Location"], "")] if not keys else []
        for part in (p.as_dict() for p in partitions.values()):
            pairs = zip((k["Name"] for k in keys), part["Values"], strict=True)
            path = "/".join(f"{k}={_quoted(v)}" for k, v in pairs)
            places.append((part["StorageDescriptor"]["Location"], path + "/"))
        files = {f"{path}{key}": body for place, path in places for key, body in self._objects(place)}
        columns = [_column(c) for c in stated["StorageDescriptor"]["Columns"]]
        description = json.dumps({"columns": columns, "partition_keys": [_column(k) for k in keys]})
        version = (description, *(f"{path}:{body.etag}" for path, body in sorted(files.items())))
        if self._mirrored.get(folder) == version:
            return
        for old in [p for p in folder.rglob("*") if p.is_file()]:
            old.unlink()
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "_table.json").write_text(description)
        for path, body in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(body.value)
        self._mirrored[folder] = version

    def _objects(self, place: str) -> list[tuple[str, Any]]:
        bucket, _, prefix = place.removeprefix("s3://").partition("/")
        prefix = prefix.rstrip("/") + "/"
        buckets = s3_backends[ACCOUNT]["aws"].buckets
        if bucket not in buckets:
            return []
        keys = [(k, v) for k, v in sorted(buckets[bucket].keys.items()) if k.startswith(prefix)]
        return [
            (k[len(prefix) :].replace("/", "__"), v) for k, v in keys if not k.rpartition("/")[2].startswith(("_", "."))
        ]

    def _results(self, request: Mapping[str, Any]) -> dict[str, Any]:
        query = self._known(request)
        if query.state != "SUCCEEDED":
            raise AthenaError("InvalidRequestException", f"Query has not finished: {query.state}")
        head: list[list[str | None]] = [[name for name, _ in query.columns]]
        rows = head + query.rows
        start = int(base64.b64decode(request.get("NextToken") or "MA=="))
        end = start + int(request.get("MaxResults") or _ROWS_AT_ONCE)
        page = [{"Data": [{} if v is None else {"VarCharValue": v} for v in row]} for row in rows[start:end]]
        answer: dict[str, Any] = {
            "UpdateCount": 0,
            "ResultSet": {
                "Rows": page,
                "ResultSetMetadata": {"ColumnInfo": [_column_info(n, t) for n, t in query.columns]},
            },
        }
        if end < len(rows):
            answer["NextToken"] = base64.b64encode(str(end).encode()).decode()
        return answer

    def _stop(self, request: Mapping[str, Any]) -> dict[str, Any]:
        self._known(request).stop.set()
        return {}

    def _known(self, request: Mapping[str, Any]) -> _Query:
        found = self._queries.get(request["QueryExecutionId"])
        if found is None:
            raise AthenaError("InvalidRequestException", "QueryExecution was not found")
        return found


def refused_by_trino(sql: str) -> str | None:
    """What either of two parsers of Trino's grammar, independent of sqlglot, holds against a statement."""
    judged = validate(sql)
    if not judged.valid and not judged.function_argument_warnings:
        return f"mismatched input: {judged.error}"
    try:
        parse_statement(sql)
    except Exception as error:  # noqa: BLE001  # the parser has a class for each of Trino's own
        return str(error).partition("\n")[0] or type(error).__name__
    return None


def _execution(query: _Query) -> dict[str, Any]:
    status: dict[str, Any] = {"State": query.state, "SubmissionDateTime": query.started}
    if query.reason:
        status["StateChangeReason"] = query.reason
    if query.state == "FAILED":
        status["AthenaError"] = {
            "ErrorCategory": 2,
            "ErrorType": 1006,
            "Retryable": False,
            "ErrorMessage": query.reason,
        }
    return {
        "QueryExecutionId": query.id,
        "Query": query.sql,
        "StatementType": "DML",
        "SubstatementType": "SELECT",
        "ResultConfiguration": {"OutputLocation": query.output},
        "QueryExecutionContext": {"Database": query.database},
        "Status": status,
        "WorkGroup": query.workgroup,
        "EngineVersion": {
            "SelectedEngineVersion": "AUTO",
            "EffectiveEngineVersion": "Athena engine version 3",
        },
        "Statistics": {
            "DataScannedInBytes": query.scanned,
            "EngineExecutionTimeInMillis": 1,
            "ResultReuseInformation": {"ReusedPreviousResult": False},
        },
    }


def _reason(error: CopilotError) -> str:
    if isinstance(error, NotFound):
        return f"TABLE_NOT_FOUND: line 1:1: Table 'awsdatacatalog.{error.name}' does not exist"
    return error.what


def _column(stated: Mapping[str, Any]) -> dict[str, Any]:
    return {"name": stated["Name"], "type": stated["Type"], "comment": stated.get("Comment")}


def _column_info(name: str, dtype: str) -> dict[str, Any]:
    kind, _, digits = dtype.partition("(")
    precision, scale = 0, 0
    if kind == "decimal":
        precision, scale = (int(n) for n in digits.rstrip(")").split(","))
    elif kind.startswith("timestamp"):
        kind = "timestamp with time zone" if "zone" in dtype else "timestamp"
    return {
        "CatalogName": "hive",
        "SchemaName": "",
        "TableName": "",
        "Name": name,
        "Label": name,
        "Type": kind,
        "Precision": precision,
        "Scale": scale,
        "Nullable": "UNKNOWN",
        "CaseSensitive": kind == "varchar",
    }


def _quoted(value: str) -> str:
    from urllib.parse import quote

    return value if value == NULL_PARTITION else quote(value, safe="")


def _text(value: Any) -> str | None:
    """A value as Athena writes it in results."""
    match value:
        case None:
            return None
        case bool():
            return "true" if value else "false"
        case float():
            return _float(value)
        case datetime.datetime():
            zone = " UTC" if value.tzinfo else ""
            return f"{value:%Y-%m-%d %H:%M:%S}.{value.microsecond // 1000:03d}{zone}"
        case bytes() | bytearray():
            return " ".join(f"{b:02x}" for b in value)
        case list() | tuple():
            return "[" + ", ".join("null" if v is None else str(_text(v)) for v in value) + "]"
        case dict():
            return "{" + ", ".join(f"{_text(k)}={'null' if v is None else _text(v)}" for k, v in value.items()) + "}"
        case decimal.Decimal():
            return f"{value:f}"
    return str(value)


def _float(value: float) -> str:
    """As Java writes a double."""
    if not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        return f"{decimal.Decimal(repr(value)):f}" if "e" in repr(value) else repr(value)
    mantissa, power = f"{decimal.Decimal(repr(value)):E}".split("E")
    return f"{mantissa if '.' in mantissa else mantissa + '.0'}E{int(power)}"
