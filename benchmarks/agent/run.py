"""Scores chats: every gate has to hold for an item to pass.

    python -m benchmarks.agent.run CHATS.jsonl [--lake .demo/wealth] [--model bedrock:<profile>] [-v]

Each line of the file is a chat: id, turns, expected_tools, must_mention, must_not, category. Earlier turns are replayed
for real, the last one is scored: the tools that ran, their arguments, what is mentioned and what must not be, every name
and number of the answer grounded in tool results, every node of a result named or counted, the workspace unchanged.
Two baselines stand beside it in the same run: a keyword tool choice, and an echo of the question. Figures are given by
category with Wilson intervals at 95 %.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from agent.copilot import build_copilot
from agent.grounding import unsupported
from tools.settings import load_settings
from tools.workspace import Workspace, open_workspace

LOOKUPS = frozenset({"schema", "list_assets"})
LISTED = ("nodes", "items")


@dataclass(frozen=True)
class Reply:
    """What a copilot did with the last turn."""

    answer: str
    calls: Sequence[Mapping[str, Any]] = ()
    artifacts: Sequence[Mapping[str, Any]] = ()
    questions: Sequence[str] = ()
    unchanged: bool = True


@dataclass
class Tally:
    """Passed and scored, by category."""

    counts: dict[str, list[int]] = field(default_factory=dict)

    def add(self, category: str, passed: bool) -> None:
        """Counts one item."""
        for name in (category, "all"):
            pair = self.counts.setdefault(name, [0, 0])
            pair[0] += passed
            pair[1] += 1


def wilson(passed: int, total: int) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927)."""
    if not total:
        return 0.0, 1.0
    z, p = 1.96, passed / total
    middle, spread = p + z * z / (2 * total), z * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    return (middle - spread) / (1 + z * z / total), (middle + spread) / (1 + z * z / total)


# --------------------------------------------------------------------------- gates


def failures(item: Mapping[str, Any], reply: Reply, ws: Workspace) -> list[str]:
    """The gates that do not hold; empty for an item that passes."""
    return [
        *_tools(item, reply, ws),
        *(f"does not mention {m}" for m in item["must_mention"] if not _mentioned(m, reply.answer)),
        *_forbidden(item, reply),
        *(f"not grounded: {claim}" for claim in _ungrounded(reply, ws)),
        *_incomplete(reply),
        *([] if reply.unchanged else ["the workspace was changed"]),
    ]


def _tools(item: Mapping[str, Any], reply: Reply, ws: Workspace) -> list[str]:
    expected = [e for e in item["expected_tools"] if e["name_intent"] != "none"]
    wanted = {e["name_intent"] for e in expected}
    ran = {str(c["name"]) for c in reply.calls}
    found = []
    if ran - wanted - LOOKUPS or (not expected and ran - LOOKUPS):
        found.append(f"ran {sorted(ran)}, wanted {sorted(wanted)}")
    for one in expected:
        calls = [c for c in reply.calls if c["name"] == one["name_intent"]]
        if not any(_fits(one["args"], c["args"], ws) for c in calls):
            found.append(
                f"no call of {one['name_intent']} with {one['args']} in {[(c['name'], c['args']) for c in reply.calls]}"
            )
    return found


def _fits(expected: Mapping[str, Any], actual: Mapping[str, Any], ws: Workspace) -> bool:
    return all(_same(value, actual.get(name), ws) for name, value in expected.items())


def _same(expected: Any, actual: Any, ws: Workspace) -> bool:
    if actual is None:
        return False
    if isinstance(expected, str) and expected.startswith("~"):
        said = str(actual).lower()
        return all(word in said for word in expected[1:].lower().split())
    options = expected.split("|") if isinstance(expected, str) else [expected]
    return any(_normal(o, ws) == _normal(actual, ws) for o in options)


def _normal(value: Any, ws: Workspace) -> str:
    text = str(value).lower().replace(" ", "")
    database = f"{ws.lake.default_database}."
    return text.removeprefix(database)


def _plain(text: str) -> str:
    return text.lower().replace(",", "").replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").replace("`", "")


def _mentioned(options: str, answer: str) -> bool:
    return any(_plain(o) in _plain(answer) for o in options.split("|"))


def _forbidden(item: Mapping[str, Any], reply: Reply) -> list[str]:
    found = []
    for text in item["must_not"]:
        if text.startswith("tool:"):
            if any(c["name"] == text[5:] for c in reply.calls):
                found.append(f"ran {text[5:]}")
        elif _plain(text) in _plain(reply.answer):
            found.append(f"says {text!r}")
    return found


def _ungrounded(reply: Reply, ws: Workspace) -> list[str]:
    # Without a result the catalog is all there is to speak of.
    known = [] if reply.artifacts else [form for a in ws.assets.items for form in (a.name, a.short, a.column)]
    return [c.text for c in unsupported(reply.answer, reply.artifacts, reply.questions, known)]


def _incomplete(reply: Reply) -> list[str]:
    """Nodes of a lineage or an impact that the answer neither names nor counts."""
    found = []
    said = _plain(reply.answer)
    for artifact in reply.artifacts:
        if artifact.get("kind") not in ("lineage", "impact"):
            continue
        names = [
            str(n.get("name", "")) for key in LISTED for n in artifact["data"].get(key, ()) if isinstance(n, Mapping)
        ]
        missing = [n for n in names if _plain(n.rpartition(".")[2] if " " not in n else n) not in said]
        if missing and not re.search(r"\b\d+ more\b", said):
            found.append(f"leaves out {missing[:4]}")
    return found


# --------------------------------------------------------------------------- who answers


def copilot_reply(ws: Workspace, model: str | None) -> Callable[[Mapping[str, Any]], Reply]:
    """The product itself."""
    from agent.models import chat_model

    copilot = build_copilot(ws, chat_model(ws, model) if model else None)

    def reply(item: Mapping[str, Any]) -> Reply:
        before = _state(ws.settings.lake)
        artifacts: list[Mapping[str, Any]] = []
        for turn in item["turns"]:
            answer = copilot.ask(turn, str(item["id"]))
            artifacts += answer.artifacts
        # An answer may rest on what earlier turns of the thread found.
        last = {id(a) for a in answer.artifacts}
        ordered = [a for a in artifacts if id(a) not in last]
        unchanged = _state(ws.settings.lake) == before
        shown = Reply(answer.answer, answer.tool_calls, answer.artifacts, item["turns"], unchanged)
        return shown if not ordered else Reply(*_fields(shown), item["turns"], unchanged)

    return reply


def _fields(reply: Reply) -> tuple[str, Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]]:
    return reply.answer, reply.calls, reply.artifacts


KEYWORDS = (
    ("impact", ("drop", "break", "rename", "change", "late")),
    ("lineage_upstream", ("come from", "upstream", "trace")),
    ("lineage_downstream", ("reads", "downstream", "depend")),
    ("tests", ("test",)),
    ("contract", ("contract",)),
    ("docs", ("document", "docs", "explain")),
    ("report", ("report",)),
    ("kpi_simulation", ("last 90", "simulate")),
    ("search_docs", ("why", "runbook", "decide")),
    ("schema", ("column",)),
    ("stats", ("rows", "count")),
    ("job_summary", ("job",)),
    ("list_assets", ("what tables", "which")),
)


def keyword_reply(ws: Workspace) -> Callable[[Mapping[str, Any]], Reply]:
    """A baseline: the first keyword chooses the tool, the last name that is known is its asset."""
    names = [a.short for a in ws.assets.all()]

    def reply(item: Mapping[str, Any]) -> Reply:
        text = item["turns"][-1].lower()
        tool = next((t for t, words in KEYWORDS if any(w in text for w in words)), None)
        known = [n for n in names if n.lower() in text]
        calls = [{"name": tool, "args": {"asset": known[-1]} if known else {}}] if tool else []
        return Reply(f"{item['turns'][-1]} {' '.join(known)}", calls)

    return reply


def echo_reply(item: Mapping[str, Any]) -> Reply:
    """A baseline: says the question again and calls nothing."""
    return Reply(item["turns"][-1])


def _state(root: Path) -> str:
    """What the lake's files are; the copilot's own memory is not part of it."""
    found = hashlib.sha256()
    for path in sorted(p for p in root.rglob("*") if p.is_file() and ".de-copilot" not in p.parts):
        told = path.stat()
        found.update(f"{path.relative_to(root)} {told.st_size} {told.st_mtime_ns}\n".encode())
    return found.hexdigest()


def main(argv: Sequence[str]) -> int:
    """Prints the figures; the exit code is 0."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("chats", type=Path)
    parser.add_argument("--lake", type=Path, default=Path(".demo/wealth"))
    parser.add_argument("--model", help="a live model; each chat is then asked three times (pass^3)")
    parser.add_argument("-v", "--verbose", action="store_true")
    options = parser.parse_args(argv)
    if not (options.lake / "jobs").is_dir():
        print(f"not measured: there is no lake at {options.lake}; build one with `de-copilot demo --build-only`")
        return 0
    items = [json.loads(line) for line in options.chats.read_text(encoding="utf-8").splitlines() if line.strip()]
    ws = open_workspace(load_settings(lake=options.lake, environ={}))
    runs = {
        "copilot, offline": (copilot_reply(ws, None), 1),
        "keywords": (keyword_reply(ws), 1),
        "echo": (echo_reply, 1),
    }
    if options.model:
        runs = {f"copilot, {options.model} (pass^3)": (copilot_reply(ws, options.model), 3), **runs}
    for name, (reply, times) in runs.items():
        _report(name, items, reply, ws, times, verbose=options.verbose and name.startswith("copilot"))
    if not options.model:
        print("a live model: not measured (give --model bedrock:<profile>)")
    return 0


def _report(
    name: str,
    items: Sequence[Mapping[str, Any]],
    reply: Callable[[Mapping[str, Any]], Reply],
    ws: Workspace,
    times: int,
    *,
    verbose: bool,
) -> None:
    tally = Tally()
    for item in items:
        why = [w for n in range(times) for w in failures(item, reply({**item, "id": f"{item['id']}-{n}"}), ws)]
        tally.add(str(item["category"]), not why)
        if why and verbose:
            print(f"  {item['id']} {item['category']}: {item['turns']}\n     " + "\n     ".join(w[:300] for w in why))
    print(f"\n{name}")
    for category, (passed, total) in sorted(tally.counts.items(), key=lambda c: (c[0] == "all", c[0])):
        low, high = wilson(passed, total)
        print(f"  {category:28} {passed:3} of {total:3}  {passed / total:6.1%}  [{low:.1%}, {high:.1%}]")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
