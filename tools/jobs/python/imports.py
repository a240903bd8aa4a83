"""Imports: known libraries by their models, project-local modules by their text when it is given, others by name."""

from __future__ import annotations

import ast
from typing import TYPE_CHECKING

from tools.jobs.python.assignments import bind
from tools.jobs.python.scope import Scope
from tools.jobs.python.site import Site
from tools.jobs.python.source import parse
from tools.jobs.python.values import NOTHING, Module, Value

if TYPE_CHECKING:
    from tools.jobs.python.interpreter import Interpreter


def import_modules(interpreter: Interpreter, statement: ast.Import, scope: Scope) -> None:
    """`import a.b.c`, `import a.b as c`."""
    site = interpreter.site(statement, scope)
    for alias in statement.names:
        module = load(interpreter, alias.name, site)
        if alias.asname:
            bind(interpreter, alias.asname, module, scope)
        else:
            top = alias.name.split(".", 1)[0]
            bind(interpreter, top, module if top == alias.name else load(interpreter, top, site), scope)


def import_from(interpreter: Interpreter, statement: ast.ImportFrom, scope: Scope) -> None:
    """`from a.b import c as d`, `from a import *`, relative imports."""
    site = interpreter.site(statement, scope)
    name = statement.module or ""
    if name == "__future__":
        return
    for alias in statement.names:
        if alias.name == "*":
            _import_all(interpreter, load(interpreter, name, site), scope)
            continue
        bind(interpreter, alias.asname or alias.name, _member(interpreter, name, alias.name, site), scope)


def _member(interpreter: Interpreter, module_name: str, name: str, site: Site) -> Value:
    inner = f"{module_name}.{name}" if module_name else name
    if is_known(interpreter, inner):
        return load(interpreter, inner, site)
    return load(interpreter, module_name, site).attribute(name, site)


def _import_all(interpreter: Interpreter, module: Module, scope: Scope) -> None:
    for name, value in list(module.members.items()):
        if not name.startswith("_"):
            bind(interpreter, name, value, scope)
    if module.other is not None:
        scope.module.open_imports.append(module)


def load(interpreter: Interpreter, name: str, site: Site) -> Module:
    """The module of that dotted name; one whose members are all unknown when it is neither given nor known."""
    if name in interpreter.modules:
        return interpreter.modules[name]
    text = _given(interpreter, name)
    if text is not None:
        return _read(interpreter, name, text, site)
    loader = interpreter.library.modules.get(name)
    module = loader(interpreter) if loader else Module(name, {}, _not_given(interpreter, name))
    interpreter.modules[name] = module
    return module


def is_known(interpreter: Interpreter, name: str) -> bool:
    """Whether a dotted name is a module that is given or modelled."""
    return name in interpreter.modules or name in interpreter.library.modules or _given(interpreter, name) is not None


def _given(interpreter: Interpreter, name: str) -> str | None:
    """A project-local module's text, also by its last parts (`jobs.common.io` given as `common.io` or `io`)."""
    given = interpreter.session.imports
    if name in interpreter.library.modules and name not in given:
        return None
    parts = name.split(".")
    for start in range(len(parts)):
        candidate = ".".join(parts[start:])
        for spelled in (candidate, f"{candidate}.__init__", candidate.replace(".", "/") + ".py"):
            if spelled in given:
                return given[spelled]
    return None


def _not_given(interpreter: Interpreter, name: str):  # type: ignore[no-untyped-def]
    def member(member_name: str, site: Site) -> Value:
        inner = f"{name}.{member_name}"
        if is_known(interpreter, inner):
            return load(interpreter, inner, site)
        return site.undecided(f"module {name} is not given, so {member_name} is not known")

    return member


def _read(interpreter: Interpreter, name: str, text: str, site: Site) -> Module:
    from tools.jobs.python.statements import run_block

    file = name.replace(".", "/") + ".py"
    scope = Scope(file)
    scope.names["__name__"] = name
    module = Module(name, scope.names, None, scope)
    interpreter.modules[name] = module
    tree = parse(text, file, interpreter.session)
    if tree is not None:
        run_block(interpreter, tree.body, scope)
    return module


__all__ = ["NOTHING", "import_from", "import_modules", "is_known", "load"]
