"""Writes only after the user's yes: what counts as a yes, and the guard that no model gets around.

A tool answers with drafts and the answer names them. Only when the person's next words are a yes does `write_drafts` run,
and only for drafts that this thread has shown. Tool results and documents cannot say yes: they are not the person.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from langchain.agents.middleware import AgentMiddleware
from langchain_core.messages import HumanMessage, ToolMessage

from agent.consent import is_yes
from tools.toolbox import WRITE

__all__ = ["ConsentMiddleware"]

_REFUSED = (
    "Error: nothing was written. The user has not said yes to these drafts: say which files they are, and ask. "
    "Only the user's own next message can allow it."
)


class ConsentMiddleware(AgentMiddleware[Any, Any]):
    """Lets a writing tool run only right after the user's yes, for what this thread has shown."""

    def wrap_tool_call(self, request: Any, handler: Callable[[Any], Any]) -> Any:
        """See LangChain."""
        call: Mapping[str, Any] = request.tool_call
        if call["name"] != WRITE or _allowed(request.state["messages"], call["args"]):
            return handler(request)
        return ToolMessage(_REFUSED, tool_call_id=call["id"], name=call["name"], status="error")


def _allowed(messages: Sequence[Any], args: Mapping[str, Any]) -> bool:
    last = max((i for i, m in enumerate(messages) if isinstance(m, HumanMessage)), default=-1)
    if last < 0 or not is_yes(str(messages[last].text)):
        return False
    before = next((i for i in range(last - 1, -1, -1) if isinstance(messages[i], HumanMessage)), 0)
    shown = [
        m.artifact for m in messages[before:last] if isinstance(m, ToolMessage) and isinstance(m.artifact, Mapping)
    ]
    return any(a.get("files") and a["tool"] == args.get("tool") and _same(a["args"], args.get("args")) for a in shown)


def _same(shown: Mapping[str, Any], wanted: Any) -> bool:
    given = wanted if isinstance(wanted, Mapping) else {}
    return dict(shown) == {k: v for k, v in given.items() if v is not None}
