"""OpenLineage out: what a job does, as a static JobEvent with column lineage, built with OpenLineage's own classes.

Tables are named as OpenLineage's naming rules want them: Glue tables in `arn:aws:glue:…` or the given namespace as
`table/database/name`, S3 paths as `s3://bucket` + key.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from tools.jobs import JobReading
from tools.plan.catalog import Catalog, is_path
from tools.plan.lineage import OPENLINEAGE, Edge

if TYPE_CHECKING:
    from openlineage.client.event_v2 import JobEvent

    from tools.lineage import LineageResult
    from tools.workspace import Workspace

__all__ = ["events_of", "job_event", "to_json"]

PRODUCER = "urn:de-copilot:reader"


def job_event(
    reading: JobReading,
    *,
    catalog: Catalog | None = None,
    namespace: str = "de-copilot",
    at: datetime | None = None,
) -> JobEvent:
    """A JobEvent (lineage known from code, not from a run) for one reading.

    Args:
        catalog: adds a schema facet to data sets that it knows.
        namespace: of the job and of tables without one of their own.
        at: event time; now by default.
    """
    from openlineage.client.event_v2 import InputDataset, Job, JobEvent, OutputDataset
    from openlineage.client.facet_v2 import job_type_job, set_producer, source_code_location_job

    set_producer(PRODUCER)
    outputs = [
        OutputDataset(
            *_named(name, namespace),
            facets={**_schema(name, catalog), "columnLineage": _lineage(reading, name, namespace)},
        )
        for name in reading.writes
    ]
    facets = {
        "jobType": job_type_job.JobTypeJobFacet(
            processingType="BATCH", integration="SPARK" if reading.language == "python" else "SQL", jobType="JOB"
        ),
        "sourceCodeLocation": source_code_location_job.SourceCodeLocationJobFacet(
            type="file", url=f"file:{reading.file}", version=reading.code_hash
        ),
    }
    return JobEvent(
        eventTime=(at or datetime.now(UTC)).isoformat(),
        producer=PRODUCER,
        job=Job(namespace, reading.name, facets=facets),
        inputs=[InputDataset(*_named(n, namespace), facets=_schema(n, catalog)) for n in reading.inputs],
        outputs=outputs,
    )


def events_of(ws: Workspace, result: LineageResult) -> list[dict[str, Any]]:
    """One event for each job that a lineage passes, in the form that the API takes."""
    passed = [result.asset, *(r.node for r in result.reached)]
    named = [n.name for n in passed if n.kind == "job"] + [link.via for _, _, link in result.edges if link.via]
    jobs = dict.fromkeys(name for name in named if name in ws.readings)
    return [to_json(job_event(ws.readings[name], catalog=ws.catalog)) for name in jobs]


def to_json(event: JobEvent) -> dict[str, Any]:
    """The event as the API takes it."""
    from openlineage.client.serde import Serde

    return dict(Serde.to_dict(event))


def _named(name: str, namespace: str) -> tuple[str, str]:
    scheme, slashes, rest = name.partition("://")
    if is_path(name) and slashes:
        bucket, _, key = rest.partition("/")
        return f"{scheme}://{bucket}", key or "/"
    return namespace, name


def _schema(name: str, catalog: Catalog | None) -> dict[str, Any]:
    from openlineage.client.facet_v2 import schema_dataset

    known = catalog.columns(name) if catalog is not None else None
    if not known:
        return {}
    fields = [schema_dataset.SchemaDatasetFacetFields(name=n, type=t) for n, t in known]
    return {"schema": schema_dataset.SchemaDatasetFacet(fields=fields)}


def _lineage(reading: JobReading, target: str, namespace: str) -> Any:
    from openlineage.client.facet_v2 import column_lineage_dataset as facet

    into = [e for e in reading.edges if e.target == target]
    columns = list(dict.fromkeys(e.target_column for e in into if e.target_column is not None))
    fields: Mapping[str, Any] = {
        c: facet.Fields(inputFields=_inputs((e for e in into if e.target_column == c), namespace)) for c in columns
    }
    whole = _inputs((e for e in into if e.target_column is None), namespace)
    return facet.ColumnLineageDatasetFacet(fields=dict(fields), dataset=whole)


def _inputs(edges: Iterable[Edge], namespace: str) -> list[Any]:
    """Input fields; several roles of one column are several transformations of one field."""
    from openlineage.client.facet_v2 import column_lineage_dataset as facet

    found: dict[tuple[str, str], list[Any]] = {}
    for edge in edges:
        kind = OPENLINEAGE[edge.role][0]
        step = facet.Transformation(type=kind, subtype=edge.subtype, description=edge.expression, masking=False)
        found.setdefault((edge.source, edge.source_column), []).append(step)
    return [
        facet.InputField(*_named(source, namespace), field=column, transformations=steps)
        for (source, column), steps in found.items()
    ]
