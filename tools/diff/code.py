"""Code that is not read (a Python function on columns) as a mark: two versions of it are told apart by their text.

The mark covers the function, the functions and constants of the script that it uses, and nothing else: comments,
docstrings and layout do not count.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Callable, Iterator

from sqlglot import Dialect, errors, exp

from tools.plan.bind import EITHER

__all__ = ["code_marks", "is_unread", "same_program"]


def code_marks(text: str, language: str) -> Callable[[exp.Expr], str]:
    """A function that gives the mark of an unread call; calls of code that is not found share the whole script's."""
    whole = hashlib.sha256(text.encode()).hexdigest()[:16]
    if language != "python":
        return lambda _: whole
    try:
        definitions = dict(_definitions(ast.parse(text)))
    except (SyntaxError, ValueError, RecursionError):
        return lambda _: whole

    def mark(call: exp.Expr) -> str:
        name = str(call.meta.get("function", "")) if call._meta else ""
        return _mark(name, definitions) if name in definitions else whole

    return mark


def same_program(one: str, other: str, language: str) -> bool:
    """Whether two texts are one program: letter by letter, or but for comments and layout."""
    if not one or not other:
        return False
    if one == other:
        return True
    try:
        if language == "python":
            return ast.dump(ast.parse(one)) == ast.dump(ast.parse(other))
        return _tokens(one) == _tokens(other)
    except (SyntaxError, ValueError, RecursionError, errors.SqlglotError):
        return False


def _tokens(text: str) -> list[tuple[str, str]]:
    return [(str(t.token_type), t.text) for t in Dialect.get_or_raise("spark").tokenize(text)]


def is_unread(call: exp.Anonymous) -> bool:
    """Whether a call is one of code that is not read, and not a choice among columns."""
    return str(call.this).startswith("__") and call.name != EITHER


def _definitions(tree: ast.Module) -> Iterator[tuple[str, ast.AST]]:
    """What the script itself defines by name, wherever it stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            yield node.name, node
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield target.id, node.value


def _mark(name: str, definitions: dict[str, ast.AST]) -> str:
    waiting, seen = [name], dict[str, str]()
    while waiting:
        current = waiting.pop()
        if current in seen:
            continue
        node = definitions[current]
        seen[current] = ast.dump(_without_words(node))
        used = {n.id for n in ast.walk(node) if isinstance(n, ast.Name)}
        waiting += sorted(used & definitions.keys())
    return hashlib.sha256("".join(f"{k}={seen[k]};" for k in sorted(seen)).encode()).hexdigest()[:16]


def _without_words(node: ast.AST) -> ast.AST:
    """Without its docstring: it does nothing."""
    body = getattr(node, "body", None)
    if isinstance(body, list) and body and isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant):
        copy = ast.parse(ast.unparse(node)).body[0]
        del copy.body[0]  # type: ignore[attr-defined]
        return copy
    return node
