"""One script from text to plan: the libraries it may use, its module scope, and what to do when nothing calls anything."""

from __future__ import annotations

import ast

from tools.jobs.glue import library as glue
from tools.jobs.late import settle_open_columns
from tools.jobs.pyspark import library as pyspark
from tools.jobs.pyspark.promote import promote
from tools.jobs.python import library as standard
from tools.jobs.python.builtins import BUILTINS
from tools.jobs.python.flow import Raised
from tools.jobs.python.imports import load
from tools.jobs.python.interpreter import Interpreter, Library, LimitReached, Limits
from tools.jobs.python.library import system
from tools.jobs.python.scope import Scope
from tools.jobs.python.site import Arguments, Site
from tools.jobs.python.source import parse, room_to_recurse
from tools.jobs.python.statements import run_block
from tools.jobs.python.values import ClassValue, Function, Native
from tools.jobs.session import Session
from tools.plan.base import Span, Unknown

_USUAL_NAMES = ("main", "run", "execute", "process", "job", "etl", "start", "handler", "lambda_handler", "model")


def library() -> Library:
    """Everything that scripts may import and be understood."""
    return Library(
        {**standard.MODULES, **pyspark.MODULES, **glue.MODULES},
        {**BUILTINS, **system.BUILTINS, **pyspark.BUILTINS, **glue.BUILTINS},
        promote,
    )


def read_script(text: str, session: Session, limits: Limits | None = None) -> None:
    """Reads a script into the session's plan."""
    tree = parse(text, session.file, session)
    if tree is None:
        return
    interpreter = Interpreter(session, library(), limits)
    _read(interpreter, tree)
    settle_open_columns(session)


def _read(interpreter: Interpreter, tree: ast.Module) -> None:
    session = interpreter.session
    scope = Scope(session.file)
    scope.names.update({"__name__": "__main__", "__file__": session.file, "__doc__": None})
    try:
        with room_to_recurse():
            _run(interpreter, tree, scope)
    except LimitReached as reached:
        where = Span(session.file, int(str(reached)))
        session.unknown(
            Unknown("the script takes more steps to read than are allowed; read up to here", where, "statement")
        )
    except (RecursionError, MemoryError):
        session.unknown(
            Unknown("the script is nested too deeply to be read to its end", Span(session.file, 1), "statement")
        )


def _run(interpreter: Interpreter, tree: ast.Module, scope: Scope) -> None:
    run_block(interpreter, tree.body, scope)
    plan = interpreter.session.plan
    if not plan.writes and not plan.scans:
        _run_uncalled(interpreter, scope)


def _run_uncalled(interpreter: Interpreter, scope: Scope) -> None:
    """A script that only defines functions is called by something else: its entry, or all its functions, are read."""
    functions = [v for v in scope.names.values() if isinstance(v, Function) and not v.called and v.file == scope.file]
    usual = [f for f in functions if f.name in _USUAL_NAMES]
    for function in usual or functions:
        if function.called:
            continue
        before = len(interpreter.session.plan.scans) + len(interpreter.session.plan.writes)
        _call(interpreter, function)
        if len(interpreter.session.plan.scans) + len(interpreter.session.plan.writes) > before:
            reason = f"{function.name}() is not called in this file; it is read as if it were"
            interpreter.session.unknown(Unknown(reason, function.span, "statement"))


def _call(interpreter: Interpreter, function: Function) -> None:
    try:
        interpreter.call(function, Arguments([], {}, open=True), Site(interpreter, function.span))
    except Raised:
        return


__all__ = ["ClassValue", "Native", "library", "load", "read_script"]
