"""Every setting, read in one place: `copilot.toml`, then `DE_COPILOT_*` variables, then what a command was told.

    DE_COPILOT_MODEL=bedrock:team        is     model = "bedrock:team"
    DE_COPILOT_LIMITS_ROWS=50            is     [limits] rows = 50

Nothing else in the house looks at files or variables for settings. Secrets have no place here: AWS finds its own.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ByteSize, ConfigDict, Field, ValidationError

from knowledge.errors import ConfigError, NotFound
from knowledge.names import nearest
from tools.lake.base import Limits

__all__ = [
    "CONFIG_FILE",
    "AuditSettings",
    "AwsSettings",
    "BedrockSettings",
    "DocumentSettings",
    "JobSettings",
    "LambdaSettings",
    "LimitSettings",
    "PageSettings",
    "PrivacySettings",
    "RecordSettings",
    "Settings",
    "SeveritySettings",
    "load_settings",
]

CONFIG_FILE = "copilot.toml"
_PREFIX = "DE_COPILOT_"
_CONFIG_VARIABLE = f"{_PREFIX}CONFIG"


def _as_list(value: Any) -> Any:
    return [value] if isinstance(value, str) else value


Paths = Annotated[tuple[str, ...], BeforeValidator(_as_list), Field(min_length=1)]
"""One path or several; each a file, a folder or a pattern."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _as_names(value: Any) -> Any:
    """A variable holds one text: names in it are parted by commas."""
    return [name.strip() for name in value.split(",") if name.strip()] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], BeforeValidator(_as_names)]
S3Prefix = Annotated[str, Field(pattern=r"s3://[^/]+.*")]


class LimitSettings(_Section):
    """Bounds of one query, of all queries of a session on AWS, and of a chat: one tool call, and a whole answer. Bytes
    may be written `"10GB"`.
    """

    rows: int = Field(default=1_000, gt=0)
    bytes: ByteSize = Field(default=ByteSize(10 * 2**30), gt=0)
    seconds: float = Field(default=60.0, gt=0)
    session_bytes: ByteSize = Field(default=ByteSize(100 * 2**30), gt=0)
    tool_seconds: float = Field(default=120.0, gt=0)
    turn_seconds: float = Field(default=300.0, gt=0)


class AwsSettings(_Section):
    """The account that a lake is in, with `backend = "aws"`.

    Attributes:
        home: the S3 prefix that holds what a lake's folder would: dashboards.json, kpis.json, jobs/, docs/, output/.
        output: where `output/` is instead; another bucket, often.
        region: None: as the AWS settings say.
        databases: the Glue databases that count; none named: all.
        catalog: another account's Glue catalog id.
        workgroup: Athena's; None: "primary".
        results: an S3 prefix for Athena's results; None: as the workgroup says.
        reuse_minutes: how old a result may be that Athena gives again without scanning; 0: none is.
        glue_jobs: names or patterns (`*`) of Glue jobs whose scripts are read, besides those below `jobs.paths`.
        readers: services that are asked what reads the lake: "athena" (saved queries), "quicksight" (data sets).
    """

    home: S3Prefix | None = None
    output: S3Prefix | None = None
    region: str | None = Field(default=None, min_length=1)
    databases: Names = ()
    catalog: str | None = Field(default=None, min_length=1)
    workgroup: str | None = Field(default=None, min_length=1)
    results: S3Prefix | None = None
    reuse_minutes: int = Field(default=0, ge=0, le=10_080)
    glue_jobs: Names = ("*",)
    readers: Annotated[tuple[Literal["athena", "quicksight"], ...], BeforeValidator(_as_list)] = ()


class JobSettings(_Section):
    """Where job scripts are, from the lake's folder, and the arguments that jobs run with by default."""

    paths: Paths = ("jobs",)
    arguments: Mapping[str, Mapping[str, str]] = Field(default_factory=dict)


class TestSettings(_Section):
    """Folders of the lake with tests that a team has already, as dbt's YAML: they are proven and kept beside ours."""

    paths: Paths = ("models", "dbt")


Level = Literal["low", "medium", "high"]


class SeveritySettings(_Section):
    """How grave a reached thing is: what breaks, a dashboard or KPI that goes stale or whose values change, a job or
    table that goes stale, what does not expect a value, and the rest. `critical` names are high as soon as they are
    reached; what is more than `far` hops away counts one level less.
    """

    breaks: Level = "high"
    stale_consumer: Level = "high"
    values_consumer: Level = "medium"
    stale: Level = "medium"
    unexpected: Level = "medium"
    other: Level = "low"
    critical: Annotated[tuple[str, ...], BeforeValidator(_as_list)] = ()
    far: int | None = Field(default=None, ge=1)


class DocumentSettings(_Section):
    """Which folders of the lake hold documents, and the Chroma server of a team; None: an index on this machine.
    `embeddings` is "bundled", or "bedrock:<model>" such as bedrock:amazon.titan-embed-text-v2:0.
    """

    paths: Paths = ("docs", "output/docs", "output/contracts", "output/impact_reports", "output/kpi_reports")
    server: str | None = Field(default=None, min_length=1)
    embeddings: str = Field(default="bundled", pattern=r"bundled|bedrock:.+")


class RecordSettings(_Section):
    """Where records are kept: "sqlite" (a file beside the lake), "dynamodb:<table>" or "s3://<bucket>/<prefix>"; None:
    the file, and on AWS below `aws.home`. `spill` is the S3 prefix for bodies that a DynamoDB table has no room for.
    """

    store: str | None = Field(default=None, min_length=1)
    spill: str | None = Field(default=None, pattern="s3://.+")


class LambdaSettings(_Section):
    """The DynamoDB table in which Lambda functions remember events, so that a repeated one is answered once."""

    runs_table: str | None = Field(default=None, min_length=1)


class BedrockSettings(_Section):
    """How Bedrock is asked. `base_model` says which model an application inference profile's ARN leads to.

    Attributes:
        region: where; None: as the AWS settings say.
        guardrail: id or ARN of a guardrail that every question and answer passes.
        cache_prompts: whether the beginning of a conversation is cached, where the model can.
        read_seconds: the longest silence; `seconds` bounds a whole answer.
    """

    region: str | None = Field(default=None, min_length=1)
    base_model: str | None = Field(default=None, min_length=1)
    guardrail: str | None = Field(default=None, min_length=1)
    guardrail_version: str = Field(default="DRAFT", min_length=1)
    cache_prompts: bool = True
    max_tokens: int = Field(default=4_096, gt=0)
    read_seconds: float = Field(default=60.0, gt=0)
    seconds: float = Field(default=180.0, gt=0)


class AuditSettings(_Section):
    """The log of questions: one JSON line for each, with its tools and what they cost. `path` None: this user's state
    folder; `off`: none is kept, and no answer can be replayed.
    """

    path: Path | None = None
    off: bool = False


class PrivacySettings(_Section):
    """Values of personal columns: hidden from language models ("model"), from everybody ("always"), or from nobody.
    `columns` are patterns of further personal columns: "nickname", "crm_*.note".
    """

    mask: Literal["model", "always", "never"] = "model"
    columns: Names = ()


class PageSettings(_Section):
    """Who may see the chat page. `sign_in` is the file with an OpenID Connect provider's secrets, as Streamlit reads it;
    None: nobody has to sign in. `allowed` are patterns of e-mail addresses ("*@example.com"); none: all it knows.
    """

    sign_in: Path | None = None
    allowed: Names = ()


class Settings(_Section):
    """How one run is set up.

    Attributes:
        backend: where tables live: this machine, or an AWS account.
        lake: the lake's folder (local); on AWS the working folder of this machine.
        default_database: where a bare table name is looked up; None: the only one there is.
        model: "offline", or a chat model: "bedrock:<profile>", "<provider>:<model>".
        output: where reports go; None: `output/` in the lake.
        price_per_tb: dollars per 10^12 scanned bytes, for cost estimates.
        tables: tables outside the usual layout: name -> paths from the lake's folder.
        files: the configuration files that this came from, the last one first.
    """

    backend: Literal["local", "aws"] = "local"
    lake: Path = Path()
    default_database: str | None = Field(default=None, min_length=1)
    model: str = Field(default="offline", min_length=1)
    output: Path | None = None
    price_per_tb: float = Field(default=5.0, ge=0)
    limits: LimitSettings = LimitSettings()
    tables: Mapping[str, Paths] = Field(default_factory=dict)
    jobs: JobSettings = JobSettings()
    tests: TestSettings = TestSettings()
    severity: SeveritySettings = SeveritySettings()
    documents: DocumentSettings = DocumentSettings()
    aws: AwsSettings = AwsSettings()
    bedrock: BedrockSettings = BedrockSettings()
    records: RecordSettings = RecordSettings()
    lambdas: LambdaSettings = LambdaSettings()
    audit: AuditSettings = AuditSettings()
    privacy: PrivacySettings = PrivacySettings()
    page: PageSettings = PageSettings()
    files: tuple[Path, ...] = Field(default=(), exclude=True)

    @property
    def place(self) -> str:
        """What tells this lake from others: its folder, or its home on S3."""
        return str(self.aws.home if self.backend == "aws" else self.lake)

    @property
    def query_limits(self) -> Limits:
        """The limits as a lake takes them."""
        return Limits(self.limits.rows, int(self.limits.bytes), self.limits.seconds)


def load_settings(
    lake: Path | None = None,
    *,
    start: Path | None = None,
    environ: Mapping[str, str] | None = None,
    **overrides: Any,
) -> Settings:
    """The settings of a run.

    Later wins: the `copilot.toml` in the lake's folder; the nearest one upward from `start`; variables; `overrides`.
    Paths in a file count from that file, table and job paths from the lake.

    Args:
        lake: the lake's folder, as a command was told; then no folder above `start` is searched.
        start: where to search from; the working folder if not given.
        environ: variables; the process's own if not given.
        overrides: single settings by name, as a command was told; None means not told.

    Raises:
        ConfigError: a file or variable with a key or value that cannot be used; names it.
        NotFound: `DE_COPILOT_CONFIG` names a file that is not there.
    """
    start = (start or Path.cwd()).absolute()
    variables = dict(os.environ if environ is None else environ)
    layers = [_Layer({}, "the defaults", start)]
    if lake is None and (near := _nearest_file(start, variables)):
        layers.append(_read_file(near))
    layers.append(_from_variables(variables, start))
    told = {"lake": lake, **overrides}
    layers.append(_Layer({k: v for k, v in told.items() if v is not None}, "the command", start))
    folder = _resolve(layers)["lake"]
    own = Path(folder) / CONFIG_FILE
    if own.is_file() and all(layer.file is None or not layer.file.samefile(own) for layer in layers):
        layers.insert(1, _read_file(own))
    values = {**_resolve(layers), "lake": folder}
    return Settings(**values, files=tuple(layer.file for layer in reversed(layers) if layer.file))


class _Layer:
    """One source of settings, checked on its own so that a mistake is reported where it was made."""

    def __init__(self, values: dict[str, Any], source: str, base: Path, file: Path | None = None) -> None:
        self.base, self.file = base, file
        _check(values, source)
        self.values = {k: self._placed(k, v) for k, v in values.items()}

    def _placed(self, key: str, value: Any) -> Any:
        if isinstance(value, Mapping):
            placed = {k: self.base / Path(v).expanduser() for k, v in value.items() if (key, k) in _FILES}
            return {**value, **placed}
        return self.base / Path(value).expanduser() if key in ("lake", "output") else value


def _resolve(layers: list[_Layer]) -> dict[str, Any]:
    """All layers as one; within a section, key by key."""
    merged: dict[str, Any] = {"lake": layers[0].base}
    for layer in layers:
        for key, value in layer.values.items():
            both = isinstance(value, Mapping) and isinstance(merged.get(key), Mapping)
            merged[key] = {**merged[key], **value} if both else value
    return merged


def _check(values: dict[str, Any], source: str) -> None:
    try:
        Settings.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise ConfigError(_complaint(key, first), where=source, hint=_advice(first)) from error


def _complaint(key: str, error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return f"There is no setting {key!r}"
    return f"Setting {key!r} cannot be {error['input']!r}: {error['msg']}"


def _advice(error: Any) -> str | None:
    if error["type"] != "extra_forbidden":
        return None
    *section, wrong = (str(part) for part in error["loc"])
    known = _section(section)
    close = nearest(wrong, known, limit=1)
    return f"Did you mean {close[0]!r}?" if close else f"There are {', '.join(known)}."


def _section(path: list[str]) -> list[str]:
    model = _SECTIONS[path[0]] if path and path[0] in _SECTIONS else Settings
    return [name for name in model.model_fields if name != "files"]


def _nearest_file(start: Path, variables: Mapping[str, str]) -> Path | None:
    if stated := variables.get(_CONFIG_VARIABLE):
        file = start / Path(stated).expanduser()
        if not file.is_file():
            raise NotFound("Configuration file", str(file), hint=f"{_CONFIG_VARIABLE} names it.")
        return file
    return next((f / CONFIG_FILE for f in (start, *start.parents) if (f / CONFIG_FILE).is_file()), None)


def _read_file(file: Path) -> _Layer:
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{file.name} is not valid TOML: {error}", where=str(file)) from error
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{file.name} cannot be read: {error}", where=str(file)) from error
    if "files" in values:
        raise ConfigError("There is no setting 'files'", where=str(file))
    return _Layer(values, str(file), file.absolute().parent, file)


def _from_variables(variables: Mapping[str, str], base: Path) -> _Layer:
    values: dict[str, Any] = {}
    for name, text in variables.items():
        if not name.startswith(_PREFIX) or name == _CONFIG_VARIABLE or text == "":
            continue
        path = _variables().get(name)
        if path is None:
            close = nearest(name, _variables(), limit=1)
            hint = f"Did you mean {close[0]}?" if close else None
            raise ConfigError(f"There is no variable {name}", where="environment", hint=hint)
        section = values.setdefault(path[0], {}) if len(path) == 2 else values
        section[path[-1]] = text
    return _Layer(values, "environment", base)


def _variables() -> dict[str, tuple[str, ...]]:
    """Variable name -> setting. Tables and job arguments are too much for a variable."""
    return {_PREFIX + "_".join(path).upper(): path for path in _single_values()}


def _single_values() -> Iterator[tuple[str, ...]]:
    for name in Settings.model_fields:
        if name in _SECTIONS:
            yield from ((name, inner) for inner in _SECTIONS[name].model_fields if inner not in _LISTS)
        elif name not in ("tables", "files"):
            yield (name,)


_SECTIONS: Mapping[str, type[BaseModel]] = {
    "limits": LimitSettings,
    "jobs": JobSettings,
    "severity": SeveritySettings,
    "documents": DocumentSettings,
    "aws": AwsSettings,
    "bedrock": BedrockSettings,
    "records": RecordSettings,
    "lambdas": LambdaSettings,
    "audit": AuditSettings,
    "privacy": PrivacySettings,
    "page": PageSettings,
}
_FILES = frozenset({("audit", "path"), ("page", "sign_in")})
_LISTS = frozenset({"paths", "arguments", "critical"})
