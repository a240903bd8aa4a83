"""Comprehensions: one element for each element of the collections they run over, as far as those are known."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, cast

from tools.jobs.python.containers import hashable
from tools.jobs.python.scope import Scope
from tools.jobs.python.values import OpenList, Undecided, Value

if TYPE_CHECKING:
    from tools.jobs.python.interpreter import Interpreter


def comprehension(interpreter: Interpreter, node: ast.expr, scope: Scope) -> Value:
    """A list; an OpenList when a collection or a condition is not known."""
    comp = cast(ast.ListComp | ast.GeneratorExp, node)
    from tools.jobs.python.expressions import evaluate

    return _collect(interpreter, comp.generators, scope, lambda inner: evaluate(interpreter, comp.elt, inner))


def generator(interpreter: Interpreter, node: ast.expr, scope: Scope) -> Value:
    """A generator expression is read at once, as a list."""
    return comprehension(interpreter, node, scope)


def set_comprehension(interpreter: Interpreter, node: ast.expr, scope: Scope) -> Value:
    """A set; unhashable elements are left out."""
    from tools.jobs.python.expressions import evaluate

    comp = cast(ast.SetComp, node)
    values = _collect(interpreter, comp.generators, scope, lambda inner: evaluate(interpreter, comp.elt, inner))
    return values if isinstance(values, OpenList) else {v for v in values if hashable(v)}


def dict_comprehension(interpreter: Interpreter, node: ast.expr, scope: Scope) -> Value:
    """A dictionary of what is known."""
    from tools.jobs.python.expressions import evaluate

    comp = cast(ast.DictComp, node)

    def pair(inner: Scope) -> Value:
        return (evaluate(interpreter, comp.key, inner), evaluate(interpreter, comp.value, inner))

    pairs = _collect(interpreter, comp.generators, scope, pair)
    return {p[0]: p[1] for p in cast(list[tuple[Value, Value]], pairs) if hashable(p[0])}


def _collect(
    interpreter: Interpreter, generators: list[ast.comprehension], scope: Scope, make: Callable[[Scope], Value]
) -> list[Value]:
    unsure: list[bool] = []
    inner = Scope(scope.file, scope, owner=scope.owner, receiver=scope.receiver)
    values = [make(inner) for _ in _runs(interpreter, generators, inner, unsure)]
    return OpenList(values) if unsure else values


def _runs(
    interpreter: Interpreter, generators: list[ast.comprehension], scope: Scope, unsure: list[bool]
) -> Iterator[None]:
    from tools.jobs.python.assignments import assign
    from tools.jobs.python.expressions import evaluate

    if not generators:
        yield
        return
    first, *others = generators
    site = interpreter.site(first.iter, scope)
    elements = interpreter.iterate(evaluate(interpreter, first.iter, scope), site)
    if isinstance(elements, OpenList):
        unsure.append(True)
    for element in list(elements)[: interpreter.limits.iterations]:
        interpreter.spend(1, first.iter)
        assign(interpreter, first.target, element, scope)
        kept = _passes(interpreter, first.ifs, scope)
        if isinstance(kept, Undecided):
            unsure.append(True)
        if kept is not False:
            yield from _runs(interpreter, others, scope, unsure)


def _passes(interpreter: Interpreter, tests: list[ast.expr], scope: Scope) -> bool | Undecided:
    from tools.jobs.python.expressions import evaluate

    result: bool | Undecided = True
    for test in tests:
        outcome = interpreter.truth(evaluate(interpreter, test, scope), interpreter.site(test, scope))
        if outcome is False:
            return False
        if isinstance(outcome, Undecided):
            result = outcome
    return result
