"""DuckDB in memory, locked: it may read the lake's table folders and nothing else, and nobody can change that.

A second fence behind the guard: external access is off except for those folders, the configuration is locked, and
only a statement that DuckDB's own parser calls a SELECT is run. It knows no tables and no Athena SQL.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlglot import exp

from knowledge.errors import LimitExceeded, QueryError, QueryRefused
from tools.lake.trino.macros import needed_macros
from tools.lake.trino.messages import athena_words

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = ["Answer", "Engine", "StorageFault", "file_list"]

# Athena's ways, as settings: NULLs last both ways, 7/2 = 3, one clock. Memory is bounded, and nothing spills to disk.
_SETTINGS = {
    "default_null_order": "nulls_last",
    "integer_division": True,
    "TimeZone": "UTC",
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "python_enable_replacements": False,
    "max_temp_directory_size": "0GB",
    "enable_progress_bar": False,
}


class StorageFault(QueryError):
    """DuckDB could not read or decode stored data; which file it was, it does not always say."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What DuckDB returned: column names, its own type names, rows (at most as many as asked for)."""

    columns: tuple[str, ...]
    types: tuple[str, ...]
    rows: list[tuple[Any, ...]]


class Engine:
    """One locked database for one lake; safe to use from several threads.

    Args:
        folders: what it may read. Symbolic links are resolved, so a linked table folder is readable.

    Attributes:
        generation: counts up when the database had to be opened again; its views are gone then.
    """

    def __init__(self, folders: Callable[[], Iterable[Path]]) -> None:
        self._folders = folders
        self._lock = threading.Lock()
        self._macros: set[str] = set()
        self.generation = 0

    def select(self, query: exp.Expr, *, rows: int, seconds: float) -> Answer:
        """Runs one SELECT and fetches at most `rows` rows.

        Raises:
            QueryRefused: DuckDB does not take it for one SELECT.
            LimitExceeded: it took longer than `seconds`.
            QueryError: DuckDB failed it.
        """
        sql = query.sql("duckdb", comments=False)
        with self._cursor(seconds) as cursor, _stopwatch(cursor, seconds):
            _only_select(cursor, sql)
            self._define_macros(cursor, sql)
            cursor.execute(sql)
            types = tuple(str(column[1]) for column in cursor.description or ())
            names = tuple(str(column[0]) for column in cursor.description or ())
            return Answer(names, types, cursor.fetchmany(rows))

    def arrow(self, query: exp.Expr, *, seconds: float) -> pa.Table:
        """Runs one SELECT and fetches all of it as an Arrow table.

        Raises as `select` does.
        """
        sql = query.sql("duckdb", comments=False)
        with self._cursor(seconds) as cursor, _stopwatch(cursor, seconds):
            _only_select(cursor, sql)
            self._define_macros(cursor, sql)
            return cursor.execute(sql).to_arrow_table()

    def ask(self, query: exp.Expr) -> list[tuple[Any, ...]]:
        """Runs a query of our own (footers, file types) and fetches everything.

        Raises:
            QueryError: DuckDB failed it, for example on a corrupt file.
        """
        sql = query.sql("duckdb")
        with self._cursor() as cursor:
            self._define_macros(cursor, sql)
            return cursor.execute(sql).fetchall()

    def describe(self, query: exp.Expr) -> list[tuple[str, str]]:
        """Names and DuckDB types of a query's columns, without running it.

        Raises:
            QueryError: DuckDB failed it.
        """
        with self._cursor() as cursor:
            rows = cursor.execute("DESCRIBE " + query.sql("duckdb")).fetchall()
        return [(row[0], row[1]) for row in rows]

    def define_view(self, name: str, query: exp.Expr) -> None:
        """Creates or replaces a view in the database.

        Raises:
            QueryError: DuckDB failed it.
        """
        view = exp.Create(this=exp.table_(name, quoted=True), kind="VIEW", replace=True)
        view.set("expression", query)
        with self._cursor() as cursor:
            cursor.execute(view.sql("duckdb"))

    def _define_macros(self, cursor: duckdb.DuckDBPyConnection, sql: str) -> None:
        """Half a millisecond each, so only those that are called."""
        for name, macro in needed_macros(sql).items():
            if name not in self._macros:
                with self._lock:
                    cursor.execute("CREATE OR REPLACE MACRO " + macro)
                    self._macros.add(name)

    @cached_property
    def _connection(self) -> duckdb.DuckDBPyConnection:
        import duckdb

        connection = duckdb.connect(":memory:")
        for name, value in _SETTINGS.items():
            connection.execute(_set(name, exp.convert(value)))
        allowed = sorted({str(p) for folder in self._folders() for p in (folder.absolute(), folder.resolve())})
        files = [p for p in allowed if Path(p).is_file()]
        connection.execute(_set("allowed_directories", exp.convert([p for p in allowed if p not in files])))
        connection.execute(_set("allowed_paths", exp.convert(files)))
        connection.execute(_set("enable_external_access", exp.false()))
        connection.execute(_set("lock_configuration", exp.true()))
        return connection

    @contextmanager
    def _cursor(self, seconds: float = 0) -> Iterator[duckdb.DuckDBPyConnection]:
        import duckdb

        with self._lock:
            cursor = self._connection.cursor()
        try:
            yield cursor
        except duckdb.Error as error:
            if isinstance(error, duckdb.FatalException | duckdb.InternalException):
                self._forget()
            raise _translated(error, seconds) from error
        finally:
            cursor.close()

    def _forget(self) -> None:
        """After a fatal error DuckDB answers nothing more: the next question opens a new database."""
        with self._lock:
            self.__dict__.pop("_connection", None)
            self._macros.clear()
            self.generation += 1


def file_list(paths: Sequence[Path]) -> exp.Expr:
    """Paths as an argument of DuckDB's readers, which would take `*`, `?` and `[` in them for patterns."""
    return exp.convert([re.sub(r"([*?\[])", r"[\1]", str(path)) for path in paths])


def _set(name: str, value: exp.Expr) -> str:
    item = exp.SetItem(this=exp.EQ(this=exp.to_identifier(name), expression=value))
    return exp.Set(expressions=[item]).sql("duckdb")


def _only_select(cursor: duckdb.DuckDBPyConnection, sql: str) -> None:
    import duckdb

    kinds = [statement.type for statement in cursor.extract_statements(sql)]
    if kinds != [duckdb.StatementType.SELECT]:
        raise QueryRefused("Only one SELECT runs here", hint="Nothing in the lake is ever changed by a query.")


@contextmanager
def _stopwatch(cursor: duckdb.DuckDBPyConnection, seconds: float) -> Iterator[None]:
    timer = threading.Timer(seconds, cursor.interrupt)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _translated(error: duckdb.Error, seconds: float) -> QueryError:
    """DuckDB's errors as ours, without the drawing of the place in a text that the user never wrote."""
    import duckdb

    if isinstance(error, duckdb.InterruptException):
        hint = "Narrow it to fewer partitions or columns, or raise limits.seconds."
        return LimitExceeded(f"The query took longer than {seconds:g} s and was stopped", hint=hint)
    if isinstance(error, duckdb.OutOfMemoryException):
        return LimitExceeded("The query needs more memory than there is", hint="Narrow it.")
    text = athena_words(_plain(str(error)))
    storage = duckdb.IOException, duckdb.SerializationException, duckdb.InternalException, duckdb.FatalException
    undecodable = type(error) is duckdb.Error or _DECODING.search(text)
    return StorageFault(text) if isinstance(error, storage) or undecodable else QueryError(text)


_DECODING = re.compile(r"parquet|snappy|zstd|gzip|brotli|lz4|decompress|page|thrift|corrupt", re.IGNORECASE)


def _plain(message: str) -> str:
    text = message.split("\n\nLINE ")[0].split("\nLINE ")[0].split("\nCandidate")[0]
    return " ".join(line.strip() for line in text.splitlines() if line.strip())
