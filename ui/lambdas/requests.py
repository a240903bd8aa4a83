"""What a function may be asked, checked: a mistake is named by its field, and an unknown field is one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from knowledge.errors import InputError
from knowledge.names import nearest

__all__ = ["AnalyzeRequest", "ImpactRequest", "ListRequest", "SimulateRequest", "checked"]

Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=255)]
Script = Annotated[str, StringConstraints(strip_whitespace=True, pattern=r".+\.(py|sql)$", max_length=1024)]
"""A job script: s3://bucket/key, or a path in the lake."""


class _Request(BaseModel):
    """`idempotency_key`: calls with the same one are one call, whatever else they say."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    idempotency_key: str | None = Field(default=None, min_length=1, max_length=255)


class AnalyzeRequest(_Request):
    """A table; or, from a job's run, every table that the job writes."""

    glue_database: Name | None = None
    table_name: Name | None = None
    job_name: Name | None = None
    job_script_s3_path: Script | None = None


class ImpactRequest(_Request):
    """A job, as it is or as an edit makes it; or a table, whose columns are compared with those it had before."""

    job_name: Name | None = None
    new_job_script_s3_path: Script | None = None
    glue_database: Name | None = None
    table_name: Name | None = None


class SimulateRequest(_Request):
    """KPIs under a job's edit; without one, under what changed since its last snapshot.

    `kpis`: only these; every KPI if not given. `simulation_id` goes on with one that a call before has begun.
    """

    job_name: Name
    new_job_script_s3_path: Script | None = None
    days: int = Field(default=90, ge=1, le=3_660)
    kpis: Annotated[tuple[Name, ...], Field(min_length=1)] | None = None
    simulation_id: Name | None = None


class ListRequest(_Request):
    """Which tables: of one database, or all."""

    glue_database: Name | None = None


R = TypeVar("R", bound=_Request)


def checked(kind: type[R], data: Mapping[str, Any]) -> R:
    """The request. Raises InputError that names the field and says what it takes."""
    try:
        return kind.model_validate(dict(data))
    except ValidationError as error:
        first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"]) or "event"
    fields = [name for name in kind.model_fields if name != "idempotency_key"]
    if first["type"] == "extra_forbidden":
        close = nearest(field, fields, limit=1)
        hint = f"Did you mean {close[0]!r}?" if close else f"There are {', '.join(fields)}."
        raise InputError(f"there is no field {field!r}", where=field, hint=hint)
    if first["type"] == "missing":
        raise InputError(f"field {field!r} is missing", where=field, hint=f"There are {', '.join(fields)}.")
    raise InputError(f"field {field!r} cannot be {first['input']!r}: {first['msg'].lower()}", where=field)
