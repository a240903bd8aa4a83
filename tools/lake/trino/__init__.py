"""Athena's SQL made to mean the same on DuckDB: what Trino would refuse, and what it would answer.

Trees in, trees out. Nothing here runs a query or knows where tables live.
"""
