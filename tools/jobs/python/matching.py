"""`match` patterns: whether a value fits, when that can be told."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from tools.jobs.python import operators
from tools.jobs.python.assignments import bind
from tools.jobs.python.scope import Scope
from tools.jobs.python.values import OpenList, Undecided, Value

if TYPE_CHECKING:
    from tools.jobs.python.interpreter import Interpreter


def matches(interpreter: Interpreter, pattern: ast.pattern, subject: Value, scope: Scope) -> bool | Undecided:
    """Whether the subject fits the pattern; binds the names that the pattern captures."""
    from tools.jobs.python.expressions import evaluate

    site = interpreter.site(pattern, scope)
    if isinstance(pattern, ast.MatchAs):
        outcome = matches(interpreter, pattern.pattern, subject, scope) if pattern.pattern else True
        if pattern.name:
            bind(interpreter, pattern.name, subject, scope)
        return outcome
    if isinstance(pattern, ast.MatchValue):
        wanted = evaluate(interpreter, pattern.value, scope)
        return interpreter.truth(operators.compare("==", subject, wanted, site), site)
    if isinstance(pattern, ast.MatchSingleton):
        return interpreter.truth(operators.compare("is", subject, pattern.value, site), site)
    if isinstance(pattern, ast.MatchOr):
        return _any(interpreter, pattern.patterns, subject, scope)
    if isinstance(pattern, ast.MatchSequence) and isinstance(subject, list | tuple):
        return _sequence(interpreter, pattern.patterns, subject, scope)
    if isinstance(pattern, ast.MatchStar):
        return True
    return site.undecided("a pattern of this kind is not decided here")


def _any(interpreter: Interpreter, patterns: list[ast.pattern], subject: Value, scope: Scope) -> bool | Undecided:
    result: bool | Undecided = False
    for one in patterns:
        outcome = matches(interpreter, one, subject, scope)
        if outcome is True:
            return True
        if isinstance(outcome, Undecided):
            result = outcome
    return result


def _sequence(
    interpreter: Interpreter, patterns: list[ast.pattern], subject: list[Value] | tuple[Value, ...], scope: Scope
) -> bool | Undecided:
    if isinstance(subject, OpenList) or any(isinstance(p, ast.MatchStar) for p in patterns):
        return Undecided("how many elements there are is not known")
    if len(patterns) != len(subject):
        return False
    outcomes = [matches(interpreter, p, v, scope) for p, v in zip(patterns, subject, strict=True)]
    if False in outcomes:
        return False
    return next((o for o in outcomes if isinstance(o, Undecided)), True)
