"""What comes next in a thread when no model serves: tool calls, or the answer. Plain data, nothing of LangChain.

The decision comes from `agent.planning`, the words from the tools' results (`agent.narration`). Two drivers ask it: the
chat model of `agent.offline`, and `agent.direct` where no agent framework is needed.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from agent.consent import is_yes
from agent.narration import narrate
from agent.planning.classifier import Classifier, Weights
from agent.planning.decision import Decision
from agent.planning.memory import Call, Turn
from agent.planning.planner import Planner, Toolset
from knowledge.embeddings import Embedder, bundled
from tools.assets import Asset
from tools.toolbox import WRITE

__all__ = ["Reply", "Responder", "words"]

_ROUNDS = 3
_WORDS = re.compile(r"\S+\s*|\s+")


@dataclass(frozen=True)
class Reply:
    """Tools to call now, or else the text of the answer."""

    calls: tuple[Call, ...] = ()
    text: str = ""


class Responder:
    """Replies for one lake. Safe to share between threads.

    `assets` gives the lake's assets; it is asked at each turn, so that a lake that changed is seen.
    """

    def __init__(self, assets: Callable[[], Sequence[Asset]], embedder: Embedder | None = None) -> None:
        self._assets, self._embedder = assets, embedder
        self._lock = threading.Lock()
        self._planner: Planner | None = None
        self._planned_for: Sequence[Asset] = ()

    def reply(self, turns: Sequence[Turn], tools: Toolset) -> Reply:
        """The next step of the last turn: tool calls, or the answer once their results are there."""
        *before, now = turns or [Turn("")]
        if before and is_yes(now.question) and (writes := _writes(before[-1])) and WRITE in tools:
            return Reply(text=narrate(Decision(WRITE, writes), now.outcomes)) if now.calls else Reply(calls=writes)
        planner = self._ready()
        decision = planner.decide(now.question, planner.remember(before, tools), tools)
        waiting: Sequence[Call] = () if now.calls else decision.calls
        if now.calls and len(now.outcomes) >= len(now.calls) and len(now.calls) < len(decision.calls) + _ROUNDS:
            waiting = planner.after(decision, now.outcomes)
        return Reply(calls=tuple(waiting)) if waiting else Reply(text=narrate(decision, now.outcomes))

    def _ready(self) -> Planner:
        """The planner for the lake as it is now."""
        found = self._assets()
        with self._lock:
            if self._planner is None or found is not self._planned_for:
                self._planner = Planner(found, Classifier(Weights.load(), self._embedder or bundled()))
                self._planned_for = found
            return self._planner


def _writes(turn: Turn) -> tuple[Call, ...]:
    """Calls that write what a turn has drafted."""
    drafted = [o.artifact for o in turn.outcomes if not o.failed and o.artifact.get("files")]
    return tuple(Call(WRITE, {"tool": a["tool"], "args": dict(a["args"])}) for a in drafted)


def words(text: str) -> list[str]:
    """A text in the pieces in which it is streamed."""
    return _WORDS.findall(text)
