"""What a language model never sees: values of personal columns, masked in every request on its way out.

It sits at the last step before the model. The thread keeps what the tools found, so the person who asked sees it, the
check of answers knows it, and the offline planner, which is no model and sends nothing anywhere, works with it. What the
person types goes to the model as typed: that is theirs to decide.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain.agents.middleware import AgentMiddleware
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from tools.privacy import Masker

__all__ = ["MaskingMiddleware"]


class MaskingMiddleware(AgentMiddleware[Any, Any]):
    """Masks what tools found, and what was said of it, in each request to the model."""

    def __init__(self, masker: Masker) -> None:
        super().__init__()
        self._masker = masker

    def wrap_model_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        """See LangChain."""
        return handler(request.override(messages=self._masked(request.messages)))

    def _masked(self, messages: Sequence[BaseMessage]) -> list[BaseMessage]:
        found = [m.artifact for m in messages if isinstance(m, ToolMessage) and isinstance(m.artifact, Mapping)]
        values = self._masker.values(found)
        return [self._message(m, values) for m in messages]

    def _message(self, message: BaseMessage, values: Mapping[str, str]) -> BaseMessage:
        if isinstance(message, ToolMessage | AIMessage):
            return message.model_copy(update={"content": self._content(message.content, values)})
        return message

    def _content(self, content: Any, values: Mapping[str, str]) -> Any:
        if isinstance(content, str):
            return self._masker.text(content, values)
        if isinstance(content, list):  # blocks, as some providers give them; their signatures must stay as they are
            return [
                {**b, "text": self._masker.text(b["text"], values)} if isinstance(b, dict) and "text" in b else b
                for b in content
            ]
        return content
