"""Deadlines for LangChain: tools get the time that is left, and a model is not asked again when there is none."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from langchain.agents.middleware import AgentMiddleware
from langchain_core.messages import AIMessage, ToolMessage
from langgraph.config import get_config

from agent.deadlines import ENDED, Deadline
from knowledge.errors import LimitExceeded
from tools.settings import LimitSettings
from tools.toolbox import error_artifact

__all__ = ["DEADLINE", "DeadlineMiddleware"]

DEADLINE = "__deadline"
"""Where a run's configuration holds its deadline; such keys are not kept with the thread."""


class DeadlineMiddleware(AgentMiddleware[Any, Any]):
    """Holds each tool and the turn to their time."""

    def __init__(self, limits: LimitSettings) -> None:
        super().__init__()
        self._limits = limits

    def wrap_model_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        """See LangChain."""
        deadline = self._deadline()
        return AIMessage(deadline.ended, response_metadata={ENDED: True}) if deadline.over else handler(request)

    def wrap_tool_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        """See LangChain."""
        call: Mapping[str, Any] = request.tool_call
        try:
            return self._deadline().run(call["name"], lambda: handler(request))
        except LimitExceeded as error:
            artifact = error_artifact(call["name"], call["args"], error)
            return ToolMessage(
                f"Error: {error.message}",
                artifact=artifact,
                tool_call_id=call["id"],
                name=call["name"],
                status="error",
            )

    def _deadline(self) -> Deadline:
        stated = get_config().get("configurable", {}).get(DEADLINE)
        return stated if isinstance(stated, Deadline) else Deadline.of(self._limits)
