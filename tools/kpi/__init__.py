"""The Data Time Machine: what KPIs would have looked like, day by day, had a job been another one.

A KPI's query is put over its tables, and each table that a changed job feeds is replaced by its logic, composed along
the lineage down to tables that do not change: once as the jobs are, once as they would be. Both run over the same
inputs in one statement, beside what is stored. Nothing is built, and what cannot be replayed is refused with its place.
"""

from tools.kpi.result import KpiSeries, Simulation
from tools.kpi.simulate import simulate

__all__ = ["KpiSeries", "Simulation", "simulate"]
