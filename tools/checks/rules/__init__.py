"""The rules that checks are proposed by, in order: each looks at the material and proposes what it finds.

A rule is a function from `Material` to checks. A new one is one function and one row here.
"""

from collections.abc import Callable, Iterator

from tools.checks.material import Material
from tools.checks.model import Check
from tools.checks.rules import job, statistics, structure, values

__all__ = ["RULES"]

RULES: tuple[Callable[[Material], Iterator[Check]], ...] = (
    structure.columns,
    structure.filled,
    structure.keys,
    structure.repeated_rows,
    structure.references,
    structure.enough_rows,
    structure.timely,
    values.accepted,
    values.known,
    values.required,
    values.tidy,
    values.ranges,
    values.relations,
    statistics.drift,
    job.promises,
)
