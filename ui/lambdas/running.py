"""How every function runs: its request checked, a repeated event answered once, its log, its errors, its size.

An error of the request is an answer (`"status": "error"`, the field, what to do next): trying again would not mend it.
What passes (`Unavailable`) is raised, so that Lambda, EventBridge and Step Functions try again. It must not know what
any function does.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, TypeVar

from knowledge.errors import CopilotError, Unavailable

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

    from tools.workspace import Workspace

__all__ = ["Call", "handled"]

R = TypeVar("R")
Body = dict[str, Any]


@dataclass(frozen=True)
class Call:
    """The call that is being worked on: its id, and how many seconds are left of it."""

    request_id: str
    seconds_left: Callable[[], float]


_LARGEST = 200_000
"""Bytes of an answer: below the 256 KB of Step Functions and of asynchronous calls."""
_SHOWN = 50
_REMEMBERED_SECONDS = 24 * 3_600


def handled(
    name: str,
    event: Mapping[str, Any],
    context: Any,
    parsed: Callable[[Mapping[str, Any]], R],
    work: Callable[[Workspace, R, Call], Body],
) -> Body:
    """One call, from event to answer. Raises Unavailable, and what is a fault of ours."""
    log = _log()
    log.append_keys(function_request_id=context.aws_request_id, function=name)
    try:
        body = _run(name, event, context, parsed, work)
    except Unavailable as error:
        log.warning("unavailable", extra=_told(error))
        raise
    except CopilotError as error:
        body = {"status": "error", **error.to_dict()}
        log.error("refused", extra=_told(error))
    else:
        log.info("done", extra={k: body[k] for k in ("severity", "tables", "written") if k in body})
    return {**body, "request_id": context.aws_request_id}


def _run(
    name: str,
    event: Mapping[str, Any],
    context: Any,
    parsed: Callable[[Mapping[str, Any]], R],
    work: Callable[[Workspace, R, Call], Body],
) -> Body:
    from ui.lambdas.events import event_key

    if not isinstance(event, Mapping):
        raise _not_an_object()
    request = parsed(event)
    ws = _workspace()
    # Lambda repeats an asynchronous call that failed under the same request id.
    key = f"{name}:{event_key(event) or context.aws_request_id}"

    call = Call(context.aws_request_id, lambda: context.get_remaining_time_in_millis() / 1000)

    def once(key: str) -> Body:
        ws.refresh()
        return _small(ws, name, context.aws_request_id, {"status": "ok", **work(ws, request, call)})

    table = ws.settings.lambdas.runs_table
    return _once(once, key, table, context) if table else once(key)


def _once(run: Callable[[str], Body], key: str, table: str, context: Any) -> Body:
    """The answer of the first run for every repetition. A run that failed or timed out does not count."""
    from aws_lambda_powertools.utilities.idempotency import (
        DynamoDBPersistenceLayer,
        IdempotencyConfig,
        idempotent_function,
    )
    from aws_lambda_powertools.utilities.idempotency.exceptions import (
        IdempotencyAlreadyInProgressError,
        IdempotencyPersistenceLayerError,
    )

    config = IdempotencyConfig(expires_after_seconds=_REMEMBERED_SECONDS, lambda_context=context)
    layer = DynamoDBPersistenceLayer(table_name=table)
    guarded = idempotent_function(run, data_keyword_argument="key", persistence_store=layer, config=config)
    try:
        answer: Body = guarded(key=key)
    except IdempotencyAlreadyInProgressError:
        raise Unavailable(
            "the same event is being worked on", where=key, hint="Its answer is kept for a day."
        ) from None
    except IdempotencyPersistenceLayerError as error:
        cause = error.__cause__ or error
        raise Unavailable(f"repeated events cannot be told apart: {cause}", where=f"DynamoDB table {table}") from error
    return answer


def _small(ws: Workspace, name: str, request_id: str, body: Body) -> Body:
    """The answer, or its beginning and the place of the whole of it."""
    text = json.dumps(body, ensure_ascii=False, default=str)
    if len(text.encode()) <= _LARGEST:
        plain: Body = json.loads(text)
        return plain
    whole = ws.lake.write_text(f"output/lambda_results/{name}_{request_id}.json", text)
    return {**{k: _beginning(v) for k, v in body.items()}, "truncated": True, "whole_result": whole}


def _beginning(value: Any) -> Any:
    if isinstance(value, str):
        return value if len(value) <= 2_000 else f"{value[:2_000]} …"
    if isinstance(value, list | tuple):
        shown = [_beginning(v) for v in value[:_SHOWN]]
        return shown if len(value) <= _SHOWN else [*shown, f"and {len(value) - _SHOWN} more"]
    return value


def _told(error: CopilotError) -> dict[str, Any]:
    """An error as a log line has it: `message` is taken by the logger."""
    return {"error": error.code, "problem": error.message, "where": error.where}


def _not_an_object() -> CopilotError:
    from knowledge.errors import InputError

    return InputError("the event is not a JSON object", where="event")


@lru_cache(maxsize=1)
def _workspace() -> Workspace:
    """One workspace for all calls of this process: readings of unchanged scripts are kept between them."""
    from tools.settings import load_settings
    from tools.workspace import open_workspace

    return open_workspace(load_settings())


@lru_cache(maxsize=1)
def _log() -> Logger:
    from aws_lambda_powertools import Logger

    return Logger(service="de-copilot")
