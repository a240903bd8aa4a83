"""What moto's Glue leaves out and AWS does: names folded to lower case, answers in pages, statistics of columns."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import Any

__all__ = ["PAGED", "ColumnStatistics", "folded", "page"]

PAGED: Mapping[str, tuple[str, int]] = {
    "AWSGlue.GetDatabases": ("DatabaseList", 100),
    "AWSGlue.GetTables": ("TableList", 100),
    "AWSGlue.GetPartitions": ("Partitions", 1000),
    "AWSGlue.GetTableVersions": ("TableVersions", 100),
}
"""Operation -> where its list is, and how many of it AWS gives at once at most."""

_NAMES = {"DatabaseName", "TableName", "Name"}
_OF_TABLES = ("GetTable", "GetTables", "GetPartitions", "GetTableVersions", "GetDatabase", "CreateTable")


def folded(target: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """A request as Glue takes it; pages are cut afterwards, so moto is asked for everything."""
    operation = target.partition(".")[2]
    if operation not in _OF_TABLES:
        return dict(request)
    paging = {"NextToken", "MaxResults"} if target in PAGED else set()
    return {k: v.lower() if k in _NAMES and isinstance(v, str) else v for k, v in request.items() if k not in paging}


def page(target: str, request: Mapping[str, Any], answer: Mapping[str, Any]) -> dict[str, Any]:
    """The page of a whole answer that a request asks for."""
    key, most = PAGED[target]
    size = min(int(request.get("MaxResults") or most), most)
    start = int(base64.b64decode(request.get("NextToken") or "MA=="))
    items = answer.get(key, [])
    more = {"NextToken": base64.b64encode(str(start + size).encode()).decode()} if start + size < len(items) else {}
    return {**{k: v for k, v in answer.items() if k != "NextToken"}, key: items[start : start + size], **more}


class ColumnStatistics:
    """Glue's column statistics, kept as they were put; at most 100 columns a call, as on AWS."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], dict[str, Any]] = {}

    def reset(self) -> None:
        """Nothing was computed."""
        self._kept.clear()

    def answer(self, target: str, request: Mapping[str, Any]) -> dict[str, Any] | None:
        """What Glue answers; None for an operation that is not about statistics."""
        kept = self._kept.setdefault((request.get("DatabaseName", ""), request.get("TableName", "")), {})
        if target == "AWSGlue.UpdateColumnStatisticsForTable":
            kept.update({s["ColumnName"]: s for s in request["ColumnStatisticsList"]})
            return {"Errors": []}
        if target != "AWSGlue.GetColumnStatisticsForTable":
            return None
        names = request["ColumnNames"][:100]
        missing = [{"ColumnName": n, "Error": {"ErrorCode": "EntityNotFoundException"}} for n in names if n not in kept]
        return {"ColumnStatisticsList": [kept[n] for n in names if n in kept], "Errors": missing}
