"""Everything that checks are proposed from, gathered once: figures, values, keys, foreign keys, rules, what jobs and
teams promise.

Each piece keeps its evidence by batch, so that the same proposal can be made from the first batches only and be held
against the later ones.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from tools.checks.inclusion import Inclusion, find_inclusions
from tools.checks.jobs import JobFacts, no_facts
from tools.checks.keys import KeyTest, find_keys, test_keys
from tools.checks.relations import Relation, find_relations
from tools.checks.roles import Role, roles_of
from tools.checks.stated import Stated
from tools.lake.base import Column, Lake
from tools.profile.batches import Batches
from tools.profile.figures import BatchFigures
from tools.profile.measure import profile_batches
from tools.profile.values import ValueCounts, count_values, few_valued

__all__ = ["Material", "gather"]


@dataclass(frozen=True)
class Material:
    """What is known of a table, oldest batch first. `batches` and `profiles` go together."""

    batches: Batches
    profiles: tuple[BatchFigures, ...]
    roles: Mapping[str, Role]
    values: ValueCounts
    keys: tuple[KeyTest, ...]
    inclusions: tuple[Inclusion, ...]
    relations: tuple[Relation, ...]
    job: JobFacts
    stated: Stated = field(default_factory=Stated)

    @property
    def columns(self) -> list[Column]:
        """The table's columns without the keys that cut it."""
        keys = {k.name for k in self.batches.keys}
        return [c for c in self.batches.table.columns if c.name not in keys]

    @property
    def rows(self) -> int:
        """Rows of all batches."""
        return sum(p.rows for p in self.profiles)

    def numbers(self, column: str, figure: str) -> list[float]:
        """A figure of a column by batch, where batches have it."""
        return [v for p in self.profiles if (v := p.number(column, figure)) is not None]

    def times(self, column: str, figure: str) -> list[datetime.datetime]:
        """A figure of a time column by batch, where batches have it."""
        return [v for p in self.profiles if (v := p.time(column, figure)) is not None]

    def count(self, column: str, figure: str) -> int:
        """A count summed over all batches."""
        return int(sum(self.numbers(column, figure)))

    def first(self, number: int) -> Material:
        """The same from the first batches only."""
        labels = set(self.batches.labels[:number])
        return replace(self, batches=self.batches.only(labels), profiles=self.profiles[:number])


def gather(
    lake: Lake,
    batches: Batches,
    *,
    job: JobFacts | None = None,
    stated: Stated | None = None,
    profiles: Sequence[BatchFigures] | None = None,
    tables: Sequence[str] | None = None,
) -> Material:
    """Measures what is not known yet.

    Args:
        stated: what a team promises of the table already.
        profiles: figures of these batches, when they were measured before.
        tables: where foreign keys may lead; every other table of the lake if not given.

    Raises:
        LimitExceeded, QueryError, ReadError: see `Lake.query`.
    """
    found = tuple(profiles if profiles is not None else profile_batches(lake, batches))
    filled = [p for p in found if p.rows]
    keys = {k.name for k in batches.keys}
    columns = [c for c in batches.table.columns if c.name not in keys]
    roles = roles_of(columns, filled)
    values = count_values(lake, batches, few_valued(columns, filled))
    facts = _in_lake(job or no_facts(), lake)
    unique = find_keys(lake, batches, filled, roles)
    promised = test_keys(lake, batches, filled, [k.columns for k in facts.keys])
    return Material(
        batches,
        found,
        roles,
        values,
        tuple({k.columns: k for k in (*unique, *promised)}.values()),
        tuple(find_inclusions(lake, batches, roles, values, tables)),
        tuple(find_relations(lake, batches, roles)),
        facts,
        stated or Stated(),
    )


def _in_lake(job: JobFacts, lake: Lake) -> JobFacts:
    """Without foreign keys into tables that are not there: a job's staging tables are often gone."""
    names = {str(t) for t in lake.tables()}
    facts = tuple(f for f in job.facts if f.kind != "foreign_key" or f.parameters["table"] in names)
    return replace(job, facts=facts)
