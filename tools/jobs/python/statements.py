"""What Python statements do. Branches that cannot be decided are read on both sides, loops over unknown things once."""

from __future__ import annotations

import ast
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from tools.jobs.python import operators
from tools.jobs.python.assignments import assign, bind, delete
from tools.jobs.python.containers import container_method
from tools.jobs.python.expressions import choice_of, evaluate
from tools.jobs.python.flow import BREAK, CONTINUE, Flow, Raised
from tools.jobs.python.functions import define_class, define_function
from tools.jobs.python.imports import import_from, import_modules
from tools.jobs.python.journal import leaves
from tools.jobs.python.matching import matches
from tools.jobs.python.scope import Scope
from tools.jobs.python.site import Arguments
from tools.jobs.python.values import NOTHING, Instance, OpenList, Undecided, Value
from tools.plan.base import Span

if TYPE_CHECKING:
    from tools.jobs.python.interpreter import Interpreter

Handler: TypeAlias = Callable[["Interpreter", ast.stmt, Scope], Flow | None]


def run_body(interpreter: Interpreter, body: Sequence[ast.stmt], scope: Scope) -> Value:
    """Runs a function's body; gives what it returns. Raises Raised when it surely raises."""
    flow = run_block(interpreter, body, scope)
    if flow is None or flow.kind in ("break", "continue"):
        return None
    if flow.kind == "raise":
        if not scope.maybe_returned:
            raise Raised(str(flow.value))
        return NOTHING
    return flow.value


def run_block(interpreter: Interpreter, body: Sequence[ast.stmt], scope: Scope) -> Flow | None:
    """Runs statements until one leaves the block."""
    for statement in body:
        flow = run_statement(interpreter, statement, scope)
        if flow is not None:
            return flow
    return None


def run_statement(interpreter: Interpreter, statement: ast.stmt, scope: Scope) -> Flow | None:
    """Runs one statement. Raises only LimitReached."""
    interpreter.spend(1, statement)
    handler = _HANDLERS.get(type(statement))
    if handler is None:
        return None
    if not interpreter.enter():
        interpreter.site(statement, scope).unknown("statements nested too deeply to be read", "statement")
        return None
    try:
        return handler(interpreter, statement, scope)
    except Raised as raised:
        return Flow("raise", raised.name)
    finally:
        interpreter.leave()


# --------------------------------------------------------------------------- simple statements


def _expression(interpreter: Interpreter, statement: ast.stmt, scope: Scope) -> Flow | None:
    value = cast(ast.Expr, statement).value
    if not isinstance(value, ast.Constant):
        evaluate(interpreter, value, scope)
    return None


def _assign(interpreter: Interpreter, statement: ast.stmt, scope: Scope) -> Flow | None:
    assert isinstance(statement, ast.Assign)
    value = evaluate(interpreter, statement.value, scope)
    for target in statement.targets:
        assign(interpreter, target, value, scope)
    return None


def _annotated(interpreter: Interpreter, statement: ast.stmt, scope: Scope) -> Flow | None:
    assert isinstance(statement, ast.AnnAssign)
    if statement.value is not None:
        assign(interpreter, statement.target, evaluate(interpreter, statement.value, scope), scope)
    return None


def _augmented(interpreter: Interpreter, statement: ast.stmt, scope: Scope) -> Flow | None:
    assert isinstance(statement, ast.AugAssign)
    current = evaluate(interpreter, statement.target, scope)
    more = evaluate(interpreter, statement.value, scope)
    site = interpreter.site(statement, scope)
    if isinstance(current, list) and isinstance(statement.op, ast.Add):
        container_method(current, "extend", Arguments([more]), site)
        return None
    assign(
        interpreter,
        statement.target,
        operators.binary(operators.SYMBOLS[type(statement.op)], current, more, site),
        scope,
    )
    return None


def _return(interpreter: Interpreter, statement: ast.stmt, scope: Scope) -> Flow | None:
    node = cast(ast.Return, statement).value
    return Flow("return", evaluate(interpreter, node, scope) if node else None)


def _raise(interpreter: Interpreter, statement: ast.stmt, scope: Scope) -> Flow | None:
    node = cast(ast.Raise, statement).exc
    if node is None:
        return Flow("raise", "")
    evaluate(interpreter, node, scope)
    named = node.func if isinstance(node, ast.Call) else node
    return Flow("raise", ast.unparse(named).rsplit(".", 1)[-1][:80])


def _delete(interpreter: Interpreter, statement: ast.stmt, scope: Scope) -> Flow | None:
    for target in cast(ast.Delete, statement).targets:
        delete(interpreter, target, scope)
    return None


def _global(interpreter: Interpreter, statement: ast.stmt, scope: Scope) -> Flow | None:
    for name in cast(ast.Global, statement).names:
        scope.elsewhere[name] = scope.module
    return None


def _nonlocal(interpreter: Interpreter, statement: ast.stmt, scope: Scope) -> Flow | None:
    for name in cast(ast.Nonlocal, statement).names:
        home = scope.enclosing_with(name)
        if home is not None:
            scope.elsewhere[name] = home
    return None


def _define(interpreter: Interpreter, statement: ast.stmt, scope: Scope) -> Flow | None:
    assert isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef)
    bind(interpreter, statement.name, define_function(interpreter, statement, scope), scope)
    return None


def _class(interpreter: Interpreter, statement: ast.stmt, scope: Scope) -> Flow | None:
    assert isinstance(statement, ast.ClassDef)
    bind(interpreter, statement.name, define_class(interpreter, statement, scope), scope)
    return None


def _import(interpreter: Interpreter, statement: ast.stmt, scope: Scope) -> Flow | None:
    import_modules(interpreter, cast(ast.Import, statement), scope)
    return None


def _import_from(interpreter: Interpreter, statement: ast.stmt, scope: Scope) -> Flow | None:
    import_from(interpreter, cast(ast.ImportFrom, statement), scope)
    return None


# --------------------------------------------------------------------------- branches


def branch(
    interpreter: Interpreter,
    scope: Scope,
    outcome: bool | Undecided,
    sides: Sequence[Callable[[], Flow | None]],
    place: ast.AST,
) -> Flow | None:
    """Runs the side that the condition picks (0 when it holds), or both when it cannot be told."""
    if not isinstance(outcome, Undecided):
        return sides[0 if outcome else 1]()
    key = outcome.key
    if key is None:
        key = ("line", scope.file, getattr(place, "lineno", 0), getattr(place, "col_offset", 0))

    def survives(index: int, side: Value) -> bool:
        return not (isinstance(side, Flow) and side.kind in ("raise", "return"))

    ends = interpreter.branches(key, sides, survives)
    flows = cast("list[Flow | None]", ends)
    if any(f is NOTHING for f in ends):
        return next(flow for flow, end in zip(flows, ends, strict=True) if end is not NOTHING)
    return _after(interpreter, scope, key, flows)


def _after(interpreter: Interpreter, scope: Scope, key: object, flows: list[Flow | None]) -> Flow | None:
    """How a two-sided branch ends when each side ends in its own way."""
    kinds = [f.kind if f else None for f in flows]
    if kinds == ["return", "return"]:
        return Flow("return", choice_of([cast(Flow, f).value for f in flows], key))
    if None not in kinds and "return" not in kinds:
        return flows[0] if kinds[0] != "raise" else flows[1]
    for index, flow in enumerate(flows):
        if flow is not None and flow.kind in ("return", "raise"):
            if flow.kind == "return":
                scope.maybe_returned.append((*_positive(key, index), flow.value))
            interpreter.undecided_exits += 1
            interpreter.assume(cast("str", key), 1 - index)
            return flows[1 - index]
    if kinds != [None, None]:
        interpreter.undecided_exits += 1
    return None


def _positive(key: object, index: int) -> tuple[str, int]:
    while isinstance(key, tuple) and len(key) == 2 and key[0] == "not":
        key, index = key[1], 1 - index
    return cast("tuple[str, int]", (key, index))


def _if(interpreter: Interpreter, statement: ast.stmt, scope: Scope) -> Flow | None:
    current = cast(ast.If, statement)
    while True:
        outcome = interpreter.truth(evaluate(interpreter, current.test, scope), interpreter.site(current.test, scope))
        chained = current.orelse[0] if len(current.orelse) == 1 else None
        if outcome is False and isinstance(chained, ast.If):
            interpreter.spend(1, chained)
            current = chained
            continue
        sides = [partial(run_block, interpreter, block, scope) for block in (current.body, current.orelse)]
        return branch(interpreter, scope, outcome, sides, current)


def _match(interpreter: Interpreter, statement: ast.stmt, scope: Scope) -> Flow | None:
    assert isinstance(statement, ast.Match)
    subject = evaluate(interpreter, statement.subject, scope)
    return _cases(interpreter, subject, statement.cases, scope)


def _cases(interpreter: Interpreter, subject: Value, cases: list[ast.match_case], scope: Scope) -> Flow | None:
    if not cases:
        return None
    first, *others = cases
    outcome = matches(interpreter, first.pattern, subject, scope)
    if outcome is not False and first.guard is not None:
        guard = interpreter.truth(evaluate(interpreter, first.guard, scope), interpreter.site(first.guard, scope))
        outcome = guard if outcome is True or guard is False else outcome
    sides = [lambda: run_block(interpreter, first.body, scope), lambda: _cases(interpreter, subject, others, scope)]
    return branch(interpreter, scope, outcome, sides, first.pattern)


# --------------------------------------------------------------------------- loops


def _for(interpreter: Interpreter, statement: ast.stmt, scope: Scope) -> Flow | None:
    assert isinstance(statement, ast.For | ast.AsyncFor)
    collection = evaluate(interpreter, statement.iter, scope)
    site = interpreter.site(statement.iter, scope)
    elements = list(interpreter.iterate(collection, site))
    if len(elements) > interpreter.limits.iterations:
        site.unknown(f"only {interpreter.limits.iterations} rounds of this loop are read", "statement")
    for element in elements[: interpreter.limits.iterations]:
        assign(interpreter, statement.target, element, scope)
        before = dict(interpreter.assumptions)
        flow = run_block(interpreter, statement.body, scope)
        interpreter.assumptions = before
        if flow is not None and flow.kind == "break":
            return None
        if flow is not None and flow.kind != "continue":
            return flow
    return run_block(interpreter, statement.orelse, scope)


def _while(interpreter: Interpreter, statement: ast.stmt, scope: Scope) -> Flow | None:
    assert isinstance(statement, ast.While)
    site = interpreter.site(statement, scope)
    for _ in range(interpreter.limits.rounds):
        outcome = interpreter.truth(evaluate(interpreter, statement.test, scope), site)
        if outcome is False:
            return run_block(interpreter, statement.orelse, scope)
        exits = interpreter.undecided_exits
        flow = run_block(interpreter, statement.body, scope)
        if flow is not None and flow.kind == "break":
            return None
        if flow is not None and flow.kind != "continue":
            return flow
        if isinstance(outcome, Undecided) or interpreter.undecided_exits > exits:
            return None
    site.unknown(f"only {interpreter.limits.rounds} rounds of this loop are read", "statement")
    return None


# --------------------------------------------------------------------------- try, with


def _try(interpreter: Interpreter, statement: ast.stmt, scope: Scope) -> Flow | None:
    """The body as it goes well; handlers are read as what happens otherwise, unless they raise."""
    tried = cast(ast.Try, statement)
    key = ("raises", scope.file, tried.lineno)
    goes_well: list[Flow | None] = []

    def body() -> Flow | None:
        goes_well.append(run_block(interpreter, [*tried.body, *tried.orelse], scope))
        return goes_well[0]

    def handled(name: str | None) -> Flow | None:
        return _handlers(interpreter, tried.handlers, name, scope)

    interpreter.journal.begin()
    flow = body()
    ran = interpreter.journal.end()
    if flow is not None and flow.kind == "raise":
        interpreter.journal.join([ran], key)
        flow = handled(str(flow.value)) if tried.handlers else flow
    else:
        flow = _otherwise(interpreter, ran, flow, handled, bool(tried.handlers), key)
    finished = run_block(interpreter, tried.finalbody, scope)
    return finished if finished is not None else flow


def _otherwise(
    interpreter: Interpreter,
    ran: object,
    flow: Flow | None,
    handled: Callable[[str | None], Flow | None],
    has_handlers: bool,
    key: object,
) -> Flow | None:
    from tools.jobs.python.journal import Side

    sides = [cast(Side, ran)]
    if has_handlers:
        interpreter.journal.begin()
        other = handled(None)
        side = interpreter.journal.end()
        if other is None:
            sides.append(cast(Any, _only_rebound(side, sides[0])))
    interpreter.journal.join(sides, cast("str", key))
    return flow


def _only_rebound(handler: object, body: object) -> object:
    """A handler matters for what the body sets too (a fallback); what only it sets is of no use afterwards."""
    return handler


def _handlers(
    interpreter: Interpreter, handlers: list[ast.ExceptHandler], name: str | None, scope: Scope
) -> Flow | None:
    """Reads the handler for an exception; with no name, all of them one after the other."""
    flow: Flow | None = None
    for handler in handlers:
        caught = ast.unparse(handler.type) if handler.type else "Exception"
        general = any(n in caught for n in ("Exception", "BaseException")) or caught == name
        if name and not general and name not in caught:
            continue
        if handler.name:
            span = Span(scope.file, handler.lineno)
            bind(interpreter, handler.name, Undecided("an exception", span), scope)
        flow = run_block(interpreter, handler.body, scope)
        if name is not None:
            return flow
    return flow if name is None else Flow("raise", name)


def _with(interpreter: Interpreter, statement: ast.stmt, scope: Scope) -> Flow | None:
    assert isinstance(statement, ast.With | ast.AsyncWith)
    for entry in statement.items:
        manager = evaluate(interpreter, entry.context_expr, scope)
        value = _entered(interpreter, manager, entry.context_expr, scope)
        if entry.optional_vars is not None:
            assign(interpreter, entry.optional_vars, value, scope)
    return run_block(interpreter, statement.body, scope)


def _entered(interpreter: Interpreter, manager: Value, node: ast.expr, scope: Scope) -> Value:
    site = interpreter.site(node, scope)
    if isinstance(manager, Instance):
        method = manager.cls.find("__enter__")
        return site.call(method, manager) if method is not NOTHING else manager
    if isinstance(manager, list):  # a generator under @contextmanager: what it yields first
        return manager[0] if manager else None
    return leaves(manager)[0]


def _skip(interpreter: Interpreter, statement: ast.stmt, scope: Scope) -> Flow | None:
    return None


_HANDLERS: dict[type[ast.stmt], Handler] = {
    ast.Expr: _expression,
    ast.Assign: _assign,
    ast.AnnAssign: _annotated,
    ast.AugAssign: _augmented,
    ast.Return: _return,
    ast.Raise: _raise,
    ast.Delete: _delete,
    ast.Global: _global,
    ast.Nonlocal: _nonlocal,
    ast.FunctionDef: _define,
    ast.AsyncFunctionDef: _define,
    ast.ClassDef: _class,
    ast.Import: _import,
    ast.ImportFrom: _import_from,
    ast.If: _if,
    ast.Match: _match,
    ast.For: _for,
    ast.AsyncFor: _for,
    ast.While: _while,
    ast.Try: _try,
    ast.TryStar: _try,
    ast.With: _with,
    ast.AsyncWith: _with,
    ast.Break: lambda i, s, c: BREAK,
    ast.Continue: lambda i, s, c: CONTINUE,
    ast.Pass: _skip,
    ast.Assert: _skip,
}

__all__ = ["OpenList", "branch", "run_block", "run_body", "run_statement"]
