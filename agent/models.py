"""Which chat model serves: the offline planner, Bedrock, or any other that LangChain knows, by one setting.

model = "offline"                       no model at all (the default)
model = "bedrock:<model or profile>"    Amazon Bedrock; an inference profile's id or ARN, such as eu.anthropic.…;
                                        [bedrock] in copilot.toml has the guardrail, region, limits
model = "<provider>:<model>"            another LangChain provider, when its package is installed
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from knowledge.errors import ConfigError, Unavailable

if TYPE_CHECKING:
    from langchain_core.language_models import BaseChatModel

    from tools.workspace import Workspace

__all__ = ["StreamBroken", "chat_model"]


class StreamBroken(Unavailable):
    """A model's answer broke off after its first words. Only the whole turn can be tried again, without them."""


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
    if provider == "bedrock":
        from agent.bedrock import open_bedrock

        return open_bedrock(model, ws.settings.bedrock)
    return _other(provider, model)


def _other(provider: str, model: str) -> BaseChatModel:
    from langchain.chat_models import init_chat_model

    try:
        found: Any = init_chat_model(model, model_provider=provider, temperature=0)
    except ImportError as error:
        raise ConfigError(f"model provider {provider!r} needs a package that is not installed: {error}") from None
    except ValueError as error:
        raise ConfigError(f"model provider {provider!r} cannot be used: {error}") from None
    return found  # type: ignore[no-any-return]
