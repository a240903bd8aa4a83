"""The record store: one protocol, kept in a file beside the lake, in a DynamoDB table, or as JSON objects on S3.

sqlite                      `.de-copilot/records.sqlite` beside the lake
dynamodb:<table>            for a team: many writers at once; bodies over 400 KB go to an S3 prefix
s3://<bucket>/<prefix>      readable JSON objects, no table needed; writers take turns
"""

from __future__ import annotations

from pathlib import Path

from knowledge.errors import ConfigError
from knowledge.store.base import Known, RecordStore
from knowledge.store.sqlite import SqliteStore

__all__ = ["Known", "RecordStore", "SqliteStore", "open_store"]


def open_store(where: str, *, beside: Path, spill: str | None = None) -> RecordStore:
    """The store that a setting names. Nothing is read or asked until it is used.

    Args:
        where: "sqlite", "dynamodb:<table>" or "s3://<bucket>/<prefix>".
        beside: the lake's folder, for the file.
        spill: an S3 prefix for bodies that DynamoDB has no room for.

    Raises ConfigError for any other text.
    """
    if where == "sqlite":
        return SqliteStore(beside / ".de-copilot" / "records.sqlite")
    if where.startswith("s3://"):
        from knowledge.store.s3 import S3Shelf
        from knowledge.store.shelf import ShelfStore

        return ShelfStore(S3Shelf(where))
    provider, _, table = where.partition(":")
    if provider == "dynamodb" and table:
        from knowledge.store.dynamodb import DynamoShelf
        from knowledge.store.s3 import S3Shelf
        from knowledge.store.shelf import ShelfStore

        return ShelfStore(DynamoShelf(table, S3Shelf(spill) if spill else None))
    raise ConfigError(
        f"record store {where!r} is not known", hint="Say sqlite, dynamodb:<table> or s3://<bucket>/<prefix>."
    )
