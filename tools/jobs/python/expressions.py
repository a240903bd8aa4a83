"""What Python expressions are worth. Chains of calls and operators are walked in a loop, however long they are."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeAlias, cast

from tools.jobs.python import operators
from tools.jobs.python.attributes import get_attribute
from tools.jobs.python.comprehensions import comprehension, dict_comprehension, generator, set_comprehension
from tools.jobs.python.containers import hashable
from tools.jobs.python.functions import lambda_function
from tools.jobs.python.journal import joined, leaves
from tools.jobs.python.scope import Scope
from tools.jobs.python.site import Arguments, Site
from tools.jobs.python.strings import formatted
from tools.jobs.python.text import concatenate
from tools.jobs.python.values import NOTHING, Choice, Host, Located, OpenList, Partial, Super, Undecided, Value
from tools.plan.base import Span

if TYPE_CHECKING:
    from tools.jobs.python.interpreter import Interpreter

Handler: TypeAlias = Callable[["Interpreter", ast.expr, Scope], Value]


def evaluate(interpreter: Interpreter, node: ast.expr, scope: Scope) -> Value:
    """The value of an expression. Raises only LimitReached."""
    if isinstance(node, ast.Constant):
        return _constant(node, scope)
    if isinstance(node, ast.Name):
        return interpreter.choose(look_up(interpreter, node, scope))
    interpreter.spend(1, node)
    if not interpreter.enter():
        return Undecided("an expression nested too deeply", Span(scope.file, node.lineno))
    try:
        if isinstance(node, ast.Call | ast.Attribute | ast.Subscript):
            return _chain(interpreter, node, scope)
        return _HANDLERS.get(type(node), _not_read)(interpreter, node, scope)
    finally:
        interpreter.leave()


def _not_read(interpreter: Interpreter, node: ast.expr, scope: Scope) -> Value:
    return Undecided(f"{type(node).__name__} expressions are not read", Span(scope.file, node.lineno))


def _constant(node: ast.Constant, scope: Scope) -> Value:
    if isinstance(node.value, str):
        return Located.at(node.value, Span(scope.file, node.lineno, node.end_lineno))
    return node.value


def look_up(interpreter: Interpreter, node: ast.Name, scope: Scope) -> Value:
    """The value of a name: of the job, of a star import, or built in."""
    found = scope.look_up(node.id)
    if found is not NOTHING:
        return found
    site = interpreter.site(node, scope)
    builtin = interpreter.library.builtins.get(node.id, NOTHING)
    if builtin is not NOTHING:
        return builtin
    for module in scope.module.open_imports:
        if module.other is not None:
            return module.attribute(node.id, site)
    return Undecided(f"name {node.id} is not defined in what was given", site.span)


# --------------------------------------------------------------------------- chains: a.b(c)[d].e(f)…


def _chain(interpreter: Interpreter, node: ast.expr, scope: Scope) -> Value:
    links: list[ast.expr] = []
    current = node
    while isinstance(current, ast.Call | ast.Attribute | ast.Subscript):
        links.append(current)
        current = current.func if isinstance(current, ast.Call) else current.value
    value = evaluate(interpreter, current, scope)
    for link in reversed(links):
        interpreter.spend(1, link)
        value = interpreter.choose(_link(interpreter, link, value, scope))
    return value


def _link(interpreter: Interpreter, link: ast.expr, value: Value, scope: Scope) -> Value:
    site = interpreter.site(link, scope)
    if isinstance(link, ast.Attribute):
        return get_attribute(interpreter, value, link.attr, site)
    if isinstance(link, ast.Subscript):
        return interpreter.item(value, _index(interpreter, link.slice, scope), site)
    call = cast(ast.Call, link)
    if isinstance(value, Undecided) and isinstance(call.func, ast.Name) and call.func.id == "super":
        return _super(call, scope)
    return interpreter.call(value, call_arguments(interpreter, call, scope), site)


def _super(call: ast.Call, scope: Scope) -> Value:
    frame: Scope | None = scope
    while frame is not None and frame.owner is None:
        frame = frame.parent
    if frame is None or frame.owner is None:
        return Undecided("super() outside a method", Span(scope.file, call.lineno))
    return Super(frame.owner, frame.receiver)


def _index(interpreter: Interpreter, node: ast.expr, scope: Scope) -> Value:
    if isinstance(node, ast.Slice):
        parts = [evaluate(interpreter, p, scope) if p else None for p in (node.lower, node.upper, node.step)]
        if all(p is None or isinstance(p, int) for p in parts):
            return slice(*parts)
        return Undecided("a slice with bounds known only at run time", Span(scope.file, node.lineno))
    return evaluate(interpreter, node, scope)


def call_arguments(interpreter: Interpreter, call: ast.Call, scope: Scope) -> Arguments:
    """Evaluates what a call passes, `*` and `**` included."""
    arguments = Arguments()
    for node in call.args:
        if isinstance(node, ast.Starred):
            _pass_all(interpreter, evaluate(interpreter, node.value, scope), arguments, node, scope)
        else:
            arguments.positional.append(evaluate(interpreter, node, scope))
    for keyword in call.keywords:
        value = evaluate(interpreter, keyword.value, scope)
        if keyword.arg is not None:
            arguments.keywords[keyword.arg] = value
        else:
            _pass_keywords(interpreter, value, arguments)
    return arguments


def _pass_all(interpreter: Interpreter, value: Value, arguments: Arguments, node: ast.expr, scope: Scope) -> None:
    if isinstance(value, Choice):
        value = max(leaves(value), key=lambda v: len(v) if isinstance(v, list | tuple) else 0)
    elements = interpreter.iterate(value, interpreter.site(node, scope))
    arguments.positional.extend(elements)
    arguments.open = arguments.open or isinstance(elements, OpenList)


def _pass_keywords(interpreter: Interpreter, value: Value, arguments: Arguments) -> None:
    if isinstance(value, Choice):
        value = leaves(value)[0]
    if isinstance(value, dict):
        arguments.keywords.update({str(k): v for k, v in value.items()})
    else:
        arguments.open = True


# --------------------------------------------------------------------------- operators


def _binary(interpreter: Interpreter, node: ast.expr, scope: Scope) -> Value:
    links: list[ast.BinOp] = []
    current: ast.expr = node
    while isinstance(current, ast.BinOp):
        links.append(current)
        current = current.left
    value = evaluate(interpreter, current, scope)
    for link in reversed(links):
        right = evaluate(interpreter, link.right, scope)
        symbol = operators.SYMBOLS[type(link.op)]
        value = operators.binary(symbol, value, right, interpreter.site(link.right, scope))
    return value


def _unary(interpreter: Interpreter, node: ast.expr, scope: Scope) -> Value:
    assert isinstance(node, ast.UnaryOp)
    operand = evaluate(interpreter, node.operand, scope)
    site = interpreter.site(node, scope)
    if isinstance(node.op, ast.Not):
        outcome = interpreter.truth(operand, site)
        if isinstance(outcome, Undecided) and isinstance(operand, Host):
            return operand.unary("not", site)
        return operators.negation(outcome, site) if isinstance(outcome, Undecided) else not outcome
    return operators.unary(operators.SYMBOLS[type(node.op)], operand, site)


def _compare(interpreter: Interpreter, node: ast.expr, scope: Scope) -> Value:
    assert isinstance(node, ast.Compare)
    left = evaluate(interpreter, node.left, scope)
    result: Value = True
    for op, right_node in zip(node.ops, node.comparators, strict=True):
        right = evaluate(interpreter, right_node, scope)
        site = interpreter.site(right_node, scope)
        result = operators.compare(operators.SYMBOLS[type(op)], left, right, site)
        if result is False:
            return False
        left = right
    return result


def _boolean(interpreter: Interpreter, node: ast.expr, scope: Scope) -> Value:
    """`a and b`, `a or b`: the deciding operand, a Choice of operands when their truth is not known."""
    assert isinstance(node, ast.BoolOp)
    stops_on = isinstance(node.op, ast.Or)
    site = interpreter.site(node, scope)
    result: Value = NOTHING
    hosted: Value = NOTHING
    undecided: list[Undecided] = []
    for operand in node.values:
        result = evaluate(interpreter, operand, scope)
        hosted = _logical(hosted, result, "or" if stops_on else "and", site)
        outcome = interpreter.truth(result, site)
        if outcome is stops_on:
            return result if not undecided or isinstance(result, bool) else _either(undecided, result, stops_on)
        if isinstance(outcome, Undecided):
            undecided.append(result if isinstance(result, Undecided) else outcome)
    if not undecided:
        return result
    return hosted if hosted is not NOTHING else _either(undecided, result, stops_on)


def _logical(so_far: Value, operand: Value, operator: str, site: Site) -> Value:
    """Conditions on data put together, when the host thing knows how."""
    if not isinstance(operand, Host):
        return so_far
    if isinstance(so_far, Host):
        return so_far.logical(operator, operand, site)
    return operand.logical(operator, NOTHING, site)


def _either(undecided: list[Undecided], last: Value, stops_on: bool) -> Value:
    if len(undecided) == 1 and isinstance(last, str | Partial | Located):
        return Choice(("truth", undecided[0]), (undecided[0], last)) if stops_on else last
    if len(undecided) == 1:
        return undecided[0] if isinstance(last, bool | Undecided) or stops_on else last
    key = ("or" if stops_on else "and", *(u.key for u in undecided))
    return Undecided(undecided[0].reason, undecided[0].span, key=key, inputs=undecided[0].inputs)


def _conditional(interpreter: Interpreter, node: ast.expr, scope: Scope) -> Value:
    assert isinstance(node, ast.IfExp)
    test = evaluate(interpreter, node.test, scope)
    outcome = interpreter.truth(test, interpreter.site(node.test, scope))
    if not isinstance(outcome, Undecided):
        return evaluate(interpreter, node.body if outcome else node.orelse, scope)
    key = outcome.key if outcome.key is not None else (scope.file, node.lineno, node.col_offset)
    sides = [lambda: evaluate(interpreter, node.body, scope), lambda: evaluate(interpreter, node.orelse, scope)]
    return choice_of(interpreter.branches(key, sides), key)


def choice_of(results: list[Value], key: object) -> Value:
    """What a two-sided decision is worth."""
    if isinstance(key, tuple) and len(key) == 2 and key[0] == "not":
        return choice_of(list(reversed(results)), key[1])
    return joined(results, cast("str", key))


# --------------------------------------------------------------------------- displays, texts, the rest


def _elements(interpreter: Interpreter, nodes: list[ast.expr], scope: Scope) -> list[Value]:
    values: list[Value] = []
    for node in nodes:
        if isinstance(node, ast.Starred):
            more = interpreter.iterate(evaluate(interpreter, node.value, scope), interpreter.site(node, scope))
            values = (OpenList if isinstance(more, OpenList) else type(values))([*values, *more])
        else:
            values.append(evaluate(interpreter, node, scope))
    return values


def _list(interpreter: Interpreter, node: ast.expr, scope: Scope) -> Value:
    return _elements(interpreter, cast(ast.List, node).elts, scope)


def _tuple(interpreter: Interpreter, node: ast.expr, scope: Scope) -> Value:
    return tuple(_elements(interpreter, cast(ast.Tuple, node).elts, scope))


def _set(interpreter: Interpreter, node: ast.expr, scope: Scope) -> Value:
    return {v for v in _elements(interpreter, cast(ast.Set, node).elts, scope) if hashable(v)}


def _dict(interpreter: Interpreter, node: ast.expr, scope: Scope) -> Value:
    assert isinstance(node, ast.Dict)
    values: dict[Value, Value] = {}
    for key_node, value_node in zip(node.keys, node.values, strict=True):
        value = evaluate(interpreter, value_node, scope)
        if key_node is None:
            values.update(value if isinstance(value, dict) else {})
            continue
        key = evaluate(interpreter, key_node, scope)
        if hashable(key):
            values[key] = value
    return values


def _joined_text(interpreter: Interpreter, node: ast.expr, scope: Scope) -> Value:
    assert isinstance(node, ast.JoinedStr)
    site = interpreter.site(node, scope)
    parts: list[Value] = []
    for piece in node.values:
        if isinstance(piece, ast.FormattedValue):
            parts.append(_formatted(interpreter, piece, scope))
        else:
            parts.append(evaluate(interpreter, piece, scope))
    text = interpreter.lift(parts, concatenate, site)
    return Located.at(text, site.span) if isinstance(text, str) else text


def _formatted(interpreter: Interpreter, node: ast.expr, scope: Scope) -> Value:
    assert isinstance(node, ast.FormattedValue)
    value = evaluate(interpreter, node.value, scope)
    site = interpreter.site(node, scope)
    wanted = evaluate(interpreter, node.format_spec, scope) if node.format_spec else ""
    specification = str(wanted) if isinstance(wanted, str) else ""
    conversion = chr(node.conversion) if node.conversion > 0 else None
    return interpreter.lift([value], lambda v: formatted(v[0], specification, conversion, site), site)


def _named(interpreter: Interpreter, node: ast.expr, scope: Scope) -> Value:
    from tools.jobs.python.assignments import assign

    assert isinstance(node, ast.NamedExpr)
    value = evaluate(interpreter, node.value, scope)
    assign(interpreter, node.target, value, scope)
    return value


def _yield(interpreter: Interpreter, node: ast.expr, scope: Scope) -> Value:
    value = evaluate(interpreter, node.value, scope) if isinstance(node, ast.Yield) and node.value else None
    if isinstance(node, ast.YieldFrom):
        scope.yielded.extend(
            interpreter.iterate(evaluate(interpreter, node.value, scope), interpreter.site(node, scope))
        )
    elif len(scope.yielded) < interpreter.limits.iterations:
        scope.yielded.append(value)
    return None


def _await(interpreter: Interpreter, node: ast.expr, scope: Scope) -> Value:
    return evaluate(interpreter, cast(ast.Await, node).value, scope)


def _lambda(interpreter: Interpreter, node: ast.expr, scope: Scope) -> Value:
    return lambda_function(interpreter, cast(ast.Lambda, node), scope)


_HANDLERS: dict[type[ast.expr], Handler] = {
    ast.BinOp: _binary,
    ast.UnaryOp: _unary,
    ast.Compare: _compare,
    ast.BoolOp: _boolean,
    ast.IfExp: _conditional,
    ast.List: _list,
    ast.Tuple: _tuple,
    ast.Set: _set,
    ast.Dict: _dict,
    ast.JoinedStr: _joined_text,
    ast.FormattedValue: _formatted,
    ast.NamedExpr: _named,
    ast.Yield: _yield,
    ast.YieldFrom: _yield,
    ast.Await: _await,
    ast.Lambda: _lambda,
    ast.ListComp: comprehension,
    ast.GeneratorExp: generator,
    ast.SetComp: set_comprehension,
    ast.DictComp: dict_comprehension,
}
