"""Which request an event is: a direct call, EventBridge (Glue jobs, the Glue catalog, S3), or an S3 notification.

    a Glue job SUCCEEDED           analyze the tables it writes
    a Glue table was changed       analyze it; and what its new columns do
    a job script was put on S3     what its edit does, the name of the script being the job's
    anything else                  a direct call: the event is the request

What an event says is data from outside: it is checked like any other request.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote_plus

from knowledge.errors import InputError
from ui.lambdas.requests import AnalyzeRequest, ImpactRequest, ListRequest, SimulateRequest, checked

__all__ = ["analyze_request", "event_key", "impact_request", "list_request", "simulate_request"]

_JOB_STATE = "Glue Job State Change"
_TABLE_STATE = ("Glue Data Catalog Table State Change", "Glue Data Catalog Database State Change")
_OBJECT_CREATED = "Object Created"


def analyze_request(event: Mapping[str, Any]) -> AnalyzeRequest:
    """Raises InputError for an event that says nothing to analyze."""
    detail = _detail(event)
    if detail is None:
        request = checked(AnalyzeRequest, event)
        if request.table_name is None and request.job_name is None:
            raise InputError("field 'table_name' is missing", where="table_name", hint="Or name a job: 'job_name'.")
        return request
    match event["detail-type"]:
        case "Glue Job State Change" if detail.get("state") == "SUCCEEDED":
            return checked(AnalyzeRequest, {"job_name": detail.get("jobName")})
        case "Glue Data Catalog Table State Change":
            return checked(AnalyzeRequest, {"glue_database": detail.get("databaseName"), "table_name": _table(detail)})
        case "Glue Data Catalog Database State Change" if len(detail.get("changedTables") or ()) == 1:
            (table,) = detail["changedTables"]
            return checked(AnalyzeRequest, {"glue_database": detail.get("databaseName"), "table_name": table})
    raise _foreign(event)


def impact_request(event: Mapping[str, Any]) -> ImpactRequest:
    """Raises InputError for an event that names neither a job nor a table."""
    put = _put_object(event)
    if put is not None:
        bucket, key = put
        return checked(
            ImpactRequest,
            {"job_name": PurePosixPath(key).stem, "new_job_script_s3_path": f"s3://{bucket}/{key}"},
        )
    detail = _detail(event)
    if detail is None:
        request = checked(ImpactRequest, event)
        if (request.job_name is None) == (request.table_name is None):
            missing = "field 'job_name' is missing" if request.job_name is None else "a job or a table, not both"
            raise InputError(missing, where="job_name", hint="Or name a table: 'table_name'.")
        return request
    if event["detail-type"] == _JOB_STATE:
        return checked(ImpactRequest, {"job_name": detail.get("jobName")})
    if event["detail-type"] == _TABLE_STATE[0]:
        return checked(ImpactRequest, {"glue_database": detail.get("databaseName"), "table_name": _table(detail)})
    raise _foreign(event)


def simulate_request(event: Mapping[str, Any]) -> SimulateRequest:
    """Only a direct call, or a step of a state machine, says what to simulate."""
    if _detail(event) is not None:
        raise _foreign(event)
    return checked(SimulateRequest, event)


def list_request(event: Mapping[str, Any]) -> ListRequest:
    """From a schedule's event: all tables."""
    return ListRequest() if _detail(event) is not None else checked(ListRequest, event)


def event_key(event: Mapping[str, Any]) -> str | None:
    """What is the same when the same event comes again; None for a direct call without a key of its own."""
    record = _record(event)
    if record is not None:
        made = record.get("s3", {}).get("object", {})
        return f"s3:{made.get('key')}:{made.get('versionId') or made.get('eTag')}:{made.get('sequencer')}"
    if _detail(event) is not None:
        return f"event:{event.get('id')}"
    # A step that goes on with a simulation is another call than the one before, under the same key.
    given = None if event.get("simulation_id") else event.get("idempotency_key")
    return f"call:{given}" if given else None


def _table(detail: Mapping[str, Any]) -> Any:
    changed = detail.get("changedTables")
    return detail.get("tableName") or (changed[0] if changed else None)


def _put_object(event: Mapping[str, Any]) -> tuple[str, str] | None:
    record = _record(event)
    if record is not None:
        s3 = record.get("s3", {})
        return str(s3.get("bucket", {}).get("name")), unquote_plus(str(s3.get("object", {}).get("key")))
    detail = _detail(event)
    if detail is None or event.get("detail-type") != _OBJECT_CREATED:
        return None
    return str(detail.get("bucket", {}).get("name")), str(detail.get("object", {}).get("key"))


def _record(event: Mapping[str, Any]) -> Mapping[str, Any] | None:
    records = event.get("Records")
    if not isinstance(records, list):
        return None
    if len(records) != 1 or not isinstance(records[0], Mapping):
        raise InputError("one record at a time is taken", where="Records", hint="S3 sends one record in each event.")
    return records[0]


def _detail(event: Mapping[str, Any]) -> Mapping[str, Any] | None:
    detail = event.get("detail")
    return detail if "detail-type" in event and isinstance(detail, Mapping) else None


def _foreign(event: Mapping[str, Any]) -> InputError:
    what = event.get("detail-type")
    state = (_detail(event) or {}).get("state")
    return InputError(
        f"nothing is done for {what!r}" + (f" in state {state!r}" if state else ""),
        where="detail-type",
        hint="Let the rule send only the events that ui/lambdas/events.py names.",
    )
