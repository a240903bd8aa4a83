"""Figures of a table batch by batch: how it is cut, what is measured, and what was measured before."""

from tools.profile.batches import Batch, Batches, cut
from tools.profile.figures import BatchFigures, ColumnFigures, Family, Value, family
from tools.profile.measure import profile_batches
from tools.profile.values import ValueCounts, count_values

__all__ = [
    "Batch",
    "BatchFigures",
    "Batches",
    "ColumnFigures",
    "Family",
    "Value",
    "ValueCounts",
    "count_values",
    "cut",
    "family",
    "profile_batches",
]
