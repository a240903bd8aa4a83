"""Which chat model serves: the offline planner, Bedrock, or any other that LangChain knows, by one setting.

model = "offline"                       no model at all (the default)
model = "bedrock:<model or profile>"    Amazon Bedrock; an inference profile id such as eu.anthropic.…
model = "<provider>:<model>"            another LangChain provider, when its package is installed
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from knowledge.errors import ConfigError

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from tools.workspace import Workspace

__all__ = ["chat_model"]

_BEDROCK = "bedrock"
_CONNECT_SECONDS, _READ_SECONDS, _ATTEMPTS = 10, 120, 4


def chat_model(ws: Workspace, name: str | None = None) -> BaseChatModel:
    """The chat model that the settings (or `name`) ask for.

    Raises ConfigError for one that cannot be had, with what to install or set.
    """
    wanted = name or ws.settings.model
    provider, _, model = wanted.partition(":")
    if wanted == "offline":
        from agent.offline import OfflineModel

        return OfflineModel(assets=lambda: ws.assets.items)
    if not model:
        raise ConfigError(
            f"model {wanted!r} is not known",
            hint='Say "offline", "bedrock:<model or profile>", or "<provider>:<model>".',
        )
    return _bedrock(model) if provider == _BEDROCK else _other(provider, model)


def _bedrock(model: str) -> BaseChatModel:
    """ChatBedrockConverse with our own bounds: a read that stalls, and retries of what is worth retrying."""
    from botocore.config import Config
    from botocore.exceptions import BotoCoreError
    from langchain_aws import ChatBedrockConverse

    config = Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=_READ_SECONDS,
        retries={"max_attempts": _ATTEMPTS, "mode": "adaptive"},
    )
    try:
        return ChatBedrockConverse(model=model, temperature=0, config=config)
    except (BotoCoreError, ValueError) as error:
        raise ConfigError(
            f"Bedrock cannot be used: {error}", hint="Set AWS_REGION and credentials, as for any AWS tool."
        ) from None


def _other(provider: str, model: str) -> BaseChatModel:
    from langchain.chat_models import init_chat_model

    try:
        found: Any = init_chat_model(model, model_provider=provider, temperature=0)
    except ImportError as error:
        raise ConfigError(f"model provider {provider!r} needs a package that is not installed: {error}") from None
    except ValueError as error:
        raise ConfigError(f"model provider {provider!r} cannot be used: {error}") from None
    return found  # type: ignore[no-any-return]
