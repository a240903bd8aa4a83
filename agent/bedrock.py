"""A chat model on Amazon Bedrock that fails as the rest of the house does, and bears what a service does on a bad day.

`ChatBedrockConverse` leaves some of that to its users: a stream that breaks off is retried by nobody, `read_timeout`
counts from the last byte (a slow answer never ends), and errors come as three libraries make them. Here a break before
the first word is retried; after it the turn must start again (`StreamBroken`), since words cannot be taken back. It
must not know what is asked, or why.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionError,
    HTTPClientError,
    NoCredentialsError,
    PartialCredentialsError,
)
from langchain_aws import ChatBedrockConverse
from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.exceptions import ContextOverflowError
from langchain_core.messages import AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult
from urllib3.exceptions import HTTPError

from agent.models import StreamBroken
from knowledge.errors import ConfigError, CopilotError, Unavailable
from tools.settings import BedrockSettings

__all__ = ["BedrockChat", "open_bedrock"]

_CONNECT_SECONDS = 10
_ATTEMPTS = 4
_STREAMS = 3
_FIRST_WAIT = 0.5
_PASSING = frozenset({
    "InternalServerException",
    "ModelErrorException",
    "ModelNotReadyException",
    "ModelStreamErrorException",
    "ModelTimeoutException",
    "ServiceUnavailableException",
    "ThrottlingException",
})  # fmt: skip
_CREDENTIALS = frozenset({"ExpiredTokenException", "InvalidSignatureException", "UnrecognizedClientException"})
_FOREIGN = (BotoCoreError, ClientError, HTTPError, OSError)


class BedrockChat(ChatBedrockConverse):
    """Bedrock's Converse API.

    Attributes:
        seconds: the longest an answer may take; checked at each event, so a silent server ends by its read timeout.
        cache_prompts: whether the unchanging beginning of a conversation is cached, where the model can.
    """

    seconds: float = 180.0
    cache_prompts: bool = True
    caching_models: ClassVar[tuple[str, ...]] = ("anthropic", "amazon.nova")

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        try:
            return super()._generate(messages, stop, run_manager, **self._cached(kwargs))
        except ContextOverflowError:
            raise
        except _FOREIGN as error:
            raise self._ours(error) from error

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        until = time.monotonic() + self.seconds
        for attempt in range(1, _STREAMS + 1):
            said = False
            try:
                for chunk in super()._stream(messages, stop, run_manager, **self._cached(kwargs)):
                    said = said or _says(chunk)
                    yield self._in_time(chunk, until)
                return
            except ContextOverflowError:
                raise
            except _FOREIGN as error:
                failure = self._broken(error, said, last=attempt == _STREAMS)
                if failure is not None:
                    raise failure from error
            time.sleep(_FIRST_WAIT * 2 ** (attempt - 1))

    def _cached(self, kwargs: Mapping[str, Any]) -> dict[str, Any]:
        model = (self.base_model_id or self.model_id).lower()
        can = self.cache_prompts and any(name in model for name in self.caching_models)
        return {"cache_control": {"type": "ephemeral", "ttl": "5m"}, **kwargs} if can else dict(kwargs)

    def _in_time(self, chunk: ChatGenerationChunk, until: float) -> ChatGenerationChunk:
        if time.monotonic() > until:
            raise Unavailable(
                f"the model did not finish its answer within {self.seconds:g} seconds",
                where=self.model_id,
                hint="Ask for less, or raise DE_COPILOT_BEDROCK_SECONDS.",
            )
        return chunk

    def _broken(self, error: Exception, said: bool, *, last: bool) -> CopilotError | None:
        """What to raise for a stream that ended early; None when it is worth trying again."""
        failure = self._ours(error)
        if not isinstance(failure, Unavailable):
            return failure
        if said:
            return StreamBroken("the model's answer broke off", where=self.model_id, hint="Ask again.")
        return failure if last or _was_retried(error) else None

    def _ours(self, error: Exception) -> CopilotError:
        """The error in the house's words: what, where, and what to do next."""
        if isinstance(error, ClientError):
            return self._refused(error)
        if isinstance(error, NoCredentialsError | PartialCredentialsError):
            return ConfigError("there are no AWS credentials", hint="Set them as for any AWS tool.")
        if isinstance(error, HTTPClientError | ConnectionError | HTTPError | OSError):
            return Unavailable(
                f"Bedrock did not answer ({type(error).__name__})", where=self.model_id, hint="Try again."
            )
        return ConfigError(f"Bedrock cannot be used: {error}", where=self.model_id)

    def _refused(self, error: ClientError) -> CopilotError:
        stated = error.response.get("Error", {})
        code, reason = str(stated.get("Code", "")), str(stated.get("Message", ""))
        code = code[:1].upper() + code[1:]  # in the middle of a stream it begins in lower case
        if code in _PASSING:
            return Unavailable(f"Bedrock could not answer ({code}): {reason}", where=self.model_id, hint="Try again.")
        return ConfigError(
            f"Bedrock refused the request ({code}): {reason}", where=self.model_id, hint=_hint(code, reason)
        )


def _hint(code: str, reason: str) -> str | None:
    if code in _CREDENTIALS:
        return "Renew the AWS credentials."
    if code == "AccessDeniedException":
        return (
            "Allow bedrock:InvokeModel and bedrock:InvokeModelWithResponseStream on the inference profile and on the "
            "model behind it, and see that the account has access to the model."
        )
    if "inference profile" in reason:
        return "Name the profile, such as bedrock:eu.anthropic.…, instead of the model."
    return "See `de-copilot doctor`." if code == "ResourceNotFoundException" else None


def _says(chunk: ChatGenerationChunk) -> bool:
    message = chunk.message
    return bool(chunk.text) or (isinstance(message, AIMessageChunk) and bool(message.tool_call_chunks))


def _was_retried(error: Exception) -> bool:
    """Whether botocore has already tried as often as it should: then another round is only a longer wait."""
    if not isinstance(error, ClientError):
        return False
    return int(error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0)) > 0


def open_bedrock(model: str, settings: BedrockSettings) -> BedrockChat:
    """The chat model that the settings describe. Raises ConfigError when there is no region to ask in."""
    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=settings.read_seconds,
        retries={"total_max_attempts": _ATTEMPTS, "mode": "standard"},
    )
    guardrail = settings.guardrail and {
        "guardrailIdentifier": settings.guardrail,
        "guardrailVersion": settings.guardrail_version,
    }
    behind: dict[str, Any] = {"base_model": settings.base_model} if settings.base_model else {}
    try:
        return BedrockChat(
            model=model,
            **behind,
            region_name=settings.region,
            temperature=0,
            max_tokens=settings.max_tokens,
            config=config,
            guardrails=guardrail or None,
            seconds=settings.seconds,
            cache_prompts=settings.cache_prompts,
        )
    except (BotoCoreError, ValueError) as error:
        raise ConfigError(
            f"Bedrock cannot be used: {error}", hint="Set AWS_REGION and credentials, as for any AWS tool."
        ) from None
