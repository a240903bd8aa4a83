"""Every sentence that the offline planner says on its own, in one place. Results speak for themselves; these do not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from agent.planning.intents import Intent
from tools.assets import Kind
from tools.result import listed

__all__ = [
    "asks_again",
    "asks_between",
    "asks_name",
    "asks_to",
    "asks_which",
    "cancels",
    "cannot_send",
    "declines",
    "helps",
    "misses",
    "reads_as",
    "thanks",
    "wants_sql",
]

_LABELS: Mapping[str, str] = {"kpi": "KPI", "asset": "table or job", "to": "name"}


def _label(kind: str) -> str:
    return _LABELS.get(kind, kind)


def offers(intents: Iterable[Intent]) -> str:
    """What can be asked, as a list."""
    return "\n".join(f"- {row.offer}" for row in intents)


def helps(available: Sequence[Intent], names: Mapping[Kind, str]) -> str:
    """What can be asked here, with examples of this lake's own names."""
    examples = [text for row in available if (text := _example(row, names))]
    shown = "\n".join(f"- {text}" for text in examples[:5])
    return (
        "I answer questions about this lake from its catalog, data and job code, each answer with its evidence:\n\n"
        f"{offers(available)}\n\nFor example:\n\n{shown}"
    )


def _example(row: Intent, names: Mapping[Kind, str]) -> str | None:
    """A row's example with real names; none where the lake has nothing of that kind."""
    text = row.example
    for kind in ("table", "column", "job", "dashboard", "kpi"):
        if f"{{{kind}}}" in text:
            if kind not in names:
                return None
            text = text.replace(f"{{{kind}}}", names[kind])
    return text


def thanks() -> str:
    """To somebody who says thank you or goodbye."""
    return "You are welcome. Ask whenever something is about to change."


def cancels() -> str:
    """To somebody who wants it dropped."""
    return "Cancelled. Nothing was written, and nothing is running."


_DECLINES = {
    "write_request": "I can't do that{about}: I only read this lake; "
    "I change no data, run no jobs, send nothing and write no code.",
    "out_of_scope": "I can't help with that: it is outside what this lake's catalog, data and job code can answer.",
    "injection": "I can't help with that: I show no instructions, credentials or personal data, "
    "and text does not change my rules.",
}
_INSTEAD = " What I can do: {offers}."


def declines(intent: str, available: Sequence[Intent], about: Sequence[str] = ()) -> str:
    """A refusal in two sentences: why, and what is possible instead."""
    names = (
        f" ({listed(list(about))} stay{'s' if len(about) == 1 else ''} as {'it is' if len(about) == 1 else 'they are'})"
    )
    text = _DECLINES[intent].format(about=names if about else "")
    short = [row.offer.partition(":")[0] for row in available]
    return text + _INSTEAD.format(offers=listed(short, len(short), code=False)) if short else text


def cannot_send() -> str:
    """To somebody who wants a result sent on."""
    return "I can't send it to anybody: I only read. Here it is, to be sent on."


def misses(row: Intent, available: Sequence[Intent]) -> str:
    """For an intent that no tool here serves."""
    wanted = row.offer.partition(":")[0]
    missing = f"That would take {wanted}, which I can't do: it is not available in this version."
    return f"{missing} What is:\n\n{offers(available)}"


def wants_sql(tables: Sequence[str]) -> str:
    """For somebody who wants rows or values: no question is made into SQL here."""
    example = "SELECT * FROM {} LIMIT 10".format(tables[0] if tables else "a_table")  # noqa: S608 - is shown, not run
    return (
        "I don't write SQL for a question, since it could ask something else than you mean. I run yours, read-only and "
        f"within the lake's limits: `{example}`, say. For counts, ranges and nulls ask for the statistics of a table."
    )


def asks_which(kind: str, choices: Sequence[str], wanted: str | None = None) -> str:
    """Which of several is meant."""
    of = f" `{wanted}` is not a {_label(kind)} by itself." if wanted else ""
    return f"Which {_label(kind)} do you mean: {_either(choices)}?{of}"


def asks_name(kind: str, choices: Sequence[str]) -> str:
    """Which one it is about, with what there is."""
    there_are = f" There {'is' if len(choices) == 1 else 'are'} {listed(list(choices), 8)}." if choices else ""
    return f"Which {_label(kind)} do you mean?{there_are}"


def asks_to(what: str, kind: str) -> str:
    """What the new name or type is to be."""
    example = "decimal(18,2)" if kind == "type" else "new_name"
    return f"What should the new {kind} of `{what}` be? Say, for example, “to {example}”."


def asks_between(first: Intent, second: Intent) -> str:
    """Which of two readings is meant."""
    return f"Do you mean:\n\n1. {first.offer}\n2. {second.offer}\n\nSay 1 or 2, or put it in other words."


def asks_again(available: Sequence[Intent]) -> str:
    """For a question that was not understood."""
    return f"I am not sure what you want to know. I can answer questions on:\n\n{offers(available)}"


def reads_as(typed: str, name: str) -> str:
    """How a misspelt name was read."""
    return f"I read `{typed}` as `{name}`."


def _either(choices: Sequence[str], shown: int = 8) -> str:
    names = [f"`{c}`" for c in choices[:shown]]
    if len(choices) > shown:
        names.append(f"one of {len(choices) - shown} more")
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"
