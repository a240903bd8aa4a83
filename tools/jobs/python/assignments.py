"""Binding names, attributes, elements and patterns."""

from __future__ import annotations

import ast
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from tools.jobs.python.attributes import set_attribute
from tools.jobs.python.containers import hashable
from tools.jobs.python.journal import leaves
from tools.jobs.python.scope import Scope
from tools.jobs.python.site import Site
from tools.jobs.python.values import NOTHING, Choice, Host, Instance, OpenList, Undecided, Value

if TYPE_CHECKING:
    from tools.jobs.python.interpreter import Interpreter


def assign(interpreter: Interpreter, target: ast.expr, value: Value, scope: Scope) -> None:
    """`target = value` for any form of target."""
    if isinstance(target, ast.Name):
        bind(interpreter, target.id, value, scope)
    elif isinstance(target, ast.Tuple | ast.List):
        _unpack(interpreter, target, value, scope)
    elif isinstance(target, ast.Starred):
        assign(interpreter, target.value, value, scope)
    elif isinstance(target, ast.Attribute | ast.Subscript):
        _into(interpreter, target, value, scope)


def bind(interpreter: Interpreter, name: str, value: Value, scope: Scope) -> None:
    """Gives a name of the scope a value."""
    names = scope.home_of(name).names
    interpreter.journal.touch(names)
    names[name] = value


def _into(interpreter: Interpreter, target: ast.Attribute | ast.Subscript, value: Value, scope: Scope) -> None:
    from tools.jobs.python.expressions import evaluate

    owner = evaluate(interpreter, target.value, scope)
    site = interpreter.site(target, scope)
    key = evaluate(interpreter, target.slice, scope) if isinstance(target, ast.Subscript) else None
    for one in leaves(owner):
        if isinstance(target, ast.Attribute):
            set_attribute(interpreter, one, target.attr, value, site)
        else:
            set_element(interpreter, one, key, value, site)


def set_element(interpreter: Interpreter, owner: Value, key: Value, value: Value, site: Site) -> None:
    """`owner[key] = value`."""
    if isinstance(owner, Host):
        owner.set_item(key, value, site)
    elif (isinstance(owner, dict) and hashable(key)) or (
        isinstance(owner, list) and isinstance(key, int) and -len(owner) <= key < len(owner)
    ):
        interpreter.journal.touch(owner)
        cast("dict[Any, Value]", owner)[key] = value
    elif isinstance(owner, Instance):
        method = owner.cls.find("__setitem__")
        if method is not NOTHING:
            site.call(method, owner, key, value)


def _unpack(interpreter: Interpreter, target: ast.Tuple | ast.List, value: Value, scope: Scope) -> None:
    wanted = target.elts
    if isinstance(value, Choice):
        _unpack_choice(interpreter, target, value, scope)
        return
    site = interpreter.site(target, scope)
    elements = interpreter.iterate(value, site)
    if isinstance(elements, OpenList) and len(elements) < len(wanted):
        sample = elements[0] if elements else site.undecided("an element")
        elements = [*elements, *([sample] * (len(wanted) - len(elements)))]
    starred = next((i for i, t in enumerate(wanted) if isinstance(t, ast.Starred)), None)
    if starred is not None:
        after = len(wanted) - starred - 1
        middle: Value = list(elements[starred : len(elements) - after])
        elements = [*elements[:starred], middle, *elements[len(elements) - after :]]
    for index, one in enumerate(wanted):
        missing = Undecided("there are fewer elements than names", site.span)
        assign(interpreter, one, elements[index] if index < len(elements) else missing, scope)


def _pick(interpreter: Interpreter, index: int, site: Site, values: list[Value]) -> Value:
    return _nth(interpreter, values[0], index, site)


def _unpack_choice(interpreter: Interpreter, target: ast.Tuple | ast.List, value: Choice, scope: Scope) -> None:
    site = interpreter.site(target, scope)
    for index, one in enumerate(target.elts):
        picked = interpreter.lift([value], partial(_pick, interpreter, index, site), site)
        assign(interpreter, one, picked, scope)


def _nth(interpreter: Interpreter, value: Value, index: int, site: Site) -> Value:
    elements = interpreter.iterate(value, site)
    return elements[index] if index < len(elements) else site.undecided("an element that is not there")


def delete(interpreter: Interpreter, target: ast.expr, scope: Scope) -> None:
    """`del target`."""
    from tools.jobs.python.expressions import evaluate

    if isinstance(target, ast.Name):
        names = scope.home_of(target.id).names
        interpreter.journal.touch(names)
        names.pop(target.id, None)
    elif isinstance(target, ast.Subscript):
        owner = evaluate(interpreter, target.value, scope)
        key = evaluate(interpreter, target.slice, scope)
        if isinstance(owner, dict) and hashable(key):
            interpreter.journal.touch(owner)
            owner.pop(key, None)
        elif isinstance(owner, list) and isinstance(key, int) and -len(owner) <= key < len(owner):
            interpreter.journal.touch(owner)
            del owner[key]
    elif isinstance(target, ast.Tuple | ast.List):
        for one in target.elts:
            delete(interpreter, one, scope)
