"""Reads SQL text (Athena/Trino, Spark, Hive, and close relatives) into plans."""

from tools.jobs.sql.script import lower_script, lower_text
from tools.jobs.sql.text import SqlTextError, parse_expression

__all__ = ["SqlTextError", "lower_script", "lower_text", "parse_expression"]
