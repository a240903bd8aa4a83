"""An answer's receipts, and whether its tools would find the same today.

Each tool of the answer is run again with its arguments, and its result is held against the fingerprints in the audit
log. Tools that write are not run again. No model takes part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from agent.audit import AuditLog, Recorder
from knowledge.errors import CopilotError, InputError
from tools.receipts import differences, in_words
from tools.result import Evidence, counted
from tools.toolbox import TOOLS, answer_call, error_artifact

if TYPE_CHECKING:
    from tools.workspace import Workspace

__all__ = ["Replay", "replay"]

Verdict = Literal["same", "differs", "not_replayed"]
_SHOWN = 12


@dataclass(frozen=True)
class Step:
    """One tool call of the answer, then and now. `notes` are what differs, or why it was not run."""

    kept: Mapping[str, Any]
    verdict: Verdict
    notes: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        shown = ("name", "args", "kind", "evidence", "bytes_scanned", "seconds", "digest")
        return {**{k: self.kept.get(k) for k in shown}, "verdict": self.verdict, "notes": list(self.notes)}


@dataclass(frozen=True)
class Replay:
    """A question that was answered, with what its tools find now."""

    kind = "replay"
    entry: Mapping[str, Any]
    steps: tuple[Step, ...]

    @property
    def same(self) -> bool:
        """Whether every tool was run again and found the same."""
        return all(s.verdict == "same" for s in self.steps)

    @property
    def evidence(self) -> Sequence[Evidence]:
        """The receipts."""
        pairs = (e.partition(" ") for s in self.steps for e in s.kept.get("evidence", ()))
        return tuple(Evidence(kind, where) for kind, _, where in pairs)

    @property
    def unknowns(self) -> Sequence[str]:
        """Calls that were not run again."""
        return tuple(f"{s.kept['name']}: {n}" for s in self.steps if s.verdict == "not_replayed" for n in s.notes)

    def text(self) -> str:
        """The verdict, then each call with its receipts."""
        asked = self.entry["question"]
        said = f'"{asked}"' if asked else f"a call over {self.entry['thread']}"
        head = f"{said}, asked {self.entry['at']}: {self._verdict()}"
        return "\n\n".join([head, *(_told(s) for s in self.steps)])

    def _verdict(self) -> str:
        if not self.steps:
            return "no tool was called for it, so there is nothing to compute again."
        differing = sum(s.verdict == "differs" for s in self.steps)
        if differing:
            return f"{differing} of {counted(len(self.steps), 'result')} would differ now."
        if self.same:
            return f"the same now ({counted(len(self.steps), 'result')} computed again)."
        return "not all of it could be computed again."

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        about = {k: self.entry.get(k) for k in ("id", "at", "lake", "thread", "question", "model", "tokens", "error")}
        return {**about, "same": self.same, "steps": [s.to_dict() for s in self.steps]}


def replay(ws: Workspace, log: AuditLog, answer_id: str) -> Replay:
    """Computes an answer's tools again.

    Raises NotFound for an id that the log does not have, InputError for an answer about another lake.
    """
    entry = log.find(answer_id)
    if entry["lake"] != ws.settings.place:
        raise InputError(f"that question was about another lake, {entry['lake']}", hint="Name it with --lake.")
    recorder = Recorder(ws, log, "replay")
    return Replay(entry, tuple(_step(ws, recorder, kept) for kept in entry["tools"]))


def _step(ws: Workspace, recorder: Recorder, kept: Mapping[str, Any]) -> Step:
    spec = next((t for t in TOOLS if t.name == kept["name"]), None)
    if spec is None:
        return Step(kept, "not_replayed", (f"there is no tool {kept['name']} any more",))
    if spec.writes:
        return Step(kept, "not_replayed", ("it writes files; what it wrote is where its evidence says",))
    if kept.get("masked"):
        return Step(kept, "not_replayed", ("its arguments held something that the log does not keep",))
    try:
        _, artifact = answer_call(ws, spec, kept["args"])
    except CopilotError as error:
        artifact = error_artifact(spec.name, kept["args"], error)
    found = differences(kept, recorder.receipt(artifact))
    return Step(kept, "differs" if found else "same", tuple(found))


_WORDS: Mapping[Verdict, str] = {"same": "the same", "differs": "differs", "not_replayed": "not computed again"}


def _told(step: Step) -> str:
    args = ", ".join(f"{k}={v}" for k, v in step.kept["args"].items())
    lines = [f"- `{step.kept['name']}({args})`: {_WORDS[step.verdict]}"]
    lines += [f"  - {note}" for note in step.notes[:_SHOWN]]
    if len(step.notes) > _SHOWN:
        lines.append(f"  - and {len(step.notes) - _SHOWN} more")
    lines.append(f"  - receipts: {in_words(step.kept, _SHOWN)}")
    return "\n".join(lines)
