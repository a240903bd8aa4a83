"""Python's standard library, and a few common packages, as far as job scripts lean on them."""

from __future__ import annotations

from collections.abc import Callable

from tools.jobs.python.interpreter import Interpreter
from tools.jobs.python.library import arguments, formats, functional, passive, system, times
from tools.jobs.python.values import Module

MODULES: dict[str, Callable[[Interpreter], Module]] = {
    **passive.MODULES,
    **functional.MODULES,
    **formats.MODULES,
    **times.MODULES,
    **system.MODULES,
    **arguments.MODULES,
}
