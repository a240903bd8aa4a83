"""The front door of the room: job text in, `JobReading` out. Nothing here runs, imports or evaluates the text."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import PurePosixPath
from typing import Literal

from tools.jobs import sql
from tools.jobs.reading import JobReading
from tools.jobs.session import Session
from tools.jobs.sql import text as sql_text
from tools.plan.base import Span, Unknown
from tools.plan.catalog import EMPTY, Catalog

Language = Literal["python", "sql"]


def read_job(
    text: str,
    *,
    name: str,
    file: str | None = None,
    language: Language | None = None,
    dialect: str | None = None,
    catalog: Catalog = EMPTY,
    arguments: Mapping[str, str] | None = None,
    imports: Mapping[str, str] | None = None,
) -> JobReading:
    """Reads a job's code into a plan. Never raises for anything in the text: what is not understood is an Unknown.

    Args:
        text: the script.
        name: the job's name.
        file: how the script is named in evidence; the name by default.
        language: `python` or `sql`; by default from the file's ending, else from the text.
        dialect: the SQL dialect; by default `spark` for Python, and for SQL told from the text.
        catalog: columns of known tables; without one a table's columns appear as they are named.
        arguments: job arguments known from the job's definition.
        imports: project-local modules that the job imports, by module name.
    """
    file = file or name
    language = language or language_of(file, text)
    if dialect is None:
        dialect = "spark" if language == "python" else dialect_of(text)
    session = Session(catalog, file, dialect, dict(arguments or {}), dict(imports or {}))
    try:
        if language == "python":
            from tools.jobs import python

            python.lower_script(text, session)
        else:
            sql.lower_script(text, session)
    except RecursionError:
        session.unknown(Unknown("nested too deeply to read", Span(file, 1), "statement"))
    return JobReading(name, file, language, code_hash(text, session.arguments), session.plan, session.arguments)


def code_hash(text: str, arguments: Mapping[str, str] | None = None) -> str:
    """Identifies a job's text together with the arguments that it was read with."""
    payload = json.dumps([text, sorted((arguments or {}).items())])
    return hashlib.sha256(payload.encode()).hexdigest()[:16]


def language_of(file: str, text: str) -> Language:
    """From the file's ending, else: text that starts a SQL statement is SQL."""
    suffix = PurePosixPath(file).suffix.lower()
    if suffix in (".py", ".sql", ".hql", ".ddl"):
        return "python" if suffix == ".py" else "sql"
    words = sql_text.without_comments(text).split(None, 1)
    return "sql" if words and words[0].upper() in _SQL_WORDS else "python"


_SQL_WORDS = frozenset(
    """ALTER CREATE DELETE DROP FROM INSERT MERGE SELECT SET TRUNCATE UNLOAD UPDATE USE USING
    WITH""".split()
)
_SPARK_MARKS = (
    "INSERT OVERWRITE",
    "LATERAL VIEW",
    "USING DELTA",
    "USING PARQUET",
    "USING ICEBERG",
    "TEMPORARY VIEW",
    "TEMP VIEW",
    "DISTRIBUTE BY",
    "CLUSTER BY",
    "`",
    "NVL(",
    "COLLECT_LIST(",
    "UPDATE SET *",
)


def dialect_of(text: str) -> str:
    """Spark or Athena, told by constructs that only one of them has; Athena when nothing tells."""
    bare = " ".join(sql_text.without_comments(text).upper().split())
    return "spark" if any(mark in bare for mark in _SPARK_MARKS) else "athena"
