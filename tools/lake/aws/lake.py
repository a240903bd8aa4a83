"""A lake in an AWS account, behind the protocol of base.py: Glue's names, Athena's answers, S3's files.

It puts the pieces beside it in order and keeps the bounds: bytes and rows and time of a query, bytes of a session. The
guard, the dialect and the refusals are those of a lake in a folder, so that both refuse the same things.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any, Literal

from sqlglot import exp

from knowledge.errors import ConfigError, CopilotError, LimitExceeded
from tools.lake.aws.athena import Athena
from tools.lake.aws.costs import Costs
from tools.lake.aws.glue import GlueCatalog
from tools.lake.aws.objects import LakeObjects, Objects, Url
from tools.lake.aws.readers import readers_of
from tools.lake.aws.statistics import known
from tools.lake.base import (
    JobSource,
    Limits,
    Partition,
    Problem,
    QueryResult,
    StatedReader,
    Table,
    TableName,
    TableStatistics,
    TextFile,
)
from tools.lake.dialect import Prepared, bind, prepare
from tools.lake.guard import check, parse_athena
from tools.lake.scripts import language_of
from tools.lake.trino.grammar import DIALECT
from tools.lake.trino.outputs import cap_rows, name_outputs
from tools.settings import Settings

__all__ = ["AwsLake", "open_lake"]


def open_lake(settings: Settings) -> AwsLake:
    """The account's lake that the settings name. Nothing is asked of AWS until it is used.

    Raises ConfigError when no home is named.
    """
    aws = settings.aws
    if not aws.home:
        hint = 'Say where dashboards.json, jobs/ and output/ are: aws.home = "s3://<bucket>/<prefix>".'
        raise ConfigError("The lake on AWS has no home", hint=hint)
    return AwsLake(settings)


class AwsLake:
    """Safe to use from several threads."""

    def __init__(self, settings: Settings) -> None:
        aws = settings.aws
        self.limits = settings.query_limits
        self._settings = settings
        self._problems: dict[Problem, None] = {}
        self._catalog = GlueCatalog(
            databases=aws.databases,
            default_database=settings.default_database,
            catalog=aws.catalog,
            region=aws.region,
            report=self._report,
        )
        objects = Objects(aws.region)
        home = Url.parse(str(aws.home))
        self._files = LakeObjects(objects, home, Url.parse(aws.output) if aws.output else home / "output")
        self._costs = Costs(self._catalog, objects)
        self._opened: Athena | None = None
        self._spent, self._lock = 0, Lock()

    @property
    def default_database(self) -> str:
        """See `Lake`; the only database there is when none was stated."""
        return self._catalog.default_database

    @property
    def spent(self) -> int:
        """Bytes that queries of this session scanned, as Athena counted them."""
        return self._spent

    def tables(self) -> Sequence[TableName]:
        """See `Lake.tables`. A database that may not be listed is a problem, and the others are there."""
        return self._catalog.names()

    def table(self, name: str) -> Table:
        """See `Lake.table`."""
        return self._catalog.table(name)

    def versions(self, name: str) -> Sequence[tuple[str, Table]]:
        """A table's schemas over time as Glue kept them, newest first: version id and table.

        Raises as `table` does.
        """
        return self._catalog.versions(name)

    def partitions(self, name: str) -> Sequence[Partition]:
        """See `Lake.partitions`; rows are not known from a listing."""
        return self._costs.partitions(name)

    def statistics(self, name: str) -> TableStatistics | None:
        """See `Lake.statistics`: footers of few files, else what Iceberg and Glue noted."""
        return known(self._catalog, self._costs, self._costs.objects, self._catalog.table(name), self._report)

    def query(self, sql: exp.Expr | str, parameters: Sequence[Any] = (), limits: Limits | None = None) -> QueryResult:
        """See `Lake.query`. `bytes_scanned` and `query_id` are Athena's own.

        No query may scan more than the settings allow, whatever its caller says.

        Raises:
            QueryRefused, LimitExceeded, QueryError: as the protocol says.
            NotFound, Ambiguous: a table in it.
            ConfigError: an action that it needs is not allowed; names it.
            Unavailable: a service did not answer.
        """
        limits, started = limits or self.limits, time.monotonic()
        tree = parse_athena(sql if isinstance(sql, str) else sql.sql("athena", comments=False))
        check(tree)
        tree = bind(tree, parameters)
        prepared = prepare(tree, self.table)
        self._hold(self._costs.estimate(prepared), min(limits.bytes, self.limits.bytes))
        text = cap_rows(name_outputs(prepared.tree.copy()), limits.rows + 1).sql(DIALECT, comments=False)
        ran = self._athena.run(text, rows=limits.rows + 1, seconds=limits.seconds, hints=_hints(prepared))
        with self._lock:
            self._spent += ran.bytes_scanned
        return QueryResult(
            columns=ran.columns,
            types=ran.types,
            rows=ran.rows[: limits.rows],
            sql=tree.sql(DIALECT, comments=False),
            query_id=ran.query_id,
            bytes_scanned=ran.bytes_scanned,
            seconds=time.monotonic() - started,
            more=len(ran.rows) > limits.rows,
        )

    def explain(self, sql: str, kind: Literal["VALIDATE", "LOGICAL", "DISTRIBUTED", "IO"] = "VALIDATE") -> str:
        """What Athena itself says of a statement without running it: `EXPLAIN (TYPE …)`, which scans nothing.

        Raises as `query` does.
        """
        tree = parse_athena(sql)
        check(tree)
        prepared = prepare(tree, self.table)
        asked = f"(TYPE {kind}) {prepared.tree.sql(DIALECT, comments=False)}"
        text = exp.Command(this="EXPLAIN", expression=asked).sql(DIALECT)
        ran = self._athena.run(text, rows=1_000, seconds=self.limits.seconds)
        return "\n".join(str(row[0]) for row in ran.rows)

    def jobs(self) -> Sequence[JobSource]:
        """See `Lake.jobs`: Glue jobs by their scripts, scripts below the job paths, and views as what writes them."""
        found: dict[str, JobSource] = {}
        paths = set()
        for job in self._glue_jobs():
            found[job.name] = job
            paths.add(job.path)
        for script in self._scripts():
            if script.path not in paths:
                found.setdefault(script.name, script)
        for name, sql in self._catalog.views():
            view = exp.table_(name.table, db=name.database, quoted=True).sql(DIALECT)
            found.setdefault(
                f"view {name}", JobSource(f"view {name}", f"glue://{name}", f"CREATE VIEW {view} AS\n{sql}", "sql")
            )
        return [found[name] for name in sorted(found)]

    def readers(self) -> Sequence[StatedReader]:
        """What reads the lake and is kept by the services that `aws.readers` names: saved queries, data sets."""
        aws = self._settings.aws
        return readers_of(aws.readers, workgroup=aws.workgroup, region=aws.region, report=self._report)

    def read_text(self, path: str) -> str | None:
        """See `Lake.read_text`."""
        return self._files.read(path)

    def texts(self, folder: str) -> Sequence[TextFile]:
        """See `Lake.texts`; the version is the object's ETag."""
        return self._files.below(folder)

    def write_text(self, path: str, text: str) -> str:
        """See `Lake.write_text`: one PUT, whole or not at all."""
        return self._files.write(path, text)

    def problems(self) -> Sequence[Problem]:
        """See `Lake.problems`."""
        return tuple(self._problems)

    def forget(self) -> None:
        """Tables, partitions and files are looked up again when they are next asked for."""
        self._catalog.forget()
        self._costs.forget()

    def _hold(self, cost: int, most: int) -> None:
        if cost > most:
            price = cost / 10**12 * self._settings.price_per_tb
            raise LimitExceeded(
                f"The query would scan about {cost:,} bytes (${price:,.2f}); the limit is {most:,}",
                hint="Filter on a partition column, name fewer columns, or raise limits.bytes.",
            )
        session = int(self._settings.limits.session_bytes)
        if self._spent + cost > session:
            raise LimitExceeded(
                f"The query would scan about {cost:,} bytes; of this session's {session:,} are {self._spent:,} spent",
                hint="Start another session, or raise limits.session_bytes.",
            )

    @property
    def _athena(self) -> Athena:
        with self._lock:
            if self._opened is None:
                aws = self._settings.aws
                self._opened = Athena(
                    database=self.default_database,
                    workgroup=aws.workgroup,
                    results=aws.results,
                    reuse_minutes=aws.reuse_minutes,
                    region=aws.region,
                )
            return self._opened

    def _glue_jobs(self) -> list[JobSource]:
        try:
            stated = self._catalog.jobs(self._settings.aws.glue_jobs)
        except ConfigError as error:
            self._report(Problem("jobs", error.where or "Glue", error.message))
            return []
        found = []
        for job in stated:
            arguments = {**job.arguments, **self._settings.jobs.arguments.get(job.name, {})}
            try:
                url = Url.parse(job.script)
                source = self._source(job.name, url, arguments)
            except CopilotError as error:
                self._report(Problem(f"job {job.name}", job.script, error.message))
                continue
            if source is None:
                self._report(Problem(f"job {job.name}", job.script, "its script is not there"))
            else:
                found.append(source)
        return found

    def _scripts(self) -> list[JobSource]:
        """Scripts below the job paths; one that shares its name with another is called by its path."""
        urls = sorted({url for path in self._settings.jobs.paths for url in self._script_urls(path)}, key=str)
        stems = [_stem(url) for url in urls]
        found = []
        for url, stem in zip(urls, stems, strict=True):
            told = self._files.told(url)
            name = stem if stems.count(stem) == 1 else told.rpartition(".")[0]
            try:
                source = self._source(name, url, self._settings.jobs.arguments.get(name, {}))
            except CopilotError as error:
                self._report(Problem(f"job {name}", told, error.message))
                continue
            if source is not None:
                found.append(source)
        return found

    def _script_urls(self, path: str) -> list[Url]:
        place = Url.parse(path) if "://" in path else self._files.home / path
        if language_of(place.key):
            return [place]
        start = Url(place.bucket, f"{place.key.rstrip('/')}/")
        try:
            stored = [s.url for s in self._files.objects.below(start) if language_of(s.url.key)]
        except ConfigError as error:
            self._report(Problem("jobs", str(start), error.message))
            return []
        return [u for u in stored if not any(p.startswith((".", "__")) for p in u.key[len(start.key) :].split("/"))]

    def _source(self, name: str, url: Url, arguments: Mapping[str, str]) -> JobSource | None:
        body = self._files.objects.read(url)
        if body is None:
            return None
        try:
            text = body.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise ConfigError("it is not UTF-8 text") from None
        return JobSource(name, self._files.told(url), text, language_of(url.key) or "python", arguments)

    def _report(self, problem: Problem) -> None:
        self._problems[problem] = None


def _hints(prepared: Prepared) -> dict[str | int, str]:
    """Types of nested output columns, which Athena's answer does not tell in full."""
    query = prepared.twin
    while isinstance(query, exp.SetOperation | exp.Subquery):
        query = query.this
    if not isinstance(query, exp.Select):
        return {}
    return {
        number: item.type.sql(DIALECT).lower()
        for number, item in enumerate(query.expressions)
        if item.type is not None and item.type.is_type(*exp.DataType.NESTED_TYPES) and item.type.expressions
    }


def _stem(url: Url) -> str:
    return url.key.rpartition("/")[2].rpartition(".")[0]
