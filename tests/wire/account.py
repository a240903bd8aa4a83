"""A folder lake put into an account: files to S3, tables to Glue, scripts as Glue jobs, an Athena workgroup.

    with Services() as aws:
        variables = load(root, bucket="lake")

It speaks to AWS as anybody would, through boto3 and the environment.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
from sqlglot import exp

from tools.lake.base import Column, Table
from tools.lake.local import LocalLake, open_lake
from tools.settings import load_settings

__all__ = ["load", "load_table"]

_PARQUET = "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe"


def load(
    root: Path,
    *,
    bucket: str,
    results: str = "results",
    glue_jobs: bool = True,
    progress: Callable[[str], None] = lambda _: None,
) -> dict[str, str]:
    """Copies a lake into the account and returns the variables with which the product finds it there."""
    region = boto3.Session().region_name or "eu-central-1"
    s3: Any = boto3.client("s3")
    for name in (bucket, results):
        s3.create_bucket(Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
    lake = open_lake(load_settings(lake=root, environ={}))
    for file in sorted(p for p in root.rglob("*") if p.is_file()):
        path = file.relative_to(root)
        if not any(part.startswith((".", "output")) for part in path.parts):
            s3.upload_file(str(file), bucket, f"lake/{path.as_posix()}")
    glue: Any = boto3.client("glue")
    for database in sorted({t.database for t in lake.tables()}):
        glue.create_database(DatabaseInput={"Name": database})
    for table in lake.tables():
        progress(f"table {table}")
        load_table(lake, str(table), f"s3://{bucket}/lake")
    if glue_jobs:
        for job in lake.jobs():
            glue.create_job(
                Name=job.name,
                Role="arn:aws:iam::123456789012:role/glue",
                Command={"Name": "glueetl", "ScriptLocation": f"s3://{bucket}/lake/{job.path}"},
                DefaultArguments={
                    **{f"--{k}": v for k, v in job.arguments.items()},
                    "--job-language": "python",
                    "--enable-metrics": "true",
                },
            )
    athena: Any = boto3.client("athena")
    athena.create_work_group(
        Name="de-copilot",
        Configuration={
            "EnforceWorkGroupConfiguration": True,
            "BytesScannedCutoffPerQuery": 10 * 2**30,
            "ResultConfiguration": {"OutputLocation": f"s3://{results}/athena/"},
        },
    )
    return {
        "DE_COPILOT_BACKEND": "aws",
        "DE_COPILOT_AWS_HOME": f"s3://{bucket}/lake",
        "DE_COPILOT_AWS_WORKGROUP": "de-copilot",
    }


def load_table(lake: LocalLake, name: str, home: str) -> None:
    """Registers one table whose files are on S3 already."""
    glue: Any = boto3.client("glue")
    table = lake.table(name)
    location = f"{home}/{Path(str(table.location)).relative_to(lake.root).as_posix()}"
    keys = [k.name for k in table.partition_keys]
    glue.create_table(DatabaseName=table.name.database, TableInput=_table_input(table, location))
    parts = [p for p in lake.partitions(name) if p.values] if keys else []
    for start in range(0, len(parts), 100):
        glue.batch_create_partition(
            DatabaseName=table.name.database,
            TableName=table.name.table,
            PartitionInputList=[
                {
                    "Values": [p.values[k] for k in keys],
                    "StorageDescriptor": _storage(
                        table, f"{home}/{Path(p.files[0]).parent.relative_to(lake.root).as_posix()}/"
                    ),
                }
                for p in parts[start : start + 100]
            ],
        )


def _table_input(table: Table, location: str) -> dict[str, Any]:
    return {
        "Name": table.name.table,
        "TableType": "EXTERNAL_TABLE",
        "Description": table.description or "",
        "Parameters": {"classification": table.format or "parquet"},
        "PartitionKeys": [_column(k) for k in table.partition_keys],
        "StorageDescriptor": _storage(table, location),
    }


def _storage(table: Table, location: str) -> dict[str, Any]:
    return {
        "Columns": [_column(c) for c in table.columns if not c.is_partition],
        "Location": location,
        "SerdeInfo": {"SerializationLibrary": _PARQUET},
    }


def _column(column: Column) -> dict[str, str]:
    hive = exp.DataType.build(column.type, dialect="athena").sql("hive").lower().replace(": ", ":").replace(", ", ",")
    return {"Name": column.name, "Type": hive, **({"Comment": column.comment} if column.comment else {})}
