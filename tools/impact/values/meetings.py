"""Where expressions meet a value: the tests, arms and lists that do not expect it, and those that do.

One `Judge` looks at the expressions of one plan. For a new value (or a NULL that was not there before) it tells what the
value falls to; for one that vanishes, which tests and arms are left without anything to match.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from sqlglot import exp

from tools.impact.values.domain import Env, Known, branches_of, default_of, evaluate, never_true, tests_in
from tools.plan.base import Span
from tools.plan.lineage import shown
from tools.plan.references import is_ref, ref_id, ref_span, refs

__all__ = ["Judge", "Meeting", "said"]

Fate = Literal["dropped", "falls", "unlisted", "uncounted", "unmatched", "unread", "dead", "fails", "taken", "grouped"]
_MOST_TEXT = 160
_CHOOSING = (exp.Case, exp.If, exp.DecodeCase)
_TESTS = (
    exp.EQ,
    exp.NEQ,
    exp.In,
    exp.Like,
    exp.RegexpLike,
    exp.StartsWith,
    exp.EndsWith,
    exp.Between,
    exp.GT,
    exp.GTE,
    exp.LT,
    exp.LTE,
    exp.Not,
    exp.And,
    exp.Or,
)
_NAMES = (exp.EQ, exp.In, exp.Like, exp.RegexpLike, exp.StartsWith, exp.EndsWith, exp.NEQ, exp.NullSafeEQ)


@dataclass(frozen=True, slots=True)
class Meeting:
    """One place at which the value is met.

    Attributes:
        fate: what becomes of it there.
        words: the same in words.
        text: the expression, as the job's engine spells it.
        expected: whether somebody thought of it: a test that names it, or one that takes whatever comes.
        sure: False where another column may decide otherwise.
    """

    fate: Fate
    words: str
    text: str
    span: Span | None
    expected: bool = False
    sure: bool = True


def said(value: Any) -> str:
    """A value as people write it."""
    if value is None:
        return "NULL"
    if isinstance(value, bool):
        return str(value).lower()
    return (
        str(value.normalize())
        if isinstance(value, Decimal) and value
        else f"'{value}'"
        if isinstance(value, str)
        else str(value)
    )


class Judge:
    """Looks at expressions and notes meetings.

    Args:
        value: what is met, for the words.
        lost: the value vanishes; otherwise it is new.
    """

    def __init__(self, value: Any, *, lost: bool) -> None:
        self._value, self._lost = said(value), lost
        self.is_null = value is None
        self.found: dict[tuple[Fate, str, Span | None], Meeting] = {}
        self.used: str | None = None  # an expression that the value has a say in, whether or not it tests it

    def note(
        self,
        fate: Fate,
        words: str,
        node: exp.Expr,
        span: Span | None,
        env: Env,
        *,
        expected: bool = False,
        sure: bool = True,
    ) -> Meeting:
        """Notes a meeting; the place is where the value's column is named, if the job says so."""
        text = shown(node)
        text = text if len(text) <= _MOST_TEXT else f"{text[: _MOST_TEXT - 2]} …"
        place = next((s for s in _named_at(node, env)), None) or span
        meeting = Meeting(fate, words, text, place, expected, sure)
        self.found.setdefault((fate, text, place), meeting)
        return meeting

    # ------------------------------------------------------------------ expressions that give values

    def look(self, node: exp.Expr, env: Env, span: Span | None) -> None:
        """An expression whose value is used: what in it expects the value, and what does not."""
        if is_ref(node) or not any(k.tainted for k in _leaves(node, env)):
            return
        self.used = self.used or _short(node)
        if isinstance(node, _CHOOSING):
            self._choice(node, env, span)
        elif isinstance(node, exp.Filter):
            self._counted(node, node.expression.this, env, span)
            self.look(node.this, env, span)
        elif isinstance(node, exp.CountIf):
            self._counted(node, node.this, env, span)
        elif isinstance(node, exp.Count) and not self._lost:
            self._count(node, env, span)
        elif isinstance(node, exp.Window):
            self._window(node, env, span)
        elif isinstance(node, _TESTS):
            self._test(node, env, span)
        else:
            for child in node.iter_expressions():
                self.look(child, env, span)

    def _choice(self, node: exp.Expr, env: Env, span: Span | None) -> None:
        if self._lost:
            self._lost_arm(node, env, span)
        else:
            self._new_in_arms(node, env, span)
        for _, result in branches_of(node):
            self.look(result, env, span)
        if (default := default_of(node)) is not None:
            self.look(default, env, span)

    def _new_in_arms(self, node: exp.Expr, env: Env, span: Span | None) -> None:
        asked, undecided = False, None
        for test, result in branches_of(node):
            for part, negated, found in tests_in(test, env):
                asked = asked or (found.told and (self.is_null or isinstance(part, _NAMES)))
                if found.told and (found.value is True) and not negated:
                    return self._expects(part, env, span)
                if negated and _passes(part, found):
                    self.note(
                        "taken", f"takes it like any other value: {_result(result)}", part, span, env, expected=True
                    )
                    return None
            if not never_true(test, env) and undecided is None:
                undecided = test
        if asked:
            default = default_of(node)
            given = evaluate(default, env) if default is not None else Known(None)
            if given.carries:
                self.note("taken", "no arm names it: it stays as it is", node, span, env, expected=True)
                return None
            where = f"ELSE {_result(default)}" if default is not None else "NULL: there is no ELSE"
            unless = f", unless `{_short(undecided)}` decides" if undecided is not None else ""
            self.note(
                "falls", f"no arm expects it: it falls to {where}{unless}", node, span, env, sure=undecided is None
            )
        return None

    def _expects(self, part: exp.Expr, env: Env, span: Span | None) -> None:
        self.note("taken", "an arm names it", part, span, env, expected=True)

    def _lost_arm(self, node: exp.Expr, env: Env, span: Span | None) -> None:
        for test, result in branches_of(node):
            for part, negated, found in tests_in(test, env):
                if found.value is True and not negated and isinstance(part, _NAMES):
                    alone = _names_only_one(part) and test is part
                    words = (
                        f"the arm for it, {_result(result)}, is never taken any more"
                        if alone
                        else (f"an arm names it: fewer rows get {_result(result)}")
                    )
                    self.note("dead", words, part, span, env, expected=not alone)
                    return
            if not never_true(test, env):
                return

    def _counted(self, node: exp.Expr, test: exp.Expr, env: Env, span: Span | None) -> None:
        if self._lost:
            self.names(test, env, span, "counts only rows with it: nothing is left to count")
        elif self._asks(test, env) and never_true(test, env):
            self.note("uncounted", "rows with it are not counted", node, span, env, sure=_sure(test, env))

    def _count(self, node: exp.Count, env: Env, span: Span | None) -> None:
        inner = node.this
        parts = inner.expressions if isinstance(inner, exp.Distinct) else [inner]
        for part in parts:
            found = evaluate(part, env)
            if found.tainted and found.told and found.value is None:
                self.note("uncounted", "COUNT leaves NULL out", node, span, env, sure=found.sure)
            else:
                self.look(part, env, span)

    def _test(self, node: exp.Expr, env: Env, span: Span | None) -> None:
        """A test whose outcome is stored or shown."""
        found = evaluate(node, env)
        if self._lost:
            self.names(node, env, span, "is never true any more")
        elif found.told and found.value is not True and self._asks(node, env):
            self.note("unlisted", f"gives {said(found.value)} for it", node, span, env, sure=found.sure)

    def _window(self, node: exp.Expr, env: Env, span: Span | None) -> None:
        for key in node.args.get("partition_by") or ():
            found = evaluate(key, env)
            null = found.told and found.value is None
            if found.carries or (found.tainted and null):
                what = "NULL becomes a partition of its own" if null else "becomes a partition of its own"
                words = "loses a partition" if self._lost else what
                self.note("grouped", words, key, span, env, expected=not null or self._lost)
        self.look(node.this, env, span)

    # ------------------------------------------------------------------ tests that decide about rows

    def keeps(self, predicate: exp.Expr, env: Env, span: Span | None) -> Meeting | None:
        """What ends rows with the value at a filter; None when they pass, or other columns decide."""
        parts = list(conjuncts(predicate))
        for part in parts:
            if never_true(part, env):
                sure = _sure(part, env)
                if self._lost:
                    return Meeting("dropped", "never let it pass", shown(part), span)
                met = self.note("dropped", self._dropped(part, env), part, span, env, sure=sure)
                if sure:
                    return met
        if not self._lost:
            for part in parts:
                self._named_in(part, env, span)
            return None
        dead = [self.names(part, env, span, "keeps only rows with it: nothing passes any more") for part in parts]
        return next((m for m in dead if m is not None), None)

    def _dropped(self, part: exp.Expr, env: Env) -> str:
        if self.is_null and any(isinstance(t, exp.NEQ) or n for t, n, _ in tests_in(part, env)):
            return "drops it: a comparison with NULL is never true"
        return "drops it"

    def _named_in(self, part: exp.Expr, env: Env, span: Span | None) -> None:
        for test, negated, found in tests_in(part, env):
            if isinstance(test, exp.In) and test.args.get("query") is not None:
                self.note("unmatched", "keeps it only if the query holds it", test, span, env)
            elif negated and _passes(test, found):
                self.note("taken", "lets it pass like any other value", test, span, env, expected=True)

    def names(self, part: exp.Expr, env: Env, span: Span | None, alone: str) -> Meeting | None:
        """For a value that vanishes: notes tests that name it. Gives the one that names nothing else."""
        for test, negated, found in tests_in(part, env):
            if found.value is True and not negated and isinstance(test, _NAMES):
                only = _names_only_one(test) and part is test
                met = self.note(
                    "dead", alone if only else "names it: that is dead then", test, span, env, expected=not only
                )
                if only:
                    return met
        return None

    def _asks(self, test: exp.Expr, env: Env) -> bool:
        return any(self.is_null or isinstance(p, _NAMES) for p, _, _ in tests_in(test, env))


def conjuncts(predicate: exp.Expr) -> Iterator[exp.Expr]:
    """The parts of a condition that all have to hold."""
    inner = predicate.unnest() if isinstance(predicate, exp.Paren) else predicate
    if isinstance(inner, exp.And):
        yield from conjuncts(inner.left)
        yield from conjuncts(inner.right)
    else:
        yield inner


def _leaves(node: exp.Expr, env: Env) -> Iterator[Known]:
    return (env[ref_id(leaf)] for leaf in refs(node) if ref_id(leaf) in env)


def _named_at(node: exp.Expr, env: Env) -> Iterator[Span]:
    for leaf in refs(node):
        known = env.get(ref_id(leaf))
        if known is not None and known.tainted and (span := ref_span(leaf)) is not None:
            yield span


def _sure(test: exp.Expr, env: Env) -> bool:
    return all(found.sure for _, _, found in tests_in(test, env))


def _passes(test: exp.Expr, found: Known) -> bool:
    """Whether a negated test lets the value through: `<>` is true of it, the inside of NOT is false."""
    return found.value is True if isinstance(test, exp.NEQ) else found.value is False


def _names_only_one(test: exp.Expr) -> bool:
    if isinstance(test, exp.In):
        return len(test.expressions) == 1
    return isinstance(test, (exp.EQ, exp.NullSafeEQ))


def _result(node: exp.Expr) -> str:
    return f"`{_short(node)}`"


def _short(node: exp.Expr, most: int = 60) -> str:
    text = shown(node)
    return text if len(text) <= most else f"{text[: most - 2]} …"
