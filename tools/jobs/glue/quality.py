"""Glue Data Quality: evaluating a ruleset hands the rows on and gives a small table of outcomes."""

from __future__ import annotations

from dataclasses import dataclass

from tools.jobs.glue.collection import Collection
from tools.jobs.glue.dynamic_frame import DynamicFrame, dynamic
from tools.jobs.pyspark.frame import Frame
from tools.jobs.python.site import Arguments, Site
from tools.jobs.python.values import NOTHING, Host, Native, Value
from tools.plan.model import Values
from tools.plan.relation import Relation

_OUTCOMES = ("Rule", "Outcome", "FailureReason", "EvaluatedMetrics", "EvaluatedRule")


@dataclass(eq=False, frozen=True, slots=True)
class Evaluate(Host):
    """`EvaluateDataQuality`."""

    def attribute(self, name: str, site: Site) -> Value:
        """`apply` gives outcomes, `process_rows` a collection with the rows."""
        if name == "apply":
            return Native(name, lambda site, given, keywords: DynamicFrame(_outcomes(site)))
        if name == "process_rows":
            return Native(name, _process_rows)
        return NOTHING

    def call(self, arguments: Arguments, site: Site) -> Value:
        """`EvaluateDataQuality()`."""
        return self


def _process_rows(site: Site, given: list[Value], keywords: dict[str, Value]) -> Value:
    frame = dynamic(keywords.get("frame", given[0] if given else None), site)
    found = {"ruleOutcomes": DynamicFrame(_outcomes(site))}
    if frame is not None:
        found["rowLevelOutcomes"] = frame
        found["originalData"] = frame
    return Collection(found)


def _outcomes(site: Site) -> Frame:
    columns = [site.session.ids.attribute(n, "string") for n in _OUTCOMES]
    return Frame(Relation.over(Values(columns, [], span=site.span)))


QUALITY: dict[str, Value] = {"EvaluateDataQuality": Evaluate()}
