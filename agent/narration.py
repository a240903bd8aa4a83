"""Turns typed tool results into an answer: the first sentence answers, evidence follows, then what is not known.

Names and numbers are the tools' own words; nothing is added to them here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agent.planning.decision import Decision
from agent.planning.memory import Outcome, Thing
from tools.result import listed

__all__ = ["narrate"]

_ERROR = "Error: "
_REACHED = {
    "breaks": "breaks",
    "stale": "goes stale",
    "unexpected": "does not expect it",
    "values_change": "changes its values",
    "no_reader": "has no reader left",
    "may_be_affected": "may be affected",
    "not_affected": "is not affected",
}


def narrate(decision: Decision, outcomes: Sequence[Outcome]) -> str:
    """The answer, as Markdown."""
    parts = [f"_{note}_" for note in decision.notes]
    parts += [text for thing in decision.focus for text in _on(thing, outcomes)]
    shown = [o for o in outcomes if not (o.tool == "list_assets" and decision.ask is not None)]
    parts += [_words(o) for o in shown]
    if decision.say:
        parts.append(decision.say)
    if files := [str(f) for o in outcomes if not o.failed for f in o.artifact.get("files", ())]:
        what = listed([f"output/{f}" for f in dict.fromkeys(files)], 6)
        parts.append(f"Nothing is written yet. These are drafts: {what}. Say **yes** to have them written.")
    return "\n\n".join(dict.fromkeys(p for p in parts if p)) or "There is nothing to say to that."


def _words(outcome: Outcome) -> str:
    if not outcome.failed:
        return outcome.text
    code, message = outcome.data.get("error"), outcome.text.removeprefix(_ERROR)
    if code == "ambiguous":
        name, choices = outcome.data.get("name"), [str(c) for c in outcome.data.get("candidates", ())]
        return f"Which `{name}` do you mean: {_either(choices)}?"
    if code == "not_found":
        near = [str(n) for n in outcome.data.get("nearest", ())]
        hint = f" Did you mean {_either(near)}?" if near else ""
        kind = outcome.data.get("kind")
        what = "table, job, dashboard, KPI or column" if kind == "name" else kind
        return f"There is no {what} `{outcome.data.get('name')}` in this lake: it was not found.{hint}"
    if outcome.tool == "diff" and code == "bad_input":
        message += " Without it, whether a filter, join, grouping or expression changed is not known."
    return f"That could not be answered: {message}"


def _either(names: Sequence[str]) -> str:
    """Choices: "`a`, `b` or `c`"."""
    text = listed(names, shown=20)
    head, joint, last = text.rpartition(" and ")
    return f"{head} or {last}" if joint else text


def _on(thing: Thing, outcomes: Sequence[Outcome]) -> list[str]:
    """What the results say about something that the question asks for by name."""
    return [text for o in outcomes if not o.failed for text in _in_result(thing, o.data, str(o.artifact.get("kind")))]


def _in_result(thing: Thing, data: Mapping[str, Any], kind: str) -> list[str]:
    if kind == "impact":
        item = next((i for i in data.get("items", ()) if _is(thing, i)), None)
        if item is None:
            return [f"`{_short(thing.name)}` is not reached."]
        return [f"`{_short(thing.name)}` {_REACHED[str(item['verdict'])]}: {item['reason']}."]
    if kind == "lineage":
        reached = any(_is(thing, n) for n in data.get("nodes", ()))
        side = f"{data.get('direction')} of `{data.get('asset', {}).get('name')}`"
        return [f"`{_short(thing.name)}` is {'' if reached else 'not '}{side}."]
    return []


def _is(thing: Thing, node: Mapping[str, Any]) -> bool:
    return node.get("kind") == thing.kind and _short(thing.name).lower() == str(node.get("name", "")).lower()


def _short(name: str) -> str:
    return name if " " in name else ".".join(name.split(".")[-2:]) if name.count(".") > 1 else name.rpartition(".")[2]
