"""Functions and classes of the job as values: definitions, defaults, decorators."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from tools.jobs.python.scope import Scope
from tools.jobs.python.values import ClassMethod, ClassValue, Function, Native, Property, Undecided, Value

if TYPE_CHECKING:
    from tools.jobs.python.interpreter import Interpreter


def lambda_function(interpreter: Interpreter, node: ast.Lambda, scope: Scope) -> Function:
    """The value of a lambda."""
    return Function("<lambda>", node, scope, _defaults(interpreter, node.args, scope), scope.file)


def define_function(interpreter: Interpreter, node: ast.FunctionDef | ast.AsyncFunctionDef, scope: Scope) -> Value:
    """The value that a `def` binds: the function, after its decorators."""
    function = Function(node.name, node, scope, _defaults(interpreter, node.args, scope), scope.file)
    function.generator = _is_generator(node)
    value: Value = function
    for decorator in reversed(node.decorator_list):
        value = _decorated(interpreter, decorator, value, scope)
    return value


def define_class(interpreter: Interpreter, node: ast.ClassDef, scope: Scope) -> Value:
    """The value that a `class` statement binds."""
    from tools.jobs.python.expressions import evaluate
    from tools.jobs.python.statements import run_block

    bases = [evaluate(interpreter, b, scope) for b in node.bases if not isinstance(b, ast.Starred)]
    inner = Scope(scope.file, scope, is_class=True)
    cls = ClassValue(node.name, bases, inner.names, scope.file)
    run_block(interpreter, node.body, inner)
    for member in inner.names.values():
        for function in _functions_in(member):
            function.owner = cls
    if _is_dataclass(node, cls):
        cls.fields = _fields(interpreter, node, inner)
    return cls


def _functions_in(member: Value) -> list[Function]:
    if isinstance(member, Function):
        return [member]
    if isinstance(member, Property):
        return [f for f in (member.getter, member.setter) if isinstance(f, Function)]
    if isinstance(member, ClassMethod):
        return _functions_in(member.function)
    return []


def _is_dataclass(node: ast.ClassDef, cls: ClassValue) -> bool:
    names = {ast.unparse(d.func if isinstance(d, ast.Call) else d).rsplit(".", 1)[-1] for d in node.decorator_list}
    bases = {ast.unparse(b).rsplit(".", 1)[-1] for b in node.bases}
    return bool(names & {"dataclass", "define", "s", "frozen"} or bases & {"NamedTuple", "BaseModel", "TypedDict"})


def _fields(interpreter: Interpreter, node: ast.ClassDef, scope: Scope) -> dict[str, Value]:
    from tools.jobs.python.values import NOTHING

    found: dict[str, Value] = {}
    for statement in node.body:
        if not (isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name)):
            continue
        if "ClassVar" not in ast.unparse(statement.annotation):
            found[statement.target.id] = scope.names.get(statement.target.id, NOTHING)
    return found


def _defaults(interpreter: Interpreter, spec: ast.arguments, scope: Scope) -> dict[str, Value]:
    from tools.jobs.python.expressions import evaluate

    positional = [*spec.posonlyargs, *spec.args]
    named = positional[len(positional) - len(spec.defaults) :]
    found = {p.arg: evaluate(interpreter, d, scope) for p, d in zip(named, spec.defaults, strict=True)}
    for parameter, default in zip(spec.kwonlyargs, spec.kw_defaults, strict=True):
        if default is not None:
            found[parameter.arg] = evaluate(interpreter, default, scope)
    return found


def _is_generator(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    pending: list[ast.AST] = list(node.body)
    while pending:
        current = pending.pop()
        if isinstance(current, ast.Yield | ast.YieldFrom):
            return True
        if not isinstance(current, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef):
            pending.extend(ast.iter_child_nodes(current))
    return False


def _decorated(interpreter: Interpreter, decorator: ast.expr, value: Value, scope: Scope) -> Value:
    from tools.jobs.python.expressions import evaluate
    from tools.jobs.python.site import Arguments

    if isinstance(decorator, ast.Attribute) and decorator.attr in ("setter", "getter", "deleter"):
        return _with_setter(evaluate(interpreter, decorator.value, scope), value)
    wrapper = evaluate(interpreter, decorator, scope)
    site = interpreter.site(decorator, scope)
    if isinstance(wrapper, Function | Native | ClassValue) or not isinstance(wrapper, Undecided):
        result = interpreter.call(wrapper, Arguments([value]), site)
        return value if isinstance(result, Undecided) or result is None else result
    return value  # an unreadable decorator (retry, timing, a framework's) is taken to hand the function on


def _with_setter(existing: Value, function: Value) -> Value:
    if isinstance(existing, Property):
        return Property(existing.getter, function)
    return Property(function)
