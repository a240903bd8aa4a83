"""What reads a lake in an account without being a job: queries that Athena keeps, and QuickSight's data sets.

Each becomes an entry as `dashboards.json` has them, so that the rest of the house knows no difference. Only what a service
states is taken: SQL, tables, columns. A service that may not be asked is a problem that names the missing action.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal

from sqlglot import exp

from knowledge.aws import calling, client
from knowledge.errors import ConfigError, CopilotError
from tools.lake.base import Problem, StatedReader
from tools.lake.guard import parse_athena

__all__ = ["Service", "readers_of"]

Service = Literal["athena", "quicksight"]
_AT_ONCE = 50
"""Queries of one answer of BatchGetNamedQuery, its most."""


def readers_of(
    services: Sequence[Service], *, workgroup: str | None, region: str | None, report: Callable[[Problem], None]
) -> list[StatedReader]:
    """The readers that the named services keep."""
    found: list[StatedReader] = []
    for service in services:
        try:
            found += _SERVICES[service](workgroup, region)
        except ConfigError as error:
            report(Problem(f"readers on {service}", error.where or service, error.message))
    return found


def _saved_queries(workgroup: str | None, region: str | None) -> Iterator[StatedReader]:
    """Queries that people saved in a workgroup. What writes, or cannot be read, is left out: it shows nothing."""
    what = "Athena's saved queries"
    athena = client("athena", region=region, what=what)
    asked = {"WorkGroup": workgroup} if workgroup else {}
    with calling("athena", workgroup or "primary", what):
        pages = athena.get_paginator("list_named_queries").paginate(**asked)
        ids = [i for page in pages for i in page["NamedQueryIds"]]
        for start in range(0, len(ids), _AT_ONCE):
            answer = athena.batch_get_named_query(NamedQueryIds=ids[start : start + _AT_ONCE])
            for query in answer["NamedQueries"]:
                if _selects(query["QueryString"]):
                    yield StatedReader(
                        query["Name"],
                        f"athena:saved/{query['NamedQueryId']}",
                        {"dashboard_name": query["Name"], "sql": query["QueryString"]},
                        query.get("Database", "").lower() or None,
                    )


def _selects(sql: str) -> bool:
    try:
        return isinstance(parse_athena(sql), exp.Query)
    except CopilotError:
        return False


def _data_sets(workgroup: str | None, region: str | None) -> Iterator[StatedReader]:
    """QuickSight's data sets: tables with the columns that are taken of them, and custom SQL."""
    del workgroup
    what = "QuickSight's data sets"
    with calling("sts", "the account", what):
        account = client("sts", region=region, what=what).get_caller_identity()["Account"]
    quicksight = client("quicksight", region=region, what=what)
    with calling("quicksight", account, what):
        pages = quicksight.get_paginator("list_data_sets").paginate(AwsAccountId=account)
        listed = [s for page in pages for s in page["DataSetSummaries"]]
        for summary in listed:
            described = _described(quicksight, account, summary["DataSetId"])
            if described is not None:
                yield from _parts(described)


def _described(quicksight: Any, account: str, identifier: str) -> Mapping[str, Any] | None:
    """A data set with its tables; None for an uploaded file, which QuickSight does not describe."""
    from botocore.exceptions import ClientError

    try:
        found: Mapping[str, Any] = quicksight.describe_data_set(AwsAccountId=account, DataSetId=identifier)["DataSet"]
    except ClientError as error:
        if error.response["Error"]["Code"] == "InvalidParameterValueException":
            return None
        raise
    return found


def _parts(data_set: Mapping[str, Any]) -> Iterator[StatedReader]:
    """One entry for each of its tables and queries, which may be of different sources."""
    parts = data_set.get("PhysicalTableMap") or {}
    for part in parts.values():
        entry = _entry(part)
        if entry is None:
            continue
        name = data_set["Name"] if len(parts) == 1 else f"{data_set['Name']}: {entry.pop('part')}"
        entry.pop("part", None)
        yield StatedReader(name, f"quicksight:data-set/{data_set['DataSetId']}", {"dashboard_name": name, **entry})


def _entry(part: Mapping[str, Any]) -> dict[str, Any] | None:
    if "CustomSql" in part:
        query = part["CustomSql"]
        return {"part": query["Name"], "sql": query["SqlQuery"]}
    if "RelationalTable" not in part:
        return None
    stated = part["RelationalTable"]
    table = ".".join(p for p in (stated.get("Schema"), stated["Name"]) if p).lower()
    columns = [f"{table}.{c['Name'].lower()}" for c in stated["InputColumns"]]
    return {"part": stated["Name"], "tables_used": [table], "columns_used": columns}


_SERVICES: Mapping[Service, Callable[[str | None, str | None], Iterator[StatedReader]]] = {
    "athena": _saved_queries,
    "quicksight": _data_sets,
}
