"""A table's kept tests as files of other tools: dbt, Great Expectations, Soda, AWS Glue Data Quality."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal

from knowledge.errors import ConfigError, NotFound
from tools.checks.formats import dbt, dqdl, gx, house, soda
from tools.checks.formats.rules import Exported
from tools.checks.suite import Suite, saved
from tools.lake.base import Column, Table
from tools.profile.batches import cut
from tools.result import Draft, Evidence, counted

if TYPE_CHECKING:
    from tools.checks.model import Check
    from tools.workspace import Workspace

__all__ = ["FORMATS", "Format", "TestFiles", "export_tests", "with_files"]

Format = Literal["dbt", "gx", "soda", "dqdl"]
_Export = Callable[["Sequence[Check]", Table, tuple[Column, ...], str], Exported]
FORMATS: Mapping[str, tuple[str, _Export]] = {
    "dbt": ("dbt", dbt.export),
    "gx": ("Great Expectations", gx.export),
    "soda": ("Soda", soda.export),
    "dqdl": ("AWS Glue Data Quality", lambda checks, table, keys, _: dqdl.export(checks, table, keys)),
}
"""Name -> what the tool is called, and what makes its file. Glue's SQL is always Spark's."""


@dataclass(frozen=True)
class TestFiles:
    """Files of other tools that test what a table's own file tests."""

    __test__ = False  # pytest takes a class of this name for tests
    kind = "test_files"
    table: str
    source: str
    files: tuple[tuple[str, Exported], ...]
    drafts: tuple[Draft, ...]

    @property
    def evidence(self) -> Sequence[Evidence]:
        """Where the tests come from."""
        return (Evidence("files", self.source, self.table),)

    @property
    def unknowns(self) -> Sequence[str]:
        """Tests that a tool cannot say."""
        return tuple(
            f"{FORMATS[name][0]} does not get {left.check.id}: {left.why}"
            for name, exported in self.files
            for left in exported.left
        )

    def text(self) -> str:
        """How many tests each file has, what it leaves out, and how it is run."""
        bare = self.table.rpartition(".")[2]
        lines = [
            f"- **{FORMATS[name][0]}**: {counted(exported.rules, 'test')} in `output/{exported.path}`"
            + (f", {counted(len(exported.left), 'test')} left out" if exported.left else "")
            for name, exported in self.files
        ]
        told = "\n".join(f"- {u}" for u in self.unknowns)
        parts = [f"The tests of `{bare}` for other tools, from `{self.source}`:", "\n".join(lines)]
        if told:
            parts.append(f"**Left out**\n{told}")
        parts.append(
            "Bounds that follow earlier batches are written down as they are today, and that a new value is a known one "
            "misspelled is told by `de-copilot check` only."
        )
        return "\n\n".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """As `--json` shows it."""
        return {
            "table": self.table,
            "source": self.source,
            "files": [
                {
                    "format": name,
                    "path": exported.path,
                    "tests": exported.rules,
                    "left_out": [{"id": left.check.id, "why": left.why} for left in exported.left],
                }
                for name, exported in self.files
            ],
            "drafts": [d.to_dict() for d in self.drafts],
            "unknowns": list(self.unknowns),
        }


def with_files(ws: Workspace, suite: Suite, formats: Sequence[str], *, dialect: str = "athena") -> Suite:
    """Tests that were just made, with their files for other tools among the drafts. Raises as `export_tests` does."""
    files = export_tests(ws, suite.table, formats, dialect=dialect, file=suite.file)
    return replace(suite, other_tools=files, drafts=(*suite.drafts, *files.drafts))


def export_tests(
    ws: Workspace,
    table: str,
    formats: Sequence[str],
    *,
    dialect: str = "athena",
    file: house.CheckFile | None = None,
) -> TestFiles:
    """The tests of a table's file for other tools. Nothing is written: the result carries drafts.

    Args:
        formats: some of `FORMATS`.
        dialect: the SQL of the warehouse that dbt, Great Expectations or Soda asks, by sqlglot's name.
        file: the tests, where they are not kept yet.

    Raises:
        NotFound: no such table, or no file of tests for it.
        Ambiguous: several tables of that name.
        ConfigError: the file cannot be read, or there is no such format or dialect.
    """
    from sqlglot import Dialect

    if dialect.lower() not in Dialect.classes:
        raise ConfigError(f"{dialect!r} is no SQL dialect", hint="For example athena, duckdb, snowflake, bigquery.")
    unknown = [f for f in formats if f not in FORMATS]
    if unknown:
        raise ConfigError(f"{unknown[0]!r} is no format", hint=f"There are: {', '.join(FORMATS)}.")
    name = ws.assets.find(table, ["table"]).name
    source = f"output/{house.path_of(name, ws.lake.default_database)}"
    file = file or saved(ws, name)
    if file is None:
        raise NotFound("File of tests", source, hint=f"Make it: de-copilot tests {name.rpartition('.')[2]}.")
    batches = cut(ws.lake, name)
    checks = [k.check for k in file.checks]
    made = [(f, FORMATS[f][1](checks, batches.table, batches.keys, dialect.lower())) for f in formats]
    drafts = [Draft(exported.path, exported.text) for _, exported in made]
    if "dbt" in formats:
        drafts.append(Draft(dbt.MACROS_PATH, dbt.macros()))
    return TestFiles(name, source, tuple(made), tuple(drafts))
