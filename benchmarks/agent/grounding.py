"""How well unsupported claims are caught: true answers with one thing made wrong, beside the true ones.

    python -m benchmarks.agent.grounding [LAKE]      # by default .demo/wealth

Answers come from the offline copilot on questions about every table, job and KPI of the lake. Each is changed in one
place: another name, another number, another count, another date, a direction turned round, one thing of a whole list
left out. The baseline, in the same run, looks for each word of the answer in the text of the results.
"""

from __future__ import annotations

import random
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from agent.direct import DirectCopilot
from agent.grounding import unsupported
from tools.settings import load_settings
from tools.workspace import Workspace, open_workspace

Artifacts = Sequence[Mapping[str, Any]]
Mutation = Callable[[str, Artifacts, random.Random, Workspace], str | None]
SEED = 7
EACH = 3  # mutations of one kind for each answer


def questions(ws: Workspace) -> list[str]:
    """What people ask about each thing of a lake."""
    found = []
    for asset in ws.assets.all():
        if asset.kind == "table":
            found += [
                f"who reads {asset.short}?",
                f"how many rows does {asset.short} have?",
                f"which columns does {asset.short} have?",
            ]
            found += [f"where does {asset.short} come from?", f"what breaks if I drop table {asset.short}"]
        elif asset.kind == "job":
            found += [f"what does {asset.short} do?", f"what if {asset.short} is late?"]
        else:
            found.append(f"where does {asset.name} come from?")
    return found


def another_name(answer: str, artifacts: Artifacts, chance: random.Random, ws: Workspace) -> str | None:
    """A name of the answer becomes one that no result has."""
    names = [n for n in re.findall(r"`([\w.]+)`", answer) if "_" in n or "." in n]
    if not names:
        return None
    said = str(artifacts).lower()
    others = [a.short for a in ws.assets.items if a.short.lower() not in said and a.column.lower() not in said]
    other = (
        chance.choice(others) if others and chance.random() < 0.5 else f"{chance.choice(names)}_v{chance.randint(2, 9)}"
    )
    return answer.replace(f"`{chance.choice(names)}`", f"`{other}`", 1)


def another_number(answer: str, artifacts: Artifacts, chance: random.Random, ws: Workspace) -> str | None:
    """A number of at least two digits changes."""
    del artifacts, ws
    found = [
        m
        for m in re.finditer(r"(?<![\w.,:/`-])\d[\d,]*\d(?:\.\d+)?(?![\w/`:-])", answer)
        if "," in m[0] or len(m[0]) > 2
    ]
    if not found:
        return None
    chosen = chance.choice(found)
    value = int(float(chosen[0].replace(",", ""))) + chance.choice((-1, 1)) * chance.randint(7, 3_000)
    return f"{answer[: chosen.start()]}{abs(value):,}{answer[chosen.end() :]}"


def another_count(answer: str, artifacts: Artifacts, chance: random.Random, ws: Workspace) -> str | None:
    """ "3 jobs" becomes a count that no list of the results has."""
    del ws
    found = list(re.finditer(r"\b(\d+) (jobs?|tables?|columns?|dashboards?|KPIs?|rows?|more)\b", answer))
    if not found:
        return None
    chosen = chance.choice(found)
    return f"{answer[: chosen.start(1)]}{int(chosen[1]) + chance.choice((23, 37, 59))}{answer[chosen.end(1) :]}"


def another_date(answer: str, artifacts: Artifacts, chance: random.Random, ws: Workspace) -> str | None:
    """A date becomes another one."""
    del artifacts, ws
    found = list(re.finditer(r"(?<!\d)20\d\d-\d\d-\d\d(?!\d)", answer))
    if not found:
        return None
    chosen = chance.choice(found)
    return f"{answer[: chosen.start()]}2019-0{chance.randint(1, 9)}-1{chance.randint(0, 9)}{answer[chosen.end() :]}"


def turned_round(answer: str, artifacts: Artifacts, chance: random.Random, ws: Workspace) -> str | None:
    """A sentence that says an edge the wrong way."""
    del ws
    edges = [
        (str(e["from"]), str(e["to"])) for a in artifacts for e in (a.get("data") or {}).get("edges", ()) if "from" in e
    ]
    short = [(a.partition(":")[2].rpartition(".")[2], b.partition(":")[2].rpartition(".")[2]) for a, b in edges]
    plain = [(a, b) for a, b in short if re.fullmatch(r"\w+", a) and re.fullmatch(r"\w+", b) and a != b]
    if not plain:
        return None
    a, b = chance.choice(plain)
    return f"{answer}\n\n`{b}` feeds `{a}`."


def left_out(answer: str, artifacts: Artifacts, chance: random.Random, ws: Workspace) -> str | None:
    """ "All of them", with one left out."""
    del ws
    for artifact in artifacts:
        names = [str(n["name"]) for n in (artifact.get("data") or {}).get("nodes", ())]
        if len(names) > 3:
            kept = [n for n in names if n != chance.choice(names[1:])]
            if len(kept) < len(names):
                return f"These are all: {', '.join(f'`{n}`' for n in kept)}."
    return None


MUTATIONS: Mapping[str, Mutation] = {
    "another name": another_name,
    "another number": another_number,
    "another count": another_count,
    "another date": another_date,
    "turned round": turned_round,
    "left out": left_out,
}


def by_words(answer: str, artifacts: Artifacts) -> bool:
    """The baseline: whether some word or number of the answer is not in the results' text."""
    said = str([a.get("data") for a in artifacts]).lower()
    return any(w.lower() not in said for w in re.findall(r"`([^`]+)`|\b(\d[\d,.]*)\b", answer) for w in w if w)


def main(lake: Path) -> int:
    """Prints what is caught and what is alarmed on."""
    if not (lake / "jobs").is_dir():
        print(f"not measured: there is no lake at {lake}; build one with `de-copilot demo --build-only`")
        return 0
    ws = open_workspace(load_settings(lake=lake, environ={}))
    copilot, chance = DirectCopilot(ws), random.Random(SEED)
    counts: dict[str, list[int]] = {}
    alarms = [0, 0, 0]
    for question in questions(ws):
        answer = copilot.ask(question)
        alarms[2] += 1
        alarms[0] += bool(unsupported(answer.answer, answer.artifacts, [question]))
        alarms[1] += by_words(answer.answer, answer.artifacts)
        for name, mutate in MUTATIONS.items():
            for _ in range(EACH):
                wrong = mutate(answer.answer, answer.artifacts, chance, ws)
                if wrong is None or wrong == answer.answer:
                    continue
                row = counts.setdefault(name, [0, 0, 0])
                row[0] += bool(unsupported(wrong, answer.artifacts, [question]))
                row[1] += by_words(wrong, answer.artifacts)
                row[2] += 1
    print(f"{'':24} caught           words only       of")
    for name, (ours, words, total) in counts.items():
        print(f"{name:24} {ours / total:8.1%}         {words / total:8.1%}     {total:6}")
    ours, words, total = (sum(c[i] for c in counts.values()) for i in range(3))
    print(f"{'all wrong answers':24} {ours / total:8.1%}         {words / total:8.1%}     {total:6}")
    print(
        f"{'alarms on true answers':24} {alarms[0] / alarms[2]:8.1%}         {alarms[1] / alarms[2]:8.1%}     {alarms[2]:6}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else ".demo/wealth")))
