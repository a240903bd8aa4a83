"""Every kind of record store, each new and empty: what the conformance suite runs over."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import boto3

from knowledge.store import RecordStore, open_store

__all__ = ["KINDS", "Maker", "maker"]

KINDS = ("sqlite", "s3", "dynamodb")
Maker = Callable[[], RecordStore]
"""Opens one and the same store again, as another process would."""

_numbers = itertools.count()


def maker(kind: str, folder: Path) -> Maker:
    """A new, empty store of that kind, to be opened as often as wanted."""
    number = next(_numbers)
    if kind == "sqlite":
        return lambda: open_store("sqlite", beside=folder / str(number))
    bucket = f"records-{number}"
    boto3.client("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    if kind == "s3":
        return lambda: open_store(f"s3://{bucket}/knowledge", beside=folder)
    boto3.client("dynamodb").create_table(
        TableName=bucket,
        BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[
            {"AttributeName": "pk", "AttributeType": "S"},
            {"AttributeName": "sk", "AttributeType": "S"},
        ],
    )
    return lambda: open_store(f"dynamodb:{bucket}", beside=folder, spill=f"s3://{bucket}/spill")
