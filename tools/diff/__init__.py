"""Two versions of a job compared by meaning: what changed, shown by the clause that was edited, or that nothing did.

Layers, each sound by itself: canonical forms that are equal prove that nothing changed (`form`); schema and inputs
are compared exactly and clauses one by one (`clauses`); a search for rows on which the versions differ shows that
something did (`search`). What none of them decides is reported as undecided.
"""

from tools.diff.compare import Version, diff
from tools.diff.facts import Facts
from tools.diff.result import Difference, JobDiff

__all__ = ["Difference", "Facts", "JobDiff", "Version", "diff"]
