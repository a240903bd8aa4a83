"""How the stores on AWS call it: bounded waits, retries of what passes, and errors in the house's words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from knowledge.errors import ConfigError, CopilotError, Unavailable

__all__ = ["calling", "client"]

_PASSING = frozenset({
    "InternalError",
    "InternalServerError",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "503",
    "500",
})  # fmt: skip
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "403"})
_MISSING = frozenset({"NoSuchBucket", "ResourceNotFoundException"})


def client(service: str, connections: int) -> Any:
    """A client that waits out throttling. Raises ConfigError without a region."""
    import boto3
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError

    config = Config(
        connect_timeout=5,
        read_timeout=20,
        max_pool_connections=connections,
        retries={"total_max_attempts": 8, "mode": "standard"},
    )
    # A session of its own: the default one is not safe to make clients from in several threads.
    try:
        return boto3.Session().client(service, config=config)  # type: ignore[call-overload]
    except BotoCoreError as error:
        raise ConfigError(
            f"the record store cannot be reached: {error}", hint="Set AWS_REGION and credentials, as for any AWS tool."
        ) from None


@contextmanager
def calling(service: str, where: str) -> Iterator[None]:
    """Turns what botocore raises inside into a CopilotError that names the action and the table or bucket."""
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError

    try:
        yield
    except ClientError as error:
        raise _ours(error.response.get("Error", {}), f"{service}:{error.operation_name}", where) from error
    except NoCredentialsError as error:
        raise ConfigError("there are no AWS credentials", hint="Set them as for any AWS tool.") from error
    except BotoCoreError as error:
        raise Unavailable(f"the record store did not answer: {error}", where=where, hint="Try again.") from error


def _ours(stated: Any, action: str, where: str) -> CopilotError:
    code, reason = str(stated.get("Code", "")), str(stated.get("Message", ""))
    if code in _PASSING:
        return Unavailable(f"the record store is busy ({code})", where=where, hint="Try again.")
    if code in _DENIED:
        return ConfigError(
            f"the record store may not be used: {action} is denied", where=where, hint=f"Allow {action}."
        )
    if code in _MISSING:
        return ConfigError("the record store does not exist", where=where, hint="Deploy it, or name another one.")
    return ConfigError(f"the record store refused {action} ({code}): {reason}", where=where)
