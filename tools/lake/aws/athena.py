"""One statement on Athena, through PyAthena: started, waited for with growing pauses, cancelled, its rows fetched.

It checks nothing and plans nothing: lake.py does that before. A query that is no longer waited for is always stopped
there too, since Athena bills what it scans whether anybody reads the answer or not.
"""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from knowledge.aws import in_our_words
from knowledge.errors import ConfigError, CopilotError, LimitExceeded, QueryError, Unavailable

if TYPE_CHECKING:
    from pyathena.connection import Connection
    from pyathena.model import AthenaQueryExecution

__all__ = ["Athena", "Ran"]

_PAGE = 1_000
"""Rows of one answer of GetQueryResults, its most."""
_CUTOFF = "bytes scanned limit"


@dataclass(frozen=True, slots=True)
class Ran:
    """A finished statement: column names, Athena's type names, at most as many rows as asked for, what it cost."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]
    query_id: str
    bytes_scanned: int


class Athena:
    """Athena of one region. Safe between threads.

    Args:
        database: where bare names in a statement would be looked up.
        workgroup: whose settings and bounds hold; None: "primary".
        results: an S3 prefix for results; None: as the workgroup says.
        reuse_minutes: how old a result may be that is given again without scanning; 0: none.
        region: None: as the AWS settings say.
    """

    def __init__(
        self,
        *,
        database: str,
        workgroup: str | None = None,
        results: str | None = None,
        reuse_minutes: int = 0,
        region: str | None = None,
    ) -> None:
        self._database, self._workgroup, self._results = database, workgroup, results
        self._reuse, self._region = reuse_minutes, region

    def run(self, sql: str, *, rows: int, seconds: float, hints: Mapping[str | int, str] | None = None) -> Ran:
        """Runs a statement.

        Args:
            sql: Athena SQL, every value in it already a literal.
            rows: how many rows to fetch at most.
            seconds: how long to wait, queueing included.
            hints: types of array, map and row columns by position, of which Athena's answer says only the kind.

        Raises:
            LimitExceeded: it took too long and was cancelled, or Athena cancelled it for the bytes that it scanned.
            QueryError: Athena failed it; the message is Athena's.
            Unavailable: Athena did not answer, or is busy beyond patience.
            ConfigError: the account may not, or the workgroup or its results have no place.
        """
        from pyathena.error import Error

        from tools.lake.aws.cursor import PatientCursor

        wait = _Wait(seconds)
        cursor = self._connection.cursor(PatientCursor, on_poll=wait.polled, **self._reused)
        try:
            cursor.execute(
                sql, on_start_query_execution=wait.started, result_set_type_hints=dict(hints) if hints else None
            )
            found = cursor.fetchmany(min(rows, _PAGE)) if rows else []
            while found and len(found) < rows and (page := cursor.fetchmany(min(rows - len(found), _PAGE))):
                found += page
            return Ran(
                columns=tuple(str(d[0]) for d in cursor.description or ()),
                types=tuple(_type(d) for d in cursor.description or ()),
                rows=tuple(tuple(row) for row in found),
                query_id=str(cursor.query_id),
                bytes_scanned=int(cursor.data_scanned_in_bytes or 0),
            )
        except LimitExceeded:
            self._stop(str(wait.query_id))
            raise
        except Error as error:
            raise self._ours(error, wait) from error

    def _stop(self, query_id: str) -> None:
        """Best effort: what cannot be stopped is bounded by the workgroup's cutoff."""
        from botocore.exceptions import BotoCoreError, ClientError

        with suppress(BotoCoreError, ClientError):
            client: Any = self._connection.client  # boto3's clients have their methods from data
            client.stop_query_execution(QueryExecutionId=query_id)

    def _ours(self, error: Exception, wait: _Wait) -> CopilotError:
        """PyAthena wraps what botocore raised, or says why a statement ended as it did."""
        from botocore.exceptions import BotoCoreError, ClientError

        cause, last = error.__cause__, wait.last
        if isinstance(cause, ClientError) and cause.response.get("Error", {}).get("Code") == "InvalidRequestException":
            return _invalid(str(cause.response["Error"].get("Message", "")), self._where)
        if isinstance(cause, ClientError | BotoCoreError):
            return in_our_words(cause, "athena", self._where, "Athena")
        if last is not None and last.state == "CANCELLED":
            reason = last.state_change_reason or "no reason given"
            where = f"{self._where}, query {wait.query_id}"
            if _CUTOFF in reason.lower():
                hint = "Filter on a partition column or name fewer columns; the workgroup's cutoff is the last guard."
                return LimitExceeded(f"Athena stopped the query: {reason}", where=where, hint=hint)
            return QueryError(f"The query was cancelled: {reason}", where=where, hint="Ask again if that was not you.")
        if last is not None and last.state == "FAILED":
            return _failed(last, wait.query_id)
        return QueryError(str(error), where=self._where)

    @property
    def _reused(self) -> dict[str, Any]:
        return {"result_reuse_enable": True, "result_reuse_minutes": self._reuse} if self._reuse else {}

    @property
    def _where(self) -> str:
        return f"workgroup {self._workgroup or 'primary'}"

    @cached_property
    def _connection(self) -> Connection[Any]:
        import pyathena
        from botocore.exceptions import BotoCoreError

        logging.getLogger("pyathena").setLevel(logging.CRITICAL)  # what went wrong is told by the errors
        try:
            return pyathena.connect(
                schema_name=self._database,
                work_group=self._workgroup or "primary",
                # With an empty text the workgroup's own place counts, managed results among them.
                s3_staging_dir=self._results or "",
                region_name=self._region,
                kill_on_interrupt=True,
            )
        except BotoCoreError as error:
            hint = "Set AWS_REGION and credentials, as for any AWS tool."
            raise ConfigError(f"Athena cannot be reached: {error}", hint=hint) from error


class _Wait:
    """One statement's deadline, and what was last heard of it."""

    def __init__(self, seconds: float) -> None:
        self._seconds, self._end = seconds, time.monotonic() + seconds
        self.query_id: str | None = None
        self.last: AthenaQueryExecution | None = None

    def started(self, query_id: str) -> None:
        self.query_id = query_id

    def polled(self, execution: Any) -> None:
        self.last = execution
        if execution.state in ("QUEUED", "RUNNING") and time.monotonic() > self._end:
            raise LimitExceeded(
                f"The query took longer than {self._seconds:g} s and was cancelled",
                where=f"query {self.query_id}",
                hint="Narrow it to fewer partitions or columns, or raise limits.seconds.",
            )


def _failed(last: AthenaQueryExecution, query_id: str | None) -> CopilotError:
    reason = last.state_change_reason or "Athena gives no reason"
    where = f"query {query_id}"
    if last.error_category == 1 or _BUSY.search(reason):
        return Unavailable(f"Athena failed the query: {reason}", where=where, hint="Try again.")
    if _DENIED.search(reason):
        hint = "Allow it on the table's bucket and key, or in Lake Formation."
        return ConfigError(f"Athena may not read what the query needs: {reason}", where=where, hint=hint)
    return QueryError(reason, where=where)


def _invalid(message: str, where: str) -> CopilotError:
    """InvalidRequestException stands for many things; people mend them in different places."""
    if "output location" in message.lower():
        hint = "Set aws.results, or give the workgroup a place for results."
        return ConfigError(f"Athena has no place for results: {message}", where=where, hint=hint)
    if "workgroup" in message.lower():
        return ConfigError(f"Athena refused the workgroup: {message}", where=where, hint="Set aws.workgroup.")
    return QueryError(message, where=where)


_BUSY = re.compile(
    r"exhausted resources|INTERNAL_ERROR|rate exceeded|throttl|SlowDown|reduce your request", re.IGNORECASE
)
_DENIED = re.compile(
    r"access denied|insufficient permissions|PERMISSION_DENIED|not authorized to perform", re.IGNORECASE
)


def _type(description: Sequence[Any]) -> str:
    """A decimal's digits are told apart from its name."""
    kind = str(description[1])
    return f"decimal({description[4]},{description[5]})" if kind == "decimal" else kind
