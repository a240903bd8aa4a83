"""Figures of a table's columns: measured in one query (measure.py), told as a result (result.py)."""

from tools.stats.measure import measure, row_counts
from tools.stats.result import ColumnProfile, DayCount, Profile, RowCounts, Window

__all__ = ["ColumnProfile", "DayCount", "Profile", "RowCounts", "Window", "measure", "row_counts"]
