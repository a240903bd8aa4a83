"""Reads job code into plans: SQL scripts, PySpark and Glue programs. Job code is read, never executed or imported."""

from tools.jobs.read import read_job
from tools.jobs.reading import JobReading

__all__ = ["JobReading", "read_job"]
