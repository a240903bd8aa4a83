"""What happens while a question is answered, and the answer that ends it: the words that agent and faces share.

Plain data. It knows no agent framework, no model and no tool.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

__all__ = ["Answer", "Event", "TurnLog", "foreign", "redacted"]

_ACCOUNT = re.compile(r"\b\d{12}\b")
_ARN = re.compile(r"arn:aws[\w-]*:[^\s,;)]+")


@dataclass(frozen=True)
class Answer:
    """One answered question. `evidence` and `unknowns` are those of this turn's tools, `artifacts` their results.

    `tokens` are those that a language model has counted (`input`, `output`); `id` names the answer in the audit log.
    """

    answer: str
    tool_calls: tuple[Mapping[str, Any], ...] = ()
    evidence: tuple[Mapping[str, Any], ...] = ()
    unknowns: tuple[str, ...] = ()
    artifacts: tuple[Mapping[str, Any], ...] = ()
    error: str | None = None
    tokens: Mapping[str, int] | None = None
    id: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """As `ask --json` prints it."""
        data = {
            "answer": self.answer,
            "tool_calls": [dict(c) for c in self.tool_calls],
            "evidence": [dict(e) for e in self.evidence],
            "unknowns": list(self.unknowns),
            "artifacts": [dict(a) for a in self.artifacts],
        }
        more = {"tokens": dict(self.tokens) if self.tokens else None, "id": self.id, "error": self.error}
        return {**data, **{name: value for name, value in more.items() if value is not None}}


@dataclass(frozen=True)
class Event:
    """Something that happens while an answer is made.

    `data` by kind: tool_start {name, args, id}; tool_end {name, id, ok, artifact, seconds}; token {text};
    answer {answer: Answer}, always the last.
    """

    kind: Literal["tool_start", "tool_end", "token", "answer"]
    data: Mapping[str, Any]


@dataclass
class TurnLog:
    """What has been seen of a turn so far, for the answer that ends it.

    `ended` says that the turn was stopped by a bound, so that its text is ours and no model's.
    """

    calls: list[Mapping[str, Any]] = field(default_factory=list)
    artifacts: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    started: dict[str, float] = field(default_factory=dict)
    text: str = ""
    tokens: dict[str, int] = field(default_factory=dict)
    refused: dict[str, tuple[int, str]] = field(default_factory=dict)
    ended: bool = False

    def note(self, tool: str, call: str, refusal: str | None) -> None:
        """What was not done for the model, by tool, with the reason; a later call that works takes it back."""
        place = list(self.started).index(call)
        if refusal:
            self.refused[tool] = (place, refusal)
        elif tool in self.refused and self.refused[tool][0] < place:
            del self.refused[tool]

    def count(self, usage: Mapping[str, Any] | None) -> None:
        """Adds what a model's message has cost."""
        for name in ("input", "output"):
            if usage and f"{name}_tokens" in usage:
                self.tokens[name] = self.tokens.get(name, 0) + int(usage[f"{name}_tokens"])

    def answer(self, error: str | None = None) -> Answer:
        """The answer with everything the tools brought, in the order of the calls: they may end in another."""
        artifacts = [self.artifacts[i] for i in self.started if i in self.artifacts]
        evidence = {str(sorted(e.items(), key=str)): e for a in artifacts for e in a.get("evidence", ())}
        unknowns = dict.fromkeys(u for a in artifacts for u in a.get("unknowns", ()))
        not_done = "\n".join(["**Not done**", *(f"- {r}" for _, r in self.refused.values())]) if self.refused else ""
        text = "\n\n".join(part for part in (self.text, not_done, error) if part)
        return Answer(
            text,
            tuple(self.calls),
            tuple(evidence.values()),
            tuple(unknowns),
            tuple(artifacts),
            error,
            self.tokens or None,
        )


def redacted(text: str) -> str:
    """Account numbers and ARNs are nobody's business in a chat."""
    return _ACCOUNT.sub("(account)", _ARN.sub("(arn)", text))


def foreign(error: Exception) -> str:
    """What is told of a failure that is not ours."""
    return f"The model or a tool failed ({type(error).__name__}): {redacted(str(error))[:300] or 'no reason given'}."
