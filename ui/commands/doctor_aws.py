"""What `de-copilot doctor` looks at in an AWS account: who asks, and each permission that the copilot needs.

Every call changes nothing and scans nothing. A refusal names the action that is missing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from knowledge.aws import calling, client
from tools.lake.aws.objects import Url
from ui.commands.checkup import Check, Examine, Patient
from ui.verdicts import count

__all__ = ["CHECKS"]


def _identity(name: str, patient: Patient) -> Iterator[Check]:
    sts = client("sts", region=patient.settings.aws.region, what="AWS")
    with calling("sts", "the AWS credentials", "AWS"):
        found = sts.get_caller_identity()
    yield Check(name, "ok", f"{found['Arn']} in {sts.meta.region_name}")


def _catalog(name: str, patient: Patient) -> Iterator[Check]:
    """glue:GetDatabases, glue:GetTables, glue:GetTable, glue:GetPartitions."""
    lake = patient.ws.lake
    tables = lake.tables()
    yield Check(name, "ok", f"{count(len({t.database for t in tables}), 'database')}, {count(len(tables), 'table')}")
    if tables:
        partitioned = next((t for t in tables if lake.table(str(t)).partition_keys), tables[0])
        parts = lake.partitions(str(partitioned))
        yield Check(name, "ok", f"{count(len(parts), 'partition')} of {partitioned}, files listed on S3")


def _glue_jobs(name: str, patient: Patient) -> Iterator[Check]:
    wanted = patient.settings.aws.glue_jobs
    if not wanted:
        yield Check(name, "ok", "not asked for (aws.glue_jobs is empty)")
        return
    glue = client("glue", region=patient.settings.aws.region, what="Glue")
    with calling("glue", "jobs", "the list of Glue jobs"):
        glue.get_jobs(MaxResults=1)
    yield Check(name, "ok", f"glue:GetJobs is allowed; read are {', '.join(wanted)}")


def _statistics(name: str, patient: Patient) -> Iterator[Check]:
    """glue:GetColumnStatisticsForTable, by which a table too large to scan is still told of."""
    lake = patient.ws.lake
    table = next((t for n in lake.tables() if (t := lake.table(str(n))).kind == "table" and t.columns), None)
    if table is None:
        yield Check(name, "ok", "no table to ask about")
        return
    glue = client("glue", region=patient.settings.aws.region, what="Glue")
    with calling("glue", str(table.name), f"the column statistics of {table.name}"):
        found = glue.get_column_statistics_for_table(
            DatabaseName=table.name.database, TableName=table.name.table, ColumnNames=[table.columns[0].name]
        )
    kept = "has" if found["ColumnStatisticsList"] else "has no"
    yield Check(name, "ok", f"glue:GetColumnStatisticsForTable is allowed; {table.name} {kept} statistics")


def _saved_queries(name: str, patient: Patient) -> Iterator[Check]:
    """athena:ListNamedQueries and BatchGetNamedQuery, where saved queries count as readers."""
    aws = patient.settings.aws
    if "athena" not in aws.readers:
        yield Check(name, "ok", "not asked for (aws.readers does not name athena)")
        return
    athena = client("athena", region=aws.region, what="Athena's saved queries")
    with calling("athena", aws.workgroup or "primary", "Athena's saved queries"):
        ids = athena.list_named_queries(WorkGroup=aws.workgroup or "primary", MaxResults=1)["NamedQueryIds"]
        if ids:
            athena.batch_get_named_query(NamedQueryIds=ids)
    yield Check(name, "ok", _allowed("athena:ListNamedQueries", "athena:BatchGetNamedQuery", bool(ids), "saved query"))


def _data_sets(name: str, patient: Patient) -> Iterator[Check]:
    """quicksight:ListDataSets and DescribeDataSet, where data sets count as readers."""
    from botocore.exceptions import ClientError

    aws = patient.settings.aws
    if "quicksight" not in aws.readers:
        yield Check(name, "ok", "not asked for (aws.readers does not name quicksight)")
        return
    with calling("sts", "the account", "QuickSight's data sets"):
        account = client("sts", region=aws.region, what="QuickSight's data sets").get_caller_identity()["Account"]
    quicksight = client("quicksight", region=aws.region, what="QuickSight's data sets")
    with calling("quicksight", account, "QuickSight's data sets"):
        listed = quicksight.list_data_sets(AwsAccountId=account, MaxResults=1)["DataSetSummaries"]
        for summary in listed:
            try:
                quicksight.describe_data_set(AwsAccountId=account, DataSetId=summary["DataSetId"])
            except ClientError as error:  # an uploaded file is not described to anybody: asking for it was allowed
                if error.response["Error"]["Code"] != "InvalidParameterValueException":
                    raise
    yield Check(name, "ok", _allowed("quicksight:ListDataSets", "quicksight:DescribeDataSet", bool(listed), "data set"))


def _allowed(first: str, second: str, tried: bool, what: str) -> str:
    """The second action can only be tried where there is something to ask it of."""
    return (
        f"{first} and {second} are allowed" if tried else f"{first} is allowed; there is no {what} to try {second} on"
    )


def _home(name: str, patient: Patient) -> Iterator[Check]:
    """s3:ListBucket and s3:GetObject."""
    home = str(patient.settings.aws.home)
    there = [f for f in ("dashboards.json", "kpis.json") if patient.ws.lake.read_text(f) is not None]
    files = patient.ws.lake.texts("docs")
    what = f"{home}: {' and '.join(there) or 'no dashboards.json, no kpis.json'}, {count(len(files), 'document')}"
    yield Check(name, "ok", what)


def _output(name: str, patient: Patient) -> Iterator[Check]:
    """s3:PutObject, by a write on a condition that cannot hold: allowed, it fails for that and for nothing else."""
    from botocore.exceptions import ClientError

    aws = patient.settings.aws
    place = Url.parse(aws.output) if aws.output else Url.parse(str(aws.home)) / "output"
    probe = place / ".de-copilot/never-written"
    s3 = client("s3", region=aws.region, what="S3")
    with calling("s3", str(place), "the output prefix"):
        try:
            s3.put_object(Bucket=probe.bucket, Key=probe.key, Body=b"", IfMatch='"00000000000000000000000000000000"')
        except ClientError as error:
            if error.response["Error"]["Code"] not in ("NoSuchKey", "PreconditionFailed", "404", "412"):
                raise
    yield Check(name, "ok", f"{place} can be written")


def _workgroup(name: str, patient: Patient) -> Iterator[Check]:
    """athena:GetWorkGroup, and what the workgroup bounds."""
    aws = patient.settings.aws
    group = aws.workgroup or "primary"
    athena = client("athena", region=aws.region, what="Athena")
    with calling("athena", f"workgroup {group}", "Athena"):
        found: Mapping[str, Any] = athena.get_work_group(WorkGroup=group)["WorkGroup"]
    stated = found.get("Configuration") or {}
    if found.get("State") == "DISABLED":
        yield Check(name, "fail", f"{group} is disabled", "Enable it, or name another one: aws.workgroup.")
        return
    cutoff = stated.get("BytesScannedCutoffPerQuery")
    if cutoff is None:
        todo = "Set BytesScannedCutoffPerQuery on it: the last guard, should an estimate be wrong."
        yield Check(name, "warn", f"{group} has no cutoff of scanned bytes", todo)
    else:
        yield Check(name, "ok", f"{group} stops a query at {cutoff:,} bytes")


def _query(name: str, patient: Patient) -> Iterator[Check]:
    """athena:StartQueryExecution, GetQueryExecution, GetQueryResults, and a place for results."""
    found = patient.ws.lake.query("SELECT 1 AS one")
    yield Check(name, "ok", f"Athena answered in {found.seconds:.1f} s, {found.bytes_scanned} bytes scanned")


def _records(name: str, patient: Patient) -> Iterator[Check]:
    """Reading of the record store; the analyses that write to it say what they may not."""
    patient.ws.store.get("JOB", "de-copilot-doctor")
    kept = patient.settings.records.store or f"{str(patient.settings.aws.home).rstrip('/')}/.de-copilot/records"
    yield Check(name, "ok", kept)


def _model(name: str, patient: Patient) -> Iterator[Check]:
    """bedrock:InvokeModel on the profile and its models, by asking for one token."""
    settings = patient.settings
    if not settings.model.startswith("bedrock:"):
        yield Check(name, "ok", f"{settings.model}; Bedrock is not used")
        return
    from agent.bedrock import open_bedrock

    one_token = settings.bedrock.model_copy(update={"max_tokens": 1})
    open_bedrock(settings.model.partition(":")[2], one_token).invoke("Say ok.")
    yield Check(name, "ok", f"{settings.model} answers")


def _embeddings(name: str, patient: Patient) -> Iterator[Check]:
    stated = patient.settings.documents.embeddings
    if stated.startswith("bedrock:"):
        from knowledge.titan import Titan

        Titan(stated.partition(":")[2], region=patient.settings.bedrock.region).embed(["ok"])
        yield Check(name, "ok", f"{stated} answers")
    else:
        yield Check(name, "ok", stated)


CHECKS: Mapping[str, Examine] = {
    "AWS identity": _identity,
    "Glue catalog": _catalog,
    "Glue jobs": _glue_jobs,
    "Glue statistics": _statistics,
    "saved queries": _saved_queries,
    "QuickSight": _data_sets,
    "home": _home,
    "output": _output,
    "Athena workgroup": _workgroup,
    "Athena query": _query,
    "records": _records,
    "model": _model,
    "embeddings": _embeddings,
}
