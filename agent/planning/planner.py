"""The decision on a question: which tools with which arguments, or what to ask back, or what to say.

Tried in this order: an answer to our own open question, a follow-up that only changes a particular of the last one,
then the question on its own merits, clause by clause where it asks for several things. Deterministic: the same question
after the same turns is decided in the same way. Nothing here calls a tool.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from agent.planning import phrases
from agent.planning.changes import stated_value_change, wanted_change
from agent.planning.classifier import Classifier, Guess
from agent.planning.clauses import clauses
from agent.planning.decision import Decision, joined
from agent.planning.entities import Linker
from agent.planning.followups import answered, elliptical
from agent.planning.intents import INTENTS, TALK, Intent, Situation
from agent.planning.memory import Ask, Call, Memory, Outcome, Thing, Turn, things_in, things_of
from agent.planning.reading import Reader, Reading
from agent.planning.statements import stated_select
from agent.planning.subjects import Subject, find_subjects, foreign_kpi, foreign_name
from agent.planning.text import split_words
from agent.planning.wording import Wording
from tools.assets import Asset, Kind

__all__ = ["Planner", "Toolset"]

_SURE = 0.30
_MARGIN = 0.10
_CLAUSE_SURE = 0.60
_SHOWN_CHOICES = 8
_WRITES = re.compile(
    r"\s*(?:delete\s+from|update\s+\S+\s+set|insert\s+(?:into|overwrite)|truncate\s+(?:table\s+)?\S+|merge\s+into|"
    r"alter\s+table|create\s+(?:or\s+replace\s+)?(?:table|view|database|schema)|grant\s+\w+|revoke\s+\w+|"
    r"drop\s+(?:table|view|database|schema)\s+\S+\s*(?:;|$))",
    re.I,
)


class Toolset:
    """The tools that are bound: their names, arguments, and the values an argument may have."""

    def __init__(self, schemas: Mapping[str, Mapping[str, Any]]) -> None:
        """`schemas`: for each tool the JSON schema of its arguments."""
        self._schemas = schemas

    def __contains__(self, tool: object) -> bool:
        return tool in self._schemas

    @property
    def intents(self) -> list[Intent]:
        """Intents that can be served, in the order of the table."""
        return [row for row in INTENTS.values() if row.tool in self._schemas]

    def accepted(self, tool: str, args: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments that are stated and that the tool takes."""
        known = self._schemas[tool].get("properties", {})
        return {name: value for name, value in args.items() if value is not None and name in known}

    def values(self, tool: str, argument: str) -> frozenset[str]:
        """What an argument may be; empty when anything goes."""
        schema = self._schemas.get(tool, {}).get("properties", {}).get(argument, {})
        options = [schema, *schema.get("anyOf", [])]
        return frozenset(v for option in options for v in option.get("enum", []))


class Planner:
    """Plans questions about one lake."""

    def __init__(self, assets: Iterable[Asset], classifier: Classifier) -> None:
        words = classifier.weights.words
        self.linker = Linker(assets, words)
        self.reader = Reader(self.linker, Wording(words))
        self._classifier = classifier
        self._words = words

    # ------------------------------------------------------------------ the thread so far

    def remember(self, turns: Sequence[Turn], tools: Toolset) -> Memory:
        """What these turns leave behind."""
        memory = Memory()
        for turn in turns[-20:]:
            memory = self._after(turn, memory, tools)
        return memory

    def _after(self, turn: Turn, memory: Memory, tools: Toolset) -> Memory:
        named = things_in(self.reader.read(turn.question).here)
        if not turn.calls:
            decision = self.decide(turn.question, memory, tools)
            intent, args = (decision.ask.intent, decision.ask.args) if decision.ask else (memory.intent, memory.args)
            return replace(memory.with_things(named), ask=decision.ask, intent=intent, args=args)
        outcomes = [*turn.outcomes, *[None] * len(turn.calls)]
        memory = memory.with_things(named)
        for call, outcome in zip(turn.calls, outcomes, strict=False):
            if outcome is None or not outcome.failed:
                memory = memory.with_things(things_of(call, outcome))
        last = turn.calls[-1]
        ask = next((a for o in turn.outcomes if (a := _asked_by(o, turn, last))), None)
        if ask is None:
            ask = self.decide(turn.question, replace(memory, ask=None), tools).ask
        intent = next((row.name for row in INTENTS.values() if row.tool == last.tool), memory.intent)
        return replace(memory, intent=intent, args=dict(last.args), ask=ask)

    # ------------------------------------------------------------------ one question

    def decide(self, question: str, memory: Memory, tools: Toolset) -> Decision:
        """The plan for a question. Never raises, whatever the text."""
        reading = self.reader.read(question)
        if _WRITES.match(question) or (_BARE_OR_RUN.match(question) and any(map(_WRITES.match, reading.code))):
            return self._talk("write_request", reading, tools)
        if "query" in tools and (sql := stated_select(question)):
            return Decision("query", (Call("query", {"sql": sql}),))
        if not reading.pieces:
            return self._talk("help", reading, tools)
        decision = (
            self._answered(reading, memory, tools)
            or self._value_change(reading, tools)
            or self._elliptical(reading, memory, tools)
            or self._stated_change(reading, memory, tools)
            or self._on_its_own(reading, memory, tools)
        )
        if decision.calls and _SENDS.search(question):
            decision = decision.noting(phrases.cannot_send())
        return decision.noting(*_misread(reading, decision))

    def after(self, decision: Decision, outcomes: Sequence[Outcome]) -> tuple[Call, ...]:
        """Calls that only the first results can name: the jobs that write the table in question."""
        if decision.then is None or len(outcomes) > len(decision.calls):
            return ()
        jobs = [str(n["name"]) for o in outcomes for n in o.data.get("nodes", ()) if n.get("kind") == "job"]
        return tuple(Call("impact", {"change": decision.then, "job": job}) for job in dict.fromkeys(jobs[:3]))

    def _answered(self, reading: Reading, memory: Memory, tools: Toolset) -> Decision | None:
        """Our open question, answered."""
        ask = memory.ask
        if ask is None:
            return None
        if ask.missing == "intent":
            chosen = self._chosen_intent(reading, ask)
            return self._plan(chosen, self.reader.read(ask.question), memory, tools) if chosen else None
        value = answered(reading, ask)
        if value is None:
            return None
        args = {**ask.args, **value}
        return Decision(ask.intent, (Call(INTENTS[ask.intent].tool, args),))

    def _chosen_intent(self, reading: Reading, ask: Ask) -> str | None:
        value = answered(reading, ask)
        if value:
            return str(value["intent"])
        guesses = {g.intent: g.probability for g in self._rank(reading)}
        first, second = ask.choices
        both = guesses.get(first, 0.0), guesses.get(second, 0.0)
        if len(reading.words) <= 8 and max(both) > 3 * min(both) and max(both) > _SURE:
            return first if both[0] > both[1] else second
        return None

    def _elliptical(self, reading: Reading, memory: Memory, tools: Toolset) -> Decision | None:
        """ "same for dim_product", "only dashboards": the last question with another particular."""
        if memory.intent is None or memory.intent not in INTENTS or not elliptical(reading):
            return None
        fits = INTENTS[memory.intent]
        kinds = {m.kind for m in reading.here}
        if kinds and not kinds & {*fits.kinds, *fits.instead, "column"}:
            return None
        return self._plan(memory.intent, reading, memory, tools, inherit=True)

    def _value_change(self, reading: Reading, tools: Toolset) -> Decision | None:
        """ "status gets CRYPTO", "remove dashboard X": what it does is the only question that can be meant."""
        args = stated_value_change(reading)
        if args is None or args["change"] not in tools.values("impact", "change"):
            return None
        return Decision("impact", (Call("impact", args),))

    def _stated_change(self, reading: Reading, memory: Memory, tools: Toolset) -> Decision | None:
        """A sentence that begins with a change ("drop a.b: tell me …") asks what it does, whatever follows."""
        jobs = [m for m in reading.of("job") if m.known and m.score in (0, 1)]
        logic = reading.slots.change == "change_logic" and jobs and _MOVES.search(reading.canonical)
        named = [m for m in reading.of("column", "table") if m.known]
        if logic and "change_logic" in tools.values("impact", "change"):
            subject = Subject("job", jobs[0].name, None, jobs[0])
            return self._impact([subject], reading, Memory(), tools)
        if not (named and reading.slots.change and _CHANGE_FIRST.match(reading.canonical)) or "impact" not in tools:
            return None
        if not _ASKS.search(reading.canonical):
            return None
        return self._plan("impact", reading, memory, tools)

    def _on_its_own(self, reading: Reading, memory: Memory, tools: Toolset) -> Decision:
        several = self._several(reading, memory, tools)
        if several:
            return several
        ranked = self._rank(reading)
        first, second = ranked[0], ranked[1]
        if first.probability < _SURE and not reading.here:
            return Decision("unclear", say=phrases.asks_again(tools.intents))
        decision = self._plan(first.intent, reading, memory, tools)
        if first.probability - second.probability >= _MARGIN or not decision.calls:
            return decision
        return self._unless_torn(decision, first, second, reading, memory, tools)

    def _unless_torn(
        self, decision: Decision, first: Guess, second: Guess, reading: Reading, memory: Memory, tools: Toolset
    ) -> Decision:
        """The decision, or the question which of two was meant when they would do different things."""
        if second.intent not in INTENTS or INTENTS[second.intent].tool not in tools or first.intent not in INTENTS:
            return decision
        other = self._plan(second.intent, reading, memory, tools)
        if not other.calls or other.calls == decision.calls:
            return decision
        ask = Ask(reading.question, first.intent, {}, "intent", (first.intent, second.intent))
        return Decision(first.intent, say=phrases.asks_between(INTENTS[first.intent], INTENTS[second.intent]), ask=ask)

    def _several(self, reading: Reading, memory: Memory, tools: Toolset) -> Decision | None:
        """A question that asks for several things, each by its own tool."""
        parts = clauses(reading)
        if len(parts) < 2:
            return None
        decisions: list[Decision] = []
        for part, guesses in zip(parts, self._classifier.rank([p.canonical for p in parts]), strict=True):
            best = guesses[0]
            if best.intent in ("help", "thanks"):
                continue  # "and how sure are you": every answer says that by itself
            if best.probability < _CLAUSE_SURE:
                return None
            decision = self._plan(best.intent, part, memory, tools)
            if decision.ask is not None and decisions and _points_back(part):
                continue  # "and what does that job read": the part before it answers that
            if decision.ask is not None and not decision.calls:
                return None  # a part that lacks its subject: it belongs to what stands beside it
            decisions.append(_in_window(decision, reading))
            memory = memory.with_things(things_in(part.here))
            if best.intent in INTENTS:
                memory = replace(memory, intent=best.intent, args={})
        kinds = {d.intent for d in decisions}
        useful = [d for d in decisions if d.calls or d.say]
        several = len(kinds) > 1 or len(decisions) < len(parts)
        return joined(useful) if several and any(d.calls for d in useful) else None

    def _rank(self, reading: Reading) -> Sequence[Guess]:
        return self._classifier.rank([reading.canonical])[0]

    # ------------------------------------------------------------------ one intent

    def _plan(
        self, intent: str, reading: Reading, memory: Memory, tools: Toolset, *, inherit: bool = False
    ) -> Decision:
        if intent in TALK:
            return self._talk(intent, reading, tools)
        row = self._serving(INTENTS[intent], reading)
        if row.tool not in tools:
            return Decision(row.name, say=phrases.misses(row, tools.intents))
        if row.name == "query":  # a statement that is there has been taken before
            return Decision(row.name, say=phrases.wants_sql([m.name for m in reading.of("table") if m.known]))
        subjects = find_subjects(row, reading, memory, self.linker)
        if not subjects and row.name == "kpi_simulation":
            subjects = _simulated_job(reading, memory)
        if not subjects and row.required:
            return self._without_subject(row, reading, memory, tools)
        if row.name == "impact":
            return self._impact(subjects, reading, memory if inherit or not reading.slots.change else Memory(), tools)
        return self._call_each(row, subjects, reading, memory if inherit else Memory(), tools)

    def _serving(self, row: Intent, reading: Reading) -> Intent:
        """The row itself, or the one that serves the kind of thing that was named."""
        if not reading.of(*row.kinds) and not (row.kinds == ("table",) and reading.of("column")):
            for mention in reading.here:
                if mention.kind in row.instead:
                    return INTENTS[row.instead[mention.kind]]
        return row

    def _call_each(
        self, row: Intent, subjects: Sequence[Subject], reading: Reading, before: Memory, tools: Toolset
    ) -> Decision:
        unsettled = next((s for s in subjects if s.choices), None)
        if unsettled:
            return self._asks_which(row, unsettled, reading)
        calls = [self._call(row, s, reading, before, tools) for s in subjects] or [
            self._call(row, None, reading, before, tools)
        ]
        if row.name == "list_assets" and len(reading.slots.kinds) > 1 and not reading.here:
            calls = [Call(row.tool, {**calls[0].args, "kind": k}) for k in reading.slots.kinds]
        return Decision(row.name, tuple(calls), focus=_focus(reading, subjects))

    def _call(self, row: Intent, subject: Subject | None, reading: Reading, before: Memory, tools: Toolset) -> Call:
        situation = Situation(
            reading,
            subject.kind if subject else None,
            subject.name if subject else None,
            subject.column if subject else None,
        )
        args = {name: extract(situation) for name, extract in row.args.items()}
        if row.name == "stats" and not args.get("column") and subject is not None:
            args["column"] = self._counted_column(reading, subject.name)
        kept = {
            k: v for k, v in before.args.items() if k not in ("asset", "column", "job", "kpi") and args.get(k) is None
        }
        return Call(row.tool, tools.accepted(row.tool, {**args, **kept}))

    def _counted_column(self, reading: Reading, table: str) -> str | None:
        """ "how many distinct customers": the column that identifies one."""
        found = re.search(r"\b(?:distinct|unique|different)\s+(\w+)", reading.question, re.I)
        if not found:
            return None
        noun = found[1].lower()
        single = noun[:-3] + "y" if noun.endswith("ies") else noun.removesuffix("s")
        names = {noun, single, f"{single}_id", f"{single}_key", f"{single}_no", f"{single}_code"}
        own = [a for a in self._all("column") if a.table and table in (a.table, a.table.rpartition(".")[2])]
        return next((a.column for a in own if a.column.lower() in names), None)

    def _impact(self, subjects: Sequence[Subject], reading: Reading, before: Memory, tools: Toolset) -> Decision:
        row = INTENTS["impact"]
        known = tools.values(row.tool, "change")
        previous = before.args if before.intent == "impact" else {}
        decisions = [self._impact_of(row, s, reading, previous, known, tools) for s in subjects]
        return replace(joined(decisions), focus=_focus(reading, subjects))

    def _impact_of(
        self,
        row: Intent,
        subject: Subject,
        reading: Reading,
        before: Mapping[str, Any],
        known: frozenset[str],
        tools: Toolset,
    ) -> Decision:
        if subject.mention and not subject.mention.known and subject.kind != "job":
            subject = self._guessed(subject, reading)
        wanted = wanted_change(reading, subject, before, known)
        if wanted.missing:
            say = phrases.asks_to(subject.name, wanted.target or "name")
            return Decision(row.name, say=say, ask=Ask(reading.question, row.name, wanted.args, wanted.missing))
        if wanted.then:
            calls = (Call("lineage_upstream", {"asset": subject.name, "depth": 1, "kind": "job"}),)
            return Decision(row.name, calls, then=wanted.then, notes=wanted.notes)
        if wanted.lineage:
            return self._downstream_of(subject, reading, tools)
        return Decision(row.name, (Call(row.tool, wanted.args),), notes=wanted.notes)

    def _downstream_of(self, subject: Subject, reading: Reading, tools: Toolset) -> Decision:
        """For a change that the impact tool cannot weigh: all that can be reached by it."""
        downstream = INTENTS["lineage_downstream"]
        call = self._call(downstream, subject, reading, Memory(), tools)
        note = f"This is everything that `{subject.name}` feeds: what a change of it can reach, not what it breaks."
        return Decision("impact", (call,), notes=(note,))

    def _guessed(self, subject: Subject, reading: Reading) -> Subject:
        """A name that the lake does not have is a column's, unless it is said to be a table or most like one."""
        from knowledge.names import nearest

        if "." in subject.name or re.search(r"\b(?:table|dataset)\b", reading.canonical):
            return subject
        like = {
            k: nearest(subject.name, [a.column if k == "column" else a.short for a in self._all(k)], 1) for k in _BOTH
        }
        kind: Kind = "table" if like["table"] and not like["column"] else "column"
        return replace(subject, kind=kind)

    def _all(self, kind: Kind) -> list[Asset]:
        return [a for a in self.linker.assets if a.kind == kind]

    # ------------------------------------------------------------------ asking back, and talk

    def _without_subject(self, row: Intent, reading: Reading, memory: Memory, tools: Toolset) -> Decision:
        """Nothing is named that fits: a foreign word is taken for a name, a part of a name is asked about."""
        kind = _missing_kind(row, reading)
        words = [w for w in reading.words if w not in self._words or len(w) < 4]
        choices = self.linker.candidates(words, [kind]) if words else []
        if choices:
            wanted = next((w for w in words if any(w in split_words(c) for c in choices)), words[-1])
            return self._asks_about(row, kind, choices, wanted, reading, tools)
        named = foreign_kpi(reading.question) if row.name == "kpi_simulation" else None
        if foreign := foreign_name(reading, self._words):
            subject = Subject(kind, named if named and foreign in named else foreign)
            if row.name == "impact":
                return self._impact([subject], reading, memory, tools)
            return self._call_each(row, [subject], reading, Memory(), tools)
        names = [a.short for a in self._all(kind)]
        ask = Ask(reading.question, row.name, self._known_args(row, kind, reading), _argument(row, kind), tuple(names))
        return Decision(row.name, say=phrases.asks_name(kind, names if len(names) <= 40 else []), ask=ask)

    def _asks_about(
        self, row: Intent, kind: Kind, choices: Sequence[str], wanted: str, reading: Reading, tools: Toolset
    ) -> Decision:
        """Several names share a word with the question: they are looked up, so that the choice shown is a fact."""
        ask = Ask(
            reading.question, row.name, self._known_args(row, kind, reading), _argument(row, kind), tuple(choices)
        )
        calls = (Call("list_assets", {"kind": kind, "filter": wanted}),) if "list_assets" in tools else ()
        return Decision(row.name, calls, phrases.asks_which(kind, choices, wanted), ask)

    def _asks_which(self, row: Intent, subject: Subject, reading: Reading) -> Decision:
        column = subject.kind == "column" and row.kinds == ("table",)
        known = {"column": subject.name} if column else {}
        names = [c.rpartition(".")[0] for c in subject.choices] if column else list(subject.choices)
        args = {**self._known_args(row, subject.kind, reading), **known}
        missing = "asset" if column else _argument(row, subject.kind)
        say = phrases.asks_which("table" if column else subject.kind, names)
        return Decision(row.name, say=say, ask=Ask(reading.question, row.name, args, missing, tuple(names)))

    def _known_args(self, row: Intent, kind: Kind, reading: Reading) -> dict[str, Any]:
        """What is already said, for when the rest is answered."""
        if row.name == "impact":
            wanted = wanted_change(reading, Subject(kind, "?"), {}, frozenset(_CHANGES_OF[kind]))
            return {k: v for k, v in wanted.args.items() if v != "?"}
        situation = Situation(reading)
        values = {name: extract(situation) for name, extract in row.args.items()}
        return {name: value for name, value in values.items() if value is not None}

    def _talk(self, intent: str, reading: Reading, tools: Toolset) -> Decision:
        if intent == "help":
            kinds: tuple[Kind, ...] = ("table", "column", "job", "dashboard", "kpi")
            names = {k: found[0].short for k in kinds if (found := self._all(k))}
            return Decision(intent, say=phrases.helps(tools.intents, names))
        if intent == "thanks":
            return Decision(intent, say=phrases.thanks())
        if intent == "cancel":
            return Decision(intent, say=phrases.cancels())
        about = [m.name for m in reading.here if m.known] if intent == "write_request" else []
        return Decision(intent, say=phrases.declines(intent, tools.intents, list(dict.fromkeys(about))))


_BARE_OR_RUN = re.compile(r"\s*(?:```|(?:please\s+)?(?:run|execute)\b)", re.I)
_SENDS = re.compile(
    r"\be-?mail\b|\b(?:send|mail|post|slack|message|notify|share|forward)\b[^.?!]*\b(?:to\s+\S+@|to\s+#|with\s+\S+@|"
    r"to\s+(?:the\s+)?[\w-]+\s+(?:team|channel|list|group)\b)",
    re.I,
)
_MOVES = re.compile(
    r"\b(?:which|what|who|does|do|will|would|any)\b.*\b(?:move|moves|change|changes|affected|hit|break|breaks|impact\w*|reach\w*|see)\b"
)
_CHANGE_FIRST = re.compile(
    r"(?:(?:if|what if|suppose|say|assume) (?:i|we|you) |(?:we|i) (?:want|plan|need|have) to )?"
    r"(?:drop|remove|delete|rename|retype|retire|deprecate|change|alter|get rid of)\w*\b"
)
_ASKS = re.compile(
    r"\b(?:tell|what|which|who|list|hit|affected|impact|break|breaks|show|count|counts|blast|downstream)\b"
)


def _simulated_job(reading: Reading, memory: Memory) -> list[Subject]:
    """A simulation of a job moves whichever KPIs it reaches."""
    named = reading.of("job")
    if named:
        return [Subject("job", named[0].name, None, named[0])]
    before = memory.last(["job"]) if re.search(r"\bkpis?\b", reading.canonical) else None
    return [Subject("job", before.name)] if before is not None else []


def _points_back(part: Reading) -> bool:
    """Whether a clause speaks of something by a pointer, and names nothing itself."""
    return not part.here and bool({"that", "this", "it", "its", "those", "these", "they"} & set(part.words))


def _in_window(decision: Decision, reading: Reading) -> Decision:
    """Days that one clause names hold for a simulation that another asks for."""
    days = reading.slots.days
    if days is None:
        return decision
    calls = tuple(
        replace(c, args={**c.args, "window_days": days})
        if c.tool == "kpi_simulation" and "window_days" not in c.args
        else c
        for c in decision.calls
    )
    return replace(decision, calls=calls)


_BOTH: tuple[Kind, ...] = ("table", "column")
_CHANGES_OF: Mapping[Kind, Collection[str]] = {
    "column": ("drop_column", "rename_column", "change_type", "add_column"),
    "table": ("drop_table", "rename_table"),
    "job": ("delay_job", "fail_job"),
}


def _argument(row: Intent, kind: Kind) -> str:
    """The tool's argument that a name of this kind goes to."""
    if row.name == "impact":
        return {"column": "column", "job": "job"}.get(kind, "asset")
    return "job" if row.name in ("job_summary", "diff") else "kpi" if row.name == "kpi_simulation" else "asset"


def _missing_kind(row: Intent, reading: Reading) -> Kind:
    """Which kind of name a question lacks: as it says itself, else the kind that the intent is mostly about."""
    change = reading.slots.change or ""
    if row.name == "impact" and change.partition("_")[0] in ("late", "delay", "fail"):
        return "job"
    said = [k for k in row.kinds if re.search(rf"\b{k}\b", reading.canonical)]
    if said:
        return said[0]
    return "column" if row.name == "impact" else "table" if "table" in row.kinds else row.kinds[0]


def _focus(reading: Reading, subjects: Sequence[Subject]) -> tuple[Thing, ...]:
    """Known names in the question that no call is about: what it wants to know of the result."""
    used = {s.mention for s in subjects}
    owners = {t for m in reading.of("column") for t in m.tables}
    loose = [
        m
        for m in reading.here
        if m.known and not 0 < m.score < 0.94 and m not in used and not (m.kind == "table" and m.name in owners)
    ]
    return tuple(Thing(m.kind, m.name) for m in loose)


def _misread(reading: Reading, decision: Decision) -> list[str]:
    """Names that were not written as the lake writes them, where a call is about them."""
    odd = [m for m in reading.here if len(m.names) == 1 and 0 < m.score < 0.94]
    # A search takes the words as they are.
    used = {str(v).lower() for c in decision.calls if c.tool != "search_docs" for v in c.args.values()}
    return [phrases.reads_as(m.text, m.name) for m in odd if used & {m.name.lower(), m.name.lower().rpartition(".")[2]}]


def _asked_by(outcome: Outcome, turn: Turn, call: Call) -> Ask | None:
    """The question that a failed call put: which of several, or whether the nearest name was meant."""
    if not outcome.failed:
        return None
    choices = tuple(outcome.data.get("candidates") or outcome.data.get("nearest") or ())
    intent = next((row.name for row in INTENTS.values() if row.tool == outcome.tool), None)
    if not choices or intent is None:
        return None
    wrong = str(outcome.data.get("name", ""))
    missing = next((k for k, v in call.args.items() if str(v) in (wrong, wrong.rpartition(".")[2])), "asset")
    return Ask(turn.question, intent, dict(call.args), missing, choices)
