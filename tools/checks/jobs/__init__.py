"""What jobs promise of the rows that they write, read from their plans. Nothing of a job is run."""

from tools.checks.jobs.facts import Fact, JobFacts, KeyFact, no_facts
from tools.checks.jobs.read import facts_of

__all__ = ["Fact", "JobFacts", "KeyFact", "facts_of", "no_facts"]
