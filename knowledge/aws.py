"""How AWS is called: bounded waits, retries of what passes, and errors in the house's words.

It knows no service; what is called, and why, is the caller's business.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from knowledge.errors import ConfigError, CopilotError, Unavailable

__all__ = ["calling", "client", "in_our_words"]

_PASSING = frozenset({
    "InternalError",
    "InternalServerError",
    "InternalServerException",
    "InternalServiceException",
    "ProvisionedThroughputExceededException",
    "RequestLimitExceeded",
    "RequestTimeout",
    "ServiceUnavailable",
    "SlowDown",
    "Throttling",
    "ThrottlingException",
    "TooManyRequestsException",
    "503",
    "500",
})  # fmt: skip
_DENIED = frozenset({"AccessDenied", "AccessDeniedException", "403"})
_MISSING = frozenset({"NoSuchBucket", "ResourceNotFoundException"})
_IDENTITY = frozenset({
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "InvalidClientTokenId",
    "InvalidSignatureException",
    "SignatureDoesNotMatch",
    "UnrecognizedClientException",
})  # fmt: skip
_SIGN_IN = "Sign in again (for example `aws sso login`), or renew the keys, as for any AWS tool."


def client(service: str, connections: int = 10, *, region: str | None = None, what: str = "the record store") -> Any:
    """A client that waits out throttling. `what` is what an error says cannot be reached.

    Raises ConfigError without a region.
    """
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
        return boto3.Session().client(service, region_name=region, config=config)  # type: ignore[call-overload]
    except BotoCoreError as error:
        hint = "Set AWS_REGION and credentials, as for any AWS tool."
        raise ConfigError(f"{what} cannot be reached: {error}", hint=hint) from None


@contextmanager
def calling(service: str, where: str, what: str = "the record store") -> Iterator[None]:
    """Turns what botocore raises inside into a CopilotError that names the action and the table or bucket."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (ClientError, BotoCoreError) as error:
        raise in_our_words(error, service, where, what) from error


def in_our_words(error: Exception, service: str, where: str, what: str) -> CopilotError:
    """What botocore raised, as one of the family: Unavailable for what passes, ConfigError for what a person mends."""
    from botocore.exceptions import ClientError, NoCredentialsError, TokenRetrievalError

    if isinstance(error, ClientError):
        return _refusal(error.response.get("Error", {}), f"{service}:{error.operation_name}", where, what)
    if isinstance(error, NoCredentialsError):
        return ConfigError("there are no AWS credentials", hint="Set them as for any AWS tool.")
    if isinstance(error, TokenRetrievalError):
        return ConfigError(f"the AWS credentials do not hold: {error}", hint=_SIGN_IN)
    return Unavailable(f"{what} did not answer: {error}", where=where, hint="Try again.")


def _refusal(stated: Any, action: str, where: str, what: str) -> CopilotError:
    code, reason = str(stated.get("Code", "")), str(stated.get("Message", ""))
    if code in _PASSING:
        return Unavailable(f"{what} is busy ({code})", where=where, hint="Try again.")
    if code in _DENIED:
        return ConfigError(f"{what} may not be used: {action} is denied", where=where, hint=f"Allow {action}.")
    if code in _IDENTITY:
        return ConfigError(f"the AWS credentials do not hold ({code})", where=where, hint=_SIGN_IN)
    if code in _MISSING:
        return ConfigError(f"{what} does not exist", where=where, hint="Deploy it, or name another one.")
    return ConfigError(f"{what} refused {action} ({code}): {reason}", where=where)
