"""Calling things: functions of the job are read with the arguments they get, natives compute their answer."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import TYPE_CHECKING

from tools.jobs.python.attributes import look_up
from tools.jobs.python.journal import joined
from tools.jobs.python.scope import Scope
from tools.jobs.python.site import Arguments, Site
from tools.jobs.python.values import (
    NOTHING,
    Bound,
    Choice,
    ClassValue,
    Function,
    Host,
    Instance,
    Native,
    Property,
    Undecided,
    Value,
)

if TYPE_CHECKING:
    from tools.jobs.python.interpreter import Interpreter


HOST_CALL = 5  # steps that a call into a library's model is worth


def call(interpreter: Interpreter, function: Value, arguments: Arguments, site: Site) -> Value:
    """The result of a call; undecided (with the host things that went in) when the callee cannot be read."""
    if isinstance(function, Choice):
        return interpreter.lift([function], lambda f: call(interpreter, f[0], arguments, site), site)
    if isinstance(function, Function):
        return call_function(interpreter, function, arguments, site)
    if isinstance(function, Bound):
        with_receiver = Arguments([function.receiver, *arguments.positional], arguments.keywords, arguments.open)
        return call(interpreter, function.function, with_receiver, site)
    if isinstance(function, Native):
        return call_native(interpreter, function, arguments, site)
    if isinstance(function, ClassValue):
        return instantiate(interpreter, function, arguments, site)
    if isinstance(function, Host):
        return _call_host(interpreter, function, arguments, site)
    if isinstance(function, Instance):
        method = look_up(interpreter, function, "__call__", site)
        if method is not NOTHING:
            return call(interpreter, method, arguments, site)
    return call_unreadable(interpreter, function, arguments, site)


def _call_host(interpreter: Interpreter, function: Host, arguments: Arguments, site: Site) -> Value:
    if any(isinstance(a, Choice) for a in arguments.all):
        return _lifted(interpreter, arguments, site, lambda given: function.call(given, site))
    return function.call(arguments, site)


def _lifted(interpreter: Interpreter, arguments: Arguments, site: Site, body: Callable[[Arguments], Value]) -> Value:
    names = list(arguments.keywords)
    split = len(arguments.positional)

    def once(values: list[Value]) -> Value:
        keywords = dict(zip(names, values[split:], strict=True))
        return body(Arguments(values[:split], keywords, arguments.open))

    return interpreter.lift(arguments.all, once, site)


# --------------------------------------------------------------------------- natives


def call_native(interpreter: Interpreter, native: Native, arguments: Arguments, site: Site) -> Value:
    """Calls a function that the reader knows, once for each option of a Choice among the arguments."""
    if native.lift and any(isinstance(a, Choice) for a in arguments.all):
        return _lifted(interpreter, arguments, site, lambda given: call_native(interpreter, native, given, site))
    bound = bind_native(native, arguments)
    if bound is None:
        return Undecided(f"{native.name} is called in a way that is not known here", site.span, inputs=hosts(arguments))
    interpreter.spend(1)
    try:
        result = native.body(site, *bound)
        if isinstance(result, Host):
            interpreter.spend(HOST_CALL + result.weight)
        return result
    except (TypeError, ValueError, LookupError, ArithmeticError, AttributeError, RecursionError) as error:
        reason = f"{native.name} with these arguments: {type(error).__name__}: {error}"
        return Undecided(reason, site.span, inputs=hosts(arguments))


def bind_native(native: Native, arguments: Arguments) -> list[Value] | None:
    """Arguments in the order of the native's parameters, None when they do not fit."""
    left = list(arguments.positional)
    named = dict(arguments.keywords)
    bound: list[Value] = []
    for parameter in native.parameters:
        name = parameter.strip("*=")
        if parameter.startswith("**"):
            bound.append(named)
            named = {}
        elif parameter.startswith("*"):
            bound.append(left)
            left = []
        elif left:
            bound.append(left.pop(0))
        elif name in named:
            bound.append(named.pop(name))
        elif parameter.endswith("="):
            bound.append(None)
        else:
            return None
    return bound


def hosts(arguments: Arguments) -> tuple[Value, ...]:
    """Host things among the arguments, also inside containers and undecided values."""
    found: list[Value] = []
    pending = list(arguments.all)
    while pending and len(found) < 20:
        value = pending.pop(0)
        if isinstance(value, Host):
            found.append(value)
        elif isinstance(value, Undecided):
            found.extend(value.inputs)
        elif isinstance(value, list | tuple | set):
            pending.extend(list(value)[:50])
        elif isinstance(value, dict):
            pending.extend(list(value.values())[:50])
        elif isinstance(value, Choice):
            pending.extend(value.options)
        elif isinstance(value, Instance):
            found.extend(v for v in value.attributes.values() if isinstance(v, Host))
    return tuple(dict.fromkeys(found))


def call_unreadable(interpreter: Interpreter, function: Value, arguments: Arguments, site: Site) -> Value:
    """A call of something that cannot be read. Functions of the job that are handed over are read once: they may run."""
    for value in arguments.all:
        if isinstance(value, Function) and not value.called:
            interpreter.call(value, Arguments([], {}, open=True), site)
    inputs = hosts(arguments)
    if isinstance(function, Undecided):
        inputs = tuple(dict.fromkeys((*function.inputs, *inputs)))
        return Undecided(function.reason, function.span or site.span, function.hole, inputs)
    return Undecided(f"a {type(function).__name__} is called", site.span, inputs=inputs)


# --------------------------------------------------------------------------- functions of the job


def call_function(interpreter: Interpreter, function: Function, arguments: Arguments, site: Site) -> Value:
    """Reads the function's body with these arguments."""
    from tools.jobs.python.expressions import evaluate
    from tools.jobs.python.statements import run_body

    function.called = True
    if not _may_enter(interpreter, function):
        site.unknown(f"calls of {function.name} are nested too deeply to be followed", "statement")
        return Undecided(f"calls of {function.name} are nested too deeply", site.span, inputs=hosts(arguments))
    scope = Scope(function.file, function.scope, owner=function.owner)
    bind_parameters(interpreter, function, arguments, scope, site)
    interpreter.call_depth += 1
    function.active += 1
    before = dict(interpreter.assumptions)
    try:
        if isinstance(function.node, ast.Lambda):
            return evaluate(interpreter, function.node.body, scope)
        result = run_body(interpreter, function.node.body, scope)
    finally:
        interpreter.call_depth -= 1
        function.active -= 1
        interpreter.leave()
        interpreter.assumptions = before
    if function.generator:
        return scope.yielded
    return with_early_returns(result, scope)


def _may_enter(interpreter: Interpreter, function: Function) -> bool:
    """A function whose recursion was once cut short is not followed into itself again: calls would double and double."""
    if function.active and (function.endless or function.active >= interpreter.limits.recursion):
        function.endless = True
        return False
    return interpreter.call_depth < interpreter.limits.calls and interpreter.enter()


def with_early_returns(result: Value, scope: Scope) -> Value:
    """The function's value: what it returned on the way under conditions, else what it returned at the end."""
    for key, index, value in reversed(scope.maybe_returned):
        options = [result, result]
        options[index] = value
        result = joined(options, key)
    return None if result is NOTHING else result


def bind_parameters(
    interpreter: Interpreter, function: Function, arguments: Arguments, scope: Scope, site: Site
) -> None:
    """Gives the parameters their values, as a call does; what a call with `*unknown` leaves open is undecided."""
    spec = function.node.args
    left, named = list(arguments.positional), dict(arguments.keywords)
    positional = [*spec.posonlyargs, *spec.args]
    for index, parameter in enumerate(positional):
        if left:
            value = left.pop(0)
        else:
            value = _named_or_default(function, parameter.arg, named, arguments, site)
        scope.names[parameter.arg] = value
        if index == 0:
            scope.receiver = value
    if spec.vararg:
        scope.names[spec.vararg.arg] = tuple(left)
    for parameter in spec.kwonlyargs:
        scope.names[parameter.arg] = _named_or_default(function, parameter.arg, named, arguments, site)
    if spec.kwarg:
        scope.names[spec.kwarg.arg] = named


def _named_or_default(
    function: Function, name: str, named: dict[str, Value], arguments: Arguments, site: Site
) -> Value:
    if name in named:
        return named.pop(name)
    if arguments.open:
        return Undecided(f"argument {name} of {function.name} is not known", site.span)
    if name in function.defaults:
        return function.defaults[name]
    return Undecided(f"argument {name} of {function.name} is not given", site.span)


# --------------------------------------------------------------------------- classes of the job


def instantiate(interpreter: Interpreter, cls: ClassValue, arguments: Arguments, site: Site) -> Value:
    """`Class(…)`: an object, after its `__init__` has been read."""
    if any(isinstance(b, Host) and getattr(b, "is_enum", False) for b in cls.strange_bases):
        return arguments.positional[0] if arguments.positional else Undecided(f"a member of {cls.name}", site.span)
    instance = Instance(cls)
    initialiser = cls.find("__init__")
    if initialiser is not NOTHING:
        call(interpreter, Bound(initialiser, instance), arguments, site)
    else:
        _fill_fields(interpreter, instance, arguments, site)
    return instance


def _fill_fields(interpreter: Interpreter, instance: Instance, arguments: Arguments, site: Site) -> None:
    left = list(arguments.positional)
    for name, default in all_fields(instance.cls).items():
        if left:
            value = left.pop(0)
        elif name in arguments.keywords:
            value = arguments.keywords[name]
        elif isinstance(default, Property):
            value = site.call(default.getter)
        else:
            value = default if default is not NOTHING else site.undecided(f"field {name} is not given")
        instance.attributes[name] = value
    after = instance.cls.find("__post_init__")
    if after is not NOTHING and all_fields(instance.cls):
        call(interpreter, Bound(after, instance), Arguments(), site)


def all_fields(cls: ClassValue) -> dict[str, Value]:
    """The fields of a dataclass, its bases' first."""
    found: dict[str, Value] = {}
    for one in reversed(list(cls.lineage())):
        found.update(one.fields or {})
    return found
