"""QuickSight's data sets, which moto makes but does not show: listed in pages, and described one by one.

`QuickSight.data_sets` is what there is: id -> the `DataSet` of DescribeDataSet; None for an uploaded file, which the service
refuses to describe.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

__all__ = ["QuickSight"]

_PLACE = re.compile(r"/accounts/(?P<account>\d{12})/data-sets(?:/(?P<id>[^/]+))?")
_PAGE = 2


class QuickSight:
    """The service, as far as data sets go."""

    def __init__(self) -> None:
        self.data_sets: dict[str, Mapping[str, Any] | None] = {}

    def answer(self, method: str, path: str, query: str) -> tuple[int, str, dict[str, Any]] | None:
        """Status, error code and body of a request; None for what is none of this."""
        place = _PLACE.fullmatch(path)
        if place is None or method != "GET":
            return None
        if place["id"] is None:
            return 200, "", self._listed(int(parse_qs(query).get("next-token", ["0"])[0]))
        found = self.data_sets.get(place["id"])
        if place["id"] not in self.data_sets:
            return 404, "ResourceNotFoundException", {"Message": "There is no such data set."}
        if found is None:
            return 400, "InvalidParameterValueException", {"Message": "The data set type is not supported."}
        return 200, "", {"DataSet": {"DataSetId": place["id"], **found}}

    def _listed(self, start: int) -> dict[str, Any]:
        ids = list(self.data_sets)
        more = {"NextToken": str(start + _PAGE)} if start + _PAGE < len(ids) else {}
        page = ids[start : start + _PAGE]
        return {
            "DataSetSummaries": [{"DataSetId": i, "Name": (self.data_sets[i] or {}).get("Name", i)} for i in page],
            **more,
        }
