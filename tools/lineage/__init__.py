"""Lineage asked: what feeds a job, table, column, dashboard or KPI, and what it feeds, with the place of every hop.

A *hop* is one job, dashboard or KPI: a job and the tables on its far side are equally far away.
"""

from tools.lineage.ask import downstream, upstream, walk
from tools.lineage.build import Graphs, build_graph
from tools.lineage.coverage import coverage, coverage_text, unknowns_of
from tools.lineage.graph import Direction, LineageGraph, Link, Node
from tools.lineage.result import LineageResult, Reached

__all__ = [
    "Direction",
    "Graphs",
    "LineageGraph",
    "LineageResult",
    "Link",
    "Node",
    "Reached",
    "build_graph",
    "coverage",
    "coverage_text",
    "downstream",
    "unknowns_of",
    "upstream",
    "walk",
]
